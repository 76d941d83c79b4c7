"""The kit finds nothing wrong with an honest connector."""

from tests.tiny_system import TinyKit


class TestTiny(TinyKit):
    """The tiny connector passes all of it."""

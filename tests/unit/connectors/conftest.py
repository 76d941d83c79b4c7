"""A timer whose time is its own, for the connectors' kit."""

import pytest

from tallystick.testing.timing import FakeTimer


@pytest.fixture
def timer():
    """A timer that waits no real time."""
    return FakeTimer()

"""A timer whose time is its own, for the connectors' kit."""

import pytest

from tallystick.connectors import Timer


class FakeTimer(Timer):
    """Moves its own time by waiting; keeps every wait."""

    def __init__(self):
        super().__init__()
        self.time = 1000.0
        self.waits = []

    def now(self):
        """Give its own time."""
        return self.time

    def wait(self, seconds):
        """Wait no real time."""
        super().wait(0)
        self.waits.append(seconds)
        self.time += max(seconds, 0)


@pytest.fixture
def timer():
    """A timer that waits no real time."""
    return FakeTimer()

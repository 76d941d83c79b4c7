"""A timer for tests of connectors: its time is its own, so that nothing is waited for."""

from __future__ import annotations

from tallystick.connectors import Timer

__all__ = ["FakeTimer"]


class FakeTimer(Timer):
    """Moves its own time by waiting.

    `time` is its elapsed time in seconds, which a test may move; `waits` are the seconds of every wait asked for.
    """

    def __init__(self) -> None:
        super().__init__()
        self.time = 1000.0
        self.waits: list[float] = []

    def now(self) -> float:
        """Give its own time."""
        return self.time

    def wait(self, seconds: float) -> None:
        """Wait no real time."""
        super().wait(0)
        self.waits.append(seconds)
        self.time += max(seconds, 0)

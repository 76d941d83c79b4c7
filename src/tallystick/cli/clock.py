"""The one place that reads the clock: at the edge, once per command."""

from __future__ import annotations

import time

from tallystick.period import parse_instant

__all__ = ["read_clock"]


def read_clock(given: str | None) -> int:
    """Give the instant a command works at: the one passed as `--now`, else the machine's clock, in microseconds UTC."""
    if given is not None:
        return parse_instant(given)
    return time.time_ns() // 1_000  # noqa: TID251 - the edge is where the clock is read

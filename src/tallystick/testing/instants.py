"""Instants as a simulator takes and writes them: Unix seconds inside, ISO 8601 outside."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime
from functools import lru_cache

__all__ = ["instant", "iso"]


def instant(text: str) -> int:
    """Read ISO 8601 with an offset as Unix seconds.

    Raises:
        ValueError: The text is no instant, or names no offset.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC; write for example 2026-08-31T22:00:00Z")
    return calendar.timegm(moment.astimezone(UTC).timetuple())


@lru_cache(maxsize=4096)
def iso(at: int) -> str:
    """Write Unix seconds as ISO 8601 in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

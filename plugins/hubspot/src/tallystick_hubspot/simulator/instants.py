"""Instants as the simulator takes and writes them: Unix milliseconds inside, ISO 8601 outside."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

__all__ = ["instant", "iso", "moment"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DIGITS = re.compile(r"-?\d{1,15}")


def instant(text: str) -> int:
    """Read ISO 8601 with an offset as Unix milliseconds; what is finer is cut off.

    Raises:
        ValueError: The text is no instant, or names no offset.
    """
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC; write for example 2026-08-31T22:00:00Z")
    return (read - _EPOCH) // _MILLISECOND


@lru_cache(maxsize=65_536)
def iso(at: int) -> str:
    """Write Unix milliseconds as ISO 8601 in UTC: with three digits of a fraction, and without any on a whole second.

    HubSpot's answers have both forms side by side.
    """
    seconds, fraction = divmod(at, 1_000)
    whole = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{fraction:03d}Z" if fraction else f"{whole}Z"


def moment(text: str) -> int | None:
    """Read the value of a date as HubSpot takes it, ISO 8601 or milliseconds as digits; None if it is neither."""
    if _DIGITS.fullmatch(text):
        return int(text)
    try:
        return instant(text if "T" in text else f"{text}T00:00:00Z")
    except ValueError:
        return None

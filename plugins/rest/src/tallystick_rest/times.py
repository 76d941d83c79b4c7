"""Instants as a system writes them, in its objects and in its filters."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tallystick_rest.reads import TimeFormat

__all__ = ["read_time", "write_time"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FACTORS = {"unix": 1_000_000, "unix_ms": 1_000}
_YEAR_10000 = 253_402_300_800_000_000


def read_time(value: Any, form: TimeFormat) -> int | None:
    """Give an instant; None for what cannot be read, a time without an offset included."""
    if form in _FACTORS:
        return _number(value, _FACTORS[form])
    if not isinstance(value, str):
        return None
    try:
        if form == "date":
            day = date.fromisoformat(value)
            return (datetime(day.year, day.month, day.day, tzinfo=UTC) - _EPOCH) // _MICROSECOND
        moment = datetime.fromisoformat(value)
        return None if moment.tzinfo is None else (moment - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        return None


def _number(value: Any, factor: int) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return None
    if isinstance(value, Decimal) and not value.is_finite():
        return None
    found = int(value * factor)
    return found if 0 <= found < _YEAR_10000 else None


def write_time(at: int, form: TimeFormat) -> str | int:
    """Give an instant as a filter takes it, rounded down to what the form can say."""
    if form in _FACTORS:
        return at // _FACTORS[form]
    moment = _EPOCH + timedelta(microseconds=at)
    if form == "date":
        return moment.strftime("%Y-%m-%d")
    shown = moment.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{shown}.{moment.microsecond // 1000:03d}Z" if moment.microsecond else f"{shown}Z"

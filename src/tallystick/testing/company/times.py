"""Working days and hours in Berlin in the autumn of 2026, where summer time ends on 25 October."""

from __future__ import annotations

from tallystick.testing.instants import instant

__all__ = ["DAY", "HOLIDAY", "HOUR", "MINUTE", "QUIET", "SUMMER_ENDS", "deadline", "local_day", "moment", "weekday"]

MINUTE, HOUR, DAY = 60, 3_600, 86_400

SUMMER_ENDS = instant("2026-10-25T01:00:00Z")
HOLIDAY = "2026-10-26"
"""The buyer's own holiday, the Monday after the clocks changed."""
QUIET = (instant("2026-11-01T00:00:00Z"), instant("2026-11-08T00:00:00Z"))
"""A week in which hardly anything happens."""

_SATURDAY = 5


def moment(text: str) -> int:
    """Give an instant of 2026 in Unix seconds: a day `10-12` at 00:00 UTC, or `10-12T06:30` in UTC."""
    return instant(f"2026-{text}:00Z" if "T" in text else f"2026-{text}T00:00:00Z")


def _offset(at: int) -> int:
    return 2 * HOUR if at < SUMMER_ENDS else HOUR


def local_day(at: int) -> int:
    """Give the calendar day in Berlin, as days since 1970-01-01."""
    return (at + _offset(at)) // DAY


def weekday(day: int) -> int:
    """Give the day of the week, 0 for Monday."""
    return (day + 3) % 7


def deadline(at: int, days: int) -> int:
    """Give the midnight in Berlin that ends so many business days after the day of an instant."""
    holiday = moment(HOLIDAY.removeprefix("2026-")) // DAY
    day = local_day(at)
    while days:
        day += 1
        days -= weekday(day) < _SATURDAY and day != holiday
    end = (day + 1) * DAY
    return end - _offset(end - 2 * HOUR)

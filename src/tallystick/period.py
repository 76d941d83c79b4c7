"""Instants, periods and time zones; nothing here reads a clock.

An instant is an int, microseconds since 1970-01-01T00:00Z. A zone holds its transitions as sorted tables, so that SQL
and Python compute local times from the same numbers.
"""

from __future__ import annotations

import difflib
import re
from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

import msgspec

from tallystick.errors import ConfigurationError

__all__ = [
    "DAY",
    "FIRST_YEAR",
    "LAST_YEAR",
    "Period",
    "Zone",
    "format_instant",
    "moment",
    "parse_instant",
    "parse_period",
    "zone",
]

DAY = 86_400_000_000
"""24 hours in microseconds: elapsed time, not a calendar day."""

FIRST_YEAR, LAST_YEAR = 1990, 2060
"""Years the tables of a zone cover, both included."""

_SECOND = 1_000_000
# 1970-01-01 was a Thursday; a week starts on Monday and has five working days.
_FIRST_WEEKDAY, _WORKDAYS = 3, 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_to_json = msgspec.json.Encoder().encode
# Since 1990 no zone has changed its offset twice within a week, so that probing every two days misses no change.
_PROBE = 2 * 86_400
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:(Z)|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)
_QUARTER = re.compile(r"(\d{4})Q([1-4])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open stretch of time: `start` counts, `end` does not. Both are microseconds UTC."""

    start: int
    end: int
    label: str

    def __contains__(self, at: object) -> bool:
        return isinstance(at, int) and self.start <= at < self.end


class Zone:
    """An IANA time zone as tables.

    `transitions` holds `(instant, offset)` rows, sorted: from that instant on, local time is UTC plus the offset, in
    microseconds. The first row stands at the start of 1990 and also holds for all time before; the last one holds for
    all time after 2060. `local_transitions` holds `(local time, offset)` rows: from that wall-clock reading on, the
    offset leads back to UTC (`instant = local - offset`). A reading that a gap skips is moved forward by the gap; one
    that occurs twice means its first occurrence.

    The rules come from the `tzdata` package, not from the machine, so that two machines with the same versions
    installed agree.

    Args:
        name: IANA name such as `Europe/Berlin`.

    Raises:
        ConfigurationError: There is no such zone.
    """

    __slots__ = ("_instants", "_locals", "local_transitions", "name", "transitions")

    def __init__(self, name: str) -> None:
        self.name = name
        self.transitions = _transitions(_load(name))
        # The switch comes where both offsets agree that the old one is over: at the end of the gap, and at the end of
        # the first of two equal readings.
        switches = [
            (at + max(before, after), after)
            for (_, before), (at, after) in zip(self.transitions, self.transitions[1:], strict=False)
        ]
        first_at, first_offset = self.transitions[0]
        self.local_transitions = ((first_at + first_offset, first_offset), *switches)
        self._instants = [at for at, _ in self.transitions]
        self._locals = [local for local, _ in self.local_transitions]

    def __repr__(self) -> str:
        return f"Zone({self.name!r})"

    def offset_at(self, at: int) -> int:
        """Give the offset from UTC, in microseconds, that holds at an instant."""
        return self.transitions[max(bisect_right(self._instants, at) - 1, 0)][1]

    def to_local(self, at: int) -> int:
        """Give the wall-clock reading at an instant, as microseconds since 1970-01-01T00:00 on that wall."""
        return at + self.offset_at(at)

    def to_instant(self, local: int) -> int:
        """Give the instant of a wall-clock reading, as `to_local` gives it.

        A reading that a gap skips is moved forward by the gap; one that occurs twice means its first occurrence.
        """
        return local - self.local_transitions[max(bisect_right(self._locals, local) - 1, 0)][1]

    def add_days(self, at: int, days: int) -> int:
        """Give the instant some calendar days later (or earlier) at the same wall-clock time.

        The result follows `to_instant` where that time is skipped or occurs twice; so zero days after the second of two
        equal readings is the first of them.
        """
        return self.to_instant(self.to_local(at) + days * DAY)

    def business_deadline(self, at: int, days: int, holidays: Collection[int]) -> int:
        """Give the midnight that ends the last of some business days after the day of an instant; 0 ends that day.

        Business days are Monday to Friday but for `holidays`, given as days since 1970-01-01.
        """
        day = self.to_local(at) // DAY
        while days:
            day += 1
            days -= (day + _FIRST_WEEKDAY) % 7 < _WORKDAYS and day not in holidays
        return self.to_instant((day + 1) * DAY)


@cache
def zone(name: str) -> Zone:
    """Give a zone by its IANA name; built once per name.

    Raises:
        ConfigurationError: There is no such zone.
    """
    return Zone(name)


def parse_period(text: str, zone_name: str) -> Period:
    """Give the month (`2026-09`) or quarter (`2026Q3`) of that name, from midnight to midnight in a zone.

    Raises:
        ConfigurationError: The text is neither, the year lies outside 1990 to 2060, or there is no such zone.
    """
    if match := _MONTH.fullmatch(text):
        year, month, months = int(match[1]), int(match[2]), 1
    elif match := _QUARTER.fullmatch(text):
        year, month, months = int(match[1]), 3 * int(match[2]) - 2, 3
    else:
        raise ConfigurationError(f"{text!r} is not a period", hint="Write a month as 2026-09 or a quarter as 2026Q3.")
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ConfigurationError(f"period {text}: the year lies outside {FIRST_YEAR} to {LAST_YEAR}")
    place = zone(zone_name)
    years, months_past = divmod(month - 1 + months, 12)
    start = _instant(datetime(year, month, 1, tzinfo=UTC))
    end = _instant(datetime(year + years, months_past + 1, 1, tzinfo=UTC))
    return Period(place.to_instant(start), place.to_instant(end), text)


def parse_instant(text: str) -> int:
    """Give the instant that an ISO 8601 text with an offset names, in microseconds UTC.

    `2026-09-01T14:30:00.25+02:00`; seconds and their fraction may be left out, `Z` is UTC, a space may stand for the
    `T`. Digits past the microsecond are cut off.

    Raises:
        ConfigurationError: The text is not of that form, has no offset, or names no real date or time.
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise ConfigurationError(
            f"{text!r} is not an instant", hint="Write date, time and offset, such as 2026-09-01T14:30:00+02:00."
        )
    year, month, day, hour, minute = (int(match[group]) for group in range(1, 6))
    fraction = (match[7] or "")[:6].ljust(6, "0")
    offset = 0 if match[8] else int(match[10]) * 60 + int(match[11])
    try:
        local = datetime(year, month, day, hour, minute, int(match[6] or 0), int(fraction), tzinfo=UTC)
    except ValueError as error:
        raise ConfigurationError(f"{text!r} is not an instant: {error}") from error
    return _instant(local) - (-offset if match[9] == "-" else offset) * 60 * _SECOND


def format_instant(at: int) -> str:
    """Give an instant as ISO 8601 in UTC: `2026-09-01T00:00:00Z`, with six decimals where it is not a whole second.

    Raises:
        TypeError: The instant is not an int.
        ValueError: It lies outside the years 1 to 9999.
    """
    return _to_json(moment(at))[1:-1].decode()


def moment(at: int) -> datetime:
    """Give an instant as a datetime, which msgspec writes to JSON as `format_instant` writes it, in half the time.

    Raises:
        TypeError: See `format_instant`.
        ValueError: Likewise.
    """
    if type(at) is not int:
        raise TypeError(f"an instant is an int, not {type(at).__name__}")
    try:
        return _EPOCH + at * _MICROSECOND
    except OverflowError as error:
        raise ValueError(f"instant {at} lies outside the years 1 to 9999") from error


def _instant(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


@cache
def _zone_names() -> frozenset[str]:
    return frozenset((resources.files("tzdata") / "zones").read_text(encoding="utf-8").split())


def _load(name: str) -> ZoneInfo:
    """Read a zone from the tzdata package; only names on its list ever become a path."""
    if name not in _zone_names():
        near = difflib.get_close_matches(name, sorted(_zone_names()), n=1)
        hint = f"Did you mean {near[0]}?" if near else "Use an IANA name such as Europe/Berlin."
        raise ConfigurationError(f"unknown time zone {name!r}", hint=hint)
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def _transitions(info: ZoneInfo) -> tuple[tuple[int, int], ...]:
    """Find every change of offset by probing, then halving: zoneinfo has no way to list them."""

    def offset(second: int) -> int:
        found = datetime.fromtimestamp(second, info).utcoffset()
        return (found or timedelta()) // _MICROSECOND

    start = int(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp())
    held = offset(start)
    rows = [(start * _SECOND, held)]
    for probe in range(start + _PROBE, end + _PROBE, _PROBE):
        if (found := offset(probe)) == held:
            continue
        before, after = probe - _PROBE, probe
        while after - before > 1:
            middle = (before + after) // 2
            if offset(middle) == held:
                before = middle
            else:
                after = middle
        rows.append((after * _SECOND, found))
        held = found
    return tuple(rows)

"""Instants, periods and zones."""

import itertools
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tallystick.canonical import canonical_plain
from tallystick.errors import ConfigurationError
from tallystick.period import (
    DAY,
    FIRST_YEAR,
    LAST_YEAR,
    Period,
    Zone,
    format_instant,
    moment,
    parse_instant,
    parse_period,
    zone,
)

HOUR = 3_600_000_000
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Africa/Casablanca",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Pacific/Apia",
    "UTC",
]
FIRST = parse_instant("1990-01-01T00:00:00Z")
LAST = parse_instant("2060-12-31T00:00:00Z")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

instants = st.integers(FIRST, LAST)
inner_instants = st.integers(FIRST + 400 * DAY, LAST - 400 * DAY)
untimed = settings(deadline=None)


def _oracle(name):
    """The standard library's zone from the same rules."""
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file)


ORACLES = {name: _oracle(name) for name in ZONES}


def _moment(at, info=UTC):
    return (EPOCH + timedelta(microseconds=at)).astimezone(info)


def _instant(moment):
    return (moment - EPOCH) // timedelta(microseconds=1)


@pytest.mark.parametrize("name", ZONES)
@untimed
@given(at=instants)
def test_offset_is_that_of_zoneinfo(name, at):
    """The offset at any instant from 1990 to 2060 is the standard library's."""
    assert timedelta(microseconds=zone(name).offset_at(at)) == _moment(at, ORACLES[name]).utcoffset()


@pytest.mark.parametrize("name", ZONES)
def test_offset_changes_at_the_transition(name):
    """One microsecond before each transition the old offset holds, at the transition the new one."""
    place = zone(name)
    for (_, before), (at, after) in itertools.pairwise(place.transitions):
        assert [place.offset_at(at - 1), place.offset_at(at)] == [before, after]
        assert timedelta(microseconds=before) == _moment(at - 1, ORACLES[name]).utcoffset()
        assert timedelta(microseconds=after) == _moment(at, ORACLES[name]).utcoffset()
        assert before != after


@pytest.mark.parametrize("name", ZONES)
@untimed
@given(at=inner_instants, days=st.integers(-400, 400))
@example(at=parse_instant("2026-03-28T02:30:00+01:00"), days=1)
@example(at=parse_instant("2026-10-24T02:30:00+02:00"), days=1)
def test_add_days_is_wall_clock_arithmetic(name, at, days):
    """Calendar days later is the same wall-clock time, resolved as the standard library resolves `fold=0`."""
    wall = _moment(at, ORACLES[name]).replace(tzinfo=None) + timedelta(days=days)
    expected = _instant(wall.replace(tzinfo=ORACLES[name], fold=0).astimezone(UTC))

    assert zone(name).add_days(at, days) == expected


@pytest.mark.parametrize("name", ZONES)
def test_add_days_across_every_change(name):
    """From a day before each transition, and around it, one day later is what the standard library says."""
    place = zone(name)
    for at, _ in place.transitions[1:]:
        for step in (-2 * HOUR, -HOUR // 2, -1, 0, 1, HOUR // 2, HOUR - 1, HOUR):
            start = at - DAY + step
            wall = _moment(start, ORACLES[name]).replace(tzinfo=None) + timedelta(days=1)
            expected = _instant(wall.replace(tzinfo=ORACLES[name], fold=0).astimezone(UTC))
            assert place.add_days(start, 1) == expected


@pytest.mark.parametrize(
    ("name", "start", "days", "expected"),
    [
        ("Europe/Berlin", "2026-03-28T02:30:00+01:00", 1, "2026-03-29T03:30:00+02:00"),
        ("Europe/Berlin", "2026-10-24T02:30:00+02:00", 1, "2026-10-25T02:30:00+02:00"),
        ("Europe/Berlin", "2026-10-25T02:30:00+01:00", 0, "2026-10-25T02:30:00+02:00"),
        ("America/New_York", "2026-03-07T02:30:00-05:00", 1, "2026-03-08T03:30:00-04:00"),
        ("America/New_York", "2026-11-02T01:30:00-05:00", -1, "2026-11-01T01:30:00-04:00"),
        ("Africa/Casablanca", "2026-02-14T02:30:00+01:00", 1, "2026-02-15T02:30:00+01:00"),
        ("Australia/Lord_Howe", "2026-10-03T02:15:00+10:30", 1, "2026-10-04T02:45:00+11:00"),
        ("Asia/Kolkata", "2026-03-28T02:30:00+05:30", 30, "2026-04-27T02:30:00+05:30"),
        ("Pacific/Apia", "2011-12-29T12:00:00-10:00", 1, "2011-12-31T12:00:00+14:00"),
    ],
)
def test_add_days_by_hand(name, start, days, expected):
    """A gap moves forward by the gap, an ambiguous time means its first occurrence."""
    assert zone(name).add_days(parse_instant(start), days) == parse_instant(expected)


@pytest.mark.parametrize("name", ZONES)
@untimed
@given(at=instants)
def test_a_wall_reading_leads_back(name, at):
    """From an instant to the wall and back is the same instant, or the first of two with that reading."""
    place = zone(name)
    back = place.to_instant(place.to_local(at))

    assert back == at or (back < at and place.to_local(back) == place.to_local(at))


def test_tables_are_sorted():
    """Both tables of every zone are sorted and start before the first year they answer for."""
    for name in ZONES:
        place = Zone(name)
        assert list(place.transitions) == sorted(place.transitions)
        assert list(place.local_transitions) == sorted(place.local_transitions)
        assert len(place.transitions) == len(place.local_transitions)
        assert place.transitions[0][0] == FIRST


def test_outside_the_tables_the_edge_holds():
    """Before 1990 the first offset holds, after 2060 the last one."""
    berlin = zone("Europe/Berlin")

    assert berlin.offset_at(0) == HOUR
    assert berlin.to_instant(0) == -HOUR
    assert berlin.offset_at(parse_instant("2099-07-01T00:00:00Z")) == HOUR


def test_zone_is_built_once():
    """A name leads to one zone, which shows its name."""
    assert zone("Asia/Kolkata") is zone("Asia/Kolkata")
    assert repr(zone("Asia/Kolkata")) == "Zone('Asia/Kolkata')"


@pytest.mark.parametrize("name", ["Europe/Berln", "", "../../etc/passwd", "/etc/localtime", "Europe", "europe/berlin"])
def test_unknown_zone_is_refused(name):
    """A name that is no zone is refused, and never becomes a path."""
    with pytest.raises(ConfigurationError, match="unknown time zone") as caught:
        zone(name)

    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "name", "start", "end"),
    [
        ("2026-09", "Europe/Berlin", "2026-09-01T00:00:00+02:00", "2026-10-01T00:00:00+02:00"),
        ("2026-10", "Europe/Berlin", "2026-10-01T00:00:00+02:00", "2026-11-01T00:00:00+01:00"),
        ("2026-12", "America/New_York", "2026-12-01T00:00:00-05:00", "2027-01-01T00:00:00-05:00"),
        ("2026Q1", "UTC", "2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z"),
        ("2026Q4", "Asia/Kolkata", "2026-10-01T00:00:00+05:30", "2027-01-01T00:00:00+05:30"),
    ],
)
def test_periods(text, name, start, end):
    """A month or quarter runs from midnight to midnight in its zone."""
    assert parse_period(text, name) == Period(parse_instant(start), parse_instant(end), text)


@pytest.mark.parametrize("name", ZONES)
def test_periods_tile(name):
    """Months follow each other without gap or overlap, and three of them make their quarter."""
    months = [
        parse_period(f"{year}-{month:02}", name) for year in range(FIRST_YEAR, LAST_YEAR + 1) for month in range(1, 13)
    ]

    assert all(before.end == after.start for before, after in itertools.pairwise(months))
    assert all(month.start < month.end for month in months)
    for number in range(0, len(months), 3):
        year, quarter = divmod(number // 3, 4)
        period = parse_period(f"{FIRST_YEAR + year}Q{quarter + 1}", name)
        assert (period.start, period.end) == (months[number].start, months[number + 2].end)


def test_period_is_half_open():
    """The start of a period counts, its end does not."""
    period = parse_period("2026-09", "Europe/Berlin")

    assert [at in period for at in (period.start - 1, period.start, period.end - 1, period.end)] == [
        False,
        True,
        True,
        False,
    ]
    assert "2026-09-01" not in period


@pytest.mark.parametrize(
    "text", ["2026", "2026-13", "2026-00", "2026-9", "2026Q5", "2026q1", "26-09", "\uff12026-09", "1989-12", "2061-01"]
)
def test_no_period(text):
    """What is no month or quarter from 1990 to 2060 is refused."""
    with pytest.raises(ConfigurationError, match="period"):
        parse_period(text, "UTC")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00Z", 0),
        ("1970-01-01 01:00:00+01:00", 0),
        ("1969-12-31T19:00:00-05:00", 0),
        ("1970-01-01T00:00:00.5Z", 500_000),
        ("1970-01-01T00:00:00.000001Z", 1),
        ("1970-01-01T00:00:00.000001999Z", 1),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("1970-01-01T05:45:00+05:45", 0),
    ],
)
def test_parse_instant(text, expected):
    """An ISO 8601 text with an offset names one instant."""
    assert parse_instant(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-09-01",
        "2026-09-01T00:00:00",
        "2026-02-30T00:00:00Z",
        "2026-09-01T24:00:00Z",
        "2026-09-01T00:00:60Z",
        "2026-09-01T00:00:00+24:00",
        "2026-09-01T00:00:00+01",
        "2026-09-01T00:00:00z",
        "2026-09-01T00:00:00.Z",
        "2026-09-01T00:00:00Z\n",
        " 2026-09-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "1788213600",
    ],
)
def test_no_instant(text):
    """What has no offset, or names no real date and time, is refused."""
    with pytest.raises(ConfigurationError, match="not an instant"):
        parse_instant(text)


@untimed
@given(st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999))
def test_instants_survive_their_text(at):
    """Every instant of the years 1 to 9999 is written so that reading gives it back."""
    assert parse_instant(format_instant(at)) == at


@pytest.mark.parametrize(
    ("at", "text"),
    [(0, "1970-01-01T00:00:00Z"), (1, "1970-01-01T00:00:00.000001Z"), (-500_000, "1969-12-31T23:59:59.500000Z")],
)
def test_format_instant(at, text):
    """An instant is written in UTC, with a fraction only where it has one, as a text and by msgspec."""
    assert format_instant(at) == text
    assert canonical_plain(moment(at)) == f'"{text}"'.encode()


def test_format_refuses_what_is_no_instant():
    """A float, a bool and an instant beyond the calendar are refused."""
    for wrong in (0.0, True, None):
        with pytest.raises(TypeError, match="an instant is an int"):
            format_instant(wrong)
    with pytest.raises(ValueError, match="years"):
        format_instant(10**18)


MON, FRI, SAT, SUN = "2026-10-19", "2026-10-23", "2026-10-24", "2026-10-25"


@pytest.mark.parametrize(
    ("day", "count", "holidays", "last"),
    [
        (MON, 0, (), "2026-10-19"),
        (MON, 1, (), "2026-10-20"),
        (FRI, 1, (), "2026-10-26"),
        (FRI, 5, (), "2026-10-30"),
        (SAT, 0, (), "2026-10-24"),
        (SAT, 1, (), "2026-10-26"),
        (SUN, 1, (), "2026-10-26"),
        (FRI, 1, ("2026-10-26",), "2026-10-27"),
        (FRI, 1, ("2026-10-26", "2026-10-27"), "2026-10-28"),
        # Holidays that do not fall into the days counted, or on a weekend, change nothing.
        (FRI, 1, ("2026-10-23", "2026-10-24", "2026-10-25", "2026-10-27"), "2026-10-26"),
        (MON, 10, ("2026-10-26", "2026-11-02"), "2026-11-04"),
    ],
)
def test_business_days(day, count, holidays, last):
    """Business days are Monday to Friday without holidays; the deadline is the midnight that ends the last of them."""
    place = zone("Europe/Berlin")

    def midnight(text, days=0):
        return place.add_days(place.to_instant(((date.fromisoformat(text) - date(1970, 1, 1)).days) * DAY), days)

    known = {(date.fromisoformat(text) - date(1970, 1, 1)).days for text in holidays}
    for at in (midnight(day), midnight(day) + 1, midnight(day, 1) - 1):
        assert place.business_deadline(at, count, known) == midnight(last, 1)

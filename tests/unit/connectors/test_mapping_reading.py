"""How values are read: exactly, or not at all."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from tallystick.connectors.mapping import FieldMapping
from tallystick.connectors.mapping.reading import Unreadable, reader

NEW_YEAR = 1_767_225_600_000_000
"""2026-01-01T00:00Z."""
BERLIN = {"timezone": "Europe/Berlin"}


def read(kind, value, **options):
    """Read a value as a kind."""
    return reader(kind, FieldMapping(path="x", **options))(value)


@pytest.mark.parametrize(
    ("value", "options"),
    [
        ("2026-01-01T00:00:00Z", {}),
        ("2026-01-01 01:00:00+01:00", {}),
        (" 2026-01-01T01:00+01:00 ", {}),
        ("20260101T000000Z", {}),
        ("2026-01-01T01:00:00", BERLIN),
        ("01.01.2026 01:00", {"format": "%d.%m.%Y %H:%M", **BERLIN}),
        ("2026-01-01 01:00 +0100", {"format": "%Y-%m-%d %H:%M %z"}),
        (1_767_225_600, {"format": "unix"}),
        ("1767225600", {"format": "unix"}),
        (Decimal("1767225600.0"), {"format": "unix"}),
        (1_767_225_600.0, {"format": "unix"}),
        (1_767_225_600_000, {"format": "unix_ms"}),
        ("2026-01-01", {"format": "date", "timezone": "UTC"}),
        (date(2026, 1, 1), {"format": "date", "timezone": "UTC"}),
        (datetime(2026, 1, 1, tzinfo=UTC), {}),
        (datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), {}),
        (datetime(2026, 1, 1, 1), BERLIN),
    ],
)
def test_every_way_to_write_an_instant(value, options):
    """All of these are the same instant."""
    assert read("instant", value, **options) == NEW_YEAR


@pytest.mark.parametrize(
    ("value", "options", "said"),
    [
        ("2026-01-01T00:00:00", {}, "carries no offset"),
        (datetime(2026, 1, 1), {}, "carries no offset"),
        ("2026-01-01", {}, "no date-time"),
        (date(2026, 1, 1), {}, "a date is no instant"),
        ("0001-01-01T00:00:00+14:00", {}, "between the years 1 and 9999"),
        ("9999-12-31T23:59:59-14:00", {}, "between the years 1 and 9999"),
        (datetime(1, 1, 1), BERLIN, "between the years 1 and 9999"),
        ("yesterday at noon", {}, "no date-time"),
        (1_767_225_600, {}, "no date-time"),
        (1_767_225_600_000, {"format": "unix"}, "beyond the year 9999"),
        (-1, {"format": "unix"}, "beyond"),
        (1_767_225_600, {"format": "unix_ms"}, "before 1973"),
        (1_767_225_600.5, {"format": "unix"}, "no Unix time"),
        (float("nan"), {"format": "unix"}, "no Unix time"),
        (True, {"format": "unix"}, "no Unix time"),
        (Decimal("NaN"), {"format": "unix"}, "no Unix time"),
        ("2026-03-29T02:30:00", BERLIN, "does not exist in Europe/Berlin"),
        ("2026-10-25T02:30:00", BERLIN, "comes twice in Europe/Berlin"),
        ("2026-13-01", {"format": "date", **BERLIN}, "no day"),
        ("31.12.2025", {"format": "%d.%m.%Y %H:%M", **BERLIN}, "not written like"),
        ({"at": 1}, {}, "dict is no date-time"),
    ],
)
def test_what_is_no_instant(value, options, said):
    """A time that is not certain is not read: no zone is assumed, and no hour of a change of clocks is chosen."""
    with pytest.raises(Unreadable, match=said):
        read("instant", value, **options)


def test_a_time_beside_a_change_of_the_clocks_is_certain():
    """Only the hour that is skipped or repeated is not known."""
    before = read("instant", "2026-10-25T01:59:59", **BERLIN)
    after = read("instant", "2026-10-25T03:00:00", **BERLIN)
    assert after - before == 2 * 3_600_000_000 + 1_000_000


def test_a_day_begins_with_its_first_instant():
    """Where midnight is skipped, the day begins an hour later by the wall, and no sooner."""
    assert read("instant", "2018-11-04", format="date", timezone="America/Sao_Paulo") == 1_541_300_400_000_000


@pytest.mark.parametrize(
    ("value", "options", "amount"),
    [
        ("12.50", {}, "12.50"),
        ("-0.0001", {}, "-0.0001"),
        ("+7", {}, "7"),
        (12, {}, "12"),
        (Decimal("12.500000"), {}, "12.5"),
        (Decimal("1E+2"), {}, "100"),
        ("0.000000", {}, "0"),
        (1250, {"minor_units": 2}, "12.50"),
        ("1250", {"minor_units": 2}, "12.50"),
        ("1.234,56", {"decimal": ",", "grouping": "."}, "1234.56"),
        ("1,234,567.8", {"grouping": ","}, "1234567.8"),
        ("1'234.5", {"grouping": "'"}, "1234.5"),
        ("99999999999999.9999", {}, "99999999999999.9999"),
    ],
)
def test_money_is_exact(value, options, amount):
    """All digits are kept, none is added."""
    found = read("money", value, **options)
    assert type(found) is Decimal
    assert found == Decimal(amount)


@pytest.mark.parametrize(
    ("value", "options", "said"),
    [
        (12.5, {}, "never one|money never is"),
        ("12,50", {}, "no number"),
        ("1,234.50", {}, "no number"),
        ("12,34.50", {"grouping": ","}, "groups"),
        ("1.2.3", {}, "no number"),
        ("1e3", {}, "no number"),
        ("EUR 5", {}, "no number"),
        ("٣", {}, "no number"),
        ("", {}, "no number"),
        ("-", {}, "no number"),
        (".5", {}, "no number"),
        ("5.", {}, "no number"),
        ("1.00001", {}, "more than 4 decimal places"),
        ("19.9999999999999999999999999999999999", {}, "more than 4 decimal places"),
        ("100000000000000", {}, "more than 14 digits"),
        (Decimal("1E+999999"), {}, "no amount"),
        (Decimal("NaN"), {}, "no amount"),
        (Decimal("Infinity"), {}, "no amount"),
        (True, {}, "no number"),
        ("12.5", {"minor_units": 2}, "minor units with a fraction"),
        ([1], {}, "no number"),
    ],
)
def test_what_is_no_money(value, options, said):
    """No float, no sign that was not declared, nothing rounded."""
    with pytest.raises(Unreadable, match=said):
        read("money", value, **options)


@pytest.mark.parametrize(("value", "number"), [("42", 42), (42, 42), (42.0, 42), (Decimal("42.0"), 42), ("-1", -1)])
def test_whole_numbers(value, number):
    """A float with nothing behind its point is what some tools make of a column with gaps."""
    found = read("integer", value)
    assert type(found) is int
    assert found == number


@pytest.mark.parametrize("value", ["4.2", 4.2, "four", 2**63, True, Decimal("1E+40"), float("inf"), []])
def test_what_is_no_whole_number(value):
    """Nothing is cut off."""
    with pytest.raises(Unreadable):
        read("integer", value)


@pytest.mark.parametrize(("value", "said"), [(True, True), ("TRUE", True), ("false", False), (" False ", False)])
def test_true_and_false(value, said):
    """Only these words are read without a table of values."""
    assert read("boolean", value) is said


@pytest.mark.parametrize("value", ["yes", "1", 1, 0, "t", 1.0, {}])
def test_what_is_neither_true_nor_false(value):
    """Whether 1 means yes is for the mapping to say."""
    with pytest.raises(Unreadable, match="neither true nor false"):
        read("boolean", value)


@pytest.mark.parametrize(
    ("value", "options", "text"),
    [
        ("Ab", {}, "Ab"),
        (5, {}, "5"),
        (Decimal("5.0"), {}, "5.0"),
        (True, {}, "true"),
        (date(2026, 1, 1), {}, "2026-01-01"),
        (UUID(int=5), {}, "00000000-0000-0000-0000-000000000005"),
        (" A@B.com ", {"take": "lower"}, "a@b.com"),
        ("Ann@Example.COM", {"take": "domain"}, "example.com"),
        ("nobody", {"take": "domain"}, None),
        ("Thanks a lot!", {"take": "says"}, "thanks"),
        ("<p>Thanks a lot!</p>", {"take": "says_html"}, "thanks"),
        ({"b": Decimal("1.5"), "a": [None]}, {"take": "json"}, '{"a":[null],"b":"1.5"}'),
    ],
)
def test_texts(value, options, text):
    """A text is kept as it is; what else is taken of it the mapping says."""
    assert read("text", value, **options) == text


@pytest.mark.parametrize("value", [5.0, [1], {"a": 1}, "a\0b", "\ud800", b"x"])
def test_what_is_no_text(value):
    """A float as an id would make two of 1234 and 1234.0."""
    with pytest.raises(Unreadable):
        read("text", value)

"""Laws of mappings: the same object gives the same records, and what is written one way or another reads back."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tallystick.connectors.mapping import Document, FieldMapping, Mapper, RecordMapping, decode_object, row_bytes
from tallystick.connectors.mapping.reading import Unreadable, reader
from tallystick.errors import SchemaChanged

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
NAMES = ("id", "at", "status", "list", "amount")
ENTRIES = [
    {
        "type": "payment",
        "id": {"first": ["id", "list.0"]},
        "as_of": {"path": "at", "format": "unix"},
        "columns": {
            "created_at": {"path": "at", "format": "unix", "unreadable": None},
            "amount": {"path": "amount", "unreadable": None},
            "currency": {"constant": "EUR"},
            "exponent": {"constant": 2},
            "status": {"path": "status", "values": {"1": "succeeded"}, "otherwise": "as_is"},
            "captured": {"path": "status", "values": {"1": True}},
        },
    },
    {
        "type": "ticket_event",
        "each": "list",
        "id": {"join": ["^.id", "id"]},
        "as_of": {"path": "at", "format": "unix"},
        "columns": {"at": {"path": "at", "format": "unix"}, "value": "^.status", "says": {"path": "b", "take": "says"}},
    },
]
MAPPER = Mapper(
    [RecordMapping.model_validate(entry) for entry in ENTRIES], Document.from_data(ENTRIES, "m"), nested=True
)


def mapped(raw):
    """Give the records of an object, or what was said about it."""
    try:
        return MAPPER.records(decode_object(raw), raw, "row 1")
    except SchemaChanged as error:
        return error.diagnostics()


@given(st.fixed_dictionaries(dict.fromkeys(NAMES, JSON)))
def test_any_object_gives_records_or_one_named_error_and_always_the_same(row):
    """Pure: no state is kept, nothing else is raised, no typed value is a float, and the bytes kept are JSON."""
    raw = (
        json.dumps(row, allow_nan=True).replace("NaN", "null").replace("-Infinity", "null").replace("Infinity", "null")
    )
    first = mapped(raw.encode())
    assert mapped(raw.encode()) == first
    if isinstance(first, str):
        assert "row 1" in first
        return
    for record in first:
        assert record.id
        assert float not in set(map(type, record.values))
        msgspec.json.decode(record.raw)


@given(st.integers(-(2**40), 2**40), st.integers(0, 4))
def test_an_amount_reads_back_however_it_is_written(minor, places):
    """As text with a point or a comma and groups, as a JSON number, in minor units: the same amount."""
    amount = Decimal(minor).scaleb(-places)
    plain = f"{amount:f}"
    grouped = f"{amount:,f}"
    continental = grouped.translate(str.maketrans(",.", ".,"))

    def read(value, **options):
        return reader("money", FieldMapping(path="x", **options))(value)

    assert read(plain) == amount
    assert read(grouped, grouping=",") == amount
    assert read(continental, grouping=".", decimal=",") == amount
    assert read(minor, minor_units=places) == amount
    assert read(decode_object(b"[%b]" % plain.encode())[0]) == amount


@given(
    st.datetimes(datetime(1990, 1, 2), datetime(2060, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
)
def test_an_instant_reads_back_however_it_is_written(moment, minutes):
    """ISO 8601 in any offset, a Python date-time, and Unix milliseconds cut where they end: the same instant."""
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    wanted = (aware - EPOCH) // timedelta(microseconds=1)
    iso = reader("instant", FieldMapping(path="x"))
    assert iso(aware.isoformat()) == iso(aware) == wanted
    assert reader("instant", FieldMapping(path="x", format="unix_ms"))(wanted // 1000) == wanted // 1000 * 1000
    assert reader("instant", FieldMapping(path="x", format="unix"))(Decimal(wanted).scaleb(-6)) == wanted


@given(st.datetimes(datetime(1995, 1, 1), datetime(2050, 1, 1)))
def test_a_local_time_is_read_only_where_it_names_one_instant(moment):
    """Said back in the zone it is the same reading; an hour that is skipped or repeated is refused."""
    from zoneinfo import ZoneInfo

    place = ZoneInfo("Europe/Berlin")
    both = {moment.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1)}
    certain = [at for at in both if at.astimezone(place).replace(tzinfo=None) == moment]
    read = reader("instant", FieldMapping(path="x", timezone="Europe/Berlin"))
    try:
        found = read(moment)
    except Unreadable:
        assert len(certain) != 1
    else:
        assert [EPOCH + timedelta(microseconds=found)] == certain


@given(st.dictionaries(TEXT, st.none() | st.booleans() | st.integers() | TEXT | st.decimals(allow_nan=False)))
def test_the_bytes_of_a_row_do_not_depend_on_the_order_of_its_columns(row):
    """Two exports with their columns in another order say the same."""
    assert row_bytes(row) == row_bytes(dict(reversed(row.items())))
    assert set(msgspec.json.decode(row_bytes(row))) == set(row)

"""Mappings at work: one object in, its records out."""

import json
from decimal import Decimal

import msgspec
import pytest

from tallystick.connectors import CustomField
from tallystick.connectors.mapping import Document, Mapper, RecordMapping, decode_object, row_bytes
from tallystick.errors import ConfigurationError, SchemaChanged
from tallystick.records.types import RECORD_TYPES

TICKET = {
    "type": "ticket",
    "id": "id",
    "as_of": "updated_at",
    "columns": {"created_at": "created_at", "status": "status"},
}
ROW = {"id": 7, "updated_at": "2026-01-02T00:00:00Z", "created_at": "2026-01-01T00:00:00Z", "status": "open"}


def mapper(*entries, nested=True, **options):
    """Give a mapper of mappings that no file holds."""
    models = [RecordMapping.model_validate(entry) for entry in entries]
    return Mapper(models, Document.from_data(list(entries), "mapping.yaml"), nested=nested, **options)


def records(entries, row, **options):
    """Give the records of one object."""
    given = options.pop("values", {})
    raw = json.dumps(row).encode()
    return mapper(*entries, **options).records(decode_object(raw), raw, "acme/tickets: page 1", given)


def named(record):
    """Give a record's typed values by column."""
    return dict(zip((column.name for column in RECORD_TYPES[record.type].columns), record.values, strict=True))


def test_an_object_becomes_a_record_with_its_own_bytes():
    """The typed columns are read, those that are not mapped are unknown, and the object is kept as delivered."""
    (record,) = records([TICKET], ROW)
    assert (record.type, record.id, record.deleted) == ("ticket", "7", False)
    assert record.as_of == 1_767_312_000_000_000
    assert named(record)["status"] == "open"
    assert named(record)["assignee_id"] is None
    assert json.loads(record.raw) == ROW


def test_a_test_that_fails_makes_no_record():
    """`when` chooses which objects a mapping is for."""
    assert records([{**TICKET, "when": {"path": "status", "in": ["closed"]}}], ROW) == []


@pytest.mark.parametrize("said", [True, "true", "True", "TRUE"])
def test_true_is_true_however_it_is_spelled(said):
    """Else the ticket that an export calls `True` spam would count."""
    entry = {**TICKET, "when": {"path": "spam", "not_in": [True]}, "deleted": {"path": "gone", "is": True}}
    assert records([entry], {**ROW, "spam": said}) == []
    [record] = records([entry], {**ROW, "gone": said})
    assert record.deleted


@pytest.mark.parametrize("each", ["a.0.b", "a.*", ["a", -1]])
def test_a_list_of_items_is_reached_by_names(each):
    """The bytes of each item are kept, so there is one list of them; said before an object is read."""
    with pytest.raises(ConfigurationError, match="by names alone"):
        mapper({**TICKET, "each": each})


@pytest.mark.parametrize(
    ("test", "holds"),
    [
        ({"path": "status", "is": "open"}, True),
        ({"path": "id", "in": ["7"]}, True),
        ({"path": "id", "in": [7, 8]}, True),
        ({"path": "status", "not_in": ["open"]}, False),
        ({"path": "gone", "not_in": ["open"]}, True),
        ({"path": "gone", "is": "None"}, False),
        ({"path": "gone", "present": False}, True),
        ({"path": "status", "present": True}, True),
        ([{"path": "status", "is": "open"}, {"path": "id", "is": 8}], False),
        ({"any": [{"path": "status", "is": "closed"}, {"path": "id", "is": 7}]}, True),
        ({"any": [[{"path": "status", "is": "open"}, {"path": "id", "is": 8}]]}, False),
    ],
)
def test_conditions_compare_words(test, holds):
    """A word fits a number and a text alike; what is not there is in no list; all tests of a list must hold."""
    assert len(records([{**TICKET, "when": test}], ROW)) == holds


def test_a_deleted_object_is_a_tombstone():
    """Nothing of it is known any more but what the system said of the deletion."""
    (record,) = records([{**TICKET, "deleted": {"path": "gone", "is": True}}], {**ROW, "gone": True})
    assert record.deleted
    assert set(record.values) == {None}
    assert json.loads(record.raw)["gone"] is True


CONVERSATION = {
    "id": 7,
    "parts": {"all": [{"n": 1, "at": 1_700_000_000, "kind": "comment"}, {"n": 2, "at": 1_700_000_001, "kind": "note"}]},
}
EVENT = {
    "type": "ticket_event",
    "each": "parts.all",
    "id": {"join": ["^.id", "n"], "with": ":"},
    "as_of": {"path": "at", "format": "unix"},
    "columns": {"at": {"path": "at", "format": "unix"}, "ticket_id": "^.id", "kind": {"constant": "message"}},
}


def test_each_item_of_a_list_becomes_a_record():
    """What is kept of an item is its own bytes, with what was read of the object around it."""
    first, second = records([EVENT], CONVERSATION)
    assert (first.id, second.id) == ("7:1", "7:2")
    assert named(first)["ticket_id"] == "7"
    assert first.raw == b'{"^":{"id":7},"item":{"n": 1, "at": 1700000000, "kind": "comment"}}'


def test_an_item_that_reads_nothing_around_it_is_kept_as_it_stands():
    """Without `^.` the bytes are exactly the item's."""
    entry = {**EVENT, "id": "n", "columns": {"at": {"path": "at", "format": "unix"}}}
    assert records([entry], CONVERSATION)[1].raw == b'{"n": 2, "at": 1700000001, "kind": "note"}'


def test_a_change_of_what_an_item_reads_around_it_is_a_new_version():
    """Versions are compared by their bytes, so what a column reads must be among them."""
    column = {**EVENT, "columns": {**EVENT["columns"], "value": "^.state"}}
    before = records([column], {**CONVERSATION, "state": "open"})[0]
    after = records([column], {**CONVERSATION, "state": "closed"})[0]
    assert before.raw != after.raw


@pytest.mark.parametrize("parts", [None, {}, {"all": None}, {"all": []}, {"all": "x"}, "x", {"all": ["x", 5, None]}])
def test_no_list_gives_no_record(parts):
    """A list that is missing, empty or something else has no items, and what is no object is none."""
    assert records([EVENT], {"id": 7, "parts": parts}) == []


def test_several_mappings_make_several_records_of_one_object():
    """One object may be a ticket and its events."""
    row = {**ROW, **CONVERSATION}
    assert [record.type for record in records([TICKET, EVENT], row)] == ["ticket", "ticket_event", "ticket_event"]
    assert mapper(TICKET, EVENT).types == ("ticket", "ticket_event")
    assert set(mapper(TICKET, EVENT).roots) == {"id", "updated_at", "created_at", "status", "parts"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.b", "x"),
        ("a.c.0", "1"),
        ("a.c.-1", "3"),
        ("a.c.9", None),
        ("a.b.d", None),
        ("e", None),
        (["a.b"], "dotted"),
        (["a", "c", 1], "2"),
    ],
)
def test_a_path_walks_names_and_places(path, value):
    """Names are joined by dots, places count from 0 or from the end; a path that leads nowhere gives nothing."""
    row = {**ROW, "a": {"b": "x", "c": [1, 2, 3]}, "a.b": "dotted"}
    columns = {**TICKET["columns"], "via": path}
    assert named(records([{**TICKET, "columns": columns}], row)[0])["via"] == value


def test_in_a_table_a_text_is_a_column_name_whole():
    """Columns of exports are called `Ticket.ID` or `Opened at`."""
    entry = {**TICKET, "id": "Ticket.ID", "columns": {"created_at": "Opened at"}}
    row = {"Ticket.ID": "7", "updated_at": ROW["updated_at"], "Opened at": ROW["created_at"]}
    (record,) = mapper(entry, nested=False).records(row, row_bytes(row), "x")
    assert record.id == "7"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ({"join": ["status", "id"], "with": "/"}, "open/7"),
        ({"join": ["list.*.name"], "with": " "}, "a b"),
        ({"join": ["list.*.none"], "with": " "}, ""),
        ({"join": ["status", "gone"]}, None),
        ({"first": ["gone", "status"]}, "open"),
        ({"constant": "web"}, "web"),
        ({"path": "status", "values": {"open": "O"}}, "O"),
        ({"path": "status", "values": {"closed": "C"}}, None),
        ({"path": "status", "values": {"closed": "C"}, "otherwise": "as_is"}, "open"),
        ({"path": "status", "values": {"open": None}, "otherwise": "as_is"}, None),
        ({"path": "id", "values": {"7": "seven"}}, "seven"),
    ],
)
def test_where_a_value_comes_from(field, value):
    """A path, the first of several, several joined, a constant, or what a word of the system means."""
    row = {**ROW, "list": [{"name": "a"}, {"name": "b"}]}
    columns = {**TICKET["columns"], "via": field}
    assert named(records([{**TICKET, "columns": columns}], row)[0])["via"] == value


def test_a_word_that_is_not_in_the_table_stops_the_read_where_the_mapping_says_so():
    """`otherwise: refuse` holds whatever `unreadable` says, and the word itself is not repeated."""
    field = {"path": "status", "values": {"closed": "closed"}, "otherwise": "refuse", "unreadable": None}
    with pytest.raises(SchemaChanged, match="acme/tickets: page 1: ticket, column status") as caught:
        records([{**TICKET, "columns": {**TICKET["columns"], "status": field}}], ROW)
    assert "open" not in caught.value.diagnostics()


@pytest.mark.parametrize(("name", "value"), [("id", None), ("id", ""), ("updated_at", None)])
def test_a_record_without_an_id_or_an_instant_stops_the_read(name, value):
    """Without them nothing could be told apart or put in order."""
    with pytest.raises(SchemaChanged, match=r"acme/tickets: page 1: ticket, column (id|as_of): there is none"):
        records([TICKET], {**ROW, name: value})


def test_an_unreadable_value_stops_the_read_or_is_unknown_as_the_mapping_says():
    """Instants refuse unless told otherwise; the message shows the form of the value, never the value."""
    row = {**ROW, "created_at": "1.2.2026 Müller"}
    with pytest.raises(SchemaChanged, match="column created_at") as caught:
        records([TICKET], row)
    assert "Müller" not in caught.value.diagnostics()
    assert "9.9.9999 aaaaaa" in caught.value.diagnostics()
    lenient = {**TICKET, "columns": {"created_at": {"path": "created_at", "unreadable": None}}}
    assert named(records([lenient], row)[0])["created_at"] is None


def test_what_is_no_text_is_unknown_in_a_text_column_and_stops_the_read_if_wanted():
    """An object where a text was is a change of the system's shape; by default it is unknown."""
    row = {**ROW, "status": {"name": "open"}}
    assert named(records([TICKET], row)[0])["status"] is None
    strict = {**TICKET, "columns": {**TICKET["columns"], "status": {"path": "status", "unreadable": "refuse"}}}
    with pytest.raises(SchemaChanged, match="dict is no text"):
        records([strict], row)


def test_texts_that_stand_for_nothing_are_nothing():
    """What an export writes into an empty cell is no value, be it said by the mapping or by the connector."""
    row = {**ROW, "status": "N/A"}
    assert named(records([{**TICKET, "nulls": ["N/A"]}], row)[0])["status"] is None
    assert named(records([TICKET], row, nulls=["N/A"])[0])["status"] is None
    assert named(records([{**TICKET, "nulls": []}], row, nulls=["N/A"])[0])["status"] == "N/A"


def test_an_instant_that_the_connector_knows():
    """`as_of` may be when the page was answered; a name that the connector does not know is a wrong mapping."""
    entry = {**TICKET, "as_of": "$read_at"}
    assert records([entry], ROW, given=["$read_at"], values={"$read_at": 5})[0].as_of == 5
    with pytest.raises(ConfigurationError, match=r"as_of: .read_at is not known here"):
        mapper(entry)


def test_declared_custom_fields_are_read_too():
    """They stand beside the mark of the mapping."""
    custom = {"ticket": {"tier": CustomField(path="a.tier")}}
    (record,) = records([TICKET], {**ROW, "a": {"tier": "gold"}}, custom=custom)
    assert record.custom == {"tier": "gold", "mapping": mapper(TICKET)._parts[0].revision}


def test_a_corrected_mapping_gives_other_versions_and_another_revision():
    """The bytes of the system stay the same, so the record says which mapping typed it."""
    other = {**TICKET, "columns": {**TICKET["columns"], "status": {"constant": "open"}}}
    assert records([TICKET], ROW)[0].custom != records([other], ROW)[0].custom
    assert mapper(TICKET).revision != mapper(other).revision
    assert mapper(TICKET).revision == mapper(dict(TICKET)).revision


def test_the_bytes_of_a_row_are_the_same_for_the_same_values():
    """Names in order, exact decimals as text, whole numbers beyond JSON's as text."""
    assert row_bytes({"b": Decimal("1.50"), "a": 2**60}) == b'{"a":"1152921504606846976","b":"1.50"}'
    assert row_bytes({"x": b"\x01\xff", "y": float("nan"), "z": 1.5}) == b'{"x":"01ff","y":"nan","z":1.5}'


@pytest.mark.parametrize(
    "raw", [b"[" * 100_000 + b"]" * 100_000, b"[1e999999999999999999999]", b"1" * 5000, b'"\\ud800"', b"[NaN]", b""]
)
def test_json_that_no_value_can_hold_is_no_json(raw):
    """A parser's own limits are errors as any other."""
    with pytest.raises(msgspec.DecodeError):
        decode_object(raw)

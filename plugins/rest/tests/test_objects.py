"""What belongs to each object: calls of its own within a budget, bytes kept as delivered, numbers exact."""

import json

import httpx
import pytest

from tallystick.connectors import CustomField
from tallystick.errors import PermanentError, RetryableError, SchemaChanged

T0, SECOND = 1_788_220_800, 1_000_000
NOTES = """
      - type: ticket
        id: id
        as_of: $read_at
        columns: {created_at: {path: created, format: unix}, status: state}
      - type: ticket_event
        each: notes
        id: {join: [^.id, n], with: "."}
        as_of: {path: at, format: unix}
        columns:
          at: {path: at, format: unix}
          ticket_id: ^.id
          kind: {constant: message}
          says: {path: text, take: says}
"""
CHILDREN = """children:
  notes:
    call: {path: '/tickets/{id}/notes', query: {page: '{page}'}}
    items: data.notes
    page: {kind: page, size: 2}"""
EACH = "object: {path: '/tickets/{id}', each: true, missing: deleted, item: ticket}"


def _records(desk, stream):
    return [record for page in desk.read(stream) for record in page.records]


def _notes(*raws):
    return lambda request: httpx.Response(
        200, content=b'{"data": {"notes": [' + b", ".join(raws[_page(request) * 2 :][:2]) + b"]}}"
    )


def _page(request):
    return int(request.url.params["page"]) - 1


def test_a_list_of_each_object_is_read_to_its_end(desk, stream):
    """The notes of a ticket come from calls of their own, page by page, and each keeps its own bytes."""
    raws = [b'{"n": %d, "at": %d,  "text": "Thanks!"}' % (number, T0 + number) for number in range(5)]
    desk.rows = [desk.ticket(7)]
    desk.routes["/tickets/7/notes"] = _notes(*raws)

    records = _records(desk, stream(desk.describe(stream=CHILDREN, records=NOTES)))

    assert [record.id for record in records] == ["7", "7.0", "7.1", "7.2", "7.3", "7.4"]
    assert {record.values[8] for record in records[1:]} == {"thanks"}
    assert [record.raw for record in records[1:]] == [b'{"^":{"id":7},"item":%b}' % raw for raw in raws]
    assert desk.paths() == ["/tickets", *["/tickets/7/notes"] * 3]


def test_an_object_without_any_has_no_event(desk, stream):
    """A ticket without notes is a ticket, and nothing else."""
    desk.rows = [desk.ticket(7)]
    desk.routes["/tickets/7/notes"] = _notes()

    assert [record.id for record in _records(desk, stream(desk.describe(stream=CHILDREN, records=NOTES)))] == ["7"]


def test_bytes_are_kept_as_they_came(desk, stream):
    """Spaces, the order of keys, big numbers and signs written as escapes are kept byte for byte."""
    raw = b'{ "id" : 1,"created":1788220801, "updated":1788220801,\n "x":1e400,"y":0.10,"z":"\\u00e9\xc3\xa9"}'
    desk.before = lambda _: httpx.Response(200, content=b'{"tickets": [' + raw + b"]}")

    (record,) = _records(desk, stream())

    assert record.raw == raw


def test_numbers_are_exact(desk, stream, connect):
    """A number with a point is a Decimal from the first on: 0.1 is one tenth, and no digit is lost."""
    desk.before = lambda _: httpx.Response(
        200,
        content=b'{"tickets": [{"id":1,"created":1788220801,"updated":1788220801,"f":123456789012345.6789}]}',
    )
    found = stream(custom={"ticket": {"f": CustomField(path="f", type="money")}})

    (record,) = _records(desk, found)

    assert str(record.custom["f"]) == "123456789012345.6789"


def test_what_a_list_does_not_show_is_read_one_by_one(desk, stream):
    """With `each`, the object is what the call for it gives, as of the clock of that answer."""
    desk.rows = [desk.ticket(1), desk.ticket(2)]
    inner = b'{"id": 1, "created": 1788220801, "state": "done"}'
    desk.routes["/tickets/1"] = lambda _: httpx.Response(200, content=b'{"ticket": ' + inner + b"}")
    desk.routes["/tickets/2"] = lambda _: httpx.Response(200, json={"ticket": {"id": 2, "created": 5, "state": "open"}})
    desk.before = lambda _: setattr(desk, "now", T0 + 100 * len(desk.asked))

    one, two = _records(desk, stream(desk.describe(stream=EACH)))

    assert (one.values[2], one.raw, one.as_of) == ("solved", inner, (T0 + 200) * SECOND)
    assert two.as_of == (T0 + 300) * SECOND


def test_one_that_is_gone_meanwhile_is_deleted(desk, stream):
    """An object of the list that the call for it no longer finds becomes a tombstone, where the description says so."""
    desk.rows = [desk.ticket(1)]

    (record,) = _records(desk, stream(desk.describe(stream=EACH)))

    assert (record.id, record.deleted, set(record.values)) == ("1", True, {None})
    assert json.loads(record.raw) == desk.rows[0]
    assert _records(desk, stream(desk.describe(stream=EACH.replace("deleted", "skip")))) == []


def test_calls_for_single_objects_have_a_budget(desk, stream):
    """Once its calls are spent, a sync stops with all earlier pages given, and the next one goes on there."""
    desk.rows = [desk.ticket(number) for number in range(1, 8)]
    for number in range(1, 8):
        desk.routes[f"/tickets/{number}"] = lambda request: httpx.Response(
            200, json={"ticket": {"id": request.url.path.rpartition("/")[2], "created": 5, "state": "open"}}
        )
    text = desk.describe(
        page="{kind: page, size: 3}",
        query="{since: '{start}', page: '{page}'}",
        stream=EACH,
        more="budget: {calls_per_sync: 4}",
    )
    found = stream(text)
    (part,) = found.plan(None, (T0 + 3_600) * SECOND)
    pages = found.read(part)

    assert desk.ids([next(pages)]) == ["1", "2", "3"]
    with pytest.raises(RetryableError, match="the 4 calls are spent"):
        next(pages)


def test_one_object_may_not_cost_all_calls(desk, stream):
    """An object whose list never ends is an error that says what to raise."""
    desk.rows = [desk.ticket(7)]
    raws = [b'{"n": %d, "at": %d, "text": "x"}' % (number, T0 + number) for number in range(9)]
    desk.routes["/tickets/7/notes"] = _notes(*raws)
    text = desk.describe(stream=CHILDREN, records=NOTES, more="budget: {calls_per_object: 3}")

    with pytest.raises(PermanentError, match="more than the 3 calls it may cost"):
        _records(desk, stream(text))


def test_a_list_that_is_not_whole_is_seen(desk, stream):
    """Where an object says it has more parts than it shows, a mapping can tell by `$cut`."""
    cut = "cut: {list: parts, total: parts_total}"
    records = (
        NOTES.partition("      - type: ticket_event")[0]
        + """      - type: ticket_event
        when: {path: [$cut], is: true}
        id: {join: [id, {constant: cut}], with: "."}
        as_of: {path: created, format: unix}
        columns: {at: {path: created, format: unix}, ticket_id: id, kind: {constant: message}}
"""
    )
    desk.rows = [desk.ticket(1, parts=[1, 2], parts_total=2), desk.ticket(2, parts=[1], parts_total=2)]

    found = _records(desk, stream(desk.describe(stream=cut, records=records)))

    assert [record.id for record in found] == ["1", "2", "2.cut"]


@pytest.mark.parametrize("key", [None, "", {"a": 1}, True, "..", "a" * 300, "a\nb"])
def test_an_id_that_is_none(desk, stream, key):
    """An id that is missing, or cannot be a part of an address, never becomes a call."""
    desk.rows = [{**desk.ticket(1), "id": key}]
    desk.routes["/tickets"] = lambda _: httpx.Response(200, json={"tickets": desk.rows})

    with pytest.raises(SchemaChanged):
        _records(desk, stream(desk.describe(stream=EACH)))

    assert len(desk.asked) == 1


def test_an_id_stays_one_part_of_the_path(desk, stream):
    """A slash or a question mark in an id is quoted: the call does not go elsewhere."""
    desk.rows = [{**desk.ticket(1), "id": "a/../b?c=d"}]
    desk.routes["/tickets"] = lambda _: httpx.Response(200, json={"tickets": desk.rows})

    _records(desk, stream(desk.describe(stream=EACH)))

    assert desk.asked[1].url.raw_path == b"/tickets/a%2F..%2Fb%3Fc%3Dd"

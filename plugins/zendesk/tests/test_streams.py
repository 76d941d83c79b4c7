"""The streams: plans, pages, watermarks, and resuming."""

import json
from datetime import UTC, datetime

import pytest

from tallystick.connectors import Slice
from tallystick.errors import AuthorizationError, CursorExpired, PermanentError, SchemaChanged
from tallystick_zendesk.streams import MOST, OVERLAP, QUIET

SECOND = 1_000_000
DAY = 86_400 * SECOND
AT = 1_788_220_800
NOW = AT * SECOND
START = 1_775_001_600 * SECOND
ORIGIN = "https://acme.zendesk.test"


def _iso(seconds):
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def streams(connect):
    """The streams of a connector by name, with pages of three rows."""
    return {stream.name: stream for stream in connect(page_size=3).streams()}


def _ticket(number, at, **fields):
    return {"id": number, "generated_timestamp": at, "updated_at": _iso(at - 7200), "status": "open", **fields}


def _user(number, at):
    return {"id": number, "updated_at": _iso(at), "role": "agent", "second": at}


def _event(number, at, ticket=1):
    comment = {"event_type": "Comment", "author_id": 5, "public": True, "body": f"text {number}"}
    return {
        "id": number,
        "ticket_id": ticket,
        "timestamp": at,
        "updater_id": 5,
        "via": "Mail",
        "child_events": [comment],
    }


def _rating(number, at):
    return {"id": number, "ticket_id": 1, "requester_id": 2, "score": "good", "updated_at": _iso(at), "second": at}


def _fill(account, count=10, ago=5000, step=60):
    times = [AT - ago + n * step for n in range(count)]
    account.rows["users"] = [_user(n, at) for n, at in enumerate(times, 1)]
    account.rows["tickets"] = [_ticket(n, at, ai=n % 4 == 0) for n, at in enumerate(times, 1)]
    account.rows["ticket_events"] = [_event(n * 100, at) for n, at in enumerate(times, 1)]
    account.rows["satisfaction_ratings"] = [_rating(n, at) for n, at in enumerate(times, 1)]


def _read(stream, watermark=None, until=NOW):
    pages = [page for part in stream.plan(watermark, until) for page in stream.read(part)]
    return pages, [record for page in pages for record in page.records]


NAMES = ["users", "tickets", "ticket_events", "ai_agent_tickets", "satisfaction_ratings"]
EXPORTS = NAMES[:4]


# --- plans


@pytest.mark.parametrize("name", NAMES)
def test_a_first_read_begins_at_the_start(streams, name):
    """Without a watermark the history begins where the configuration says, in one slice for less than a year."""
    assert streams[name].plan(None, NOW) == [Slice(START, NOW, {})]


@pytest.mark.parametrize("name", NAMES)
def test_a_later_read_begins_ten_minutes_before_the_watermark(streams, name):
    """A later read overlaps what was read before, and never reaches back beyond the start."""
    assert streams[name].plan(NOW - DAY, NOW) == [Slice(NOW - DAY - OVERLAP, NOW, {})]
    assert streams[name].plan(START + 1, NOW)[0].start == START


@pytest.mark.parametrize("until", [START - DAY, START, START + 60 * SECOND])
@pytest.mark.parametrize("name", NAMES)
def test_a_start_that_is_too_recent_gives_no_slice(streams, name, until):
    """What would begin in the minute that is withheld, or in the future, is not asked for."""
    assert streams[name].plan(None, until) == []


def test_a_long_history_of_events_is_cut(connect):
    """Two years of events are read in four slices without a gap; all other streams in one."""
    streams = {stream.name: stream for stream in connect(start="2024-09-01").streams()}
    parts = streams["ticket_events"].plan(None, NOW)

    assert len(parts) == 4
    assert [part.start for part in parts[1:]] == [part.end for part in parts[:-1]]
    assert all(part.start % SECOND == 0 for part in parts)
    assert len(streams["tickets"].plan(None, NOW)) == 1
    assert len(streams["ticket_events"].plan(NOW - DAY, NOW)) == 1


# --- what is asked for


def test_every_call_names_what_it_wants(account, streams):
    """Tickets of all kinds with their metrics, events of all kinds with their comments, AI agent tickets alone."""
    for name in NAMES:
        _read(streams[name])
    asked = {path: params for path, params in account.calls if params.get("support_type_scope") != "ai_agent"}
    [alone] = [params for _, params in account.calls if params.get("support_type_scope") == "ai_agent"]
    first = {"start_time": str(START // SECOND), "per_page": "3"}

    assert asked["incremental/users/cursor.json"] == first
    assert asked["incremental/tickets/cursor.json"] == {**first, "include": "metric_sets", "support_type_scope": "all"}
    assert asked["incremental/ticket_events.json"] == {
        **first,
        "include": "comment_events",
        "support_type_scope": "all",
    }
    assert alone == {**first, "support_type_scope": "ai_agent"}
    assert asked["satisfaction_ratings.json"] == {
        "start_time": str(START // SECOND),
        "end_time": str(AT),
        "score": "received",
        "page[size]": "100",
    }


def test_links_to_next_pages_are_not_followed(account, streams):
    """A foreign host in after_url, next_page and links is never called, with whatever number of pages."""
    _fill(account)
    for name in NAMES:
        pages, records = _read(streams[name])
        assert len(pages) > 1 or name == "ai_agent_tickets"
        assert records

    assert account.evil.call_count == 0


# --- pages


@pytest.mark.parametrize(
    ("name", "count"), [("users", 10), ("tickets", 10), ("ticket_events", 10), ("ai_agent_tickets", 2)]
)
def test_an_export_is_read_to_its_end(account, streams, name, count):
    """Every row comes, and the last page says that all is known up to where the export itself reached."""
    _fill(account)
    account.now = AT - 4300
    pages, records = _read(streams[name])

    assert len({(record.type, record.id) for record in records}) == count
    reached = max(record.as_of for record in records)
    assert account.now * SECOND - QUIET < reached < (account.now - 60) * SECOND
    assert (pages[-1].cursor, pages[-1].watermark) == (None, reached)
    marks = [page.watermark for page in pages if page.watermark is not None]
    assert marks == sorted(marks)


def test_ratings_are_read_to_their_end(account, streams):
    """Every rating comes; up to when they are known is told once all have."""
    _fill(account)
    pages, records = _read(streams["satisfaction_ratings"])

    assert [record.id for record in records] == [f"rating.{n}" for n in range(1, 11)]
    assert [page.watermark for page in pages] == [None] * 4 + [NOW - 60 * SECOND]


def test_metrics_stand_beside_the_tickets(account, streams):
    """How often a ticket was reopened comes from the sets beside the tickets."""
    _fill(account)

    assert {record.values[-1] for record in _read(streams["tickets"])[1]} == {1}


def test_a_page_of_events_is_known_up_to_its_last_row(account, streams):
    """After a page that does not end the export, its last second is not counted as known: more of it may follow."""
    _fill(account)
    page = _read(streams["ticket_events"])[0][0]
    newest = max(record.as_of for record in page.records)

    assert page.watermark == newest
    assert page.cursor is not None


@pytest.mark.parametrize("name", ["users", "tickets", "ai_agent_tickets"])
def test_rows_that_move_make_nothing_known_before_the_end(account, streams, name):
    """A row that changed late stands late in the order, however long ago it was made: a part tells nothing."""
    _fill(account, 60)
    pages = _read(streams[name])[0]

    assert len(pages) > 1
    assert [page.watermark for page in pages[:-1]] == [None] * (len(pages) - 1)


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_account_is_known_to_be_empty(account, streams, name):
    """No row at all is an answer as well: of a quiet export all is known up to an hour ago."""
    [page] = _read(streams[name])[0]

    known = NOW - 60 * SECOND if name == "satisfaction_ratings" else NOW - QUIET
    assert (page.records, page.cursor, page.watermark) == ([], None, known)


def _second(row):
    """Give the second an export sorts a row by."""
    if "updated_at" in row and "generated_timestamp" not in row:
        return int(datetime.fromisoformat(row["updated_at"]).timestamp())
    return row.get("generated_timestamp", row.get("timestamp"))


@pytest.mark.parametrize("name", EXPORTS)
def test_an_index_that_lags_behind_makes_nothing_known(account, streams, name):
    """An export whose index lags by half an hour is known only up to its newest row, and the rest comes later."""
    _fill(account, 60)
    kind = "tickets" if name == "ai_agent_tickets" else name
    account.now = max(_second(row) for row in account.rows[kind]) + 120
    hidden = [row for row in account.rows[kind] if _second(row) > account.now - 1800]
    account.rows[kind] = [row for row in account.rows[kind] if row not in hidden]
    pages, seen = _read(streams[name])
    account.rows[kind] += hidden
    [part] = streams[name].plan(pages[-1].watermark, NOW)
    late = [record for page in streams[name].read(part) for record in page.records]

    assert len(hidden) > 20
    everything = {record.id for record in _read(streams[name])[1]}
    assert {record.id for record in seen} | {record.id for record in late} == everything


@pytest.mark.parametrize("name", ["users", "tickets"])
def test_a_short_page_is_not_the_last(account, streams, name):
    """An export ends when it says so, not when a page is short."""
    _fill(account)
    account.short = True

    assert len(_read(streams[name])[1]) == 10


def test_a_ticket_changed_while_we_read_comes_twice(account, streams):
    """A ticket that moves to the end of the export between two pages comes in both states."""
    _fill(account)
    pages = streams["tickets"].read(streams["tickets"].plan(None, NOW)[0])
    first = next(pages)
    account.rows["tickets"][0] |= {"generated_timestamp": AT - 100, "status": "solved"}
    rest = [record for page in pages for record in page.records]

    assert [record.values[2] for record in [*first.records, *rest] if record.id == "1"] == ["open", "solved"]


def test_a_system_touch_moves_a_ticket(account, streams):
    """A ticket whose updated_at is older than the start of the read is found by its generated_timestamp."""
    account.rows["tickets"] = [_ticket(1, AT - 300, updated_at=_iso(AT - 90 * 86_400))]
    [record] = _read(streams["tickets"], watermark=NOW - 600 * SECOND)[1]

    assert record.as_of == NOW - 300 * SECOND


def test_a_slice_of_events_ends_when_rows_pass_its_end(account, streams):
    """With the end of the read in the past, no more pages are asked for than needed, and its end is known."""
    _fill(account, 40)
    until = NOW - 4800 * SECOND
    pages, _ = _read(streams["ticket_events"], until=until)

    assert len(account.calls) <= 3
    assert pages[-1].watermark == until


@pytest.mark.parametrize("name", ["users", "tickets", "ai_agent_tickets"])
def test_an_export_by_cursor_is_read_on_past_its_end(account, streams, name):
    """A row that was changed after the end of the read stands behind it: only the end of the export is the end."""
    _fill(account, 40)
    until = NOW - 4800 * SECOND
    _, some = _read(streams[name], until=until)

    assert {record.id for record in some} == {record.id for record in _read(streams[name])[1]}


@pytest.mark.parametrize("name", NAMES)
def test_the_watermark_obeys_zendesks_clock(account, streams, name):
    """With our clock an hour ahead, nothing counts as known beyond Zendesk's own clock less the withheld minute."""
    _fill(account)

    assert _read(streams[name], until=NOW + 3600 * SECOND)[0][-1].watermark <= NOW - 60 * SECOND


@pytest.mark.parametrize("name", NAMES)
def test_the_clock_of_the_first_page_counts(account, streams, name):
    """What changes while we read is left to the next read: the clock when the slice began decides."""
    _fill(account)
    account.rows["tickets"] += [_ticket(n, AT - 900, ai=True) for n in range(20, 28)]
    pages = streams[name].read(streams[name].plan(None, NOW + 9000 * SECOND)[0])
    next(pages)
    account.now += 5000

    assert list(pages)[-1].watermark <= NOW - 60 * SECOND


@pytest.mark.parametrize("name", EXPORTS)
def test_a_start_that_zendesk_calls_too_recent_is_no_error(account, streams, name):
    """With our clock far ahead the start may be too recent: there is nothing to read yet, and nothing is claimed."""
    account.now = START // SECOND + 30
    [page] = _read(streams[name])[0]

    assert (page.records, page.cursor, page.watermark) == ([], None, START)


@pytest.mark.parametrize("name", NAMES)
def test_resuming_at_every_page_equals_an_uncut_read(account, streams, name):
    """Cut after any page and resumed from its cursor, the same records come, and the same end is known."""
    _fill(account)
    account.rows["tickets"] += [_ticket(n, AT - 900 + n, ai=True) for n in range(20, 32)]
    stream = streams[name]
    [part] = stream.plan(None, NOW)
    uncut = list(stream.read(part))
    whole = {(record.type, record.id, record.values) for page in uncut for record in page.records}
    assert len(uncut) >= 4
    for number, page in enumerate(uncut[:-1], start=1):
        rest = list(stream.read(Slice(part.start, part.end, json.loads(json.dumps(page.cursor)))))
        found = {(r.type, r.id, r.values) for p in [*uncut[:number], *rest] for r in p.records}

        assert found == whole
        assert rest[-1].watermark == uncut[-1].watermark


@pytest.mark.parametrize("name", NAMES)
def test_reading_on_misses_nothing(account, streams, name):
    """Read every twenty minutes, all that a single read in the end finds is found."""
    _fill(account, 60, ago=4 * 3600, step=200)
    held, mark = set(), None
    for account.now in range(AT - 4 * 3600, AT + 1, 1200):
        pages, records = _read(streams[name], mark, account.now * SECOND)
        held |= {(record.type, record.id) for record in records}
        mark = pages[-1].watermark if pages else mark

    assert held == {(record.type, record.id) for record in _read(streams[name])[1]}


# --- many events in one second


def test_a_page_never_splits_a_second(account, streams):
    """A page that is longer than asked for is taken whole, and the read goes on behind it."""
    account.rows["ticket_events"] = [_event(n, AT - 1000) for n in range(5)] + [_event(9, AT - 900)]
    pages, records = _read(streams["ticket_events"])

    assert {record.id for record in records} == {"0.00", "1.00", "2.00", "3.00", "4.00", "9.00"}
    assert len(pages) <= 4


@pytest.mark.parametrize("count", [MOST, MOST + 1, 2 * MOST])
def test_a_second_that_fills_the_largest_page_does_not_hold_us_up(account, streams, connect, count):
    """The second is asked for with the largest page, delivered whole, and then stepped over; nothing is lost."""
    account.rows["ticket_events"] = [_event(n, AT - 1000) for n in range(count)] + [_event(10**6, AT - 900)]
    account.rows["ticket_events"].insert(0, _event(10**7, AT - 2000))
    for stream in (streams["ticket_events"], {s.name: s for s in connect().streams()}["ticket_events"]):
        account.calls.clear()
        pages, records = _read(stream)

        assert len({record.id for record in records}) == count + 2
        assert len(account.calls) <= 5
        assert (str(AT - 1000), str(MOST)) in {
            (params["start_time"], params["per_page"]) for _, params in account.calls
        }
        assert len({json.dumps(page.cursor) for page in pages}) == len(pages)
        marks = [page.watermark for page in pages if page.watermark is not None]
        assert marks == sorted(marks)


def test_a_full_second_at_the_very_end_is_read(account, streams):
    """When the newest second that is shown fills the page, the read ends there and claims no more than it saw."""
    account.rows["ticket_events"] = [_event(n, AT - 60) for n in range(MOST + 5)]
    pages, records = _read(streams["ticket_events"])

    assert len({record.id for record in records}) == MOST + 5
    assert pages[-1].watermark <= NOW - 60 * SECOND


# --- what cannot go on


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("tickets", {"tickets": [], "end_of_stream": False, "after_cursor": None}),
        ("tickets", {"tickets": [], "end_of_stream": False, "after_cursor": "same"}),
        ("users", {"users": [], "end_of_stream": False}),
        ("ticket_events", {"ticket_events": [], "end_of_stream": False, "end_time": None}),
        ("ticket_events", {"ticket_events": [], "end_of_stream": False, "end_time": 5}),
        ("satisfaction_ratings", {"satisfaction_ratings": [], "meta": {"has_more": True, "after_cursor": "same"}}),
        ("tickets", {"tickets": []}),
        ("tickets", {"tickets": [{"id": 1}], "end_of_stream": True}),
        ("tickets", {"tickets": {}, "end_of_stream": True}),
        ("ticket_events", {"ticket_events": [7], "end_of_stream": True}),
        ("users", []),
    ],
)
def test_what_does_not_move_on_or_has_another_shape_is_told(web, answer, streams, name, body):
    """No export is read for ever, and none is half read because of a row in another shape."""
    web.get(url__startswith=f"{ORIGIN}/api/v2/").mock(return_value=answer(body))

    with pytest.raises(SchemaChanged):
        _read(streams[name])


@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize("name", ["users", "tickets", "ai_agent_tickets"])
def test_a_cursor_that_is_not_taken_any_more(web, answer, streams, name, status):
    """A refused cursor starts the stream again."""
    web.get(url__startswith=f"{ORIGIN}/api/v2/").mock(return_value=answer({"error": "x"}, status))
    [part] = streams[name].plan(None, NOW)

    with pytest.raises(CursorExpired):
        list(streams[name].read(Slice(part.start, part.end, {"after": "old", "date": NOW})))


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_role_stops_the_stream(web, answer, streams, name):
    """Who is no admin gets one clear error."""
    forbidden = {"error": {"title": "Forbidden", "message": "You do not have access"}}
    web.get(url__startswith=f"{ORIGIN}/api/v2/").mock(return_value=answer(forbidden, 403))

    with pytest.raises(AuthorizationError, match="403"):
        _read(streams[name])


# --- economy


def test_calls_per_thousand_tickets(account, connect):
    """1,000 tickets with 8,000 events take 9 to 12 calls of exports, and no call per ticket."""
    times = [AT - 100_000 + n * 10 for n in range(8000)]
    account.rows["users"] = [_user(n, AT - 5000 + n) for n in range(1, 200)]
    account.rows["tickets"] = [_ticket(n, AT - 90_000 + n, ai=n % 9 == 0) for n in range(1, 1001)]
    account.rows["ticket_events"] = [_event(n, at, n % 1000) for n, at in enumerate(times)]
    for stream in connect().streams():
        _read(stream)
    exports = [path for path, _ in account.calls if path.startswith("incremental/")]

    assert 9 <= len(exports) <= 12
    assert not [path for path, _ in account.calls if path.startswith("tickets/")]


def test_a_second_full_of_events_that_tell_nothing_is_stepped_over(account, streams):
    """A whole page of events without an act in one second is read and left behind, and is nothing to stop at."""
    empty = [{**_event(n * 100, AT - 5000), "child_events": []} for n in range(1, MOST + 501)]
    account.rows["ticket_events"] = [*empty, _event(999_900, AT - 4000)]

    assert [record.id for record in _read(streams["ticket_events"])[1]][-1].startswith("999900")


@pytest.mark.parametrize("name", EXPORTS)
def test_an_old_start_that_is_refused_is_an_error(account, streams, name, web, answer):
    """A refusal that speaks of a start too recent, for one that is months old, means something else."""
    web.reset()
    refused = answer({"error": "StartTimeTooRecent", "description": "Too recent start_time"}, 400)
    web.get(url__startswith=f"{ORIGIN}/api/v2/").mock(return_value=refused)

    with pytest.raises(PermanentError):
        _read(streams[name])


@pytest.mark.parametrize("odd", [{"ticket_id": None}, {"requester_id": [1]}, {"created_at": 5}])
def test_a_rating_with_odd_fields_stops_nothing(account, streams, odd):
    """A rating of no ticket is passed over, and other odd fields are unknown."""
    account.rows["satisfaction_ratings"] = [{**_rating(1, AT - 5000), **odd}, _rating(2, AT - 4900)]

    assert _read(streams["satisfaction_ratings"])[1][-1].id == "rating.2"

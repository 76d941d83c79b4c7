"""The streams: plans, windows, events, and resuming."""

import json
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import pairwise

import pytest

from tallystick.connectors import Slice
from tallystick.errors import AuthorizationError, CursorExpired, RetryableError
from tallystick_stripe.changes import EVENT_TYPES
from tallystick_stripe.client import API_VERSION
from tallystick_stripe.streams import LAG

SECOND = 1_000_000
DAY = 86_400 * SECOND
NOW = 1_788_220_800 * SECOND
START = 1_775_001_600 * SECOND
AT = NOW // SECOND


class _Account:
    """Lists as Stripe serves them: newest first, from a half-open window, a few rows per page."""

    def __init__(self, web, answer, refused, size):
        self.rows = {}
        self.size = size
        self.now = AT
        self.calls = []
        self._answer = answer
        self._refused = refused
        web.get(url__startswith="https://api.stripe.test/v1/").mock(side_effect=self._serve)

    def add(self, name, *rows):
        self.rows.setdefault(name, []).extend(rows)

    def _serve(self, request):
        name, _, key = request.url.path.removeprefix("/v1/").partition("/")
        self.calls.append((name, key, dict(request.url.params)))
        date = format_datetime(datetime.fromtimestamp(self.now, UTC), usegmt=True)
        body, status = self._one(name, key) if key else self._list(name, request.url.params)
        return self._answer(body, status, date=date)

    def _one(self, name, key):
        found = [row for row in self.rows.get(name, []) if row["id"] == key]
        return (found[0], 200) if found else (self._refused("resource_missing"), 404)

    def _list(self, name, params):
        first, last = int(params["created[gte]"]), int(params["created[lt]"])
        rows = [row for row in self.rows.get(name, []) if first <= row["created"] < last]
        types = params.get_list("types[]")
        rows = [row for row in rows if not types or row["type"] in types]
        rows.sort(key=lambda row: -row["created"])
        after = params.get("starting_after")
        if after:
            ids = [row["id"] for row in rows]
            if after not in ids:
                return self._refused("resource_missing"), 404
            rows = rows[ids.index(after) + 1 :]
        page = {"object": "list", "data": rows[: self.size], "has_more": len(rows) > self.size, "url": f"/v1/{name}"}
        return page, 200


@pytest.fixture
def account(web, answer, refused):
    """An account that gives three rows per page."""
    return _Account(web, answer, refused, 3)


@pytest.fixture
def streams(connect):
    """The streams of a connector by name."""
    return {stream.name: stream for stream in connect(requests_per_second=10_000).streams()}


def _charge(number, created, **fields):
    return {"id": f"ch_{number}", "object": "charge", "created": created, "currency": "eur", "amount": 100, **fields}


def _event(number, created, thing, kind="charge.updated", **fields):
    return {
        "id": f"evt_{number}",
        "object": "event",
        "type": kind,
        "created": created,
        "api_version": API_VERSION,
        "data": {"object": thing, "previous_attributes": {"status": "old"}},
        "request": None,
        **fields,
    }


def _read(stream, part):
    return list(stream.read(part))


def _objects(pages):
    return [record for page in pages for record in page.records if record.type != "change"]


def _latest(pages):
    """Give what a store would hold after these pages: the newest version of each record."""
    held = {}
    for page in pages:
        for record in page.records:
            key = (record.type, record.id)
            if key not in held or record.as_of >= held[key].as_of:
                held[key] = record
    return {key: (record.values, record.raw, record.deleted) for key, record in held.items()}


# --- plans


def test_a_first_read_is_cut_into_equal_slices(streams):
    """The history is cut without a gap, oldest first, at whole seconds."""
    parts = streams["charges"].plan(None, NOW)

    assert len(parts) == 8
    assert (parts[0].start, parts[-1].end) == (START, NOW)
    assert all(one.end == next_.start and one.end % SECOND == 0 for one, next_ in pairwise(parts))
    assert all(part.cursor == {} for part in parts)


def test_streams_with_few_objects_are_not_cut(streams):
    """A slice costs a call, so that only what there is much of is cut."""
    assert {name: len(stream.plan(None, NOW)) for name, stream in streams.items()} == {
        "balance_transactions": 8,
        "charges": 8,
        "invoices": 8,
        "invoice_payments": 8,
        "refunds": 1,
        "disputes": 1,
        "credit_notes": 1,
        "customers": 1,
        "events": 1,
    }


def test_a_later_read_overlaps_ten_minutes(streams):
    """One slice from ten minutes before the watermark, because a list may show an object late."""
    [part] = streams["charges"].plan(NOW - DAY, NOW)

    assert (part.start, part.end, part.cursor) == (NOW - DAY - 600 * SECOND, NOW, {})


def test_the_overlap_does_not_reach_before_the_start(connect):
    """Nothing before the start of the configuration is ever asked for."""
    [stream] = [stream for stream in connect(start="2026-08-31").streams() if stream.name == "charges"]
    start = NOW - DAY

    assert [part.start for part in stream.plan(start + SECOND, NOW)] == [start]


@pytest.mark.parametrize(("days", "slices"), [(25, 1), (25.001, 8)])
def test_a_long_pause_reads_everything_again(streams, days, slices):
    """After more than 25 days the windows begin at the start, because events may have been forgotten."""
    parts = streams["charges"].plan(NOW - int(days * DAY), NOW)

    assert len(parts) == slices
    assert (parts[0].start == START) is (slices == 8)


def test_a_start_in_the_future_gives_nothing_to_read(connect):
    """No slice is made of a time that has not come."""
    for stream in connect(start="2027-01-01").streams():
        if stream.name != "events":
            assert stream.plan(None, NOW) == []


def test_a_short_history_is_not_cut_finer_than_days(connect):
    """A history of two days has at most two slices."""
    [stream] = [stream for stream in connect(start="2026-08-30").streams() if stream.name == "charges"]

    assert len(stream.plan(None, NOW)) == 2


def test_the_events_begin_where_stripe_begins_to_remember(streams):
    """The first read of events goes back 30 days less an hour, and that is where the history of changes begins."""
    [part] = streams["events"].plan(None, NOW)

    assert (part.start, part.end) == (NOW - 30 * DAY + 3600 * SECOND, NOW)


@pytest.mark.parametrize(("days", "expected"), [(1, 1 + 600 / 86_400), (29, 29 + 600 / 86_400), (40, 30 - 1 / 24)])
def test_later_events_overlap_and_never_reach_beyond_memory(streams, days, expected):
    """Events are read from ten minutes before the watermark, or from as far back as Stripe remembers."""
    *_, part = streams["events"].plan(NOW - days * DAY, NOW)

    assert part.start == NOW - round(expected * DAY)


def test_what_stripe_forgot_is_listed_again(streams):
    """When events were forgotten since the last read, every kind of object is listed anew before events are read on."""
    for stream in streams.values():
        stream.plan(NOW - DAY, NOW)
    parts = streams["events"].plan(NOW - 40 * DAY, NOW)

    listed = [part.cursor.get("everything") for part in parts]
    assert listed[:-1] == [name for name in streams if name not in {"balance_transactions", "events"}]
    assert parts[-1].cursor == {"changes_only": True}
    assert len({(part.start, part.end) for part in parts}) == 1


def test_a_first_load_takes_objects_from_the_windows(streams):
    """Where all windows are read from their start in the same sync, the events give changes only."""
    for stream in streams.values():
        last = stream.plan(None, NOW)

    assert [part.cursor for part in last] == [{"changes_only": True}]


@pytest.mark.parametrize("watermark", [None, NOW - DAY])
def test_events_that_come_later_than_the_windows_bring_their_objects(streams, watermark):
    """If one window reads on from its watermark, only the events show what changed meanwhile, whatever theirs is."""
    for name, stream in streams.items():
        last = stream.plan(watermark if name == "events" else NOW - DAY, NOW)

    assert [part.cursor for part in last] == [{}]


# --- windows


def test_a_window_is_read_newest_first_to_its_end(account, streams):
    """Every object of the half-open window comes once, and the page that ends it carries the slice's end."""
    account.add("charges", *(_charge(n, AT - 100 + n) for n in range(10)), _charge("edge", AT - 50))
    account.now = AT + 100
    pages = _read(streams["charges"], Slice((AT - 100) * SECOND, (AT - 50) * SECOND, {}))

    assert [record.id for record in _objects(pages)] == [f"ch_{n}" for n in range(9, -1, -1)]
    assert [page.watermark for page in pages] == [None, None, None, (AT - 50) * SECOND]
    assert [page.cursor is None for page in pages] == [False, False, False, True]
    assert {record.as_of for record in _objects(pages)} == {(AT + 100) * SECOND}


def test_fractions_of_seconds_are_rounded_up_at_both_ends(account, streams):
    """An object of second s belongs to a slice that begins at or before s exactly and ends after it."""
    account.add("charges", *(_charge(n, AT + n) for n in (-3, -2, -1)))
    pages = _read(streams["charges"], Slice((AT - 2) * SECOND - 1, (AT - 1) * SECOND - 1, {}))

    assert [record.id for record in _objects(pages)] == ["ch_-2"]


def test_the_watermark_never_runs_ahead_of_stripes_clock(account, streams):
    """If our clock is ahead, the watermark is a minute behind Stripe's at its first page, whenever the others come."""
    account.add("charges", *(_charge(n, AT - 100 + n) for n in range(7)))
    account.now = AT - 60
    pages = []
    for page in streams["charges"].read(Slice((AT - 200) * SECOND, AT * SECOND, {})):
        pages.append(page)
        account.now += 30

    assert pages[-1].watermark == (AT - 60) * SECOND - LAG


def test_resuming_keeps_the_clock_of_the_first_page(account, streams):
    """A slice that is resumed later is known by the clock of its first page, not of its last."""
    account.add("charges", *(_charge(n, AT - 100 + n) for n in range(7)))
    account.now = AT - 60
    first = next(streams["charges"].read(Slice((AT - 200) * SECOND, AT * SECOND, {})))
    account.now = AT - 1
    rest = _read(streams["charges"], Slice((AT - 200) * SECOND, AT * SECOND, json.loads(json.dumps(first.cursor))))

    assert rest[-1].watermark == (AT - 60) * SECOND - LAG


def test_resuming_at_every_page_gives_the_rest(account, streams):
    """Cut after any page and resumed from its cursor, the same objects come as without a cut."""
    account.add("charges", *(_charge(n, AT - 100 + n // 3) for n in range(20)))
    part = Slice((AT - 200) * SECOND, AT * SECOND, {})
    uncut = _read(streams["charges"], part)

    for number, page in enumerate(uncut[:-1], start=1):
        rest = _read(streams["charges"], Slice(part.start, part.end, json.loads(json.dumps(page.cursor))))

        assert _latest(uncut[:number] + rest) == _latest(uncut)
        assert len(rest) == len(uncut) - number


def test_a_vanished_anchor_restarts_the_slice(account, streams):
    """When the object the read stopped at is deleted, the slice begins again and nothing is missed."""
    account.add("charges", *(_charge(n, AT - 100 + n) for n in range(12)))
    part = Slice((AT - 200) * SECOND, AT * SECOND, {})
    pages = []
    for number, page in enumerate(streams["charges"].read(part)):
        pages.append(page)
        if number == 1:
            anchor = page.cursor["after"]
            account.rows["charges"] = [row for row in account.rows["charges"] if row["id"] != anchor]
    cursors = [json.dumps(page.cursor) for page in pages if page.cursor]

    assert {record.id for record in _objects(pages)} == {f"ch_{n}" for n in range(12)}
    assert len(cursors) == len(set(cursors))


def test_an_anchor_that_vanishes_for_ever_ends_the_slice(account, streams):
    """A slice whose anchors vanish again and again is expired instead of read for ever."""
    account.add("charges", *(_charge(n, AT - 100 + n) for n in range(30)))

    def read():
        for page in streams["charges"].read(Slice((AT - 200) * SECOND, AT * SECOND, {})):
            anchor = (page.cursor or {}).get("after")
            account.rows["charges"] = [row for row in account.rows["charges"] if row["id"] != anchor]

    with pytest.raises(CursorExpired, match="is gone"):
        read()


def test_an_empty_window_is_known(account, streams):
    """A window without an object ends at once, and is known to hold nothing."""
    [page] = _read(streams["refunds"], Slice((AT - 100) * SECOND, AT * SECOND, {}))

    assert (list(page.records), page.cursor, page.watermark) == ([], None, AT * SECOND - LAG)
    assert len(account.calls) == 1


def test_no_expansion_is_asked_for(account, streams):
    """Objects are read as they are, so that two reads of one state are equal."""
    for name, stream in streams.items():
        _read(stream, Slice((AT - 100) * SECOND, AT * SECOND, {}))

        assert not any("expand" in key for _, _, params in account.calls for key in params), name


def test_a_refusal_leaves_the_stream(web, answer, refused, streams):
    """A missing right stops the stream with its name."""
    message = "Having the 'rak_charge_read' permission would allow this request to continue."
    web.get("https://api.stripe.test/v1/charges").mock(side_effect=lambda _: answer(refused(message=message), 403))

    with pytest.raises(AuthorizationError, match="rak_charge_read"):
        _read(streams["charges"], Slice((AT - 100) * SECOND, AT * SECOND, {}))


def test_a_stripe_that_is_down_leaves_the_stream(web, answer, streams):
    """After the last attempt an unreachable Stripe is a retryable error of ours."""
    web.get("https://api.stripe.test/v1/charges").mock(side_effect=lambda _: answer(b"down", 503))

    with pytest.raises(RetryableError, match="503"):
        _read(streams["charges"], Slice((AT - 100) * SECOND, AT * SECOND, {}))


# --- events


def test_events_give_changes_and_the_newest_object_of_a_page(account, streams):
    """Each event is a change; an object comes once, in its newest state, as of that event."""
    account.add(
        "events",
        _event(1, AT - 30, _charge(1, AT - 99, status="pending")),
        _event(2, AT - 20, _charge(1, AT - 99, status="succeeded")),
    )
    [first, last] = _read(streams["events"], Slice((AT - 100) * SECOND, AT * SECOND, {}))
    [charge] = _objects([first, last])

    assert [record.id for record in first.records if record.type == "change"] == ["evt_2#status", "evt_1#status"]
    assert (charge.type, charge.id, charge.values[1], charge.as_of) == (
        "payment",
        "ch_1",
        "succeeded",
        (AT - 20) * SECOND,
    )
    assert (first.watermark, last.watermark) == (None, AT * SECOND - LAG)


def test_the_object_of_an_event_is_its_exact_bytes(account, streams):
    """The raw of a change is the event, and the raw of its object the slice of it, as delivered."""
    account.add("events", _event(1, AT - 30, _charge(1, AT - 99)))
    pages = _read(streams["events"], Slice((AT - 100) * SECOND, AT * SECOND, {}))
    [change] = [record for page in pages for record in page.records if record.type == "change"]
    [charge] = _objects(pages)

    assert charge.raw in change.raw
    assert json.loads(change.raw)["id"] == "evt_1"


def test_all_types_are_asked_for_in_passes(account, streams):
    """Each pass asks for its own types over the same window, and only the last one makes the watermark."""
    pages = _read(streams["events"], Slice((AT - 100) * SECOND, AT * SECOND, {}))

    assert [page.watermark for page in pages] == [None] * (len(EVENT_TYPES) - 1) + [AT * SECOND - LAG]
    assert len(account.calls) == len(EVENT_TYPES)
    assert {(params["created[gte]"], params["created[lt]"]) for _, _, params in account.calls} == {
        (str(AT - 100), str(AT))
    }


def test_an_event_of_another_version_reads_the_object_again(account, streams):
    """Each object of a page with foreign events is read once, as of Stripe's clock."""
    old = {"api_version": "2019-01-01"}
    account.add("charges", _charge(1, AT - 99, status="succeeded"))
    account.add(
        "events",
        *(_event(n, AT - 50 + n, {"id": "ch_1", "object": "charge", "strange": True}, **old) for n in range(2)),
    )
    account.now = AT + 7
    [charge] = _objects(_read(streams["events"], Slice((AT - 100) * SECOND, AT * SECOND, {})))

    assert (charge.values[1], charge.as_of) == ("succeeded", (AT + 7) * SECOND)
    assert [key for name, key, _ in account.calls if name == "charges"] == ["ch_1"]


def test_the_newest_event_decides_which_way_an_object_is_read(account, streams):
    """A newer event at our version makes an older foreign one of the same object superfluous."""
    account.add(
        "events",
        _event(1, AT - 50, {"id": "ch_1", "object": "charge"}, api_version="2019-01-01"),
        _event(2, AT - 40, _charge(1, AT - 99)),
    )
    _read(streams["events"], Slice((AT - 100) * SECOND, AT * SECOND, {}))

    assert not any(key for _, key, _ in account.calls)


def test_a_foreign_event_of_an_object_that_is_gone(account, streams):
    """What cannot be read again any more is left to the event that tells of its deletion."""
    account.add("events", _event(1, AT - 50, {"id": "ch_1", "object": "charge"}, api_version="2019-01-01"))

    assert _objects(_read(streams["events"], Slice((AT - 100) * SECOND, AT * SECOND, {}))) == []


def test_a_foreign_event_of_a_deleted_customer(account, streams):
    """Stripe answers for a deleted customer with a stub: it becomes a tombstone."""
    account.add("customers", {"id": "cus_1", "object": "customer", "deleted": True, "created": 0})
    thing = {"id": "cus_1", "object": "customer"}
    account.add("events", _event(1, AT - 50, thing, "customer.updated", api_version="2019-01-01"))
    [customer] = _objects(_read(streams["events"], Slice((AT - 100) * SECOND, AT * SECOND, {})))

    assert (customer.type, customer.deleted) == ("customer", True)


@pytest.mark.parametrize(("kind", "name"), [("customer.deleted", "customer"), ("invoice.deleted", "invoice")])
def test_a_deletion_is_a_tombstone(account, streams, kind, name):
    """The event of a deletion gives a tombstone as of that moment, and an older event does not bring it back."""
    thing = {"id": "x_1", "object": name, "created": AT - 90}
    account.add("events", _event(1, AT - 50, thing, f"{name}.updated"), _event(2, AT - 40, thing, kind))
    [record] = _objects(_read(streams["events"], Slice((AT - 100) * SECOND, AT * SECOND, {})))

    assert (record.type, record.id, record.deleted, record.as_of) == (name, "x_1", True, (AT - 40) * SECOND)


def test_objects_we_do_not_keep_give_changes_only(account, streams):
    """A payment intent's event is kept as a change; the intent itself is no record."""
    account.add("events", _event(1, AT - 50, {"id": "pi_1", "object": "payment_intent"}, "payment_intent.succeeded"))
    pages = _read(streams["events"], Slice((AT - 100) * SECOND, AT * SECOND, {}))

    assert [record.id for page in pages for record in page.records] == ["evt_1#status"]


def test_changes_only_reads_no_object(account, streams):
    """A slice of changes only gives no object and makes no call for one."""
    account.add(
        "events",
        _event(1, AT - 50, _charge(1, AT - 99)),
        _event(2, AT - 40, {"id": "ch_2", "object": "charge"}, api_version="2019-01-01"),
    )
    pages = _read(streams["events"], Slice((AT - 100) * SECOND, AT * SECOND, {"changes_only": True}))

    assert _objects(pages) == []
    assert sum(len(page.records) for page in pages) == 2
    assert not any(key for _, key, _ in account.calls)


@pytest.mark.parametrize("cut", range(1, 5))
def test_events_of_one_second_never_bring_back_an_older_state(account, streams, cut):
    """Ties across a page's edge and a resume there leave the newest state, not the last one that was read."""
    states = [f"state {n}" for n in range(10)]
    account.add("events", *(_event(n, AT - 50, _charge(1, AT - 99, status=state)) for n, state in enumerate(states)))
    account.rows["events"].reverse()
    part = Slice((AT - 100) * SECOND, AT * SECOND, {})
    uncut = _read(streams["events"], part)
    cursor = json.loads(json.dumps(uncut[cut - 1].cursor))
    resumed = uncut[:cut] + _read(streams["events"], Slice(part.start, part.end, cursor))

    assert _latest(uncut)["payment", "ch_1"][0][1] == "state 9"
    assert _latest(resumed) == _latest(uncut)


def test_a_vanished_event_restarts_its_pass(account, streams):
    """When the event the read stopped at is forgotten, the pass begins again and ends like any other."""
    account.add("events", *(_event(n, AT - 90 + n, _charge(n, AT - 99)) for n in range(8)))
    pages = []
    for number, page in enumerate(streams["events"].read(Slice((AT - 100) * SECOND, AT * SECOND, {}))):
        pages.append(page)
        if number == 0:
            anchor = page.cursor["after"]
            account.rows["events"] = [row for row in account.rows["events"] if row["id"] != anchor]

    assert {key for kind, key in _latest(pages) if kind == "payment"} == {f"ch_{n}" for n in range(8)}
    assert pages[-1].watermark == AT * SECOND - LAG


@pytest.mark.parametrize(("now", "said"), [(AT + 86_401, "forgotten"), (AT - 30 * 86_400, "1 days after")])
def test_a_slice_of_events_lies_in_what_stripe_can_tell(account, streams, now, said):
    """A slice that would have a hole because it is resumed too late is refused, and one that has not begun yet too."""
    account.now = now

    with pytest.raises(CursorExpired, match=said):
        _read(streams["events"], Slice((AT - 29 * 86_400) * SECOND, AT * SECOND, {}))

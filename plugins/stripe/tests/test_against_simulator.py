"""The connector against the simulator, over a real socket, as a buyer's would read Stripe."""

import json

import pytest

from tallystick.connectors import Slice
from tallystick.errors import AuthorizationError, PermanentError, RateLimited, RetryableError, SchemaChanged
from tallystick.testing.simulation import start_simulator
from tallystick_stripe.check import check_source
from tallystick_stripe.connector import StripeConfig, StripeConnector
from tallystick_stripe.streams import LAG, PATHS

MODULE = "tallystick_stripe.simulator"
FIRST, SECOND, LAST = "2026-08-31T22:00:00Z", "2026-09-20T00:00:00Z", "2026-10-12T06:00:00Z"
INSTANTS = {FIRST: 1_788_213_600_000_000, SECOND: 1_789_862_400_000_000, LAST: 1_791_784_800_000_000}
START = 1_775_001_600_000_000
INVOICES = 1000


@pytest.fixture(scope="module")
def shared():
    """A simulated company with its clock in mid September; nobody moves it."""
    with start_simulator(MODULE, seed=1, now=SECOND, options=["--invoices", str(INVOICES)]) as simulator:
        yield simulator


@pytest.fixture
def simulator(shared):
    """The shared company, without faults before and after."""
    shared.set_faults([])
    yield shared
    shared.set_faults([])


@pytest.fixture
def open_(monkeypatch, timer):
    """Make connectors for a simulator; all are closed afterwards."""
    opened = []

    def make(simulator, key="rk_live_demo", **settings):
        monkeypatch.setenv("TALLYSTICK_TEST_STRIPE", key)
        given = {"start": "2026-04-01", "requests_per_second": 10_000, **settings}
        config = StripeConfig(base_url=simulator.origin, key="env:TALLYSTICK_TEST_STRIPE", **given)
        opened.append(StripeConnector(config, timer=timer))
        return opened[-1]

    yield make
    for connector in opened:
        connector.close()


def _streams(connector):
    return {stream.name: stream for stream in connector.streams()}


def _read(stream, watermark, until):
    """Read a stream's plan; give its pages and up to when it is known."""
    parts = stream.plan(watermark, until)
    pages = [page for part in parts for page in stream.read(part)]
    return pages, max(page.watermark for page in pages if page.watermark is not None)


def _store(held, pages):
    """Keep the newest version of each record, as a store does: an older state never replaces a newer one."""
    for page in pages:
        for record in page.records:
            key = (record.type, record.id)
            if key not in held or record.as_of >= held[key].as_of:
                held[key] = record


def _facts(held, *without):
    return {
        key: (record.values, record.custom, record.deleted) for key, record in held.items() if key[0] not in without
    }


def test_the_whole_account_is_read_in_few_calls(simulator, open_):
    """A first load of the windows takes about 50 calls per 1,000 invoices, and each object comes once."""
    connector = open_(simulator)
    held, calls = {}, {}
    for name, stream in _streams(connector).items():
        before = connector.calls()
        pages, watermark = _read(stream, None, INSTANTS[SECOND])
        calls[name] = connector.calls() - before
        ids = [(record.type, record.id) for page in pages for record in page.records]
        _store(held, pages)

        assert watermark == INSTANTS[SECOND] - LAG
        assert name == "events" or len(ids) == len(set(ids))
    invoices = sum(kind == "invoice" for kind, _ in held)
    windows = sum(count for name, count in calls.items() if name not in {"events", "customers"})

    assert invoices > 0.9 * INVOICES
    assert windows / invoices * 1000 <= 65
    assert simulator.calls() >= connector.calls()


def test_slices_side_by_side_equal_one_slice(simulator, open_):
    """Eight slices give exactly the objects that one slice gives."""
    many, one = (open_(simulator, slices=slices) for slices in (8, 1))
    for name in ("charges", "balance_transactions"):
        held = []
        for connector in (many, one):
            stream = _streams(connector)[name]
            found = {}
            _store(found, _read(stream, None, INSTANTS[SECOND])[0])
            held.append(_facts(found))

        assert held[0] == held[1]
        assert held[0]


@pytest.mark.parametrize("name", [*sorted(path.rpartition("/")[2] for path in PATHS.values()), "events"])
def test_resuming_at_every_page_equals_an_uncut_read(simulator, open_, name):
    """Cut after any page and resumed by another connector, the same facts are held in the end."""
    until = INSTANTS[SECOND]
    part = Slice(until - 29 * 86_400_000_000, until, {})
    first, second = open_(simulator), open_(simulator)
    uncut = list(_streams(first)[name].read(part))
    whole = {}
    _store(whole, uncut)
    stream = _streams(second)[name]
    for number, page in enumerate(uncut[:-1], start=1):
        held = {}
        _store(held, uncut[:number])
        rest = list(stream.read(Slice(part.start, part.end, json.loads(json.dumps(page.cursor)))))
        _store(held, rest)

        assert _facts(held) == _facts(whole)
        assert rest[-1].watermark == uncut[-1].watermark


def test_reading_on_equals_reading_anew(open_):
    """Read in August, September and October, what is held in the end is what a first load in October holds.

    Late refunds are new objects, late edits come with the events. Stripe has no event for the status of a ledger row or
    for an invoice payment that is not paid; neither decides anything.
    """
    with start_simulator(MODULE, seed=3, now=FIRST, options=["--invoices", "400"]) as simulator:
        held, marks, changed = {}, {}, 0
        for until in (FIRST, SECOND, LAST):
            simulator.move_clock(until)
            for name, stream in _streams(open_(simulator)).items():
                before = _facts(held, "change", "ledger_entry")
                pages, marks[name] = _read(stream, marks.get(name), INSTANTS[until])
                _store(held, pages)
                if name == "events" and until != FIRST:
                    after = _facts(held, "change", "ledger_entry")
                    changed += sum(before[key] != after[key] for key in before)
        anew = {}
        for name, stream in _streams(open_(simulator)).items():
            if name != "events":
                _store(anew, _read(stream, None, INSTANTS[LAST])[0])

    assert changed > 20
    assert {key for key in _facts(held, "change") if key not in anew and not held[key].deleted} == set()
    told = {
        key: facts
        for key, facts in _facts(anew, "ledger_entry").items()
        if key[0] != "invoice_payment" or facts[0][2] == "paid"
    }
    assert len(told) > 1000
    assert told.items() <= _facts(held).items()


def test_reading_again_brings_nothing_new(simulator, open_):
    """A second read of the same time gives records that are equal to those held, byte for byte."""
    connector = open_(simulator)
    held, again = {}, {}
    for stream in _streams(connector).values():
        pages, watermark = _read(stream, None, INSTANTS[SECOND])
        _store(held, pages)
        _store(again, _read(stream, watermark, INSTANTS[SECOND])[0])

    assert {key: record.values for key, record in again.items()}.items() <= {
        key: record.values for key, record in held.items()
    }.items()


def test_the_watermark_obeys_stripes_clock(simulator, open_):
    """With our clock an hour ahead, nothing counts as known beyond a minute behind Stripe's own clock."""
    ahead = INSTANTS[SECOND] + 3_600_000_000
    for stream in _streams(open_(simulator)).values():
        assert _read(stream, INSTANTS[SECOND] - 86_400_000_000, ahead)[1] == INSTANTS[SECOND] - LAG


@pytest.mark.parametrize(
    "kind", ["429", "429_retry_after", "429_should_retry", "429_lock", "409", "500", "500_html", "503_html", "200_html"]
)
def test_a_passing_fault_is_got_over(simulator, open_, timer, kind):
    """Every passing answer is waited out and repeated, and the same charges come as without it."""
    expected, found = {}, {}
    _store(expected, _read(_streams(open_(simulator))["charges"], None, INSTANTS[SECOND])[0])
    simulator.set_faults([{"path": "/v1/charges", "kind": kind, "after": 2, "times": 2, "seconds": 3}])
    connector = open_(simulator)
    _store(found, _read(_streams(connector)["charges"], None, INSTANTS[SECOND])[0])

    assert _facts(found) == _facts(expected)
    assert kind != "429_retry_after" or 3.0 in timer.waits


@pytest.mark.parametrize("kind", ["truncated", "reset"])
def test_a_connection_that_breaks_is_got_over(simulator, open_, kind):
    """A body that ends in the middle and a connection that is reset are repeated."""
    simulator.set_faults([{"path": "/v1/charges", "kind": kind, "after": 1, "times": 2}])
    pages, _ = _read(_streams(open_(simulator))["charges"], None, INSTANTS[SECOND])

    assert sum(len(page.records) for page in pages) > 500


def test_one_wrong_date_is_got_over(simulator, open_):
    """An answer whose clock is hours off does not become the time of a record or a watermark."""
    simulator.set_faults([{"path": "/v1/charges", "kind": "clock_skew", "after": 3, "times": 1, "seconds": 7200}])
    pages, watermark = _read(_streams(open_(simulator))["charges"], None, INSTANTS[SECOND])

    assert watermark == INSTANTS[SECOND] - LAG
    assert max(record.as_of for page in pages for record in page.records) <= INSTANTS[SECOND] + 60_000_000


@pytest.mark.parametrize("kind", ["unknown_enum", "new_field"])
def test_an_api_of_the_future_is_not_fatal(simulator, open_, kind):
    """Unknown words and new fields in every answer are kept, and every stream is read to its end."""
    expected = {stream.name: _read(stream, None, INSTANTS[SECOND])[1] for stream in _streams(open_(simulator)).values()}
    simulator.set_faults([{"path": "/v1/*", "kind": kind, "times": None}])
    found = {stream.name: _read(stream, None, INSTANTS[SECOND])[1] for stream in _streams(open_(simulator)).values()}

    assert found == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("429", RateLimited),
        ("500", RetryableError),
        ("truncated", RetryableError),
        ("reset", RetryableError),
        ("200_html", SchemaChanged),
        ("redirect", PermanentError),
        ("401", AuthorizationError),
        ("missing_permission", AuthorizationError),
    ],
)
def test_a_fault_that_stays_ends_the_stream(simulator, open_, kind, expected):
    """What does not pass is an error of ours, after as many attempts as make sense."""
    simulator.set_faults([{"path": "/v1/charges", "kind": kind, "times": None}])

    with pytest.raises(expected) as caught:
        _read(_streams(open_(simulator))["charges"], None, INSTANTS[SECOND])
    assert type(caught.value) is expected
    assert kind == "reset" or caught.value.request_id
    assert "rk_live_demo" not in caught.value.diagnostics()


def test_limits_slow_the_calls_down(simulator, open_):
    """After 429 the shared bucket gives fewer tokens a second."""
    connector = open_(simulator, requests_per_second=100)
    simulator.set_faults([{"path": "/v1/charges", "kind": "429", "after": 10, "times": 1}])
    _read(_streams(connector)["charges"], None, INSTANTS[SECOND])

    assert connector._bucket.rate < 100


def test_a_missing_right_is_named(simulator, open_):
    """A key without the right to disputes stops that stream, naming the right; others are readable."""
    streams = _streams(open_(simulator, key="rk_live_no_disputes"))

    with pytest.raises(AuthorizationError, match="rak_dispute_read"):
        _read(streams["disputes"], None, INSTANTS[SECOND])
    assert _read(streams["refunds"], None, INSTANTS[SECOND])[0]


def test_an_expired_key_is_told(simulator, open_):
    """A key that was rolled gives one clear message with the request id."""
    with pytest.raises(AuthorizationError, match="has expired") as caught:
        _read(_streams(open_(simulator, key="rk_live_expired_1"))["charges"], None, INSTANTS[SECOND])
    assert caught.value.request_id


def test_check_of_a_good_account(simulator, open_):
    """Against a whole account every row of check is ok."""
    rows = list(open_(simulator).check())

    assert [row for row in rows if row.status != "ok"] == []
    assert len(rows) > len(PATHS)


def test_check_names_each_missing_right(simulator, open_):
    """A key without two rights gets two failed rows, each with what to do."""
    failed = [row for row in open_(simulator, key="rk_live_no_disputes_no_events").check() if row.status == "failed"]

    assert [row.name for row in failed] == ["stream disputes", "stream events"]
    assert ["rak_dispute_read" in failed[0].action, "rak_event_read" in failed[1].action] == [True, True]


def test_check_sees_objects_of_the_other_mode(simulator, open_):
    """Objects of live mode under a configuration for test mode fail the check."""
    connector = open_(simulator)
    rows = {row.name: row for row in check_source(connector._api, connector._key, livemode=False)}

    assert rows["livemode"].status == "failed"


def test_a_lookup_finds_what_the_streams_found(simulator, open_):
    """Every record of a live look-up equals the record of the streams, whatever id of the case was given."""
    connector = open_(simulator)
    held = {}
    for name, stream in _streams(connector).items():
        if name != "events":
            _store(held, _read(stream, None, INSTANTS[SECOND])[0])
    facts = _facts(held)
    disputes = [record for (kind, _), record in sorted(held.items()) if kind == "dispute"]
    for ref in (disputes[0].id, disputes[0].values[2]):
        found = {(record.type, record.id): record for record in connector.lookup(ref)}

        assert {"payment", "dispute", "ledger_entry", "invoice", "invoice_payment"} <= {kind for kind, _ in found}
        assert _facts(found).items() <= facts.items()


def test_a_lookup_of_nothing_is_told(simulator, open_):
    """An id that does not exist is a clear error with the request id."""
    with pytest.raises(PermanentError, match="No such charge") as caught:
        open_(simulator).lookup("ch_doesnotexist")
    assert caught.value.request_id

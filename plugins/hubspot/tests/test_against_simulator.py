"""The connector and the engine against the simulator, over a real socket, as a buyer's would read HubSpot."""

import random
from contextlib import ExitStack, suppress

import pytest

from tallystick.connectors import Slice
from tallystick.database.engine import open_database
from tallystick.errors import (
    AuthorizationError,
    ConnectorError,
    PermanentError,
    RateLimited,
    RetryableError,
    SchemaChanged,
)
from tallystick.records.catalog import RecordStore
from tallystick.records.scan import connect as scan
from tallystick.sync.engine import sync_source
from tallystick_hubspot.faults import UnauthenticatedError
from tallystick_hubspot.simulator import Limits
from tallystick_hubspot.simulator.deeds import Associate, Create
from tallystick_hubspot.simulator.instants import instant
from tallystick_hubspot.simulator.sample import BACK, ERASED, GONE, LOSER, REWRITTEN, WINNER, sample_plan

FIRST, SECOND, LAST = (instant(f"2026-09-{day}T08:00:00Z") for day in ("08", "14", "26"))
HOUR = 3_600_000
SEARCH = "/crm/objects/2026-09/tickets/search"
OWN = {"custom": {"meeting": {"accepted": {"path": "properties.accepted_by_ae", "type": "boolean"}}}}
FROZEN = {"ticket_event"}


@pytest.fixture
def store(tmp_path):
    """Make stores over SQLite."""
    with ExitStack() as stack:

        def make(name="held"):
            engine = open_database(tmp_path / f"{name}.db", create=True)
            stack.callback(engine.dispose)
            return RecordStore(engine, tmp_path / name)

        yield make


@pytest.fixture
def account(simulate):
    """The sample account and a function that makes connectors for it."""
    return simulate(sample_plan(), now=LAST)


def _sync(held, connector, until, **options):
    report = sync_source(held, "crm", connector, until=until * 1000, observed_at=until * 1000, **options)
    return report, {stream.stream: stream for stream in report.streams}


def _rows(held, kind):
    """Give the newest version of each record by id, or the first one of a type that does not change."""
    order = "ASC" if kind in FROZEN else "DESC"
    with scan(held, "crm") as database:
        cursor = database.execute(f"SELECT * FROM {kind} ORDER BY seq {order}")
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    found = {}
    for row in rows:
        found.setdefault(row["id"], row)
    return found


def _facts(held, *kinds):
    left_out = {"seq", "version", "observed_at", "as_of", "raw", "raw_sha256"}
    return {
        kind: {key: {n: v for n, v in row.items() if n not in left_out} for key, row in _rows(held, kind).items()}
        for kind in kinds
    }


KINDS = ("account", "actor", "attendee", "call", "change", "contact", "deal", "meeting", "ticket", "ticket_event")


def test_a_whole_account_is_synced(account, store):
    """Everything of the sample is there, known up to an hour ago, and the calls are counted as they were made."""
    simulator, make = account
    held, connector = store(), make(**OWN)
    report, streams = _sync(held, connector, LAST)
    tickets = _rows(held, "ticket")

    assert report.errors == []
    assert report.calls == connector.calls() == simulator.stats()["calls"]
    assert {name: stream.watermark for name, stream in streams.items()} == {
        name: LAST * 1000 - (0 if name == "owners" or name.startswith("archived") else HOUR * 1000) for name in streams
    }
    assert tickets[GONE[1]]["status"] == "deleted"
    assert tickets[BACK[1]]["status"] == "open"
    assert ERASED[1] not in _rows(held, "contact")
    assert sum(1 for row in _rows(held, "change").values() if row["object_id"] == REWRITTEN[1]) >= 20


def test_a_second_sync_brings_nothing_new(account, store):
    """What is read a second time is the same, and nothing of it is stored."""
    _, make = account
    held = store()
    _sync(held, make(), LAST)
    report, streams = _sync(held, make(), LAST)

    assert report.errors == []
    assert sum(stream.stored for stream in streams.values()) == 0


def test_a_merge_that_left_no_stamp_is_found_at_last(simulate, store):
    """The sample's merge moves no stamp and its history names it; the one that went has the act."""
    simulator, make = simulate(sample_plan(), now=FIRST)
    held = store()
    for until in (FIRST, SECOND, LAST):
        simulator.move(until // 1000)
        assert _sync(held, make(), until)[0].errors == []
    acts = _rows(held, "ticket_event")

    assert acts[f"{LOSER[1]}.merged.{WINNER[1]}"]["other_ticket_id"] == WINNER[1]
    assert acts[f"{WINNER[1]}.absorbed.{LOSER[1]}"]["other_ticket_id"] == LOSER[1]


def test_an_association_without_a_stamp_is_a_new_version(simulate, plan, tickets, store):
    """A contact that is connected later changes no byte of the ticket, and is stored all the same."""
    made = instant("2026-09-01T08:00:00Z")
    contact = Create(made, ("contacts", "99"), {"email": "c@clay.example"})
    later = Associate(made + 5 * HOUR, ("tickets", "1001"), ("contacts", "99"))
    simulator, make = simulate(plan(*tickets(1), contact, later))
    held = store()
    for hours in (2, 4, 6, 8):
        simulator.move((made + hours * HOUR) // 1000)
        assert _sync(held, make(), made + hours * HOUR)[0].errors == []
        row = _rows(held, "ticket")["1001"]
        assert (row["requester_id"], row["version"]) == (("V-99", 2) if hours > 5 else (None, 1))


def test_what_is_declared_later_is_stored(account, store):
    """Settings that change what a byte means give new versions: status, medium, role, and the words of changes."""
    _, make = account
    held = store()
    _sync(held, make(), LAST)
    connected = "f240bbac-87c9-4f6e-bf70-924b57d47db7"
    later = {
        "meeting_outcomes": {"COMPLETED": "no_show"},
        "call_dispositions": {connected: "other"},
        "call_conference": {"property": "hs_call_status", "values": ["COMPLETED"]},
        "role": "team",
    }
    report, _ = _sync(held, make(**later), LAST)
    statuses = {row["status"] for row in _rows(held, "meeting").values()}
    words = {row["new"] for row in _rows(held, "change").values() if row["field"] == "status"}

    assert report.errors == []
    assert ("completed" in statuses, "no_show" in statuses) == (False, True)
    assert ('"completed"' in words, '"no_show"' in words) == (False, True)
    assert "connected" not in {row["status"] for row in _rows(held, "call").values()}
    assert "conference" in {row["medium"] for row in _rows(held, "call").values()}
    assert {"Sales", "Service"} <= {row["role"] for row in _rows(held, "actor").values()}


def test_syncing_step_by_step_sees_at_least_as_much(simulate, store):
    """Syncs at three instants give what one sync gives, and what fell out of histories since besides."""
    simulator, make = simulate(sample_plan(), now=FIRST)
    steps, once = store("steps"), store("once")
    for until in (FIRST, SECOND, LAST):
        simulator.move(until // 1000)
        assert _sync(steps, make(), until)[0].errors == []
    _sync(once, make(), LAST)
    stepped, whole = _facts(steps, *KINDS), _facts(once, *KINDS)

    for kind in ("account", "call", "meeting", "deal"):
        assert stepped[kind] == whole[kind]
    for kind in ("attendee", "change", "ticket_event", "actor"):
        assert set(whole[kind]) <= set(stepped[kind])


@pytest.mark.parametrize("name", ["meetings", "tickets", "contacts"])
def test_small_searches_and_a_lagging_index_lose_nothing(simulate, store, name):
    """With an index that lags for an hour, syncs every half an hour end with all that is in the account."""
    simulator, make = simulate(sample_plan(), now=FIRST, index_lag=3600)
    held, plain = store(), store("plain")
    until = FIRST
    while until < FIRST + 12 * HOUR:
        simulator.move(until // 1000)
        assert _sync(held, make(lag_minutes=70, objects=[name]), until)[0].errors == []
        until += HOUR // 2
    fresh, make_fresh = simulate(sample_plan(), now=until - 2 * HOUR)
    fresh.move((until - 2 * HOUR) // 1000)
    _sync(plain, make_fresh(objects=[name]), until - 2 * HOUR)
    record = {"meetings": "meeting", "tickets": "ticket", "contacts": "contact"}[name]

    assert set(_rows(plain, record)) <= set(_rows(held, record))


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "429", "retry_after": "1"},
        {"kind": "429", "retry_after": None, "policy": "SECONDLY"},
        {"kind": "423"},
        {"kind": "500"},
        {"kind": "502"},
        {"kind": "503"},
        {"kind": "522"},
        {"kind": "200_html"},
        {"kind": "truncated"},
        {"kind": "reset"},
        {"kind": "expired"},
    ],
    ids=lambda fault: fault["kind"],
)
def test_a_passing_fault_is_got_over(account, fault):
    """One refusal, page of HTML, half an answer or expired bearer changes nothing of what is read."""
    simulator, make = account
    connector = make(oauth=True)
    stream = {one.name: one for one in connector.streams()}["tickets"]
    part = Slice(0, LAST * 1000, {})
    plain = [record.id for page in stream.read(part) for record in page.records]
    simulator.faults.load(
        [
            {**fault, "path": SEARCH},
            {**fault, "path": "/crm/objects/2026-09/tickets/batch/read"},
            {**fault, "path": "/crm/associations/*"},
        ]
    )
    other = {one.name: one for one in make(oauth=True).streams()}["tickets"]

    assert [record.id for page in other.read(part) for record in page.records] == plain


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("400", PermanentError),
        ("401", UnauthenticatedError),
        ("403", AuthorizationError),
        ("404", PermanentError),
        ("414", PermanentError),
        ("423", RateLimited),
        ("429", RateLimited),
        ("477", RateLimited),
        ("500", RetryableError),
        ("530", UnauthenticatedError),
        ("redirect", PermanentError),
        ("200_html", SchemaChanged),
        ("reset", RetryableError),
    ],
)
def test_a_fault_that_stays_ends_the_stream(account, store, kind, expected):
    """The stream ends incomplete and says why; the others are read, and the next sync goes on."""
    simulator, make = account
    held = store()
    simulator.faults.load([{"kind": kind, "path": SEARCH, "times": None, "retry_after": "1"}])
    report, streams = _sync(held, make(threads=False), LAST)

    assert all(isinstance(error, expected) for error in report.errors)
    assert streams["tickets"].error
    assert streams["tickets"].watermark is None
    # Who may not sign in, or is told to wait for hours, need not ask for anything else.
    if kind not in {"401", "403", "477", "530"}:
        assert len(report.errors) == 1
        assert streams["meetings"].watermark is not None
    simulator.faults.load([])
    report, streams = _sync(held, make(threads=False), LAST)
    assert report.errors == []
    assert len(_rows(held, "ticket")) > 50


def test_the_day_is_spent_and_the_next_run_goes_on(account, store):
    """With the calls of the day spent the sync is incomplete and nothing is lost: the next day's ends as one would."""
    simulator, make = account
    held, plain = store(), store("plain")
    _sync(plain, make(), LAST)
    simulator.limit(Limits(daily=60))
    report, _ = _sync(held, make(), LAST)
    assert report.errors
    assert all("DAILY" in error.message for error in report.errors)
    simulator.limit(Limits())
    report, _ = _sync(held, make(), LAST)

    assert report.errors == []
    assert _facts(held, *KINDS) == _facts(plain, *KINDS)


@pytest.mark.parametrize("seed", [2, 3])
def test_whatever_went_wrong_on_the_way_nothing_is_lost(simulate, store, seed):
    """Syncs at any time, by a clock ahead or behind, each with faults: the store has what one clean sync has."""
    chance, hour = random.Random(seed), HOUR
    plain, held = store("plain"), store()
    _sync(plain, simulate(sample_plan(), now=LAST)[1](), LAST)
    now = FIRST - 120 * hour
    simulator, make = simulate(sample_plan(), now=now)
    while now < LAST:
        now = min(LAST, now + chance.choice([hour // 6, hour, 24 * hour, 100 * hour]))
        simulator.move(now // 1000)
        kinds = chance.choices(["401", "423", "429", "500", "503", "200_html", "reset", "truncated", "400", "530"], k=4)
        simulator.faults.load([{"kind": kind, "times": chance.choice([1, 2, 9]), "retry_after": "1"} for kind in kinds])
        _sync(held, make(), now + chance.choice([-hour // 9, 0, hour // 40, hour]))
    simulator.faults.load([])
    simulator.move((LAST + 3 * hour) // 1000)
    # Plans that were left open are finished first.
    reports = [_sync(held, make(), LAST + 3 * hour)[0] for _ in range(3)]
    one, other = _facts(plain, *KINDS), _facts(held, *KINDS)

    assert reports[-1].errors == []
    assert {kind: one[kind].keys() - other[kind].keys() for kind in KINDS} == {kind: set() for kind in KINDS}


def test_a_bearer_that_expires_all_the_time_is_renewed(simulate, store):
    """With bearers that live for ten calls a whole sync is read, and threads that meet one mint one at a time."""
    simulator, make = simulate(sample_plan(), now=LAST, token_calls=10)
    held = store()
    report, _ = _sync(held, make(oauth=True, threads=False), LAST)

    assert report.errors == []
    assert simulator.stats()["tokens"] <= report.calls / 4


def test_a_wrong_clock_is_obeyed(account):
    """Up to when we have read is told by HubSpot's clock at the first answer, however far ours is ahead."""
    simulator, make = account
    stream = {one.name: one for one in make().streams()}["companies"]
    [*pages] = stream.read(Slice(0, (LAST + 100 * HOUR) * 1000, {}))

    assert pages[-1].watermark == (LAST - HOUR) * 1000
    simulator.faults.load([{"kind": "clock_skew", "seconds": -7200, "times": None}])
    other = {one.name: one for one in make().streams()}["companies"]
    [*pages] = other.read(Slice(0, (LAST + 100 * HOUR) * 1000, {}))
    assert pages[-1].watermark == (LAST - 3 * HOUR) * 1000


def test_every_error_is_one_of_ours(account):
    """Whatever the simulator can do wrong, once and for ever, only errors of ours leave a stream."""
    simulator, make = account
    part = Slice(0, LAST * 1000, {})
    for kind in simulator.faults.kinds:
        if kind == "slow":
            continue
        simulator.faults.load([{"kind": kind, "times": None}])
        connector = make(objects=["deals"])
        for stream in connector.streams():
            with suppress(ConnectorError):
                assert all(page.records is not None for page in stream.read(part))

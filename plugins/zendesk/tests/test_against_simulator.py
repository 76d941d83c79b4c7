"""The connector against the simulator, over a real socket, as a buyer's would read Zendesk."""

import json
from collections import Counter
from contextlib import ExitStack

import pytest

from tallystick.connectors import Slice
from tallystick.database.engine import open_database
from tallystick.errors import (
    AuthorizationError,
    CursorExpired,
    PermanentError,
    RateLimited,
    RetryableError,
    SchemaChanged,
)
from tallystick.records.catalog import RecordStore, coverage
from tallystick.records.scan import connect
from tallystick.sync.engine import sync_source
from tallystick.testing.serving import running
from tallystick.testing.simulation import start_simulator
from tallystick_zendesk.connector import ZendeskConfig, ZendeskConnector
from tallystick_zendesk.simulator import serve
from tallystick_zendesk.simulator.sample import ADMIN, BOT, END, sample_plan
from tallystick_zendesk.simulator.webhooks import deliveries
from tallystick_zendesk.webhooks import verify

MODULE = "tallystick_zendesk.simulator"
FIRST, SECOND, LAST = "2026-10-12T06:00:00Z", "2026-10-28T06:00:00Z", "2026-11-20T06:00:00Z"
INSTANTS = {FIRST: 1_791_784_800_000_000, SECOND: 1_793_167_200_000_000, LAST: 1_795_154_400_000_000}
MINUTE = 60_000_000
QUIET = 60 * MINUTE
TICKETS = 1000
NAMES = ["users", "tickets", "ticket_events", "ai_agent_tickets", "satisfaction_ratings"]
EVENTS = "/api/v2/incremental/ticket_events.json"
CURSORS = "/api/v2/incremental/tickets/cursor.json"
SECRET = "VerySecretOfTheClient"


@pytest.fixture(scope="module")
def shared():
    """A simulated company at the end of its story; nobody moves its clock."""
    with start_simulator(MODULE, seed=1, now=LAST, options=["--tickets", str(TICKETS)]) as simulator:
        yield simulator


@pytest.fixture
def simulator(shared):
    """The shared company, without faults before and after."""
    shared.set_faults([])
    yield shared
    shared.set_faults([])


@pytest.fixture
def open_(monkeypatch, timer):
    """Make connectors for an origin; all are closed afterwards."""
    opened = []

    def make(origin, secret=SECRET, **settings):
        monkeypatch.setenv("TALLYSTICK_TEST_ZENDESK", secret)
        given = {
            "client_id": "reader",
            "client_secret": "env:TALLYSTICK_TEST_ZENDESK",
            "start": "2026-09-01",
            "requests_per_minute": 600_000,
            "export_requests_per_minute": 600_000,
            "user_export_requests_per_minute": 600_000,
            **settings,
        }
        config = ZendeskConfig(base_url=getattr(origin, "origin", origin), **given)
        opened.append(ZendeskConnector(config, timer=timer))
        return opened[-1]

    yield make
    for connector in opened:
        connector.close()


@pytest.fixture
def store(tmp_path):
    """Make stores over SQLite."""
    with ExitStack() as stack:

        def make(name="held"):
            engine = open_database(tmp_path / f"{name}.db", create=True)
            stack.callback(engine.dispose)
            return RecordStore(engine, tmp_path / name)

        yield make


def _sync(held, connector, until, **options):
    report = sync_source(held, "support", connector, until=until, observed_at=until, **options)
    return report, {stream.stream: stream for stream in report.streams}


def _rows(held, kind):
    """Give the newest version of each record, or the first one of a type that does not change."""
    order = "ASC" if kind == "ticket_event" else "DESC"
    with connect(held, "support") as database:
        cursor = database.execute(f"SELECT * FROM {kind} ORDER BY seq {order}")
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    found = {}
    for row in rows:
        found.setdefault(row["id"], row)
    return found


def _streams(connector):
    return {stream.name: stream for stream in connector.streams()}


def _read(stream, watermark, until):
    """Read a stream's plan; give its pages and up to when it is known."""
    pages = [page for part in stream.plan(watermark, until) for page in stream.read(part)]
    return pages, max(page.watermark for page in pages if page.watermark is not None)


def _facts(pages):
    return {(record.type, record.id, record.as_of, record.values) for page in pages for record in page.records}


def test_a_whole_account_is_synced_in_few_calls(simulator, open_, store):
    """1,000 tickets with their events take at most 12 calls, and all is known up to the withheld minute."""
    held, connector = store(), open_(simulator)
    before = simulator.calls()
    report, streams = _sync(held, connector, INSTANTS[LAST])
    tickets, acts = _rows(held, "ticket"), _rows(held, "ticket_event")

    assert (report.errors, report.calls) == ([], connector.calls())
    # A first call mints the bearer.
    assert 9 <= report.calls - 1 <= 12 * max(1.0, len(tickets) / TICKETS)
    assert simulator.calls() - before <= report.calls
    assert all(INSTANTS[LAST] - QUIET <= stream.watermark <= INSTANTS[LAST] - MINUTE for stream in streams.values())
    assert len(tickets) >= TICKETS * 0.95
    assert {row["ticket_id"] for row in acts.values()} <= set(tickets)
    known = coverage(held.engine, "support")
    assert known["ticket_event"].watermark >= INSTANTS[LAST] - QUIET
    kinds = Counter(row["kind"] for row in acts.values())
    assert {"created", "message", "solved", "reopened", "closed", "assigned", "tagged", "ai_agent", "rated"} <= set(
        kinds
    )


def test_a_second_sync_brings_nothing_new(simulator, open_, store):
    """Reading the overlap again stores nothing."""
    held = store()
    _sync(held, open_(simulator), INSTANTS[LAST])
    report, _ = _sync(held, open_(simulator), INSTANTS[LAST])

    assert report.errors == []
    assert sum(stream.stored for stream in report.streams) == 0


def test_syncing_step_by_step_equals_one_sync(open_, store):
    """Synced at three stages, the tickets are those of one sync at the end, and no act of it is missing."""
    steps, once = store("steps"), store("once")
    with start_simulator(MODULE, seed=3, now=FIRST, options=["--tickets", "400"]) as simulator:
        for until in (FIRST, SECOND, LAST):
            simulator.move_clock(until)
            report, _ = _sync(steps, open_(simulator), INSTANTS[until])
            assert report.errors == []
        _sync(once, open_(simulator), INSTANTS[LAST])
    for kind in ("ticket", "actor"):
        left, right = _rows(steps, kind), _rows(once, kind)

        assert {key: row["raw"] for key, row in left.items()} == {key: row["raw"] for key, row in right.items()}
    acts, late = _rows(steps, "ticket_event"), _rows(once, "ticket_event")
    # An AI agent ticket that was escalated later was listed as one before.
    assert {key for key in late if not key.startswith("ai.")} <= set(acts)
    assert set(_rows(once, "change")) <= set(_rows(steps, "change"))
    # What was said is kept as first seen, whatever was redacted since.
    changed = {key for key in late if key in acts and acts[key]["raw"] != late[key]["raw"]}
    assert changed


@pytest.mark.parametrize("name", NAMES)
def test_resuming_at_every_page_equals_an_uncut_read(simulator, open_, name):
    """Cut after any page and resumed by another connector, the same records come and the same end is known."""
    until = INSTANTS[LAST]
    first, second = (_streams(open_(simulator, page_size=300)) for _ in range(2))
    [part] = first[name].plan(None, until)
    if name == "ticket_events":
        part = Slice(until - 40 * 86_400_000_000, until, {})
    uncut = list(first[name].read(part))
    whole = _facts(uncut)
    for number, page in enumerate(uncut[:-1], start=1):
        rest = list(second[name].read(Slice(part.start, part.end, json.loads(json.dumps(page.cursor)))))

        assert _facts([*uncut[:number], *rest]) == whole
        assert rest[-1].watermark == uncut[-1].watermark
    assert whole


def test_small_and_short_pages_give_the_same(simulator, open_):
    """Pages of ten, and pages shorter than asked for, give what pages of a thousand give."""
    until = INSTANTS[LAST]
    since = until - 86_400_000_000
    expected = {name: _facts(_read(_streams(open_(simulator))[name], since, until)[0]) for name in NAMES}
    simulator.set_faults([{"kind": "short_pages", "times": None}])
    small = _streams(open_(simulator, page_size=10))

    assert {name: _facts(_read(small[name], since, until)[0]) for name in NAMES} == expected
    assert len(expected["ticket_events"]) > 50


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "429", "retry_after": "3"},
        {"kind": "429", "retry_after": "1.5"},
        {"kind": "429", "retry_after": "Fri, 20 Nov 2026 06:00:03 GMT"},
        {"kind": "429", "retry_after": None},
        {"kind": "429_text", "retry_after": "60"},
        {"kind": "401"},
        {"kind": "409"},
        {"kind": "500"},
        {"kind": "502_html"},
        {"kind": "503"},
        {"kind": "503_html"},
        {"kind": "200_html"},
        {"kind": "truncated"},
        {"kind": "reset"},
    ],
)
def test_a_passing_fault_is_got_over(simulator, open_, timer, fault):
    """Every passing answer is waited out and repeated, and the same events come as without it."""
    until = INSTANTS[LAST]
    since = until - 30 * 86_400_000_000
    expected = _facts(_read(_streams(open_(simulator))["ticket_events"], since, until)[0])
    times = 1 if fault["kind"] == "401" else 2
    simulator.set_faults([{"path": EVENTS, "after": 1, "times": times, **fault}])

    assert _facts(_read(_streams(open_(simulator))["ticket_events"], since, until)[0]) == expected
    waits = {"3": 3.0, "1.5": 1.5, "60": 60.0, "Fri, 20 Nov 2026 06:00:03 GMT": 3.0}
    wanted = waits.get(fault.get("retry_after") or "")
    assert wanted is None or wanted in timer.waits


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("429", RateLimited),
        ("500", RetryableError),
        ("truncated", SchemaChanged),
        ("reset", RetryableError),
        ("200_html", SchemaChanged),
        ("redirect", PermanentError),
        ("400", PermanentError),
        ("401", AuthorizationError),
        ("403", AuthorizationError),
        ("404", PermanentError),
        ("422", PermanentError),
    ],
)
def test_a_fault_that_stays_ends_the_stream(simulator, open_, kind, expected):
    """What does not pass is an error of ours, after as many attempts as make sense, without the secret."""
    simulator.set_faults([{"path": EVENTS, "kind": kind, "times": None}])

    with pytest.raises((expected, RetryableError) if kind == "truncated" else expected) as caught:
        _read(_streams(open_(simulator))["ticket_events"], None, INSTANTS[LAST])
    assert SECRET not in caught.value.diagnostics()


@pytest.mark.parametrize("kind", ["expired_cursor", "expired_cursor_404"])
def test_an_expired_cursor_begins_again_from_the_watermark(simulator, open_, store, kind):
    """A read that was cut and whose cursor is not taken any more is planned anew, and nothing is lost."""
    held, connector = store(), open_(simulator, page_size=300)
    stream = _streams(connector)["tickets"]
    pages = stream.read(stream.plan(None, INSTANTS[LAST])[0])
    cursor = next(pages).cursor
    simulator.set_faults([{"path": CURSORS, "kind": kind, "times": 1}])
    with pytest.raises(CursorExpired):
        next(stream.read(Slice(stream.plan(None, INSTANTS[LAST])[0].start, INSTANTS[LAST], cursor)))
    _sync(held, open_(simulator), INSTANTS[LAST])

    assert len(_rows(held, "ticket")) >= TICKETS * 0.95


def test_a_foreign_host_in_links_is_never_called(simulator, open_):
    """With links that lead elsewhere, the streams read on, and a look-up stops before it sends anything there."""
    simulator.set_faults([{"kind": "foreign_host", "times": None}])
    until = INSTANTS[LAST]
    connector = open_(simulator, page_size=300)
    for name in NAMES:
        pages, watermark = _read(_streams(connector)[name], None, until)
        assert until - QUIET <= watermark <= until - MINUTE
        assert pages
    assert connector.lookup(pages[0].records[0].values[1])


def test_the_watermark_obeys_zendesks_clock(simulator, open_):
    """With our clock an hour ahead, nothing counts as known beyond Zendesk's own clock less the withheld minute."""
    until = INSTANTS[LAST]
    for stream in _streams(open_(simulator)).values():
        _, mark = _read(stream, until - 86_400_000_000, until + 3_600_000_000)
        assert until - QUIET <= mark <= until - MINUTE


def test_a_bearer_that_expires_during_a_read_is_renewed(open_, store):
    """With a bearer that lives three calls, the whole account is read with several of them."""
    with serve(plan=sample_plan(), now="2025-03-15T09:00:00Z", token_calls=3) as origin:
        connector = open_(origin, start="2025-01-01", page_size=5)
        held = store()
        # One thread: side by side, others would use up the new bearer before the call that renewed it.
        report, _ = _sync(held, connector, END * 1_000_000, threads=1)

        assert report.errors == []
        assert connector._sign_in.calls >= 3
        assert len(_rows(held, "ticket")) == 14


def test_limits_that_others_spend_are_waited_out(open_, timer):
    """The shared limit may be spent by others: the read waits as long as it is asked to, and is complete."""
    with serve(plan=sample_plan(), now="2025-03-15T09:00:00Z") as origin:
        expected = _facts(_read(_streams(open_(origin, start="2025-01-01"))["tickets"], None, END * 1_000_000)[0])
    from tallystick_zendesk.simulator import create_app

    app = create_app(plan=sample_plan(), now="2025-03-15T09:00:00Z")
    with running(app) as origin:
        app.faults.load([{"path": CURSORS, "kind": "429", "times": 3, "retry_after": "45"}])
        found = _facts(_read(_streams(open_(origin, start="2025-01-01"))["tickets"], None, END * 1_000_000)[0])

    assert found == expected
    assert timer.waits.count(45.0) == 3


def test_wrong_credentials_end_the_sync_at_once(simulator, open_, store):
    """A secret that is not accepted gives one clear error, and no stream is read."""
    report, streams = _sync(store(), open_(simulator, secret="wrong-secret"), INSTANTS[LAST])

    assert isinstance(report.errors[0], AuthorizationError)
    assert "wrong-secret" not in report.errors[0].diagnostics()
    assert {stream.watermark for stream in streams.values()} == {None}


def test_an_agent_may_not_read(simulator, open_):
    """A reader that is no admin is refused by the exports, and the check says so."""
    connector = open_(simulator, client_id="agent-client")
    rows = {row.name: row.status for row in connector.check()}

    assert (rows["sign-in"], rows["role"], rows["stream tickets"]) == ("ok", "failed", "failed")
    with pytest.raises(AuthorizationError):
        _read(_streams(connector)["tickets"], None, INSTANTS[LAST])


def test_check_of_a_good_account(simulator, open_):
    """With a whole account and independent people every row of check is ok."""
    users = [
        record
        for page in _read(_streams(open_(simulator))["users"], None, INSTANTS[LAST])[0]
        for record in page.records
    ]
    agents = [record.id for record in users if record.values[4] == "agent"]
    rows = list(
        open_(simulator, vendor_user_ids=agents[:1], bot_user_ids=agents[1:2], requests_per_minute=60_000).check()
    )

    assert [row for row in rows if row.status != "ok"] == []


def test_check_of_the_legacy_sign_in(open_, monkeypatch):
    """An API token reads, and check warns of its end."""
    monkeypatch.setenv("TALLYSTICK_TEST_TOKEN", "token")
    with serve(plan=sample_plan(), now="2025-03-15T09:00:00Z") as origin:
        legacy = {"client_id": None, "client_secret": None, "api_token": "env:TALLYSTICK_TEST_TOKEN"}
        connector = open_(origin, email="ada@nordwind.example", start="2025-01-01", vendor_user_ids=[BOT], **legacy)
        rows = {row.name: row for row in connector.check()}

        assert rows["sign-in"].detail == f"as user {ADMIN}"
        assert rows["scope"].status == "warning"
        assert len(connector.lookup("101")) > 10


def test_a_lookup_finds_what_the_streams_found(open_):
    """Every act of a live look-up has the id and the columns of the act in the export."""
    with serve(plan=sample_plan(), now="2025-03-15T09:00:00Z") as origin:
        connector = open_(origin, start="2025-01-01")
        streams = _streams(connector)
        until = END * 1_000_000
        held = {}
        for name in ("tickets", "ticket_events"):
            for page in _read(streams[name], None, until)[0]:
                held |= {(record.type, record.id): record.values for record in page.records}
        seen = set()
        for ref in [str(number) for number in range(101, 115)]:
            if ("ticket", ref) in held and held["ticket", ref][2] != "deleted":
                for record in connector.lookup(ref):
                    expected = held[record.type, record.id]
                    if record.type == "ticket_event":
                        seen.add(record.values[2])
                        # How it came in is said in more detail by an audit than by an event.
                        assert record.values[:6] == expected[:6]
                        assert record.values[7:] == expected[7:]
                    else:
                        assert record.values == expected

    assert {
        "created",
        "message",
        "solved",
        "reopened",
        "assigned",
        "grouped",
        "tagged",
        "merged",
        "rated",
        "call",
    } <= seen


def test_every_deed_of_the_sample_is_read(open_):
    """Each thing that the sample account does has its act, with who did it."""
    with serve(plan=sample_plan(), now="2025-03-15T09:00:00Z") as origin:
        streams = _streams(open_(origin, start="2025-01-01"))
        pages = [page for name in NAMES[2:] for page in _read(streams[name], None, END * 1_000_000)[0]]
    acts = [record.values for page in pages for record in page.records if record.type == "ticket_event"]
    kinds = {act[2] for act in acts}
    found = {(act[1], act[2]): act for act in acts}

    assert {
        *("created", "message", "call", "solved", "reopened", "closed", "status", "assigned", "grouped", "tagged"),
        *("untagged", "merged", "absorbed", "spam", "deleted", "undeleted", "redacted", "privacy", "rated", "macro"),
        *("side_conversation", "ai_agent"),
    } <= kinds
    assert found["105", "merged"][13] == "106"
    assert found["106", "absorbed"][13] == "105"
    assert found["101", "closed"][3:6] == (None, "rule", "501")
    assert {act[1] for act in acts if act[2] == "ai_agent"} == {"104"}
    assert found["113", "rated"][14] in {1, 4}
    assert (found["103", "assigned"][3], found["103", "assigned"][4]) == (None, "rule")
    assert found["110", "macro"][9] == "77"


def test_webhooks_of_the_simulator_are_accepted():
    """Every post, doubled and out of order, passes the signature check and names its ticket."""
    posts = deliveries(sample_plan(), secret="s3cret")
    hints = [verify(post.body, post.headers, "s3cret", _signed(post.headers)) for post in posts]

    assert len(posts) > len({hint.event_id for hint in hints})
    assert {hint.ticket_id for hint in hints} >= {"101", "103", "105"}


def _signed(headers):
    from tallystick_zendesk.objects import at

    return at(next(value for name, value in headers.items() if name.lower().endswith("timestamp")))

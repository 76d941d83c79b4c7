"""The exports of the simulator: what is withheld, how pages end, scopes, duplicates, and its life as a process."""

import base64
import re
import subprocess
import sys
from contextlib import ExitStack
from email.utils import parsedate_to_datetime

import pytest

from tallystick.testing.instants import instant, iso
from tallystick.testing.simulation import start_simulator
from tallystick_zendesk.simulator import create_app, serve, story
from tallystick_zendesk.simulator.plan import Act, Opening, Plan, User
from tallystick_zendesk.simulator.sample import ADMIN, AGENT, CUSTOMER, END, OTHER, START, sample_plan
from tallystick_zendesk.simulator.world import World

TICKETS = "/api/v2/incremental/tickets/cursor.json"
EVENT_PATH = "/api/v2/incremental/ticket_events.json"
USERS = "/api/v2/incremental/users/cursor.json"


@pytest.fixture
def client(signed_in):
    """A signed-in client of the sample account when all of it has happened."""
    with serve(plan=sample_plan(), now=iso(END)) as origin, signed_in(origin) as made:
        yield made


@pytest.fixture
def connect(signed_in):
    """Serve a plan of one's own and give a signed-in client."""
    with ExitStack() as opened:

        def make(plan, now, **options):
            origin = opened.enter_context(serve(plan=plan, now=iso(now), expires_in=10**8, **options))
            return opened.enter_context(signed_in(origin))

        yield make


def _tiny(*acts):
    people = (
        User(1, "Ada", "ada@n.example", "admin", START - 60),
        User(2, "Bob", "bob@n.example", "agent", START - 60),
        User(3, "Cat", "cat@c.example", "end-user", START - 60),
    )
    return Plan(people, acts, 1)


def _open(at, ticket=1, **options):
    return Act(at, ticket, 3, opening=Opening(3), comment="Help", **options)


def _move(client, to):
    client.post("/_simulator/clock", json={"to": iso(to)}).raise_for_status()


def test_the_newest_minute_is_withheld(connect):
    """A ticket and its event show up one minute after they were written, not earlier."""
    client = connect(_tiny(_open(START)), START + 59)
    rows = client.get(TICKETS, params={"start_time": START - 10}).json()
    assert (rows["tickets"], rows["end_of_stream"]) == ([], True)
    assert client.get(EVENT_PATH, params={"start_time": START - 10}).json()["ticket_events"] == []
    _move(client, START + 60)
    assert len(client.get(TICKETS, params={"start_time": START - 10}).json()["tickets"]) == 1
    assert len(client.get(EVENT_PATH, params={"start_time": START - 10}).json()["ticket_events"]) == 1


@pytest.mark.parametrize("path", [TICKETS, EVENT_PATH, USERS, "/api/v2/incremental/tickets.json"])
def test_a_start_time_in_the_newest_minute_is_refused(client, path):
    """A start within the last minute gives 400, one a minute old does not; a missing one gives 400 as well."""
    recent = client.get(path, params={"start_time": END - 59})
    assert (recent.status_code, recent.json()["error"]) == (400, "StartTimeTooRecent")
    assert client.get(path, params={"start_time": END - 60}).status_code == 200
    assert client.get(path).status_code == 400
    assert client.get(path, params={"start_time": "yesterday"}).status_code == 400


def test_the_scope_decides_which_tickets_are_seen(walk_cursor, client):
    """By default AI agent tickets are hidden, `ai_agent` shows only them, `all` shows both; other words give 400."""
    seen = {}
    for scope in ("agent", "ai_agent", "all", None):
        query = {} if scope is None else {"support_type_scope": scope}
        rows, _ = walk_cursor(client, **query)
        events = client.get(EVENT_PATH, params={"start_time": 1, **query}).json()["ticket_events"]
        assert {row["id"] for row in rows} == {event["ticket_id"] for event in events}
        seen[scope] = {row["id"] for row in rows}
    assert seen["ai_agent"] == {104}
    assert seen["all"] == seen["agent"] | {104}
    assert seen[None] == seen["agent"]
    assert client.get(TICKETS, params={"start_time": 1, "support_type_scope": "bot"}).status_code == 400


def test_an_escalated_ai_agent_ticket_changes_its_scope(walk_cursor, connect):
    """Before the escalation the ticket is in the `ai_agent` scope, afterwards it is in the `agent` scope only."""
    client = connect(sample_plan(), START + 3600)

    def ids(scope):
        return {row["id"] for row in walk_cursor(client, support_type_scope=scope)[0]}

    assert 103 in ids("ai_agent")
    assert 103 not in ids("agent")
    _move(client, END)
    assert 103 not in ids("ai_agent")
    assert 103 in ids("agent")


def test_a_cursor_names_the_last_row_and_can_be_resumed(walk_cursor, connect):
    """The cursor is base64 of `<clock>.0||<id>|`, ends at `end_of_stream`, and later continues with what changed."""
    plan = _tiny(*(_open(START + n, n + 1) for n in range(4)), Act(START + 1000, 2, 2, status="solved"))
    client = connect(plan, START + 500)
    rows, pages = walk_cursor(client, per_page=2)
    assert [row["id"] for row in rows] == [1, 2, 3, 4]
    assert [page["end_of_stream"] for page in pages] == [False, True]
    assert base64.b64decode(pages[0]["after_cursor"]).decode() == f"{START + 1}.0||2|"
    last = pages[-1]["after_cursor"]
    again = client.get(TICKETS, params={"cursor": last}).json()
    assert (again["tickets"], again["after_cursor"], again["end_of_stream"]) == ([], last, True)
    _move(client, START + 2000)
    assert [row["id"] for row in client.get(TICKETS, params={"cursor": last}).json()["tickets"]] == [2]


def test_a_ticket_that_changes_between_two_pages_comes_twice(connect):
    """A ticket already read comes again at the end when it changes while the export is read."""
    plan = _tiny(*(_open(START + n, n + 1) for n in range(4)), Act(START + 1000, 1, 2, status="solved"))
    client = connect(plan, START + 500)
    first = client.get(TICKETS, params={"start_time": 1, "per_page": 2}).json()
    _move(client, START + 2000)
    second = client.get(first["after_url"]).json()
    third = client.get(second["after_url"]).json()
    rows = [row["id"] for page in (first, second, third) for row in page["tickets"]]
    assert rows == [1, 2, 3, 4, 1]
    assert third["end_of_stream"]


def test_pages_of_a_time_based_export_overlap_by_a_second(walk_events, connect):
    """The next page starts at `end_time` and gives the rows of that second again."""
    client = connect(_tiny(*(_open(START + n // 2, n + 1) for n in range(6))), START + 500)
    pages = walk_events(client, START, per_page=3)
    assert [[event["ticket_id"] for event in page["ticket_events"]] for page in pages] == [[1, 2, 3, 4], [3, 4, 5, 6]]
    assert pages[0]["end_time"] == START + 1
    assert pages[0]["count"] == 4
    assert pages[0]["next_page"].startswith(str(client.base_url))


@pytest.mark.parametrize("scope", ["agent", "all"])
def test_a_second_is_never_split(connect, scope):
    """A page is larger than asked when its last second needs it, and a second that fills one ends where it starts."""
    acts = [_open(START, 1), *(Act(START + 5, 1, 2, comment=str(n)) for n in range(1500)), Act(START + 9, 1, 2)]
    client = connect(_tiny(*acts), START + 500)
    query = {"start_time": START, "support_type_scope": scope}
    first = client.get(EVENT_PATH, params=query).json()
    assert (first["count"], first["end_time"], first["end_of_stream"]) == (1501, START + 5, False)
    stuck = client.get(first["next_page"]).json()
    assert (stuck["count"], stuck["end_time"], stuck["end_of_stream"]) == (1500, START + 5, False)
    assert stuck["next_page"] == first["next_page"]
    last = client.get(EVENT_PATH, params={**query, "start_time": START + 6}).json()
    assert (last["count"], last["end_of_stream"]) == (1, True)


def test_the_end_is_told_by_end_of_stream_only(walk_events, walk_cursor, connect):
    """Short pages may have others behind them, and following them loses nothing."""
    client = connect(_tiny(*(_open(START + n, n + 1) for n in range(10))), START + 500, short_pages=True)
    rows, pages = walk_cursor(client, per_page=6)
    assert sorted(row["id"] for row in rows) == list(range(1, 11))
    assert len(pages[0]["tickets"]) == 4
    assert not pages[0]["end_of_stream"]
    events = {event["id"] for page in walk_events(client, START, per_page=6) for event in page["ticket_events"]}
    assert len(events) == 10


def test_an_export_with_nothing_new_ends_at_once(client):
    """A start behind the last row gives no rows, no `end_time` and the end of the stream."""
    page = client.get(EVENT_PATH, params={"start_time": END - 60}).json()
    assert page == {"ticket_events": [], "next_page": None, "count": 0, "end_of_stream": True, "end_time": None}


def test_the_agent_scope_of_events_pages_like_the_others(client):
    """Small pages of the default scope give the same events as one large page."""
    whole = client.get(EVENT_PATH, params={"start_time": 1}).json()["ticket_events"]
    found, start = {}, 1
    while True:
        page = client.get(EVENT_PATH, params={"start_time": start, "per_page": 4}).json()
        found |= {event["id"]: event for event in page["ticket_events"]}
        if page["end_of_stream"]:
            break
        start = page["end_time"] + (page["end_time"] == start)
    assert list(found.values()) == whole


def test_the_clock_of_the_export_moves_without_an_event(connect):
    """A system touch brings a ticket whose `updated_at` is older than the start, with no new event."""
    client = connect(_tiny(_open(START, 5)), START + 600)
    start = START + 900
    assert client.get(TICKETS, params={"start_time": START}).json()["tickets"][0]["generated_timestamp"] == START
    _move(client, START + 4000)
    (row,) = client.get(TICKETS, params={"start_time": start}).json()["tickets"]
    assert instant(row["updated_at"]) == START < start < row["generated_timestamp"] == START + 1800
    assert client.get(EVENT_PATH, params={"start_time": start}).json()["count"] == 0


def test_deleted_tickets_stay_in_the_export_without_their_words(walk_cursor, client):
    """A deleted row has its status and no words; it can be left out; one that came back has its words again."""
    rows = {row["id"]: row for row in walk_cursor(client)[0]}
    assert (rows[109]["status"], rows[109]["subject"], rows[109]["description"]) == ("deleted", "SCRUBBED", "SCRUBBED")
    assert rows[109]["external_id"] is None
    assert (rows[108]["status"], rows[108]["subject"], rows[108]["description"]) == ("open", "Back", "Secret")
    for scope in ("agent", "all"):
        kept = {row["id"] for row in walk_cursor(client, exclude_deleted="true", support_type_scope=scope)[0]}
        assert set(rows) - kept == {107, 109}
    assert client.get("/api/v2/tickets/109.json").json() == {"error": "RecordNotFound", "description": "Not found"}
    assert client.get("/api/v2/tickets/108.json").json()["ticket"]["subject"] == "Back"


def test_archived_tickets_are_exported_but_not_listed(walk_cursor, client):
    """Long closed tickets are in the export and by number, not in the list, and their audits do not page."""
    listed = {row["id"] for row in client.get("/api/v2/tickets.json").json()["tickets"]}
    exported = {row["id"] for row in walk_cursor(client)[0]}
    assert exported - listed == {105, 107, 109, 114}
    assert client.get("/api/v2/tickets/114.json").status_code == 200
    for query in ({"page[size]": 1}, {"per_page": 1}):
        audits = client.get("/api/v2/tickets/114/audits.json", params=query).json()
        assert audits.get("next_page") is None
        assert not audits.get("meta", {"has_more": False})["has_more"]
    audits = client.get("/api/v2/tickets/114/audits.json", params={"page[size]": 1}).json()
    assert len(audits["audits"]) == 1
    assert audits["links"]["next"] is None


def test_audits_of_other_tickets_do_page(client):
    """Small pages of audits follow `links.next` on this host and give all events of the ticket in order."""
    url, params, found = "/api/v2/tickets/101/audits.json", {"page[size]": 3, "include": "None"}, []
    while url:
        page = client.get(url, params=params).json()
        found += [audit["id"] for audit in page["audits"]]
        url, params = page["links"]["next"], None
        assert url is None or url.startswith(str(client.base_url))
        assert page["meta"]["has_more"] == (url is not None)
    whole = client.get(EVENT_PATH, params={"start_time": 1}).json()["ticket_events"]
    assert found == [event["id"] for event in whole if event["ticket_id"] == 101]
    assert len(found) == 8


def test_lists_page_by_offset_down_to_a_depth(client):
    """Offset pages link to each other on this host; page 101 is refused; a made-up list cursor is refused."""
    first = client.get("/api/v2/users.json", params={"per_page": 3}).json()
    assert first["next_page"].startswith(str(client.base_url))
    assert first["count"] == 7
    second = client.get(first["next_page"]).json()
    assert second["previous_page"].startswith(str(client.base_url))
    assert not {row["id"] for row in first["users"]} & {row["id"] for row in second["users"]}
    assert client.get("/api/v2/users.json", params={"page": 101}).status_code == 400
    assert client.get("/api/v2/users.json", params={"page[size]": 2, "page[after]": "nonsense"}).status_code == 400


def test_users_show_what_changed(walk_cursor, client):
    """A changed user moves to where it changed; deleted ones stay with active false; none of them says it is a bot."""
    rows, pages = walk_cursor(client, USERS, per_page=3)
    assert [row["updated_at"] for row in rows] == sorted(row["updated_at"] for row in rows)
    people = {row["id"]: row for row in rows}
    assert (people[OTHER]["role"], instant(people[OTHER]["updated_at"])) == ("end-user", START + 86_400)
    assert people[CUSTOMER + 3]["active"] is False
    assert people[CUSTOMER + 2]["name"] == "E."
    assert people[CUSTOMER + 2]["suspended"] is True
    assert people[ADMIN]["role_type"] == 4
    assert not any("bot" in name for name in people[AGENT])
    assert len(pages) == 3
    timed = client.get("/api/v2/incremental/users.json", params={"start_time": 1}).json()
    assert {row["id"] for row in timed["users"]} == set(people)
    assert client.get("/api/v2/users.json", params={"role": "admin"}).json()["count"] == 1


def test_samples_and_metric_events(client):
    """Samples have at most fifty rows; metric events page by time, or by cursor with at most one hundred."""
    sample = client.get("/api/v2/incremental/tickets/sample.json", params={"start_time": 1}).json()
    assert len(sample["tickets"]) == 13
    assert client.get("/api/v2/incremental/users/sample.json", params={"start_time": 1}).json()["count"] == 8
    path = "/api/v2/incremental/ticket_metric_events.json"
    whole = client.get(path, params={"start_time": 1}).json()
    assert whole["end_of_stream"]
    assert {"reply_time", "resolution_time"} == {row["metric"] for row in whole["ticket_metric_events"]}
    again = [row for row in whole["ticket_metric_events"] if row["ticket_id"] == 101 and row["instance_id"] == 2]
    assert [row["type"] for row in again] == ["activate", "fulfill"]
    found, url, params = [], path, {"start_time": 1, "page[size]": 7}
    while url:
        page = client.get(url, params=params).json()
        found += page["ticket_metric_events"]
        url, params = page["links"]["next"], None
    assert found == whole["ticket_metric_events"]


def test_ratings_by_time_and_by_score(client):
    """Ratings are given from `start_time` up to `end_time` of their last change, by score, in both kinds of pages."""
    path = "/api/v2/satisfaction_ratings.json"
    rows = client.get(path).json()["satisfaction_ratings"]
    assert [(row["ticket_id"], row["score"]) for row in rows] == [(113, "bad"), (101, "good")]
    assert rows[1]["created_at"] < rows[1]["updated_at"]
    late = client.get(path, params={"start_time": START + 3600}).json()
    assert [row["ticket_id"] for row in late["satisfaction_ratings"]] == [101]
    early = client.get(path, params={"end_time": START + 3600}).json()
    assert [row["ticket_id"] for row in early["satisfaction_ratings"]] == [113]
    for score, tickets in {
        "good": [101],
        "received": [113, 101],
        "received_with_comment": [113],
        "good_without_comment": [101],
        "offered": [],
    }.items():
        found = client.get(path, params={"score": score}).json()["satisfaction_ratings"]
        assert [row["ticket_id"] for row in found] == tickets
    page = client.get(path, params={"page[size]": 1, "sort_order": "desc"}).json()
    assert page["satisfaction_ratings"][0]["ticket_id"] == 101
    assert client.get(page["links"]["next"]).json()["satisfaction_ratings"][0]["ticket_id"] == 113


def test_sideloads_come_with_their_tickets(client):
    """Metric sets, users and groups come in the same page when asked for; unknown sideloads are ignored."""
    query = {"start_time": 1, "include": "metric_sets,users,groups,last_audits", "support_type_scope": "all"}
    page = client.get(TICKETS, params=query).json()
    assert [row["ticket_id"] for row in page["metric_sets"]] == [row["id"] for row in page["tickets"]]
    assert {group["id"] for group in page["groups"]} == {360_001, 360_002}
    assert {CUSTOMER, AGENT} <= {user["id"] for user in page["users"]}
    assert "last_audits" not in page
    assert "metric_sets" not in client.get(TICKETS, params={"start_time": 1}).json()


def test_the_clock_brings_more_and_takes_it_back(client):
    """The clock moves to an instant or by seconds, Date follows it, and moving back makes things not have happened."""
    whole = client.get(EVENT_PATH, params={"start_time": 1}).content
    _move(client, START + 100)
    early = client.get(EVENT_PATH, params={"start_time": 1})
    assert early.json()["count"] < 20
    assert parsedate_to_datetime(early.headers["date"]).timestamp() == START + 100
    moved = client.post("/_simulator/clock", json={"advance_seconds": END - START - 100}).json()
    assert moved == {"now": iso(END)}
    # The token was minted at the end, so it has not expired by then.
    assert client.get(EVENT_PATH, params={"start_time": 1}).content == whole
    assert client.post("/_simulator/clock", json={"to": "soon"}).status_code == 400
    assert client.get("/_simulator/clock").json() == {"now": iso(END)}


def test_stepping_equals_starting_late(signed_in):
    """An account moved through time serves the same rows as one that starts at the end, and two of one seed match."""
    stepped, late = World(sample_plan(), START - 1), World(sample_plan(), END)
    for at in range(START, END, 7_000):
        stepped.move(at)
    stepped.move(END)
    assert [e.render(comments=True) for e in stepped.events] == [e.render(comments=True) for e in late.events]
    assert stepped.ticket_order == late.ticket_order
    assert [t.render((1,)) for t in stepped.tickets.values()] == [t.render((1,)) for t in late.tickets.values()]
    answers = []
    for seed in (1, 1, 2):
        with serve(seed, plan=sample_plan(), now=iso(END)) as origin, signed_in(origin) as client:
            page = client.get(TICKETS, params={"start_time": 1}).json()
            answers.append((client.headers["authorization"], page["tickets"]))
    assert answers[0] == answers[1]
    assert answers[0][0] != answers[2][0]


def test_calls_are_counted_by_path(client):
    """The statistics count every call to the API, overall and by path, and forget them on reset."""
    client.get("/api/v2/users/me.json")
    client.get("/api/v2/users/me.json")
    stats = client.get("/_simulator/stats").json()
    assert stats == {"calls": 3, "by_path": {"/api/v2/users/me.json": 2, "/oauth/tokens": 1}, "tokens": 1}
    assert client.post("/_simulator/reset").json() == {"now": iso(END)}
    assert client.get("/_simulator/stats").json()["calls"] == 0
    assert client.get("/api/v2/users/me.json").status_code == 401


@pytest.mark.parametrize(
    ("acts", "why"),
    [
        ((Act(START, 1, 2, comment="x"),), "before it is opened"),
        ((_open(START), _open(START + 1)), "opened twice"),
        ((_open(START), Act(START + 1, 1, 2, merge_into=9)), "before it is opened"),
        ((_open(START), Act(START + 1, 1, 2, redacts=START + 5)), "has no comment"),
        ((_open(START), Act(START + 1, 1, 2, odd=({},) * 3, fields=(("x", 1),) * 120)), "too many parts"),
    ],
)
def test_an_impossible_plan_is_refused(acts, why):
    """A plan that cannot happen is refused when the account is made, with the reason."""
    with pytest.raises(ValueError, match=why):
        create_app(plan=_tiny(*acts))


def test_wrong_options_are_refused():
    """An unknown spelling of headers and an instant without an offset are refused."""
    with pytest.raises(ValueError, match="headers are old, new, endpoint"):
        create_app(plan=sample_plan(), headers="newest")
    with pytest.raises(ValueError, match="offset"):
        create_app(plan=sample_plan(), now="2025-03-03T09:00:00")


def test_no_now_means_an_hour_after_the_plan():
    """Without an instant a plan of one's own is served when all of it has happened."""
    assert create_app(plan=_tiny(_open(START))).now == START + 3600


def test_the_harness_runs_the_story(signed_in):
    """The harness starts the simulator of the story at its first stage, steers it, and options reach it."""
    told = story(3, tickets=400)
    options = ["--tickets", "400", "--token-calls", "2", "--headers", "old", "--export-limit", "1"]
    with start_simulator("tallystick_zendesk.simulator", seed=3, options=options) as simulator:
        with signed_in(simulator.origin) as client:
            found = client.get(TICKETS, params={"start_time": 1})
            assert found.json()["tickets"]
            assert iso(int(parsedate_to_datetime(found.headers["date"]).timestamp())) == told["stages"][0]
            assert "rate-limit-limit" in found.headers
            assert client.get(TICKETS, params={"start_time": 1}).status_code == 429
            assert client.get(TICKETS, params={"start_time": 1}).status_code in {401, 429}
        simulator.move_clock(told["stages"][1])
        assert simulator.calls() == 4
        simulator.set_faults([{"kind": "500"}])
    assert iso(create_app(3, tickets=400).now) == told["stages"][0]


@pytest.mark.parametrize("options", [["--now", "tomorrow"], ["--prerendered", "5", "--now", "tomorrow"]])
def test_a_bad_instant_ends_the_process_with_words(options):
    """The command line explains a wrong instant instead of showing a trace."""
    command = [sys.executable, "-m", "tallystick_zendesk.simulator", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert re.search(r"error: .*tomorrow", done.stderr)

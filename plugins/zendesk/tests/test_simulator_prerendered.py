"""Ready-made pages for measurements: real sizes, the real protocol."""

import socket
import threading

import pytest

from tallystick.testing.instants import instant
from tallystick.testing.serving import bind
from tallystick.testing.simulation import start_simulator
from tallystick_zendesk.simulator.prerendered import EVENTS, Pages

TICKETS = "/api/v2/incremental/tickets/cursor.json"
EVENT_PATH = "/api/v2/incremental/ticket_events.json"
USERS = "/api/v2/incremental/users/cursor.json"


def test_prerendered_rows_have_the_size_of_real_ones():
    """A ticket has about two kilobytes, an event one and a half, and the newest lies behind the withheld minute."""
    pages = Pages(300, "2026-10-01T00:00:00Z")
    assert len(pages._ticket(7)) == pytest.approx(2000, abs=200)
    assert {round(len(pages._event(n)), -3) for n in range(EVENTS)} == {2000}
    assert pages.ticket_time(299) < instant("2026-10-01T00:00:00Z") - 60


def test_prerendered_pages_keep_the_protocol(signed_in, walk_events, walk_cursor):
    """Both walks over ready-made pages give all rows in order, with real overlap and ends; `ai_agent` gives none."""
    listening = bind(0)
    serving = threading.Thread(target=Pages(250).serve, args=(listening,), kwargs={"latency_ms": 1})
    serving.start()
    try:
        with signed_in(f"http://127.0.0.1:{listening.getsockname()[1]}") as client:
            _check_prerendered(client, walk_events, walk_cursor)
    finally:
        # Closing alone does not wake a thread that waits for a connection.
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        serving.join()


def test_prerendered_pages_are_filled_once():
    """A page that was asked for is kept, and another process of the same size gives the same bytes."""
    query = {"include": "metric_sets"}
    kept, fresh = Pages(20), Pages(20)
    first, again = kept.ticket_page(query, "http://h"), kept.ticket_page(query, "http://h")
    assert first == fresh.ticket_page(query, "http://h")
    assert all(first[place] is again[place] for place in (1, 4))


def test_the_prerendered_process_says_where_it_listens(signed_in):
    """As a process it announces itself and serves."""
    with (
        start_simulator("tallystick_zendesk.simulator", seed=1, options=["--prerendered", "20"]) as simulator,
        signed_in(simulator.origin) as client,
    ):
        assert client.get(EVENT_PATH, params={"start_time": 1}).json()["count"] == 20 * EVENTS


def _check_prerendered(client, walk_events, walk_cursor):
    rows, pages = walk_cursor(client, support_type_scope="all", include="metric_sets", per_page=100)
    assert len({row["id"] for row in rows}) == len(rows) == 250
    assert [row["generated_timestamp"] for row in rows] == sorted(row["generated_timestamp"] for row in rows)
    assert [s["ticket_id"] for page in pages for s in page["metric_sets"]] == [row["id"] for row in rows]
    walked = walk_events(client, 1, include="comment_events", per_page=700)
    events = [event for page in walked for event in page["ticket_events"]]
    assert len(events) == 250 * EVENTS + len(walked) - 1
    assert len({event["id"] for event in events}) == 250 * EVENTS
    assert {event["ticket_id"] for event in events} == {row["id"] for row in rows}
    children = [child["id"] for event in {e["id"]: e for e in events}.values() for child in event["child_events"]]
    assert len(set(children)) == len(children)
    assert client.get(TICKETS, params={"start_time": 1, "support_type_scope": "ai_agent"}).json()["tickets"] == []
    resumed = client.get(TICKETS, params={"cursor": pages[-1]["after_cursor"]}).json()
    assert (resumed["tickets"], resumed["end_of_stream"]) == ([], True)
    people, _ = walk_cursor(client, USERS)
    assert {event["updater_id"] for event in events} <= {user["id"] for user in people}
    assert client.get("/api/v2/users/me.json").json()["user"]["role"] == "admin"
    user = people[1]["id"]
    assert client.get(f"/api/v2/users/{user}.json").json()["user"]["id"] == user
    assert client.get("/api/v2/oauth/tokens/current.json").json()["token"]["scopes"] == ["read"]
    assert client.get("/api/v2/satisfaction_ratings.json").json()["satisfaction_ratings"] == []
    assert client.get("/api/v2/incremental/ticket_metric_events.json").json()["end_of_stream"]
    assert client.get("/api/v2/nothing.json").status_code == 404


def test_too_many_prerendered_tickets_are_refused():
    """More events than seconds would share seconds, which the ready-made pages cannot do."""
    with pytest.raises(ValueError, match="do not fit"):
        Pages(10_000_000)

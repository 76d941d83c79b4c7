"""The simulator of Freshdesk over a socket: pages, ties, filters, errors, and what its cases promise."""

from contextlib import contextmanager

import httpx
import pytest

from tallystick.testing.instants import instant, iso
from tallystick_rest.simulators.freshdesk import NOW, cases, serve

END = instant(NOW)
AI = 80_000_000_199
SINCE = {"updated_since": "2026-01-01T00:00:00Z", "order_by": "updated_at", "order_type": "asc"}


@contextmanager
def connected(**options):
    """Serve an account and give a client with a key."""
    with serve(**options) as origin, httpx.Client(base_url=origin, auth=("secret", "X"), trust_env=False) as client:
        yield client


@pytest.fixture
def client():
    """A client of the account of seed 1."""
    with connected() as made:
        yield made


@pytest.fixture
def ids():
    """The ids of the labelled tickets by the names of their cases."""
    return {case.name: int(case.subject) for case in cases(1)}


def _steer(client, name, asked=None):
    return client.post(f"/_simulator/{name}", json=asked or {}).raise_for_status().json()


def _get(client, path, **query):
    return client.get(f"/api/v2/{path}", params=query)


def _pages(client, path, **query):
    answer = _get(client, path, **query).raise_for_status()
    yield answer.json()
    while "next" in answer.links:
        answer = client.get(answer.links["next"]["url"]).raise_for_status()
        yield answer.json()


def _rows(client, path, **query):
    return [row for page in _pages(client, path, **query) for row in page]


@pytest.mark.parametrize("size", [1, 7, 100])
def test_pages_of_any_size_give_every_ticket_once_and_in_order(client, size):
    """Whatever the size of a page, links lead to each ticket once, by `updated_at` and then by id."""
    pages = list(_pages(client, "tickets", **SINCE, per_page=size))
    keys = [(row["updated_at"], row["id"]) for page in pages for row in page]
    assert keys == sorted(set(keys))
    assert len(keys) == 30 + sum(not case.gone and case.name != "spam" for case in cases(1))
    assert {len(page) for page in pages[:-1]} <= {size}


def test_a_page_is_of_thirty_unless_told(client):
    """Thirty tickets come by default, the newest first."""
    rows = _get(client, "tickets").json()
    assert len(rows) == 30
    assert [row["created_at"] for row in rows] == sorted((row["created_at"] for row in rows), reverse=True)


def test_ties_cross_a_page_edge(client):
    """Five tickets of one second over pages of two come once each; `updated_since` has its instant in it."""
    made = _steer(client, "create", {"count": 5})["ids"]
    rows = _rows(client, "tickets", **{**SINCE, "updated_since": iso(END)}, per_page=2)
    assert [row["id"] for row in rows] == made
    assert {row["updated_at"] for row in rows} == {iso(END)}


def test_an_edit_between_pages_moves_the_others_up(client):
    """Pages are offsets: after an edit of the first row, the second page begins one row too late."""
    made = _steer(client, "create", {"count": 4})["ids"]
    query = {**SINCE, "updated_since": iso(END), "per_page": 2}
    first = _get(client, "tickets", **query).json()
    _steer(client, "clock", {"advance_seconds": 1})
    _steer(client, "edit", {"id": made[0]})
    second = _get(client, "tickets", **query, page=2).json()
    assert [row["id"] for row in first + second] == [made[0], made[1], made[3], made[0]]


def test_old_tickets_come_only_with_updated_since():
    """Without `updated_since` a list has tickets of the last 30 days only."""
    with connected(now="2026-12-01T00:00:00Z") as client:
        assert _rows(client, "tickets") == []
        assert len(_rows(client, "tickets", **SINCE)) > 30


def test_deleted_and_spam_have_lists_of_their_own(client, ids):
    """A deleted ticket and spam are in no usual list, each is in its own; by id they are given, destroyed ones not."""
    usual = {row["id"] for row in _rows(client, "tickets", **SINCE)}
    assert usual.isdisjoint({ids["deleted"], ids["destroyed"], ids["spam"]})
    deleted = _rows(client, "tickets", **SINCE, filter="deleted")
    assert [(row["id"], row["deleted"]) for row in deleted] == [(ids["deleted"], True)]
    assert [row["id"] for row in _rows(client, "tickets", **SINCE, filter="spam")] == [ids["spam"]]
    assert _get(client, f"tickets/{ids['deleted']}").json()["deleted"]
    assert "deleted" not in _get(client, f"tickets/{ids['spam']}").json()
    assert _get(client, f"tickets/{ids['destroyed']}").status_code == 404


def test_what_is_embedded_is_asked_for_and_costs(client, ids):
    """`include` embeds stats and requester; each costs two calls in a list and one with a single ticket."""
    plain = _get(client, "tickets")
    assert "stats" not in plain.json()[0]
    assert "description" not in plain.json()[0]
    assert plain.headers["X-RateLimit-Used-CurrentRequest"] == "1"
    rich = _get(client, "tickets", include="stats,requester")
    assert set(rich.json()[0]["requester"]) == {"id", "name", "email", "mobile", "phone"}
    assert rich.headers["X-RateLimit-Used-CurrentRequest"] == "5"
    single = _get(client, f"tickets/{ids['came_back']}", include="stats,conversations")
    assert single.headers["X-RateLimit-Used-CurrentRequest"] == "3"
    row = single.json()
    assert row["description_text"] == "Please help."
    assert row["stats"]["reopened_at"] == row["conversations"][1]["created_at"]
    assert row["stats"]["closed_at"] == row["updated_at"]


def test_the_conversations_of_a_ticket_are_paged(client):
    """A ticket of 45 conversations embeds ten, and lists all over two pages, the oldest first."""
    key = _steer(client, "create")["ids"][0]
    by = _get(client, "agents/me").json()["id"]
    _steer(client, "do", [{"do": "note", "ticket": key, "by": by, "body": str(number)} for number in range(45)])
    assert len(_get(client, f"tickets/{key}", include="conversations").json()["conversations"]) == 10
    pages = list(_pages(client, f"tickets/{key}/conversations"))
    assert [len(page) for page in pages] == [30, 15]
    assert [row["body_text"] for page in pages for row in page] == [str(number) for number in range(45)]


def test_a_merge_moves_the_conversations(client, ids):
    """The merged ticket is closed with a private note that names the other, which has its conversations."""
    merged, into = ids["merged"], ids["merged_into"]
    rows = _get(client, f"tickets/{merged}/conversations").json()
    assert [(row["private"], row["body_text"]) for row in rows] == [
        (True, f"This ticket is closed and merged into ticket {into}")
    ]
    assert _get(client, f"tickets/{merged}").json()["status"] == 5
    moved = _get(client, f"tickets/{into}/conversations").json()
    assert "Are you there?" in {row["body_text"] for row in moved}
    assert {row["ticket_id"] for row in moved} == {into}


def test_ratings_are_listed(client, ids):
    """Ratings come the newest first, with what they rate; `created_since` leaves out older ones."""
    rows = _rows(client, "surveys/satisfaction_ratings", per_page=2)
    found = {row["ticket_id"]: row["ratings"]["default_question"] for row in rows}
    assert (found[ids["low_rating"]], found[ids["human_alone"]]) == (-103, 103)
    times = [row["created_at"] for row in rows]
    assert times == sorted(times, reverse=True)
    later = _rows(client, "surveys/satisfaction_ratings", created_since=times[1])
    assert later == [row for row in rows if row["created_at"] >= times[1]]


def test_people_are_listed(client):
    """Agents, the AI agent among them, groups and contacts are listed and given by id; `agents/me` owns the key."""
    agents = _rows(client, "agents", per_page=3)
    assert [agent["contact"]["name"] for agent in agents][::3] == ["Ada Berg", "Freddy AI Agent"]
    assert agents[-1]["id"] == AI
    assert _get(client, "agents/me").json() == agents[0] == _get(client, f"agents/{agents[0]['id']}").json()
    groups = _rows(client, "groups")
    assert _get(client, f"groups/{groups[1]['id']}").json()["name"] == "Billing"
    contacts = _rows(client, "contacts")
    assert _get(client, f"contacts/{contacts[0]['id']}").json() == contacts[0]
    latest = max(row["updated_at"] for row in contacts)
    assert {row["updated_at"] for row in _rows(client, "contacts", _updated_since=latest)} == {latest}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("per_page", 101),
        ("per_page", 0),
        ("page", 301),
        ("page", "x"),
        ("updated_since", "yesterday"),
        ("order_by", "id"),
        ("order_type", "up"),
        ("filter", "mine"),
        ("include", "everything"),
    ],
)
def test_bad_queries_are_refused(client, name, value):
    """What is out of bounds gives 400 with the field, a message and a code."""
    answer = _get(client, "tickets", **{name: value})
    assert (answer.status_code, answer.json()["description"]) == (400, "Validation failed")
    assert (answer.json()["errors"][0]["field"], answer.json()["errors"][0]["code"]) == (name, "invalid_value")


def test_what_is_not_there_is_404_without_a_body(client):
    """An unknown object, path or prefix gives 404 and no body; another method gives 405."""
    for path in ("tickets/9", "contacts/9", "agents/9", "groups/9", "tickets/x", "nothing", "tickets/9/conversations"):
        answer = _get(client, path)
        assert (answer.status_code, answer.content) == (404, b"")
    assert client.get("/tickets").status_code == 404
    assert client.delete("/api/v2/tickets").status_code == 405


def test_keys(client):
    """No key, a wrong one and a bearer are refused with 401; the password does not matter."""
    for auth in (None, ("wrong", "X")):
        answer = httpx.get(f"{client.base_url}/api/v2/tickets", auth=auth, trust_env=False)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
    for text in ("Bearer secret", "Basic ???"):
        assert client.get("/api/v2/agents/me", headers={"Authorization": text}, auth=None).status_code == 401
    assert client.get("/api/v2/agents/me", auth=("secret", "whatever")).status_code == 200


def test_cases_are_as_they_say(client):
    """What a case says of people, returns and its end is what its ticket and conversations show."""
    for case in cases(1):
        answer = _get(client, f"tickets/{case.subject}", include="stats,conversations")
        if case.name == "destroyed":
            assert answer.status_code == 404
            continue
        row = answer.json()
        outgoing = [said for said in row["conversations"] if not said["incoming"] and not said["private"]]
        assert any(said["user_id"] != AI for said in outgoing) == case.human_replied, case.name
        assert (row["stats"]["reopened_at"] is not None) == case.came_back, case.name
        assert (row["status"] in {4, 5}) == (case.resolved_by is not None), case.name
        assert row.get("deleted", False) == case.gone, case.name
        assert row["custom_fields"]["cf_ai_outcome"] == case.resolution or case.came_back or case.human_replied, (
            case.name
        )


def test_the_same_seed_gives_the_same_bytes():
    """Two simulators of one seed answer byte for byte alike, of another seed not."""
    bodies = []
    for seed in (7, 7, 8):
        with connected(seed=seed) as client:
            bodies.append(_get(client, "tickets", include="stats", per_page=100, **SINCE).content)
    assert bodies[0] == bodies[1] != bodies[2]
    assert cases(7) == cases(7)


def test_the_clock_decides_what_has_happened(client):
    """Set back, what was later has not happened; set forward, it has again."""
    whole = _get(client, "tickets", **SINCE).content
    _steer(client, "clock", {"to": "2026-08-03T00:00:00Z"})
    assert _get(client, "tickets", **SINCE).json() == []
    _steer(client, "clock", {"to": NOW})
    assert _get(client, "tickets", **SINCE).content == whole

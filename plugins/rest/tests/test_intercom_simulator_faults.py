"""The simulator of Intercom when something goes wrong, and how it is steered."""

import subprocess
import sys
from contextlib import contextmanager

import httpx
import pytest

from tallystick.testing.instants import instant
from tallystick_rest.simulators.intercom import NOW, cases, create_app, serve

END = instant(NOW)
EVERYTHING = {"field": "updated_at", "operator": ">", "value": 0}


@contextmanager
def connected(**options):
    """Serve a workspace of labelled cases and give a client with a token."""
    with (
        serve(conversations=0, **options) as origin,
        httpx.Client(base_url=origin, headers={"Authorization": "Bearer secret"}, trust_env=False) as client,
    ):
        yield client


@pytest.fixture
def client():
    """A client of the labelled cases."""
    with connected() as made:
        yield made


def _steer(client, name, asked):
    return client.post(f"/_simulator/{name}", json=asked).raise_for_status().json()


def _found(client, query=EVERYTHING, **paging):
    body = {"query": query, "sort": {"field": "updated_at", "order": "descending"}, "pagination": paging}
    return client.post("/conversations/search", json=body).raise_for_status().json()


def _since(at):
    return {"field": "updated_at", "operator": ">", "value": at - 1}


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("401", 401, "unauthorized"),
        ("403", 403, "api_plan_restricted"),
        ("404", 404, "not_found"),
        ("429", 429, "rate_limit_exceeded"),
        ("429_bare", 429, "rate_limit_exceeded"),
        ("500", 500, "server_error"),
        ("503", 503, "service_unavailable"),
    ],
)
def test_a_fault_strikes_once(client, kind, status, code):
    """A refusal comes once, in the words of the API, and the next call is answered."""
    _steer(client, "faults", [{"kind": kind, "path": "/me", "seconds": 7}])
    answer = client.get("/me")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)
    assert answer.headers.get("Retry-After") == ("7" if kind == "429" else None)
    assert client.get("/me").status_code == 200


def test_a_page_can_loop_and_repeat(client):
    """`loop` names the cursor that was sent as the next one, `repeat` gives each row twice."""
    after = _found(client, per_page=3)["pages"]["next"]["starting_after"]
    _steer(client, "faults", [{"kind": "loop"}, {"kind": "repeat", "after": 1}])
    assert _found(client, per_page=3, starting_after=after)["pages"]["next"]["starting_after"] == after
    rows = _found(client, per_page=3)["conversations"]
    assert len(rows) == 6
    assert len({row["id"] for row in rows}) == 3


def test_the_limit_is_told_and_enforced_if_asked():
    """Three calls in ten virtual seconds, then 429 with the rest of the window; the next window is free again."""
    with connected(limit=3) as client:
        told = [client.get("/me").headers for _ in range(3)]
        assert [headers["X-RateLimit-Remaining"] for headers in told] == ["2", "1", "0"]
        refused = client.get("/me")
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "10")
        assert int(refused.headers["X-RateLimit-Reset"]) == END + 10
        _steer(client, "clock", {"advance_seconds": 10})
        assert client.get("/me").status_code == 200
        _steer(client, "spend", {"calls": 2})
        assert client.get("/me").status_code == 429
    with connected() as client:
        assert {client.get("/me").status_code for _ in range(5)} == {200}
        assert client.get("/me").headers["X-RateLimit-Limit"] == "1667"


def test_tokens_expire_in_the_middle(client):
    """After two more calls the tokens seen so far are refused; a new one is good, and so are all after a reset."""
    _steer(client, "expire", {"after": 2})
    assert [client.get("/me").status_code for _ in range(4)] == [200, 200, 401, 401]
    assert client.get("/me", headers={"Authorization": "Bearer renewed"}).status_code == 200
    _steer(client, "reset", {})
    assert client.get("/me").status_code == 200


def test_the_index_lags(client):
    """A new conversation is there by id at once, and found after 30 seconds; an old one is found by its old instant."""
    _steer(client, "lag", {"seconds": 30})
    key = _steer(client, "create", {})["ids"][0]
    old = cases(1)[0].subject
    _steer(client, "edit", {"id": old})
    assert client.get(f"/conversations/{key}").status_code == 200
    assert _found(client, _since(END))["total_count"] == 0
    _steer(client, "clock", {"advance_seconds": 29})
    assert _found(client, _since(END))["total_count"] == 0
    _steer(client, "clock", {"advance_seconds": 1})
    assert {row["id"] for row in _found(client, _since(END))["conversations"]} == {key, old}


def test_create_edit_delete_and_merge(client):
    """One second apart, edited now, deleted without a trace, and two contacts that become one."""
    first, second = _steer(client, "create", {"count": 2, "same_second": False})["ids"]
    rows = [client.get(f"/conversations/{key}").json() for key in (first, second)]
    assert [row["updated_at"] for row in rows] == [END - 1, END]
    _steer(client, "clock", {"advance_seconds": 5})
    _steer(client, "edit", {"id": first, "values": {"title": "New"}})
    edited = client.get(f"/conversations/{first}").json()
    assert (edited["title"], edited["updated_at"]) == ("New", END + 5)
    one, other = (row["contacts"]["contacts"][0]["id"] for row in rows)
    _steer(client, "merge", {"from": one, "into": other})
    assert client.get(f"/contacts/{one}").status_code == 404
    assert client.get(f"/conversations/{first}").json()["contacts"]["contacts"][0]["id"] == other
    _steer(client, "delete", {"id": first})
    assert client.get(f"/conversations/{first}").status_code == 404
    assert [row["id"] for row in _found(client, _since(END))["conversations"]] == [second]


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"field": "state", "change": "set", "value": "parked"}, "parked"),
        ({"field": "state", "change": "drop"}, None),
        ({"field": "state", "change": "list"}, ["closed"]),
        ({"field": "state", "change": "object"}, {"value": "closed"}),
        ({"field": "open", "change": "text"}, "False"),
    ],
)
def test_fields_change_on_the_wire(client, change, shown):
    """A field of one conversation is set, dropped or retyped; the other conversations stay as they are."""
    key, other = (case.subject for case in cases(1)[:2])
    _steer(client, "wire", [{"kind": "conversation", "id": key, **change}])
    assert client.get(f"/conversations/{key}").json().get(change["field"]) == shown
    rows = {row["id"]: row for row in _found(client, per_page=150)["conversations"]}
    assert (rows[key].get(change["field"]), rows[other]["state"]) == (shown, "closed")
    _steer(client, "wire", [])
    assert client.get(f"/conversations/{key}").json()["state"] == "closed"


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("do", [{"do": "dance", "conversation": "215400100000001"}]),
        ("do", [{"do": "close", "conversation": "1", "by": "fin"}]),
        ("do", [{"do": "close", "conversation": "215400100000001", "by": "nobody"}]),
        ("do", [{"do": "assign", "conversation": "215400100000001", "by": "fin", "to": "nobody"}]),
        ("do", [{"do": "open", "conversation": "215400100000001", "contact": "x"}]),
        ("edit", {"id": "1"}),
        ("merge", {"from": "1"}),
        ("wire", [{"kind": "conversation", "field": "state", "change": "melt"}]),
        ("wire", [{"field": "state", "change": "drop"}]),
        ("faults", [{"kind": "flood"}]),
        ("clock", {"to": "tomorrow"}),
    ],
)
def test_bad_steering_is_refused_and_changes_nothing(client, name, asked):
    """What cannot be done is answered with 400, and everything stays as it was."""
    before = _found(client, per_page=150)
    assert client.post(f"/_simulator/{name}", json=asked).status_code == 400
    assert _found(client, per_page=150) == before
    key = _steer(client, "create", {})["ids"][0]
    assert client.get(f"/conversations/{key}").status_code == 200


def test_of_deeds_of_which_one_fails_none_is_done(client):
    """A good deed before a bad one is not done either."""
    key = cases(1)[0].subject
    before = client.get(f"/conversations/{key}").json()
    deeds = [{"do": "reopen", "conversation": key, "by": "operator"}, {"do": "close", "conversation": "1", "by": "fin"}]
    assert client.post("/_simulator/do", json=deeds).status_code == 400
    assert client.get(f"/conversations/{key}").json() == before


def test_what_is_due_later_happens_later(client):
    """A deed with an instant ahead happens when the clock comes to it; one of the past takes its place in the order."""
    key = _steer(client, "create", {})["ids"][0]
    deeds = [
        {"do": "close", "conversation": key, "by": "fin", "at": END + 60},
        {"do": "tag", "conversation": cases(1)[0].subject, "name": "late", "at": END - 5},
    ]
    _steer(client, "do", deeds)
    assert client.get(f"/conversations/{cases(1)[0].subject}").json()["updated_at"] == END - 5
    states = []
    for seconds in (59, 1):
        _steer(client, "clock", {"advance_seconds": seconds})
        states.append(client.get(f"/conversations/{key}").json()["state"])
    assert states == ["open", "closed"]


def test_two_workspaces_stay_apart():
    """What happens in one simulator is not seen in another, and two seeds share no id."""
    ids = []
    for seed in (1, 2):
        with connected(seed=seed) as one, connected(seed=seed) as other:
            key = _steer(one, "create", {})["ids"][0]
            assert one.get(f"/conversations/{key}").status_code == 200
            assert other.get(f"/conversations/{key}").status_code == 404
            rows = _found(one, per_page=150)["conversations"] + one.get("/contacts?per_page=150").json()["data"]
            people = one.get("/admins").json()["admins"] + one.get("/teams").json()["teams"]
            ids.append({row["id"] for row in rows + people})
    assert ids[0].isdisjoint(ids[1])


def test_an_edit_is_told_with_who_and_when(client):
    """An edit without values is a part of an admin, at the instant of the edit."""
    key = cases(1)[0].subject
    _steer(client, "clock", {"advance_seconds": 60})
    by = _steer(client, "edit", {"id": key})["by"]
    part = client.get(f"/conversations/{key}").json()["conversation_parts"]["conversation_parts"][-1]
    assert (part["part_type"], part["created_at"]) == ("conversation_attribute_updated_by_admin", END + 60)
    assert (part["author"]["id"], part["event_details"]["value"]["name"]) == (by, "Edit 1")


def test_contacts_are_created_edited_and_deleted(client):
    """A contact can be steered like a conversation."""
    key = _steer(client, "create", {"kind": "contact"})["ids"][0]
    _steer(client, "edit", {"kind": "contact", "id": key, "values": {"name": "New"}})
    assert client.get(f"/contacts/{key}").json()["name"] == "New"
    _steer(client, "delete", {"kind": "contact", "id": key})
    assert client.get(f"/contacts/{key}").status_code == 404


def test_it_is_steered_in_process_too():
    """`steer` does what the address of the same name does; without labelled cases the workspace is small."""
    app = create_app(1, conversations=1, labelled=False)
    assert len(app.timeline.live.conversations) == 1
    app.steer("create", {"count": 3})
    assert len(app.timeline.live.conversations) == 4
    with pytest.raises(KeyError):
        app.steer("destroy", {})


def test_it_runs_as_a_process():
    """`python -m` says where it listens, and answers there."""
    command = [sys.executable, "-m", "tallystick_rest.simulators.intercom", "--seed", "3", "--now", NOW]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        origin = process.stdout.readline().removeprefix("listening on ").strip()
        try:
            assert httpx.get(f"{origin}/me", headers={"Authorization": "Bearer x"}).status_code == 200
        finally:
            process.terminate()

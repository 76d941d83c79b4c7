"""The simulator of Freshdesk when something goes wrong, and how it is steered."""

import subprocess
import sys
from contextlib import contextmanager

import httpx
import pytest

from tallystick.testing.instants import instant, iso
from tallystick_rest.simulators.freshdesk import NOW, cases, create_app, serve

END = instant(NOW)
ME = "/api/v2/agents/me"
LATEST = {"updated_since": NOW, "order_by": "updated_at", "order_type": "asc"}


@contextmanager
def connected(**options):
    """Serve an account of labelled cases and give a client with a key."""
    with (
        serve(tickets=0, **options) as origin,
        httpx.Client(base_url=origin, auth=("secret", "X"), trust_env=False) as client,
    ):
        yield client


@pytest.fixture
def client():
    """A client of the labelled cases."""
    with connected() as made:
        yield made


def _steer(client, name, asked=None):
    return client.post(f"/_simulator/{name}", json=asked or {}).raise_for_status().json()


def _tickets(client, **query):
    return client.get("/api/v2/tickets", params={**LATEST, **query}).raise_for_status()


@pytest.mark.parametrize("kind", ["401", "403", "404", "429", "429_bare", "500", "503"])
def test_a_fault_strikes_once(client, kind):
    """A refusal comes once, and the next call is answered; only one kind of 429 tells when to try again."""
    _steer(client, "faults", [{"kind": kind, "path": ME, "seconds": 7}])
    answer = client.get(ME)
    assert answer.status_code == int(kind[:3])
    assert answer.headers.get("Retry-After") == ("7" if kind == "429" else None)
    assert (kind == "404") == (answer.content == b"")
    assert client.get(ME).status_code == 200


def test_a_page_can_loop_and_repeat(client):
    """`loop` links a page to itself, `repeat` gives each row twice."""
    _steer(client, "create", {"count": 3})
    _steer(client, "faults", [{"kind": "loop"}, {"kind": "repeat", "after": 1}])
    answer = _tickets(client, per_page=3)
    assert httpx.URL(answer.links["next"]["url"]).params["page"] == "1"
    assert len(_tickets(client, per_page=3).json()) == 6
    assert "next" not in _tickets(client, per_page=3).links


def test_the_limit_is_told_and_enforced_if_asked():
    """Four calls in a virtual minute, and what is embedded counts; the next minute is free again."""
    with connected(limit=4) as client:
        assert client.get(ME).headers["X-RateLimit-Remaining"] == "3"
        assert _tickets(client, include="stats").headers["X-RateLimit-Remaining"] == "0"
        refused = client.get(ME)
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
        _steer(client, "clock", {"advance_seconds": 60})
        assert client.get(ME).status_code == 200
    with connected() as client:
        assert {client.get(ME).status_code for _ in range(5)} == {200}
        assert client.get(ME).headers["X-RateLimit-Total"] == "700"


def test_keys_expire_in_the_middle(client):
    """After two more calls the keys seen so far are refused; a new one is good."""
    _steer(client, "expire", {"after": 2})
    assert [client.get(ME).status_code for _ in range(4)] == [200, 200, 401, 401]
    assert client.get(ME, auth=("renewed", "X")).status_code == 200


def test_the_list_lags(client):
    """A new ticket is there by id at once, and listed after 30 seconds."""
    _steer(client, "lag", {"seconds": 30})
    key = _steer(client, "create")["ids"][0]
    assert client.get(f"/api/v2/tickets/{key}").status_code == 200
    _steer(client, "clock", {"advance_seconds": 29})
    assert _tickets(client).json() == []
    _steer(client, "clock", {"advance_seconds": 1})
    assert [row["id"] for row in _tickets(client).json()] == [key]


def test_create_edit_delete_and_merge(client):
    """One second apart, edited now, merged, deleted and deleted for good."""
    first, second = _steer(client, "create", {"count": 2, "same_second": False})["ids"]
    assert [row["id"] for row in _tickets(client).json()] == [second]
    _steer(client, "clock", {"advance_seconds": 5})
    by = _steer(client, "edit", {"id": first})["by"]
    note = client.get(f"/api/v2/tickets/{first}/conversations").json()[0]
    assert (note["user_id"], note["private"], note["created_at"]) == (by, True, iso(END + 5))
    _steer(client, "edit", {"id": first, "values": {"status": 17}})
    assert client.get(f"/api/v2/tickets/{first}").json()["status"] == 17
    _steer(client, "merge", {"from": first, "into": second})
    assert client.get(f"/api/v2/tickets/{first}").json()["status"] == 5
    _steer(client, "delete", {"id": first})
    assert [row["id"] for row in _tickets(client, filter="deleted").json()] == [first]
    _steer(client, "delete", {"id": first, "for_good": True})
    assert client.get(f"/api/v2/tickets/{first}").status_code == 404


def test_contacts_are_created_edited_merged_and_deleted(client):
    """A contact that was merged or deleted is listed among the deleted; its tickets are the other's."""
    one, other = _steer(client, "create", {"kind": "contact", "count": 2})["ids"]
    _steer(client, "edit", {"kind": "contact", "id": one, "values": {"name": "New"}})
    assert client.get(f"/api/v2/contacts/{one}").json()["name"] == "New"
    key = int(cases(1)[0].subject)
    requester = client.get(f"/api/v2/tickets/{key}").json()["requester_id"]
    _steer(client, "merge", {"kind": "contact", "from": requester, "into": one})
    assert client.get(f"/api/v2/tickets/{key}").json()["requester_id"] == one
    _steer(client, "delete", {"kind": "contact", "id": other})
    gone = client.get("/api/v2/contacts", params={"state": "deleted"}).json()
    assert {row["id"] for row in gone} == {requester, other}


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"field": "status", "change": "set", "value": 99}, 99),
        ({"field": "status", "change": "drop"}, None),
        ({"field": "status", "change": "text"}, "5"),
        ({"field": "colour", "change": "set", "value": "red"}, "red"),
    ],
)
def test_fields_change_on_the_wire(client, change, shown):
    """A field of one ticket is set, dropped, retyped or new, in lists and alone."""
    key = int(cases(1)[0].subject)
    _steer(client, "wire", [{"kind": "ticket", "id": key, **change}])
    assert client.get(f"/api/v2/tickets/{key}").json().get(change["field"]) == shown
    listed = {row["id"]: row for row in _tickets(client, updated_since="2026-01-01T00:00:00Z").json()}
    assert listed[key].get(change["field"]) == shown
    assert listed[key + 1]["status"] == 5


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("do", [{"do": "dance", "ticket": 1_000_001}]),
        ("do", [{"do": "answer", "ticket": 9, "body": "?"}]),
        ("do", [{"do": "reply", "ticket": 1_000_001, "by": 9, "body": "?"}]),
        ("do", [{"do": "assign", "ticket": 1_000_001, "group": 9}]),
        ("do", [{"do": "open", "ticket": 1_000_001, "requester": 85_010_000_001}]),
        ("edit", {"id": 9}),
        ("merge", {"from": 9}),
        ("faults", [{"kind": "flood"}]),
    ],
)
def test_bad_steering_is_refused_and_changes_nothing(client, name, asked):
    """What cannot be done is answered with 400, and everything stays as it was."""
    everything = {"updated_since": "2026-01-01T00:00:00Z", "per_page": 100}
    before = _tickets(client, **everything).json()
    assert client.post(f"/_simulator/{name}", json=asked).status_code == 400
    assert _tickets(client, **everything).json() == before


def test_two_accounts_stay_apart():
    """Two seeds share no id of tickets, contacts, agents and groups."""
    ids = []
    for seed in (1, 2):
        with connected(seed=seed) as client:
            _steer(client, "create")
            paths = ("tickets", "contacts", "agents", "groups")
            ids.append({row["id"] for path in paths for row in client.get(f"/api/v2/{path}?per_page=100").json()})
    assert ids[0].isdisjoint(ids[1])


def test_it_is_steered_in_process_and_forgets():
    """`steer` does what the address of the same name does, and a reset forgets it."""
    app = create_app(1, tickets=1, labelled=False)
    made = app.steer("create", {"count": 3})["ids"]
    assert len(app.timeline.live.tickets) == 4
    app.reset()
    assert len(app.timeline.live.tickets) == 1
    assert app.steer("create", {"count": 3})["ids"] == made


def test_it_runs_as_a_process():
    """`python -m` says where it listens, and answers there."""
    command = [sys.executable, "-m", "tallystick_rest.simulators.freshdesk", "--seed", "3", "--now", NOW]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        origin = process.stdout.readline().removeprefix("listening on ").strip()
        try:
            assert httpx.get(f"{origin}{ME}", auth=("secret", "X")).status_code == 200
        finally:
            process.terminate()

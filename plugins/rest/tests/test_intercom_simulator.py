"""The simulator of Intercom over a socket: pages, ties, filters, errors, limits, and what its cases promise."""

from contextlib import contextmanager

import httpx
import pytest

from tallystick.testing.instants import instant
from tallystick_rest.simulators.intercom import NOW, cases, create_app, serve

END = instant(NOW)
EVERYTHING = {"field": "updated_at", "operator": ">", "value": 0}


@contextmanager
def connected(**options):
    """Serve a workspace and give a client with a token."""
    headers = {"Authorization": "Bearer secret", "Intercom-Version": "2.14"}
    with serve(**options) as origin, httpx.Client(base_url=origin, headers=headers, trust_env=False) as client:
        yield client


@pytest.fixture
def client():
    """A client of the workspace of seed 1."""
    with connected() as made:
        yield made


def _steer(client, name, asked=None):
    return client.post(f"/_simulator/{name}", json=asked or {}).raise_for_status().json()


def _search(client, query=EVERYTHING, *, path="conversations", size=20, after=None, order="ascending"):
    pagination = {"per_page": size, **({"starting_after": after} if after else {})}
    body = {"query": query, "sort": {"field": "updated_at", "order": order}, "pagination": pagination}
    return client.post(f"/{path}/search", json=body)


def _pages(client, query=EVERYTHING, size=20, order="ascending"):
    after = None
    while True:
        found = _search(client, query, size=size, after=after, order=order).raise_for_status().json()
        yield found
        after = found["pages"].get("next", {}).get("starting_after")
        if after is None:
            return


def _code(answer):
    return answer.status_code, answer.json()["errors"][0]["code"]


@pytest.mark.parametrize("size", [1, 7, 150])
def test_pages_of_any_size_give_every_conversation_once_and_in_order(client, size):
    """Whatever the size of a page, the search gives each conversation once, by `updated_at` and then by id."""
    pages = list(_pages(client, size=size))
    rows = [row for page in pages for row in page["conversations"]]
    keys = [(row["updated_at"], int(row["id"])) for row in rows]
    assert keys == sorted(set(keys))
    assert len(rows) == pages[0]["total_count"] == 30 + sum(not case.gone for case in cases(1))
    assert [page["pages"]["page"] for page in pages] == list(range(1, len(pages) + 1))
    assert pages[-1]["pages"]["total_pages"] == len(pages)


def test_ties_cross_a_page_edge(client):
    """Five conversations of one second over pages of two come once each, also from the newest down."""
    ids = _steer(client, "create", {"count": 5})["ids"]
    query = {"field": "updated_at", "operator": "=", "value": END}
    for order, wanted in (("ascending", ids), ("descending", ids[::-1])):
        rows = [row for page in _pages(client, query, 2, order) for row in page["conversations"]]
        assert [row["id"] for row in rows] == wanted
        assert {row["updated_at"] for row in rows} == {END}


@pytest.mark.parametrize(("inclusive", "found"), [(False, 0), (True, 1)])
def test_greater_than_may_mean_greater_or_equal(inclusive, found):
    """The documentation says both; the simulator can do either."""
    with connected(conversations=0, inclusive=inclusive) as client:
        _steer(client, "create")
        query = {"field": "updated_at", "operator": ">", "value": END}
        assert _search(client, query).json()["total_count"] == found


@pytest.mark.parametrize(
    ("how", "value", "means"),
    [
        ("=", "closed", lambda state: state == "closed"),
        ("!=", "closed", lambda state: state != "closed"),
        ("IN", ["open", "snoozed"], lambda state: state in {"open", "snoozed"}),
        ("NIN", ["open", "snoozed"], lambda state: state == "closed"),
        ("~", "los", lambda state: "los" in state),
        ("!~", "los", lambda state: "los" not in state),
        ("^", "sno", lambda state: state.startswith("sno")),
        ("$", "en", lambda state: state.endswith("en")),
    ],
)
def test_operators_mean_what_they_say(client, how, value, means):
    """Every operator on a text finds the conversations it is for, and no other."""
    everything = [row for page in _pages(client) for row in page["conversations"]]
    query = {"field": "state", "operator": how, "value": value}
    rows = [row for page in _pages(client, query) for row in page["conversations"]]
    assert [row["id"] for row in rows] == [row["id"] for row in everything if means(row["state"])]
    assert rows


def test_groups_nest(client):
    """AND within OR finds what either branch means, down to the state of the AI agent."""
    wanted = {"field": "ai_agent.resolution_state", "operator": "=", "value": "confirmed_resolution"}
    closed = {"operator": "AND", "value": [wanted, {"field": "open", "operator": "=", "value": False}]}
    low = {"field": "ai_agent.rating", "operator": "<", "value": 2}
    rows = _search(client, {"operator": "OR", "value": [closed, low]}).json()["conversations"]
    names = {case.subject: case.name for case in cases(1)}
    assert {names[row["id"]] for row in rows} == {"confirmed", "redacted", "low_rating"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (None, "parameter_invalid"),
        ({"field": "no_such", "operator": "=", "value": 1}, "invalid_field"),
        ({"field": "state", "operator": ">=", "value": "open"}, "invalid_operator"),
        ({"field": "state", "operator": ">", "value": "open"}, "parameter_invalid"),
        ({"field": "updated_at", "operator": ">", "value": "yesterday"}, "parameter_invalid"),
        ({"operator": "AND", "value": [EVERYTHING] * 16}, "parameter_invalid"),
        ({"operator": "AND", "value": []}, "parameter_invalid"),
    ],
)
def test_bad_queries_are_refused(client, query, code):
    """An unknown field or operator, a wrong type and a group of sixteen give 400 with a code."""
    assert _code(_search(client, query)) == (400, code)


def test_groups_nest_twice_and_no_deeper(client):
    """A group in a group in a group is accepted, one more is not."""
    query, answers = EVERYTHING, []
    for _ in range(4):
        query = {"operator": "AND", "value": [query]}
        answers.append(_search(client, query).status_code)
    assert answers == [200, 200, 200, 400]


def test_sizes_and_cursors_out_of_bounds_are_refused(client):
    """A page of 151 or of none, a cursor that is none, a body that is none: all 400."""
    for size in (0, 151, "many"):
        assert _code(_search(client, size=size)) == (400, "parameter_invalid")
    assert _code(_search(client, after="????")) == (400, "parameter_invalid")
    assert _code(client.post("/conversations/search", content=b"{")) == (400, "parameter_invalid")
    assert _code(client.get("/conversations", params={"per_page": 151})) == (400, "parameter_invalid")


def test_the_search_of_contacts_knows_days_only(client):
    """`>` an instant of a day finds contacts of the next day on; the instants in the answer stay exact."""
    rows = _search(client, path="contacts", size=150).json()["data"]
    at = rows[3]["updated_at"]
    query = {"field": "updated_at", "operator": ">", "value": at}
    found = _search(client, query, path="contacts", size=150).json()["data"]
    assert [row["id"] for row in found] == [row["id"] for row in rows if row["updated_at"] // 86400 > at // 86400]


def test_one_conversation_has_its_parts(client):
    """A conversation by id has parts, authors and statistics; a list of conversations has no parts."""
    key = next(case.subject for case in cases(1) if case.name == "handed_off_by_assignment")
    found = client.get(f"/conversations/{key}").json()
    parts = found["conversation_parts"]["conversation_parts"]
    assert [(part["part_type"], part["author"]["type"]) for part in parts] == [
        ("comment", "bot"),
        ("comment", "user"),
        ("assignment", "bot"),
        ("assignment", "bot"),
        ("comment", "admin"),
        ("close", "admin"),
    ]
    assert [part["assigned_to"] for part in parts[2:4]] == [
        {"type": "team", "id": "5000010"},
        {"type": "admin", "id": "800011"},
    ]
    assert parts[0]["author"]["from_ai_agent"]
    assert (found["admin_assignee_id"], found["team_assignee_id"], found["state"]) == (800011, "5000010", "closed")
    assert found["ai_agent"]["resolution_state"] == "escalated"
    assert found["statistics"]["count_assignments"] == 2
    assert "conversation_parts" not in _search(client).json()["conversations"][0]
    plain = client.get(f"/conversations/{key}", params={"display_as": "plaintext"}).json()
    assert plain["source"]["body"] == "I cannot sign in."


def test_of_more_than_500_parts_the_newest_come(client):
    """A conversation of 510 parts is given with its newest 500 and the count of all."""
    key = _steer(client, "create")["ids"][0]
    notes = [{"do": "note", "conversation": key, "by": "800010", "body": str(number)} for number in range(510)]
    _steer(client, "do", notes)
    parts = client.get(f"/conversations/{key}").json()["conversation_parts"]
    assert parts["total_count"] == 510
    assert [part["body"] for part in parts["conversation_parts"][::499]] == ["<p>10</p>", "<p>509</p>"]


def test_lists_and_people(client):
    """Conversations, contacts, admins, teams and the admin of the token are listed."""
    assert client.get("/conversations", params={"per_page": 3}).json()["pages"]["next"]["page"] == 2
    assert client.get("/contacts").json()["data"][0]["type"] == "contact"
    assert [row["id"] for row in client.get("/admins").json()["admins"]] == ["800010", "800011", "800012"]
    assert client.get("/admins/800011").json()["name"] == "Ben Costa"
    assert [row["name"] for row in client.get("/teams").json()["teams"]] == ["Support", "Billing"]
    assert client.get("/teams/5000011").json()["admin_ids"] == [800012]
    assert client.get("/me").json()["app"]["id_code"] == "nordwind1"


def test_what_is_not_there_is_404(client):
    """An unknown conversation, contact, path or method gives 404 in an error list with the number of the answer."""
    for path in ("/conversations/1", "/contacts/1", "/nothing", "/conversations/1/2", "/admins/1", "/teams/1"):
        answer = client.get(path)
        assert _code(answer) == (404, "not_found")
        assert answer.json()["request_id"] == answer.headers["X-Request-Id"]
    assert client.delete("/conversations/1").status_code == 404


def test_versions_and_tokens(client):
    """An unknown version is 400; no token, a wrong one and another scheme are 401, and told no limits."""
    answer = client.get("/me", headers={"Intercom-Version": "9.9"})
    assert _code(answer) == (400, "intercom_version_invalid")
    for text in ("", "Bearer wrong", "Basic c2VjcmV0"):
        answer = client.get("/me", headers={"Authorization": text})
        assert _code(answer) == (401, "unauthorized")
        assert "X-RateLimit-Limit" not in answer.headers


def test_cases_are_as_they_say(client):
    """What a case says of people, returns and its end is what the parts and the AI agent of its conversation show."""
    for case in cases(1):
        answer = client.get(f"/conversations/{case.subject}")
        assert (answer.status_code == 404) == case.gone, case.name
        if case.gone:
            continue
        row = answer.json()
        parts = row["conversation_parts"]["conversation_parts"]
        public = [part for part in parts if part["body"] is not None and part["part_type"] != "note"]
        assert any(part["author"]["type"] == "admin" for part in public) == case.human_replied, case.name
        assert any(part["part_type"] == "open" for part in parts) == case.came_back, case.name
        assert (row["state"] == "closed") == (case.resolved_by is not None), case.name
        if case.resolution:
            assert row["ai_agent"]["resolution_state"].startswith(case.resolution), case.name


def test_the_same_seed_gives_the_same_bytes():
    """Two simulators of one seed answer byte for byte alike, of another seed not."""
    bodies = []
    for seed in (7, 7, 8):
        with connected(seed=seed) as client:
            bodies.append(_search(client, size=150).content)
    assert bodies[0] == bodies[1] != bodies[2]
    assert cases(7) == cases(7)


def test_the_app_can_be_built_without_a_socket():
    """`create_app` gives the application; a bad instant is refused."""
    assert create_app(1, now="2026-08-04T00:00:00Z").now == instant("2026-08-04T00:00:00Z")
    with pytest.raises(ValueError, match="offset"):
        create_app(1, now="2026-08-04T00:00:00")


def test_the_clock_decides_what_has_happened(client):
    """Set back, what was later has not happened; set forward, it has again."""
    whole = _search(client, size=150).content
    _steer(client, "clock", {"to": "2026-08-03T00:00:00Z"})
    assert _search(client).json()["total_count"] == 0
    _steer(client, "clock", {"to": NOW})
    assert _search(client, size=150).content == whole

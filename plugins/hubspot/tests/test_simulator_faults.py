"""What goes wrong at the simulator when it is told to."""

import httpx
import pytest

from tallystick_hubspot.simulator import serve
from tallystick_hubspot.simulator.instants import iso
from tallystick_hubspot.simulator.sample import END

TICKETS = "/crm/objects/2026-09/tickets"
SEARCH = f"{TICKETS}/search"
MESSAGES = "/conversations/conversations/2026-09/threads/700003/messages"


@pytest.fixture
def client():
    """A client of the sample account when all of it has happened."""
    headers = {"Authorization": "Bearer pat-eu1-sample"}
    with serve(now=iso(END)) as origin, httpx.Client(base_url=origin, headers=headers, trust_env=False) as made:
        yield made


def _fault(client, **line):
    client.post("/_simulator/faults", json=[line]).raise_for_status()


@pytest.mark.parametrize(
    ("kind", "status", "category"),
    [
        ("400", 400, "VALIDATION_ERROR"),
        ("401", 401, "INVALID_AUTHENTICATION"),
        ("expired", 401, "EXPIRED_AUTHENTICATION"),
        ("403", 403, "MISSING_SCOPES"),
        ("404", 404, "OBJECT_NOT_FOUND"),
        ("409", 409, "CONFLICT"),
        ("423", 423, "LOCKED"),
        ("500", 500, "INTERNAL_ERROR"),
    ],
)
def test_hubspot_writes_its_errors_as_json(client, kind, status, category):
    """The second call goes wrong as told, with a body in HubSpot's form, and the third is good again."""
    _fault(client, kind=kind, path=TICKETS, after=1)
    answers = [client.get(TICKETS) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, status, 200]
    body = answers[1].json()
    assert (body["status"], body["category"]) == ("error", category)
    assert body["correlationId"] == answers[1].headers["X-HubSpot-Correlation-Id"]


@pytest.mark.parametrize("kind", ["414", "502", "503", "504", "521", "522", "523", "524", "525", "526", "530"])
def test_the_edge_writes_no_json(client, kind):
    """What does not reach HubSpot is answered with a text or a page."""
    _fault(client, kind=kind)
    answer = client.get(TICKETS)
    assert answer.status_code == int(kind)
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()
    assert "X-HubSpot-Correlation-Id" in answer.headers


@pytest.mark.parametrize("policy", ["TEN_SECONDLY_ROLLING", "SECONDLY", "DAILY"])
@pytest.mark.parametrize("wait", ["7", None])
def test_a_spent_limit_names_its_policy(client, policy, wait):
    """Each policy can be spent, with a time to wait and without."""
    _fault(client, kind="429", path=SEARCH, policy=policy, retry_after=wait)
    answer = client.post(SEARCH, json={})
    assert (answer.status_code, answer.json()["policyName"]) == (429, policy)
    assert answer.headers.get("Retry-After") == wait


def test_an_account_that_is_moved_says_for_how_long(client):
    """477 comes with a wait of up to a day."""
    _fault(client, kind="477", retry_after="86400")
    answer = client.get(TICKETS)
    assert (answer.status_code, answer.headers["Retry-After"]) == (477, "86400")


def test_a_missing_scope_can_be_any(client):
    """The scopes of the fault are named."""
    _fault(client, kind="403", scopes=["conversations.read"])
    answer = client.get(MESSAGES).json()
    assert answer["errors"][0]["context"] == {"requiredGranularScopes": ["conversations.read"]}


def test_a_token_expires_in_the_middle_of_paging(client):
    """First pages are served, further ones are refused, in the address and in the body of a search alike."""
    _fault(client, kind="expired_paging", times=2)
    link = client.get(TICKETS).json()["paging"]["next"]["link"]
    assert client.get(link).json()["category"] == "EXPIRED_AUTHENTICATION"
    assert client.post(SEARCH, json={}).status_code == 200
    assert client.post(SEARCH, json={"after": "10"}).status_code == 401
    assert client.post(SEARCH, json={"after": "10"}).status_code == 200
    assert client.post(SEARCH, content=b"[").status_code == 400


def test_links_may_lead_to_another_host(client):
    """The answer is good but for its link."""
    _fault(client, kind="foreign_host")
    page = client.get(TICKETS).json()
    assert page["paging"]["next"]["link"].startswith("http://127.0.0.2:9/")
    assert len(page["results"]) == 10


def test_values_of_enumerations_may_be_unknown(client):
    """Entries of a kind that nobody knows, an outcome that is no option, and the rest as ever."""
    good = client.get(MESSAGES).json()
    _fault(client, kind="unknown_enum", times=2)
    entries = client.get(MESSAGES).json()["results"]
    assert {one["type"] for one in entries} == {"NEW_KIND_OF_THING"}
    assert [one["createdAt"] for one in entries] == [one["createdAt"] for one in good["results"]]
    meeting = client.get("/crm/v3/objects/meetings/500001?properties=hs_meeting_outcome,hs_object_id").json()
    assert meeting["properties"] == {"hs_meeting_outcome": "NEW_KIND_OF_THING", "hs_object_id": "500001"}


def test_the_status_of_a_batch_stays_known(client):
    """A batch is complete whatever is wrong with its rows."""
    _fault(client, kind="unknown_enum")
    answer = client.post(f"{TICKETS}/batch/read", json={"inputs": [{"id": "400001"}], "properties": ["source_type"]})
    assert answer.json()["status"] == "COMPLETE"
    assert answer.json()["results"][0]["properties"] == {"source_type": "NEW_KIND_OF_THING"}


def test_a_list_of_threads_may_take_no_notice_of_the_ticket(client):
    """As with any unknown parameter, the answer is then a good one with the threads of everybody."""
    path = MESSAGES.removesuffix("/700003/messages")
    _fault(client, kind="all_threads")
    rows = [client.get(path, params={"associatedTicketId": "400001"}).json()["results"] for _ in range(2)]
    assert [[row["id"] for row in page] for page in rows] == [["700001", "700002", "700003"], ["700001", "700002"]]


def test_fields_may_be_new(client):
    """Every object of an answer has a field that nobody knows; properties are not objects of the API."""
    good = client.get(TICKETS).json()
    _fault(client, kind="new_field")
    page = client.get(TICKETS).json()
    assert page["novelty"] == page["results"][0]["novelty"] == page["paging"]["next"]["novelty"]
    assert [row["properties"] for row in page["results"]] == [row["properties"] for row in good["results"]]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("truncated", httpx.RemoteProtocolError), ("reset", httpx.ReadError), ("redirect", 302), ("200_html", 200)],
)
def test_the_faults_of_every_simulator_are_there_too(client, kind, expected):
    """Cut bodies, reset connections, redirects and pages of HTML come from the common shell."""
    _fault(client, kind=kind, path=TICKETS)
    if isinstance(expected, int):
        assert client.get(TICKETS).status_code == expected
    else:
        with pytest.raises(expected):
            client.get(TICKETS)
    assert client.get(TICKETS).json()["results"]


def test_an_unknown_fault_is_refused(client):
    """A kind or a key that does not exist gives 400, and the plan in force stays."""
    for line in ({"kind": "418"}, {"kind": "429", "polcy": "DAILY"}):
        assert client.post("/_simulator/faults", json=[line]).status_code == 400
    assert client.get("/_simulator/faults").json() == []

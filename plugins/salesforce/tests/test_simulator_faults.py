"""What can be made to go wrong, one kind after the other, and what a reset brings back."""

import httpx
import pytest

from tallystick.testing.instants import iso
from tallystick.testing.serving import running
from tallystick_salesforce.simulator import Paging, create_app
from tallystick_salesforce.simulator.faults import KINDS
from tallystick_salesforce.simulator.sample import END

DATA = "/services/data/v68.0"
TOKEN = "/services/oauth2/token"
CREDENTIALS = {"grant_type": "client_credentials", "client_id": "reader", "client_secret": "s"}
CASES = {"q": "SELECT Id, Priority FROM Case"}


@pytest.fixture(scope="module")
def origin():
    """Where the sample org is served, with pages of five rows."""
    app = create_app(now=iso(END), paging=Paging(page=5, polls=0))
    with running(app) as where:
        yield where


@pytest.fixture
def http(origin):
    """A signed-in client; the simulator is reset afterwards."""
    with httpx.Client(base_url=origin, trust_env=False) as client:
        client.post("/_simulator/reset").raise_for_status()
        token = client.post(TOKEN, data=CREDENTIALS).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


@pytest.fixture
def fault(http):
    """Set a fault plan of one line."""

    def load(kind, **more):
        http.post("/_simulator/faults", json=[{"kind": kind, **more}]).raise_for_status()

    return load


def _codes(response):
    return response.status_code, response.json()[0]["errorCode"]


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("400", 400, "UNKNOWN_EXCEPTION"),
        ("401", 401, "INVALID_SESSION_ID"),
        ("403_quota", 403, "REQUEST_LIMIT_EXCEEDED"),
        ("403_concurrent", 403, "REQUEST_LIMIT_EXCEEDED"),
        ("403_access", 403, "INSUFFICIENT_ACCESS"),
        ("404", 404, "NOT_FOUND"),
        ("429", 429, "REQUEST_LIMIT_EXCEEDED"),
        ("500", 500, "UNKNOWN_EXCEPTION"),
        ("503", 503, "SERVER_UNAVAILABLE"),
        ("query_timeout", 400, "QUERY_TIMEOUT"),
    ],
)
def test_a_refusal_is_an_array_and_passes(http, fault, kind, status, code):
    """The call fails once with status and code, has no Retry-After but the usage, and then it is answered."""
    fault(kind)
    refused = http.get(f"{DATA}/query", params=CASES)
    assert _codes(refused) == (status, code)
    assert "Sforce-Limit-Info" in refused.headers
    assert "Retry-After" not in refused.headers
    assert http.get(f"{DATA}/query", params=CASES).status_code == 200


def test_quota_and_concurrency_differ_in_their_text_only(http, fault):
    """The same status and code, and two texts."""
    texts = []
    for kind in ("403_quota", "403_concurrent"):
        fault(kind)
        texts.append(http.get(f"{DATA}/limits").json()[0]["message"])
    assert texts[0].startswith("TotalRequests")
    assert texts[1].startswith("ConcurrentRequests")


@pytest.mark.parametrize("kind", ["200_html", "401_html", "500_html", "502_html", "503_html"])
def test_gateways_answer_with_html(http, fault, kind):
    """A gateway's page is HTML, also with status 200, and still tells the usage."""
    fault(kind)
    answer = http.get(f"{DATA}/limits")
    assert answer.status_code == int(kind[:3])
    assert answer.headers["content-type"].startswith("text/html")
    assert "Sforce-Limit-Info" in answer.headers


def test_odd_refusals(http, fault):
    """A 401 can be an object, and a 420 have no body."""
    fault("401_object")
    assert http.get(f"{DATA}/limits").json() == {"error": "invalid_session"}
    fault("420")
    answer = http.get(f"{DATA}/limits")
    assert (answer.status_code, answer.content) == (420, b"")


def test_a_redirect_leads_to_another_host(http, fault):
    """A redirect leads where nobody is."""
    fault("redirect")
    answer = http.get(f"{DATA}/limits")
    assert answer.status_code == 302
    assert not answer.headers["Location"].startswith(str(http.base_url))


@pytest.mark.parametrize("kind", ["truncated", "reset"])
def test_a_connection_breaks(http, fault, kind):
    """A body that ends in the middle, and a connection that is reset, are errors of transport."""
    fault(kind)
    with pytest.raises(httpx.TransportError):
        http.get(f"{DATA}/query", params=CASES)
    assert http.get(f"{DATA}/query", params=CASES).status_code == 200


def test_a_clock_is_wrong(http, fault):
    """The date of an answer can differ from the virtual clock."""
    right = http.get(f"{DATA}/limits").headers["Date"]
    fault("clock_skew", seconds=86_400)
    assert http.get(f"{DATA}/limits").headers["Date"] != right


def test_a_slow_answer_is_a_good_one(http, fault):
    """A slow answer arrives whole."""
    fault("slow", seconds=0.01)
    assert http.get(f"{DATA}/limits").status_code == 200


def test_a_locator_expires_between_pages(http, fault):
    """The first page is passed over, the second is refused."""
    fault("expired_locator", only="locator")
    page = http.get(f"{DATA}/query", params=CASES).json()
    assert _codes(http.get(page["nextRecordsUrl"])) == (400, "INVALID_QUERY_LOCATOR")
    assert http.get(page["nextRecordsUrl"]).status_code == 200


def test_a_page_can_be_short_though_more_follow(http, fault):
    """A short page is followed by the rest, and no row is lost."""
    fault("short_page")
    pages = [http.get(f"{DATA}/query", params=CASES).json()]
    while not pages[-1]["done"]:
        pages.append(http.get(pages[-1]["nextRecordsUrl"]).json())
    assert len(pages[0]["records"]) == 3
    ids = [row["Id"] for page in pages for row in page["records"]]
    assert len(ids) == len(set(ids)) == pages[0]["totalSize"]


def test_a_job_fails(http, fault):
    """A job can fail while it is polled, and says so with a message."""
    job = http.post(f"{DATA}/jobs/query", json={"operation": "query", "query": "SELECT Id FROM Case"}).json()["id"]
    fault("job_failed", only="job")
    told = http.get(f"{DATA}/jobs/query/{job}").json()
    assert told["state"] == "Failed"
    assert "error" in told["errorMessage"]


def test_a_field_is_lost_and_stays_lost(http, fault):
    """After the fault the field is in no query and no description, until the reset."""
    fault("lost_field", field="Case.Priority")
    assert _codes(http.get(f"{DATA}/query", params=CASES)) == (400, "INVALID_FIELD")
    fields = http.get(f"{DATA}/sobjects/Case/describe").json()["fields"]
    assert "Priority" not in {field["name"] for field in fields}
    http.post("/_simulator/reset").raise_for_status()
    token = http.post(TOKEN, data=CREDENTIALS).json()["access_token"]
    answer = http.get(f"{DATA}/query", params=CASES, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200


def test_an_object_is_lost_in_the_middle_of_paging(http, fault):
    """A further page still comes, as the cursor is open; a new query is refused."""
    page = http.get(f"{DATA}/query", params=CASES).json()
    fault("lost_field", field="Case")
    assert http.get(page["nextRecordsUrl"]).status_code == 200
    assert _codes(http.get(f"{DATA}/query", params=CASES)) == (400, "INVALID_TYPE")


def test_a_field_is_new(http, fault):
    """After the fault there is a field more, null everywhere; steering does the same."""
    fault("new_field", field="Case.New__c")
    rows = http.get(f"{DATA}/query", params={"q": "SELECT New__c FROM Case"}).json()["records"]
    assert {row["New__c"] for row in rows} == {None}
    http.post("/_simulator/fields", json={"gain": {"Lead.Score__c": "double"}, "lose": ["Lead.Rating"]})
    names = {field["name"] for field in http.get(f"{DATA}/sobjects/Lead/describe").json()["fields"]}
    assert "Score__c" in names
    assert "Rating" not in names


def test_a_token_can_name_a_foreign_instance(http, fault):
    """The origin in a token answer can be that of a stranger."""
    fault("foreign_instance", path=TOKEN)
    assert http.post(TOKEN, data=CREDENTIALS).json()["instance_url"] != str(http.base_url).rstrip("/")


def test_a_reset_forgets_tokens_and_usage(http):
    """After a reset old tokens are refused, and nothing is used."""
    http.get(f"{DATA}/limits")
    http.post("/_simulator/reset").raise_for_status()
    assert http.get("/_simulator/stats").json()["used"] == 0
    assert http.get(f"{DATA}/limits").status_code == 401


def test_unknown_kinds_are_refused(http):
    """A plan with a kind that is not there is refused, and names the kinds."""
    answer = http.post("/_simulator/faults", json=[{"kind": "flood"}])
    assert answer.status_code == 400
    assert all(kind in answer.text for kind in KINDS)

"""The real client against the simulator, over a real socket: sign-in, paging, descriptions, deletions, Bulk, errors."""

import csv
import io
from datetime import UTC, datetime
from urllib.parse import urlsplit

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)
from simple_salesforce.login import SalesforceLogin

from tallystick.testing.serving import running
from tallystick_salesforce.simulator import Paging, create_app
from tallystick_salesforce.simulator.sample import END, START

DAY = 86_400
READER = "tally.reader@nordwind.example"


class Mapped(requests.Session):
    """A session that goes to the simulator whatever host the client writes, and keeps the last answer."""

    def __init__(self, origin):
        super().__init__()
        self.trust_env = False
        self._origin = origin

    def request(self, method, url, **options):
        """Send a request to the simulator."""
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query else ""
        options.setdefault("timeout", 10)
        self.last = super().request(method, f"{self._origin}{parts.path}{query}", allow_redirects=False, **options)
        return self.last


@pytest.fixture(scope="module")
def keys():
    """A private key in PEM and its public half."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


@pytest.fixture(scope="module")
def app(keys):
    """The sample org when all of it has happened, with pages of seven rows."""
    moment = datetime.fromtimestamp(END, UTC).isoformat()
    return create_app(now=moment, public_key=keys[1], paging=Paging(page=7, result=5))


@pytest.fixture(scope="module")
def origin(app):
    """Where it is served."""
    with running(app) as where:
        yield where


@pytest.fixture
def steer(origin):
    """Set the fault plan; it is cleared afterwards."""

    def load(*faults):
        requests.post(f"{origin}/_simulator/faults", json=list(faults), timeout=5).raise_for_status()

    yield load
    load()


@pytest.fixture
def session(origin):
    """A session for the client."""
    with Mapped(origin) as made:
        yield made


@pytest.fixture
def salesforce(session):
    """The client with a ready-made token, as a look-up builds it."""
    token, host = SalesforceLogin(session=session, consumer_key="reader", consumer_secret="s", domain="nordwind.my")
    return Salesforce(session_id=token, instance_url=f"https://{host}", version="68.0", session=session)


def test_client_credentials_sign_in_at_the_own_origin(origin, session):
    """The client takes the token, and the origin it is told is the simulator's own."""
    token, host = SalesforceLogin(session=session, consumer_key="reader", consumer_secret="s", domain="nordwind.my")
    assert token.startswith("00D")
    assert f"http://{host}" == origin == session.last.json()["instance_url"]


@pytest.mark.parametrize(
    ("key", "secret", "error"), [("wrong", "s", "invalid_client_id"), ("reader", "wrong", "invalid_client")]
)
def test_a_wrong_consumer_is_refused_with_an_object(session, key, secret, error):
    """A wrong key or secret is HTTP 400 with an object, not an array."""
    with pytest.raises(SalesforceAuthenticationFailed) as caught:
        SalesforceLogin(session=session, consumer_key=key, consumer_secret=secret, domain="nordwind.my")
    assert (caught.value.code, session.last.status_code) == (error, 400)
    assert set(session.last.json()) == {"error", "error_description"}


def test_a_signed_assertion_signs_in_as_its_subject(origin, session, keys):
    """A JWT signed with the right key gives a token of the user it names."""
    token, _ = SalesforceLogin(session=session, consumer_key="reader", username=READER, privatekey=keys[0])
    told = requests.get(
        f"{origin}/services/oauth2/userinfo", headers={"Authorization": f"Bearer {token}"}, timeout=5
    ).json()
    assert told["preferred_username"] == READER


def test_an_assertion_signed_with_another_key_is_refused(session):
    """A JWT of a stranger gives no token."""
    stranger = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    pem = stranger.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(SalesforceAuthenticationFailed) as caught:
        SalesforceLogin(session=session, consumer_key="reader", username=READER, privatekey=pem.decode())
    assert caught.value.code == "invalid_grant"


def test_an_assertion_for_somebody_unknown_is_refused(session, keys):
    """A JWT for a user who is not in the org is refused with the words that the client warns about."""
    with (
        pytest.warns(UserWarning, match="authorize"),
        pytest.raises(SalesforceAuthenticationFailed, match="approved"),
    ):
        SalesforceLogin(session=session, consumer_key="reader", username="no@body.example", privatekey=keys[0])


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"exp": 1_000_000_000}, "assertion has expired"),
        ({"aud": "https://login.salesforce.evil"}, "audience is invalid"),
        ({"iss": "wrong"}, "client identifier invalid"),
        ({"sub": None}, "invalid assertion"),
    ],
)
def test_an_assertion_that_says_something_wrong_is_refused(origin, keys, claims, error):
    """A token too old, for somebody else or of nobody is refused though it is signed with the right key."""
    good = {"iss": "reader", "sub": READER, "aud": "https://login.salesforce.com", "exp": 4_000_000_000}
    assertion = jwt.encode({**good, **claims}, keys[0], algorithm="RS256")
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
    answer = requests.post(f"{origin}/services/oauth2/token", data=form, timeout=5)
    assert (answer.status_code, answer.json()["error_description"]) == (400, error)


def test_query_all_walks_all_pages(app, salesforce, session):
    """Seven rows a page come together to all living cases, each once, and the usage is told on the way."""
    found = salesforce.query_all("SELECT Id, Owner.Name FROM Case ORDER BY SystemModstamp, Id")
    rows = app.world.org.rows["Case"].values()
    assert [row["Id"] for row in found["records"]] == [
        row["Id"] for row in sorted(rows, key=lambda row: (row["SystemModstamp"], row["Id"])) if not row["IsDeleted"]
    ]
    assert (found["totalSize"], found["done"]) == (len(found["records"]), True)
    assert salesforce.api_usage["api-usage"].total == 100_000
    assert session.last.headers["Sforce-Limit-Info"].startswith("api-usage=")


def test_query_all_iter_gives_deleted_rows_when_asked(app, salesforce):
    """`queryAll` gives what is in the recycle bin and what is archived too."""
    text = "SELECT Id, IsDeleted, IsArchived FROM Event"
    living = list(salesforce.query_all_iter(text))
    every = list(salesforce.query_all_iter(text, include_deleted=True))
    rows = app.world.org.rows["Event"].values()
    assert {row["Id"] for row in every} == {row["Id"] for row in rows}
    assert len(every) - len(living) == sum(row["IsDeleted"] or row["IsArchived"] for row in rows)
    assert app.world.id("old meeting") in {row["Id"] for row in every if row["IsArchived"]}


def test_describe_tells_custom_fields(salesforce):
    """The client reads the description of an object, and of the whole org."""
    fields = {field["name"]: field for field in salesforce.Event.describe()["fields"]}
    assert fields["Meeting_Accepted__c"]["custom"]
    assert [value["value"] for value in fields["Meeting_Outcome__c"]["picklistValues"]] == [
        "Held",
        "No Show",
        "Cancelled",
    ]
    names = {one["name"] for one in salesforce.describe()["sobjects"]}
    assert {"Case", "VideoCall", "Talkly__Call__c"} <= names


def test_deleted_and_updated_give_the_ids_of_a_window(app, salesforce):
    """Deletions of a window are listed, what vanished at once is not; changes are listed too."""
    start, end = (datetime.fromtimestamp(at, UTC) for at in (END - 15 * DAY, END))
    gone = {row["id"] for row in salesforce.Event.deleted(start, end)["deletedRecords"]}
    copies = {row["Id"] for row in app.world.org.rows["Event"].values() if row["IsDeleted"]}
    assert gone == copies
    assert {app.world.id("meeting19"), app.world.id("meeting4")} <= gone
    assert salesforce.Lead.deleted(start, end)["deletedRecords"] == []
    assert app.world.id("deal0") in salesforce.Opportunity.updated(start, end)["ids"]


def test_a_record_is_read_by_its_id(app, salesforce):
    """The client reads one record by 18 or 15 characters; instants have +0000 and numbers are floats."""
    case = app.world.id("case1")
    row = salesforce.Case.get(case)
    assert row["CreatedDate"].endswith(".000+0000")
    assert salesforce.Case.get(case[:15])["Id"] == case
    deal = salesforce.Opportunity.get(app.world.id("deal1"))
    assert (deal["Amount"], type(deal["Amount"])) == (2000.0, float)


@pytest.mark.parametrize("key", ["case17", "case18", "case9"])
def test_a_record_that_is_gone_is_not_found(app, salesforce, key):
    """A deleted, a vanished and a merged record are all 404; the code tells those in the recycle bin."""
    with pytest.raises(SalesforceResourceNotFound) as caught:
        salesforce.Case.get(app.world.id(key))
    expected = "NOT_FOUND" if key == "case18" else "ENTITY_IS_DELETED"
    assert caught.value.content[0]["errorCode"] == expected


def test_a_bulk_query_gives_all_rows_as_text(app, salesforce):
    """A Bulk job is made, polled and read in several results of five rows; instants end in Z."""
    results = list(salesforce.bulk2.Case.query("SELECT Id, CreatedDate, IsClosed, Owner.Name FROM Case", wait=0.01))
    rows = [row for result in results for row in csv.DictReader(io.StringIO(result))]
    living = {row["Id"] for row in app.world.org.rows["Case"].values() if not row["IsDeleted"]}
    assert (len(results), {row["Id"] for row in rows}) == (-(-len(living) // 5), living)
    assert {row["CreatedDate"][-5:] for row in rows} == {".000Z"}
    assert {row["IsClosed"] for row in rows} == {"true", "false"}


def test_errors_of_a_statement_are_those_of_the_client(salesforce):
    """A misspelt field and an unknown object are malformed requests with their codes."""
    for text, code in (("SELECT Idd FROM Case", "INVALID_FIELD"), ("SELECT Id FROM Cas", "INVALID_TYPE")):
        with pytest.raises(SalesforceMalformedRequest) as caught:
            salesforce.query(text)
        assert caught.value.content[0]["errorCode"] == code


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("401", SalesforceExpiredSession),
        ("403_quota", SalesforceRefusedRequest),
        ("403_concurrent", SalesforceRefusedRequest),
        ("503", SalesforceGeneralError),
        ("502_html", SalesforceGeneralError),
        ("420", SalesforceGeneralError),
    ],
)
def test_faults_are_errors_of_the_client(salesforce, steer, kind, error):
    """Each refusal comes out of the client as the error the reference names."""
    steer({"path": "*", "kind": kind})
    with pytest.raises(error):
        salesforce.query("SELECT Id FROM Case")


def test_a_token_that_is_refused_in_the_middle_of_paging(salesforce, steer):
    """The second page can be refused though the first was not."""
    steer({"path": "*", "kind": "401", "only": "locator"})
    with pytest.raises(SalesforceExpiredSession):
        list(salesforce.query_all_iter("SELECT Id FROM Case"))


def test_the_sample_lies_in_march():
    """The sample ends after it begins, within the days that deletions reach back."""
    assert START < END <= START + 30 * DAY

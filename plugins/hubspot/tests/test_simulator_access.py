"""Tokens, scopes and limits of the simulator."""

from contextlib import ExitStack

import httpx
import pytest

from tallystick_hubspot.simulator import Limits, serve
from tallystick_hubspot.simulator.errors import WireError
from tallystick_hubspot.simulator.instants import iso
from tallystick_hubspot.simulator.limits import Meter
from tallystick_hubspot.simulator.sample import END

TOKEN = "pat-eu1-sample"
DEALS = "/crm/v3/objects/deals"
SEARCH = "/crm/v3/objects/tickets/search"
LINKS = "/crm/v4/associations/deals/contacts/batch/read"
GRANT = {"grant_type": "refresh_token", "client_id": "us", "client_secret": "secret", "refresh_token": "refresh"}


@pytest.fixture
def connect():
    """Serve the sample account when all of it has happened and give a client with a static token."""
    with ExitStack() as opened:

        def make(**options):
            origin = opened.enter_context(serve(now=iso(END), **options))
            headers = {"Authorization": f"Bearer {TOKEN}"}
            return opened.enter_context(httpx.Client(base_url=origin, headers=headers, trust_env=False))

        yield make


@pytest.fixture
def meter():
    """A meter on a clock of its own: `clock[0]` is in seconds, `clock[1]` the end of the day."""

    def make(**limits):
        clock = [0.0, 1]
        return Meter(Limits(**limits), lambda: clock[0], lambda: clock[1]), clock

    return make


def _refused(meter, place=("objects", "deals")):
    try:
        meter.charge(place, oauth=False)
    except WireError as error:
        return error
    return None


def _mint(client, path="/oauth/2026-09/token", **changed):
    return client.post(path, data={**GRANT, **changed})


@pytest.mark.parametrize(
    ("header", "status", "category"),
    [
        (None, 401, "INVALID_AUTHENTICATION"),
        ("Basic pat-eu1-sample", 401, "INVALID_AUTHENTICATION"),
        ("Bearer wrong-token", 401, "INVALID_AUTHENTICATION"),
        ("Bearer CMinted.0000", 401, "INVALID_AUTHENTICATION"),
        ("Bearer short", 530, None),
        ("Bearer pat eu1 sample", 530, None),
        ("Bearer pat-eu1-sample", 200, None),
    ],
)
def test_who_is_let_in(connect, header, status, category):
    """Nobody known is 401, what cannot be a token is 530 with no JSON, and any other token is taken."""
    client = connect()
    client.headers.pop("Authorization")
    answer = client.get(DEALS, headers={} if header is None else {"Authorization": header})
    assert answer.status_code == status
    if category:
        assert answer.json()["category"] == category
    if status == 530:
        assert answer.text == "error code: 1016"


@pytest.mark.parametrize("path", ["/oauth/v1/token", "/oauth/2026-09/token"])
def test_a_refresh_token_gives_an_access_token_that_expires(connect, path):
    """A minted token is taken for half an hour of virtual time, and refused by its own category from then on."""
    client = connect()
    found = _mint(client, path).json()
    assert (found["token_type"], found["expires_in"], found["refresh_token"]) == ("bearer", 1800, "refresh")
    headers = {"Authorization": f"Bearer {found['access_token']}"}
    client.post("/_simulator/clock", json={"advance_seconds": 1799})
    assert client.get(DEALS, headers=headers).status_code == 200
    client.post("/_simulator/clock", json={"advance_seconds": 1})
    answer = client.get(DEALS, headers=headers)
    assert (answer.status_code, answer.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")
    assert client.get("/_simulator/stats").json()["tokens"] == 1


@pytest.mark.parametrize("name", ["client_id", "client_secret", "refresh_token", "grant_type"])
def test_a_grant_may_be_refused(connect, name):
    """A wrong or missing text gives 400 with a status that names it, and no token."""
    client = connect()
    for value in ("wrong", ""):
        answer = _mint(client, **{name: value})
        assert answer.status_code == 400
        assert answer.json()["status"] == f"BAD_{name.upper()}"
    assert client.get("/oauth/v1/token").status_code == 404
    assert client.get("/_simulator/stats").json()["tokens"] == 0


def test_a_token_may_live_for_some_calls(connect):
    """A token with two calls expires in the middle of paging; a new one goes on from the same link."""
    client = connect(token_calls=2)
    client.headers["Authorization"] = f"Bearer {_mint(client).json()['access_token']}"
    url = "/crm/v3/objects/tickets?limit=10"
    for _ in range(2):
        url = client.get(url).raise_for_status().json()["paging"]["next"]["link"]
    assert client.get(url).json()["category"] == "EXPIRED_AUTHENTICATION"
    client.headers["Authorization"] = f"Bearer {_mint(client).json()['access_token']}"
    assert len(client.get(url).json()["results"]) == 10


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        (DEALS, "crm.objects.deals.read"),
        ("/crm/objects/2026-09/meetings", "crm.objects.contacts.read"),
        ("/crm/v3/objects/0-48", "crm.objects.contacts.read"),
        ("/crm/v3/objects/companies", "crm.objects.companies.read"),
        ("/crm/v3/objects/tickets", "tickets"),
        ("/crm/v3/owners", "crm.objects.owners.read"),
        ("/crm/v3/pipelines/deals", "crm.schemas.deals.read"),
        ("/crm/v3/properties/tickets", "tickets"),
        ("/conversations/v3/conversations/threads", "conversations.read"),
    ],
)
def test_a_missing_scope_is_named(connect, path, scope):
    """A call without its scope is 403 and names the scope; with just that scope it is served."""
    client = connect()
    client.post("/_simulator/scopes", json={"token": TOKEN, "scopes": ["settings.users.read"]})
    answer = client.get(path)
    assert (answer.status_code, answer.json()["category"]) == (403, "MISSING_SCOPES")
    assert answer.json()["errors"][0]["context"] == {"requiredGranularScopes": [scope]}
    client.post("/_simulator/scopes", json={"token": TOKEN, "scopes": [scope]})
    assert client.get(path).status_code == 200


def test_an_association_needs_the_scopes_of_both_ends(connect):
    """Of two missing scopes both are named, of one that one."""
    client = connect()
    client.post("/_simulator/scopes", json={"token": TOKEN, "scopes": []})
    need = lambda: client.post(LINKS, json={"inputs": []}).json()["errors"][0]["context"]["requiredGranularScopes"]  # noqa: E731
    assert need() == ["crm.objects.contacts.read", "crm.objects.deals.read"]
    client.post("/_simulator/scopes", json={"token": TOKEN, "scopes": ["crm.objects.deals.read"]})
    assert need() == ["crm.objects.contacts.read"]
    assert client.get("/account-info/v3/details").status_code == 200


def test_a_refresh_token_passes_its_scopes_on(connect):
    """A minted token has the scopes that its refresh token was given, and a reset forgets tokens and scopes."""
    client = connect()
    client.post("/_simulator/scopes", json={"token": "refresh", "scopes": ["tickets"]})
    minted = _mint(client).json()
    headers = {"Authorization": f"Bearer {minted['access_token']}"}
    assert minted["scopes"] == ["tickets"]
    assert [client.get(path, headers=headers).status_code for path in ("/crm/v3/objects/tickets", DEALS)] == [200, 403]
    client.post("/_simulator/reset")
    assert client.get("/crm/v3/objects/tickets", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("limits", "policy", "call"),
    [
        ({"burst": 3}, "TEN_SECONDLY_ROLLING", ("GET", DEALS)),
        ({"search": 3}, "SECONDLY", ("POST", SEARCH)),
        ({"daily": 3}, "DAILY", ("GET", DEALS)),
    ],
)
@pytest.mark.parametrize("told", [True, False])
def test_each_limit_has_a_policy_of_its_own(connect, limits, policy, call, told):
    """The fourth call is 429 and names the policy; whether it is told how long to wait depends on the account."""
    client = connect(limits=Limits(**limits, virtual=True, retry_after=told))
    answers = [client.request(*call, json={}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    body = answers[3].json()
    assert (body["errorType"], body["policyName"]) == ("RATE_LIMIT", policy)
    assert ("Retry-After" in answers[3].headers) == told


def test_a_limit_is_over_when_the_clock_moves(connect):
    """Ten virtual seconds later the burst is free again, and at midnight in the account's zone so is the day."""
    client = connect(limits=Limits(burst=2, daily=4, virtual=True))
    codes = [client.get(DEALS).status_code for _ in range(3)]
    client.post("/_simulator/clock", json={"advance_seconds": 10})
    codes += [client.get(DEALS).status_code for _ in range(2)]
    client.post("/_simulator/clock", json={"advance_seconds": 10})
    assert [*codes, client.get(DEALS).json()["policyName"]] == [200, 200, 429, 200, 200, "DAILY"]
    client.post("/_simulator/clock", json={"to": "2026-09-25T21:59:59Z"})
    assert client.get(DEALS).status_code == 429
    client.post("/_simulator/clock", json={"to": "2026-09-25T22:00:00Z"})
    assert client.get(DEALS).status_code == 200


def test_the_burst_is_a_rolling_window(meter):
    """Not the tenth second of the clock counts but the ten seconds before a call."""
    made, clock = meter(burst=2, retry_after=True)
    for at in (8.0, 9.0):
        clock[0] = at
        assert _refused(made) is None
    clock[0] = 12.5
    assert _refused(made).headers["Retry-After"] == "6"
    clock[0] = 18.0
    assert [_refused(made), _refused(made) is None] == [None, False]


def test_search_and_association_batches_do_not_count_as_burst(meter):
    """A spent burst lets searches, batches of associations and the journal through, and they do not spend it."""
    made, _ = meter(burst=1)
    free = [("objects", "deals", "search"), ("associations", "deals", "contacts", "batch", "read"), ("journal", "next")]
    assert [_refused(made, place) for place in free] == [None] * 3
    assert _refused(made) is None
    assert [_refused(made, place) for place in free] == [None] * 3
    assert _refused(made).body["policyName"] == "TEN_SECONDLY_ROLLING"
    assert made.used == (Limits().daily, 5)


def test_headers_tell_what_is_left(connect):
    """Burst and day are told to a static token; an OAuth token is not told the day."""
    client = connect(limits=Limits(burst=100, daily=1000, virtual=True))
    headers = client.get(DEALS).headers
    shown = {name: headers[f"x-hubspot-ratelimit-{name}"] for name in ("max", "remaining", "daily", "daily-remaining")}
    assert shown == {"max": "100", "remaining": "99", "daily": "1000", "daily-remaining": "999"}
    oauth = {"Authorization": f"Bearer {_mint(client).json()['access_token']}"}
    assert "x-hubspot-ratelimit-daily" not in client.get(DEALS, headers=oauth).headers


def test_others_spend_from_the_same_limits(connect):
    """What another integration spends is missing here; an unknown policy is refused."""
    client = connect(limits=Limits(burst=10, daily=10, search=1, virtual=True))
    client.post("/_simulator/spend", json={"policy": "TEN_SECONDLY_ROLLING", "calls": 9})
    assert client.get(DEALS).headers["x-hubspot-ratelimit-remaining"] == "0"
    client.post("/_simulator/spend", json={"policy": "DAILY", "calls": 9})
    assert client.get(DEALS).json()["policyName"] == "DAILY"
    assert client.post("/_simulator/spend", json={"policy": "HOURLY", "calls": 1}).status_code == 400

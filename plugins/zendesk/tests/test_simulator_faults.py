"""What goes wrong in the simulator: access, shared limits, their headers, and every kind of fault."""

import json
from contextlib import ExitStack
from email.utils import parsedate_to_datetime

import httpx
import pytest

from tallystick.testing.faultplan import FOREIGN
from tallystick.testing.instants import iso
from tallystick_zendesk.simulator import Limits, serve
from tallystick_zendesk.simulator.faults import KINDS
from tallystick_zendesk.simulator.limits import Meter
from tallystick_zendesk.simulator.plan import Plan, User
from tallystick_zendesk.simulator.sample import ADMIN, AGENT, CUSTOMER, END, START, sample_plan

GRANT = {"grant_type": "client_credentials", "client_id": "reader", "client_secret": "s", "scope": "read"}
TICKETS = "/api/v2/incremental/tickets/cursor.json"
EVENT_PATH = "/api/v2/incremental/ticket_events.json"
USERS = "/api/v2/incremental/users/cursor.json"
ME = "/api/v2/users/me.json"


@pytest.fixture
def connect():
    """Serve the sample account with options and give a client that is not signed in."""
    with ExitStack() as opened:

        def make(**options):
            origin = opened.enter_context(serve(**{"plan": sample_plan(), "now": iso(END), **options}))
            return opened.enter_context(httpx.Client(base_url=origin, trust_env=False, timeout=5))

        yield make


@pytest.fixture
def client(connect):
    """A signed-in client of the sample account."""
    made = connect()
    _sign_in(made)
    return made


def _sign_in(client, **asked):
    found = client.post("/oauth/tokens", json={**GRANT, **asked}).json()
    client.headers["Authorization"] = f"Bearer {found['access_token']}"
    return found


def _fault(client, kind, **more):
    client.post("/_simulator/faults", json=[{"kind": kind, **more}]).raise_for_status()


def _export(client, path=TICKETS, start=1):
    return client.get(path, params={"start_time": start, "per_page": 3})


def test_a_token_is_minted_from_json_or_a_form(connect):
    """Both bodies give a bearer with the scopes asked for, which shows itself at `oauth/tokens/current`."""
    client = connect()
    found = client.post("/oauth/tokens", data=GRANT).json()
    assert (found["token_type"], found["scope"], found["expires_in"]) == ("bearer", "read", 7200)
    _sign_in(client, scope="read write")
    token = client.get("/api/v2/oauth/tokens/current.json").json()["token"]
    assert (token["scopes"], token["user_id"]) == (["read", "write"], ADMIN)
    assert client.get("/oauth/tokens").status_code == 404


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": ""}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_a_wrong_grant_is_refused(connect, changed, status, error):
    """A wrong secret, a missing client and another grant get no token."""
    found = connect().post("/oauth/tokens", json={**GRANT, **changed})
    assert (found.status_code, found.json()["error"]) == (status, error)


def test_nobody_known_gets_401(connect):
    """Without a header, with a made-up bearer or with another scheme the answer is 401 in the same words."""
    client = connect()
    for header in (None, "Bearer made-up", "Digest x", "Basic !!!"):
        found = client.get(ME, headers={"Authorization": header} if header else {})
        assert (found.status_code, found.json()) == (401, {"error": "Couldn't authenticate you"})
    assert client.post("/oauth/tokens", content=b"[1]").status_code == 400


def test_an_api_token_signs_in_as_its_user(connect):
    """The old form works for agents and admins only, has no token to look at, and a wrong token is refused."""
    client = connect()

    def ask(user, token, path=ME):
        return client.get(path, auth=(user, token))

    assert ask("ada@nordwind.example/token", "t").json()["user"]["id"] == ADMIN
    assert ask("bea@nordwind.example/token", "t").json()["user"]["id"] == AGENT
    assert ask("ada@nordwind.example/token", "t", "/api/v2/oauth/tokens/current.json").status_code == 404
    for user, token in (
        ("ada@nordwind.example", "password"),
        ("ada@nordwind.example/token", "wrong"),
        ("carl@customer.example/token", "t"),
        ("nobody@nordwind.example/token", "t"),
    ):
        assert ask(user, token).status_code == 401


def test_a_token_expires_with_the_virtual_clock(connect):
    """A bearer is refused once its virtual time is over, and a new one is let in."""
    client = connect(expires_in=100)
    _sign_in(client)
    client.post("/_simulator/clock", json={"advance_seconds": 99})
    assert client.get(ME).status_code == 200
    client.post("/_simulator/clock", json={"advance_seconds": 1})
    assert client.get(ME).status_code == 401
    _sign_in(client)
    assert client.get(ME).status_code == 200


def test_a_token_expires_in_the_middle_of_a_read(connect):
    """A bearer that lives two calls is refused at the third page, which a new bearer can then read."""
    client = connect(token_calls=2)
    _sign_in(client)
    first = _export(client).json()
    second = client.get(first["after_url"]).json()
    assert client.get(second["after_url"]).status_code == 401
    _sign_in(client)
    assert client.get(second["after_url"]).json()["tickets"]


def test_rights_follow_role_and_scope(connect):
    """Agents may not export, narrow scopes may not read audits, nobody writes; `error` of a 403 is an object."""
    client = connect()
    _sign_in(client, client_id="agent-client")
    assert client.get(ME).json()["user"]["role"] == "agent"
    for path in (TICKETS, EVENT_PATH, USERS, "/api/v2/satisfaction_ratings.json"):
        found = _export(client, path)
        assert (found.status_code, found.json()["error"]["title"]) == (403, "Forbidden")
    assert client.get("/api/v2/tickets/101/audits.json").status_code == 200
    _sign_in(client, scope="tickets:read auditlogs:read")
    assert client.get("/api/v2/tickets/101.json").status_code == 200
    assert client.get("/api/v2/tickets/101/audits.json").status_code == 403
    _sign_in(client, scope="users:read")
    assert client.get("/api/v2/tickets/101.json").status_code == 403
    _sign_in(client)
    assert client.put("/api/v2/tickets/101.json", json={}).status_code == 403
    _sign_in(client, scope="read write")
    assert client.put("/api/v2/tickets/101.json", json={}).status_code == 404


def test_a_reader_who_lost_the_role_is_refused(connect):
    """An admin who became an end-user sees only themself; without any agent such a client acts as the admin."""
    people = (User(1, "Ada", "a@n.example", "admin", START, changes=((START + 10, {"role": "end-user"}),)),)
    client = connect(plan=Plan(people, (), 1), now=iso(START + 5))
    _sign_in(client, client_id="agent-client")
    assert client.get(ME).json()["user"]["id"] == 1
    client.post("/_simulator/clock", json={"to": iso(START + 20)})
    assert client.get(ME).status_code == 200
    assert client.get("/api/v2/users/1.json").status_code == 403


def test_every_link_has_the_host_that_was_asked(client):
    """Links of exports and lists lead back to where the call came from, whatever name it used."""
    port = client.base_url.port
    found = client.get(f"http://localhost:{port}{TICKETS}", params={"start_time": 1}).json()
    assert found["after_url"].startswith(f"http://localhost:{port}/api/v2/incremental/tickets/cursor.json?cursor=")
    assert _export(client, EVENT_PATH).json()["next_page"].startswith(str(client.base_url))


def test_links_keep_what_was_asked(client):
    """The next page has the same size, sideloads and scope."""
    query = {"start_time": 1, "per_page": 3, "include": "metric_sets", "support_type_scope": "all"}
    found = httpx.URL(client.get(TICKETS, params=query).json()["after_url"]).params
    assert {name: found[name] for name in ("per_page", "include", "support_type_scope")} == {
        "per_page": "3",
        "include": "metric_sets",
        "support_type_scope": "all",
    }
    assert "start_time" not in found


def test_a_foreign_host_in_the_links(client):
    """One fault leads every link of an answer to another host; the next answer is right again."""
    for path, name in ((TICKETS, "after_url"), (EVENT_PATH, "next_page")):
        _fault(client, "foreign_host")
        assert _export(client, path).json()[name].startswith(FOREIGN)
        assert _export(client, path).json()[name].startswith(str(client.base_url))
    _fault(client, "foreign_host")
    page = client.get("/api/v2/tickets/101/audits.json", params={"page[size]": 1}).json()
    assert page["links"]["next"].startswith(FOREIGN)


def test_a_shared_bucket_runs_dry(connect):
    """Exports share one bucket, which other integrations spend too; users have their own, and time refills both."""
    client = connect(limits=Limits(export=10, users=3, virtual=True), expires_in=10**8)
    _sign_in(client)
    assert _export(client).status_code == _export(client, EVENT_PATH).status_code == 200
    assert client.post("/_simulator/spend", json={"family": "export", "calls": 8}).status_code == 200
    refused = _export(client)
    assert (refused.status_code, refused.json()["error"]) == (429, "APIRateLimitExceeded")
    assert refused.headers["retry-after"] == "60"
    assert refused.headers["zendesk-ratelimit-incremental-exports-cursor"] == "total=10; remaining=0; resets=60"
    assert _export(client, USERS).headers["zendesk-ratelimit-incremental-exports-users-cursor"].startswith("total=3")
    assert client.get(ME).status_code == 200
    client.post("/_simulator/clock", json={"advance_seconds": 60})
    assert _export(client).status_code == 200
    assert client.post("/_simulator/spend", json={"family": "nothing", "calls": 1}).status_code == 400


def test_other_integrations_spend_in_each_window(connect):
    """What others spend is gone at the beginning of every window."""
    client = connect(limits=Limits(export=3, others={"export": 2}, virtual=True), expires_in=10**8)
    _sign_in(client)
    for _ in range(2):
        assert [_export(client).status_code for _ in range(2)] == [200, 429]
        client.post("/_simulator/clock", json={"advance_seconds": 61})


def test_the_plan_limit_and_the_sample_limit(connect):
    """The whole account has a bucket of its own, and samples refill only after twenty windows."""
    client = connect(limits=Limits(plan=4, sample=1, virtual=True), expires_in=10**8)
    _sign_in(client)
    sample = "/api/v2/incremental/tickets/sample.json"
    assert [_export(client, sample).status_code for _ in range(2)] == [200, 429]
    assert [client.get(ME).status_code for _ in range(4)] == [200, 200, 200, 429]
    client.post("/_simulator/clock", json={"advance_seconds": 60})
    refused = _export(client, sample)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1140")


def test_real_time_refills_a_bucket():
    """With the real clock the wait is what is left of the window, at least one second."""
    now = [100.0]
    meter = Meter(Limits(export=1, window=2), "endpoint", lambda: now[0])
    meter.charge("/incremental/tickets")
    now[0] = 100.5
    with pytest.raises(Exception, match="APIRateLimitExceeded") as refused:
        meter.charge("/incremental/ticket_events")
    assert refused.value.headers["Retry-After"] == "2"
    now[0] = 102.0
    assert "Zendesk-RateLimit-incremental-exports-cursor" in meter.charge("/incremental/tickets")


@pytest.mark.parametrize(
    ("spelling", "present", "absent"),
    [
        ("old", ["x-rate-limit", "x-rate-limit-remaining", "rate-limit-limit", "rate-limit-reset"], "ratelimit-limit"),
        ("new", ["x-rate-limit", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"], "rate-limit-limit"),
        ("endpoint", ["ratelimit-limit", "zendesk-ratelimit-tickets-index"], "rate-limit-limit"),
    ],
)
def test_rate_headers_have_three_spellings(connect, spelling, present, absent):
    """Each generation of headers has its own names; every answer has a request id."""
    client = connect(headers=spelling)
    _sign_in(client)
    found = client.get("/api/v2/tickets.json")
    assert all(name in found.headers for name in [*present, "x-request-id"])
    assert absent not in found.headers
    assert ("zendesk-ratelimit-tickets-index" in found.headers) == (spelling == "endpoint")


@pytest.mark.parametrize("retry_after", ["3", "1.5", "Thu, 20 Mar 2025 09:00:05 GMT", None])
def test_a_429_says_when_in_every_form_or_not_at_all(client, retry_after):
    """Retry-After may be seconds, a fraction, a date or missing; after so many times the call works."""
    _fault(client, "429", times=2, retry_after=retry_after, path=TICKETS)
    for _ in range(2):
        found = _export(client)
        assert (found.status_code, found.headers.get("retry-after")) == (429, retry_after)
        assert client.get(ME).status_code == 200
    assert _export(client).status_code == 200


def test_a_429_may_be_text(client):
    """A limit may also answer with a text."""
    _fault(client, "429_text")
    found = client.get(ME)
    assert (found.status_code, found.headers["content-type"]) == (429, "text/plain; charset=utf-8")
    assert found.headers["retry-after"] == "1"
    with pytest.raises(json.JSONDecodeError):
        found.json()


@pytest.mark.parametrize(
    ("kind", "status", "error"),
    [
        ("400", 400, "TooManyValues"),
        ("401", 401, "Couldn't authenticate you"),
        ("404", 404, "RecordNotFound"),
        ("409", 409, "UpdateConflict"),
        ("422", 422, "RecordInvalid"),
        ("500", 500, "InternalError"),
        ("503", 503, "ServiceUnavailable"),
    ],
)
def test_errors_in_the_words_of_the_reference(client, kind, status, error):
    """Each kind of error has its status and name, once, and then the call works."""
    _fault(client, kind)
    found = client.get(ME)
    assert (found.status_code, found.json()["error"]) == (status, error)
    assert client.get(ME).status_code == 200


def test_the_error_of_a_403_is_an_object(client):
    """A forbidden call has an object where other errors have a name."""
    _fault(client, "403")
    assert client.get(ME).json()["error"] == {"title": "Forbidden", "message": "You do not have access to this page."}


@pytest.mark.parametrize(("kind", "status"), [("200_html", 200), ("502_html", 502), ("503_html", 503)])
def test_pages_of_html(client, kind, status):
    """A maintenance page comes as HTML, with status 200 too."""
    _fault(client, kind)
    found = _export(client)
    assert (found.status_code, found.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert b"<html>" in found.content


def test_a_truncated_body(client):
    """The body ends in the middle although the head promised more."""
    _fault(client, "truncated")
    with pytest.raises(httpx.RemoteProtocolError):
        _export(client)
    assert _export(client).status_code == 200


def test_a_reset_connection(client):
    """The connection is reset without an answer."""
    _fault(client, "reset")
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        _export(client)
    assert _export(client).status_code == 200


def test_a_slow_answer(client):
    """A slow answer outlasts a short timeout and comes whole to whoever waits."""
    _fault(client, "slow", seconds=0.4, times=2)
    with pytest.raises(httpx.ReadTimeout):
        client.get(ME, timeout=0.1)
    assert client.get(ME).status_code == 200


def test_a_redirect_and_a_wrong_clock(client):
    """A redirect leads to another origin; a wrong clock shows in Date only."""
    _fault(client, "redirect")
    found = client.get(ME)
    assert (found.status_code, found.headers["location"].startswith(FOREIGN)) == (302, True)
    _fault(client, "clock_skew", seconds=-900)
    assert parsedate_to_datetime(client.get(ME).headers["date"]).timestamp() == END - 900


def test_short_pages_by_fault(client):
    """An export page may be shorter than asked for and not be the last; nothing is lost by going on."""
    _fault(client, "short_pages", path=TICKETS)
    short = _export(client).json()
    assert (len(short["tickets"]), short["end_of_stream"]) == (2, False)
    assert len(_export(client).json()["tickets"]) == 3
    assert client.get(short["after_url"]).json()["tickets"][0]["id"] == _export(client).json()["tickets"][2]["id"]


@pytest.mark.parametrize(("kind", "status"), [("expired_cursor", 400), ("expired_cursor_404", 404)])
def test_an_expired_cursor(client, kind, status):
    """A fault of cursors strikes only calls that have one; a made-up cursor is refused anyway."""
    _fault(client, kind)
    page = _export(client).json()
    assert client.get(page["after_url"]).status_code == status
    assert client.get(page["after_url"]).status_code == 200
    for cursor in ("nonsense", "bm9uc2Vuc2U=", "%F0"):
        found = client.get(TICKETS, params={"cursor": cursor})
        assert (found.status_code, found.json()["error"]) == (400, "InvalidCursor")


def test_faults_wait_and_end_as_the_plan_says(client):
    """`after` lets calls pass first, `times` null never ends, a star covers a family, a new plan replaces the old."""
    _fault(client, "500", path="/api/v2/incremental/*", after=1, times=None)
    assert [_export(client).status_code, _export(client, EVENT_PATH).status_code] == [200, 500]
    assert [_export(client).status_code for _ in range(3)] == [500] * 3
    assert client.get(ME).status_code == 200
    assert client.get("/_simulator/faults").json()[0]["seen"] == 5
    _fault(client, "404", path=ME.removesuffix(".json"))
    assert (_export(client).status_code, client.get(ME).status_code) == (200, 404)


@pytest.mark.parametrize("line", [{"kind": "storm"}, {"kind": "429", "often": 2}, {"path": ME}])
def test_an_unknown_fault_is_refused(client, line):
    """A kind or a key nobody knows is refused with the list of kinds."""
    found = client.post("/_simulator/faults", json=[line])
    assert found.status_code == 400
    assert all(kind in found.json()["error"] for kind in KINDS)


def test_latency_is_real(connect):
    """Every call takes the time it is told to take."""
    client = connect(latency_ms=30)
    found = client.get(ME)
    assert found.elapsed.total_seconds() >= 0.03


def test_addresses_outside_the_api_are_missing(client):
    """Addresses that are no part of the API are not found, before anything is asked about who calls."""
    assert client.get("/elsewhere").status_code == 404
    assert client.get(f"/api/v2/users/{CUSTOMER}").json()["user"]["id"] == CUSTOMER

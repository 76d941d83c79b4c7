"""The calls: sign-in, limits, retries, and where they go."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import msgspec
import pytest

from tallystick.connectors import user_agent
from tallystick.errors import (
    AuthorizationError,
    ConnectorError,
    PermanentError,
    RateLimited,
    RetryableError,
    SchemaChanged,
)
from tallystick_hubspot.client import Buckets, clock
from tallystick_hubspot.faults import MissingError, PausedError, UnauthenticatedError

ORIGIN = "https://api.hubspot.test"
OWNERS = f"{ORIGIN}/crm/owners/2026-09"
SEARCH = f"{ORIGIN}/crm/objects/2026-09/tickets/search"
KEY = "pat-na1-VerySecretKey"
TOKEN = "VerySecretBearer"


@pytest.fixture
def api(connect):
    """The calls of a connector with a service key."""
    return connect()._api


@pytest.fixture
def minting(connect):
    """The calls of a connector that mints its bearers."""
    return connect(oauth=True)._api


def _body(response):
    return response.body


def test_every_call_carries_the_key_and_our_name(web, answer, api):
    """The headers are the key as a bearer and our own name, for a GET and for a search."""
    got, asked = web.get(OWNERS).mock(return_value=answer({})), web.post(SEARCH).mock(return_value=answer({}))
    api.get("/crm/owners/2026-09", None, _body)
    api.post("/crm/objects/2026-09/tickets/search", {"limit": 1}, _body)

    for route in (got, asked):
        sent = route.calls.last.request
        assert sent.headers["authorization"] == f"Bearer {KEY}"
        assert sent.headers["user-agent"] == user_agent()
    assert msgspec.json.decode(asked.calls.last.request.content) == {"limit": 1}


def test_a_key_that_is_refused_ends_it(web, answer, api):
    """There is no other key to try, so one refusal is final, and the key is not in the error."""
    body = {"status": "error", "category": "INVALID_AUTHENTICATION", "message": f"Bearer {KEY} is unknown"}
    route = web.get(OWNERS).mock(return_value=answer(body, 401))

    with pytest.raises(UnauthenticatedError) as caught:
        api.get("/crm/owners/2026-09", None, _body)
    assert route.call_count == 1
    assert KEY not in caught.value.diagnostics()
    assert caught.value.request_id == "req-test"


def test_an_expired_bearer_is_renewed_once(web, answer, minting):
    """After one 401, also in the middle of a search, the call is made again with a new bearer."""
    route = web.post(SEARCH).mock(side_effect=[answer({}, 401), answer({"ok": 1}), answer({}, 401), answer({"ok": 2})])
    minting.post("/crm/objects/2026-09/tickets/search", {}, _body)
    minting.post("/crm/objects/2026-09/tickets/search", {"after": 1}, _body)

    sent = [call.request.headers["authorization"] for call in route.calls]
    assert sent == [f"Bearer {TOKEN}{number}" for number in (1, 2, 2, 3)]


def test_a_new_bearer_that_is_refused_too_ends_it(web, answer, minting):
    """A second 401 of the same call is final, with one renewal."""
    route = web.get(OWNERS).mock(return_value=answer({}, 401))

    with pytest.raises(AuthorizationError):
        minting.get("/crm/owners/2026-09", None, _body)
    assert (route.call_count, len(web.minted)) == (2, 2)


def test_threads_share_one_bearer(web, answer, minting):
    """Sixteen threads whose bearer expired together mint one new bearer."""
    old = f"Bearer {TOKEN}1"
    web.get(OWNERS).mock(
        side_effect=lambda request: answer({}, 401 if request.headers["authorization"] == old else 200)
    )
    start = threading.Barrier(16)

    def call(_):
        start.wait()
        return minting.get("/crm/owners/2026-09", None, _body)

    with ThreadPoolExecutor(16) as pool:
        assert len(list(pool.map(call, range(16)))) == 16
    assert len(web.minted) == 2


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"category": "VALIDATION_ERROR", "message": "x"}, (PermanentError, 1)),
        (403, {"category": "MISSING_SCOPES"}, (AuthorizationError, 1)),
        (404, {"category": "OBJECT_NOT_FOUND"}, (MissingError, 1)),
        (409, {"category": "CONFLICT"}, (RetryableError, 8)),
        (414, b"", (PermanentError, 1)),
        (423, {"message": "locked"}, (RateLimited, 8)),
        (429, {"errorType": "RATE_LIMIT", "policyName": "SECONDLY"}, (RateLimited, 8)),
        (429, {"errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING"}, (RateLimited, 8)),
        (429, {"errorType": "RATE_LIMIT", "policyName": "DAILY"}, (PausedError, 1)),
        (477, {"message": "moving"}, (PausedError, 1)),
        (500, {"message": "x"}, (RetryableError, 8)),
        (502, b"<html>", (RetryableError, 8)),
        (521, b"", (RetryableError, 8)),
        (526, b"", (RetryableError, 8)),
        (530, b"", (UnauthenticatedError, 1)),
        (302, b"", (PermanentError, 1)),
        (200, b"<html>", (SchemaChanged, 8)),
        (200, b'{"a":', (SchemaChanged, 8)),
    ],
)
def test_what_each_answer_leads_to(web, answer, api, status, body, expected):  # noqa: PLR0917 - fixtures and one case
    """Only what may pass is tried again; each error is ours, with the request id and without the key."""
    kind, calls = expected
    headers = {"content-type": "text/html"} if body == b"<html>" else {"location": "https://evil.test/"}
    route = web.post(SEARCH).mock(return_value=answer(body, status, **headers))
    evil = web.route(url__startswith="https://evil.test/")

    with pytest.raises(ConnectorError) as caught:
        api.post("/crm/objects/2026-09/tickets/search", {}, lambda response: msgspec.json.decode(response.body))
    assert type(caught.value) is kind
    assert (route.call_count, evil.call_count) == (calls, 0)
    assert KEY not in caught.value.diagnostics()
    assert caught.value.request_id == "req-test"


@pytest.mark.parametrize("cause", [httpx.ConnectError("x"), httpx.ReadTimeout("x"), httpx.RemoteProtocolError("x")])
def test_a_broken_connection_is_tried_again(web, answer, api, cause):
    """A connection that breaks once does not end the read."""
    web.post(SEARCH).mock(side_effect=[cause, answer({"ok": 1})])

    assert api.post("/crm/objects/2026-09/tickets/search", {}, _body) == b'{"ok": 1}'


def test_after_the_day_is_spent_no_call_is_made(web, answer, api):
    """One refusal for the whole day stops every later call of any kind, and says for how long."""
    search = web.post(SEARCH).mock(return_value=answer({"policyName": "DAILY", "message": "x"}, 429))
    owners = web.get(OWNERS).mock(return_value=answer({}))

    with pytest.raises(PausedError, match="DAILY"):
        api.post("/crm/objects/2026-09/tickets/search", {}, _body)
    with pytest.raises(PausedError, match="DAILY") as caught:
        api.get("/crm/owners/2026-09", None, _body)
    assert (search.call_count, owners.call_count) == (1, 0)
    assert caught.value.retry_after >= 3600


def test_a_moving_account_is_left_alone_as_long_as_it_asks(web, answer, api):
    """477 with half a day to wait ends the run, and the half day is told."""
    web.get(OWNERS).mock(return_value=answer({}, 477, **{"retry-after": "43200"}))

    with pytest.raises(PausedError) as caught:
        api.get("/crm/owners/2026-09", None, _body)
    assert caught.value.retry_after == 43200


@pytest.mark.parametrize(("header", "waited"), [("3", 3.0), ("1.5", 1.5), ("Tue, 01 Sep 2026 00:00:20 GMT", 20.0)])
def test_retry_after_is_obeyed(web, answer, api, timer, header, waited):  # noqa: PLR0917 - fixtures and one case
    """We wait exactly as long as HubSpot asks, in each form it asks in."""
    web.post(SEARCH).mock(side_effect=[answer({}, 429, **{"retry-after": header}), answer({})])
    api.post("/crm/objects/2026-09/tickets/search", {}, _body)

    assert waited in timer.waits


def test_a_locked_record_is_given_two_seconds(web, answer, api, timer):
    """423 without a time to wait is tried again after two seconds."""
    web.get(OWNERS).mock(side_effect=[answer({}, 423), answer({})])
    api.get("/crm/owners/2026-09", None, _body)

    assert 2.0 in timer.waits


def test_searches_have_a_bucket_of_their_own(web, answer, connect):
    """Searches and all else spend from two buckets, and a refused search slows searches alone."""
    connector = connect()
    web.post(SEARCH).mock(side_effect=[answer({}, 429), answer({})])
    web.get(OWNERS).mock(return_value=answer({}))
    connector._api.post("/crm/objects/2026-09/tickets/search", {}, _body)
    connector._api.get("/crm/owners/2026-09", None, _body)
    buckets = connector._buckets

    assert (buckets.search.taken, buckets.burst.taken, connector.calls()) == (2, 1, 3)
    assert buckets.search.rate < 1000
    assert buckets.burst.rate == 1000


def test_the_default_pace_is_that_of_the_smallest_plan(timer):
    """Searches are a fifth of a second apart always; a hundred other calls take ten seconds."""
    buckets = Buckets.of(timer, searches=5, requests=9)
    for _ in range(6):
        buckets.search.acquire()
    assert timer.time - 1000 == pytest.approx(1.0)
    timer.time += 60
    began = timer.time
    for _ in range(99):
        buckets.burst.acquire()
    assert timer.time - began == pytest.approx(10.0)


@pytest.mark.parametrize("name", ["X-HubSpot-RateLimit-Remaining", "X-HubSpot-RateLimit-Secondly-Remaining"])
def test_a_limit_that_is_spent_slows_its_bucket(web, answer, connect, name):
    """When an answer says that nothing is left, the bucket slows down before anything is refused."""
    connector = connect()
    web.get(OWNERS).mock(return_value=answer({}, **{name: "0"}))
    connector._api.get("/crm/owners/2026-09", None, _body)

    assert connector._buckets.burst.rate < 1000
    assert connector._buckets.search.rate == 1000


def test_an_answer_without_a_date_is_told(web, answer, api):
    """Without HubSpot's clock nothing can be said about up to when we have read."""
    web.get(OWNERS).mock(return_value=answer({}, date=None))

    with pytest.raises(SchemaChanged, match="Date"):
        api.get("/crm/owners/2026-09", None, clock)


def test_a_path_in_the_base_url_is_kept(web, answer, connect):
    """Behind a proxy the API lies below a path."""
    route = web.get(f"{ORIGIN}/proxy/crm/owners/2026-09").mock(return_value=answer({}))
    connect(base_url=f"{ORIGIN}/proxy/")._api.get("/crm/owners/2026-09", None, _body)

    assert route.call_count == 1


def test_after_closing_every_call_raises(web, answer, connect):
    """A closed connector makes no call, and says so."""
    connector = connect()
    connector.close()
    connector.close()

    with pytest.raises(RetryableError, match="closed"):
        connector._api.get("/crm/owners/2026-09", None, _body)

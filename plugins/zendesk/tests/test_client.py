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
    CursorExpired,
    PermanentError,
    RateLimited,
    RetryableError,
    SchemaChanged,
)
from tallystick_zendesk.client import Buckets, clock
from tallystick_zendesk.faults import MissingError, TooRecentError

ORIGIN = "https://acme.zendesk.test"
ME = f"{ORIGIN}/api/v2/users/me.json"
TICKETS = f"{ORIGIN}/api/v2/incremental/tickets/cursor.json"
USERS = f"{ORIGIN}/api/v2/incremental/users/cursor.json"
TOKEN = "VerySecretBearer"


@pytest.fixture
def api(connect):
    """The calls of a connector for acme.zendesk.test."""
    return connect()._api


def _body(response):
    return response.body


def test_every_call_carries_the_bearer_and_our_name(web, answer, api):
    """The headers are the bearer and our own name; nothing else is asked for."""
    route = web.get(ME).mock(return_value=answer({}))
    api.get("/users/me.json", None, _body)
    sent = route.calls.last.request

    assert sent.headers["authorization"] == f"Bearer {TOKEN}1"
    assert sent.headers["user-agent"] == user_agent()


def test_the_legacy_sign_in(web, answer, connect):
    """With an API token no bearer is minted, and a refusal is final."""
    route = web.get(ME).mock(return_value=answer({"error": "Couldn't authenticate you"}, 401))

    with pytest.raises(AuthorizationError):
        connect(legacy=True)._api.get("/users/me.json", None, _body)
    assert route.calls.last.request.headers["authorization"].startswith("Basic ")
    assert (route.call_count, len(web.minted)) == (1, 0)


def test_an_expired_bearer_is_renewed_once(web, answer, api):
    """After one 401 the call is made again with a new bearer."""
    route = web.get(ME).mock(side_effect=[answer({"error": "x"}, 401), answer({"ok": 1})])
    api.get("/users/me.json", None, _body)

    assert [call.request.headers["authorization"] for call in route.calls] == [f"Bearer {TOKEN}1", f"Bearer {TOKEN}2"]


def test_a_new_bearer_that_is_refused_too_ends_it(web, answer, api):
    """A second 401 of the same call is final, with one renewal and no secret in the error."""
    route = web.get(ME).mock(return_value=answer({"error": "Couldn't authenticate you"}, 401))

    with pytest.raises(AuthorizationError) as caught:
        api.get("/users/me.json", None, _body)
    assert (route.call_count, len(web.minted)) == (2, 2)
    assert TOKEN not in caught.value.diagnostics()
    assert caught.value.request_id == "req_test"


def test_each_call_may_renew(web, answer, api):
    """What one call renewed does not keep a later call from renewing."""
    answers = [answer({}, 401), answer({}), answer({}, 401), answer({})]
    web.get(ME).mock(side_effect=answers)
    api.get("/users/me.json", None, _body)
    api.get("/users/me.json", None, _body)

    assert len(web.minted) == 3


def test_threads_share_one_bearer(web, answer, api):
    """Sixteen threads whose bearer expired together mint one new bearer."""
    old = f"Bearer {TOKEN}1"
    web.get(ME).mock(side_effect=lambda request: answer({}, 401 if request.headers["authorization"] == old else 200))
    start = threading.Barrier(16)

    def call(_):
        start.wait()
        return api.get("/users/me.json", None, _body)

    with ThreadPoolExecutor(16) as pool:
        assert len(list(pool.map(call, range(16)))) == 16
    assert len(web.minted) == 2


def test_a_client_that_is_not_accepted_ends_every_call(web, answer, api):
    """When no bearer is minted, no call is made."""
    web.post(f"{ORIGIN}/oauth/tokens").mock(return_value=answer({"error": "invalid_client"}, 401))
    route = web.get(ME)

    with pytest.raises(AuthorizationError, match="OAuth client"):
        api.get("/users/me.json", None, _body)
    assert route.call_count == 0


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"error": "TooManyValues"}, (PermanentError, 1)),
        (400, {"error": "StartTimeTooRecent", "description": "Too recent start_time"}, (TooRecentError, 1)),
        (403, {"error": {"title": "Forbidden", "message": "no"}}, (AuthorizationError, 1)),
        (404, {"error": "RecordNotFound"}, (MissingError, 1)),
        (409, {"error": "x"}, (RetryableError, 8)),
        (422, {"error": "RecordInvalid"}, (PermanentError, 1)),
        (429, {"error": "x"}, (RateLimited, 8)),
        (500, {"error": "x"}, (RetryableError, 8)),
        (503, b"<html>", (RetryableError, 8)),
        (302, b"", (PermanentError, 1)),
        (200, b"<html>", (SchemaChanged, 8)),
        (200, b'{"a":', (SchemaChanged, 8)),
    ],
)
def test_what_each_answer_leads_to(web, answer, api, status, body, expected):  # noqa: PLR0917 - fixtures and one case
    """Only what may pass is tried again; each error is ours, with the request id and without the bearer."""
    kind, calls = expected
    headers = {"content-type": "text/html"} if body == b"<html>" else {"location": "https://evil.test/"}
    route = web.get(ME).mock(return_value=answer(body, status, **headers))
    evil = web.get("https://evil.test/")

    with pytest.raises(ConnectorError) as caught:
        api.get("/users/me.json", None, lambda response: msgspec.json.decode(response.body))
    assert type(caught.value) is kind
    assert (route.call_count, evil.call_count) == (calls, 0)
    assert TOKEN not in caught.value.diagnostics()
    assert caught.value.request_id == "req_test"


@pytest.mark.parametrize("cause", [httpx.ConnectError("x"), httpx.ReadTimeout("x"), httpx.RemoteProtocolError("x")])
def test_a_broken_connection_is_tried_again(web, answer, api, cause):
    """A connection that breaks once does not end the read."""
    web.get(ME).mock(side_effect=[cause, answer({"ok": 1})])

    assert api.get("/users/me.json", None, _body) == b'{\n "ok": 1\n}'


@pytest.mark.parametrize(("header", "waited"), [("3", 3.0), ("1.5", 1.5), ("Tue, 01 Sep 2026 00:01:00 GMT", 60.0)])
def test_retry_after_is_obeyed(web, answer, api, timer, header, waited):  # noqa: PLR0917 - fixtures and one case
    """We wait exactly as long as Zendesk asks, a minute too, in each form it asks in."""
    web.get(TICKETS).mock(side_effect=[answer({}, 429, **{"retry-after": header}), answer({})])
    api.get("/incremental/tickets/cursor.json", {}, _body)

    assert waited in timer.waits


def test_a_wait_of_hours_is_left_to_the_next_run(web, answer, api):
    """Who asks for an hour is not asked again in this run."""
    route = web.get(TICKETS).mock(return_value=answer({}, 429, **{"retry-after": "3600"}))

    with pytest.raises(RateLimited) as caught:
        api.get("/incremental/tickets/cursor.json", {}, _body)
    assert (route.call_count, caught.value.retry_after) == (1, 3600)


@pytest.mark.parametrize("param", ["cursor", "page[after]"])
@pytest.mark.parametrize(("status", "body"), [(400, {"error": "InvalidCursor"}), (404, {"error": "RecordNotFound"})])
def test_a_refused_cursor_has_expired(web, answer, api, param, status, body):  # noqa: PLR0917 - fixtures and one case
    """A refusal of a call that goes on from a cursor means that the cursor is not taken any more."""
    web.get(TICKETS).mock(return_value=answer(body, status))

    with pytest.raises(CursorExpired) as caught:
        api.get("/incremental/tickets/cursor.json", {param: "abc"}, _body)
    assert caught.value.request_id == "req_test"


def test_another_fault_on_a_cursor_is_not_its_expiry(web, answer, api):
    """An answer in another shape stays what it is, with a cursor too."""
    web.get(TICKETS).mock(return_value=answer(b"<html>", **{"content-type": "text/html"}))

    with pytest.raises(SchemaChanged):
        api.get("/incremental/tickets/cursor.json", {"cursor": "abc"}, _body)


def test_each_family_has_its_own_bucket(web, answer, connect):
    """Exports, the export of users and all else spend from buckets of their own."""
    connector = connect()
    for url in (ME, TICKETS, USERS):
        web.get(url).mock(return_value=answer({}))
    for path in ("/users/me.json", "/incremental/tickets/cursor.json", "/incremental/users/cursor.json"):
        connector._api.get(path, None, _body)
    buckets = connector._buckets

    assert (buckets.plan.taken, buckets.export.taken, buckets.users.taken, buckets.taken) == (1, 1, 1, 3)
    assert connector.calls() == 4


def test_the_default_pace_is_that_of_the_smallest_plan(timer):
    """Ten exports a minute are six seconds apart."""
    buckets = Buckets.of(timer, plan=200, export=10, users=20)
    for _ in range(3):
        buckets.export.acquire()

    assert timer.waits == pytest.approx([0, 6, 6])


@pytest.mark.parametrize(
    ("path", "url", "headers", "slowed"),
    [
        ("/users/me.json", ME, {"X-Rate-Limit-Remaining": "0"}, {"plan"}),
        ("/incremental/tickets/cursor.json", TICKETS, {"ratelimit-remaining": "0"}, {"plan", "export"}),
        (
            "/incremental/tickets/cursor.json",
            TICKETS,
            {
                "Zendesk-RateLimit-incremental-exports-cursor": "total=10; remaining=0; resets=9",
                "x-rate-limit-remaining": "9",
            },
            {"export"},
        ),
        ("/incremental/users/cursor.json", USERS, {"rate-limit-remaining": "7"}, set()),
    ],
)
def test_a_limit_that_is_spent_slows_its_bucket(web, answer, connect, path, url, headers, slowed):  # noqa: PLR0917 - fixtures and one case
    """When an answer says that nothing is left, the bucket of that limit slows down before anything is refused."""
    connector = connect()
    web.get(url).mock(return_value=answer({}, **headers))
    connector._api.get(path, None, _body)
    rates = {name: getattr(connector._buckets, name).rate for name in ("plan", "export", "users")}

    assert {name for name, rate in rates.items() if rate < 1000} == slowed


def test_a_refused_call_slows_its_bucket(web, answer, connect):
    """429 halves the pace of its family and of no other."""
    connector = connect()
    web.get(TICKETS).mock(side_effect=[answer({}, 429, **{"retry-after": "1"}), answer({})])
    connector._api.get("/incremental/tickets/cursor.json", {}, _body)

    assert connector._buckets.export.rate < 1000
    assert connector._buckets.plan.rate == 1000


def test_an_answer_without_a_date_is_told(web, answer, api):
    """Without Zendesk's clock nothing can be said about up to when we have read."""
    web.get(ME).mock(return_value=answer({}, date=None))

    with pytest.raises(SchemaChanged, match="Date"):
        api.get("/users/me.json", None, clock)


def test_a_path_in_the_base_url_is_kept(web, answer, connect):
    """Behind a proxy the API lies below a path."""
    web.post(f"{ORIGIN}/proxy/oauth/tokens").mock(return_value=answer({"access_token": "t"}))
    route = web.get(f"{ORIGIN}/proxy/api/v2/users/me.json").mock(return_value=answer({}))
    connect(base_url=f"{ORIGIN}/proxy/")._api.get("/users/me.json", None, _body)

    assert route.call_count == 1


def test_after_closing_every_call_raises(web, answer, connect):
    """A closed connector makes no call, and says so."""
    connector = connect()
    connector.close()

    with pytest.raises(RetryableError, match="closed"):
        connector._api.get("/users/me.json", None, _body)

"""How calls are signed and paced, what refusals mean, and that no secret is repeated."""

from base64 import b64encode
from urllib.parse import parse_qs

import httpx
import pytest

from tallystick.errors import (
    AuthorizationError,
    ConfigurationError,
    CursorExpired,
    PermanentError,
    RateLimited,
    RetryableError,
    SchemaChanged,
)

KEY = "key_VerySecret_0123456789"
OAUTH = "auth: {kind: client_credentials, path: /oauth/token%s}"


def _signed(desk, stream, auth, **settings):
    desk.read(stream(desk.describe(more=f"auth: {auth}"), **settings))
    return desk.asked[-1].headers


@pytest.mark.parametrize(
    ("auth", "settings", "signed"),
    [
        ("{kind: bearer}", {}, ("authorization", f"Bearer {KEY}")),
        ("{kind: header, name: X-Api-Key}", {}, ("x-api-key", KEY)),
        ("{kind: header, name: Authorization, prefix: 'Token '}", {}, ("authorization", f"Token {KEY}")),
        ("{kind: basic}", {"user": "ada"}, ("authorization", "Basic " + b64encode(f"ada:{KEY}".encode()).decode())),
        (
            "{kind: basic, key_is: user, other: X}",
            {},
            ("authorization", "Basic " + b64encode(f"{KEY}:X".encode()).decode()),
        ),
    ],
)
def test_every_kind_of_sign_in(desk, stream, auth, settings, signed):
    """The key goes where the description says."""
    name, value = signed

    assert _signed(desk, stream, auth, **settings)[name] == value


def test_what_is_missing_to_sign_in_is_named(desk, connect):
    """Without a user where there must be one, or a key where it is said to be, no call is made and it is named."""
    with pytest.raises(ConfigurationError, match="TALLYSTICK_NOT_SET is not set"):
        connect(key="env:TALLYSTICK_NOT_SET").streams()
    with pytest.raises(ConfigurationError, match="no user is configured"):
        connect(desk.describe(more="auth: {kind: basic}")).streams()

    assert desk.asked == []


def _tokens(desk, lives=3_600):
    given = []

    def mint(request):
        given.append(request)
        return httpx.Response(200, json={"access_token": f"token_{len(given)}", "expires_in": lives})

    desk.routes["/oauth/token"] = mint
    return given


@pytest.mark.parametrize("send", ["form", "json", "basic"])
def test_client_credentials(desk, stream, send):
    """A token is asked for once, as the description says, and signs all calls until it expires."""
    given = _tokens(desk)
    text = desk.describe(more=OAUTH % f", scope: read, send: {send}")
    found = stream(text, user="client")
    desk.read(found)
    desk.read(found)

    (request,) = given
    body = request.content.decode()
    fields = (
        {name: value[0] for name, value in parse_qs(body).items()}
        if send != "json"
        else httpx.Response(200, content=body).json()
    )
    assert (fields["grant_type"], fields["scope"]) == ("client_credentials", "read")
    if send == "basic":
        assert request.headers["authorization"] == "Basic " + b64encode(f"client:{KEY}".encode()).decode()
        assert KEY not in body
    else:
        assert (fields["client_id"], fields["client_secret"]) == ("client", KEY)
    assert desk.asked[-1].headers["authorization"] == "Bearer token_1"


def test_a_token_that_expires_is_renewed(desk, connect, timer):
    """Shortly before a token expires, or once it is refused, another one is asked for, and the call is made again."""
    given = _tokens(desk)
    connector = connect(desk.describe(more=OAUTH % ""), user="client")
    (found,) = connector.streams()
    desk.read(found)
    timer.time += 3_550
    desk.read(found)
    assert len(given) == 2

    refused = iter([httpx.Response(401, json={"message": "expired"})])
    desk.before = lambda request: next(refused, None) if request.url.path == "/tickets" else None
    desk.read(found)

    assert len(given) == 3
    assert desk.asked[-1].headers["authorization"] == "Bearer token_3"
    assert connector.calls() == len(desk.asked)


def test_a_client_that_is_not_accepted(desk, stream):
    """A refused client is told with the reason and without its secret."""
    desk.routes["/oauth/token"] = lambda request: httpx.Response(
        401, json={"error": "invalid_client", "error_description": f"no {KEY}"}
    )

    with pytest.raises(AuthorizationError, match=r"does not accept the client \(401\): invalid_client: no \.\.\."):
        desk.read(stream(desk.describe(more=OAUTH % ""), user="client"))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(200, json={"token": "x"}), SchemaChanged),
        (httpx.Response(200, json={"access_token": "a b"}), SchemaChanged),
        (httpx.Response(200, content=b"<html>"), RetryableError),
        (httpx.Response(302, headers={"location": "https://evil.example"}), PermanentError),
        (httpx.Response(429, headers={"retry-after": "500"}), RateLimited),
        (httpx.Response(500), RetryableError),
        (httpx.Response(404), PermanentError),
    ],
)
def test_a_sign_in_that_goes_wrong(desk, stream, answer, error):
    """Whatever a sign-in is answered with, it becomes an error of ours, and never repeats the secret."""
    desk.routes["/oauth/token"] = lambda _: answer

    with pytest.raises(error) as raised:
        desk.read(stream(desk.describe(more=OAUTH % ""), user="client"))

    assert KEY not in raised.value.diagnostics()


RULES = """errors:
  - {status: 400, path: code, in: [stale], means: cursor_expired}
  - {status: [400, 418], means: retry, hint: "Have some tea."}
  - {status: 200, path: errors.*.code, in: [denied], means: authorization}
  - {status: 402, means: rate_limited}"""


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (400, {"code": "stale"}, (CursorExpired, "refused (400)")),
        (400, {"code": "other", "message": "no tea"}, (RetryableError, "refused (400): no tea")),
        (418, {}, (RetryableError, "without a reason we can read")),
        (200, {"errors": [{"code": "x"}, {"code": "denied"}]}, (AuthorizationError, "refused (200)")),
        (402, {}, (RateLimited, "refused (402)")),
        (401, {"message": f"bad {KEY}"}, (AuthorizationError, "refused (401): bad ...")),
        (403, {}, (AuthorizationError, "refused (403)")),
        (404, {}, (PermanentError, "refused (404)")),
        (409, {}, (RetryableError, "refused (409)")),
        (429, {}, (RateLimited, "refused (429)")),
        (451, b"\xff<html>", (PermanentError, "refused (451): without a reason")),
        (500, b"<html>", (RetryableError, "refused (500)")),
    ],
)
def test_what_a_refusal_means(desk, stream, status, body, meaning):
    """The rules of the description come first, then what statuses usually mean; the reason is quoted, the key never."""
    error, message = meaning
    sent = {"content": body} if isinstance(body, bytes) else {"json": body}
    desk.before = lambda _: httpx.Response(status, headers={"x-request-id": "r1"}, **sent)

    with pytest.raises(error) as raised:
        desk.read(stream(desk.describe(more=RULES)))

    assert message in str(raised.value)
    assert raised.value.request_id == "r1"
    assert KEY not in raised.value.diagnostics()


def test_a_request_id_that_repeats_the_key(desk, stream):
    """A system that echoes the key, as its request id or in words, does not make us repeat it."""
    desk.before = lambda _: httpx.Response(451, headers={"x-request-id": KEY}, json={"message": f"x{KEY}y"})

    with pytest.raises(PermanentError) as raised:
        desk.read(stream())

    assert KEY not in raised.value.diagnostics() + repr(raised.value)


def test_waits_as_long_as_asked(desk, stream, timer):
    """After a refusal the call waits for `Retry-After`, or for the reset that a header of the system's own names."""
    answers = iter(
        [httpx.Response(429, headers={"retry-after": "7"}), httpx.Response(429, headers={"x-reset": "1788224411"})]
    )
    desk.before = lambda _: next(answers, None)
    limits = "limits: {requests_per_second: 1000, remaining: X-Left, reset: X-Reset, reset_is: unix}"
    text = desk.describe().replace("limits: {requests_per_second: 1000}", limits)

    desk.read(stream(text))

    assert [wait for wait in timer.waits if wait > 1] == [7, 11]


def test_nothing_is_asked_while_nothing_is_left(desk, stream, timer):
    """An answer that says no call is left makes the next call wait until there are more."""
    desk.rows = [desk.ticket(number) for number in range(1, 5)]
    headers = {"x-left": "0", "x-reset": "13"}
    listed = desk.list
    desk.routes["/tickets"] = lambda request: httpx.Response(
        200,
        content=listed(request).content,
        headers=headers if len(desk.asked) == 1 else {"x-left": "5", "x-reset": "13"},
    )
    limits = "limits: {requests_per_second: 1000, remaining: X-Left, reset: X-Reset}"
    text = desk.describe(page="{kind: page, size: 3}", query="{since: '{start}', page: '{page}'}")

    desk.read(stream(text.replace("limits: {requests_per_second: 1000}", limits)))

    assert [wait for wait in timer.waits if wait > 1] == [13]


def test_the_source_may_be_slower_than_the_description(desk, stream, timer):
    """`requests_per_second` of the source counts, not the description's."""
    desk.rows = [desk.ticket(number) for number in range(1, 9)]
    text = desk.describe(page="{kind: page, size: 3}", query="{since: '{start}', page: '{page}'}")

    desk.read(stream(text, requests_per_second=0.1))

    assert sum(timer.waits) == pytest.approx(20)


def test_every_call_has_the_headers_of_the_description(desk, stream):
    """Headers such as a version of the API go with each call, beside the sign-in."""
    desk.read(stream(desk.describe(more="headers: {Api-Version: '3'}")))

    assert desk.asked[0].headers["api-version"] == "3"

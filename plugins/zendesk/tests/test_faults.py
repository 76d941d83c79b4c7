"""What each refusal means."""

from base64 import b64encode
from urllib.parse import quote

import httpx
import msgspec
import pytest

from tallystick.connectors import Response
from tallystick.errors import AuthorizationError, PermanentError, RateLimited, RetryableError
from tallystick_zendesk.faults import (
    KEPT_HEADERS,
    MissingError,
    TooRecentError,
    UnauthenticatedError,
    classify,
    plan_limit,
    refusal,
    said,
    spent,
)


def _body(**fields):
    return msgspec.json.encode(fields)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, _body(error="TooManyValues", description="x", max_count=100), PermanentError),
        (400, _body(error="StartTimeTooRecent", description="Too recent start_time."), TooRecentError),
        (400, _body(error="invalid", description="start_time must be at least a minute ago"), TooRecentError),
        (401, _body(error="Couldn't authenticate you"), UnauthenticatedError),
        (403, _body(error={"title": "Forbidden", "message": "You do not have access"}), AuthorizationError),
        (404, _body(error="RecordNotFound", description="Not found"), MissingError),
        (404, _body(error={"title": "No such endpoint"}), MissingError),
        (408, b"", RetryableError),
        (409, _body(error="Conflict"), RetryableError),
        (410, b"", PermanentError),
        (422, _body(error="RecordInvalid", details={"x": []}), PermanentError),
        (429, b"Number of allowed API requests exceeded", RateLimited),
        (429, _body(error="APIRateLimitExceeded"), RateLimited),
        (500, _body(error="InternalError"), RetryableError),
        (502, b"<html>", RetryableError),
        (503, b"", RateLimited),
        (504, b"\xff\xfe", RetryableError),
    ],
)
def test_each_status_has_one_meaning(status, body, kind):
    """Every row of the error table becomes exactly its error, with a hint and the request id."""
    error = refusal(status, body, "req_1", 3.0)

    assert type(error) is kind
    assert error.hint
    assert error.request_id == "req_1"
    assert str(status) in error.message


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_good_status_is_no_error(status):
    """Any 2xx is good."""
    assert classify(Response.of(status, {}, b"", None)) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("3", 3.0), ("1.5", 1.5), ("Tue, 01 Sep 2026 00:00:10 GMT", 10.0), ("soon", None), (None, None)],
)
def test_retry_after_comes_in_three_forms(header, seconds):
    """Whole seconds, a fraction and a date are understood; without one, or an unreadable one, nothing is asked."""
    headers = {"date": "Tue, 01 Sep 2026 00:00:00 GMT", **({"retry-after": header} if header else {})}

    assert classify(Response.of(429, headers, b"", None)).retry_after == seconds


@pytest.mark.parametrize(
    "body",
    [
        _body(error="x", description="Bearer abcdef.ghi was refused"),
        _body(error={"title": "t", "message": "token 0123456789abcdef0123456789abcdef0123456789abcdef"}),
    ],
)
def test_nothing_like_a_secret_is_repeated(body):
    """A bearer or a long hexadecimal token in a reason is left out."""
    assert "abcdef" not in said(body)


def test_a_reason_stays_on_one_line():
    """Line breaks and control signs of a reason become spaces, and it is cut."""
    text = said(_body(error="a\nb\x1b[31m", description="y" * 1000))

    assert text.isprintable()
    assert len(text) <= 300


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"7", b'{"error": 7}', b"[" * 100_000])
def test_an_odd_body_has_no_reason(body):
    """A body that is no object, or not JSON, is no error of ours."""
    assert said(body) == "without a reason we can read"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Rate-Limit-Remaining": "0"}, (True, False)),
        ({"RateLimit-Remaining": " 0 "}, (True, False)),
        ({"rate-limit-remaining": "0"}, (True, False)),
        ({"Zendesk-RateLimit-incremental-exports-cursor": "total=10; remaining=0; resets=30"}, (False, True)),
        ({"zendesk-ratelimit-tickets-index": "total=100; remaining=3; resets=30"}, (False, False)),
        ({"X-Rate-Limit-Remaining": "5", "RateLimit-Remaining": "4"}, (False, False)),
        ({"X-Rate-Limit-Remaining": "none"}, (False, False)),
        ({}, (False, False)),
    ],
)
def test_every_spelling_of_what_is_left_is_understood(headers, expected):
    """All generations of headers tell when nothing is left, in any case of letters."""
    seen = {name: value for name, value in httpx.Headers(headers).items() if name in KEPT_HEADERS}

    assert spent(seen) == expected


@pytest.mark.parametrize("name", ["X-Rate-Limit", "RateLimit-Limit", "Rate-Limit-Limit", "rate-limit"])
def test_the_plan_limit_is_seen(name):
    """The limit of the plan is read from each spelling."""
    assert plan_limit({name.lower(): "700"}) == 700
    assert plan_limit({name.lower(): "many"}) is None


@pytest.mark.parametrize(
    "authorization",
    ["Bearer VerySecretBearer1", "Basic " + b64encode(b"ada@x.test/token:VerySecretBearer1").decode()],
)
@pytest.mark.parametrize("form", ["{}", "the token={} expired", "x" * 290 + "{}"])
def test_a_credential_that_is_echoed_is_masked(authorization, form):
    """Whatever an answer repeats of the sign-in, plain, encoded or cut, stands in no message and no request id."""
    secret = "VerySecretBearer1"
    spellings = (secret, quote(secret, safe=""), b64encode(secret.encode()).decode(), authorization.partition(" ")[2])
    for spelling in spellings:
        body = msgspec.json.encode({"error": form.format(spelling)})
        error = classify(Response.of(400, {}, body, f"req-{spelling}"), authorization)
        assert "VerySecret" not in error.diagnostics()
        assert spelling[:12] not in error.diagnostics()

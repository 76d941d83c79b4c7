"""What refusals mean, and that nothing secret is repeated."""

import json

import pytest

from tallystick.connectors import Response
from tallystick.errors import AuthorizationError, PermanentError, RateLimited, RetryableError
from tallystick_salesforce.faults import (
    FieldError,
    LocatorError,
    MissingError,
    QueryTimeoutError,
    QuotaError,
    TooLongError,
    UnauthenticatedError,
    classify,
    said,
)


def _answer(status, code="", message="", headers=None, body=None):
    given = json.dumps([{"errorCode": code, "message": message}]).encode() if body is None else body
    return Response.of(status, {"date": "Tue, 01 Sep 2026 00:00:00 GMT", **(headers or {})}, given, None)


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_good_status_is_no_error(status):
    """Anything from 200 to 299 is good."""
    assert classify(_answer(status)) is None


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    [
        (400, "MALFORMED_QUERY", "", PermanentError),
        (400, "INVALID_FIELD", "No such column", FieldError),
        (400, "INVALID_TYPE", "", FieldError),
        (400, "INVALID_QUERY_LOCATOR", "", LocatorError),
        (400, "QUERY_TIMEOUT", "", QueryTimeoutError),
        (401, "INVALID_SESSION_ID", "", UnauthenticatedError),
        (401, "INVALID_AUTH_HEADER", "", UnauthenticatedError),
        (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", QuotaError),
        (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.", RateLimited),
        (403, "TXN_SECURITY_METERING_ERROR", "", RateLimited),
        (403, "API_DISABLED_FOR_ORG", "", AuthorizationError),
        (403, "INSUFFICIENT_ACCESS", "", AuthorizationError),
        (404, "NOT_FOUND", "", MissingError),
        (406, "", "", RetryableError),
        (410, "UNSUPPORTED_API_VERSION", "", PermanentError),
        (414, "URI_TOO_LONG", "", TooLongError),
        (420, "", "", RetryableError),
        (429, "", "", RateLimited),
        (431, "", "", TooLongError),
        (500, "UNKNOWN_EXCEPTION", "", RetryableError),
        (503, "SERVER_UNAVAILABLE", "", RetryableError),
        (400, "SERVER_UNAVAILABLE", "", RetryableError),
    ],
)
def test_a_refusal_means_what_to_do_next(status, code, message, expected):
    """Status, code and, where one code has two meanings, the text say what to do."""
    assert type(classify(_answer(status, code, message))) is expected


def test_only_the_text_tells_a_quota_from_too_many_calls_at_once():
    """The day's quota asks for an hour, which no retry waits; concurrency backs off."""
    spent = classify(_answer(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))
    crowded = classify(_answer(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."))

    assert (spent.retry_after, crowded.retry_after) == (3600, None)


def test_a_gateway_may_say_how_long_to_wait():
    """Salesforce itself sends no Retry-After; what stands before it may."""
    error = classify(_answer(503, headers={"retry-after": "7"}, body=b"<html>busy</html>"))

    assert (type(error), error.retry_after) == (RateLimited, 7)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b"[1]", b'[{"message":3}]', b"[" * 5000, b'\xff"', b'{"errorCode":["x"]}']
)
def test_any_body_is_understood(body):
    """A gateway answers in whatever form it likes, and that is never an error of its own."""
    assert type(classify(_answer(400, body=body))) is PermanentError
    assert type(classify(_answer(502, body=body))) is RetryableError


def test_no_secret_is_repeated():
    """The token, however it is written, and anything that looks like one, are masked."""
    token = "00D5x000000abcd!AQ.secret"
    text = f"bad {token} and 00D5x0000001234!Another and Bearer xyz.abc%s" % ("a" * 30)
    error = classify(_answer(400, "MALFORMED_QUERY", text), [token])

    assert "secret" not in str(error)
    assert "Another" not in str(error)
    assert "xyz" not in str(error)


def test_a_reason_is_one_short_line():
    """Line breaks and signs that do not print become spaces, and it is cut."""
    codes, line = said(json.dumps([{"errorCode": "A\u0007B", "message": "x\n" * 999}]).encode())

    assert len(line) == 300
    assert "\n" not in line
    assert codes == {"A\u0007B"}


def test_the_token_endpoint_answers_with_an_object():
    """Its error and description are read as those of the API are."""
    assert said(b'{"error":"invalid_grant","error_description":"no user"}') == (
        frozenset({"invalid_grant"}),
        "invalid_grant: no user",
    )

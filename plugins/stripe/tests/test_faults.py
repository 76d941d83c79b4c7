"""What Stripe's refusals mean, row by row of its error table."""

import json

import pytest

from tallystick.connectors import Response
from tallystick.errors import AuthorizationError, PermanentError, RateLimited, RetryableError
from tallystick_stripe.faults import MissingError, classify

RIGHT = (
    "The provided key 'rk_live_********emo1' does not have the required permissions for this endpoint on account "
    "'acct_1'. Having the 'rak_dispute_read' permission would allow this request to continue."
)


def _response(status, error=None, body=None, **headers):
    content = body if body is not None else json.dumps({"error": error or {}}).encode()
    return Response.of(status, headers, content, "req_1")


ROWS = [
    (400, {"code": "parameter_unknown"}, {}, PermanentError),
    (400, {"type": "idempotency_error"}, {}, PermanentError),
    (400, {"code": "resource_missing"}, {}, MissingError),
    (401, {}, {}, AuthorizationError),
    (401, {"code": "api_key_expired"}, {}, AuthorizationError),
    (402, {"code": "card_declined"}, {}, PermanentError),
    (403, {"message": RIGHT}, {}, AuthorizationError),
    (404, {"code": "resource_missing"}, {}, MissingError),
    (404, {}, {}, PermanentError),
    (409, {}, {}, RetryableError),
    (429, {"code": "rate_limit"}, {"stripe-rate-limited-reason": "endpoint-rate"}, RateLimited),
    (429, {"code": "rate_limit"}, {}, RateLimited),
    (429, {"code": "lock_timeout"}, {}, RetryableError),
    (429, {"code": "lock_timeout"}, {"stripe-rate-limited-reason": "resource-specific"}, RateLimited),
    (500, {}, {}, RetryableError),
    (503, {}, {}, RetryableError),
    (500, {}, {"stripe-should-retry": "false"}, PermanentError),
    (409, {}, {"stripe-should-retry": "false"}, PermanentError),
    (400, {}, {"stripe-should-retry": "true"}, RetryableError),
    (429, {"code": "rate_limit"}, {"stripe-should-retry": "true"}, RateLimited),
    (418, {}, {}, PermanentError),
]


@pytest.mark.parametrize(("status", "error", "headers", "expected"), ROWS)
def test_each_refusal_has_its_place(status, error, headers, expected):
    """Every row of the table gives its error, with the request id and something to do next."""
    found = classify(_response(status, error, **headers))

    assert type(found) is expected
    assert found.request_id == "req_1"
    assert found.hint


@pytest.mark.parametrize("status", [200, 204])
def test_a_good_answer_is_no_error(status):
    """2xx stands for no error."""
    assert classify(_response(status)) is None


def test_a_missing_right_is_named():
    """403 names the right that Stripe names."""
    found = classify(_response(403, {"message": RIGHT}))

    assert "the right rak_dispute_read" in found.message
    assert "rak_dispute_read" in found.hint


def test_a_missing_right_without_a_name():
    """403 without a name still says what to do."""
    assert "a right it needs" in classify(_response(403, {"message": "no"})).message


def test_an_expired_key_is_told_apart():
    """401 says whether the key has expired or is unknown."""
    assert "has expired" in classify(_response(401, {"code": "api_key_expired"})).message
    assert "is not accepted" in classify(_response(401)).message


def test_how_long_to_wait_and_why():
    """429 carries Stripe's reason and, if it ever comes, Retry-After."""
    headers = {"stripe-rate-limited-reason": "global-concurrency", "retry-after": "4"}
    found = classify(_response(429, {"code": "rate_limit"}, **headers))

    assert found.retry_after == 4.0
    assert "global-concurrency" in found.message


@pytest.mark.parametrize(
    "body", [b"", b"<html>bad gateway</html>", b"\xff", b"[]", b'{"error": "text"}', b"[" * 100_000]
)
@pytest.mark.parametrize(
    ("status", "expected"), [(502, RetryableError), (403, AuthorizationError), (404, PermanentError)]
)
def test_a_body_that_is_not_stripes_is_no_obstacle(status, expected, body):
    """HTML, nothing, or nonsense as the body of an error leaves the status to decide."""
    assert type(classify(_response(status, body=body))) is expected


@pytest.mark.parametrize(
    "said",
    [
        "Invalid API Key provided: sk_live_51Hxabcdef",
        "Expired API Key provided: rk_test_abc123",
        "pk_abcdef is publishable",
        "two\nlines with rk_live_*******abc",
    ],
)
def test_no_message_repeats_a_key(said):
    """Whatever looks like a key in Stripe's words is cut, and line ends do not get through."""
    text = classify(_response(401, {"message": said})).diagnostics()

    assert "abc" not in text
    assert "two\nlines" not in text


def test_a_long_message_is_cut():
    """A message of any length becomes one of readable length."""
    assert len(classify(_response(400, {"message": "x" * 10**6})).message) < 1000

"""What refusals mean: the reason on one line, the scopes by name, and nothing that is secret."""

import json

import pytest

from tallystick.connectors import masked
from tallystick.errors import RateLimited, RetryableError
from tallystick_hubspot.faults import PausedError, refusal, said, spent


def _bytes(body):
    return json.dumps(body).encode()


def test_missing_scopes_are_named():
    """A 403 says which scopes to grant."""
    body = {
        "status": "error",
        "category": "MISSING_SCOPES",
        "message": "This app hasn't been granted all required scopes.",
        "errors": [{"message": "x", "context": {"requiredGranularScopes": ["crm.objects.deals.read"]}}],
    }

    assert "crm.objects.deals.read" in refusal(403, _bytes(body), "req").message


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"message": 5}', b"\xff", b"[" * 5000])
def test_any_body_gives_a_reason(body):
    """A gateway may have answered in HubSpot's place: whatever the body, there is a reason to show."""
    assert said(body) == "without a reason we can read"


@pytest.mark.parametrize(
    "text", ["Bearer abcdef", "pat-eu1-12345678-aaaa", "a" * 40, "key%20with%2Fsigns", "key with/signs"]
)
def test_what_looks_like_a_secret_is_not_shown(text):
    """Keys and bearers in a reason are blotted out, in every spelling of the one we sent."""
    assert text not in said(_bytes({"message": f"no: {text} !"}), ["key with/signs"])


def test_a_reason_is_one_short_line():
    """Line breaks and control signs do not reach a terminal, and a long reason is cut."""
    line = said(_bytes({"message": "a\n\x1b[31m" + "b" * 1000}))

    assert line.isprintable()
    assert len(line) == 300


def test_masking_starts_with_the_longest():
    """A secret that holds another one is blotted out whole."""
    assert masked("xabcy", ["b", "abc"]) == "x...y"


def test_the_policy_decides_about_a_refused_call():
    """Only the policy of the day stops the run; a locked record waits two seconds at least."""
    day = refusal(429, _bytes({"policyName": "DAILY"}), None, 5.0)
    ten = refusal(429, _bytes({"policyName": "TEN_SECONDLY_ROLLING"}), None, 5.0)

    assert type(day) is PausedError
    assert day.retry_after == 3600
    assert type(ten) is RateLimited
    assert ten.retry_after == 5.0
    assert refusal(423, b"", None, 0.1).retry_after == 2.0
    assert refusal(503, b"", None, 7.0).retry_after == 7.0
    assert type(refusal(503, b"", None)) is RetryableError


@pytest.mark.parametrize(("value", "expected"), [("0", True), (" 0 ", True), ("1", False), ("x", False), ("", False)])
def test_headers_tell_when_nothing_is_left(value, expected):
    """A limit is spent when a header says zero, and not when it cannot be read."""
    assert spent({"x-hubspot-ratelimit-remaining": value}) is expected

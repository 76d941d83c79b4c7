"""The signature of a webhook."""

import base64
import hashlib
import hmac
import json

import pytest

from tallystick.errors import AuthorizationError, SchemaChanged
from tallystick_zendesk.webhooks import SIGNATURE, TIMESTAMP, TOLERANCE, Hint, verify

SECRET = "secret"
AT = "2026-11-22T10:00:00Z"
NOW = 1_795_341_600_000_000
BODY = json.dumps(
    {
        "id": "evt_1",
        "type": "zen:event-type:ticket.status_changed",
        "subject": "zen:ticket:35436",
        "detail": {"id": "35436"},
        "event": {"current": "SOLVED", "previous": "OPEN"},
    }
).encode()


def _sign(body=BODY, secret=SECRET, at=AT):
    signature = base64.b64encode(hmac.new(secret.encode(), at.encode() + body, hashlib.sha256).digest()).decode()
    return [("X-Zendesk-Webhook-Signature", signature), ("X-Zendesk-Webhook-Signature-Timestamp", at)]


def test_the_known_vector_passes():
    """The vector of the reference is accepted as signed; its body is too short to be an event."""
    body = b'{"type":"zen:event-type:ticket.created"}'
    headers = {SIGNATURE: "/N1K/aFXvXxh+il4vcap0NAcxpMTd8YMpM7W6t0oWnM=", TIMESTAMP: AT}

    assert dict(_sign(body))["X-Zendesk-Webhook-Signature"] == headers[SIGNATURE]
    with pytest.raises(SchemaChanged):
        verify(body, headers, SECRET, NOW)


def test_a_signed_webhook_tells_which_ticket_to_read():
    """A good signature gives the event and its ticket, from pairs and from a mapping, whatever else was sent."""
    expected = Hint("evt_1", "zen:event-type:ticket.status_changed", "35436")

    assert verify(BODY, [("Host", "x"), *_sign()], SECRET, NOW) == expected
    assert verify(BODY, dict(_sign()), SECRET, NOW) == expected


@pytest.mark.parametrize(
    ("change", "ticket"),
    [
        ({"detail": None}, "35436"),
        ({"detail": None, "subject": None}, None),
        ({"type": "zen:event-type:user.created", "subject": "zen:user:1", "detail": {"id": "1"}}, None),
    ],
)
def test_the_ticket_is_found_where_it_stands(change, ticket):
    """The subject names the ticket where the detail does not, and an event of a user names none."""
    body = json.dumps({**json.loads(BODY), **change}).encode()

    assert verify(body, _sign(body), SECRET, NOW).ticket_id == ticket


@pytest.mark.parametrize("seconds", [-TOLERANCE, 0, TOLERANCE])
def test_five_minutes_either_way_are_tolerated(seconds):
    """A signature up to five minutes old, or up to five minutes ahead, passes."""
    assert verify(BODY, _sign(), SECRET, NOW + seconds * 1_000_000)


@pytest.mark.parametrize("seconds", [-TOLERANCE - 1, TOLERANCE + 1, 86_400, -86_400])
def test_older_or_from_the_future_is_refused(seconds):
    """Beyond five minutes a good signature is refused in both directions."""
    with pytest.raises(AuthorizationError, match="five minutes"):
        verify(BODY, _sign(), SECRET, NOW + seconds * 1_000_000)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        _sign()[:1],
        _sign()[1:],
        [*_sign(), _sign()[0]],
        [*_sign(), _sign()[1]],
        [("X-Zendesk-Webhook-Signature", "a, b"), _sign()[1]],
        [("X-Zendesk-Webhook-Signature", "ä" * 44), _sign()[1]],
        [("X-Zendesk-Webhook-Signature", ""), _sign()[1]],
        [("X-Zendesk-Webhook-Signature", "x" * 1000), _sign()[1]],
        [_sign()[0], ("X-Zendesk-Webhook-Signature-Timestamp", "soon")],
        [_sign()[0], ("X-Zendesk-Webhook-Signature-Timestamp", "2026-11-22T10:00:00")],
        [_sign()[0], ("X-Zendesk-Webhook-Signature-Timestamp", "2026-11-22T10:00:00Z\u0661")],
    ],
)
def test_missing_doubled_or_unreadable_headers_are_refused(headers):
    """A header that is missing, doubled, joined, empty, too long, not ASCII or no time refuses the webhook."""
    with pytest.raises(AuthorizationError):
        verify(BODY, headers, SECRET, NOW)


@pytest.mark.parametrize(
    ("body", "secret", "headers"),
    [
        (BODY + b" ", SECRET, _sign()),
        (BODY, "other", _sign()),
        (BODY, SECRET, _sign(at="2026-11-22T10:00:01Z")[:1] + _sign()[1:]),
        (BODY, "", _sign(secret="")),
        (BODY, "sécret", _sign()),
    ],
)
def test_another_body_secret_or_time_is_refused(body, secret, headers):
    """One sign more in the body, another secret, another time, or no secret at all fails."""
    with pytest.raises(AuthorizationError) as caught:
        verify(body, headers, secret, NOW)
    assert not secret or f" {secret} " not in caught.value.diagnostics()


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"{}", b'{"id": 1, "type": 2}'])
def test_signed_but_no_event_is_told(body):
    """What is signed and cannot be read is a change of shape, not a forgery."""
    with pytest.raises(SchemaChanged):
        verify(body, _sign(body), SECRET, NOW)

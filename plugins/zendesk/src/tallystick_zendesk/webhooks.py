"""The signature of a webhook. A webhook is a hint: what it says is read again before it counts."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tallystick.errors import AuthorizationError, SchemaChanged
from tallystick_zendesk.objects import at, identifier

__all__ = ["SIGNATURE", "TIMESTAMP", "TOLERANCE", "Hint", "verify"]

SIGNATURE = "x-zendesk-webhook-signature"
"""Header with the signature."""

TIMESTAMP = "x-zendesk-webhook-signature-timestamp"
"""Header with the signed time."""

TOLERANCE = 300
"""Seconds by which the signed time may differ from ours, in either direction; a constant, because 0 would mean any."""

_MICROSECONDS = 1_000_000
_MOST_SIGNS = 200
_AS_IT_CAME = "Pass headers and body on exactly as they came."


class _Body(msgspec.Struct):
    id: str
    type: str
    subject: str | None = None
    detail: Any = None


class Hint(msgspec.Struct, frozen=True):
    """What a webhook that Zendesk signed tells: which ticket to read again; None where it is about no ticket."""

    event_id: str
    event: str
    ticket_id: str | None


def verify(payload: bytes, headers: Mapping[str, str] | Iterable[tuple[str, str]], secret: str, now: int) -> Hint:
    """Give what a webhook says, if Zendesk signed it within five minutes of `now`, before or after.

    The same webhook may come twice, late, or out of order.

    Args:
        payload: Body exactly as it came.
        headers: All headers of the call; as pairs, so that a doubled one is seen.
        secret: The signing secret of the webhook.
        now: The present, microseconds UTC.

    Raises:
        AuthorizationError: It is not signed, not with this secret, or not at about this time.
        SchemaChanged: It is signed, but is no event.
    """
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    signature, timestamp = _single(pairs, SIGNATURE), _single(pairs, TIMESTAMP)
    signed_at = at(timestamp)
    if signed_at is None:
        raise _refused("its signed time cannot be read", _AS_IT_CAME)
    if abs(now - signed_at) > TOLERANCE * _MICROSECONDS:
        raise _refused("it was signed more than five minutes before or after now", "Compare the clocks; resend it.")
    if not secret or not secret.isascii():
        raise _refused("the signing secret is empty or has special characters", "Store the webhook's signing secret.")
    expected = b64encode(hmac.digest(secret.encode(), timestamp.encode() + payload, "sha256"))
    if not hmac.compare_digest(expected, signature.encode()):
        raise _refused("its signature does not match", "Check the webhook's signing secret.")
    return _hint(payload)


def _single(pairs: Iterable[tuple[str, str]], wanted: str) -> str:
    """Give the value of a header that must be there once; a comma shows that two were joined."""
    found = [value for name, value in pairs if name.lower() == wanted]
    if len(found) != 1 or "," in found[0]:
        raise _refused(f"its header {wanted} is missing or doubled", _AS_IT_CAME)
    value = found[0]
    if not value.isascii() or not value.isprintable() or not 0 < len(value) <= _MOST_SIGNS:
        raise _refused(f"its header {wanted} is empty, too long or has special characters", _AS_IT_CAME)
    return value


def _hint(payload: bytes) -> Hint:
    try:
        body = msgspec.json.decode(payload, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SchemaChanged(
            "a webhook that Zendesk signed is no event that we know", hint="Update tallystick-zendesk."
        ) from None
    about_ticket = ":ticket." in body.type
    ticket = identifier(body.detail.get("id")) if about_ticket and type(body.detail) is dict else None
    if ticket is None and body.subject is not None and body.subject.startswith("zen:ticket:"):
        ticket = body.subject.removeprefix("zen:ticket:") or None
    return Hint(body.id, body.type, ticket)


def _refused(reason: str, hint: str) -> AuthorizationError:
    return AuthorizationError(f"a webhook was refused: {reason}", hint=hint)

"""The signature of a webhook. A webhook is a hint: what it says is read again before it counts."""

from __future__ import annotations

import re

import msgspec

from tallystick.errors import AuthorizationError, SchemaChanged

__all__ = ["TOLERANCE", "Hint", "verify"]

TOLERANCE = 300
"""Seconds by which the signed time may differ from ours, in either direction; a constant, because 0 would mean any."""

_MICROSECONDS = 1_000_000
_TIME = re.compile(r"[0-9]{1,11}", re.ASCII)


class _Object(msgspec.Struct):
    id: str | None = None
    object: str | None = None


class _Data(msgspec.Struct):
    object: _Object


class _Body(msgspec.Struct):
    id: str
    type: str
    data: _Data
    livemode: bool | None = None


class Hint(msgspec.Struct, frozen=True):
    """What a webhook that Stripe signed tells: which object to read again.

    `object_type` is Stripe's own name of the object.
    """

    event_id: str
    event: str
    object_type: str | None
    object_id: str | None
    livemode: bool | None


def verify(payload: bytes, header: str, secret: str, now: int) -> Hint:
    """Give what a webhook says, if Stripe signed it within five minutes of `now`, before or after.

    The same webhook may come twice, late, or out of order.

    Args:
        payload: Body exactly as it came.
        header: The `Stripe-Signature` header.
        secret: The signing secret of the endpoint.
        now: The present, microseconds UTC.

    Raises:
        AuthorizationError: It is not signed, not with this secret, or not at about this time.
        SchemaChanged: It is signed, but is no event.
    """
    import stripe

    signed_at = _signed_at(header)
    if abs(now - signed_at * _MICROSECONDS) > TOLERANCE * _MICROSECONDS:
        raise _refused(
            "it was signed more than five minutes before or after now", "Compare the clocks; then resend it."
        )
    if not secret or not secret.isascii():
        raise _refused("the signing secret is empty or has special characters", "Store the endpoint's whsec_ secret.")
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        raise _refused("its body is not UTF-8", "Pass the body on exactly as it came.") from None
    try:
        # Our own gate has judged the time, with our clock; the SDK's look at its age would use another one.
        stripe.WebhookSignature.verify_header(text, header, secret, tolerance=None)
    except stripe.SignatureVerificationError:
        raise _refused("its signature does not match", "Check the endpoint's signing secret.") from None
    return _hint(payload)


def _signed_at(header: str) -> int:
    """Give the signed time in seconds; a header with none, several or an unreadable one is refused."""
    if not header.isascii():
        raise _refused("its signature header has special characters", "Pass the header on exactly as it came.")
    times = [part[2:] for part in header.replace(" ", "").split(",") if part.startswith("t=")]
    if len(times) != 1 or not _TIME.fullmatch(times[0]):
        raise _refused("its signature header has no single time", "Pass the header on exactly as it came.")
    return int(times[0])


def _hint(payload: bytes) -> Hint:
    try:
        body = msgspec.json.decode(payload, type=_Body)
    except (msgspec.DecodeError, RecursionError):
        raise SchemaChanged(
            "a webhook that Stripe signed is no event that we know", hint="Update tallystick-stripe."
        ) from None
    thing = body.data.object
    return Hint(body.id, body.type, thing.object, thing.id, body.livemode)


def _refused(reason: str, hint: str) -> AuthorizationError:
    return AuthorizationError(f"a webhook was refused: {reason}", hint=hint)

"""The signature of webhooks. A webhook is a hint: what it says is read again before it counts.

The signature is computed by hubspot-api-client. Its own check of the time takes any time that is still to come, and
reads the machine's clock; so time, address and headers are judged here, before it is asked.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tallystick.errors import AuthorizationError, SchemaChanged
from tallystick_hubspot.objects import Id, identifier, number

__all__ = ["SIGNATURE", "TIMESTAMP", "TOLERANCE", "Hint", "verify"]

SIGNATURE = "x-hubspot-signature-v3"
"""Header with the signature; the older ones are not signed with a time and do not count."""

TIMESTAMP = "x-hubspot-request-timestamp"
"""Header with the signed time, milliseconds since 1970."""

TOLERANCE = 300
"""Seconds by which the signed time may differ from ours, in either direction; a constant, because 0 would mean any."""

_MOST_SIGNS = 200
_AS_IT_CAME = "Pass headers and body on exactly as they came."
# The percent sequences that HubSpot decodes before it signs an address.
_DECODED = {f"%{ord(sign):02X}": sign for sign in ":/?@!$'()*,;"}
_RECORDS = {"0-1": "contact", "0-2": "account", "0-3": "deal", "0-5": "ticket", "0-47": "meeting", "0-48": "call"}
_WORDS = {"contact": "contact", "company": "account", "deal": "deal", "ticket": "ticket"}


class _Event(msgspec.Struct, rename="camel"):
    subscription_type: str
    event_id: Id | None = None
    object_id: Id | None = None
    object_type_id: Any = None


class Hint(msgspec.Struct, frozen=True):
    """One event of a webhook that HubSpot signed; `ref` is what `lookup` takes, None where it is about nothing we read.

    `event_id` is none where HubSpot gives none; the same event may come twice.
    """

    event_id: str | None
    event: str
    ref: str | None


def verify(
    payload: bytes,
    headers: Mapping[str, str] | Iterable[tuple[str, str]],
    secret: str,
    now: int,
    *,
    address: str,
    method: str = "POST",
) -> list[Hint]:
    """Give what a webhook says, if HubSpot signed it within five minutes of `now`, before or after.

    The same event may come twice, late, or out of order.

    Args:
        payload: Body exactly as it came.
        headers: All headers of the call; as pairs, so that a doubled one is seen.
        secret: The app's client secret.
        now: The present, microseconds UTC.
        address: Where HubSpot sends to: the public origin as configured, never the call's `Host`, with path and query.
        method: Method of the call.

    Raises:
        AuthorizationError: It is not signed, not with this secret, or not at about this time.
        SchemaChanged: It is signed, but is no list of events.
    """
    from hubspot.utils.signature import Signature

    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    signature, timestamp = _single(pairs, SIGNATURE), _single(pairs, TIMESTAMP)
    signed_at = number(timestamp)
    if signed_at is None:
        raise _refused("its signed time cannot be read", _AS_IT_CAME)
    if abs(now // 1_000 - signed_at) > TOLERANCE * 1_000:
        raise _refused("it was signed more than five minutes before or after now", "Compare the clocks; resend it.")
    if not secret or not secret.isascii():
        raise _refused("the app's secret is empty or has special characters", "Store the app's client secret.")
    try:
        body = payload.decode()
    except UnicodeDecodeError:
        raise _refused("its body is no text", _AS_IT_CAME) from None
    expected = Signature.get_signature(
        secret, body, "v3", http_uri=_decoded(address), http_method=method.upper(), timestamp=timestamp
    )
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise _refused("its signature does not match", "Check the app's client secret and the public address.")
    return _hints(payload)


def _decoded(address: str) -> str:
    """Give an address as HubSpot signs it: some percent sequences decoded, and without a fragment."""
    text = urlsplit(address)._replace(fragment="").geturl()
    for sequence, sign in _DECODED.items():
        text = text.replace(sequence, sign).replace(sequence.lower(), sign)
    return text


def _single(pairs: Iterable[tuple[str, str]], wanted: str) -> str:
    """Give the value of a header that must be there once; a comma shows that two were joined."""
    found = [value for name, value in pairs if name.lower() == wanted]
    if len(found) != 1 or "," in found[0]:
        raise _refused(f"its header {wanted} is missing or doubled", _AS_IT_CAME)
    value = found[0]
    if not value.isascii() or not value.isprintable() or not 0 < len(value) <= _MOST_SIGNS:
        raise _refused(f"its header {wanted} is empty, too long or has special characters", _AS_IT_CAME)
    return value


def _hints(payload: bytes) -> list[Hint]:
    try:
        events = msgspec.json.decode(payload, type=list[_Event])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SchemaChanged(
            "a webhook that HubSpot signed is no list of events that we know", hint="Update tallystick-hubspot."
        ) from None
    return [Hint(identifier(event.event_id), event.subscription_type, _ref(event)) for event in events]


def _ref(event: _Event) -> str | None:
    """Give what the event is about; meetings and calls are told by the number of their type alone."""
    key = identifier(event.object_id)
    word = event.subscription_type.partition(".")[0]
    record = _RECORDS.get(identifier(event.object_type_id) or "") or _WORDS.get(word)
    return None if key is None or record is None else f"{record}/{key}"


def _refused(reason: str, hint: str) -> AuthorizationError:
    return AuthorizationError(f"a webhook was refused: {reason}", hint=hint)

"""Usage-based billing: meter events come in, each identifier once a day, and can be cancelled for a day.

Written from https://docs.stripe.com/api/billing/meter-event and /meter-event-adjustment. The text about an identifier
that is known is Stripe's own; those of the other refusals are not confirmed. Customers are looked up later, as Stripe
does, so that an unknown one is taken here.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from tallystick_stripe.simulator.books import Obj
from tallystick_stripe.simulator.errors import WireError
from tallystick_stripe.simulator.keys import Key

__all__ = ["METERS", "Meters"]

METERS = ("outcomes", "collected")
"""Event names of the account's meters."""

_DAY = 86_400
_PAST, _FUTURE = 35 * _DAY, 300
_LONGEST = 100
_DIGITS = 15
_PATHS = {
    "/v1/billing/meter_events": ({"event_name", "identifier", "timestamp"}, "payload"),
    "/v1/billing/meter_event_adjustments": ({"event_name", "type"}, "cancel"),
}


class Meters:
    """The meter events of an account.

    `events` holds every one that was taken, oldest first, as Stripe answered it; `received` when, and `cancelled` the
    identifiers that were cancelled.
    """

    def __init__(self) -> None:
        self.events: list[Obj] = []
        self.received: dict[str, int] = {}
        self.cancelled: set[str] = set()

    @property
    def totals(self) -> dict[str, int]:
        """What each customer used of each meter: `<event name> <customer>` and the sum of the values."""
        found: dict[str, int] = {}
        for event in self.events:
            if event["identifier"] not in self.cancelled:
                name = f"{event['event_name']} {event['payload']['stripe_customer_id']}"
                found[name] = found.get(name, 0) + int(event["payload"]["value"])
        return found

    def answer(self, key: Key, path: str, body: bytes, now: int) -> Obj:
        """Take in a call to one of the two addresses.

        Args:
            key: The key of the call, which must be one that may report usage.
            path: Path, like `/v1/billing/meter_events`.
            body: The form as sent.
            now: Virtual now, Unix seconds.

        Raises:
            WireError: The call is refused.
        """
        if path not in _PATHS:
            raise WireError.unknown_url("POST", path)
        key.require_metering()
        given = _form(path, body)
        if given.get("event_name") not in METERS:
            raise WireError(404, "No active meter found for that event name.", code="resource_missing")
        if path.endswith("adjustments"):
            return self._cancel(given, now, livemode=key.livemode)
        return self._add(given, now, livemode=key.livemode)

    def _add(self, given: dict[str, Any], now: int, *, livemode: bool) -> Obj:
        identifier = given.get("identifier") or f"generated-{len(self.events)}"
        if len(identifier) > _LONGEST:
            raise WireError(400, "The identifier is too long.", param="identifier")
        if now - self.received.get(identifier, -_DAY) < _DAY:
            text = f"An event already exists with identifier {identifier}."
            raise WireError(400, text, headers={"Stripe-Should-Retry": "false"})
        at = int(given.get("timestamp") or now)
        if not now - _PAST <= at <= now + _FUTURE:
            text = "The timestamp must be within the past 35 calendar days or up to 5 minutes in the future."
            raise WireError(400, text, param="timestamp")
        payload = given.get("payload", {})
        if not re.fullmatch(r"-?\d+", payload.get("value", "")) or not payload.get("stripe_customer_id"):
            raise WireError(400, "The payload must contain stripe_customer_id and a whole number.", param="payload")
        if len(payload["value"].lstrip("-")) > _DIGITS:
            text = f"The value in the event payload can have at most {_DIGITS} digits."
            raise WireError(400, text, param="payload[value]")
        event = {
            "object": "billing.meter_event",
            "created": now,
            "event_name": given["event_name"],
            "identifier": identifier,
            "livemode": livemode,
            "payload": payload,
            "timestamp": at,
        }
        self.events.append(event)
        self.received[identifier] = now
        return event

    def _cancel(self, given: dict[str, Any], now: int, *, livemode: bool) -> Obj:
        identifier = given.get("cancel", {}).get("identifier", "")
        if given.get("type") != "cancel":
            raise WireError(400, "Invalid type: must be cancel", param="type")
        if now - self.received.get(identifier, -_DAY) >= _DAY or identifier in self.cancelled:
            raise WireError(400, "No meter event of the last 24 hours can be cancelled by that identifier.")
        self.cancelled.add(identifier)
        return {
            "object": "billing.meter_event_adjustment",
            "cancel": {"identifier": identifier},
            "event_name": given["event_name"],
            "livemode": livemode,
            "status": "pending",
            "type": "cancel",
        }


def _form(path: str, body: bytes) -> dict[str, Any]:
    plain, nested = _PATHS[path]
    found: dict[str, Any] = {}
    for name, value in parse_qsl(body.decode(), keep_blank_values=True):
        base, _, inner = name.partition("[")
        if base == nested and inner.endswith("]"):
            found.setdefault(base, {})[inner[:-1]] = value
        elif name in plain:
            found[name] = value
        else:
            raise WireError.unknown_param(name)
    return found

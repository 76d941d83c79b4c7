"""Signed webhooks: what HubSpot would post about the deeds of a plan, some twice and not in order.

The signature (version 3) is base64 of HMAC-SHA256 with the app's secret over method, address, body and timestamp with
nothing between them: https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
from typing import NamedTuple

import msgspec

from tallystick_hubspot.simulator.happenings import Happening, happenings
from tallystick_hubspot.simulator.items import Obj
from tallystick_hubspot.simulator.kinds import KINDS
from tallystick_hubspot.simulator.plan import Plan

__all__ = ["EVENTS", "Delivery", "deliveries", "sign"]

EVENTS = 100
"""Events of one post at most."""

_SUBSCRIPTIONS = {
    "CREATE": "creation",
    "UPDATE": "propertyChange",
    "DELETE": "deletion",
    "RESTORE": "restore",
    "MERGE": "merge",
    "GDPR_DELETE": "privacyDeletion",
    "ASSOCIATION_ADDED": "associationChange",
    "ASSOCIATION_REMOVED": "associationChange",
}


class Delivery(NamedTuple):
    """One post as it arrives."""

    headers: dict[str, str]
    body: bytes


def sign(secret: str, uri: str, timestamp: str, body: bytes) -> str:
    """Give the signature of a body posted to an address at a timestamp (milliseconds as text)."""
    source = b"POST" + uri.encode() + body + timestamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), source, hashlib.sha256).digest()).decode()


def deliveries(
    plan: Plan, *, secret: str, uri: str, app_id: int = 1_000, seed: int = 1, until: int | None = None, events: int = 5
) -> list[Delivery]:
    """Give the posts about all that happens to objects in a plan.

    Args:
        plan: What happens.
        secret: Secret of the app.
        uri: Address that is posted to, as it stands in the app's settings.
        app_id: The app.
        seed: Same seed, same order and same repetitions.
        until: Unix milliseconds; nothing later is told of. None for all.
        events: Events of a post, at most a hundred.

    Returns:
        Every event at least once; one post in five a second time, later, with another attempt number; neighbours are
        often swapped.
    """
    done = sorted((deed for deed in plan.deeds if until is None or deed.at <= until), key=lambda deed: deed.at)
    rows = [row for event in happenings(done) for row in _rows(event, plan.account.portal, app_id)]
    for number, row in enumerate(rows):
        row["eventId"] = 3_000_000_000 + number
    posts = [rows[start : start + min(events, EVENTS)] for start in range(0, len(rows), min(events, EVENTS))]
    chance = random.Random(f"webhooks/{seed}")
    late = [(place + chance.uniform(0, 4), 0, post) for place, post in enumerate(posts)]
    late += [(place + chance.uniform(1, 9), 1, post) for place, post in enumerate(posts) if chance.random() < 0.2]
    return [_signed(secret, uri, attempt, post) for _, attempt, post in sorted(late, key=lambda one: one[:2])]


def _rows(event: Happening, portal: int, app_id: int) -> list[Obj]:
    kind = KINDS[event.ref[0]]
    # Meetings and calls have no subscriptions of their own name.
    subject = "object" if kind.name in {"meetings", "calls"} else kind.singular
    row: Obj = {
        "subscriptionId": 50_001,
        "portalId": portal,
        "appId": app_id,
        "occurredAt": event.at,
        "subscriptionType": f"{subject}.{_SUBSCRIPTIONS[event.action]}",
        "objectId": int(event.ref[1]),
        "objectTypeId": kind.type_id,
    }
    if event.author is not None:
        row["changeSource"] = event.author.source
        row["sourceId"] = event.author.source_id
    if event.action == "UPDATE":
        return [{**row, "propertyName": name, "propertyValue": value or ""} for name, value in event.values.items()]
    if event.action == "MERGE" and event.other is not None:
        row |= {"primaryObjectId": row["objectId"], "mergedObjectIds": [int(event.other[1])]}
    elif event.other is not None:
        row |= {"fromObjectId": row["objectId"], "toObjectId": int(event.other[1])}
        row["associationRemoved"] = event.action == "ASSOCIATION_REMOVED"
    return [row]


def _signed(secret: str, uri: str, attempt: int, post: list[Obj]) -> Delivery:
    body = msgspec.json.encode([{**row, "attemptNumber": attempt} for row in post])
    sent = str(max(int(row["occurredAt"]) for row in post) + 1_000 + attempt * 60_000)
    headers = {
        "Content-Type": "application/json",
        "X-HubSpot-Signature-v3": sign(secret, uri, sent, body),
        "X-HubSpot-Request-Timestamp": sent,
    }
    return Delivery(headers, body)

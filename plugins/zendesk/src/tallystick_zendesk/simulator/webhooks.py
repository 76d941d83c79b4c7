"""Signed webhooks: what Zendesk would post about the acts of a plan, some twice and not in order.

The signature is base64 of HMAC-SHA256 with the secret of the webhook, over the timestamp and the body with nothing
between them: https://developer.zendesk.com/documentation/webhooks/verifying/.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from tallystick.testing.instants import iso
from tallystick_zendesk.simulator.draft import Obj
from tallystick_zendesk.simulator.plan import Plan
from tallystick_zendesk.simulator.tickets import Event, Ticket
from tallystick_zendesk.simulator.world import World

__all__ = ["Delivery", "deliveries", "sign"]

_PREFIX = "zen:event-type:ticket."
_FIELDS = {
    "assignee_id": "agent_assignment_changed",
    "group_id": "group_assignment_changed",
    "priority": "priority_changed",
    "satisfaction_score": "csat_received",
    "status": "status_changed",
}


class Delivery(NamedTuple):
    """One post as it arrives."""

    headers: dict[str, str]
    body: bytes


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Give the signature of a body posted at a timestamp (ISO 8601 text)."""
    digest = hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def deliveries(plan: Plan, *, secret: str, seed: int = 1, until: int | None = None) -> list[Delivery]:
    """Give the posts about all acts of a plan.

    Args:
        plan: What happens.
        secret: Secret of the webhook.
        seed: Same seed, same order and same repetitions.
        until: Unix seconds; nothing later is told of. None for all.

    Returns:
        Every post at least once; one in five a second time, later; neighbours are often swapped.
    """
    last = max((act.at for act in plan.acts), default=0)
    world = World(plan, last if until is None else until)
    posts: list[Delivery] = []
    for event in world.events:
        ticket = world.tickets[event.ticket]
        for place, (kind, change) in enumerate(_told(event, ticket)):
            posts.append(
                _signed(secret, iso(event.at + 1), _body(event, ticket, kind, {**change, **_meta(event, place)}))
            )
    chance = random.Random(f"webhooks/{seed}")
    late = [(place + chance.uniform(0, 4), post) for place, post in enumerate(posts)]
    late += [(place + chance.uniform(1, 9), post) for place, post in enumerate(posts) if chance.random() < 0.2]
    return [post for _, post in sorted(late, key=lambda pair: pair[0])]


def _told(event: Event, ticket: Ticket) -> Iterator[tuple[str, Obj]]:
    if ticket.events[0] is event:
        yield "created", {}
    for child in event.children:
        if child.get("type") in {"Comment", "VoiceComment"}:
            yield from _comment(child)
        elif child.get("event_type") == "Change":
            yield from _change(child)
        elif child.get("event_type") == "CommentPrivacyChange" and not child["public"]:
            yield "comment_made_private", {"comment": {"id": str(child["comment_id"])}}
        elif child.get("event_type") == "SurveyResponseSubmitted":
            yield "csat_received", {"current": str(child["rating"])}


def _comment(child: Obj) -> Iterator[tuple[str, Obj]]:
    shown = {
        "id": str(child["id"]),
        "body": child["body"],
        "is_public": child["public"],
        "author": {"id": str(child["author_id"])},
    }
    yield "comment_added", {"comment": shown}
    came_by = child["via"]
    into = came_by["source"]["to"].get("ticket_id") if isinstance(came_by, dict) and came_by.get("source") else None
    if into is not None:
        yield "merged", {"target_ticket_id": str(into)}


def _change(child: Obj) -> Iterator[tuple[str, Obj]]:
    old: Any = child.get("previous_value")
    if "tags" in child:
        added = [tag for tag in child["tags"] if tag not in old]
        yield "tags_changed", {"tags_added": added, "tags_removed": [tag for tag in old if tag not in child["tags"]]}
    elif "mark_as_spam" in child:
        yield "marked_as_spam", {}
    elif "custom_ticket_fields" in child:
        key, value = next(iter(child["custom_ticket_fields"].items()))
        yield "custom_field_changed", {"field": {"id": key}, "current": _text(value), "previous": _text(old)}
    elif child.get("status") == "deleted":
        yield "soft_deleted", {}
    elif "status" in child and old == "deleted":
        yield "undeleted", {}
    else:
        for field, kind in _FIELDS.items():
            if field in child:
                offered = child[field] == "offered"
                yield "csat_requested" if offered else kind, {"current": _text(child[field]), "previous": _text(old)}


def _meta(event: Event, place: int) -> Obj:
    """Give what groups the posts of one act."""
    return {"meta": {"sequence": {"id": str(event.id), "position": place + 1}}}


def _body(event: Event, ticket: Ticket, kind: str, change: Obj) -> Obj:
    detail = {
        "id": str(ticket.id),
        "actor_id": str(event.author),
        "assignee_id": _text(ticket.assignee),
        "group_id": _text(ticket.group),
        "requester_id": str(ticket.opening.requester),
        "status": ticket.status.upper(),
        "subject": ticket.opening.subject,
        "tags": ticket.tags,
        "via": {"channel": ticket.opening.channel},
        "created_at": iso(ticket.created_at),
        "updated_at": iso(ticket.acted_at),
    }
    place = change["meta"]["sequence"]["position"]
    return {
        "type": f"{_PREFIX}{kind}",
        "account_id": 1_000_001,
        "id": hashlib.sha256(f"{event.id}/{place}".encode()).hexdigest()[:26].upper(),
        "time": iso(event.at),
        "zendesk_event_version": "2022-11-06",
        "subject": f"zen:ticket:{event.ticket}",
        "detail": detail,
        "event": change,
    }


def _signed(secret: str, sent: str, content: Obj) -> Delivery:
    body = msgspec.json.encode(content)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "X-Zendesk-Account-Id": "1000001",
        "X-Zendesk-Webhook-Id": "01SIMULATEDWEBHOOK00000000",
        "X-Zendesk-Webhook-Invocation-Id": content["id"],
        "X-Zendesk-Webhook-Signature": sign(secret, sent, body),
        "X-Zendesk-Webhook-Signature-Timestamp": sent,
    }
    return Delivery(headers, body)


def _text(value: object) -> str | None:
    return None if value is None else str(value)

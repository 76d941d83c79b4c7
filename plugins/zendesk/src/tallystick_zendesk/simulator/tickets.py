"""Tickets: what the account knows of one, and the row that exports and lists show.

Field names as recorded in exports; https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from tallystick.testing.instants import iso
from tallystick_zendesk.simulator.draft import Obj
from tallystick_zendesk.simulator.metrics import Metrics
from tallystick_zendesk.simulator.plan import Opening
from tallystick_zendesk.simulator.vias import MESSAGING, display, via

__all__ = ["SCRUBBED", "Event", "Ticket"]

SCRUBBED = "SCRUBBED"
"""What stands for the words of a deleted ticket."""

_BRAND, _FORM = 360_001_000_001, 360_002_000_002
_STATUS_IDS = {name: 361_000_000_000 + place for place, name in enumerate(("new", "open", "pending", "hold", "solved"))}


@dataclass(slots=True)
class Event:
    """One row of the ticket events export, with its bytes as long as nothing changes it."""

    id: int
    ticket: int
    at: int
    author: int
    channel: str
    children: list[Obj]
    full: bytes | None = None
    bare: bytes | None = None

    def render(self, *, comments: bool) -> bytes:
        """Give the row; without `comments` a comment shows only that it is there and whether it is public."""
        kept = self.full if comments else self.bare
        if kept is None:
            shown = display(self.channel)
            kept = msgspec.json.encode(
                self._row(self.children if comments else [_bare(child, shown) for child in self.children])
            )
            if comments:
                self.full = kept
            else:
                self.bare = kept
        return kept

    def forget(self) -> None:
        """Drop the bytes; a child has changed."""
        self.full = self.bare = None

    def _row(self, children: list[Obj]) -> Obj:
        return {
            "child_events": children,
            "id": self.id,
            "ticket_id": self.ticket,
            "timestamp": self.at,
            "created_at": iso(self.at),
            "updater_id": self.author,
            "via": display(self.channel),
            "system": system(self.author),
            "metadata": {},
            "event_type": "Audit",
        }


def system(author: int) -> Obj:
    """Give where a change came from; nothing is known of what rules do."""
    if author < 0:
        return {}
    return {
        "client": "Mozilla/5.0 (X11; Linux x86_64)",
        "ip_address": f"192.0.2.{author % 250 + 1}",
        "location": "Hamburg, 04, Germany",
        "latitude": 53.55,
        "longitude": 9.99,
    }


def _bare(child: Obj, came_by: str) -> Obj:
    if child.get("type") not in {"Comment", "VoiceComment"}:
        return child
    kept = {name: child[name] for name in ("id", "via", "via_reference_id")}
    if not isinstance(kept["via"], str):
        kept["via"] = came_by
    return {**kept, "comment_present": True, "comment_public": child["public"], "event_type": "Comment"}


@dataclass(slots=True)
class Ticket:
    """One ticket as it is at the virtual instant; instants are Unix seconds."""

    id: int
    opening: Opening
    created_at: int
    metrics: Metrics
    status: str
    ai_agent: bool
    assignee: int | None = None
    group: int | None = None
    tags: list[str] = field(default_factory=list)
    custom: dict[int, object] = field(default_factory=dict)
    plain: dict[str, object] = field(default_factory=dict)
    followups: list[int] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    comments: list[Obj] = field(default_factory=list)
    rating: Obj | None = None
    before_delete: str = "open"
    closed_at: int | None = None
    acted_at: int = 0
    generated: int = 0
    _row: bytes | None = None
    _set: bytes | None = None

    def touch(self, at: int) -> None:
        """Something about the row changed without an event: only the clock of the export moves."""
        self.generated = max(self.generated, at)
        self._row = self._set = None

    def act(self, at: int) -> None:
        """An event was written."""
        self.acted_at = at
        self.touch(at)

    def archived(self, now: int, after: int) -> bool:
        """Tell whether it is archived by now."""
        return self.status == "closed" and self.closed_at is not None and self.closed_at + after <= now

    def render(self, custom_fields: tuple[int, ...]) -> bytes:
        """Give the row, scrubbed if the ticket is deleted."""
        if self._row is None:
            self._row = msgspec.json.encode(self.row(custom_fields))
        return self._row

    def metric_set(self) -> bytes:
        """Give the metric set as JSON."""
        if self._set is None:
            self._set = msgspec.json.encode(self.metrics.row(self.acted_at, solved=self.status in {"solved", "closed"}))
        return self._set

    def row(self, custom_fields: tuple[int, ...]) -> Obj:
        """Give the row as Python has it."""
        opening = self.opening
        gone = self.status == "deleted"
        subject = SCRUBBED if gone else str(self.plain.get("subject", opening.subject))
        words = self.comments[0]["body"] if self.comments else subject
        fields = [{"id": key, "value": None if gone else self.custom.get(key)} for key in custom_fields]
        return {
            "url": f"https://nordwind.zendesk.com/api/v2/tickets/{self.id}.json",
            "id": self.id,
            "external_id": None if gone else opening.external_id,
            "via": self._via(),
            "created_at": iso(self.created_at),
            "updated_at": iso(self.acted_at),
            "generated_timestamp": self.generated,
            "type": self.plain.get("type"),
            "subject": subject,
            "raw_subject": subject,
            "description": SCRUBBED if gone else words,
            "priority": self.plain.get("priority"),
            "status": self.status,
            "recipient": "support@nordwind.example" if opening.channel in {"email", "mail"} else None,
            "requester_id": opening.requester,
            "submitter_id": opening.submitter or opening.requester,
            "assignee_id": self.assignee,
            "organization_id": None,
            "group_id": self.group,
            "collaborator_ids": list(opening.cc),
            "follower_ids": [],
            "email_cc_ids": list(opening.cc),
            "forum_topic_id": None,
            "problem_id": None,
            "has_incidents": False,
            "is_public": any(comment["public"] for comment in self.comments),
            "due_at": None,
            "tags": self.tags,
            "custom_fields": fields,
            "satisfaction_rating": self._rating(),
            "sharing_agreement_ids": [],
            "custom_status_id": _STATUS_IDS.get(self.status),
            "fields": fields,
            "followup_ids": self.followups,
            "ticket_form_id": _FORM,
            "brand_id": _BRAND,
            "allow_channelback": False,
            "allow_attachments": True,
            "from_messaging_channel": opening.channel in MESSAGING,
            "via_followup_source_id": opening.follow_up_of,
        }

    def _via(self) -> Obj:
        if self.opening.follow_up_of is not None:
            return via(self.opening.channel, source={"ticket_id": self.opening.follow_up_of}, rel="follow_up")
        return via(self.opening.channel)

    def _rating(self) -> Obj | None:
        if self.rating is not None:
            return {name: self.rating[name] for name in ("id", "score", "comment")}
        # Channels without a survey show null, the others that none was offered.
        return None if self.opening.channel in {*MESSAGING, "chat", "api"} else {"score": "unoffered"}

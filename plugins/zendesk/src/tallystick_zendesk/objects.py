"""Zendesk's objects as they come over the wire: the fields we read.

Fields we do not read are ignored and words are kept as text, so that an addition by Zendesk is never fatal. Ids are
numbers in the exports and texts in the audits; both are taken. What a child of an event holds is taken as it comes,
because no two kinds of children look alike.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeAlias

import msgspec

__all__ = [
    "AI_TICKET",
    "CHILD",
    "EVENT",
    "LOOSE_EVENT",
    "RATING",
    "TICKET",
    "USER",
    "AiTicket",
    "Child",
    "Event",
    "LooseEvent",
    "Meta",
    "MetricSet",
    "Rating",
    "RatingsPage",
    "Ticket",
    "TicketEventsPage",
    "TicketsPage",
    "User",
    "UsersPage",
    "at",
    "identifier",
    "moment",
    "number",
]

Id: TypeAlias = int | str
Seconds: TypeAlias = int | float | str | None

NO_VIA = msgspec.Raw(b"null")

_LAST = 10**11
_EXACT = 2**53
_BIGGEST = 2**63
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MetricSet(msgspec.Struct, gc=False):
    """The metrics of a ticket: how often it was reopened."""

    ticket_id: Id | None = None
    reopens: Any = None


class TicketsPage(msgspec.Struct):
    """One page of the tickets export."""

    tickets: list[msgspec.Raw]
    end_of_stream: bool
    after_cursor: str | None = None
    metric_sets: list[MetricSet] | None = None


class UsersPage(msgspec.Struct):
    """One page of the users export."""

    users: list[msgspec.Raw]
    end_of_stream: bool
    after_cursor: str | None = None


class TicketEventsPage(msgspec.Struct):
    """One page of the ticket events export."""

    ticket_events: list[msgspec.Raw]
    end_of_stream: bool
    end_time: int | None = None


class Meta(msgspec.Struct, gc=False):
    """Where a list paged by cursor goes on."""

    has_more: bool
    after_cursor: str | None = None


class RatingsPage(msgspec.Struct):
    """One page of the satisfaction ratings."""

    satisfaction_ratings: list[msgspec.Raw]
    meta: Meta


class Ticket(msgspec.Struct, gc=False):
    """A ticket of an export or read by itself."""

    id: Id
    generated_timestamp: Seconds = None
    created_at: str | None = None
    updated_at: str | None = None
    status: str | None = None
    via: msgspec.Raw = NO_VIA
    from_messaging_channel: Any = None
    requester_id: Id | None = None
    submitter_id: Id | None = None
    assignee_id: Id | None = None
    group_id: Id | None = None
    organization_id: Id | None = None
    external_id: Id | None = None
    via_followup_source_id: Id | None = None
    tags: Any = None
    email_cc_ids: Any = None
    collaborator_ids: Any = None
    satisfaction_rating: Any = None
    metric_set: MetricSet | None = None


class AiTicket(msgspec.Struct, gc=False):
    """What we read of a ticket that only the AI agent has handled."""

    id: Id
    generated_timestamp: Seconds = None
    updated_at: str | None = None


class User(msgspec.Struct, gc=False):
    """A user of an export."""

    id: Id
    created_at: str | None = None
    updated_at: str | None = None
    name: str | None = None
    email: str | None = None
    role: str | None = None
    active: bool | None = None
    suspended: bool | None = None


class Rating(msgspec.Struct, gc=False):
    """A row of the satisfaction ratings."""

    id: Id
    ticket_id: Any = None
    requester_id: Any = None
    score: Any = None
    created_at: Any = None
    updated_at: Any = None


class Child(msgspec.Struct, gc=False):
    """A part of an event; a changed field stands under its own name, so a field that is UNSET did not change."""

    event_type: Any = None
    type: Any = msgspec.UNSET
    via: msgspec.Raw = NO_VIA
    via_reference_id: Any = None
    previous_value: Any = msgspec.UNSET
    status: Any = msgspec.UNSET
    assignee_id: Any = msgspec.UNSET
    group_id: Any = msgspec.UNSET
    tags: Any = msgspec.UNSET
    added_tags: Any = None
    removed_tags: Any = None
    satisfaction_score: Any = msgspec.UNSET
    mark_as_spam: Any = msgspec.UNSET
    author_id: Any = None
    public: Any = None
    body: Any = None
    plain_body: Any = None
    html_body: msgspec.Raw = msgspec.Raw(b"null")
    comment_present: Any = None
    comment_public: Any = None
    comment_id: Any = None
    macro_id: Any = None
    actor_id: Any = None
    attachments: Any = None
    data: Any = None
    value: Any = None
    score: Any = None
    rating: Any = None
    survey_response: Any = None
    answers: Any = None


class Event(msgspec.Struct, gc=False):
    """An event of the ticket events export: everything that happened to a ticket in one go."""

    id: Id
    ticket_id: Id
    timestamp: Seconds = None
    created_at: str | None = None
    updater_id: Any = None
    via: msgspec.Raw = NO_VIA
    via_reference_id: Any = None
    child_events: list[Child] | None = None


class LooseEvent(Event, gc=False):
    """An event of which a part is no object, or cannot be read."""

    child_events: list[msgspec.Raw] | None = None  # type: ignore[assignment]


TICKET = msgspec.json.Decoder(Ticket)
AI_TICKET = msgspec.json.Decoder(AiTicket)
USER = msgspec.json.Decoder(User)
RATING = msgspec.json.Decoder(Rating)
EVENT = msgspec.json.Decoder(Event)
LOOSE_EVENT = msgspec.json.Decoder(LooseEvent)
CHILD = msgspec.json.Decoder(Child)


def identifier(value: object) -> str | None:
    """Give an id as text, whether it came as a number or as a text; None for anything else."""
    if type(value) is int:
        return str(value)
    if type(value) is str:
        return value.strip() or None
    if type(value) is float and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    return None


def number(value: object) -> int | None:
    """Give a whole number of 64 bits, whether it came as a number or as a text; None for anything else."""
    if type(value) is int:
        return value if -_BIGGEST <= value < _BIGGEST else None
    if type(value) is str and value.isascii() and value.removeprefix("-").isdigit() and len(value) < 19:
        return int(value)
    return None


def moment(seconds: object, text: str | None = None) -> int | None:
    """Give an instant (microseconds UTC) from Unix seconds, else from an ISO 8601 text; None if neither can be read."""
    found = int(seconds) if type(seconds) is float and abs(seconds) < _LAST else number(seconds)
    if found is not None and 0 <= found < _LAST:
        return found * 1_000_000
    return at(text)


def at(text: str | None) -> int | None:
    """Give the instant (microseconds UTC) an ISO 8601 text with an offset stands for; None if it cannot be read."""
    if text is None:
        return None
    try:
        delta = datetime.fromisoformat(text) - _EPOCH
    except (ValueError, TypeError, OverflowError):
        return None
    found = (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
    return found if 0 <= found < _LAST * 1_000_000 else None

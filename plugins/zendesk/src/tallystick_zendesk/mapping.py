"""Tickets, users and ratings become records; pure.

Nothing is guessed: what Zendesk does not say is None. What happened to a ticket is read in `acts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from tallystick.connectors import CustomField, extract
from tallystick.records.model import Record, Value
from tallystick_zendesk.objects import (
    AI_TICKET,
    RATING,
    TICKET,
    USER,
    Ticket,
    at,
    identifier,
    moment,
    number,
)
from tallystick_zendesk.parts import grade
from tallystick_zendesk.via import NOWHERE, Via, channel, decode_via

__all__ = ["TicketReader", "ai_agent_act", "clock_of_ticket", "rating_act", "user_record"]


_BESIDE = "metric_reopens"
"""Under what name the number of reopens stands beside the declared fields."""


class TicketReader:
    """Turns tickets into records, with the custom fields the buyer declared.

    Args:
        custom: Custom fields by record type; only those of `ticket` are read.
    """

    def __init__(self, custom: Mapping[str, Mapping[str, CustomField]]) -> None:
        fields = custom.get("ticket")
        self._custom = _custom_reader(fields) if fields else None

    def record(self, raw: bytes, reopens: Mapping[str, int | None] | None = None) -> Record:
        """Give the record of a ticket.

        Args:
            raw: Its JSON exactly as delivered.
            reopens: How often tickets were reopened, by id, from what came beside them; what stands in the ticket
                itself counts where this has nothing.

        Raises:
            msgspec.DecodeError: It is not JSON, or (`ValidationError`) not in the shape of a ticket.
        """
        ticket = TICKET.decode(raw)
        key = identifier(ticket.id)
        created, updated = at(ticket.created_at), at(ticket.updated_at)
        as_of = _first(moment(ticket.generated_timestamp), updated, created)
        if key is None or as_of is None:
            raise msgspec.ValidationError("a ticket has no id or no time")
        via = decode_via(bytes(ticket.via)) or NOWHERE
        reopened = reopens.get(key) if reopens else None
        if reopened is None and ticket.metric_set is not None:
            reopened = number(ticket.metric_set.reopens)
        values: tuple[Value, ...] = (
            created,
            updated,
            ticket.status,
            channel(via.word, messaging=ticket.from_messaging_channel is True),
            via.said,
            identifier(ticket.requester_id),
            identifier(ticket.submitter_id),
            identifier(ticket.assignee_id),
            identifier(ticket.group_id),
            identifier(ticket.organization_id),
            identifier(ticket.external_id),
            _follow_up_of(ticket, via),
            _joined(ticket.tags),
            _joined(ticket.collaborator_ids if ticket.email_cc_ids is None else ticket.email_cc_ids),
            _csat(ticket.satisfaction_rating),
            reopened,
        )
        return Record("ticket", key, as_of, values, raw, False, self._fields(raw, reopened))

    def _fields(self, raw: bytes, reopened: int | None) -> dict[str, Value] | None:
        """Give the declared fields, and the count that came beside the ticket: a change of it is a new version."""
        fields = dict(self._custom(raw)) if self._custom else {}
        if reopened is not None:
            fields[_BESIDE] = reopened
        return fields or None


def clock_of_ticket(raw: bytes) -> int | None:
    """Give the instant by which the tickets export is ordered; None where the row does not say."""
    return moment(AI_TICKET.decode(raw).generated_timestamp)


def user_record(raw: bytes) -> Record:
    """Give the record of a user; one who was deleted stays one, and is not active.

    Args:
        raw: Its JSON exactly as delivered.

    Raises:
        msgspec.DecodeError: It is not JSON, or (`ValidationError`) not in the shape of a user.
    """
    user = USER.decode(raw)
    key = identifier(user.id)
    created = at(user.created_at)
    as_of = _first(at(user.updated_at), created)
    if key is None or as_of is None:
        raise msgspec.ValidationError("a user has no id or no time")
    # An agent may be a bot, and Zendesk has no mark for one: the contract says who is.
    kind = "person" if user.role == "end-user" else "unknown"
    active = None if user.active is None else user.active and not user.suspended
    return Record("actor", key, as_of, (created, kind, user.name, user.email, user.role, active), raw)


def ai_agent_act(raw: bytes) -> Record:
    """Give the act that says that a ticket was handled by an AI agent alone at the time of this row.

    Args:
        raw: A row of the tickets export for AI agent tickets, exactly as delivered.

    Raises:
        msgspec.DecodeError: It is not JSON, or (`ValidationError`) not in the shape of a ticket.
    """
    ticket = AI_TICKET.decode(raw)
    key = identifier(ticket.id)
    when = moment(ticket.generated_timestamp, ticket.updated_at)
    if key is None or when is None:
        raise msgspec.ValidationError("an AI agent ticket has no id or no time")
    values: tuple[Value, ...] = (when, key, "ai_agent", None, "system", *(None,) * 10)
    return Record("ticket_event", f"ai.{key}.{when // 1_000_000}", when, values, raw)


def rating_act(raw: bytes) -> Record | None:
    """Give the act of a rating; None for one that was only offered, or is of no ticket.

    Args:
        raw: A row of the satisfaction ratings, exactly as delivered.

    Raises:
        msgspec.DecodeError: It is not JSON, or (`ValidationError`) not in the shape of a rating.
    """
    rating = RATING.decode(raw)
    score = grade(rating.score)
    key, ticket = identifier(rating.id), identifier(rating.ticket_id)
    if score is None or ticket is None:
        return None
    when = _first(at(rating.updated_at), at(rating.created_at))
    if key is None or when is None:
        raise msgspec.ValidationError("a satisfaction rating has no id or no time")
    values: tuple[Value, ...] = (
        *(when, ticket, "rated", identifier(rating.requester_id), "user", None, None, None, None, rating.score),
        *(None, None, None, None, score),
    )
    return Record("ticket_event", f"rating.{key}", when, values, raw)


def _first(*instants: int | None) -> int | None:
    return next((instant for instant in instants if instant is not None), None)


def _follow_up_of(ticket: Ticket, via: Via) -> str | None:
    if via.rel == "follow_up" and via.out_of:
        return via.out_of[0]
    return identifier(ticket.via_followup_source_id)


def _csat(rating: Any) -> int | None:
    return grade(rating.get("score")) if type(rating) is dict else grade(rating)


def _joined(*lists: Any) -> str | None:
    """Give the words or ids of lists, each once, in the order of texts; None when no list is there at all."""
    given = [values for values in lists if type(values) is list]
    if not given:
        return None
    return " ".join(sorted({text for values in given for text in map(identifier, values) if text is not None}))


def _custom_reader(fields: Mapping[str, CustomField]) -> Callable[[bytes], dict[str, Value]]:
    """Give a function that reads the declared fields; it decodes only the top-level fields they lie in."""
    roots = sorted({field.path.split(".")[0] for field in fields.values()})
    names = {f"root{number}": root for number, root in enumerate(roots)}
    shape = msgspec.defstruct("Roots", [(name, Any, None) for name in names], rename=names)
    # Numbers with a fraction become decimals: a declared amount must not pass through a float.
    decode = msgspec.json.Decoder(shape, float_hook=Decimal).decode

    def read(raw: bytes) -> dict[str, Value]:
        found = decode(raw)
        return extract({root: _by_id(root, getattr(found, name)) for name, root in names.items()}, fields)

    return read


def _by_id(root: str, value: Any) -> Any:
    """Give the list of custom fields by their ids; `custom_fields.<id>` then leads to one of them."""
    if root not in {"custom_fields", "fields"} or type(value) is not list:
        return value
    return {str(item.get("id")): item.get("value") for item in value if type(item) is dict}

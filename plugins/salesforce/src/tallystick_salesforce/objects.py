"""Salesforce's objects as they come over the wire: the fields we read.

A field without a default must be there; one with a default is asked for only where `describe` shows it, and is None
elsewhere. What a query selects is read off these classes, so that nothing is asked for that is not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args, get_type_hints

import msgspec

__all__ = [
    "AccountRow",
    "ActivityChangeRow",
    "CaseRow",
    "CaseTrailRow",
    "CommentRow",
    "ContactRow",
    "EmailRow",
    "EntryRow",
    "EventRow",
    "GroupRow",
    "HistoryRow",
    "InviteRow",
    "LeadRow",
    "OpportunityRow",
    "OrganizationRow",
    "ParticipantRow",
    "RelationRow",
    "Row",
    "SessionRow",
    "StageRow",
    "StatusRow",
    "TaskRow",
    "UserRow",
    "VideoRow",
    "VoiceRow",
    "field_names",
    "history_row",
    "micros",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Row(msgspec.Struct, rename="pascal", gc=False):
    """What every object has."""

    id: str


class Name(msgspec.Struct, rename="pascal", gc=False):
    """Whom a lookup leads to: his kind, name and address, as far as they were asked for."""

    type: str | None = None
    email: str | None = None


class Titled(msgspec.Struct, rename="pascal", gc=False):
    """What a lookup leads to, by its name."""

    name: str | None = None


class Asker(msgspec.Struct, rename="pascal", gc=False):
    """Who asked for what an e-mail or a session belongs to."""

    contact_id: str | None = None
    contact_email: str | None = None


class _Stamped(Row):
    system_modstamp: datetime


class EventRow(_Stamped):
    """An event of the calendar."""

    created_date: datetime | None = None
    created_by_id: str | None = None
    subject: str | None = None
    who_id: str | None = None
    what_id: str | None = None
    account_id: str | None = None
    owner_id: str | None = None
    start_date_time: datetime | None = None
    end_date_time: datetime | None = None
    activity_date: str | None = None
    duration_in_minutes: int | None = None
    is_all_day_event: bool | None = None
    is_child: bool | None = None
    is_group_event: bool | None = None
    recurrence_activity_id: str | None = None
    is_deleted: bool = False


class RelationRow(_Stamped):
    """Who is related to an event."""

    event_id: str
    created_date: datetime | None = None
    relation_id: str | None = None
    status: str | None = None
    responded_date: datetime | None = None
    is_what: bool | None = None
    is_deleted: bool = False
    relation: Name | None = None


class Gathering(msgspec.Struct, rename="pascal", gc=False):
    """What an event has in common with the copies of those who are invited."""

    subject: str | None = None
    start_date_time: datetime | None = None
    end_date_time: datetime | None = None


class InviteRow(Row):
    """Who is invited to a group event."""

    event_id: str
    relation_id: str | None = None
    event: Gathering | None = None


class TaskRow(_Stamped):
    """A task; a call is one of them."""

    created_date: datetime | None = None
    created_by_id: str | None = None
    who_id: str | None = None
    what_id: str | None = None
    account_id: str | None = None
    owner_id: str | None = None
    call_duration_in_seconds: int | None = None
    call_disposition: str | None = None
    call_type: str | None = None
    call_object: str | None = None
    task_subtype: str | None = None
    is_deleted: bool = False


class VoiceRow(_Stamped):
    """A call by telephone."""

    created_by_id: str | None = None
    owner_id: str | None = None
    user_id: str | None = None
    call_start_date_time: datetime | None = None
    call_end_date_time: datetime | None = None
    call_duration_in_seconds: int | None = None
    call_disposition: str | None = None
    activity_id: str | None = None
    related_record_id: str | None = None
    vendor_call_key: str | None = None
    is_deleted: bool = False


class VideoRow(_Stamped):
    """A call by video."""

    created_by_id: str | None = None
    owner_id: str | None = None
    host_id: str | None = None
    event_id: str | None = None
    start_date_time: datetime | None = None
    end_date_time: datetime | None = None
    duration_in_seconds: int | None = None
    external_id: str | None = None
    related_record_id: str | None = None
    is_deleted: bool = False


class ParticipantRow(_Stamped):
    """Somebody who took part in a call by video."""

    video_call_id: str
    created_date: datetime | None = None
    related_person_id: str | None = None
    email: str | None = None
    join_date_time: datetime | None = None
    is_deleted: bool = False


class OpportunityRow(_Stamped):
    """An opportunity."""

    created_date: datetime | None = None
    created_by_id: str | None = None
    name: str | None = None
    account_id: str | None = None
    contact_id: str | None = None
    owner_id: str | None = None
    stage_name: str | None = None
    is_closed: bool | None = None
    is_won: bool | None = None
    last_stage_change_date: datetime | None = None
    amount: Decimal | None = None
    currency_iso_code: str | None = None
    lead_source: str | None = None
    is_deleted: bool = False


class StageRow(Row):
    """What an opportunity was from some time on."""

    opportunity_id: str
    created_date: datetime
    created_by_id: str | None = None
    stage_name: str | None = None
    amount: Decimal | None = None


class ContactRow(_Stamped):
    """A contact."""

    created_date: datetime | None = None
    created_by_id: str | None = None
    name: str | None = None
    email: str | None = None
    title: str | None = None
    account_id: str | None = None
    owner_id: str | None = None
    master_record_id: str | None = None
    is_deleted: bool = False


class LeadRow(_Stamped):
    """A lead."""

    created_date: datetime | None = None
    created_by_id: str | None = None
    name: str | None = None
    email: str | None = None
    title: str | None = None
    owner_id: str | None = None
    status: str | None = None
    converted_account_id: str | None = None
    converted_contact_id: str | None = None
    converted_opportunity_id: str | None = None
    master_record_id: str | None = None
    is_deleted: bool = False


class AccountRow(_Stamped):
    """An account."""

    created_date: datetime | None = None
    created_by_id: str | None = None
    name: str | None = None
    website: str | None = None
    type: str | None = None
    owner_id: str | None = None
    master_record_id: str | None = None
    is_deleted: bool = False


class UserRow(Row):
    """A user with role and profile, as they are now."""

    created_date: datetime | None = None
    name: str | None = None
    email: str | None = None
    user_type: str | None = None
    is_active: bool | None = None
    user_role: Titled | None = None
    profile: Titled | None = None


class GroupRow(Row):
    """A group or a queue."""

    created_date: datetime | None = None
    name: str | None = None
    email: str | None = None
    type: str | None = None


class CaseRow(_Stamped):
    """A case."""

    created_date: datetime | None = None
    created_by_id: str | None = None
    last_modified_by_id: str | None = None
    case_number: str | None = None
    status: str | None = None
    is_closed: bool | None = None
    origin: str | None = None
    owner_id: str | None = None
    contact_id: str | None = None
    account_id: str | None = None
    parent_id: str | None = None
    master_record_id: str | None = None
    is_deleted: bool = False


class CaseTrailRow(_Stamped):
    """Whose a case was, and in which status, from some time on; who changed it last made it so."""

    case_id: str
    last_modified_date: datetime | None = None
    last_modified_by_id: str | None = None
    owner_id: str | None = None
    status: str | None = None


class SessionRow(_Stamped):
    """A messaging session."""

    case_id: str | None = None
    conversation_id: str | None = None
    end_user_contact_id: str | None = None
    agent_type: str | None = None
    owner_id: str | None = None
    accept_time: datetime | None = None
    end_time: datetime | None = None
    case: Asker | None = None


class EntryRow(Row):
    """An entry of a conversation."""

    conversation_id: str
    created_date: datetime
    actor_type: str | None = None
    actor_id: str | None = None
    entry_type: str | None = None
    entry_time: datetime | None = None
    message: str | None = None


class EmailRow(_Stamped):
    """An e-mail about a case."""

    parent_id: str | None = None
    created_date: datetime | None = None
    created_by_id: str | None = None
    incoming: bool | None = None
    from_address: str | None = None
    message_date: datetime | None = None
    text_body: str | None = None
    status: str | None = None
    parent: Asker | None = None


class CommentRow(_Stamped):
    """A comment on a case."""

    parent_id: str | None = None
    created_date: datetime | None = None
    created_by_id: str | None = None
    is_published: bool | None = None
    comment_body: str | None = None


class StatusRow(Row):
    """A status a case can have."""

    api_name: str | None = None
    master_label: str | None = None
    is_closed: bool | None = None


class OrganizationRow(Row):
    """The org."""

    name: str | None = None
    default_currency_iso_code: str | None = None
    is_sandbox: bool | None = None


class ActivityChangeRow(Row):
    """A field of an event or a task changed; its value stands in the field of its kind."""

    activity_id: str
    changed_date: datetime
    changed_by_id: str | None = None
    field_name: str | None = None
    operation: str | None = None
    data_type: str | None = None
    is_data_available: bool | None = None
    old_value_text: str | None = None
    new_value_text: str | None = None
    old_value_number: msgspec.Raw = msgspec.Raw(b"null")
    new_value_number: msgspec.Raw = msgspec.Raw(b"null")
    old_value_date_time: str | None = None
    new_value_date_time: str | None = None


class HistoryRow(Row):
    """A field of an object changed; `parent` is the object."""

    parent: str
    created_date: datetime
    created_by_id: str | None = None
    field: str | None = None
    data_type: str | None = None
    old_value: msgspec.Raw = msgspec.Raw(b"null")
    new_value: msgspec.Raw = msgspec.Raw(b"null")


def history_row(parent: str) -> type[HistoryRow]:
    """Give the rows of a history whose objects stand in the field `parent`, such as `CaseId`."""
    hints = {name: hint for name, hint in get_type_hints(HistoryRow).items() if name != "parent"}
    fields = [
        (field.name, hints[field.name], field.default)
        for field in msgspec.structs.fields(HistoryRow)
        if field.name in hints
    ]
    required = [(name, kind) for name, kind, default in fields if default is msgspec.NODEFAULT]
    optional = [field for field in fields if field[2] is not msgspec.NODEFAULT]
    names = {name: "".join(word.capitalize() for word in name.split("_")) for name, _, _ in fields}
    shape: Any = msgspec.defstruct(
        f"{parent}History", [*required, ("parent", str), *optional], rename={**names, "parent": parent}, gc=False
    )
    found: type[HistoryRow] = shape
    return found


def field_names(row: type[msgspec.Struct]) -> Iterator[tuple[str, bool]]:
    """Yield the fields a query selects to fill a class, like `Owner.Type`, and whether they must be there."""
    hints = get_type_hints(row)
    for field in msgspec.structs.fields(row):
        parts = (part for part in get_args(hints[field.name]) if isinstance(part, type))
        nested = next((part for part in parts if issubclass(part, msgspec.Struct)), None)
        if nested is None:
            yield field.encode_name, field.required
        else:
            yield from ((f"{field.encode_name}.{name}", False) for name, _ in field_names(nested))


def micros(moment: datetime | None) -> int | None:
    """Give an instant in microseconds UTC; None stays None."""
    if moment is None:
        return None
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds

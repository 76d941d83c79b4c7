"""HubSpot's objects as they come over the wire: the fields and properties we read.

Every property is a text or null; those we do not ask for are absent. The fields of a `...Properties` struct are the
properties that are asked for. Ids come as texts or numbers, whichever the path.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec

__all__ = [
    "ArchivedPage",
    "AssociationPage",
    "CallProperties",
    "CompanyProperties",
    "ContactProperties",
    "DealProperties",
    "Entry",
    "Fault",
    "HistoryPage",
    "HistoryRow",
    "Id",
    "MeetingProperties",
    "Paging",
    "Properties",
    "Row",
    "SearchPage",
    "TicketProperties",
    "at",
    "boolean",
    "decimal",
    "identifier",
    "lower",
    "moment",
    "number",
]

Id: TypeAlias = int | str

_LAST = 10**17
_BIGGEST = 2**63
_MOST_DIGITS = 30
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Next(msgspec.Struct, gc=False):
    after: Id


class Paging(msgspec.Struct, gc=False):
    """Where a list goes on; the link that comes with it is never followed."""

    next: _Next | None = None

    @property
    def after(self) -> str | None:
        """What the next page is asked for with; None at the end."""
        return None if self.next is None else str(self.next.after)


class Properties(msgspec.Struct, gc=False):
    """The properties that every kind of object has."""

    hs_object_id: str | None = None
    hs_object_source: str | None = None
    hs_object_source_id: str | None = None
    hs_object_source_detail_1: str | None = None
    hs_created_by_user_id: str | None = None
    hubspot_owner_id: str | None = None


class MeetingProperties(Properties, gc=False):
    """The properties of a meeting."""

    hs_createdate: str | None = None
    hs_lastmodifieddate: str | None = None
    hs_timestamp: str | None = None
    hs_meeting_title: str | None = None
    hs_meeting_start_time: str | None = None
    hs_meeting_end_time: str | None = None
    hs_meeting_outcome: str | None = None
    hs_meeting_external_url: str | None = None
    hs_attendee_owner_ids: str | None = None


class CallProperties(Properties, gc=False):
    """The properties of a call."""

    hs_createdate: str | None = None
    hs_lastmodifieddate: str | None = None
    hs_timestamp: str | None = None
    hs_call_duration: str | None = None
    hs_call_status: str | None = None
    hs_call_disposition: str | None = None
    hs_call_recording_url: str | None = None


class DealProperties(Properties, gc=False):
    """The properties of a deal."""

    createdate: str | None = None
    hs_lastmodifieddate: str | None = None
    dealname: str | None = None
    pipeline: str | None = None
    dealstage: str | None = None
    amount: str | None = None
    deal_currency_code: str | None = None
    closedate: str | None = None
    hs_is_closed: str | None = None
    hs_is_closed_won: str | None = None
    hs_analytics_source: str | None = None
    hs_merged_object_ids: str | None = None


class ContactProperties(Properties, gc=False):
    """The properties of a contact."""

    createdate: str | None = None
    lastmodifieddate: str | None = None
    firstname: str | None = None
    lastname: str | None = None
    email: str | None = None
    jobtitle: str | None = None
    associatedcompanyid: str | None = None
    lifecyclestage: str | None = None
    hs_lead_status: str | None = None
    hs_merged_object_ids: str | None = None


class CompanyProperties(Properties, gc=False):
    """The properties of a company."""

    createdate: str | None = None
    hs_lastmodifieddate: str | None = None
    name: str | None = None
    domain: str | None = None
    lifecyclestage: str | None = None
    hs_merged_object_ids: str | None = None


class TicketProperties(Properties, gc=False):
    """The properties of a ticket."""

    createdate: str | None = None
    hs_lastmodifieddate: str | None = None
    subject: str | None = None
    hs_pipeline: str | None = None
    hs_pipeline_stage: str | None = None
    hs_is_closed: str | None = None
    closed_date: str | None = None
    source_type: str | None = None
    hs_conversations_originating_thread_id: str | None = None
    hs_merged_object_ids: str | None = None


class Row(msgspec.Struct, gc=False, rename="camel"):
    """What is around the properties of an object, as searches, lists and batches give it."""

    id: Id
    created_at: str | None = None
    updated_at: str | None = None
    archived_at: str | None = None


class SearchPage(msgspec.Struct):
    """One page of a search."""

    results: list[msgspec.Raw]
    total: int | None = None
    paging: Paging | None = None


class ArchivedPage(msgspec.Struct):
    """One page of a list, such as that of what was deleted."""

    results: list[msgspec.Raw]
    paging: Paging | None = None


class Fault(msgspec.Struct, rename="camel"):
    """What a batch says about some of what it was asked."""

    category: Any = None
    sub_category: Any = None
    message: Any = None
    context: Any = None


class _From(msgspec.Struct, gc=False):
    id: Id


class _To(msgspec.Struct, gc=False, rename="camel"):
    to_object_id: Id


class _Associated(msgspec.Struct, rename={"source": "from"}):
    source: _From
    to: list[_To]
    paging: Paging | None = None


class AssociationPage(msgspec.Struct, rename="camel"):
    """What a batch of associations answers."""

    results: list[_Associated]
    errors: list[Fault] | None = None
    num_errors: int = 0


class Entry(msgspec.Struct, gc=False, rename="camel"):
    """One value that a property had, when it was written, and what is told of the writer."""

    value: str | None = None
    timestamp: Any = None
    source_type: str | None = None
    source_id: Any = None
    updated_by_user_id: Any = None


class HistoryRow(msgspec.Struct, rename="camel"):
    """The histories of some properties of an object, newest entry first."""

    id: Id
    properties_with_history: dict[str, msgspec.Raw] | None = None


class HistoryPage(msgspec.Struct, rename="camel"):
    """What a batch with histories answers."""

    results: list[HistoryRow]
    errors: list[Fault] | None = None
    num_errors: int = 0


def identifier(value: object) -> str | None:
    """Give an id as text, whether it came as a number or as a text; None for anything else."""
    if type(value) is str:
        return value.strip() or None
    return str(value) if type(value) is int else None


def number(value: object) -> int | None:
    """Give a whole number of 64 bits, whether it came as a number or as a text; None for anything else."""
    if type(value) is str and value.isascii() and value.removeprefix("-").isdigit() and len(value) < 19:
        value = int(value)
    return value if type(value) is int and -_BIGGEST <= value < _BIGGEST else None


def decimal(text: str | None) -> Decimal | None:
    """Give an exact number from its text; None if it is none, or has more digits than any amount."""
    if not text or len(text) > _MOST_DIGITS:
        return None
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found.adjusted()) < _MOST_DIGITS else None


def boolean(text: str | None) -> bool | None:
    """Give true or false from its text; None for anything else."""
    return {"true": True, "false": False}.get(text.lower()) if text else None


def lower(text: str | None) -> str | None:
    """Give a text in lower case, without white space around it; None for an empty one."""
    return (text.strip().lower() or None) if text else None


@lru_cache(maxsize=8_192)  # the same instant stands in several places of an object
def at(text: str | None) -> int | None:
    """Give the instant (microseconds UTC) of an ISO 8601 text with an offset, or of milliseconds since 1970.

    A date alone means 00:00 UTC of that day. None if it cannot be read.
    """
    if text is None:
        return None
    try:
        delta = datetime.fromisoformat(text) - _EPOCH
    except (ValueError, TypeError, OverflowError):
        return _otherwise(text)
    found = (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
    return found if 0 <= found < _LAST else None


def moment(value: object) -> int | None:
    """Give the instant (microseconds UTC) of a text, as `at` does, or of a number of milliseconds; None of all else."""
    if type(value) is int:
        return value * 1_000 if 0 <= value < _LAST // 1_000 else None
    return at(value) if type(value) is str else None


def _otherwise(text: str) -> int | None:
    milliseconds = number(text.strip())
    if milliseconds is not None and len(text) > len("20260131"):
        return moment(milliseconds)
    try:
        delta = datetime.combine(date.fromisoformat(text), time(), UTC) - _EPOCH
    except ValueError:
        return None
    found = delta.days * 86_400_000_000
    return found if 0 <= found < _LAST else None

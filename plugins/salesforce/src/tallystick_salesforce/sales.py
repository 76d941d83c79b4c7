"""Events, calls and opportunities become records; pure.

Nothing is guessed: what Salesforce does not say is None. A task tells how long a call took, but not when it was: it
stands at the time it was logged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from tallystick.records.model import Record, Value
from tallystick_salesforce.fields import EXTERNAL, STATUS
from tallystick_salesforce.objects import (
    EventRow,
    OpportunityRow,
    ParticipantRow,
    RelationRow,
    TaskRow,
    VideoRow,
    VoiceRow,
    micros,
)

__all__ = [
    "CONTACTS",
    "UNKNOWN_PARENT",
    "Currency",
    "Meetings",
    "attendee",
    "deal",
    "domain",
    "participant",
    "starting",
    "task_call",
    "video_call",
    "voice_call",
]

UNKNOWN_PARENT = "unknown"
"""Parent of an invited user's copy whose event cannot be told: Salesforce marks a copy, and does not say of what."""

USER = "005"
CONTACTS = ("003", "00Q")
_DEAL = "006"
_EVENT = "00U"
_MINUTE = 60_000_000
_REPLIES = {"accepted": "accepted", "declined": "declined", "new": "none", "undecided": "none"}
_DISPOSITIONS = (
    ("no_answer", ("no answer", "not answered", "unanswered", "missed")),
    ("voicemail", ("voicemail", "voice mail", "left message")),
    ("wrong_number", ("wrong number",)),
    ("busy", ("busy",)),
    ("connected", ("connected", "answered", "completed")),
)

Custom = dict[str, Value] | None


@dataclass(frozen=True, slots=True)
class Currency:
    """The currency of amounts that do not name their own, and the decimal places amounts have."""

    code: str | None = None
    places: int | None = None


@dataclass(frozen=True, slots=True)
class Meetings:
    """Makes records of events.

    Attributes:
        statuses: Our word for a value of the field that tells how a meeting went; letters' case does not matter.
    """

    statuses: Mapping[str, str] = field(default_factory=dict)

    def record(self, row: EventRow, raw: bytes, custom: Custom, parent: str | None = None) -> Record:
        """Give the record of an event; the length of an event is the scheduled one.

        Args:
            row: The event.
            raw: Its bytes.
            custom: Its declared fields.
            parent: For an invited user's copy, the event, where it could be told.
        """
        status = external = None
        if custom:
            said, called = custom.pop(STATUS, None), custom.pop(EXTERNAL, None)
            status = None if said is None else self.statuses.get(str(said).strip().lower())
            external = None if called is None else str(called)
        starts, ends = micros(row.start_date_time), micros(row.end_date_time)
        if ends is None and starts is not None and row.duration_in_minutes is not None:
            ends = starts + row.duration_in_minutes * _MINUTE
        changed = micros(row.system_modstamp) or 0
        who = row.who_id
        values: tuple[Value, ...] = (
            micros(row.created_date),
            changed,
            starts,
            ends,
            row.is_all_day_event,
            status,
            row.subject,
            row.owner_id,
            row.created_by_id,
            None,
            row.account_id,
            who if starting(who, *CONTACTS) else None,
            row.what_id if starting(row.what_id, _DEAL) else None,
            external,
            (parent or UNKNOWN_PARENT) if row.is_child else None,
            row.recurrence_activity_id,
            None,
        )
        return Record("meeting", row.id, changed, values, raw, row.is_deleted, custom or None)


def attendee(row: RelationRow, raw: bytes, custom: Custom) -> Record | None:
    """Give the record of somebody who is related to an event; None for what an event is about."""
    who = row.relation_id
    if row.is_what:
        return None
    changed = micros(row.system_modstamp) or 0
    email = lower(row.relation.email if row.relation is not None else None)
    values: tuple[Value, ...] = (
        micros(row.created_date),
        row.event_id,
        None,
        email,
        domain(email),
        _internal(who),
        who if starting(who, USER) else None,
        who if starting(who, *CONTACTS) else None,
        _REPLIES.get((row.status or "").lower()),
        micros(row.responded_date),
        None,
    )
    return Record("attendee", row.id, changed, values, raw, row.is_deleted, custom)


def participant(row: ParticipantRow, raw: bytes, custom: Custom) -> Record:
    """Give the record of somebody who took part in a call by video."""
    who, email = row.related_person_id, lower(row.email)
    changed = micros(row.system_modstamp) or 0
    values: tuple[Value, ...] = (
        micros(row.join_date_time) or micros(row.created_date),
        None,
        row.video_call_id,
        email,
        domain(email),
        _internal(who),
        who if starting(who, USER) else None,
        who if starting(who, *CONTACTS) else None,
        None,
        None,
        True,
    )
    return Record("attendee", row.id, changed, values, raw, row.is_deleted, custom)


def task_call(row: TaskRow, raw: bytes, custom: Custom) -> Record:
    """Give the record of a call that was logged as a task, at the time it was logged."""
    about = _about(row.account_id, row.who_id, row.what_id)
    values = (
        micros(row.created_date),
        None,
        row.call_duration_in_seconds,
        "phone",
        _disposition(row.call_disposition),
        None,
        row.owner_id,
        row.created_by_id,
        None,
        *about,
        row.call_object,
        None,
        None,
    )
    return Record("call", row.id, micros(row.system_modstamp) or 0, values, raw, row.is_deleted, custom)


def voice_call(row: VoiceRow, raw: bytes, custom: Custom) -> Record:
    """Give the record of a call by telephone."""
    related = row.related_record_id
    values = (
        micros(row.call_start_date_time),
        micros(row.call_end_date_time),
        row.call_duration_in_seconds,
        "phone",
        _disposition(row.call_disposition),
        row.activity_id if starting(row.activity_id, _EVENT) else None,
        row.user_id or row.owner_id,
        row.created_by_id,
        None,
        *_about(None, related, related),
        row.vendor_call_key,
        None,
        None,
    )
    return Record("call", row.id, micros(row.system_modstamp) or 0, values, raw, row.is_deleted, custom)


def video_call(row: VideoRow, raw: bytes, custom: Custom) -> Record:
    """Give the record of a call by video; one that took no time at all connected nobody."""
    seconds, related = row.duration_in_seconds, row.related_record_id
    values = (
        micros(row.start_date_time),
        micros(row.end_date_time),
        seconds,
        "conference",
        "connected" if seconds else None,
        row.event_id,
        row.host_id or row.owner_id,
        row.created_by_id,
        None,
        *_about(None, related, related),
        row.external_id,
        None,
        None,
    )
    return Record("call", row.id, micros(row.system_modstamp) or 0, values, raw, row.is_deleted, custom)


def deal(row: OpportunityRow, raw: bytes, custom: Custom, currency: Currency) -> Record:
    """Give the record of an opportunity; the date it is closed at is that of the last change of its stage."""
    code = row.currency_iso_code or currency.code
    changed = micros(row.system_modstamp) or 0
    values: tuple[Value, ...] = (
        micros(row.created_date),
        changed,
        row.name,
        row.account_id,
        row.contact_id,
        row.owner_id,
        row.created_by_id,
        None,
        None,
        row.stage_name,
        row.is_closed,
        row.is_won,
        micros(row.last_stage_change_date) if row.is_closed else None,
        row.amount,
        None if code is None else code.upper(),
        currency.places,
        row.lead_source,
    )
    return Record("deal", row.id, changed, values, raw, row.is_deleted, custom)


def starting(key: str | None, *prefixes: str) -> bool:
    """Tell whether an id is of one of some kinds, which its first three signs tell."""
    return key is not None and key.startswith(prefixes)


def lower(text: str | None) -> str | None:
    """Give a text in small letters; None for one that is empty."""
    return text.strip().lower() or None if text else None


def domain(email: str | None) -> str | None:
    """Give what stands behind the @ of an address; None where there is none."""
    return email.rpartition("@")[2] or None if email and "@" in email else None


def _internal(key: str | None) -> bool | None:
    return True if starting(key, USER) else False if starting(key, *CONTACTS) else None


def _about(account: str | None, who: str | None, what: str | None) -> tuple[str | None, str | None, str | None]:
    """Give account, contact and deal that a call belongs to."""
    return account, who if starting(who, *CONTACTS) else None, what if starting(what, _DEAL) else None


@lru_cache(maxsize=1024)
def _disposition(text: str | None) -> str | None:
    if not text:
        return None
    plain = text.lower().replace("-", " ").replace("_", " ")
    return next((word for word, signs in _DISPOSITIONS if any(sign in plain for sign in signs)), "other")

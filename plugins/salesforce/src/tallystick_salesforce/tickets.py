"""Cases, and what happened to them, become tickets and acts; pure.

What happened does not change: an act has the id of the row that tells of it, so it is seen once, whoever tells of it
again. What Salesforce does not say is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import msgspec

from tallystick.connectors.says import classify
from tallystick.records.model import Record, Value
from tallystick_salesforce.objects import (
    CaseRow,
    CommentRow,
    EmailRow,
    EntryRow,
    HistoryRow,
    SessionRow,
    micros,
)
from tallystick_salesforce.sales import USER, lower, starting

__all__ = ["QUEUE", "Tickets", "comment_act", "email_act", "entry_acts", "owned", "session_acts"]

QUEUE = "00G"
_CASE = "500"
_DRAFT = "5"
_HUMAN = frozenset({"Agent", "BotToAgent"})
_OWNER = frozenset({"Owner", "ownerAssignment", "ownerAccepted", "ownerEscalated"})
_CHANNELS = (
    ("email", ("email", "e-mail", "mail")),
    ("messaging", ("messaging", "whatsapp", "sms", "messenger")),
    ("chat", ("chat",)),
    ("voice", ("phone", "voice", "call")),
    ("web", ("web", "site", "portal", "community")),
    ("social", ("facebook", "twitter", "social", "instagram")),
    ("api", ("api",)),
)

Custom = dict[str, Value] | None


class _Told(NamedTuple):
    """What tells of an act: its id, when (microseconds UTC), on which case, who did it, and the row."""

    key: str
    at: int
    case: str
    actor: str | None
    raw: bytes


@dataclass(frozen=True, slots=True)
class Tickets:
    """Makes records of cases and of their histories.

    Attributes:
        closed: Statuses that close a case, in small letters; None where it is not known which do.
        statuses: Our word for a status, by its name in small letters.
    """

    closed: frozenset[str] | None = None
    statuses: Mapping[str, str] = field(default_factory=dict)

    def records(self, row: CaseRow, raw: bytes, custom: Custom) -> list[Record]:
        """Give the records of a case: the ticket, its creation, and its end where it was deleted or merged."""
        changed, created = micros(row.system_modstamp) or 0, micros(row.created_date)
        owner, via = row.owner_id or "", _channel(row.origin)
        values: tuple[Value, ...] = (
            created,
            changed,
            self._status(row),
            via,
            row.origin,
            row.contact_id,
            row.created_by_id,
            owner if owner.startswith(USER) else None,
            owner if owner.startswith(QUEUE) else None,
            row.account_id,
            row.case_number,
            row.parent_id,
            None,
            None,
            None,
            None,
        )
        found = [Record("ticket", row.id, changed, values, raw, False, custom)]
        if created is not None:
            # Written out, because it is made for each case there is.
            opened: tuple[Value, ...] = (
                *(created, row.id, "created", row.created_by_id, "user", None, via),
                *(None, None, None, None, None, None, row.parent_id, None),
            )
            found.append(Record("ticket_event", f"{row.id}.created", created, opened, raw))
        if row.is_deleted:
            found += _ended(row, changed, raw)
        return found

    def _status(self, row: CaseRow) -> str | None:
        if row.is_deleted:
            return "closed" if row.master_record_id is not None else "deleted"
        closed, said = row.is_closed, (row.status or "").lower()
        if self.statuses and said in self.statuses:
            return self.statuses[said]
        if closed:
            return "solved"
        return None if closed is None else "new" if said == "new" else "open"

    def history_act(self, row: HistoryRow, raw: bytes) -> Record | None:
        """Give the act that a row of a case's history tells of; None for one that only changed a field."""
        at, actor = micros(row.created_date) or 0, row.created_by_id
        old, new = _word(row.old_value), _word(row.new_value)
        if row.field == "Status":
            return self.turn((row.id, at), row.parent, actor, (old, new), raw)
        return owned((row.id, at), row.parent, actor, (old, new), raw) if row.field in _OWNER else None

    def turn(
        self, key: tuple[str, int], case: str, actor: str | None, moved: tuple[str | None, str | None], raw: bytes
    ) -> Record:
        """Give the act of a status that changed: solved, reopened or neither.

        Args:
            key: Id of the row, and when it was (microseconds UTC).
            case: The case.
            actor: Who did it.
            moved: The status before and after.
            raw: The row.
        """
        old, new = moved
        closed = self.closed or frozenset()
        was, is_ = (old or "").lower() in closed, (new or "").lower() in closed
        kind = "solved" if is_ and not was else "reopened" if was and not is_ else "status"
        return _act(_Told(f"{key[0]}.status", key[1], case, actor, raw), kind, value=new, previous=old)


def owned(
    key: tuple[str, int], case: str, actor: str | None, moved: tuple[str | None, str | None], raw: bytes
) -> Record | None:
    """Give the act of an owner that changed, to a person or to a queue; None where it is no id that is told.

    Args:
        key: Id of the row, and when it was (microseconds UTC).
        case: The case.
        actor: Who did it.
        moved: The owner before and after.
        raw: The row.
    """
    old, new = moved
    told = _Told(f"{key[0]}.owner", key[1], case, actor, raw)
    if starting(new, USER):
        return _act(told, "assigned", value=new, previous=old, assignee=new)
    if starting(new, QUEUE):
        return _act(told, "grouped", value=new, previous=old, group=new)
    return None


def session_acts(row: SessionRow, raw: bytes) -> list[Record]:
    """Give the acts of a messaging session of a case: that a person accepted it, or that a bot alone went through it.

    A session that is still with the bot, or that no one has accepted yet, gives none: they come once it changes.
    """
    case, ended = row.case_id, micros(row.end_time)
    if case is None:
        return []
    accepted = micros(row.accept_time)
    if row.agent_type in _HUMAN and accepted is not None:
        owner = row.owner_id if starting(row.owner_id, USER) else None
        told = _Told(f"{row.id}.assigned", accepted, case, owner, raw)
        return [_act(told, "assigned", channel="messaging", value=owner, assignee=owner)]
    if row.agent_type == "Bot" and ended is not None:
        return [_act(_Told(f"{row.id}.ai", ended, case, None, raw), "ai_agent", by="system", channel="messaging")]
    return []


def entry_acts(row: EntryRow, raw: bytes, session: SessionRow | None) -> list[Record]:
    """Give the acts of an entry of a conversation: a message, or that the bot handed over.

    Args:
        row: The entry.
        raw: Its bytes.
        session: The session it belongs to; without one, or without a case, there is no act.
    """
    if session is None or session.case_id is None:
        return []
    at, case = micros(row.entry_time) or micros(row.created_date) or 0, session.case_id
    if row.entry_type == "BotEscalated":
        told = _Told(f"{row.id}.escalated", at, case, row.actor_id, raw)
        return [_act(told, "tagged", by="system", value="bot_escalated", channel="messaging")]
    if row.entry_type != "Text" or row.actor_type == "System":
        return []
    actor = row.actor_id
    if row.actor_type == "EndUser":
        asker = session.case.contact_id if session.case is not None else None
        actor = session.end_user_contact_id or asker or actor
    return [_message(_Told(row.id, at, case, actor, raw), row.message, "messaging")]


def email_act(row: EmailRow, raw: bytes) -> Record | None:
    """Give the act of an e-mail about a case; None for a draft, and for one about something else.

    A mail that came in is its customer's if it has the address of the case's contact; from another address it is
    somebody's whom nobody knows.
    """
    case = row.parent_id
    if case is None or not starting(case, _CASE) or row.status == _DRAFT:
        return None
    at = micros(row.message_date) or micros(row.created_date) or micros(row.system_modstamp) or 0
    actor = row.created_by_id
    if row.incoming:
        asker, sender = row.parent, lower(row.from_address)
        known = asker is not None and sender is not None and lower(asker.contact_email) == sender
        actor = asker.contact_id if asker is not None and known else f"email:{sender}" if sender else None
    return _message(_Told(row.id, at, case, actor, raw), row.text_body, "email")


def comment_act(row: CommentRow, raw: bytes) -> Record | None:
    """Give the act of a comment on a case."""
    if row.parent_id is None:
        return None
    at = micros(row.created_date) or micros(row.system_modstamp) or 0
    told = _Told(row.id, at, row.parent_id, row.created_by_id, raw)
    return _message(told, row.comment_body, "web", public=row.is_published)


def _message(told: _Told, text: str | None, channel: str, *, public: bool | None = True) -> Record:
    return _act(told, "message", public=public, says=classify(text), channel=channel)


def _ended(row: CaseRow, at: int, raw: bytes) -> list[Record]:
    master, actor = row.master_record_id, row.last_modified_by_id
    if master is None:
        return [_act(_Told(f"{row.id}.deleted.{at // 1_000_000}", at, row.id, actor, raw), "deleted")]
    return [
        _act(_Told(f"{row.id}.merged", at, row.id, actor, raw), "merged", other=master),
        _act(_Told(f"{row.id}.absorbed", at, master, actor, raw), "absorbed", other=row.id),
    ]


def _act(
    told: _Told,
    kind: str,
    *,
    by: str = "user",
    channel: str | None = None,
    public: bool | None = None,
    says: str | None = None,
    value: str | None = None,
    previous: str | None = None,
    assignee: str | None = None,
    group: str | None = None,
    other: str | None = None,
) -> Record:
    values: tuple[Value, ...] = (
        told.at,
        told.case,
        kind,
        told.actor,
        by,
        None,
        channel,
        public,
        says,
        value,
        previous,
        assignee,
        group,
        other,
        None,
    )
    return Record("ticket_event", told.key, told.at, values, told.raw)


def _word(value: msgspec.Raw) -> str | None:
    found = msgspec.json.decode(bytes(value))
    return found if isinstance(found, str) else None


@lru_cache(maxsize=1024)
def _channel(origin: str | None) -> str | None:
    if not origin:
        return None
    said = origin.lower()
    return next((word for word, signs in _CHANNELS if any(sign in said for sign in signs)), "other")

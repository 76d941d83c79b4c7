"""What is read: one entry per object, with the rows it has and the records they become."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tallystick.records.model import Record
from tallystick_salesforce import makers, objects, people, sales, tickets
from tallystick_salesforce.makers import Prepare
from tallystick_salesforce.objects import Row, history_row

__all__ = ["ENTITIES", "SNAPSHOTS", "Entity", "Snapshot"]


@dataclass(frozen=True, slots=True)
class Entity:
    """An object that is read by windows of time.

    Attributes:
        stream: Name of the stream.
        name: Name of the object in Salesforce.
        row: Its rows.
        types: Record types they become.
        make: Gives what makes the records, for one read of one slice.
        custom: Record type whose declared fields are read along.
        cursor: The field that orders it.
        where: What else a row must meet.
        bulk: Whether a first load may be read in bulk.
        loss: What is not known without it, for `check`.
    """

    stream: str
    name: str
    row: type[Row]
    types: tuple[str, ...]
    make: Prepare
    loss: str
    custom: str = ""
    cursor: str = "SystemModstamp"
    where: tuple[str, ...] = ()
    bulk: bool = True


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An object that is read whole in each run, because what matters about it leaves no trace in its time stamp."""

    stream: str
    name: str
    row: type[Row]
    make: Callable[[Any, bytes, int], Record]
    loss: str


_CALL = "(TaskSubtype = 'Call' OR CallDurationInSeconds != null)"
_OPPORTUNITY_HISTORY = "OpportunityHistory"

ENTITIES: tuple[Entity, ...] = (
    Entity("events", "Event", objects.EventRow, ("meeting",), makers.meetings, "no meeting is known", "meeting"),
    Entity(
        "event_relations",
        "EventRelation",
        objects.RelationRow,
        ("attendee",),
        makers.some(sales.attendee),
        "who was invited to a meeting is not known",
        bulk=False,
    ),
    Entity(
        "tasks",
        "Task",
        objects.TaskRow,
        ("call",),
        makers.each(sales.task_call),
        "calls that a dialer logs are not known",
        "call",
        where=(_CALL,),
    ),
    Entity(
        "voice_calls",
        "VoiceCall",
        objects.VoiceRow,
        ("call",),
        makers.each(sales.voice_call),
        "how long telephone calls really took is not known",
        "call",
    ),
    Entity(
        "video_calls",
        "VideoCall",
        objects.VideoRow,
        ("call",),
        makers.each(sales.video_call),
        "how long meetings really took is not known; a scheduled length proves nothing",
        "call",
    ),
    Entity(
        "video_participants",
        "VideoCallParticipant",
        objects.ParticipantRow,
        ("attendee",),
        makers.each(sales.participant),
        "who really took part in a call by video is not known",
    ),
    Entity(
        "opportunities",
        "Opportunity",
        objects.OpportunityRow,
        ("deal",),
        makers.deals,
        "no deal is known, so none can show acceptance",
        "deal",
    ),
    Entity(
        "opportunity_history",
        _OPPORTUNITY_HISTORY,
        objects.StageRow,
        ("change",),
        makers.stages,
        "who moved a deal to another stage is not known, so acceptance by stage cannot be attributed",
        cursor="CreatedDate",
        bulk=False,
    ),
    Entity(
        "opportunity_field_history",
        "OpportunityFieldHistory",
        history_row("OpportunityId"),
        ("change",),
        makers.histories(lambda _: "deal", "StageName", "Amount", unless=_OPPORTUNITY_HISTORY),
        "acceptance by a field or an owner of deals cannot be attributed",
        cursor="CreatedDate",
    ),
    Entity(
        "leads", "Lead", objects.LeadRow, ("contact", "actor"), makers.every(people.lead), "no lead is known", "contact"
    ),
    Entity(
        "lead_history",
        "LeadHistory",
        history_row("LeadId"),
        ("change",),
        makers.histories(lambda _: "contact"),
        "acceptance by the status of a lead cannot be attributed",
        cursor="CreatedDate",
    ),
    Entity(
        "contacts",
        "Contact",
        objects.ContactRow,
        ("contact", "actor"),
        makers.every(people.contact),
        "no contact is known, and no act is known to be a customer's",
        "contact",
    ),
    Entity(
        "contact_history",
        "ContactHistory",
        history_row("ContactId"),
        ("change",),
        makers.histories(lambda _: "contact"),
        "acceptance by a field of contacts cannot be attributed",
        cursor="CreatedDate",
    ),
    Entity(
        "accounts",
        "Account",
        objects.AccountRow,
        ("account",),
        makers.each(people.account),
        "no account is known",
        "account",
    ),
    Entity(
        "account_history",
        "AccountHistory",
        history_row("AccountId"),
        ("change",),
        makers.histories(lambda _: "account"),
        "changes of accounts cannot be attributed",
        cursor="CreatedDate",
    ),
    Entity(
        "activity_history",
        "ActivityFieldHistory",
        objects.ActivityChangeRow,
        ("change",),
        makers.activities,
        "acceptance on events cannot be attributed",
        cursor="ChangedDate",
    ),
    Entity("cases", "Case", objects.CaseRow, ("ticket", "ticket_event"), makers.cases, "no ticket is known", "ticket"),
    Entity(
        "case_history",
        "CaseHistory",
        history_row("CaseId"),
        ("change", "ticket_event"),
        makers.case_histories,
        "who solved, reopened or was given a case is not known, unless CaseHistory2 tells",
        cursor="CreatedDate",
    ),
    Entity(
        "case_trail",
        "CaseHistory2",
        objects.CaseTrailRow,
        ("change", "ticket_event"),
        makers.trails,
        "owner and status of cases are known only where field history tracks them",
        bulk=False,
    ),
    Entity(
        "messaging_sessions",
        "MessagingSession",
        objects.SessionRow,
        ("ticket_event",),
        makers.sessions,
        "a handoff in messaging is not seen",
        bulk=False,
    ),
    Entity(
        "conversation_entries",
        "ConversationEntry",
        objects.EntryRow,
        ("ticket_event",),
        makers.entries,
        "what was written in messaging, and by whom, is not seen",
        cursor="CreatedDate",
        bulk=False,
    ),
    Entity(
        "emails",
        "EmailMessage",
        objects.EmailRow,
        ("ticket_event",),
        makers.some(makers.plain(tickets.email_act)),
        "answers by e-mail, and so a handoff, are not seen",
        where=("ParentId != null",),
        bulk=False,  # fifty thousand texts of any length make a result that no memory should have to hold
    ),
    Entity(
        "case_comments",
        "CaseComment",
        objects.CommentRow,
        ("ticket_event",),
        makers.some(makers.plain(tickets.comment_act)),
        "comments on cases, and so a handoff, are not seen",
    ),
)
"""What is read by windows of time, in the order in which the streams start."""

SNAPSHOTS: tuple[Snapshot, ...] = (
    Snapshot("users", "User", objects.UserRow, people.user, "nobody's role is known"),
    Snapshot("groups", "Group", objects.GroupRow, people.group, "queues are not told apart"),
)
"""What is read whole in each run."""

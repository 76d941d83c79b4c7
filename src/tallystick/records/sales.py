"""Record types of sales: a meeting, who was invited, what shows that it took place, and the deal that came of it.

The words are those every CRM shares. What a system calls otherwise, its connector translates; what it cannot tell stays
null. A scheduled length is no proof that anybody came: how long people really talked stands in a `call` alone.
"""

from __future__ import annotations

from tallystick.records.kinds import Column, LookedUp, RecordType, Relation

__all__ = ["ACCOUNT", "ATTENDEE", "CALL", "CONTACT", "DEAL", "MEETING"]

_CREATED = Column("created_at", "instant", "When it was created.")
_UPDATED = Column("updated_at", "instant", "When it last changed, by the system's own clock.")
_CREATED_BY = Column("created_by", "text", "Who created it.")
_APP = Column("app_id", "text", "Through which application it was created, where the system tells.")

MEETING = RecordType(
    "meeting",
    "A meeting as the calendar in the CRM holds it.",
    "starts_at",
    (
        Column("created_at", "instant", "When it was booked."),
        _UPDATED,
        Column("starts_at", "instant", "Scheduled start; for an all-day entry the day's midnight in UTC."),
        Column("ends_at", "instant", "Scheduled end."),
        Column("all_day", "boolean", "True for an entry without times: its scheduled length says nothing."),
        Column(
            "status", "text", "scheduled, completed, no_show, canceled or rescheduled; null where the system has none."
        ),
        Column("title", "text", "Its title."),
        Column("owner_id", "text", "In whose calendar it stands."),
        Column("created_by", "text", "Who booked it."),
        _APP,
        Column("account_id", "text", "The prospect's company."),
        Column("contact_id", "text", "The prospect."),
        Column("deal_id", "text", "The deal it belongs to."),
        Column("external_id", "text", "What the calendar or the conference calls it."),
        Column("parent_id", "text", "The entry that this one is an invited user's copy of; null for the entry itself."),
        Column("series_id", "text", "The recurring series it is part of."),
        Column("rescheduled_from", "text", "The meeting it stands in for."),
    ),
    (
        Relation("attendees", "attendee", ("id",), "meeting_id"),
        Relation("calls", "call", ("id",), "meeting_id"),
        Relation("call_attendees", "attendee", ("id",), "call_id", via="calls"),
        Relation("changes", "change", ("id",), "object_id"),
        Relation("deals", "deal", ("deal_id",), "id"),
        Relation("deal_changes", "change", ("id",), "object_id", via="deals"),
        Relation("contacts", "contact", ("contact_id",), "id"),
        Relation("contact_changes", "change", ("id",), "object_id", via="contacts"),
        Relation("account_deals", "deal", ("account_id",), "account_id"),
        Relation("account_deal_changes", "change", ("id",), "object_id", via="account_deals"),
        Relation("accounts", "account", ("account_id",), "id"),
        Relation("merged_accounts", "account", ("merged_into",), "id", via="accounts"),
        Relation("account_meetings", "meeting", ("account_id",), "account_id"),
        Relation("account_meeting_calls", "call", ("id",), "meeting_id", via="account_meetings"),
        Relation("contact_meetings", "meeting", ("contact_id",), "contact_id"),
        Relation("copies", "meeting", ("id",), "parent_id"),
        Relation("replacements", "meeting", ("id",), "rescheduled_from"),
        Relation("originals", "meeting", ("rescheduled_from",), "id"),
        Relation("first_originals", "meeting", ("rescheduled_from",), "id", via="originals"),
        Relation("series_meetings", "meeting", ("series_id",), "series_id"),
        Relation("series_calls", "call", ("id",), "meeting_id", via="series_meetings"),
        Relation("acceptance_meetings", "acceptance_meeting", ("id",), "meeting_id"),
        Relation("acceptance_changes", "acceptance_change", ("id",), "object_id", via="acceptance_meetings"),
        Relation("acceptance_contacts", "acceptance_contact", ("contact_id",), "id", via="acceptance_meetings"),
        Relation("acceptance_contact_changes", "acceptance_change", ("id",), "object_id", via="acceptance_contacts"),
        Relation("acceptance_deals", "acceptance_deal", ("deal_id",), "id", via="acceptance_meetings"),
        Relation("acceptance_deal_changes", "acceptance_change", ("id",), "object_id", via="acceptance_deals"),
        Relation("acceptance_account_deals", "acceptance_deal", ("account_id",), "account_id", "acceptance_meetings"),
        Relation(
            "acceptance_account_deal_changes",
            "acceptance_change",
            ("id",),
            "object_id",
            via="acceptance_account_deals",
        ),
    ),
    aliases=("external_id",),
)

ATTENDEE = RecordType(
    "attendee",
    "Somebody who was invited to a meeting, or who took part in a call.",
    "at",
    (
        Column("at", "instant", "When the invitation was written; for a call, when it started."),
        Column("meeting_id", "text", "The meeting."),
        Column("call_id", "text", "The call."),
        Column("email", "text", "E-mail address, lower case."),
        Column("domain", "text", "What stands behind the @ of the address, lower case."),
        Column("internal", "boolean", "True for one of the buyer's own users."),
        Column("actor_id", "text", "The user, for one of the buyer's own."),
        Column("contact_id", "text", "The contact or lead, for anybody else."),
        Column("response", "text", "The calendar's reply: accepted, declined or none; it proves no attendance."),
        Column("responded_at", "instant", "When the reply came."),
        Column("attended", "boolean", "Whether they took part, where the system tells."),
    ),
    derived=(
        LookedUp("actor_role", "text", "Role of the user at that time.", "actor", "actor_id", "role"),
        LookedUp("title", "text", "Job title of the contact at that time.", "contact", "contact_id", "title"),
    ),
)

CALL = RecordType(
    "call",
    "A conversation that took place, with the time it really took.",
    "started_at",
    (
        Column("started_at", "instant", "When it started."),
        Column("ended_at", "instant", "When it ended."),
        Column("seconds", "integer", "How long it took; null where the system does not tell."),
        Column("medium", "text", "conference or phone."),
        Column("status", "text", "connected, no_answer, busy, voicemail, wrong_number or other."),
        Column("meeting_id", "text", "The meeting it belongs to."),
        Column("owner_id", "text", "Whose call it is."),
        _CREATED_BY,
        _APP,
        Column("account_id", "text", "The prospect's company."),
        Column("contact_id", "text", "The prospect."),
        Column("deal_id", "text", "The deal it belongs to."),
        Column("external_id", "text", "What the conference or the telephone system calls it."),
        Column("recorded", "boolean", "Whether a recording of it is named."),
        Column(
            "candidates",
            "text",
            "Meetings it may belong to, separated by spaces, where a call of another source fits several; no connector"
            " writes it.",
        ),
    ),
    (
        Relation("attendees", "attendee", ("id",), "call_id"),
        Relation("changes", "change", ("id",), "object_id"),
    ),
    aliases=("external_id",),
)

DEAL = RecordType(
    "deal",
    "A chance to sell.",
    "created_at",
    (
        _CREATED,
        _UPDATED,
        Column("name", "text", "Its name."),
        Column("account_id", "text", "The company."),
        Column("contact_id", "text", "The first contact."),
        Column("owner_id", "text", "Whose it is."),
        _CREATED_BY,
        _APP,
        Column("pipeline", "text", "The pipeline, where there are several."),
        Column("stage", "text", "The stage, by the name or id the system's API gives it."),
        Column("closed", "boolean", "Whether the stage ends it."),
        Column("won", "boolean", "Whether the stage wins it."),
        Column("closed_at", "instant", "When it was closed, where the system tells the time."),
        Column("amount", "money", "What it is worth, as somebody estimated."),
        Column("currency", "text", "ISO 4217 code, upper case."),
        Column("exponent", "integer", "Decimal places the system of record uses for this currency."),
        Column("lead_source", "text", "Where it came from, in the system's own words."),
    ),
    (Relation("changes", "change", ("id",), "object_id"),),
    derived=(LookedUp("created_by_role", "text", "Role of its creator at that time.", "actor", "created_by", "role"),),
)

CONTACT = RecordType(
    "contact",
    "A person outside the buyer's company: a contact or a lead.",
    "created_at",
    (
        _CREATED,
        _UPDATED,
        Column("kind", "text", "contact or lead."),
        Column("name", "text", "Name."),
        Column("email", "text", "E-mail address, lower case."),
        Column("domain", "text", "What stands behind the @ of the address, lower case."),
        Column("title", "text", "Job title."),
        Column("account_id", "text", "The company."),
        Column("owner_id", "text", "Whose contact it is."),
        _CREATED_BY,
        _APP,
        Column("status", "text", "Status of the lead, or stage in the life cycle, in the system's own words."),
        Column("converted_deal_id", "text", "The deal a lead was turned into."),
        Column("converted_contact_id", "text", "The contact a lead was turned into."),
        Column("merged_into", "text", "The contact it was merged into."),
    ),
    (Relation("changes", "change", ("id",), "object_id"),),
)

ACCOUNT = RecordType(
    "account",
    "A company.",
    "created_at",
    (
        _CREATED,
        _UPDATED,
        Column("name", "text", "Name."),
        Column("domain", "text", "Its domain, lower case."),
        Column("owner_id", "text", "Whose account it is."),
        _CREATED_BY,
        _APP,
        Column("status", "text", "customer, prospect, ... in the system's own words."),
        Column("merged_into", "text", "The account it was merged into."),
    ),
    (
        Relation("changes", "change", ("id",), "object_id"),
        Relation("deals", "deal", ("id",), "account_id"),
        Relation("meetings", "meeting", ("id",), "account_id"),
    ),
)

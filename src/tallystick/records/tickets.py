"""Record types of support: a ticket, and what happened to it, act by act.

The words are those every help desk shares. What a system calls otherwise, its connector translates; what it cannot
tell stays null.
"""

from __future__ import annotations

from tallystick.records.kinds import Column, Following, LookedUp, RecordType, Relation

__all__ = ["TICKET", "TICKET_EVENT"]

TICKET = RecordType(
    "ticket",
    "A request for support.",
    "created_at",
    (
        Column("created_at", "instant", "When it was opened."),
        Column("updated_at", "instant", "When it last changed, by the system's own clock."),
        Column("status", "text", "new, open, pending, hold, solved, closed or deleted."),
        Column("channel", "text", "email, messaging, chat, voice, web, social, api or other."),
        Column("via", "text", "Where it came from, in the system's own words."),
        Column("requester_id", "text", "Who asks; null once the ticket was scrubbed."),
        Column("submitter_id", "text", "Who opened it."),
        Column("assignee_id", "text", "Whose it is."),
        Column("group_id", "text", "Which group's it is."),
        Column("organization_id", "text", "The requester's company."),
        Column("external_id", "text", "What another system calls it."),
        Column("follow_up_of", "text", "The closed ticket it carries on."),
        Column("tags", "text", "Its tags, separated by spaces."),
        Column("cc_ids", "text", "Who is copied, separated by spaces."),
        Column("csat", "integer", "Rating, 1 to 5; where the system has two grades, good is 5 and bad is 1."),
        Column("reopens_reported", "integer", "How often it was reopened, as the system itself counts."),
    ),
    (
        Relation("events", "ticket_event", ("id",), "ticket_id"),
        Relation("changes", "change", ("id",), "object_id"),
        Relation("follow_ups", "ticket", ("id",), "follow_up_of"),
        Relation("follow_up_acts", "ticket_event", ("id",), "other_ticket_id"),
        Relation("requester_tickets", "ticket", ("requester_id",), "requester_id"),
    ),
    aliases=("external_id",),
    story="events",
)

TICKET_EVENT = RecordType(
    "ticket_event",
    "One act on a ticket.",
    "at",
    (
        Column("at", "instant", "When it happened."),
        Column("ticket_id", "text", "The ticket."),
        Column(
            "kind",
            "text",
            "created, message, call, solved, reopened, closed, status, assigned, grouped, tagged, untagged, merged,"
            " absorbed, spam, deleted, undeleted, redacted, privacy, rated, macro, side_conversation, shared,"
            " or ai_agent (listed as handled by an AI agent alone).",
        ),
        Column(
            "actor_id", "text", "Who did it: a message's author, else the one whose update it was; null: the system."
        ),
        Column("by", "text", "user, rule (a trigger or automation did it, whoever set it off) or system."),
        Column("rule_id", "text", "The rule, where the system names it."),
        Column("channel", "text", "Through what it was done: email, web, api, messaging, voice, rule, on_behalf, ..."),
        Column("public", "boolean", "For a message: whether the customer sees it; as it was when first seen."),
        Column("says", "text", "For a message: thanks, greeting, empty or other; from its text, when first seen."),
        Column("value", "text", "The new status, the tag, the rating, ...; null when there is none."),
        Column("previous", "text", "The value before."),
        Column("assignee_id", "text", "For assigned: to whom; null: to nobody."),
        Column("group_id", "text", "For grouped: to which group; null: to none."),
        Column(
            "other_ticket_id",
            "text",
            "For merged: into which ticket; for absorbed: which came in; for created: which it carries on.",
        ),
        Column("score", "integer", "For rated: 1 to 5; where the system has two grades, good is 5 and bad is 1."),
    ),
    derived=(
        LookedUp("actor_role", "text", "Role of the actor at that time.", "actor", "actor_id", "role"),
        LookedUp("assignee_role", "text", "Role of the assignee at that time.", "actor", "assignee_id", "role"),
        Following("reopened_at", "When the ticket was next reopened.", "ticket_id", "kind", "reopened"),
    ),
    frozen=True,
)

"""The template `ticket-resolved`: a ticket the AI agent resolved, with no human handoff, that stayed resolved.

The parameters are those on which published definitions differ; each names where. The vendors' own pages are named in
`presets.toml`, with dates and how well they are known.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from tallystick.outcomes.predicate import PredicateSource, Unit
from tallystick.outcomes.template import Param, Preset, Setting, Template, scalars
from tallystick.outcomes.ticket_clauses import clauses_of
from tallystick.outcomes.ticket_facts import CHANNELS, facts_of

__all__ = ["TICKET_RESOLVED"]

_VOIDS = ("requested", "assigned", "public_reply", "internal_note")

_PARAMS = (
    Param(
        "bots",
        "list",
        "Ids under which the AI agent acts in the system; the vendor's identities there unless given.",
        "No help desk marks an AI agent's seat as such; it has to be agreed.",
        vendors=True,
    ),
    Param(
        "shared_seats",
        "list",
        "Ids that the AI agent shares with a person: what they did makes an outcome unverifiable.",
        "A vendor is often given a seat that people use too.",
        (),
        account=True,
    ),
    Param(
        "confirmation",
        "text",
        "What counts as success: the customer says so, or asks for nothing more, or the latter and a judge says so, "
        "or one of the first two.",
        "Confirmed, assumed and judged resolutions are billed differently from vendor to vendor.",
        "silence",
        ("explicit", "silence", "judged", "any_of"),
    ),
    Param(
        "silence_hours",
        "hours",
        "Elapsed hours of the customer's silence by channel.",
        "24 h for messages and 72 h for e-mail are the values published most often.",
        {**dict.fromkeys(CHANNELS, 72), "messaging": 24, "chat": 24, "social": 24, "voice": 0},
        CHANNELS,
        most=8_760,
    ),
    Param(
        "clock_start",
        "text",
        "From when the silence is counted.",
        "Some count from the agent's last answer, others from the last message of either side.",
        "last_agent_reply",
        ("last_agent_reply", "last_message", "first_message", "close"),
    ),
    Param(
        "min_substantive_reply",
        "boolean",
        "Whether a greeting or a thank-you of the AI agent is no answer.",
        "A mere greeting is excluded by at least one vendor's help page.",
        default=True,
    ),
    Param(
        "handoff_voids",
        "list",
        "Which acts count as a person taking over.",
        "A request for a person, an assignment, a public reply, an internal note: contracts differ.",
        ("requested", "assigned", "public_reply"),
        _VOIDS,
    ),
    Param(
        "assignment_counts",
        "text",
        "Whether an assignment to a person is a handoff by itself, or only when a person then acts.",
        "Solving needs an assignee and routing may assign beforehand, so an assignment alone is weak evidence.",
        "always",
        ("always", "when_followed"),
    ),
    Param(
        "ai_groups",
        "list",
        "Groups whose tickets are the AI agent's: leaving them is an assignment to a person.",
        "Escalation is often a change of group.",
        (),
        account=True,
    ),
    Param(
        "human_groups",
        "list",
        "Groups of people; every other group is one unless given.",
        "As above.",
        (),
        account=True,
    ),
    Param(
        "platform_ai",
        "boolean",
        "Whether the AI agent is the help desk's own, so that its conversations are listed as such until escalated.",
        "The platform's own state is decisive for messaging.",
        default=False,
        account=True,
    ),
    Param("escalation_tags", "list", "Tags that ask for a person.", "Only as good as who sets them.", (), account=True),
    Param(
        "escalation_fields",
        "list",
        "Custom ticket fields (by id) that ask for a person.",
        "As above.",
        (),
        account=True,
    ),
    Param(
        "billable_handoffs",
        "list",
        "Tags of procedures whose handoff the buyer agreed to pay for.",
        "One vendor bills configured handoffs as outcomes; empty unless agreed.",
        (),
    ),
    Param(
        "negative_feedback_voids",
        "boolean",
        "Whether a bad rating rules the outcome out.",
        "Ratings of 1 to 3 void at one vendor, negative feedback at two others.",
        default=True,
    ),
    Param(
        "csat_threshold",
        "integer",
        "Lowest rating, of 5, that is good.",
        "A buyer's published rule is 4 or more.",
        3,
        least=1,
        most=5,
    ),
    Param(
        "unrated",
        "text",
        "What no rating means.",
        "Absent feedback passes at one vendor; without a rule the clause stays unknown.",
        "passes",
        ("passes", "unknown"),
    ),
    Param(
        "reopen_days",
        "integer",
        "Calendar days after the resolution during which a return still matters.",
        "A buyer's published rule is 14 days; vendors name 2 to 10 days, or none.",
        7,
        most=365,
    ),
    Param(
        "reopen_scope",
        "text",
        "What counts as a return: the ticket or its follow-up, a new one of the same requester on the same topic, "
        "or any new one of the requester.",
        "A closed ticket cannot reopen, so a follow-up always counts.",
        "same_ticket",
        ("same_ticket", "same_requester_same_topic", "any_ticket"),
    ),
    Param("topic_field", "field", "Custom field of a ticket with its topic.", "As above.", "", account=True),
    Param(
        "thanks_is_a_return",
        "boolean",
        "Whether a customer who only says thanks, and so reopens the ticket, came back. With `new_unit` every "
        "reopening ends a unit.",
        "A thank-you does not void at one vendor.",
        default=False,
    ),
    Param(
        "reopen_effect",
        "text",
        "What a return does: it voids the outcome, or takes it back after it was owed at once, or starts another "
        "unit, or nothing.",
        "A deduction at one vendor, a second unit at another, nothing at a third.",
        "void",
        ("void", "credit", "new_unit", "none"),
    ),
    Param(
        "unit_scope",
        "text",
        "What one unit is: a conversation with its follow-ups, a ticket, or all of a requester's tickets of one day.",
        "One claim for each underlying record is the control against double counting.",
        "conversation",
        ("conversation", "ticket", "requester_per_day"),
    ),
    Param(
        "merged_ticket_rule",
        "text",
        "Which of merged tickets carries the unit: the one that remains, none, or each (merging is ignored).",
        "Accounts merge duplicates by hand.",
        "target_carries",
        ("target_carries", "none_carries", "ignored"),
    ),
    Param(
        "spam_and_test_exclusions",
        "list",
        "Tags of tickets that are never a unit; what is marked as spam never is.",
        "Previews and tests consume units at one vendor.",
        (),
    ),
    Param(
        "judge",
        "text",
        "Who decides what fields cannot; its answer enters as a tag and is not asked for again.",
        "Two vendors let a model of their own judge.",
        "none",
        ("none", "buyer_sample", "llm"),
    ),
    Param("judge_tag", "text", "The tag with which the judge approves.", "As above.", "judged_resolved", account=True),
)


def _build(values: Mapping[str, Setting]) -> PredicateSource:
    if (values["confirmation"] == "judged") != (values["judge"] != "none"):
        raise ValueError("confirmation judged and a judge go together: set both or neither")
    # Where a return starts another unit, so does a follow-up.
    apart = values["unit_scope"] == "ticket" or values["reopen_effect"] == "new_unit"
    links = ("went_into",) if apart else ("carries_on", "went_into")
    return PredicateSource(
        facts=facts_of(values),
        clauses=clauses_of(values),
        quantity="units" if values["reopen_effect"] == "new_unit" else None,
        params=scalars(values, "reopen_days", "csat_threshold"),
        unit=Unit(links, "asked_by" if values["unit_scope"] == "requester_per_day" else None),
    )


@cache
def _presets() -> dict[str, Preset]:
    text = files("tallystick.outcomes").joinpath("presets.toml").read_text(encoding="utf-8")
    return {
        name: Preset(name=name, unpublished=tuple(told.pop("unpublished", ())), values=told.pop("with", {}), **told)
        for name, told in tomllib.loads(text).items()
    }


TICKET_RESOLVED = Template(
    "ticket-resolved",
    "ticket",
    "A ticket the AI agent answered and that was resolved with no human handoff, confirmed by the customer or by "
    "silence, and that stayed resolved.",
    _PARAMS,
    _build,
    _presets(),
)

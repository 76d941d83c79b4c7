"""The parameters of `qualified-meeting`, each with where in practice it comes from.

What is published of meetings speaks of attendance, business e-mail, roles, a no-show report and acceptance; minutes are
left to rubrics and order forms, so that the fifteen here are a default and no standard.
"""

from __future__ import annotations

from tallystick.outcomes.template import Param

__all__ = ["ACTS", "PARAMS", "SOURCES"]

SOURCES = ("conference", "call", "crm_field", "scheduled")
"""Where the length of a meeting may come from."""

ACTS = ("deal_created", "deal_stage", "deal_field", "contact_field", "meeting_field", "none")
"""What may be acceptance."""

_EXECUTIVES = "account_executive"
_AS_ABOVE = "As above."

_HELD = (
    Param(
        "vendor_ids",
        "list",
        "Users and applications through which the vendor writes; its identities in the system unless given.",
        "Whoever is paid for a fact must not be the one who wrote it.",
        vendors=True,
    ),
    Param(
        "min_minutes",
        "integer",
        "Minutes a meeting has to last, as elapsed time.",
        "No published rule names a number; rubrics and order forms do. Fifteen is a default, not a standard.",
        15,
        least=1,
        most=1_440,
    ),
    Param(
        "duration_sources",
        "list",
        "Which lengths count: of the conference, of a telephone call, in a field of the CRM, or as scheduled.",
        "A scheduled length proves nothing: it counts only where the contract says so in words.",
        ("conference", "call"),
        SOURCES,
    ),
    Param(
        "duration_field",
        "field",
        "Custom field of a meeting with its minutes, a whole number, for `crm_field`.",
        "Scheduling and recording packages write the length into fields of their own.",
        "",
        account=True,
    ),
    Param(
        "duration_history",
        "text",
        "What the change history calls `duration_field`, if not by its own name.",
        "A field whose author nobody knows proves nothing.",
        "",
        account=True,
    ),
    Param(
        "evidence_hours",
        "integer",
        "Elapsed hours after the end during which calls and attendees may still be logged.",
        "Conferences are logged in minutes, people log at the end of the day.",
        24,
        most=720,
    ),
    Param(
        "accept_self_attested",
        "boolean",
        "Whether what the vendor wrote itself counts too.",
        "The vendor would own the scoreboard.",
        default=False,
    ),
)
_PRESENT = (
    Param(
        "buyer_attendees",
        "integer",
        "How many of the buyer's people have to be there.",
        "Attendance on both sides is in every published rule.",
        1,
        most=20,
    ),
    Param(
        "prospect_attendees", "integer", "How many of the prospect's people have to be there.", _AS_ABOVE, 1, most=20
    ),
    Param(
        "attendance",
        "text",
        "Who is there: those invited who did not decline, or only those shown to have taken part.",
        "A calendar's reply proves no attendance; few systems tell who took part.",
        "invited",
        ("invited", "attended"),
    ),
    Param(
        "business_email",
        "boolean",
        "Whether the prospect's people need an address that not anybody can get.",
        "A business e-mail is asked for by at least one vendor's terms.",
        default=True,
    ),
    Param(
        "free_mail_domains",
        "list",
        "Domains that give addresses to anybody, besides those the program knows.",
        _AS_ABOVE,
        (),
    ),
    Param(
        "internal_domains",
        "list",
        "The buyer's own domains: people there are no prospects.",
        "An employee is no prospect.",
        (),
        account=True,
    ),
    Param(
        "excluded_domains",
        "list",
        "Domains of people who are on neither side, such as the vendor's own.",
        "A meeting that the vendor books with itself is none.",
        (),
    ),
    Param(
        "decision_maker_titles",
        "list",
        "Words of job titles, one of which a prospect present has to have; any title if empty.",
        "A decision-maker has to be present by one published rubric; gatekeepers are excluded.",
        (),
    ),
    Param(
        "no_show_report_hours",
        "integer",
        "Elapsed hours after the end within which a no-show has to be marked.",
        "24 hours at the vendor who publishes one.",
        24,
        most=720,
    ),
)
_ACCEPTED = (
    Param(
        "acceptance",
        "text",
        "Which act accepts a meeting: a deal created, a deal brought to a stage, a field of the deal, the contact or "
        "the meeting set, or none. It counts in the source that `evidence` names for `acceptance`, if it names one.",
        "Acceptance by somebody with the opposite interest is the control against manufactured meetings.",
        "deal_created",
        ACTS,
    ),
    Param(
        "account_executive_roles",
        "list",
        "Roles of those who may accept, as held when they did; from `people` in the source it counts in unless given.",
        "Pay plans ask for the account executive, not for whoever booked the meeting.",
        (),
        people=(_EXECUTIVES, "role_in"),
    ),
    Param(
        "account_executive_ids",
        "list",
        "Ids of those who may accept; from `people` in that source unless given.",
        _AS_ABOVE,
        (),
        people=(_EXECUTIVES, "ids"),
    ),
    Param(
        "buyer_apps",
        "list",
        "Applications of the buyer's own through which people write; what comes through any other one is nobody's act.",
        "Whoever holds the key of an application may write under anybody's name.",
        (),
        account=True,
    ),
    Param(
        "acceptance_field",
        "text",
        "The field that accepts, as the change history calls it, with or without `custom.` before it.",
        "Every CRM has a field of its own for it.",
        "",
        account=True,
    ),
    Param(
        "acceptance_values",
        "list",
        "Values of that field that accept; any but empty and false unless given.",
        _AS_ABOVE,
        (),
    ),
    Param(
        "accepting_stages", "list", "Stages of a deal that accept.", "An accepted opportunity is paid by pay plans.", ()
    ),
    Param(
        "rejection_values",
        "list",
        "Values or stages that decline; unless given, every value of the field that does not accept.",
        "Rejection needs a closed list of reasons.",
        (),
    ),
    Param(
        "acceptance_business_days",
        "integer",
        "Business days after the day it ended, to the end of the last, within which it has to be accepted.",
        "Practice counts business days, which need a calendar and a zone.",
        5,
        most=260,
    ),
    Param(
        "holidays",
        "list",
        "Days that are no business days besides weekends, as 2026-12-25.",
        _AS_ABOVE,
        (),
    ),
    Param(
        "on_silence",
        "text",
        "What it means that nobody accepts in time: acceptance, rejection, or that somebody has to decide.",
        "A buyer may stall, a vendor needs predictable payment: both silences are contract terms.",
        "reject",
        ("reject", "accept", "escalate"),
    ),
    Param(
        "clawback_days",
        "integer",
        "Calendar days after acceptance during which an account executive may still withdraw it.",
        "10 to 15 business days in pay plans.",
        21,
        most=365,
    ),
)
_COUNTED = (
    Param(
        "booked_by",
        "text",
        "Whose bookings count: the vendor's, by who created the meeting or through which application, or anyone's.",
        "A vendor is paid for the meetings it books; the buyer's own people book some too.",
        "vendor",
        ("vendor", "anyone"),
    ),
    Param(
        "reschedule_rule",
        "text",
        "Whether a meeting that stands in for another one is the same unit, or one of its own.",
        "Reschedules are excluded by one published rubric.",
        "follows_original",
        ("follows_original", "new_unit"),
    ),
    Param(
        "recurring",
        "text",
        "Whether only the first of a recurring series counts, or each.",
        "A weekly call is one meeting won, not fifty.",
        "first_only",
        ("first_only", "each"),
    ),
    Param(
        "one_per_account_days",
        "integer",
        "Calendar days that have to lie between two meetings with one account; 0 sets no limit.",
        "Prospects are recycled after 30 to 90 days.",
        90,
    ),
    Param(
        "one_across_sources",
        "boolean",
        "Whether meetings of one calendar day that several sources of the contract hold under one external id are one.",
        "Two CRMs that are kept in step hold every meeting twice.",
        default=False,
    ),
    Param(
        "existing_pipeline_exclusion_days",
        "integer",
        "Calendar days before the booking: a deal of the account created within them and open then rules it out; 0 "
        "sets no limit.",
        "Published exclusions name existing customers; pay plans exclude open opportunities.",
        0,
    ),
    Param(
        "first_meeting_only",
        "boolean",
        "Whether only the first meeting that took place with an account counts.",
        "Vendors are paid for opening doors.",
        default=False,
    ),
)

PARAMS = (*_HELD, *_PRESENT, *_ACCEPTED, *_COUNTED)
"""All of them, in the order of the page."""

"""Handoffs that somebody declares: escalation tags and fields, the platform's own escalation, handoffs paid for.

Each function plans one case and labels it by the rule in its docstring. Unless it says otherwise the bot answered and
solved the ticket, the customer was silent, and the window of seven days is over at the last stage.
"""

from __future__ import annotations

from tallystick_zendesk.simulator.cases_routing import later, passed
from tallystick_zendesk.simulator.plan import SYSTEM, Effect
from tallystick_zendesk.simulator.script import BOT, DAY, DESK, HOUR, MINUTE, PEOPLE, Case, Script, Ticket

__all__ = ["ESCALATION_CASES"]

_ROUTE_RULE = 360_000_307
_FIELD = "360001"


def tagged_by_bot(script: Script) -> None:
    """The bot itself set an escalation tag."""
    tags = (script.vary("escalated", "needs_human"),)
    passed(
        script,
        lambda ticket, at: ticket.act(at, BOT, via="api", add_tags=tags),
        "no_request",
        "escalation tag by the bot",
    )


def tagged_by_rule(script: Script) -> None:
    """A trigger set an escalation tag when the customer wrote."""
    effect = Effect(_ROUTE_RULE + script.turn, add_tags=("needs_human",))

    def hand(ticket: Ticket, at: int) -> None:
        ticket.asks(at, "I want to speak to somebody from your team.", effects=(effect,))
        ticket.answers(at + 5 * MINUTE)

    passed(script, hand, "no_request", "escalation tag by a rule")


def tagged_by_person(script: Script) -> None:
    """A person set an escalation tag after the solve, inside the window."""
    ticket = script.solved()
    ticket.act(ticket.resolved + 2 * DAY, PEOPLE[0], add_tags=("vip", "escalated"))
    script.expect(ticket, "rejected", "no_request", "escalation tag by a person inside the window")


def tagged_from_start(script: Script) -> None:
    """The ticket bore an escalation tag from the start."""
    passed(script, lambda *_: None, "no_request", "escalation tag at creation", tags=("escalated", "shop"))


def untagged(script: Script) -> None:
    """An escalation tag was set and taken away again: it had been set."""

    def hand(ticket: Ticket, at: int) -> None:
        ticket.act(at, BOT, via="api", add_tags=("escalated",))
        ticket.act(at + HOUR, BOT, via="api", remove_tags=("escalated",))

    passed(script, hand, "no_request", "escalation tag set and taken away")


def tagged_after(script: Script) -> None:
    """An escalation tag came after the window."""
    later(
        script,
        lambda ticket, at: ticket.act(at, PEOPLE[0], add_tags=("escalated",)),
        "escalation tag after the window",
    )


def tagged_otherwise(script: Script) -> None:
    """A tag that only looks like one of the escalation tags."""
    tags = (script.vary("escalated_never", "human", "needs_human_touch", "de_escalated"),)
    passed(script, lambda ticket, at: ticket.act(at, BOT, via="api", add_tags=tags), "", "tag that is no escalation")


def field_set(script: Script) -> None:
    """The escalation field was set."""
    value = script.vary("yes", "tier 2", True, "callback")
    passed(
        script,
        lambda ticket, at: ticket.act(at, BOT, via="api", fields=((_FIELD, value),)),
        "no_request",
        "escalation field set",
    )


def field_cleared(script: Script) -> None:
    """The escalation field was set to nothing."""
    value = script.vary(None, "")
    passed(
        script,
        lambda ticket, at: ticket.act(at, BOT, via="api", fields=((_FIELD, value),)),
        "",
        "escalation field set to nothing",
    )


def field_other(script: Script) -> None:
    """Another field was set."""
    passed(
        script,
        lambda ticket, at: ticket.act(at, BOT, via="api", fields=(("360002", "yes"), ("priority", "low"))),
        "",
        "field that is no escalation",
    )


def _messaging(script: Script, first: str, last: str) -> Ticket:
    opened = script.between(first, last)
    ticket = script.open(opened, "native_messaging", ai_agent=True)
    ticket.answers(opened + 2 * MINUTE)
    return ticket


def kept_by_platform(script: Script) -> None:
    """An AI agent ticket that the platform never took away."""
    ticket = _messaging(script, "09-16", "11-06")
    ticket.solves(ticket.answered + HOUR)
    ticket.closes()
    script.expect(ticket, "verified", "", "AI agent ticket never escalated")


def taken_by_platform(script: Script) -> None:
    """Listed as an AI agent ticket at one stage, escalated, solved by the bot all the same: it was taken away."""
    first, last = script.vary(("10-09", "10-11"), ("10-25", "10-27"))
    ticket = _messaging(script, first, last)
    ticket.act(script.between(*script.vary(("10-12", "10-13"), ("10-28", "10-29"))), SYSTEM, escalate=True)
    ticket.answers(script.between(*script.vary(("10-14", "10-15"), ("10-30", "11-01"))))
    ticket.solves(ticket.answered + HOUR)
    ticket.closes()
    script.expect(ticket, "rejected", "no_request", "AI agent ticket escalated")


def taken_and_handled(script: Script) -> None:
    """Escalated before it was ever listed, and taken by a person."""
    ticket = _messaging(script, "10-13", "10-26")
    at = ticket.answered + 10 * MINUTE
    ticket.act(at, SYSTEM, escalate=True)
    ticket.act(at + 5 * MINUTE, PEOPLE[0], assignee=PEOPLE[0])
    ticket.replies(at + 8 * MINUTE, PEOPLE[0])
    ticket.solves(at + HOUR, PEOPLE[0])
    ticket.closes()
    script.expect(ticket, "rejected", "no_assignment", "AI agent ticket escalated and taken by a person")


def paid_handoff(script: Script) -> None:
    """A handoff the buyer agreed to pay for: whatever people did after it."""
    tag = ("procedure_returns",)
    ticket = script.started()
    at = ticket.answered + HOUR
    if script.vary(True, False):
        ticket.act(at, BOT, via="api", add_tags=tag, group=DESK)
    else:
        ticket.act(at, BOT, via="api", group=DESK, effects=(Effect(_ROUTE_RULE, add_tags=tag),))
    ticket.act(at + HOUR, PEOPLE[0], assignee=PEOPLE[0])
    ticket.replies(at + 2 * HOUR, PEOPLE[0])
    ticket.solves(at + 3 * HOUR, PEOPLE[0])
    ticket.closes()
    script.expect(ticket, "verified", "", "billable handoff")


def paid_handoff_late(script: Script) -> None:
    """The tag of the billable handoff came after the window: too late for the reply it should excuse."""
    ticket = script.started(script.between("09-16", "10-28"))
    ticket.replies(ticket.answered + HOUR)
    ticket.solves(ticket.answered + 3 * HOUR)
    ticket.act(ticket.window_end + DAY, BOT, via="api", add_tags=("procedure_returns",))
    script.expect(ticket, "rejected", "no_human_reply", "billable handoff tagged after the window")


def other_handoff(script: Script) -> None:
    """A handoff by a procedure the contract does not name."""

    def hand(ticket: Ticket, at: int) -> None:
        ticket.act(at, BOT, via="api", add_tags=("procedure_claims",))
        ticket.replies(at + HOUR)

    passed(script, hand, "no_human_reply", "handoff by a procedure nobody agreed to")


ESCALATION_CASES: tuple[Case, ...] = (
    tagged_by_bot,
    tagged_by_rule,
    tagged_by_person,
    tagged_from_start,
    untagged,
    tagged_after,
    tagged_otherwise,
    field_set,
    field_cleared,
    field_other,
    kept_by_platform,
    taken_by_platform,
    taken_and_handled,
    paid_handoff,
    paid_handoff_late,
    other_handoff,
)
"""One function for each case; each call plans one."""

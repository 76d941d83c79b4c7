"""Handoffs that nobody declares: the ticket is assigned to a person, or goes from an AI group to a desk of people.

Each function plans one case and labels it by the rule in its docstring. Unless it says otherwise the bot answered and
solved the ticket, the customer was silent, and the window of seven days is over at the last stage.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tallystick_zendesk.simulator.plan import SYSTEM, Effect
from tallystick_zendesk.simulator.script import (
    AI_GROUP,
    AI_GROUP_TOO,
    BOT,
    DAY,
    DESK,
    HOUR,
    PEOPLE,
    SECOND_DESK,
    Case,
    Script,
    Ticket,
)

__all__ = ["ROUTING_CASES", "later", "passed"]

_ROUTE_RULE = 360_000_307


def passed(script: Script, hand: Callable[[Ticket, int], None], clause: str, trap: str, **opening: Any) -> None:
    """Plan a ticket that the bot answered and solved, with something in between, and claim it.

    `clause` is what rejects it; with none it is verified.
    """
    ticket = script.started(channel=script.vary("email", "web", "chat"), **opening)
    hand(ticket, ticket.answered + HOUR)
    ticket.solves(ticket.answered + 4 * HOUR)
    ticket.closes()
    script.expect(ticket, "rejected" if clause else "verified", clause, trap)


def later(script: Script, hand: Callable[[Ticket, int], None], trap: str) -> None:
    """Plan a solved ticket to which something happens after its window, and claim it."""
    ticket = script.solved(script.between("09-16", "10-30"), close=False)
    hand(ticket, ticket.window_end + script.random.randint(HOUR, 2 * DAY))
    script.expect(ticket, "verified", "", trap)


def assigned_by_rule(script: Script) -> None:
    """A trigger assigned a person in the bot's own update: a handoff, though nobody human did it."""
    effect = Effect(_ROUTE_RULE + script.turn, assignee=PEOPLE[0])
    passed(
        script,
        lambda ticket, at: ticket.act(at, BOT, via="api", fields=(("priority", "high"),), effects=(effect,)),
        "no_assignment",
        "rule assigns a person",
    )


def assigned_by_automation(script: Script) -> None:
    """An automation assigned a person after the solve, inside the window."""
    ticket = script.solved(close=False)
    effect = Effect(_ROUTE_RULE + 9, "automation", assignee=PEOPLE[1])
    ticket.act(ticket.resolved + DAY, SYSTEM, via="rule", effects=(effect,))
    ticket.closes()
    script.expect(ticket, "rejected", "no_assignment", "automation assigns a person inside the window")


def assigned_by_person(script: Script) -> None:
    """A person took the ticket."""
    who = script.vary(*PEOPLE)
    passed(script, lambda ticket, at: ticket.act(at, who, assignee=who), "no_assignment", "a person takes the ticket")


def assigned_by_bot(script: Script) -> None:
    """The bot assigned a person and solved later all the same."""
    who = script.vary(*PEOPLE)
    passed(
        script,
        lambda ticket, at: ticket.act(at, BOT, via="api", assignee=who),
        "no_assignment",
        "the bot assigns a person",
    )


def assigned_unsolved(script: Script) -> None:
    """A person was assigned and the ticket never solved: the handoff is known at once."""
    ticket = script.started(script.between("11-01", "11-16"))
    ticket.act(ticket.answered + HOUR, PEOPLE[2], assignee=PEOPLE[2])
    script.expect(ticket, "rejected", "no_assignment", "a person takes the ticket, never solved")


def assigned_after(script: Script) -> None:
    """A person was assigned after the window."""
    later(
        script,
        lambda ticket, at: ticket.act(at, PEOPLE[3], assignee=PEOPLE[3]),
        "a person takes the ticket after the window",
    )


def preassigned(script: Script) -> None:
    """Routing gave the ticket an assignee when it was made, and nobody human acted."""
    passed(script, lambda *_: None, "", "assignee preassigned at creation", assignee=PEOPLE[0])


def assigned_at_solve(script: Script) -> None:
    """The bot set an assignee in the very act that solved: solving needs one."""
    ticket = script.started()
    ticket.solves(ticket.answered + 3 * HOUR, assignee=script.vary(*PEOPLE))
    ticket.closes()
    script.expect(ticket, "verified", "", "assignee set in the same act as the solve")


def assigned_to_requester(script: Script) -> None:
    """The ticket of an agent was assigned to himself: on it he is the customer."""
    opened = script.between("09-16", "11-03")
    asker = script.user(opened - DAY, "agent")
    passed(
        script,
        lambda ticket, at: ticket.act(at, BOT, via="api", assignee=asker),
        "",
        "assigned to its own requester",
        at=opened,
        requester=asker,
    )


def unassigned(script: Script) -> None:
    """The assignee was taken away: assigned to nobody."""
    passed(
        script,
        lambda ticket, at: ticket.act(at, PEOPLE[4], unassign=True),
        "",
        "assignee taken away",
        assignee=BOT,
    )


def to_desk(script: Script) -> None:
    """It went from the AI group to a desk of people."""
    group = script.vary(DESK, SECOND_DESK)
    passed(
        script,
        lambda ticket, at: ticket.act(at, BOT, via="api", group=group),
        "no_assignment",
        "AI group to human group",
    )


def to_desk_by_rule(script: Script) -> None:
    """A trigger moved it from the AI group to a desk of people."""
    effect = Effect(_ROUTE_RULE + script.turn, group=DESK)
    passed(
        script,
        lambda ticket, at: ticket.act(at, BOT, via="api", fields=(("type", "question"),), effects=(effect,)),
        "no_assignment",
        "AI group to human group by a rule",
    )


def to_desk_after(script: Script) -> None:
    """It went to a desk of people after the window."""
    later(script, lambda ticket, at: ticket.act(at, PEOPLE[0], group=DESK), "AI group to human group after the window")


def between_desks(script: Script) -> None:
    """It began at a desk of people and went to another: no AI group lost it."""
    passed(
        script,
        lambda ticket, at: ticket.act(at, PEOPLE[1], group=SECOND_DESK),
        "",
        "group change between human groups",
        group=DESK,
    )


def to_bot(script: Script) -> None:
    """It went from a desk of people to the AI group."""
    passed(
        script,
        lambda ticket, at: ticket.act(at, PEOPLE[2], group=AI_GROUP),
        "",
        "human group to AI group",
        group=DESK,
    )


def between_bots(script: Script) -> None:
    """It went from one AI group to another."""
    passed(
        script,
        lambda ticket, at: ticket.act(at, BOT, via="api", group=AI_GROUP_TOO),
        "",
        "AI group to AI group",
    )


ROUTING_CASES: tuple[Case, ...] = (
    assigned_by_rule,
    assigned_by_automation,
    assigned_by_person,
    assigned_by_bot,
    assigned_unsolved,
    assigned_after,
    preassigned,
    assigned_at_solve,
    assigned_to_requester,
    unassigned,
    to_desk,
    to_desk_by_rule,
    to_desk_after,
    between_desks,
    to_bot,
    between_bots,
)
"""One function for each case; each call plans one."""

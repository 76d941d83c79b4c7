"""What the customer said of the help: ratings, good or bad, and surveys from 1 to 5, before and after the window.

Each function plans one case and labels it by the rule in its docstring. Unless it says otherwise the window of seven
days is over at the last stage and no person took part.
"""

from __future__ import annotations

from functools import partial

from tallystick_zendesk.simulator.cases_silence import asked_again, helped
from tallystick_zendesk.simulator.plan import SYSTEM
from tallystick_zendesk.simulator.script import DAY, HOUR, Case, Script

__all__ = ["RATING_CASES"]


def _rated(script: Script, ratings: tuple[str, ...], *, asked: bool = False) -> None:
    """The customer rated, once or more, inside the window; with `asked` the silence had been broken before."""
    ticket = script.started()
    if asked:
        ticket.asks(ticket.answered + HOUR)
    ticket.solves(ticket.answered + 3 * HOUR)
    ticket.act(ticket.resolved + HOUR, SYSTEM, via="rule", rating="offered")
    for days, rating in enumerate(ratings, 1):
        ticket.act(ticket.resolved + days * DAY, ticket.requester, via="email", rating=rating)
    ticket.closes()
    trap = f"rated {' then '.join(ratings) or 'never, though asked to'}{', silence broken' if asked else ''}"
    if asked and "good" not in ratings:
        asked_again(script, ticket, trap)
    elif "bad" in ratings:
        script.expect(ticket, "rejected", "satisfied", trap)
    else:
        helped(script, ticket, trap)


def _surveyed(script: Script, score: int, *, asked: bool = False) -> None:
    """The customer answered a survey with 1 to 5; the contract asks for 3."""
    ticket = script.started()
    if asked:
        ticket.asks(ticket.answered + HOUR)
    ticket.solves(ticket.answered + 3 * HOUR)
    ticket.act(ticket.resolved + DAY, ticket.requester, via="email", survey=score)
    ticket.closes()
    trap = f"survey answered with {score}{', silence broken' if asked else ''}"
    if score >= 3:
        helped(script, ticket, trap)
    elif asked:
        asked_again(script, ticket, trap)
    else:
        script.expect(ticket, "rejected", "satisfied", trap)


def rated_before(script: Script) -> None:
    """The customer was unhappy before the bot solved."""
    ticket = script.started()
    ticket.act(ticket.answered + HOUR, ticket.requester, via="email", rating="bad")
    ticket.solves(ticket.answered + 3 * HOUR)
    ticket.closes()
    script.expect(ticket, "rejected", "satisfied", "rated bad before the solve")


def rated_after(script: Script) -> None:
    """The customer was unhappy after everything was settled."""
    ticket = script.solved(script.between("09-16", "10-30"), close=False)
    ticket.act(ticket.window_end + HOUR, ticket.requester, via="email", rating="bad")
    helped(script, ticket, "rated bad after the window")


def rated_too_late(script: Script) -> None:
    """The silence had been broken, and the good rating came after the window."""
    ticket = script.started(script.between("09-16", "10-28"))
    ticket.asks(ticket.answered + HOUR)
    ticket.solves(ticket.answered + 3 * HOUR)
    ticket.act(ticket.window_end + HOUR, ticket.requester, via="email", rating="good")
    asked_again(script, ticket, "rated good after the window, silence broken")


RATING_CASES: tuple[Case, ...] = (
    *(partial(_rated, ratings=said) for said in ((), ("good",), ("bad",), ("bad", "good"), ("good", "bad"))),
    *(partial(_rated, ratings=said, asked=True) for said in ((), ("good",), ("bad",))),
    *(partial(_surveyed, score=score) for score in range(1, 6)),
    *(partial(_surveyed, score=score, asked=True) for score in (2, 3)),
    rated_before,
    rated_after,
    rated_too_late,
)
"""One function for each case; each call plans one."""

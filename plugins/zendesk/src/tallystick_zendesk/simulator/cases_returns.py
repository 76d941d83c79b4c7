"""The life of a ticket after it was solved: opened again, closed, followed up, deleted, solved from the start.

Each function plans one case and labels it by the rule in its docstring. Unless it says otherwise the bot answered and
solved the ticket, the customer was silent before, and the window of seven days is over at the last stage.
"""

from __future__ import annotations

from functools import partial

from tallystick_zendesk.simulator.cases_words import ANSWERS
from tallystick_zendesk.simulator.plan import SYSTEM, Effect
from tallystick_zendesk.simulator.script import (
    ADMIN,
    BOT,
    DAY,
    DESK,
    HOUR,
    LAST,
    MINUTE,
    OPEN,
    PEOPLE,
    READABLE,
    Case,
    Script,
    Ticket,
    moment,
)

__all__ = ["RETURN_CASES", "follow_up"]

_OPEN_RULE = 360_000_402
# The window of the first lies in weeks without a change of the clock, that of the second across 25 October.
_WEEKS = {"plain weeks": ("09-16", "10-13"), "end of summer time": ("10-19", "10-23")}


def returned(script: Script, ticket: Ticket, trap: str) -> None:
    """Claim a ticket whose customer came back inside the window."""
    script.expect(ticket, "rejected", "not_returned", trap)


def follow_up(script: Script, ticket: Ticket, at: int, *, by: str) -> Ticket:
    """Plan a ticket that follows up a closed one, handled by the `bot` or by a `person`."""
    values = {"requester": ticket.requester, "follow_up_of": ticket.id}
    made = script.open(at, script.vary("email", "web", "closed_ticket"), **values)
    if by == "bot":
        made.answers(at + 5 * MINUTE)
        made.solves(at + 3 * HOUR)
    else:
        made.replies(at + HOUR)
        made.solves(at + 2 * HOUR, PEOPLE[0])
    made.closes()
    return made


def _reopened(script: Script, weeks: str, seconds: int) -> None:
    """The customer came back so many seconds after the end of the window (before, if negative)."""
    ticket = script.solved(script.between(*_WEEKS[weeks]), close=False)
    ticket.asks(ticket.window_end + seconds)
    if seconds < 0:
        returned(script, ticket, f"opened again 1 s before the window ends, {weeks}")
    else:
        place = "1 s after the window ends" if seconds else "just when the window ends"
        script.expect(ticket, "verified", "", f"opened again {place}, {weeks}")


def reopened_in_extra_hour(script: Script) -> None:
    """The week the clocks go back has an hour more: later than 7 times 24 hours, and inside 7 calendar days."""
    ticket = script.solved(script.between(*_WEEKS["end of summer time"]), close=False)
    ticket.asks(ticket.resolved + 7 * DAY + script.vary(1, 30 * MINUTE, HOUR - 1))
    returned(script, ticket, "opened again in the hour that the end of summer time adds")


def reopened(script: Script) -> None:
    """The customer came back after the silence, inside the window."""
    ticket = script.solved(script.between("09-16", "11-01"), close=False)
    ticket.asks(ticket.silence_end + script.vary(2, 20, 60) * HOUR)
    returned(script, ticket, "opened again by the customer after the silence")


def reopened_by_person(script: Script) -> None:
    """A person set it back to open and said nothing."""
    ticket = script.solved(script.between("09-16", "11-01"), close=False)
    ticket.act(ticket.resolved + 2 * DAY, PEOPLE[0], status=script.vary("open", "pending", "hold"))
    ticket.act(ticket.resolved + 3 * DAY, BOT, via="api", status="solved")
    returned(script, ticket, "opened again by a person, solved again by the bot")


def reopened_by_rule(script: Script) -> None:
    """An automation set it back to open."""
    ticket = script.solved(script.between("09-16", "11-01"), close=False)
    effect = Effect(_OPEN_RULE + script.turn, "automation", status="open")
    ticket.act(ticket.resolved + 5 * DAY, SYSTEM, via="rule", effects=(effect,))
    returned(script, ticket, "opened again by a rule")


def reopened_long_after(script: Script) -> None:
    """The customer came back long after the window, and a person took over."""
    ticket = script.solved(script.between("09-16", "10-20"), close=False)
    ticket.asks(ticket.window_end + 5 * DAY)
    ticket.replies(ticket.window_end + 5 * DAY + HOUR)
    ticket.solves(ticket.window_end + 5 * DAY + 2 * HOUR, PEOPLE[1])
    script.expect(ticket, "verified", "", "opened again long after the window, then handled by a person")


def closed_by_automation(script: Script) -> None:
    """Closed by the automation after four days: no new resolution, and the window still counts from the solve."""
    ticket = script.solved(script.between("11-06", "11-10"))
    script.expect(ticket, "verified", "", "closed by the automation")


def closed_unsolved(script: Script) -> None:
    """Closed without ever being solved, as a timeout of a conversation does: no resolution to see."""
    ticket = script.started(channel="native_messaging", ai_agent=True)
    effect = Effect(_OPEN_RULE + 10, "automation", status="closed")
    ticket.act(ticket.answered + 2 * DAY, SYSTEM, via="rule", effects=(effect,))
    script.expect(ticket, "rejected", "resolved", "closed without ever being solved")


def unsolved(script: Script) -> None:
    """Claimed, and not solved yet."""
    values = script.vary({}, {"channel": "native_messaging", "ai_agent": True}, {"channel": "web"})
    ticket = script.started(script.between("10-20", "11-17"), **values)
    script.expect(ticket, "pending", OPEN, "not solved yet")


def unanswered(script: Script) -> None:
    """Claimed, and neither answered nor solved."""
    ticket = script.open(script.between("11-01", "11-17"))
    script.expect(ticket, "pending", OPEN, "neither answered nor solved yet")


def window_runs(script: Script) -> None:
    """Solved less than seven days before the last stage."""
    ticket = script.solved(script.between("11-13", "11-18"))
    script.expect(ticket, "pending", OPEN, "window not over")


def window_unread(script: Script) -> None:
    """The window ended within the last hour: a quiet export may still show what happened in it."""
    ticket = script.started(READABLE - 7 * DAY - 3 * HOUR)
    ticket.solves(LAST - 7 * DAY - script.vary(1, 30, 55) * MINUTE)
    script.expect(ticket, "pending", OPEN, "window ended within the last hour")


def window_read(script: Script) -> None:
    """The window ended a little more than an hour before the last stage."""
    ticket = script.started(READABLE - 7 * DAY - 3 * HOUR)
    ticket.solves(READABLE - 7 * DAY - script.vary(2, 10, 30) * MINUTE)
    script.expect(ticket, "verified", "", "window ended before the last hour")


def made_solved(script: Script) -> None:
    """The bot made the ticket with its answer in it, solved from the start."""
    at = script.between("09-16", "11-05")
    text = script.one(ANSWERS)
    values = {"author": BOT, "submitter": BOT, "assignee": BOT, "status": "solved", "text": text}
    ticket = script.open(at, "api", **values)
    ticket.answered = at
    ticket.closes()
    script.expect(ticket, "verified", "", "created already solved, with the bot's answer")


def made_solved_by_person(script: Script) -> None:
    """A person made the ticket after a call, solved from the start: the bot has no part in it."""
    at = script.between("09-16", "11-05")
    values = {"author": PEOPLE[2], "submitter": PEOPLE[2], "assignee": PEOPLE[2], "status": "solved"}
    ticket = script.open(at, "web", group=DESK, **values)
    ticket.closes()
    script.expect(ticket, "rejected", "answered", "created already solved by a person")


def made_solved_unanswered(script: Script) -> None:
    """Made through the API from the customer's own words, solved from the start."""
    at = script.between("09-16", "11-05")
    ticket = script.open(at, "api", assignee=BOT, status="solved")
    ticket.closes()
    script.expect(ticket, "rejected", "answered", "created already solved, no answer")


def followed_up(script: Script) -> None:
    """A closed ticket cannot open again: a follow-up inside the window is the return."""
    ticket = script.solved(script.between("09-16", "11-01"))
    follow_up(script, ticket, ticket.resolved + 5 * DAY + HOUR, by="person")
    returned(script, ticket, "follow-up inside the window")


def _followed_up_at(script: Script, weeks: str, seconds: int) -> None:
    """The follow-up came so many seconds after the end of the window (before, if negative)."""
    ticket = script.solved(script.between(*_WEEKS[weeks]))
    follow_up(script, ticket, ticket.window_end + seconds, by="person")
    if seconds < 0:
        returned(script, ticket, f"follow-up 1 s before the window ends, {weeks}")
    else:
        script.expect(ticket, "verified", "", f"follow-up just when the window ends, {weeks}")


def followed_up_after(script: Script) -> None:
    """A follow-up after the window, which a person handled."""
    ticket = script.solved(script.between("09-16", "10-20"))
    follow_up(script, ticket, ticket.window_end + script.vary(1, 4, 12) * DAY, by="person")
    script.expect(ticket, "verified", "", "follow-up after the window")


def deleted(script: Script) -> None:
    """Deleted inside the window, after it was claimed: what the customer did then can never be seen."""
    ticket = script.solved(script.between("09-16", "11-01"), close=False)
    claimed = ticket.resolved + DAY
    ticket.act(ticket.resolved + script.vary(2, 4, 6) * DAY, ADMIN, delete=True)
    script.expect(ticket, "unverifiable", "not_deleted", "deleted inside the window, after the claim", claimed=claimed)


def deleted_before_claim(script: Script) -> None:
    """Deleted an hour after the solve, and claimed all the same."""
    ticket = script.solved(script.between("09-16", "11-01"), close=False)
    ticket.act(ticket.resolved + HOUR, ADMIN, delete=True)
    script.expect(ticket, "unverifiable", "not_deleted", "deleted inside the window, before the claim")


def deleted_after(script: Script) -> None:
    """Deleted after the window: everything had been seen by then."""
    ticket = script.solved(script.between("09-16", "10-20"), close=False)
    ticket.act(ticket.window_end + script.vary(1, 3, 9) * DAY, ADMIN, delete=True)
    script.expect(ticket, "verified", "", "deleted after the window")


def deleted_unsolved(script: Script) -> None:
    """Deleted before it was ever solved."""
    ticket = script.started(script.between("09-16", "11-10"))
    ticket.act(ticket.answered + script.vary(1, 30) * HOUR, ADMIN, delete=True)
    script.expect(ticket, "unverifiable", "not_deleted", "deleted before it was ever solved")


def brought_back(script: Script) -> None:
    """Deleted inside the window and brought back two days later: nothing is missing."""
    ticket = script.solved(script.between("09-16", "11-01"), close=False)
    ticket.act(ticket.resolved + DAY, ADMIN, delete=True)
    ticket.act(ticket.resolved + 3 * DAY, ADMIN, undelete=True)
    script.expect(ticket, "verified", "", "deleted inside the window and brought back")


def before_term(script: Script) -> None:
    """Opened before the term of the contract, solved in it."""
    ticket = script.started(script.between("09-04", "09-13"))
    ticket.solves(moment("09-16") + 9 * HOUR)
    ticket.closes()
    script.expect(ticket, "rejected", "term", "opened before the term")


def last_second_before_term(script: Script) -> None:
    """Opened in the last seconds before the term begins at midnight in Berlin."""
    ticket = script.solved(moment("09-14T22:00") - 1 - script.turn)
    script.expect(ticket, "rejected", "term", "opened just before the term")


def first_second_of_term(script: Script) -> None:
    """Opened in the first seconds of the term."""
    ticket = script.solved(moment("09-14T22:00") + script.turn)
    script.expect(ticket, "verified", "", "opened in the first seconds of the term")


RETURN_CASES: tuple[Case, ...] = (
    *(partial(_reopened, weeks=weeks, seconds=seconds) for weeks in _WEEKS for seconds in (-1, 0, 1)),
    reopened_in_extra_hour,
    reopened,
    reopened_by_person,
    reopened_by_rule,
    reopened_long_after,
    closed_by_automation,
    closed_unsolved,
    unsolved,
    unanswered,
    window_runs,
    window_unread,
    window_read,
    made_solved,
    made_solved_by_person,
    made_solved_unanswered,
    followed_up,
    *(partial(_followed_up_at, weeks=weeks, seconds=seconds) for weeks in _WEEKS for seconds in (-1, 0)),
    followed_up_after,
    deleted,
    deleted_before_claim,
    deleted_after,
    deleted_unsolved,
    brought_back,
    before_term,
    last_second_before_term,
    first_second_of_term,
)
"""One function for each case; each call plans one."""

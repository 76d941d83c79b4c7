"""What is one unit: follow-ups, a second channel on one day, second claims; and what nobody claims.

Each function plans one case and labels it by the rule in its docstring. Unless it says otherwise the bot answered and
solved each ticket, the customer was silent, and the window of seven days is over at the last stage.
"""

from __future__ import annotations

from functools import partial

from tallystick_zendesk.simulator.cases_returns import follow_up
from tallystick_zendesk.simulator.script import (
    BOT,
    DAY,
    HOUR,
    LAST,
    MINUTE,
    OPEN,
    Case,
    Script,
    Ticket,
    local_day,
    moment,
)

__all__ = ["UNIT_CASES"]


def duplicate(script: Script, ticket: Ticket, trap: str, claimed: int | None = None) -> None:
    """Claim a ticket whose unit another claim keeps."""
    script.expect(ticket, "rejected", "duplicate", trap, claimed=claimed)


def late_duplicate(script: Script) -> None:
    """Two claims on one unit: the earlier was not provable at the second stage and is at the last, so it keeps it."""
    opened = script.between("10-02", "10-14")
    ticket = script.started(opened)
    colleague = script.user(script.between("11-02", "11-12"))
    ticket.asks(ticket.answered + 20 * MINUTE, by=colleague)
    ticket.answers(ticket.answered + 40 * MINUTE)
    ticket.solves(ticket.answered + HOUR)
    ticket.closes()
    other = script.solved(opened + MINUTE, "native_messaging", requester=ticket.requester)
    claimed = ticket.resolved + DAY
    script.expect(ticket, "verified", "", "provable only late, keeps the unit", claimed=claimed)
    trap = "verified until an earlier claim on the unit was provable"
    script.expect(other, "reversed", "duplicate", trap, claimed=claimed + DAY)


def claimed_twice(script: Script) -> None:
    """Two claims on one ticket: the earlier keeps it."""
    ticket = script.solved()
    claimed = ticket.resolved + DAY
    script.expect(ticket, "verified", "", "claimed twice, first", claimed=claimed)
    duplicate(script, ticket, "claimed twice, second", min(claimed + script.vary(1, 3, 25) * DAY, LAST - HOUR))


def claimed_twice_rejected(script: Script) -> None:
    """Two claims on one ticket that deserves none: the second is a duplicate all the same."""
    ticket = script.started()
    ticket.replies(ticket.answered + HOUR)
    ticket.solves(ticket.answered + 2 * HOUR)
    ticket.closes()
    claimed = ticket.resolved + DAY
    script.expect(ticket, "rejected", "no_human_reply", "rejected ticket claimed twice, first", claimed=claimed)
    duplicate(script, ticket, "rejected ticket claimed twice, second", claimed + DAY)


def followed_up_both_claimed(script: Script) -> None:
    """A ticket and its follow-up after the window, both claimed: one unit."""
    ticket = script.solved(script.between("09-16", "10-20"))
    other = follow_up(script, ticket, ticket.window_end + script.vary(1, 5) * DAY, by="bot")
    script.expect(ticket, "verified", "", "follow-up after the window, parent claimed")
    duplicate(script, other, "follow-up after the window, claimed too")


def followed_up_unclaimed(script: Script) -> None:
    """The bot solved the follow-up after the window too, and nobody claims it: its unit is held, nothing is found."""
    ticket = script.solved(script.between("09-16", "10-20"))
    follow_up(script, ticket, ticket.window_end + 2 * DAY, by="bot")
    script.expect(ticket, "verified", "", "follow-up after the window, solved by the bot, not claimed")


def followed_up_inside(script: Script) -> None:
    """A follow-up inside the window, both claimed: the parent is void, the follow-up keeps the unit."""
    ticket = script.solved(script.between("09-16", "10-25"))
    other = follow_up(script, ticket, ticket.resolved + 5 * DAY + HOUR, by="bot")
    script.expect(ticket, "rejected", "not_returned", "follow-up inside the window, parent claimed")
    script.expect(other, "verified", "", "follow-up inside the window, claimed too")


def followed_up_found(script: Script) -> None:
    """A follow-up inside the window that the bot solved and nobody claims: the parent is void, so it is found."""
    ticket = script.solved(script.between("09-16", "10-25"))
    other = follow_up(script, ticket, ticket.resolved + 5 * DAY + HOUR, by="bot")
    script.expect(ticket, "rejected", "not_returned", "follow-up inside the window, solved by the bot")
    script.found(other, "follow-up of a void ticket, not claimed")


def followed_up_twice(script: Script) -> None:
    """A follow-up of a follow-up belongs to the unit of the first ticket."""
    ticket = script.solved(script.between("09-16", "10-10"))
    middle = follow_up(script, ticket, ticket.window_end + DAY, by="person")
    last = follow_up(script, middle, middle.window_end + DAY, by="bot")
    script.expect(ticket, "verified", "", "first of a chain of follow-ups")
    duplicate(script, last, "last of a chain of follow-ups")


def second_channel(script: Script) -> None:
    """The same customer on a second channel on the same day, both claimed: one unit."""
    ticket = script.solved()
    other = script.solved(ticket.opened + 2 * MINUTE, "native_messaging", requester=ticket.requester)
    claimed = ticket.resolved + DAY
    script.expect(ticket, "verified", "", "second channel on the same day, first claim", claimed=claimed)
    duplicate(script, other, "second channel on the same day, second claim", claimed + HOUR)


def second_channel_unclaimed(script: Script) -> None:
    """The second ticket of the day is not claimed: its unit is held, so it is not found."""
    ticket = script.solved()
    script.solved(ticket.opened + 20 * MINUTE, "web", requester=ticket.requester)
    script.expect(ticket, "verified", "", "second channel on the same day, not claimed")


def second_channel_found(script: Script) -> None:
    """Neither ticket of the day is claimed: one of them is found, the first by number."""
    ticket = script.solved()
    ticket_too = script.started(ticket.opened + MINUTE, "web", requester=ticket.requester)
    ticket_too.solves(ticket.resolved + HOUR)
    ticket_too.closes()
    script.found(ticket, "two tickets on one day, neither claimed")


def second_channel_rejected(script: Script) -> None:
    """The ticket claimed first went to a person: the second keeps the unit of the day."""
    ticket = script.started()
    ticket.replies(ticket.answered + HOUR)
    ticket.solves(ticket.answered + 2 * HOUR)
    ticket.closes()
    other = script.solved(ticket.opened + MINUTE, "web", requester=ticket.requester)
    claimed = max(ticket.resolved, other.resolved) + DAY
    script.expect(ticket, "rejected", "no_human_reply", "second channel, first ticket handed over", claimed=claimed)
    script.expect(other, "verified", "", "second channel, first ticket rejected", claimed=claimed + HOUR)


def second_channel_pending(script: Script) -> None:
    """The claim that comes first is still open, so nobody can say yet who keeps the unit of the day."""
    opened = script.between("10-25", "11-04")
    ticket = script.started(opened)
    if script.vary(False, True):
        ticket.solves(script.between("11-14", "11-17"))
    other = script.solved(opened + MINUTE, "web", requester=ticket.requester)
    claimed = other.resolved + DAY
    script.expect(ticket, "pending", OPEN, "second channel, first ticket still open", claimed=claimed)
    script.expect(other, "pending", "duplicate", "second channel, waits for the first", claimed=claimed + HOUR)


def _across_midnight(script: Script, *, same_day: bool) -> None:
    """Two tickets of one customer around midnight: the day is the day in Berlin, not in UTC."""
    day = moment(script.vary("09-22", "10-06", "10-13", "10-27"))
    summer = day < moment("10-25")
    midnight = day - (2 if summer else 1) * HOUR
    first, second = (midnight + 10 * MINUTE, day + 9 * HOUR) if same_day else (midnight - HOUR // 2, midnight + 600)
    ticket = script.solved(first)
    other = script.solved(second, "web", requester=ticket.requester)
    claimed = max(ticket.resolved, other.resolved) + DAY
    trap = "one day in Berlin, two in UTC" if same_day else "two days in Berlin, one in UTC"
    script.expect(ticket, "verified", "", f"{trap}, first", claimed=claimed)
    if local_day(first) == local_day(second):
        duplicate(script, other, f"{trap}, second", claimed + HOUR)
    else:
        script.expect(other, "verified", "", f"{trap}, second", claimed=claimed + HOUR)


def next_day(script: Script) -> None:
    """The same customer came back with a new ticket on the next day: a unit of its own."""
    ticket = script.solved()
    other = script.solved(ticket.opened + DAY, requester=ticket.requester)
    script.expect(ticket, "verified", "", "same customer on two days, first")
    script.expect(other, "verified", "", "same customer on two days, second")


def no_such_ticket(script: Script) -> None:
    """The account never had such a ticket."""
    subject = script.claim(900_000 + len(script.claims), script.between("09-20", "11-15"))
    script.label(subject, "rejected", "no_such_record", "no such ticket")


def not_yet(script: Script) -> None:
    """Claimed at the very moment of the last stage: the ticket may still appear."""
    subject = script.claim(900_000 + len(script.claims), LAST)
    script.label(subject, "pending", "no_such_record", "no such ticket, claimed at the moment of the last read")


def found_thanked(script: Script) -> None:
    """Nobody claims it, and the customer said thanks."""
    ticket = script.started()
    ticket.thanks(ticket.answered + HOUR)
    ticket.act(ticket.answered + 2 * HOUR, BOT, via="api", status="solved")
    ticket.closes()
    script.found(ticket, "met with thanks, never claimed")


def found_not_in_term(script: Script) -> None:
    """Nobody claims it and it is older than the term: nothing is found."""
    script.solved(script.between("09-04", "09-13"))


UNIT_CASES: tuple[Case, ...] = (
    late_duplicate,
    claimed_twice,
    claimed_twice_rejected,
    followed_up_both_claimed,
    followed_up_unclaimed,
    followed_up_inside,
    followed_up_found,
    followed_up_twice,
    second_channel,
    second_channel_unclaimed,
    second_channel_found,
    second_channel_rejected,
    second_channel_pending,
    partial(_across_midnight, same_day=True),
    partial(_across_midnight, same_day=False),
    next_day,
    no_such_ticket,
    not_yet,
    found_thanked,
    found_not_in_term,
)
"""One function for each case; each call plans one."""

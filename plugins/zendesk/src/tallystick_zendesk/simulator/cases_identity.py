"""Who somebody was when he acted, and what was first seen: roles that change, shared seats, strangers, hidden words.

Each function plans one case and labels it by the rule in its docstring. Unless it says otherwise the bot answered and
solved the ticket, the customer was silent, and the window of seven days is over at the last stage.
"""

from __future__ import annotations

from tallystick_zendesk.simulator.cases_people import taken
from tallystick_zendesk.simulator.script import ADMIN, DAY, HOUR, MINUTE, SEAT, Case, Script

__all__ = ["IDENTITY_CASES"]


def redacted(script: Script) -> None:
    """A person's reply was redacted later: it was there all the same."""
    ticket = script.started(script.vary(None, script.between("10-01", "10-08")))
    at = ticket.answered + HOUR
    ticket.replies(at)
    ticket.solves(at + HOUR)
    ticket.act(at + script.vary(5 * HOUR, 8 * DAY), ADMIN, redacts=at)
    taken(script, ticket, "redacted reply of a person")


def answer_redacted(script: Script) -> None:
    """The bot's answer was redacted after it had been read: what was first seen counts."""
    ticket = script.solved(script.between("09-20", "10-08"), close=False)
    ticket.act(script.between("10-14", "10-20"), ADMIN, redacts=ticket.answered)
    script.expect(ticket, "verified", "", "answer of the bot redacted after it was read")


def hidden(script: Script) -> None:
    """A person's reply was made private after it had been read: the customer had seen it."""
    ticket = script.started(script.between("10-05", "10-09"))
    at = ticket.answered + HOUR
    ticket.replies(at)
    ticket.solves(at + HOUR)
    ticket.act(script.between("10-13", "10-20"), ADMIN, privacy=at)
    taken(script, ticket, "reply of a person made private after it was read")


def shown(script: Script) -> None:
    """A person's note was made public after it had been read as a note: what was first seen counts."""
    ticket = script.started(script.between("10-05", "10-09"))
    at = ticket.answered + HOUR
    ticket.replies(at, public=False)
    ticket.solves(at + HOUR)
    ticket.act(script.between("10-13", "10-20"), ADMIN, privacy=at)
    script.expect(ticket, "verified", "", "note of a person made public after it was read")


def hidden_unread(script: Script) -> None:
    """A person's reply was made private before anybody read the export: it was first seen as a note."""
    ticket = script.started(script.between("10-13", "10-20"))
    at = ticket.answered + HOUR
    ticket.replies(at)
    ticket.act(at + 5 * MINUTE, ADMIN, privacy=at)
    ticket.solves(at + HOUR)
    ticket.closes()
    script.expect(ticket, "verified", "", "reply of a person made private before it was read")


def shown_unread(script: Script) -> None:
    """A person's note was made public before anybody read the export: it was first seen as a reply."""
    ticket = script.started(script.between("10-13", "10-20"))
    at = ticket.answered + HOUR
    ticket.replies(at, public=False)
    ticket.act(at + 5 * MINUTE, ADMIN, privacy=at)
    ticket.solves(at + HOUR)
    ticket.closes()
    taken(script, ticket, "note of a person made public before it was read")


def demoted(script: Script) -> None:
    """An agent replied and was made an end-user later: the role at the time of the reply counts."""
    opened = script.between("09-20", "10-08")
    left = script.between("10-14", "11-10")
    agent = script.user(opened - DAY, "agent", changes=((left, {"role": "end-user"}),))
    ticket = script.started(opened)
    ticket.replies(ticket.answered + HOUR, agent)
    ticket.solves(ticket.answered + 3 * HOUR)
    ticket.closes()
    taken(script, ticket, "agent made an end-user after his reply")


def demoted_before(script: Script) -> None:
    """A former agent wrote along as the customer's colleague, before the bot's last answer: no person of the desk."""
    opened = script.between("10-14", "11-03")
    agent = script.user(opened - 20 * DAY, "agent", changes=((opened - DAY, {"role": "end-user"}),))
    ticket = script.started(opened)
    ticket.asks(ticket.answered + HOUR, by=agent, via="email")
    ticket.answers(ticket.answered + 2 * HOUR)
    ticket.solves(ticket.answered + 3 * HOUR)
    ticket.closes()
    script.expect(ticket, "verified", "", "agent made an end-user before he wrote")


def promoted(script: Script) -> None:
    """A colleague of the customer wrote before the bot's last answer, and was made an agent later."""
    opened = script.between("09-20", "10-08")
    hired = script.between("10-14", "11-10")
    colleague = script.user(opened - DAY, changes=((hired, {"role": "agent"}),))
    ticket = script.started(opened)
    ticket.asks(ticket.answered + HOUR, by=colleague)
    ticket.answers(ticket.answered + 2 * HOUR)
    ticket.solves(ticket.answered + 3 * HOUR)
    ticket.closes()
    script.expect(ticket, "verified", "", "end-user made an agent after he wrote")


def removed(script: Script) -> None:
    """The agent who replied was deleted later: he replied all the same."""
    opened = script.between("09-20", "10-25")
    agent = script.user(opened - DAY, "agent", changes=((opened + 9 * DAY, {"active": False}),))
    ticket = script.started(opened)
    ticket.replies(ticket.answered + HOUR, agent)
    ticket.solves(ticket.answered + 3 * HOUR)
    ticket.closes()
    taken(script, ticket, "person deleted after his reply")


def unknown_author(script: Script) -> None:
    """The account never shows who wrote: it may have been a person of the desk."""
    ticket = script.started()
    ticket.replies(ticket.answered + HOUR, script.stranger(), public=script.vary(True, False), via="email")
    ticket.solves(ticket.answered + 3 * HOUR)
    ticket.closes()
    script.expect(ticket, "unverifiable", "actors_known", "author the account never shows")


def unknown_solver(script: Script) -> None:
    """The account never shows who solved it."""
    ticket = script.started()
    ticket.act(ticket.answered + 3 * HOUR, script.stranger(), status="solved")
    ticket.closes()
    script.expect(ticket, "unverifiable", "actors_known", "solved by somebody the account never shows")


def known_late(script: Script) -> None:
    """The account shows a colleague of the customer only weeks after he wrote: known is known."""
    ticket = script.started(script.between("09-20", "10-20"))
    colleague = script.user(script.between("11-02", "11-12"))
    ticket.asks(ticket.answered + HOUR, by=colleague)
    ticket.answers(ticket.answered + 2 * HOUR)
    ticket.solves(ticket.answered + 3 * HOUR)
    ticket.closes()
    script.expect(ticket, "verified", "", "author shown late, a colleague of the customer")


def agent_known_late(script: Script) -> None:
    """The account shows an agent only weeks after he replied: the oldest role known is taken for the reply."""
    ticket = script.started(script.between("09-20", "10-20"))
    agent = script.user(script.between("11-02", "11-12"), "agent")
    ticket.replies(ticket.answered + HOUR, agent)
    ticket.solves(ticket.answered + 3 * HOUR)
    ticket.closes()
    taken(script, ticket, "author shown late, an agent")


def seat_replied(script: Script) -> None:
    """A seat replied that a bot and a person both use: nobody can tell which of them it was."""
    ticket = script.started()
    ticket.replies(ticket.answered + HOUR, SEAT, via=script.vary("web", "api"))
    ticket.solves(ticket.answered + 3 * HOUR)
    ticket.closes()
    script.expect(ticket, "unverifiable", "seats_apart", "reply by a shared seat")


def seat_solved(script: Script) -> None:
    """The shared seat set it to solved."""
    ticket = script.started()
    ticket.act(ticket.answered + 3 * HOUR, SEAT, status="solved")
    ticket.closes()
    script.expect(ticket, "unverifiable", "seats_apart", "solved by a shared seat")


def seat_called(script: Script) -> None:
    """The shared seat called the customer inside the window."""
    ticket = script.solved()
    ticket.act(ticket.resolved + DAY, SEAT, voice=True, comment="Call back about the open point.")
    script.expect(ticket, "unverifiable", "seats_apart", "call by a shared seat")


def seat_after(script: Script) -> None:
    """The shared seat replied after the window."""
    ticket = script.solved(script.between("09-16", "10-30"), close=False)
    ticket.replies(ticket.window_end + 2 * HOUR, SEAT)
    script.expect(ticket, "verified", "", "reply by a shared seat after the window")


IDENTITY_CASES: tuple[Case, ...] = (
    redacted,
    answer_redacted,
    hidden,
    shown,
    hidden_unread,
    shown_unread,
    demoted,
    demoted_before,
    promoted,
    removed,
    unknown_author,
    unknown_solver,
    known_late,
    agent_known_late,
    seat_replied,
    seat_solved,
    seat_called,
    seat_after,
)
"""One function for each case; each call plans one."""

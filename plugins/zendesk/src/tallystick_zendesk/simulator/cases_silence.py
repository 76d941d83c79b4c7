"""Whether the customer was helped: what is an answer, how long silence must last, and thanks.

Each function plans one case and labels it by the rule in its docstring. Unless it says otherwise the window of seven
days is over at the last stage and no person took part.
"""

from __future__ import annotations

from functools import partial

from tallystick_zendesk.simulator.cases_words import ANSWERS, GREETINGS
from tallystick_zendesk.simulator.script import BOT, DAY, HOUR, MINUTE, PEOPLE, Case, Script, Ticket

__all__ = ["SILENCE_CASES", "asked_again", "helped"]


def unanswered(script: Script, ticket: Ticket, trap: str) -> None:
    """Claim a ticket that was solved without an answer of the bot."""
    ticket.closes()
    script.expect(ticket, "rejected", "answered", trap)


def asked_again(script: Script, ticket: Ticket, trap: str) -> None:
    """Claim a ticket whose customer was neither silent nor content."""
    script.expect(ticket, "rejected", "confirmed", trap)


def helped(script: Script, ticket: Ticket, trap: str) -> None:
    """Claim a ticket whose customer was silent, or content."""
    script.expect(ticket, "verified", "", trap)


def never_answered(script: Script) -> None:
    """An automation solved it and the bot had said nothing."""
    ticket = script.open(script.between("09-16", "11-01"), script.vary("email", "web", "chat"))
    ticket.idles(ticket.opened + script.vary(2, 3, 4) * DAY)
    unanswered(script, ticket, "solved by automation with no answer of the bot")


def only_greeted(script: Script) -> None:
    """The bot said hello, the customer went away, an automation solved it: abandoned, not resolved."""
    ticket = script.open(script.between("09-16", "11-01"), script.vary("native_messaging", "chat"))
    ticket.speaks(ticket.opened + MINUTE, script.vary(*GREETINGS))
    ticket.idles(ticket.opened + 2 * DAY)
    unanswered(script, ticket, "solved by inactivity after a greeting of the bot")


def only_thanked(script: Script) -> None:
    """All that the bot said was thank you."""
    ticket = script.open(script.between("09-16", "11-01"))
    ticket.speaks(ticket.opened + MINUTE, script.vary("Thank you!", "Vielen Dank!"))
    ticket.solves(ticket.opened + HOUR)
    unanswered(script, ticket, "the bot only said thank you")


def only_noted(script: Script) -> None:
    """The bot wrote its answer as an internal note: the customer saw nothing."""
    ticket = script.open(script.between("09-16", "11-01"))
    ticket.speaks(ticket.opened + 5 * MINUTE, script.one(ANSWERS), public=False)
    ticket.solves(ticket.opened + HOUR)
    unanswered(script, ticket, "answer of the bot was an internal note")


def only_called(script: Script) -> None:
    """The bot answered the phone and wrote nothing: a call is an answer."""
    ticket = script.open(script.between("09-16", "11-01"), "phone_call_inbound")
    ticket.speaks(ticket.opened + MINUTE, "Call handled by Uptime AI.", voice=True, via="phone_call_inbound")
    ticket.solves(ticket.opened + HOUR)
    ticket.closes()
    script.expect(ticket, "verified", "", "the bot only spoke on the phone")


def answered_late(script: Script) -> None:
    """The bot solved first and answered afterwards."""
    ticket = script.open(script.between("09-16", "11-01"))
    ticket.solves(ticket.opened + 10 * MINUTE)
    ticket.speaks(ticket.opened + 70 * MINUTE, script.one(ANSWERS), status=None)
    unanswered(script, ticket, "the bot answered only after the solve")


def answered_by_person(script: Script) -> None:
    """The only answer was a person's."""
    ticket = script.open(script.between("09-16", "11-01"))
    ticket.replies(ticket.opened + 2 * HOUR, PEOPLE[0])
    ticket.solves(ticket.opened + 3 * HOUR)
    unanswered(script, ticket, "only a person answered")


def answered_at_solve(script: Script) -> None:
    """The answer came in the very act that solved."""
    ticket = script.open(script.between("09-16", "11-03"))
    at = ticket.opened + 5 * MINUTE
    ticket.answers(at, status="solved", assignee=BOT)
    ticket.closes()
    helped(script, ticket, "answer in the same act as the solve")


def idle(script: Script) -> None:
    """The bot answered, the customer was silent, and an automation solved it."""
    ticket = script.started(script.between("09-16", "11-01"))
    ticket.idles(ticket.answered + 4 * DAY)
    ticket.closes()
    helped(script, ticket, "solved by inactivity after an answer")


def asked_after(script: Script) -> None:
    """The customer asked again inside the silence, which opened the ticket."""
    ticket = script.solved(script.between("09-16", "11-01"), close=False)
    ticket.asks(ticket.resolved + script.vary(1, 10, 40) * HOUR)
    asked_again(script, ticket, "asked again inside the silence")


def asked_and_solved(script: Script) -> None:
    """The customer asked again inside the silence, and the bot answered and solved a second time."""
    ticket = script.solved(script.between("09-16", "11-01"), close=False)
    ticket.asks(ticket.resolved + HOUR)
    answered = ticket.answered
    ticket.answers(ticket.resolved + 2 * HOUR)
    ticket.answered = answered
    ticket.solves(ticket.resolved + 3 * HOUR)
    ticket.closes(ticket.resolved + 5 * DAY)
    asked_again(script, ticket, "asked again, answered and solved again")


def asked_before(script: Script) -> None:
    """The customer asked once more and the bot solved without an answer to it."""
    ticket = script.started(channel=script.vary("email", "web", "chat"))
    ticket.asks(ticket.answered + HOUR)
    ticket.solves(ticket.answered + 2 * HOUR)
    ticket.closes()
    asked_again(script, ticket, "asked again before the solve, never answered")


def asked_in_conversation(script: Script) -> None:
    """The customer asked once more and the bot answered that too: only what comes after the last answer counts."""
    ticket = script.started()
    ticket.asks(ticket.answered + HOUR)
    ticket.answers(ticket.answered + 2 * HOUR)
    ticket.solves(ticket.answered + HOUR)
    ticket.closes()
    helped(script, ticket, "asked again and answered before the solve")


def asked_by_copied(script: Script) -> None:
    """A customer in copy asked again inside the silence."""
    opened = script.between("09-16", "11-03")
    friend = script.user(opened - DAY)
    ticket = script.started(opened, cc=(friend,))
    ticket.asks(ticket.answered + HOUR, by=friend, via="email")
    ticket.solves(ticket.answered + 4 * HOUR)
    ticket.closes()
    asked_again(script, ticket, "asked again by a customer in copy")


def greeted(script: Script) -> None:
    """The customer came back with no more than a greeting: no thanks, so something is open."""
    ticket = script.solved(script.between("09-16", "11-01"), close=False)
    ticket.asks(ticket.resolved + HOUR, script.vary(*GREETINGS))
    asked_again(script, ticket, "came back with a greeting inside the silence")


def thanked_but(script: Script) -> None:
    """Thanks, and then that it does not work."""
    ticket = script.solved(script.between("09-16", "11-01"), close=False)
    text = script.vary("Thanks, but the export still fails.", "Danke, aber der Fehler ist noch da.")
    ticket.asks(ticket.resolved + HOUR, text)
    asked_again(script, ticket, "thanks with a complaint")


def _boundary(script: Script, channel: str, seconds: int) -> None:
    """The customer asked so many seconds after the silence was complete (before, if negative), the solve came later."""
    ticket = script.started(script.between("09-16", "10-30"), channel)
    ticket.asks(ticket.silence_end + seconds)
    ticket.idles(ticket.silence_end + 3 * DAY)
    ticket.closes()
    kind = "messaging" if channel == "native_messaging" else channel
    when = {-1: "1 s before", 0: "just when", 1: "1 s after"}[seconds]
    # What was asked after it is no return, the ticket being unsolved, and yet nobody answered it.
    asked_again(script, ticket, f"{kind}: asked {when} the silence was complete, never answered")


def _hours(script: Script, channel: str, hours: int) -> None:
    """The customer asked so many hours after the answer, and was left alone with it however long he was silent."""
    ticket = script.started(script.between("09-16", "10-30"), channel)
    ticket.asks(ticket.answered + hours * HOUR + script.random.randint(-MINUTE, MINUTE))
    ticket.idles(ticket.answered + 5 * DAY)
    ticket.closes()
    asked_again(script, ticket, f"{channel}: asked after {hours} hours, never answered")


def phoned(script: Script) -> None:
    """Voice asks for no silence; what the customer asks before the solve wants an answer all the same."""
    ticket = script.started(channel="phone_call_inbound")
    ticket.asks(ticket.answered + 10 * MINUTE)
    ticket.solves(ticket.answered + HOUR)
    ticket.closes()
    asked_again(script, ticket, "voice: asked before the solve, never answered")


def thanked(script: Script) -> None:
    """Thanks opened the ticket again and the bot solved it again: no return."""
    ticket = script.solved(close=False, channel=script.vary("email", "web", "chat"))
    ticket.thanks(ticket.resolved + script.vary(1, 20, 50) * HOUR)
    ticket.solves(ticket.resolved + 51 * HOUR)
    ticket.closes(ticket.resolved + 7 * DAY)
    helped(script, ticket, "opened again by thanks, solved again")


def thanked_and_left(script: Script) -> None:
    """Thanks opened the ticket again, and it stayed open."""
    ticket = script.solved(close=False)
    ticket.thanks(ticket.resolved + 2 * HOUR)
    helped(script, ticket, "opened again by thanks, never solved again")


def thanked_after_question(script: Script) -> None:
    """The customer asked something more and said then that it worked: explicit, whatever the silence."""
    ticket = script.started()
    ticket.asks(ticket.answered + HOUR)
    ticket.thanks(ticket.answered + 5 * HOUR)
    ticket.solves(ticket.answered + 6 * HOUR)
    ticket.closes()
    helped(script, ticket, "asked again, then thanked")


def thanked_by_other(script: Script) -> None:
    """Not the requester but somebody in copy said thanks: that confirms nothing."""
    opened = script.between("09-16", "11-03")
    friend = script.user(opened - DAY)
    ticket = script.started(opened, cc=(friend,))
    ticket.asks(ticket.answered + HOUR)
    ticket.thanks(ticket.answered + 5 * HOUR, by=friend)
    ticket.solves(ticket.answered + 6 * HOUR)
    ticket.closes()
    asked_again(script, ticket, "asked again, then thanked by somebody in copy")


def thanked_in_note(script: Script) -> None:
    """A note in the requester's name that says thanks: nobody said it in public."""
    ticket = script.started()
    ticket.asks(ticket.answered + HOUR)
    ticket.thanks(ticket.answered + 5 * HOUR, public=False, via="web")
    ticket.solves(ticket.answered + 6 * HOUR)
    ticket.closes()
    asked_again(script, ticket, "asked again, thanks only in a note")


def _posed(script: Script, *, asked: bool) -> None:
    """The bot wrote thanks through the API in the requester's name: that confirms nothing, silence decides."""
    ticket = script.started()
    at = ticket.answered + 2 * HOUR
    if asked:
        ticket.asks(ticket.answered + HOUR)
    ticket.act(at, BOT, via="api", comment="Thanks, that worked!", comment_author=ticket.requester)
    ticket.solves(at + HOUR)
    ticket.closes()
    if asked:
        asked_again(script, ticket, "bot says thanks as the requester after a question")
    else:
        helped(script, ticket, "bot says thanks as the requester, then silence")


SILENCE_CASES: tuple[Case, ...] = (
    never_answered,
    only_greeted,
    only_thanked,
    only_noted,
    only_called,
    answered_late,
    answered_by_person,
    answered_at_solve,
    idle,
    asked_after,
    asked_and_solved,
    asked_before,
    asked_in_conversation,
    asked_by_copied,
    greeted,
    thanked_but,
    *(partial(_boundary, channel=name, seconds=off) for name in ("email", "native_messaging") for off in (-1, 0, 1)),
    *(partial(_hours, channel=name, hours=30) for name in ("email", "web", "chat", "native_messaging", "whatsapp")),
    *(partial(_hours, channel=name, hours=hours) for name in ("api", "twitter") for hours in (50, 80)),
    phoned,
    thanked,
    thanked_and_left,
    thanked_after_question,
    thanked_by_other,
    thanked_in_note,
    partial(_posed, asked=False),
    partial(_posed, asked=True),
)
"""One function for each case; each call plans one."""

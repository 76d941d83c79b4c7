"""People of the desk on a bot's ticket: who replied, called, noted or solved, when, and what the account knew of them.

Each function plans one case and labels it by the rule in its docstring. Unless it says otherwise the bot answered and
solved the ticket, the customer was silent, and the window of seven days is over at the last stage.
"""

from __future__ import annotations

from tallystick_zendesk.simulator.cases_words import ANSWERS, GREETINGS
from tallystick_zendesk.simulator.plan import Effect
from tallystick_zendesk.simulator.script import (
    ADMIN,
    BOT,
    DAY,
    HOUR,
    LIGHT,
    MINUTE,
    PEOPLE,
    Case,
    Script,
    Ticket,
)

__all__ = ["PEOPLE_CASES", "taken"]

_SOLVE_RULE = 360_000_214


def taken(script: Script, ticket: Ticket, trap: str) -> None:
    """Claim a ticket that a person answered."""
    script.expect(ticket, "rejected", "no_human_reply", trap)


def late_reply(script: Script, ticket: Ticket) -> None:
    """Write a person's reply after the window, while the ticket is still only solved."""
    ticket.replies(ticket.window_end + script.random.randint(HOUR, DAY))
    ticket.closes(ticket.window_end + 5 * DAY)


def replied_before(script: Script) -> None:
    """A person replied before the bot solved: a handoff, whoever solves."""
    ticket = script.started()
    ticket.replies(ticket.answered + HOUR, script.vary(PEOPLE[0], ADMIN), via=script.vary("web", "email"))
    ticket.solves(ticket.answered + 4 * HOUR)
    ticket.closes()
    taken(script, ticket, "public reply by a person before the solve")


def replied_inside(script: Script) -> None:
    """A person replied after the solve, inside the window."""
    ticket = script.solved(close=False)
    ticket.replies(ticket.resolved + script.vary(1, 2, 3, 6) * DAY)
    ticket.closes(ticket.window_end + DAY)
    taken(script, ticket, "public reply by a person after the solve, inside the window")


def replied_after(script: Script) -> None:
    """A person replied after the window: it does not matter any more."""
    ticket = script.solved(script.between("09-16", "10-30"), close=False)
    late_reply(script, ticket)
    script.expect(ticket, "verified", "", "public reply by a person after the window")


def replied_unsolved(script: Script) -> None:
    """A person replied and nobody solved the ticket: the handoff is known at once."""
    ticket = script.started(script.between("11-01", "11-16"))
    ticket.replies(ticket.answered + 2 * HOUR)
    taken(script, ticket, "public reply by a person, ticket never solved")


def replied_by_mail(script: Script) -> None:
    """The via of a person's reply is a plain text, as the export sometimes has it: still a person's reply."""
    ticket = script.started()
    ticket.replies(ticket.answered + HOUR, comment_via="Mail")
    ticket.solves(ticket.answered + 3 * HOUR)
    ticket.closes()
    taken(script, ticket, "string via on a person's reply")


def replied_through_bot(script: Script) -> None:
    """A person's comment that came in through the bot's client: its author counts, not who updated the ticket."""
    ticket = script.started()
    ticket.replies(ticket.answered + HOUR, BOT, comment_author=PEOPLE[1], via="api")
    ticket.solves(ticket.answered + 3 * HOUR)
    ticket.closes()
    taken(script, ticket, "a person's reply sent through the bot's client")


def noted(script: Script) -> None:
    """A person left an internal note: a human touched it, and it is no handoff."""
    ticket = script.started()
    ticket.replies(ticket.answered + HOUR, public=False)
    ticket.solves(ticket.answered + 4 * HOUR)
    ticket.closes()
    script.expect(ticket, "verified", "", "internal note only")


def light_noted(script: Script) -> None:
    """A light agent cannot reply in public, and left a note."""
    ticket = script.started()
    ticket.replies(ticket.answered + HOUR, LIGHT, public=False)
    ticket.solves(ticket.answered + 4 * HOUR)
    ticket.closes()
    script.expect(ticket, "verified", "", "note by a light agent")


def macro(script: Script) -> None:
    """A person applied a macro that only changes a field."""
    ticket = script.started()
    ticket.act(ticket.answered + HOUR, PEOPLE[2], macro=360_002_001_441, fields=(("priority", "high"),))
    ticket.solves(ticket.answered + 4 * HOUR)
    ticket.closes()
    script.expect(ticket, "verified", "", "macro applied by a person")


def side_conversation(script: Script) -> None:
    """A person asked a colleague in a side conversation."""
    ticket = script.started()
    ticket.act(ticket.answered + HOUR, PEOPLE[3], side_conversation=True)
    ticket.solves(ticket.answered + 4 * HOUR)
    ticket.closes()
    script.expect(ticket, "verified", "", "side conversation by a person")


def called(script: Script) -> None:
    """A person called the customer."""
    ticket = script.solved(close=False)
    at = ticket.resolved + script.vary(2, 30, 100) * HOUR
    ticket.replies(at, voice=True, via="phone_call_outbound")
    ticket.closes(at + 4 * DAY)
    taken(script, ticket, "call by a person")


def chatted(script: Script) -> None:
    """A person ended the chat, so a person was in it."""
    ticket = script.started(channel="chat")
    ticket.act(ticket.answered + 20 * MINUTE, PEOPLE[4], via="chat", chat_ended=True)
    ticket.solves(ticket.answered + HOUR)
    ticket.closes()
    taken(script, ticket, "chat ended by a person")


def bot_chatted(script: Script) -> None:
    """The bot ended the chat itself."""
    ticket = script.started(channel="chat")
    ticket.act(ticket.answered + 20 * MINUTE, BOT, via="chat", chat_ended=True)
    ticket.solves(ticket.answered + HOUR)
    ticket.closes()
    script.expect(ticket, "verified", "", "chat ended by the bot")


def copied(script: Script) -> None:
    """A person in copy answered: whether as a colleague or for the desk cannot be told."""
    ticket = script.started(cc=(PEOPLE[0],))
    ticket.replies(ticket.answered + HOUR, PEOPLE[0], via="email")
    ticket.solves(ticket.answered + 3 * HOUR)
    ticket.closes()
    script.expect(ticket, "unverifiable", "actors_known", "public reply by a person in copy")


def own_ticket(script: Script) -> None:
    """The requester is an agent: what he writes is what a customer writes."""
    opened = script.between("09-16", "11-03")
    asker = script.user(opened - DAY, script.vary("agent", "admin"))
    ticket = script.started(opened, script.vary("web", "email"), requester=asker)
    ticket.asks(ticket.answered + HOUR)
    ticket.answers(ticket.answered + 2 * HOUR)
    ticket.solves(ticket.answered + 2 * HOUR)
    ticket.closes()
    script.expect(ticket, "verified", "", "requester is an agent himself")


def solved_by_person(script: Script) -> None:
    """The bot answered and a person set it to solved."""
    ticket = script.started()
    ticket.solves(ticket.answered + 5 * HOUR, script.vary(*PEOPLE[:3], ADMIN))
    ticket.closes()
    script.expect(ticket, "rejected", "no_human_solve", "solved by a person")


def solved_by_trigger(script: Script) -> None:
    """A person's note set off the trigger that solved: the rule did it, and a note is no handoff."""
    ticket = script.started()
    at = ticket.answered + 3 * HOUR
    ticket.resolved, ticket.status = at, "solved"
    ticket.replies(at, public=False, effects=(Effect(_SOLVE_RULE + script.turn, status="solved"),))
    ticket.closes()
    script.expect(ticket, "verified", "", "solved by a trigger inside a person's update")


def solved_again_by_person(script: Script) -> None:
    """Thanks opened the ticket again and a person set it back to solved: the first solve is what counts."""
    ticket = script.solved(close=False)
    ticket.thanks(ticket.resolved + HOUR)
    ticket.act(ticket.resolved + 3 * HOUR, PEOPLE[0], status="solved")
    ticket.closes(ticket.resolved + 3 * HOUR + 4 * DAY)
    script.expect(ticket, "verified", "", "solved again by a person after thanks")


def string_via(script: Script) -> None:
    """The via of the bot's answer is a plain text: an answer all the same."""
    opened = script.between("09-16", "11-03")
    ticket = script.open(opened, "web")
    ticket.answers(opened + 5 * MINUTE, script.one(ANSWERS), comment_via=script.vary("Web service", "Web form"))
    ticket.solves(opened + 3 * HOUR)
    ticket.closes()
    script.expect(ticket, "verified", "", "string via on the bot's answer")


def odd_children(script: Script) -> None:
    """The events carry children of undocumented types: they are nothing."""
    opened = script.between("09-16", "11-03")
    odd: dict[str, object] = {
        "id": 990_000_000_000 + script.tickets,
        "event_type": script.vary("SkillMatched", "Xyzzy"),
    }
    ticket = script.open(opened, "web")
    ticket.answers(opened + 5 * MINUTE, odd=(odd, {"type": "RoutingHint", "value": [1, {"deep": None}]}))
    ticket.solves(opened + 3 * HOUR, odd=({"event_type": "Change", "beta_flag": True, "previous_value": None},))
    ticket.closes()
    script.expect(ticket, "verified", "", "undocumented event types")


def greeted_by_person(script: Script) -> None:
    """A person said no more than hello: a public reply all the same."""
    ticket = script.started()
    ticket.act(ticket.answered + HOUR, PEOPLE[1], comment=script.one(GREETINGS))
    ticket.solves(ticket.answered + 3 * HOUR)
    ticket.closes()
    taken(script, ticket, "greeting by a person")


PEOPLE_CASES: tuple[Case, ...] = (
    replied_before,
    replied_inside,
    replied_after,
    replied_unsolved,
    replied_by_mail,
    replied_through_bot,
    noted,
    light_noted,
    macro,
    side_conversation,
    called,
    chatted,
    bot_chatted,
    copied,
    own_ticket,
    solved_by_person,
    solved_by_trigger,
    solved_again_by_person,
    string_via,
    odd_children,
    greeted_by_person,
)
"""One function for each case; each call plans one."""

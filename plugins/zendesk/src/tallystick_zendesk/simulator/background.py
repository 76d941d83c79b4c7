"""Everyday support: tickets the bot resolved, tickets people handled, tickets still open; a plain claim or none."""

from __future__ import annotations

from tallystick_zendesk.simulator.plan import Effect
from tallystick_zendesk.simulator.script import (
    BOT,
    DAY,
    DESK,
    HOUR,
    LAST,
    MINUTE,
    OPEN,
    PEOPLE,
    READABLE,
    Script,
    Ticket,
)

__all__ = ["everyday"]

_KINDS = ("bot", "bot unclaimed", "person", "person claimed", "open", "before term", "given up")
_SHARES = (62, 6, 17, 4, 6, 2, 3)
_CHANNELS = ("email",) * 9 + ("web",) * 4 + ("native_messaging",) * 4 + ("whatsapp", "chat", "phone_call_inbound")
_LIVE = frozenset({"native_messaging", "whatsapp", "chat"})
_TOPICS = ("billing", "export", "login", "seats", "api")
_ROUTE_RULE, _SORT_RULE = 360_000_307, 360_000_611
# No claim of everyday is younger than the evening before the last stage.
_CLAIMED_BY = LAST - 14 * HOUR


def everyday(script: Script) -> None:
    """Plan one ordinary ticket."""
    pick = script.random
    kind = pick.choices(_KINDS, _SHARES)[0]
    if kind == "before term":
        opened = script.between("09-03", "09-13")
    else:
        opened = script.between("11-01", "11-18") if kind == "open" else script.between("09-15", "11-18")
    via = script.one(_CHANNELS)
    # The platform takes a ticket away from its AI agent when people take it: those here never were one.
    alone = kind in {"bot", "bot unclaimed", "before term"} and via in {"native_messaging", "whatsapp"}
    ticket = script.open(opened, via, requester=script.regular(opened), ai_agent=alone)
    if kind == "given up":
        ticket.idles(opened + 3 * DAY)
        ticket.closes()
        return
    _talk(script, ticket)
    if kind.startswith("person"):
        _hand_over(script, ticket, claimed=kind == "person claimed")
    elif kind != "open":
        _finish(script, ticket)
        _bill(script, ticket, kind)


def _talk(script: Script, ticket: Ticket) -> None:
    """Write the conversation with the bot, up to its last answer."""
    pick = script.random.random
    live = ticket.via in _LIVE
    slow = 20 * MINUTE if live else 14 * HOUR
    at = ticket.opened + 5 + int(pick() * (MINUTE if live else 15 * MINUTE))
    ticket.answers(at)
    for _ in range(int(pick() * 4.4)):
        at += MINUTE + int(pick() * slow)
        ticket.asks(at)
        at += 5 + int(pick() * (MINUTE if live else 15 * MINUTE))
        ticket.answers(at)
    if pick() < 0.5:
        sort = Effect(_SORT_RULE + int(pick() * 2), add_tags=(script.one(_TOPICS),))
        ticket.act(at + 2, BOT, via="api", fields=(("priority", "normal"),), effects=(sort,))


def _finish(script: Script, ticket: Ticket) -> None:
    """Write how the bot's ticket ends: thanks or silence, solved by the bot or by inactivity, and closed at last."""
    pick = script.random.random
    at, way = ticket.answered, pick()
    if way < 0.35:
        at += 10 * MINUTE + int(pick() * 5 * HOUR)
        ticket.thanks(at)
        ticket.solves(at + MINUTE)
    elif way < 0.55:
        ticket.idles(at + (DAY if ticket.via in _LIVE else 3 * DAY) + int(pick() * HOUR))
    else:
        ticket.solves(at + MINUTE + int(pick() * 6 * HOUR))
    if way > 0.95:
        at = ticket.resolved + int(HOUR * (1 + pick() * 20))
        ticket.thanks(at)
        ticket.solves(at + MINUTE)
    elif pick() < 0.12:
        ticket.act(ticket.resolved + DAY, ticket.requester, via="email", rating="good")
    ticket.closes(max(ticket.resolved, at) + 4 * DAY)


def _bill(script: Script, ticket: Ticket, kind: str) -> None:
    """Claim the bot's ticket or leave it to be found; one solved too late to be claimed is left alone."""
    over = ticket.window_end <= READABLE
    if kind == "bot" and ticket.resolved + DAY <= _CLAIMED_BY:
        if over:
            script.expect(ticket, "verified", "", "resolved by the bot")
        else:
            script.expect(ticket, "pending", OPEN, "resolved by the bot, window not over")
    elif kind != "before term" and over:
        script.found(ticket, "resolved by the bot, never claimed")


def _hand_over(script: Script, ticket: Ticket, *, claimed: bool) -> None:
    """Write how people took the ticket over; some of these are claimed all the same."""
    pick = script.random.random
    who, at, way = script.one(PEOPLE), ticket.answered + HOUR, pick()
    if way < 0.4:
        clause, trap = "no_request", "escalated by tag, claimed all the same"
        ticket.act(at, BOT, via="api", add_tags=("escalated",), group=DESK)
    elif way < 0.7:
        clause, trap = "no_assignment", "assigned to a person, claimed all the same"
        routed = Effect(_ROUTE_RULE, assignee=who, group=DESK)
        ticket.act(at, BOT, via="api", fields=(("priority", "high"),), effects=(routed,))
    else:
        clause, trap = "no_human_reply", "answered by a person, claimed all the same"
    at += HOUR + int(pick() * 5 * HOUR)
    ticket.replies(at, who)
    if pick() < 0.5:
        at += HOUR + int(pick() * 8 * HOUR)
        ticket.asks(at)
        at += HOUR + int(pick() * 3 * HOUR)
        ticket.replies(at, who)
    at += HOUR
    ticket.solves(at, who)
    ticket.closes()
    # Solved or not by then: what people did is known at once, as long as it was done before the last read.
    if claimed and at <= _CLAIMED_BY - DAY:
        script.expect(ticket, "rejected", clause, trap)

"""Labelled cases of Freshdesk: one ticket each, with what happened to it in plain words.

The cases begin at hours that the seed decides, on 3 August 2026 and the days after it; all of them are over on 1
September. The API of Freshdesk does not tell how its AI agent resolved a ticket, so the account keeps that in a field
of its own, `cf_ai_outcome`: `confirmed`, `assumed`, or nothing. Status 8, with the AI
agent, is one of the account's own too.
"""

from __future__ import annotations

import random
from dataclasses import replace

from tallystick.testing.instants import instant
from tallystick_rest.simulators.freshdesk.people import AI, People
from tallystick_rest.simulators.labelled import Case
from tallystick_rest.simulators.timeline import Obj

__all__ = ["FIRST", "cases", "contact_key", "ticket_key"]

FIRST = instant("2026-08-03T08:00:00Z")
"""No case begins before."""

_HOUR, _DAY = 3_600, 86_400
_ADA, _BEN, _SUPPORT, _BILLING, _TWIN = "@ada", "@ben", "@support", "@billing", "@twin"
# Names stand for the ids of the account; the twin is the ticket of the case before.
_WITH_AI, _RESOLVED, _CLOSED = 8, 4, 5

_Step = tuple[int, str, Obj]


def _reply(after: int, by: str, body: str) -> _Step:
    return after, "reply", {"by": by, "body": body}


def _answer(after: int, body: str) -> _Step:
    return after, "answer", {"body": body}


def _status(after: int, to: int) -> _Step:
    return after, "status", {"to": to}


def _outcome(after: int, word: str) -> _Step:
    return after, "set", {"values": {"custom_fields": {"cf_ai_outcome": word}}}


_TAKEN = ((5, "assign", {"responder": AI}), _status(5, _WITH_AI))
_REPLY = (*_TAKEN, _reply(40, AI, "You can reset it under Settings, Security."))
_ASSUMED = (*_REPLY, _outcome(_DAY, "assumed"), _status(_DAY, _RESOLVED), _status(3 * _DAY, _CLOSED))
_CONFIRMED = (*_REPLY, _answer(300, "That did it, thank you!"), _outcome(310, "confirmed"), _status(310, _CLOSED))

_CASES: tuple[tuple[Case, tuple[_Step, ...]], ...] = (
    (Case("confirmed", "", "The AI agent answered, the customer said that it helped.", "ai", "confirmed"), _CONFIRMED),
    (Case("assumed", "", "The AI agent answered, the customer was silent for a day.", "ai", "assumed"), _ASSUMED),
    (
        Case(
            "handed_off_by_assignment",
            "",
            "The customer asked for a person; the ticket went to the group and then to Ben, who answered and resolved.",
            "human",
            handed_off=True,
            human_replied=True,
        ),
        (
            *_REPLY,
            _answer(200, "I want to talk to a person."),
            (210, "assign", {"responder": None, "group": _SUPPORT}),
            _status(210, 2),
            (900, "assign", {"responder": _BEN}),
            _reply(1_200, _BEN, "I have reset it for you."),
            _status(1_300, _RESOLVED),
        ),
    ),
    (
        Case(
            "agent_replied",
            "",
            "The AI agent answered, and then Ada did too, while the ticket stayed with the AI agent.",
            "human",
            human_replied=True,
        ),
        (*_REPLY, _reply(4_000, _ADA, "I had a look too."), _outcome(_DAY, "assumed"), _status(_DAY, _RESOLVED)),
    ),
    (
        Case(
            "agent_wrote_public_note",
            "",
            "The AI agent answered; Ben wrote a note that the customer can read; then it was resolved.",
            "human",
            human_replied=True,
        ),
        (*_REPLY, (500, "note", {"by": _BEN, "body": "We look into it.", "public": True}), _status(_DAY, _RESOLVED)),
    ),
    (
        Case("agent_noted", "", "The AI agent answered; Ada wrote a private note; nobody else did.", "ai", "assumed"),
        (
            *_REPLY,
            (100, "note", {"by": _ADA, "body": "Let it run."}),
            _outcome(_DAY, "assumed"),
            _status(_DAY, _RESOLVED),
        ),
    ),
    (
        Case(
            "came_back",
            "",
            "Resolved by the AI agent, the customer wrote again after three days; Ben answered and closed.",
            "human",
            came_back=True,
            human_replied=True,
        ),
        (
            *_ASSUMED,
            _answer(4 * _DAY, "It is broken again."),
            (4 * _DAY + 60, "assign", {"responder": _BEN}),
            _reply(4 * _DAY + 900, _BEN, "Fixed."),
            _status(4 * _DAY + 901, _CLOSED),
        ),
    ),
    (
        Case(
            "came_back_open",
            "",
            "Resolved by the AI agent, the customer wrote again, nobody answered yet.",
            None,
            came_back=True,
        ),
        (*_ASSUMED, _answer(5 * _DAY, "Sorry, it still does not work.")),
    ),
    (
        Case("closed_by_automation", "", "Nobody answered, the AI agent neither; a rule closed it.", "automation"),
        (_status(5 * _DAY, _CLOSED),),
    ),
    (
        Case("escalated", "", "The AI agent gave it to the group; nobody has answered yet.", None, handed_off=True),
        (
            *_REPLY,
            (90, "assign", {"responder": None, "group": _BILLING}),
            _status(90, 2),
            (2 * _DAY, "set", {"values": {"is_escalated": True}}),
        ),
    ),
    (
        Case("low_rating", "", "Resolved by the AI agent, and rated as bad as can be.", "ai", "assumed"),
        (*_ASSUMED, (_DAY + 700, "rate", {"rating": -103, "feedback": "Useless."})),
    ),
    (
        Case(
            "human_alone",
            "",
            "Ben answered and resolved; the AI agent had no part in it. Rated good.",
            "human",
            human_replied=True,
        ),
        (
            (30, "assign", {"responder": _BEN, "group": _SUPPORT}),
            _reply(400, _BEN, "Hello!"),
            _status(500, _RESOLVED),
            (700, "rate", {"rating": 103}),
        ),
    ),
    (
        Case("spam", "", "An advertisement, marked as spam; no list of tickets shows it unless asked for spam.", None),
        ((50, "spam", {"is": True}),),
    ),
    (
        Case(
            "deleted",
            "",
            "Resolved by the AI agent, deleted a week later; by its id it is given as deleted.",
            "ai",
            "assumed",
            gone=True,
        ),
        (*_ASSUMED, (7 * _DAY, "delete", {})),
    ),
    (
        Case(
            "destroyed", "", "Resolved by the AI agent, deleted and then deleted for good.", "ai", "assumed", gone=True
        ),
        (*_ASSUMED, (7 * _DAY, "delete", {}), (8 * _DAY, "destroy", {})),
    ),
    (
        Case(
            "merged_into", "", "The AI agent answered; it holds what the ticket merged into it held.", "ai", "confirmed"
        ),
        _CONFIRMED,
    ),
    (
        Case(
            "merged",
            "",
            "The same question once more; merged into the ticket of `merged_into`, and so closed.",
            "human",
        ),
        (_answer(100, "Are you there?"), (_DAY, "merge", {"by": _ADA, "into": _TWIN})),
    ),
    (
        Case("waiting", "", "The AI agent answered and waits for the customer.", None),
        (*_REPLY, _status(50, 3)),
    ),
)


def contact_key(seed: int, number: int) -> int:
    """Give the id of a contact by its number, below ten million."""
    return 85_000_000_000 + seed * 10_000_000 + number


def ticket_key(seed: int, number: int) -> int:
    """Give the id of a ticket by its number, below a million."""
    return seed * 1_000_000 + number


def cases(seed: int) -> list[Case]:
    """Give the cases with their ids, instants and deeds; the same seed gives the same."""
    chance = random.Random(f"{seed}/cases")  # noqa: S311 - same seed, same bytes
    people = People(seed)
    ada, ben, _ = people.agents
    support, billing = people.groups
    told = []
    for number, (case, steps) in enumerate(_CASES, start=1):
        subject, contact = ticket_key(seed, number), contact_key(seed, number)
        ids = {_ADA: ada, _BEN: ben, _SUPPORT: support, _BILLING: billing, _TWIN: subject - 1}
        start = FIRST + number * _HOUR + chance.randrange(_HOUR)
        deeds: list[Obj] = [
            {"do": "contact", "at": start - 60, "contact": contact, "name": f"Customer of {case.name}"},
            {"do": "open", "at": start, "ticket": subject, "requester": contact},
        ]
        for after, kind, more in steps:
            own = {name: ids.get(value, value) if isinstance(value, str) else value for name, value in more.items()}
            deeds.append({"do": kind, "at": start + after, "ticket": subject, **own})
        told.append(replace(case, subject=str(subject), deeds=tuple(deeds)))
    return told

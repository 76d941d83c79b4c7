"""Labelled cases of Intercom: one conversation each, with what happened to it in plain words.

The cases begin at hours that the seed decides, on 3 August 2026 and the days after it; all of them are over on 1
September. `resolution_state` has the words of the newer versions of the API, and in `handed_off_old_word` of the older.
"""

from __future__ import annotations

import random
from dataclasses import replace

from tallystick.testing.instants import instant
from tallystick_rest.simulators.intercom.people import FIN, OPERATOR, People
from tallystick_rest.simulators.labelled import Case
from tallystick_rest.simulators.timeline import Obj

__all__ = ["FIRST", "cases", "contact_key", "conversation_key"]

FIRST = instant("2026-08-03T08:00:00Z")
"""No case begins before."""

_HOUR, _DAY = 3_600, 86_400
_ADA, _BEN, _SUPPORT, _BILLING, _ME = "@ada", "@ben", "@support", "@billing", "@customer"
# Names stand for the ids of the workspace, and for the contact of the case.

_Step = tuple[int, str, Obj]


def _say(after: int, by: str, body: str, do: str = "comment") -> _Step:
    return after, do, {"by": by, "body": body}


def _state(after: int, state: str, **more: str) -> _Step:
    return after, "resolution", {"state": state, **more}


_ANSWER = _say(20, FIN, "You can reset it under Settings, Security.")
_ASSUMED = (_ANSWER, _state(_DAY, "assumed_resolution"), (_DAY + 1, "close", {"by": OPERATOR}))
_CLOSE = {"by": _BEN}


def _assign(after: int, to: str | None, by: str = OPERATOR) -> _Step:
    return after, "assign", {"by": by, "to": to}


_CASES: tuple[tuple[Case, tuple[_Step, ...]], ...] = (
    (
        Case("confirmed", "", "Fin answered, the customer said that it helped, Fin closed.", "ai", "confirmed"),
        (
            _ANSWER,
            _say(300, _ME, "That did it, thank you!"),
            _state(301, "confirmed_resolution"),
            (302, "close", {"by": FIN}),
        ),
    ),
    (
        Case("assumed", "", "Fin answered, the customer was silent for a day, a workflow closed.", "ai", "assumed"),
        _ASSUMED,
    ),
    (
        Case(
            "handed_off_by_assignment",
            "",
            "The customer asked Fin for a person, a workflow assigned the team and then Ben, who answered and closed.",
            "human",
            handed_off=True,
            human_replied=True,
        ),
        (
            _ANSWER,
            _say(200, _ME, "I want to talk to a person."),
            _state(201, "escalated"),
            _assign(202, _SUPPORT),
            _assign(900, _BEN),
            _say(1_200, _BEN, "I have reset it for you."),
            (1_300, "close", _CLOSE),
        ),
    ),
    (
        Case(
            "handed_off_old_word",
            "",
            "Fin could not help and routed to the team, told in the word of older versions of the API; Ben answered.",
            "human",
            handed_off=True,
            human_replied=True,
        ),
        (
            _ANSWER,
            _state(300, "routed_to_team"),
            _assign(301, _BILLING),
            _say(4_000, _BEN, "Paid back."),
            (4_100, "close", _CLOSE),
        ),
    ),
    (
        Case(
            "admin_replied",
            "",
            "Fin answered, then Ada answered as well without being assigned; the resolution state still says assumed.",
            "human",
            human_replied=True,
        ),
        (
            _ANSWER,
            _state(_DAY, "assumed_resolution"),
            _say(_DAY + 60, _ADA, "I had a look too."),
            (_DAY + 90, "close", {"by": _ADA}),
        ),
    ),
    (
        Case(
            "admin_closed_with_words",
            "",
            "Fin answered, and Ben closed with a last word to the customer; the words stand in the part of the close.",
            "human",
            human_replied=True,
        ),
        (_ANSWER, (4_000, "close", {"by": _BEN, "body": "All done from our side."})),
    ),
    (
        Case(
            "admin_noted",
            "",
            "Fin answered; Ada wrote a note that only admins see; a workflow closed.",
            "ai",
            "assumed",
        ),
        (_ANSWER, _say(100, _ADA, "Good answer, let it run.", "note"), *_ASSUMED[1:]),
    ),
    (
        Case(
            "came_back",
            "",
            "Resolved by Fin, but the customer wrote again after two days; Ben answered and closed.",
            "human",
            came_back=True,
            human_replied=True,
        ),
        (
            *_ASSUMED,
            _say(3 * _DAY, _ME, "It is broken again."),
            _assign(3 * _DAY + 60, _BEN),
            _say(3 * _DAY + 900, _BEN, "Fixed."),
            (3 * _DAY + 901, "close", _CLOSE),
        ),
    ),
    (
        Case(
            "came_back_open",
            "",
            "Resolved by Fin, the customer wrote again, nobody has answered yet.",
            None,
            came_back=True,
        ),
        (*_ASSUMED, _say(2 * _DAY, _ME, "Sorry, it still does not work.")),
    ),
    (
        Case(
            "closed_by_automation", "", "Nobody answered, Fin neither; a workflow closed after five days.", "automation"
        ),
        ((5 * _DAY, "close", {"by": OPERATOR}),),
    ),
    (
        Case("escalated", "", "Fin gave it to the team; nobody has answered yet.", None, handed_off=True),
        (_ANSWER, _state(60, "escalated"), _assign(61, _SUPPORT)),
    ),
    (
        Case("negative_feedback", "", "The customer told Fin that it did not help, and left.", None),
        (_ANSWER, _say(90, _ME, "No."), _state(91, "negative_feedback")),
    ),
    (
        Case(
            "procedure_handoff",
            "",
            "A procedure of Fin ended, as configured, with the billing team.",
            None,
            handed_off=True,
        ),
        (_ANSWER, _state(120, "procedure_handoff", answer="custom_answer"), _assign(121, _BILLING)),
    ),
    (
        Case("low_rating", "", "Resolved by Fin, and the customer rated Fin 1 of 5.", "ai", "assumed"),
        (*_ASSUMED, (_DAY + 700, "rate_fin", {"rating": 1, "remark": "Useless."})),
    ),
    (
        Case(
            "human_alone", "", "Ben answered and closed; Fin had no part in it. Rated 5.", "human", human_replied=True
        ),
        (_assign(30, _BEN, _BEN), _say(400, _BEN, "Hello!"), (500, "close", _CLOSE), (700, "rate", {"rating": 5})),
    ),
    (
        Case("spam", "", "An advertisement; Ada tagged it as spam and closed it without a word.", "human"),
        ((50, "tag", {"name": "spam"}), (51, "close", {"by": _ADA})),
    ),
    (
        Case("deleted", "", "Resolved by Fin, and deleted a week later.", "ai", "assumed", gone=True),
        (*_ASSUMED, (7 * _DAY, "delete", {})),
    ),
    (
        Case("redacted", "", "Resolved by Fin; the customer's answer was redacted later.", "ai", "confirmed"),
        (
            _ANSWER,
            _say(50, _ME, "Yes. My card is 4111..."),
            _state(51, "confirmed_resolution"),
            (52, "close", {"by": FIN}),
            (_DAY, "redact", {"part": 2}),
        ),
    ),
    (
        Case("snoozed", "", "Fin answered, Ada snoozed it for a month.", None),
        (_ANSWER, (900, "snooze", {"by": _ADA, "until": FIRST + 60 * _DAY})),
    ),
)


def contact_key(seed: int, number: int) -> str:
    """Give the id of a contact by its number."""
    return f"{0x66B0_0000 + seed:08x}{number:016x}"


def conversation_key(seed: int, number: int) -> str:
    """Give the id of a conversation by its number, below a hundred million."""
    return str(215_400_000_000_000 + seed * 100_000_000 + number)


def cases(seed: int) -> list[Case]:
    """Give the cases with their ids, instants and deeds; the same seed gives the same."""
    chance = random.Random(f"{seed}/cases")  # noqa: S311 - same seed, same bytes
    people = People(seed)
    ada, ben, _ = people.admins
    support, billing = people.teams
    told = []
    for number, (case, steps) in enumerate(_CASES, start=1):
        subject, contact = conversation_key(seed, number), contact_key(seed, number)
        ids = {_ADA: ada, _BEN: ben, _SUPPORT: support, _BILLING: billing, _ME: contact}
        start = FIRST + number * _HOUR + chance.randrange(_HOUR)
        deeds: list[Obj] = [
            {"do": "contact", "at": start - 60, "contact": contact, "name": f"Customer of {case.name}"},
            {"do": "open", "at": start, "conversation": subject, "contact": contact, "body": "I cannot sign in."},
        ]
        for after, kind, more in steps:
            own = {name: ids.get(value, value) for name, value in more.items()}
            deeds.append({"do": kind, "at": start + after, "conversation": subject, **own})
        told.append(replace(case, subject=subject, deeds=tuple(deeds)))
    return told

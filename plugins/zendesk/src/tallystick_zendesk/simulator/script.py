"""The pen the story is written with: people, tickets and their acts, claims, and the verdict each subject must get."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from tallystick.testing.instants import instant, iso
from tallystick_zendesk.simulator.cases_words import ANSWERS, QUESTIONS, REPLIES, THANKS
from tallystick_zendesk.simulator.plan import SYSTEM, Act, Effect, Opening, Plan, User

__all__ = [
    "ADMIN",
    "AI_GROUP",
    "AI_GROUP_TOO",
    "BOT",
    "DAY",
    "DESK",
    "HOUR",
    "LAST",
    "LIGHT",
    "MINUTE",
    "OPEN",
    "OUTCOME",
    "PEOPLE",
    "READABLE",
    "SEAT",
    "SECOND_DESK",
    "Case",
    "Script",
    "Ticket",
    "days_later",
    "local_day",
    "moment",
]

MINUTE = 60
HOUR = 3600
DAY = 86_400

OUTCOME = "resolved"

BOT = 38_100_000_004_171
"""The vendor's seat, an agent like any other to Zendesk."""
SEAT = 38_100_000_004_222
"""A seat that a bot and a person both use."""
ADMIN = 38_100_000_004_307
LIGHT = 38_100_000_004_393
PEOPLE = (38_100_000_004_511, 38_100_000_004_562, 38_100_000_004_613, 38_100_000_004_664, 38_100_000_004_715)
_READER = 38_100_000_004_001

AI_GROUP = 38_100_000_000_911
AI_GROUP_TOO = 38_100_000_000_928
DESK = 38_100_000_000_945
SECOND_DESK = 38_100_000_000_962

LAST = instant("2026-11-20T06:00:00Z")
"""The last stage of the story, which the labels hold at."""
READABLE = LAST - HOUR
"""Up to when the exports are known then: the quiet ones among them are taken as complete up to an hour before."""

OPEN = "genuine"
"""The clause a pending verdict names: of those open equally long, the first that waits for the end of the window."""

_HIRED = instant("2026-09-01T06:00:00Z")
_SUMMER_ENDS = instant("2026-10-25T01:00:00Z")
_WINDOW_DAYS = 7
_CLOSE_RULE, _IDLE_RULE = 360_000_118, 360_000_131
_HOURS = {"email": 72, "web": 72, "native_messaging": 24, "whatsapp": 24, "chat": 24, "phone_call_inbound": 0}
_NAMES = ("Alva", "Bo", "Chiara", "Devi", "Emil", "Freya", "Goran", "Hana", "Ines", "Jonas", "Kaya", "Lior", "Mira")
_SURNAMES = ("Ahrens", "Brandt", "Cordes", "Dahl", "Engel", "Falk", "Grimm", "Hoppe", "Iversen", "Jansen", "Krug")


def moment(text: str) -> int:
    """Give an instant of 2026 in Unix seconds: a day `10-12` at 00:00 UTC, or `10-12T06:30` in UTC."""
    return instant(f"2026-{text}:00Z" if "T" in text else f"2026-{text}T00:00:00Z")


def _offset(at: int) -> int:
    return 2 * HOUR if at < _SUMMER_ENDS else HOUR


def days_later(at: int, days: int) -> int:
    """Give the same wall-clock time in Berlin so many calendar days later; summer time ends on 25 October."""
    end = at + days * DAY
    return end + _offset(at) - _offset(end)


def local_day(at: int) -> int:
    """Give the calendar day in Berlin, as a number."""
    return (at + _offset(at)) // DAY


@dataclass(slots=True)
class Ticket:
    """A ticket of the plan, and the acts on it; they are written in the order of their instants.

    `answered` is when the bot last answered, `resolved` when the ticket was first solved.
    """

    script: Script
    id: int
    requester: int
    opened: int
    via: str
    status: str = "new"
    answered: int = 0
    resolved: int = 0

    @property
    def window_end(self) -> int:
        """When a return does not matter any more."""
        return days_later(self.resolved, _WINDOW_DAYS)

    @property
    def silence_end(self) -> int:
        """When silence since the last answer has lasted as long as the contract asks for the channel."""
        return self.answered + _HOURS.get(self.via, 72) * HOUR

    def act(self, at: int, author: int, **values: Any) -> None:
        """Write any act."""
        status = values.get("status")
        if status is not None:
            self.status = status
            if status == "solved" and not self.resolved:
                self.resolved = at
        self.script.acts.append(Act(at, self.id, author, **values))

    def asks(self, at: int, text: str | None = None, *, by: int | None = None, **values: Any) -> None:
        """Write a public message of the customer, or of `by`; as in Zendesk it opens the ticket again."""
        if self.status not in {"new", "open"}:
            values.setdefault("status", "open")
        values.setdefault("via", "email" if self.via == "phone_call_inbound" else self.via)
        self.act(at, self.requester if by is None else by, comment=text or self.script.one(QUESTIONS), **values)

    def thanks(self, at: int, **values: Any) -> None:
        """Write a public message of the customer that is nothing but thanks."""
        self.asks(at, self.script.one(THANKS), **values)

    def answers(self, at: int, text: str | None = None, **values: Any) -> None:
        """Write a public answer of the bot."""
        if self.status != "pending":
            values.setdefault("status", "pending")
        values.setdefault("via", "api")
        self.answered = at
        self.act(at, BOT, comment=text or self.script.one(ANSWERS), **values)

    def speaks(self, at: int, text: str, **values: Any) -> None:
        """Write what the bot says that is no answer."""
        before = self.answered
        self.answers(at, text, **values)
        self.answered = before

    def replies(self, at: int, who: int | None = None, **values: Any) -> None:
        """Write a comment of a person of the desk, public unless told."""
        self.act(at, who or self.script.one(PEOPLE), comment=self.script.one(REPLIES), **values)

    def solves(self, at: int, author: int = BOT, **values: Any) -> None:
        """Write that somebody sets the ticket to solved."""
        values.setdefault("assignee", author)
        self.act(at, author, via="api" if author == BOT else "web", status="solved", **values)

    def idles(self, at: int) -> None:
        """Write that an automation solves the ticket because nothing happened for long."""
        self.resolved = self.resolved or at
        self.status = "solved"
        self.act(at, SYSTEM, via="rule", effects=(Effect(_IDLE_RULE, "automation", status="solved"),))

    def closes(self, at: int | None = None) -> None:
        """Write that the automation closes the ticket, four days after it was solved unless told."""
        self.status = "closed"
        when = self.resolved + 4 * DAY if at is None else at
        self.act(when, SYSTEM, via="rule", effects=(Effect(_CLOSE_RULE, "automation", status="closed"),))


class Script:
    """Collects the people, the acts, the claims and the labels; random only by its seed.

    `turn` counts how often a case was planned before; cases vary by it.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.turn = 0
        self.users: list[User] = []
        self.acts: list[Act] = []
        self.claims: list[dict[str, str]] = []
        self.labels: dict[str, dict[str, str | None]] = {}
        self.decided: list[int] = []
        self.tickets = 0
        self._seen: list[int] = []
        self._visits: set[tuple[int, int]] = set()
        self._hire()

    @property
    def plan(self) -> Plan:
        """All of it, for the simulator."""
        return Plan(tuple(self.users), tuple(sorted(self.acts, key=lambda act: act.at)), me=_READER)

    def one(self, choices: tuple[Any, ...]) -> Any:
        """Pick one."""
        return choices[int(self.random.random() * len(choices))]

    def vary(self, *choices: Any) -> Any:
        """Give each of the choices in turn."""
        return choices[self.turn % len(choices)]

    def between(self, first: str, last: str) -> int:
        """Pick a second from 7 to 17 o'clock UTC of a day from `first` to `last`, both included."""
        start = moment(first)
        days = (moment(last) - start) // DAY
        return start + self.random.randint(0, days) * DAY + self.random.randint(7 * HOUR, 17 * HOUR)

    def user(self, at: int, role: str = "end-user", **values: Any) -> int:
        """Plan a person who is in the account from `at` on."""
        number = len(self.users)
        key = 38_100_000_100_000 + number * 37
        name = f"{self.one(_NAMES)} {self.one(_SURNAMES)}"
        self.users.append(User(key, name, f"user{number}@people.example", role, max(at, _HIRED), **values))
        return key

    def stranger(self) -> int:
        """Give the number of a user whom the account never shows."""
        return 38_900_000_000_000 + self.random.randrange(10**9)

    def regular(self, at: int) -> int:
        """Give a customer who did not write before on this day in Berlin: often one who wrote on another."""
        today = local_day(at)
        if self._seen and self.random.random() < 0.4:
            known = self._seen[int(self.random.random() * len(self._seen))]
            if (known, today) not in self._visits:
                self._visits.add((known, today))
                return known
        made = self.user(_HIRED)
        self._seen.append(made)
        self._visits.add((made, today))
        return made

    def open(self, at: int, channel: str = "email", **values: Any) -> Ticket:
        """Plan a ticket that its requester opens; what is named is of its `Opening`, `text` and `author` excepted."""
        self.tickets += 1
        requester = values.pop("requester", None) or self.user(at - HOUR)
        text, author = values.pop("text", None) or self.one(QUESTIONS), values.pop("author", requester)
        extra = {"voice": True} if channel == "phone_call_inbound" else {}
        values.setdefault("group", AI_GROUP)
        made = Ticket(self, 200_000 + self.tickets, requester, at, channel)
        opening = Opening(requester, channel, **values)
        made.act(at, author, via=channel, opening=opening, comment=text, **extra)
        if opening.status == "solved":
            made.status, made.resolved = "solved", at
        return made

    def started(self, at: int | None = None, channel: str = "email", **values: Any) -> Ticket:
        """Plan a ticket that the bot has answered some minutes after it was opened."""
        opened = self.between("09-16", "11-03") if at is None else at
        ticket = self.open(opened, channel, **values)
        ticket.answers(opened + self.random.randint(2 * MINUTE, 15 * MINUTE))
        return ticket

    def solved(self, at: int | None = None, channel: str = "email", *, close: bool = True, **values: Any) -> Ticket:
        """Plan a ticket that the bot answered and solved two to six hours later, closed after four days if wanted."""
        ticket = self.started(at, channel, **values)
        ticket.solves(ticket.answered + self.random.randint(2 * HOUR, 6 * HOUR))
        if close:
            ticket.closes()
        return ticket

    def claim(self, ref: int, at: int) -> str:
        """Write a claim made at an instant and give its subject."""
        claim = f"UP-{len(self.claims) + 1:05d}"
        self.claims.append(
            {
                "claim_id": claim,
                "outcome": OUTCOME,
                "ref": str(ref),
                "claimed_at": iso(at),
                "amount": "0.99",
                "currency": "USD",
            }
        )
        return f"claim:{claim}"

    def expect(self, ticket: Ticket, status: str, clause: str, trap: str, *, claimed: int | None = None) -> None:
        """Claim a ticket and say what it must get.

        The claim is made one to four days after the ticket was solved, and so before its window is over: what is
        claimed late would have been found before. It is made on the last evening before the last stage at the latest.
        """
        evening = LAST - self.random.randint(8 * HOUR, 12 * HOUR)
        made = (ticket.resolved or ticket.answered or ticket.opened) + self.random.randint(DAY, 4 * DAY)
        subject = self.claim(ticket.id, min(made, evening) if claimed is None else claimed)
        self.label(subject, status, clause, trap)
        if status == "verified":
            self.decided.append(ticket.window_end)

    def found(self, ticket: Ticket, trap: str) -> None:
        """Say that a ticket nobody claims meets the contract."""
        self.label(f"found:{OUTCOME}:{ticket.id}", "verified", "", trap)
        self.decided.append(ticket.window_end)

    def label(self, subject: str, status: str, clause: str, trap: str) -> None:
        """Say which verdict a subject must have at the last stage."""
        self.labels[subject] = {"status": status, "clause": clause, "trap": trap, "net_amount": None}

    def _hire(self) -> None:
        """Plan the people of the desk, and the seats."""
        seats = [
            (_READER, "Billing Reader", "admin", 4),
            (BOT, "Uptime AI", "agent", 0),
            (SEAT, "Night Shift", "agent", 0),
        ]
        staff = [(ADMIN, "Nadja Peters", "admin", 4), (LIGHT, "Ole Lindner", "agent", 1)]
        desk = [(key, f"{_NAMES[index]} Nordwind", "agent", None) for index, key in enumerate(PEOPLE)]
        for key, name, role, kind in (*seats, *staff, *desk):
            self.users.append(User(key, name, f"{key}@nordwind.example", role, _HIRED, role_type=kind))


Case: TypeAlias = Callable[[Script], None]
"""Plans one case of the story, with its labels."""

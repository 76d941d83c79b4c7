"""The pen the story is written with: scenes, their meetings and what becomes of them, claims, and right verdicts."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tallystick.testing.company.deeds import (
    Accept,
    Book,
    By,
    Deed,
    DeleteMeeting,
    Found,
    Mark,
    Meet,
    MergeCompanies,
    Move,
    OpenDeal,
    Retitle,
    StageDeal,
    Talk,
)
from tallystick.testing.company.people import EXECUTIVES, OFFICE, RECORDER, VENDOR_APP
from tallystick.testing.company.times import DAY, HOUR, MINUTE, QUIET, local_day, moment, weekday

__all__ = ["LAST", "VENDOR", "Case", "Claim", "Label", "Meeting", "Scene", "Script"]

LAST = moment("11-20T06:00")
"""The last stage of the story, which the labels hold at."""

VENDOR = By(app=VENDOR_APP)
_RECORDER = By(app=RECORDER)
_OFFICE = By(person=OFFICE)
_FRIDAY = 4
_HALF = 30 * MINUTE
_FIRST, _END = moment("09-16"), moment("11-11")

_NAMES = ("Alva", "Bo", "Chiara", "Devi", "Emil", "Freya", "Goran", "Hana", "Ines", "Jonas", "Kaya", "Lior", "Mira")
_SURNAMES = ("Ahrens", "Brandt", "Cordes", "Dorn", "Ebert", "Fuchs", "Gerlach", "Hahn", "Ihde", "Jung", "Kern", "Lotz")
_TRADES = ("Logistik", "Werkzeuge", "Optik", "Druck", "Energie", "Medizin", "Textil", "Metall", "Papier", "Glas")
_TITLES = ("Head of Operations", "Managing Director", "Buyer", "Head of IT", "Chief Financial Officer")


@dataclass(frozen=True, slots=True)
class Claim:
    """What the vendor claims: `ref` is a meeting of the scene, or with `raw` the very words of the claim.

    `by_conference` names the meeting as the conference does; `copy` means the copy in the calendar of that person.
    """

    id: str
    at: int
    ref: str
    by_conference: bool = False
    copy: str | None = None
    raw: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """The verdict that a claim (by its id), or a meeting that nobody claimed (by its key), must get."""

    status: str
    clause: str


@dataclass
class Scene:
    """One trap, or one everyday meeting, with everything that belongs to it and nothing else.

    `needs` are abilities a system must have for the scene to be told in it; `twice` asks for the scene to be told in
    every system at once, with every claim made in each. `side` is whose it is where two systems tell the company.
    """

    script: Script
    number: int
    trap: str
    needs: tuple[str, ...] = ()
    twice: bool = False
    side: int = 0
    deeds: list[Deed] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    labels: dict[str, Label] = field(default_factory=dict)
    found: dict[str, Label] = field(default_factory=dict)
    meetings: list[Meeting] = field(default_factory=list)
    _made: int = 0

    def key(self, kind: str) -> str:
        """Give a new key."""
        self._made += 1
        return f"{kind}{self.number}.{self._made}"

    def company(self, at: int, *, domain: str | None = None) -> str:
        """Enter a company; it is known some days before anything happens."""
        key = self.key("company")
        name = f"{self.script.one(_SURNAMES)} {self.script.one(_TRADES)} {self.number}"
        self.deeds.append(Found(at, key, name, domain or f"{key.replace('.', '-')}.example", _OFFICE))
        return key

    def contact(self, at: int, company: str, *, email: str | None = None, title: str | None = None) -> str:
        """Enter a person of a company."""
        key = self.key("contact")
        first, last = self.script.one(_NAMES), self.script.one(_SURNAMES)
        address = email or f"{first}.{last}@{company.replace('.', '-')}.example".lower()
        self.deeds.append(Meet(at, key, company, first, last, address, title or self.script.one(_TITLES), _OFFICE))
        return key

    def meeting(self, starts: int | None = None, **values: Any) -> Meeting:
        """Book a meeting of half an hour, by the vendor and with a new company unless told."""
        begins = self.script.slot() if starts is None else starts
        booked = values.pop("booked", begins - self.script.random.randint(2, 6) * DAY - 3 * HOUR)
        known = values.pop("company", None)
        company = known or self.company(booked - 2 * DAY - HOUR)
        contacts = values.pop("contacts", None)
        if contacts is None:
            contacts = (self.contact(booked - 2 * DAY, company, email=values.pop("email", None)),)
        owner = values.pop("owner", None) or self.script.one(EXECUTIVES)
        meeting = Meeting(self, self.key("meeting"), company, contacts, owner, begins, begins + _HALF)
        meeting.ends = values.pop("ends", meeting.ends)
        meeting.book(booked, **values)
        self.meetings.append(meeting)
        self.script.meetings += 1
        return meeting

    def claim(self, meeting: Meeting, at: int | None = None, **values: Any) -> Claim:
        """Claim a meeting, in the evening of the day after it unless told."""
        when = at if at is not None else meeting.ends + DAY + 9 * HOUR
        claim = Claim(self.script.claim_id(), when, meeting.key, **values)
        self.claims.append(claim)
        return claim

    def claims_words(self, words: str, at: int) -> Claim:
        """Claim what no meeting is called."""
        claim = Claim(self.script.claim_id(), at, words, raw=True)
        self.claims.append(claim)
        return claim

    def expect(self, claim: Claim | Meeting, status: str, clause: str = "") -> None:
        """Say what a claim must get: first of all, claim a meeting that is given instead of one."""
        made = self.claim(claim) if isinstance(claim, Meeting) else claim
        self.labels[made.id] = Label(status, clause)

    def finds(self, meeting: Meeting) -> None:
        """Say that a meeting which nobody claimed meets the contract."""
        self.found[meeting.key] = Label("verified", "")

    def deal(self, company: str, contact: str, at: int, owner: str, *, by: By | None = None) -> str:
        """Enter a deal."""
        key = self.key("deal")
        self.deeds.append(OpenDeal(at, key, company, contact, owner, by or By(person=owner)))
        return key

    def stages(self, deal: str, at: int, stage: str, by: By) -> None:
        """Bring a deal to a stage."""
        self.deeds.append(StageDeal(at, deal, stage, by))

    def merge(self, at: int, winner: str, loser: str) -> None:
        """Merge two companies."""
        self.deeds.append(MergeCompanies(at, winner, loser, _OFFICE))


@dataclass
class Meeting:
    """A meeting of a scene, and what becomes of it."""

    scene: Scene
    key: str
    company: str
    contacts: tuple[str, ...]
    owner: str
    starts: int
    ends: int

    def book(
        self,
        at: int,
        *,
        by: By = VENDOR,
        invited: Iterable[str] | None = None,
        title: str = "Introduction to Nordwind",
        all_day: bool = False,
        series: str | None = None,
        dated: int | None = None,
    ) -> None:
        """Put it into the calendar."""
        guests = (self.owner,) if invited is None else tuple(invited)
        self.scene.deeds.append(
            Book(
                at,
                self.key,
                by,
                title,
                self.starts,
                self.ends,
                self.owner,
                self.company,
                self.contacts,
                guests,
                all_day,
                series,
                dated,
            )
        )

    def moves(self, at: int, starts: int, by: By = VENDOR) -> None:
        """Move it in the calendar; it stays as long as it is."""
        self.ends += starts - self.starts
        self.starts = starts
        self.scene.deeds.append(Move(at, self.key, self.starts, self.ends, by))

    def talks(self, seconds: int | None, *, started: int | None = None, **values: Any) -> Meeting:
        """Record a conversation: a conference with host and guests, entered two minutes later, unless told."""
        begins = self.starts + MINUTE if started is None else started
        end = begins + (seconds or 0)
        given = {"medium": "conference", "host": self.owner, "guests": self.contacts, "by": _RECORDER, **values}
        at = given.pop("at", end + 2 * MINUTE)
        key = self.scene.key("talk")
        talk = Talk(at, key, self.key, begins, seconds, company=self.company, **given)
        self.scene.deeds.append(talk)
        return self

    def marks(self, outcome: str, at: int | None = None, by: By | None = None) -> Meeting:
        """Say how it went: an hour after it by its owner, unless told."""
        when = self.ends + HOUR if at is None else at
        self.scene.deeds.append(Mark(when, self.key, outcome, by or By(person=self.owner)))
        return self

    def accepts(self, at: int | None = None, by: By | None = None, **values: Any) -> Meeting:
        """Tick that it is accepted: three hours after it by its owner, unless told."""
        when = self.ends + 3 * HOUR if at is None else at
        accepted = values.pop("accepted", True)
        self.scene.deeds.append(Accept(when, self.key, accepted, by or By(person=self.owner), **values))
        return self

    def retitles(self, at: int, title: str, by: By) -> None:
        """Give it another title."""
        self.scene.deeds.append(Retitle(at, self.key, title, by))

    def is_deleted(self, at: int, by: By) -> None:
        """Delete it."""
        self.scene.deeds.append(DeleteMeeting(at, self.key, by))

    def held(self, seconds: int = 25 * MINUTE) -> Meeting:
        """Let it take place as it should, and be marked and accepted."""
        return self.talks(seconds).marks("completed").accepts()


class Script:
    """Collects the scenes; random only by its seed. `turn` counts how often the cases were told before.

    `side` is that of the scenes begun next, `meetings` how many there are.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(f"company/{seed}")
        self.turn = 0
        self.side = 0
        self.scenes: list[Scene] = []
        self.meetings = 0
        self._claims = 0

    def scene(self, trap: str, *, needs: tuple[str, ...] = (), twice: bool = False) -> Scene:
        """Begin a scene."""
        scene = Scene(self, len(self.scenes) + 1, trap, needs, twice, self.side)
        self.scenes.append(scene)
        return scene

    def claim_id(self) -> str:
        """Give a new claim id."""
        self._claims += 1
        return f"UP-{self._claims:05d}"

    def one(self, choices: tuple[Any, ...]) -> Any:
        """Pick one."""
        return choices[int(self.random.random() * len(choices))]

    def vary(self, *choices: Any) -> Any:
        """Give each of the choices in turn."""
        return choices[self.turn % len(choices)]

    def slot(self, first: str | None = None, last: str | None = None) -> int:
        """Pick the start of a meeting: a quarter of an hour between 8 and 14 UTC of a working day, in no quiet week."""
        low = _FIRST if first is None else moment(first)
        high = _END if last is None else moment(last)
        while True:
            day = low + self.random.randint(0, (high - low) // DAY) * DAY
            at = day + self.random.randint(8 * 4, 14 * 4) * 15 * MINUTE
            free = weekday(local_day(at)) <= _FRIDAY and not QUIET[0] <= at < QUIET[1]
            if free or (first is not None and first == last):
                return at


Case: TypeAlias = Callable[[Script], None]
"""Tells one case of the story, with its labels."""

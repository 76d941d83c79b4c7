"""What happens in the company, in no system's words: each deed is data, and says who did it, through what, and when.

All instants are Unix seconds, UTC. `key` names an object of the story; people are named by the keys of `people`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

__all__ = [
    "Accept",
    "Book",
    "By",
    "Deed",
    "DeleteMeeting",
    "Found",
    "Mark",
    "Meet",
    "MergeCompanies",
    "Move",
    "OpenDeal",
    "Retitle",
    "StageDeal",
    "Talk",
    "conference",
]


def conference(meeting: str) -> str:
    """Give what the conference of a meeting is called, in the calendar and by the recorder."""
    return f"nw-{meeting.replace('.', '-')}"


@dataclass(frozen=True, slots=True)
class By:
    """Who does something: a person, an application, or an application with a person's access."""

    person: str | None = None
    app: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A company is entered."""

    at: int
    key: str
    name: str
    domain: str
    by: By


@dataclass(frozen=True, slots=True)
class Meet:
    """A person of a company is entered."""

    at: int
    key: str
    company: str
    first: str
    last: str
    email: str
    title: str
    by: By


@dataclass(frozen=True, slots=True)
class Book:
    """A meeting is put into the calendar.

    Attributes:
        at: When it was entered.
        key: The meeting.
        by: Who booked it.
        title: Its title.
        starts: Scheduled start; for an all-day entry the day's midnight in UTC.
        ends: Scheduled end.
        owner: In whose calendar it stands.
        company: With which company.
        contacts: With whom.
        invited: People of ours who are invited.
        all_day: An entry without times.
        series: The recurring series it is part of.
        dated: What it says of when it was entered, where that is not true.
    """

    at: int
    key: str
    by: By
    title: str
    starts: int
    ends: int
    owner: str
    company: str
    contacts: tuple[str, ...]
    invited: tuple[str, ...]
    all_day: bool = False
    series: str | None = None
    dated: int | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A meeting is moved in the calendar."""

    at: int
    meeting: str
    starts: int
    ends: int
    by: By


@dataclass(frozen=True, slots=True)
class Mark:
    """Somebody says how a meeting went: completed, no_show, canceled or rescheduled."""

    at: int
    meeting: str
    outcome: str
    by: By


@dataclass(frozen=True, slots=True)
class Accept:
    """Somebody ticks that a meeting is accepted, or takes the tick away; `dated` is what the tick says of its time."""

    at: int
    meeting: str
    accepted: bool
    by: By
    dated: int | None = None


@dataclass(frozen=True, slots=True)
class Retitle:
    """A meeting gets another title."""

    at: int
    meeting: str
    title: str
    by: By


@dataclass(frozen=True, slots=True)
class DeleteMeeting:
    """A meeting is deleted."""

    at: int
    meeting: str
    by: By


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation is recorded.

    Attributes:
        at: When it was entered.
        key: The conversation.
        meeting: The meeting it belongs to.
        started: When it began.
        seconds: How long it took; None where the recorder does not tell.
        medium: conference or phone.
        host: Whose conversation it was; None for nobody of ours.
        guests: Contacts who took part.
        by: Who entered it.
        company: With which company.
        connected: False for a call that nobody answered.
    """

    at: int
    key: str
    meeting: str
    started: int
    seconds: int | None
    medium: str
    host: str | None
    guests: tuple[str, ...]
    by: By
    company: str
    connected: bool = True


@dataclass(frozen=True, slots=True)
class OpenDeal:
    """A chance to sell is entered, open, in its first stage; `dated` is what it says of when."""

    at: int
    key: str
    company: str
    contact: str
    owner: str
    by: By
    dated: int | None = None


@dataclass(frozen=True, slots=True)
class StageDeal:
    """A deal is brought to a stage: first, qualified, won or lost."""

    at: int
    deal: str
    stage: str
    by: By


@dataclass(frozen=True, slots=True)
class MergeCompanies:
    """Two entries of one company become one."""

    at: int
    winner: str
    loser: str
    by: By


Deed: TypeAlias = (
    Found | Meet | Book | Move | Mark | Accept | Retitle | DeleteMeeting | Talk | OpenDeal | StageDeal | MergeCompanies
)
"""Anything that happens."""

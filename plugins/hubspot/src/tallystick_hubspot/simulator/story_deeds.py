"""What happens in the story as it happens in HubSpot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import singledispatchmethod
from typing import Any

from tallystick.testing.company.deeds import (
    Accept,
    Book,
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
    conference,
)
from tallystick.testing.company.script import Scene
from tallystick_hubspot.simulator.deeds import Archive, Associate, Create, Deed, Label, Merge, Ref, Set
from tallystick_hubspot.simulator.instants import iso
from tallystick_hubspot.simulator.plan import Option, Pipeline, Property, Stage
from tallystick_hubspot.simulator.story_people import author, owner_id

__all__ = ["PIPELINE", "PROPERTIES", "Translator", "meeting_ids"]

PIPELINE = Pipeline(
    "deals",
    "default",
    "Sales",
    (
        Stage("appointmentscheduled", "Appointment", probability="0.2"),
        Stage("qualifiedtobuy", "Qualified", probability="0.4"),
        Stage("closedwon", "Won", closed=True, probability="1.0"),
        Stage("closedlost", "Lost", closed=True, probability="0.0"),
    ),
)
"""The one pipeline of deals."""

PROPERTIES = (
    Property("meetings", "accepted_by_ae", "Accepted by the account executive", "bool"),
    Property("meetings", "conference_id", "Conference"),
    Property("calls", "conference_id", "Conference"),
    Property("calls", "call_kind", "Kind of call", "enumeration", (Option("conference", "Conference"),)),
)
"""What the account defines beside HubSpot's own properties."""

_STAGES = {"first": "appointmentscheduled", "qualified": "qualifiedtobuy", "won": "closedwon", "lost": "closedlost"}
_BASES = {"contact": 100_000, "company": 300_000, "deal": 500_000, "meeting": 700_000, "talk": 900_000}
_KINDS = {"contact": "contacts", "company": "companies", "deal": "deals", "meeting": "meetings", "talk": "calls"}
_CONNECTED, _VOICEMAIL = "f240bbac-87c9-4f6e-bf70-924b57d47db7", "b2cf5968-551e-4856-9783-52b3da59a7d0"
_RECORDING = Label(301, "Recording of")
_PLACES = 20


def _ref(key: str) -> Ref:
    """Give the object of a key such as `meeting12.3`, whose number follows from the scene and the place in it."""
    word = key.rstrip("0123456789.")
    scene, _, place = key.removeprefix(word).partition(".")
    return _KINDS[word], str(_BASES[word] * 100 + int(scene) * _PLACES + int(place))


def meeting_ids(scenes: Sequence[Scene]) -> dict[str, str]:
    """Give the id of each meeting by its key."""
    return {meeting.key: _ref(meeting.key)[1] for scene in scenes for meeting in scene.meetings}


class Translator:
    """Turns what happens into deeds of the simulator, scene by scene."""

    def deeds(self, scenes: Sequence[Scene]) -> Iterator[Deed]:
        """Yield the deeds of some scenes."""
        for scene in scenes:
            for deed in scene.deeds:
                yield from self._told(deed)

    @singledispatchmethod
    def _told(self, deed: Any) -> Iterator[Deed]:
        raise ValueError(f"HubSpot has nothing for {deed!r}")

    @_told.register
    def _company(self, deed: Found) -> Iterator[Deed]:
        yield Create(_ms(deed.at), _ref(deed.key), {"name": deed.name, "domain": deed.domain}, author(deed.by))

    @_told.register
    def _contact(self, deed: Meet) -> Iterator[Deed]:
        names = {"email": deed.email, "firstname": deed.first, "lastname": deed.last, "jobtitle": deed.title}
        yield Create(_ms(deed.at), _ref(deed.key), names, author(deed.by))
        yield Associate(_ms(deed.at), _ref(deed.key), _ref(deed.company))

    @_told.register
    def _book(self, deed: Book) -> Iterator[Deed]:
        at, ref = _ms(deed.at), _ref(deed.key)
        values = {
            "hs_meeting_title": deed.title,
            "hs_meeting_outcome": "SCHEDULED",
            "hubspot_owner_id": owner_id(deed.owner),
            "hs_attendee_owner_ids": ";".join(owner_id(key) for key in deed.invited) or None,
            "conference_id": conference(deed.key),
            **_times(deed.starts, deed.ends),
        }
        yield Create(at, ref, values, author(deed.by), dated=None if deed.dated is None else _ms(deed.dated))
        yield Associate(at, ref, _ref(deed.company))
        for contact in deed.contacts:
            yield Associate(at, ref, _ref(contact))

    @_told.register
    def _move(self, deed: Move) -> Iterator[Deed]:
        yield Set(_ms(deed.at), _ref(deed.meeting), _times(deed.starts, deed.ends), author(deed.by))

    @_told.register
    def _mark(self, deed: Mark) -> Iterator[Deed]:
        values = {"hs_meeting_outcome": deed.outcome.upper()}
        yield Set(_ms(deed.at), _ref(deed.meeting), values, author(deed.by))

    @_told.register
    def _accept(self, deed: Accept) -> Iterator[Deed]:
        values = {"accepted_by_ae": "true" if deed.accepted else "false"}
        dated = None if deed.dated is None else _ms(deed.dated)
        yield Set(_ms(deed.at), _ref(deed.meeting), values, author(deed.by), dated=dated)

    @_told.register
    def _retitle(self, deed: Retitle) -> Iterator[Deed]:
        yield Set(_ms(deed.at), _ref(deed.meeting), {"hs_meeting_title": deed.title}, author(deed.by))

    @_told.register
    def _delete(self, deed: DeleteMeeting) -> Iterator[Deed]:
        yield Archive(_ms(deed.at), _ref(deed.meeting))

    @_told.register
    def _talk(self, deed: Talk) -> Iterator[Deed]:
        at, ref = _ms(deed.at), _ref(deed.key)
        values = {
            "hs_timestamp": iso(_ms(deed.started)),
            "hs_call_duration": None if deed.seconds is None else str(deed.seconds * 1_000),
            "hs_call_status": "COMPLETED",
            "hs_call_disposition": _CONNECTED if deed.connected else _VOICEMAIL,
            "hubspot_owner_id": None if deed.host is None else owner_id(deed.host),
            "call_kind": "conference" if deed.medium == "conference" else None,
            "conference_id": conference(deed.meeting),
        }
        yield Create(at, ref, values, author(deed.by))
        yield Associate(at, ref, _ref(deed.meeting), _RECORDING)
        for other in (deed.company, *deed.guests):
            yield Associate(at, ref, _ref(other))

    @_told.register
    def _deal(self, deed: OpenDeal) -> Iterator[Deed]:
        at, ref = _ms(deed.at), _ref(deed.key)
        values = {"dealname": "Nordwind", "pipeline": PIPELINE.id, "dealstage": _STAGES["first"]}
        values["hubspot_owner_id"] = owner_id(deed.owner)
        yield Create(at, ref, values, author(deed.by), dated=None if deed.dated is None else _ms(deed.dated))
        yield Associate(at, ref, _ref(deed.company))
        yield Associate(at, ref, _ref(deed.contact))

    @_told.register
    def _stage(self, deed: StageDeal) -> Iterator[Deed]:
        yield Set(_ms(deed.at), _ref(deed.deal), {"dealstage": _STAGES[deed.stage]}, author(deed.by))

    @_told.register
    def _merge(self, deed: MergeCompanies) -> Iterator[Deed]:
        yield Merge(_ms(deed.at), _ref(deed.winner), _ref(deed.loser), author(deed.by))


def _ms(at: int) -> int:
    return at * 1_000


def _times(starts: int, ends: int) -> dict[str, str | None]:
    begin = iso(_ms(starts))
    return {
        "hs_timestamp": begin,
        "hs_meeting_start_time": begin,
        "hs_meeting_end_time": iso(_ms(ends)),
    }

"""What happens in the story as it happens in Salesforce."""

from __future__ import annotations

from collections.abc import Sequence
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
from tallystick.testing.company.people import PEOPLE
from tallystick.testing.company.script import Scene
from tallystick_salesforce.simulator.ids import made
from tallystick_salesforce.simulator.plan import IDS_PER_SECOND, Plan
from tallystick_salesforce.simulator.shapes import Custom
from tallystick_salesforce.simulator.story_people import add_people, writer

__all__ = ["OUTCOMES", "copy_ids", "write_plan"]

OUTCOMES = {
    "scheduled": "Scheduled",
    "completed": "Held",
    "no_show": "No Show",
    "canceled": "Cancelled",
    "rescheduled": "Rescheduled",
}
"""What the org's own field says of how a meeting went, by the word of the story."""

_STAGES = {"first": "Prospecting", "qualified": "Qualification", "won": "Closed Won", "lost": "Closed Lost"}
_TRACKED = {
    "Event": {"Meeting_Accepted__c", "Meeting_Outcome__c", "StartDateTime", "EndDateTime", "OwnerId", "Subject"},
    "Opportunity": {"StageName", "OwnerId"},
    "Account": {"OwnerId"},
}
_EVENT = "00U"


def write_plan(scenes: Sequence[Scene]) -> Plan:
    """Give the org with everything that happens in some scenes; the keys are those of the story."""
    plan = Plan(
        tracked={name: set(fields) for name, fields in _TRACKED.items()},
        custom={
            "Event": (
                Custom("Meeting_Accepted__c", "boolean"),
                Custom("Meeting_Outcome__c", "picklist", values=tuple(OUTCOMES.values())),
                Custom("Conference_Id__c", "string"),
            )
        },
    )
    add_people(plan)
    for scene in scenes:
        teller = _Teller(plan)
        for deed in scene.deeds:
            teller.tell(deed)
    return plan


def copy_ids(plan: Plan) -> dict[tuple[str, str], str]:
    """Give the id of the copy in the calendar of each user who is invited, by meeting and user."""
    found: dict[tuple[str, str], str] = {}
    counts: dict[int, int] = {}
    for deed in plan.ordered():
        for key in deed.invitees:
            if key in PEOPLE:
                count = counts.get(deed.at, 0)
                counts[deed.at] = count + 1
                found[deed.key, key] = made(_EVENT, deed.at * IDS_PER_SECOND + IDS_PER_SECOND // 2 + count)
    return found


class _Teller:
    """Writes the deeds of one scene into a plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._series: dict[str, str] = {}
        self._emails = {person.key: person.email for person in PEOPLE.values()}

    @singledispatchmethod
    def tell(self, deed: Any) -> None:
        """Write one deed.

        Raises:
            ValueError: Salesforce has nothing for it.
        """
        raise ValueError(f"Salesforce has nothing for {deed!r}")

    @tell.register
    def _company(self, deed: Found) -> None:
        values: dict[str, Any] = {"Name": deed.name, "Website": f"https://{deed.domain}"}
        self._plan.create(deed.at, "Account", deed.key, **writer(deed.by), **values)

    @tell.register
    def _contact(self, deed: Meet) -> None:
        self._emails[deed.key] = deed.email
        values: dict[str, Any] = {
            "FirstName": deed.first,
            "LastName": deed.last,
            "Email": deed.email,
            "Title": deed.title,
        }
        self._plan.create(deed.at, "Contact", deed.key, **writer(deed.by), AccountId=deed.company, **values)

    @tell.register
    def _book(self, deed: Book) -> None:
        values: dict[str, Any] = {
            "Subject": deed.title,
            "WhoId": deed.contacts[0] if deed.contacts else None,
            "WhatId": deed.company,
            "OwnerId": deed.owner,
            "StartDateTime": deed.starts,
            "EndDateTime": deed.ends,
            "IsAllDayEvent": deed.all_day,
            "Meeting_Outcome__c": OUTCOMES["scheduled"],
            "Conference_Id__c": conference(deed.key),
        }
        if deed.series is not None:
            # The first of a series is its own parent.
            parent = self._series.setdefault(deed.series, deed.key)
            values |= {"RecurrenceActivityId": parent, "IsRecurrence2": True}
        guests = tuple(key for key in deed.invited if key != deed.owner)
        audit = {} if deed.dated is None else {"CreatedDate": deed.dated}
        by = writer(deed.by)
        self._plan.create(deed.at, "Event", deed.key, **by, audit=audit, invitees=(*guests, *deed.contacts), **values)
        if deed.owner in deed.invited:
            self._organizer(deed, by)

    def _organizer(self, deed: Book, by: dict[str, Any]) -> None:
        """Write who holds it: no invitation, and no copy, for it stands in his calendar itself."""
        key = f"{deed.key}/{deed.owner}"
        values: dict[str, Any] = {
            "EventId": deed.key,
            "RelationId": deed.owner,
            "IsOrganizer": True,
            "Status": "Accepted",
        }
        self._plan.create(deed.at, "EventRelation", key, **by, **values)

    @tell.register
    def _move(self, deed: Move) -> None:
        values: dict[str, Any] = {"StartDateTime": deed.starts, "EndDateTime": deed.ends}
        self._plan.update(deed.at, deed.meeting, **writer(deed.by), **values)

    @tell.register
    def _mark(self, deed: Mark) -> None:
        self._plan.update(deed.at, deed.meeting, **writer(deed.by), Meeting_Outcome__c=OUTCOMES[deed.outcome])

    @tell.register
    def _accept(self, deed: Accept) -> None:
        if deed.dated is not None:
            raise ValueError("a history cannot be dated back in Salesforce")
        self._plan.update(deed.at, deed.meeting, **writer(deed.by), Meeting_Accepted__c=deed.accepted)

    @tell.register
    def _retitle(self, deed: Retitle) -> None:
        self._plan.update(deed.at, deed.meeting, **writer(deed.by), Subject=deed.title)

    @tell.register
    def _delete(self, deed: DeleteMeeting) -> None:
        self._plan.delete(deed.at, deed.meeting, **writer(deed.by))

    @tell.register
    def _talk(self, deed: Talk) -> None:
        if deed.medium != "conference":
            raise ValueError("telephone calls in Salesforce belong to no event")
        by, end = writer(deed.by), None if deed.seconds is None else deed.started + deed.seconds
        values: dict[str, Any] = {
            "EventId": deed.meeting,
            "HostId": deed.host,
            "StartDateTime": deed.started,
            "EndDateTime": end,
        }
        self._plan.create(deed.at, "VideoCall", deed.key, **by, Name="Conference", VendorName="Zoom", **values)
        for guest in (*([deed.host] if deed.host else []), *deed.guests):
            self._plan.create(
                deed.at,
                "VideoCallParticipant",
                f"{deed.key}/{guest}",
                **by,
                VideoCallId=deed.key,
                RelatedPersonId=guest,
                Email=self._emails[guest],
                JoinDateTime=deed.started,
            )

    @tell.register
    def _deal(self, deed: OpenDeal) -> None:
        audit = {} if deed.dated is None else {"CreatedDate": deed.dated}
        values: dict[str, Any] = {
            "AccountId": deed.company,
            "ContactId": deed.contact,
            "OwnerId": deed.owner,
            "Name": "Nordwind",
        }
        values |= {"StageName": _STAGES["first"], "CloseDate": "2026-12-31"}
        self._plan.create(deed.at, "Opportunity", deed.key, **writer(deed.by), audit=audit, **values)

    @tell.register
    def _stage(self, deed: StageDeal) -> None:
        self._plan.update(deed.at, deed.deal, **writer(deed.by), StageName=_STAGES[deed.stage])

    @tell.register
    def _merge(self, deed: MergeCompanies) -> None:
        self._plan.merge(deed.at, deed.winner, deed.loser, **writer(deed.by))

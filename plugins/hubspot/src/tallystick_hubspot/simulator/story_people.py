"""The people and programs of the story as HubSpot knows them: owners in teams, applications, and who writes a value."""

from __future__ import annotations

from tallystick.testing.company.deeds import By
from tallystick.testing.company.people import APPS, PEOPLE, SHARED, START, VENDOR_APP, VENDOR_SEAT, Person
from tallystick_hubspot.simulator.deeds import Author, app, person, workflow
from tallystick_hubspot.simulator.plan import Owner, Team

__all__ = ["VENDOR", "author", "owner_id", "owners", "user_id"]

_FLOW = "55501"
_FIRST_USER = 9_000
_FIRST_OWNER = 30
_FIRST_TEAM = 900


def user_id(key: str) -> int:
    """Give the user id of a person, which histories name."""
    return PEOPLE[key].number


def owner_id(key: str) -> str:
    """Give the owner id of a person, which records name."""
    return str(PEOPLE[key].number - _FIRST_USER + _FIRST_OWNER)


VENDOR = (f"app:{APPS[VENDOR_APP].number}", str(user_id(VENDOR_SEAT)), str(user_id(SHARED)))
"""Who the vendor is in HubSpot: its application, its own seat, and the one it shares with a person."""


def author(by: By) -> Author:
    """Give who writes a value; nobody is a workflow, of which HubSpot does not tell who stands behind it."""
    user = None if by.person is None else user_id(by.person)
    if by.app is not None:
        one = APPS[by.app]
        return app(str(one.number), one.name, user=user)
    return workflow(_FLOW, "Accept meetings") if user is None else person(user)


def owners() -> tuple[Owner, ...]:
    """Give everybody as an owner; the team is the role, and HubSpot knows only the one of now."""
    roles = sorted({one.role for one in PEOPLE.values() if one.role})
    teams = {role: (Team(str(_FIRST_TEAM + place), role),) for place, role in enumerate(roles)}
    return tuple(_owner(one, teams.get(one.role, ())) for one in PEOPLE.values())


def _owner(one: Person, teams: tuple[Team, ...]) -> Owner:
    return Owner(
        owner_id(one.key),
        one.number,
        one.email,
        one.first,
        one.last,
        teams,
        created_at=START * 1_000,
        archived_at=None if one.left is None else one.left * 1_000,
    )

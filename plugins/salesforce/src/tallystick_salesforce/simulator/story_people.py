"""The people and programs of the story as Salesforce knows them: users with roles; every program signs in as one."""

from __future__ import annotations

from typing import Any

from tallystick.testing.company.deeds import By
from tallystick.testing.company.people import APPS, OFFICE, PEOPLE, SHARED, START, VENDOR_SEAT
from tallystick_salesforce.simulator.plan import Plan

__all__ = ["VENDOR", "add_people", "writer"]

VENDOR = (VENDOR_SEAT, SHARED)
"""Keys of the users who are the vendor: its own seat, and the one it shares with a person."""

_A_MINUTE = 60


def writer(by: By) -> dict[str, Any]:
    """Give who does a deed, as the methods of a plan take it.

    Raises:
        ValueError: Nobody does it, which Salesforce does not know.
    """
    if by.app is not None:
        one = APPS[by.app]
        return {"by": by.person or one.seat, "client": one.name}
    if by.person is None:
        raise ValueError("in Salesforce somebody always does it")
    return {"by": by.person}


def add_people(plan: Plan) -> None:
    """Write everybody into a plan: first of all the office, then roles that change and those who leave."""
    for one in sorted(PEOPLE.values(), key=lambda one: one.key != OFFICE):
        made = "" if one.key == OFFICE else OFFICE
        plan.user(one.key, START, one.first, one.last, role=one.role, by=made, Email=one.email)
    for one in PEOPLE.values():
        if one.became is not None:
            at, role = one.became
            key = plan.make_role(at - _A_MINUTE, role, by=OFFICE)
            plan.update(at, one.key, by=OFFICE, UserRoleId=key)
        if one.left is not None:
            plan.update(one.left, one.key, by=OFFICE, IsActive=False)

"""Who has to do with an event: everybody invited, with a copy for each user, and whom and what it is about."""

from __future__ import annotations

from tallystick_salesforce.simulator.plan import Deed
from tallystick_salesforce.simulator.tables import Tables
from tallystick_salesforce.simulator.values import Row

__all__ = ["copy_down", "invite", "relate"]

# What a copy has of its own; everything else it has from its parent.
_OWN = {"Id", "OwnerId", "IsChild", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById"}
_OWN |= {"SystemModstamp", "IsDeleted", "IsArchived", "ReminderDateTime", "IsReminderSet", "ShowAs"}


def invite(org: Tables, event: Row, deed: Deed) -> None:
    """Write the relations and copies of a new group event.

    Raises:
        ValueError: Somebody invited is unknown, or the object is no event.
    """
    if deed.object != "Event":
        raise ValueError("only events have invitees")
    event |= {"IsGroupEvent": True, "GroupEventType": "1"}
    by, at = event["CreatedById"], deed.at
    for key in deed.invitees:
        if key not in org.keys:
            raise ValueError(f"there is no {key} to invite")
        person = org.keys[key]
        relation = org.blank("EventRelation", org.new_id("EventRelation", at))
        relation |= {"EventId": event["Id"], "RelationId": person, "Status": "New", "IsInvitee": True}
        relation["IsParent"] = person == event["WhoId"]
        org.add("EventRelation", relation | _stamps(by, at), f"{deed.key}/{key}")
        if org.kind(person) == "User":
            copy = event | {"Id": org.new_id("Event", at), "OwnerId": person, "IsChild": True} | _stamps(by, at)
            org.add("Event", copy, f"{deed.key}/{key}/copy")
            org.belong(copy["Id"], event["Id"])


def relate(org: Tables, old: Row | None, event: Row, by: str, at: int) -> None:
    """Let the relations of an event follow whom and what it is about, where the org has shared activities."""
    if not org.plan.shared_activities or event["IsChild"]:
        return
    for way, flag in (("WhoId", "IsParent"), ("WhatId", "IsWhat")):
        before = None if old is None else old[way]
        if before != event[way]:
            _unrelate(org, event, before, flag, at)
            _relate(org, event, event[way], flag, _stamps(by, at))


def _relations(org: Tables, event: Row, related: str | None) -> list[Row]:
    """Give the living relations of an event to a record."""
    rows = (org.rows["EventRelation"].get(record) for record in org.belongings.get(event["Id"], ()))
    return [row for row in rows if row is not None and row["RelationId"] == related and not row["IsDeleted"]]


def _unrelate(org: Tables, event: Row, related: str | None, flag: str, at: int) -> None:
    for relation in _relations(org, event, related):
        relation |= {flag: False, "SystemModstamp": at}
        if not relation["IsInvitee"]:
            relation["IsDeleted"] = True
            org.deletions["EventRelation"].append((at, relation["Id"]))


def _relate(org: Tables, event: Row, related: str | None, flag: str, stamps: Row) -> None:
    for relation in _relations(org, event, related):
        relation |= {flag: True, "SystemModstamp": stamps["SystemModstamp"]}
        return
    if related is not None:
        relation = org.blank("EventRelation", org.new_id("EventRelation", stamps["SystemModstamp"]))
        relation |= {"EventId": event["Id"], "RelationId": related, "Status": "New", flag: True}
        org.add("EventRelation", relation | stamps)


def copy_down(org: Tables, old: Row, event: Row, by: str, at: int) -> None:
    """Let the copies follow a change of their parent."""
    changed = {name: value for name, value in event.items() if name not in _OWN and old[name] != value}
    if not changed or event["IsChild"]:
        return
    for record in org.belongings.get(event["Id"], ()):
        copy = org.find(record)
        if copy is not None and copy.get("IsChild"):
            copy |= changed | {"LastModifiedById": by, "LastModifiedDate": at, "SystemModstamp": at}


def _stamps(by: str, at: int) -> Row:
    dates = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), at)
    return {**dates, "CreatedById": by, "LastModifiedById": by}

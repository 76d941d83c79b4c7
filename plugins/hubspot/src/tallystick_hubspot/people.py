"""Owners, contacts and companies become records, and so do those of whom only a conversation tells; pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tallystick.records.model import Record, Value
from tallystick_hubspot.acts import merged_ids
from tallystick_hubspot.directory import Directory, FoundOwner, Owner, user_id
from tallystick_hubspot.objects import CompanyProperties, ContactProperties, at, lower
from tallystick_hubspot.sales import Around, domain
from tallystick_hubspot.search import Item
from tallystick_hubspot.who import created_through, role_of

__all__ = ["company_values", "contact_values", "merged_away", "owner_record", "stranger"]


def owner_record(found: FoundOwner, role: str) -> Record:
    """Give the record of an owner; one who left stays one, and is not active.

    HubSpot's plain list tells no role. Every user is an `agent`, or, where that is asked for, has the name of the
    team, if there is one.
    A user may be a bot's seat, which HubSpot does not tell: the contract says who is what.

    Args:
        found: The owner.
        role: `agent` or `team`.

    Raises:
        msgspec.ValidationError: It has no time.
    """
    owner = found.owner
    created = at(owner.created_at)
    stand = at(owner.updated_at) or created
    if stand is None:
        raise msgspec.ValidationError("an owner has no time")
    name = " ".join(part for part in (owner.first_name, owner.last_name) if part) or None
    team = _team(owner)
    shown = (team or "agent") if role == "team" else "agent"
    values: tuple[Value, ...] = (
        created,
        "unknown",
        name,
        lower(owner.email),
        shown,
        None if owner.archived is None else not owner.archived,
    )
    beside: dict[str, Value] = {"owner_id": str(owner.id), "role": shown, "team": team}
    return Record("actor", user_id(owner), stand, values, found.raw, False, beside)


def _team(owner: Owner) -> str | None:
    teams = [team.name for team in sorted(owner.teams or (), key=lambda team: team.primary is not True)]
    return next((name for name in teams if name), None)


def stranger(actor: str, when: int, raw: bytes) -> Record:
    """Give the record of one of whom only a conversation tells: a visitor, an address, a bot or an application.

    Args:
        actor: Its id in our records.
        when: When it was seen, microseconds UTC.
        raw: Its id as HubSpot sent it.
    """
    kind = "person" if actor[0] in "VE" else "application"
    mail = actor.removeprefix("E-") if actor.startswith("E-") else None
    return Record("actor", actor, when, (None, kind, None, mail, role_of(actor), None), raw)


def contact_values(item: Item, around: Around, directory: Directory) -> tuple[Value, ...]:
    """Give the columns of a contact; its company is the primary one, else the one with the lowest id."""
    found: ContactProperties = item.row.properties
    mail = lower(found.email)
    return (
        at(found.createdate) or at(item.row.created_at),
        at(found.lastmodifieddate) or at(item.row.updated_at),
        "contact",
        " ".join(part for part in (found.firstname, found.lastname) if part) or None,
        mail,
        domain(mail),
        found.jobtitle,
        found.associatedcompanyid or around.first("companies", item.id),
        directory.user(found.hubspot_owner_id),
        found.hs_created_by_user_id or None,
        created_through(found),
        found.lifecyclestage,
        None,
        None,
        None,
    )


def company_values(item: Item, directory: Directory) -> tuple[Value, ...]:
    """Give the columns of a company."""
    found: CompanyProperties = item.row.properties
    return (
        at(found.createdate) or at(item.row.created_at),
        at(found.hs_lastmodifieddate) or at(item.row.updated_at),
        found.name,
        lower(found.domain),
        directory.user(found.hubspot_owner_id),
        found.hs_created_by_user_id or None,
        created_through(found),
        found.lifecyclestage,
        None,
    )


def merged_away(item: Item, record: str, stand: int, width: int) -> Iterator[Record]:
    """Yield a record of each contact or company that was merged into one: it says which one remains, and no more.

    Of a deal that was merged away there is a tombstone.

    Args:
        item: The one that remains.
        record: The record type.
        stand: As of when it holds, microseconds UTC.
        width: Number of columns of the record type.
    """
    text = item.row.properties.hs_merged_object_ids
    for other in merged_ids(text):
        if other != item.id:
            # The last column of contacts and accounts is `merged_into`; deals have none.
            is_deal = record == "deal"
            values: tuple[Value, ...] = (*(None,) * (width - 1), None if is_deal else item.id)
            yield Record(record, other, stand, values, msgspec.json.encode(text), is_deal)

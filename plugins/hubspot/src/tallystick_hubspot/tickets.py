"""Tickets become records; pure."""

from __future__ import annotations

from collections.abc import Mapping

from tallystick.records.model import Value
from tallystick_hubspot.directory import Directory, Stages
from tallystick_hubspot.objects import TicketProperties, at, boolean
from tallystick_hubspot.sales import Around
from tallystick_hubspot.search import Item
from tallystick_hubspot.who import created_through

__all__ = ["ticket_values"]

_CHANNELS: Mapping[str, str] = {"CHAT": "chat", "EMAIL": "email", "FORM": "web", "PHONE": "voice"}


def ticket_values(
    item: Item, around: Around, directory: Directory, stages: Stages, *, deleted: bool = False
) -> tuple[Value, ...]:
    """Give the columns of a ticket.

    A ticket in a stage that closes it is solved: HubSpot lets every ticket be opened again. Who asks is the contact
    with the lowest id, named as a visitor of conversations is.

    Args:
        item: The ticket.
        around: What belongs to it.
        directory: Knows who an owner is.
        stages: What the stages mean.
        deleted: Whether it comes from the list of what was deleted.
    """
    found: TicketProperties = item.row.properties
    closed = stages.stage(found.hs_pipeline, found.hs_pipeline_stage).closed
    if closed is None:
        closed = boolean(found.hs_is_closed)
    contact = around.first("contacts", item.id)
    source = (found.source_type or "").strip().upper()
    return (
        at(found.createdate) or at(item.row.created_at),
        at(found.hs_lastmodifieddate) or at(item.row.updated_at),
        "deleted" if deleted else None if closed is None else "solved" if closed else "open",
        _CHANNELS.get(source, "other") if source else None,
        found.source_type or None,
        None if contact is None else f"V-{contact}",
        created_through(found) or found.hs_created_by_user_id or None,
        directory.user(found.hubspot_owner_id),
        None,
        around.first("companies", item.id),
        None,
        None,
        None,
        None,
        None,
        None,
    )

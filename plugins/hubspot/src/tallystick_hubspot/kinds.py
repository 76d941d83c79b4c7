"""The kinds of objects in HubSpot that are read: their properties, their stamp, and what belongs to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from tallystick_hubspot.objects import (
    CallProperties,
    CompanyProperties,
    ContactProperties,
    DealProperties,
    MeetingProperties,
    Properties,
    Row,
    TicketProperties,
)

__all__ = ["CALLS", "COMPANIES", "CONTACTS", "DEALS", "KINDS", "MEETINGS", "TICKETS", "Kind"]


@dataclass(frozen=True)
class Kind:
    """One kind of object.

    Attributes:
        name: HubSpot's name in paths.
        record: The record type it becomes.
        shape: The properties that are read.
        targets: Kinds whose associations fill its columns.
        history: Properties whose history is read unless the configuration says otherwise.
        columns: Our names of properties that are columns of the record.
        stamp: The property that says when it last changed.
        open: Says by filters that an object is still open: its associations are read again in every run.
        since: The property that says by time that an object is still open, where nothing else does.
        decode: Reads the JSON of an object.
        properties: Names of the properties that are read of every object.
        merges: Whether objects of this kind can be merged.
    """

    name: str
    record: str
    shape: type[Properties]
    targets: tuple[str, ...] = ()
    history: tuple[str, ...] = ()
    columns: dict[str, str] = field(default_factory=dict)
    stamp: str = "hs_lastmodifieddate"
    open: tuple[dict[str, str], ...] = ()
    since: str | None = None

    def __post_init__(self) -> None:
        row = msgspec.defstruct(
            f"{self.shape.__name__}Row", [("properties", self.shape)], bases=(Row,), kw_only=True, gc=False
        )
        names = tuple(found.encode_name for found in msgspec.structs.fields(self.shape))
        object.__setattr__(self, "decode", msgspec.json.Decoder(row).decode)
        object.__setattr__(self, "properties", names)
        object.__setattr__(self, "merges", "hs_merged_object_ids" in names)

    decode: Any = field(init=False, repr=False, compare=False)
    properties: tuple[str, ...] = field(init=False)
    merges: bool = field(init=False)


_OPEN = ({"propertyName": "hs_is_closed", "operator": "EQ", "value": "false"},)
_PEOPLE = ("contacts", "companies", "deals")

MEETINGS = Kind(
    "meetings",
    "meeting",
    MeetingProperties,
    _PEOPLE,
    ("hs_meeting_outcome", "hs_meeting_start_time", "hs_meeting_end_time", "hubspot_owner_id"),
    {
        "hs_meeting_outcome": "status",
        "hs_meeting_start_time": "starts_at",
        "hs_meeting_end_time": "ends_at",
        "hs_meeting_title": "title",
        "hubspot_owner_id": "owner_id",
    },
    since="hs_timestamp",
)
CALLS = Kind(
    "calls",
    "call",
    CallProperties,
    _PEOPLE,
    ("hs_call_duration", "hs_call_disposition", "hs_call_status"),
    {"hs_call_duration": "seconds", "hs_call_disposition": "status", "hubspot_owner_id": "owner_id"},
    since="hs_timestamp",
)
DEALS = Kind(
    "deals",
    "deal",
    DealProperties,
    ("contacts", "companies"),
    ("dealstage", "hubspot_owner_id"),
    {
        "dealname": "name",
        "pipeline": "pipeline",
        "dealstage": "stage",
        "amount": "amount",
        "hubspot_owner_id": "owner_id",
    },
    open=_OPEN,
)
CONTACTS = Kind(
    "contacts",
    "contact",
    ContactProperties,
    ("companies",),
    ("lifecyclestage", "hs_lead_status", "hubspot_owner_id"),
    {
        "email": "email",
        "jobtitle": "title",
        "associatedcompanyid": "account_id",
        "lifecyclestage": "status",
        "hubspot_owner_id": "owner_id",
    },
    stamp="lastmodifieddate",
)
COMPANIES = Kind(
    "companies",
    "account",
    CompanyProperties,
    (),
    (),
    {"name": "name", "domain": "domain", "lifecyclestage": "status", "hubspot_owner_id": "owner_id"},
)
TICKETS = Kind(
    "tickets",
    "ticket",
    TicketProperties,
    ("contacts", "companies"),
    ("hs_pipeline_stage", "hubspot_owner_id", "hs_merged_object_ids"),
    {"hubspot_owner_id": "assignee_id"},
    open=_OPEN,
)

KINDS = {kind.name: kind for kind in (COMPANIES, CONTACTS, DEALS, MEETINGS, CALLS, TICKETS)}
"""All kinds by name, in the order in which they are read."""

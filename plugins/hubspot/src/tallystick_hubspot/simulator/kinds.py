"""Kinds of objects: how they are called, and what HubSpot itself defines between them."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["KINDS", "TYPE_IDS", "Kind", "kind_named", "link_name"]


class Kind(NamedTuple):
    """One kind of object.

    Attributes:
        name: Plural, as in paths.
        singular: As in errors and older names.
        type_id: Number of the object type.
        scope: Scope that reading asks for.
        usual: Properties an answer has when none are asked for.
        created: Property with the instant of creation.
        stamp: Property that moves with each change of a property.
    """

    name: str
    singular: str
    type_id: str
    scope: str
    usual: tuple[str, ...]
    created: str = "createdate"
    stamp: str = "hs_lastmodifieddate"


_CONTACTS = "crm.objects.contacts.read"
_ACTIVITY = ("hs_createdate", "hs_lastmodifieddate", "hs_object_id")

KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "contacts",
            "contact",
            "0-1",
            _CONTACTS,
            ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
            stamp="lastmodifieddate",
        ),
        Kind(
            "companies",
            "company",
            "0-2",
            "crm.objects.companies.read",
            ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
        ),
        Kind(
            "deals",
            "deal",
            "0-3",
            "crm.objects.deals.read",
            (
                *("amount", "closedate", "createdate", "dealname", "dealstage", "hs_lastmodifieddate"),
                *("hs_object_id", "pipeline"),
            ),
        ),
        Kind(
            "tickets",
            "ticket",
            "0-5",
            "tickets",
            (
                *("content", "createdate", "hs_lastmodifieddate", "hs_object_id", "hs_pipeline", "hs_pipeline_stage"),
                *("hs_ticket_category", "hs_ticket_priority", "subject"),
            ),
        ),
        Kind("meetings", "meeting", "0-47", _CONTACTS, _ACTIVITY, created="hs_createdate"),
        Kind("calls", "call", "0-48", _CONTACTS, _ACTIVITY, created="hs_createdate"),
    )
}
"""Kinds by their names."""

_BY_ALIAS = {alias: kind for kind in KINDS.values() for alias in (kind.name, kind.singular, kind.type_id)}

TYPE_IDS = {
    ("contacts", "companies"): 279,
    ("companies", "contacts"): 280,
    ("deals", "contacts"): 3,
    ("contacts", "deals"): 4,
    ("deals", "companies"): 341,
    ("companies", "deals"): 342,
    ("tickets", "contacts"): 16,
    ("contacts", "tickets"): 15,
    ("tickets", "companies"): 339,
    ("companies", "tickets"): 340,
    ("tickets", "deals"): 28,
    ("deals", "tickets"): 27,
    ("meetings", "contacts"): 200,
    ("contacts", "meetings"): 199,
    ("meetings", "companies"): 188,
    ("companies", "meetings"): 187,
    ("meetings", "deals"): 212,
    ("deals", "meetings"): 211,
    ("meetings", "tickets"): 226,
    ("tickets", "meetings"): 225,
    ("calls", "contacts"): 194,
    ("contacts", "calls"): 193,
    ("calls", "companies"): 182,
    ("companies", "calls"): 181,
    ("calls", "deals"): 206,
    ("deals", "calls"): 205,
    ("calls", "tickets"): 220,
    ("tickets", "calls"): 219,
}
"""Numbers of the associations without a label, by the kinds at both ends; calls and meetings have none between them."""


def kind_named(name: str) -> Kind | None:
    """Give the kind that a path names: plural, singular, or by the number of the object type."""
    return _BY_ALIAS.get(name.lower())


def link_name(source: str, target: str) -> str:
    """Give what the answers for objects call an association, like `ticket_to_contact`."""
    words = [KINDS[name].singular for name in (source, target)]
    return "_to_".join("meeting_event" if word == "meeting" else word for word in words)

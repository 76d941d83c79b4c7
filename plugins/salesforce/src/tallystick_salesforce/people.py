"""Leads, contacts, accounts, users and queues become records; pure.

Whoever may write to the buyer is an `actor` as well, with the role `end-user`, so that what he does on a case is known
to be a customer's. A record that was merged into another one stays, and says into which; one that was deleted is gone.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from tallystick.records.model import Record, Value
from tallystick_salesforce.objects import AccountRow, ContactRow, GroupRow, LeadRow, UserRow, micros
from tallystick_salesforce.sales import domain, lower

__all__ = ["account", "contact", "group", "lead", "user"]

_KINDS = {"AutomatedProcess": "rule", "CloudIntegrationUser": "application"}
_CUSTOMERS = frozenset({"CSPLitePortal", "CspLitePortal", "CustomerSuccess", "PowerCustomerSuccess", "Guest"})

Custom = dict[str, Value] | None


def contact(row: ContactRow, raw: bytes, custom: Custom) -> list[Record]:
    """Give the records of a contact: the person, and who acts."""
    email, changed = lower(row.email), micros(row.system_modstamp) or 0
    master = row.master_record_id
    values: tuple[Value, ...] = (
        micros(row.created_date),
        changed,
        "contact",
        row.name,
        email,
        domain(email),
        row.title,
        row.account_id,
        row.owner_id,
        row.created_by_id,
        None,
        None,
        None,
        None,
        master,
    )
    gone = row.is_deleted and master is None
    return [
        Record("contact", row.id, changed, values, raw, gone, custom),
        _customer(row, raw),
    ]


def lead(row: LeadRow, raw: bytes, custom: Custom) -> list[Record]:
    """Give the records of a lead: the person, and who acts."""
    email, changed = lower(row.email), micros(row.system_modstamp) or 0
    master = row.master_record_id
    values: tuple[Value, ...] = (
        micros(row.created_date),
        changed,
        "lead",
        row.name,
        email,
        domain(email),
        row.title,
        row.converted_account_id,
        row.owner_id,
        row.created_by_id,
        None,
        row.status,
        row.converted_opportunity_id,
        row.converted_contact_id,
        master,
    )
    gone = row.is_deleted and master is None
    return [
        Record("contact", row.id, changed, values, raw, gone, custom),
        _customer(row, raw),
    ]


def account(row: AccountRow, raw: bytes, custom: Custom) -> Record:
    """Give the record of an account; its domain is that of its website."""
    changed, master = micros(row.system_modstamp) or 0, row.master_record_id
    values: tuple[Value, ...] = (
        micros(row.created_date),
        changed,
        row.name,
        _host(row.website),
        row.owner_id,
        row.created_by_id,
        None,
        row.type,
        master,
    )
    return Record("account", row.id, changed, values, raw, row.is_deleted and master is None, custom)


def user(row: UserRow, raw: bytes, as_of: int) -> Record:
    """Give the record of a user as of a time: role and profile are those of now, and Salesforce keeps no older ones.

    Who is a bot, or the vendor's, is an ordinary user to Salesforce: the contract says who.
    """
    profile = row.profile.name if row.profile is not None else None
    role = row.user_role.name if row.user_role is not None else None
    kind = _KINDS.get(row.user_type or "", "unknown")
    if row.user_type in _CUSTOMERS:
        kind, role = "person", "end-user"
    values: tuple[Value, ...] = (
        micros(row.created_date),
        kind,
        row.name,
        lower(row.email),
        role or profile or row.user_type,
        row.is_active,
    )
    return Record("actor", row.id, as_of, values, raw, False, {"profile": profile, "user_type": row.user_type})


def group(row: GroupRow, raw: bytes, as_of: int) -> Record:
    """Give the record of a group or queue as of a time; its role is what kind of group it is."""
    values = (micros(row.created_date), "unknown", row.name, lower(row.email), lower(row.type), None)
    return Record("actor", row.id, as_of, values, raw)


def _customer(row: ContactRow | LeadRow, raw: bytes) -> Record:
    values = (micros(row.created_date), "person", row.name, lower(row.email), "end-user", not row.is_deleted)
    return Record("actor", row.id, micros(row.system_modstamp) or 0, values, raw)


def _host(website: str | None) -> str | None:
    if not website or not website.strip():
        return None
    text = website.strip().lower()
    try:
        host = urlsplit(text if "://" in text else f"//{text}").hostname
    except ValueError:
        return None
    return (host or "").removeprefix("www.") or None

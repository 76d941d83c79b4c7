"""Field histories become changes, and the rows of an opportunity's history the changes between them; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from tallystick.records.model import Record, Value
from tallystick_salesforce.objects import ActivityChangeRow, CaseTrailRow, HistoryRow, StageRow, micros
from tallystick_salesforce.soql import is_id

__all__ = ["COLUMNS", "Activities", "Histories", "as_json", "change", "stage_changes", "trail_changes"]

COLUMNS: dict[str, dict[str, str]] = {
    "meeting": {
        "OwnerId": "owner_id",
        "StartDateTime": "starts_at",
        "EndDateTime": "ends_at",
        "Subject": "title",
        "AccountId": "account_id",
        "WhoId": "contact_id",
        "WhatId": "deal_id",
    },
    "call": {"OwnerId": "owner_id", "CallDurationInSeconds": "seconds"},
    "deal": {
        "StageName": "stage",
        "Amount": "amount",
        "Owner": "owner_id",
        "Account": "account_id",
        "Name": "name",
        "LeadSource": "lead_source",
    },
    "contact": {
        "Status": "status",
        "Owner": "owner_id",
        "Email": "email",
        "Title": "title",
        "Name": "name",
        "Account": "account_id",
    },
    "account": {"Owner": "owner_id", "Type": "status", "Name": "name", "Website": "domain"},
    "ticket": {
        "Status": "status",
        "Owner": "assignee_id",
        "Contact": "requester_id",
        "Account": "organization_id",
        "Parent": "follow_up_of",
    },
}
"""Our columns by the names histories use, for each record type."""

_LOOKUPS = frozenset({"Owner", "Account", "Contact", "Parent", "ownerAssignment", "ownerAccepted", "ownerEscalated"})
_EVENTS = frozenset({"created", "closed", "external", "locked", "unlocked", "leadConverted", "leadMerged"})


@dataclass(frozen=True, slots=True)
class Histories:
    """Makes records of a field history.

    Attributes:
        kind: Gives the record type of the object with an id; None for one that becomes no record.
        fields: Our names of fields, by the record type and the name in Salesforce.
        told: Fields that another stream tells of, as Salesforce calls them.
    """

    kind: Callable[[str], str | None]
    fields: Mapping[str, Mapping[str, str]]
    told: frozenset[str] = frozenset()

    def record(self, row: HistoryRow, raw: bytes) -> Record | None:
        """Give the change of a row; None for one that is told of elsewhere.

        Of a lookup there are two rows, one with ids and one with names: the ids are the column, the names stand under
        Salesforce's own name.
        """
        kind, said = self.kind(row.parent), row.field
        if kind is None or said in self.told:
            return None
        name = None if said in _EVENTS or said is None else self.fields.get(kind, {}).get(said, said)
        if said in _LOOKUPS and not (_leads(row.old_value) and _leads(row.new_value)):
            name = said
        old: str | None = _text(row.old_value)
        new: str | None = _text(row.new_value)
        if old == new == "null":
            old = new = None  # of a long text Salesforce says only that it changed
        what = (said or "", name, old, new)
        return change((row.id, micros(row.created_date) or 0), (kind, row.parent), what, row.created_by_id, raw)


@dataclass(frozen=True, slots=True)
class Activities:
    """Makes records of the history of events and tasks, whose values stand in fields by their kind.

    Attributes:
        fields: Our names of fields, by the record type and the name in Salesforce.
        statuses: Our word for how a meeting went, by the value in its field, in small letters: as in the record itself.
    """

    fields: Mapping[str, Mapping[str, str]]
    statuses: Mapping[str, str]

    def record(self, row: ActivityChangeRow, raw: bytes) -> Record | None:
        """Give the change of a row; None for one of neither an event nor a task."""
        kind, said = {"00U": "meeting", "00T": "call"}.get(row.activity_id[:3]), row.field_name
        if kind is None:
            return None
        name = None if said is None else self.fields.get(kind, {}).get(said, said)
        old: str | None = None
        new: str | None = None
        if row.is_data_available is not False:
            old = _stored(row.data_type, row.old_value_text, row.old_value_number, row.old_value_date_time)
            new = _stored(row.data_type, row.new_value_text, row.new_value_number, row.new_value_date_time)
        if kind == "meeting" and name == "status":
            old, new = self._word(old), self._word(new)
        what = (row.operation or said or "", name, old, new)
        return change((row.id, micros(row.changed_date) or 0), (kind, row.activity_id), what, row.changed_by_id, raw)

    def _word(self, value: str | None) -> str | None:
        """Give a status in our words; one that the configuration does not name is none, as it is in the record."""
        said = None if value is None else msgspec.json.decode(value)
        return None if value is None else as_json(self.statuses.get(str(said).strip().lower()))


def change(
    key: tuple[str, int],
    about: tuple[str, str],
    what: tuple[str, str | None, str | None, str | None],
    actor: str | None,
    raw: bytes,
) -> Record:
    """Give the record of a change.

    Args:
        key: Its id, and when it was (microseconds UTC).
        about: Record type and id of the object.
        what: The event, the field, and its value before and after as JSON.
        actor: Who did it.
        raw: The row that tells of it.
    """
    values: tuple[Value, ...] = (key[1], *about, *what, actor, None, None)
    return Record("change", *key, values, raw)


def stage_changes(
    rows: Iterable[StageRow], raws: Iterable[bytes], before: MutableMapping[str, tuple[str | None, Decimal | None]]
) -> list[Record]:
    """Give the changes of stage and amount between the rows of opportunities' histories.

    Salesforce writes a row whenever stage, amount, probability or close date change: what did change is told only by
    the row before.

    Args:
        rows: In the order of time.
        raws: Their bytes.
        before: Stage and amount of the row before, by opportunity; moved on here. What has no row before was created.
    """
    found: list[Record] = []
    for row, raw in zip(rows, raws, strict=True):
        deal, at = row.opportunity_id, micros(row.created_date) or 0
        created = deal not in before
        stage, amount = before.get(deal, (None, None))
        before[deal] = (row.stage_name, row.amount)
        event = "created" if created else "changed"
        for suffix, old, new in (("stage", stage, row.stage_name), ("amount", amount, row.amount)):
            if created or old != new:
                what = (event, suffix, None if created else as_json(old), as_json(new))
                found.append(change((f"{row.id}.{suffix}", at), ("deal", deal), what, row.created_by_id, raw))
    return found


def trail_changes(
    rows: Iterable[CaseTrailRow], raws: Iterable[bytes], before: MutableMapping[str, tuple[str | None, str | None]]
) -> list[tuple[Record, CaseTrailRow, str, str | None]]:
    """Give the changes of status and owner between the rows of cases' trails, each with its row, field and old value.

    Args:
        rows: In the order of time.
        raws: Their bytes.
        before: Status and owner of the row before, by case; moved on here. What has no row before was created.
    """
    found = []
    for row, raw in zip(rows, raws, strict=True):
        case, at = row.case_id, micros(row.last_modified_date or row.system_modstamp) or 0
        created = case not in before
        status, owner = before.get(case, (None, None))
        before[case] = (row.status, row.owner_id)
        for field, old, new in (("status", status, row.status), ("assignee_id", owner, row.owner_id)):
            if not created and old != new:
                what = ("changed", field, as_json(old), as_json(new))
                made = change((f"{row.id}.{field}", at), ("ticket", case), what, row.last_modified_by_id, raw)
                found.append((made, row, field, old))
    return found


def as_json(value: str | Decimal | None) -> str:
    """Give a value as JSON; a decimal as the number it is, without an exponent."""
    return f"{value:f}" if isinstance(value, Decimal) else msgspec.json.encode(value).decode()


def _stored(kind: str | None, text: str | None, number: msgspec.Raw, moment: str | None) -> str:
    """Give the JSON of a value that stands in one of three fields; a truth value is stored as text."""
    if kind == "Boolean" and text in {"true", "false"}:
        return text
    if text is not None or moment is not None:
        return as_json(text if text is not None else moment)
    return _text(number)


def _text(value: msgspec.Raw) -> str:
    """Give a value's JSON as delivered."""
    return bytes(value).decode()


def _leads(value: msgspec.Raw) -> bool:
    """Tell whether a value is an id, or none."""
    text = bytes(value).decode()
    return text == "null" or is_id(text.strip('"'))

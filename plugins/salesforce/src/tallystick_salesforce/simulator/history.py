"""Field history: rows for the changes of tracked fields, and the two trails that are always on."""

from __future__ import annotations

from typing import NamedTuple

from tallystick_salesforce.simulator.shapes import Field
from tallystick_salesforce.simulator.tables import Tables
from tallystick_salesforce.simulator.values import NUMBERS, AnyValue, Row

__all__ = ["ACTIVITIES", "ALL_HISTORIES", "HISTORIES", "MOST", "Writer", "created", "record_changes", "trail"]

HISTORIES = {
    "Account": ("AccountHistory", "AccountId"),
    "Case": ("CaseHistory", "CaseId"),
    "Contact": ("ContactHistory", "ContactId"),
    "Lead": ("LeadHistory", "LeadId"),
    "Opportunity": ("OpportunityFieldHistory", "OpportunityId"),
}
"""The history of an object and its field for the parent."""

ACTIVITIES = {"Event", "Task"}
"""Objects whose changes go to `ActivityFieldHistory`."""

ALL_HISTORIES = {name for name, _ in HISTORIES.values()} | {
    "ActivityFieldHistory",
    "CaseHistory2",
    "OpportunityHistory",
}
"""All objects that hold what others were."""

MOST = 20
"""Fields of an object that may be tracked."""

_DATA_TYPES = {
    "boolean": "Boolean",
    "combobox": "Text",
    "currency": "Currency",
    "date": "DateOnly",
    "datetime": "DateTime",
    "double": "Double",
    "email": "Email",
    "int": "Double",
    "percent": "Percent",
    "phone": "Phone",
    "picklist": "DynamicEnum",
    "reference": "EntityId",
    "string": "Text",
    "textarea": "TextArea",
    "url": "Url",
}
_DEAL_FIELDS = ("StageName", "Amount", "Probability", "CloseDate", "ExpectedRevenue", "ForecastCategory")


class Writer(NamedTuple):
    """Who changes something, by the id of the user, and when, in Unix seconds."""

    by: str
    at: int


def created(org: Tables, name: str, row: Row, writer: Writer) -> None:
    """Write what a history says of a new record: only that it was made, and only if any field is tracked."""
    if name in HISTORIES and org.plan.tracked.get(name):
        _write(org, name, row, writer, "created")


def record_changes(org: Tables, name: str, old: Row, new: Row, writer: Writer) -> None:
    """Write the rows for the tracked fields that differ."""
    tracked = org.plan.tracked.get(name, set())
    for field in org.shapes[name].fields.values():
        if field.name not in tracked or old[field.name] == new[field.name]:
            continue
        before, after = old[field.name], new[field.name]
        if name in ACTIVITIES:
            _write_activity(org, new, writer, field, values=(before, after))
        elif field.long_text:
            _write(org, name, new, writer, field.name, kind=_DATA_TYPES["textarea"])
        elif field.type == "reference":
            label = field.name if field.custom else field.name.removesuffix("Id")
            titles = (org.title(before), org.title(after))
            names = (_any("string", title) for title in titles)
            _write(org, name, new, writer, label, kind="Text", values=(*names,))
            ids = (_any("string", before), _any("string", after))
            _write(org, name, new, writer, label, kind="EntityId", values=ids)
        else:
            values = (_any(field.type, before), _any(field.type, after))
            _write(org, name, new, writer, field.name, kind=_DATA_TYPES.get(field.type, "Text"), values=values)
    if name == "Lead" and new["IsConverted"] and not old["IsConverted"] and tracked:
        _write(org, name, new, writer, "leadConverted")


def trail(org: Tables, name: str, old: Row | None, new: Row, writer: Writer) -> None:
    """Write the trails that need no tracking: `OpportunityHistory` and `CaseHistory2`."""
    if name == "Opportunity":
        _deal(org, old, new, writer)
    elif name == "Case" and (old is None or (old["Status"], old["OwnerId"]) != (new["Status"], new["OwnerId"])):
        row = org.blank("CaseHistory2", org.new_id("CaseHistory2", writer.at))
        row |= {name: new[name] for name in ("Status", "OwnerId")}
        row |= {"CaseId": new["Id"], "LastModifiedById": writer.by}
        row |= dict.fromkeys(("LastModifiedDate", "SystemModstamp"), writer.at)
        row["PreviousUpdate"] = None if old is None else old["LastModifiedDate"]
        org.add("CaseHistory2", row)


def _deal(org: Tables, old: Row | None, new: Row, writer: Writer) -> None:
    if old is not None and all(old[name] == new[name] for name in _DEAL_FIELDS):
        return
    row = org.blank("OpportunityHistory", org.new_id("OpportunityHistory", writer.at))
    row |= {name: new[name] for name in _DEAL_FIELDS}
    if "CurrencyIsoCode" in row:
        row["CurrencyIsoCode"] = new["CurrencyIsoCode"]
    row |= {"OpportunityId": new["Id"], "CreatedById": writer.by, "CreatedDate": writer.at}
    row["SystemModstamp"] = writer.at
    if old is not None:
        row |= {"PrevAmount": old["Amount"], "PrevCloseDate": old["CloseDate"]}
    org.add("OpportunityHistory", row)
    for field in ("Amount", "CloseDate"):
        if old is not None and old[field] != new[field]:
            new[f"Last{field}ChangedHistoryId"] = row["Id"]


def _write(
    org: Tables,
    name: str,
    parent: Row,
    writer: Writer,
    field: str,
    *,
    kind: str | None = None,
    values: tuple[AnyValue | None, ...] = (None, None),
) -> None:
    history, way = HISTORIES[name]
    row = org.blank(history, org.new_id(history, writer.at))
    row |= {way: parent["Id"], "CreatedById": writer.by, "CreatedDate": writer.at, "Field": field, "DataType": kind}
    org.add(history, row | {"OldValue": values[0], "NewValue": values[1]})


def _write_activity(org: Tables, parent: Row, writer: Writer, field: Field, *, values: tuple[object, object]) -> None:
    name = "ActivityFieldHistory"
    row = org.blank(name, org.new_id(name, writer.at))
    row |= {"ActivityId": parent["Id"], "FieldName": field.name, "DataType": _DATA_TYPES.get(field.type, "Text")}
    row |= dict.fromkeys(("ChangedById", "CreatedById", "LastModifiedById"), writer.by) | {"Operation": "Update"}
    row |= dict.fromkeys(("ChangedDate", "CreatedDate", "LastModifiedDate", "SystemModstamp"), writer.at)
    row["IsDataAvailable"] = not field.long_text
    if not field.long_text:
        kind = "DateTime" if field.type == "datetime" else "Number" if field.type in NUMBERS else "Text"
        for side, value in zip(("Old", "New"), values, strict=True):
            row[f"{side}Value{kind}"] = value if kind != "Text" or value is None else _plain(value)
    org.add(name, row)


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _any(kind: str, value: object) -> AnyValue | None:
    return None if value is None else AnyValue(kind, value)

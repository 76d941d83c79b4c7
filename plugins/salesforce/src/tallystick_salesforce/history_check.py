"""What `tallystick check` says about histories: what is tracked, how far back they go, which events are missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from itertools import islice
from typing import NamedTuple

import msgspec

from tallystick.connectors import CheckRow, Response
from tallystick.errors import Error
from tallystick_salesforce.client import clock
from tallystick_salesforce.describe import Described
from tallystick_salesforce.objects import Row
from tallystick_salesforce.org import Org, read_rows
from tallystick_salesforce.soql import Instant, literal, select

__all__ = ["activity_rows", "reach_rows", "tracking_rows"]

_DAY = 86_400_000_000
_SAMPLE = 200
_PAGE = 2_000
_FEW = 0.1


class _History(NamedTuple):
    """A history: whose fields it tells of, which of them decide something, and what is lost without one."""

    entity: str
    of: str
    kind: str
    deciding: tuple[str, ...]
    loss: str
    field: str = "Field"
    dated: str = "CreatedDate"


_HISTORIES = (
    _History("OpportunityFieldHistory", "Opportunity", "deal", ("OwnerId",), "acceptance on deals"),
    _History("LeadHistory", "Lead", "contact", ("Status", "OwnerId"), "acceptance on leads"),
    _History("ContactHistory", "Contact", "contact", (), "acceptance on contacts"),
    _History("AccountHistory", "Account", "account", (), "acceptance on accounts"),
    _History("ActivityFieldHistory", "Event", "meeting", (), "acceptance on events", "FieldName", "ChangedDate"),
    _History("CaseHistory", "Case", "ticket", ("Status", "OwnerId"), "who solved or was given a case"),
)
_DATED = (
    ("Event", "StartDateTime"),
    ("OpportunityHistory", "CreatedDate"),
    *((history.entity, history.dated) for history in _HISTORIES),
)


class _Tracked(msgspec.Struct, rename="pascal"):
    qualified_api_name: str
    is_field_history_tracked: bool | None = None


class _TrackedPage(msgspec.Struct):
    records: list[_Tracked]


class _Told(Row):
    field: str | None = None
    field_name: str | None = None


class _Dated(Row):
    created_date: datetime | None = None
    changed_date: datetime | None = None
    start_date_time: datetime | None = None


class _Made(Row):
    created_by_id: str | None = None


class _Total(msgspec.Struct):
    totalSize: int  # noqa: N815 - Salesforce's name


def tracking_rows(org: Org, found: Mapping[str, Described]) -> Iterator[CheckRow]:
    """Yield whether the history of each deciding field is on, and what is lost where it is not.

    Args:
        org: The org.
        found: Objects the reader sees.
    """
    stage = "OpportunityHistory" in found
    yield CheckRow(
        "opportunity stage history",
        "ok" if stage else "warning",
        f"readable: {'yes' if stage else 'no; acceptance by stage cannot be attributed'}",
    )
    for history in _HISTORIES:
        if not org.reads(history.of):
            continue
        name = f"{history.of.lower()} field history"
        if history.entity not in found:
            detail = f"off; {history.loss} cannot be attributed"
            yield CheckRow(
                name, "warning", detail, f"Turn field history on for {history.of}, and let the reader see it."
            )
            continue
        yield from _tracked_rows(org, history, name)


def _tracked_rows(org: Org, history: _History, name: str) -> Iterator[CheckRow]:
    declared = {field.path for field in org.settings.custom.get(history.kind, {}).values() if "." not in field.path}
    fields = sorted({*history.deciding, *declared})
    if not fields:
        yield CheckRow(name, "ok", "readable: yes")
        return
    tracked = _tracked(org, history)
    for field in fields:
        if field in tracked:
            state = tracked[field]
        elif field in declared and not org.describer.describe(history.of).has(field):
            continue  # it is another object's, of which the same record type is made
        else:
            state = None
        yield _tracked_row(f"history of {history.of}.{field}", state, history)


def _tracked_row(name: str, state: bool | None, history: _History) -> CheckRow:  # noqa: FBT001 - on, off, not known
    if state:
        return CheckRow(name, "ok", "on")
    if state is None:
        return CheckRow(
            name,
            "warning",
            f"cannot be told, and no recent row tells of it; if it is off, {history.loss} cannot be attributed",
            f"See in Setup whether field history of {history.of} tracks it.",
        )
    return CheckRow(
        name, "warning", f"off; {history.loss} by it cannot be attributed", f"Track it in the history of {history.of}."
    )


def _tracked(org: Org, history: _History) -> dict[str, bool]:
    """Give which fields are tracked: as the org says it, else those of which the newest rows tell."""
    where = [f"EntityDefinition.QualifiedApiName = {literal(history.of)}"]
    soql = select("FieldDefinition", ("QualifiedApiName", "IsFieldHistoryTracked"), where=where)
    try:
        page = org.api.query(soql, lambda answer: msgspec.json.decode(answer.body, type=_TrackedPage), deleted=False)
    except Error:
        return _recent(org, history)
    return {
        row.qualified_api_name: row.is_field_history_tracked
        for row in page.records
        if row.is_field_history_tracked is not None
    }


def _recent(org: Org, history: _History) -> dict[str, bool]:
    soql = f"SELECT Id,{history.field} FROM {history.entity} ORDER BY {history.dated} DESC LIMIT {_SAMPLE}"
    try:
        rows = list(read_rows(org.api, soql, _Told))
    except Error:
        return {}
    told = {name for row in rows if (name := row.field or row.field_name)}
    return {"OwnerId" if field == "Owner" else field: True for field in told}


def reach_rows(org: Org, found: Mapping[str, Described], start: date) -> Iterator[CheckRow]:
    """Yield how far back events and histories go.

    Args:
        org: The org.
        found: Objects the reader sees.
        start: How far back the first load is to go.
    """
    for entity, field in _DATED:
        if entity not in found or not found[entity].has(field):
            continue
        soql = select(entity, ("Id", field), where=[f"{field} != null"], order=(field,), limit=1)
        try:
            row = next(iter(read_rows(org.api, soql, _Dated, deleted=True)), None)
        except Error as error:
            yield CheckRow(f"reach of {entity}", "warning", f"cannot be told: {error.message}", error.hint)
            continue
        moment = None if row is None else row.start_date_time or row.changed_date or row.created_date
        if moment is None:
            yield CheckRow(f"reach of {entity}", "warning", "has no row at all", "Check that the reader may see them.")
        elif moment.date() > start:
            yield CheckRow(
                f"reach of {entity}",
                "warning",
                f"back to {moment:%Y-%m-%d} only, and start is {start}; nothing is known of the time before",
                "If the org is older than that, move `start` there, or let no contract decide about what was before.",
            )
        else:
            yield CheckRow(f"reach of {entity}", "ok", f"back to {moment:%Y-%m-%d}")


def activity_rows(org: Org, found: Mapping[str, Described], now: int) -> Iterator[CheckRow]:
    """Yield how many events the last thirty days have, and of how many users the newest of them are.

    Einstein Activity Capture of older orgs keeps events where no query sees them: then few users have any.

    Args:
        org: The org.
        found: Objects the reader sees.
        now: Salesforce's clock, microseconds UTC.
    """
    if "Event" not in found:
        return
    since = literal(Instant(now - 30 * _DAY))
    newest = select("Event", ("Id", "CreatedById"), where=[f"CreatedDate >= {since}"], order=("CreatedDate",))
    try:
        events = org.api.query(f"SELECT COUNT() FROM Event WHERE CreatedDate >= {since}", _total)
        rows = islice(read_rows(org.api, f"{newest} DESC LIMIT {_PAGE}", _Made), _PAGE)
        makers = {row.created_by_id for row in rows}
        users = org.api.query(
            "SELECT COUNT() FROM User WHERE IsActive = true AND UserType = 'Standard'", _total, deleted=False
        )
    except Error as error:
        yield CheckRow("events of 30 days", "warning", f"cannot be told: {error.message}", error.hint)
        return
    detail = f"{events} events by {len(makers)} of {users} active users; an admin should count as many"
    if len(makers) < _FEW * users:
        yield CheckRow(
            "events of 30 days",
            "warning",
            f"{detail}; Einstein Activity Capture may keep events where they cannot be read",
            "See in Setup whether captured activities are stored as records.",
        )
    else:
        yield CheckRow("events of 30 days", "ok", detail)


def _total(response: Response) -> int:
    clock(response)
    return msgspec.json.decode(response.body, type=_Total).totalSize

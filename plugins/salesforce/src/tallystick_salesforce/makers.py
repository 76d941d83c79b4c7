"""What makes records of the rows of each object: what a page alone cannot tell is asked for here, once per page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from tallystick.records.model import Record, Value
from tallystick_salesforce import objects, sales, tickets
from tallystick_salesforce.changes import COLUMNS, Activities, Histories, stage_changes, trail_changes
from tallystick_salesforce.copies import parents_of
from tallystick_salesforce.fields import column_names
from tallystick_salesforce.objects import HistoryRow, micros
from tallystick_salesforce.org import Org, read_pages, read_rows
from tallystick_salesforce.soql import Instant, literal, one_of

__all__ = [
    "Customs",
    "Make",
    "Prepare",
    "activities",
    "case_histories",
    "cases",
    "deals",
    "each",
    "entries",
    "every",
    "histories",
    "meetings",
    "plain",
    "sessions",
    "some",
    "stages",
    "trails",
]

Customs: TypeAlias = Iterable[dict[str, Value] | None]
Make: TypeAlias = Callable[[Sequence[Any], Sequence[bytes], Customs], list[Record]]
"""Makes records of the rows of one page, their bytes, and their declared fields."""

Prepare: TypeAlias = Callable[[Org], Make]
"""Gives what makes records, for one read of one slice."""


def each(make: Callable[[Any, bytes, Any], Record]) -> Prepare:
    """Give what makes one record of each row."""
    return lambda _: lambda rows, raws, customs: list(map(make, rows, raws, customs))


def some(make: Callable[[Any, bytes, Any], Record | None]) -> Prepare:
    """Give what makes at most one record of each row."""
    return lambda _: (
        lambda rows, raws, customs: [record for record in map(make, rows, raws, customs) if record is not None]
    )


def every(make: Callable[[Any, bytes, Any], list[Record]]) -> Prepare:
    """Give what makes several records of each row."""
    return lambda _: (
        lambda rows, raws, customs: [record for found in map(make, rows, raws, customs) for record in found]
    )


def plain(make: Callable[[Any, bytes], Any]) -> Callable[[Any, bytes, Any], Any]:
    """Give a function of a row as one that takes declared fields too."""
    return lambda row, raw, _: make(row, raw)


def meetings(org: Org) -> Make:
    """Make meetings of events; of whose event an invited user's copy is one is asked for."""
    record = sales.Meetings(org.settings.meeting_statuses).record

    def make(rows: Sequence[objects.EventRow], raws: Sequence[bytes], customs: Customs) -> list[Record]:
        copies = [row for row in rows if row.is_child]
        if not copies:
            return list(map(record, rows, raws, customs))
        parents = parents_of(org, copies)
        return list(map(record, rows, raws, customs, [parents.get(row.id) for row in rows]))

    return make


def deals(org: Org) -> Make:
    """Make deals of opportunities."""
    make = partial(sales.deal, currency=org.currency)
    return lambda rows, raws, customs: [make(*found) for found in zip(rows, raws, customs, strict=False)]


def cases(org: Org) -> Make:
    """Make tickets and acts of cases."""
    make = tickets.Tickets(statuses=org.settings.case_statuses).records
    return lambda rows, raws, customs: [record for found in map(make, rows, raws, customs) for record in found]


def stages(org: Org) -> Make:
    """Make changes of the histories of opportunities; what stood before a page is asked for."""
    before: dict[str, Any] = {}

    def make(rows: Sequence[objects.StageRow], raws: Sequence[bytes], _: Customs) -> list[Record]:
        keys = {row.opportunity_id for row in rows} - before.keys()
        for row in _earlier(org, _STAGES, keys, rows):
            before[row.opportunity_id] = (row.stage_name, row.amount)
        return stage_changes(rows, raws, before)

    return make


def trails(org: Org) -> Make:
    """Make changes of the trails of cases, and acts where no field history tells them."""
    before: dict[str, Any] = {}
    acts = None if org.reads("CaseHistory") else tickets.Tickets(closed=org.closed_statuses)

    def make(rows: Sequence[objects.CaseTrailRow], raws: Sequence[bytes], _: Customs) -> list[Record]:
        keys = {row.case_id for row in rows} - before.keys()
        for row in _earlier(org, _TRAIL, keys, rows):
            before[row.case_id] = (row.status, row.owner_id)
        found: list[Record] = []
        for record, row, field, old in trail_changes(rows, raws, before):
            found.append(record)
            if acts is not None:
                key, actor = (row.id, record.as_of), row.last_modified_by_id
                if field == "status":
                    found.append(acts.turn(key, row.case_id, actor, (old, row.status), record.raw))
                elif (act := tickets.owned(key, row.case_id, actor, (old, row.owner_id), record.raw)) is not None:
                    found.append(act)
        return found

    return make


class _Chain(NamedTuple):
    """A history of which a row means something only beside the one before: its object, rows, and whose they are."""

    entity: str
    row: type[Any]
    parent: str
    cursor: str
    stamp: Callable[[Any], datetime]


_SESSION = "0Mw"
_STAGES = _Chain("OpportunityHistory", objects.StageRow, "OpportunityId", "CreatedDate", lambda row: row.created_date)
_TRAIL = _Chain("CaseHistory2", objects.CaseTrailRow, "CaseId", "SystemModstamp", lambda row: row.system_modstamp)


def _earlier(org: Org, chain: _Chain, keys: set[str], rows: Sequence[Any]) -> Iterable[Any]:
    """Yield the rows before a page of the objects that it begins with, oldest first."""
    if not keys:
        return ()
    stamp, first = literal(Instant(micros(chain.stamp(rows[0])) or 0)), literal(rows[0].id)
    before = f"({chain.cursor} < {stamp} OR ({chain.cursor} = {stamp} AND Id < {first}))"
    where = [one_of(chain.parent, keys), before]
    soql = org.select_all(chain.entity, chain.row, where=where, order=(chain.cursor, "Id"))
    # Those of deleted objects too: the page shows theirs, which would look like beginnings.
    return read_rows(org.api, soql, chain.row, deleted=True)


def histories(kind: Callable[[str], str | None], *told: str, unless: str = "") -> Prepare:
    """Give what makes changes of a history; `told` are fields that the object `unless`, where it is read, tells of."""

    def prepare(org: Org) -> Make:
        make = Histories(kind, _names(org), frozenset(told) if org.reads(unless) else frozenset()).record
        return lambda rows, raws, _: [record for record in map(make, rows, raws) if record is not None]

    return prepare


def activities(org: Org) -> Make:
    """Make changes of the history of events and tasks."""
    make = Activities(_names(org), org.settings.meeting_statuses).record
    return lambda rows, raws, _: [record for record in map(make, rows, raws) if record is not None]


def _names(org: Org) -> dict[str, dict[str, str]]:
    custom = org.settings.custom
    return {name: column_names(custom.get(name, {}), columns) for name, columns in COLUMNS.items()}


def case_histories(org: Org) -> Make:
    """Make changes and acts of the histories of cases."""
    changed = histories(lambda _: "ticket")(org)
    act = tickets.Tickets(closed=org.closed_statuses).history_act

    def make(rows: Sequence[HistoryRow], raws: Sequence[bytes], customs: Customs) -> list[Record]:
        acts = [record for record in map(act, rows, raws) if record is not None]
        return changed(rows, raws, customs) + acts

    return make


def sessions(org: Org) -> Make:
    """Make acts of sessions, and of their entries: a session may get its case long after they were written."""

    def make(rows: Sequence[objects.SessionRow], raws: Sequence[bytes], _: Customs) -> list[Record]:
        found = [record for row, raw in zip(rows, raws, strict=True) for record in tickets.session_acts(row, raw)]
        known = {key: row for row in rows if row.case_id for key in _keys(row)}
        if known and org.reads("ConversationEntry"):
            found += _entries_of(org, known)
        return found

    return make


def _entries_of(org: Org, sessions: dict[str, objects.SessionRow]) -> Iterable[Record]:
    where, order = [one_of("ConversationId", sessions)], ("CreatedDate", "Id")
    soql = org.select_all("ConversationEntry", objects.EntryRow, where=where, order=order)
    for got in read_pages(org.api, soql, objects.EntryRow, deleted=True):
        for row, raw in zip(got.rows, got.raws, strict=True):
            yield from tickets.entry_acts(row, raw, sessions.get(row.conversation_id))


def entries(org: Org) -> Make:
    """Make acts of entries of conversations; which case they belong to is asked for."""
    sessions: dict[str, objects.SessionRow] = {}

    def make(rows: Sequence[objects.EntryRow], raws: Sequence[bytes], _: Customs) -> list[Record]:
        keys = {row.conversation_id for row in rows} - sessions.keys()
        if keys and org.reads("MessagingSession"):
            sessions.update(_sessions_of(org, keys))
        return [
            record
            for row, raw in zip(rows, raws, strict=True)
            for record in tickets.entry_acts(row, raw, sessions.get(row.conversation_id))
        ]

    return make


def _sessions_of(org: Org, keys: set[str]) -> Iterator[tuple[str, objects.SessionRow]]:
    """Yield the sessions of conversations that have a case, each by what its entries name it."""
    own = {key for key in keys if key.startswith(_SESSION)}
    for field, named in (("Id", own), ("ConversationId", keys - own)):
        if not named:
            continue
        where, order = [one_of(field, named)], ("SystemModstamp", "Id")
        soql = org.select_all("MessagingSession", objects.SessionRow, where=where, order=order)
        for session in read_rows(org.api, soql, objects.SessionRow, deleted=True):
            if session.case_id is not None:
                yield from ((key, session) for key in _keys(session))


def _keys(session: objects.SessionRow) -> list[str]:
    """Give what entries may name a session by: its own id, or that of its conversation."""
    return [session.id, session.conversation_id] if session.conversation_id else [session.id]

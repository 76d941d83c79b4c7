"""The streams: objects by windows of time, and those that are read whole in each run.

A window is ordered by time stamp and id, and read to its end. The cursor carries both of the last row beside the path
of the next page: where Salesforce has forgotten that path, the window goes on from the row. A row that changes while we
read moves behind the window, and comes with the next one. Every read begins ten minutes before the watermark, and the
watermark stays three minutes behind Salesforce's own clock, because a long transaction shows its rows late.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from tallystick.connectors import Cursor, Page, Response, Slice, Stream
from tallystick.errors import CursorExpired, SchemaChanged
from tallystick_salesforce.bulk import Bulk, BulkRefusedError
from tallystick_salesforce.catalog import ENTITIES, SNAPSHOTS, Entity, Snapshot
from tallystick_salesforce.client import clock
from tallystick_salesforce.faults import LocatorError, MissingError, QueryTimeoutError
from tallystick_salesforce.objects import Row, micros
from tallystick_salesforce.opened import Opened
from tallystick_salesforce.org import Got, Org, PageReader
from tallystick_salesforce.soql import after, select, window

__all__ = ["LAG", "OVERLAP", "ObjectStream", "SnapshotStream", "build_streams", "revision"]

_SECOND = 1_000_000
_LOG = logging.getLogger(__name__)

OVERLAP = 600 * _SECOND
"""How far before the watermark a read begins again."""

LAG = 180 * _SECOND
"""The youngest past, which a long transaction may still change."""

_NARROWEST = _SECOND
_STAMPS = {"SystemModstamp": "system_modstamp", "CreatedDate": "created_date", "ChangedDate": "changed_date"}
_TELLING = {
    "opportunity_field_history": frozenset({"OpportunityHistory"}),
    "case_trail": frozenset({"CaseHistory"}),
    "messaging_sessions": frozenset({"ConversationEntry"}),
    "conversation_entries": frozenset({"MessagingSession"}),
}
"""Objects by whose absence a stream tells more or less."""


def build_streams(org: Org, *, base_url: str) -> list[Stream]:
    """Give all streams but those of objects that the org does not use.

    Args:
        org: The org.
        base_url: Its origin; a stream of another one begins again.
    """
    streams: list[Stream] = [SnapshotStream(org, snapshot) for snapshot in SNAPSHOTS if org.reads(snapshot.name)]
    streams += [ObjectStream(org, entity) for entity in ENTITIES if org.reads(entity.name)]
    for stream in streams:
        stream.revision = revision(base_url, org.settings, stream)
    return streams


class ObjectStream(Stream):
    """An object by windows of time.

    Args:
        org: The org.
        entity: What is read.
    """

    def __init__(self, org: Org, entity: Entity) -> None:
        self.name = entity.stream
        self.types = entity.types
        self._org = org
        self._api = org.api
        self._entity = entity
        self._stamp = _STAMPS[entity.cursor]

    def plan(self, watermark: int | None, until: int) -> Sequence[Slice]:
        """Give one slice: from the start, whose rows are counted first, or from ten minutes before the watermark."""
        first = self._org.settings.start
        start = first if watermark is None else max(watermark - OVERLAP, first)
        counted: Cursor = {"count": True} if watermark is None else {}
        return [Slice(start, until, counted)] if start < until else []

    def read(self, part: Slice) -> Iterator[Page]:
        """Yield the pages of a slice, oldest first; in bulk, in no order.

        Raises:
            MissingError: The org has no such object, or the reader may not see it.
            FieldError: A declared field cannot be seen.
            CursorExpired: Salesforce does not go on where we stopped.
            Error: A call was refused otherwise or could not be made.
        """
        opened = Opened(self._org, self._entity)
        cursor = dict(part.cursor)
        if "count" in cursor:
            above = self._org.settings.bulk_above
            many = self._entity.bulk and above is not None and self._count(part) > above
            cursor = {"bulk": {}} if many else {}
        if "bulk" in cursor:
            try:
                yield from self._in_bulk(part, cursor["bulk"], opened)
            except BulkRefusedError as error:
                _LOG.info("%s is read by pages: %s", self._entity.name, error.message)
                cursor = {}
            else:
                return
        yield from self._by_pages(part, cursor, opened)

    def _by_pages(self, part: Slice, cursor: Cursor, opened: Opened) -> Iterator[Page]:
        while True:
            end = min(cursor.get("to", part.end), part.end)
            try:
                got = self._ask(part, cursor, end, opened)
            except LocatorError as error:
                cursor = _without_locator(cursor, error)
                continue
            except QueryTimeoutError as error:
                cursor = _halved(part, cursor, end, error)
                continue
            records = opened.records(got)
            kept = {"date": cursor.get("date", got.date), **_only(cursor, "to", "width")}
            known = min(part.end, kept["date"] - LAG)
            if got.following is None and end >= part.end:
                yield Page(records, None, max(part.start, known))
                return
            if got.following is None:
                width = 2 * cursor["width"]  # one part was too full for its time; the next one need not be
                cursor = {"date": kept["date"], "from": end, "width": width, "to": end + width}
                reached = end
            else:
                if got.following == cursor.get("next"):
                    raise SchemaChanged(
                        f"Salesforce says that a query for {self._entity.name} goes on, but does not move on in it",
                        hint="Run the sync again; if it stays so, report it to Salesforce's support.",
                    )
                place = self._place(got.rows[-1]) if got.rows else _only(cursor, "from", "id")
                cursor = {**kept, **place, "next": got.following}
                reached = place.get("from", part.start)
            yield Page(records, cursor, min(reached, known) if min(reached, known) > part.start else None)

    def _ask(self, part: Slice, cursor: Cursor, end: int, opened: Opened) -> Got[Any]:
        if "next" in cursor:
            return self._api.more(cursor["next"], opened.reader.read)
        entity = self._entity
        start = cursor.get("from", part.start)
        where = [*window(entity.cursor, start, end), *entity.where]
        if "id" in cursor:
            where.insert(0, after(entity.cursor, start, cursor["id"]))
        soql = select(entity.name, opened.fields, where=where, order=(entity.cursor, "Id"))
        return self._api.query(soql, opened.reader.read)

    def _place(self, row: Row) -> Cursor:
        """Give where a row stands; whole milliseconds are all that Salesforce keeps."""
        return {"from": micros(getattr(row, self._stamp)), "id": row.id}

    def _count(self, part: Slice) -> int:
        entity = self._entity
        where = [*window(entity.cursor, part.start, part.end), *entity.where]
        soql = f"SELECT COUNT() FROM {entity.name} WHERE {' AND '.join(where)}"
        try:
            return self._api.query(soql, _total)
        except QueryTimeoutError:
            # What takes too long to be counted is many rows.
            return (self._org.settings.bulk_above or 0) + 1

    def _in_bulk(self, part: Slice, cursor: Cursor, opened: Opened) -> Iterator[Page]:
        entity = self._entity
        where = [*window(entity.cursor, part.start, part.end), *entity.where]
        bulk = Bulk(self._api, opened.described, select(entity.name, opened.fields, where=where))
        begun = dict(cursor)
        while True:
            try:
                for chunk in bulk.chunks(begun):
                    # The job was made of JSON by us, so its clock is the one of the call that began it.
                    got = opened.reader.read(_answer(chunk.body, chunk.date))
                    if chunk.cursor is None:
                        yield Page(opened.records(got), None, max(part.start, min(part.end, chunk.date - LAG)))
                        return
                    yield Page(opened.records(got), {"bulk": chunk.cursor})
            except MissingError as error:
                if not begun:
                    raise BulkRefusedError(error.message, hint=error.hint) from None
                begun = {}  # an old run's job, which Salesforce has thrown away by now


class SnapshotStream(Stream):
    """An object that is read whole in each run, as of Salesforce's clock at its first page.

    Args:
        org: The org.
        snapshot: What is read.
    """

    types = ("actor",)

    def __init__(self, org: Org, snapshot: Snapshot) -> None:
        self.name = snapshot.stream
        self._org = org
        self._snapshot = snapshot

    def plan(self, watermark: int | None, until: int) -> Sequence[Slice]:
        """Give one slice that goes on from the watermark."""
        start = self._org.settings.start if watermark is None else max(watermark, self._org.settings.start)
        return [Slice(start, until, {})] if start < until else []

    def read(self, part: Slice) -> Iterator[Page]:
        """Yield the pages; what is known is told with the last one.

        Raises:
            Error: A call was refused or could not be made.
        """
        snapshot, reader, cursor = self._snapshot, PageReader(self._snapshot.row), dict(part.cursor)
        while True:
            try:
                if "next" in cursor:
                    got = self._org.api.more(cursor["next"], reader.read)
                else:
                    where = [f"Id > '{cursor['id']}'"] if "id" in cursor else []
                    soql = self._org.select_all(snapshot.name, snapshot.row, where=where, order=("Id",))
                    got = self._org.api.query(soql, reader.read, deleted=False)
            except LocatorError as error:
                cursor = _without_locator(cursor, error)
                continue
            date = cursor.get("date", got.date)
            records = [snapshot.make(row, raw, date) for row, raw in zip(got.rows, got.raws, strict=True)]
            if got.following is None:
                yield Page(records, None, max(part.start, min(part.end, date - LAG)))
                return
            place = {"id": got.rows[-1].id} if got.rows else _only(cursor, "id")
            cursor = {"date": date, **place, "next": got.following}
            yield Page(records, cursor)


def revision(base_url: str, settings: Any, stream: Stream) -> str:
    """Give a short text that changes when a setting changes by which a stream reads its history."""
    kinds = {*stream.types, *({"meeting"} if "change" in stream.types else set())}
    custom = {
        kind: {name: str(field) for name, field in sorted(fields.items())}
        for kind, fields in sorted(settings.custom.items())
        if "change" in kinds or kind in kinds
    }
    told: list[Any] = [base_url, settings.start, custom]
    told += [settings.currency] if "deal" in kinds else []
    told += [sorted(settings.meeting_statuses.items())] if "meeting" in kinds else []
    if kinds & {"ticket", "ticket_event"}:
        told += [sorted(settings.case_statuses.items()), sorted(settings.closed_statuses)]
    told += [sorted(settings.without & _TELLING.get(stream.name, frozenset()))]
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


def _halved(part: Slice, cursor: Cursor, end: int, error: QueryTimeoutError) -> Cursor:
    """Give the cursor of half a window; what a page begun earlier had reached stays."""
    start = cursor.get("from", part.start)
    width = (end - start) // 2
    if width < _NARROWEST:
        raise error
    return {**_only(cursor, "date", "from", "id"), "width": width, "to": start + width}


def _without_locator(cursor: Cursor, error: LocatorError) -> Cursor:
    """Give the cursor that goes on from the last row, where Salesforce has forgotten the next page."""
    if "next" not in cursor:
        raise CursorExpired(error.message, hint=error.hint, request_id=error.request_id) from None
    return {name: value for name, value in cursor.items() if name != "next"}


def _only(cursor: Cursor, *names: str) -> Cursor:
    return {name: cursor[name] for name in names if name in cursor}


class _Total(msgspec.Struct):
    totalSize: int  # noqa: N815 - Salesforce's name


def _total(response: Response) -> int:
    clock(response)
    return msgspec.json.decode(response.body, type=_Total).totalSize


def _answer(body: bytes, date: int) -> Response:
    """Give a chunk of a bulk result as the last page of a query."""
    return Response(200, {}, body[:-1] + b',"done":true}', date, None)

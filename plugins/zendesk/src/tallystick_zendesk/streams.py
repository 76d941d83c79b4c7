"""The streams: the exports of users, tickets, events and AI agent tickets, and the list of ratings, each oldest first.

Every read begins ten minutes before the watermark, because an export may show a row a little late. A watermark is what
the export itself reached, and not now: its index may lag behind. Only where an export was quiet for an hour is it taken
to be complete up to an hour ago, else nothing would ever be known of a quiet account. The newest minute, which Zendesk
withholds, is never known. Links to next pages are never followed: each call is built here, so the sign-in goes to one
origin only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec

from tallystick.connectors import Cursor, Page, Params, Response, Slice, Stream
from tallystick.errors import SchemaChanged
from tallystick.records.model import Record
from tallystick_zendesk.acts import ActReader
from tallystick_zendesk.client import ZendeskApi, clock
from tallystick_zendesk.faults import TooRecentError
from tallystick_zendesk.mapping import TicketReader, ai_agent_act, clock_of_ticket, rating_act, user_record
from tallystick_zendesk.objects import (
    MetricSet,
    RatingsPage,
    TicketEventsPage,
    TicketsPage,
    UsersPage,
    identifier,
    number,
)

__all__ = [
    "MOST",
    "OVERLAP",
    "QUIET",
    "WITHHELD",
    "CursorStream",
    "EventStream",
    "Export",
    "RatingStream",
    "build_streams",
    "revision",
]

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND

OVERLAP = 600 * _SECOND
"""How far before the watermark a read begins again."""

WITHHELD = 60 * _SECOND
"""The youngest past, which the exports do not show."""

QUIET = 3_600 * _SECOND
"""How long an export has to show nothing new before it is taken to be complete up to that long ago."""

MOST = 1_000
"""Rows of an export page, the most Zendesk gives; more only where they share a second."""

_RATINGS = 100
_MOST_EMPTY = 50
_SLICE = 180 * _DAY
_SLICES = 4


@dataclass(frozen=True, slots=True)
class _Got:
    """One page: records, rows, up to when it goes, what to go on from, and Zendesk's clock; microseconds UTC."""

    records: list[Record]
    rows: int
    reached: int | None
    after: str | int | None
    end: bool
    date: int


@dataclass(frozen=True, slots=True)
class Export:
    """An export read by cursor: the stream it makes, what is exported, and the record type it becomes.

    `convert` turns an answer into records and where they end; `params` go with every call.
    """

    stream: str
    resource: str
    kind: str
    convert: Callable[[Response], _Got]
    params: Mapping[str, str]


def build_streams(
    api: ZendeskApi,
    tickets: TicketReader,
    acts: ActReader,
    *,
    start: int,
    size: int = MOST,
    ratings: bool = True,
    revisions: Mapping[str, str] | None = None,
) -> list[Stream]:
    """Give all streams: users, tickets, events, AI agent tickets, ratings.

    Args:
        api: Makes the calls.
        tickets: Makes the records of tickets.
        acts: Makes the records of events.
        start: How far back the history goes, microseconds UTC.
        size: Rows per page of an export.
        ratings: Whether the list of ratings is read.
        revisions: Revisions by the name of the stream; a change of one makes it begin again.
    """
    everything, alone = {"support_type_scope": "all"}, {"support_type_scope": "ai_agent"}
    users = Export("users", "users", "actor", _users, {})
    listed = Export("tickets", "tickets", "ticket", _tickets(tickets), {"include": "metric_sets", **everything})
    by_ai = Export("ai_agent_tickets", "tickets", "ticket_event", _ai_tickets, alone)
    streams: list[Stream] = [
        CursorStream(api, users, start=start, size=size),
        CursorStream(api, listed, start=start, size=size),
        EventStream(api, acts, start=start, size=size),
        CursorStream(api, by_ai, start=start, size=size),
    ]
    if ratings:
        streams.append(RatingStream(api, start=start))
    for stream in streams:
        stream.revision = (revisions or {}).get(stream.name, "")
    return streams


class _OldestFirst(Stream):
    """What all streams share: one slice from ten minutes before the watermark on."""

    def __init__(self, api: ZendeskApi, name: str, types: tuple[str, ...], start: int) -> None:
        self.name = name
        self.types = types
        self._api = api
        self._start = start

    def plan(self, watermark: int | None, until: int) -> Sequence[Slice]:
        """Give one slice up to `until`; none when it would begin in the minute that is withheld."""
        start = self._start if watermark is None else max(watermark - OVERLAP, self._start)
        start = start // _SECOND * _SECOND
        return [Slice(start, until, {})] if start < until - WITHHELD - _SECOND else []


class CursorStream(_OldestFirst):
    """An export that goes on from a cursor.

    Args:
        api: Makes the calls.
        export: What is exported.
        start: How far back the history goes, microseconds UTC.
        size: Rows per page.
    """

    def __init__(self, api: ZendeskApi, export: Export, *, start: int, size: int) -> None:
        super().__init__(api, export.stream, (export.kind,), start)
        self._path = f"/incremental/{export.resource}/cursor.json"
        self._convert = export.convert
        self._params: dict[str, str | int] = {**export.params, "per_page": size}

    def read(self, part: Slice) -> Iterator[Page]:
        """Yield the pages of a slice until the export ends: a row that moves on while we read comes later.

        Up to when all is known is told with the last page only: a row that changed late stands late in the order,
        however long ago it was made.

        Raises:
            CursorExpired: Zendesk does not take the cursor any more.
            SchemaChanged: The export goes on without moving on.
            Error: A call was refused or could not be made.
        """
        cursor = dict(part.cursor)
        while True:
            place = {"cursor": cursor["after"]} if "after" in cursor else {"start_time": part.start // _SECOND}
            try:
                got = self._api.get(self._path, {**self._params, **place}, self._convert)
            except TooRecentError as error:
                _check_recent(error, part.start)
                yield Page([], None, part.start)
                return
            date = cursor.get("date", got.date)
            reached = max(cursor.get("reached", part.start), got.reached or part.start)
            if got.end:
                yield Page(got.records, None, _complete(part, date, reached))
                return
            empty = 0 if got.records else cursor.get("empty", 0) + 1
            if got.after is None or got.after == cursor.get("after") or empty > _MOST_EMPTY:
                raise _stuck(self.name)
            cursor = {"after": got.after, "date": date, "reached": reached, "empty": empty}
            yield Page(got.records, cursor)


class EventStream(_OldestFirst):
    """The events of tickets, with their comments; the export goes on from the second that its last page reached.

    Args:
        api: Makes the calls.
        acts: Makes the records.
        start: How far back the history goes, microseconds UTC.
        size: Rows per page.
    """

    def __init__(self, api: ZendeskApi, acts: ActReader, *, start: int, size: int) -> None:
        super().__init__(api, "ticket_events", ("ticket_event", "change"), start)
        self._acts = acts
        self._size = size

    def plan(self, watermark: int | None, until: int) -> Sequence[Slice]:
        """Cut a first read that goes back a year or more into slices of at least half a year; else give one slice.

        A slice costs one call more, and all share the limit of the exports: more of them would be slower.
        """
        whole = super().plan(watermark, until)
        return _cut(whole[0]) if watermark is None and whole else whole

    def read(self, part: Slice) -> Iterator[Page]:
        """Yield the pages of a slice; the second where one ends comes again with the next.

        A second that fills a whole page is asked for again with the largest page. If it fills that too, all of it has
        come, because Zendesk never splits a second, and the read goes on with the next one.

        Raises:
            SchemaChanged: The export goes on without moving on.
            Error: A call was refused or could not be made.
        """
        cursor = dict(part.cursor)
        while True:
            start, size = cursor.get("from", part.start // _SECOND), cursor.get("size", self._size)
            try:
                got = self._api.get("/incremental/ticket_events.json", _events_of(start, size), self._convert)
            except TooRecentError as error:
                _check_recent(error, start * _SECOND)
                known = _readable(part, cursor["date"]) if "date" in cursor else part.start
                yield Page([], None, max(part.start, min(start * _SECOND, known)))
                return
            date = cursor.get("date", got.date)
            reached = max(cursor.get("reached", part.start), (got.reached or 0) * _SECOND)
            if got.end:
                yield Page(got.records, None, _complete(part, date, reached))
                return
            cursor = {**self._next(start, size, got), "date": date, "reached": reached}
            place = cursor["from"] * _SECOND
            if place >= part.end:
                yield Page(got.records, None, _complete(part, date, place))
                return
            yield Page(got.records, cursor, _known(part, date, place))

    def _next(self, start: int, size: int, got: _Got) -> Cursor:
        if type(got.after) is not int or got.after < start:
            raise _stuck(self.name)
        if got.after > start:
            return {"from": got.after}
        if size < MOST:
            return {"from": start, "size": MOST}
        if got.rows < size:
            raise _stuck(self.name)
        return {"from": start + 1}

    def _convert(self, response: Response) -> _Got:
        page = _EVENTS.decode(response.body)
        records = [record for raw in page.ticket_events for record in self._acts.records(bytes(raw))]
        return _Got(records, len(page.ticket_events), page.end_time, page.end_time, page.end_of_stream, clock(response))


class RatingStream(_OldestFirst):
    """Satisfaction ratings of a window of time, in pages of 100.

    Args:
        api: Makes the calls.
        start: How far back the history goes, microseconds UTC.
    """

    def __init__(self, api: ZendeskApi, *, start: int) -> None:
        super().__init__(api, "satisfaction_ratings", ("ticket_event",), start)

    def read(self, part: Slice) -> Iterator[Page]:
        """Yield the pages of a slice; up to when it is known is told with the last one.

        Raises:
            CursorExpired: Zendesk does not take the cursor any more.
            SchemaChanged: The list goes on without moving on.
            Error: A call was refused or could not be made.
        """
        cursor = dict(part.cursor)
        window: Params = {
            "start_time": part.start // _SECOND,
            "end_time": -(-part.end // _SECOND),
            "score": "received",
            "page[size]": _RATINGS,
        }
        while True:
            place = {"page[after]": cursor["after"]} if "after" in cursor else {}
            got = self._api.get("/satisfaction_ratings.json", {**window, **place}, _ratings)
            date = cursor.get("date", got.date)
            if got.end:
                # A list, and no export: it shows what there is.
                yield Page(got.records, None, max(part.start, _readable(part, date)))
                return
            if got.after is None or got.after == cursor.get("after"):
                raise _stuck(self.name)
            cursor = {"after": got.after, "date": date}
            yield Page(got.records, cursor)


_USERS = msgspec.json.Decoder(UsersPage)
_TICKETS = msgspec.json.Decoder(TicketsPage)
_EVENTS = msgspec.json.Decoder(TicketEventsPage)
_LIST = msgspec.json.Decoder(RatingsPage)


def _users(response: Response) -> _Got:
    page = _USERS.decode(response.body)
    records = [user_record(bytes(raw)) for raw in page.users]
    reached = records[-1].as_of if records else None
    return _Got(records, len(records), reached, page.after_cursor, page.end_of_stream, clock(response))


def _tickets(reader: TicketReader) -> Callable[[Response], _Got]:
    def convert(response: Response) -> _Got:
        page = _TICKETS.decode(response.body)
        reopens = _reopens(page.metric_sets or ())
        records = [reader.record(bytes(raw), reopens) for raw in page.tickets]
        return _Got(records, len(records), _last_clock(page), page.after_cursor, page.end_of_stream, clock(response))

    return convert


def _ai_tickets(response: Response) -> _Got:
    page = _TICKETS.decode(response.body)
    records = [ai_agent_act(bytes(raw)) for raw in page.tickets]
    return _Got(records, len(records), _last_clock(page), page.after_cursor, page.end_of_stream, clock(response))


def _ratings(response: Response) -> _Got:
    page = _LIST.decode(response.body)
    records = [record for raw in page.satisfaction_ratings if (record := rating_act(bytes(raw))) is not None]
    return _Got(records, len(records), None, page.meta.after_cursor, not page.meta.has_more, clock(response))


def _reopens(sets: Sequence[MetricSet]) -> dict[str, int | None]:
    counted = ((identifier(found.ticket_id), number(found.reopens)) for found in sets)
    return {key: count for key, count in counted if key is not None}


def _last_clock(page: TicketsPage) -> int | None:
    return clock_of_ticket(bytes(page.tickets[-1])) if page.tickets else None


def _events_of(start: int, size: int) -> Params:
    return {"start_time": start, "include": "comment_events", "support_type_scope": "all", "per_page": size}


def _complete(part: Slice, date: int, reached: int) -> int:
    """Give up to when a slice is known whose export ended: what it reached, or an hour before Zendesk's own clock.

    Args:
        part: The slice.
        date: Zendesk's clock at its first page, microseconds UTC.
        reached: Where the newest row stands.
    """
    return max(part.start, min(max(reached, date - QUIET), _readable(part, date)))


def _readable(part: Slice, date: int) -> int:
    """Give up to when a slice can be known at all: its end, or the minute that Zendesk withholds by its own clock."""
    return min(part.end, date - WITHHELD)


def _known(part: Slice, date: int, reached: int) -> int | None:
    """Give up to when a slice is known after a page that ends at `reached`; rows of that very instant may follow."""
    return min(reached, _readable(part, date)) if reached > part.start else None


def _cut(part: Slice) -> list[Slice]:
    count = max(min(_SLICES, (part.end - part.start) // _SLICE), 1)
    inner = [part.start + (part.end - part.start) * n // count // _SECOND * _SECOND for n in range(1, count)]
    return [Slice(first, last, {}) for first, last in pairwise([part.start, *inner, part.end])]


def _check_recent(error: TooRecentError, start: int) -> None:
    """Let a refusal pass only where the start is recent by Zendesk's own clock; else it means something else."""
    if error.date is not None and error.date - start > OVERLAP:
        raise error


def _stuck(name: str) -> SchemaChanged:
    return SchemaChanged(
        f"Zendesk says that the export of {name} goes on, but does not move on in it",
        hint="Run the sync again; if it stays so, report it to Zendesk's support.",
    )


def revision(*declared: object) -> str:
    """Give a short text that changes when one of the settings changes."""
    return hashlib.sha256(msgspec.json.encode([repr(setting) for setting in declared])).hexdigest()

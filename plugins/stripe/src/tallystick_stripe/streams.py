"""The streams: windows over `created` for each kind of object, and the event feed for what changes afterwards.

A window finds objects by when they were made, so it never shows again what changed later; events do, for 30 days.
Together they miss nothing as long as a read happens at least every 25 days; after a longer pause the windows begin
again from the start of the history.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import msgspec

from tallystick.connectors import Cursor, Page, Slice, Stream
from tallystick.errors import CursorExpired
from tallystick.records.model import Record
from tallystick_stripe.changes import EVENT_TYPES, Event, changes, decode_event
from tallystick_stripe.client import API_VERSION, StripeApi
from tallystick_stripe.faults import MissingError
from tallystick_stripe.mapping import OBJECT_TYPES, Mapper, tombstone

__all__ = ["PATHS", "EventStream", "WindowStream", "build_streams"]

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND

OVERLAP = 600 * _SECOND
"""How far before the watermark a read begins again, because a list may show an object a little late."""

LAG = 60 * _SECOND
"""The youngest past, of which a list may not yet show everything: nothing in it counts as known."""

EVENT_MEMORY = 30 * _DAY
"""How long Stripe keeps events."""

EVENT_REACH = EVENT_MEMORY - 3_600 * _SECOND
"""How far back a first read of events goes: an hour less, so that none expires while we read."""

LONGEST_PAUSE = 25 * _DAY
"""A longer pause between reads brings the events' memory too close: the windows are read again from the start."""

_RESTARTS = 3
_DELETIONS = frozenset({"customer.deleted", "invoice.deleted"})

PATHS: dict[str, str] = {
    "balance_transaction": "/v1/balance_transactions",
    "charge": "/v1/charges",
    "credit_note": "/v1/credit_notes",
    "customer": "/v1/customers",
    "dispute": "/v1/disputes",
    "invoice": "/v1/invoices",
    "invoice_payment": "/v1/invoice_payments",
    "refund": "/v1/refunds",
}
"""Where each kind of object is listed and read, by Stripe's own name of it."""

_TYPES = {"invoice_payment": ("invoice_payment", "payment")}
_PARALLEL = ("balance_transaction", "charge", "invoice", "invoice_payment")
_ORDER = (*_PARALLEL, "refund", "dispute", "credit_note", "customer")


def build_streams(api: StripeApi, mapper: Mapper, *, start: int, slices: int, revision: str = "") -> list[Stream]:
    """Give all streams: the ledger first, then the objects, then the events.

    Args:
        api: Makes the calls.
        mapper: Makes the records.
        start: How far back the history goes, microseconds UTC.
        slices: Parallel slices of a first load, for those kinds of objects of which there are many.
        revision: Revision of the windows; a change of it makes them begin again. What events tell cannot be read again.
    """
    windows = [
        WindowStream(api, mapper, name, start=start, slices=slices if name in _PARALLEL else 1) for name in _ORDER
    ]
    for window in windows:
        window.revision = revision
    return [*windows, EventStream(api, mapper, windows)]


class WindowStream(Stream):
    """All objects of one kind by when they were made, newest first.

    Args:
        api: Makes the calls.
        mapper: Makes the records.
        name: Stripe's name of the object.
        start: How far back the history goes, microseconds UTC.
        slices: Parallel slices of a read from the start.
    """

    def __init__(self, api: StripeApi, mapper: Mapper, name: str, *, start: int, slices: int) -> None:
        self.name = PATHS[name].rpartition("/")[2]
        self.types = _TYPES.get(name, (OBJECT_TYPES[name],))
        self._api = api
        self._mapper = mapper
        self._object = name
        self._path = PATHS[name]
        self._start = start
        self._slices = slices
        self.from_start = False

    def plan(self, watermark: int | None, until: int) -> Sequence[Slice]:
        """Cut `[start, until)` into slices at the first read and after a pause of over 25 days; else read on.

        A later read begins ten minutes before the watermark. A start in the future gives no slice. `from_start` says
        afterwards which of the two it was.
        """
        self.from_start = watermark is None or until - watermark > LONGEST_PAUSE
        if watermark is None or self.from_start:
            return _cut(self._start, until, self._slices)
        return _cut(max(watermark - OVERLAP, self._start), until, 1)

    def read(self, part: Slice) -> Iterator[Page]:
        """Yield the pages of a slice, newest first.

        The watermark that ends it is the slice's end, or a minute before Stripe's own clock at its first page if that
        was earlier. When the object we stopped at is gone, the slice begins again at its top.

        Raises:
            CursorExpired: The object we stopped at vanished again and again.
            Error: A call was refused or could not be made.
        """
        cursor = dict(part.cursor)
        while True:
            try:
                page = self._api.list(self._path, _window(part), cursor.get("after"), self._convert)
            except MissingError as gone:
                cursor = _restarted(cursor, gone)
                continue
            kept = _kept(cursor, page.date)
            if page.last is None:
                yield Page(page.value, None, _known(part, kept["date"]))
                return
            cursor = {**kept, "after": page.last}
            yield Page(page.value, cursor)

    def everything(self, until: int, cursor: Cursor) -> Iterator[Page]:
        """Yield the pages of the whole history up to an instant as one slice, from a cursor on."""
        return self.read(Slice(self._start, max(until, self._start), cursor))

    def _convert(self, data: Sequence[bytes], date: int) -> list[Record]:
        make, name = self._mapper.records, self._object
        return [record for raw in data for record in make(name, raw, date)]


class EventStream(Stream):
    """What changed, for as long as Stripe remembers it: changes, and the newer versions of the objects.

    An object is taken from an event that was made at our API version, and read again otherwise. Where all windows are
    read from their start in the same sync, they show every object as it is now, and only the changes are taken. A slice
    is read once per pass of event types.

    Args:
        api: Makes the calls.
        mapper: Makes the records.
        windows: The windows of the same connector; they are planned before this stream.
    """

    name = "events"
    # An event shows its object as it was then; the windows show it as it is, and what they show is to be seen first.
    follows = tuple(path.rpartition("/")[2] for path in PATHS.values())
    types = ("change", *sorted(set(OBJECT_TYPES.values()) - {"ledger_entry"}))

    def __init__(self, api: StripeApi, mapper: Mapper, windows: Sequence[WindowStream]) -> None:
        self._api = api
        self._mapper = mapper
        self._windows = windows

    def plan(self, watermark: int | None, until: int) -> Sequence[Slice]:
        """Read on from ten minutes before the watermark, and never from further back than Stripe remembers.

        The start of the first slice is where the history of changes begins. Where Stripe has forgotten changes since
        the watermark, every object is listed again before the events are read: nothing else would show what it became.
        """
        oldest = until - EVENT_REACH
        start = oldest if watermark is None else max(watermark - OVERLAP, oldest)
        listed = all(window.from_start for window in self._windows)
        forgotten = watermark is not None and watermark < oldest
        again = [window.name for window in self._windows if window.types != ("ledger_entry",)]
        cursors: list[Cursor] = [{"everything": name} for name in again] if forgotten and not listed else []
        cursors.append({"changes_only": True} if listed or forgotten else {})
        return [Slice(part.start, part.end, cursor) for part in _cut(start, until, 1) for cursor in cursors]

    def read(self, part: Slice) -> Iterator[Page]:
        """Yield the pages of a slice, pass by pass, newest first.

        Raises:
            CursorExpired: Stripe has begun to forget the slice, or the slice has not begun by Stripe's clock.
            Error: A call was refused or could not be made.
        """
        if "everything" in part.cursor:
            yield from self._everything(part)
            return
        cursor = dict(part.cursor)
        while True:
            number = cursor.get("pass", 0)
            tied = _Tied(cursor.get("second"), frozenset(cursor.get("tied", ())))
            filters = {**_window(part), "types[]": list(EVENT_TYPES[number])}
            convert = partial(self._convert, tied)
            try:
                page = self._api.list("/v1/events", filters, cursor.get("after"), convert)
            except MissingError as gone:
                cursor = _restarted(cursor, gone)
                continue
            _check_time(part, page.date)
            kept = _kept(cursor, page.date)
            found = page.value
            records = found.changes
            if "changes_only" not in kept:
                records += [*found.objects, *self._read_again(found.foreign)]
            if page.last is not None:
                tied_now = {"second": found.tied.second, "tied": sorted(found.tied.keys)}
                cursor = {**kept, "pass": number, "after": page.last, **tied_now}
                yield Page(records, cursor)
            elif number + 1 < len(EVENT_TYPES):
                cursor = {**kept, "pass": number + 1}
                yield Page(records, cursor)
            else:
                yield Page(records, None, _known(part, kept["date"]))
                return

    def _everything(self, part: Slice) -> Iterator[Page]:
        """Yield all objects of one kind; the cursor carries on which."""
        name = part.cursor["everything"]
        window = next(window for window in self._windows if window.name == name)
        cursor = {key: value for key, value in part.cursor.items() if key != "everything"}
        for page in window.everything(part.end, cursor):
            follows = None if page.cursor is None else {**page.cursor, "everything": name}
            yield Page(page.records, follows, None if page.watermark is None else min(part.end, page.watermark))

    def _convert(self, tied: _Tied, data: Sequence[bytes], date: int) -> _Found:  # noqa: ARG002 - events have their own time
        """Give the changes of a page, and of each object the newest state the page knows.

        States older than one that the page before ended with, in the same second, are left out: they would look as new.
        """
        events = [decode_event(raw) for raw in data]
        changed: list[Record] = []
        objects: list[Record] = []
        foreign: list[tuple[str, str]] = []
        seen: set[str] = set()
        for event in events:
            changed += changes(event)
            key = event.key
            if key is None or event.name not in OBJECT_TYPES or key in seen or tied.has(event):
                continue
            seen.add(key)
            if event.type in _DELETIONS:
                objects.append(tombstone(event.name, key, event.object, event.created * _SECOND))
            elif event.api_version == API_VERSION:
                objects += self._mapper.records(event.name, event.object, event.created * _SECOND)
            else:
                foreign.append((event.name, key))
        return _Found(changed, objects, foreign, tied.followed_by(events))

    def _read_again(self, objects: Sequence[tuple[str, str]]) -> Iterator[Record]:
        for name, key in objects:
            # An object that is gone has an event of its own that says so.
            with suppress(MissingError):
                yield from self._api.get(PATHS[name], key, partial(self._single, name, key))

    def _single(self, name: str, key: str, raw: bytes, date: int) -> list[Record]:
        if msgspec.json.decode(raw, type=_Stub).deleted:
            return [tombstone(name, key, raw, date)]
        return self._mapper.records(name, raw, date)


class _Stub(msgspec.Struct):
    """What a deleted object is answered with."""

    deleted: bool = False


@dataclass(frozen=True, slots=True)
class _Tied:
    """Objects that a page ended with: those whose events were made in its last second."""

    second: int | None
    keys: frozenset[str]

    def has(self, event: Event) -> bool:
        """Tell whether a newer state of the event's object, of the same second, was already given."""
        return event.created == self.second and event.key in self.keys

    def followed_by(self, events: Sequence[Event]) -> _Tied:
        """Give the objects that the next page ends with."""
        if not events:
            return self
        second = events[-1].created
        keys = frozenset(event.key for event in events if event.created == second and event.key)
        return _Tied(second, keys | self.keys if second == self.second else keys)


class _Found(NamedTuple):
    changes: list[Record]
    objects: list[Record]
    foreign: list[tuple[str, str]]
    tied: _Tied


def _cut(start: int, end: int, slices: int) -> list[Slice]:
    """Cut `[start, end)` at whole seconds into equal slices of at least a day."""
    if start >= end:
        return []
    count = max(min(slices, (end - start) // _DAY), 1)
    inner = [start + (end - start) * number // count // _SECOND * _SECOND for number in range(1, count)]
    edges = [start, *inner, end]
    return [Slice(first, last, {}) for first, last in pairwise(edges)]


def _window(part: Slice) -> dict[str, str | int | list[str]]:
    """Give the filters for what was created in `[start, end)`; Stripe counts in whole seconds."""
    return {"created[gte]": -(-part.start // _SECOND), "created[lt]": -(-part.end // _SECOND)}


def _known(part: Slice, date: int) -> int:
    """Give up to when a slice is known that was read to its end, its first page at an instant of Stripe's clock."""
    return max(part.start, min(part.end, date - LAG))


def _kept(cursor: Cursor, date: int) -> Cursor:
    """Give what every later cursor of a slice carries on: Stripe's clock at its first page, and how it is read."""
    return {"date": date, **_only(cursor, "changes_only", "date", "restarts")}


def _restarted(cursor: Cursor, gone: MissingError) -> Cursor:
    """Give the cursor at the top of the slice (or pass); it is another one than at the first time."""
    restarts = cursor.get("restarts", 0) + 1
    if "after" not in cursor or restarts > _RESTARTS:
        raise CursorExpired(
            f"the object the read stopped at is gone: {gone.message}",
            hint="Run the sync again; it begins this part again.",
            request_id=gone.request_id,
        )
    return {**_only(cursor, "changes_only", "date", "pass"), "restarts": restarts}


def _only(cursor: Cursor, *names: str) -> Cursor:
    return {name: cursor[name] for name in names if name in cursor}


def _check_time(part: Slice, date: int) -> None:
    if part.start > date:
        # A clock that runs ahead planned it: called read, it would skip all that happens until then.
        raise CursorExpired(
            f"this read of Stripe's events was to begin {(part.start - date) // _DAY:,} days after Stripe's own clock",
            hint="Set the clock of this machine and run the sync again.",
        )
    if date - part.start > EVENT_MEMORY:
        raise CursorExpired(
            "this read of Stripe's events was interrupted for so long that Stripe has forgotten its beginning",
            hint="Run the sync again; it reads what Stripe still remembers.",
        )

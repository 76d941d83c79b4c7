"""The streams: what changed in a window of time, read twice; what was deleted; and the owners.

The index that searches read from lags behind. So a window counts as read only when it was read a while (`lag`) after
its end: the newest part of every read is read a second time by the next one, because the watermark stays behind it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

from tallystick.connectors import Cursor, Page, Params, Response, Slice, Stream
from tallystick.errors import SchemaChanged
from tallystick.records.model import Record
from tallystick_hubspot.client import HubSpotApi, clock
from tallystick_hubspot.directory import Directory
from tallystick_hubspot.kinds import KINDS
from tallystick_hubspot.objects import ArchivedPage
from tallystick_hubspot.people import owner_record
from tallystick_hubspot.reader import ObjectReader
from tallystick_hubspot.search import PAGE, Batch, Item, changed, gather, unstamped
from tallystick_hubspot.settings import Settings

__all__ = ["ArchivedStream", "ObjectStream", "OwnerStream", "UnreadConversations", "build_streams", "revision"]

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_LIST = 100
_SLICE = 90 * _DAY
_AHEAD = 86_400_000_000
"""How far an open slice is asked for beyond its end, microseconds."""
_SLICES = 4


def build_streams(
    api: HubSpotApi,
    directory: Directory,
    settings: Settings,
    *,
    kinds: Sequence[str],
    start: int,
    lag: int,
    recheck: int,
    base: str = "",
    size: int = PAGE,
) -> list[Stream]:
    """Give all streams: the owners, and two per kind of object.

    Args:
        api: Makes the calls.
        directory: Owners, pipelines and properties of this run.
        settings: How objects become records.
        kinds: Kinds of objects that are read.
        start: How far back the history goes, microseconds UTC.
        lag: How long after its end a window has to be read to count as read, microseconds.
        recheck: How long after its time a meeting or call counts as open, microseconds.
        base: What makes every stream begin again when it changes.
        size: Objects of a page, at most.
    """
    owners = OwnerStream(directory, settings, start=start)
    owners.revision = revision(base, settings.words(None))
    streams: list[Stream] = [owners]
    for kind in KINDS.values():
        if kind.name in kinds:
            reader = ObjectReader(api, kind, settings, directory)
            found = (
                ObjectStream(api, reader, start=start, lag=lag, recheck=recheck, size=size),
                ArchivedStream(api, reader, start=start, size=size),
            )
            for stream in found:
                stream.revision = revision(base, settings.words(kind))
            streams += found
    if "tickets" in kinds and not settings.threads:
        streams.append(UnreadConversations())
    return streams


def revision(*parts: object) -> str:
    """Give a text that changes with any of the parts."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]


class ObjectStream(Stream):
    """The objects of a kind that changed, with what belongs to them, and then those that may have without a stamp.

    Args:
        api: Makes the calls.
        reader: Makes the records.
        start: How far back the history goes, microseconds UTC.
        lag: How long after its end a window has to be read to count as read, microseconds.
        recheck: How long after its time a meeting or call counts as open, microseconds.
        size: Objects of a page, at most.
    """

    moves = True

    def __init__(
        self, api: HubSpotApi, reader: ObjectReader, *, start: int, lag: int, recheck: int, size: int = PAGE
    ) -> None:
        self.name = reader.kind.name
        self.types = reader.types
        self._api = api
        self._reader = reader
        self._start = start
        self._lag = lag
        self._recheck = recheck
        self._size = size

    def plan(self, watermark: int | None, until: int) -> Sequence[Slice]:
        """Give one slice from the watermark on; a first read that goes back far is cut into up to four.

        The last slice is open: what changes while it is read leaves its time, and with it goes what it went through
        before. That of a later read also reads again what may have changed without a stamp.
        """
        start = self._start if watermark is None else max(watermark, self._start)
        if start >= until:
            return []
        count = max(min(_SLICES, (until - start) // _SLICE), 1) if watermark is None else 1
        step = (until - start) // count // 1_000 * 1_000
        edges = [start + step * n for n in range(count)] + [until]
        parts = [Slice(first, last, {}) for first, last in pairwise(edges)]
        then = {} if watermark is None else {"then": "unstamped"}
        parts[-1] = Slice(parts[-1].start, until, {"open": True, **then})
        return parts

    def read(self, part: Slice) -> Iterator[Page]:
        """Yield what changed in a slice, in the order of ids; up to when that is known is told with the last page.

        Raises:
            SchemaChanged: The search goes on without moving on.
            Error: A call was refused or could not be made.
        """
        cursor: Cursor = {"after": 0, **part.cursor}
        while True:
            batch = self._gather(part, cursor)
            cursor = {**cursor, "date": cursor.get("date", batch.date)}
            known = max(part.start, min(part.end, cursor["date"] - self._lag))
            last = batch.end and "then" not in cursor
            again = cursor.get("phase") == "unstamped"
            size = min(self._reader.chunk, self._size)
            chunks = [batch.items[at : at + size] for at in range(0, len(batch.items), size)] or [[]]
            around = self._reader.around(batch.items)
            for place, chunk in enumerate(chunks, 1):
                records = self._reader.records(chunk, around, again=again)
                if place == len(chunks) and last:
                    yield Page(records, None, known)
                    return
                if place == len(chunks) and batch.end:
                    cursor = {"after": 0, "date": cursor["date"], "phase": cursor["then"]}
                else:
                    cursor = {**cursor, "after": int(chunk[-1].id)}
                yield Page(records, dict(cursor))

    def _gather(self, part: Slice, cursor: Cursor) -> Batch:
        kind = self._reader.kind
        if cursor.get("phase") == "unstamped":
            groups = unstamped(kind, self._reader.known(), part.start, part.end - self._recheck)
            if not groups:
                return Batch([], cursor["after"], True, cursor["date"])
        else:
            groups = changed(kind, part.start, part.end + (_AHEAD if "open" in cursor else 0))
        return gather(self._api, kind, self._reader.properties(), groups, cursor["after"], size=self._size)


class ArchivedStream(Stream):
    """What was deleted: HubSpot lists it all, for about ninety days, and searches never find it.

    Args:
        api: Makes the calls.
        reader: Makes the records.
        start: How far back the history goes, microseconds UTC.
        size: Objects of a page, at most.
    """

    def __init__(self, api: HubSpotApi, reader: ObjectReader, *, start: int, size: int = PAGE) -> None:
        self.name = f"archived_{reader.kind.name}"
        self.types = (reader.kind.record, "ticket_event") if reader.kind.name == "tickets" else (reader.kind.record,)
        self.follows = (reader.kind.name,)
        self._api = api
        self._reader = reader
        self._start = start
        self._size = min(size, _LIST)

    def plan(self, watermark: int | None, until: int) -> Sequence[Slice]:
        """Give one slice: the list has no order by time, so it is read from its beginning each time."""
        start = self._start if watermark is None else max(watermark, self._start)
        return [Slice(start, until, {})] if start < until else []

    def read(self, part: Slice) -> Iterator[Page]:
        """Yield the pages of the list; it is known up to when its first page was answered.

        Raises:
            SchemaChanged: The list goes on without moving on.
            Error: A call was refused or could not be made.
        """
        cursor = dict(part.cursor)
        kind = self._reader.kind
        path = self._api.paths.objects(kind.name)
        while True:
            place: Params = {"after": cursor["after"]} if "after" in cursor else {}
            params: Params = {
                "archived": "true",
                "limit": self._size,
                "properties": ",".join(self._reader.properties()),
                **place,
            }
            items, after, date = self._api.get(path, params, self._convert)
            records = self._reader.tombstones(items)
            date = cursor.get("date", date)
            if after is None:
                yield Page(records, None, max(part.start, min(part.end, date)))
                return
            if after == cursor.get("after"):
                raise SchemaChanged(
                    f"the list of deleted {kind.name} goes on without moving on", hint="Run the sync again."
                )
            cursor = {"after": after, "date": date}
            yield Page(records, dict(cursor))

    def _convert(self, response: Response) -> tuple[list[Item], str | None, int]:
        page = _ARCHIVED(response.body)
        decode = self._reader.kind.decode
        items = [Item(str((row := decode(raw)).id), bytes(raw), row) for raw in page.results]
        return items, None if page.paging is None else page.paging.after, clock(response)


class OwnerStream(Stream):
    """The owners, those who left included: a whole list each time.

    Args:
        directory: Has read them already, or does now.
        settings: Says what their role is.
        start: How far back the history goes, microseconds UTC.
    """

    name = "owners"
    types = ("actor",)

    def __init__(self, directory: Directory, settings: Settings, *, start: int) -> None:
        self._directory = directory
        self._settings = settings
        self._start = start

    def plan(self, watermark: int | None, until: int) -> Sequence[Slice]:
        """Give one slice."""
        start = self._start if watermark is None else max(watermark, self._start)
        return [Slice(start, until, {})] if start < until else []

    def read(self, part: Slice) -> Iterator[Page]:
        """Yield the whole list as one page; it is known up to when it was answered.

        Raises:
            Error: A call was refused or could not be made.
        """
        owners = self._directory.owners()
        records: list[Record] = [owner_record(one, self._settings.role) for one in owners.people.values()]
        yield Page(records, None, max(part.start, min(part.end, owners.date)))


class UnreadConversations(Stream):
    """The conversations of tickets, where the configuration says that they are not read.

    What was said is then never known, so nothing may be concluded from the absence of an act on a ticket.
    """

    name = "conversations"
    types = ("ticket_event",)

    def plan(self, watermark: int | None, until: int) -> Sequence[Slice]:  # noqa: ARG002 - nothing is ever read
        """Give no slice."""
        return []

    def read(self, part: Slice) -> Iterator[Page]:  # noqa: ARG002 - there is none
        """Yield nothing."""
        return iter(())


_ARCHIVED = msgspec.json.Decoder(ArchivedPage).decode

"""The streams of a described system: windows of time whose pages are turned, or a walk from each last object on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from tallystick.connectors import Cursor, Page, Slice, Stream
from tallystick.connectors.mapping import getter
from tallystick.errors import SchemaChanged
from tallystick.records.model import Record
from tallystick_rest.api import RestApi, clock
from tallystick_rest.calls import Asked, render
from tallystick_rest.objects import ObjectReader
from tallystick_rest.pages import Found, ListReader, Turner
from tallystick_rest.reads import CursorRule, StreamDescription
from tallystick_rest.times import read_time, write_time

__all__ = ["RestStream"]

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_OPEN = "open"
_TURNS = ("token", "page", "offset", "link", "shown")


class _Read(NamedTuple):
    """A page as it was read: its records, the times of its objects in their order, and how it goes on."""

    records: list[Record]
    times: list[int]
    turned: Cursor | None
    date: int


class RestStream(Stream):
    """One stream of a described system.

    Args:
        described: How it is read.
        objects: Makes records of its objects.
        api: Makes the calls.
        start: Where its history begins, microseconds UTC.
        declared: What else decides how it is read, such as the address.
        size: Objects of a page, if fewer than the description says.
    """

    moves = True

    def __init__(
        self,
        described: StreamDescription,
        objects: ObjectReader,
        api: RestApi,
        *,
        start: int,
        declared: str,
        size: int | None,
    ) -> None:
        self.name = objects.name
        self.types = objects.types
        self.follows = tuple(described.follows)
        said = f"{declared} {start} {objects.revision} {described.model_dump_json(exclude={'records'})}"
        self.revision = hashlib.sha256(said.encode()).hexdigest()
        self._described = described
        self.objects = objects
        self._api = api
        self._start = start
        self._list = ListReader(described.items, self.name)
        self._turner = Turner(described.page, self.name, size)
        self._field = None if described.cursor is None else getter(described.cursor.field, nested=True)

    def plan(self, watermark: int | None, until: int) -> Sequence[Slice]:
        """Cut what is to be read: everything at first, later what is new and an overlap; without a cursor, all of it.

        A list without a cursor is read whole every time, and known from the start of the history on. The last slice is
        open: what changes while it is read leaves its time, and with it goes what it went through before.
        """
        rule = self._described.cursor
        if watermark is None or rule is None:
            return _opened(_cut(self._start, until, 1 if rule is None else rule.slices, _step(rule)))
        start = max(watermark - rule.overlap_seconds * _SECOND, self._start)
        return _opened(_cut(start, until, 1, _step(rule)))

    def read(self, part: Slice) -> Iterator[Page]:
        """Yield the pages of a slice.

        The watermark that ends it is the slice's end, or the system's own clock at its first page less the lag of its
        list, if that was earlier. Before that none is told, though the oldest come first: what an object went through
        long ago comes only with the object, which stands where it changed last.

        Raises:
            SchemaChanged: The answers are not what the description says.
            Error: A call was refused or could not be made.
        """
        rule = self._described.cursor
        return self._walk(part, rule) if rule is not None and rule.keyset else self._turn_pages(part, rule)

    def sample(self, start: int, until: int) -> Found:
        """Give the first page of a time, as it came, for `check`.

        Raises:
            Error: The call was refused or could not be made.
        """
        return self._api.ask(self._asked(start, until, {}), self._list.read)

    # --- windows whose pages are turned

    def _turn_pages(self, part: Slice, rule: CursorRule | None) -> Iterator[Page]:
        cursor = dict(part.cursor)
        length = None if rule is None or rule.window_seconds is None else rule.window_seconds * _SECOND
        while True:
            start = cursor.get("window", part.start)
            end = part.end if length is None else min(start + length, part.end)
            page = self._page(start, _end_of(part, cursor) if end == part.end else end, cursor)
            onward = _carried(cursor, page)
            if page.turned is not None:
                cursor = {**onward, "window": start, **page.turned}
                yield Page(page.records, cursor)
            elif end < part.end:
                cursor = {**onward, "window": end}
                yield Page(page.records, cursor)
            else:
                yield Page(page.records, None, self._known(part.end, onward["date"]))
                return

    # --- from each last object on

    def _walk(self, part: Slice, rule: CursorRule) -> Iterator[Page]:
        """Go on from the time of each page's last object; turn pages only among objects of one time.

        So whatever changes meanwhile moves ahead of us, and the list has no page at which anything could be lost. Among
        objects of one time pages are turned, and where pages are counted they are then turned back: an object that
        leaves them moves the others towards the front, where they are met on the way back.
        """
        cursor = dict(part.cursor)
        while True:
            start, end = cursor.get("from", part.start), _end_of(part, cursor)
            page = self._page(start, end, cursor)
            self._check_order(page.times)
            cursor = {**_carried(cursor, page), **self._onwards(rule, cursor, page, start, end)}
            if "over" in cursor:
                yield Page(page.records, None, self._known(part.end, cursor["date"]))
                return
            yield Page(page.records, cursor)

    def _onwards(self, rule: CursorRule, cursor: Cursor, page: _Read, start: int, end: int) -> Cursor:
        """Give where the walk goes on after a page that was asked for from `start`, up to `end`.

        Pages that are turned back have `back` in their cursor: where it goes on from the first of them.
        """
        last, unit = max(page.times, default=start), rule.unit_seconds * _SECOND
        beyond: Cursor
        if "back" in cursor:
            beyond = cursor["back"]
        elif page.turned is None or last >= end:
            beyond = {"over": True}
        elif last // unit <= start // unit:
            return {"from": start, **page.turned}  # all objects of the page are of one time
        else:
            beyond = {"from": last}
        before = self._turner.before(cursor)
        return beyond if before is None else {"from": start, **before, "back": beyond}

    def _check_order(self, times: Sequence[int]) -> None:
        if any(later < earlier for earlier, later in pairwise(times)):
            raise SchemaChanged(
                f"{self.name}: the list does not come with the oldest objects first, as the description says",
                hint="Ask for that order in the call, or correct `cursor.order` and `cursor.keyset`.",
            )

    # --- one page

    def _page(self, start: int, end: int, cursor: Cursor) -> _Read:
        at = {name: cursor[name] for name in _TURNS if name in cursor}
        found = self._api.ask(self._asked(start, end, at), self._list.read)
        date = clock(found.response, self._api.title)
        records: list[Record] = []
        times: list[int] = []
        for one, raw in zip(found.objects, found.raws, strict=True):
            time = self._time(one)
            if time is not None:
                times.append(time)
            if time is None or start <= time < end or self._described.cursor is None:
                records += self.objects.records(one, raw, date)
        turned = None if "back" in cursor else self._turner.turn(at, found)
        if self._is_past(times, start):
            turned = None
        return _Read(records, times, turned, date)

    def _is_past(self, times: Sequence[int], start: int) -> bool:
        rule = self._described.cursor
        return rule is not None and rule.order == "newest_first" and bool(times) and times[-1] < start

    def _time(self, one: Any) -> int | None:
        rule = self._described.cursor
        return None if rule is None or self._field is None else read_time(self._field(one, None), rule.format)

    def _asked(self, start: int, end: int, at: Cursor) -> Asked:
        if "link" in at:
            return self._api.followed(at["link"])
        return render(self._described.call, {**self._bounds(start, end), **self._turner.given(at)})

    def _bounds(self, start: int, end: int) -> dict[str, str | int]:
        """Give `{start}` and `{end}` so that the system's filter leaves out nothing of `[start, end)`."""
        rule = self._described.cursor
        if rule is None:
            return {}
        form = rule.filter or rule.format
        unit = rule.unit_seconds * _SECOND
        first = start // unit * unit - (unit if rule.bound == "exclusive" else 0)
        last = -(-end // unit) * unit
        return {"start": write_time(max(first, 0), form), "end": write_time(last, form)}

    def _known(self, end: int, date: int) -> int:
        """Give up to when a part is known that was read up to `end`, with its first page answered at `date`."""
        rule = self._described.cursor
        return min(end, date - (0 if rule is None else rule.lag_seconds * _SECOND))


def _opened(parts: list[Slice]) -> list[Slice]:
    return [*parts[:-1], *(Slice(part.start, part.end, {_OPEN: True}) for part in parts[-1:])]


def _end_of(part: Slice, cursor: Cursor) -> int:
    """Give up to when objects of a slice are asked for: an open one has no end, but a filter may need one."""
    return part.end + _DAY if _OPEN in cursor else part.end


def _carried(cursor: Cursor, page: _Read) -> Cursor:
    """Give what goes on from cursor to cursor: whether the slice is open, and the system's clock at its first page."""
    opened = {_OPEN: True} if _OPEN in cursor else {}
    return {"date": cursor.get("date", page.date), **opened}


def _step(rule: CursorRule | None) -> int:
    """Give the length at whose multiples a time may be cut."""
    return _DAY if rule is None else max(rule.window_seconds or rule.unit_seconds, rule.unit_seconds) * _SECOND


def _cut(start: int, end: int, slices: int, step: int) -> list[Slice]:
    """Cut `[start, end)` into about equal slices of at least a day, at multiples of a step after the start."""
    if start >= end:
        return []
    count = max(min(slices, (end - start) // max(_DAY, step)), 1)
    inner = [start + (end - start) * number // count // step * step for number in range(1, count)]
    edges = sorted({start, *(edge for edge in inner if edge > start), end})
    return [Slice(first, last, {}) for first, last in pairwise(edges)]

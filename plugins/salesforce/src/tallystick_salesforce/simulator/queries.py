"""`query`, `queryAll` and what follows a first page.

A cursor keeps which rows it found; what stands in them is read when their page is asked for. So a row that changes
between two pages is delivered as it is then, and one that was deleted meanwhile is missing from its page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tallystick_salesforce.simulator.call import Call
from tallystick_salesforce.simulator.errors import WireError
from tallystick_salesforce.simulator.ids import made
from tallystick_salesforce.simulator.plan import DAY
from tallystick_salesforce.simulator.rendering import renderer
from tallystick_salesforce.simulator.schema import Schema
from tallystick_salesforce.simulator.soql import Bound, bind
from tallystick_salesforce.simulator.values import Row
from tallystick_salesforce.simulator.world import World

__all__ = ["PAGE", "Queries"]

PAGE = 2_000
"""Rows of a page at most."""

_LEAST = 200
_LIVES = 2 * DAY
_URI = 16_384


@dataclass(frozen=True, slots=True)
class _Cursor:
    bound: Bound
    records: list[str]
    every: bool
    opened: int


class Queries:
    """The queries of one org.

    Args:
        world: The org.
        schema: What the reader may see.
        page: Rows of a page at most.
        short: Whether every page has a third fewer rows than asked for.
    """

    def __init__(self, world: World, schema: Schema, *, page: int = PAGE, short: bool = False) -> None:
        self._world = world
        self._schema = schema
        self._page = page
        self._short = short
        self._cursors: dict[str, _Cursor] = {}

    def answer(self, call: Call, *, short: bool = False) -> dict[str, Any]:
        """Answer a query or a further page; `short` makes the page a short one.

        Raises:
            WireError: The statement or the locator is refused.
        """
        resource, _, locator = call.rest.partition("/")
        size = self._size(call, short=short or self._short)
        if locator:
            return self._further(call, locator, size)
        if len(call.path) + len(call.query.get("q", "")) > _URI:
            raise WireError(414, "URI_TOO_LONG", "The request URI is too long")
        if "q" not in call.query:
            raise WireError.bad("MALFORMED_QUERY", "SOQL statements cannot be empty or null")
        every = resource == "queryAll"
        bound = bind(call.query["q"], self._world.org, self._schema, call.version)
        rows = bound.rows(every=every, unshared=self._world.unshared())
        if bound.counting:
            return {"totalSize": len(rows), "done": True, "records": []}
        if bound.shape.virtual:
            render = renderer(bound, call.base)
            return {"totalSize": len(rows), "done": True, "records": [render(row) for row in rows]}
        cursor = _Cursor(bound, [row["Id"] for row in rows], every, self._world.now)
        return self._cut(call, cursor, made("0r8", len(self._cursors) + 1), 0, size)

    def _further(self, call: Call, text: str, size: int) -> dict[str, Any]:
        locator, _, place = text.partition("-")
        cursor = self._cursors.get(locator)
        if cursor is None or not place.isdigit() or cursor.opened + _LIVES < self._world.now:
            raise WireError.bad("INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._cut(call, cursor, locator, int(place), size)

    def _cut(self, call: Call, cursor: _Cursor, locator: str, first: int, size: int) -> dict[str, Any]:
        render = renderer(cursor.bound, call.base, every=cursor.every, unshared=self._world.unshared())
        records, last, weight = list[Row](), first, 0
        # Child rows count towards the page.
        while last < len(cursor.records) and weight < size:
            row = cursor.bound.current(cursor.records[last], every=cursor.every)
            last, weight = last + 1, weight + 1
            if row is not None:
                records.append(render(row))
                weight += sum(len((records[-1][name] or {"records": ()})["records"]) for name in cursor.bound.children)
        page: dict[str, Any] = {"totalSize": len(cursor.records), "done": last >= len(cursor.records)}
        if not page["done"]:
            self._cursors[locator] = cursor
            page["nextRecordsUrl"] = f"{call.base}/query/{locator}-{last}"
        return {**page, "records": records}

    def _size(self, call: Call, *, short: bool) -> int:
        found = re.search(r"batchSize=(\d+)", call.headers.get("sforce-query-options", ""))
        asked = max(_LEAST, int(found[1])) if found else PAGE
        size = min(asked, self._page)
        return max(size * 2 // 3, 1) if short else size

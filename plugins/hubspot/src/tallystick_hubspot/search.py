"""Searches: every object that changed in a window of time, in the order of their ids.

The order is that of ids and never that of times: when one change of HubSpot's own gives ten thousand objects one
time stamp, a search by time cannot get past them. Each page is a new search from the last id on, so the limit of ten
thousand rows per search is never met.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec

from tallystick.connectors import Response
from tallystick.errors import SchemaChanged
from tallystick_hubspot.client import HubSpotApi, clock
from tallystick_hubspot.kinds import Kind
from tallystick_hubspot.objects import SearchPage

__all__ = ["PAGE", "Batch", "Groups", "Item", "changed", "gather", "unstamped"]

PAGE = 200
"""Rows of a page, the most HubSpot gives."""

Groups: TypeAlias = Sequence[Sequence[dict[str, str]]]
"""Filters of a search: all of a group have to be met, of any group."""

_PAGES = 5
_DECODE = msgspec.json.Decoder(SearchPage).decode


class Item(msgspec.Struct, frozen=True, gc=False):
    """An object that was found: its id, its JSON exactly as delivered, and what we read of it."""

    id: str
    raw: bytes
    row: Any


class Batch(NamedTuple):
    """Some pages: the objects in the order of their ids, the last id, whether that is all, HubSpot's clock at first."""

    items: list[Item]
    last: int
    end: bool
    date: int


class _Page(NamedTuple):
    items: list[Item]
    more: bool
    date: int


def changed(kind: Kind, start: int, end: int) -> Groups:
    """Give the filters for what changed in `[start, end)`, microseconds UTC; widened to whole milliseconds."""
    return [
        [
            {"propertyName": kind.stamp, "operator": "GTE", "value": str(start // 1_000)},
            {"propertyName": kind.stamp, "operator": "LT", "value": str(-(-end // 1_000))},
        ]
    ]


def unstamped(kind: Kind, known: Container[str], before: int, since: int) -> Groups:
    """Give the filters for what may have changed without a stamp: the open ones and those that others went into.

    There are none where the account lacks the properties that tell.

    Args:
        kind: The kind.
        known: The properties of the kind in this account.
        before: What changed later was found already; microseconds UTC.
        since: What takes place later counts as open where only its time tells; microseconds UTC.
    """
    unchanged = {"propertyName": kind.stamp, "operator": "LT", "value": str(before // 1_000)}
    groups = []
    if kind.since is not None and kind.since in known:
        groups.append([{"propertyName": kind.since, "operator": "GTE", "value": str(since // 1_000)}, unchanged])
    if kind.open and all(one["propertyName"] in known for one in kind.open):
        groups.append([*kind.open, unchanged])
    if kind.merges and "hs_merged_object_ids" in known:
        groups.append([{"propertyName": "hs_merged_object_ids", "operator": "HAS_PROPERTY"}, unchanged])
    return groups


def gather(
    api: HubSpotApi, kind: Kind, properties: Sequence[str], groups: Groups, after: int, *, size: int = PAGE
) -> Batch:
    """Give up to five pages of objects that meet the filters of any group, with ids above `after`.

    Args:
        api: Makes the calls.
        kind: What is searched.
        properties: What is asked for.
        groups: Filters; an object has to meet all of one group.
        after: The last id that was read.
        size: Rows of a page.

    Raises:
        SchemaChanged: The search goes on without moving on.
        Error: A call was refused or could not be made.
    """
    order = {"propertyName": "hs_object_id", "direction": "ASCENDING"}
    asked = {"sorts": [order], "properties": properties, "limit": size}
    items: list[Item] = []
    date: int | None = None
    while True:
        page = _page(api, kind, {"filterGroups": _beyond(groups, after), **asked})
        date = page.date if date is None else date
        for item in page.items:
            # A search that does not keep to the order would lose objects without a word.
            if int(item.id) <= after:
                raise _stuck(kind)
            after = int(item.id)
        items += page.items
        if not page.more:
            return Batch(items, after, True, date)
        if not page.items:
            raise _stuck(kind)
        if len(items) >= _PAGES * size:
            return Batch(items, after, False, date)


def _beyond(groups: Groups, after: int) -> Sequence[Mapping[str, object]]:
    """Give the filters as they are sent, for ids above `after`."""
    beyond = {"propertyName": "hs_object_id", "operator": "GT", "value": str(after)}
    return [{"filters": [*filters, beyond]} for filters in groups]


def _page(api: HubSpotApi, kind: Kind, body: Mapping[str, object]) -> _Page:
    decode = kind.decode

    def convert(response: Response) -> _Page:
        page = _DECODE(response.body)
        items = []
        for found in page.results:
            raw = bytes(found)
            row = decode(raw)
            key = row.id if type(row.id) is str else str(row.id)
            if not (key.isascii() and key.isdigit()):
                raise msgspec.ValidationError("an object's id is no number")
            items.append(Item(key, raw, row))
        # A page may be shorter than asked; what is left is told by the number of rows that meet the filters.
        more = (page.paging is not None and page.paging.after is not None) or (page.total or 0) > len(items)
        return _Page(items, more, clock(response))

    return api.post(f"{api.paths.objects(kind.name)}/search", body, convert)


def _stuck(kind: Kind) -> SchemaChanged:
    return SchemaChanged(
        f"the search of {kind.name} does not keep to the order of ids, so it would lose some",
        hint="Run the sync again; if it stays so, report it to the plugin's author.",
    )

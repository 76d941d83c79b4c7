"""Histories: the values some properties had, with who wrote them, for fifty objects at once.

HubSpot returns a limited number of old values, so a history is read early and kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import msgspec

from tallystick.connectors import Response
from tallystick_hubspot.associations import check_faults
from tallystick_hubspot.client import HubSpotApi
from tallystick_hubspot.objects import Entry, HistoryPage, HistoryRow, moment

__all__ = ["BATCH", "Histories", "Written", "histories", "read_histories"]

BATCH = 50
"""Objects of a batch with histories, the most HubSpot takes."""

_NONE_THERE = frozenset({"OBJECT_NOT_FOUND"})
_DECODE = msgspec.json.Decoder(HistoryPage).decode
_LIST = msgspec.json.Decoder(list[msgspec.Raw]).decode
_ENTRY = msgspec.json.Decoder(Entry).decode


class Written(NamedTuple):
    """One value of a property: when it was written (microseconds UTC), what is told of it, its JSON as delivered."""

    at: int
    entry: Entry
    raw: bytes


Histories: TypeAlias = dict[str, list[Written]]
"""The values of an object's properties by name, oldest first."""


def histories(api: HubSpotApi, kind: str, properties: Sequence[str], ids: Sequence[str]) -> dict[str, Histories]:
    """Give the histories of some properties by the id of the object; one that is not there has none.

    Args:
        api: Makes the calls.
        kind: Kind of the objects.
        properties: Whose history is read.
        ids: Ids of the objects.

    Raises:
        Error: A call was refused in whole or in part, or could not be made.
    """
    found: dict[str, Histories] = {}

    def convert(response: Response) -> dict[str, Histories]:
        page = _DECODE(response.body)
        check_faults(page.errors, page.num_errors, _NONE_THERE)
        return {str(row.id): read_histories(row, properties) for row in page.results}

    for start in range(0, len(ids), BATCH):
        body = {
            "properties": ["hs_object_id"],
            "propertiesWithHistory": properties,
            "inputs": [{"id": key} for key in ids[start : start + BATCH]],
        }
        found |= api.post(f"{api.paths.objects(kind)}/batch/read", body, convert)
    return found


def read_histories(row: HistoryRow, properties: Sequence[str]) -> Histories:
    """Give the histories of some properties that came with an object.

    Raises:
        msgspec.ValidationError: One is no list, or a value in it has no time.
    """
    told = row.properties_with_history or {}
    return {name: _written(_LIST(told[name])) for name in properties if name in told}


def _written(raws: Sequence[msgspec.Raw]) -> list[Written]:
    """Give the values of one property, oldest first; of one instant, in the order in which they were delivered."""
    found = []
    for raw in reversed(raws):
        entry = _ENTRY(raw)
        when = moment(entry.timestamp)
        if when is None:
            raise msgspec.ValidationError("a value in a history has no time")
        found.append(Written(when, entry, bytes(raw)))
    found.sort(key=lambda one: one.at)
    return found

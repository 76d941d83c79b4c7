"""Provenance: the histories of properties become `change` records; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from tallystick.connectors import CustomField, extract
from tallystick.records.model import Record, Value
from tallystick_hubspot.directory import Directory
from tallystick_hubspot.history import Histories
from tallystick_hubspot.kinds import Kind
from tallystick_hubspot.objects import Entry, at, number
from tallystick_hubspot.sales import call_status, meeting_status
from tallystick_hubspot.settings import Settings
from tallystick_hubspot.who import MERGE, NOBODY, Who, writer

__all__ = ["ChangeReader"]

_Read = Callable[[str], Any]


class ChangeReader:
    """Turns histories into records.

    A value is written as our column has it where the property is one: owners by their user id, outcomes in our words;
    and as the type says where the property is a declared field.

    Args:
        kind: Whose histories they are.
        settings: How objects become records.
        directory: Knows who an owner is.
    """

    def __init__(self, kind: Kind, settings: Settings, directory: Directory) -> None:
        self._kind = kind
        self._names: Mapping[str, str] = settings.names(kind)
        self._read: dict[str, _Read] = {name: _typed(field) for name, field in settings.typed(kind).items()}
        self._configured = set(self._read)
        self._configured |= {"hs_meeting_outcome"} if settings.outcomes else set()
        self._configured |= {"hs_call_disposition"} if settings.dispositions else set()
        self._read["hubspot_owner_id"] = directory.user
        if kind.name == "meetings":
            self._read["hs_meeting_outcome"] = lambda text: meeting_status(text, settings)
            self._read["hs_meeting_start_time"] = self._read["hs_meeting_end_time"] = at
        if kind.name == "calls":
            self._read["hs_call_disposition"] = lambda text: call_status(text, None, settings)
            self._read["hs_call_duration"] = lambda text: None if (ms := number(text)) is None else ms // 1_000

    def records(self, key: str, found: Histories) -> Iterator[Record]:
        """Yield the changes of an object, those of a property oldest first.

        The value before the oldest one that HubSpot returns is not known.

        Args:
            key: The object's id.
            found: Its histories by property.
        """
        kind = self._kind.record
        for name, entries in found.items():
            field = self._names.get(name, name)
            before: str | None = None
            seen: dict[int, int] = {}
            for when, entry, raw in entries:
                new = self._value(name, entry)
                who = _author(entry)
                place = seen[when] = seen.get(when, 0) + 1
                part = f"{kind}.{key}.{name}.{when // 1_000}" + (f".{place}" if place > 1 else "")
                values: tuple[Value, ...] = (
                    *(when, kind, key, entry.source_type, field, before, new),
                    *(who.user, who.app, None),
                )
                # What the configuration alone decides changes no byte of the entry.
                beside: dict[str, Value] | None = {"field": field, "new": new} if name in self._configured else None
                yield Record("change", part, when, values, raw, False, beside)
                before = new

    def _value(self, name: str, entry: Entry) -> str:
        text = entry.value
        read = self._read.get(name)
        if read is not None and text:
            return msgspec.json.encode(read(text)).decode()
        return msgspec.json.encode(text or None).decode()


def _author(entry: Entry) -> Who:
    """Give who wrote a value; whoever merged two objects did not write what came over from the other one."""
    return NOBODY if (entry.source_type or "").upper() == MERGE else writer(entry)


def _typed(field: CustomField) -> _Read:
    """Give a reader of a declared field; what does not read as its type stays the text it is."""
    alone = field.model_copy(update={"path": "value"})

    def read(text: str) -> Any:
        found = extract({"value": text}, {"value": alone})["value"]
        return text if found is None or isinstance(found, Decimal) else found

    return read

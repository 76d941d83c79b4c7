"""An object of a list becomes records: it is completed by calls of its own where the description says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

import msgspec

from tallystick.connectors import Cursor, CustomField, Response
from tallystick.connectors.mapping import Document, Mapper, RecordMapping, decode_object, getter
from tallystick.errors import PermanentError, RetryableError, SchemaChanged
from tallystick.records.model import Record
from tallystick.records.types import RECORD_TYPES
from tallystick_rest.api import RestApi, clock
from tallystick_rest.calls import Asked, render
from tallystick_rest.faults import MissingError
from tallystick_rest.pages import ListReader, Turner
from tallystick_rest.reads import Budget, ChildRead, Cut, SingleObject, StreamDescription

__all__ = ["ObjectReader", "Purse"]

READ_AT = "$read_at"
"""The instant, by the system's own clock, at which it answered with the object."""

CUT = "$cut"
"""True in an object of which a list is not whole."""


class Purse:
    """The calls that a sync may spend on what belongs to the objects of lists; shared by all threads.

    Args:
        budget: As the description says.
    """

    def __init__(self, budget: Budget) -> None:
        self.each = budget.calls_per_object
        self._budget = budget
        self._left = budget.calls_per_sync
        self._lock = Lock()

    def spend(self) -> None:
        """Spend one call.

        Raises:
            RetryableError: None is left.
        """
        with self._lock:
            if self._left < 1:
                raise RetryableError(
                    f"the {self._budget.calls_per_sync:,} calls are spent that one sync may spend on single objects",
                    hint="What was read is stored and the next sync goes on there; raise budget.calls_per_sync if it"
                    " is to read more at once.",
                )
            self._left -= 1


class ObjectReader:
    """Completes the objects of one stream and maps them.

    Args:
        name: The stream.
        described: How it is read.
        document: Its part of the file, for positions in messages.
        api: Makes the calls.
        purse: What they are spent from.
        custom: Custom fields that the buyer declared, by record type.

    Raises:
        ConfigurationError: A mapping names an instant that is not known here.
    """

    def __init__(
        self,
        name: str,
        described: StreamDescription,
        document: Document,
        *,
        api: RestApi,
        purse: Purse,
        custom: Mapping[str, Mapping[str, CustomField]],
    ) -> None:
        self.name = name
        self._api = api
        self._purse = purse
        self._single = described.object
        self._item = (
            None if self._single is None or self._single.item is None else getter(self._single.item, nested=True)
        )
        self._id = getter(described.id, nested=True)
        self._cut = None if described.cut is None else _Whole(described.cut)
        self._children = {key: _Child(f"{name}.{key}", child, api, purse) for key, child in described.children.items()}
        apart = {place for place, entry in enumerate(described.records) if _root(entry) in self._children}
        mappings = document.at(("records",))

        def mapper(only: set[int]) -> Mapper:
            return Mapper(described.records, mappings, nested=True, given=(READ_AT,), custom=custom, only=only)

        self._entries = described.records
        self._alone: Callable[[int], Mapper] = lambda place: mapper({place})
        self._own = mapper(set(range(len(described.records))) - apart)
        self._apart = mapper(apart)
        self.types = tuple(dict.fromkeys(entry.type for entry in described.records))
        self.revision = self._own.revision + self._apart.revision

    def key(self, found: Any) -> str:
        """Give the id of an object.

        Raises:
            SchemaChanged: It has none.
        """
        key = self._id(found, None)
        if isinstance(key, bool) or not isinstance(key, (str, int)) or key == "":
            raise SchemaChanged(f"{self.name}: an object has no id", hint="Correct `id` of the stream.")
        return str(key)

    def records(self, found: Any, raw: bytes, date: int) -> list[Record]:
        """Give the records of an object of the list, completed where the description says so.

        Args:
            found: The object.
            raw: Its bytes as delivered.
            date: The system's clock when it answered.

        Raises:
            Error: A call was refused or could not be made; or what came cannot be mapped.
        """
        if self._single is None or not self._single.each:
            return self._mapped(found, raw, date)
        self._purse.spend()
        try:
            return self._mapped(*self._one(self._single, self.key(found)))
        except MissingError:
            return self._gone(found, raw, date) if self._single.missing == "deleted" else []

    def look_up(self, key: str) -> list[Record]:
        """Give the records of one object, read live.

        Raises:
            MissingError: There is none.
            Error: As `records`.
        """
        if self._single is None:
            raise PermanentError(f"{self.name} has no call for a single object", hint="Describe it as `object`.")
        return self._mapped(*self._one(self._single, key))

    def unknown(self, found: Sequence[tuple[Any, bytes]], date: int, *, most: int) -> list[str]:
        """Give the mapped columns that are unknown in all records of a sample, for `check`; lists of children are left.

        Args:
            found: Objects of the list with their bytes; the first ones are read alone where a sync does so.
            date: The system's clock when it answered.
            most: How many single objects are read.

        Raises:
            Error: A call was refused, or what came cannot be mapped.
        """
        if self._single is not None and self._single.each:
            found = [self._one(self._single, self.key(one))[:2] for one, _ in found[:most]]
        missing: dict[str, None] = {}
        for place, entry in enumerate(self._entries):
            records = [
                record
                for one, raw in found
                for record in self._alone(place).records(one, raw, self.name, {READ_AT: date})
            ]
            names = [column.name for column in RECORD_TYPES[entry.type].columns]
            for name in entry.columns:
                column = names.index(name)
                if any(not record.deleted for record in records) and all(
                    record.values[column] is None for record in records
                ):
                    missing[f"{entry.type}.{name}"] = None
        return list(missing)

    def _one(self, single: SingleObject, key: str) -> tuple[Any, bytes, int]:
        def read(response: Response) -> tuple[Any, bytes, int]:
            found, raw = decode_object(response.body), response.body
            if self._item is not None:
                raw = _slice(response.body, single)
                found = self._item(found, None)
            if type(found) is not dict:
                raise SchemaChanged(f"{self.name}: the answer holds no object", hint="Correct `object.item`.")
            return found, raw, clock(response, self._api.title)

        return self._api.ask(render(single, {"id": key}), read)

    def _mapped(self, found: Any, raw: bytes, date: int) -> list[Record]:
        where = f"{self.name} {self.key(found)[:40]}" if self._children or self._single else self.name
        given = {READ_AT: date}
        if self._cut is not None and not self._cut.is_whole(found):
            found = {**found, CUT: True}
        records = self._own.records(found, raw, where, given)
        for name, child in self._children.items():
            objects, raws = child.read(self.key(found))
            if raws:
                around = {**found, name: objects}
                records += self._apart.records(around, _joined(raw, name, raws), where, given)
        return records

    def _gone(self, found: Any, raw: bytes, date: int) -> list[Record]:
        """Give tombstones of the records that the object itself became."""
        mapped = self._own.records(found, raw, self.name, {READ_AT: date})
        own = [record for record in mapped if record.raw == raw]
        return [
            Record(record.type, record.id, date, (None,) * len(RECORD_TYPES[record.type].columns), raw, True)
            for record in own
        ]


class _Whole:
    """Tells whether a list inside an object is whole."""

    def __init__(self, cut: Cut) -> None:
        self._list = getter(cut.list, nested=True)
        self._total = getter(cut.total, nested=True)

    def is_whole(self, found: Any) -> bool:
        there, total = self._list(found, None), self._total(found, None)
        return not isinstance(total, int) or (isinstance(there, list) and len(there) >= total)


class _Child:
    """A list that belongs to an object, read by calls of its own."""

    def __init__(self, name: str, described: ChildRead, api: RestApi, purse: Purse) -> None:
        self._call = described.call
        self._list = ListReader(described.items, name)
        self._turner = Turner(described.page, name)
        self._name = name
        self._api = api
        self._purse = purse

    def read(self, key: str) -> tuple[list[Any], list[bytes]]:
        """Give the objects of the whole list of one object, with their bytes."""
        objects: list[Any] = []
        raws: list[bytes] = []
        at: Cursor = {}
        for _ in range(self._purse.each):
            self._purse.spend()
            found = self._api.ask(self._asked(key, at), self._list.read)
            objects += found.objects
            raws += found.raws
            turned = self._turner.turn(at, found)
            if turned is None:
                return objects, raws
            at = turned
        raise PermanentError(
            f"{self._name}: one object needs more than the {self._purse.each} calls it may cost",
            hint="Raise budget.calls_per_object.",
        )

    def _asked(self, key: str, at: Cursor) -> Asked:
        if "link" in at:
            return self._api.followed(at["link"])
        return render(self._call, {"id": key, **self._turner.given(at)})


def _root(entry: RecordMapping) -> str | None:
    """Give the name at which the list of a mapping with `each` begins."""
    if entry.each is None:
        return None
    return entry.each.partition(".")[0] if isinstance(entry.each, str) else str(entry.each[0])


def _joined(raw: bytes, name: str, raws: Sequence[bytes]) -> bytes:
    """Give an object with a list under a name, all of it byte for byte as it was delivered."""
    body = raw.strip()
    sign = b"" if body == b"{}" or not body[1:-1].strip() else b","
    return b"%b%b%b:[%b]}" % (body[:-1], sign, msgspec.json.encode(name), b",".join(raws))


def _slice(body: bytes, single: SingleObject) -> bytes:
    item = single.item or ""
    steps = item.split(".") if isinstance(item, str) else [str(step) for step in item]
    found: msgspec.Raw | bytes = body
    for step in steps:
        found = msgspec.json.decode(found, type=dict[str, msgspec.Raw]).get(step, msgspec.Raw(b"null"))
    return bytes(found)

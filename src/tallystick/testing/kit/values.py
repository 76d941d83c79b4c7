"""Checks of the records themselves: known types, right kinds of values, and the bytes as they came."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from tallystick.connectors.base import Connector
from tallystick.records.kinds import Kind
from tallystick.records.model import Record
from tallystick.records.types import RECORD_TYPES
from tallystick.testing.kit.base import KitBase, needs
from tallystick.testing.kit.capability import Capability
from tallystick.testing.kit.desk import Desk
from tallystick.testing.kit.failing import fail, require

__all__ = ["ValueChecks"]

_KINDS: dict[Kind, type] = {
    "text": str,
    "integer": int,
    "money": Decimal,
    "rate": Decimal,
    "boolean": bool,
    "instant": int,
}


class ValueChecks(KitBase):
    """What a connector hands over, before it is stored."""

    def test_streams_feed_known_record_types(self, desk: Desk) -> None:
        """Every stream names record types that exist, and gives records of these only; each of `creates` is fed."""
        desk.fill(self.creates, 0.2)
        connector = desk.connect()
        fed = {name: stream.types for stream in connector.streams() for name in stream.types}
        known = {name for name, kind in RECORD_TYPES.items() if not kind.of}
        strange = sorted(fed.keys() - known)
        require(not strange, f"there is no record type {', '.join(strange)}", f"There are: {', '.join(sorted(known))}.")
        missing = sorted(set(self.creates) - fed.keys())
        require(not missing, f"no stream feeds {', '.join(missing)}", "Name every type a stream gives in its `types`.")
        for stream, record in _records(desk, connector):
            require(
                record.type in fed and record.type in stream,
                f"a stream gives {record.type} and says that it feeds {', '.join(stream)}",
                "Name every type a stream gives in its `types`: an absence is known by the watermarks of these.",
            )

    def test_values_have_the_types_of_their_columns(self, desk: Desk) -> None:
        """Each value is of its column's Python type or None: instants int, money Decimal, and nowhere a float."""
        desk.fill(self.creates, 0.2)
        for _, record in _records(desk, desk.connect()):
            columns = RECORD_TYPES[record.type].columns if record.type in RECORD_TYPES else ()
            require(
                len(record.values) == len(columns),
                f"{record.type} {record.id} has {len(record.values)} values for {len(columns)} columns",
                "Give a value for each column of the record type, in its order; None for what is unknown.",
            )
            for column, value in zip(columns, record.values, strict=True):
                require(
                    value is None or type(value) is _KINDS[column.kind],
                    f"{record.type} {record.id}: {column.name} is {type(value).__name__} {value!r}, not {column.kind}",
                    "Instants are int (microseconds UTC), money and rates Decimal; read numbers of JSON without float.",
                )

    @needs(Capability.VERBATIM)
    def test_raw_bytes_are_as_delivered(self, desk: Desk) -> None:
        """The raw bytes of each record stand, as they are, in what the system delivered."""
        desk.fill(self.creates, 0.2)
        connector = desk.connect()
        with desk.system.delivered() as bodies:
            records = [record for _, record in _records(desk, connector)]
        whole = b"\n".join(bodies)
        for record in records:
            require(
                record.raw and _kept(record.raw) in whole,
                f"the raw bytes of {record.type} {record.id} are not what the system delivered: {record.raw[:80]!r}",
                "Keep the slice of the answer that is the object (`msgspec.Raw`); do not encode it again.",
            )


class _Item(msgspec.Struct):
    item: msgspec.Raw


def _kept(raw: bytes) -> bytes:
    """Give what was delivered: all of it, or the item of a mapping that also reads the object around."""
    return bytes(msgspec.json.decode(raw, type=_Item).item) if raw.startswith(b'{"^":') else raw


def _records(desk: Desk, connector: Connector) -> Iterator[tuple[tuple[str, ...], Record]]:
    """Give all records of a first load, with the types that their stream says it feeds."""
    count = 0
    for stream in connector.streams():
        for part in stream.plan(None, desk.system.now()):
            for page in stream.read(part):
                for record in page.records:
                    count += 1
                    yield stream.types, record
    if not count:
        fail(
            "a first load gave no record at all", "Let `plan` cut the time since the start of the history into slices."
        )

"""What a store holds after a sync, in a form that two runs can be compared by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from tallystick.records.store import RecordStore
from tallystick.records.types import RECORD_TYPES

__all__ = ["Contents", "Key", "State", "difference", "read_contents"]

Key: TypeAlias = tuple[str, str]
"""Record type and id."""


class State(NamedTuple):
    """One stored version: its typed columns, the raw bytes, and when it was stored; `seq` is not compared."""

    columns: Mapping[str, Any]
    custom: str | None
    raw: str
    deleted: bool
    seq: int

    @property
    def facts(self) -> tuple[Any, ...]:
        """What is told of the object."""
        return (self.columns, self.custom, self.deleted)


Contents: TypeAlias = dict[Key, tuple[State, ...]]
"""The versions of each record, oldest first."""


def read_contents(store: RecordStore, source: str) -> Contents:
    """Give all that is stored of a source."""
    found: dict[Key, list[State]] = {}
    for kind, row in _rows(store, source):
        columns = {name: row[name] for name in RECORD_TYPES[kind].column}
        state = State(columns, row["custom"], row["raw"], row["deleted"], row["seq"])
        found.setdefault((kind, row["id"]), []).append(state)
    return {key: tuple(sorted(states, key=lambda state: state.seq)) for key, states in sorted(found.items())}


def difference(expected: Contents, found: Contents, *, newest: bool = False) -> str:
    """Say where two runs differ; empty when they do not.

    Args:
        expected: What should be stored.
        found: What is.
        newest: Compare only what is told of each object now: a system may deliver the same state in other bytes, as
            part of an event for example.
    """
    if missing := sorted(expected.keys() - found.keys()):
        return f"{len(missing)} records are missing, the first is {_named(missing[0])}"
    if more := sorted(found.keys() - expected.keys()):
        return f"{len(more)} records are too many, the first is {_named(more[0])}"
    for key, states in expected.items():
        wanted, had = (states[-1:], found[key][-1:]) if newest else (states, found[key])
        if len(wanted) != len(had):
            return f"{_named(key)} has {len(had)} versions instead of {len(wanted)}"
        for one, other in zip(wanted, had, strict=True):
            if one.facts != other.facts or (one.raw != other.raw and not newest):
                return f"{_named(key)} differs in {', '.join(_differing(one, other))}"
    return ""


def _rows(store: RecordStore, source: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from tallystick.records.scan import select_segments

    with store.engine.connect() as connection:
        for kind in RECORD_TYPES:
            for path in select_segments(connection, store, source, kind).whole:
                table = pq.read_table(path, partitioning=None)
                for place, field in enumerate(table.schema):
                    if pa.types.is_timestamp(field.type):
                        table = table.set_column(place, field.name, table.column(place).cast(pa.int64()))
                yield from ((kind, row) for row in table.to_pylist())


def _differing(one: State, other: State) -> Sequence[str]:
    columns = [name for name, value in one.columns.items() if other.columns[name] != value]
    return [*columns, *(name for name in ("custom", "raw", "deleted") if getattr(one, name) != getattr(other, name))]


def _named(key: Key) -> str:
    return f"{key[0]} {key[1]}"

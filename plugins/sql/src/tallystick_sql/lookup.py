"""One record, live: the row that it came from, as the warehouse holds it now."""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.connectors.mapping import RecordMapping
from tallystick.errors import ConfigurationError
from tallystick.records.model import Record
from tallystick.records.types import RECORD_TYPES
from tallystick_sql import statements
from tallystick_sql.streams import TableStream
from tallystick_sql.warehouse import Snapshot, Warehouse

__all__ = ["look_up"]

_MOST = 1000
_NOW = 2**52
"""Later than any row: a person who looks a record up wants it as it is."""


def look_up(warehouse: Warehouse, streams: Sequence[TableStream], ref: str) -> list[Record]:
    """Give the newest version of each record of that id.

    Args:
        warehouse: Where to ask.
        streams: Its tables.
        ref: `ticket:7`, or an id alone, which may be of any type.

    Raises:
        ConfigurationError: No table holds it, or the id of the type is made of what no statement can find.
        ConnectorError: A statement was refused.
    """
    kind, sign, key = ref.partition(":")
    if not sign or kind not in RECORD_TYPES:
        kind, key = "", ref
    found: dict[str, Record] = {}
    with warehouse.snapshot() as snapshot:
        for stream in streams:
            for entry in stream.described.records:
                if kind not in {"", entry.type}:
                    continue
                for record in _records(snapshot, stream, entry, key):
                    known = found.get(record.type)
                    if (record.type, record.id) == (entry.type, key) and (known is None or record.as_of >= known.as_of):
                        found[record.type] = record
    if not found:
        raise ConfigurationError(f"the warehouse holds no {ref}", hint="Look it up in the system it was loaded from.")
    return list(found.values())


def _records(snapshot: Snapshot, stream: TableStream, entry: RecordMapping, key: str) -> list[Record]:
    paths = [entry.id.path] if entry.id.path is not None else entry.id.join or []
    columns = [path for path in paths if isinstance(path, str)]
    if entry.each is not None or len(columns) != len(paths) or not columns or entry.id.values or entry.id.take:
        raise ConfigurationError(
            f"the id of {entry.type} in {stream.name} is not made of columns alone, so that no statement finds it",
            hint="Map the id to a column, or to several joined ones.",
        )
    rows = snapshot.ask(statements.rows_of(stream.described.table, columns, entry.id.with_, key, _MOST))
    complete = stream.complete(snapshot, _NOW, None) if stream.described.given else None
    given = {} if complete is None else {"$complete_until": complete}
    return [record for records in stream.records(rows, given) for record in records]

"""What a newer snapshot lacks: the records of the one before that were deleted in between."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing

from tallystick.connectors.mapping import row_bytes
from tallystick.records.model import Record
from tallystick.records.types import RECORD_TYPES
from tallystick_files.exports import Export
from tallystick_files.opening import broken
from tallystick_files.reading import ExportReader

__all__ = ["missing_records", "tombstone"]


def missing_records(
    reader: ExportReader, before: Export, export: Export, *, most_missing: int, where: str, size: int, skip: int = 0
) -> Iterator[list[Record]]:
    """Give tombstones of what the snapshot before held and this one does not, in a fixed order, in pages.

    Both files are read for it, and their ids lie on disk meanwhile: memory stays flat.

    Args:
        reader: Reads both.
        before: The older one.
        export: The newer one.
        most_missing: Per cent of the older one that may be missing.
        where: Connector, stream and file, for messages.
        size: Tombstones in a page.
        skip: Tombstones that an earlier run gave.

    Raises:
        ConnectorError: A file cannot be used, or more is missing than can be believed.
    """
    # An unnamed database lies in a file that is gone when it is closed.
    with closing(sqlite3.connect("", isolation_level=None)) as ids:
        ids.execute("CREATE TABLE older (type TEXT, id TEXT, PRIMARY KEY (type, id)) WITHOUT ROWID")
        ids.execute("BEGIN")
        for records in _pages(reader, before):
            ids.executemany("INSERT OR IGNORE INTO older VALUES (?, ?)", records)
        total = ids.execute("SELECT count(*) FROM older").fetchone()[0]
        for records in _pages(reader, export):
            ids.executemany("DELETE FROM older WHERE type = ? AND id = ?", records)
        missing = ids.execute("SELECT count(*) FROM older").fetchone()[0]
        if missing * 100 > most_missing * total:
            raise broken(
                where,
                f"it lacks {missing:,} of the {total:,} records of {before.name}, more than {most_missing} per cent",
                "Is it whole? If so many were really deleted, raise most_missing for this run.",
            )
        found = ids.execute("SELECT type, id FROM older ORDER BY type, id LIMIT -1 OFFSET ?", (skip,))
        while rows := found.fetchmany(size):
            yield [tombstone(kind, key, before, export) for kind, key in rows]


def _pages(reader: ExportReader, export: Export) -> Iterator[Sequence[tuple[str, str]]]:
    for batch in reader.batches(export):
        yield [(record.type, record.id) for record in batch.records if not record.deleted]


def tombstone(kind: str, key: str, before: Export, export: Export) -> Record:
    """Give the record of what one snapshot held and the next one lacks: deleted by the instant of the newer one."""
    raw = row_bytes({"absent_from": export.name, "id": key, "last_in": before.name, "type": kind})
    unknown = (None,) * len(RECORD_TYPES[kind].columns)
    return Record(kind, key, export.exported_at or 0, unknown, raw, True)

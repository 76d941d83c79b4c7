"""Rows of one record and one instant: which of them counts."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, suppress

from tallystick.errors import ConnectorError
from tallystick.records.model import Record
from tallystick_files.exports import Export
from tallystick_files.opening import broken
from tallystick_files.reading import ExportReader

__all__ = ["find_overwritten", "refuse_doubles", "version_key"]


def find_overwritten(reader: ExportReader, exports: Sequence[Export]) -> Collection[bytes]:
    """Give what tells the rows that a later row of the same record and instant overwrites, as `version_key` gives it.

    Only one of two states of one instant can be the newer one, and it is the one that was exported last. Without this
    both would be stored, and again whenever their file is read again.

    Args:
        reader: Reads them.
        exports: The files that are to be read, in their order.

    A file that cannot be used ends the search: what is wrong with it is said when it is read.
    """
    with closing(sqlite3.connect("", isolation_level=None)) as seen:
        seen.execute("CREATE TABLE version (instant BLOB, state BLOB, place INTEGER)")
        seen.execute("BEGIN")
        place = 0
        with suppress(ConnectorError):
            for records in _pages(reader, exports):
                rows = [(_instant_key(record), version_key(record), place + n) for n, record in enumerate(records)]
                seen.executemany("INSERT INTO version VALUES (?, ?, ?)", rows)
                place += len(rows)
        found = seen.execute(
            "SELECT DISTINCT state FROM (SELECT state, last_value(state) OVER (PARTITION BY instant ORDER BY place"
            " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS last FROM version WHERE instant IN"
            " (SELECT instant FROM version GROUP BY instant HAVING count(DISTINCT state) > 1)) WHERE state <> last"
        )
        return frozenset(state for (state,) in found)


def refuse_doubles(reader: ExportReader, export: Export, where: str) -> None:
    """Check that a snapshot holds each record once.

    Raises:
        ConnectorError: Two rows that differ have one id, or the file cannot be used.
    """
    with closing(sqlite3.connect("", isolation_level=None)) as seen:
        seen.execute("CREATE TABLE version (type TEXT, id TEXT, state BLOB)")
        seen.execute("BEGIN")
        for records in _pages(reader, [export]):
            rows = ((record.type, record.id, version_key(record)) for record in records)
            seen.executemany("INSERT INTO version VALUES (?, ?, ?)", rows)
        twice = seen.execute(
            "SELECT type, id FROM version GROUP BY type, id HAVING count(DISTINCT state) > 1 LIMIT 1"
        ).fetchone()
    if twice is not None:
        raise broken(
            where, f"two rows of {twice[0]} {twice[1]}", "Is the id that is mapped unique? Join several columns."
        )


def version_key(record: Record) -> bytes:
    """Give a hash of a state of a record at an instant."""
    said = f"{record.type}\0{record.id}\0{record.as_of}\0{record.deleted:d}\0".encode()
    return hashlib.blake2b(said + record.raw, digest_size=16).digest()


def _instant_key(record: Record) -> bytes:
    said = f"{record.type}\0{record.id}\0{record.as_of}".encode()
    return hashlib.blake2b(said, digest_size=16).digest()


def _pages(reader: ExportReader, exports: Sequence[Export]) -> Iterator[Sequence[Record]]:
    for export in exports:
        for batch in reader.batches(export):
            yield batch.records

"""Housekeeping of segments: merging small ones, and removing files that nothing refers to."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Row, delete, insert, select, update

from tallystick.database.engine import transaction
from tallystick.database.schema import segment
from tallystick.errors import StorageError, Tampered
from tallystick.records.segments import arrow_schema, open_writer, sync_folder
from tallystick.records.store import RecordStore

__all__ = ["Compaction", "compact", "sweep"]

_SMALL_BYTES = 32_000_000
_TARGET_BYTES = 256_000_000
_MANY = 16
# Of a row group in memory, before compression; its rows are what DuckDB hands to one thread at a time.
_GROUP_BYTES = 16_000_000
_GROUP_ROWS = 122_880


class Compaction(msgspec.Struct, frozen=True):
    """What a compaction did: segments merged, segments written in their place, files deleted."""

    merged: int = 0
    written: int = 0
    deleted: int = 0


def compact(
    store: RecordStore, *, many: int = _MANY, small_bytes: int = _SMALL_BYTES, target_bytes: int = _TARGET_BYTES
) -> Compaction:
    """Merge small segments of one source and type wherever there are many; no query answers differently afterwards.

    Rows keep their sequence numbers and every value. The merged files stay for readers that opened them, and are
    deleted by the next call. The caller holds the project's lock.

    Args:
        store: The records.
        many: Merge where more small segments than this lie beside each other's type.
        small_bytes: A segment below this size is small.
        target_bytes: A merged segment is closed once the files in it reach this size.

    Raises:
        StorageError: The disk is full or broken; everything is as it was before.
        Tampered: A segment cannot be read, or does not hold the rows that the catalog says.
    """
    deleted = _delete_replaced(store)
    with store.engine.connect() as connection:
        query = select(segment).where(segment.c.replaced.is_(False), segment.c.bytes < small_bytes)
        rows = connection.execute(query.order_by(segment.c.source, segment.c.type, segment.c.first_seq)).all()
    merged = written = 0
    for group in _groups(rows, many, target_bytes):
        _merge(store, group)
        merged += len(group)
        written += 1
    return Compaction(merged, written, deleted)


def sweep(store: RecordStore) -> int:
    """Delete files under the store's folder that no catalog entry names, and give their number.

    A process that was killed between writing a segment and committing it leaves one; its rows are read again by the
    next sync, because the cursor did not move either. Do not call it on a database restored from an older backup: what
    was stored since would go.
    """
    swept = 0
    # Writers hold the transaction from before they write a file until it is registered, so none is under way here.
    with transaction(store.engine) as connection:
        known = {f"{name}.parquet" for name in connection.execute(select(segment.c.sha256)).scalars()}
        for path in store.folder.glob("*/*/*"):
            if (path.suffix == ".parquet" and path.name not in known) or path.suffix == ".tmp":
                path.unlink(missing_ok=True)
                swept += 1
    return swept


def _delete_replaced(store: RecordStore) -> int:
    """Delete what an earlier call merged: first from the catalog, so that a crash leaves a file for `sweep` at most."""
    with transaction(store.engine) as connection:
        rows = connection.execute(select(segment).where(segment.c.replaced.is_(True))).all()
        connection.execute(delete(segment).where(segment.c.replaced.is_(True)))
    for row in rows:
        with suppress(OSError):
            _path(store, row).unlink(missing_ok=True)
    return len(rows)


def _groups(rows: Iterable[Row[Any]], many: int, target_bytes: int) -> Iterator[Sequence[Row[Any]]]:
    """Give runs of segments to merge, each of one source and type, in the order of their rows."""
    kinds: dict[tuple[str, str], list[Row[Any]]] = {}
    for row in rows:
        kinds.setdefault((row.source, row.type), []).append(row)
    for alike in kinds.values():
        if len(alike) <= many:
            continue
        group: list[Row[Any]] = []
        for row in alike:
            group.append(row)
            if sum(held.bytes for held in group) >= target_bytes:
                if len(group) > 1:
                    yield group
                group = []
        if len(group) > 1:
            yield group


def _merge(store: RecordStore, group: Sequence[Row[Any]]) -> None:
    folder = store.part(group[0].source, group[0].type)
    temporary = folder / f".{group[0].sha256}-merged.tmp"
    try:
        _write(temporary, group[0].type, [_path(store, row) for row in group], sum(row.rows for row in group))
        with temporary.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        merged = {
            "sha256": sha256,
            "source": group[0].source,
            "type": group[0].type,
            "first_seq": group[0].first_seq,
            "last_seq": group[-1].last_seq,
            "rows": sum(row.rows for row in group),
            "bytes": temporary.stat().st_size,
            "replaced": False,
        }
        with transaction(store.engine) as connection:
            temporary.rename(folder / f"{sha256}.parquet")
            sync_folder(folder)
            connection.execute(insert(segment), merged)
            names = [row.sha256 for row in group]
            connection.execute(update(segment).where(segment.c.sha256.in_(names)).values(replaced=True))
    except OSError as error:
        raise StorageError(
            f"segments in {folder} could not be merged: {error.strerror or error}",
            hint="Everything is as it was before. Make room or mend the disk.",
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _write(path: Path, kind: str, parts: Iterable[Path], rows: int) -> None:
    """Write the rows of several segments, in their order, into one file, a row group at a time."""
    count = 0
    with open_writer(path, arrow_schema(kind)) as writer:
        for table in _ahead(_row_groups(parts)):
            writer.write_table(table, row_group_size=_GROUP_ROWS)
            count += table.num_rows
    if count != rows:
        raise Tampered(
            f"{path.parent}: {count} rows where the catalog says {rows}", hint="Run `tallystick ledger fsck`."
        )


def _row_groups(parts: Iterable[Path]) -> Iterator[pa.Table]:
    held: list[pa.Table] = []
    for part in parts:
        held.append(_read(part))
        if sum(table.nbytes for table in held) >= _GROUP_BYTES or sum(map(len, held)) >= _GROUP_ROWS:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)


def _ahead(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Give tables, the next one being read while the last one is written."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, tables, None)
        while (table := coming.result()) is not None:
            coming = reader.submit(next, tables, None)
            yield table


def _read(path: Path) -> pa.Table:
    """Read a segment whose bytes are those its name says: what was altered must not be given a new name."""
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise Tampered(f"the segment {path} is missing", hint="Restore the file from a backup.") from error
    if hashlib.sha256(data).hexdigest() != path.stem:
        raise Tampered(f"the segment {path} was altered", hint="Keep the file, and restore it from a backup.")
    return pq.ParquetFile(pa.BufferReader(data)).read(use_threads=False)


def _path(store: RecordStore, row: Row[Any]) -> Path:
    return store.part(row.source, row.type) / f"{row.sha256}.parquet"

"""Recomputing the store from its bytes: what `fsck` finds, and one hash over all evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Row, select

from tallystick.canonical import canonical
from tallystick.database.schema import counter, record_head, segment, superseded
from tallystick.records.batch import record_digest
from tallystick.records.store import RecordStore

__all__ = ["Finding", "evidence_digest", "fsck"]

_CHUNK = 2_000


class Finding(msgspec.Struct, frozen=True):
    """Something about the stored records that is not as it was written."""

    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


def fsck(store: RecordStore) -> list[Finding]:
    """Recompute everything the catalog says from the bytes of the segments; an empty list means that all is well.

    Each segment's hash is its name, its rows and sequence numbers are those registered, each raw record has the hash
    beside it; versions count 1, 2, 3 ... per record; heads and superseded rows are what the rows give.
    """
    findings: list[Finding] = []
    with store.engine.connect() as connection:
        rows = connection.execute(select(segment).order_by(segment.c.source, segment.c.type, segment.c.first_seq)).all()
        last = connection.execute(select(counter.c.value).where(counter.c.name == "seq")).scalar() or 0
        parts = {(row.source, row.type) for row in rows}
        for table in (record_head, superseded):
            parts |= set(map(tuple, connection.execute(select(table.c.source, table.c.type).distinct())))
    damaged = set()
    for row in rows:
        path = store.part(row.source, row.type) / f"{row.sha256}.parquet"
        found = None if row.replaced and not path.exists() else _check_file(path, row, last)
        if found:
            findings.append(Finding(str(path), found))
            damaged.add((row.source, row.type))
    for source, kind in sorted(parts):
        if (source, kind) not in damaged:
            findings += _check_rows(store, source, kind)
    return findings


def evidence_digest(store: RecordStore) -> str:
    """Give one SHA-256, hexadecimal, over all record versions, whatever order or segments they were stored in.

    It covers source, type, id, version, as_of, deleted and raw of every row, ordered by the first four.
    """
    whole = hashlib.sha256()
    with store.engine.connect() as connection:
        pairs = connection.execute(select(segment.c.source, segment.c.type).distinct()).all()
    for source, kind in sorted(map(tuple, pairs)):
        query = f'SELECT id, version, as_of, deleted, sha256(raw) FROM "{kind}_all" ORDER BY id, version'
        for rows in _chunks(store, source, kind, query):
            for row in rows:
                whole.update(canonical([source, kind, row[0], row[1], str(row[2]), row[3], row[4]]) + b"\n")
    return whole.hexdigest()


def _check_file(path: Path, row: Row[Any], last: int) -> str | None:
    """Say what is wrong with one segment, if anything."""
    if not path.exists():
        return "the segment is missing"
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 != row.sha256:
        return f"the segment's bytes hash to {sha256}"
    if path.stat().st_size != row.bytes:
        return f"the segment has {path.stat().st_size} bytes; the catalog says {row.bytes}"
    return _check_content(path, row, last)


def _check_content(path: Path, row: Row[Any], last: int) -> str | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(path).read(columns=["seq", "source"])
    except (pa.ArrowException, OSError) as error:
        return f"the segment cannot be read: {error}"
    seqs = table.column("seq").to_pylist()
    if (len(seqs), seqs[0], seqs[-1]) != (row.rows, row.first_seq, row.last_seq):
        return f"the segment holds {len(seqs)} rows, {seqs[0]} to {seqs[-1]}; the catalog says otherwise"
    if sorted(set(seqs)) != seqs or seqs[-1] > last:
        return "the sequence numbers do not ascend, or pass the counter"
    if set(table.column("source").unique().to_pylist()) != {row.source}:
        return "the segment holds rows of another source"
    return None


def _check_rows(store: RecordStore, source: str, kind: str) -> Iterator[Finding]:
    """Recompute hashes, versions, heads and superseded rows of one source and type."""
    heads: dict[str, tuple[int, int, int, bytes]] = {}
    replaced: dict[int, int] = {}
    seen = set()
    query = f'SELECT id, seq, version, as_of, deleted, custom, raw_sha256, raw FROM "{kind}_all" ORDER BY seq'
    for rows in _chunks(store, source, kind, query):
        for record_id, seq, version, as_of, deleted, custom, raw_sha256, raw in rows:
            where = f"{source}: {kind} {record_id} version {version}"
            if seq in seen:
                yield Finding(where, f"two rows have the sequence number {seq}")
            seen.add(seq)
            data = raw.encode()
            digest = hashlib.sha256(data).digest()
            if digest.hex() != raw_sha256:
                yield Finding(where, "the raw record does not have the hash beside it")
            before = heads.get(record_id)
            if before is not None:
                replaced[before[0]] = seq
            if version != (before[1] if before else 0) + 1:
                yield Finding(where, "versions do not count up by one")
            if before is not None and as_of < before[2]:
                yield Finding(where, "the version is older than the one before it")
            if custom is not None or deleted:
                digest = record_digest(data, custom, deleted=deleted)
            heads[record_id] = (seq, version, as_of, digest)
    yield from _compare(store, source, kind, heads, replaced)


def _compare(
    store: RecordStore, source: str, kind: str, heads: dict[str, tuple[int, int, int, bytes]], replaced: dict[int, int]
) -> Iterator[Finding]:
    where = f"{source}: {kind}"
    with store.engine.connect() as connection:
        stored = connection.execute(
            select(record_head).where(record_head.c.source == source, record_head.c.type == kind)
        )
        for row in stored:
            told = heads.pop(row.id, None)
            # A re-read of an equal record moves as_of of the head forward and stores no row.
            if (
                told is None
                or told[:2] != (row.seq, row.version)
                or told[2] > row.as_of
                or told[3] != bytes(row.digest)
            ):
                yield Finding(f"{where} {row.id}", "the head is not what the stored versions give")
        gone = select(superseded).where(superseded.c.source == source, superseded.c.type == kind)
        found = {row.seq: row.by_seq for row in connection.execute(gone)}
    for record_id in heads:
        yield Finding(f"{where} {record_id}", "the record has no head")
    for seq in sorted(found.keys() | replaced.keys()):
        if found.get(seq) != replaced.get(seq):
            yield Finding(f"{where} seq {seq}", "the row is not superseded by the row that follows it")


def _chunks(store: RecordStore, source: str, kind: str, query: str) -> Iterator[list[tuple[Any, ...]]]:
    from tallystick.records.scan import connect

    with connect(store, source, types=[kind]) as database:
        cursor = database.execute(query)
        while rows := cursor.fetchmany(_CHUNK):
            yield rows

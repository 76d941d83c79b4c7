"""Loading an export into an empty project: everything is checked, and one transaction keeps all of it or nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import msgspec
from sqlalchemy import Connection, func, insert, select, text, update
from sqlalchemy.exc import DataError, IntegrityError

from tallystick.database import schema
from tallystick.database.engine import transaction
from tallystick.errors import ConfigurationError, Error, StorageError, Tampered
from tallystick.export.decisions import Decisions, check_citations, check_claims, compare_derived
from tallystick.export.evidence import (
    EvidenceHash,
    Part,
    Version,
    check_segment,
    heads,
    open_parts,
    repeated,
    superseded,
    versions,
)
from tallystick.export.folder import ExportFolder, quiet
from tallystick.export.lines import Form, entry_of
from tallystick.export.manifest import CATALOG, DERIVED, ENTRIES, TABLES, TAKEN, Tick, segment_name
from tallystick.export.writing import parts_of
from tallystick.ledger import LedgerKeys, Log, open_checkpoint
from tallystick.ledger.checkpoint import split_note
from tallystick.ledger.merkle import CompactRange, hash_leaf
from tallystick.records import progress
from tallystick.records.catalog import RecordStore
from tallystick.records.segments import sync_folder
from tallystick.records.types import RECORD_TYPES

__all__ = ["Loaded", "load_export", "refuse_full"]

_BATCH = 2_000
_SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)


class Loaded(msgspec.Struct, frozen=True):
    """What an import took in."""

    entries: int
    root: str
    records: int
    evidence: str
    claims: int


def load_export(
    export: ExportFolder,
    store: RecordStore,
    log: Log,
    keys: LedgerKeys | None,
    *,
    staging: Path,
    tick: Tick = quiet,
) -> Loaded:
    """Load an export that `open_export` gave into the database and the folder of an empty project.

    Recomputed from bytes: the tree and every checkpoint, the claims of each ledger entry, contract texts, the newest
    verdicts, every segment, heads and superseded rows, the digest over all evidence, and that what verdicts cite is
    stored. The caller holds the project's lock. Memory does not grow with the export. Killed at any moment, the
    project is whole or as empty as before; at most segments lie there that no catalog names, which importing again
    uses and `sweep` deletes.

    Args:
        export: The export.
        store: The records of the project, and its database.
        log: The ledger of the project.
        keys: The key, or the chain of keys, that must have signed the checkpoints; None where the ledger is empty.
        staging: A folder beside the segments, for what is not checked yet; the caller deletes it.
        tick: Called with the file at work and how much of it is done.

    Raises:
        ConfigurationError: The project is not empty.
        Tampered: The export contradicts itself, its ledger or its signatures; names the file and, where there is one,
            the line.
        StorageError: The disk is full or broken.
    """
    placed: list[Path] = []
    try:
        with ExitStack() as stack:
            connection = stack.enter_context(transaction(store.engine))
            refuse_full(connection)
            load = _Load(export, connection, tick)
            decisions = load.ledger(log, keys)
            load.tables()
            claims = check_claims(export, connection, decisions)
            rows = load.catalog(store)
            _stage(export, rows, staging, tick)
            parts = parts_of(rows, staging)
            size = sum(row["rows"] for row in rows) + export.manifest.ledger.size
            database = stack.enter_context(open_parts(parts, staging / "spill", rows=size))
            evidence = load.records(database, parts)
            check_citations(export, connection, database, parts)
            database.close()
            _place(rows, staging, store, placed)
            tick("", 0)
    except BaseException as error:
        for path in placed:
            with suppress(OSError):
                path.unlink()
        if isinstance(error, OSError):
            raise StorageError(f"the import cannot be written: {error.strerror or error}") from error
        if isinstance(error, DataError | IntegrityError):
            raise Tampered(f"the export holds what no database takes: {type(error).__name__}") from error
        if isinstance(error, duckdb.OutOfMemoryException | duckdb.IOException):
            raise StorageError("memory or disk do not suffice", hint="Nothing was imported. Make room.") from error
        if isinstance(error, duckdb.Error):
            raise Tampered(f"a segment cannot be read: {type(error).__name__}", where=str(export.path)) from error
        raise
    head = export.manifest.ledger
    return Loaded(head.size, head.root, evidence.rows, evidence.hexdigest(), claims)


def refuse_full(connection: Connection) -> None:
    """Return where no table of the project has a row.

    Raises:
        ConfigurationError: One has.
    """
    for table in schema.metadata.sorted_tables:
        if connection.execute(select(table).limit(1)).first() is not None:
            raise ConfigurationError(
                f"the project is not empty: its table {table.name} has rows",
                hint="Import into a new project: a folder, or a database, that nothing was done in yet.",
            )


class _Load:
    """One import: tables filled from the files, each line checked on the way."""

    def __init__(self, export: ExportFolder, connection: Connection, tick: Tick) -> None:
        self._export = export
        self._connection = connection
        self._tick = tick

    def ledger(self, log: Log, keys: LedgerKeys | None) -> Decisions:
        """Append the entries, each checkpoint checked when its size is reached."""
        decisions = Decisions(self._export, self._connection)
        tree = CompactRange()
        head = self._export.manifest.ledger
        checkpoints = _Checkpoints(self._export, self._rows("ledger_checkpoint"), log, keys)

        def entries() -> Iterator[bytes]:
            checkpoints.due(tree)
            for number, line in self._export.lines(ENTRIES, self._tick):
                try:
                    entry = entry_of(line)
                    decisions.add(tree.size, entry)
                except ValueError as error:
                    raise self._export.wrong(str(error), ENTRIES, number) from error
                tree.append(hash_leaf(entry))
                checkpoints.due(tree)
                yield entry

        source = entries()
        if first := list(islice(source, 1)):
            log.append(self._connection, _chain(first, source))
        decisions.finish()
        if (tree.size, tree.root().hex()) != (head.size, head.root):
            raise self._export.wrong(
                f"the entries give the root {tree.root().hex()} over {tree.size}; the manifest says otherwise", ENTRIES
            )
        checkpoints.finish(tree)
        self._insert("ledger_checkpoint", (row for _, row in self._rows("ledger_checkpoint")))
        for name in DERIVED:
            compare_derived(self._export, self._connection, name)
        return decisions

    def tables(self) -> None:
        """Fill the tables that are taken as they are."""
        for name in TAKEN:
            self._insert(name, (row for _, row in self._rows(name)))
        # The project that was exported may deliver still: two that do would tell everything twice.
        self._connection.execute(update(schema.sink).values(held=True))
        self._check_progress()
        _move_sequences(self._connection)

    def catalog(self, store: RecordStore) -> list[dict[str, Any]]:
        """Read the catalog, hold it against the files, and fill its table."""
        rows = []
        files = self._export.manifest.by_name
        for number, row in self._rows("segment", CATALOG):
            name = segment_name(row["sha256"])
            if not _SOURCE.fullmatch(row["source"]) or row["replaced"]:
                raise self._export.wrong("no segment of a project has this row", CATALOG, number)
            if row["type"] not in RECORD_TYPES or RECORD_TYPES[row["type"]].of:
                raise self._export.wrong(f"there is no record type {row['type'][:60]!r}", CATALOG, number)
            if name not in files:
                raise self._export.wrong(f"the segment {name} is missing", CATALOG, number)
            if (files[name].bytes, files[name].sha256) != (row["bytes"], row["sha256"]):
                raise self._export.wrong(f"size or hash of {name} are others", CATALOG, number)
            store.part(row["source"], row["type"])
            rows.append(row)
        if extra := sorted(
            {name for name in files if name.endswith(".parquet")} - {segment_name(r["sha256"]) for r in rows}
        ):
            raise self._export.wrong("the catalog does not name this segment", extra[0])
        self._insert("segment", rows)
        return rows

    def records(self, database: Any, parts: list[Part]) -> EvidenceHash:
        """Recompute heads, superseded rows and the digest from the segments, and fill their tables."""
        digest = EvidenceHash()
        self._insert("record_head", self._heads(database, parts, digest))
        self._insert("superseded", self._superseded(database, parts))
        head = self._export.manifest.evidence
        found = repeated(database, parts)
        if found is not None:
            raise self._export.wrong(f"two rows have the sequence number {found}", CATALOG)
        counter, table = schema.counter, schema.segment
        last = self._connection.execute(select(counter.c.value).where(counter.c.name == "seq")).scalar() or 0
        newest = self._connection.execute(select(func.max(table.c.last_seq))).scalar() or 0
        if last != head.last_seq or newest > last:
            raise self._export.wrong("the counter of sequence numbers is not past the records", TABLES["counter"])
        if (digest.rows, digest.hexdigest()) != (head.rows, head.sha256):
            raise self._export.wrong(
                f"the records give the digest {digest.hexdigest()}; the manifest says {head.sha256}", CATALOG
            )
        return digest

    def _heads(self, database: Any, parts: list[Part], digest: EvidenceHash) -> Iterator[dict[str, Any]]:
        name = TABLES["record_head"]
        given = self._rows("record_head")
        for part in parts:
            for newest, wrong in heads(_taken(digest, part, versions(database, part))):
                number, row = next(given, (None, None))
                if wrong:
                    where = f"{part.source}: {part.type} {newest.id}: {wrong}"
                    raise self._export.wrong(where, CATALOG)
                same = row is not None and (
                    (row["source"], row["type"], row["id"]) == (part.source, part.type, newest.id)
                    and (row["seq"], row["version"]) == (newest.seq, newest.version)
                    # A re-read of an equal record moves as_of of the head forward and stores no row.
                    and row["as_of"] >= newest.as_of
                    and row["digest"].hex() == newest.digest
                )
                if row is None or not same:
                    where = f"the head is not what the records give for {part.source}: {part.type} {newest.id}"
                    raise self._export.wrong(where, name, number)
                yield row
        for number, row in given:
            raise self._export.wrong(f"there is no record {row['id'][:100]!r}", name, number)

    def _superseded(self, database: Any, parts: list[Part]) -> Iterator[dict[str, Any]]:
        name = TABLES["superseded"]
        given = self._rows("superseded")
        for expected in superseded(database, parts):
            number, row = next(given, (None, None))
            if row is None or (row["seq"], row["by_seq"], row["source"], row["type"]) != expected:
                raise self._export.wrong(f"row {expected[0]} is superseded by row {expected[1]}", name, number)
            yield row
        for number, _ in given:
            raise self._export.wrong("the row is superseded by no other", name, number)

    def _rows(self, table: str, name: str = "") -> Iterator[tuple[int, dict[str, Any]]]:
        """Give the rows of a file with their lines; they ascend by primary key, as every export writes them."""
        form = Form(schema.metadata.tables[table])
        name = name or TABLES[table]
        before: tuple[Any, ...] | None = None
        for number, line in self._export.lines(name, self._tick):
            try:
                row = form.row(line)
            except ValueError as error:
                raise self._export.wrong(str(error), name, number) from error
            key = form.key(row)
            if before is not None and key <= before:
                raise self._export.wrong("the rows are not in order, or one stands there twice", name, number)
            before = key
            yield number, row

    def _insert(self, table: str, rows: Any) -> None:
        source = iter(rows)
        while batch := list(islice(source, _BATCH)):
            self._connection.execute(insert(schema.metadata.tables[table]), batch)

    def _check_progress(self) -> None:
        """Refuse what the next sync, or the next turn, could not read."""
        for name in self._connection.execute(select(schema.stream_state.c.source).distinct()).scalars().all():
            try:
                streams = progress.read_streams(self._connection, name)
                for stream in streams:
                    progress.read_slices(self._connection, name, stream)
            except (msgspec.DecodeError, Error, ValueError, TypeError) as error:
                raise self._export.wrong(
                    f"the streams of {name[:60]!r} cannot be read", TABLES["stream_state"]
                ) from error
        reports = select(schema.run.c.id, schema.run.c.report).where(schema.run.c.report.is_not(None))
        for idx, report in self._connection.execute(reports, execution_options={"yield_per": 100}):
            try:
                msgspec.json.decode(report, type=dict[str, Any])
            except msgspec.DecodeError as error:
                raise self._export.wrong(f"the report of run {idx} is no JSON object", TABLES["run"]) from error


class _Checkpoints:
    """The checkpoints of an export in the order of their sizes, each held against the entries before it."""

    def __init__(
        self,
        export: ExportFolder,
        rows: Iterator[tuple[int, dict[str, Any]]],
        log: Log,
        keys: LedgerKeys | None,
    ) -> None:
        self._export = export
        self._rows = rows
        self._origin = log.origin
        self._keys = keys
        self._name = TABLES["ledger_checkpoint"]
        self._next = next(rows, None)
        self._newest: dict[str, Any] | None = None

    def due(self, tree: CompactRange) -> None:
        """Check those of the size that the tree has now."""
        while self._next is not None and self._next[1]["size"] <= tree.size:
            number, row = self._next
            self._check(number, row, tree)
            self._newest, self._next = row, next(self._rows, None)

    def finish(self, tree: CompactRange) -> None:
        """Refuse checkpoints of entries that are not there, and entries that no checkpoint covers."""
        if self._next is not None:
            raise self._export.wrong(f"the ledger has {tree.size} entries", self._name, self._next[0])
        newest = self._newest
        if (tree.size and (newest is None or newest["size"] != tree.size)) or (
            (newest["note"] if newest else None) != self._export.manifest.ledger.checkpoint
        ):
            raise self._export.wrong("the newest checkpoint is not that of all entries and of the manifest", self._name)

    def _check(self, number: int, row: dict[str, Any], tree: CompactRange) -> None:
        if self._keys is None:
            raise self._export.wrong("the manifest names no key for this checkpoint", self._name, number)
        try:
            signed = open_checkpoint(row["note"], self._keys, self._origin)
        except Tampered as error:
            raise self._export.wrong(error.message, self._name, number) from error
        alone = len(split_note(row["note"])[1]) == 1
        if not alone or (signed.size, signed.root) != (row["size"], row["root"]) or row["size"] != tree.size:
            raise self._export.wrong("the note was not signed for this size and root alone", self._name, number)
        if signed.root != tree.root():
            raise self._export.wrong(
                f"signed was the root {signed.root.hex()}; the first {tree.size} entries give {tree.root().hex()}",
                self._name,
                number,
            )


def _taken(digest: EvidenceHash, part: Part, rows: Iterator[Version]) -> Iterator[Version]:
    for row in rows:
        digest.add(part, row)
        yield row


def _chain(first: list[bytes], rest: Iterator[bytes]) -> Iterator[bytes]:
    yield from first
    yield from rest


def _stage(export: ExportFolder, rows: list[dict[str, Any]], staging: Path, tick: Tick) -> None:
    """Copy the segments to where nobody else writes, and check the copies."""
    for row in rows:
        name = segment_name(row["sha256"])
        path = staging / f"{row['sha256']}.parquet"
        export.copy(name, path)
        span = {"first": row["first_seq"], "last": row["last_seq"], "rows": row["rows"]}
        if wrong := check_segment(path, kind=row["type"], source=row["source"], **span):
            raise export.wrong(wrong, name)
        tick(name, row["bytes"])


def _place(rows: list[dict[str, Any]], staging: Path, store: RecordStore, placed: list[Path]) -> None:
    """Move the checked segments to their places; the transaction that names them commits afterwards."""
    folders = set()
    for row in rows:
        folder = store.part(row["source"], row["type"])
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{row['sha256']}.parquet"
        placed.append(target)
        (staging / target.name).rename(target)
        folders |= {folder, folder.parent, folder.parent.parent, folder.parent.parent.parent}
    for folder in sorted(folders, reverse=True):
        sync_folder(folder)


def _move_sequences(connection: Connection) -> None:
    """Let PostgreSQL count on behind the rows that brought their numbers with them."""
    if connection.dialect.name != "postgresql":
        return
    for table in schema.metadata.sorted_tables:
        [*columns] = table.primary_key
        if len(columns) != 1:
            continue
        sequence = connection.execute(
            text("SELECT pg_get_serial_sequence(:table, :name)"), {"table": table.name, "name": columns[0].name}
        ).scalar()
        newest = connection.execute(select(func.max(columns[0]))).scalar() if sequence else None
        if newest is not None:
            connection.execute(text("SELECT setval(:name, :value)"), {"name": sequence, "value": newest})

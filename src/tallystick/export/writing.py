"""Writing an export: one instant of a project, read in one transaction, the manifest last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import msgspec
from sqlalchemy import Connection, Engine, func, select

from tallystick.database import schema
from tallystick.database.engine import HEAD
from tallystick.errors import StorageError, Tampered
from tallystick.export.evidence import EvidenceHash, Part, open_parts, versions
from tallystick.export.folder import NewFolder, quiet
from tallystick.export.lines import Form, as_stored, entry_line, order_of, rows_of, table_rows
from tallystick.export.manifest import (
    CATALOG,
    ENTRIES,
    FORMAT,
    PROJECT,
    TABLES,
    EvidenceHead,
    Head,
    Manifest,
    Tick,
    contract_name,
    exhibit_name,
    segment_name,
)
from tallystick.ledger import KeyChain, Log, open_checkpoint
from tallystick.ledger.merkle import CompactRange, hash_leaf
from tallystick.records.catalog import RecordStore

__all__ = ["parts_of", "snapshot", "write_export"]

_HINT = "Run `tallystick ledger fsck` and keep the database."


def write_export(
    path: Path,
    store: RecordStore,
    log: Log,
    *,
    project: str,
    version: str,
    keys: KeyChain | None,
    files: Mapping[str, bytes],
    exhibits: Mapping[str, Path] | None = None,
    tick: Tick = quiet,
) -> Manifest:
    """Write everything of a project into a new folder; the same project gives the same bytes.

    The caller holds the project's lock, so that no segment is compacted away meanwhile; the tables are read in one
    transaction. The signing key is not written. Memory does not grow with the project. If this raises, what was
    written is taken back; a process that is killed leaves a folder without a manifest.

    Args:
        path: A folder that is empty or not there yet.
        store: The records, and the database.
        log: The ledger.
        project: Name of the project.
        version: Version of Tallystick, for the manifest.
        keys: The keys that signed the checkpoints; None for a ledger without entries.
        files: Files of the project's own folder by their paths in it.
        exhibits: What was handed in for disputes, by its hash.
        tick: Called with the file at work and how much of it is done.

    Raises:
        ConfigurationError: The folder holds something.
        StorageError: The disk is full or broken.
        Tampered: The ledger or a segment is not what was signed or hashed.
    """
    folder = NewFolder(path, tick)
    try:
        with snapshot(store.engine) as connection:
            for name in sorted(files):
                folder.data(f"{PROJECT}{name}", files[name])
            for sha256, source in sorted((exhibits or {}).items()):
                folder.copy(exhibit_name(sha256), source, sha256)
            ledger = _ledger(connection, folder, log, keys)
            for table, name in TABLES.items():
                form = Form(schema.metadata.tables[table])
                folder.lines(name, map(form.line, table_rows(connection, form.table)))
            _contracts(connection, folder)
            evidence = _records(connection, folder, store)
        listed = tuple(sorted(folder.files, key=lambda file: file.name))
        manifest = Manifest(FORMAT, project, version, HEAD, ledger, evidence, listed)
        folder.finish(manifest)
    except OSError as error:
        folder.discard()
        raise StorageError(f"{path} cannot be written: {error.strerror or error}") from error
    except duckdb.Error as error:
        folder.discard()
        raise StorageError(f"the records cannot be sorted: {type(error).__name__}", hint="Make room.") from error
    except BaseException:
        folder.discard()
        raise
    return manifest


def snapshot(engine: Engine) -> Connection:
    """Give a connection all of whose queries see one instant of the database."""
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return engine.connect()


def _ledger(connection: Connection, folder: NewFolder, log: Log, keys: KeyChain | None) -> Head:
    """Write the entries, and hold them against the newest checkpoint: a copy of an altered ledger helps nobody."""
    tree = CompactRange()
    table = schema.ledger_entry

    def lines() -> Iterator[bytes]:
        for row in rows_of(connection, select(table.c.idx, as_stored(table.c.data)).order_by(table.c.idx)):
            entry = row["data"]
            if row["idx"] != tree.size or type(entry) is not bytes or not entry:
                raise Tampered(f"the ledger lacks entry {tree.size}, or does not hold it as bytes", hint=_HINT)
            tree.append(hash_leaf(entry))
            yield entry_line(entry)

    folder.lines(ENTRIES, lines())
    newest = schema.ledger_checkpoint
    note = connection.execute(select(newest.c.note).order_by(newest.c.size.desc()).limit(1)).scalar()
    if tree.size:
        signed = open_checkpoint(note or "", keys, log.origin) if keys else None
        if signed is None or (signed.size, signed.root) != (tree.size, tree.root()):
            raise Tampered("the newest checkpoint was not signed for the entries of the ledger", hint=_HINT)
    if keys is None or not tree.size:
        return Head(tree.size, tree.root().hex(), note, None, ())
    return Head(tree.size, tree.root().hex(), note, keys.epochs[0].verifier.vkey, keys.links)


class _Entry(msgspec.Struct):
    body: msgspec.Raw = msgspec.Raw(b"")


def _contracts(connection: Connection, folder: NewFolder) -> None:
    """Write the text of each contract version, as the ledger holds it, as a file of its own."""
    table, entry = schema.contract_version, schema.ledger_entry
    query = select(table.c.contract, table.c.version, entry.c.data).join(entry, entry.c.idx == table.c.idx)
    for row in connection.execute(query.order_by(*order_of(connection, table))):
        body = bytes(msgspec.json.decode(row.data, type=_Entry).body)
        folder.data(contract_name(row.contract, row.version), body)


def _records(connection: Connection, folder: NewFolder, store: RecordStore) -> EvidenceHead:
    """Write the catalog and copy the segments that count; a compaction may have replaced others."""
    form = Form(schema.segment)
    table = schema.segment
    query = select(table).where(table.c.replaced.is_(False)).order_by(table.c.sha256)
    rows = [dict(row) for row in rows_of(connection, query)]
    folder.lines(CATALOG, map(form.line, rows))
    for row in rows:
        source = store.part(row["source"], row["type"]) / f"{row['sha256']}.parquet"
        folder.copy(segment_name(row["sha256"]), source, row["sha256"])
    digest = EvidenceHash()
    parts = parts_of(rows, folder.path / "records" / "segments")
    with open_parts(parts, store.folder / ".spill", rows=sum(row["rows"] for row in rows)) as database:
        for part in parts:
            for version in versions(database, part):
                digest.add(part, version)
    last = connection.execute(select(func.max(schema.counter.c.value)).where(schema.counter.c.name == "seq")).scalar()
    return EvidenceHead(digest.rows, int(last or 0), digest.hexdigest())


def parts_of(rows: list[dict[str, Any]], folder: Path) -> list[Part]:
    """Give the segments of a catalog by source and type, in their order; all files lie in one folder."""
    found: dict[tuple[str, str], list[Path]] = {}
    for row in rows:
        found.setdefault((row["source"], row["type"]), []).append(folder / f"{row['sha256']}.parquet")
    return [Part(source, kind, tuple(paths)) for (source, kind), paths in sorted(found.items())]

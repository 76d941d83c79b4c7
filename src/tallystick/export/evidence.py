"""Reading record versions straight from segments, in order and in bounded memory, and checking what they say."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from tallystick.records.segments import arrow_schema

__all__ = [
    "Cited",
    "EvidenceHash",
    "Part",
    "Version",
    "check_segment",
    "heads",
    "open_parts",
    "repeated",
    "superseded",
    "versions",
]

_CHUNK = 2_000
_encode = msgspec.json.Encoder().encode
_BATCH_ROWS = 16_384
# What DuckDB needs to sort what does not fit: half of it is not enough, measured with a million rows.
_LEAST_BYTES = 96_000_000
_ROW_BYTES = 96


class Part(NamedTuple):
    """The segments of one source and one record type."""

    source: str
    type: str
    paths: tuple[Path, ...]


class Version(NamedTuple):
    """One row, as far as it is checked; `digest` is what versions are compared by, `sound` that raw has its hash."""

    id: str
    version: int
    as_of: int
    deleted: bool
    sha256: str
    seq: int
    digest: str
    sound: bool


class EvidenceHash:
    """The digest over all evidence, as `records.audit.evidence_digest` gives it, taken in row by row."""

    def __init__(self) -> None:
        self._whole = hashlib.sha256()
        self.rows = 0

    def add(self, part: Part, row: Version) -> None:
        """Take in a row; parts come in the order of source and type, rows by id and version."""
        cells = [part.source, part.type, row.id, row.version, str(row.as_of), row.deleted, row.sha256]
        # Texts, whole numbers and booleans: the encoder writes them as RFC 8785 wants them.
        self._whole.update(_encode(cells) + b"\n")
        self.rows += 1

    def hexdigest(self) -> str:
        """Give the digest."""
        return self._whole.hexdigest()


def check_segment(path: Path, *, kind: str, source: str, first: int, last: int, rows: int) -> str | None:
    """Say what is wrong with the content of a segment, if anything: its columns, its source, its sequence numbers."""
    try:
        with pq.ParquetFile(path) as file:
            if not file.schema_arrow.equals(arrow_schema(kind)):
                return f"the segment does not have the columns of the record type {kind}"
            if file.metadata.num_rows != rows:
                return f"the segment has {file.metadata.num_rows} rows; the catalog says {rows}"
            return _check_rows(file, source, first, last)
    except (pa.ArrowException, OSError, ValueError) as error:
        return f"the segment cannot be read: {type(error).__name__}"


def _check_rows(file: Any, source: str, first: int, last: int) -> str | None:
    before = first - 1
    for batch in file.iter_batches(_BATCH_ROWS, columns=["seq", "source"]):
        if set(batch.column("source").unique().to_pylist()) != {source}:
            return "the segment holds rows of another source"
        seqs = [before, *batch.column("seq").to_pylist()]
        if None in seqs or any(one >= other for one, other in pairwise(seqs)):
            return f"the sequence numbers do not ascend from {first}"
        if before < first < seqs[1]:
            return f"the segment begins with sequence number {seqs[1]}; the catalog says {first}"
        before = seqs[-1]
    return None if before == last else f"the segment ends with sequence number {before}; the catalog says {last}"


def open_parts(parts: Iterable[Part], spill: Path, *, rows: int) -> duckdb.DuckDBPyConnection:
    """Give a DuckDB connection with a view of all rows of each part, called as `_name` says; close it afterwards.

    Args:
        parts: What to read.
        spill: Where sorting goes that does not fit in memory.
        rows: How many rows are sorted, about; more than a million of them get more memory.
    """
    config: dict[str, Any] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "memory_limit": f"{max(_LEAST_BYTES, rows * _ROW_BYTES)}B",
        "temp_directory": str(spill),
        "threads": 1,
        "preserve_insertion_order": False,
    }
    database = duckdb.connect(":memory:", config=config)
    for part in parts:
        files = ", ".join("'" + str(path).replace("'", "''") + "'" for path in part.paths)
        database.execute(f"CREATE VIEW {_name(part)} AS SELECT * FROM read_parquet([{files}])")
    return database


def versions(database: duckdb.DuckDBPyConnection, part: Part) -> Iterator[Version]:
    """Give all rows of a part, by id and then by version."""
    tail = "coalesce(chr(10) || custom, '') || CASE WHEN deleted THEN chr(10) || 'deleted' ELSE '' END"
    query = (
        "SELECT id, version, as_of, deleted, sha256, seq, CASE WHEN plain THEN sha256 ELSE digest END, sound FROM ("
        "SELECT id, version, epoch_us(as_of) AS as_of, deleted, sha256(raw) AS sha256, seq, "
        "custom IS NULL AND NOT deleted AS plain, "
        f"CASE WHEN custom IS NULL AND NOT deleted THEN NULL ELSE sha256(raw || {tail}) END AS digest, "
        f"sha256(raw) = raw_sha256 AS sound FROM {_name(part)}) ORDER BY id, version, seq"
    )
    return (Version(*row) for row in _rows(database, query))


def heads(rows: Iterable[Version]) -> Iterator[tuple[Version, str | None]]:
    """Give the newest version of each record, and what is wrong with the record, if anything.

    Args:
        rows: Versions by id and version.
    """
    for _, group in groupby(rows, key=lambda row: row.id):
        wrong, before = None, None
        for row in group:
            if not row.sound:
                wrong = f"version {row.version}: the raw record does not have the hash beside it"
            if row.version != (before.version if before else 0) + 1:
                wrong = "versions do not count up by one"
            if before and (row.as_of < before.as_of or row.seq <= before.seq):
                wrong = f"version {row.version} is older than the one before it"
            before = row
        if before:
            yield before, wrong


def superseded(database: duckdb.DuckDBPyConnection, parts: Sequence[Part]) -> Iterator[tuple[Any, ...]]:
    """Give `(seq, by_seq, source, type)` of each row that a newer version replaced, by seq."""
    if not parts:
        return iter(())
    each = " UNION ALL ".join(
        f"SELECT seq, lead(seq) OVER (PARTITION BY id ORDER BY seq) AS by_seq, '{part.source}' AS source, "
        f"'{part.type}' AS type FROM {_name(part)}"
        for part in parts
    )
    return _rows(database, f"SELECT * FROM ({each}) WHERE by_seq IS NOT NULL ORDER BY seq")


def repeated(database: duckdb.DuckDBPyConnection, parts: Sequence[Part]) -> int | None:
    """Give a sequence number that two rows have, if there is one."""
    if not parts:
        return None
    each = " UNION ALL ".join(f"SELECT seq FROM {_name(part)}" for part in parts)
    found = database.execute(f"SELECT seq FROM ({each}) GROUP BY seq HAVING count(*) > 1 LIMIT 1").fetchone()
    return found[0] if found else None


class Cited:
    """Record versions that verdicts cite, gathered in bounded memory and then looked for among the stored rows."""

    _COLUMNS = ("source", "type", "id", "version", "raw_sha256", "idx")

    def __init__(self, database: duckdb.DuckDBPyConnection) -> None:
        self._database = database
        self._held: list[tuple[Any, ...]] = []
        database.execute(
            "CREATE TABLE cited (source VARCHAR, type VARCHAR, id VARCHAR, version BIGINT, raw_sha256 VARCHAR, "
            "idx BIGINT)"
        )

    def add(self, *cells: Any) -> None:
        """Take in one citation: source, type, id, version, raw_sha256, and the ledger entry it stands in."""
        self._held.append(cells)
        if len(self._held) == _BATCH_ROWS:
            self._flush()

    def missing(self, parts: Sequence[Part]) -> tuple[Any, ...] | None:
        """Give a citation of which no row is stored, if there is one, in the form in which it was added."""
        self._flush()
        columns = ", ".join(self._COLUMNS)
        stored = " OR ".join(f"(source = '{part.source}' AND type = '{part.type}')" for part in parts) or "false"
        found = [self._database.execute(f"SELECT {columns} FROM cited WHERE NOT ({stored}) LIMIT 1").fetchone()]
        for part in parts:
            own = f"FROM cited WHERE source = '{part.source}' AND type = '{part.type}'"
            query = (
                f"SELECT c.source, c.type, id, version, raw_sha256, idx FROM ({own}) c "
                f"ANTI JOIN {_name(part)} r USING (id, version, raw_sha256) ORDER BY idx LIMIT 1"
            )
            found.append(self._database.execute(query).fetchone())
        return min((row for row in found if row), key=lambda row: row[-1], default=None)

    def _flush(self) -> None:
        if self._held:
            columns = zip(*self._held, strict=True)
            table = pa.table(dict(zip(self._COLUMNS, map(list, columns), strict=True)))
            self._database.register("held", table)
            self._database.execute("INSERT INTO cited SELECT * FROM held")
            self._database.unregister("held")
            self._held.clear()


def _name(part: Part) -> str:
    # Names of sources hold letters, digits, dots, dashes and underscores; types are ours.
    return f'"{part.source}/{part.type}"'


def _rows(database: duckdb.DuckDBPyConnection, query: str) -> Iterator[tuple[Any, ...]]:
    cursor = database.cursor().execute(query)
    while rows := cursor.fetchmany(_CHUNK):
        yield from rows

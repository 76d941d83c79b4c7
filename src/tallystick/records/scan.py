"""Reading records with DuckDB: the newest versions as of a sequence number, or all versions, straight from segments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb
import msgspec
import pyarrow as pa
from sqlalchemy import Connection, select

from tallystick.database.schema import segment, superseded
from tallystick.records.store import RecordStore
from tallystick.records.types import COMMON, RECORD_TYPES, Column, Kind

__all__ = ["Selection", "add_source", "connect", "select_segments"]

_DUCKDB: Mapping[Kind, str] = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "money": "DECIMAL(18,4)",
    "rate": "DECIMAL(38,12)",
    "boolean": "BOOLEAN",
    "instant": "BIGINT",
}


class Selection(msgspec.Struct, frozen=True):
    """Which files hold the rows of one source and type as of a sequence number, and which rows do not count.

    `whole` are files all of whose rows count, `cut` those of which only rows up to `as_of_seq` do. `superseded` are
    the sequence numbers of rows that a newer version has replaced by then.
    """

    whole: tuple[Path, ...]
    cut: tuple[Path, ...]
    as_of_seq: int | None
    superseded: tuple[int, ...]


def select_segments(
    connection: Connection, store: RecordStore, source: str, kind: str, as_of_seq: int | None = None
) -> Selection:
    """Select what to read for one source and type.

    Args:
        connection: An open transaction: what it sees is what is selected.
        store: The records.
        source: Source whose records are wanted.
        kind: Record type.
        as_of_seq: The newest row that counts; None for all.
    """
    files = select(segment.c.sha256, segment.c.last_seq).where(
        segment.c.source == source, segment.c.type == kind, segment.c.replaced.is_(False)
    )
    gone = select(superseded.c.seq).where(superseded.c.source == source, superseded.c.type == kind)
    if as_of_seq is not None:
        files = files.where(segment.c.first_seq <= as_of_seq)
        gone = gone.where(superseded.c.by_seq <= as_of_seq)
    folder = store.part(source, kind)
    whole: list[Path] = []
    cut: list[Path] = []
    for sha256, last_seq in connection.execute(files.order_by(segment.c.first_seq)):
        part = whole if as_of_seq is None or last_seq <= as_of_seq else cut
        part.append(folder / f"{sha256}.parquet")
    return Selection(tuple(whole), tuple(cut), as_of_seq, tuple(connection.execute(gone).scalars()))


def connect(
    store: RecordStore,
    source: str,
    as_of_seq: int | None = None,
    types: Iterable[str] | None = None,
    *,
    threads: int | None = None,
    memory_limit: str | None = None,
) -> duckdb.DuckDBPyConnection:
    """Give a DuckDB connection with two views per record type of a source.

    `payment` holds the newest version of each payment that is not deleted; `payment_all` every version, tombstones too.
    Of a frozen type it is the first version seen that counts.
    Both have the common columns and the typed ones; instants are BIGINT microseconds, money is DECIMAL(18,4). The views
    show what was stored when this was called: later commits change nothing. Close the connection, or use it with
    `with`. It reaches no network and loads no extension.

    Args:
        store: The records.
        source: Source whose records are wanted.
        as_of_seq: The newest row that counts; None for all that is stored now.
        types: Record types wanted; all of them by default.
        threads: Threads of DuckDB; as many as the machine has by default.
        memory_limit: DuckDB's own limit, such as `2GB`.
    """
    database = duckdb.connect(":memory:", config=_config(store, threads, memory_limit))
    try:
        with store.engine.connect() as connection:
            for kind in types if types is not None else RECORD_TYPES:
                chosen = select_segments(connection, store, source, kind, as_of_seq)
                _create_views(database, kind, chosen)
    except BaseException:
        database.close()
        raise
    return database


def add_source(
    database: duckdb.DuckDBPyConnection,
    store: RecordStore,
    source: str,
    types: Iterable[str],
    *,
    prefix: str,
    as_of_seq: int | None = None,
) -> None:
    """Add the views of some record types of a source to a connection, under their names with a prefix.

    They take the place of views of the same names.

    Args:
        database: As `connect` gives it.
        store: The records.
        source: Source whose records are wanted.
        types: Record types wanted.
        prefix: What the names of the views begin with.
        as_of_seq: The newest row that counts; None for all that is stored now.
    """
    with store.engine.connect() as connection:
        for kind in types:
            _create_views(database, kind, select_segments(connection, store, source, kind, as_of_seq), prefix)


def _config(
    store: RecordStore, threads: int | None, memory_limit: str | None
) -> dict[str, str | bool | int | float | list[str]]:
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        # Else work that does not fit in memory would spill into the working directory.
        "temp_directory": str(store.folder / ".spill"),
    }
    if threads is not None:
        config["threads"] = threads
    if memory_limit is not None:
        config["memory_limit"] = memory_limit
    return config


def _create_views(database: duckdb.DuckDBPyConnection, kind: str, chosen: Selection, prefix: str = "") -> None:
    columns = (*COMMON, *RECORD_TYPES[kind].columns)
    rows = _rows(columns, chosen)
    name = f"{prefix}{kind}"
    database.execute(f'CREATE OR REPLACE VIEW "{name}_all" AS {rows}')
    latest = f'SELECT * FROM "{name}_all" AS row'
    if RECORD_TYPES[kind].frozen:
        # The first version seen counts, whatever came later.
        latest += " WHERE version = 1 AND NOT deleted"
        database.execute(f'CREATE OR REPLACE VIEW "{name}" AS {latest}')
        return
    if chosen.superseded:
        gone = pa.table({"seq": pa.array(chosen.superseded, pa.int64())})
        database.register("tallystick_gone", gone)
        database.execute(f'CREATE TEMP TABLE "{name}_superseded" AS SELECT seq FROM tallystick_gone')
        database.unregister("tallystick_gone")
        # Written as NOT EXISTS, DuckDB takes four times as long.
        latest += f' ANTI JOIN "{name}_superseded" AS gone ON gone.seq = row.seq'
    latest += " WHERE NOT deleted"
    database.execute(f'CREATE OR REPLACE VIEW "{name}" AS {latest}')


def _rows(columns: Iterable[Column], chosen: Selection) -> str:
    """Give SQL for all versions; a type of which nothing is stored is empty with the right column types."""
    cells = ", ".join(_cell(column) for column in columns)
    parts = []
    if chosen.whole:
        parts.append(f"SELECT {cells} FROM {_files(chosen.whole)}")
    if chosen.cut:
        parts.append(f"SELECT {cells} FROM {_files(chosen.cut)} WHERE seq <= {chosen.as_of_seq}")
    if not parts:
        empty = ", ".join(f'CAST(NULL AS {_DUCKDB[column.kind]}) AS "{column.name}"' for column in columns)
        parts.append(f"SELECT {empty} WHERE false")
    return " UNION ALL ".join(parts)


def _cell(column: Column) -> str:
    if column.kind == "instant":
        return f'epoch_us("{column.name}") AS "{column.name}"'
    return f'"{column.name}"'


def _files(paths: Iterable[Path]) -> str:
    quoted = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    return f"read_parquet([{quoted}])"

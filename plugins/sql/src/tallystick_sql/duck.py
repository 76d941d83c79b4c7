"""A DuckDB file, opened for reading only."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from tallystick.errors import ConnectorError, PermanentError, RetryableError, SchemaChanged
from tallystick_sql.warehouse import Rights, Rows, Snapshot, Warehouse

__all__ = ["DuckWarehouse"]

# DuckDB reads what is written for PostgreSQL; its own driver counts parameters by question marks.
_DIALECT = postgresql.dialect(paramstyle="qmark")  # type: ignore[no-untyped-call]
_LONGEST = 300


class DuckWarehouse(Warehouse):
    """A DuckDB file.

    Args:
        path: The file.
        timeout: Seconds that a statement may take.
    """

    kind = "duckdb"

    def __init__(self, path: str, *, timeout: int) -> None:
        self._path = path
        self._timeout = timeout
        self._lock = threading.Lock()
        self._open: set[duckdb.DuckDBPyConnection] = set()
        self._closed = False
        self.asked = 0

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Give one state: a transaction of DuckDB sees none of what others commit meanwhile."""
        try:
            connection = duckdb.connect(self._path, read_only=True)
        except duckdb.Error as error:
            raise RetryableError(
                f"the DuckDB file cannot be opened: {_said(error)}",
                hint="A process that writes into it locks it; write a copy and rename it.",
            ) from None
        with self._lock:
            self._open.add(connection)
        try:
            connection.execute("SET enable_external_access = false")
            connection.begin()
            yield _DuckSnapshot(self, connection)
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def ask(self, connection: duckdb.DuckDBPyConnection, statement: sa.Select[Any]) -> Rows:
        """Send a statement and count it.

        Raises:
            ConnectorError: It was refused, or took too long.
        """
        compiled = statement.compile(dialect=_DIALECT)
        parameters = [compiled.params[name] for name in compiled.positiontup or []]
        with self._lock:
            self.asked += 1
            if self._closed:
                raise RetryableError("the warehouse was closed while it was read")
        timer = threading.Timer(self._timeout, connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            table: pa.Table = connection.sql(str(compiled), params=parameters).to_arrow_table()
        except duckdb.Error as error:
            raise _mapped(error) from None
        finally:
            timer.cancel()
        columns = [_values(name, column) for name, column in zip(table.column_names, table.columns, strict=True)]
        return Rows(tuple(table.column_names), list(zip(*columns, strict=True)))

    def close(self) -> None:
        """Break off what is running."""
        with self._lock:
            self._closed = True
            running = list(self._open)
        for connection in running:
            connection.interrupt()


class _DuckSnapshot(Snapshot):
    def __init__(self, warehouse: DuckWarehouse, connection: duckdb.DuckDBPyConnection) -> None:
        self._warehouse = warehouse
        self._connection = connection

    def ask(self, statement: sa.Select[Any]) -> Rows:
        """Send a statement."""
        return self._warehouse.ask(self._connection, statement)

    def rights(self, table: Sequence[str]) -> Rights:  # noqa: ARG002 - the same for every table
        """Say that the file cannot be written."""
        return Rights(may_write=False, how="the file is opened for reading only")

    def remarks(self) -> list[str]:
        """Give nothing: a file is what it is."""
        return []


def _values(name: str, column: pa.ChunkedArray) -> list[Any]:
    try:
        return _in_utc(column).to_pylist()  # type: ignore[no-any-return]
    except (ValueError, OverflowError):
        # Infinity, a year beyond 9999, or nanoseconds.
        raise SchemaChanged(
            f"the column {name} holds a value that has no exact form here", hint="Cast it to text in a view."
        ) from None


def _in_utc(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give times with a zone in UTC: the same bytes whatever the zone of this machine is."""
    kind = column.type
    return column.cast(pa.timestamp(kind.unit, "UTC")) if pa.types.is_timestamp(kind) and kind.tz else column


def _mapped(error: duckdb.Error) -> ConnectorError:
    if isinstance(error, duckdb.InterruptException):
        return RetryableError(
            "a statement took longer than statement_timeout_seconds, or was broken off", hint="Raise the setting."
        )
    if isinstance(error, duckdb.CatalogException | duckdb.BinderException):
        return SchemaChanged(
            f"the file has no such thing: {_said(error)}", hint="Correct the description, or the view."
        )
    return PermanentError(f"DuckDB refused: {_said(error)}", hint="Correct the description, or the view.")


def _said(error: duckdb.Error) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:_LONGEST]

"""Databases that SQLAlchemy speaks to: PostgreSQL and SQLite as they are tested here, others as far as they go."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, ResourceClosedError
from sqlalchemy.sql.elements import quoted_name

from tallystick.connectors import SecretRef
from tallystick.errors import ConfigurationError, RetryableError
from tallystick_sql.faults import database_error
from tallystick_sql.warehouse import Rights, Rows, Snapshot, Warehouse

__all__ = ["AlchemyWarehouse", "sqlite_url"]

_APPLICATION = "tallystick"
_ALIVE = {
    "connect_timeout": 15,
    "keepalives_idle": 60,
    "keepalives_interval": 15,
    "keepalives_count": 4,
    "tcp_user_timeout": 120_000,
}
"""A server that is gone without a word ends the read within two minutes; by default it would take two hours."""


def sqlite_url(path: str) -> sa.URL:
    """Give the URL of a SQLite file that is opened for reading only."""
    return sa.URL.create("sqlite", database=Path(path).absolute().as_uri(), query={"mode": "ro", "uri": "true"})


class AlchemyWarehouse(Warehouse):
    """A database by its URL.

    Args:
        url: Without a password.
        password: Where it is kept, if one is needed; it is read when the first connection is made.
        timeout: Seconds that a statement may take.
    """

    def __init__(self, url: sa.URL, password: SecretRef | None, *, timeout: int) -> None:
        self._url = url
        self._password = password
        self._timeout = timeout
        self._lock = threading.Lock()
        self._engine: sa.Engine | None = None
        self._secret = ""
        self._open: set[sa.Connection] = set()
        self._closed = False
        self.kind = url.get_backend_name()
        self.asked = 0

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Give one state in a transaction of REPEATABLE READ, READ ONLY where the database knows it."""
        engine = self._connected()
        try:
            with engine.connect() as connection:
                with self._lock:
                    if self._closed:
                        raise RetryableError("the warehouse was closed while it was read")
                    self._open.add(connection)
                try:
                    self._prepare(connection)
                    yield _AlchemySnapshot(self, connection)
                finally:
                    with self._lock:
                        self._open.discard(connection)
                    if self._closed:
                        # The pool is gone that it would go back to.
                        connection.invalidate()
                    else:
                        connection.rollback()
        except DBAPIError as error:
            raise self._mapped(error) from None

    def ask(self, connection: sa.Connection, statement: sa.Executable) -> sa.CursorResult[Any]:
        """Send a statement and count it.

        Raises:
            ConnectorError: It was refused.
        """
        with self._lock:
            self.asked += 1
        timer = self._timer(connection)
        try:
            return connection.execute(statement)
        except DBAPIError as error:
            raise self._mapped(error) from None
        except ResourceClosedError:
            raise RetryableError("the warehouse was closed while it was read") from None
        finally:
            if timer is not None:
                timer.cancel()

    def close(self) -> None:
        """Break off what is running; a snapshot that is open ends with an error."""
        with self._lock:
            self._closed = True
            running = list(self._open)
        for connection in running:
            _break_off(connection)
        if self._engine is not None:
            self._engine.dispose(close=not running)

    def _connected(self) -> sa.Engine:
        with self._lock:
            if self._engine is None:
                self._secret = self._password.reveal() if self._password is not None else ""
                url = self._url.set(password=self._secret) if self._secret else self._url
                try:
                    self._engine = sa.create_engine(url, hide_parameters=True, pool_pre_ping=False, **_options(url))
                except (ImportError, sa.exc.ArgumentError):
                    raise ConfigurationError(
                        f"url: there is no driver for {self._url.drivername}", hint="Install its Python package."
                    ) from None
            return self._engine

    def _prepare(self, connection: sa.Connection) -> None:
        if self.kind == "postgresql":
            self.ask(connection, sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            # Times with a zone are given as the session's zone writes them: the same bytes whoever reads.
            self.ask(connection, sa.text("SET LOCAL TIME ZONE 'UTC'"))
            self.ask(connection, sa.text(f"SET LOCAL statement_timeout = {self._timeout * 1000:d}"))
        elif self.kind == "sqlite":
            self.ask(connection, sa.text("PRAGMA query_only = ON"))
            self.ask(connection, sa.text("BEGIN"))

    def _timer(self, connection: sa.Connection) -> threading.Timer | None:
        """Interrupt a statement that takes too long, where the database has no timeout of its own."""
        if self.kind != "sqlite":
            return None
        timer = threading.Timer(self._timeout, _break_off, [connection])
        timer.daemon = True
        timer.start()
        return timer

    def _mapped(self, error: DBAPIError) -> Exception:
        if self._closed:
            return RetryableError("the warehouse was closed while it was read")
        return database_error(error, self._secret)


class _AlchemySnapshot(Snapshot):
    def __init__(self, warehouse: AlchemyWarehouse, connection: sa.Connection) -> None:
        self._warehouse = warehouse
        self._connection = connection

    def ask(self, statement: sa.Select[Any]) -> Rows:
        """Send a statement."""
        found = self._warehouse.ask(self._connection, statement)
        return Rows(tuple(found.keys()), [tuple(row) for row in found])

    def rights(self, table: Sequence[str]) -> Rights:
        """Ask PostgreSQL; a file is opened for reading only; others do not tell."""
        if self._warehouse.kind == "sqlite":
            return Rights(may_write=False, how="the file is opened for reading only")
        if self._warehouse.kind != "postgresql":
            return Rights(may_write=None, how="this database is not asked for rights")
        quote = self._connection.dialect.identifier_preparer.quote
        name = ".".join(quote(quoted_name(part, quote=True)) for part in table)
        asked = sa.text("SELECT has_table_privilege(:name, 'INSERT, UPDATE, DELETE, TRUNCATE')").bindparams(name=name)
        may = bool(self._warehouse.ask(self._connection, asked).scalar())
        return Rights(may_write=may, how="asked the database; the transaction is read-only all the same")

    def remarks(self) -> list[str]:
        """Say whether this is a standby, and how far behind."""
        if self._warehouse.kind != "postgresql":
            return []
        asked = sa.text("SELECT pg_is_in_recovery(), pg_last_xact_replay_timestamp()")
        row: Any = self._warehouse.ask(self._connection, asked).one()
        standby, replayed = row
        if not standby:
            return []
        return [f"this is a standby, which has replayed what was written up to {replayed}; lag_minutes must cover it"]


def _options(url: sa.URL) -> dict[str, Any]:
    if url.get_backend_name() == "postgresql":
        return {"connect_args": {"application_name": _APPLICATION, **_ALIVE}}
    if url.get_backend_name() == "sqlite":
        return {"connect_args": {"check_same_thread": False, "isolation_level": None}}
    return {}


def _break_off(connection: sa.Connection) -> None:
    """Stop the statement that runs on a connection, from another thread."""
    try:
        driver: Any = connection.connection.driver_connection
    except (sa.exc.InvalidRequestError, sa.exc.ResourceClosedError):
        return
    if isinstance(driver, sqlite3.Connection):
        driver.interrupt()
    elif hasattr(driver, "cancel_safe"):
        driver.cancel_safe(timeout=5)

"""The conformance kit of the connector for warehouses: a help desk that is replicated into a SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import sqlalchemy as sa

from tallystick.connectors import Connector, ConnectorConfig
from tallystick.testing.kit import UNKNOWN_WORD, Capability, ConnectorKit, FakeTimer, System
from tallystick_sql.connector import SqlConfig, SqlConnector

__all__ = ["SqlKit", "SqlSystem"]

_PAGE = 4
_LAG = 120
_BEGIN = 1_772_323_200
"""2026-03-01T00:00Z in Unix seconds."""
_MAPPING = """\
streams:
  tickets:
    table: tickets
    key: id
    cursor: {path: updated_at, format: unix}
    complete_until: {lag_minutes: 2}
    records:
      - type: ticket
        id: id
        as_of: {path: updated_at, format: unix}
        deleted: {path: gone, is: 1}
        columns:
          created_at: {path: created_at, format: unix}
          updated_at: {path: updated_at, format: unix}
          status: {path: status, values: {open: open, solved: solved}}
          external_id: name
  contacts:
    table: contacts
    key: id
    complete_until: {table: loads, column: {path: done, format: unix}, lag_minutes: 2}
    records:
      - type: contact
        id: id
        as_of: {path: updated_at, format: unix}
        deleted: {path: gone, is: 1}
        columns:
          created_at: {path: created_at, format: unix}
          name: name
          status: status
          merged_into: merged_into
  changes:
    table: changes
    key: id
    cursor: {path: at, format: unix}
    complete_until: {lag_minutes: 2}
    records:
      - type: change
        id: id
        as_of: {path: at, format: unix}
        columns: {at: {path: at, format: unix}, object_type: type, object_id: object, field: field, actor_id: who}
"""
_OBJECT = "(id TEXT, created_at INT, updated_at INT, status TEXT, name TEXT, gone INT, merged_into TEXT, shown_at INT)"
_VIEWS = {"ticket": "tickets", "contact": "contacts"}


class SqlSystem(System):
    """An account whose tables a loader writes; views over them show what has been loaded by now.

    Args:
        number: Number of the account.
        folder: Where its files lie.
    """

    def __init__(self, number: int, folder: Path) -> None:
        self._file = folder / "warehouse.db"
        mapping = folder / "mapping.yaml"
        mapping.write_text(_MAPPING, encoding="utf-8")
        super().__init__({"file": str(self._file), "mapping": str(mapping), "start": "2026-01-01"}, page_size=_PAGE)
        self._number = number
        self._now = _BEGIN
        self._count = 0
        self._lag = 0
        self._calls = 0
        self._wire: tuple[Capability, str] | None = None
        self._write(
            f"CREATE TABLE ticket {_OBJECT}",
            f"CREATE TABLE contact {_OBJECT}",
            "CREATE TABLE loads (done INT)",
            "CREATE TABLE changes (id TEXT, at INT, type TEXT, object TEXT, field TEXT, who TEXT)",
        )
        self._views()
        for record_type in _VIEWS:
            self.edit(record_type, self.create(record_type))
        self.advance(_LAG)

    def now(self) -> int:
        """Give the virtual clock."""
        return self._now * 1_000_000

    def advance(self, seconds: int) -> None:
        """Move the clock on; the loader runs."""
        self._now += seconds
        self._views()

    def calls(self) -> int:
        """Give the statements that reached the file."""
        return self._calls

    def count(self, connection: sa.Connection, *_: Any) -> None:
        """Count a statement, if it is for this file."""
        self._calls += self._file.as_uri() == connection.engine.url.database

    def create(self, record_type: str) -> str:
        """Make a ticket or a contact."""
        self._count += 1
        key = f"{self._number}-{self._count}"
        row = (key, self._now, self._now, "open", f"name {key}", 0, None, self._now + self._lag)
        self._write((f"INSERT INTO {record_type} VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row))
        return key

    def edit(self, record_type: str, record_id: str) -> str:
        """Give it another name, and write down who did it."""
        self._count += 1
        who = f"agent-{self._number}"
        change = (f"c{self._count}-{self._number}", self._now, record_type, record_id, "name", who)
        self._set(record_type, record_id, "name", f"name {self._count}")
        self._write(("INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?)", change))
        return who

    def delete(self, record_type: str, record_id: str) -> None:
        """Mark it as gone."""
        self._set(record_type, record_id, "gone", 1)

    def merge(self, record_type: str, kept: str, gone: str) -> None:
        """Write into a contact which other one it went into."""
        self._set(record_type, gone, "merged_into", kept)

    def set_fault(self, fault: Capability, *, after: int = 0, times: int | None = 1, seconds: int = 0) -> None:
        """Let the loader bring what is made from now on that much later."""
        if fault is not Capability.LAG:
            super().set_fault(fault, after=after, times=times, seconds=seconds)
        self._lag = seconds

    def change_wire(self, change: Capability, record_type: str) -> str:
        """Show a table otherwise."""
        self._wire = (change, record_type)
        self._views()
        if change is Capability.GAINED_FIELD:
            return ""
        return "created_at" if change is Capability.RETYPED_FIELD else "status"

    def clear(self) -> None:
        """Show the tables as before, and load at once."""
        self._lag = 0
        self._wire = None
        self._views()

    def _set(self, record_type: str, record_id: str, column: str, value: object) -> None:
        statement = f"UPDATE {record_type} SET {column} = ?, updated_at = ? WHERE id = ?"
        self._write((statement, (value, self._now, record_id)))

    def _views(self) -> None:
        """Let the views show what has been loaded by now, and the loader write how far it came."""
        change, about = self._wire or (None, "")
        shown = {"created_at": "created_at", "status": "status"}
        for record_type, view in _VIEWS.items():
            columns = dict(shown)
            if record_type == about and change is Capability.GAINED_FIELD:
                columns["gained"] = "'something new' AS gained"
            elif record_type == about and change is Capability.LOST_FIELD:
                del columns["status"]
            elif record_type == about and change is Capability.UNKNOWN_WORD:
                columns["status"] = f"'{UNKNOWN_WORD}' AS status"
            elif record_type == about:
                columns["created_at"] = "'soon' AS created_at"
            said = f"SELECT id, updated_at, name, gone, merged_into, {', '.join(columns.values())} FROM {record_type}"
            self._write(f"DROP VIEW IF EXISTS {view}", f"CREATE VIEW {view} AS {said} WHERE shown_at <= {self._now}")
        self._write("DELETE FROM loads", f"INSERT INTO loads VALUES ({self._now})")

    def _write(self, *statements: str | tuple[str, tuple[Any, ...]]) -> None:
        with closing(sqlite3.connect(self._file, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            for statement in statements:
                connection.execute(*((statement,) if isinstance(statement, str) else statement))


class SqlKit(ConnectorKit):
    """The connector for warehouses, against a help desk that is replicated into a SQLite file."""

    connector = SqlConnector
    creates = ("ticket", "contact")
    calls_idle = 24
    calls_per_page = 1
    lag_seconds = _LAG
    lacks: ClassVar = {
        Capability.VERBATIM: "a row of a table is no JSON",
        (Capability.MERGES, "ticket"): "a row of a ticket says nothing of a merge",
        **dict.fromkeys(
            (Capability.SIGN_IN, Capability.TOKEN_EXPIRY, Capability.CLOCK_SKEW),
            "a file asks for no secret and tells no clock; PostgreSQL is in this plugin's own tests",
        ),
        **dict.fromkeys(
            (
                Capability.THROTTLING,
                Capability.RETRY_AFTER,
                Capability.SERVER_ERROR,
                Capability.MAINTENANCE_PAGE,
                Capability.TRUNCATION,
                Capability.RESET,
            ),
            "a file is not called over a network; what a server does is in this plugin's own tests",
        ),
    }

    @contextmanager
    def open(self, number: int) -> Iterator[SqlSystem]:
        """Give an account in a file of its own."""
        with TemporaryDirectory() as folder:
            system = SqlSystem(number, Path(folder))
            sa.event.listen(sa.Engine, "before_cursor_execute", system.count)
            try:
                yield system
            finally:
                sa.event.remove(sa.Engine, "before_cursor_execute", system.count)

    def connect(self, config: ConnectorConfig, timer: FakeTimer) -> Connector:  # noqa: ARG002 - nothing here waits
        """Make the connector with small pages."""
        return SqlConnector(SqlConfig.model_validate(config), page_rows=_PAGE)

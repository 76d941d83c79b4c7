"""The same tables in PostgreSQL, SQLite and DuckDB, a description of them, and a store that they are read into."""

import sqlite3
import uuid
from contextlib import closing, contextmanager
from textwrap import dedent

import duckdb
import psycopg
import pytest

from tallystick.database.engine import open_database
from tallystick.records.catalog import RecordStore
from tallystick.sync.engine import sync_source
from tallystick_sql.connector import SqlConfig, SqlConnector

SERVER = "postgresql://postgres@127.0.0.1:5432/postgres"
NOW = 1_788_220_800_000_000
"""2026-09-01T00:00Z."""
TICKETS = """\
streams:
  tickets:
    table: {schema}tickets
    key: id
    cursor: {{path: updated_at, format: {format}}}
    complete_until: {{lag_minutes: 0}}
    records:
      - type: ticket
        id: id
        as_of: {{path: updated_at, format: {format}}}
        deleted: {{path: gone, is: true}}
        columns:
          created_at: {{path: created_at, format: {format}}}
          updated_at: {{path: updated_at, format: {format}}}
          status: status
"""


class Tables:
    """Tables in a database of one kind, and what is done with them."""

    def __init__(self, kind, folder, schema=""):
        self.kind = kind
        self.root = folder
        self.schema = schema
        self.file = folder / f"warehouse.{kind}"
        self.page_rows = 3
        self.description = TICKETS.format(
            schema=f"{schema}." if schema else "", format="unix_ms" if kind == "sqlite" else "iso"
        )
        self.engine = open_database(folder / "test.db", create=True)
        self.store = RecordStore(self.engine, folder / "records")
        self.last = None
        self.opened = []
        self.config = {"url": SERVER} if kind == "postgresql" else {"file": str(self.file)}
        instant = "BIGINT" if kind == "sqlite" else "TIMESTAMPTZ"
        self.execute(
            f"CREATE TABLE tickets (id INTEGER, created_at {instant}, updated_at {instant}, status TEXT, gone BOOLEAN)"
        )

    @contextmanager
    def connect(self):
        """Give a connection that may write."""
        if self.kind == "postgresql":
            with psycopg.connect(SERVER, autocommit=True) as connection:
                connection.execute(f'SET search_path TO "{self.schema}"')
                yield connection
        else:
            opened = (
                sqlite3.connect(self.file, isolation_level=None) if self.kind == "sqlite" else duckdb.connect(self.file)
            )
            with closing(opened) as connection:
                yield connection

    def execute(self, *statements):
        """Run statements."""
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement)

    def at(self, day, second=0):
        """Give an instant of August 2026 as the database writes it."""
        if self.kind == "sqlite":
            return str((1_785_542_400 + (day - 1) * 86_400 + second) * 1000)
        return f"TIMESTAMPTZ '2026-08-{day:02} 00:00:{second:02}+00'"

    def tickets(self, *ids, day=1, second=0, status="open"):
        """Write tickets that changed at an instant, in place of those of the same ids."""
        gone = "0" if self.kind == "sqlite" else "FALSE"
        rows = ", ".join(f"({key}, {self.at(1)}, {self.at(day, second)}, '{status}', {gone})" for key in ids)
        self.execute(
            f"DELETE FROM tickets WHERE id IN ({', '.join(map(str, ids))})", f"INSERT INTO tickets VALUES {rows}"
        )

    def describe(self, text):
        """Take another description; `SCHEMA.` stands for the schema there is."""
        self.description = dedent(text).replace("SCHEMA.", f"{self.schema}." if self.schema else "")

    def connector(self, **config):
        """Give a connector that reads the tables."""
        mapping = self.root / "mapping.yaml"
        mapping.write_text(self.description, encoding="utf-8")
        settings = {**self.config, "mapping": str(mapping), "start": "2026-01-01", **config}
        self.opened.append(SqlConnector(SqlConfig.model_validate(settings), page_rows=self.page_rows))
        return self.opened[-1]

    def close(self):
        """Close all that was opened."""
        for connector in self.opened:
            connector.close()
        self.engine.dispose()

    def sync(self, until=NOW, **config):
        """Read what is new; gives how many records were stored."""
        with closing(self.connector(**config)) as connector:
            self.last = sync_source(
                self.store, "acme", connector, until=until, observed_at=until, batch_seconds=0.0, threads=2
            )
        return sum(stream.stored for stream in self.last.streams)

    def error(self, **more):
        """Read, and give what was said about what cannot be."""
        self.sync(**more)
        assert self.last.errors, "nothing was said"
        return self.last.errors[0].diagnostics()

    def watermark(self, stream="tickets"):
        """Give how far a stream is complete."""
        return self.store.stream_states("acme")[stream].watermark

    def rows(self, columns, kind="ticket", *, newest=True):
        """Give columns of stored records, ordered by id and version; of the newest versions unless told otherwise."""
        files = self.store.part("acme", kind) / "*.parquet"
        if not list(files.parent.glob("*.parquet")):
            return []
        query = f"SELECT {columns} FROM read_parquet('{files}') "
        if newest:
            query += "QUALIFY row_number() OVER (PARTITION BY id ORDER BY seq DESC) = 1 "
        return duckdb.sql(query + "ORDER BY id, version").fetchall()


@contextmanager
def tables_in(kind, folder):
    """Give empty tables in a database of a kind; on the server in a schema of their own, dropped afterwards."""
    schema = f"t_{uuid.uuid4().hex}" if kind == "postgresql" else ""
    if schema:
        try:
            with psycopg.connect(SERVER, autocommit=True, connect_timeout=2) as connection:
                connection.execute(f"CREATE SCHEMA {schema}")
        except psycopg.OperationalError:
            pytest.skip("no PostgreSQL server at 127.0.0.1:5432")
    made = Tables(kind, folder, schema)
    try:
        yield made
    finally:
        made.close()
        if schema:
            with psycopg.connect(SERVER, autocommit=True) as connection:
                connection.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture(params=[pytest.param("postgresql", marks=pytest.mark.postgres), "sqlite", "duckdb"])
def tables(request, tmp_path):
    """Tables in each kind of database."""
    with tables_in(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def server(tmp_path):
    """Tables in PostgreSQL."""
    with tables_in("postgresql", tmp_path) as made:
        yield made


@pytest.fixture
def duck(tmp_path):
    """Tables in a DuckDB file."""
    with tables_in("duckdb", tmp_path) as made:
        yield made


@pytest.fixture
def lite(tmp_path):
    """Tables in a SQLite file."""
    with tables_in("sqlite", tmp_path) as made:
        yield made

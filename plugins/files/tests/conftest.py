"""A folder of exports, a description of them, and a store that they are read into."""

import gzip
from contextlib import closing
from textwrap import dedent

import duckdb
import pytest

from tallystick.database.engine import open_database
from tallystick.records.catalog import RecordStore
from tallystick.sync.engine import sync_source
from tallystick_files.connector import FilesConfig, FilesConnector

NOW = 1_788_220_800_000_000
"""2026-09-01T00:00Z."""
TICKETS = """\
streams:
  tickets:
    files: tickets-*.csv
    holds: deltas
    exported_at: {name: tickets-%Y-%m-%d.csv, timezone: UTC}
    records:
      - type: ticket
        id: id
        as_of: updated
        deleted: {path: gone, is: 1}
        columns:
          created_at: opened
          updated_at: updated
          status: status
"""
HEADER = "id,opened,updated,status,gone"


class Exports:
    """A folder of exports and what is done with it."""

    def __init__(self, folder, page_rows=3):
        self.root = folder
        self.folder = folder / "exports"
        self.folder.mkdir()
        self.page_rows = page_rows
        self.description = TICKETS
        self.engine = open_database(folder / "test.db", create=True)
        self.store = RecordStore(self.engine, folder / "records")
        self.last = None

    def write(self, name, *lines, newline="\n", encoding="utf-8"):
        """Write a file of lines; packed if its name says so."""
        content = (newline.join(lines) + newline).encode(encoding) if lines else b""
        return self.write_bytes(name, gzip.compress(content) if name.endswith(".gz") else content)

    def write_bytes(self, name, content):
        """Write a file of bytes."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path

    def tickets(self, day, *ids, status="open", **more):
        """Write a day's export with these tickets in it."""
        rows = [f"{key},2026-01-01T00:00:00Z,{day}T00:00:00Z,{status},0" for key in ids]
        return self.write(f"tickets-{day}.csv", HEADER, *rows, **more)

    def describe(self, text):
        """Take another description."""
        self.description = dedent(text)

    def connector(self, **config):
        """Give a connector that reads the folder."""
        mapping = self.root / "mapping.yaml"
        mapping.write_text(self.description, encoding="utf-8")
        settings = {"folder": str(self.folder), "mapping": str(mapping), "start": "2026-01-01", **config}
        return FilesConnector(FilesConfig.model_validate(settings), page_rows=self.page_rows)

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


@pytest.fixture
def exports(tmp_path):
    """A folder of exports, pages of three rows."""
    made = Exports(tmp_path)
    yield made
    made.engine.dispose()

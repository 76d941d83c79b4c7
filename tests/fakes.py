"""A connector without a network, and stores to sync it into."""

import functools
import secrets
import shutil
import tempfile
import threading
import time
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from tallystick.connectors.base import Page, Slice, Stream
from tallystick.database.engine import open_database
from tallystick.records.catalog import RecordStore
from tallystick.records.model import Record

DAY = 1_000
SERVER = "postgresql+psycopg://postgres@127.0.0.1:5432/"


@functools.cache
def _migrated():
    """Give the bytes of an empty database, migrated once for a whole run: hypothesis asks for hundreds."""
    with tempfile.TemporaryDirectory() as folder:
        open_database(Path(folder) / "t.db", create=True).dispose()
        return (Path(folder) / "t.db").read_bytes()


@contextmanager
def temporary_store():
    """Give an empty store in a folder of its own."""
    folder = Path(tempfile.mkdtemp())
    (folder / "t.db").write_bytes(_migrated())
    engine = open_database(folder / "t.db")
    try:
        yield RecordStore(engine, folder / "records")
    finally:
        engine.dispose()
        shutil.rmtree(folder)


@contextmanager
def postgres_url():
    """Give the URL of an empty PostgreSQL database, dropped afterwards; skips the test where there is no server."""
    name = f"tallystick_{secrets.token_hex(8)}"
    options = {"isolation_level": "AUTOCOMMIT", "connect_args": {"connect_timeout": 2}}
    admin = create_engine(f"{SERVER}postgres", **options)
    try:
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except OperationalError:
        admin.dispose()
        pytest.skip("no PostgreSQL server at 127.0.0.1:5432")
    yield f"{SERVER}{name}"
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def refund(record_id, as_of, text="", **more):
    """Give a refund whose raw record is that text."""
    raw = f'{{"id":"{record_id}","text":"{text}"}}'.encode()
    values = (as_of, "succeeded", "ch_1", Decimal("1.25"), "EUR", 2, None, False)
    return Record("refund", record_id, as_of, values, raw, **more)


class FakeStream(Stream):
    """Objects `(id, as_of, text)` in windows; newest first, or chronological with a watermark on every page."""

    def __init__(self, objects, *, name="refunds", newest_first=True, per_page=3, slice_days=3, types=("refund",)):
        self.name = name
        self.types = types
        self.objects = objects
        self.newest_first = newest_first
        self.per_page = per_page
        self.slice_days = slice_days
        self.pages = 0
        self.before_page = lambda: None
        self.change_page = lambda page: page

    def plan(self, watermark, until):
        """Cut the time since the watermark into windows."""
        start = 0 if watermark is None else watermark
        width = self.slice_days * DAY
        starts = range(start, until, width)
        return [Slice(at, min(at + width, until), {"after": None}) for at in starts]

    def read(self, part):
        """Give the objects of a window, a page at a time."""
        inside = [held for held in self.objects if part.start <= held[1] < part.end]
        inside.sort(key=lambda held: (held[1], held[0]), reverse=self.newest_first)
        after = part.cursor["after"]
        if after is not None:
            inside = inside[[held[0] for held in inside].index(after) + 1 :]
        while True:
            self.before_page()
            self.pages += 1
            now, inside = inside[: self.per_page], inside[self.per_page :]
            cursor = {"after": now[-1][0]} if inside else None
            watermark = part.end if cursor is None else None
            if not self.newest_first and cursor is not None:
                watermark = now[-1][1]
            page = Page([refund(*held) for held in now], cursor, watermark)
            yield self.change_page(page)
            if cursor is None:
                return


class FakeConnector:
    """Streams of a pretended system."""

    name = "fake"
    version = "1.0"
    api_version = "2026-01"

    def __init__(self, *streams):
        self._streams = streams
        self.closed = threading.Event()

    def streams(self):
        """Give the streams."""
        return self._streams

    def calls(self):
        """Give the number of pages read."""
        return sum(stream.pages for stream in self._streams)

    def close(self):
        """Note that the connector was closed."""
        self.closed.set()


def sleeping(seconds):
    """Give something to do before a page that takes a while."""
    return lambda: time.sleep(seconds)

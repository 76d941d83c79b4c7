"""A store of evidence in a SQLite file, and one in a PostgreSQL database of its own."""

import pytest
from sqlalchemy import text
from tests.fakes import postgres_url

from tallystick.database.engine import open_database
from tallystick.records.catalog import RecordStore

RECORD_TABLES = "segment, record_head, superseded, stream_state, slice_state, counter"


@pytest.fixture(scope="session")
def postgres():
    """A migrated PostgreSQL database for this run, dropped afterwards."""
    with postgres_url() as url:
        engine = open_database(url)
        yield engine
        engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request, tmp_path):
    """An empty store over each kind of database."""
    if request.param == "postgres":
        engine = request.getfixturevalue("postgres")
        with engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {RECORD_TABLES}"))
        yield RecordStore(engine, tmp_path / "records")
        return
    engine = open_database(tmp_path / "t.db", create=True)
    yield RecordStore(engine, tmp_path / "records")
    engine.dispose()


@pytest.fixture
def local(tmp_path):
    """A store over SQLite, for what has nothing to do with the kind of database."""
    engine = open_database(tmp_path / "t.db", create=True)
    yield RecordStore(engine, tmp_path / "records")
    engine.dispose()


@pytest.fixture
def commit():
    """Give a function that commits records, with no more said than a test is about."""

    def run(store, *records, source="billing", progress=(), observed_at=9_000):
        return store.commit(
            source, records, progress, connector="fake 1.0", api_version="2026-01", observed_at=observed_at
        )

    return run

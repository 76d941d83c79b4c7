"""An export and an import change nothing, whatever a project holds and on whichever database it lies."""

import random
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text
from tests.exports import carry_in, carry_out, findings, same_files, tell
from tests.fakes import postgres_url, temporary_store

from tallystick.database import schema
from tallystick.database.engine import open_database, transaction
from tallystick.records.catalog import RecordStore, evidence_digest
from tallystick.records.compaction import compact

RECORDS = st.tuples(
    st.sampled_from(["a", "B", "\u00e9", "z_1", "\U0001f600", "\uffee"]),
    st.integers(1, 9),
    st.sampled_from(["x", "y", "\u20ac"]),
    st.booleans(),
    st.none() | st.just({"k": "v"}),
)
ROUNDS = st.lists(
    st.tuples(
        st.lists(RECORDS, max_size=6),
        st.lists(st.sampled_from(["C1", "c1", "\u00c4", "\U0001f600", "\uffee"]), max_size=3),
        st.lists(st.sampled_from(["verified", "pending", "rejected"]), max_size=5),
    ),
    max_size=4,
)


@given(ROUNDS, st.booleans())
@settings(max_examples=40)
def test_there_and_back_is_the_same_project(rounds, merged):
    """Export, import, export gives the same bytes; the new project passes every check of fsck."""
    folder = Path(tempfile.mkdtemp())
    try:
        with temporary_store() as store, temporary_store() as other:
            tell(store, rounds)
            if merged:
                compact(store, many=1)
            manifest = carry_out(store, folder / "one")
            loaded = carry_in(other, folder / "one")

            assert findings(other) == findings(store) == []
            assert loaded.evidence == manifest.evidence.sha256 == evidence_digest(store) == evidence_digest(other)
            assert carry_out(other, folder / "two") == manifest
            assert same_files(folder / "one", folder / "two")
    finally:
        shutil.rmtree(folder)


def _rounds(seed):
    """Give rounds with many records, so that batches, row groups and server-side cursors come into play."""
    chance = random.Random(seed)
    names = [f"{chance.choice('aAzZ_-é€😀')}{number}" for number in range(3_000)]
    for _ in range(3):
        records = [
            (name, chance.randrange(1, 9), chance.choice("xyz"), chance.random() < 0.1, None)
            for name in chance.sample(names, 2_500)
        ]
        yield records, chance.sample(names, 500), [chance.choice(["verified", "pending"]) for _ in range(40)]


@pytest.mark.postgres
def test_across_databases_and_back(tmp_path):
    """From SQLite to PostgreSQL and back all three exports are equal, and PostgreSQL counts on behind what came."""
    with temporary_store() as store, temporary_store() as back, postgres_url() as url:
        tell(store, _rounds(7))
        carry_out(store, tmp_path / "one")
        engine = open_database(url)
        there = RecordStore(engine, tmp_path / "records")
        carry_in(there, tmp_path / "one")
        carry_out(there, tmp_path / "two")
        carry_in(back, tmp_path / "two")
        carry_out(back, tmp_path / "three")

        assert same_files(tmp_path / "one", tmp_path / "two")
        assert same_files(tmp_path / "two", tmp_path / "three")
        assert findings(there) == []
        with transaction(engine) as connection:
            row = connection.execute(insert(schema.run).values(started_at=1)).inserted_primary_key
        engine.dispose()
    assert row[0] == 4


@pytest.mark.postgres
def test_the_order_of_lines_is_no_matter_of_the_locale(tmp_path):
    """A PostgreSQL database that sorts texts by a language exports the same bytes as SQLite."""
    with temporary_store() as store, postgres_url() as url:
        tell(store, _rounds(8))
        engine = open_database(url)
        with engine.begin() as connection:
            for table, column in (("record_head", "id"), ("claim", "claim_id"), ("verdict_head", "subject")):
                connection.execute(text(f'ALTER TABLE {table} ALTER COLUMN {column} TYPE text COLLATE "und-x-icu"'))
        carry_out(store, tmp_path / "one")
        there = RecordStore(engine, tmp_path / "records")
        carry_in(there, tmp_path / "one")
        carry_out(there, tmp_path / "two")
        assert findings(there) == []
        engine.dispose()

    assert same_files(tmp_path / "one", tmp_path / "two")

"""Recomputing the store from its bytes."""

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import delete, insert, update
from tests.fakes import refund

from tallystick.database.engine import transaction
from tallystick.database.schema import counter, record_head, segment, superseded
from tallystick.records.catalog import evidence_digest, fsck


@pytest.fixture
def stored(local, commit):
    """A store with a record in two versions and one that was deleted."""
    commit(local, refund("re_1", 10, "a"), refund("re_2", 10))
    commit(local, refund("re_1", 20, "b"), refund("re_2", 20, deleted=True))
    return local


def _paths(store):
    return sorted(store.folder.rglob("*.parquet"))


def _said(store):
    return "\n".join(map(str, fsck(store)))


def _rewrite(store, change):
    """Put an altered segment in the place of one, under its own right name and catalog entry."""
    path = _paths(store)[0]
    table = change(pq.ParquetFile(path).read())
    pq.write_table(table, path.with_suffix(".new"))
    data = path.with_suffix(".new").read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    path.with_suffix(".new").rename(path.with_name(f"{sha256}.parquet"))
    with transaction(store.engine) as connection:
        same = segment.c.sha256 == path.stem
        connection.execute(update(segment).where(same).values(sha256=sha256, bytes=len(data)))
    path.unlink()


def _with(column, values):
    def change(table):
        place = table.schema.get_field_index(column)
        return table.set_column(place, table.schema.field(place), pa.array(values, table.schema.field(place).type))

    return change


def test_sound_store(stored):
    """A store that nobody touched has no finding."""
    assert fsck(stored) == []


def test_missing_segment(stored):
    """A segment that is gone is named."""
    path = _paths(stored)[0]
    path.unlink()
    assert path.name in _said(stored)
    assert "missing" in _said(stored)


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data[:50] + b"!" + data[51:], lambda _: b""])
def test_altered_segment(stored, change):
    """A single byte less or other in a segment is found."""
    path = _paths(stored)[0]
    path.write_bytes(change(path.read_bytes()))
    assert "hash" in _said(stored)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_with("raw", ['{"id":"re_1"}', "{}"]), "hash beside it"),
        (_with("version", [1, 2]), "count up by one"),
        (_with("source", ["other", "other"]), "another source"),
        (_with("seq", [2, 1]), "catalog says otherwise"),
        (_with("as_of", [10, 999]), "older than the one before"),
        (lambda table: table.slice(0, 1), "catalog says otherwise"),
    ],
)
def test_segment_with_a_right_name_and_wrong_rows(stored, change, said):
    """Rows that do not fit what was committed are found even under a right hash."""
    _rewrite(stored, change)
    assert said in _said(stored)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (update(record_head).values(seq=1), "head"),
        (update(record_head).values(as_of=0), "head"),
        (update(record_head).values(digest=b"0" * 32), "head"),
        (delete(record_head).where(record_head.c.id == "re_1"), "no head"),
        (delete(superseded), "not superseded"),
        (update(superseded).values(by_seq=4), "not superseded"),
        (insert(superseded).values(seq=4, by_seq=5, source="billing", type="refund"), "not superseded"),
        (update(counter).values(value=3), "pass the counter"),
        (update(segment).values(bytes=1), "bytes"),
        (insert(record_head).values(source="x", type="actor", id="u", seq=9, version=1, as_of=0, digest=b""), "head"),
    ],
)
def test_catalog_that_was_altered(stored, statement, said):
    """Every table of the catalog is compared with what the segments give."""
    with transaction(stored.engine) as connection:
        connection.execute(statement)
    assert said in _said(stored)


def test_evidence_digest_sees_evidence_only(tmp_path, stored, commit):
    """Two stores with the same versions have one digest, whatever batches, instants of reading or order made them."""
    other = type(stored)(stored.engine, stored.folder)
    before = evidence_digest(stored)
    with transaction(stored.engine) as connection:
        for table in (segment, record_head, superseded, counter):
            connection.execute(delete(table))
    other.folder = tmp_path / "other"
    commit(other, refund("re_2", 10), refund("re_2", 20, deleted=True), observed_at=1)
    commit(other, refund("re_1", 10, "a"))
    commit(other, refund("re_1", 20, "b"))
    assert evidence_digest(other) == before
    commit(other, refund("re_1", 30, "c"))
    assert evidence_digest(other) != before

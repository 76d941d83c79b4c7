"""Merging segments and removing what is left over."""

import pytest
from sqlalchemy import select
from tests.fakes import refund

from tallystick.database.schema import segment
from tallystick.errors import StorageError, Tampered
from tallystick.records import compaction
from tallystick.records.catalog import evidence_digest, fsck
from tallystick.records.compaction import Compaction, compact, sweep
from tallystick.records.scan import connect
from tallystick.records.segments import build, write


@pytest.fixture
def many(local, commit):
    """A store of five small segments, in which one record changes."""
    for number in range(5):
        commit(local, refund(f"re_{number}", 10), refund("re_changing", number, f"{number}"))
    return local


def _files(store):
    return sorted(path.name for path in store.folder.rglob("*") if path.is_file())


def _counted(store):
    with store.engine.connect() as connection:
        return sorted(connection.execute(select(segment.c.replaced, segment.c.rows)).all())


def test_many_small_segments_become_one(many):
    """Small segments are merged in the order of their rows, and nothing about the evidence changes."""
    before = evidence_digest(many)
    assert compact(many, many=4) == Compaction(merged=5, written=1)
    assert _counted(many) == [(False, 10)] + [(True, 2)] * 5
    assert (evidence_digest(many), fsck(many)) == (before, [])
    with connect(many, "billing") as database:
        assert database.execute("SELECT version FROM refund WHERE id = 're_changing'").fetchall() == [(5,)]


def test_merged_files_go_with_the_next_call(many):
    """Files that were merged stay for one call more, for those who opened them."""
    compact(many, many=4)
    assert len(_files(many)) == 6
    assert compact(many, many=4) == Compaction(deleted=5)
    assert len(_files(many)) == 1
    assert fsck(many) == []


def test_few_or_large_segments_are_left_alone(many):
    """Nothing is merged where there are few segments, or where they are not small."""
    assert compact(many, many=5) == Compaction()
    assert compact(many, many=4, small_bytes=10) == Compaction()


def test_merged_segments_have_a_size(many):
    """A merged segment is closed at its target size, and a segment left alone is not rewritten."""
    [size, *_] = [path.stat().st_size for path in many.folder.rglob("*.parquet")]
    assert compact(many, many=1, target_bytes=2 * size - 200) == Compaction(merged=4, written=2)
    assert fsck(many) == []


def test_altered_segment_is_not_merged(many):
    """A segment whose bytes were altered gets no new name; the rest stays as it was."""
    [path, *_] = many.folder.rglob("*.parquet")
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(Tampered, match="altered"):
        compact(many, many=4)
    path.unlink()
    with pytest.raises(Tampered, match="missing"):
        compact(many, many=4)
    assert all(name.endswith(".parquet") for name in _files(many))
    assert len(_counted(many)) == 5


def test_full_disk_while_merging(many, monkeypatch):
    """A merge that finds no room leaves everything as it was, and no file of its own."""

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(compaction, "sync_folder", full)
    before = evidence_digest(many)
    with pytest.raises(StorageError, match="No space left"):
        compact(many, many=4)
    monkeypatch.undo()
    assert (evidence_digest(many), fsck(many), _counted(many)) == (before, [], [(False, 2)] * 5)
    assert sweep(many) <= 1
    assert len(_files(many)) == 5


def test_sweep_removes_what_a_crash_left(many):
    """A segment that was written and never committed, and a half-written one, are removed; the rest stays."""
    folder = many.folder / "billing" / "refund"
    record = refund("re_lost", 10)
    one = {"id": "re_lost", "version": 1, "seq": 99, "as_of": 10, "deleted": False, "custom": None, "raw_sha256": "0"}
    common = {name: [value] for name, value in one.items()} | {"raw": [record.raw]}
    common |= {"source": "billing", "observed_at": 1, "connector": "fake", "api_version": "1"}
    write(folder, build("refund", common, [record.values], ["re_lost"], where="billing"))
    (folder / ".half.tmp").write_bytes(b"PAR1")
    assert sweep(many) == 2
    assert (len(_files(many)), fsck(many)) == (5, [])
    assert sweep(many) == 0


def test_sweep_of_an_empty_store(local):
    """A store without a folder has nothing to sweep or to merge."""
    assert (sweep(local), compact(local)) == (0, Compaction())

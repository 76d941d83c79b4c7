"""Disk full, kill -9 and two writers: nothing is lost, doubled or half-written."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from tests.fakes import refund

from tallystick.database.engine import open_database
from tallystick.errors import StorageError
from tallystick.records import segments
from tallystick.records.catalog import Progress, RecordStore, coverage, evidence_digest, fsck
from tallystick.records.compaction import sweep

KILL_ME = Path(__file__).with_name("kill_me.py")
KILLS = 12


@pytest.fixture
def store(tmp_path):
    """A store over SQLite with an open slice."""
    engine = open_database(tmp_path / "t.db", create=True)
    held = RecordStore(engine, tmp_path / "records")
    held.plan("s", "refunds", ["refund"], [(0, 100, {"n": 0})])
    yield held
    engine.dispose()


def _commit(store, *records, watermark=50):
    progress = [Progress("refunds", 0, {"n": 1}, watermark)]
    return store.commit("s", records, progress, connector="fake 1.0", api_version="1", observed_at=0)


def _untouched(store):
    return store.last_seq() == 0 and store.open_slices("s", "refunds")[0].cursor == {"n": 0} and fsck(store) == []


@pytest.mark.parametrize("call", ["write", "fsync", "rename", "sync_folder"])
def test_full_disk_while_a_segment_is_written(store, monkeypatch, call):
    """When the disk refuses at any step, the batch is refused whole with a hint, and a later try succeeds."""

    def full(*_arguments, **_more):
        raise OSError(28, "No space left on device")

    owner, name = {
        "write": (Path, "open"),
        "fsync": (segments.os, "fsync"),
        "rename": (Path, "rename"),
        "sync_folder": (segments, "sync_folder"),
    }[call]
    store.part("s", "refund").mkdir(parents=True)
    monkeypatch.setattr(owner, name, full)
    with pytest.raises(StorageError, match="No space left") as caught:
        _commit(store, refund("re_1", 10))
    monkeypatch.undo()
    assert "run the same command again" in caught.value.diagnostics()
    assert _untouched(store)
    assert [path for path in store.folder.rglob("*") if path.suffix == ".tmp"] == []
    assert _commit(store, refund("re_1", 10)).stored == 1
    assert fsck(store) == []
    sweep(store)
    assert len(list(store.folder.rglob("*.parquet"))) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_disk_that_is_really_full(tmp_path):
    """A write the system itself refuses for want of room leaves no segment behind."""
    folder = tmp_path / "records"
    folder.mkdir()
    # The temporary file is a link to a device that is always full.
    (folder / f".{'0' * 64}.tmp").symlink_to("/dev/full")
    with pytest.raises(StorageError, match="No space left"):
        segments.place(folder, "0" * 64, b"x" * 10_000)
    assert list(folder.iterdir()) == []


def test_killed_between_file_and_transaction(store, monkeypatch):
    """A file that was written and never registered is as if it had not been written; sweep removes it."""

    def killed(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("tallystick.records.progress.advance", killed)
    with pytest.raises(KeyboardInterrupt):
        _commit(store, refund("re_1", 10))
    monkeypatch.undo()
    assert len(list(store.folder.rglob("*.parquet"))) == 1
    assert _untouched(store)
    assert coverage(store.engine, "s")["refund"].watermark is None
    _commit(store, refund("re_1", 10), refund("re_2", 10))
    assert (sweep(store), store.last_seq(), fsck(store)) == (1, 2, [])


def test_two_writers(tmp_path):
    """Two stores that write the same records at the same time store each of them once, in one order of numbers."""
    engines = [open_database(tmp_path / "t.db", create=True) for _ in range(2)]
    stores = [RecordStore(engine, tmp_path / "records") for engine in engines]
    errors = []

    def write(store):
        try:
            for number in range(30):
                batch = [refund(f"re_{number}", 10), refund(f"re_{number + 1}", 10)]
                store.commit("s", batch, [], connector="fake 1.0", api_version="1", observed_at=0)
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            errors.append(error)

    threads = [threading.Thread(target=write, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (errors, stores[0].last_seq(), fsck(stores[0])) == ([], 31, [])
    for engine in engines:
        engine.dispose()


def _run(folder, *mode):
    folder.mkdir(exist_ok=True)
    return subprocess.Popen([sys.executable, str(KILL_ME), str(folder), *mode], stderr=subprocess.PIPE)


def _finish(folder, *mode):
    process = _run(folder, *mode)
    _, said = process.communicate()
    assert process.returncode == 0, said.decode()
    engine = open_database(folder / "t.db")
    store = RecordStore(engine, folder / "records")
    assert fsck(store) == []
    found = evidence_digest(store), coverage(engine, "s"), store.last_seq()
    engine.dispose()
    return found


@pytest.mark.slow
def test_kill_at_random_moments(tmp_path):
    """A sync killed with SIGKILL again and again ends with the evidence and watermarks of one that never was."""
    began = time.monotonic()
    expected = _finish(tmp_path / "undisturbed")
    longest = time.monotonic() - began
    chance = random.Random(20261123)
    for _ in range(KILLS):
        process = _run(tmp_path / "killed")
        time.sleep(chance.uniform(longest * 0.2, longest * 0.7))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    assert _finish(tmp_path / "killed") == expected


@pytest.mark.slow
def test_kill_either_process_at_random_moments(tmp_path):
    """Where a second process commits, kill -9 of it, of the first, or of both ends with the same as no kill at all."""
    expected = _finish(tmp_path / "undisturbed")
    chance = random.Random(20261126)
    alone = 0
    for number in range(KILLS):
        process = _run(tmp_path / "killed", "apart")
        others = _wait_for_child(process)
        time.sleep(chance.uniform(0.3, 1.2))
        victims = [others, [*others, process.pid], [process.pid]][number % 3]
        for victim in victims:
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        time.sleep(0.1)
        alone += bool(others) and process.poll() is None
        process.kill()
        process.communicate()
    assert alone  # a first process went on without its second
    assert _finish(tmp_path / "killed", "apart") == expected


def _wait_for_child(process):
    """Give the processes that a process has started, once there is one or it has ended."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while process.poll() is None:
        with suppress(FileNotFoundError):
            if found := children.read_text().split():
                return [int(pid) for pid in found]
        time.sleep(0.005)
    return []

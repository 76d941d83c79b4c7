"""Batches committed by a second process: nothing differs from committing them here, whatever becomes of it."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from decimal import Decimal
from multiprocessing import Pipe

import pytest
from sqlalchemy import insert
from tests.fakes import FakeConnector, FakeStream, postgres_url, refund

from tallystick import __version__
from tallystick.database.engine import open_database, transaction
from tallystick.database.schema import segment
from tallystick.errors import Busy, ConfigurationError, PermanentError
from tallystick.records.catalog import Progress, RecordStore, evidence_digest, fsck
from tallystick.records.model import Record
from tallystick.sync import apart as module
from tallystick.sync.apart import serve
from tallystick.sync.committer import Committer
from tallystick.sync.engine import sync_source
from tallystick.sync.lock import ProjectLock

ABOUT = {"connector": "fake 1", "api_version": "1", "observed_at": 99}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    """Where a database is, of both kinds."""
    if request.param == "sqlite":
        yield tmp_path / "t.db"
        return
    yield from _open(postgres_url())


def _open(manager):
    with manager as url:
        yield url


@pytest.fixture(autouse=True)
def _two_processors(monkeypatch):
    """Whatever the machine, there are two processors."""
    monkeypatch.setattr(module, "_processors", lambda: 2)


@pytest.fixture
def made(database, tmp_path):
    """An empty store with one stream that was planned, and its lock, held."""
    store = _store(database, tmp_path / "records")
    with ProjectLock(tmp_path / "lock", "sync") as lock:
        yield store, lock
    store.engine.dispose()


@pytest.fixture
def apart(made):
    """A committer whose other process is ready."""
    with closing(_ready(*made)) as committer:
        yield committer


def _store(database, folder):
    store = RecordStore(open_database(database, create=True), folder)
    store.register("s", {"refunds": ("refund",)})
    store.plan("s", "refunds", ("refund",), [(0, 1_000, {"page": 0})])
    return store


def _ready(store, lock):
    committer = Committer(store, lock, apart_after=0)
    committer.commit("s", [], [], **ABOUT)
    assert committer._apart._connection.poll(60)
    return committer


def _batches():
    """Give batches of records with what differs between stored and not: news, repeats, older, deleted, custom."""
    yield [refund("a", 1, "one"), refund("b", 2, "two", custom={"amount": Decimal("1.10"), "note": None})]
    yield [refund("a", 1, "one"), refund("a", 3, "three"), refund("c", 1, "ä")]
    yield [refund("a", 2, "late"), refund("b", 5, "gone", deleted=True)]
    yield []


def _commit_all(committer, batches=None):
    return [
        committer.commit("s", records, [Progress("refunds", 0, {"page": number}, None)], **ABOUT)
        for number, records in enumerate(batches or _batches(), 1)
    ]


def _pid(committer):
    return committer._apart._process.pid


def _interrupt(committer, batch):
    """Press Ctrl-C while the other process has a batch, which it finishes a little later."""
    pid = _pid(committer)
    os.kill(pid, signal.SIGSTOP)
    threading.Timer(0.3, signal.raise_signal, (signal.SIGINT,)).start()
    waker = threading.Timer(1.0, os.kill, (pid, signal.SIGCONT))
    waker.start()
    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            _commit_all(committer, [batch])
    finally:
        signal.signal(signal.SIGINT, old)
        waker.join()


def test_both_processes_store_the_same(made, apart, tmp_path):
    """Places, sequence numbers, evidence and cursors are those of batches committed here, on both databases."""
    here = _store(tmp_path / "here.db", tmp_path / "here")
    expected = _commit_all(Committer(here, None))
    found = _commit_all(apart)
    assert apart._apart._ready
    assert [(list(done.places), done.last_seq) for done in found] == [
        (list(done.places), done.last_seq) for done in expected
    ]
    assert evidence_digest(made[0]) == evidence_digest(here)
    assert made[0].open_slices("s", "refunds") == here.open_slices("s", "refunds")
    assert fsck(made[0]) == []
    here.engine.dispose()


def test_records_are_committed_by_the_other_process(made, apart):
    """Once it is ready, this process does not write any more."""
    made[0].commit = None
    assert [done.last_seq for done in _commit_all(apart)] == [2, 4, 5, 5]


def test_misfit_is_told_as_ever(made, apart):
    """What does not fit its column raises the error it raises here, and the other process goes on afterwards."""
    bad = Record("refund", "x", 1, (1, 2, 3, 4, 5, 6, 7, 8), b"{}")
    with pytest.raises(PermanentError) as caught:
        apart.commit("s", [refund("y", 1), bad], [Progress("refunds", 0, {"page": 1}, None)], **ABOUT)
    with pytest.raises(PermanentError) as expected:
        made[0].commit("s", [refund("y", 1), bad], [Progress("refunds", 0, {"page": 1}, None)], **ABOUT)
    assert str(caught.value) == str(expected.value)
    made[0].commit = None
    assert apart.commit("s", [refund("y", 1)], [], **ABOUT).stored == 1


@pytest.mark.parametrize("value", [lambda: 0, threading.Lock()])
def test_values_that_cannot_be_handed_over_are_told_as_ever(apart, value):
    """A value that no other process could be given is refused like any other that fits no column."""
    with pytest.raises(PermanentError, match="refund x: column"):
        apart.commit("s", [Record("refund", "x", 1, (value,) * 8, b"{}")], [], **ABOUT)
    assert apart.commit("s", [refund("y", 1)], [], **ABOUT).stored == 1


def test_a_killed_process_is_replaced_by_this_one(made, apart):
    """When the other process is killed between two batches, the rest is committed here."""
    first, *rest = _batches()
    _commit_all(apart, [first])
    os.kill(_pid(apart), signal.SIGKILL)
    assert [done.last_seq for done in _commit_all(apart, rest)] == [4, 5, 5]
    assert fsck(made[0]) == []


def test_a_process_killed_within_a_batch_loses_and_doubles_nothing(made, apart):
    """When the other process is killed while it has a batch, the batch is committed here, once."""
    pid = _pid(apart)
    os.kill(pid, signal.SIGSTOP)
    killer = threading.Timer(0.5, os.kill, (pid, signal.SIGKILL))
    killer.start()
    assert [done.last_seq for done in _commit_all(apart)] == [2, 4, 5, 5]
    killer.join()
    assert fsck(made[0]) == []


def test_a_process_killed_after_its_commit_doubles_nothing(made, apart, monkeypatch):
    """When the other process is killed between its commit and its answer, versions of one instant are stored once."""
    _commit_all(apart, [[refund("z", 1)]])
    pid, connection = _pid(apart), apart._apart._connection

    def lost():
        assert connection.poll(60)
        os.kill(pid, signal.SIGKILL)
        raise EOFError

    monkeypatch.setattr(connection, "recv_bytes", lost)
    batches = [[refund("a", 5, "one"), refund("a", 5, "two")], [refund("a", 5, "three")]]
    assert [done.last_seq for done in _commit_all(apart, batches)] == [3, 4]
    assert made[0].open_slices("s", "refunds")[0].cursor == {"page": 2}
    assert fsck(made[0]) == []


def test_whether_it_has_committed_is_known_once_nobody_writes(made):
    """A killed process may leave a server that still commits for it: only after that is it told what is stored."""
    store, _ = made
    writing = threading.Event()

    def write():
        with transaction(store.engine) as connection:
            writing.set()
            time.sleep(0.5)
            row = {"sha256": "0" * 64, "source": "s", "type": "refund", "first_seq": 8, "last_seq": 9}
            connection.execute(insert(segment), {**row, "rows": 2, "bytes": 1, "replaced": False})

    thread = threading.Thread(target=write)
    thread.start()
    assert writing.wait(30)
    assert store.stored_since("s", 7)
    thread.join()
    assert not store.stored_since("s", 8)
    assert not store.stored_since("t", 7)


def test_what_follows_an_interrupted_batch_is_stored(made, apart):
    """A batch that comes after one whose answer was not waited for is stored, and never taken for that one."""
    first, second, *_ = _batches()
    _commit_all(apart, [[refund("z", 1)]])
    _interrupt(apart, first)
    assert [done.last_seq for done in _commit_all(apart, [second, [refund("d", 1)]])] == [5, 6]
    assert fsck(made[0]) == []


def test_an_interrupt_leaves_the_batch_whole(made, apart):
    """Ctrl-C while the other process has a batch ends the wait; the batch is stored whole, and what follows here."""
    _interrupt(apart, next(_batches()))
    assert [done.last_seq for done in _commit_all(apart)] == [2, 4, 5, 5]
    assert fsck(made[0]) == []


def test_signals_to_stop_do_not_end_the_other_process(made, apart):
    """SIGINT and SIGTERM, as a service manager sends them to all processes at once, are left to the first one."""
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(_pid(apart), number)
    made[0].commit = None
    assert _commit_all(apart)[-1].last_seq == 5


def test_it_ends_with_the_sync(apart):
    """Closing waits for the other process; a committer without one closes too, twice if need be."""
    pid = _pid(apart)
    apart.close()
    apart.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_process_that_hangs_is_ended(apart, monkeypatch):
    """One that does not end by itself is killed after a while."""
    monkeypatch.setattr(module, "_PATIENCE", 0.2)
    pid = _pid(apart)
    os.kill(pid, signal.SIGSTOP)
    apart.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_process_that_does_not_answer_is_given_up(made, apart, monkeypatch):
    """One that holds a batch for ever is ended, and the batch is committed here."""
    monkeypatch.setattr(module, "_SILENCE", 0.2)
    monkeypatch.setattr(module, "_PATIENCE", 0.2)
    os.kill(_pid(apart), signal.SIGSTOP)
    assert [done.last_seq for done in _commit_all(apart)] == [2, 4, 5, 5]
    assert fsck(made[0]) == []


@pytest.mark.parametrize("instead", ["/bin/false", "/nowhere/python", ""])
def test_what_cannot_start_is_done_here(made, monkeypatch, instead):
    """Where no other process starts, or it ends at once, everything is committed here."""
    monkeypatch.setattr(sys, "executable", instead)
    with closing(Committer(*made, apart_after=0)) as committer:
        first, *rest = _batches()
        _commit_all(committer, [first])
        time.sleep(0.2)
        assert [done.last_seq for done in _commit_all(committer, rest)] == [4, 5, 5]


def _no_more_files():
    raise OSError(24, "Too many open files")


@pytest.mark.parametrize("lack", ["lock", "processors", "records", "frozen", "descriptor", "pipe"])
def test_there_is_one_process_where_two_are_of_no_use(made, monkeypatch, lack):
    """Where the lock, or anything that the other process needs, cannot be had or given away, all is done here."""
    store, lock = made
    if lack == "processors":
        monkeypatch.setattr(module, "_processors", lambda: 1)
    if lack == "frozen":
        monkeypatch.setattr(sys, "frozen", True, raising=False)
    if lack == "descriptor":
        # As in a program that was started without standard input.
        monkeypatch.setattr(ProjectLock, "fileno", lambda _: 0)
    if lack == "pipe":
        monkeypatch.setattr(module, "Pipe", _no_more_files)
    after = 10**6 if lack == "records" else 0
    with closing(Committer(store, None if lack == "lock" else lock, apart_after=after)) as committer:
        assert _commit_all(committer)[-1].last_seq == 5
        assert committer._apart is None


def test_a_database_in_memory_is_written_here(tmp_path):
    """A database that no other process sees is written by this one."""
    store = _store("sqlite://", tmp_path / "records")
    with ProjectLock(tmp_path / "lock") as lock, closing(Committer(store, lock, apart_after=0)) as committer:
        assert _commit_all(committer)[-1].last_seq == 5
        assert committer._apart is None
    store.engine.dispose()


HOLDER = """
import os, signal, sys
from pathlib import Path
from tallystick import __version__
from tallystick.database.engine import open_database, transaction
from tallystick.database.schema import segment
from tallystick.records.catalog import RecordStore
from tallystick.sync import apart
from tallystick.sync.committer import Committer
from tallystick.sync.lock import ProjectLock
apart._processors = lambda: 2
folder = Path(sys.argv[1])
with ProjectLock(folder / "lock", "sync") as lock:
    store = RecordStore(open_database(folder / "t.db", create=True), folder / "records")
    committer = Committer(store, lock, apart_after=0)
    committer.commit("s", [], [], connector="c", api_version="1", observed_at=1)
    committer._apart._connection.poll(60)
    os.kill(committer._apart._process.pid, signal.SIGSTOP)
    print(committer._apart._process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_lock_is_held_until_both_have_ended(tmp_path):
    """After kill -9 of the first process the lock is free once the other one has ended too, which it does by itself."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    pid = int(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, timeout=120).stdout)
    try:
        with pytest.raises(Busy), ProjectLock(tmp_path / "lock"):
            pass
    finally:
        os.kill(pid, signal.SIGCONT)
    deadline = time.monotonic() + 30
    while True:
        try:
            with ProjectLock(tmp_path / "lock"):
                break
        except Busy:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_lock_that_is_not_held_has_no_descriptor(tmp_path):
    """What another process shall share must be held."""
    with pytest.raises(ValueError, match="not held"):
        ProjectLock(tmp_path / "lock").fileno()


def test_what_the_other_process_does(tmp_path):
    """It opens the store it is told, answers each batch, and says nothing but no where a batch is refused."""
    _store(tmp_path / "t.db", tmp_path / "records").engine.dispose()
    here, there = Pipe()
    here.send_bytes(pickle.dumps((__version__, tmp_path / "t.db", tmp_path / "records")))
    ended = []

    def work():
        with there, pytest.raises(EOFError) as caught:
            serve(there)
        ended.append(caught.value)

    thread = threading.Thread(target=work)
    thread.start()
    assert here.recv_bytes() == b"ready"
    here.send_bytes(module._packed("s", [refund("a", 1)], [Progress("refunds", 0, {"page": 1}, None)], ABOUT))
    assert pickle.loads(here.recv_bytes()) == ([0], 1)  # noqa: S301 - our own bytes
    here.send_bytes(module._packed("s", [Record("refund", "", 1, (), b"{}")], [], ABOUT))
    assert here.recv_bytes() == b""
    here.close()
    thread.join(30)
    assert ended


def test_a_missing_database_ends_it(tmp_path):
    """Without the database there is nothing to commit to."""
    here, there = Pipe()
    with here, there:
        here.send_bytes(pickle.dumps((__version__, tmp_path / "none.db", tmp_path / "records")))
        with pytest.raises(ConfigurationError):
            serve(there)


def test_another_version_commits_nothing(made, monkeypatch):
    """Where Tallystick was updated while a sync runs, the new release does not touch the database of the old one."""
    monkeypatch.setattr(module, "__version__", "0.0.1")
    with closing(Committer(*made, apart_after=0)) as committer:
        committer.commit("s", [], [], **ABOUT)
        committer._apart._process.wait(60)
        assert [done.last_seq for done in _commit_all(committer)] == [2, 4, 5, 5]


def test_the_database_is_the_one_that_was_opened(tmp_path, monkeypatch):
    """A database given by a relative path stays the same one where a plugin has changed the working directory."""
    for name in ("ours", "other"):
        (tmp_path / name).mkdir()
    other = _store(tmp_path / "other" / "t.db", tmp_path / "other" / "records")
    monkeypatch.chdir(tmp_path / "ours")
    store = _store("sqlite:///t.db", tmp_path / "ours" / "records")
    monkeypatch.chdir(tmp_path / "other")
    with ProjectLock(tmp_path / "lock") as lock, closing(_ready(store, lock)) as committer:
        assert [done.last_seq for done in _commit_all(committer)] == [2, 4, 5, 5]
        assert committer._apart._ready
    assert (store.last_seq(), other.last_seq()) == (5, 0)
    for one in (store, other):
        one.engine.dispose()


def test_isolation_is_handed_on(tmp_path):
    """Started with -I, which passes over PYTHONPATH, the other process takes no module from there either."""
    (tmp_path / "tallystick.py").write_text(f"open({str(tmp_path / 'taken')!r}, 'w')")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    for flag in ("-I", "-E"):
        command = [sys.executable, flag, "-c", HOLDER, str(tmp_path)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, timeout=120, env=environment)
        os.kill(int(done.stdout), signal.SIGKILL)
    assert not (tmp_path / "taken").exists()


def test_a_sync_that_commits_apart_ends_like_any_other(made, tmp_path):
    """A whole sync with a second process from its first batch on ends with the evidence of one without."""
    objects = [(f"re_{number}", number * 137 % 10_000, f"text {number}") for number in range(3_000)]
    other = RecordStore(open_database(tmp_path / "other.db", create=True), tmp_path / "other")
    reports = []
    for store, lock in ((made[0], made[1]), (other, None)):
        stream = FakeStream(objects, per_page=20)
        stream.before_page = lambda: time.sleep(0.01)
        reports.append(
            sync_source(
                store,
                "billing",
                FakeConnector(stream),
                until=10_000,
                observed_at=10_000,
                batch_bytes=60_000,
                lock=lock,
                apart_after=0,
            )
        )
    told = [
        [(found.read, found.stored, found.watermark, found.error) for found in report.streams] for report in reports
    ]
    assert told[0] == told[1] == [(3_000, 3_000, 10_000, None)]
    assert evidence_digest(made[0]) == evidence_digest(other)
    assert fsck(made[0]) == []
    other.engine.dispose()

"""The lock of a project."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tallystick.errors import Busy, StorageError
from tallystick.sync.lock import ProjectLock

HOLD = """
import sys
from tallystick.sync.lock import ProjectLock
with ProjectLock(sys.argv[1], "verify"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_second_process_leaves_at_once(tmp_path, holder):
    """While one process holds the lock another gets Busy, which says which process it is and what it does."""
    with pytest.raises(Busy) as caught, ProjectLock(tmp_path / "lock", "sync"):
        pass
    said = caught.value.diagnostics()
    assert f"process {holder.pid} (tallystick verify)" in said
    assert ("started 20" in said) == Path("/proc/stat").exists()
    assert caught.value.exit_code == 3


def test_killed_holder_gives_it_back(tmp_path, holder):
    """A holder that is killed holds nothing any more."""
    holder.kill()
    holder.wait()
    with ProjectLock(tmp_path / "lock", "sync"):
        assert str(os.getpid()) in (tmp_path / "lock").read_text()


def test_given_back_on_leaving(tmp_path):
    """The lock is free after its block, also when the block failed, and the file names nobody."""
    lock = ProjectLock(tmp_path / "lock", "sync")
    with pytest.raises(ZeroDivisionError), lock:
        raise ZeroDivisionError
    assert (tmp_path / "lock").read_text() == ""
    with lock:
        pass


def test_two_holders_in_one_process(tmp_path):
    """A second lock object of the same process is kept out too."""
    with ProjectLock(tmp_path / "lock", "sync"), pytest.raises(Busy), ProjectLock(tmp_path / "lock", "run"):
        pass


def test_folder_that_does_not_exist(tmp_path):
    """A lock that cannot be opened says where."""
    with pytest.raises(StorageError, match="missing"), ProjectLock(tmp_path / "missing" / "lock"):
        pass

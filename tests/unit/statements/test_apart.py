"""The evidence of a bundle decided by a second process: the same comes out, and one that dies is no pass."""

import os
import shutil
import signal
import subprocess
import sys
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path

import pytest
from tests import bundles
from tests.bundles import BundleProject, again, members, payment, rebuild, refund

from tallystick.errors import Error, StorageError, Tampered
from tallystick.ledger import Signer
from tallystick.statements import apart, recompute
from tallystick.statements.archive import open_archive
from tallystick.statements.commitments import Commitments

STRANGER = Signer("stranger/key", b"\7" * 32)
ROOT = Path(__file__).parents[3]
SCRIPT = """\
import sys, time
from pathlib import Path
sys.path.insert(0, "{root}")
from tests.bundles import again
from tallystick.statements import apart, recompute

def decide(*_):
    print("begun", flush=True)
    time.sleep(10)
    yield from ()

recompute._LARGE, apart.decide_evidence = 0, decide
if __name__ == "__main__":
    again(Path("{bundle}"), processes=2)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project whose claims stand in several ways."""
    project = BundleProject(tmp_path_factory.mktemp("apart"))
    project.read(
        payment("ch_1"), payment("ch_2"), payment("ch_3", status="failed"), payment("ch_4"), refund("re_1", "ch_4"),
        payment("ch_5", day=33), payment("ch_6", currency="USD"),
    )  # fmt: skip
    project.claim(
        "C1,paid,ch_1,,100.00,EUR", "C2,paid,ch_2,,,", "C3,paid,ch_3,,,", "C4,paid,ch_4,,,", "C5,paid,ch_5,,,",
        "C6,paid,ch_6,,,", "C7,paid,nope,,,", "C8,paid,ch_1,,,",
    )  # fmt: skip
    project.verify()
    project.bundle("whole.tally")
    project.bundle("private.tally", commitments=Commitments(b"s" * 32, frozenset({"C1", "C4"})))
    return project


@pytest.fixture(autouse=True)
def every_bundle_is_large(monkeypatch):
    """Let a second process start for the smallest bundle."""
    monkeypatch.setattr(recompute, "_LARGE", 0)


def _told(path, processes):
    """Give all that recomputing tells, or how it fails."""
    try:
        done = again(path, processes=processes)
    except Error as error:
        return type(error), error.message, error.hint, error.where
    return done.steps, done.differences, done.more, done.totals, done.counts


def _started(monkeypatch, then=lambda _: None):
    """Give the list of all processes that will be started, after each of which something is done."""
    started = []
    real = SpawnProcess.start
    monkeypatch.setattr(SpawnProcess, "start", lambda one: (started.append(one), real(one), then(one)))
    return started


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("whole.tally", b"", b""),
        ("private.tally", b"", b""),
        ("whole.tally", b'"status":"failed"', b'"status":"succeeded"'),
        ("whole.tally", b'"unrefunded":"true"', b'"unrefunded":"false"'),
        ("whole.tally", b'"row":2,', b'"row":7,'),
        ("whole.tally", b'"amount_captured":"100.0000"', b'"amount_captured":"hundred"'),
        ("private.tally", b'"salts":{"', b'"salts":{"_'),
    ],
)
def test_two_processes_tell_what_one_tells(project, tmp_path, *, name, old, new):
    """Steps, differences, totals and refusals of a bundle, sound or changed, do not depend on how many decide it."""
    content = members(project.folder / name)
    assert old in content["evidence.jsonl"]
    changed = {**content, "evidence.jsonl": content["evidence.jsonl"].replace(old, new, 1)}
    path = rebuild(tmp_path / "changed.tally", changed, STRANGER)

    assert _told(path, 2) == _told(path, 1)


def test_a_small_bundle_starts_no_process(project, monkeypatch):
    """Below the size that is worth it everything happens in one process."""
    monkeypatch.setattr(recompute, "_LARGE", 16 << 20)
    monkeypatch.setattr(SpawnProcess, "start", lambda _: pytest.fail("a process was started"))

    assert again(project.folder / "whole.tally", processes=2).differences == []


def test_a_process_that_dies_is_no_pass(project, monkeypatch):
    """Where the second process ends by itself, recomputing ends with an error that says so."""
    monkeypatch.setattr(apart, "_decide", bundles.begin_and_die)

    with pytest.raises(StorageError, match="ended before it was done, with exit code 9"):
        again(project.folder / "whole.tally", processes=2)


@pytest.mark.parametrize(
    ("owner", "name", "error"),
    [
        (SpawnProcess, "start", OSError("no process")),
        (SpawnProcess, "start", AssertionError("daemonic processes are not allowed to have children")),
        (SpawnContext, "Pipe", OSError("too many open files")),
    ],
)
def test_without_a_second_process_one_does_it_all(project, monkeypatch, *, owner, name, error):
    """Where the system starts no process, or may not from a worker of a pool, one process comes to the same."""

    def refused(*_, **__):
        raise error

    whole = project.folder / "whole.tally"
    alone = _told(whole, 1)
    monkeypatch.setattr(owner, name, refused)

    assert _told(whole, 2) == alone


def test_a_process_that_never_begins_is_as_none(project, monkeypatch):
    """What cannot be started once more, such as a program from stdin, is done by the process that is there."""
    whole = project.folder / "whole.tally"
    alone = _told(whole, 1)
    monkeypatch.setattr(apart, "_decide", bundles.die)

    assert _told(whole, 2) == alone


def test_ctrl_c_is_for_the_first_process(project, monkeypatch, capfd):
    """A second process that Ctrl-C reaches while it starts goes on, and says nothing."""
    started = _started(monkeypatch, lambda process: os.kill(process.pid, signal.SIGINT))

    assert again(project.folder / "whole.tally", processes=2).differences == []
    assert started[0].exitcode in {0, -signal.SIGTERM}
    assert "KeyboardInterrupt" not in capfd.readouterr().err


def test_ctrl_c_while_the_second_process_starts_ends_both(project, monkeypatch):
    """Ctrl-C that comes while the second process is being started ends that one too."""
    started = _started(monkeypatch, lambda _: signal.raise_signal(signal.SIGINT))

    # What runs in the background of a shell was started with that signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            again(project.folder / "whole.tally", processes=2)
    finally:
        signal.signal(signal.SIGINT, before)
    assert started[0].exitcode == -signal.SIGTERM


def test_a_second_process_does_not_outlive_the_first(project, tmp_path):
    """Where the first process is killed, the second one ends at once, and says nothing."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(root=ROOT, bundle=project.folder / "whole.tally"))
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as first:
        assert first.stdout.readline() == b"begun\n"
        first.kill()
        # This ends once nobody has its output open any more.
        assert first.stdout.read() == b""


def test_a_file_that_took_the_place_of_the_bundle_decides_nothing(project, tmp_path):
    """The second process finds another bundle under the name of the open one: what counts is the open one."""
    path = tmp_path / "b.tally"
    shutil.copy(project.folder / "whole.tally", path)
    with open_archive(path) as archive:
        path.unlink()
        shutil.copy(project.folder / "private.tally", path)
        done = recompute.recompute(archive, processes=2)

    assert done.counts["opened"] == 6
    assert done.differences == []


def test_tampering_ends_the_second_process(project, tmp_path, monkeypatch):
    """What is refused before the evidence is asked for leaves no process behind."""
    content = members(project.folder / "whole.tally")
    path = rebuild(tmp_path / "cut.tally", {**content, "claims.jsonl": content["claims.jsonl"][:-1]}, STRANGER)
    started = _started(monkeypatch)

    with pytest.raises(Tampered, match="not ended by a newline"):
        again(path, processes=2)
    [process] = started
    assert process.exitcode is not None

"""The path of somebody who brings another system of record: from an empty folder to a verdict."""

import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from tallystick.errors import ConfigurationError
from tallystick.testing.skeleton import write_skeleton
from tests.installed import Installed

ROOT = Path(__file__).parents[2]
NOW = "2026-05-01T00:00:00Z"
# Our help desk calls a solved ticket done, and lives elsewhere.
THREE_LINES = {
    "simulator.py": ('SOLVED = "solved"', 'SOLVED = "done"'),
    "mapping.py": ('"solved": "solved"', '"done": "solved"'),
    "connector.py": ('"https://api.helpdesk.example"', '"https://desk.acme.example"'),
}


@contextmanager
def _served(environment, module, folder):
    """Serve a simulator as a process of its own."""
    process = subprocess.Popen(
        [environment.python, "-m", module], cwd=folder, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    try:
        yield process.stdout.readline().removeprefix("listening on ").strip()
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@pytest.mark.slow
def test_from_an_empty_folder_to_a_verdict(tmp_path):
    """Made, changed in three lines, installed and green, a new connector's records are decided under a contract."""
    environment = Installed(tmp_path / "venv")
    folder = tmp_path / "work"
    folder.mkdir()

    def tallystick(*arguments, **more):
        return environment.run("-m", "tallystick", *arguments, cwd=folder, **more).stdout

    made = json.loads(tallystick("connectors", "new", "helpdesk", "--json"))
    package = folder / made["folder"] / "src" / "tallystick_helpdesk"
    for name, (before, after) in THREE_LINES.items():
        text = (package / name).read_text()
        assert text.count(before) == 1
        (package / name).write_text(text.replace(before, after))
    environment.install(folder / made["folder"], editable=True)
    environment.run("-m", "pytest", "-q", "-p", "no:cacheprovider", made["folder"], cwd=folder)
    with _served(environment, "tallystick_helpdesk.simulator", folder) as origin:
        secret = {"HELPDESK_KEY": "key-of-account-1"}
        tallystick("init", "--source", "helpdesk", "--base-url", origin, "--start", "2026-01-01", "--name", "acme")
        tallystick("check", **secret)
        tallystick("sync", "--now", NOW, **secret)
    [report] = json.loads(tallystick("verify", "--now", NOW, "--json"))["contracts"]
    assert report["counts"]["found"] == 8  # of twelve tickets, every third was solved by a person
    tallystick("ledger", "fsck")


def test_as_generated_it_keeps_our_rules(tmp_path):
    """Whatever its name, a skeleton passes ruff by our rules and its own, formatter included, and mypy strict."""
    for name in ("x", "helpdesk", "customer_support_desk_24"):
        folder, _ = write_skeleton(name, tmp_path, taken=())
        for command in (
            ["ruff", "format", "--check", "."],
            ["ruff", "check", "."],
            # How imports are sorted depends on where the suite lies, and nothing else.
            ["ruff", "check", "--config", ROOT / "pyproject.toml", "--ignore", "I001", "."],
        ):
            done = subprocess.run(
                [sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
    done = subprocess.run(
        [sys.executable, "-m", "mypy"], cwd=tmp_path / "tallystick-helpdesk", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Helpdesk", "lower case"),
        ("help-desk", "lower case"),
        ("9desk", "lower case"),
        ("class", "lower case"),
        ("../desk", "lower case"),
        ("", "lower case"),
        ("a" * 25, "up to 24"),
        ("known", "installed already"),
        ("stripe", "installed already"),
    ],
)
def test_a_name_that_cannot_be_used_writes_nothing(tmp_path, name, told):
    """A name that is no identifier, or that an installed connector or package has, is refused."""
    with pytest.raises(ConfigurationError, match=told):
        write_skeleton(name, tmp_path, taken={"known"})

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_exists_is_left_alone(tmp_path):
    """A skeleton is written over nothing, not even over an empty folder."""
    (tmp_path / "tallystick-helpdesk").mkdir()
    with pytest.raises(ConfigurationError, match="exists and is not overwritten"):
        write_skeleton("helpdesk", tmp_path, taken=())

    assert [path.name for path in tmp_path.rglob("*")] == ["tallystick-helpdesk"]


def test_nothing_half_written_stays(tmp_path, monkeypatch):
    """When a file cannot be written, none of the others is left."""
    write, written = Path.write_text, []

    def full(path, *arguments, **more):
        written.append(path)
        if len(written) == 4:
            raise OSError(28, "No space left on device")
        return write(path, *arguments, **more)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(ConfigurationError, match="No space left on device"):
        write_skeleton("helpdesk", tmp_path, taken=())

    assert list(tmp_path.iterdir()) == []

"""The path of somebody who brings another system of record: from an empty folder to a verdict."""

import json
import shlex
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.docs.pages import blocks
from tests.installed import Installed

from tallystick.errors import ConfigurationError
from tallystick.testing.skeleton import write_skeleton

ROOT = Path(__file__).parents[2]
PAGE = "writing-a-connector.md"
PORT = "8765"
NOW = "2026-05-01T00:00:00Z"


@contextmanager
def _served(command, folder):
    """Serve a simulator as a process of its own."""
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True, bufsize=1)
    try:
        yield process.stdout.readline().removeprefix("listening on ").strip()
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


class _Newcomer:
    """Somebody at a shell in an empty folder, who does what the page says."""

    def __init__(self, folder, environment, stack):
        self.folder = folder
        self.environment = environment
        self.variables = {}
        self.origin = ""
        self.printed = {}
        self._stack = stack

    def edit(self, diff):
        """Change the lines that a diff names."""
        for part in diff.split("--- ")[1:]:
            name, before, after = part.splitlines()
            [path] = self.folder.glob(f"*/src/*/{name}")
            text = path.read_text()
            assert text.count(before[1:]) == 1, f"{name} has no line {before[1:]!r}"
            path.write_text(text.replace(before[1:], after[1:]))

    def type(self, line):
        """Run a command."""
        words = shlex.split(line.replace(f"http://127.0.0.1:{PORT}", self.origin).replace(PORT, "0"))
        match words:
            case ["export", setting]:
                name, _, value = setting.partition("=")
                self.variables[name] = value
            case ["pip", "install", "-e", project]:
                self.environment.install(self.folder / project.partition("[")[0], editable=True)
            case ["python", "-m", *_]:
                served = _served([self.environment.python, *words[1:]], self.folder)
                self.origin = self._stack.enter_context(served)
            case ["tallystick", verb, *_]:
                clock = ["--now", NOW, "--json"] if verb in {"sync", "verify"} else []
                done = self.environment.run("-m", *words, *clock, cwd=self.folder, **self.variables)
                self.printed[verb] = done.stdout
            case _:
                raise AssertionError(f"nobody knows how to run {line!r}")


@pytest.mark.slow
def test_from_an_empty_folder_to_a_verdict(tmp_path):
    """The page's commands and its edits of three lines, done as they stand, lead to verdicts on the new connector."""
    (tmp_path / "work").mkdir()
    steps = sorted((line, kind, text) for kind in ("console", "diff") for line, text in blocks(PAGE, kind))
    with ExitStack() as stack:
        newcomer = _Newcomer(tmp_path / "work", Installed(tmp_path / "venv"), stack)
        for _, kind, text in steps:
            if kind == "diff":
                newcomer.edit(text)
                continue
            for line in text.splitlines():
                newcomer.type(line.removeprefix("$ "))

    assert [kind for _, kind, _ in steps].count("diff") == 1
    [report] = json.loads(newcomer.printed["verify"])["contracts"]
    assert report["counts"]["found"] == 8  # of twelve tickets, every third was solved by a person


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
        [sys.executable, "-m", "mypy"],
        cwd=tmp_path / "tallystick-helpdesk",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Helpdesk", "lower case"),
        ("help-desk", "lower case"),
        ("9desk", "lower case"),
        ("class", "lower case"),
        ("null", "lower case"),
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

"""Killed or stopped at any step, an import keeps all or nothing, and an export never looks complete."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.exports import HOST, same_files, take_in, take_out

from tallystick.cli.project import open_project
from tallystick.cli.transfer import export_project, import_project
from tallystick.database import schema
from tallystick.errors import ConfigurationError
from tallystick.export import open_export

SCRIPT = Path(__file__).with_name("import_and_die.py")


def _steps(exported, tmp_path):
    """Count the steps of an undisturbed import."""
    seen = []
    (tmp_path / "undisturbed").mkdir()
    path = tmp_path / "undisturbed" / "tallystick.yaml"
    import_project(path, exported[1], key=None, verifier=None, tick=lambda *step: seen.append(step), host=HOST)
    return len(seen)


def _die(verb, folder, export, step):
    command = [sys.executable, str(SCRIPT), verb, str(folder), str(export), str(step)]
    done = subprocess.run(command, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


def _is_empty(folder):
    with open_project(folder / "tallystick.yaml", HOST) as project, project.engine.connect() as connection:
        return all(connection.execute(table.select()).first() is None for table in schema.metadata.sorted_tables)


@pytest.mark.slow
def test_a_killed_import_leaves_an_empty_project(exported, tmp_path):
    """Killed at steps from the first to the last, the same project is empty each time, and the next import is whole."""
    steps = _steps(exported, tmp_path)
    target = tmp_path / "new"
    target.mkdir()
    for step in [*range(0, steps, steps // 6), steps - 2, steps - 1]:
        _die("import", target, exported[1], step)
        assert not (target / "tallystick.yaml").exists() or _is_empty(target)

    take_in(target, exported[1])
    take_out(target, tmp_path / "again")
    assert same_files(exported[1], tmp_path / "again")
    assert not (target / ".tallystick" / "import.tmp").exists()


def test_a_stopped_import_leaves_nothing(exported, tmp_path):
    """Stopped by an exception at any step, an import takes back every file and folder it made."""
    steps = _steps(exported, tmp_path)
    target = tmp_path / "new"
    target.mkdir()
    for step in [*range(0, steps, 4), steps - 2, steps - 1]:
        left = [step]

        def tick(_name, _done, left=left):
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            take_in(target, exported[1], tick=tick)
        assert list(target.iterdir()) == []


@pytest.mark.slow
def test_a_killed_export_is_none(exported, tmp_path):
    """Killed at any step, an export has no manifest: it is refused, and so is writing over it."""
    for step in range(0, 21, 5):
        export = tmp_path / f"export-{step}"
        _die("export", exported[0], export, step)

        assert list(export.iterdir())
        with pytest.raises(ConfigurationError, match="no complete export"):
            open_export(export)
        with pytest.raises(ConfigurationError, match="not empty"):
            take_out(exported[0], export)


def test_a_stopped_export_is_taken_back(exported, tmp_path):
    """Stopped by an exception, an export takes back what it wrote; a folder that was there stays, empty."""

    def tick(name, _done):
        if name == "claims.jsonl":
            raise KeyboardInterrupt

    (tmp_path / "there").mkdir()
    for export in (tmp_path / "there", tmp_path / "new"):
        with open_project(exported[0] / "tallystick.yaml", HOST) as project, pytest.raises(KeyboardInterrupt):
            export_project(project, export, tick)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    assert list((tmp_path / "there").iterdir()) == []
    take_out(exported[0], tmp_path / "there")
    assert same_files(exported[1], tmp_path / "there")

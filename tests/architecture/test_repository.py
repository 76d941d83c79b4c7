"""The repository keeps its own rules."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MAKEFILE = (ROOT / "Makefile").read_text()
SHIPPED = [*ROOT.glob("src/**/*.py"), *ROOT.glob("plugins/*/src/**/*.py")]


def _tracked():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    return [ROOT / line for line in listed.stdout.splitlines()]


def test_one_configuration_home():
    """No tool has a configuration file beside pyproject.toml."""
    homes = [
        "ruff.toml",
        ".ruff.toml",
        "mypy.ini",
        "pytest.ini",
        "setup.cfg",
        "tox.ini",
        ".coveragerc",
        ".importlinter",
    ]

    assert [name for name in homes if (ROOT / name).exists()] == []


@pytest.mark.parametrize("tool", sorted(set(PROJECT["tool"]) - {"hatch", "coverage"}))
def test_every_configured_tool_is_run(tool):
    """Every tool configured in pyproject.toml is run by a make target."""
    command = {"importlinter": "lint-imports"}.get(tool, tool)

    assert command in MAKEFILE


def test_import_rules_cover_all_plugins():
    """A plugin in plugins/ cannot stay outside the import rules, the type check or the install."""
    packages = {
        path.name for path in ROOT.glob("plugins/*/src/*") if path.is_dir() and not path.name.endswith(".egg-info")
    }

    assert packages | {"tallystick"} == set(PROJECT["tool"]["importlinter"]["root_packages"])
    assert packages <= set(PROJECT["tool"]["mypy"]["packages"])


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_stay_small(path):
    """No module is longer than 500 lines."""
    assert len(path.read_text().splitlines()) <= 500


def test_imports_stay_visible_to_the_import_rules():
    """Nothing but the plugin host, the harness and the kit's runner loads modules by name, unseen by import-linter."""
    loaders = re.compile(r"importlib\.import_module|__import__\(|EntryPoint|entry_points")
    allowed = {"plugins.py", "runner.py", "simulation.py"}

    assert {path.name for path in SHIPPED if loaders.search(path.read_text())} <= allowed


def test_no_verdict_is_recorded_past_the_outbox():
    """Every place that records verdicts hands over an outlet, so that what leaves for sinks is written with them."""
    calls = {
        path.name: re.findall(r"[^.\w]verify_contract\(.*?\)", path.read_text(), flags=re.DOTALL)
        for path in ROOT.glob("src/tallystick/**/*.py")
    }
    made = {name: [call for call in found if "def " not in call] for name, found in calls.items() if found}

    assert set(made) == {"recorder.py", "work.py"}
    assert all("outlet" in call for found in made.values() for call in found)


def test_the_core_names_no_system():
    """No file of the core knows which systems of record exist."""
    systems = re.compile(r"stripe|zendesk|salesforce|hubspot", re.IGNORECASE)
    # A help text gives an example, and a parameter says which vendor's page its rule comes from.
    allowed = {"init.py", "library.py"}
    naming = set()
    for path in ROOT.glob("src/tallystick/**/*.py"):
        code = re.sub(r'""".*?"""|#.*', "", path.read_text(), flags=re.DOTALL)
        if systems.search(code):
            naming.add(path.name)

    assert naming <= allowed


def test_nothing_points_outside_the_project():
    """No tracked file holds a download address, a registry host or a path of a machine."""
    leak = re.compile(
        r"https?://[^\s\"']+\.(whl|tar\.gz|tgz)\b|files\.pyth"
        r"onhosted|pypi\."
        r"org/simple|/ro"
        r"ot/|/wo"
        r"rk/"
    )
    found = [
        str(path.relative_to(ROOT))
        for path in _tracked()
        if path.is_file() and path.stat().st_size < 2_000_000 and leak.search(path.read_text(errors="ignore"))
    ]

    assert found == []


def test_constraints_hold_names_versions_and_hashes_only():
    """The constraints file pins every line and carries no address."""
    lines = (ROOT / ".ci/constraints.txt").read_text().splitlines()

    assert all(
        re.match(r"^[a-z0-9._-]+(\[[a-z,]+\])?==\S+|^    --hash=sha256:[0-9a-f]{64}", line) for line in lines if line
    )


def test_help_stays_light():
    """`tallystick --help` imports no SDK, no DuckDB, no Arrow, no database library and no server."""
    heavy = [
        "stripe",
        "zenpy",
        "duckdb",
        "pyarrow",
        "sqlalchemy",
        "alembic",
        "pydantic",
        "sqlglot",
        "httpx",
        "cryptography",
        "jinja2",
        "starlette",
        "uvicorn",
        "altair",
        "typst",
        "vl_convert",
    ]
    code = (
        "import sys; sys.argv = ['tallystick', '--help']\n"
        "from tallystick.cli.app import app\n"
        "try:\n    app()\nexcept SystemExit:\n    pass\n"
        f"sys.stderr.write(','.join(name for name in {heavy!r} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "Usage" in done.stdout
    assert done.stderr == ""

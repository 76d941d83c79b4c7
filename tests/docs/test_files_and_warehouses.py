"""What the page about files and warehouses shows is run as it stands."""

import json
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

import tallystick_files.description
import tallystick_sql.description
from tallystick.connectors.mapping import load_described

PAGE = (Path(__file__).parents[2] / "docs" / "files-and-warehouses.md").read_text(encoding="utf-8")
SERVER = "postgresql://postgres@127.0.0.1:5432/postgres"
NOW = "2026-08-20T00:00:00Z"


def blocks(mark):
    """Give the blocks below a mark, each with what stands in the mark."""
    return re.findall(rf"<!-- {mark}(.*?) -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def folder(tmp_path):
    """A folder with all files of the page."""
    for name, content in blocks("file: "):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return tmp_path


def run(folder, line, *, check=True, **environment):
    """Run a command of the page and give what it printed."""
    program, *words = line.split()
    assert program == "tallystick"
    later = ["--now", NOW] if words[0] in {"sync", "claims", "verify", "explain"} else []
    done = subprocess.run(
        [sys.executable, "-m", "tallystick", *words, *later],
        cwd=folder,
        env={**os.environ, "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not check or done.returncode == 0, f"{line}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout if check else done.stdout + done.stderr


def verdicts(folder, *arguments):
    """Give the verdict and the deciding clause of each claim."""
    done = run(folder, f"tallystick explain C-1 --json {' '.join(arguments)}")
    other = run(folder, f"tallystick explain C-2 --json {' '.join(arguments)}")
    return '"verified"' in done, '"rejected"' in other and "no_human_reply" in other


@pytest.mark.slow
def test_exports_decide_claims(folder):
    """Typed line by line, the first project works and decides as the page says."""
    [(_, lines)] = blocks("run")[:1]
    for line in lines.splitlines():
        run(folder, line)
    assert verdicts(folder) == (True, True)
    assert [
        stream["stored"] for stream in json.loads(run(folder, "tallystick sync --json"))["sources"][0]["streams"]
    ] == [0, 0, 0]


@pytest.mark.slow
@pytest.mark.postgres
def test_a_warehouse_decides_the_same(folder):
    """The same contract on the same facts in PostgreSQL gives the same verdicts."""
    schema = f"docs_{secrets.token_hex(6)}"
    try:
        admin = psycopg.connect(SERVER, autocommit=True, connect_timeout=2)
    except psycopg.OperationalError:
        pytest.skip("no PostgreSQL server at 127.0.0.1:5432")
    with admin:
        admin.execute(f"CREATE SCHEMA {schema}")
        try:
            admin.execute(f"SET search_path TO {schema}")
            [(_, statements)] = blocks("sql")
            admin.execute(statements)
            project = folder / "warehouse-project.yaml"
            url = f"{SERVER}?options=-csearch_path%3D{schema}"
            project.write_text(project.read_text().replace(SERVER, url), encoding="utf-8")
            [lines] = [content for name, content in blocks("run") if name == ": warehouse"]
            for line in lines.splitlines():
                run(folder, line, WAREHOUSE_PASSWORD="not-asked-for")
            assert verdicts(folder, "--project", "warehouse-project.yaml") == (True, True)
        finally:
            admin.execute(f"DROP SCHEMA {schema} CASCADE")


def test_a_mistake_is_said_as_the_page_shows(folder):
    """File, line, column and the nearest name."""
    [(mark, shown)] = blocks("error: ")
    name, before, after = re.fullmatch(r"(\S+): `(.*)` -> `(.*)`", mark).groups()
    file = folder / name
    file.write_text(file.read_text().replace(before, after), encoding="utf-8")
    said = run(folder, "tallystick sync", check=False)
    assert shown.strip() in said


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("helpdesk.yaml", tallystick_files.description.Description),
        ("warehouse.yaml", tallystick_sql.description.Description),
    ],
)
def test_a_table_that_stands_once_makes_the_same_mapping(folder, name, model):
    """The descriptions of the page, with a table named as the page shows, say the same of every stream."""
    [(_, table)] = blocks("table")
    file = folder / name
    written = file.read_text(encoding="utf-8")
    _, before = load_described(str(file), model)
    named, count = re.subn(r"({path: [Cc]hannel, values:) {.*?}", r"\1 channels", written)
    file.write_text(table + named, encoding="utf-8")

    _, after = load_described(str(file), model)

    assert count == 1
    assert after.streams == before.streams

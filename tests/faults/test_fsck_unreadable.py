"""What cannot be read any more is a finding of `ledger fsck`, and not the end of it."""

import hashlib
import json
import sqlite3
import subprocess
import sys

import pytest
from tests.ledgers import TERMS, Ledger, at, payment
from typer.testing import CliRunner

from tallystick.cli.app import app as cli

PROJECT = """\
project: test
sources: {billing: {connector: stripe, base_url: "http://127.0.0.1:9", key: env:KEY, start: 2026-01-01}}
contracts: [contract.yaml]
"""


@pytest.fixture
def folder(tmp_path):
    """A project with a claim that was decided."""
    (tmp_path / ".tallystick").mkdir()
    ledger = Ledger(tmp_path / ".tallystick")
    ledger.claim("A,paid,p_1,,,", now=at("09-01"))
    ledger.turn(payment("p_1", at("09-01")), now=at("09-20"))
    ledger.engine.dispose()
    (tmp_path / "contract.yaml").write_text(TERMS)
    (tmp_path / "tallystick.yaml").write_text(PROJECT)
    return tmp_path


def _findings(folder):
    done = CliRunner().invoke(cli, ["ledger", "fsck", "--json", "--project", str(folder / "tallystick.yaml")])
    assert (done.exit_code, done.exception.code) == (4, 4)
    return json.loads(done.stdout)["findings"]


def _break_ledger(folder):
    """Overwrite the head of the page with the verdict."""
    path = folder / ".tallystick" / "tallystick.db"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [size] = database.execute("PRAGMA page_size").fetchone()
        [page] = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ledger_entry'").fetchone()
    database.close()
    data = bytearray(path.read_bytes())
    data[(page - 1) * size : (page - 1) * size + 64] = b"\xff" * 64
    path.write_bytes(data)


def test_a_segment_that_is_missing(folder):
    """A segment with cited evidence that is gone is named, and all else is checked."""
    [segment] = (folder / ".tallystick" / "records" / "billing" / "payment").iterdir()
    segment.unlink()

    assert _findings(folder) == [
        "billing: payment: cited and cannot be read",
        f"{segment}: the segment is missing",
    ]


def test_a_segment_that_is_none(folder):
    """Bytes under their own hash that are no Parquet are a finding."""
    [segment] = (folder / ".tallystick" / "records" / "billing" / "payment").iterdir()
    garbage = b"no parquet at all"
    name = hashlib.sha256(garbage).hexdigest()
    segment.with_name(f"{name}.parquet").write_bytes(garbage)
    with sqlite3.connect(folder / ".tallystick" / "tallystick.db") as database:
        database.execute("UPDATE segment SET sha256 = ?, bytes = ? WHERE type = 'payment'", (name, len(garbage)))
    database.close()

    assert any(f"{name}.parquet: the segment cannot be read" in finding for finding in _findings(folder))


def test_a_broken_page_of_the_ledger(folder):
    """A page of the database that cannot be read is a finding."""
    _break_ledger(folder)

    assert "database: cannot be read: database disk image is malformed" in _findings(folder)


@pytest.mark.parametrize("verb", [("statement", "acme", "2026-09"), ("verify",)])
def test_a_broken_page_is_no_bug_of_ours(folder, verb):
    """A command that comes upon a page it cannot read says so and what to do, without the statement it asked."""
    [contract] = [line.split()[1] for line in TERMS.splitlines() if line.startswith("contract:")]
    words = [contract if word == "acme" else word for word in verb]
    _break_ledger(folder)
    command = [sys.executable, "-m", "tallystick", *words, "--project", str(folder / "tallystick.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"})

    assert done.returncode == 2, done.stderr
    assert "the database cannot be read as a database: database disk image is malformed" in done.stderr
    assert "Restore it from a backup" in done.stderr
    assert "SELECT" not in done.stderr

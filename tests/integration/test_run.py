"""`tallystick run`: one scheduled turn, safe from cron."""

import json
import os

import pytest

from tallystick.cli.project import open_project
from tallystick.cli.turn import last_turn, take_turn
from tallystick.errors import ConfigurationError
from tallystick.period import parse_instant
from tallystick.sync.lock import ProjectLock

_DAY = 86_400_000_000


def test_a_turn_is_recorded(company):
    """A turn syncs, verifies and leaves a record; a second one changes nothing."""
    with_claims = company.write_claims()
    contract = _contract(company)
    company.run("claims", "import", with_claims, "--contract", contract, "--now", company.now)
    first = company.json("run", "--now", company.now)
    last = company.json("run", "--last")

    assert first == last
    assert first["exit_code"] == 0
    [source] = first["sources"]
    assert source["stored"] > 0
    assert source["calls"] > 0
    assert {stream["stream"] for stream in source["streams"]} >= {"charges", "refunds", "events"}
    assert all(stream["watermark"] for stream in source["streams"])
    assert first["contracts"][0]["changed"] > 0

    second = company.json("run", "--now", company.now)
    assert second["run"] == first["run"] + 1
    assert [source["stored"] for source in second["sources"]] == [0]
    assert [report["changed"] for report in second["contracts"]] == [0]


def test_a_second_turn_leaves_at_once(company):
    """A turn that finds another process at work exits 5, says which, and does nothing."""
    company.run("ledger", "fsck")
    with ProjectLock(company.folder / ".tallystick" / "lock", "run"):
        done = company.run("run", "--now", company.now, check=False)

    assert done.returncode == 5
    assert f"process {os.getpid()}" in done.stderr
    assert company.run("run", "--last", check=False).returncode == 2


def test_a_source_that_fails_is_in_the_record(company):
    """A source that cannot be read makes the turn exit 3, is named in its record, and nothing is verified."""
    company.run("claims", "import", company.write_claims(), "--contract", _contract(company), "--now", company.now)
    company.simulator.set_faults([{"path": "/v1/refunds", "after": 0, "times": None, "kind": "missing_permission"}])
    done = company.run("run", "--json", "--now", company.now, check=False)
    report = json.loads(done.stdout)

    assert done.returncode == report["exit_code"] == 3
    assert "refunds" in " ".join(report["sources"][0]["errors"])
    assert report["contracts"][0]["counts"]["verified"] == 0

    company.simulator.set_faults([])
    assert company.json("run", "--now", company.now)["contracts"][0]["counts"]["verified"] > 0


def test_a_turn_delivers_to_the_sinks(company):
    """A turn hands what has locked to the sinks, and exits 3 with all in its record if one cannot be reached."""
    company.run("claims", "import", company.write_claims(), "--contract", _contract(company), "--now", company.now)
    sinks = {
        "invoices": {"kind": "csv", "folder": "invoices"},
        "vendor": {"kind": "webhook", "url": "http://127.0.0.1:9/", "secret": "env:NOT_SET"},
    }
    with (company.folder / "tallystick.yaml").open("a") as file:
        file.write(f"sinks: {json.dumps(sinks)}\n")
    done = company.run("run", "--json", "--now", company.now, check=False)
    report = json.loads(done.stdout)
    delivered = {sink["sink"]: sink["delivered"] for sink in report["sinks"]}
    names = {path.name.rpartition("-20")[0] for path in (company.folder / "invoices").iterdir()}

    assert done.returncode == report["exit_code"] == 3
    assert delivered["vendor"] == 0 < delivered["invoices"]
    assert report["contracts"][0]["counts"]["verified"] >= delivered["invoices"]
    assert names == {_contract(company)}
    assert "NOT_SET is not set" in report["sinks"][1]["errors"][0]


def test_a_source_is_read_when_it_is_due(company):
    """A source with `every_minutes` is left alone until that time has passed since its last complete sync."""
    path = company.folder / "tallystick.yaml"
    path.write_text(path.read_text().replace("connector: stripe", "connector: stripe\n    every_minutes: 60"))
    turns = ["2026-10-12T06:00:00Z", "2026-10-12T06:59:59Z", "2026-10-12T07:00:00Z"]
    read = [len(company.json("run", "--now", now)["sources"]) for now in turns]

    assert read == [1, 0, 1]


def test_a_clock_that_runs_ahead_decides_nothing(company, monkeypatch):
    """Days ahead of the system, the machine's clock writes nothing to the ledger, and puts off no later turn."""
    path = company.folder / "tallystick.yaml"
    path.write_text(path.read_text().replace("connector: stripe", "connector: stripe\n    every_minutes: 60"))
    company.run("claims", "import", company.write_claims(), "--contract", _contract(company), "--now", company.now)
    before = company.json("ledger", "fsck")["entries"]
    now = parse_instant(company.now)
    for name, value in company.story.environment.items():
        monkeypatch.setenv(name, value)
    with open_project(path) as project:
        for ahead in (_DAY * 3_650, _DAY * 2 + 3_600_000_000):
            with pytest.raises(ConfigurationError, match="days ahead of"):
                take_turn(project, lambda ahead=ahead: now + ahead, machine=True)
            assert last_turn(project)["exit_code"] == 2
            assert company.json("ledger", "fsck")["entries"] == before

        turn = take_turn(project, lambda: now + _DAY, machine=True)

    [source] = turn["sources"]
    assert all(stream["watermark"] < company.now for stream in source["streams"])
    assert turn["contracts"][0]["counts"]["verified"] > 0
    assert company.json("ledger", "fsck")["entries"] > before


def _contract(company):
    return next(
        line.split(":")[1].strip() for line in company.story.contract.splitlines() if line.startswith("contract:")
    )

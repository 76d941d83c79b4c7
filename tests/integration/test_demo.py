"""The demo checks its own verdicts, and every verb may be run twice."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path


def test_demo_gets_every_label_right():
    """The demo's verdicts equal the labels of its traps, its ledger is sound, and its JSON has the documented shape."""
    command = [sys.executable, "-m", "tallystick", "demo", "--fast", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    assert set(report) == {"stories", "hand_over", "seconds"}
    told = report["hand_over"]
    assert set(told) == {"bundle", "bytes", "counts", "totals", "changed_byte", "noticed"}
    assert told["counts"]["verdicts"] == 99
    assert told["totals"][0] == "2400.00 EUR"
    assert ".bundle" in told["noticed"]
    assert [story["source"] for story in report["stories"]] == ["hubspot and salesforce", "stripe", "zendesk"]
    statuses = ("verified", "rejected", "pending", "unverifiable", "reversed")
    for story in report["stories"]:
        assert story["right"] == story["labelled"] > 90
        assert sum(story[status] for status in statuses) == story["claimed"]
        assert all(story[status] > 0 for status in (*statuses, "found", "claimed_twice"))
        assert story["ledger"]["fsck"] == "ok"


def test_ctrl_c_ends_the_demo_and_all_it_started():
    """Ctrl-C in the middle of the demo ends it with 130, and no simulator and no other process of it is left."""
    command = [sys.executable, "-m", "tallystick", "demo", "--fast"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as process:
        assert b"side by side" in process.stdout.readline()
        time.sleep(4)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said.decode()
    assert said == b""
    deadline = time.monotonic() + 10
    while (left := _alive(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []


def _alive(group):
    """Give the commands of a process group that run; what has ended and is not waited for does not."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, _, of_group = (process / "stat").read_text().rpartition(")")[2].split()[:3]
            if int(of_group) == group and state != "Z":
                found.append((process / "cmdline").read_text())
    return found


def test_every_verb_twice_changes_nothing(company):
    """Sync, claims import and verify a second time leave the ledger and the statement as they were."""
    company.run("sync", "--now", company.now)
    claims = company.write_claims()
    contract = _contract(company)
    company.run("claims", "import", claims, "--contract", contract, "--now", company.now)
    company.run("verify", "--now", company.now)
    before = company.json("ledger", "fsck")
    statement = company.run("statement", contract, company.story.period, "--now", company.now).stdout

    again = company.json("sync", "--now", company.now)
    assert [source["stored"] for source in again["sources"]] == [0]
    assert company.json("claims", "import", claims, "--contract", contract, "--now", company.now)["imported"] == 0
    assert [report["changed"] for report in company.json("verify", "--now", company.now)["contracts"]] == [0]
    assert company.json("ledger", "fsck") == before
    assert company.run("statement", contract, company.story.period, "--now", company.now).stdout == statement


def _contract(company):
    return next(
        line.split(":")[1].strip() for line in company.story.contract.splitlines() if line.startswith("contract:")
    )

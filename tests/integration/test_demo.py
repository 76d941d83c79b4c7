"""The demo checks its own verdicts, and every verb may be run twice."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest


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


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_the_demo_leaves_nothing_behind(how, code):
    """Ctrl-C and SIGTERM in the middle of the demo end all it started; kill -9 of it ends those that do its work."""
    command = [sys.executable, "-m", "tallystick", "demo", "--fast"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as process:
        assert b"side by side" in process.stdout.readline()
        time.sleep(4)
        # At a terminal Ctrl-C reaches every process.
        os.killpg(process.pid, how) if how == signal.SIGINT else process.send_signal(how)
        if how != signal.SIGKILL:
            assert process.stderr.read() == b""
        assert process.wait(60) == code
    deadline = time.monotonic() + 10
    kept = "simulator" if how == signal.SIGKILL else None
    while (left := [one for one in _alive(process.pid) if not kept or kept not in one]) and time.monotonic() < deadline:
        time.sleep(0.1)
    if kept:
        os.killpg(process.pid, signal.SIGKILL)
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

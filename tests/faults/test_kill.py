"""kill -9 at any moment of sync and verify loses, doubles and half-writes nothing."""

import random
import shutil
import signal
import time

import pytest

from tallystick.cli.project import open_project
from tallystick.records.catalog import evidence_digest

KILLS = 50
PROJECTS = 5


def _undisturbed(company, folder):
    """Run the whole job in a copy of the project; give what it ends with and how long its two halves took."""
    copy = _copy(company, folder)
    began = time.monotonic()
    copy.run("sync", "--now", copy.now)
    synced = time.monotonic()
    copy.run("claims", "import", copy.write_claims(), "--contract", _contract(copy), "--now", copy.now)
    verifying = time.monotonic()
    copy.run("verify", "--now", copy.now)
    return _ending(copy), synced - began, time.monotonic() - verifying


def _copy(company, folder):
    shutil.copytree(company.folder, folder)
    return type(company)(company.story, company.simulators, folder)


def _contract(company):
    with open_project(company.folder / "tallystick.yaml") as project:
        [name] = project.contracts
    return name


def _ending(company):
    """Give the evidence, the ledger and the statement as bytes that two equal projects share."""
    checked = company.json("ledger", "fsck")
    assert checked["fsck"] == "ok", checked
    period = company.story.period
    statement = company.run("statement", _contract(company), period, "--now", company.now).stdout
    with open_project(company.folder / "tallystick.yaml") as project:
        return evidence_digest(project.store), checked["entries"], checked["root"], statement


def _kill(company, chance, longest, *arguments):
    process = company.start(*arguments)
    time.sleep(chance.uniform(0.2, longest))
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("which", ["company", "desk_company", "sales_company"])
def test_kill_at_50_random_moments(which, request, tmp_path):
    """After 50 kills at random moments, evidence, ledger root and statement equal an undisturbed run byte for byte."""
    company = request.getfixturevalue(which)
    company.run("ledger", "fsck")  # makes the key that all copies share
    expected, sync_seconds, verify_seconds = _undisturbed(company, tmp_path / "undisturbed")
    chance = random.Random(20261123)
    each = KILLS // PROJECTS // 2
    for number in range(PROJECTS):
        copy = _copy(company, tmp_path / f"killed-{number}")
        for _ in range(each):
            _kill(copy, chance, sync_seconds, "sync", "--now", copy.now)
        copy.run("sync", "--now", copy.now)
        copy.run("claims", "import", copy.write_claims(), "--contract", _contract(copy), "--now", copy.now)
        for _ in range(each):
            _kill(copy, chance, verify_seconds, "verify", "--now", copy.now)
        copy.run("verify", "--now", copy.now)

        assert _ending(copy) == expected

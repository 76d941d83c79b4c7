"""The README shows what the commands really print, and its first project really runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def _between(mark):
    return re.search(rf"<!-- {mark} -->\n```\w+\n(.*?)```\n<!-- /{mark} -->", README, re.DOTALL).group(1)


def _masked(text):
    """Leave out what differs from run to run: folder, seconds, and what the random key of the ledger changes."""
    text = re.sub(r"Statement: \S+", "Statement: ...", text)
    text = re.sub(r"Bundle: .*", "Bundle: ...", text)
    text = re.sub(r"With byte .*", "With byte ...", text)
    text = re.sub(r"Done in [0-9.]+ s\.", "Done in ... s.", text)
    return [line.rstrip() for line in text.strip().splitlines()]


@pytest.mark.slow
def test_the_demo_output_is_real():
    """The demo prints, on any machine, exactly what the README shows."""
    command = [sys.executable, "-m", "tallystick", "demo"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"COLUMNS": "100", "PATH": "/usr/bin:/bin"}
    )

    assert _masked(done.stdout) == _masked(_between("demo"))


FIRST = {
    "project": ("company", "export STRIPE_KEY=rk_live_", "contracts/acme.yaml", "acme"),
    "desk": ("desk_company", "export ZENDESK_SECRET=", "contracts/desk.yaml", "desk"),
    "crm": ("sales_company", "export HUBSPOT_TOKEN=", "contracts/meetings.yaml", "meetings"),
}


@pytest.mark.parametrize("block", FIRST)
def test_the_first_projects_run(block, request):
    """The README's first projects, typed line by line against a simulator as a process of its own, work."""
    fixture, secret, agreed, name = FIRST[block]
    company = request.getfixturevalue(fixture)
    story = company.story
    folder = company.folder.parent / "by-hand"
    folder.mkdir()
    by_hand = type(company)(story, company.simulators, folder)
    by_hand.write_claims()
    lines = [line.removeprefix("$ ") for line in _between(block).splitlines()]
    assert lines[0].startswith(secret)
    for line in lines[1:]:
        words = line.split()
        assert words[0] == "tallystick"
        extra = []
        if words[1] == "init":
            extra = ["--base-url", company.simulator.origin]
        if words[1] in {"sync", "claims", "verify", "statement", "explain"}:
            extra = ["--now", story.stages[-1]]
        by_hand.run(*(word.replace("C-0001", story.claims[0]["claim_id"]) for word in words[1:]), *extra)
        if words[1] == "init":
            # What the README asks the buyer to do next: write the contract that was agreed.
            text = re.sub(r"^contract: .*", f"contract: {name}", story.contract, flags=re.MULTILINE)
            (folder / agreed).write_text(text)
            project = folder / "tallystick.yaml"
            if len(story.sources) > 1:
                # A company with two CRMs names both, and the fields in which each keeps its marks.
                known = (company.folder / "tallystick.yaml").read_text()
                project.write_text(re.sub(r"contracts: .*", f"contracts: [{agreed}]", known))
                continue
            # And, so that no test waits for the limits of a real account, to say how fast it may be read.
            project.write_text(project.read_text().replace("contracts:\n", f"{_unpaced(story)}contracts:\n"))

    assert "<html" in (folder / "statement.html").read_text()
    assert by_hand.json("ledger", "fsck")["fsck"] == "ok"


def _unpaced(story):
    rates = {
        name: rate for name, rate in story.sources[0].source_config.items() if name.endswith("requests_per_minute")
    }
    return "".join(f"    {name}: {rate}\n" for name, rate in rates.items())

"""The page about disputes lists what the code knows, and its commands, typed in their order, work."""

import re
import shlex
from pathlib import Path

from tallystick.cli.project import open_project
from tallystick.verification.disputes import REASONS
from tallystick.verification.recorder import read_verdicts

PAGE = (Path(__file__).parents[2] / "docs/disputes.md").read_text()


def test_every_reason_is_on_the_page():
    """The table of reasons is that of the code, in its order and its words."""
    table = re.search(r"<!-- reasons -->\n(.*?)<!-- /reasons -->", PAGE, re.DOTALL).group(1)

    assert re.findall(r"\| `(\w+)` \| (.*) \|", table) == list(REASONS.items())


def test_the_commands_of_the_page_work(company):
    """The commands of the page, typed in their order against a simulator, do what the page says."""
    text = re.sub(r"^contract: .*", "contract: acme", company.story.contract, flags=re.MULTILINE)
    (company.folder / "contracts/contract.yaml").write_text(text)
    company.run("claims", "import", company.write_claims(), "--contract", "acme", "--now", company.now)
    company.run("sync", "--now", company.now)
    company.run("verify", "--now", company.now)
    with open_project(company.folder / "tallystick.yaml") as project:
        verdicts = read_verdicts(project.engine, "acme").values()
    newest = max(
        (verdict for verdict in verdicts if verdict.locks_at and not verdict.found), key=lambda it: it.locks_at
    )
    claim_id = newest.subject.removeprefix("claim:")
    for name in ("mail.eml", "order.pdf"):
        (company.folder / name).write_text(name)
    company.run("keys", "new", "acme/contracts", "--out", "acme-contracts.key")

    lines = re.findall(r"^\$ tallystick (.*)$", PAGE, re.MULTILINE)
    assert len(lines) == 9
    for line in lines:
        words = [claim_id if word == "C-0001" else word for word in shlex.split(line)]
        company.run(*words, "--now", company.now)

    explained = company.json("explain", claim_id, "--now", company.now)
    assert (explained["status"], explained["finality"]["stage"]) == ("reversed", "settled")
    assert company.json("ledger", "fsck")["fsck"] == "ok"

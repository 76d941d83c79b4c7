"""The demo itself: simulators, sync, claims, verdicts, a statement and fsck, in a temporary project."""

from __future__ import annotations

import csv
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tallystick.cli.hand_over import hand_over, print_hand_over
from tallystick.cli.output import print_table, say
from tallystick.cli.project import Project, open_project
from tallystick.cli.work import fsck_project, prepare_statement, sync_sources, verdict_heads, verify_contracts
from tallystick.errors import Error
from tallystick.period import parse_instant
from tallystick.plugins import PluginHost
from tallystick.statements.render import render
from tallystick.testing.simulation import Simulator, Story, begin_story, load_stories
from tallystick.verification.intake import import_file

__all__ = ["Shown", "Wrong", "print_show", "run_show", "write_project"]


@dataclass
class Wrong:
    """A verdict that is not what its label says."""

    story: str
    subject: str
    trap: str
    expected: str
    got: str


@dataclass
class Shown:
    """What the demo found: the object `--json` prints, and every verdict that differs from its label."""

    report: dict[str, Any]
    wrong: list[Wrong]


def run_show(*, seed: int, fast: bool, quiet: bool) -> Shown:
    """Run every installed story and check its verdicts against its labels.

    Raises:
        Error: A simulator or a source failed; the demo has no result then.
    """
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="tallystick-demo-"))
    host = PluginHost()
    stories = load_stories(seed, fast=fast)
    if not stories:
        raise Error("no simulator is installed", hint="Install a plugin with its extra `simulator`.")
    shown = Shown({"stories": [], "hand_over": {}, "seconds": 0.0}, [])
    smallest = min(stories, key=lambda story: len(story.labels))
    with ExitStack() as running:
        # The later companies are built while the first story is told.
        begun = [running.enter_context(begin_story(story)) for story in stories]
        for story, listening in zip(stories, begun, strict=True):
            simulators = listening()
            path = write_project(folder / story.sources[0].source, story, *(one.origin for one in simulators))
            with _environment(story.environment), open_project(path, host) as project:
                _tell(shown, project, simulators, story, quiet=quiet)
                if story is smallest:
                    [contract] = project.contracts
                    now = parse_instant(story.stages[-1])
                    shown.report["hand_over"] = hand_over(project, contract, story.period, now)
    shown.report["seconds"] = round(time.monotonic() - began, 1)
    return shown


def write_project(folder: Path, story: Story, *origins: str) -> Path:
    """Write the project file and the contract of a story; gives the path of the project file.

    Args:
        folder: Where.
        story: The story.
        origins: Where the simulator of each of its sources listens.
    """
    from ruamel.yaml import YAML

    (folder / "contracts").mkdir(parents=True)
    (folder / "contracts" / "contract.yaml").write_text(story.contract, encoding="utf-8")
    sources = {
        one.source_name: {"connector": one.connector, "base_url": origin, **one.source_config}
        for one, origin in zip(story.sources, origins, strict=True)
    }
    document = {"project": "demo", "sources": sources, "contracts": ["contracts/contract.yaml"]}
    path = folder / "tallystick.yaml"
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe", pure=True).dump(document, file)
    return path


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _tell(shown: Shown, project: Project, simulators: Sequence[Simulator], story: Story, *, quiet: bool) -> None:
    """Run one story stage by stage, then its statement and fsck, and add what was found to the report."""
    [contract] = project.contracts.values()
    for stage in story.stages:
        for simulator in simulators:
            simulator.move_clock(stage)
        now = parse_instant(stage)
        if not quiet:
            say(f"{stage}  reading {story.source} ...")
        for synced in sync_sources(project, list(project.sources), now, watched=not quiet):
            if synced["errors"]:
                raise Error(f"the demo could not read {synced['source']}: {'; '.join(synced['errors'])}")
        claims = _claims_file(project.root, story, stage)
        import_file(project.engine, project.log, project.signer, contract, claims, now=now)
        [verified] = verify_contracts(project, [contract.name], now)
    prepared = prepare_statement(project, contract.name, story.period, now)
    paths = {form: project.root / f"statement-{story.period}.{form}" for form in ("json", "csv", "html")}
    for form, path in paths.items():
        path.write_bytes(render(prepared, form))
    checked = fsck_project(project)
    right = _compare(shown, project, contract.name, story)
    counts = verified["counts"]
    shown.report["stories"].append(
        {
            "name": story.name,
            "source": story.source,
            "labelled": len(story.labels),
            "right": right,
            "claimed": counts["claimed"],
            **{
                status: counts[status]
                for status in ("verified", "rejected", "pending", "unverifiable", "reversed", "found")
            },
            "claimed_amount": format(prepared.claimed_amount.amount, "f"),
            "owed_amount": format(prepared.total.amount, "f"),
            "currency": contract.currency.code,
            "saved_by_cap": str(prepared.saved_by_cap),
            "period": story.period,
            "reasons": verified["reasons"],
            "claimed_twice": len(verified["claimed_twice"]),
            "ledger": {name: checked[name] for name in ("entries", "root", "fsck")},
            "statement": str(paths["html"]),
        }
    )


def _claims_file(folder: Path, story: Story, stage: str) -> Path:
    """Write the claims the vendor has made by this stage, as the vendor would hand them over."""
    made = [claim for claim in story.claims if parse_instant(claim["claimed_at"]) <= parse_instant(stage)]
    path = folder / f"claims-{stage[:10]}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["claim_id", "outcome", "ref", "claimed_at", "amount", "currency"])
        writer.writeheader()
        writer.writerows(made)
    return path


def _compare(shown: Shown, project: Project, contract: str, story: Story) -> int:
    """Count the subjects whose verdict is what the label says; keep the others, unlabelled ones included."""
    heads = verdict_heads(project, contract)
    right = 0
    for subject in sorted(heads.keys() | story.labels.keys()):
        label, verdict = story.labels.get(subject), heads.get(subject)
        clause = verdict.reasons[0].clause if verdict and verdict.reasons else ""
        got = "none" if verdict is None else f"{verdict.status} {clause}".strip()
        expected = "none" if label is None else f"{label.status} {label.clause}".strip()
        same_amount = label is None or label.net_amount is None or verdict is None or _same(label, verdict.quantity)
        if got == expected and same_amount:
            right += 1
        else:
            trap = "not labelled" if label is None else label.trap
            if not same_amount and label and verdict:
                expected, got = f"{expected} {label.net_amount}", f"{got} {verdict.quantity}"
            shown.wrong.append(Wrong(story.name, subject, trap, expected, got))
    return right


def _same(label: Any, quantity: Any) -> bool:
    from decimal import Decimal

    return quantity is None or Decimal(label.net_amount) == quantity


def print_show(shown: Shown) -> None:
    """Print what a founder understands in ten seconds."""
    for story in shown.report["stories"]:
        print_table(
            f"{story['name']}, verified in {story['source']}",
            ["Claimed", "Verified", "Rejected", "Pending", "Unverifiable", "Reversed", "Met, never claimed"],
            [
                [
                    story[name]
                    for name in ("claimed", "verified", "rejected", "pending", "unverifiable", "reversed", "found")
                ]
            ],
            right=range(7),
        )
        money = [story["claimed_amount"], story["owed_amount"]]
        print_table(
            "",
            ["All claims, paid as made", f"Owed for {story['period']}", "Saved by its cap"],
            [[*(f"{amount} {story['currency']}" for amount in money), story["saved_by_cap"]]],
            right=range(3),
        )
        print_table("Rejected because", ["Clause", "Claims"], story["reasons"][:5], right=[1])
        say(f"Claimed twice: {story['claimed_twice']} claims on what another claim holds.")
        say(f"{story['right']} of {story['labelled']} labelled verdicts are right.")
        ledger = story["ledger"]
        say(f"Ledger: {ledger['entries']} entries, root {ledger['root'][:16]}..., fsck {ledger['fsck']}.")
        say(f"Statement: {story['statement']}")
    for wrong in shown.wrong[:20]:
        say(f"WRONG {wrong.subject} ({wrong.trap}): expected {wrong.expected}, got {wrong.got}")
    print_hand_over(shown.report["hand_over"])
    say(f"Done in {shown.report['seconds']} s.")

"""One story of the demo: sync, claims, verdicts, a statement and fsck, in a project of its own."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from tallystick.cli.hand_over import hand_over
from tallystick.cli.project import Project, open_project
from tallystick.cli.work import fsck_project, prepare_statement, sync_sources, verdict_heads, verify_contracts
from tallystick.errors import Error
from tallystick.period import parse_instant
from tallystick.plugins import PluginHost
from tallystick.statements.render import render
from tallystick.testing.simulation import Simulator, Story
from tallystick.verification.intake import import_file

__all__ = ["Told", "Wrong", "tell_story", "write_project"]


@dataclass
class Wrong:
    """A verdict that is not what its label says."""

    story: str
    subject: str
    trap: str
    expected: str
    got: str


@dataclass
class Told:
    """What one story found: its part of the object `--json` prints, every wrong verdict, and what was handed over."""

    report: dict[str, Any]
    wrong: list[Wrong]
    hand_over: dict[str, Any] | None = None


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


def tell_story(story: Story, folder: Path, origins: Sequence[str], *, with_hand_over: bool) -> Told:
    """Run one story stage by stage, then its statement and fsck.

    Args:
        story: The story.
        folder: Where its project is made.
        origins: Where the simulator of each of its sources listens.
        with_hand_over: Whether the other side recomputes its statement in the end.

    Raises:
        Error: A source could not be read, or the other side disagrees; the demo has no result then.
    """
    path = write_project(folder, story, *origins)
    with (
        ExitStack() as running,
        _environment(story.environment),
        open_project(path, PluginHost()) as project,
    ):
        simulators = [running.enter_context(closing(Simulator(origin))) for origin in origins]
        told = _tell(project, simulators, story)
        if with_hand_over:
            [contract] = project.contracts
            told.hand_over = hand_over(project, contract, story.period, parse_instant(story.stages[-1]))
    return told


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


def _tell(project: Project, simulators: Sequence[Simulator], story: Story) -> Told:
    [contract] = project.contracts.values()
    for stage in story.stages:
        for simulator in simulators:
            simulator.move_clock(stage)
        now = parse_instant(stage)
        for synced in sync_sources(project, list(project.sources), now, watched=False):
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
    right, wrong = _compare(project, contract.name, story)
    counts = verified["counts"]
    return Told(
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
        },
        wrong,
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


def _compare(project: Project, contract: str, story: Story) -> tuple[int, list[Wrong]]:
    """Count the subjects whose verdict is what the label says, and give the others, unlabelled ones included."""
    heads = verdict_heads(project, contract)
    right, wrong = 0, []
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
            wrong.append(Wrong(story.name, subject, trap, expected, got))
    return right, wrong


def _same(label: Any, quantity: Any) -> bool:
    return quantity is None or Decimal(label.net_amount) == quantity

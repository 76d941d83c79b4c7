"""What the samples of a month say, as `tallystick sample` shows it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tallystick.cli.output import print_table, say
from tallystick.cli.project import Project
from tallystick.errors import ConfigurationError
from tallystick.period import format_instant
from tallystick.verification.drawn import DrawnSample
from tallystick.verification.recorder import read_verdicts
from tallystick.verification.samples import read_month
from tallystick.verification.sampling import judge, limit
from tallystick.verification.verdict import Verdict

__all__ = ["find_samples", "print_samples", "tell_samples"]

_NOTHING = "every line is owed as it is"
_EFFECTS = {"extrapolate": "the share that was found is taken off all lines", "hold": "all lines are held"}


def find_samples(project: Project, contract: str, month: str, outcomes: Sequence[str]) -> list[DrawnSample]:
    """Give the samples of a month, of some outcomes or of all.

    Raises:
        ConfigurationError: There is no such contract, or one of them was not drawn.
    """
    agreed = project.contract(contract)
    samples = read_month(project.engine, project.log, agreed.name, month)
    drawn = {sample.entry.outcome: sample for sample in samples}
    if missing := sorted(set(outcomes) - drawn.keys()) or ([] if samples else ["any outcome"]):
        raise ConfigurationError(
            f"no sample of {', '.join(missing)} was drawn for {month} under {contract}",
            hint=f"Run `tallystick sample draw {contract} {month}` once the month is over.",
        )
    return [drawn[name] for name in outcomes] if outcomes else samples


def tell_samples(project: Project, contract: str, samples: Sequence[DrawnSample]) -> list[dict[str, Any]]:
    """Give samples as plain data: what was drawn from what, each line with its answer, and the finding."""
    verdicts = {verdict.subject: verdict for verdict in read_verdicts(project.engine, contract).values()}
    return [_tell(project, sample, verdicts) for sample in samples]


def _tell(project: Project, sample: DrawnSample, verdicts: dict[str, Verdict]) -> dict[str, Any]:
    entry, finding = sample.entry, sample.finding
    agreed = project.contract(entry.contract).outcomes.get(entry.outcome)
    waiting, population = finding.waiting, finding.population
    best = judge(entry.terms, population, finding.right + waiting, finding.wrong, finding.unclear)
    worst = judge(entry.terms, population, finding.right, finding.wrong + waiting, finding.unclear)
    return {
        "outcome": entry.outcome,
        "description": agreed.description if agreed else "",
        "entry": sample.idx,
        "drawn_at": entry.at,
        "contract_sha256": entry.contract_sha256,
        "ledger": {"size": entry.ledger.size, "root": entry.ledger.root},
        "list": {"count": entry.population.count, "sha256": entry.population.sha256},
        "seed": entry.seed.hex(),
        "status": finding.status,
        "effect": finding.effect,
        "if_the_rest_is_right": best.effect,
        "if_the_rest_is_wrong": worst.effect,
        "rule": finding.rule,
        "tolerance_percent": f"{finding.tolerance:f}",
        "confidence_percent": finding.confidence,
        "exceeded_from": limit(entry.terms, population),
        "counts": {
            "drawn": finding.drawn,
            "right": finding.right,
            "wrong": finding.wrong,
            "unclear": finding.unclear,
            "waiting": waiting,
        },
        "shares": {name: f"{getattr(finding, name):f}" for name in ("share", "least", "low", "high")},
        "lines": [_line(sample, subject, verdicts.get(subject)) for subject in entry.drawn],
    }


def _line(sample: DrawnSample, subject: str, verdict: Verdict | None) -> dict[str, Any]:
    idx, answered = sample.answers.get(subject, (None, None))
    record = occurred = ref = status = None
    if verdict is not None:
        record = {"type": verdict.record_type, "id": verdict.record_id}
        occurred = None if verdict.occurred_at is None else format_instant(verdict.occurred_at)
        ref, status = verdict.ref, verdict.status
    said = None
    if answered is not None:
        said = {
            "answer": answered.answer,
            "by": answered.by,
            "note": answered.note,
            "at": answered.at,
            "entry": idx,
            "replaces": answered.replaces,
        }
    return {
        "subject": subject,
        "ref": ref,
        "record": record,
        "occurred_at": occurred,
        "verdict": status,
        "said": said,
    }


def print_samples(told: Sequence[dict[str, Any]]) -> None:
    """Print each sample: its lines, then what follows."""
    for sample in told:
        rows = [
            (
                line["subject"].removeprefix("claim:"),
                line["ref"],
                "" if line["record"] is None else f"{line['record']['type']} {line['record']['id']}",
                line["occurred_at"],
                *(("", "", "") if line["said"] is None else (line["said"][name] for name in ("answer", "by", "note"))),
            )
            for line in sample["lines"]
        ]
        counts, listed = sample["counts"], sample["list"]
        title = f"{sample['outcome']}: {counts['drawn']:,} of {listed['count']:,} lines, drawn {sample['drawn_at']}"
        print_table(title, ["Claim", "Reference", "Record", "Happened", "Is", "Says", "Note"], rows)
        say(", ".join(f"{counts[name]:,} {name}" for name in ("right", "wrong", "unclear", "waiting")) + ".")
        shares = {name: _percent(share) for name, share in sample["shares"].items()}
        sure = sample["confidence_percent"]
        say(
            f"Wrong: {shares['share']} of the sample; of the month {shares['low']} to {shares['high']}, and with "
            f"{sure} % confidence {shares['least']} at least."
        )
        say(_conclusion(sample))
        say(f"Ledger {sample['ledger']['size']}, root {sample['ledger']['root']}, seed {sample['seed']}.")


def _conclusion(sample: dict[str, Any]) -> str:
    """Give the sentence that says what the contract does."""
    tolerance = f"the tolerance of {_percent(Decimal(sample['tolerance_percent']) / 100)}"
    effect = _EFFECTS[sample["rule"]]
    if sample["status"] == "exceeded":
        return f"More than {tolerance}: {effect}."
    if sample["status"] == "within":
        return f"Not shown to be more than {tolerance}: {_NOTHING}."
    best, worst = sample["if_the_rest_is_right"], sample["if_the_rest_is_wrong"]
    if best == worst:
        return f"Open. Whatever the rest is, {_NOTHING if best == 'none' else effect}."
    return f"Open. From {sample['exceeded_from']:,} wrong ones on that is more than {tolerance}: {effect}."


def _percent(share: str | Decimal) -> str:
    text = f"{Decimal(share) * 100:f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"

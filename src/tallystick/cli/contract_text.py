"""How the verbs about contracts print them for a person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from tallystick.cli.output import money_text, print_table, say
from tallystick.cli.work import print_differences
from tallystick.contracts import Contract
from tallystick.contracts.difference import TermDifference
from tallystick.contracts.lint import Finding
from tallystick.contracts.words import in_words
from tallystick.statements.comparison import ContractComparison, Counted

__all__ = ["print_contract", "print_diff", "print_findings"]


def print_findings(contract: Contract, findings: Sequence[Finding]) -> None:
    """Print what the lint rules found, and how much of it."""
    for finding in findings:
        say(f"{Path(finding.file).name}:{finding.line}:{finding.column}: {finding.severity} {finding.rule}")
        say(f"  {finding.reason}")
        say(f"  Instead: {finding.rewrite}")
    kinds = [sum(finding.severity == severity for finding in findings) for severity in ("error", "warning", "note")]
    say(f"{contract.name} version {contract.version}: {kinds[0]} errors, {kinds[1]} warnings, {kinds[2]} notes.")


def print_contract(contract: Contract) -> None:
    """Print a contract in words."""
    for section in in_words(contract):
        say(section.title)
        for line in section.lines:
            say(f"  {line}")
    say(f"SHA-256 {contract.sha256}")


def print_diff(told: Sequence[TermDifference], money: ContractComparison) -> None:
    """Print how two contracts differ, and what that costs."""
    for part, title in (("term", "Terms"), ("clause", "Clauses")):
        # What `with` says is said once; the rule's own parameters follow from it.
        shown = [found for found in told if found.part == part and ".rule.params." not in found.path]
        listed = [(found.path, found.kind, found.old, found.new) for found in shown]
        if listed:
            print_table(title, ["Where", "", money.old, money.new], listed)
    facts = [found.path for found in told if found.part == "fact"]
    if facts:
        say(f"{len(facts)} facts that clauses rest on differ; --json has their texts.")
    if not told:
        say("The two are the same in every term.")
    for found in money.outcomes:
        rows = [_counted(counted) for counted in (found.old, found.new) if counted is not None]
        title = f"{found.outcome} in {money.period}, before discounts, floor and cap"
        print_table(title, ["Contract", "Units", "Price", *map(str.capitalize, _STATUSES)], rows, right=range(1, 7))
        if found.differences:
            print_differences(msgspec.to_builtins(found.differences))
    say(
        f"Owed for {money.period}: {money_text(money.owed_old)} under {money.old}, {money_text(money.owed_new)} under"
        f" {money.new}: a change of {money_text(money.change)}."
    )


_STATUSES = ("meets", "rejected", "pending", "unverifiable")


def _counted(counted: Counted) -> tuple[str, ...]:
    records = (f"{counted.records.get(status, 0):,}" for status in _STATUSES)
    return (counted.definition, f"{counted.units:,}", money_text(counted.amounts), *records)

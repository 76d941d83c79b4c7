"""A contract read with the buyer's eyes, before it is signed: every rule looks for one mistake buyers make.

A rule says why a term is against the buyer, or leaves something open that the vendor would fill, and what to write
instead. A few speak for the vendor: a contract that only one side can live with is not signed. What a rule fires for
may still be what both want; then it is ignored by its name.
"""

from __future__ import annotations

from collections.abc import Collection

from tallystick.contracts.lint import evidence_rules, meaning_rules, money_rules, time_rules
from tallystick.contracts.lint.rule import Draft, Finding, Rule, Severity, open_draft
from tallystick.errors import ConfigurationError

__all__ = ["RULES", "Draft", "Finding", "Rule", "Severity", "lint", "open_draft"]

RULES: tuple[Rule, ...] = (*meaning_rules.RULES, *evidence_rules.RULES, *money_rules.RULES, *time_rules.RULES)
"""Every rule, in the order of its page."""

_ORDER = ("error", "warning", "note")


def lint(draft: Draft, *, ignore: Collection[str] = ()) -> list[Finding]:
    """Give what the rules find in a contract: errors first, then warnings, then notes, each in the order of the file.

    Args:
        draft: The contract.
        ignore: Names of rules that are left out.

    Raises:
        ConfigurationError: There is no rule of a name in `ignore`.
    """
    names = [rule.name for rule in RULES]
    for name in ignore:
        if name not in names:
            raise ConfigurationError(f"there is no lint rule {name!r}", hint=f"There are: {', '.join(names)}.")
    found = [finding for rule in RULES if rule.name not in ignore for finding in rule.findings(draft)]
    return sorted(
        found, key=lambda finding: (_ORDER.index(finding.severity), finding.line, finding.column, finding.rule)
    )

"""How a backtest is printed for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tallystick.cli.output import money_text, print_table, say
from tallystick.contracts import Contract
from tallystick.statements.backtest_report import Backtest, BreakEven, OutcomeBacktest

__all__ = ["print_backtest"]

_RANGE = (
    ("decided", "decided by now"),
    ("with_pending", "with all that is pending"),
    ("with_unverifiable", "with all that is unverifiable too"),
)


def print_backtest(contract: Contract, told: Backtest) -> None:
    """Print what a contract would have cost, month by month, then each outcome with what its cost hangs on."""
    names = [found.outcome for found in told.outcomes]
    rows = [
        (month.month, *(f"{month.units[name]:,}" for name in names), money_text(month.price), money_text(month.owed))
        for month in told.months
    ]
    totals = (f"{found.range.decided.units:,}" for found in told.outcomes)
    rows.append(("Total", *totals, money_text(told.price), money_text(told.owed["decided"])))
    title = f"{told.contract} version {told.version}, tried on {told.period}"
    say(title)
    print_table("", ["Month", *names, "Price", "Owed"], rows, right=range(1, len(names) + 3))
    say("Owed is after discounts, floor and cap. A unit counts in the month in which it happened.")
    levels = "; ".join(f"{money_text(told.owed[level])} {words}" for level, words in _RANGE)
    say(f"Range: {levels}.")
    if told.saved is not None:
        say(f"Against the baselines: {told.saved} {contract.currency.code} saved.")
    for found in told.outcomes:
        _print_outcome(contract, found)
    for note in told.notes:
        say(f"Note: {note}")


def _print_outcome(contract: Contract, found: OutcomeBacktest) -> None:
    records = ", ".join(f"{number:,} {status}" for status, number in found.records.items())
    say("")
    say(f"{found.outcome}: {records or 'no records'}")
    for level, words in _RANGE:
        estimate = getattr(found.range, level)
        say(f"  {estimate.units:,} units, {money_text(estimate.price)}, {words}")
    if found.range.unpriced:
        say(f"  {found.range.unpriced:,} more would count, of which no amount is known")
    if found.break_even is not None:
        for line in _break_even(contract.currency.code, found.break_even):
            say(f"  {line}")
    rows: list[tuple[Any, ...]] = [
        (clause.clause, f"{clause.false:,}", f"{clause.alone:,}", *_change(clause.units, clause.price, clause.owed))
        for clause in found.clauses
        if clause.false or clause.unknown_alone or clause.open_alone
    ]
    headers = ["Clause", "False", "Alone", "Units", "Price", "Owed"]
    say("Without one clause; those that are false for nothing are left out:")
    print_table("", headers, rows, right=range(1, 6))
    if found.steps:
        rows = [
            (step.param, step.before, step.after, *_change(step.units, step.price, step.owed))
            for step in found.steps
            if not step.refused and (step.units or step.price or step.owed)
        ]
        headers = ["Parameter", "Agreed", "Instead", "Units", "Price", "Owed"]
        same = len(found.steps) - len(rows)
        say(f"With one parameter moved; {same} more steps change nothing, or cannot be taken:")
        print_table("", headers, rows, right=range(3, 6))
    if found.presets:
        rows = [
            (preset.preset, preset.refused or f"{preset.units:,}", money_text(preset.price), preset.at)
            for preset in found.presets
        ]
        say("Under published definitions:")
        print_table("", ["Preset", "Units", "Price", "At"], rows, right=[1, 2])


def _change(units: int, price: Mapping[str, str], owed: Mapping[str, str]) -> tuple[str, str, str]:
    return f"{units:+,}" if units else "", money_text(price) if price else "", money_text(owed) if owed else ""


def _break_even(code: str, told: BreakEven) -> Iterator[str]:
    if told.paid is not None:
        yield f"{told.paid} {code} each, before {told.baseline}: {told.saved_each} saved each, {told.saved} in all"
    if told.units is not None:
        yield f"no dearer than before from {told.units:,} units a month on"
    elif told.price is not None and told.price.endswith("each"):
        yield "dearer than before at any number of units"
    if told.price is not None:
        yield f"nothing is saved at {told.price}"

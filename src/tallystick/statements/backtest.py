"""A contract tried on the buyer's own history, before it is signed: what it would have cost, and what that hangs on.

No claims are needed: every record that meets an outcome is a unit. A unit counts in the month in which it happened,
priced with tiers, discounts, floor and cap of that month as a statement would, the contract being in force for all of
the period. What is not decided yet makes a range: from what meets the contract now, up to where everything pending
meets it too, and everything unverifiable besides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from decimal import Decimal
from typing import NamedTuple

import duckdb
import msgspec

from tallystick.contracts import Contract, Outcome
from tallystick.contracts.variants import Variants
from tallystick.errors import ContractError
from tallystick.money import Currency, Money, currency
from tallystick.outcomes import Inputs, State
from tallystick.outcomes.steps import shown, steps_of
from tallystick.period import Period, format_instant
from tallystick.statements.backtest_report import (
    Backtest,
    ClauseEffect,
    Estimate,
    MonthEstimate,
    OutcomeBacktest,
    PresetEffect,
    Range,
    StepEffect,
)
from tallystick.statements.bill import Bill, PaidUnit, amounts, change
from tallystick.statements.comparison import OpenOutcome
from tallystick.statements.savings import Billed, break_even, saved
from tallystick.statements.trial import Choice, Row, Stretch, Trial, meets

__all__ = ["backtest"]


def backtest(
    contract: Contract,
    period: Period,
    open_outcome: OpenOutcome,
    *,
    variants: Mapping[str, Variants] | None = None,
    steps: bool = True,
) -> Backtest:
    """Try a contract on the records of a period.

    Args:
        contract: The contract, signed or not.
        period: Whole calendar months in its zone.
        open_outcome: Gives the records of an outcome.
        variants: The other forms of the outcomes that use a template, by name.
        steps: Whether the steps of parameters are tried too; each decides the records once more.

    Raises:
        ConfigurationError: The period is not made of whole months.
        ContractError: A record that meets the contract cannot be priced.
    """
    stretch = Stretch(period.start, period.start, period.end)
    with ExitStack() as opened:
        whole = Billed(contract, period)
        tried = {}
        for name, outcome in contract.outcomes.items():
            database, inputs = opened.enter_context(open_outcome(outcome))
            tried[name] = _Tried(database, inputs, Trial(database, contract, outcome, inputs, stretch))
            whole.units[name] = tried[name].trial.paid()
            whole.counts[name] = tried[name].trial.units_of(whole.units[name])
        whole.settle()
        found = tuple(
            _outcome(whole, name, given, (variants or {}).get(name), steps=steps) for name, given in tried.items()
        )
        read = [note for given in tried.values() for note in _notes(given, period)]
        notes = tuple(dict.fromkeys([*read, *_notes_on_terms(contract)]))
        owed = {
            "decided": amounts(whole.bill.owed()),
            "with_pending": amounts(_all(whole, tried, _or_pending).owed()),
            "with_unverifiable": amounts(_all(whole, tried, _or_open).owed()),
        }
    return Backtest(
        contract.name,
        contract.version,
        contract.sha256,
        period.label,
        tuple(_months(whole, tried)),
        amounts(whole.bill.price()),
        owed,
        saved(whole),
        found,
        notes,
    )


class _Tried(NamedTuple):
    """An outcome with its records."""

    database: duckdb.DuckDBPyConnection
    inputs: Inputs
    trial: Trial


def _or_pending(row: Row) -> bool:
    return row.status in {"meets", "pending"}


def _or_open(row: Row) -> bool:
    return row.status in {"meets", "pending", "unverifiable"}


def _all(whole: Billed, tried: Mapping[str, _Tried], choice: Choice) -> Bill:
    return whole.billed({name: given.trial.paid(choice) for name, given in tried.items()})


def _months(whole: Billed, tried: Mapping[str, _Tried]) -> Iterator[MonthEstimate]:
    for month in whole.bill.months:
        units = {
            name: given.trial.units_of(unit for unit in whole.units[name] if unit.at in month)
            for name, given in tried.items()
        }
        price, owed = whole.bill.price(month=month.label), whole.bill.owed(month.label)
        yield MonthEstimate(month.label, units, amounts(price), amounts(owed))


def _outcome(whole: Billed, name: str, given: _Tried, variants: Variants | None, *, steps: bool) -> OutcomeBacktest:
    return OutcomeBacktest(
        name,
        given.trial.records,
        _range(whole, name, given.trial),
        break_even(whole, name),
        tuple(_clauses(whole, name, given.trial)),
        tuple(_steps(whole, name, given, variants)) if variants and steps else (),
        tuple(_presets(whole, name, given, variants)) if variants else (),
    )


def _range(whole: Billed, name: str, trial: Trial) -> Range:
    def estimate(paid: Sequence[PaidUnit], bill: Bill) -> Estimate:
        return Estimate(trial.units_of(paid), amounts(bill.price(name)), amounts(bill.owed()))

    pending, unverifiable = trial.paid(_or_pending), trial.paid(_or_open)
    unpriced = sum(
        row.status in {"pending", "unverifiable"} and row.at >= trial.stretch.start and not trial.priced(row)
        for row in trial.rows
    )
    return Range(
        estimate(whole.units[name], whole.bill),
        estimate(pending, whole.billed({name: pending})),
        estimate(unverifiable, whole.billed({name: unverifiable})),
        unpriced,
    )


def _clauses(whole: Billed, name: str, trial: Trial) -> Iterator[ClauseEffect]:
    for index, count in enumerate(trial.clauses()):
        units: int = 0
        price: Mapping[Currency, Money] = {}
        owed: Mapping[Currency, Money] = {}
        if count.alone:
            paid = trial.paid(_without(index))
            units, price, owed = _moved(whole, name, trial, paid, trial.outcome)
        yield ClauseEffect(**msgspec.structs.asdict(count), units=units, price=amounts(price), owed=amounts(owed))


def _without(index: int) -> Choice:
    """Choose what meets the contract, and what one clause alone keeps out."""
    return lambda row: meets(row) or (row.alone == index and row.state == State.FALSE)


def _moved(
    whole: Billed, name: str, trial: Trial, paid: Sequence[PaidUnit], outcome: Outcome
) -> tuple[int, dict[Currency, Money], dict[Currency, Money]]:
    """Give what other units of an outcome change: their number, their price, and what is owed."""
    bill = whole.billed({name: paid}, outcome)
    return (
        trial.units_of(paid) - whole.counts[name],
        change(whole.bill.price(name), bill.price(name)),
        change(whole.owed, bill.owed()),
    )


def _steps(whole: Billed, name: str, given: _Tried, variants: Variants) -> Iterator[StepEffect]:
    for step in steps_of(variants.template, variants.values):
        before, after = shown(step.before), shown(step.after)
        try:
            outcome = variants.with_setting(step.param, step.after)
            if outcome.predicate == given.trial.outcome.predicate:
                yield StepEffect(step.param, before, after)
                continue
            trial = Trial(given.database, whole.contract, outcome, given.inputs, given.trial.stretch, table="stepped")
            units, price, owed = _moved(whole, name, trial, trial.paid(), outcome)
        except ContractError as refused:
            yield StepEffect(step.param, before, after, refused=refused.message)
        else:
            yield StepEffect(step.param, before, after, units, amounts(price), amounts(owed))


def _presets(whole: Billed, name: str, given: _Tried, variants: Variants) -> Iterator[PresetEffect]:
    for preset in variants.template.presets.values():
        try:
            outcome = variants.as_preset(preset.name)
            trial = Trial(given.database, whole.contract, outcome, given.inputs, given.trial.stretch, table="stepped")
            paid = trial.paid()
        except ContractError as refused:
            yield PresetEffect(preset.name, 0, {}, preset.price, refused.message)
            continue
        units = trial.units_of(paid)
        if preset.per_unit:
            number, _, code = preset.per_unit.partition(" ")
            each = Money.of(Decimal(number), currency(code), "half_up")
            price = {each.currency: Money(each.minor * units, each.currency)}
            yield PresetEffect(preset.name, units, amounts(price), f"published: {preset.price}")
        else:
            price = whole.billed({name: paid}, outcome).price(name)
            yield PresetEffect(preset.name, units, amounts(price), "the contract's price")


def _notes(given: _Tried, period: Period) -> Iterator[str]:
    """Say what of the period was not read, or not yet."""
    outcome, inputs = given.trial.outcome, given.inputs
    told: dict[str, list[str]] = {}
    for kind in outcome.predicate.types:
        since, to = inputs.read_from.get(kind), inputs.read_to.get(kind)
        if since is None or to is None:
            told.setdefault("never read: what depends on it is not decided", []).append(kind)
            continue
        if since > period.start:
            told.setdefault(f"known since {format_instant(since)} only, after the period begins", []).append(kind)
        if to < period.end:
            told.setdefault(f"read up to {format_instant(to)}, before the period ends", []).append(kind)
    for what, kinds in told.items():
        yield f"{outcome.source}: {', '.join(kinds)}: {what}."


def _notes_on_terms(contract: Contract) -> Iterator[str]:
    """Say which terms of a contract a backtest cannot follow."""
    if any(limits.excess == "carried" for limits in contract.billing.limits.values()):
        yield "What the cap carries out of the last month is owed later, and not counted here."
    if any(discount.start is not None or discount.until is not None for discount in contract.billing.discounts):
        yield "A discount that names months is taken off those months alone, wherever the period lies."
    if any(outcome.sample is not None for outcome in contract.outcomes.values()):
        yield "Acceptance samples are not foreseen: all lines are taken to be right."
    if contract.unverifiable.borne_by == "buyer":
        yield "The buyer bears what is unverifiable: claims may cost up to the upper end of the range."

"""The units of a contract beside what they cost before: what is saved, and where nothing is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from tallystick.contracts import Contract, Limits, Outcome, Percent
from tallystick.money import Money
from tallystick.period import Period
from tallystick.statements.backtest_report import BreakEven
from tallystick.statements.bill import Bill, PaidUnit, make_bill
from tallystick.statements.break_even import break_even_units

__all__ = ["Billed", "break_even", "saved"]


class Billed:
    """The contract with the units of all of its outcomes."""

    def __init__(self, contract: Contract, period: Period) -> None:
        self.contract = contract
        self.period = period
        self.units: dict[str, list[PaidUnit]] = {}
        self.counts: dict[str, int] = {}

    def settle(self) -> None:
        """Price what was found."""
        self.bill = self.billed({})
        self.owed = self.bill.owed()

    def billed(self, other: Mapping[str, Sequence[PaidUnit]], outcome: Outcome | None = None) -> Bill:
        """Price the units, with those of some outcomes put in the place of what was found."""
        contract = self.contract
        if outcome is not None:
            contract = replace(contract, outcomes={**contract.outcomes, outcome.name: outcome})
        return make_bill(contract, {**self.units, **other}, self.period)


def break_even(whole: Billed, name: str) -> BreakEven | None:
    """Set an outcome beside its baseline; None where it has none."""
    outcome = whole.contract.outcomes[name]
    if outcome.baseline is None:
        return None
    baseline, unit = outcome.baseline.cost, whole.contract.currency
    price, units = whole.bill.price(name), whole.counts[name]
    # A baseline is in the contract's currency, and says nothing of amounts in another one.
    told = price.get(unit) if set(price) == {unit} and units else None
    paid = None if told is None else Money(round(Fraction(told.minor, units)), unit)
    return BreakEven(
        f"{baseline.amount:f}",
        None if paid is None else f"{paid.amount:f}",
        None if paid is None else f"{(baseline - paid).amount:f}",
        None if told is None else f"{(Money(baseline.minor * units, unit) - told).amount:f}",
        _units_of_a_month(whole, outcome, baseline),
        _price_of_nothing(whole, name, baseline, told),
    )


def _units_of_a_month(whole: Billed, outcome: Outcome, baseline: Money) -> int | None:
    """Give the units of a month from which on it is no dearer than before; floor and cap are the whole contract's."""
    price = outcome.price
    if isinstance(price, Percent) or price.by_percent:
        return None
    alone = len(whole.contract.outcomes) == 1
    limits = whole.contract.billing.limits[whole.contract.currency] if alone else Limits()
    return break_even_units(price, baseline, limits)


def _price_of_nothing(whole: Billed, name: str, baseline: Money, told: Money | None) -> str | None:
    """Give the price at which nothing is saved: the baseline, or the percentage that comes to it."""
    if not whole.contract.outcomes[name].price.by_percent:
        return f"{baseline} each"
    if told is None:
        return None
    lines = [line for lines in whole.bill.lines.values() for line in lines if line.outcome == name]
    amount = sum(Fraction(line.quantity) for line in lines)
    if not amount:
        return None
    share = Fraction(baseline.amount) * whole.counts[name] * 100 / amount
    return f"{round(Decimal(share.numerator) / Decimal(share.denominator), 2):f} %"


def saved(whole: Billed) -> str | None:
    """Give the baseline of all units less what is owed; None where an outcome has none, or another currency."""
    unit = whole.contract.currency
    known = {name: outcome.baseline for name, outcome in whole.contract.outcomes.items() if outcome.baseline}
    if set(whole.owed) - {unit} or len(known) < len(whole.contract.outcomes):
        return None
    before = sum(baseline.cost.minor * whole.counts[name] for name, baseline in known.items())
    return f"{(Money(before, unit) - whole.owed.get(unit, Money(0, unit))).amount:f}"

"""What units would cost in the months in which they happened, by the arithmetic of statements.

A statement bills an outcome in the month in which it locks, which is later; here it counts in the month in which it
happened, so that two definitions with different windows are held against each other over the same records. The
contract is taken to be in force for the whole of the months that are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from tallystick.contracts import Agreement, Contract
from tallystick.money import Currency, Money
from tallystick.period import Period, zone
from tallystick.statements.lines import Months, price_lines
from tallystick.statements.months import MonthTotal, total_months
from tallystick.statements.statement import Line
from tallystick.verification.verdict import Verdict

__all__ = ["Bill", "amounts", "change", "make_bill"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Bill:
    """The lines of some months, and what is owed for each of them, by the label of the month."""

    months: tuple[Period, ...]
    lines: Mapping[str, Sequence[Line]]
    totals: Mapping[str, Mapping[Currency, MonthTotal]]

    def price(self, outcome: str | None = None, month: str | None = None) -> dict[Currency, Money]:
        """Give the sum of the lines by currency: before samples, discounts, floor and cap."""
        found: dict[Currency, Money] = {}
        for label, lines in self.lines.items():
            for line in lines if month in {None, label} else ():
                if outcome in {None, line.outcome}:
                    _add(found, line.amount)
        return found

    def owed(self, month: str | None = None) -> dict[Currency, Money]:
        """Give what is owed by currency: after discounts, floor and cap; currencies without anything are left out."""
        found: dict[Currency, Money] = {}
        for period in self.months:
            for total in self.totals[period.label].values() if month in {None, period.label} else ():
                if total.total or total.lines:
                    _add(found, total.total)
        return found


def make_bill(contract: Contract, verdicts: Iterable[Verdict], period: Period) -> Bill:
    """Price units that happened in a period.

    Args:
        contract: The terms, taken to be in force from its first to its last day.
        verdicts: Units of its outcomes, as `Trial.paid` gives them.
        period: Whole calendar months in the contract's zone.

    Raises:
        ConfigurationError: The period is not made of whole months.
        ContractError: A unit cannot be priced.
    """
    agreement = Agreement.of(_in_force(contract, period))
    months = Months(contract.timezone)
    wanted = months.of(period)
    lines = price_lines(agreement, dict(enumerate(verdicts)), months)
    totals = total_months(agreement, lines, months, wanted, {})
    return Bill(tuple(wanted), lines, totals)


def _in_force(contract: Contract, period: Period) -> Contract:
    local = _EPOCH + timedelta(microseconds=zone(contract.timezone).to_local(period.start))
    first = date(local.year, local.month, local.day)
    term = replace(contract.term, start=first, end=None, starts_at=period.start, ends_at=None)
    return replace(contract, term=term, effective_at=None)


def _add(found: dict[Currency, Money], amount: Money) -> None:
    found[amount.currency] = found.get(amount.currency, Money(0, amount.currency)) + amount


def change(before: Mapping[Currency, Money], after: Mapping[Currency, Money]) -> dict[Currency, Money]:
    """Give by how much amounts went up, by currency; what did not change is left out."""
    found = {}
    for unit in {**before, **after}:
        moved = after.get(unit, Money(0, unit)) - before.get(unit, Money(0, unit))
        if moved:
            found[unit] = moved
    return found


def amounts(money: Mapping[Currency, Money]) -> dict[str, str]:
    """Give amounts as texts by currency code, which says how many decimals it has where two systems differ."""
    found: dict[str, str] = {}
    for unit in sorted(money, key=lambda unit: (unit.code, unit.exponent)):
        code = unit.code if unit.code not in found else f"{unit.code} with {unit.exponent} decimals"
        found[code] = f"{money[unit].amount:f}"
    return found

"""What units would cost in the months in which they happened, by the arithmetic of statements.

A statement bills an outcome in the month in which it locks, which is later; here it counts in the month in which it
happened, so that two definitions with different windows are held against each other over the same records. The
contract is taken to be in force for the whole of the months that are asked for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from tallystick.contracts import Agreement, Contract, Outcome, Price
from tallystick.money import Currency, Money, Rounding
from tallystick.period import Period, zone
from tallystick.statements.line import Gathering, Line, LineKind, Lines
from tallystick.statements.lines import Months, converted, currency_of
from tallystick.statements.months import MonthTotal, total_months
from tallystick.statements.pricing import add, counts_through_month, price_month

__all__ = ["Bill", "PaidUnit", "amounts", "change", "make_bill"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PaidUnit(NamedTuple):
    """One unit: when it happened, what the price applies to, and the currency of that where it is money."""

    at: int
    quantity: Decimal
    currency: str | None
    exponent: int | None


@dataclass(frozen=True)
class Bill:
    """The lines of some months, and what is owed for each of them, by the label of the month.

    The lines of one outcome and one currency stand as one for each month.
    """

    months: tuple[Period, ...]
    lines: Mapping[str, Lines]
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


def make_bill(contract: Contract, paid: Mapping[str, Iterable[PaidUnit]], period: Period) -> Bill:
    """Price units that happened in a period.

    Args:
        contract: The terms, taken to be in force from its first to its last day.
        paid: The units of each outcome, in the order in which they happened.
        period: Whole calendar months in the contract's zone.

    Raises:
        ConfigurationError: The period is not made of whole months.
        ContractError: A unit cannot be priced.
    """
    agreed = _in_force(contract, period)
    months = Months(contract.timezone)
    wanted = months.of(period)
    gathered: dict[str, Gathering] = defaultdict(Gathering)
    for name, units in paid.items():
        outcome = contract.outcomes[name]
        groups: dict[tuple[Period, Currency], list[Decimal]] = defaultdict(list)
        for unit in units:
            told = "unit" if unit.currency is None or not outcome.price.by_percent else unit.currency
            rate = contract.billing.rates.get(told)
            # What is turned into the contract's currency counts through the same tiers as what is in it.
            due = converted(unit.quantity, rate)
            into = contract.currency if rate is not None else currency_of(contract, told, unit.exponent)
            groups[months.at(unit.at), into].append(due)
        for (month, into), quantities in groups.items():
            gathered[month.label].add(_line(agreed, outcome, month, into, quantities))
    lines = {label: held.lines() for label, held in gathered.items()}
    totals = total_months(Agreement.of(agreed), lines, months, wanted, {})
    return Bill(tuple(wanted), lines, totals)


def _line(contract: Contract, outcome: Outcome, month: Period, into: Currency, quantities: Sequence[Decimal]) -> Line:
    """Give the lines of a month, an outcome and a currency as one, with what they come to after each was rounded."""
    kind = LineKind(
        outcome=outcome.name,
        record_type=outcome.predicate.record,
        unit=into.code if outcome.price.by_percent else "unit",
        price=str(outcome.price),
        currency=into,
        version=contract.version,
        status="verified",
        rate=None,
    )
    return Line(
        kind=kind,
        subject=f"{outcome.name} in {month.label}, {into.code}",
        ref="",
        record_id="",
        occurred_at=month.start,
        decided_at=month.start,
        locks_at=month.start,
        quantity=add(quantities),
        amount=_sum(outcome.price, quantities, into, contract.billing.rounding),
        entry=0,
    )


def _sum(price: Price, quantities: Sequence[Decimal], paid_in: Currency, rounding: Rounding) -> Money:
    """Give what the lines of some quantities come to, each rounded for itself.

    The price of equal quantities is worked out once where it is the same wherever they stand, and units are priced all
    at once: their prices have no more decimals than their currency, so that nothing is rounded.
    """
    zero = Money(0, paid_in)
    if not counts_through_month(price):
        each = Counter(quantities)
        priced = [price_month(price, [quantity], paid_in, rounding)[0].amount for quantity in each]
        return sum(
            (Money(one.minor * number, paid_in) for one, number in zip(priced, each.values(), strict=True)), zero
        )
    counted = list(quantities) if price.by_percent else [add(quantities)]
    return sum((line.amount for line in price_month(price, counted, paid_in, rounding)), zero)


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

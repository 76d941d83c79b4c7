"""What the outcomes of a calendar month cost: a price applied to their quantities, one after the other.

Included units and graduated tiers count through the month, so the order of the quantities decides which line has which
price, and never what they come to together before rounding. Each line is rounded once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Context, Decimal, Inexact
from functools import reduce
from typing import NamedTuple, TypeAlias, TypeGuard

from tallystick.contracts import Percent, PerUnit, Price, Tiers
from tallystick.money import Currency, Money, Rounding

__all__ = ["EXACT", "Priced", "add", "counts_through_month", "first_price", "price_first", "price_month"]

EXACT = Context(prec=160, traps=[Inexact])
"""Arithmetic that raises where it would round."""

_ZERO = Decimal(0)


class Priced(NamedTuple):
    """What one line costs, and its price in words."""

    amount: Money
    words: str


def price_month(price: Price, quantities: Sequence[Decimal], paid_in: Currency, rounding: Rounding) -> list[Priced]:
    """Give what each of a month's quantities of one outcome costs.

    Args:
        price: The price.
        quantities: Units, or amounts in major units of `paid_in` for a percentage, in the order in which they count.
        paid_in: Currency of the lines.
        rounding: Where an amount between two minor units goes.
    """
    if not counts_through_month(price):
        words = str(price)
        return [Priced(price_first(price, quantity, paid_in, rounding), words) for quantity in quantities]
    included = price.included
    reached = _behind(included, add(quantities))
    priced, so_far = [], _ZERO
    for quantity in quantities:
        before, so_far = so_far, EXACT.add(so_far, quantity)
        start, end = _behind(included, before), _behind(included, so_far)
        parts = [part for part in _parts(price, start, end, reached) if part[0]]
        amount = _bounded(price, add(EXACT.multiply(*part) for part in parts), paid_in)
        priced.append(Priced(Money.of(amount, paid_in, rounding), _words(price, parts, quantity)))
    return priced


def counts_through_month(price: Price) -> TypeGuard[PerUnit | Tiers]:
    """Tell whether what one quantity costs depends on the others of its month; else each costs what it costs alone."""
    return isinstance(price, Tiers) or (isinstance(price, PerUnit) and bool(price.included))


def first_price(price: Price) -> PerUnit | Percent:
    """Give the price of a first unit of a month, as if nothing were included."""
    if isinstance(price, PerUnit):
        return PerUnit(price.amount)
    if isinstance(price, Percent):
        return price
    first = price.steps[0].rate
    if price.by_percent:
        return Percent(first, price.least, price.most)
    return PerUnit(Money.of(first, price.currency, "half_up"))


def price_first(price: Price, quantity: Decimal, paid_in: Currency, rounding: Rounding) -> Money:
    """Give what one quantity costs that is the only one of its month; the same as `price_month` gives for it."""
    if isinstance(price, Percent):
        return Money.of(_bounded(price, EXACT.multiply(quantity, price.rate), paid_in), paid_in, rounding)
    if not price.included and isinstance(price, PerUnit):
        return Money.of(EXACT.multiply(quantity, price.amount.amount), paid_in, rounding)
    included = price.included
    end = _behind(included, quantity)
    parts = (part for part in _parts(price, _behind(included, _ZERO), end, end) if part[0])
    return Money.of(_bounded(price, add(EXACT.multiply(*part) for part in parts), paid_in), paid_in, rounding)


def add(amounts: Iterable[Decimal]) -> Decimal:
    """Add amounts with all their digits, which `sum` would round to the context's precision."""
    return reduce(EXACT.add, amounts, _ZERO)


_Part: TypeAlias = tuple[Decimal, Decimal]
"""So many units, or so much money, at a rate."""


def _parts(price: PerUnit | Tiers, start: Decimal, end: Decimal, reached: Decimal) -> Iterable[_Part]:
    """Give what lies between two counts of the month, by rate; `reached` is the count of the whole month."""
    if isinstance(price, PerUnit):
        return [(EXACT.subtract(end, start), price.amount.amount)]
    if price.mode == "volume":
        rate = next(step.rate for step in price.steps if step.up_to is None or reached <= step.up_to)
        return [(EXACT.subtract(end, start), rate)]
    return _graduated(price, start, end)


def _behind(included: int, count: Decimal) -> Decimal:
    """Give how much of a count is paid for: what goes beyond the included units, or all of it where there are none."""
    if not included:
        return count
    return max(EXACT.subtract(count, Decimal(included)), _ZERO)


def _graduated(tiers: Tiers, start: Decimal, end: Decimal) -> Iterator[_Part]:
    """Split what lies between two counts over the tiers; a count that went down gives negative parts."""
    low, high, sign = (start, end, 1) if start <= end else (end, start, -1)
    bottom: Decimal | None = None
    for step in tiers.steps:
        # The first tier also holds whatever lies below zero.
        lower = low if bottom is None else max(low, bottom)
        upper = high if step.up_to is None else min(high, step.up_to)
        if upper > lower:
            yield EXACT.multiply(EXACT.subtract(upper, lower), Decimal(sign)), step.rate
        bottom = step.up_to


def _bounded(price: Price, amount: Decimal, paid_in: Currency) -> Decimal:
    """Give an amount in major units: percent of a hundred, then no less than the least and no more than the most."""
    if isinstance(price, PerUnit) or not price.by_percent:
        return amount
    share = EXACT.scaleb(amount, -2)
    if price.least is not None and price.least.currency == paid_in:
        share = max(share, price.least.amount)
    if price.most is not None and price.most.currency == paid_in:
        share = min(share, price.most.amount)
    return share


def _words(price: PerUnit | Tiers, parts: Sequence[_Part], quantity: Decimal) -> str:
    if isinstance(price, PerUnit):
        free = EXACT.subtract(quantity, add(count for count, _ in parts))
        return str(price) if not free else "included" if not parts else f"{price}, {free:f} included"
    unit = "%" if price.by_percent else f"{price.currency.code} each"
    if not parts:
        return "included"
    if len(parts) == 1:
        return f"{parts[0][1]:f} {unit}"
    return " + ".join(f"{count:f} at {rate:f} {unit}" for count, rate in parts)

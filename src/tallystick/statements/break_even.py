"""From how many outcomes of a month on a price is no dearer than what they cost before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from tallystick.contracts import Limits, PerUnit, Tiers
from tallystick.money import Money
from tallystick.statements.pricing import price_month

__all__ = ["break_even_units"]


def break_even_units(price: PerUnit | Tiers, baseline: Money, limits: Limits) -> int | None:
    """Give the smallest number of units of a month, from 1, at which what is owed is at most their baseline.

    Args:
        price: A price of units, not of money.
        baseline: What one cost before, in the currency of the price.
        limits: Floor and cap of the month.

    Returns:
        None where there is no such number.
    """

    def listed(units: int) -> int:
        return price_month(price, [Decimal(units)], baseline.currency, "half_up")[0].amount.minor

    def spared(units: int) -> int:
        owed = listed(units)
        owed = owed if limits.cap is None else min(owed, limits.cap.minor)
        owed = owed if limits.floor is None else max(owed, limits.floor.minor)
        return baseline.minor * units - owed

    bends = sorted({*_steps(price), *_crossings(price, limits, listed)})
    for place, start in enumerate(bends):
        if spared(start) >= 0:
            return start
        slope = spared(start + 1) - spared(start)
        end = bends[place + 1] if place + 1 < len(bends) else None
        if slope > 0:
            # Between two bends it is a straight line.
            reached = start + -(spared(start) // slope)
            if end is None or reached < end:
                return reached
    return None


def _steps(price: PerUnit | Tiers) -> Iterator[int]:
    """Give the units from which on each one more has another price."""
    yield 1
    yield price.included + 1
    if isinstance(price, Tiers):
        yield from (price.included + int(step.up_to) + 1 for step in price.steps if step.up_to is not None)


def _crossings(price: PerUnit | Tiers, limits: Limits, listed: Callable[[int], int]) -> Iterator[int]:
    """Give the units around which floor and cap begin and cease to matter."""
    steps = sorted(set(_steps(price)))
    for place, start in enumerate(steps):
        each = listed(start + 1) - listed(start)
        end = steps[place + 1] if place + 1 < len(steps) else None
        for limit in (limits.floor, limits.cap):
            if limit is None or each <= 0:
                continue
            at = start + (limit.minor - listed(start)) // each
            for units in (at, at + 1):
                if units > start and (end is None or units < end):
                    yield units

"""Prices and limits as they were agreed, with amounts as money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal, TypeAlias

from tallystick.money import Currency, Money, Rounding

__all__ = [
    "Billing",
    "Discount",
    "ExchangeRate",
    "Limits",
    "PerUnit",
    "Percent",
    "Price",
    "Step",
    "Tiers",
]


@dataclass(frozen=True, slots=True)
class PerUnit:
    """An amount for each unit but the first `included` ones of a calendar month."""

    amount: Money
    included: int = 0

    by_percent = False

    def __str__(self) -> str:
        return f"{self.amount} each"


@dataclass(frozen=True, slots=True)
class Percent:
    """Percent of an amount of money, in the currency of that amount; `rate` 12.5 means 12.5 percent.

    A line comes to no less than `least` and no more than `most`, where they are given; both are in the contract's
    currency and hold for lines in it alone.
    """

    rate: Decimal
    least: Money | None = None
    most: Money | None = None

    by_percent = True

    def __str__(self) -> str:
        bounds = [f"at least {self.least}"] if self.least else []
        bounds += [f"at most {self.most}"] if self.most else []
        return ", ".join([f"{self.rate:f} %", *bounds])


@dataclass(frozen=True, slots=True)
class Step:
    """One tier, up to and with the unit or amount `up_to` of a calendar month; None has no end.

    `rate` is an amount for each unit, in major units of the contract's currency, or a percentage.
    """

    up_to: Decimal | None
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Tiers:
    """A price by steps of what a calendar month brings, in units, or in money where `by_percent`.

    `graduated`: each part at the price of the step it falls into. `volume`: all of it at the price of the step that
    the month's total reaches. Units behind the `included` ones are counted from 1.
    """

    mode: Literal["graduated", "volume"]
    steps: tuple[Step, ...]
    by_percent: bool
    currency: Currency
    included: int = 0
    least: Money | None = None
    most: Money | None = None

    def __str__(self) -> str:
        return f"{self.mode} tiers"


Price: TypeAlias = PerUnit | Percent | Tiers


@dataclass(frozen=True, slots=True)
class Limits:
    """Least and most of a calendar month in one currency."""

    floor: Money | None = None
    cap: Money | None = None
    excess: Literal["forgiven", "carried"] = "forgiven"


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """How much of the contract's currency one unit of another is, and who says so."""

    rate: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class Discount:
    """A percentage off the lines of the calendar months from `start` to before `until`; both are first days."""

    percent: Decimal
    start: date | None
    until: date | None
    outcomes: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Billing:
    """From lines to what is owed: limits by currency, the contract's own among them, and the tie rule of every line."""

    limits: Mapping[Currency, Limits]
    rounding: Rounding
    discounts: tuple[Discount, ...] = ()
    rates: Mapping[str, ExchangeRate] = field(default_factory=dict)

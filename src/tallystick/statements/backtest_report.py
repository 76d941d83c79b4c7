"""What a backtest tells; `--json` prints it in this shape."""

from __future__ import annotations

import msgspec

__all__ = [
    "Backtest",
    "BreakEven",
    "ClauseEffect",
    "Estimate",
    "MonthEstimate",
    "OutcomeBacktest",
    "PresetEffect",
    "Range",
    "StepEffect",
]


class Estimate(msgspec.Struct, frozen=True):
    """Units, their price by currency, and what the contract comes to with them after discounts, floor and cap."""

    units: int
    price: dict[str, str]
    owed: dict[str, str]


class Range(msgspec.Struct, frozen=True):
    """What is decided now, with all that is pending, and with all that is unverifiable besides.

    `unpriced` records would be units too, and nothing tells an amount to take a percentage of.
    """

    decided: Estimate
    with_pending: Estimate
    with_unverifiable: Estimate
    unpriced: int = 0


class MonthEstimate(msgspec.Struct, frozen=True):
    """What one month comes to: units by outcome, their price, and what is owed."""

    month: str
    units: dict[str, int]
    price: dict[str, str]
    owed: dict[str, str]


class BreakEven(msgspec.Struct, frozen=True):
    """An outcome beside its baseline, in the contract's currency; before discounts, floor and cap but for `units`.

    `saved` is the baseline of all units less their price; `units` the number of a month from which on the contract is
    no dearer, None if there is none; `price` the price or percentage at which nothing is saved.
    """

    baseline: str
    paid: str | None
    saved_each: str | None
    saved: str | None
    units: int | None
    price: str | None


class ClauseEffect(msgspec.Struct, frozen=True):
    """What a clause keeps out, see `ClauseCount`, and what it would cost not to have it: for the `alone` ones."""

    clause: str
    false: int
    alone: int
    unknown_alone: int
    open_alone: int
    units: int
    price: dict[str, str]
    owed: dict[str, str]


class StepEffect(msgspec.Struct, frozen=True):
    """What one step of a parameter changes; `refused` says why it cannot be taken, if it cannot."""

    param: str
    before: str
    after: str
    units: int = 0
    price: dict[str, str] = {}
    owed: dict[str, str] = {}
    refused: str = ""


class PresetEffect(msgspec.Struct, frozen=True):
    """What a published definition would have billed: at its published price where there is one, else the contract's."""

    preset: str
    units: int
    price: dict[str, str]
    at: str
    refused: str = ""


class OutcomeBacktest(msgspec.Struct, frozen=True):
    """One outcome of the contract: what is owed is that of the whole contract, the others as decided."""

    outcome: str
    records: dict[str, int]
    range: Range
    break_even: BreakEven | None
    clauses: tuple[ClauseEffect, ...]
    steps: tuple[StepEffect, ...]
    presets: tuple[PresetEffect, ...]


class Backtest(msgspec.Struct, frozen=True):
    """A contract over a period, all outcomes together: `owed` by how much is decided; `notes` say what was not read."""

    contract: str
    version: int
    sha256: str
    period: str
    months: tuple[MonthEstimate, ...]
    price: dict[str, str]
    owed: dict[str, dict[str, str]]
    saved: str | None
    outcomes: tuple[OutcomeBacktest, ...]
    notes: tuple[str, ...]

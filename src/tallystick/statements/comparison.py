"""Two definitions over the same records: how many units and how much money each gives, and why.

Every record of the source is decided by both, claimed or not. Units are counted by each one's own rule; money is the
price of them, before floor and cap where one outcome is compared, and after them too where two contracts are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from typing import TypeAlias

import duckdb
import msgspec

from tallystick.contracts import Contract, Outcome
from tallystick.outcomes import Inputs, Predicate
from tallystick.period import Period
from tallystick.statements.bill import Bill, PaidUnit, amounts, change, make_bill
from tallystick.statements.lines import Months
from tallystick.statements.trial import Stretch, Trial

__all__ = [
    "Comparison",
    "ContractComparison",
    "Counted",
    "Difference",
    "OpenOutcome",
    "OutcomeComparison",
    "compare",
    "compare_contracts",
]

OpenOutcome: TypeAlias = Callable[[Outcome], AbstractContextManager[tuple[duckdb.DuckDBPyConnection, Inputs]]]
"""Gives the records an outcome is decided from, and how far they were read; all that it gives are as of one instant."""


class Counted(msgspec.Struct, frozen=True):
    """What one definition gives: records by status, units, and their price by currency."""

    definition: str
    records: dict[str, int]
    units: int
    amounts: dict[str, str]


class Difference(msgspec.Struct, frozen=True):
    """Records that one definition pays for and the other does not, by what the other says: its status and clause."""

    paid_by: str
    other: str
    status: str
    clause: str
    records: int


class Comparison(msgspec.Struct, frozen=True):
    """A contract's outcome beside another definition of it."""

    contract: str
    outcome: str
    counted: tuple[Counted, Counted]
    differences: tuple[Difference, ...]


class OutcomeComparison(msgspec.Struct, frozen=True):
    """One outcome under two contracts; None under the one that has none of that name.

    Where the two are about different records, no differences are told.
    """

    outcome: str
    old: Counted | None
    new: Counted | None
    differences: tuple[Difference, ...]


class ContractComparison(msgspec.Struct, frozen=True):
    """What two contracts give for the records of a period: `owed` is after discounts, floor and cap."""

    period: str
    old: str
    new: str
    outcomes: tuple[OutcomeComparison, ...]
    owed_old: dict[str, str]
    owed_new: dict[str, str]
    change: dict[str, str]


def compare(
    database: duckdb.DuckDBPyConnection,
    contract: Contract,
    outcome: Outcome,
    other: Predicate,
    inputs: Inputs,
    *,
    name: str,
) -> Comparison:
    """Decide every record in the term by an outcome of a contract and by another predicate about the same record type.

    Args:
        database: A connection with one view per record type.
        contract: The contract.
        outcome: One of its outcomes.
        other: The other definition.
        inputs: How far the source was read.
        name: What the other definition is called.

    Raises:
        ContractError: A record cannot be priced under one of the two.
    """
    term = contract.term
    stretch = Stretch(term.starts_at, term.starts_at, term.ends_at)
    named = {contract.name: outcome, name: replace(outcome, predicate=other)}
    counted, trials = [], []
    for place, (definition, given) in enumerate(named.items()):
        trial = Trial(database, contract, given, inputs, stretch, table=f"tried_{place}")
        trials.append(trial)
        counted.append(_counted(definition, trial, _priced(contract, given, trial.paid())))
    return Comparison(contract.name, outcome.name, (counted[0], counted[1]), tuple(_differences(tuple(named), trials)))


def compare_contracts(
    old: Contract, new: Contract, period: Period, open_outcome: OpenOutcome, *, names: tuple[str, str]
) -> ContractComparison:
    """Decide every record of a period under two contracts, each taken to be in force for all of it.

    Records in front of the period hold their units if they lie in the term of the old contract.

    Args:
        old: One contract.
        new: The other one.
        period: Whole calendar months in the zone of both.
        open_outcome: Gives the records of an outcome.
        names: What the two are called.

    Raises:
        ConfigurationError: The period is not made of whole months.
        ContractError: A record cannot be priced under one of the two.
    """
    stretch = Stretch(min(old.term.starts_at, period.start), period.start, period.end)
    paid: tuple[dict[str, list[PaidUnit]], dict[str, list[PaidUnit]]] = ({}, {})
    told = []
    for name in {**old.outcomes, **new.outcomes}:
        with ExitStack() as opened:
            trials: list[Trial | None] = [None, None]
            counted: list[Counted | None] = [None, None]
            for side, contract in enumerate((old, new)):
                if (outcome := contract.outcomes.get(name)) is not None:
                    database, inputs = opened.enter_context(open_outcome(outcome))
                    trial = Trial(database, contract, outcome, inputs, stretch, table=f"tried_{side}")
                    own = trial.paid()
                    paid[side][name] = own
                    trials[side] = trial
                    counted[side] = _counted(names[side], trial, (own, make_bill(contract, {name: own}, period)))
            told.append(OutcomeComparison(name, counted[0], counted[1], tuple(_between(names, trials))))
    bills = [make_bill(contract, units, period) for contract, units in zip((old, new), paid, strict=True)]
    before, after = (bill.owed() for bill in bills)
    return ContractComparison(
        period.label, *names, tuple(told), amounts(before), amounts(after), amounts(change(before, after))
    )


_Paid: TypeAlias = tuple[Sequence[PaidUnit], Bill | None]


def _priced(contract: Contract, outcome: Outcome, paid: Sequence[PaidUnit]) -> _Paid:
    """Price units over all months in which any happened; there may be none."""
    if not paid:
        return paid, None
    months = Months(contract.timezone)
    first, last = (months.at(pick(unit.at for unit in paid)) for pick in (min, max))
    under = replace(contract, outcomes={**contract.outcomes, outcome.name: outcome})
    return paid, make_bill(under, {outcome.name: paid}, Period(first.start, last.end, f"{first.label} to {last.label}"))


def _counted(definition: str, trial: Trial, paid: _Paid) -> Counted:
    units, bill = paid
    price = {} if bill is None else bill.price(trial.outcome.name)
    return Counted(definition, trial.records, trial.units_of(units), amounts(price))


def _between(names: Sequence[str], trials: Sequence[Trial | None]) -> Iterable[Difference]:
    ours, theirs = trials
    if ours is None or theirs is None:
        return ()
    places = {(trial.outcome.source, trial.outcome.predicate.record) for trial in (ours, theirs)}
    return _differences(names, (ours, theirs)) if len(places) == 1 else ()


def _differences(names: Sequence[str], trials: Sequence[Trial]) -> Iterable[Difference]:
    """Give the clauses that make the difference, first where the first pays and the other does not."""
    for paying, other in ((0, 1), (1, 0)):
        reasons = trials[other].reasons(trials[paying].meeting())
        for (status, clause), count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
            yield Difference(names[paying], names[other], status, clause, count)

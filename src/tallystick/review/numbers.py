"""The numbers of a review: what a contract did, month by month, and what it cost.

Everything is counted from the newest verdicts, the agreement restated, and the statements that were issued; nothing
here reads a clock, and nothing is a float. A claim belongs to the month in which its outcome happened, or in which it
was claimed where that is not known; money belongs to the month in which it locked.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tallystick.contracts import Agreement
from tallystick.errors import ConfigurationError
from tallystick.money import Money
from tallystick.period import Period
from tallystick.review.off_ramp import OffRampState, measure
from tallystick.statements import Issued, Restatement
from tallystick.statements.line import Line
from tallystick.statements.statement import STATUSES, Adjustment
from tallystick.verification.sampling import Finding
from tallystick.verification.verdict import Status, VerdictHead

__all__ = ["MonthNumbers", "OutcomeNumbers", "Review", "SampleFinding", "each_of", "happened_at", "review_of"]

SampleFinding: TypeAlias = tuple[str, str, Finding]
"""What the acceptance sample of a month and an outcome found: the month's label, the outcome's name, the finding."""

_DAY = 86_400_000_000
_MOST_MONTHS = 12


@dataclass(frozen=True, slots=True)
class MonthNumbers:
    """One calendar month: claims by verdict, and in the contract's currency what is owed and what it is owed for.

    `owed` is without notes. `baseline` is what the same lines cost before, as the contract says; it is None where an
    outcome with a line has none. `floor` and `cap` are what these added and took off.
    """

    label: str
    counts: Mapping[Status, int]
    lines: int
    owed: Money
    baseline: Money | None
    floor: Money
    cap: Money

    @property
    def cost(self) -> Money | None:
        """What one line cost, to the nearest minor unit; None without a line."""
        return each_of(self.owed, self.lines) if self.lines else None


@dataclass(frozen=True, slots=True)
class OutcomeNumbers:
    """One outcome in the whole period: claims by verdict, its lines, and what these come to.

    `amount` adds the lines in the contract's currency as they are priced, before discounts, floor and cap; `baseline`
    is what the same lines cost before, None where that is not agreed.
    """

    name: str
    counts: Mapping[Status, int]
    lines: int
    amount: Money
    baseline: Money | None

    @property
    def cost(self) -> Money | None:
        """What one line cost, to the nearest minor unit; None without a line."""
        return each_of(self.amount, self.lines) if self.lines else None

    @property
    def saved(self) -> Money | None:
        """What the lines cost less than before; below zero, they cost more."""
        return None if self.baseline is None or not self.lines else self.baseline - self.amount


@dataclass(frozen=True)
class Review:
    """What a review says in numbers; `months` end with the last one of the period, up to twelve of them.

    `in_period` are those of the period that have begun. `outcomes` are all that were claimed or paid in it, by name.
    `reasons` count the clauses that rejected claims of the period, the most
    frequent first. `lock_days` are whole days from when an outcome happened to its lock, for the lines of the period.
    `reversed` are claims of the period that were verified once and are not any more, by clause. `notes` are credit and
    debit notes of statements that were issued for periods in it. `adjustments` are what was added to the lines of its
    months, or taken off, in the contract's currency. `other_currencies` are owed beside the contract's.
    """

    agreement: Agreement
    period: Period
    months: tuple[MonthNumbers, ...]
    in_period: tuple[MonthNumbers, ...]
    outcomes: tuple[OutcomeNumbers, ...]
    reasons: tuple[tuple[str, int], ...]
    reversed: tuple[tuple[str, int], ...]
    lock_days: tuple[int, ...]
    notes: tuple[tuple[str, Money], ...]
    adjustments: tuple[Adjustment, ...]
    off_ramps: tuple[OffRampState, ...]
    other_currencies: tuple[Money, ...]

    @property
    def counts(self) -> dict[Status, int]:
        """Claims of the period by verdict."""
        return {status: sum(month.counts[status] for month in self.in_period) for status in STATUSES}

    @property
    def owed(self) -> Money:
        """What is owed for the period in the contract's currency, without notes on earlier ones."""
        return _added([month.owed for month in self.in_period], self.agreement)

    @property
    def lines(self) -> int:
        """How many outcomes it is owed for."""
        return sum(month.lines for month in self.in_period)

    @property
    def cost(self) -> Money | None:
        """What one outcome cost."""
        return each_of(self.owed, self.lines) if self.lines else None

    @property
    def baseline(self) -> Money | None:
        """What the same outcomes cost before; None where that is not agreed for one of them."""
        known = [month.baseline for month in self.in_period if month.lines]
        return None if None in known else _added([amount for amount in known if amount is not None], self.agreement)

    @property
    def saved(self) -> Money | None:
        """What was saved against the baseline; below zero, it cost more."""
        return None if self.baseline is None or not self.lines else self.baseline - self.owed


def review_of(
    agreement: Agreement,
    verdicts: Mapping[int, VerdictHead],
    restated: Restatement,
    issued: Sequence[Issued],
    period: Period,
    *,
    now: int,
) -> Review:
    """Count a period, as far as it has begun.

    Args:
        agreement: The terms, version by version.
        verdicts: The newest verdict of each subject, by its ledger index.
        restated: The agreement restated up to the end of the period.
        issued: The statements that were issued.
        period: Whole calendar months in the contract's zone.
        now: The instant it is counted at, in microseconds UTC.

    Raises:
        ConfigurationError: The period is not made of whole months, or has not begun.
    """
    wanted = [month for month in restated.months.of(period) if month.start <= now]
    if not wanted:
        raise ConfigurationError(f"{period.label} has not begun", hint="Review a period that has.")
    first = max(agreement.versions[0].term.starts_at, 0)
    every = list(restated.months.between(min(first, period.start), wanted[-1].start))
    shown = every[-_MOST_MONTHS:]
    claims = [verdict for verdict in verdicts.values() if not verdict.found]
    begun = Period(period.start, wanted[-1].end, period.label)
    counted = _by_month(restated, claims, Period(every[0].start, begun.end, ""))
    numbers = {month.label: _month(restated, month, counted[month.label]) for month in shown}
    inside = [verdict for verdict in claims if happened_at(verdict) in begun]
    lines = [line for month in wanted for line in restated.lines.get(month.label, ())]
    own = agreement.newest.currency
    return Review(
        agreement=agreement,
        period=period,
        months=tuple(numbers.values()),
        in_period=tuple(numbers[month.label] for month in wanted),
        outcomes=tuple(_outcomes(agreement, inside, [line for line in lines if line.amount.currency == own])),
        reasons=_clauses(inside, "rejected"),
        reversed=_clauses(inside, "reversed"),
        lock_days=tuple((line.locks_at - line.occurred_at) // _DAY for line in lines if line.occurred_at is not None),
        notes=tuple(
            (label, amount)
            for statement in issued
            if statement.period.start in period
            for label, amounts in statement.notes.items()
            for amount in amounts.values()
        ),
        adjustments=tuple(each for month in wanted for each in restated.totals[month.label][own].adjustments),
        off_ramps=tuple(
            measure(terms, [(month.label, counted[month.label]) for month in every if _is_whole(agreement, month, now)])
            for terms in agreement.governing(begun.end - 1).off_ramps
        ),
        other_currencies=tuple(
            amount for unit, amount in restated.total(begun).items() if unit != own and amount.minor
        ),
    )


def happened_at(verdict: VerdictHead) -> int | None:
    """Give the instant that picks the month of a claim: when its outcome happened, or else when it was claimed."""
    return verdict.claimed_at if verdict.occurred_at is None else verdict.occurred_at


def _by_month(restated: Restatement, claims: Iterable[VerdictHead], span: Period) -> dict[str, Counter[Status]]:
    """Count the claims of each month of a span by verdict."""
    counted: dict[str, Counter[Status]] = defaultdict(Counter)
    for verdict in claims:
        at = happened_at(verdict)
        if at is not None and at in span:
            counted[restated.months.at(at).label][verdict.status] += 1
    return counted


def _is_whole(agreement: Agreement, month: Period, now: int) -> bool:
    """Tell whether a month is over and lies in the term from its first day to its last."""
    ends_at = agreement.newest.term.ends_at
    begun = agreement.versions[0].term.starts_at <= month.start
    return begun and month.end <= now and (ends_at is None or month.end <= ends_at)


def _outcomes(agreement: Agreement, claims: Iterable[VerdictHead], lines: Sequence[Line]) -> Iterator[OutcomeNumbers]:
    counted: dict[str, Counter[Status]] = defaultdict(Counter)
    for verdict in claims:
        counted[verdict.outcome][verdict.status] += 1
    for name in sorted(counted.keys() | {line.outcome for line in lines}):
        own = [line for line in lines if line.outcome == name]
        counts = {status: counted[name][status] for status in STATUSES}
        amount = _added([line.amount for line in own], agreement)
        yield OutcomeNumbers(name, counts, len(own), amount, _baseline(agreement, own))


def _month(restated: Restatement, month: Period, counted: Mapping[Status, int]) -> MonthNumbers:
    own = restated.agreement.newest.currency
    lines = [line for line in restated.lines.get(month.label, ()) if line.amount.currency == own]
    total = restated.totals[month.label][own]
    added = {
        kind: sum((each.amount for each in total.adjustments if each.kind == kind), Money(0, own))
        for kind in ("floor", "cap")
    }
    return MonthNumbers(
        month.label,
        {status: counted[status] for status in STATUSES},
        len(lines),
        total.total,
        _baseline(restated.agreement, lines),
        added["floor"],
        -added["cap"],
    )


def _baseline(agreement: Agreement, lines: Sequence[Line]) -> Money | None:
    by_version = {contract.version: contract for contract in agreement.versions}
    amounts = []
    for line in lines:
        baseline = by_version[line.version].outcomes[line.outcome].baseline
        if baseline is None:
            return None
        amounts.append(baseline.cost)
    return _added(amounts, agreement)


def _clauses(verdicts: Iterable[VerdictHead], status: Status) -> tuple[tuple[str, int], ...]:
    counted = Counter(verdict.reasons[0].clause for verdict in verdicts if verdict.status == status and verdict.reasons)
    return tuple(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _added(amounts: Iterable[Money], agreement: Agreement) -> Money:
    return sum(amounts, Money(0, agreement.newest.currency))


def each_of(amount: Money, count: int) -> Money:
    """Give one of so many equal parts of an amount, to the nearest minor unit, halves away from zero."""
    whole = (2 * abs(amount.minor) + count) // (2 * count)
    return Money(whole if amount.minor >= 0 else -whole, amount.currency)

"""The numbers of a review: what a contract did, month by month, and what it cost.

Everything is counted from the newest verdicts, the agreement restated, and the statements that were issued; nothing
here reads a clock, and nothing is a float. A claim belongs to the month in which its outcome happened, or in which it
was claimed where that is not known; money belongs to the month in which it locked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from tallystick.contracts import Agreement, OffRamp
from tallystick.errors import ConfigurationError
from tallystick.money import Money, round_minor
from tallystick.period import Period
from tallystick.statements import Issued, Restatement
from tallystick.statements.statement import STATUSES, Line
from tallystick.verification.verdict import Status, VerdictHead

__all__ = ["MonthNumbers", "OffRampState", "Review", "review_of", "share"]

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
        return _divided(self.owed, self.lines)


@dataclass(frozen=True, slots=True)
class OffRampState:
    """A way out of the contract: what was measured month by month, None where there was nothing to measure.

    It is open when each of the last months lies below the threshold.
    """

    terms: OffRamp
    measured: tuple[tuple[str, Decimal | None], ...]

    @property
    def open(self) -> bool:
        """Whether a party may leave."""
        last = [value for _, value in self.measured[-self.terms.months :]]
        return len(last) == self.terms.months and all(value is not None and value < self.terms.below for value in last)


@dataclass(frozen=True)
class Review:
    """What a review says in numbers; `months` end with the last one of the period, up to twelve of them.

    `in_period` are those of the period. `reasons` count the clauses that rejected claims of the period, the most
    frequent first. `lock_days` are whole days from when an outcome happened to its lock, for the lines of the period.
    `reversed` are claims of the period that were verified once and are not any more, by clause. `notes` are credit and
    debit notes of statements that were issued for periods in it. `other_currencies` are owed beside the contract's.
    """

    agreement: Agreement
    period: Period
    months: tuple[MonthNumbers, ...]
    in_period: tuple[MonthNumbers, ...]
    reasons: tuple[tuple[str, int], ...]
    reversed: tuple[tuple[str, int], ...]
    lock_days: tuple[int, ...]
    notes: tuple[tuple[str, Money], ...]
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
        return _divided(self.owed, self.lines)

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
    shown = list(restated.months.between(min(first, period.start), wanted[-1].start))[-_MOST_MONTHS:]
    claims = [verdict for verdict in verdicts.values() if not verdict.found]
    numbers = {month.label: _month(restated, month, claims) for month in shown}
    inside = [verdict for verdict in claims if _happened(verdict) in period]
    lines = [line for month in wanted for line in restated.lines.get(month.label, ())]
    own = agreement.newest.currency
    return Review(
        agreement=agreement,
        period=period,
        months=tuple(numbers.values()),
        in_period=tuple(numbers[month.label] for month in wanted),
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
        off_ramps=tuple(_off_ramp(terms, list(numbers.values())) for terms in agreement.newest.off_ramps),
        other_currencies=tuple(
            amount for unit, amount in restated.total(period).items() if unit != own and amount.minor
        ),
    )


def share(part: int, whole: int) -> Decimal | None:
    """Give a part in percent of the whole, with one decimal; None of nothing."""
    if not whole:
        return None
    return (Decimal(100 * part) / Decimal(whole)).quantize(Decimal("0.1"), ROUND_HALF_UP)


def _month(restated: Restatement, month: Period, claims: Iterable[VerdictHead]) -> MonthNumbers:
    own = restated.agreement.newest.currency
    counted = Counter(verdict.status for verdict in claims if _happened(verdict) in month)
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


def _off_ramp(terms: OffRamp, months: Sequence[MonthNumbers]) -> OffRampState:
    measured = []
    for month in months:
        decided = month.counts["verified"] + month.counts["rejected"] + month.counts["reversed"]
        verified = month.counts["verified"]
        value = share(verified, decided) if terms.measure == "verified_rate" else Decimal(verified)
        measured.append((month.label, value))
    return OffRampState(terms, tuple(measured))


def _happened(verdict: VerdictHead) -> int | None:
    return verdict.claimed_at if verdict.occurred_at is None else verdict.occurred_at


def _clauses(verdicts: Iterable[VerdictHead], status: Status) -> tuple[tuple[str, int], ...]:
    counted = Counter(verdict.reasons[0].clause for verdict in verdicts if verdict.status == status and verdict.reasons)
    return tuple(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _added(amounts: Iterable[Money], agreement: Agreement) -> Money:
    return sum(amounts, Money(0, agreement.newest.currency))


def _divided(amount: Money, count: int) -> Money | None:
    if not count:
        return None
    exact = Fraction(amount.minor, count)
    whole = Decimal(exact.numerator) / Decimal(exact.denominator)
    return Money(round_minor(whole, 0, "half_up"), amount.currency)

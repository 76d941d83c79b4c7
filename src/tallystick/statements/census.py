"""How all claims under a contract stand, counted while they are priced."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from tallystick.money import Currency, Money
from tallystick.period import Period
from tallystick.statements.line import Gathering, Line
from tallystick.statements.lines import Pricer
from tallystick.statements.statement import STATUSES, ReasonCount, Tally, add_up
from tallystick.verification.verdict import Status, VerdictHead

__all__ = ["Census"]

_CLAIM = "claim:"


@dataclass
class _Count:
    """How many claims have one status, and what they would have cost."""

    claims: int = 0
    unpriced: int = 0
    sums: dict[Currency, int] = field(default_factory=lambda: defaultdict(int))


@dataclass
class _Decided:
    """How many claims one clause decided, and the first of them by name."""

    claims: int
    example: str
    text: str


class Census:
    """Counts the verdicts under an agreement.

    `late` claims are pending although their windows end before the period does. `found` are what would be lines of the
    period if anybody had claimed them, `found_in_all` how many of them there are in any period.

    Args:
        period: The period of the statement.
    """

    def __init__(self, period: Period) -> None:
        self._period = period
        self._counts: dict[Status, _Count] = {status: _Count() for status in STATUSES}
        self._decided: dict[tuple[Status, str], _Decided] = {}
        self.late = 0
        self.found = Gathering()
        self.found_in_all = 0

    def see(self, pricer: Pricer, entry: int, verdict: VerdictHead, line: Line | None) -> None:
        """Count a verdict.

        Raises:
            ContractError: What was claimed or found cannot be priced.
        """
        if verdict.subject.startswith(_CLAIM):
            self._count_claim(verdict, pricer.claimed(verdict, line))
        elif verdict.found and verdict.status == "verified":
            self.found_in_all += 1
            if verdict.decided_at in self._period:
                self.found.add(pricer.found(entry, verdict))

    def _count_claim(self, verdict: VerdictHead, amount: Money | None) -> None:
        counted = self._counts[verdict.status]
        counted.claims += 1
        if amount is None:
            counted.unpriced += 1
        else:
            counted.sums[amount.currency] += amount.minor
        if verdict.status == "pending":
            ends = (reason.until for reason in verdict.reasons)
            self.late += any(until is not None and until < self._period.end for until in ends)
        if verdict.reasons:
            self._count_reason(verdict)

    def _count_reason(self, verdict: VerdictHead) -> None:
        """Count the clause that decided; its example is the claim that stands first by name."""
        reason = verdict.reasons[0]
        known = self._decided.get((verdict.status, reason.clause))
        if known is None:
            self._decided[verdict.status, reason.clause] = _Decided(1, verdict.subject, reason.text)
            return
        known.claims += 1
        if verdict.subject < known.example:
            known.example, known.text = verdict.subject, reason.text

    def tallies(self, first: Currency) -> Iterator[Tally]:
        """Give the claims by status, and what they would have cost, the currency named first."""
        for status, counted in self._counts.items():
            amounts = add_up((Money(minor, unit) for unit, minor in counted.sums.items()), first)
            yield Tally(status, counted.claims, amounts, counted.unpriced)

    def reasons(self) -> list[ReasonCount]:
        """Give the clauses that decided, status by status, the most frequent first, equal ones by name."""
        counted = [
            ReasonCount(status, clause, decided.claims, decided.example.removeprefix(_CLAIM), decided.text)
            for (status, clause), decided in self._decided.items()
        ]
        return sorted(counted, key=lambda reason: (STATUSES.index(reason.status), -reason.claims, reason.clause))

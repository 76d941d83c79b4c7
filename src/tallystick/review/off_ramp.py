"""Ways out of a contract: what each agreed threshold was measured at, month by month, and whether one is open.

Only whole months count: those that lie in the term and are over. What is pending may still be verified, so a month is
below a threshold only if it stays there whatever becomes of what is pending.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from tallystick.contracts import OffRamp
from tallystick.verification.verdict import Status

__all__ = ["Measured", "OffRampState", "measure", "share"]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a month came to: `value` by what is decided, `most` if all that is pending were verified.

    Both are percent for a rate, claims else; None where there is nothing to measure.
    """

    month: str
    value: Decimal | None
    most: Decimal | None
    below: bool


@dataclass(frozen=True, slots=True)
class OffRampState:
    """A way out of the contract, and the last months it looks at, up to as many as it takes."""

    terms: OffRamp
    measured: tuple[Measured, ...]

    @property
    def open(self) -> bool:
        """Whether each of the months it takes lies below the threshold."""
        return len(self.measured) == self.terms.months and all(month.below for month in self.measured)

    @property
    def may_open(self) -> bool:
        """Whether it is closed only because claims that are pending may still be verified."""
        low = [month.below or (month.value is not None and month.value < self.terms.below) for month in self.measured]
        return not self.open and len(low) == self.terms.months and all(low)


def measure(terms: OffRamp, months: Sequence[tuple[str, Mapping[Status, int]]]) -> OffRampState:
    """Hold months against a threshold.

    Args:
        terms: The threshold.
        months: Whole months of the term that are over, oldest first, with their claims by verdict.
    """
    return OffRampState(terms, tuple(_measured(terms, *month) for month in months[-terms.months :]))


def share(part: int, whole: int) -> Decimal | None:
    """Give a part in percent of the whole, with one decimal; None of nothing."""
    if not whole:
        return None
    return (Decimal(100 * part) / Decimal(whole)).quantize(Decimal("0.1"), ROUND_HALF_UP)


def _measured(terms: OffRamp, label: str, counts: Mapping[Status, int]) -> Measured:
    verified, pending = counts["verified"], counts["pending"]
    most = verified + pending
    if terms.measure == "verified_units":
        return Measured(label, Decimal(verified), Decimal(most), most < terms.below)
    decided = verified + counts["rejected"] + counts["reversed"]
    # The exact share decides, not the one that is printed: 59.96 percent lies below 60.
    below = 100 * most < terms.below * (decided + pending)
    return Measured(label, share(verified, decided), share(most, decided + pending), below)

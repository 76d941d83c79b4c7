"""Acceptance sampling: which lines of a month people look at, and what their answers say about all of them.

The page `docs/sampling.md` says the same for readers who do it again without Tallystick.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Literal

import msgspec

from tallystick.contracts import Sample
from tallystick.verification.bounds import at_least, at_most

__all__ = ["Answer", "Finding", "draw", "judge", "limit", "seed_of"]

Answer = Literal["right", "wrong", "unclear"]
"""What a person says about a line: `unclear` if it cannot be told."""

_PLACES = 6
_PERCENT = 100


class Finding(msgspec.Struct, frozen=True):
    """What the sample of one outcome and month says.

    `open` means that some of the `drawn` were not looked at yet, `exceeded` that the share of wrong ones lies above the
    tolerance with the confidence agreed, `within` that this is not shown. `unclear` ones count as wrong nowhere but in
    `high`.

    `share` is the share of wrong ones among the drawn, in parts of 1, rounded down: the one that `extrapolate` takes
    off; `wrong / drawn` is it exactly. `least` is the one-sided lower bound that is held against the `tolerance`;
    `low` and `high` are the two-sided interval. Bounds are of the share in the whole population, with six decimals,
    lower ones rounded down and `high` rounded up. While the finding is open they hold whatever the rest turns out to
    be.
    """

    status: Literal["open", "within", "exceeded"]
    rule: Literal["extrapolate", "hold"]
    tolerance: Decimal
    confidence: int
    population: int
    drawn: int
    right: int
    wrong: int
    unclear: int
    share: Decimal
    least: Decimal
    low: Decimal
    high: Decimal

    @property
    def waiting(self) -> int:
        """How many of the drawn were not looked at yet."""
        return self.drawn - self.right - self.wrong - self.unclear

    @property
    def effect(self) -> Literal["none", "extrapolate", "hold"]:
        """What becomes of the lines of the month: the contract's rule if the tolerance is exceeded, else nothing."""
        return self.rule if self.status == "exceeded" else "none"


def seed_of(root: str, contract_sha256: str, outcome: str, month: str) -> bytes:
    """Give the 32 bytes that decide which lines are drawn.

    Args:
        root: Root hash of the ledger that holds the verdicts the list is made of, in hexadecimal.
        contract_sha256: Hash of the contract, in hexadecimal.
        outcome: Name of the outcome.
        month: Such as `2026-09`.
    """
    return hashlib.sha256(f"tallystick-sample/1\n{root}\n{contract_sha256}\n{outcome}\n{month}\n".encode()).digest()


def draw(population: Sequence[str], size: int, seed: bytes) -> list[str]:
    """Give a random sample of a population, without replacement; all of it where it has no more than `size`.

    Subjects are ranked by SHA-256(seed, a zero byte, the subject in UTF-8), and the first `size` are drawn, in the
    order of their rank. The order of the population does not matter.

    Raises:
        ValueError: A subject stands there twice, or the size is negative.
    """
    if size < 0 or len(set(population)) != len(population):
        raise ValueError("a sample has a size, and each of its subjects once")
    start = hashlib.sha256(seed + b"\x00")

    def rank(subject: str) -> bytes:
        state = start.copy()
        state.update(subject.encode())
        return state.digest()

    return sorted(population, key=rank)[:size]


def judge(terms: Sample, population: int, right: int, wrong: int, unclear: int = 0) -> Finding:
    """Give what the answers so far say about the population.

    Args:
        terms: The contract's terms.
        population: Number of lines; `terms.size` of them are drawn, or all if there are fewer.
        right: Drawn ones that people found right.
        wrong: Drawn ones that people found wrong.
        unclear: Drawn ones of which people could not tell.

    Raises:
        ValueError: There are more answers than lines drawn.
    """
    drawn = min(terms.size, population)
    waiting = drawn - right - wrong - unclear
    if waiting < 0:
        raise ValueError(f"there are {drawn} drawn, and more answers")
    doubt = Fraction(_PERCENT - terms.confidence, _PERCENT)
    least = at_least(population, drawn, wrong, doubt)
    if waiting:
        status: Literal["open", "within", "exceeded"] = "open"
    else:
        status = "exceeded" if _exceeds(least, population, terms.tolerance) else "within"
    return Finding(
        status=status,
        rule=terms.rule,
        tolerance=terms.tolerance,
        confidence=terms.confidence,
        population=population,
        drawn=drawn,
        right=right,
        wrong=wrong,
        unclear=unclear,
        share=_share(wrong, drawn),
        least=_share(least, population),
        low=_share(at_least(population, drawn, wrong, doubt / 2), population),
        high=_share(at_most(population, drawn, wrong + waiting + unclear, doubt / 2), population, up=True),
    )


def limit(terms: Sample, population: int) -> int | None:
    """Give the least number of wrong ones among the drawn that exceeds the tolerance; None if no number does."""
    drawn = min(terms.size, population)
    doubt = Fraction(_PERCENT - terms.confidence, _PERCENT)
    low, high = 0, drawn + 1
    while low < high:
        middle = (low + high) // 2
        if middle > drawn or _exceeds(at_least(population, drawn, middle, doubt), population, terms.tolerance):
            high = middle
        else:
            low = middle + 1
    return low if low <= drawn else None


def _exceeds(wrong: int, population: int, tolerance: Decimal) -> bool:
    return wrong * _PERCENT > Fraction(tolerance) * population


def _share(part: int, whole: int, *, up: bool = False) -> Decimal:
    """Give a part of 1 with six decimals; nothing of nothing is none."""
    if not whole:
        return Decimal(0).scaleb(-_PLACES)
    units = -(-part * 10**_PLACES // whole) if up else part * 10**_PLACES // whole
    return Decimal(units).scaleb(-_PLACES)

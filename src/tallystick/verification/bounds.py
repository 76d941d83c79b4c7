"""Confidence bounds of the number of wrong ones in a finite population, from a sample drawn without replacement.

Of `population` items `drawn` were looked at and `wrong` of these are wrong. If `bad` of the population are wrong, the
number of wrong ones in the sample has the hypergeometric distribution. A bound is what that exact distribution does not
rule out; no approximation and no float is involved, so that everybody who does the sum gets the same number.
"""

from __future__ import annotations

from bisect import bisect_left
from fractions import Fraction
from math import comb

__all__ = ["at_least", "at_most"]

_SCALE = 10**80


def at_least(population: int, drawn: int, wrong: int, doubt: Fraction) -> int:
    """Give the least number of wrong ones in the population that the sample does not rule out.

    A number is ruled out if, were it the true one, a sample with so many wrong ones or more would have a probability of
    `doubt` at most. Whatever the true number is, the one given lies above it with a probability of `doubt` at most. It
    never lies above `population * wrong / drawn`, and never grows when `wrong` falls.

    Args:
        population: Number of items.
        drawn: How many of them were looked at.
        wrong: How many of these are wrong.
        doubt: One minus the confidence, more than 0 and less than 1/2.

    Raises:
        ValueError: The numbers do not fit each other.
    """
    if not 0 <= wrong <= drawn <= population or not 0 < doubt < Fraction(1, 2):
        raise ValueError(f"{wrong} wrong of {drawn} drawn of {population} at a doubt of {doubt} makes no sense")
    if not wrong:
        return 0
    # Between whole numbers the estimate itself may be ruled out (18 of 19 drawn of 20); it still caps the bound.
    candidates = range(wrong, population * wrong // drawn)
    return candidates.start + bisect_left(
        candidates, True, key=lambda bad: _is_possible(population, drawn, bad, wrong, doubt)
    )


def at_most(population: int, drawn: int, wrong: int, doubt: Fraction) -> int:
    """Give the greatest number of wrong ones in the population that the sample does not rule out.

    The mirror image of `at_least`: what is not right is wrong.

    Raises:
        ValueError: See `at_least`.
    """
    return population - at_least(population, drawn, drawn - wrong, doubt)


def _is_possible(population: int, drawn: int, bad: int, wrong: int, doubt: Fraction) -> bool:
    """Tell whether a sample with `wrong` or more wrong ones is more probable than `doubt` if `bad` are wrong."""
    below, above = _weights(population, drawn, bad, wrong)
    # Each weight is cut off by less than one per step that leads to it, so that no sum is too small by more than this.
    slack = (drawn + 1) ** 2
    if above * (1 - doubt) > (below + slack) * doubt:
        return True
    if (above + slack) * (1 - doubt) <= below * doubt:
        return False
    exact = sum(comb(bad, count) * comb(population - bad, drawn - count) for count in range(wrong, drawn + 1))
    return exact > doubt * comb(population, drawn)


def _weights(population: int, drawn: int, bad: int, wrong: int) -> tuple[int, int]:
    """Give the weights of fewer than `wrong` and of the rest, against `_SCALE` for the likeliest number.

    They are sums over integers that are rounded down and that end where they vanish, some ten standard deviations away:
    enough to compare them with anything that is not equal to dozens of digits, at a cost that does not grow with the
    population.
    """
    good = population - bad
    mode = (drawn + 1) * (bad + 1) // (population + 2)
    sums = [0, 0]
    sums[mode >= wrong] += _SCALE
    count, weight = mode, _SCALE
    while weight:
        weight = weight * (bad - count) * (drawn - count) // ((count + 1) * (good - drawn + count + 1))
        count += 1
        sums[count >= wrong] += weight
    count, weight = mode, _SCALE
    while weight:
        weight = weight * count * (good - drawn + count) // ((bad - count + 1) * (drawn - count + 1))
        count -= 1
        sums[count >= wrong] += weight
    return sums[0], sums[1]

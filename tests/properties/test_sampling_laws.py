"""Laws of acceptance sampling: exact bounds against brute force, and a draw that nobody can steer."""

from decimal import Decimal
from fractions import Fraction
from functools import cache
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.contracts import Sample
from tallystick.verification import bounds
from tallystick.verification.bounds import at_least, at_most
from tallystick.verification.sampling import draw, judge, limit

DOUBTS = [Fraction(part, 200) for part in (1, 2, 5, 10, 20)]
doubts = st.sampled_from(DOUBTS)


@cache
def _chance(population, drawn, bad, wrong):
    """Give the probability of exactly `wrong` wrong ones, by counting the ways."""
    ways = comb(bad, wrong) * comb(population - bad, drawn - wrong) if wrong <= drawn else 0
    return Fraction(ways, comb(population, drawn))


@st.composite
def samples(draw_from, largest=3000):
    """Give a population, how many are drawn and how many of these are wrong."""
    population = draw_from(st.integers(1, largest))
    drawn = draw_from(st.integers(1, population))
    return population, drawn, draw_from(st.integers(0, drawn))


@st.composite
def terms(draw_from):
    """Give the terms of a sample."""
    tolerance = Decimal(draw_from(st.integers(0, 10_000))).scaleb(-2)
    rule = draw_from(st.sampled_from(["extrapolate", "hold"]))
    return Sample(draw_from(st.integers(1, 300)), tolerance, draw_from(st.sampled_from([90, 95, 99])), rule)


@pytest.mark.parametrize("doubt", DOUBTS)
def test_bounds_cover_whatever_is_true(doubt):
    """For every population up to 14, every sample and every truth, a bound misses with the agreed chance at most."""
    for population in range(1, 15):
        for drawn in range(1, population + 1):
            for bad in range(population + 1):
                chances = [_chance(population, drawn, bad, wrong) for wrong in range(drawn + 1)]
                over = [at_least(population, drawn, wrong, doubt) > bad for wrong in range(drawn + 1)]
                under = [at_most(population, drawn, wrong, doubt) < bad for wrong in range(drawn + 1)]

                assert sum(chances) == 1
                assert sum(chance for chance, missed in zip(chances, over, strict=True) if missed) <= doubt
                assert sum(chance for chance, missed in zip(chances, under, strict=True) if missed) <= doubt


@given(samples(largest=60), doubts)
def test_the_bound_is_the_definition(sample, doubt):
    """The bound is the least number that the exact distribution does not rule out, or the estimate below it."""
    population, drawn, wrong = sample
    possible = (
        bad
        for bad in range(population + 1)
        if sum(_chance(population, drawn, bad, count) for count in range(wrong, drawn + 1)) > doubt
    )

    assert at_least(*sample, doubt) == min(next(possible), population * wrong // drawn)


@given(samples(), doubts)
def test_bounds_hold_the_estimate(sample, doubt):
    """The share among the drawn lies between the bounds, and both are numbers the sample allows."""
    population, drawn, wrong = sample

    assert wrong <= at_least(*sample, doubt) <= Fraction(population * wrong, drawn)
    assert Fraction(population * wrong, drawn) <= at_most(*sample, doubt) <= population - drawn + wrong


@given(samples(), doubts)
def test_right_and_wrong_mirror_each_other(sample, doubt):
    """Calling right what is wrong turns the lower bound into the upper one."""
    population, drawn, wrong = sample

    assert at_least(*sample, doubt) + at_most(population, drawn, drawn - wrong, doubt) == population


@given(samples(), doubts)
def test_more_wrong_never_lowers_a_bound(sample, doubt):
    """With one more wrong answer no bound falls, and with less doubt the interval does not shrink."""
    population, drawn, wrong = sample

    if wrong < drawn:
        assert at_least(*sample, doubt) <= at_least(population, drawn, wrong + 1, doubt)
        assert at_most(*sample, doubt) <= at_most(population, drawn, wrong + 1, doubt)
    assert at_least(*sample, doubt / 2) <= at_least(*sample, doubt)
    assert at_most(*sample, doubt / 2) >= at_most(*sample, doubt)


@given(samples(), doubts)
def test_whoever_looks_at_all_knows(sample, doubt):
    """If everything was looked at, both bounds are the number of wrong ones."""
    population, _, wrong = sample
    wrong = min(wrong, population)

    assert at_least(population, population, wrong, doubt) == wrong == at_most(population, population, wrong, doubt)


@given(samples(largest=400), doubts)
def test_the_short_way_is_the_exact_way(sample, doubt):
    """Sums that are rounded down decide nothing that exact integers decide otherwise."""
    scale, bounds._SCALE = bounds._SCALE, 1
    try:
        exact = at_least(*sample, doubt)  # with no digits every comparison falls back to exact integers
    finally:
        bounds._SCALE = scale

    assert at_least(*sample, doubt) == exact


@given(terms(), st.integers(0, 3000), st.data())
def test_a_finding_follows_from_the_number_of_wrong_ones(agreed, population, data):
    """Complete answers exceed the tolerance from one number of wrong ones on, and the limit is that number."""
    drawn = min(agreed.size, population)
    wrong = data.draw(st.integers(0, drawn))
    finding = judge(agreed, population, drawn - wrong, wrong)
    first = limit(agreed, population)

    assert finding.status == ("within" if first is None or wrong < first else "exceeded")
    assert finding.effect == ("none" if finding.status == "within" else agreed.rule)
    assert 0 <= finding.low <= finding.least <= finding.share <= finding.high <= 1
    assert (finding.least > agreed.tolerance / 100) <= (finding.status == "exceeded")


@given(terms(), st.integers(1, 3000), st.data())
def test_what_is_not_known_is_not_wrong(agreed, population, data):
    """While a line was not looked at the finding is open, and its bounds hold however the rest turns out."""
    drawn = min(agreed.size, population)
    right, wrong = data.draw(st.integers(0, drawn - 1)), 0
    wrong = data.draw(st.integers(0, drawn - 1 - right))
    unclear = data.draw(st.integers(0, drawn - 1 - right - wrong))
    so_far = judge(agreed, population, right, wrong, unclear)
    waiting = so_far.waiting
    best = judge(agreed, population, right + waiting, wrong, unclear)
    worst = judge(agreed, population, right, wrong + waiting, unclear)

    assert waiting > 0
    assert (so_far.status, so_far.effect) == ("open", "none")
    assert so_far.low <= best.low <= worst.low
    assert best.high <= worst.high <= so_far.high
    assert (so_far.share, so_far.least) == (best.share, best.least)
    assert best.share <= worst.share


@given(terms(), st.integers(1, 3000), st.data())
def test_an_unclear_answer_never_helps_to_exceed(agreed, population, data):
    """A line of which nobody can tell is not held against the vendor."""
    drawn = min(agreed.size, population)
    wrong = data.draw(st.integers(0, drawn))
    unclear = data.draw(st.integers(0, drawn - wrong))
    told = judge(agreed, population, drawn - wrong, wrong)
    untold = judge(agreed, population, drawn - wrong - unclear, wrong, unclear)

    assert (untold.status, untold.share, untold.least, untold.low) == (told.status, told.share, told.least, told.low)
    assert untold.high >= told.high


subjects = st.lists(st.text(max_size=20), unique=True, max_size=50)


@given(subjects, st.integers(0, 60), st.binary(min_size=32, max_size=32), st.randoms())
def test_a_draw_depends_on_what_is_in_the_list_alone(population, size, seed, chance):
    """The order of the list changes nothing, nothing is drawn twice, and a list that is small enough is drawn whole."""
    shuffled = list(population)
    chance.shuffle(shuffled)
    drawn = draw(population, size, seed)

    assert draw(shuffled, size, seed) == drawn
    assert len(drawn) == len(set(drawn)) == min(size, len(population))
    assert set(drawn) <= set(population)


@given(subjects, st.integers(0, 60), st.binary(min_size=32, max_size=32))
def test_a_larger_draw_begins_with_the_smaller_one(population, size, seed):
    """With one more drawn, or one subject less in the list, who was drawn before stays drawn."""
    drawn = draw(population, size, seed)

    assert draw(population, size + 1, seed)[:size] == drawn
    if population:
        assert (
            draw(population[1:], size, seed)[: max(len(drawn) - 1, 0)]
            == [subject for subject in drawn if subject != population[0]][: max(len(drawn) - 1, 0)]
        )

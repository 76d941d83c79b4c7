"""Laws of money that hold for all amounts."""

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.money import ROUNDINGS, Currency, Money, allocate, round_minor

exponents = st.integers(0, 4)
amounts = st.decimals(-(10**12), 10**12, allow_nan=False, allow_infinity=False, places=7)
rules = st.sampled_from(ROUNDINGS)
totals = st.integers(-(10**15), 10**15)
weights = st.lists(st.integers(0, 10**9), min_size=1, max_size=30).filter(any)
XTS = Currency("XTS", 2)
untimed = settings(deadline=None)


@untimed
@given(totals, weights)
def test_parts_add_up(total, weights):
    """The parts of an allocation add up to the total, whatever total and weights are."""
    assert sum(part.minor for part in allocate(Money(total, XTS), weights)) == total


@untimed
@given(totals, weights)
def test_parts_are_fair(total, weights):
    """No part is a whole minor unit away from its exact share, and none has the other sign."""
    whole = sum(weights)
    for part, weight in zip(allocate(Money(total, XTS), weights), weights, strict=True):
        assert abs(part.minor * whole - total * weight) < whole
        assert part.minor * total >= 0


@untimed
@given(totals, weights, st.randoms(use_true_random=False))
def test_order_moves_parts_by_ties_only(total, weights, random):
    """Permuting the weights permutes the parts, up to the minor unit that equal remainders compete for."""
    order = random.sample(range(len(weights)), len(weights))
    straight = [part.minor for part in allocate(Money(total, XTS), weights)]
    permuted = [part.minor for part in allocate(Money(total, XTS), [weights[place] for place in order])]

    assert sorted(straight) == sorted(permuted)
    assert all(abs(part - straight[place]) <= 1 for part, place in zip(permuted, order, strict=True))


@untimed
@given(totals, weights)
def test_a_credit_mirrors_a_debit(total, weights):
    """The parts of the opposite total are the opposite parts."""
    there = allocate(Money(total, XTS), weights)

    assert [-part for part in there] == allocate(Money(-total, XTS), weights)


@untimed
@given(st.lists(amounts, max_size=20), exponents, rules, st.randoms(use_true_random=False))
def test_round_then_sum(amounts, exponent, rule, random):
    """A total of rounded lines is the sum of what is printed, in any order."""
    place = Currency("XTS", exponent)
    lines = [Money.of(amount, place, rule) for amount in amounts]
    printed = [Decimal(str(line).removesuffix(" XTS")) for line in lines]
    random.shuffle(lines)

    total = sum(lines, Money(0, place))

    assert total.amount == sum(printed, Decimal(0))


@untimed
@given(amounts, exponents, rules)
def test_rounding_is_nearest(amount, exponent, rule):
    """A rounded amount is at most half a minor unit away."""
    assert abs(Decimal(round_minor(amount, exponent, rule)) - amount.scaleb(exponent)) <= Decimal("0.5")


@untimed
@given(amounts, exponents, rules)
def test_rounding_again_changes_nothing(amount, exponent, rule):
    """An amount that was rounded is its own rounding."""
    once = Money.of(amount, Currency("XTS", exponent), rule)

    assert Money.of(once.amount, once.currency, rule) == once


@pytest.mark.parametrize(("rule", "known"), [("half_up", ROUND_HALF_UP), ("half_even", ROUND_HALF_EVEN)])
@untimed
@given(amount=amounts, exponent=exponents)
def test_rounding_is_that_of_decimal(amount, exponent, rule, known):
    """Where the standard library has the rule under another name, both agree."""
    quantum = Decimal(1).scaleb(-exponent)
    expected = amount.quantize(quantum, rounding=known, context=Context(prec=60))

    assert Money.of(amount, Currency("XTS", exponent), rule).amount == expected


@untimed
@given(amounts, exponents)
def test_half_towards_positive_shifts(amount, exponent):
    """Rounding towards positive commutes with adding whole minor units; that is what XPath's round does."""
    unit = Decimal(1).scaleb(-exponent)
    rounded = round_minor(amount, exponent, "half_towards_positive")

    assert round_minor(amount + unit, exponent, "half_towards_positive") == rounded + 1

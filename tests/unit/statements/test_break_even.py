"""From how many units on a price is no dearer than a baseline: against trying every number."""

from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tallystick.contracts import Limits, PerUnit, Step, Tiers
from tallystick.money import Money, currency
from tallystick.statements.break_even import break_even_units
from tallystick.statements.pricing import price_month

EUR = currency("EUR")
MOST = 400


def _euro(minor):
    return Money(minor, EUR)


def _by_trying(price, baseline, limits):
    for units in range(1, MOST):
        owed = price_month(price, [Decimal(units)], EUR, "half_up")[0].amount
        owed = owed if limits.cap is None else min(owed, limits.cap)
        owed = owed if limits.floor is None else max(owed, limits.floor)
        if owed.minor <= baseline.minor * units:
            return units
    return None


CENTS = st.integers(1, 60)
PRICES = st.one_of(
    st.builds(lambda each, included: PerUnit(_euro(each), included), CENTS, st.integers(0, 15)),
    st.builds(
        lambda mode, first, rates, width, included: Tiers(
            mode,
            (
                Step(Decimal(first), Decimal(rates[0]).scaleb(-2)),
                Step(Decimal(first + width), Decimal(rates[1]).scaleb(-2)),
                Step(None, Decimal(rates[2]).scaleb(-2)),
            ),
            False,
            EUR,
            included,
        ),
        st.sampled_from(["graduated", "volume"]),
        st.integers(1, 20),
        st.tuples(CENTS, CENTS, CENTS),
        st.integers(1, 20),
        st.integers(0, 15),
    ),
)
MAYBE = st.one_of(st.none(), st.integers(1, 900).map(_euro))


@settings(max_examples=300)
@example(PerUnit(_euro(10)), 10, None, None)
@example(PerUnit(_euro(10)), 9, None, None)
@example(PerUnit(_euro(10)), 9, None, _euro(900))
@given(price=PRICES, baseline=CENTS, floor=MAYBE, more=MAYBE)
def test_it_is_what_trying_gives(price, baseline, floor, more):
    """The number is the first at which what is owed is at most the baseline, whatever tiers, floor and cap are."""
    cap = None if more is None else more + (floor or _euro(0))
    limits, before = Limits(floor, cap), _euro(baseline)
    found = break_even_units(price, before, limits)

    if found is None or found >= MOST:
        assert _by_trying(price, before, limits) is None
    else:
        assert found == _by_trying(price, before, limits)


@pytest.mark.parametrize(("floor", "units"), [(None, 1), ("500.00", 1), ("610.01", 2), ("1220.01", 3)])
def test_a_floor_needs_outcomes(floor, units):
    """A price below the baseline is never dearer by itself; a floor needs as many units as it is worth."""
    limits = Limits(None if floor is None else Money.of(Decimal(floor), EUR, "half_up"))

    assert break_even_units(PerUnit(_euro(24_000)), _euro(61_000), limits) == units

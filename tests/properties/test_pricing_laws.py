"""Laws of prices: what a month's quantities cost, whatever they are."""

from __future__ import annotations

from decimal import Context, Decimal, localcontext
from fractions import Fraction

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tallystick.contracts import Percent, PerUnit, Step, Tiers
from tallystick.money import ROUNDINGS, Currency, Money, currency
from tallystick.statements.pricing import price_first, price_month

EUR = currency("EUR")
FINE = Currency("EUR", 8)
"""Euros with so many decimals that no price below is rounded."""

laws = settings(max_examples=150, deadline=None)


def _money(minor):
    return Money(minor, FINE)


def _cents(least, most):
    return st.integers(least, most).map(lambda minor: Decimal(minor).scaleb(-2))


units = st.integers(-50, 400).map(Decimal)
money = _cents(-(10**5), 10**7)
counted = st.lists(units.filter(bool), max_size=12)
paid = st.lists(money, max_size=12)
roundings = st.sampled_from(ROUNDINGS)
unit_rates = _cents(1, 10**5)
shares = st.integers(1, 10**5).map(lambda number: Decimal(number).scaleb(-3))


@st.composite
def tiers(draw, *, modes=("graduated", "volume"), kinds=(True, False), included=True):
    """Tiers of either mode and kind, with up to five steps; `kinds` says whether they are percentages."""
    share = draw(st.sampled_from(kinds))
    stops = sorted(draw(st.sets(_cents(1, 10**6) if share else st.integers(1, 500).map(Decimal), max_size=4)))
    rates = draw(st.lists(shares if share else unit_rates, min_size=len(stops) + 1, max_size=len(stops) + 1))
    steps = tuple(Step(stop, rate) for stop, rate in zip([*stops, None], rates, strict=True))
    free = draw(st.integers(0, 100)) if included and not share else 0
    return Tiers(draw(st.sampled_from(modes)), steps, share, FINE, free)


per_unit = st.builds(
    PerUnit, unit_rates.map(lambda rate: Money.of(rate, FINE, "half_up")), st.just(0) | st.integers(0, 100)
)
percent = st.builds(Percent, shares)
prices = per_unit | percent | tiers()


def _quantities(price):
    return paid if price.by_percent else counted


def _sum(price, quantities, unit=FINE, rounding="half_up"):
    return sum((line.amount for line in price_month(price, quantities, unit, rounding)), Money(0, unit))


def _exactly(price, quantities):
    """Give what quantities come to, straight from what the terms say, one unit or one cent after the other."""
    total = Fraction(sum(map(Fraction, quantities)))
    free = getattr(price, "included", 0)
    behind = max(total - free, 0) if free else total
    if isinstance(price, PerUnit):
        return behind * Fraction(price.amount.amount)
    if isinstance(price, Percent):
        return behind * Fraction(price.rate) / 100
    scale = 100 if price.by_percent else 1
    if price.mode == "volume":
        [rate, *_] = [step.rate for step in price.steps if step.up_to is None or behind <= step.up_to]
        return behind * Fraction(rate) / scale
    owed, bottom = Fraction(0), None
    for step in price.steps:
        top = behind if step.up_to is None else min(behind, Fraction(step.up_to))
        low = Fraction(0) if bottom is None else bottom
        owed += Fraction(step.rate) * (top - low if bottom is None else max(top - low, 0))
        bottom = Fraction(step.up_to or 0)
    return owed / scale


@laws
@given(prices, st.data())
def test_the_lines_of_a_month_come_to_the_price_of_its_total(price, data):
    """Where nothing is rounded, the lines add up to what the terms say of the month's total, whatever the price."""
    quantities = data.draw(_quantities(price))

    assert Fraction(_sum(price, quantities).amount) == _exactly(price, quantities)
    assert _sum(price, quantities) == _sum(price, [sum(quantities, Decimal(0))])


@laws
@given(prices, st.data())
def test_splitting_a_quantity_changes_nothing(price, data):
    """A quantity in two parts costs what it costs at once, wherever the cut lies, before rounding."""
    quantities = data.draw(_quantities(price))
    part = data.draw(money if price.by_percent else units)
    assume(quantities)
    place = data.draw(st.integers(0, len(quantities) - 1))
    split = [*quantities[:place], part, quantities[place] - part, *quantities[place + 1 :]]

    assert _sum(price, split) == _sum(price, quantities)


@laws
@given(prices, st.data())
def test_the_order_changes_no_total(price, data):
    """The order of a month's quantities decides which line has which price, and never what they come to."""
    quantities = data.draw(_quantities(price))

    assert _sum(price, data.draw(st.permutations(quantities))) == _sum(price, quantities)


@laws
@given(prices, roundings, st.data())
def test_a_line_is_rounded_once(price, rounding, data):
    """A line lies within half a cent of what it is exactly, and so a month within half a cent for each line."""
    quantities = data.draw(_quantities(price))
    exact = price_month(price, quantities, FINE, rounding)
    lines = price_month(price, quantities, EUR, rounding)

    half = Fraction(1, 200)
    for rounded, line in zip(lines, exact, strict=True):
        assert abs(Fraction(rounded.amount.amount) - Fraction(line.amount.amount)) <= half
        assert rounded.words == line.words


@laws
@given(tiers(modes=["volume"]), st.data())
def test_volume_prices_everything_by_the_step_it_reaches(price, data):
    """In volume mode every unit that is not included has the rate of the one step that the month's total reaches."""
    quantities = data.draw(_quantities(price))
    total = sum(quantities, Decimal(0))
    reached = max(total - price.included, Decimal(0)) if price.included else total
    rate = next(step.rate for step in price.steps if step.up_to is None or reached <= step.up_to)
    plain = Percent(rate) if price.by_percent else PerUnit(Money.of(rate, FINE, "half_up"), price.included)

    lines, expected = (price_month(which, quantities, FINE, "half_up") for which in (price, plain))
    assert [line.amount for line in lines] == [line.amount for line in expected]


@laws
@given(tiers(modes=["graduated"], kinds=[False]), st.data())
def test_a_step_goes_up_to_and_with_its_end(price, data):
    """Behind the included ones, the unit `up_to` has the price of its own step, and the one after it the next one's."""
    assume(len(price.steps) > 1)
    place = data.draw(st.integers(0, len(price.steps) - 2))
    end = int(price.steps[place].up_to) + price.included
    lines = price_month(price, [Decimal(1)] * (end + 1), FINE, "half_up")

    assert [line.amount.amount for line in lines[-2:]] == [price.steps[place].rate, price.steps[place + 1].rate]
    assert [line.words for line in lines[: price.included]] == ["included"] * price.included
    assert not any(line.amount for line in lines[: price.included])


@laws
@given(prices.filter(lambda price: not price.by_percent), st.data())
def test_included_units_come_first(price, data):
    """As long as the month has had no more than what is included, nothing is owed."""
    assume(price.included)
    quantities = data.draw(st.lists(st.integers(1, 40).map(Decimal), max_size=12))
    lines = price_month(price, quantities, FINE, "half_up")

    so_far = Decimal(0)
    for line, quantity in zip(lines, quantities, strict=True):
        so_far += quantity
        assert bool(line.amount) == (so_far > price.included)


@laws
@given(percent | tiers(kinds=[True]), paid, st.data())
def test_least_and_most_of_a_line(price, quantities, data):
    """Each line is what it would be, no less than the least, then no more than the most; other currencies are free."""
    least, most = sorted(data.draw(st.tuples(*[st.integers(1, 10**9).map(_money)] * 2)))
    if isinstance(price, Percent):
        bounded = Percent(price.rate, least, most)
    else:
        bounded = Tiers(price.mode, price.steps, True, FINE, 0, least, most)
    free = [line.amount for line in price_month(price, quantities, FINE, "half_up")]

    assert [line.amount for line in price_month(bounded, quantities, FINE, "half_up")] == [
        min(max(amount, least), most) for amount in free
    ]
    assert _sum(bounded, quantities, EUR) == _sum(price, quantities, EUR)


@laws
@given(st.one_of(per_unit.map(lambda price: PerUnit(price.amount)), percent, tiers(included=False)), st.data())
def test_what_is_taken_back_costs_what_it_brought(price, data):
    """A month in which everything is taken back again comes to nothing."""
    quantities = data.draw(_quantities(price))

    assert not _sum(price, [*quantities, *(-quantity for quantity in quantities)])


@laws
@given(prices, st.data())
def test_no_decimal_context_changes_an_amount(price, data):
    """A caller's decimal context, of however few digits, is not used."""
    quantities = data.draw(_quantities(price))
    lines = price_month(price, quantities, EUR, "half_up")
    with localcontext(Context(prec=3)):
        assert price_month(price, quantities, EUR, "half_up") == lines


@laws
@given(price=prices, quantity=money, rounding=roundings)
def test_the_only_quantity_of_a_month_costs_what_it_costs_in_a_month(price, quantity, rounding):
    """`price_first` gives for a quantity what `price_month` gives for a month that has no other."""
    assert price_first(price, quantity, FINE, rounding) == price_month(price, [quantity], FINE, rounding)[0].amount

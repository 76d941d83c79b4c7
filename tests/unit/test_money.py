"""Money: exact minor units, named rounding, sharing without loss."""

import doctest
from decimal import Decimal, localcontext

import iso4217
import pytest

from tallystick import money
from tallystick.errors import ConfigurationError
from tallystick.money import ROUNDINGS, Currency, Money, allocate, currency, round_minor

EUR = currency("EUR")
USD = currency("USD")
JPY = currency("JPY")
KWD = currency("KWD")
TIES = ["0.005", "-0.005", "1.005", "-1.005", "2.675", "-2.675"]


def test_table_is_iso_4217():
    """The table holds every ISO 4217 code that has a minor unit, with its number of decimals."""
    active = {entry.code: entry.exponent for entry in iso4217.Currency if entry.exponent is not None}

    assert active == money._EXPONENT


@pytest.mark.parametrize("code", ["", "EURO", "XAU", "DEM", "€"])
def test_unknown_currency_is_refused(code):
    """A code that is no active currency is refused by name."""
    with pytest.raises(ConfigurationError, match="unknown currency"):
        currency(code)


def test_small_letters_get_a_hint():
    """A code in small letters is refused with the right spelling."""
    with pytest.raises(ConfigurationError) as caught:
        currency("eur")

    assert caught.value.hint == "Write EUR."


@pytest.mark.parametrize("exponent", [-1, 9])
def test_currency_has_few_decimals(exponent):
    """A currency has 0 to 8 decimals."""
    with pytest.raises(ValueError, match="decimals"):
        Currency("XTS", exponent)


@pytest.mark.parametrize("exponent", [2.0, True, "2", None])
def test_exponent_is_an_int(exponent):
    """The number of decimals is an int and nothing like it."""
    with pytest.raises(TypeError, match="exponent"):
        Currency("XTS", exponent)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("half_up", [1, -1, 101, -101, 268, -268]),
        ("half_even", [0, 0, 100, -100, 268, -268]),
        ("half_towards_positive", [1, 0, 101, -100, 268, -267]),
    ],
)
def test_ties(rule, expected):
    """Each rule sends the six ties that tell rules apart where it says."""
    assert [round_minor(Decimal(tie), 2, rule) for tie in TIES] == expected


@pytest.mark.parametrize("rule", ROUNDINGS)
@pytest.mark.parametrize(
    ("amount", "minor"), [("1.0049999", 100), ("-1.0050001", -101), ("1.0050001", 101), ("-0.0049", 0)]
)
def test_no_tie_no_choice(rule, amount, minor):
    """What is no tie goes to the nearest minor unit under every rule."""
    assert round_minor(Decimal(amount), 2, rule) == minor


def test_rounding_ignores_the_context():
    """A decimal context of three digits rounds nothing on the way."""
    with localcontext(prec=3):
        assert round_minor(Decimal("123456789.125"), 2, "half_even") == 12345678912
        assert str(Money(12345678912, EUR).amount) == "123456789.12"


@pytest.mark.parametrize(
    ("amount", "minor"), [("1E+3", 100000), ("0E+999999", 0), ("0E-999999", 0), ("-0", 0), ("1E-30", 0)]
)
def test_unusual_notations(amount, minor):
    """Notations with an exponent, and zeros of any sign, are amounts."""
    assert round_minor(Decimal(amount), 2, "half_up") == minor


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "-Infinity", "1E+31", "1E-31", "1E+999999"])
def test_no_amount(amount):
    """What is not finite, or of a size no statement has, is refused before it costs memory."""
    with pytest.raises(ValueError, match="not an amount"):
        round_minor(Decimal(amount), 2, "half_up")


@pytest.mark.parametrize("amount", [1.5, True, "1.50", None])
def test_amount_is_exact(amount):
    """A float, a bool, a text or nothing is not an amount."""
    with pytest.raises(TypeError, match="Decimal or an int"):
        Money.of(amount, EUR, "half_up")


@pytest.mark.parametrize("minor", [1.0, True, Decimal(1), "1"])
def test_minor_units_are_an_int(minor):
    """Minor units are an int and nothing like it."""
    with pytest.raises(TypeError, match="minor units"):
        Money(minor, EUR)


def test_unknown_rule_is_refused():
    """A rounding rule that does not exist is refused with those that do."""
    with pytest.raises(ValueError, match="half_up, half_even, half_towards_positive"):
        round_minor(Decimal(1), 2, "down")


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Money(1250, EUR), "12.50 EUR"),
        (Money(-5, EUR), "-0.05 EUR"),
        (Money(0, EUR), "0.00 EUR"),
        (Money(1250, JPY), "1250 JPY"),
        (Money(1250, KWD), "1.250 KWD"),
        (Money(-1, Currency("UGX", 2)), "-0.01 UGX"),
    ],
)
def test_text_has_all_decimals(amount, text):
    """An amount is written with the decimals of its currency, never with an exponent."""
    assert str(amount) == text


def test_whole_major_units():
    """An int is taken as major units."""
    assert Money.of(12, KWD, "half_up") == Money(12000, KWD)


def test_arithmetic():
    """Amounts of one currency add, subtract, negate and compare exactly."""
    three, five = Money(3, EUR), Money(5, EUR)

    assert three + five == Money(8, EUR)
    assert three - five == -Money(2, EUR)
    assert three < five
    assert five > three
    assert three <= Money(3, EUR) <= five
    assert five >= Money(5, EUR) >= three
    assert not three >= five
    assert not five <= three
    assert sum([three, five], Money(0, EUR)) == Money(8, EUR)
    assert [bool(three), bool(Money(0, EUR))] == [True, False]


@pytest.mark.parametrize("other", [Money(1, USD), Money(1, Currency("EUR", 3)), 1, Decimal(1), 0, None])
@pytest.mark.parametrize("operator", ["__add__", "__sub__", "__lt__", "__le__", "__gt__", "__ge__"])
def test_one_currency_only(operator, other):
    """Another currency, another minor unit and a bare number do not mix with an amount."""
    with pytest.raises(TypeError):
        getattr(Money(1, EUR), operator)(other)


def test_zeros_of_two_currencies_differ():
    """Equality across currencies is False, also between zeros."""
    assert Money(0, EUR) != Money(0, USD)


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (-100, [1, 1, 1], [-34, -33, -33]),
        (100, [0, 1, 0], [0, 100, 0]),
        (1, [1, 2], [0, 1]),
        (0, [3, 4], [0, 0]),
        (7, [1, 1, 1, 1], [2, 2, 2, 1]),
        (10**30 + 1, [1, 1], [5 * 10**29 + 1, 5 * 10**29]),
    ],
)
def test_allocate(total, weights, parts):
    """The parts are those of the largest remainder, ties in the order of the weights."""
    assert [part.minor for part in allocate(Money(total, EUR), weights)] == parts


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1]])
def test_allocate_needs_weight(weights):
    """Without a positive weight, or with a negative one, there is nothing to share by."""
    with pytest.raises(ValueError, match="weights"):
        allocate(Money(1, EUR), weights)


@pytest.mark.parametrize("weight", [1.0, True, Decimal(1)])
def test_weights_are_ints(weight):
    """A weight is an int and nothing like it."""
    with pytest.raises(TypeError, match="weights"):
        allocate(Money(1, EUR), [1, weight])


def test_examples():
    """The example in the documentation gives what it shows."""
    assert doctest.testmod(money).failed == 0

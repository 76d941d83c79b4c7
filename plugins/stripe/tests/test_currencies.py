"""Minor units as Stripe counts them."""

import logging
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick_stripe import currencies
from tallystick_stripe.currencies import EXPONENTS, exponent, major, origin, origin_tolerance


@pytest.mark.parametrize(
    ("code", "places", "minor", "amount"),
    [
        ("USD", 2, 1250, "12.50"),
        ("JPY", 0, 1250, "1250"),
        ("KWD", 3, 12500, "12.500"),
        ("UGX", 2, 125000, "1250.00"),
        ("ISK", 2, 125000, "1250.00"),
        ("HUF", 2, 125000, "1250.00"),
        ("TWD", 2, 125000, "1250.00"),
    ],
)
def test_an_amount_on_the_wire_is_read_with_stripes_exponent(code, places, minor, amount):
    """Zero, two and three decimals, and the special cases of UGX, ISK, HUF and TWD."""
    assert exponent(code) == places
    assert str(major(minor, exponent(code))) == amount


@pytest.mark.parametrize(
    "code",
    [*"BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split()],  # noqa: SIM905
)
def test_zero_decimal_currencies(code):
    """Stripe's list of zero-decimal currencies, without UGX, whose special rule wins."""
    assert EXPONENTS[code] == 0


@pytest.mark.parametrize("code", ["BHD", "JOD", "KWD", "OMR", "TND"])
def test_three_decimal_currencies(code):
    """Stripe's list of three-decimal currencies."""
    assert EXPONENTS[code] == 3


def test_an_unknown_currency_is_unknown_and_told_once(caplog):
    """An unknown code gives no exponent and no amount, and one line in the log however often it comes."""
    exponent.cache_clear()
    with caplog.at_level(logging.WARNING, logger=currencies.__name__):
        places = [exponent("XXQ") for _ in range(5)]

    assert places == [None] * 5
    assert major(1250, None) is None
    assert len(caplog.records) == 1


@settings(deadline=None)
@given(st.integers(-(10**14), 10**14), st.sampled_from([0, 2, 3]))
def test_amounts_are_exact(minor, places):
    """Going to major units and back gives the same minor units."""
    assert major(minor, places) * 10**places == minor


def test_an_unknown_amount_stays_unknown():
    """No amount is no amount, in whatever currency."""
    assert major(None, 2) is None
    assert origin(None, Decimal("1.1")) is None


def test_without_conversion_nothing_changes():
    """The origin of an amount that was not converted is the amount in minor units, and nothing is tolerated."""
    assert origin(1250, None) == 1250
    assert origin_tolerance(None) == 0


def test_a_converted_amount_is_brought_back_to_four_places():
    """1000 minor units at 0.9173 were settled as 917; they come back as 999.6730 with 1.0902 of tolerance."""
    assert origin(917, Decimal("0.9173")) == Decimal("999.6730")
    assert origin_tolerance(Decimal("0.9173")) == Decimal("1.0902")


def test_the_tolerance_is_rounded_up():
    """What may be hidden is never understated: a third becomes 0.3334."""
    assert origin_tolerance(Decimal(3)) == Decimal("0.3334")


@settings(deadline=None)
@given(st.integers(1, 10**9), st.decimals("0.001", "1000", places=6))
def test_the_tolerance_covers_the_rounding_of_stripe(minor, rate):
    """Whatever Stripe converts and rounds to settlement minor units comes back within the tolerance."""
    settled = int((minor * rate).quantize(Decimal(1)))

    assert abs(origin(settled, rate) - minor) <= origin_tolerance(rate)


def test_absurd_rates_give_no_amount():
    """A rate that would overflow the column gives unknown, not an error."""
    assert origin(10**13, Decimal("1e-9")) is None
    assert origin_tolerance(Decimal("1e-20")) is None


def test_every_code_is_one_of_iso_4217():
    """The table has no code that ISO 4217 never knew."""
    iso = pytest.importorskip("iso4217")
    retired = {"ANG", "BGN", "HRK", "SLL", "STD"}

    assert set(EXPONENTS) - {currency.code for currency in iso.Currency} <= retired

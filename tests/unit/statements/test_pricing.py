"""What a month's quantities cost, line by line, with the price in words."""

from decimal import Decimal

import pytest

from tallystick.contracts import Percent, PerUnit, Step, Tiers
from tallystick.money import Money, currency
from tallystick.statements.pricing import add, price_month

EUR, USD = currency("EUR"), currency("USD")


def _euros(text):
    return Money.of(Decimal(text), EUR, "half_up")


def _tiers(mode, *steps, by_percent=False, **more):
    """Give tiers from texts such as "10: 0.99", the last without an end."""
    parts = [step.rpartition(": ") for step in steps]
    read = tuple(Step(Decimal(end) if end else None, Decimal(rate)) for end, _, rate in parts)
    return Tiers(mode, read, by_percent, EUR, **more)


def _lines(price, *quantities, paid_in=EUR, rounding="half_up"):
    priced = price_month(price, [Decimal(quantity) for quantity in quantities], paid_in, rounding)
    return [(f"{line.amount.amount:f}", line.words) for line in priced]


GRADUATED = _tiers("graduated", "10: 1.00", "20: 0.80", "0.50", included=2)
VOLUME = _tiers("volume", "10: 1.00", "20: 0.80", "0.50")


@pytest.mark.parametrize(
    ("price", "quantities", "expected"),
    [
        (PerUnit(_euros("2.40")), (1, 3), [("2.40", "2.40 EUR each"), ("7.20", "2.40 EUR each")]),
        (PerUnit(_euros("2.40")), (0, -2), [("0.00", "2.40 EUR each"), ("-4.80", "2.40 EUR each")]),
        (
            PerUnit(_euros("2.40"), included=3),
            (2, 3, 1),
            [("0.00", "included"), ("4.80", "2.40 EUR each, 1 included"), ("2.40", "2.40 EUR each")],
        ),
        # What is taken back below the included units was never paid for, and leaves room for others.
        (
            PerUnit(_euros("2.40"), included=3),
            (-2, 5, 1),
            [("0.00", "included"), ("0.00", "included"), ("2.40", "2.40 EUR each")],
        ),
        (
            PerUnit(_euros("2.40"), included=3),
            (5, -4),
            [("4.80", "2.40 EUR each, 3 included"), ("-4.80", "2.40 EUR each, -2 included")],
        ),
        (Percent(Decimal("12.5")), ("100.00", "-0.04"), [("12.50", "12.5 %"), ("-0.01", "12.5 %")]),
        (
            GRADUATED,
            (2, 10, 11, 1),
            [
                ("0.00", "included"),
                ("10.00", "1.00 EUR each"),
                ("8.50", "10 at 0.80 EUR each + 1 at 0.50 EUR each"),
                ("0.50", "0.50 EUR each"),
            ],
        ),
        (
            GRADUATED,
            (24, -5),
            [
                ("19.00", "10 at 1.00 EUR each + 10 at 0.80 EUR each + 2 at 0.50 EUR each"),
                ("-3.40", "-3 at 0.80 EUR each + -2 at 0.50 EUR each"),
            ],
        ),
        (VOLUME, (10,), [("10.00", "1.00 EUR each")]),
        (VOLUME, (10, 1), [("8.00", "0.80 EUR each"), ("0.80", "0.80 EUR each")]),
        (VOLUME, (10, 11), [("5.00", "0.50 EUR each"), ("5.50", "0.50 EUR each")]),
        (VOLUME, (0, -1), [("0.00", "included"), ("-1.00", "1.00 EUR each")]),
        (
            _tiers("graduated", "100.00: 10", "5", by_percent=True),
            ("60.00", "60.00"),
            [("6.00", "10 %"), ("5.00", "40.00 at 10 % + 20.00 at 5 %")],
        ),
        (GRADUATED, (), []),
    ],
)
def test_lines(price, quantities, expected):
    """Each line has the price of the part of the month it falls into, and says so."""
    assert _lines(price, *quantities) == expected


@pytest.mark.parametrize(
    ("price", "paid_in", "expected"),
    [
        (Percent(Decimal(10), _euros("5.00")), EUR, ["5.00", "5.00", "10.00", "5.00"]),
        (Percent(Decimal(10), None, _euros("5.00")), EUR, ["-1.00", "0.00", "5.00", "5.00"]),
        (Percent(Decimal(10), _euros("2.00"), _euros("8.00")), EUR, ["2.00", "2.00", "8.00", "5.00"]),
        (Percent(Decimal(10), _euros("2.00"), _euros("8.00")), USD, ["-1.00", "0.00", "10.00", "5.00"]),
        (
            _tiers("volume", "10", by_percent=True, least=_euros("2.00"), most=_euros("8.00")),
            EUR,
            ["2.00", "2.00", "8.00", "5.00"],
        ),
    ],
)
def test_least_and_most(price, paid_in, expected):
    """A line priced by percent lies between least and most, also one of nothing; other currencies have neither."""
    assert [amount for amount, _ in _lines(price, "-10.00", "0.00", "100.00", "50.00", paid_in=paid_in)] == expected


def test_a_price_says_its_bounds():
    """A percentage with bounds names them."""
    price = Percent(Decimal("12.50"), _euros("1.00"), _euros("9.00"))

    assert str(price) == "12.50 %, at least 1.00 EUR, at most 9.00 EUR"
    assert str(VOLUME) == "volume tiers"


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [("half_up", "0.13"), ("half_even", "0.12"), ("half_towards_positive", "0.13")],
)
def test_a_line_is_rounded_by_the_rule(rounding, expected):
    """A line exactly between two cents goes where the contract says, after all parts of it were added."""
    price = _tiers("graduated", "0.50: 10", "15", by_percent=True)

    assert _lines(price, "1.00", rounding=rounding)[0][0] == expected


def test_amounts_are_added_with_all_their_digits():
    """A sum has every digit, however many there are."""
    assert add([Decimal(10) ** 30, Decimal("1e-30")]) == Decimal("1" + "0" * 30 + "." + "0" * 29 + "1")
    assert add([]) == 0

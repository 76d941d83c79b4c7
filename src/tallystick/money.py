"""Money: an integer of minor units and a currency; never a float.

A total is the sum of its printed lines: each line is rounded on its own with `Money.of`, and sums are exact from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from functools import cache
from typing import Literal, get_args

import msgspec

from tallystick.errors import ConfigurationError

__all__ = ["ROUNDINGS", "Currency", "Money", "Rounding", "allocate", "currency", "minor_text", "round_minor"]

Rounding = Literal["half_up", "half_even", "half_towards_positive"]
"""Where an amount exactly between two minor units goes.

`half_up` goes away from zero (1.005 to 1.01 and -1.005 to -1.01), `half_even` to the even neighbour (1.005 to 1.00),
`half_towards_positive` to the greater one (1.005 to 1.01 and -1.005 to -1.00). They differ on credit notes, so a
contract names one.
"""

ROUNDINGS: tuple[Rounding, ...] = get_args(Rounding)

# ISO 4217, active codes that have a minor unit (metals, bond units and test codes have none), by number of decimals.
_ISO_4217 = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY
        COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS
        INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR
        MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP
        STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_EXPONENT = {code: exponent for exponent, codes in _ISO_4217.items() for code in codes.split()}

_ALL_DIGITS = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
_LARGEST_EXPONENT = 8
_LARGEST_POWER = 30


class Currency(msgspec.Struct, frozen=True, gc=False):
    """A currency as one system counts it.

    `exponent` is the number of decimals of its minor unit. A system of record may count otherwise than ISO 4217 does;
    its connector then says so by making its own `Currency`, and the two are not the same currency.
    """

    code: str
    exponent: int

    def __post_init__(self) -> None:
        if type(self.exponent) is not int:
            raise TypeError(f"the exponent of a currency is an int, not {type(self.exponent).__name__}")
        if not 0 <= self.exponent <= _LARGEST_EXPONENT:
            raise ValueError(f"{self.code} cannot have {self.exponent} decimals; 0 to {_LARGEST_EXPONENT} are possible")


@cache
def currency(code: str) -> Currency:
    """Give the currency of an ISO 4217 code, in capitals, with ISO's own number of decimals.

    Raises:
        ConfigurationError: The code is not an active one with a minor unit.
    """
    if code not in _EXPONENT:
        hint = f"Write {code.upper()}." if code.upper() in _EXPONENT else "Use an ISO 4217 code such as EUR or USD."
        raise ConfigurationError(f"unknown currency {code!r}", hint=hint)
    return Currency(code, _EXPONENT[code])


class Money(msgspec.Struct, frozen=True, gc=False):
    """An amount: `minor` units of `currency`, exact.

    Amounts of one currency add, subtract and compare; two currencies, or a bare number, raise TypeError. Equality with
    another currency is False, also between zeros. Zero is false.
    """

    minor: int
    currency: Currency

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"minor units are an int, not {type(self.minor).__name__}")

    @classmethod
    def of(cls, amount: Decimal | int, currency: Currency, rounding: Rounding) -> Money:
        """Give an amount in major units as money, rounded once to the currency's minor unit.

        Raises:
            TypeError: The amount is a float, or anything else than a Decimal or an int.
            ValueError: The amount is not finite, or of a size no statement has.
        """
        return cls(round_minor(amount, currency.exponent, rounding), currency)

    @property
    def amount(self) -> Decimal:
        """The amount in major units, with all decimals of the currency."""
        return _shift(self.minor, self.currency.exponent)

    @property
    def text(self) -> str:
        """The same in plain notation, without the currency."""
        return minor_text(str(self.minor), self.currency.exponent)

    def __str__(self) -> str:
        return f"{self.text} {self.currency.code}"

    def __bool__(self) -> bool:
        return self.minor != 0

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.minor >= self._same(other)

    def _same(self, other: object) -> int:
        if not isinstance(other, Money):
            raise TypeError(f"{self} does not go together with a bare {type(other).__name__}")
        if other.currency != self.currency:
            raise TypeError(f"{self} and {other} are of different currencies or minor units")
        return other.minor


def minor_text(minor: str, exponent: int) -> str:
    """Give minor units as major units in plain notation, with all decimals: 1205 with 2 of them is `12.05`."""
    if not exponent:
        return minor
    digits = minor.zfill(exponent + (2 if minor[0] == "-" else 1))
    return f"{digits[:-exponent]}.{digits[-exponent:]}"


def round_minor(amount: Decimal | int, exponent: int, rule: Rounding) -> int:
    """Give an amount in major units as a whole number of minor units.

    Exact whatever the decimal context: only the last step, to a whole minor unit, rounds.

    Args:
        amount: Major units.
        exponent: Decimals of the minor unit; 2 makes cents.
        rule: Where an amount exactly between two minor units goes.

    Raises:
        TypeError: The amount is a float, or anything else than a Decimal or an int.
        ValueError: The amount is not finite, is 10**31 or more, or starts past the 30th decimal; the rule is unknown.
    """
    if rule not in ROUNDINGS:
        raise ValueError(f"unknown rounding {rule!r}; use {', '.join(ROUNDINGS)}")
    if type(amount) is int:
        return int(amount * 10**exponent)
    if not isinstance(amount, Decimal):
        raise TypeError(f"an amount is a Decimal or an int, not {type(amount).__name__}")
    if not amount.is_finite() or (amount and not -_LARGEST_POWER <= amount.adjusted() <= _LARGEST_POWER):
        raise ValueError(f"{amount} is not an amount of money")
    numerator, denominator = amount.as_integer_ratio() if amount else (0, 1)
    return _divide(numerator * 10**exponent, denominator, rule)


def allocate(total: Money, weights: Sequence[int]) -> list[Money]:
    """Share a total over weights so that the parts add up to it exactly.

    Largest remainder: each part is cut towards zero, then the minor units left over go one each to the largest
    remainders. Equal remainders are served in the order of `weights`, so the same input gives the same parts on every
    run. A negative total is shared as its opposite and negated.

    Args:
        total: Amount to share.
        weights: One non-negative integer per part.

    Returns:
        One amount per weight, in the same order and currency as `total`.

    Raises:
        TypeError: A weight is not an int.
        ValueError: No weight, a negative weight, or only zeros.

    Example:
        >>> [part.minor for part in allocate(Money(100, currency("EUR")), [1, 1, 1])]
        [34, 33, 33]
    """
    if any(type(weight) is not int for weight in weights):
        raise TypeError("weights are ints")
    if any(weight < 0 for weight in weights) or not any(weights):
        raise ValueError("weights are not negative, and one of them is more than zero")
    sign = -1 if total.minor < 0 else 1
    whole = sum(weights)
    cuts = [divmod(abs(total.minor) * weight, whole) for weight in weights]
    left = abs(total.minor) - sum(part for part, _ in cuts)
    # The sort is stable, so that equal remainders stay in the order of the weights.
    served = set(sorted(range(len(cuts)), key=lambda place: -cuts[place][1])[:left])
    return [Money(sign * (part + (place in served)), total.currency) for place, (part, _) in enumerate(cuts)]


def _divide(units: int, divisor: int, rule: Rounding) -> int:
    """Divide and round to a whole number; the divisor is positive."""
    floor, rest = divmod(units, divisor)
    if 2 * rest != divisor:
        return floor + (2 * rest > divisor)
    if rule == "half_even":
        return floor + floor % 2
    # A tie lies between floor and floor + 1; away from zero is up for a positive amount only.
    return floor + (rule == "half_towards_positive" or units > 0)


def _shift(minor: int, exponent: int) -> Decimal:
    """Give minor / 10**exponent with exactly `exponent` decimals, whatever the decimal context."""
    return Decimal(minor).scaleb(-exponent, _ALL_DIGITS)

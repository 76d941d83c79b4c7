"""Currencies as Stripe counts them, and the rates at which this account's money is converted into euro.

Minor units: https://docs.stripe.com/currencies. UGX and ISK have no minor unit in use, yet amounts carry two decimals;
HUF is charged with two. The account settles in euro only, so every other currency is converted.
"""

from __future__ import annotations

import random
from decimal import ROUND_HALF_UP, Decimal

__all__ = ["EXPONENTS", "SETTLEMENT", "convert", "major", "rate"]

SETTLEMENT = "eur"
"""The one currency the account is paid out in."""

EXPONENTS = {"eur": 2, "usd": 2, "gbp": 2, "chf": 2, "jpy": 0, "kwd": 3, "ugx": 2, "isk": 2, "huf": 2, "twd": 2}
"""Decimal places of the amounts on the wire."""

_EURO_PER_UNIT = {
    "usd": Decimal("0.8612"),
    "gbp": Decimal("1.1534"),
    "chf": Decimal("1.0671"),
    "jpy": Decimal("0.005817"),
    "kwd": Decimal("2.8093"),
    "ugx": Decimal("0.0002418"),
    "isk": Decimal("0.007052"),
    "huf": Decimal("0.002561"),
    "twd": Decimal("0.02803"),
}


def rate(currency: str, day: int, seed: int) -> Decimal | None:
    """Give the exchange rate of a day, or None for euro.

    As the API defines it (https://docs.stripe.com/api/balance_transactions/object, `exchange_rate`): the amount in the
    charge's currency times the rate is the amount in euro, both **in minor units**, so that yen at 0.0058 euro have the
    rate 0.58. Plugins of large shops divide the rate by 100 for currencies without decimals, which says the same.

    Args:
        currency: Lower-case code.
        day: Days since 1970-01-01.
        seed: Seed of the account; the rate drifts by up to two percent from day to day.
    """
    if currency == SETTLEMENT:
        return None
    drift = Decimal(random.Random(f"{seed}:{currency}:{day}").randint(-200, 200)) / 10_000
    minor = _EURO_PER_UNIT[currency].scaleb(EXPONENTS[SETTLEMENT] - EXPONENTS[currency])
    value = minor * (1 + drift)
    return value.quantize(Decimal(1).scaleb(value.adjusted() - 5))


def convert(amount: int, exchange_rate: Decimal | None) -> int:
    """Give an amount in minor units of euro, halves away from zero."""
    if exchange_rate is None:
        return amount
    return int((amount * exchange_rate).quantize(Decimal(1), ROUND_HALF_UP))


def major(amount: int, currency: str) -> str:
    """Write an amount of the wire in major units with all its decimals: 12.50, 480, 3.125."""
    return format(Decimal(amount).scaleb(-EXPONENTS[currency]), "f")

"""Minor units as Stripe counts them, which is not always as ISO 4217 does.

Documented at https://docs.stripe.com/currencies. ISK and UGX have no minor unit, yet Stripe sends them with two
decimals for compatibility; HUF and TWD have two decimals on charges. UGX also stands in Stripe's list of zero-decimal
currencies; for amounts on the wire the special rule wins.
"""

from __future__ import annotations

import logging
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from functools import cache, lru_cache

__all__ = ["EXPONENTS", "exponent", "major", "origin", "origin_tolerance"]

_ZERO = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_THREE = "BHD JOD KWD OMR TND"
_SPECIAL = "ISK UGX"
_TWO = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC
    CVE CZK DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR JMD KES KGS KHR
    KYD KZT LAK LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP
    PKR PLN QAR RON RSD RUB SAR SBD SCR SEK SGD SHP SLE SLL SOS SRD STD SZL THB TJS TOP TRY TTD TWD TZS UAH USD UYU UZS
    WST XCD XCG YER ZAR ZMW
"""

EXPONENTS: dict[str, int] = {
    **dict.fromkeys(_ZERO.split(), 0),
    **dict.fromkeys(_TWO.split(), 2),
    **dict.fromkeys(_SPECIAL.split(), 2),
    **dict.fromkeys(_THREE.split(), 3),
}
"""Decimal places of an amount on the wire, by upper-case currency code."""

_PLACES = Decimal("0.0001")
_LIMIT = 10**14
_LOG = logging.getLogger(__name__)


@cache
def exponent(code: str) -> int | None:
    """Give the decimal places of a currency; None for one we do not know, which is logged once.

    An amount in an unknown currency is unknown, never guessed: whatever depends on it cannot be verified.

    Args:
        code: Upper-case currency code.
    """
    if code not in EXPONENTS:
        _LOG.warning("currency %s is not in the table of tallystick-stripe: its amounts stay unknown", code[:8])
        return None
    return EXPONENTS[code]


@lru_cache(maxsize=32_768)
def major(minor: int | None, places: int | None) -> Decimal | None:
    """Give an amount in major units, exactly; None when the amount or the decimal places are unknown."""
    if minor is None or places is None:
        return None
    return Decimal(minor).scaleb(-places)


def origin(minor: int | None, rate: Decimal | None) -> Decimal | None:
    """Give a settlement amount brought back to the currency it came from, in minor units there, to four places.

    Stripe's rate is between minor units: "the amount in currency A, multiplied by the exchange rate, equals the amount
    in currency B" (API reference of the balance transaction), amounts being integers of minor units. The other
    currency, and so its decimal places, is known only from the object that moved the money.

    Args:
        minor: Amount in minor units of the settlement currency.
        rate: Settlement minor units per minor unit of the other currency, above zero; None when nothing was converted.

    Returns:
        None when the amount is unknown, or too large for any real one. Ties go to even.
    """
    if minor is None:
        return None
    if rate is None:
        return Decimal(minor)
    brought = Decimal(minor) / rate
    return brought.quantize(_PLACES, ROUND_HALF_EVEN) if abs(brought) < _LIMIT else None


def origin_tolerance(rate: Decimal | None) -> Decimal | None:
    """Give what rounding to a settlement minor unit may hide: one of them, brought back, rounded up to four places.

    0 when nothing was converted; in minor units of the currency it came from.
    """
    if rate is None:
        return Decimal(0)
    brought = 1 / rate
    return brought.quantize(_PLACES, ROUND_CEILING) if brought < _LIMIT else None

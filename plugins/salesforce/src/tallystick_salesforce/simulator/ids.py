"""Record ids: three letters of key prefix, the instance, a number, and three letters that make case not matter."""

from __future__ import annotations

import re

__all__ = ["ID", "checked", "made", "prefix", "same"]

ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
"""What looks like an id, in its short or its long form."""

# In the order of ASCII, so that ids sort as their numbers do.
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_INSTANCE = "Hs0"


def made(key_prefix: str, number: int) -> str:
    """Give the 18 characters of an id; a greater number gives an id that sorts later.

    Raises:
        ValueError: The number is negative, or too great for nine digits.
    """
    if not 0 <= number < 62**9:
        raise ValueError(f"no id has the number {number}")
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return checked(f"{key_prefix}{_INSTANCE}{digits.rjust(9, '0')}")


def checked(short: str) -> str:
    """Add the three letters that tell where the 15 characters have capitals."""
    suffix = ""
    for start in (0, 5, 10):
        bits = sum(1 << place for place, letter in enumerate(short[start : start + 5]) if letter.isupper())
        suffix += _SUFFIX[bits]
    return short + suffix


def same(text: str) -> str | None:
    """Give the 18 characters that a text means: it may have 15, or 18 with a right suffix; None if it is no id."""
    if not ID.fullmatch(text):
        return None
    long = checked(text[:15])
    return long if text in {text[:15], long} else None


def prefix(text: str) -> str:
    """Give the key prefix."""
    return text[:3]

"""Cells of CSV files that people open in a spreadsheet."""

from __future__ import annotations

__all__ = ["harmless"]

_MARKS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def harmless(text: str) -> str:
    """Give a text as a CSV cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_MARKS) else text

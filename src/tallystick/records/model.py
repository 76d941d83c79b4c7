"""What a connector hands over: one version of one source object."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

import msgspec

__all__ = ["Record", "Value", "instant"]

Value: TypeAlias = str | int | bool | Decimal | None
"""What a typed column may hold."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """One version of one source object, as delivered and as typed.

    `id` is the object's in the system of record; with the source and the `type` it names the record. `custom` are the
    fields that the buyer declared, None without any. `values` holds the typed columns of the record type in the order
    of `RECORD_TYPES[type].columns`: `str`, `int`, `bool`, `Decimal` (money and rates; never a float) or None; instants
    are integers, microseconds since 1970-01-01T00:00Z. `raw` is the object's JSON exactly as the system sent it.
    `as_of` is the instant, by the system's own clock, at which it held this state; a version older than the newest
    stored one is not stored again. A tombstone (`deleted`) carries what the system said about the deletion as `raw`.
    """

    type: str
    id: str
    as_of: int
    values: tuple[Value, ...]
    raw: bytes
    deleted: bool = False
    custom: dict[str, Value] | None = None


def instant(seconds: int | None) -> int | None:
    """Give a Unix time in whole seconds as an instant (microseconds); None stays None."""
    return None if seconds is None else seconds * 1_000_000

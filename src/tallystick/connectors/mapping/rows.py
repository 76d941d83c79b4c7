"""A row of a table as the bytes that are kept of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import msgspec

__all__ = ["decode_object", "row_bytes"]

_LARGEST = 2**53 - 1
_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def decode_object(raw: bytes) -> Any:
    """Give a JSON value with its numbers exact: a number with a point or an exponent is a Decimal.

    Raises:
        msgspec.DecodeError: It is not JSON, nests too deep, or holds a number that no decimal can hold.
    """
    try:
        return _decode(raw)
    except RecursionError:
        raise msgspec.DecodeError("it nests too deep") from None
    except InvalidOperation:
        raise msgspec.DecodeError("a number has an exponent that nobody counts with") from None


def row_bytes(row: Mapping[str, Any]) -> bytes:
    """Give the JSON of a row, the same bytes for the same values: names in order, without spaces.

    Texts, booleans, null and whole numbers up to 2**53 - 1 are written as they are. A greater number, an exact decimal,
    a date, a time and a UUID become texts with all their digits, bytes become hexadecimal text. A float is written with
    the fewest digits that read back as the same float.

    Raises:
        TypeError: A value of another type.
        ValueError: A lone surrogate.
    """
    try:
        return _encode({name: _plain(value) for name, value in row.items()})
    except UnicodeEncodeError as error:
        raise ValueError("a lone surrogate has no bytes") from error


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is int:
        return value if -_LARGEST <= value <= _LARGEST else str(value)
    if kind is float:
        return value if math.isfinite(value) else str(value)
    return _plain_other(value)


def _plain_other(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (UUID, timedelta)):
        return str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no form in JSON")

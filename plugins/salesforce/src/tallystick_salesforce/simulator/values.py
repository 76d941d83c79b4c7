"""Values: as a plan writes them, as the org keeps them, and as they stand on the wire.

The org keeps instants as Unix seconds, dates as text, ids in 18 characters and numbers as they were written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from tallystick.testing.instants import instant
from tallystick_salesforce.simulator.ids import same
from tallystick_salesforce.simulator.shapes import Field

__all__ = ["FLOATS", "NUMBERS", "AnyValue", "Row", "csv_text", "kept", "rest_time", "rest_value"]

Row = dict[str, Any]
"""A record: its values by the name of the field."""

FLOATS = {"double", "currency", "percent"}
"""Types of numbers that are JSON floats."""
NUMBERS = FLOATS | {"int"}
"""Types of numbers."""


_Keep = Callable[[Any, Mapping[str, str]], Any]


class AnyValue(NamedTuple):
    """An old or new value in a history, with the type of the field that changed."""

    type: str
    value: Any


def kept(field: Field, value: Any, ids: Mapping[str, str]) -> Any:
    """Give a value of a plan as the org keeps it.

    Raises:
        ValueError: The field does not take such a value, or a reference names an unknown key.
    """
    if value is None:
        return None
    try:
        keep: _Keep = _KEEP.get(field.type, _text)
        return keep(value, ids)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{field.name} does not take {value!r}: {error}") from error


def _text(value: Any, _ids: Mapping[str, str]) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _boolean(value: Any, _ids: Mapping[str, str]) -> bool:
    if not isinstance(value, bool):
        raise TypeError("not a boolean")
    return value


def _number(value: Any, _ids: Mapping[str, str]) -> Any:
    float(value)
    if isinstance(value, str | bool):
        raise TypeError("not a number")
    return value


def _datetime(value: Any, _ids: Mapping[str, str]) -> int:
    return instant(value) if isinstance(value, str) else int(value)


def _date(value: Any, _ids: Mapping[str, str]) -> str:
    return date.fromisoformat(value).isoformat()


def _reference(value: Any, ids: Mapping[str, str]) -> str:
    found = ids.get(value) or (same(value) if len(value) == 18 else None)
    if found is None:
        raise ValueError("neither a key of the plan nor an id")
    return found


def _any(value: Any, ids: Mapping[str, str]) -> AnyValue:
    known = ids.get(value) if isinstance(value, str) else None
    kind = "boolean" if isinstance(value, bool) else "string" if isinstance(value, str) else "double"
    return AnyValue("string" if known else kind, known or value)


_KEEP: dict[str, _Keep] = {
    "boolean": _boolean,
    "int": _number,
    "double": _number,
    "currency": _number,
    "percent": _number,
    "datetime": _datetime,
    "date": _date,
    "reference": _reference,
    "anyType": _any,
}


@lru_cache(maxsize=65_536)
def _clock(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000")


def rest_time(at: int) -> str:
    """Write Unix seconds as REST does: `2026-11-01T10:00:00.000+0000`."""
    return _clock(at) + "+0000"


def rest_value(kind: str, value: Any) -> Any:
    """Give what REST writes for a value of a type."""
    if value is None:
        return None
    if kind == "datetime":
        return rest_time(value)
    if kind in FLOATS:
        return float(value)
    if kind == "anyType":
        return rest_value(value.type, value.value)
    return value


def csv_text(kind: str, value: Any) -> str:
    """Give what Bulk writes for a value of a type: everything is text, and null is empty."""
    if value is None:
        return ""
    if kind == "datetime":
        return _clock(value) + "Z"
    if kind == "anyType":
        return csv_text(value.type, value.value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(float(value)) if kind in FLOATS else str(value)

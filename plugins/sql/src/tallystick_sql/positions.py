"""Where a read of a table stopped, as JSON: the values of the columns that rows are ordered by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tallystick.connectors.mapping import FieldMapping
from tallystick.errors import CursorExpired, SchemaChanged
from tallystick_sql.statements import Cell

__all__ = ["bound", "decode", "encode"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAMES: Mapping[type, str] = {
    str: "text",
    int: "integer",
    Decimal: "decimal",
    date: "date",
    datetime: "time",
    UUID: "uuid",
}
_READ: Mapping[str, Any] = {
    "text": str,
    "integer": int,
    "decimal": Decimal,
    "date": date.fromisoformat,
    "time": datetime.fromisoformat,
    "uuid": UUID,
}


def encode(values: Sequence[Any]) -> list[list[str]]:
    """Give values as JSON, each with its type.

    Raises:
        SchemaChanged: A value is of a type by which rows cannot be put in order exactly, such as a float.
    """
    strange = [type(value).__name__ for value in values if type(value) not in _NAMES]
    if strange:
        raise SchemaChanged(
            f"rows cannot be read in the order of a {strange[0]}",
            hint="Take a text, a whole number, a date or a time as key and cursor; cast it in a view.",
        )
    return [[_NAMES[type(value)], value.isoformat() if isinstance(value, date) else str(value)] for value in values]


def decode(values: Sequence[Sequence[str]]) -> list[Cell]:
    """Give back what `encode` took.

    Raises:
        CursorExpired: Another version of the connector wrote it.
    """
    try:
        return [_READ[name](text) for name, text in values]
    except (KeyError, ValueError, ArithmeticError) as error:
        raise CursorExpired("the position was written by another version", hint="Run the sync again.") from error


def bound(at: int, like: Any, field: FieldMapping, *, upwards: bool) -> Cell:
    """Give an instant in the type of a column, to compare the column with it.

    A local time is moved by an hour, a day by a day, so that the bound is never too narrow.

    Args:
        at: The instant.
        like: A value of the column.
        field: How the column is written.
        upwards: Whether the bound is an upper one.

    Raises:
        SchemaChanged: The column is of a type that cannot be compared with an instant.
    """
    moment = _EPOCH + timedelta(microseconds=at)
    if isinstance(like, datetime):
        if like.tzinfo is not None:
            return moment
        return _local(moment, field) + timedelta(hours=1 if upwards else -1)
    if isinstance(like, date) and field.format == "date":
        return _local(moment, field).date() + timedelta(days=1 if upwards else -1)
    if type(like) is int and field.format in {"unix", "unix_ms"}:
        return at // 1_000_000 if field.format == "unix" else at // 1000
    raise SchemaChanged(
        f"the column {field.path} holds a {type(like).__name__}, which is no instant as it is described",
        hint="Take a timestamp, or say format: unix, unix_ms or date; cast texts in a view.",
    )


def _local(moment: datetime, field: FieldMapping) -> datetime:
    if field.timezone is None:
        raise SchemaChanged(
            f"the column {field.path} holds times without a zone, and no timezone is declared",
            hint="Add `timezone:` with the zone in which they are written, or cast them in a view.",
        )
    return moment.astimezone(ZoneInfo(field.timezone)).replace(tzinfo=None)

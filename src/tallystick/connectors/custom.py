"""Custom fields: what the buyer declares to be read from the raw record, typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from tallystick.records.model import Value

__all__ = ["CustomField", "extract"]


class CustomField(BaseModel):
    """Where a custom field stands in the raw record (`path`, names with dots between them) and what it is (`type`).

    `instant` accepts ISO 8601 with an offset, whole Unix seconds, or a date alone, which means 00:00 UTC of that day.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    type: Literal["text", "integer", "money", "boolean", "instant"] = "text"


_YEAR_10000 = 253_402_300_800
"""Unix seconds."""


def extract(raw: Mapping[str, Any], fields: Mapping[str, CustomField]) -> dict[str, Value]:
    """Read the declared fields from a decoded raw record.

    A field that is absent, or whose text does not read as its type, is None: unknown, not false.
    """
    return {name: _typed(_walk(raw, field.path), field.type) for name, field in fields.items()}


def _walk(raw: Any, path: str) -> Any:
    for step in path.split("."):
        if not isinstance(raw, Mapping):
            return None
        raw = raw.get(step)
    return raw


def _typed(value: Any, kind: str) -> Value:
    if value is None or isinstance(value, (dict, list)):
        return None
    try:
        return _READERS[kind](value)
    except (ValueError, InvalidOperation, OverflowError):
        return None


def _money(value: Any) -> Decimal | None:
    amount = Decimal(str(value))
    return amount if amount.is_finite() else None


def _instant(value: Any) -> int:
    text = str(value).strip()
    if text.isdigit():
        seconds = int(text)
        if seconds >= _YEAR_10000:  # milliseconds, perhaps: what it means is not known
            raise ValueError(text)
        return seconds * 1_000_000
    if len(text) == len("2026-01-31"):
        moment = datetime.combine(date.fromisoformat(text), time(), UTC)
    else:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError(text)
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def _boolean(value: Any) -> bool:
    text = str(value).strip().lower()
    if text not in {"true", "false"}:
        raise ValueError(text)
    return text == "true"


_READERS: dict[str, Callable[[Any], Value]] = {
    "text": str,
    "integer": lambda value: int(str(value)),
    "money": _money,
    "boolean": _boolean,
    "instant": _instant,
}

"""The custom fields a buyer declared, read from whole pages; numbers become decimals without a float."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from tallystick.connectors import CustomField, extract
from tallystick.records.model import Value

__all__ = ["EXTERNAL", "STATUS", "CustomReader", "column_names"]

STATUS = "_status"
EXTERNAL = "_external"
"""Under what names the fields that fill columns of a meeting stand beside the declared ones."""

_EXACT = 10**15


class CustomReader:
    """Reads the declared fields of one object from pages of its rows.

    Args:
        fields: The declared fields that the object has, by name.
    """

    def __init__(self, fields: Mapping[str, CustomField]) -> None:
        self._fields = dict(fields)
        roots = sorted({field.path.split(".")[0] for field in fields.values()})
        self._names = {f"root{number}": root for number, root in enumerate(roots)}
        shape = msgspec.defstruct("Roots", [(name, Any, None) for name in self._names], rename=self._names)
        page = msgspec.defstruct("RootsPage", [("records", list[shape])])  # type: ignore[valid-type]
        self._decode = msgspec.json.Decoder(page, float_hook=_number).decode

    def read(self, body: bytes) -> Iterator[dict[str, Value]]:
        """Yield the declared fields of each row of a page.

        Raises:
            msgspec.DecodeError: It is no page.
        """
        page: Any = self._decode(body)
        for row in page.records:
            yield extract({root: getattr(row, name) for name, root in self._names.items()}, self._fields)


def column_names(declared: Mapping[str, CustomField], columns: Mapping[str, str]) -> dict[str, str]:
    """Give what a history's fields are called in our words: by column, else by declared name.

    Args:
        declared: The declared fields of the object, by name; `_status` and `_external` fill columns.
        columns: Our columns, by the name in Salesforce.
    """
    found = {field.path: f"custom.{name}" for name, field in sorted(declared.items(), reverse=True)}
    fills = {STATUS: "status", EXTERNAL: "external_id"}
    found |= {field.path: fills[name] for name, field in declared.items() if name in fills}
    return {**found, **columns}


def _number(text: str) -> Decimal | int:
    """Give a number as Salesforce writes it: 15.0 is the whole number that somebody typed."""
    number = Decimal(text)
    return int(number) if abs(number) < _EXACT and number == number.to_integral_value() else number

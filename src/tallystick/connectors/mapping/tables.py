"""Tables of values: which word of a system means which value, beside a column or named once for several."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, TypeAlias

from pydantic import (
    BeforeValidator,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
)

from tallystick.yamlfile import Document, FieldError, Problem

__all__ = ["NamedTables", "Scalar", "Table", "TableOrName", "Tables", "near"]

Scalar: TypeAlias = StrictBool | StrictInt | Decimal | date | StrictStr
Table: TypeAlias = Annotated[dict[str, Scalar | None], Field(min_length=1)]
Tables: TypeAlias = dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], Table]
"""The tables of a file, by name: its `values`. A file's model has a field of this type to let columns use them."""

_TABLE = TypeAdapter[Any](Table)


class NamedTables:
    """The tables of a file that is being checked, and which of them are used.

    Args:
        document: The file; its `values` are the tables.
    """

    def __init__(self, document: Document) -> None:
        found = document.data.get("values") if isinstance(document.data, dict) else None
        self._document = document
        self._tables: dict[str, Any] = found if isinstance(found, dict) else {}
        self._used: set[str] = set()

    def table(self, name: str) -> Any:
        """Give a table.

        Raises:
            FieldError: There is none of this name.
        """
        if name not in self._tables:
            hint = near(name, self._tables) if self._tables else "Write the table out, or under `values:` of the file."
            raise FieldError(f"there is no table {name}", hint=hint)
        self._used.add(name)
        try:
            return _TABLE.validate_python(self._tables[name])
        except ValidationError:
            return {"": None}  # what is wrong in it is said where it stands

    def unused(self) -> list[Problem]:
        """Give a problem for each table that no column uses."""
        return [
            Problem(
                self._document.key_position(("values", name)),
                f"values.{name}: no column uses this table",
                f"Use it by `values: {name}`, or take it out.",
            )
            for name in self._tables
            if name not in self._used
        ]


def near(name: str, known: Collection[str]) -> str:
    """Give what to write instead of a name that is none of the known ones."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"Did you mean {close[0]}?" if close else f"There are: {', '.join(sorted(known))}."


def _found(value: Any, info: ValidationInfo) -> Any:
    """Take the name of a table for the table, so that a mapping is the same whichever way it is written."""
    tables = info.context.get("tables") if isinstance(info.context, dict) else None
    return tables.table(value) if isinstance(value, str) and isinstance(tables, NamedTables) else value


TableOrName: TypeAlias = Annotated[Table | None, BeforeValidator(_found)]
"""A table, or the name of one of the file."""

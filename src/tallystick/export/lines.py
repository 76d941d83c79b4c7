"""Rows and ledger entries as lines: one form for one row, so that equal projects give equal files."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, cast

import msgspec
from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    Select,
    Table,
    Text,
    collate,
    select,
    type_coerce,
)
from sqlalchemy.types import NullType

from tallystick.errors import Tampered
from tallystick.ledger.keys import decode_base64

__all__ = ["Form", "as_stored", "entry_line", "entry_of", "order_of", "ordered", "rows_of", "table_rows"]

_BATCH = 1024
_INT = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_TYPES: tuple[tuple[type, Any], ...] = ((Boolean, bool), (Integer, _INT), (LargeBinary, bytes), (Text, str))
_encoder = msgspec.json.Encoder(order="sorted")


class Form:
    """How the rows of a table are written: a JSON object of all columns, keys in order, bytes as base64.

    Args:
        table: The table.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.names = sorted(map(str, table.columns.keys()))
        self._key = [str(column.name) for column in table.primary_key]
        fields = [(name, _type(table.columns[name])) for name in self.names]
        self._struct = msgspec.defstruct(f"_{table.name}", fields, forbid_unknown_fields=True)
        self._decoder = msgspec.json.Decoder(self._struct)

    def line(self, row: Mapping[str, Any]) -> bytes:
        """Give the line of a row, without its end.

        Raises:
            Tampered: The database holds a value that its column cannot have.
        """
        cells = {name: row[name] for name in self.names}
        try:
            msgspec.convert(cells, self._struct, builtin_types=(bytes,))
        except msgspec.ValidationError as error:
            raise Tampered(
                f"the table {self.table.name} holds a row that it cannot have: {error}",
                hint="Run `tallystick ledger fsck` and keep the database.",
            ) from error
        return _encoder.encode(cells)

    def row(self, line: bytes) -> dict[str, Any]:
        """Give the row of a line.

        Raises:
            ValueError: It is not exactly the line that a row of the table gives; says why.
        """
        try:
            row = msgspec.structs.asdict(self._decoder.decode(line))
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValueError(f"not a row of the table {self.table.name}: {error}") from error
        if _encoder.encode(row) != line:
            raise ValueError(_why(line))
        if b"u0000" in line and any("\0" in value for value in row.values() if isinstance(value, str)):
            raise ValueError("a text with a NUL character, which no database could hold")
        return row

    def key(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        """Give what rows are ordered by."""
        return tuple(row[name] for name in self._key)


def rows_of(connection: Connection, query: Select[Any]) -> Iterator[Mapping[str, Any]]:
    """Give the rows of a query, however many, a batch at a time."""
    for row in connection.execute(query, execution_options={"yield_per": _BATCH}):
        yield cast("Mapping[str, Any]", row._mapping)  # noqa: SLF001 - the documented way to names


def order_of(connection: Connection, table: Table) -> list[ColumnElement[Any]]:
    """Give the primary key to order by, texts by their bytes on every database and under every locale."""
    return [ordered(connection, column) for column in table.primary_key]


def ordered(connection: Connection, column: Column[Any]) -> ColumnElement[Any]:
    """Give a column to order by, a text by its bytes."""
    if connection.dialect.name == "postgresql" and isinstance(column.type, Text):
        return collate(column, "C")
    return column


def table_rows(connection: Connection, table: Table) -> Iterator[Mapping[str, Any]]:
    """Give all rows of a table in the order of an export."""
    return rows_of(connection, select(*map(as_stored, table.columns)).order_by(*order_of(connection, table)))


def as_stored(column: Column[Any]) -> ColumnElement[Any]:
    """Give a column to select, bytes as the database holds them: what is no bytes is found, not stumbled over."""
    return type_coerce(column, NullType()).label(column.name) if isinstance(column.type, LargeBinary) else column


def entry_line(entry: bytes) -> bytes:
    """Give the line of a ledger entry: its own bytes, or base64 in quotes where they are not one line of an object."""
    return entry if _is_line(entry) else b'"' + base64.b64encode(entry) + b'"'


def entry_of(line: bytes) -> bytes:
    """Give the ledger entry of a line.

    Raises:
        ValueError: It is not the line of any entry.
    """
    if _is_line(line):
        return line
    if len(line) > 2 and line[:1] == b'"' == line[-1:]:
        entry = decode_base64(line[1:-1].decode("ascii", "replace"))
        if entry and not _is_line(entry):
            return entry
    raise ValueError("neither an entry nor an entry in base64")


def _is_line(entry: bytes) -> bool:
    return entry.startswith(b"{") and b"\n" not in entry


def _type(column: Column[Any]) -> Any:
    kind = next(found for wanted, found in _TYPES if isinstance(column.type, wanted))
    return kind | None if column.nullable else kind


def _why(line: bytes) -> str:
    def pairs(found: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in found]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"the key {name!r} stands there twice")

    json.loads(line, object_pairs_hook=pairs)
    return "not in canonical form: keys in order, no white space, whole numbers"

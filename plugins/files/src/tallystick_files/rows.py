"""The rows of a file, one after the other, each with the bytes that are kept of it and its place in the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any, NamedTuple

import msgspec

from tallystick.connectors.mapping import decode_object
from tallystick.errors import Position, SchemaChanged
from tallystick_files.opening import LONGEST

__all__ = ["Row", "json_rows", "unreadable"]


class Row(NamedTuple):
    """A row: its values by name, its JSON, and the line (of a Parquet file: the row) it stands in, from 1."""

    values: Any
    raw: bytes
    line: int


def unreadable(name: str, line: int, column: int, message: str, hint: str = "") -> SchemaChanged:
    """Give the error of a place in a file that cannot be read."""
    return SchemaChanged(message, hint=hint or "Correct the export.", where=Position(name, line, column))


def json_rows(file: IO[bytes], name: str) -> Iterator[Row]:
    """Give the objects of a JSON Lines file, each exactly as it stands in its line; empty lines are passed over.

    Raises:
        SchemaChanged: A line is no JSON object of UTF-8, or has more than 16 MB; says where.
    """
    number = 0
    while line := file.readline(LONGEST + 1):
        number += 1
        if len(line) > LONGEST:
            raise unreadable(name, number, LONGEST, "a line of more than 16 MB", "Is it a JSON Lines file?")
        raw = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
        if raw:
            yield Row(_object(raw, name, number), raw, number)


def _object(raw: bytes, name: str, number: int) -> dict[str, Any]:
    try:
        raw.decode()
        found = decode_object(raw)
    except UnicodeDecodeError as error:
        said = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        raise unreadable(name, number, error.start + 1, said, "Export the file as UTF-8.") from None
    except msgspec.DecodeError:
        hint = "One JSON object in each line is expected; was the file cut off?"
        raise unreadable(name, number, 1, "this line is not JSON", hint) from None
    if not isinstance(found, dict):
        hint = "One JSON object in each line is expected."
        raise unreadable(name, number, 1, f"a {type(found).__name__} stands where an object is expected", hint)
    return found

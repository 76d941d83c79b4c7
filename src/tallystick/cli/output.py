"""What a command prints: tables for a person, one JSON object for a program, messages on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tallystick.errors import Error

__all__ = ["in_line", "money_text", "plain", "print_error", "print_json", "print_table", "say", "write_file"]

_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_CONTROL = (place for place in (*range(0x20), *range(0x7F, 0xA0)) if chr(place) not in "\n\t")
_STEERING = {place: f"\\u{place:04x}" for place in (*_CONTROL, *_BIDI)}


def print_json(value: Any) -> None:
    """Print one JSON object on standard output: UTF-8, indented, keys in the order given."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2)
    sys.stdout.write(text.decode() + "\n")


def money_text(amounts: Mapping[str, str]) -> str:
    """Give amounts by currency code as one text; nothing at all is 0."""
    return " + ".join(f"{amount} {code}" for code, amount in amounts.items()) or "0"


def plain(text: str) -> str:
    """Give a text with the characters written out that would steer a terminal, or turn the order of what it shows.

    What is printed comes from claims, records and bundles of others.
    """
    return text.translate(_STEERING)


def in_line(text: str) -> str:
    """Give a text that takes one line, however many its maker gave it, so that it passes for no other line."""
    return plain(text).replace("\n", "\\n")


def say(text: str) -> None:
    """Print a line for a person on standard output."""
    sys.stdout.write(plain(text) + "\n")


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    right: Sequence[int] = (),
    on_error: bool = False,
) -> None:
    """Print a table for a person; the columns whose positions are in `right` are aligned to the right.

    With `on_error` it stands on standard error, among the questions to a person.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, title_justify="left", title_style="bold", header_style="bold")
    for position, name in enumerate(columns):
        table.add_column(name, justify="right" if position in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else plain(str(cell))) for cell in row))
    console = Console(stderr=on_error)
    # A pipe has no width of its own; a table folded to 80 columns cannot be read in a log.
    console.width = console.width if console.is_terminal else 120
    console.print(table)


def print_error(error: Error, *, as_json: bool) -> None:
    """Print what happened and what to do next on standard error; with `as_json` an object on standard output too."""
    if as_json:
        where = None if error.where is None else str(error.where)
        kind = type(error).__name__
        print_json({"error": {"kind": kind, "message": error.message, "where": where, "hint": error.hint}})
    sys.stderr.write(plain(f"error: {error.diagnostics()}\n"))


def write_file(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file whole, or leave what was there; what is no plain file, such as a pipe, is written to as it is."""
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            file.writelines(pieces)
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("xb") as file:
            file.writelines(pieces)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise

"""Rows of a file of claims or answers, CSV or JSON Lines, with the place of every value.

No line is held in memory beyond a limit.
"""

from __future__ import annotations

import csv
import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, NoReturn

from tallystick.errors import Position
from tallystick.yamlfile import Problem

__all__ = ["COLUMNS", "LONGEST_LINE", "NEEDED", "Form", "Problems", "Row", "Stop", "near", "read_rows"]

COLUMNS = ("claim_id", "outcome", "ref", "claimed_at", "amount", "currency")
"""Columns of a claim file."""

NEEDED = COLUMNS[:3]
"""Those no claim is without."""


@dataclass(frozen=True)
class Form:
    """What a file holds: what one row is called, the columns it may have, and those no row is without."""

    row: str
    columns: tuple[str, ...]
    needed: tuple[str, ...]


_CLAIMS = Form("A claim", COLUMNS, NEEDED)

LONGEST_LINE = 1_000_000
"""Bytes a line may have."""

_KEPT = 20
_BOM = b"\xef\xbb\xbf"


class Stop(Exception):
    """Nothing after this place can be read."""


@dataclass
class Problems:
    """What is wrong with a file: the first problems, and how many there are."""

    file: str
    kept: list[Problem] = field(default_factory=list)
    count: int = 0

    def add(self, line: int, column: int, message: str, hint: str = "") -> None:
        """Note a problem."""
        self.count += 1
        if len(self.kept) < _KEPT:
            self.kept.append(Problem(Position(self.file, line, column), message, hint))


@dataclass(frozen=True)
class Row:
    """One row as text, by column; an absent value is "". `at` gives line and column of a value."""

    values: Mapping[str, str]
    line: int
    at: Callable[[str], tuple[int, int]]


def read_rows(file: BinaryIO, problems: Problems, form: Form = _CLAIMS) -> Iterator[Row]:
    """Give the rows of a file in their order; rows with a problem are noted and left out.

    Args:
        file: The file.
        problems: Takes what is wrong.
        form: What the file holds.

    Raises:
        Stop: After a problem that makes the rest unreadable.
    """
    lines = _Lines(file, problems)
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        problems.add(1, 1, "the file is empty", f"The first line names the columns: {','.join(form.columns)}")
        return
    start = first.lstrip()[:1]
    if start == "[":
        problems.add(lines.number, 1, "this is a JSON list", "Write JSON Lines: one object in each line, and no list.")
        return
    lines.again = first
    yield from _read_json(lines, problems, form) if start == "{" else _read_csv(lines, problems, form)


class _Lines:
    """The lines of a file as text; `number` counts them from 1. A line put into `again` is given once more."""

    def __init__(self, file: BinaryIO, problems: Problems) -> None:
        self.file = file
        self.problems = problems
        self.number = 0
        self.again: str | None = None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.again is not None:
            line, self.again = self.again, None
            return line
        raw = self.file.readline(LONGEST_LINE + 1)
        if not raw:
            raise StopIteration
        self.number += 1
        if self.number == 1:
            raw = raw.removeprefix(_BOM)
        if len(raw) > LONGEST_LINE:
            self._stop(1, f"the line has more than {LONGEST_LINE:,} bytes", "Is it the right file?")
        try:
            line = raw.decode()
        except UnicodeDecodeError as cause:
            column = len(raw[: cause.start].decode()) + 1
            self._stop(column, f"byte 0x{raw[cause.start]:02x} is not UTF-8", "Save the file as UTF-8.")
        if "\0" in line:
            self._stop(line.index("\0") + 1, "a NUL byte", "Save the file as UTF-8 text.")
        return line

    def _stop(self, column: int, message: str, hint: str) -> NoReturn:
        self.problems.add(self.number, column, message, hint)
        raise Stop


# --- CSV


def _read_csv(lines: _Lines, problems: Problems, form: Form) -> Iterator[Row]:
    record: list[str] = []

    def kept() -> Iterator[str]:
        for line in lines:
            record.append(line)
            yield line

    rows = csv.reader(kept(), strict=True)
    try:
        header = _header(next(rows), record[0], lines.number, problems, form)
        record.clear()
        for cells in rows:
            start = lines.number - len(record) + 1
            if len(cells) == len(header):
                yield Row(dict(zip(header, cells, strict=True)), start, _cells(header, "".join(record), start))
            elif cells:
                hint = "Put a cell with a comma in it in double quotes."
                problems.add(start, 1, f"{len(cells)} cells where the header has {len(header)}", hint)
            record.clear()
    except csv.Error as cause:
        hint = "Put a cell with quotes, commas or line ends in double quotes, and write each quote in it twice."
        said = "a lone carriage return" if "new-line" in str(cause) else str(cause)
        problems.add(lines.number - max(len(record), 1) + 1, 1, f"this is not CSV: {said}", hint)
        raise Stop from None


def _header(cells: list[str], text: str, line: int, problems: Problems, form: Form) -> list[str]:
    names = [cell.strip() for cell in cells]
    before = problems.count
    for place, name in enumerate(names):
        column = _column(text, place)
        if name not in form.columns:
            hint = "Separate the columns by commas, not by semicolons." if ";" in name else near(name, form.columns)
            problems.add(line, column, f"unknown column {name!r}", hint)
        elif name in names[:place]:
            problems.add(line, column, f"the column {name} stands there twice", "Keep one of them.")
    if missing := [name for name in form.needed if name not in names]:
        plural = "s" if len(missing) > 1 else ""
        problems.add(line, 1, f"missing column{plural}: {', '.join(missing)}", "The first line names the columns.")
    if problems.count > before:
        raise Stop
    return names


def _cells(header: list[str], text: str, start: int) -> Callable[[str], tuple[int, int]]:
    def at(name: str) -> tuple[int, int]:
        before = text[: _column(text, header.index(name)) - 1]
        return start + before.count("\n"), len(before) - before.rfind("\n")

    return at


def _column(text: str, place: int) -> int:
    """Give the character, counted from 1 over a whole record, at which a cell starts."""
    quoted = False
    for index, character in enumerate(text):
        if place == 0:
            return index + 1
        quoted ^= character == '"'
        place -= character == "," and not quoted
    return len(text) + 1


# --- JSON Lines


class _Number(str):
    """A JSON number as it was written."""

    __slots__ = ()


class _Pairs(list[tuple[str, object]]):
    """A JSON object as it was written, with keys that stand there twice."""


def _read_json(lines: _Lines, problems: Problems, form: Form) -> Iterator[Row]:
    for text in lines:
        if not text.strip():
            continue
        line = lines.number
        before = problems.count
        pairs = _parse(text.rstrip("\r\n"), line, problems, form)
        values = _values(pairs, text, line, problems, form) if pairs is not None else {}
        if problems.count == before:
            yield Row(values, line, _fields(text, line))


def _parse(text: str, line: int, problems: Problems, form: Form) -> _Pairs | None:
    try:
        given = json.loads(
            text, object_pairs_hook=_Pairs, parse_int=_Number, parse_float=_Number, parse_constant=_Number
        )
    except json.JSONDecodeError as cause:
        problems.add(line, cause.colno, f"this is not JSON: {cause.msg}", "Write one object in each line.")
    except RecursionError:
        problems.add(line, 1, "this is nested too deeply", f"{form.row} is one object of texts.")
    else:
        if isinstance(given, _Pairs):
            return given
        problems.add(line, 1, "this is not an object", f'Write one object in each line: {{"{form.needed[0]}": ...}}')
    return None


def _values(pairs: _Pairs, text: str, line: int, problems: Problems, form: Form) -> dict[str, str]:
    at = _fields(text, line)
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in values:
            problems.add(*at(name), f"{name} stands there twice", "Keep one of them.")
        elif name not in form.columns:
            problems.add(*at(name), f"unknown field {name!r}", near(name, form.columns))
        elif type(value) is str or (type(value) is _Number and name == "amount"):
            values[name] = str(value)
        else:
            values[name] = ""
            if value is not None:
                problems.add(*at(name), f"{name}: a text is expected here", "Put it in double quotes.")
    if missing := [name for name in form.needed if name not in values]:
        needed = ", ".join(form.needed[:-1]) + f" and {form.needed[-1]}"
        problems.add(line, 1, f"missing: {', '.join(missing)}", f"{form.row} needs {needed}.")
    return values


def _fields(text: str, line: int) -> Callable[[str], tuple[int, int]]:
    def at(name: str) -> tuple[int, int]:
        match = re.search(rf"{re.escape(json.dumps(name, ensure_ascii=False))}\s*:\s*", text)
        return line, match.end() + 1 if match else 1

    return at


def near(name: str, known: Iterable[str]) -> str:
    """Give a hint for a name that is not known."""
    names = list(known)
    close = difflib.get_close_matches(name.lower(), names, n=1)
    return f"Did you mean {close[0]}?" if close else f"Possible are: {', '.join(names)}."

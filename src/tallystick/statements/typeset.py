"""From plain data to PDF, through Typst: the table model and the one call that every paper of Tallystick goes through.

What a person or a system wrote reaches Typst as JSON and is put on the page as text. It is never part of the source
that Typst reads, so that a name such as `#import` prints as it is. Fonts are those inside the typst package, never the
machine's, nothing is read from disk or network, and the date is an argument: the same data gives the same bytes with
the same version of the package.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal, cast

import msgspec

from tallystick.errors import ConfigurationError

__all__ = ["Cell", "Column", "Picture", "Row", "Table", "missing_report_extra", "typeset", "visible"]

_SECOND = 1_000_000
# Latin, Greek and Cyrillic: the built-in fonts have all of it.
_COVERED = "\u04ff"
_LONGEST_WORD = 18
_PIECE = 4
_WIDEST = 30
_LONG_WORD = re.compile(rf"\S{{{_LONGEST_WORD + 1},}}")
# Marks that reorder the text around them: on paper they could make one amount read as another.
_REORDERING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: halves of a `share` of the width left, or as wide as its content at 0; `mono` for ids."""

    title: str
    right: bool = False
    mono: bool = False
    share: int = 0


@dataclass(frozen=True, slots=True)
class Cell:
    """A text, or lines of it, with a smaller remark behind it, and the coloured mark of a verdict before it."""

    text: str | Sequence[str]
    note: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of cells: `total` closes a sum, `group` heads the rows below it with one wide cell and one on the right."""

    cells: Sequence[str | Cell]
    kind: Literal["plain", "total", "group"] = "plain"


@dataclass(frozen=True, slots=True)
class Table:
    """A table; its heading is repeated on every page it reaches. `small` is for long ones."""

    columns: Sequence[Column]
    rows: Sequence[Row] = field(default_factory=tuple)
    small: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of our own making as SVG, and what it shows in words."""

    svg: str
    words: str


def typeset(
    template: str, data: Mapping[str, Any], *, at: int, fonts: Path | None = None, tagged: bool = True
) -> bytes:
    """Give a PDF of some data, laid out by a Typst template.

    Letters that no font has are printed as a backslash, u and their number; `unprinted` then is true in the template.

    Args:
        template: Typst source of our own; what `house.typ` defines stands before it. It finds the data as `data`.
        data: Texts, numbers, lists, mappings, and the tables of this module; any text is safe.
        at: The date of the document, in microseconds UTC; cut to the second.
        fonts: A folder of fonts for letters that the built-in fonts lack.
        tagged: Whether the structure is kept for screen readers; it makes long tables several times larger.

    Raises:
        ConfigurationError: The typst package is not installed, or there is no such folder.
    """
    if fonts is not None and not fonts.is_dir():
        raise ConfigurationError(f"{fonts} is not a folder of fonts")
    plain = _plain(data)
    content = msgspec.json.encode(plain).decode()
    unprinted = {char for char in set(content) if char > _COVERED and not _has_shape(char, fonts)}
    if unprinted:
        content = "".join(f"\\\\u{{{ord(char):x}}}" if char in unprinted else char for char in content)
    inputs = {"data": content, "unprinted": "yes" if unprinted else ""}
    return _compile(_house() + template, inputs, fonts, timestamp=at // _SECOND, pdf_tags=tagged)


def _compile(source: str, inputs: dict[str, str], fonts: Path | None, **options: Any) -> bytes:
    try:
        import typst
    except ImportError:
        raise missing_report_extra("a PDF") from None

    paths: list[Path] = [] if fonts is None else [fonts]
    made = typst.compile(
        source.encode(), format="pdf", ignore_system_fonts=True, font_paths=paths, sys_inputs=inputs, **options
    )
    return cast("bytes", made)


@cache
def _has_shape(char: str, fonts: Path | None) -> bool:
    """Tell whether a font has a letter: an archive PDF of that letter alone is refused if none does."""
    from typst import TypstError

    try:
        _compile("#sys.inputs.letter", {"letter": char}, fonts, timestamp=0, pdf_standards="a-2u")
    except TypstError:
        return False
    return True


def missing_report_extra(what: str) -> ConfigurationError:
    """Give the error of a command that needs the packages of the `report` extra."""
    return ConfigurationError(
        f"{what} needs packages that are not installed", hint="Install them: pip install 'tallystick[report]'"
    )


@cache
def _house() -> str:
    return (resources.files("tallystick.statements") / "templates" / "house.typ").read_text(encoding="utf-8")


def _plain(value: Any) -> Any:
    """Give data as JSON holds it; every text becomes pieces between which a line may break."""
    if isinstance(value, str):
        return _pieces(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, Sequence):
        return [_plain(part) for part in value]
    return _plain_part(value) if isinstance(value, Table | Row | Cell | Picture) else value


def _plain_part(part: Table | Row | Cell | Picture) -> dict[str, Any]:
    """Give a table or a part of one as JSON holds it."""
    if isinstance(part, Table):
        return {"columns": list(_columns(part)), "rows": _plain(part.rows), "small": part.small}
    if isinstance(part, Picture):
        return {"svg": part.svg, "words": part.words}
    if isinstance(part, Row):
        return {"cells": _plain(part.cells), "kind": part.kind}
    return {"text": _plain(part.text), "note": _pieces(part.note), "mark": part.mark}


def _columns(table: Table) -> Iterator[dict[str, Any]]:
    """Give the columns; one that nothing limits, but whose texts are very long, gets a share of the width instead."""
    for place, column in enumerate(table.columns):
        share = column.share or 2 * (max((_width(row, place) for row in table.rows), default=0) // _WIDEST)
        yield {"title": column.title, "right": column.right, "mono": column.mono, "share": share}


def _width(row: Row, place: int) -> int:
    """Give the characters of the longest line of a cell."""
    if row.kind == "group":
        return 0
    cell = row.cells[place]
    text = cell.text if isinstance(cell, Cell) else cell
    return max(map(len, [text] if isinstance(text, str) else text), default=0)


def _pieces(text: str) -> str | dict[str, list[str]]:
    """Give a text as it is, or, if it has words too long for a column, cut where a line may break.

    Typst breaks a line at spaces; an id has none, and an invisible one would end up in what a reader copies.
    """
    shown = visible(text)
    if not _LONG_WORD.search(shown):
        return shown
    pieces: list[str] = []
    done = 0
    for word in _LONG_WORD.finditer(shown):
        pieces += [shown[done : word.start()], *_cut(word[0])]
        done = word.end()
    return {"pieces": [piece for piece in (*pieces, shown[done:]) if piece]}


def _cut(word: str) -> Iterator[str]:
    """Cut a word every few characters, but never between a letter and a mark that stands on it."""
    start = 0
    for place in range(1, len(word)):
        if place - start >= _PIECE and not unicodedata.category(word[place]).startswith("M"):
            yield word[start:place]
            start = place
    yield word[start:]


def visible(text: str) -> str:
    """Give a text on one line, with a replacement character for each one that nobody could see or that reorders."""
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(char: str) -> str:
    """Give the character that stands for one nobody could see."""
    if char in "\n\t":
        return " "
    return "\ufffd" if char in _REORDERING or unicodedata.category(char) in {"Cc", "Cs"} else char

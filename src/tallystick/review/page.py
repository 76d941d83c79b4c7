"""A page as plain data: what a review says, whoever computed it, before it becomes HTML or PDF."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tallystick.review.charts import Svg

__all__ = ["Page", "Section", "Table", "Tile"]


@dataclass(frozen=True, slots=True)
class Tile:
    """A key number: what it is, the number as it is printed, and a remark below it."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts under their headers; the columns at the places in `right` are numbers and aligned to the right.

    With `total` the last row is the sum of those above it.
    """

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Collection[int] = ()
    total: bool = False

    def __post_init__(self) -> None:
        if not self.headers or any(len(row) != len(self.headers) for row in self.rows):
            raise ValueError("every row of a table has one cell for each header")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, prose (an empty line parts paragraphs), a picture of `charts`, and a table; each may be left out."""

    heading: str
    text: str = ""
    chart_svg: Svg | None = None
    table: Table | None = None

    @property
    def paragraphs(self) -> list[str]:
        """The prose, paragraph by paragraph."""
        return [" ".join(part.split()) for part in self.text.split("\n\n") if part.strip()]


@dataclass(frozen=True, slots=True)
class Page:
    """A title, key numbers and sections; `foot` stands at the bottom of every page, such as the hashes it rests on."""

    title: str
    subtitle: str
    tiles: Sequence[Tile] = ()
    sections: Sequence[Section] = ()
    foot: Sequence[tuple[str, str]] = ()

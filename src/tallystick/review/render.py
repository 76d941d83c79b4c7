"""A page as one HTML file that loads nothing, and as PDF with the same content."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from tallystick.review.charts import Svg
from tallystick.review.drawing import NOTHING
from tallystick.review.page import Page, Section, Table
from tallystick.statements.typeset import Column, Picture, Row, typeset, visible
from tallystick.statements.typeset import Table as PaperTable

__all__ = ["FORMS", "render_page"]

FORMS = ("html", "pdf")

_LONG_TEXT = 24


def render_page(page: Page, form: str, *, prepared_at: int, fonts: Path | None = None) -> bytes:
    """Give a page as bytes; the same page gives the same bytes.

    Args:
        page: What it says. All of it is text, never markup, but for the pictures that `charts` drew.
        form: `html`, one UTF-8 file without script, or `pdf`, on A4.
        prepared_at: The date in the PDF, in microseconds UTC; the HTML has none but those of its text.
        fonts: A folder of fonts for letters that the built-in fonts of the PDF lack.

    Raises:
        ConfigurationError: The form is PDF, and the `report` extra is not installed, or there is no such folder.
        ValueError: The form is neither.
    """
    if form == "html":
        return _template().render(page=page, across=_across(page), nothing=NOTHING).encode()
    if form == "pdf":
        return typeset(_source(), _said(page), at=prepared_at, fonts=fonts)
    raise ValueError(f"unknown form {form!r}; use {', '.join(FORMS)}")


def _across(page: Page) -> int:
    """Give how many tiles stand side by side, so that no row has one alone."""
    return 3 if len(page.tiles) in {5, 6, 9} else 4


# --- HTML


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("tallystick.review"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["picture"] = _picture
    return environment.get_template("page.html.j2")


def _shown(value: Any) -> Any:
    """Make what nobody could see, or what would reorder the text around it, visible; markup of ours stays."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _picture(svg: Svg) -> Markup:
    # The only text that is not escaped: `Svg` is made by `charts`, where every label is.
    return Markup(svg)  # noqa: S704


# --- PDF


@cache
def _source() -> str:
    return (resources.files("tallystick.review") / "templates" / "page.typ").read_text(encoding="utf-8")


def _said(page: Page) -> dict[str, Any]:
    return {
        "title": page.title,
        "subtitle": page.subtitle,
        "across": _across(page),
        "tiles": [{"label": tile.label, "value": tile.value, "note": tile.note} for tile in page.tiles],
        "sections": [_section(section) for section in page.sections],
        "foot": page.foot,
        "unprinted": "Letters that the fonts of this paper lack are printed as \\u and their number in Unicode.",
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "heading": section.heading,
        "paragraphs": section.paragraphs,
        "picture": None if section.chart_svg is None else Picture(section.chart_svg, section.heading),
        "table": None if section.table is None else _paper_table(section.table),
    }


def _paper_table(table: Table) -> PaperTable:
    columns = [
        Column(header, right=place in table.right, share=_share(table, place))
        for place, header in enumerate(table.headers)
    ]
    rows = [Row(row) for row in table.rows]
    if not rows:
        return PaperTable(columns, [Row([NOTHING, *[""] * (len(columns) - 1)])])
    return PaperTable(columns, [*rows[:-1], Row(rows[-1].cells, "total")] if table.total else rows)


def _share(table: Table, place: int) -> int:
    """Give a column of words a share of the width by the longest of its texts; numbers take what they need."""
    longest = max((len(row[place]) for row in table.rows), default=0)
    if place in table.right or (place and longest <= _LONG_TEXT):
        return 0
    return min(max(2 * longest // _LONG_TEXT, 2), 8)

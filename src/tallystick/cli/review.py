"""`tallystick review`: what a contract did in a quarter, as a page for both parties."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tallystick.cli.options import AsJson, Now, ProjectFile

__all__ = ["ReviewFormat", "review"]


class ReviewFormat(StrEnum):
    """Forms a review can be written in."""

    html = "html"
    pdf = "pdf"


def review(
    contract: Annotated[str, typer.Argument(help="Contract.")],
    *,
    quarter: Annotated[str, typer.Option("--quarter", help="Quarter or month: 2026Q3, 2026-09.")],
    form: Annotated[ReviewFormat, typer.Option("--format", help="Form of the page.")] = ReviewFormat.html,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; review-CONTRACT-QUARTER.FORM else.")
    ] = None,
    fonts: Annotated[
        Path | None, typer.Option(help="Folder of fonts for letters that the fonts of a PDF lack.")
    ] = None,
    project: ProjectFile = Path("tallystick.yaml"),
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Count a quarter: outcomes, cost against the baseline, refusals, finality, signals, the way out; decide nothing.

    With --json the numbers are printed and no page is written.
    """
    from tallystick.cli.clock import read_clock
    from tallystick.cli.output import print_json, say
    from tallystick.cli.project import open_project
    from tallystick.cli.reviewing import review_page, review_project
    from tallystick.review.data import review_data
    from tallystick.review.render import render_page

    at = read_clock(now)
    with open_project(project) as opened:
        reviewed = review_project(opened, contract, quarter, at)
        if as_json:
            print_json(review_data(reviewed.review, reviewed.signals, reviewed.disputes, reviewed.samples, now=at))
            return
        content = render_page(review_page(opened, reviewed, at), form, prepared_at=at, fonts=fonts)
    path = output or Path(f"review-{contract}-{quarter}.{form}")
    path.write_bytes(content)
    say(f"Review: {path}")

"""`tallystick statement`: what is owed for a period, and why."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tallystick.cli.options import Now, ProjectFile
from tallystick.errors import ConfigurationError

__all__ = ["Format", "statement"]


class Format(StrEnum):
    """Forms a statement can be written in."""

    json = "json"
    csv = "csv"
    html = "html"
    pdf = "pdf"


def statement(
    contract: Annotated[str, typer.Argument(help="Contract.")],
    period: Annotated[str, typer.Argument(help="Month or quarter: 2026-09, 2026Q3.")],
    *,
    form: Annotated[Format, typer.Option("--format", help="Form of the statement.")] = Format.json,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; standard output else, but not for PDF.")
    ] = None,
    fonts: Annotated[
        Path | None, typer.Option(help="Folder of fonts for letters that the fonts of a PDF lack.")
    ] = None,
    issue: Annotated[
        bool, typer.Option("--issue", help="Issue it: record it in the ledger; it never changes from then on.")
    ] = False,
    project: ProjectFile = Path("tallystick.yaml"),
    now: Now = None,
    as_json: Annotated[bool, typer.Option("--json", help="Same as --format json.")] = False,
) -> None:
    """Price the verified outcomes that locked in a period; the same ledger gives the same bytes.

    A statement that was issued is given again as it was; what changed since is a note on the next one.
    """
    if form is Format.pdf and output is None and not as_json:
        raise ConfigurationError("a PDF is not written to a terminal", hint="Name a file: --output statement.pdf")
    from tallystick.cli.clock import read_clock
    from tallystick.cli.project import open_project
    from tallystick.cli.work import issue_statement, prepare_statement
    from tallystick.statements.render import render

    with open_project(project) as opened:
        if issue:
            with opened.lock("statement"):
                prepared = issue_statement(opened, contract, period, read_clock(now))
        else:
            prepared = prepare_statement(opened, contract, period, read_clock(now))
    content = render(prepared, Format.json if as_json else form, fonts=fonts)
    if output is None:
        typer.echo(content.decode(), nl=False)
    else:
        output.write_bytes(content)

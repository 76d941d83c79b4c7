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
    bundle: Annotated[
        Path | None,
        typer.Option(
            "--bundle",
            metavar="FILE",
            help="Also write everything it rests on into one file, for `tallystick recompute`.",
        ),
    ] = None,
    sign: Annotated[
        list[Path] | None,
        typer.Option("--sign", metavar="KEYFILE", help="Sign the bundle with this key too, beside the ledger's."),
    ] = None,
    private: Annotated[
        bool, typer.Option("--private", help="Show no field of a record in the bundle: only commitments to them.")
    ] = False,
    opened: Annotated[
        list[str] | None,
        typer.Option("--open", metavar="CLAIM", help="With --private: show the records of this claim after all."),
    ] = None,
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
    from tallystick.cli.output import write_file
    from tallystick.cli.project import open_project
    from tallystick.cli.work import issue_statement, prepare_statement
    from tallystick.statements.render import render_pieces

    if bundle is None and (sign or private or opened):
        raise ConfigurationError("--sign, --private and --open are about a bundle", hint="Name its file with --bundle.")
    if opened and not private:
        raise ConfigurationError("--open opens records of a private bundle", hint="Add --private.")
    with open_project(project) as of_project:
        if bundle is not None:
            from tallystick.cli.bundling import BundleWish, bundle_statement

            wish = BundleWish(bundle, tuple(sign or ()), tuple(opened or ()), private=private, issue=issue)
            with of_project.lock("statement"):
                prepared = bundle_statement(of_project, contract, period, read_clock(now), wish)
        elif issue:
            with of_project.lock("statement"):
                prepared = issue_statement(of_project, contract, period, read_clock(now))
        else:
            prepared = prepare_statement(of_project, contract, period, read_clock(now))
    pieces = render_pieces(prepared, Format.json if as_json else form, fonts=fonts)
    if output is None:
        for piece in pieces:
            typer.echo(piece.decode(), nl=False)
    else:
        write_file(output, pieces)

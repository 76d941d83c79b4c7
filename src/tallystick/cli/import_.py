"""`tallystick import`: a project from an export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallystick.cli.options import AsJson, ProjectFile

__all__ = ["import_"]


def import_(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that `tallystick export` wrote.")],
    *,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="The ledger's signing key, which no export holds.")
    ] = None,
    verifier: Annotated[
        str | None,
        typer.Option("--verifier", metavar="KEY", help="A public key of the ledger, as you know it from elsewhere."),
    ] = None,
    project: ProjectFile = Path("tallystick.yaml"),
    as_json: AsJson = False,
) -> None:
    """Make a new project of an export, after recomputing all of it; exit 4, with nothing kept, on any difference."""
    from tallystick.cli.output import print_json
    from tallystick.cli.progress import files_of
    from tallystick.cli.transfer import import_project, print_import

    with files_of("import", watched=not as_json) as tick:
        report = import_project(project, folder, key=key, verifier=verifier, tick=tick)
    if as_json:
        print_json(report)
    else:
        print_import(report)

"""`tallystick export`: everything of a project in open formats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallystick.cli.options import AsJson, ProjectFile

__all__ = ["export"]


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New folder to write to.")],
    *,
    project: ProjectFile = Path("tallystick.yaml"),
    as_json: AsJson = False,
) -> None:
    """Write everything of the project into a folder, in open formats with a manifest of hashes; no secret, no key."""
    from tallystick.cli.output import print_json
    from tallystick.cli.progress import files_of
    from tallystick.cli.project import open_project
    from tallystick.cli.transfer import export_project, print_export

    with open_project(project) as opened, files_of("export", watched=not as_json) as tick:
        report = export_project(opened, folder, tick)
    if as_json:
        print_json(report)
    else:
        print_export(report)

"""`tallystick check`: can every source be read, and what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallystick.cli.options import AsJson, ProjectFile

__all__ = ["check"]


def check(
    sources: Annotated[list[str] | None, typer.Argument(help="Sources to check; all of them by default.")] = None,
    *,
    project: ProjectFile = Path("tallystick.yaml"),
    as_json: AsJson = False,
) -> None:
    """Sign in to each source and say which permission, field or history is missing; exit 3 when a row failed."""
    from tallystick.cli.output import print_json, print_table
    from tallystick.cli.project import open_project
    from tallystick.cli.reading import check_one

    found = {}
    with open_project(project) as opened:
        for name in sources or list(opened.sources):
            found[name] = check_one(opened, name)
    if as_json:
        print_json({"sources": found})
    else:
        for name, rows in found.items():
            cells = [(row.status, row.name, row.detail, row.action) for row in rows]
            print_table(f"Source {name}", ["Status", "What", "Found", "What to do"], cells)
    if any(row.status == "failed" for rows in found.values() for row in rows):
        raise typer.Exit(3)

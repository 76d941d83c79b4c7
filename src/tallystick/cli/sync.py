"""`tallystick sync`: read what is new from the sources."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallystick.cli.options import AsJson, Now, ProjectFile

__all__ = ["sync"]


def sync(
    sources: Annotated[list[str] | None, typer.Argument(help="Sources to read; all of them by default.")] = None,
    *,
    project: ProjectFile = Path("tallystick.yaml"),
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Read what is new from the sources, resuming where the last run stopped; safe to kill and to repeat."""
    from tallystick.cli.clock import read_clock
    from tallystick.cli.output import print_json
    from tallystick.cli.project import open_project
    from tallystick.cli.work import print_sync, sync_sources

    with open_project(project) as opened, opened.lock("sync"):
        reports = sync_sources(opened, sources or list(opened.sources), read_clock(now))
    if as_json:
        print_json({"sources": reports})
    else:
        print_sync(reports)
    if any(report["errors"] for report in reports):
        raise typer.Exit(3)

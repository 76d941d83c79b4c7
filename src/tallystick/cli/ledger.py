"""`tallystick ledger`: recompute the ledger from its bytes."""

from __future__ import annotations

from pathlib import Path

import typer

from tallystick.cli.options import AsJson, ProjectFile

__all__ = ["app"]

app = typer.Typer(help="Check the ledger.", no_args_is_help=True)


@app.command("fsck")
def fsck(*, project: ProjectFile = Path("tallystick.yaml"), as_json: AsJson = False) -> None:
    """Recompute every hash, proof and signature, and every evidence file, from bytes; exit 4 on any difference.

    Each event that left or is to leave for a sink must be one of the ledger, too.
    """
    from tallystick.cli.output import print_json, say
    from tallystick.cli.project import open_project
    from tallystick.cli.work import fsck_project

    with open_project(project) as opened:
        report = fsck_project(opened)
    if as_json:
        print_json(report)
    else:
        say(f"{report['entries']} entries, root {report['root']}: {report['fsck']}")
        if report["outbox"]:
            say(f"{report['outbox']} events of the outbox, held against the ledger")
        for finding in report["findings"]:
            say(f"  {finding}")
    if report["findings"]:
        raise typer.Exit(4)

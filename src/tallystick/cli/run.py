"""`tallystick run`: one scheduled turn, for cron, systemd, Kubernetes or Airflow."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from tallystick.cli.options import AsJson, Now, ProjectFile

__all__ = ["BUSY", "run"]

BUSY = 5
"""Exit code of a turn that found another one at work."""


def run(
    *,
    last: Annotated[
        bool, typer.Option("--last", help="Show the record of the last turn instead of running one.")
    ] = False,
    project: ProjectFile = Path("tallystick.yaml"),
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Sync what is due, verify every contract, deliver to the sinks, keep a record; a second turn meanwhile exits 5."""
    from tallystick.cli.clock import read_clock
    from tallystick.cli.output import print_error, print_json
    from tallystick.cli.project import open_project
    from tallystick.cli.turn import last_turn, print_turn, take_turn
    from tallystick.errors import Busy

    with open_project(project) as opened:
        if last:
            report = last_turn(opened)
        else:
            try:
                with opened.lock("run"):
                    report = take_turn(opened, partial(read_clock, now), machine=now is None)
            except Busy as busy:
                print_error(busy, as_json=as_json)
                raise typer.Exit(BUSY) from busy
    if as_json:
        print_json(report)
    else:
        print_turn(report)
    if not last and report["exit_code"]:
        raise typer.Exit(report["exit_code"])

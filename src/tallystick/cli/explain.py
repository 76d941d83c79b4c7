"""`tallystick explain`: why a verdict is what it is, and what would have flipped it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallystick.cli.options import AsJson, Now, ProjectFile

__all__ = ["explain"]


def explain(
    subject: Annotated[str, typer.Argument(help="A claim id, or the id of a record.")],
    *,
    contract: Annotated[str | None, typer.Option("--contract", help="Contract, if several know the claim.")] = None,
    project: ProjectFile = Path("tallystick.yaml"),
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Show clause by clause what was found, in which record, written by whom and when."""
    from tallystick.cli.clock import read_clock
    from tallystick.cli.output import print_json
    from tallystick.cli.project import open_project
    from tallystick.cli.work import explain_subject, print_explanation

    with open_project(project) as opened:
        explanation = explain_subject(opened, subject, contract, read_clock(now))
    if as_json:
        print_json(explanation)
    else:
        print_explanation(explanation)

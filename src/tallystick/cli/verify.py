"""`tallystick verify`: decide the claims of the contracts against the evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallystick.cli.options import AsJson, Now, ProjectFile

__all__ = ["verify"]


def verify(
    contracts: Annotated[list[str] | None, typer.Argument(help="Contracts to decide; all of them by default.")] = None,
    *,
    compare_preset: Annotated[
        str | None,
        typer.Option(
            "--compare-preset",
            metavar="PRESET",
            help="Decide nothing: show what a published definition would give for the same records, and why.",
        ),
    ] = None,
    project: ProjectFile = Path("tallystick.yaml"),
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Give each claim, and each unclaimed record that meets the contract, one verdict, and record what changed."""
    from tallystick.cli.clock import read_clock
    from tallystick.cli.output import print_json
    from tallystick.cli.project import open_project
    from tallystick.cli.work import compare_presets, print_comparison, print_verify, verify_contracts

    if compare_preset is not None:
        with open_project(project) as opened:
            compared = compare_presets(opened, contracts or list(opened.contracts), compare_preset, read_clock(now))
        if as_json:
            print_json({"comparisons": compared})
        else:
            print_comparison(compared)
        return
    with open_project(project) as opened, opened.lock("verify"):
        reports = verify_contracts(opened, contracts or list(opened.contracts), read_clock(now))
    if as_json:
        print_json({"contracts": reports})
    else:
        print_verify(reports)

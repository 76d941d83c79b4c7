"""`tallystick demo`: the whole pipeline against simulated systems, with every verdict checked against its label."""

from __future__ import annotations

from typing import Annotated

import typer

from tallystick.cli.options import AsJson

__all__ = ["demo"]


def demo(
    *,
    fast: Annotated[bool, typer.Option("--fast", help="About a tenth of the data.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the simulated companies.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Show the whole job on simulated systems: no account needed; exit 1 when a verdict differs from its label."""
    from tallystick.cli.output import print_json
    from tallystick.cli.show import print_show, run_show

    shown = run_show(seed=seed, fast=fast, quiet=as_json)
    if as_json:
        print_json(shown.report)
    else:
        print_show(shown)
    if shown.wrong or any(story["ledger"]["fsck"] != "ok" for story in shown.report["stories"]):
        raise typer.Exit(1)

"""`tallystick backtest`: what a contract would have cost, before it is signed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallystick.cli.options import AsJson, Now, ProjectFile

__all__ = ["backtest"]


def backtest(
    contract: Annotated[str, typer.Argument(help="A contract file, or a contract of the project.")],
    *,
    first: Annotated[str, typer.Option("--from", metavar="MONTH", help="First month, such as 2026-04.")],
    last: Annotated[
        str | None, typer.Option("--to", metavar="MONTH", help="Last month, included; the last one that is over else.")
    ] = None,
    steps: Annotated[
        bool, typer.Option("--steps/--no-steps", help="Try every parameter of the templates a step further too.")
    ] = True,
    project: ProjectFile = Path("tallystick.yaml"),
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Try a contract on your own records: units, cost, break-even, and what each clause and parameter changes."""
    from tallystick.cli.backtest_text import print_backtest
    from tallystick.cli.clock import read_clock
    from tallystick.cli.drafts import find_contract, last_month, months_between, opener, variants_of
    from tallystick.cli.output import print_json
    from tallystick.cli.project import open_project
    from tallystick.statements.backtest import backtest as try_contract

    at = read_clock(now)
    with open_project(project) as opened:
        tried = find_contract(opened, contract)
        period = months_between(first, last or last_month(at, tried.timezone), tried.timezone)
        told = try_contract(tried, period, opener(opened, at), variants=variants_of(opened, tried), steps=steps)
    if as_json:
        print_json(told)
    else:
        print_backtest(tried, told)

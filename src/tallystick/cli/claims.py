"""`tallystick claims import`: take in what the vendor asserts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallystick.cli.options import AsJson, Now, ProjectFile

__all__ = ["app"]

app = typer.Typer(help="Take in a vendor's claims.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `import` a verb of its own, although it is the only one yet."""


@app.command("import")
def import_claims(
    file: Annotated[Path, typer.Argument(help="Claims as CSV or JSON Lines.")],
    *,
    contract: Annotated[str, typer.Option("--contract", help="Contract the claims are made under.")],
    project: ProjectFile = Path("tallystick.yaml"),
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Check a whole file of claims and take it in, or refuse it whole and say every line that is wrong."""
    from tallystick.cli.clock import read_clock
    from tallystick.cli.output import print_json, say
    from tallystick.cli.project import open_project
    from tallystick.verification.intake import import_file

    with open_project(project) as opened, opened.lock("claims import"):
        agreed = opened.contract(contract)
        report = import_file(
            opened.engine,
            opened.log,
            opened.signer,
            agreed,
            file,
            now=read_clock(now),
            whole_ids={name: opened.source(outcome.source).whole_id for name, outcome in agreed.outcomes.items()},
        )
    if as_json:
        print_json(report)
    else:
        say(f"{report.imported} claims taken in, {report.known} already known, {report.total} in all under {contract}.")

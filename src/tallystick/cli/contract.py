"""`tallystick contract`: read a contract with the buyer's eyes, in words, and beside another one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallystick.cli.options import AsJson, Now, ProjectFile

__all__ = ["app"]

app = typer.Typer(help="Read, check, compare, sign and end contracts.", no_args_is_help=True)

_Named = Annotated[str, typer.Argument(help="A contract file, or a contract of the project.")]


@app.command("lint")
def lint_contract(
    contract: _Named,
    *,
    ignore: Annotated[
        list[str] | None, typer.Option("--ignore", metavar="RULE", help="Leave a rule out; may be repeated.")
    ] = None,
    project: ProjectFile = Path("tallystick.yaml"),
    as_json: AsJson = False,
) -> None:
    """Say what a contract leaves to the vendor, and what to write instead; exit 1 on an error or a warning."""
    from collections import Counter

    from tallystick.cli.contract_text import print_findings
    from tallystick.cli.drafts import contract_file, memory, seen_in
    from tallystick.cli.output import print_json
    from tallystick.cli.project import open_project
    from tallystick.contracts.lint import lint, open_draft

    with open_project(project) as opened:
        path = contract_file(opened, contract)
        draft = open_draft(
            path,
            templates=opened.host.templates,
            custom=opened.custom,
            remembers=memory(opened),
            seen=seen_in(opened),
            whole_ids=opened.whole_ids,
        )
        findings = lint(draft, ignore=ignore or ())
    counts = Counter(finding.severity for finding in findings)
    agreed = draft.contract
    if as_json:
        print_json(
            {
                "contract": agreed.name,
                "version": agreed.version,
                "sha256": agreed.sha256,
                "findings": findings,
                "counts": {severity: counts[severity] for severity in ("error", "warning", "note")},
            }
        )
    else:
        print_findings(agreed, findings)
    if counts["error"] or counts["warning"]:
        raise typer.Exit(1)


@app.command("show")
def show_contract(
    contract: _Named,
    *,
    project: ProjectFile = Path("tallystick.yaml"),
    as_json: Annotated[
        bool, typer.Option("--json", help="Print its body, which is what is hashed and signed.")
    ] = False,
) -> None:
    """Tell a contract in words: outcomes, prices, windows, the calendar of an example, and its hash."""
    from tallystick.cli.contract_text import print_contract
    from tallystick.cli.drafts import find_contract
    from tallystick.cli.output import print_json
    from tallystick.cli.project import open_project

    with open_project(project) as opened:
        found = find_contract(opened, contract)
    if as_json:
        print_json({"sha256": found.sha256, "body": found.body})
    else:
        print_contract(found)


@app.command("diff")
def diff_contracts(
    old: Annotated[str, typer.Argument(help="A contract file, a contract of the project, or NAME@VERSION.")],
    new: Annotated[str, typer.Argument(help="The other one.")],
    *,
    period: Annotated[
        str | None, typer.Option(help="Month or quarter whose records are decided by both; the last month by default.")
    ] = None,
    project: ProjectFile = Path("tallystick.yaml"),
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Show two contracts term by term, and what the difference costs on the records of a period."""
    from tallystick.cli.clock import read_clock
    from tallystick.cli.contract_text import print_diff
    from tallystick.cli.drafts import find_contract, last_month, opener
    from tallystick.cli.output import print_json
    from tallystick.cli.project import open_project
    from tallystick.contracts.difference import differences
    from tallystick.period import parse_period
    from tallystick.statements.comparison import compare_contracts

    at = read_clock(now)
    with open_project(project) as opened:
        one, other = find_contract(opened, old), find_contract(opened, new)
        told = differences(one.body, other.body)
        names = (f"{one.name}@{one.version}", f"{other.name}@{other.version}")
        names = names if names[0] != names[1] else ("old", "new")
        months = parse_period(period or last_month(at, one.timezone), one.timezone)
        money = compare_contracts(one, other, months, opener(opened, at), names=names)
    if as_json:
        print_json({"old": one.sha256, "new": other.sha256, "differences": told, "money": money})
    else:
        print_diff(told, money)

"""`tallystick sample`: let people look at some lines of a month, for what no field can tell."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tallystick.cli.options import AsJson, Now, ProjectFile
from tallystick.errors import ConfigurationError

__all__ = ["app"]

app = typer.Typer(help="Let people look at some lines of a month.", no_args_is_help=True)


class Said(StrEnum):
    """What a person says about a line."""

    right = "right"
    wrong = "wrong"
    unclear = "unclear"


@app.command("draw")
def draw(
    contract: Annotated[str, typer.Argument(help="Contract.")],
    month: Annotated[str, typer.Argument(help="Month that is over: 2026-09.")],
    *,
    outcome: Annotated[
        list[str] | None, typer.Option("--outcome", help="Outcome; all with a sample in their terms by default.")
    ] = None,
    project: ProjectFile = Path("tallystick.yaml"),
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Commit the list of a month's lines and draw from it; the same ledger gives the same lines to everybody."""
    from tallystick.cli.clock import read_clock
    from tallystick.cli.output import print_json
    from tallystick.cli.project import open_project
    from tallystick.cli.sample_report import print_samples, tell_samples
    from tallystick.verification.samples import draw_samples

    with open_project(project) as opened, opened.lock("sample draw"):
        agreed = opened.contract(contract)
        drawn = draw_samples(
            opened.engine, opened.log, opened.signer, agreed, month, outcomes=outcome or (), now=read_clock(now)
        )
        told = tell_samples(opened, contract, drawn)
    if as_json:
        print_json({"contract": contract, "month": month, "samples": told})
    else:
        print_samples(told)


@app.command("show")
def show(
    contract: Annotated[str, typer.Argument(help="Contract.")],
    month: Annotated[str, typer.Argument(help="Month: 2026-09.")],
    *,
    outcome: Annotated[list[str] | None, typer.Option("--outcome", help="Outcome; all by default.")] = None,
    project: ProjectFile = Path("tallystick.yaml"),
    as_json: AsJson = False,
) -> None:
    """List what was drawn and what people say, what that says about the month, and what the contract does then."""
    from tallystick.cli.output import print_json
    from tallystick.cli.project import open_project
    from tallystick.cli.sample_report import find_samples, print_samples, tell_samples

    with open_project(project) as opened:
        told = tell_samples(opened, contract, find_samples(opened, contract, month, outcome or ()))
    if as_json:
        print_json({"contract": contract, "month": month, "samples": told})
    else:
        print_samples(told)


@app.command("record")
def record(
    contract: Annotated[str, typer.Argument(help="Contract.")],
    month: Annotated[str, typer.Argument(help="Month: 2026-09.")],
    subject: Annotated[str | None, typer.Argument(help="Claim that was drawn.")] = None,
    said: Annotated[Said | None, typer.Argument(metavar="right|wrong|unclear", help="What it is.")] = None,
    *,
    by: Annotated[str, typer.Option("--by", help="Person who says so.")] = "",
    note: Annotated[str, typer.Option("--note", help="Why.")] = "",
    file: Annotated[
        Path | None, typer.Option("--file", help="Answers as CSV or JSON Lines: subject, answer and maybe by, note.")
    ] = None,
    correct: Annotated[bool, typer.Option("--correct", help="Take the place of an answer that differs.")] = False,
    project: ProjectFile = Path("tallystick.yaml"),
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Record what people say about lines that were drawn, all of it or nothing; nothing recorded is ever changed."""
    from tallystick.cli.clock import read_clock
    from tallystick.cli.output import print_json, say
    from tallystick.cli.project import open_project
    from tallystick.verification.answers import Given, read_answers, record_answers

    if (file is None) == (subject is None) or (subject is None) != (said is None) or (file and note):
        raise ConfigurationError(
            "either a claim and an answer are recorded, or a --file of them",
            hint="tallystick sample record CONTRACT MONTH CLAIM right|wrong|unclear --by NAME, or --file FILE.",
        )
    with open_project(project) as opened, opened.lock("sample record"):
        agreed = opened.contract(contract)
        given = (
            [Given(subject or "", said.value if said else "", by, note)] if file is None else read_answers(file, by=by)
        )
        report = record_answers(
            opened.engine,
            opened.log,
            opened.signer,
            agreed.name,
            month=month,
            given=given,
            now=read_clock(now),
            correct=correct,
        )
    if as_json:
        print_json(report)
    else:
        say(f"{report.recorded} answers recorded, {report.known} already known, {report.waiting} lines to look at.")

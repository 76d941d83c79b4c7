"""`tallystick dispute`: say that a verdict is wrong, answer, and settle it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from tallystick.cli.options import AsJson, Now, ProjectFile

if TYPE_CHECKING:
    from tallystick.verification.disputes import Dispute

__all__ = ["app"]

app = typer.Typer(help="Dispute a verdict, answer, and settle it.", no_args_is_help=True)


class _Side(StrEnum):
    """A party."""

    buyer = "buyer"
    vendor = "vendor"


class _Sides(StrEnum):
    """A party, or both."""

    buyer = "buyer"
    vendor = "vendor"
    both = "both"


class _Ends(StrEnum):
    """How a dispute may end."""

    verified = "verified"
    rejected = "rejected"
    withdrawn = "withdrawn"


_Text: TypeAlias = Annotated[str, typer.Option("--text", help="What is said, in a sentence or two.")]
_Files: TypeAlias = Annotated[
    list[Path] | None, typer.Option("--evidence", metavar="FILE", help="File to hand in; may be given again.")
]
_Dispute: TypeAlias = Annotated[str, typer.Argument(help="Id of the dispute, as acme-D1.")]
_ContractName: TypeAlias = Annotated[str | None, typer.Option("--contract", help="Contract of the claim.")]


@app.command("open")
def open_(
    claim: Annotated[str, typer.Argument(help="Claim id.")],
    *,
    contract: _ContractName = None,
    by: Annotated[_Side, typer.Option("--by", help="Who opens it.")],
    reason: Annotated[
        str, typer.Option("--reason", metavar="CODE", help="What is in dispute: not_held, wrong_amount, ...")
    ],
    text: _Text,
    evidence: _Files = None,
    lookup: Annotated[
        bool, typer.Option("--lookup/--no-lookup", help="Ask the source for the record as it is now, with its history.")
    ] = True,
    project: ProjectFile = Path("tallystick.yaml"),
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Dispute the verdict on a claim, with evidence and the record as its source shows it now.

    If the source cannot be asked, nothing is opened; --no-lookup does without.
    """
    from tallystick.cli.clock import read_clock
    from tallystick.cli.disputing import open_dispute
    from tallystick.cli.project import open_project

    at = read_clock(now)
    with open_project(project) as opened, opened.lock("dispute open"):
        found = open_dispute(
            opened,
            claim,
            contract,
            by=by.value,
            reason=reason,
            text=text,
            evidence=evidence or [],
            live=lookup,
            now=at,
        )
    _show(found, at, as_json=as_json)


@app.command("list")
def list_(
    *,
    contract: Annotated[str | None, typer.Option("--contract", help="Only those under this contract.")] = None,
    unsettled: Annotated[bool, typer.Option("--unsettled", help="Only those that may still be settled.")] = False,
    project: ProjectFile = Path("tallystick.yaml"),
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """List the disputes, oldest first, with what is due next."""
    from tallystick.cli.clock import read_clock
    from tallystick.cli.disputing import dispute_fields, list_disputes, print_disputes
    from tallystick.cli.output import print_json
    from tallystick.cli.project import open_project

    at = read_clock(now)
    with open_project(project) as opened:
        found = [item for item in list_disputes(opened, contract) if not unsettled or item.unsettled(at)]
    if as_json:
        print_json({"disputes": [dispute_fields(item, at) for item in found]})
    else:
        print_disputes(found, at)


@app.command()
def show(
    dispute: _Dispute,
    *,
    project: ProjectFile = Path("tallystick.yaml"),
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Show a dispute: what each side says and handed in, how far it has come, and what is due."""
    from tallystick.cli.clock import read_clock
    from tallystick.cli.disputing import find_dispute
    from tallystick.cli.project import open_project

    with open_project(project) as opened:
        found = find_dispute(opened, dispute)
    _show(found, read_clock(now), as_json=as_json)


@app.command()
def answer(
    dispute: _Dispute,
    *,
    by: Annotated[_Side, typer.Option("--by", help="Who answers: the side that did not open it.")],
    text: _Text,
    evidence: _Files = None,
    project: ProjectFile = Path("tallystick.yaml"),
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Answer a dispute that the other side opened, once."""
    from tallystick.cli.clock import read_clock
    from tallystick.cli.disputing import answer_dispute
    from tallystick.cli.project import open_project

    at = read_clock(now)
    with open_project(project) as opened, opened.lock("dispute answer"):
        found = answer_dispute(opened, dispute, by=by.value, text=text, evidence=evidence or [], now=at)
    _show(found, at, as_json=as_json)


@app.command()
def resolve(
    dispute: _Dispute,
    *,
    outcome: Annotated[_Ends, typer.Option("--outcome", help="How it ends.")],
    by: Annotated[_Sides, typer.Option("--by", help="Who says so; nobody settles it in their own favour alone.")],
    text: _Text,
    quantity: Annotated[
        str | None, typer.Option("--quantity", help="What is paid for, where the verdict does not say or is wrong.")
    ] = None,
    currency: Annotated[str | None, typer.Option("--currency", help="Currency of --quantity.")] = None,
    project: ProjectFile = Path("tallystick.yaml"),
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Settle a dispute, or withdraw it; the next `tallystick verify` changes the verdict."""
    from tallystick.cli.clock import read_clock
    from tallystick.cli.disputing import resolve_dispute
    from tallystick.cli.project import open_project

    at = read_clock(now)
    with open_project(project) as opened, opened.lock("dispute resolve"):
        found = resolve_dispute(
            opened,
            dispute,
            outcome=outcome.value,
            by=by.value,
            text=text,
            quantity=quantity,
            currency=currency,
            now=at,
        )
    _show(found, at, as_json=as_json)


def _show(found: Dispute, at: int, *, as_json: bool) -> None:
    from tallystick.cli.disputing import dispute_fields, print_dispute
    from tallystick.cli.output import print_json

    if as_json:
        print_json(dispute_fields(found, at))
    else:
        print_dispute(found, at)

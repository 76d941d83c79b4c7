"""`tallystick contract sign`, `signatures` and `terminate`: what the parties do about a contract."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from tallystick.cli.options import AsJson, Now, ProjectFile

__all__ = ["register", "sign", "signatures", "terminate"]


class _Side(StrEnum):
    """A party."""

    buyer = "buyer"
    vendor = "vendor"


_Named: TypeAlias = Annotated[str, typer.Argument(help="A contract file, or a contract of the project.")]


def sign(
    contract: _Named,
    *,
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="File of your signing key.")],
    party: Annotated[_Side, typer.Option("--as", help="Whom you sign for.")],
    project: ProjectFile = Path("tallystick.yaml"),
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Sign a contract: add a signature to the file beside it, and to the ledger if the project goes by it."""
    from tallystick.cli.clock import read_clock
    from tallystick.cli.project import open_project
    from tallystick.cli.signing import sign_file
    from tallystick.ledger import load_key

    with open_project(project) as opened, opened.lock("contract sign"):
        told = sign_file(opened, contract, load_key(key), party.value, read_clock(now))
    _print_signatures(told, as_json=as_json)


def signatures(
    contract: _Named,
    *,
    record: Annotated[
        bool,
        typer.Option("--record", help="Put those into the ledger that it lacks, as from the other side."),
    ] = False,
    project: ProjectFile = Path("tallystick.yaml"),
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Show who signed a contract, with which key, after verifying each signature."""
    from contextlib import nullcontext

    from tallystick.cli.clock import read_clock
    from tallystick.cli.project import open_project
    from tallystick.cli.signing import read_file

    with open_project(project) as opened, opened.lock("contract signatures") if record else nullcontext():
        told = read_file(opened, contract, read_clock(now), record=record)
    _print_signatures(told, as_json=as_json)


def terminate(
    contract: Annotated[str, typer.Argument(help="Contract.")],
    *,
    on: Annotated[str, typer.Option("--on", metavar="DAY", help="First day after the last one, as 2027-01-01.")],
    by: Annotated[_Side, typer.Option("--by", help="Who gives notice.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, in a sentence or two.")],
    project: ProjectFile = Path("tallystick.yaml"),
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Give notice: end a contract on a day, no sooner than its terms allow. It is not taken back."""
    from tallystick.cli.clock import read_clock
    from tallystick.cli.output import print_json, say
    from tallystick.cli.project import open_project
    from tallystick.cli.signing import end_contract

    with open_project(project) as opened, opened.lock("contract terminate"):
        told = end_contract(opened, contract, on, by=by.value, reason=reason, now=read_clock(now))
    if as_json:
        print_json(told)
    else:
        say(f"{contract} ends: {told['last_day']} is its last day. What happens up to {told['counts_until']} counts.")


def register(group: typer.Typer) -> None:
    """Add these verbs to the group `contract`."""
    group.command("sign")(sign)
    group.command("signatures")(signatures)
    group.command("terminate")(terminate)


def _print_signatures(told: dict[str, object], *, as_json: bool) -> None:
    from tallystick.cli.output import print_json
    from tallystick.cli.signing import print_signatures

    if as_json:
        print_json(told)
    else:
        print_signatures(told)

"""`tallystick keys`: make and show keys, know those of the other party, give the ledger a new one."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from tallystick.cli.options import AsJson, ProjectFile

if TYPE_CHECKING:
    from tallystick.ledger import KnownKey

__all__ = ["app"]

app = typer.Typer(help="Make, show, trust and rotate keys.", no_args_is_help=True)

KeyringFile: TypeAlias = Annotated[
    Path | None, typer.Option("--keyring", metavar="FILE", help="Keyring; by default the one of the project.")
]


class _Party(StrEnum):
    buyer = "buyer"
    vendor = "vendor"


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Name of the key, such as acme/statements; no spaces, no plus sign.")],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="The file; by default the name with .key, here.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a signing key in a file that only you can read; a file that exists is never written over."""
    from tallystick.cli.output import print_json, say
    from tallystick.ledger import generate_key

    path = out or Path(name.strip("/").replace("/", "-") + ".key")
    verifier = generate_key(path, name).verifier
    if as_json:
        print_json({"file": str(path), "vkey": verifier.vkey})
    else:
        say(f"Wrote {path}. Keep it to yourself, with a backup. Give the other party this key:\n{verifier.vkey}")


@app.command("show")
def show(file: Annotated[Path, typer.Argument(help="File of a signing key.")], *, as_json: AsJson = False) -> None:
    """Print the verifier key of a signing key: what the other party needs, and may be published."""
    from tallystick.cli.output import print_json, say
    from tallystick.ledger import load_key

    verifier = load_key(file).verifier
    if as_json:
        print_json({"file": str(file), "vkey": verifier.vkey})
    else:
        say(verifier.vkey)


@app.command("trust")
def trust(
    vkey: Annotated[str, typer.Argument(help="Verifier key, as `tallystick keys show` prints it.")],
    *,
    party: Annotated[_Party, typer.Option("--as", help="Whose key it is.")],
    start: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="First day on which it is valid (UTC).")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--until", metavar="DAY", help="First day on which it is valid no more (UTC).")
    ] = None,
    keyring: KeyringFile = None,
    project: ProjectFile = Path("tallystick.yaml"),
    as_json: AsJson = False,
) -> None:
    """Know a key as a party's, from one day until another; a key known already gets the new days."""
    from tallystick.cli.output import print_json, say
    from tallystick.ledger import Keyring, KnownKey, Verifier
    from tallystick.ledger.keyring import read_day

    days = [None if day is None else read_day(day) for day in (start, end)]
    key = KnownKey(party.value, Verifier.parse(vkey), days[0], days[1])
    path = _keyring_file(keyring, project)
    Keyring.load(path).trust(key).save(path)
    if as_json:
        print_json({"keyring": str(path), "key": _row(key)})
    else:
        say(f"{path}: {key.verifier.name}+{key.verifier.key_hash.hex()} is the {party.value}'s {_days(_row(key))}.")


@app.command("list")
def list_keys(
    *, keyring: KeyringFile = None, project: ProjectFile = Path("tallystick.yaml"), as_json: AsJson = False
) -> None:
    """List the keys that are known, and those of the project's own ledger."""
    from tallystick.cli.output import print_json, print_table
    from tallystick.ledger import Keyring

    known = [_row(key) for key in Keyring.load(_keyring_file(keyring, project)).keys]
    own = [] if keyring else _ledger_rows(project)
    if as_json:
        print_json({"keys": known, "ledger": own})
        return
    cells = [(row["party"], _days(row), row["vkey"]) for row in known]
    cells += [("ledger", f"from {row['from_size']} entries on", row["vkey"]) for row in own]
    print_table("", ["Whose", "Valid", "Key"], cells)


@app.command("rotate")
def rotate(*, project: ProjectFile = Path("tallystick.yaml"), as_json: AsJson = False) -> None:
    """Give the ledger a new key, introduced by the old one; it signs all that is added from now on."""
    from tallystick.cli.output import print_json, say
    from tallystick.cli.project import open_project
    from tallystick.ledger import rotate_ledger_key

    with open_project(project) as opened, opened.lock("keys rotate"):
        if opened.log.size:
            # Refuses a key that is not the one of an imported ledger, before it introduces another.
            _ = opened.signer
        chain = rotate_ledger_key(opened.key_path, opened.log.origin, opened.log.size)
    size, verifier = chain.epochs[-1]
    if as_json:
        print_json({"from_size": size, "vkey": verifier.vkey})
    else:
        say(f"From {size} entries on the ledger {chain.origin} is signed by\n{verifier.vkey}")
        say(f"The old key vouches for it in {opened.key_path.with_suffix('.keys')}. Keep a backup of both files.")


def _keyring_file(keyring: Path | None, project: Path) -> Path:
    from tallystick.cli.project import open_project

    if keyring is not None:
        return keyring
    with open_project(project) as opened:
        return opened.keyring_path


def _ledger_rows(project: Path) -> list[dict[str, Any]]:
    from tallystick.cli.project import open_project

    with open_project(project) as opened:
        if not opened.key_path.exists() and not opened.only_imported:
            return []
        return [{"from_size": size, "vkey": verifier.vkey} for size, verifier in opened.keychain.epochs]


def _row(key: KnownKey) -> dict[str, Any]:
    from tallystick.period import format_instant

    days = {
        name: None if at is None else format_instant(at)[:10] for name, at in (("from", key.start), ("until", key.end))
    }
    return {"party": key.party, **days, "vkey": key.verifier.vkey}


def _days(row: dict[str, Any]) -> str:
    parts = [f"{name} {row[name]}" for name in ("from", "until") if row[name]]
    return " ".join(parts) or "always"

"""`tallystick recompute` and `tallystick countersign`: check a bundle from its bytes alone, and sign it."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from tallystick.cli.options import AsJson

if TYPE_CHECKING:
    from tallystick.statements.archive import Archive
    from tallystick.statements.recompute import Recomputation
    from tallystick.statements.signatures import Signatures

__all__ = ["countersign", "recompute"]

BundleFile: TypeAlias = Annotated[Path, typer.Argument(metavar="BUNDLE", help="File of a bundle.")]
Keys: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--key", metavar="VKEY", help="A key you know: of the ledger, or of a party. May be given again."),
]
KeyringFile: TypeAlias = Annotated[
    Path | None, typer.Option("--keyring", metavar="FILE", help="Keyring of `tallystick keys trust`.")
]
Unknown: TypeAlias = Annotated[
    bool, typer.Option("--allow-unknown", help="Do not mind that you know none of the keys that signed it.")
]
Seen: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--seen",
        metavar="DIR",
        help="Where the newest checkpoint seen of each ledger is remembered; by default in your home.",
    ),
]
Processes: TypeAlias = Annotated[
    int,
    typer.Option(
        "--processes", min=1, max=2, help="How many may work on a large bundle at a time; one needs less memory."
    ),
]


class _Party(StrEnum):
    buyer = "buyer"
    vendor = "vendor"


def recompute(
    bundle: BundleFile,
    *,
    keys: Keys = None,
    keyring: KeyringFile = None,
    allow_unknown: Unknown = False,
    seen: Seen = None,
    processes: Processes = 2,
    as_json: AsJson = False,
) -> None:
    """Decide and price everything in a bundle again, offline; exit 1 where it differs, 4 where it was changed.

    Nothing but the file is read: no network, no project, no database, no credentials.
    """
    from tallystick.cli.output import print_json
    from tallystick.statements.archive import open_archive

    with open_archive(bundle) as archive:
        done, signatures, memory = _check(archive, keys or [], keyring, seen, processes)
    if as_json:
        print_json(_report(done, signatures, memory))
    else:
        _print(done, signatures, memory, allow_unknown=allow_unknown)
    if done.differences or (signatures.findings and not allow_unknown):
        raise typer.Exit(1)


def countersign(
    bundle: BundleFile,
    *,
    key: Annotated[Path, typer.Option("--key", metavar="KEYFILE", help="Your signing key: `tallystick keys new`.")],
    party: Annotated[_Party | None, typer.Option("--as", help="Which party you are.")] = None,
    known: Annotated[
        list[str] | None, typer.Option("--known", metavar="VKEY", help="A key you know, as --key of `recompute`.")
    ] = None,
    keyring: KeyringFile = None,
    allow_unknown: Unknown = False,
    seen: Seen = None,
    processes: Processes = 2,
    as_json: AsJson = False,
) -> None:
    """Recompute a bundle, and add your signature if everything agrees; signing twice changes nothing."""
    from tallystick.cli.output import print_json, say
    from tallystick.errors import ConfigurationError
    from tallystick.ledger import load_key
    from tallystick.statements.archive import open_archive
    from tallystick.statements.archive_writer import countersign_archive

    signer = load_key(key)
    with open_archive(bundle) as archive:
        done, signatures, memory = _check(archive, [*(known or []), signer.verifier.vkey], keyring, seen, processes)
        agreed = not done.differences and (allow_unknown or not signatures.findings)
        named = done.agreement.newest.keys.get(party.value, ()) if party else ()
        if named and signer.verifier.vkey not in named:
            raise ConfigurationError(
                f"the contract names another key of the {party.value if party else ''} than {signer.verifier.vkey}",
                hint="Sign with that key, or agree on a version of the contract that names the new one.",
            )
        added = agreed and countersign_archive(archive, signer, bundle)
    if as_json:
        print_json({**_report(done, signatures, memory), "signed": agreed, "added": added})
    else:
        _print(done, signatures, memory, allow_unknown=allow_unknown)
        name = f"{signer.name}+{signer.verifier.key_hash.hex()}"
        if agreed:
            say(f"signed by {name}" if added else f"it bears the signature of {name} already: nothing changed")
        else:
            say("not signed")
    if not agreed:
        raise typer.Exit(1)


def _check(
    archive: Archive,
    keys: list[str],
    keyring: Path | None,
    seen: Path | None,
    processes: int,
) -> tuple[Recomputation, Signatures, str]:
    """Recompute a bundle, verify its signatures, and compare its ledger with what was seen of it before."""
    from tallystick.errors import Inconsistent, StorageError
    from tallystick.ledger import Keyring, Verifier, Witness
    from tallystick.statements.recompute import recompute as recompute_bundle
    from tallystick.statements.signatures import check_signatures

    trusted = [Verifier.parse(text) for text in keys]
    ring = Keyring() if keyring is None else Keyring.load(keyring)
    done = recompute_bundle(archive, processes=processes)
    folder = _memory(seen)
    witness = None if folder is None else Witness(folder)
    held = None if witness is None else witness.newest(done.keys.origin)
    signatures = check_signatures(
        archive.note,
        done.keys,
        done.agreement.newest,
        ring=ring,
        trusted=trusted,
        remembered=held is not None,
        at=done.now,
    )
    if witness is None:
        return done, signatures, "not remembered: you have no home folder; name one with --seen"
    if signatures.findings and held is None:
        return done, signatures, "not remembered: none of its keys is known"
    try:
        witness.accept(done.note, done.keys, roots=done.roots)
    except StorageError as error:
        if held is not None:
            # What was seen vouches for a ledger only after it was compared with it: a name anybody can give to his own.
            raise
        return done, signatures, f"not remembered: {error.message}"
    except Inconsistent as error:
        error.hint = error.hint or "To look at an old bundle on purpose, name another folder with --seen."
        raise
    if held is None:
        return done, signatures, f"seen for the first time, at {done.checkpoint.size} entries: remembered"
    return done, signatures, f"grew from {held.size} entries, seen before, to {done.checkpoint.size}"


def _memory(seen: Path | None) -> Path | None:
    """Give the folder in which checkpoints are remembered; None where nobody has a home."""
    if seen is not None:
        return seen
    state, home = os.environ.get("XDG_STATE_HOME"), os.environ.get("HOME")
    if state:
        return Path(state) / "tallystick" / "seen"
    return Path(home) / ".local" / "state" / "tallystick" / "seen" if home else None


def _report(done: Recomputation, signatures: Signatures, memory: str) -> dict[str, Any]:
    return {
        "agree": not done.differences,
        "contract": done.contract,
        "period": done.period,
        "totals": list(done.totals),
        "steps": [{"name": step.name, "text": step.text} for step in done.steps],
        "differences": [
            {"where": one.where, "field": one.field, "bundle": one.said, "recomputed": one.found}
            for one in done.differences
        ],
        "more_differences": done.more,
        "signatures": [
            {"key": one.key, "whose": one.whose, "party": one.party, "known": one.known} for one in signatures.signed
        ],
        "findings": signatures.findings,
        "memory": memory,
        "counts": done.counts,
    }


def _print(done: Recomputation, signatures: Signatures, memory: str, *, allow_unknown: bool) -> None:
    from tallystick.cli.output import in_line
    from tallystick.cli.output import say as say_lines

    def say(text: str) -> None:
        say_lines(in_line(text))

    say(f"{done.contract}, {done.period}")
    for step in done.steps:
        say(f"  {step.name}: {step.text}")
    say(
        f"  memory: the ledger {done.keys.origin} is {memory}"
        if not memory.startswith("g")
        else f"  memory: it {memory}"
    )
    for one in signatures.signed:
        say(f"  signature: {one.key}: {one.whose}")
    for finding in signatures.findings:
        say(f"  {'note' if allow_unknown else 'finding'}: {finding}")
    for difference in done.differences:
        say(
            f"  differs: {difference.where}: {difference.field}: the bundle says {difference.said}, recomputed is "
            f"{difference.found}"
        )
    if done.more:
        say(f"  and {done.more} more differences")
    total = ", ".join(done.totals)
    if done.differences:
        say(f"The two sides differ; recomputed is {total}.")
    elif taken := done.counts.get("taken"):
        say(f"The prices agree to the cent: total {total}. {taken} verdicts were taken as recorded, not decided again.")
    else:
        say(f"Both sides agree to the cent: total {total}.")

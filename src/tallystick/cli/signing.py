"""What the verbs that sign and end contracts do on an opened project."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tallystick.cli.drafts import contract_file
from tallystick.cli.output import print_table, say
from tallystick.contracts import Contract, Termination
from tallystick.errors import ConfigurationError, InputError, StorageError
from tallystick.ledger import Keyring, Signer
from tallystick.period import format_instant, zone
from tallystick.verification.agreements import terminate
from tallystick.verification.dispute_rules import check_text
from tallystick.verification.signatures import (
    ContractSignature,
    contract_keys,
    read_signatures,
    record_signatures,
    recorded_signatures,
    sign_contract,
)

if TYPE_CHECKING:
    from tallystick.cli.project import Project

__all__ = ["end_contract", "print_signatures", "read_file", "sign_file"]

_SUFFIX = ".signatures"
_LARGEST = 64 * 1024


def sign_file(
    project: Project, named: str, signer: Signer, party: Literal["buyer", "vendor"], now: int
) -> dict[str, Any]:
    """Sign a contract and give who signed it; a second signature by the same key changes nothing.

    The signature is in the ledger before it is in the file, so that a command cut off in between is repeated.

    Raises:
        Tampered: See `sign_contract`.
        ContractError: The contract cannot be used.
        ConfigurationError: There is no such contract.
    """
    path, contract = _find(project, named)
    keys = contract_keys(contract, Keyring.load(project.keyring_path))
    before = _read(path)
    note = sign_contract(contract, before, signer, party, keys=keys, now=now)
    found = read_signatures(contract, note, keys, now, recorded=_recorded(project, contract))
    own = ContractSignature(party, signer.verifier.vkey)
    short = f"{signer.name}+{signer.verifier.key_hash.hex()}"
    found = [own if signature.verifier == short else signature for signature in found]
    recorded = _record(project, contract, found, now)
    if note != before:
        _write(path, note)
    return _told(path, contract, found, recorded)


def read_file(project: Project, named: str, now: int, *, record: bool) -> dict[str, Any]:
    """Give who signed a contract.

    Raises:
        Tampered: See `read_signatures`.
        ConfigurationError: There is no such contract.
    """
    path, contract = _find(project, named)
    note = _read(path)
    keys = contract_keys(contract, Keyring.load(project.keyring_path))
    found = [] if note is None else read_signatures(contract, note, keys, now, recorded=_recorded(project, contract))
    return _told(path, contract, found, _record(project, contract, found, now) if record else 0)


def end_contract(
    project: Project, name: str, day: str, *, by: Literal["buyer", "vendor"], reason: str, now: int
) -> dict[str, Any]:
    """Record a notice and give what follows from it.

    Raises:
        ContractError: The notice is too short, or the contract was ended already.
        ConfigurationError: There is no such contract, or that is no day.
    """
    try:
        on = date.fromisoformat(day) if len(day) == len("2026-10-01") else None
    except ValueError:
        on = None
    if on is None:
        raise ConfigurationError(f"{day!r} is not a day", hint="Write it as 2026-10-01.")
    said = check_text(reason, "--reason")
    contract = project.contract(name)
    ended = terminate(project.engine, project.log, project.signer, contract, Termination(on, by, said, now))
    term = ended.newest.term
    counts = None if term.ends_at is None else zone(contract.timezone).add_days(term.ends_at, term.tail_days)
    return {
        "contract": name,
        "on": on.isoformat(),
        "last_day": (on - timedelta(days=1)).isoformat(),
        "by": by,
        "reason": said,
        "given_at": format_instant(now),
        "counts_until": None if counts is None else format_instant(counts),
    }


def print_signatures(told: dict[str, Any]) -> None:
    """Print who signed, a row each."""
    say(f"{told['contract']} version {told['version']}, sha256 {told['sha256']}")
    rows = [
        (item["party"] or "unknown: `tallystick keys trust` says whose it is", item["key"])
        for item in told["signatures"]
    ]
    print_table(told["file"], ["Party", "Key"], rows)


def _told(path: Path, contract: Contract, found: list[ContractSignature], recorded: int) -> dict[str, Any]:
    return {
        "contract": contract.name,
        "version": contract.version,
        "sha256": contract.sha256,
        "file": str(path.with_name(path.name + _SUFFIX)),
        "signatures": [{"party": party, "key": key} for party, key in found],
        "recorded": recorded,
    }


def _find(project: Project, named: str) -> tuple[Path, Contract]:
    """Give the file of a contract, named by itself or by the contract's name."""
    path = contract_file(project, named)
    return path, project.read_contract(path)


def _record(project: Project, contract: Contract, found: list[ContractSignature], now: int) -> int:
    """Put verified signatures into the ledger, if the project goes by this very text."""
    agreed = project.contracts.get(contract.name)
    verified = [signature for signature in found if signature.party is not None]
    if agreed is None or agreed.sha256 != contract.sha256 or not verified:
        return 0
    return record_signatures(project.engine, project.log, project.signer, contract, verified, now=now)


def _recorded(project: Project, contract: Contract) -> dict[str, int]:
    return recorded_signatures(project.engine, project.log, contract)


def _read(path: Path) -> str | None:
    file = path.with_name(path.name + _SUFFIX)
    try:
        with file.open("rb") as opened:
            data = opened.read(_LARGEST + 1)
        return data.decode()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("the signatures cannot be read", hint=str(error), where=str(file)) from None


def _write(path: Path, note: str) -> None:
    """Put the signatures beside the contract, whole or not at all."""
    file = path.with_name(path.name + _SUFFIX)
    draft = file.with_name(file.name + ".new")
    try:
        draft.write_text(note, encoding="utf-8")
        draft.replace(file)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise StorageError(f"{file}: the signatures cannot be written: {error.strerror}") from error

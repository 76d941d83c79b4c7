"""Signing a contract: a note over its name, version and hash, which both parties sign.

    tallystick-contract/1
    acme
    3
    9f0c...

    — acme/contracts Xy...
    — uptime/contracts Zk...

A signed note as C2SP defines it. It lies beside the contract file; each signature is also an act in the ledger, so that
the statements of the project can show that the terms were agreed.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Engine

from tallystick.contracts import Contract
from tallystick.database.engine import transaction
from tallystick.errors import Tampered
from tallystick.ledger import Keyring, KnownKey, Log, Party, Signer, Verifier
from tallystick.ledger.checkpoint import Signature, cosign_note, sign_note, split_note
from tallystick.period import format_instant, parse_instant
from tallystick.verification.acts import append_acts, read_acts, refuse_the_past
from tallystick.verification.intake import register_contract

__all__ = [
    "SIGNATURE",
    "ContractSignature",
    "contract_keys",
    "contract_text",
    "read_signatures",
    "record_signatures",
    "recorded_signatures",
    "sign_contract",
]

SIGNATURE = "signature"
"""Kind of the entry that records a signature under a contract."""

_FORMAT = "tallystick-contract/1"
_PARTIES = ("buyer", "vendor")


class ContractSignature(NamedTuple):
    """A signature under a contract: whose key it is, by its published form; None where nobody said whose."""

    party: Party | None
    verifier: str


def contract_text(contract: Contract) -> str:
    """Give the text that is signed: format, name, version and hash, a line each."""
    return f"{_FORMAT}\n{contract.name}\n{contract.version}\n{contract.sha256}\n"


def contract_keys(contract: Contract, keyring: Keyring | None = None) -> Keyring:
    """Give whose keys are known: of a party that the contract names keys of those alone, else those of a keyring.

    A keyring also says on which days a key is valid.

    Raises:
        ConfigurationError: A key in the contract is malformed, or is both parties'.
    """
    held = {key.verifier: key for key in (keyring or Keyring()).keys}
    known = Keyring(key for key in held.values() if not contract.keys.get(key.party))
    for party, keys in contract.keys.items():
        for verifier in map(Verifier.parse, keys):
            days = held.get(verifier)
            start, end = (None, None) if days is None else (days.start, days.end)
            known = known.trust(KnownKey(party, verifier, start, end))
    return known


def sign_contract(
    contract: Contract, note: str | None, signer: Signer, party: Party, *, keys: Keyring, now: int
) -> str:
    """Give the note with a party's signature; one that it bears already leaves it as it is.

    Args:
        contract: What is signed.
        note: The signatures that are there, if any; all of them are verified first.
        signer: The party's key.
        party: Who signs.
        keys: Whose keys are known, see `contract_keys`; where a party has keys there, it signs with one of them.
        now: The instant at which the keys must be valid.

    Raises:
        Tampered: The signatures that are there are of another text, or do not fit; the key is not known as the party's
            although others are, or not valid now.
    """
    if note is not None:
        check_text(contract, note)
    signed = cosign_note(note, signer) if note is not None else sign_note(contract_text(contract), signer)
    own = {key.verifier for key in keys.keys if key.party == party}
    others = {key.verifier for key in keys.keys if key.party != party}
    if signer.verifier in others or (own and signer.verifier not in own):
        known = ", ".join(f"{key.name}+{key.key_hash.hex()}" for key in own) or "none"
        raise Tampered(
            f"{signer.name}+{signer.verifier.key_hash.hex()} is no key of the {party}; known are: {known}",
            hint="Sign with one of those, or agree on the key first: the contract's `keys`, or `keys trust`.",
        )
    mine = KnownKey(party, signer.verifier) if not own else None
    read_signatures(contract, signed, keys if mine is None else keys.trust(mine), now)
    return signed


def read_signatures(
    contract: Contract, note: str, keys: Keyring, now: int, *, recorded: Mapping[str, int] | None = None
) -> list[ContractSignature]:
    """Give who signed a contract, after verifying every signature.

    A signature by an unknown name is of a party none of whose keys are known: it is listed by its key and vouches for
    nothing. Once both parties have keys, every signature has to be by one of them.

    Args:
        contract: What is signed.
        note: The signatures under it.
        keys: Whose keys are known, see `contract_keys`.
        now: The instant at which the keys must be valid.
        recorded: When signatures came into the ledger, by the short form of their keys: the key of such a one had to be
            valid then, and may have ended since.

    Raises:
        Tampered: The note is of another text; or a signature does not fit, stands twice, or is by a key that is unknown
            or not valid.
    """
    check_text(contract, note)
    text, lines = split_note(note)
    known = {(key.verifier.name, key.verifier.key_hash) for key in keys.keys}
    complete = len({key.party for key in keys.keys}) == len(_PARTIES)
    found = []
    for line in lines:
        if not complete and (line.name, line.key_hash) not in known:
            found.append(ContractSignature(None, _short(line)))
        else:
            [signed] = keys.open(_alone(text, line), (recorded or {}).get(_short(line), now))
            found.append(ContractSignature(signed.party, signed.verifier.vkey))
    if len(set(found)) != len(found):
        raise Tampered("a key signed twice", hint="Keep the file; one line of each key is enough.")
    return found


def check_text(contract: Contract, note: str) -> None:
    """Return when a note is under this very contract.

    Raises:
        Tampered: It is malformed, or under another contract, version or text.
    """
    text, _ = split_note(note)
    if text != contract_text(contract):
        raise Tampered(
            f"the signatures are not under {contract.name} version {contract.version} as it is now: they are under "
            f"{' '.join(text.split()[1:4])}",
            hint="What was signed never changes: write new terms as the next version, in a file of its own.",
        )


def _short(line: Signature) -> str:
    return f"{line.name}+{line.key_hash.hex()}"


def _alone(text: str, line: Signature) -> str:
    """Give a note with one of its signatures."""
    encoded = base64.b64encode(line.key_hash + line.signature).decode()
    return f"{text}\n\N{EM DASH} {line.name} {encoded}\n"


def recorded_signatures(engine: Engine, log: Log, contract: Contract) -> dict[str, int]:
    """Give when signatures under this very contract came into the ledger, by the short form of their keys."""
    acts = read_acts(engine, log, contract.name, SIGNATURE, key=f"{contract.version}")
    return {
        "+".join(entry["verifier"].split("+", 2)[:2]): parse_instant(entry["at"])
        for _, entry in reversed(acts)
        if entry["sha256"] == contract.sha256
    }


def record_signatures(
    engine: Engine, log: Log, signer: Signer, contract: Contract, signatures: Iterable[ContractSignature], *, now: int
) -> int:
    """Record in the ledger who signed a contract, each signature once, and give how many were new.

    Raises:
        ContractError: The contract's text differs from the one recorded for its version.
        ConfigurationError: `now` lies before the newest entry of the ledger.
    """
    refuse_the_past(log, now)
    key = f"{contract.version}"
    known = {
        (entry["sha256"], entry["verifier"]) for _, entry in read_acts(engine, log, contract.name, SIGNATURE, key=key)
    }
    entries = [
        {
            "kind": SIGNATURE,
            "at": format_instant(now),
            "contract": contract.name,
            "key": key,
            "sha256": contract.sha256,
            "by": signature.party,
            "verifier": signature.verifier,
        }
        for signature in signatures
        if (contract.sha256, signature.verifier) not in known
    ]
    with transaction(engine) as connection:
        appended = register_contract(connection, log, contract, now)
        if entries:
            append_acts(connection, log, contract.name, entries)
        if entries or appended:
            log.checkpoint(connection, signer)
    return len(entries)

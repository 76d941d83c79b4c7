"""Whose signatures stand under a bundle, and whether anybody whom the reader knows vouches for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from tallystick.contracts import Contract
from tallystick.ledger.checkpoint import Signature, split_note
from tallystick.ledger.keychain import KeyChain
from tallystick.ledger.keyring import Keyring
from tallystick.ledger.keys import Verifier

__all__ = ["BundleSignature", "Signatures", "check_signatures"]


class BundleSignature(msgspec.Struct, frozen=True):
    """One signature: the key by name and hash, and whose it is in words; `party` where that is known."""

    key: str
    whose: str
    party: str | None
    known: bool


class Signatures(msgspec.Struct, frozen=True):
    """All signatures of a bundle, and what is wrong with them without being an attack."""

    signed: list[BundleSignature]
    findings: list[str]


def check_signatures(
    note: str,
    chain: KeyChain,
    contract: Contract,
    *,
    ring: Keyring,
    trusted: Collection[Verifier] = (),
    remembered: bool = False,
    at: int,
) -> Signatures:
    """Verify every signature under a bundle whose key is known, and say which are not known.

    Args:
        note: The signed note of the archive.
        chain: The keys of the ledger in the bundle.
        contract: The contract in the bundle; its `keys` name those of the parties, which is worth no more than the
            ledger that the contract stands in.
        ring: Keys that the reader knows as the parties'.
        trusted: Other keys that the reader knows.
        remembered: The reader has seen this ledger before, under these keys.
        at: The instant at which keys of the keyring must be valid, in microseconds UTC.

    Raises:
        Tampered: A signature by a known key does not fit, or its key was not valid then.
    """
    text, lines = split_note(note)
    named = {verifier: party for party, keys in contract.keys.items() for verifier in map(Verifier.parse, keys)}
    ledger = [epoch.verifier for epoch in chain.epochs]
    # What the contract says of keys counts only once its bundle is known: whoever makes one writes what he likes there.
    vouched = remembered or any(key in trusted or _in_ring(ring, key) for key in ledger)
    signed, findings = [], []
    for line in lines:
        key = f"{line.name}+{line.key_hash.hex()}"
        found = _find(line, [*(known.verifier for known in ring.keys), *trusted, *named, *ledger])
        if found is None:
            signed.append(BundleSignature(key, "unknown", None, known=False))
            findings.append(f"the key {key} is unknown: ask its owner for it, then name it with --key")
            continue
        if _in_ring(ring, found):
            party: str | None = ring.open(_alone(note, text, line), at)[0].party
            whose, known = f"the {party}'s, in your keyring", True
        else:
            found.verify(line.signature, text.encode())
            party, (whose, known) = named.get(found), _whose(found, trusted, named, vouched=vouched)
        signed.append(BundleSignature(key, whose, party, known=known))
    if not vouched and not any(one.known for one in signed):
        vkey = chain.newest.vkey
        findings.append(
            f"no signature is by a key that you know: the ledger is signed by {vkey}; compare it with the one you had "
            "from the other party, then name it with --key"
        )
    return Signatures(signed, findings)


def _whose(
    key: Verifier, trusted: Collection[Verifier], named: Mapping[Verifier, str], *, vouched: bool
) -> tuple[str, bool]:
    if key in trusted:
        return "known to you", True
    if key in named:
        return f"the {named[key]}'s, by the contract", vouched
    return "the ledger's", vouched


def _in_ring(ring: Keyring, key: Verifier) -> bool:
    return any(known.verifier == key for known in ring.keys)


def _find(line: Signature, keys: Collection[Verifier]) -> Verifier | None:
    return next((key for key in keys if key.name == line.name and key.key_hash == line.key_hash), None)


def _alone(note: str, text: str, line: Signature) -> str:
    """Give a note that bears one of its signatures alone."""
    marks = note.removeprefix(f"{text}\n").splitlines(keepends=True)
    return next(f"{text}\n{mark}" for mark in marks if split_note(f"{text}\n{mark}")[1] == [line])

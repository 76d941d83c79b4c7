"""A keyring: whose key is whose, and from which day until which; it opens what the parties signed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from tallystick.canonical import canonical
from tallystick.errors import ConfigurationError, Tampered
from tallystick.ledger.checkpoint import split_note
from tallystick.ledger.keychain import KeyChain
from tallystick.ledger.keys import Verifier
from tallystick.ledger.private_file import replace_private
from tallystick.period import format_instant, parse_instant
from tallystick.strictjson import read_strict

__all__ = ["Keyring", "KnownKey", "Party", "Signed", "read_day"]

Party: TypeAlias = Literal["buyer", "vendor"]

_FORMAT: Final = "tallystick-keyring/1"
_FIX = "Mend the file, or move it away and run `tallystick keys trust` again for each key."
_MIDNIGHT = "T00:00:00Z"


class KnownKey(NamedTuple):
    """A key, whose it is, and the instants in microseconds UTC from which, and up to excluding which, it is valid."""

    party: Party
    verifier: Verifier
    start: int | None = None
    end: int | None = None


class Signed(NamedTuple):
    """A signature that was verified: the party, and its key."""

    party: Party
    verifier: Verifier


class _Row(msgspec.Struct, forbid_unknown_fields=True, rename={"start": "from", "end": "until"}):
    party: Party
    vkey: str
    start: str | None = None
    end: str | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    keys: tuple[_Row, ...]
    format: Literal["tallystick-keyring/1"]


class Keyring:
    """The keys that somebody knows; a value that does not change.

    Args:
        keys: The keys, each of them once.
    """

    def __init__(self, keys: Iterable[KnownKey] = ()) -> None:
        self.keys = tuple(sorted(keys, key=lambda key: (key.party, key.verifier.vkey)))
        self._known = {key.verifier: key for key in self.keys}

    @classmethod
    def load(cls, path: Path) -> Keyring:
        """Read a keyring file; one that is missing holds no keys.

        Raises:
            ConfigurationError: It cannot be read, or is not what `save` writes.
        """
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return cls()
        except OSError as error:
            raise ConfigurationError(f"the keyring cannot be read: {error.strerror}", where=str(path)) from error
        try:
            found = msgspec.convert(read_strict(data.removesuffix(b"\n"), str(path)), _File)
            keys = [KnownKey(r.party, Verifier.parse(r.vkey), _instant(r.start), _instant(r.end)) for r in found.keys]
        except (Tampered, msgspec.ValidationError, ConfigurationError) as error:
            message = error.message if isinstance(error, Tampered | ConfigurationError) else str(error)
            raise ConfigurationError(f"this is no keyring: {message}", hint=_FIX, where=str(path)) from error
        ring = cls(keys)
        if len(ring._known) != len(keys):
            raise ConfigurationError("a key stands in the keyring twice", hint=_FIX, where=str(path))
        return ring

    def save(self, path: Path) -> None:
        """Write the keyring file, whole or not at all.

        Raises:
            StorageError: It cannot be written; an older one stays.
        """
        rows = tuple(_Row(k.party, k.verifier.vkey, _day(k.start), _day(k.end)) for k in self.keys)
        replace_private(path, canonical(_File(rows, _FORMAT)) + b"\n")

    def trust(self, key: KnownKey) -> Keyring:
        """Give the keyring with one more key, or with other days for a key that it has.

        Raises:
            ConfigurationError: The key is known as the other party's, or its end is not after its start.
        """
        known = self._known.get(key.verifier)
        if known is not None and known.party != key.party:
            raise ConfigurationError(
                f"the key {_named(key.verifier)} is the {known.party}'s in this keyring",
                hint="One key cannot speak for both parties. Ask whom you had it from.",
            )
        if key.start is not None and key.end is not None and key.end <= key.start:
            raise ConfigurationError(f"the key {_named(key.verifier)} would be valid on no day")
        return Keyring([*(one for one in self.keys if one.verifier != key.verifier), key])

    def open(self, note: str, at: int) -> list[Signed]:
        """Give who signed a note, after verifying every signature under it.

        Args:
            note: A signed note; its text is what `tallystick.ledger.checkpoint.split_note` gives.
            at: The instant at which the keys must be valid, in microseconds UTC.

        Raises:
            Tampered: The note is malformed; or a signature is by a key that is unknown, not yet valid or no longer
                valid, stands twice, or does not fit. Names the key.
        """
        text, lines = split_note(note)
        found: list[Signed] = []
        for line in lines:
            key = self._find(line.name, line.key_hash)
            _check_days(key, at)
            key.verifier.verify(line.signature, text.encode())
            signed = Signed(key.party, key.verifier)
            if signed in found:
                raise Tampered(f"the note bears two signatures of {_named(key.verifier)}")
            found.append(signed)
        return found

    def vouch(self, chain: KeyChain, at: int) -> Party:
        """Give whose ledger it is that a chain of keys signs: one of the keys is known, and the others hang on it.

        Raises:
            Tampered: No key of the chain is known, those known are not valid at that instant, or are of both parties.
        """
        known = [self._known[epoch.verifier] for epoch in chain.epochs if epoch.verifier in self._known]
        if not known:
            newest = chain.newest
            raise self._unknown(newest.name, newest.key_hash, f"{newest.vkey} as the key of a ledger")
        if len({key.party for key in known}) > 1:
            raise Tampered(f"the keys of the ledger {chain.origin} are of both parties in this keyring")
        # The last one known speaks for the chain: the days of those before it may be over.
        _check_days(known[-1], at)
        return known[-1].party

    def _find(self, name: str, key_hash: bytes) -> KnownKey:
        for key in self.keys:
            if key.verifier.name == name and key.verifier.key_hash == key_hash:
                return key
        raise self._unknown(name, key_hash, "VKEY")

    def _unknown(self, name: str, key_hash: bytes, wanted: str) -> Tampered:
        others = ", ".join(_named(key.verifier) for key in self.keys if key.verifier.name == name)
        return Tampered(
            f"the key {name}+{key_hash.hex()} is unknown" + (f"; known under this name: {others}" if others else ""),
            hint=f"Ask its owner for the key by another way, then run `tallystick keys trust {wanted} --as PARTY`.",
        )


def read_day(text: str) -> int:
    """Give the instant at which a day, `YYYY-MM-DD`, begins in UTC.

    Raises:
        ConfigurationError: It is no day.
    """
    try:
        return parse_instant(text + _MIDNIGHT)
    except ConfigurationError:
        raise ConfigurationError(
            f"{text!r} is not a day", hint="Write it as 2026-10-01; days are those of UTC."
        ) from None


def _instant(day: str | None) -> int | None:
    return None if day is None else read_day(day)


def _day(at: int | None) -> str | None:
    return None if at is None else format_instant(at).removesuffix(_MIDNIGHT)


def _check_days(key: KnownKey, at: int) -> None:
    if key.start is not None and at < key.start:
        raise Tampered(
            f"the key {_named(key.verifier)} is not yet valid: it begins on {_day(key.start)}, this is {_when(at)}",
            hint="Nothing signed before that day counts as the party's.",
        )
    if key.end is not None and at >= key.end:
        raise Tampered(
            f"the key {_named(key.verifier)} is no longer valid: it ended on {_day(key.end)}, this is {_when(at)}",
            hint="Ask for a signature by the key that followed it.",
        )


def _when(at: int) -> str:
    return format_instant(at)


def _named(verifier: Verifier) -> str:
    return f"{verifier.name}+{verifier.key_hash.hex()}"

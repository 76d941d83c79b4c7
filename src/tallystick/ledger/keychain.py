"""The keys of one ledger, one after the other: each introduced by the one before, from a size of the ledger on.

    tallystick-key/1
    tallystick/example
    4
    tallystick/example+617d5a7b+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4
    tallystick/example+224a99b9+AXm1Vi6P5lT5QHixEuipi6eQH4U65pW+1+DjkQutBJZk

Format, ledger, the smallest size that the new key signs, the old key and the new key, signed as a note by both.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from tallystick.canonical import canonical
from tallystick.errors import ConfigurationError, Tampered
from tallystick.ledger.checkpoint import cosign_note, open_note, sign_note
from tallystick.ledger.keys import Signer, Verifier
from tallystick.strictjson import read_strict

__all__ = ["Epoch", "KeyChain"]

_LINK = "tallystick-key/1"
_LARGEST = 2**53 - 1
_KEEP = "Keep the file: the keys in it do not follow from each other, so it was changed or damaged."


class Epoch(NamedTuple):
    """A key, and the smallest size at which it signs checkpoints; it does so until the next one begins."""

    from_size: int
    verifier: Verifier


class _File(msgspec.Struct, forbid_unknown_fields=True):
    first: str
    links: tuple[str, ...]
    format: Literal["tallystick-keys/1"] = "tallystick-keys/1"


class KeyChain:
    """The keys of a ledger; every one of them but the first was introduced by the one before it.

    Args:
        first: The key the ledger began with.
        links: The notes that introduce the others, in order.

    Raises:
        Tampered: A note is not signed by both keys, names other keys or another ledger, or goes back in size.
    """

    def __init__(self, first: Verifier, links: tuple[str, ...] = ()) -> None:
        self.links = links
        epochs = [Epoch(0, first)]
        for link in links:
            epochs.append(_follow(epochs[-1], link))
        if len({epoch.verifier for epoch in epochs}) != len(epochs):
            raise Tampered(f"a key of {first.name} follows itself", hint=_KEEP)
        self.epochs = tuple(epochs)

    @property
    def origin(self) -> str:
        """The name of the ledger, which all its keys have."""
        return self.epochs[0].verifier.name

    @property
    def newest(self) -> Verifier:
        """The key that signs now."""
        return self.epochs[-1].verifier

    def at(self, size: int) -> Verifier:
        """Give the key that signs the checkpoint of that size."""
        return next(epoch.verifier for epoch in reversed(self.epochs) if epoch.from_size <= size or not epoch.from_size)

    def introduce(self, old: Signer, new: Signer, from_size: int) -> KeyChain:
        """Give the chain with one more key.

        Args:
            old: The newest key.
            new: The key that follows it; it has the same name.
            from_size: The smallest size that the new key is to sign.

        Raises:
            ConfigurationError: `old` is not the newest key, the names differ, a key follows itself, or the newest key
                begins later than that.
        """
        if old.verifier != self.newest or new.name != old.name or new.verifier in {e.verifier for e in self.epochs}:
            raise ConfigurationError(f"the newest key of {self.origin} introduces another one of this name")
        if not self.epochs[-1].from_size <= from_size <= _LARGEST:
            raise ConfigurationError(f"a new key cannot sign from {from_size} entries on")
        text = f"{_LINK}\n{self.origin}\n{from_size}\n{old.verifier.vkey}\n{new.verifier.vkey}\n"
        return KeyChain(self.epochs[0].verifier, (*self.links, cosign_note(sign_note(text, old), new)))

    def extends(self, older: KeyChain) -> bool:
        """Tell whether this chain begins with all of another one."""
        return self.epochs[0] == older.epochs[0] and self.links[: len(older.links)] == older.links

    def encode(self) -> bytes:
        """Give the file of the chain: canonical JSON with the first key and the notes."""
        return canonical(_File(self.epochs[0].verifier.vkey, self.links))

    @classmethod
    def parse(cls, data: bytes, where: str) -> KeyChain:
        """Read the file of a chain.

        Args:
            data: Its bytes.
            where: What to call it in an error.

        Raises:
            Tampered: It is not what `encode` gives, or see the constructor.
        """
        try:
            found = msgspec.convert(read_strict(data, where), _File)
            return cls(Verifier.parse(found.first), found.links)
        except (msgspec.ValidationError, ConfigurationError) as error:
            raise Tampered(f"this is no chain of keys: {error}", hint=_KEEP, where=where) from error
        except Tampered as error:
            raise Tampered(error.message, hint=error.hint, where=error.where or where) from error


def _follow(last: Epoch, link: str) -> Epoch:
    """Give the key that a note introduces after another one."""
    old = last.verifier
    text = open_note(link, old)
    lines = text.split("\n")
    if len(lines) != 6 or lines[:2] != [_LINK, old.name] or lines[3] != old.vkey or not lines[2].isascii():
        raise Tampered(f"the note signed by {old.name}+{old.key_hash.hex()} introduces no key after it", hint=_KEEP)
    try:
        new, from_size = Verifier.parse(lines[4]), int(lines[2])
    except (ConfigurationError, ValueError) as error:
        raise Tampered(f"the note introduces no key: {error}", hint=_KEEP) from error
    if str(from_size) != lines[2] or not last.from_size <= from_size <= _LARGEST or new.name != old.name:
        raise Tampered(f"the key {new.name}+{new.key_hash.hex()} cannot follow from size {lines[2]} on", hint=_KEEP)
    open_note(link, new)
    return Epoch(from_size, new)

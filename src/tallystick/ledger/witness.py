"""The memory of the other side: the newest checkpoint seen of each ledger, which no later one may contradict.

Whoever holds a ledger and its key could restore an old copy of both, or keep two histories. Who was shown a checkpoint
and kept it finds that out: `Witness.accept` takes nothing older, nothing different, and nothing newer that is not
proven to grow out of what it has.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import msgspec

from tallystick.canonical import canonical
from tallystick.errors import ConfigurationError, Inconsistent, StorageError, Tampered
from tallystick.ledger.checkpoint import Checkpoint, check_extends, open_checkpoint
from tallystick.ledger.keychain import KeyChain
from tallystick.ledger.private_file import replace_private
from tallystick.strictjson import read_strict

__all__ = ["Witness", "check_grows"]

_LONGEST = 150
_ASK = "Ask the other party for a proof that begins at {size} entries."
_KEPT = "Both notes are kept in {path}. They are signed and cannot both be true: show them to the other party."


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """What is remembered of a ledger: the newest note, the keys, and a note that contradicts it."""

    keys: str
    note: str
    against: str | None = None
    format: Literal["tallystick-seen/1"] = "tallystick-seen/1"


class Witness:
    """The checkpoints that somebody has seen, one file for each ledger.

    Args:
        folder: Where the files lie; made on first use, for its owner only.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def newest(self, origin: str) -> Checkpoint | None:
        """Give the newest checkpoint seen of a ledger, or None where none was.

        Raises:
            ConfigurationError: The file cannot be read, or is not what this class writes.
        """
        seen = self._read(origin)
        return None if seen is None else self._open(seen, origin)[0]

    def accept(
        self,
        note: str,
        keys: KeyChain,
        *,
        proof: Sequence[bytes] | None = None,
        roots: Mapping[int, bytes] | None = None,
    ) -> Checkpoint:
        """Give the checkpoint in a note after comparing it with the newest one seen, and remember it if it is newer.

        The first checkpoint of a ledger is taken as it is. The keys come from the other party too: whose they are must
        have been found out before, as `Keyring.vouch` does.

        Args:
            note: The signed checkpoint.
            keys: The keys of its ledger; they must begin with those seen before.
            proof: Consistency proof from the size of the newest one seen, `Witness.newest`, to the size of this one.
            roots: In place of a proof, the roots that a pruned tree of the ledger gives; it must have both sizes.

        Raises:
            Tampered: The note is malformed or not signed by the ledger's key.
            Inconsistent: The checkpoint is older than one seen, has another root at the same size, or is not proven to
                grow out of the one seen; or the keys are other ones. What was remembered stays; a note of the same size
                that contradicts it is kept beside it, and from then on nothing is accepted for this ledger.
            ConfigurationError: What is remembered cannot be read.
            StorageError: It cannot be written.
        """
        origin = keys.origin
        offered = open_checkpoint(note, keys, origin)
        with self._locked():
            seen = self._read(origin)
            if seen is None:
                self._write(origin, _File(keys.encode().decode(), note))
                return offered
            held, held_keys = self._open(seen, origin)
            keys = _longer(held_keys, keys)
            # A key that was followed since by another one signs nothing new, whatever the chain offered says.
            open_checkpoint(note, keys, origin)
            if seen.against is not None:
                raise Inconsistent(
                    f"another checkpoint of {origin} contradicted the one of {held.size} entries before",
                    hint=_KEPT.format(path=self._path(origin)),
                )
            if held.size == offered.size and held.root != offered.root:
                self._write(origin, msgspec.structs.replace(seen, against=note))
                raise Inconsistent(
                    f"two signed checkpoints of {origin} at {held.size} entries have different roots: "
                    f"{held.root.hex()} seen before, {offered.root.hex()} now",
                    hint=_KEPT.format(path=self._path(origin)),
                )
            _compare(held, offered, proof, roots)
            self._write(origin, _File(keys.encode().decode(), note))
        return offered

    def _read(self, origin: str) -> _File | None:
        path = self._path(origin)
        try:
            return msgspec.convert(read_strict(path.read_bytes(), str(path)), _File)
        except FileNotFoundError:
            return None
        except (OSError, Tampered, msgspec.ValidationError) as error:
            raise _unreadable(path, error) from error

    def _open(self, seen: _File, origin: str) -> tuple[Checkpoint, KeyChain]:
        path = self._path(origin)
        try:
            keys = KeyChain.parse(seen.keys.encode(), str(path))
            return open_checkpoint(seen.note, keys, origin), keys
        except Tampered as error:
            raise _unreadable(path, error) from error

    def _write(self, origin: str, seen: _File) -> None:
        replace_private(self._path(origin), canonical(seen))

    def _path(self, origin: str) -> Path:
        name = quote(origin, safe="")
        if len(name) > _LONGEST:
            name = f"{name[: _LONGEST - 65]}-{hashlib.sha256(origin.encode()).hexdigest()}"
        return self._folder / f"{name}.json"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time compare and write, so that an older checkpoint never comes after a newer one."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(f"{self._folder} cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def check_grows(old: Checkpoint, new: Checkpoint, roots: Mapping[int, bytes]) -> None:
    """Return when the roots of one tree show that a checkpoint extends an older one.

    A pruned tree gives roots at several sizes from one list of pieces, see `tallystick.ledger.pruned`; that they come
    from one list is the proof.

    Args:
        old: The checkpoint held.
        new: The checkpoint offered.
        roots: Roots of the tree by size.

    Raises:
        Inconsistent: The checkpoints are of two ledgers, the newer one is smaller, the tree has not both sizes, or has
            another root at one of them.
    """
    if old.origin != new.origin or new.size < old.size:
        check_extends(old, new, [])
    for checkpoint in (old, new):
        if checkpoint.size not in roots:
            raise Inconsistent(
                f"nothing shows what the ledger {old.origin} was at {checkpoint.size} entries",
                hint=_ASK.format(size=old.size),
            )
        if roots[checkpoint.size] != checkpoint.root:
            raise Inconsistent(
                f"the ledger {old.origin} does not have the root signed at {checkpoint.size} entries",
                hint="Keep the file and both checkpoints: they show two different histories.",
            )


def _longer(held: KeyChain, offered: KeyChain) -> KeyChain:
    """Give the chain that knows more, of two that say the same as far as both go."""
    if offered.extends(held):
        return offered
    if held.extends(offered):
        return held
    raise Inconsistent(
        f"the keys of the ledger {held.origin} are not those seen before",
        hint="Ask the other party which key signs its ledger, by another way.",
    )


def _compare(
    held: Checkpoint, offered: Checkpoint, proof: Sequence[bytes] | None, roots: Mapping[int, bytes] | None
) -> None:
    if offered.size < held.size:
        raise Inconsistent(
            f"this checkpoint of {held.origin} has {offered.size} entries, one of {held.size} was seen before",
            hint="Ask the other party for what it holds now; a ledger only grows.",
        )
    if offered == held:
        return
    if roots is not None and proof is None:
        check_grows(held, offered, roots)
        return
    if proof is None and held.size:
        raise Inconsistent(
            f"nothing shows that the ledger of {offered.size} entries begins with the one of {held.size} seen before",
            hint=_ASK.format(size=held.size),
        )
    check_extends(held, offered, list(proof or []))


def _unreadable(path: Path, error: Exception) -> ConfigurationError:
    message = error.strerror if isinstance(error, OSError) else str(error)
    return ConfigurationError(
        f"what was seen of the ledger cannot be read: {message}",
        hint="Restore the file from a backup; without it an older ledger could pass for the newest.",
        where=str(path),
    )

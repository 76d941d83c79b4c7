"""The signing key of a ledger on disk, the chain of its keys beside it, and the step from one key to the next.

| File | Holds |
|---|---|
| `ledger.key` | the key that signs now |
| `ledger.keys` | the chain of keys; only where there was more than one |
| `ledger.key.next` | the key that follows, while a rotation is under way |
| `ledger.key.<hash>` | a key that was followed by another one |
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from tallystick.errors import ConfigurationError, StorageError
from tallystick.ledger.keychain import KeyChain
from tallystick.ledger.keys import Signer, generate_key, load_key, load_or_create_key
from tallystick.ledger.private_file import replace_private, sync_folder

__all__ = ["chain_path", "load_chain", "open_ledger_key", "rotate_ledger_key"]


def open_ledger_key(path: Path, name: str) -> tuple[Signer, KeyChain]:
    """Give the key that signs now, and the chain of keys that it ends; the first use makes it.

    A rotation that was interrupted after the old key had introduced the new one is brought to its end.

    Args:
        path: The key file; the chain lies beside it.
        name: The name of the ledger.

    Raises:
        ConfigurationError: See `load_key`; or the key is not the newest of the chain.
        StorageError: A file cannot be written.
        Tampered: The chain was changed.
    """
    signer = load_or_create_key(path, name)
    chain = load_chain(path) or KeyChain(signer.verifier)
    if chain.newest != signer.verifier:
        following = _next(path)
        if not following.exists() or load_key(following, name).verifier != chain.newest:
            raise ConfigurationError(
                f"{path} is not the newest key of {chain_path(path)}",
                hint=f"Bring back the key {chain.newest.name}+{chain.newest.key_hash.hex()} from a backup.",
            )
        _put_in_place(path)
        signer = load_key(path, name)
    return signer, chain


def rotate_ledger_key(path: Path, name: str, size: int) -> KeyChain:
    """Make a new key that signs whatever the ledger grows to from now on, introduced by the one that signs now.

    Whenever this is interrupted, either the old key signs on or the new one does. The old key file stays beside the
    new one as `ledger.key.<hash>`; it signs nothing any more.

    Args:
        path: The key file.
        name: The name of the ledger.
        size: The entries that the ledger has, all under checkpoints of the old key. Nobody may append meanwhile.

    Raises:
        ConfigurationError: There is no key to rotate, or see `open_ledger_key`.
        StorageError: A file cannot be written; the old key signs on.
    """
    if not path.exists():
        raise ConfigurationError(f"there is no key {path} to rotate", hint="It is made with the first entry.")
    old, chain = open_ledger_key(path, name)
    following = _next(path)
    if following.exists():
        # Left by a rotation that was interrupted before it took effect.
        following.unlink()
    new = generate_key(following, name)
    chain = chain.introduce(old, new, size + 1)
    try:
        with contextlib.suppress(FileExistsError):
            os.link(path, path.with_name(f"{path.name}.{old.verifier.key_hash.hex()}"))
    except OSError as error:
        raise StorageError(f"{path} cannot be kept under another name: {error.strerror}") from error
    # From here on the new key is the one that signs.
    replace_private(chain_path(path), chain.encode())
    _put_in_place(path)
    return chain


def load_chain(path: Path) -> KeyChain | None:
    """Give the chain of keys beside a key file, which need not exist itself; None where there never was a second key.

    Raises:
        ConfigurationError: The file of the chain cannot be read.
        Tampered: It was changed.
    """
    file = chain_path(path)
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from error
    return KeyChain.parse(data, str(file))


def _put_in_place(path: Path) -> None:
    try:
        # Another process that found the rotation half done may have been faster.
        with contextlib.suppress(FileNotFoundError):
            _next(path).replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise StorageError(f"{path} cannot be replaced by the new key: {error.strerror}") from error


def chain_path(path: Path) -> Path:
    """Give the file that holds the chain of keys beside a key file."""
    return path.with_suffix(".keys")


def _next(path: Path) -> Path:
    return path.with_name(f"{path.name}.next")

"""Files that only their owner reads, and that are there whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from tallystick.errors import StorageError

__all__ = ["create_private", "replace_private", "sync_folder"]


def create_private(path: Path, data: bytes) -> None:
    """Write a new file with mode 0600, durable when this returns.

    Raises:
        FileExistsError: A file of that name exists; it stays as it is.
        StorageError: The file cannot be written.
    """
    draft = _draft(path, data)
    try:
        # A link, unlike a rename, fails where another process was faster.
        os.link(draft, path)
        sync_folder(path.parent)
    except FileExistsError:
        raise
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        draft.unlink(missing_ok=True)


def replace_private(path: Path, data: bytes) -> None:
    """Write a file with mode 0600 in place of an older one; whoever reads it sees the old or the new one whole.

    Raises:
        StorageError: The file cannot be written; the older one stays.
    """
    draft = _draft(path, data)
    try:
        draft.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        draft.unlink(missing_ok=True)


def sync_folder(path: Path) -> None:
    """Return when the names of a folder's files are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _draft(path: Path, data: bytes) -> Path:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}.new")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - mode and exclusivity
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise _unwritable(path, error) from error
    return draft


def _unwritable(path: Path, error: OSError) -> StorageError:
    return StorageError(f"{path} cannot be written: {error.strerror}")

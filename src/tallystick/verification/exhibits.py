"""Exhibits: what a party hands in for a dispute, kept byte by byte under the name of its hash.

The ledger holds the hash, so that a file which is altered, or gone, is noticed. A file that no entry names is left from
a command that ended before its entry was written, and means nothing.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from tallystick.errors import InputError, StorageError

__all__ = ["MOST_BYTES", "MOST_FILES", "Exhibit", "ExhibitFolder", "exhibit_of", "read_exhibits"]

MOST_BYTES = 25_000_000
"""Largest exhibit, in bytes."""

MOST_FILES = 20
"""How many files may be handed in at once."""

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_LONGEST_NAME = 255


class Exhibit(msgspec.Struct, frozen=True):
    """One file that was handed in: what it was called, its SHA-256 and its size in bytes."""

    name: str
    sha256: str
    size: int


def read_exhibits(paths: Sequence[Path]) -> list[tuple[Exhibit, bytes]]:
    """Read files that are handed in, all of them or none.

    Raises:
        InputError: One is missing, no file, empty, too large or badly named, or there are too many.
    """
    if len(paths) > MOST_FILES:
        raise InputError(f"{len(paths)} files are handed in; at most {MOST_FILES} go with one entry")
    return [_read(path) for path in paths]


def exhibit_of(name: str, data: bytes) -> Exhibit:
    """Give what the ledger says of some bytes."""
    return Exhibit(name, hashlib.sha256(data).hexdigest(), len(data))


class ExhibitFolder:
    """The folder in which exhibits are kept; only its owner reads it.

    Args:
        path: The folder; made when something is first kept.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, contents: Iterable[bytes]) -> None:
        """Make bytes durable, each under its hash; what is kept already is left alone.

        Raises:
            StorageError: The disk takes no more.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for data in contents:
                self._keep(data)
            self._sync()
        except OSError as error:
            raise StorageError(f"{self.path}: an exhibit cannot be kept: {error.strerror}") from error

    def findings(self, exhibits: Iterable[tuple[str, str]]) -> list[str]:
        """Say which exhibits are not what the ledger says; empty is good.

        Args:
            exhibits: Where each is named, and its hash.
        """
        said, checked = [], {}
        for where, sha256 in exhibits:
            if sha256 not in checked:
                checked[sha256] = self._state(sha256)
            if checked[sha256]:
                said.append(f"{where}: the exhibit {sha256} is {checked[sha256]}")
        return said

    def _keep(self, data: bytes) -> None:
        target = self.path / hashlib.sha256(data).hexdigest()
        if target.exists():
            return
        draft = self.path / f"{secrets.token_hex(8)}.new"
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - mode and exclusivity
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)

    def _sync(self) -> None:
        """Make the names durable, which a file's own sync does not."""
        handle = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def _state(self, sha256: str) -> str:
        try:
            with (self.path / sha256).open("rb") as file:
                return "" if hashlib.file_digest(file, "sha256").hexdigest() == sha256 else "altered"
        except OSError:
            return "missing"


def _read(path: Path) -> tuple[Exhibit, bytes]:
    name = path.name
    if not name or len(name) > _LONGEST_NAME or _UNPRINTABLE.search(name):
        raise InputError(f"{name!r} cannot name an exhibit", hint="Give the file a plain name.")
    try:
        if not path.is_file():
            raise InputError(f"there is no file {path}", hint="Check the name.", where=str(path))
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", where=str(path)) from None
    if len(data) > MOST_BYTES:
        raise InputError(
            f"the file has more than {MOST_BYTES:,} bytes",
            hint="Hand in the part that shows it, or a text that names its SHA-256.",
            where=str(path),
        )
    if not data:
        raise InputError("the file is empty", where=str(path))
    return exhibit_of(name, data), data

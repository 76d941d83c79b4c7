"""Opening a file that somebody else wrote: a regular one, whole, and the same until it is read to its end."""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from tallystick.errors import ConnectorError, PermanentError, RetryableError

__all__ = ["LONGEST", "broken", "open_export"]

LONGEST = 16_000_000
"""Characters or bytes that a row may have."""

_CHUNK = 1 << 20


def broken(where: str, message: str, hint: str = "") -> ConnectorError:
    """Give the error of a file that cannot be used as it is."""
    return PermanentError(f"{where}: {message}", hint=hint or "Export the file again, or take it out of the folder.")


@contextmanager
def open_export(path: Path, where: str) -> Iterator[tuple[IO[bytes], str]]:
    """Open a file for reading, unpacked if its name ends with `.gz`; gives it with the SHA-256 of its bytes.

    Raises:
        RetryableError: It changed while it was read, or it is gone.
        PermanentError: It is no regular file, cannot be read, or is cut off.
    """
    try:
        # Without O_NONBLOCK a FIFO would wait for somebody to write into it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise RetryableError(f"{where}: the file is gone", hint="Run the sync again.") from None
    except OSError as error:
        raise broken(where, f"it cannot be opened: {error.strerror}") from None
    before = os.fstat(descriptor)
    if not stat.S_ISREG(before.st_mode):
        os.close(descriptor)
        raise broken(where, "it is no file", "Take it out of the folder, or correct the pattern.")
    with os.fdopen(descriptor, "rb") as file:
        try:
            digest = _digest(file)
            yield _unpacked(file, path), digest
        except (ConnectorError, EOFError, OSError, zlib.error) as error:
            # What a file that is being written looks like says nothing about the export.
            if _identity(os.fstat(descriptor)) != _identity(before):
                raise _changed(where) from None
            if isinstance(error, ConnectorError):
                raise
            raise _unreadable(error, where) from None
        if _identity(os.fstat(descriptor)) != _identity(before):
            raise _changed(where)


def _digest(file: IO[bytes]) -> str:
    sha256 = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        sha256.update(chunk)
    file.seek(0)
    return sha256.hexdigest()


def _unpacked(file: IO[bytes], path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.GzipFile(fileobj=file, mode="rb")) if path.name.endswith(".gz") else file


def _identity(state: os.stat_result) -> tuple[int, int]:
    return state.st_size, state.st_mtime_ns


def _changed(where: str) -> RetryableError:
    return RetryableError(
        f"{where}: the file changed while it was read",
        hint="Write exports under another name, and rename them when they are whole. Then run the sync again.",
    )


def _unreadable(error: Exception, where: str) -> ConnectorError:
    if isinstance(error, EOFError | gzip.BadGzipFile | zlib.error):
        return broken(where, "the packed file is cut off or damaged")
    said = error.strerror if isinstance(error, OSError) else None
    return broken(where, f"it cannot be read: {said or type(error).__name__}")

"""The lock of a project: one process writes at a time; a second one leaves at once and says who is there."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from tallystick.errors import Busy, StorageError

__all__ = ["ProjectLock"]

_SHOWN = 200


class ProjectLock:
    """Held from entering to leaving, and given back by the system should the process die.

    The file stays; it says which process holds the lock, what it does and, where the system tells, since when it runs.
    Works between processes of one machine.

    Args:
        path: The lock file; its folder must exist.
        verb: What the holder does, for the message another one sees.
    """

    def __init__(self, path: Path, verb: str = "") -> None:
        self._path = path
        self._verb = verb
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            Busy: Another process, or another lock object of this one, holds it; says which.
            StorageError: The file cannot be opened.
        """
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(f"the lock {self._path} cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(descriptor, _SHOWN).decode(errors="replace").strip() or "another process"
            os.close(descriptor)
            if error.errno not in {errno.EAGAIN, errno.EACCES}:
                raise StorageError(f"the lock {self._path} cannot be taken: {error.strerror}") from error
            raise Busy(
                f"the project is in use by {holder}",
                hint="Wait for it to finish; nothing was changed.",
                where=str(self._path),
            ) from error
        self._descriptor = descriptor
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{_holder(self._verb)}\n".encode(), 0)
        return self

    def fileno(self) -> int:
        """Give the descriptor: a process that inherits it holds the lock too, until it ends.

        Raises:
            ValueError: The lock is not held.
        """
        if self._descriptor is None:
            raise ValueError("the lock is not held")
        return self._descriptor

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the lock back."""
        if self._descriptor is not None:
            # Emptied first, so that nobody is told of a holder who has left.
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def _holder(verb: str) -> str:
    """Name this process: id, verb, and the instant it started."""
    name = f"process {os.getpid()}"
    if verb:
        name += f" (tallystick {verb})"
    started = _started()
    return f"{name}, started {started}" if started else name


def _started() -> str | None:
    """Give when this process started, read from the system's own record of it; None where there is none."""
    try:
        ticks = int(Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()[19])
        lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
        booted = int(next(line for line in lines if line.startswith("btime ")).split()[1])
    except (OSError, ValueError, IndexError, StopIteration):
        return None
    from tallystick.period import format_instant

    seconds = booted + ticks // os.sysconf("SC_CLK_TCK")
    return format_instant(seconds * 1_000_000)

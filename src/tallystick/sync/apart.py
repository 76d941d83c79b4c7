"""The process that commits the batches of a long sync, as the first one sees it, and what it does.

It commits what it is handed, one batch after the other, and does nothing else. It holds the project's lock too, so that
no later run begins before both have ended, and it ends with the first process, after the batch that it is committing.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from itertools import starmap
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import msgspec

from tallystick import __version__
from tallystick.collector import no_collections
from tallystick.database.engine import open_database
from tallystick.errors import Error
from tallystick.records.catalog import Committed, Progress, RecordStore
from tallystick.records.model import Record
from tallystick.sync.lock import ProjectLock

__all__ = ["Apart", "begin_apart", "serve"]

_SILENCE = 600.0
"""Seconds after which a process that does not answer is given up."""
_PATIENCE = 30.0
_STANDARD = (0, 1, 2)
_ISOLATION = "-I" if sys.flags.isolated else "-EP" if sys.flags.ignore_environment else "-P"
"""Nothing is imported from where this process would not import it."""
_READY, _NOT_DONE = b"ready", b""


class Apart:
    """The other process; made by `begin_apart`."""

    def __init__(self, process: subprocess.Popen[bytes], connection: Connection) -> None:
        self._process = process
        self._connection = connection
        self._ready = False

    def told(self, database: Path | str, folder: Path) -> bool:
        """Tell it where records go; False where it has ended already."""
        try:
            self._connection.send_bytes(pickle.dumps((__version__, database, folder)))
        except OSError:
            self.close()
            return False
        return True

    def commit(
        self, source: str, records: Sequence[Record], progress: Sequence[Progress], about: dict[str, Any]
    ) -> Committed | None:
        """Give what was committed; None where it has to be done here: it has not started yet, refuses, or is gone."""
        try:
            if not self._is_ready():
                return None
            self._connection.send_bytes(_packed(source, records, progress, about))
            reply = self._connection.recv_bytes() if self._connection.poll(_SILENCE) else None
        except Exception:  # noqa: BLE001 - a plugin's values may be anything; what is wrong is told where it is done
            self.close()
            return None
        except BaseException:
            # The answer to this batch may still come, and must not be taken for that to another.
            self.close()
            raise
        if reply is None:
            self.close()
            return None
        return None if reply == _NOT_DONE else Committed(*pickle.loads(reply))  # noqa: S301 - our own process wrote it

    @property
    def gone(self) -> bool:
        """Whether it has ended, or nothing is given to it any more."""
        return self._connection.closed

    def close(self) -> None:
        """End it when it has finished what it does."""
        self._connection.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _is_ready(self) -> bool:
        if self.gone:
            return False
        if not self._ready and self._connection.poll():
            self._ready = self._connection.recv_bytes() == _READY
        return self._ready


def begin_apart(store: RecordStore, lock: ProjectLock) -> Apart | None:
    """Start the other process; None where there can be none, or where it would have no processor of its own."""
    database = _shared(store)
    if database is None or _processors() < 2 or getattr(sys, "frozen", False) or not sys.executable:
        return None
    if lock.fileno() in _STANDARD:
        # The other process has its own there, and would not hold the lock.
        return None
    try:
        here, there = Pipe()
    except OSError:
        return None
    try:
        with there:
            process = subprocess.Popen(  # noqa: S603 - this interpreter and a module of ours
                [sys.executable, _ISOLATION, "-m", __name__, str(there.fileno())],
                pass_fds=[there.fileno(), lock.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # Ctrl-C at the terminal is meant for the process that decides.
                start_new_session=True,
            )
    except OSError:
        here.close()
        return None
    apart = Apart(process, here)
    return apart if apart.told(database, store.folder.absolute()) else None


def _shared(store: RecordStore) -> Path | str | None:
    """Give the database as another process opens it; None for one that lies in the memory of this one."""
    url = store.engine.url
    if url.get_backend_name() != "sqlite":
        return url.render_as_string(hide_password=False)
    # A path may be relative, and the working directory another one than when it was opened.
    with store.engine.connect() as connection:
        name = connection.exec_driver_sql("SELECT file FROM pragma_database_list WHERE name = 'main'").scalar()
    return Path(name) if name and not url.query else None


def _processors() -> int:
    """Give the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _packed(source: str, records: Sequence[Record], progress: Sequence[Progress], about: dict[str, Any]) -> bytes:
    rows = list(map(msgspec.structs.astuple, records))
    return pickle.dumps((source, rows, list(map(tuple, progress)), about), pickle.HIGHEST_PROTOCOL)


def serve(connection: Connection) -> None:
    """Be the other process: commit the batches that come over a connection, and answer each, until it ends.

    Does nothing for a process of another version.

    Raises:
        EOFError: The connection has ended.
        OSError: It ended within a batch or an answer.
        Error: The database cannot be opened.
    """
    version, database, folder = pickle.loads(connection.recv_bytes())  # noqa: S301 - our own process wrote it
    if version != __version__:
        # Tallystick was updated meanwhile: a newer one would change the database under an older one that goes on.
        return
    store = RecordStore(open_database(database), folder)
    connection.send_bytes(_READY)
    while True:
        with no_collections():
            connection.send_bytes(_committed(store, connection.recv_bytes()))


def _committed(store: RecordStore, packed: bytes) -> bytes:
    source, rows, progress, about = pickle.loads(packed)  # noqa: S301 - our own process wrote it
    try:
        done = store.commit(source, list(starmap(Record, rows)), list(starmap(Progress, progress)), **about)
    except Error:
        return _NOT_DONE
    return pickle.dumps((list(done.places), done.last_seq))


if __name__ == "__main__":
    # It ends with the first process, after the batch that it is committing: a signal to the first one is enough.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with Connection(int(sys.argv[1])) as inherited, suppress(EOFError, OSError):
        serve(inherited)

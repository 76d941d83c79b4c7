"""Batches committed here, or, in a sync that turns out to be a long one, by a process of its own.

This process decides what is committed, and in what order. Whatever the other one cannot do is done here, and nothing is
done twice: of a batch that it committed before it was killed, two versions of one record at the same instant would both
be stored again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tallystick.records.catalog import Committed, Progress, RecordStore
from tallystick.records.model import Record
from tallystick.sync.apart import Apart, begin_apart
from tallystick.sync.lock import ProjectLock

__all__ = ["APART_AFTER", "Committer"]

APART_AFTER = 20_000
"""Records of a sync after which the other process is started: to start it costs about as much as to commit so many."""


class Committer:
    """Commits the batches of one sync; for one thread.

    Args:
        store: Where records go.
        lock: The project's lock, held by this process; without it there is no other process.
        apart_after: Records after which another process is started.
    """

    def __init__(self, store: RecordStore, lock: ProjectLock | None, *, apart_after: int = APART_AFTER) -> None:
        self._store = store
        self._lock = lock
        self._apart_after = apart_after
        self._records = 0
        self._apart: Apart | None = None
        self._last: int | None = None

    def commit(
        self,
        source: str,
        records: Sequence[Record],
        progress: Sequence[Progress],
        *,
        connector: str,
        api_version: str,
        observed_at: int,
    ) -> Committed:
        """Store a batch, all of it, durably, or nothing; see `RecordStore.commit`.

        Raises:
            PermanentError: A record does not fit its type; names source, streams, type, id and column.
            StorageError: The disk is full or broken.
            Busy: Another process is writing and does not finish.
        """
        about: dict[str, Any] = {"connector": connector, "api_version": api_version, "observed_at": observed_at}
        self._records += len(records)
        if self._lock is not None and self._records >= self._apart_after:
            # Tried once: where it cannot be started, it could not be later either.
            self._apart, self._lock = begin_apart(self._store, self._lock), None
        done = self._committed_apart(source, records, progress, about)
        if done is None:
            done = self._store.commit(source, records, progress, **about)
        self._last = done.last_seq
        return done

    def _committed_apart(
        self, source: str, records: Sequence[Record], progress: Sequence[Progress], about: dict[str, Any]
    ) -> Committed | None:
        """Give what the other process committed; None where it has to be done here."""
        # Without the number after the batch before, nobody could tell whether a process that is gone has committed.
        last, self._last = self._last, None
        if self._apart is None or last is None:
            return None
        done = self._apart.commit(source, records, progress, about)
        if done is None and self._apart.gone:
            self._apart = None
            if self._store.stored_since(source, last):
                # Which of the records are new was lost with its answer.
                return Committed((), self._store.last_seq())
        self._last = last
        return done

    def close(self) -> None:
        """Let the other process end, and wait for it."""
        if self._apart is not None:
            self._apart.close()
            self._apart = None

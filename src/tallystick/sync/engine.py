"""From a connector to the store: slices side by side, whole pages in batches, each durable with its cursors."""

from __future__ import annotations

import queue
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from tallystick.connectors.base import Connector, Stream
from tallystick.errors import AuthorizationError, ConnectorError, CursorExpired, PermanentError
from tallystick.records.catalog import Progress, RecordStore
from tallystick.sync.buffer import Buffer, Part, Read
from tallystick.sync.committer import APART_AFTER, Committer
from tallystick.sync.declared import streams_of
from tallystick.sync.guards import Blame
from tallystick.sync.lock import ProjectLock
from tallystick.sync.reader import read_part
from tallystick.sync.schedule import Job, begin

__all__ = ["StreamReport", "SyncReport", "sync_source"]

BATCH_BYTES = 8_000_000
_TICK_SECONDS = 0.2
_LEAVE_SECONDS = 0.8
SILENCE_SECONDS = 7_200.0
"""Longer than any wait that has a reason: Salesforce may take an hour for one bulk job."""


class StreamReport(msgspec.Struct, frozen=True):
    """What a sync did with one stream.

    `read` and `stored` count records; a record equal to what is known is read and not stored. `watermark` is the
    instant up to which the stream is completely read now; None when it never was. `seconds` is the time from the start
    of the sync until the stream's last page was durable. `error` says why it is incomplete, `hint` what to do.
    """

    stream: str
    read: int
    stored: int
    watermark: int | None
    seconds: float
    error: str | None = None
    hint: str = ""


class SyncReport(msgspec.Struct, frozen=True):
    """What a sync did with a source; everything it counts is durable. `stopped` says that it was asked to leave.

    `errors` are those of the streams and those that belong to none of them.
    """

    source: str
    streams: Sequence[StreamReport]
    calls: int
    seconds: float
    errors: Sequence[ConnectorError]
    stopped: bool = False


Tick = Callable[[str, int, int], None]
"""Called with the stream, the records stored so far in it, and the calls made so far by the source."""


def sync_source(
    store: RecordStore,
    source: str,
    connector: Connector,
    *,
    until: int,
    observed_at: int,
    progress: Tick | None = None,
    stop: threading.Event | None = None,
    batch_bytes: int = BATCH_BYTES,
    batch_seconds: float = 1.0,
    threads: int = 8,
    silence_seconds: float = SILENCE_SECONDS,
    plugin: str | None = None,
    lock: ProjectLock | None = None,
    apart_after: int = APART_AFTER,
) -> SyncReport:
    """Read what is new in every stream of a source, resuming where the last run stopped.

    A plan that an earlier run left open is finished before a new one is made. An error stops its stream, after all
    that was read is stored; other streams go on, unless sign-in failed. Killed at any moment, nothing is lost or
    doubled, and a later run reads no more than one batch per slice again.

    Args:
        store: Where records go. The caller holds the project's lock.
        source: Name of the source.
        connector: What reads it; closed here only when the sync has to leave early.
        until: The end of this read, an instant no later than now.
        observed_at: What is written down as the time of reading.
        progress: Told after each batch how far each stream in it is.
        stop: Once set, the sync stores what it holds and leaves within about a second.
        batch_bytes: Bytes of a slice that may wait to be committed; a batch is committed when it holds half as many, so
            that reading goes on meanwhile,
        batch_seconds: or is that old.
        threads: Slices read at the same time.
        silence_seconds: A slice that gives no page for so long is given up, so that the project's lock is free again.
        plugin: Distribution and version of the connector, for messages; by default its own name and version.
        lock: The project's lock. With it, a long sync commits in a second process, which holds it too until it ends.
        apart_after: Records after which that process is started.

    Raises:
        ConfigurationError: The source's name cannot be used.
        StorageError: Nothing more can be stored; all that was committed stays.
        Busy: Another process is writing and does not finish.
    """
    blame = Blame(source, plugin or f"connector {connector.name} {connector.version}")
    stop = stop or threading.Event()
    with closing(Committer(store, lock, apart_after=apart_after)) as committer:
        run = _Run(
            store, source, connector, until, observed_at, progress, stop, batch_bytes, silence_seconds, blame, committer
        )
        return run.run(batch_seconds, threads)


@dataclass
class _Run:
    """One sync of one source; everything but `_work` happens in the calling thread."""

    store: RecordStore
    source: str
    connector: Connector
    until: int
    observed_at: int
    progress: Tick | None
    stop: threading.Event
    batch_bytes: int
    silence_seconds: float
    blame: Blame
    committer: Committer
    _halted: bool = False
    _silent: bool = False
    _batch: list[Read] = field(default_factory=list)
    _batch_size: int = 0
    _errors: list[ConnectorError] = field(default_factory=list)
    _todo: queue.SimpleQueue[Part | None] = field(default_factory=queue.SimpleQueue)
    _waiting: dict[str, Job] = field(default_factory=dict)
    _reading: set[Part] = field(default_factory=set)
    _workers: list[threading.Thread] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)

    def run(self, batch_seconds: float, threads: int) -> SyncReport:
        self.began = time.monotonic()
        self.buffer = Buffer(total=3 * self.batch_bytes, each=self.batch_bytes)
        try:
            self.jobs = {stream.name: Job(stream) for stream in streams_of(self.connector, self.blame)}
        except ConnectorError as error:
            self._errors.append(error)
            return self._report()
        types = {name: job.stream.types for name, job in self.jobs.items()}
        revisions = {name: job.stream.revision for name, job in self.jobs.items()}
        self.store.register(self.source, types, revisions=revisions)
        for _ in range(threads):
            self._hire()
        complete = False
        try:
            for name, job in self.jobs.items():
                if self.jobs.keys() & set(job.stream.follows):
                    self._waiting[name] = job
                else:
                    self._begin(job)
            self._gather(batch_seconds)
            complete = not self.stop.is_set() and not self._silent
        finally:
            self._leave(complete=complete)
        return self._report()

    def _begin(self, job: Job, *, anew: bool = False) -> None:
        """Queue the slices of a stream's next plan."""
        if self._leaving(job):
            return
        try:
            parts = begin(self.store, self.source, job, self.until, self._blame(job.stream), anew=anew)
        except ConnectorError as error:
            self._fail(job, error)
        else:
            for part in parts:
                self._todo.put(part)

    def _begin_waiting(self) -> None:
        """Start the streams whose predecessors have ended, well or not."""
        for name, job in list(self._waiting.items()):
            before = [self.jobs[other] for other in job.stream.follows if other in self.jobs]
            if not any(other.open or other.stream.name in self._waiting for other in before):
                del self._waiting[name]
                self._begin(job)

    def _gather(self, batch_seconds: float) -> None:
        """Take pages from the readers and commit them in batches until every slice has ended."""
        deadline = 0.0
        ended: list[Part] = []
        while not self.stop.is_set():
            self._begin_waiting()
            if not any(job.open for job in self.jobs.values()):
                break
            now = time.monotonic()
            wait = min(_TICK_SECONDS, deadline - now) if self._batch else _TICK_SECONDS
            reads, ends, pressed = self.buffer.take(max(0.0, wait))
            self._watch()
            if reads and not self._batch:
                deadline = time.monotonic() + batch_seconds
            self._add(reads)
            ended += ends
            for part in ends:
                self._note(part)
            full = 2 * self._batch_size >= self.batch_bytes or time.monotonic() >= deadline
            idle = len(ended) >= sum(job.open for job in self.jobs.values())
            if full or pressed or idle:
                self._commit_batch()
                for part in ended:
                    self._finish(part)
                ended = []
        self._add(self.buffer.take(0.0)[0])
        self._commit_batch()

    def _add(self, reads: Sequence[Read]) -> None:
        self._batch += reads
        self._batch_size += sum(read.size for read in reads)

    def _commit_batch(self) -> None:
        batch, self._batch, self._batch_size = self._batch, [], 0
        if batch:
            try:
                self._commit(batch)
            finally:
                self.buffer.release(batch)

    def _commit(self, batch: Sequence[Read]) -> None:
        """Commit pages; when one of them cannot be stored, page by page, so that only its own slice loses it."""
        batch = [read for read in batch if not read.part.refused]
        if not batch:
            return
        try:
            places = self._store(batch)
        except PermanentError as error:
            if len(batch) == 1:
                batch[0].part.refused = True
                stream = batch[0].part.stream
                self._fail(self.jobs[stream.name], self._blame(stream).named(error))
            else:
                for read in batch:
                    self._commit([read])
            return
        offset = 0
        touched: dict[str, Job] = {}
        for read in batch:
            end = offset + len(read.page.records)
            job = touched[read.part.stream.name] = self.jobs[read.part.stream.name]
            job.read += end - offset
            job.stored += bisect_left(places, end) - bisect_left(places, offset)
            job.seconds = time.monotonic() - self.began
            offset = end
        if self.progress is not None:
            for name, job in touched.items():
                self.progress(name, job.stored, self._calls())

    def _store(self, batch: Sequence[Read]) -> Sequence[int]:
        return self.committer.commit(
            self.source,
            [record for read in batch for record in read.page.records],
            [
                Progress(stream.name, read.part.position, read.page.cursor, read.page.watermark, stream.moves)
                for read in batch
                for stream in (read.part.stream,)
            ],
            connector=f"{self.connector.name} {self.connector.version}",
            api_version=self.connector.api_version,
            observed_at=self.observed_at,
        ).places

    def _note(self, part: Part) -> None:
        """Take down how a slice ended; its last pages may not be committed yet."""
        if part.error is not None:
            self._fail(self.jobs[part.stream.name], part.error)

    def _finish(self, part: Part) -> None:
        """Count a slice as ended; with the last one of a plan, go on to the next plan if there is one to make."""
        job = self.jobs[part.stream.name]
        job.open -= 1
        if job.open == 0 and job.resumed and not self.stop.is_set():
            if job.error is None:
                state = self.store.stream_states(self.source)[job.stream.name]
                if state.watermark is None or state.watermark < self.until:
                    self._begin(job, anew=True)
            elif isinstance(job.error, CursorExpired):
                # The cursor was an old run's: the stream starts again from its watermark, and nothing is lost by it.
                self._errors.remove(job.error)
                job.error = None
                self._begin(job, anew=True)

    def _fail(self, job: Job, error: ConnectorError) -> None:
        if job.error is None:
            job.error = error
            self._errors.append(error)
        if isinstance(error, AuthorizationError):
            self._halted = True

    def _work(self) -> None:
        """Read slices until there are no more; runs in each reading thread."""
        while (part := self._todo.get()) is not None:
            stopped = partial(self._leaving, self.jobs[part.stream.name])
            part.heard = time.monotonic()
            self._reading.add(part)
            read_part(part, self.buffer, self._blame(part.stream), until=self.until, stopped=stopped)
            self._reading.discard(part)

    def _hire(self) -> None:
        worker = threading.Thread(target=self._work, daemon=True, name=f"read-{len(self._workers)}")
        self._workers.append(worker)
        worker.start()

    def _watch(self) -> None:
        """Give up slices from which nothing has come for too long; others take the place of their threads."""
        now = time.monotonic()
        for part in list(self._reading):
            if part.heard is not None and now - part.heard > self.silence_seconds:
                self._silent = True
                self._reading.discard(part)
                text = f"no page came for {self.silence_seconds:,.0f} seconds, so the slice was given up"
                advice = "yield a page, without records if need be, at least as often; bound every wait and every loop."
                self._fail(self.jobs[part.stream.name], self._blame(part.stream).fault(text, advice))
                self.buffer.end(part, None)
                self._hire()

    def _leaving(self, job: Job) -> bool:
        return self._halted or job.error is not None or self.stop.is_set()

    def _leave(self, *, complete: bool) -> None:
        """Let the threads go; one that hangs in a call is freed by closing the connector, or left behind."""
        self._halted = True
        self.buffer.close()
        for _ in self._workers:
            self._todo.put(None)
        if not complete:
            self._try(self.connector.close)
        deadline = time.monotonic() + _LEAVE_SECONDS
        for worker in self._workers:
            worker.join(None if complete else max(0.0, deadline - time.monotonic()))

    def _blame(self, stream: Stream) -> Blame:
        return self.blame.of(stream.name)

    def _calls(self) -> int:
        found = self._try(self.connector.calls)
        return found if type(found) is int else 0

    def _try(self, call: Callable[[], Any]) -> Any:
        """Give what a call of the connector gives; None and an error of the source if it raised."""
        try:
            with self.blame.guarded():
                return call()
        except ConnectorError as error:
            if str(error) not in map(str, self._errors):
                self._errors.append(error)
            return None

    def _report(self) -> SyncReport:
        calls = self._calls()
        states = self.store.stream_states(self.source)
        streams = [
            StreamReport(
                name,
                job.read,
                job.stored,
                states[name].watermark,
                round(job.seconds, 3),
                None if job.error is None else str(job.error),
                "" if job.error is None else job.error.hint,
            )
            for name, job in self.jobs.items()
        ]
        seconds = round(time.monotonic() - self.began, 3)
        return SyncReport(self.source, streams, calls, seconds, self._errors, self.stop.is_set())

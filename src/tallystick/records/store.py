"""The store of evidence: segments on disk, their catalog and the cursors in the database, moved by one transaction."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, insert, select, update

from tallystick.database.engine import transaction
from tallystick.database.schema import counter, segment
from tallystick.errors import ConfigurationError, PermanentError
from tallystick.records import progress as state
from tallystick.records.batch import HINT, Batch
from tallystick.records.heads import compare, read_heads, write_heads, write_superseded
from tallystick.records.model import Record
from tallystick.records.progress import Cursor, Progress, SliceState, StreamState
from tallystick.records.types import RECORD_TYPES

__all__ = ["Committed", "RecordStore"]

_SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class Committed(msgspec.Struct, frozen=True):
    """What a commit made durable.

    `places` are the places in the batch of the records that were stored, ascending; the others were known already or
    older than what is known. `last_seq` is the newest sequence number of the project afterwards.
    """

    places: Sequence[int]
    last_seq: int

    @property
    def stored(self) -> int:
        """Number of record versions stored."""
        return len(self.places)


class RecordStore:
    """The records of a project.

    Several threads and processes may read while one writes; writers of one database take turns.

    Args:
        engine: The project's database.
        folder: Where segments lie, as `<folder>/<source>/<type>/<sha256>.parquet`; made on first use.
    """

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder

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
        """Store a batch of whole pages and the cursors behind them: all of it, durably, or nothing.

        Records are taken in order. One that equals the newest version of its id is not stored again, nor is one whose
        `as_of` is older than that version's.

        Args:
            source: Source that delivered the records.
            records: Records of any types, in the order in which they were read.
            progress: What the pages say about their slices, in the same order.
            connector: Distribution and version that read them.
            api_version: API version they were read at.
            observed_at: When they were read, by the clock of the run.

        Raises:
            PermanentError: A record does not fit its type; names source, streams, type, id and column.
            StorageError: The disk is full or broken.
            Busy: Another process is writing and does not finish.
        """
        where = f"{source}/{','.join(dict.fromkeys(entry.stream for entry in progress)) or '?'}"
        batches = [Batch(kind, places, records, where) for kind, places in _by_type(records, where).items()]
        shared = {"source": source, "connector": connector, "api_version": api_version, "observed_at": observed_at}
        stored: list[int] = []
        with transaction(self.engine) as connection:
            last = _last_seq(connection)
            built = []
            for batch in batches:
                heads = read_heads(connection, source, batch.kind, batch.ids)
                changes = compare(batch.versions, heads, last + 1)
                last += len(changes.places)
                built.append((batch, changes, batch.build(changes, shared) if changes.places else None))
            # No file is written before every record of every type is known to fit.
            for batch, changes, table in built:
                if table is not None:
                    self._write(connection, batch.kind, table, source)
                    stored += batch.stored(changes)
                write_heads(connection, source, batch.kind, changes.heads)
                write_superseded(connection, source, batch.kind, changes.superseded)
            if stored:
                connection.execute(update(counter).where(counter.c.name == "seq").values(value=last))
            state.advance(connection, source, progress)
        return Committed(sorted(stored), last)

    def last_seq(self) -> int:
        """Give the newest sequence number of the project; 0 when nothing is stored."""
        with self.engine.connect() as connection:
            return int(connection.execute(select(counter.c.value).where(counter.c.name == "seq")).scalar() or 0)

    def stored_since(self, source: str, seq: int) -> bool:
        """Tell whether records of a source were stored after a sequence number; waits for whoever is storing some.

        Raises:
            StorageError: The database cannot be read.
            Busy: Another process is writing and does not finish.
        """
        later = select(segment.c.sha256).where(segment.c.source == source, segment.c.first_seq > seq).limit(1)
        with transaction(self.engine) as connection:
            return connection.execute(later).first() is not None

    def register(
        self, source: str, streams: Mapping[str, Sequence[str]], *, revisions: Mapping[str, str] | None = None
    ) -> None:
        """Make the streams of a source and the types they feed known; see `progress.register`."""
        self.part(source)
        with transaction(self.engine) as connection:
            state.register(connection, source, streams, revisions=revisions)

    def plan(
        self, source: str, stream: str, types: Sequence[str], slices: Iterable[tuple[int, int, Cursor]]
    ) -> Sequence[SliceState]:
        """Store a new plan of a stream, slices `(start, end, cursor)` oldest first, in place of the one before.

        Raises:
            PermanentError: There is a gap between slices, or they are not in order.
        """
        with transaction(self.engine) as connection:
            streams = {name: known.types for name, known in state.read_streams(connection, source).items()}
            state.register(connection, source, {**streams, stream: tuple(types)})
            return state.store_plan(connection, source, stream, list(slices))

    def drop_plan(self, source: str, stream: str) -> None:
        """Forget the open plan of a stream, so that it is planned anew from its watermark."""
        with transaction(self.engine) as connection:
            state.drop_plan(connection, source, stream)

    def open_slices(self, source: str, stream: str) -> list[SliceState]:
        """Give the slices of a stream that are not exhausted, oldest first."""
        with self.engine.connect() as connection:
            return [part for part in state.read_slices(connection, source, stream) if part.cursor is not None]

    def stream_states(self, source: str) -> dict[str, StreamState]:
        """Give what is known of each stream of a source."""
        with self.engine.connect() as connection:
            return state.read_streams(connection, source)

    def part(self, source: str, kind: str | None = None) -> Path:
        """Give the folder of a source, or of one record type of it.

        Raises:
            ConfigurationError: The source's name cannot be the name of a folder.
        """
        if not _SOURCE.fullmatch(source):
            raise ConfigurationError(
                f"the source name {source!r} cannot be used", hint="Use letters, digits, dots, dashes and underscores."
            )
        folder = self.folder / source
        return folder / kind if kind else folder

    def _write(self, connection: Connection, kind: str, table: Any, source: str) -> None:
        from tallystick.records.segments import write

        file = write(self.part(source, kind), table)
        row = {**msgspec.structs.asdict(file), "source": source, "type": kind, "replaced": False}
        connection.execute(insert(segment), row)


def _by_type(records: Sequence[Record], where: str) -> dict[str, Sequence[int]]:
    """Give the places of the records of each type; types in the order of their first record."""
    strange = set(map(type, records)) - {Record}
    if strange:
        raise PermanentError(f"{where}: a page holds {strange.pop().__name__} where a Record is wanted", hint=HINT)
    kinds = [record.type for record in records]
    found = dict.fromkeys(kinds)
    unknown = [kind for kind in found if kind not in RECORD_TYPES or RECORD_TYPES[kind].of]
    if unknown:
        first = records[kinds.index(unknown[0])]
        raise PermanentError(f"{where}: {unknown[0]} {first.id}: there is no such record type", hint=HINT)
    if len(found) == 1:
        return {kinds[0]: range(len(kinds))}
    return {kind: [place for place, name in enumerate(kinds) if name == kind] for kind in found}


def _last_seq(connection: Connection) -> int:
    last = connection.execute(select(counter.c.value).where(counter.c.name == "seq")).scalar()
    if last is None:
        connection.execute(insert(counter), {"name": "seq", "value": 0})
    return int(last or 0)

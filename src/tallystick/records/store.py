"""The store of evidence: segments on disk, their catalog and the cursors in the database, moved by one transaction."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, insert, select, update

from tallystick.canonical import canonical
from tallystick.database.engine import transaction
from tallystick.database.schema import counter, segment
from tallystick.errors import ConfigurationError, PermanentError
from tallystick.records import progress as state
from tallystick.records.heads import Changes, Versions, compare, read_heads, write_heads, write_superseded
from tallystick.records.model import Record
from tallystick.records.progress import Cursor, Progress, SliceState, StreamState
from tallystick.records.types import RECORD_TYPES

__all__ = ["Committed", "RecordStore", "record_digest"]

_SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_HINT = "This is a fault of the connector; nothing of this batch was stored. Report it with this message."
_CUSTOM, _DELETED = b"\n", b"\ndeleted"
_LONGEST_ID = 500
"""Signs: the index of a database takes no longer key."""
_INSTANTS = (-62_135_596_800_000_000, 253_402_300_799_999_999)
_json = msgspec.json.Decoder(msgspec.Raw).decode


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
        batches = [_Batch(kind, places, records, where) for kind, places in _by_type(records, where).items()]
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


class _Batch:
    """The records of one type in a batch, with what is compared."""

    def __init__(self, kind: str, places: Sequence[int], records: Sequence[Record], where: str) -> None:
        self.kind = kind
        self.places = places
        self.where = where
        self._records = records if len(places) == len(records) else [records[place] for place in places]
        self.ids = [record.id for record in self._records]
        self._check()
        self._customs = [self._custom(record) if record.custom else None for record in self._records]
        self._raw_sha256, digests = self._hashes()
        self.versions = Versions(self.ids, [record.as_of for record in self._records], digests)

    def _hashes(self) -> tuple[list[str], list[bytes]]:
        """Give the hash of each record's bytes, and what its versions are compared by."""
        names: list[str] = []
        digests: list[bytes] = []
        last, raw = None, hashlib.sha256()
        for record, custom in zip(self._records, self._customs, strict=True):
            # Several records of one object come one after the other with the very same bytes.
            if record.raw is not last:
                last, raw = record.raw, hashlib.sha256(record.raw)
                try:
                    _json(last)
                except (msgspec.DecodeError, RecursionError) as error:
                    raise self._misfit(record.id, "raw", f"the bytes are not JSON ({error})") from None
                digest = raw.digest()
                name = digest.hex()
            names.append(name)
            if custom is None and not record.deleted:
                digests.append(digest)
                continue
            whole = raw.copy()
            whole.update(
                (_CUSTOM + custom.encode() if custom is not None else b"") + (_DELETED if record.deleted else b"")
            )
            digests.append(whole.digest())
        return names, digests

    def build(self, changes: Changes, shared: Mapping[str, Any]) -> Any:
        """Give the rows that are stored as an Arrow table."""
        from tallystick.records.segments import build

        common = {**shared, **self.common(changes)}
        return build(self.kind, common, self.select("values", changes), self.select("id", changes), where=self.where)

    def common(self, changes: Changes) -> dict[str, Any]:
        """Give the common columns that differ from row to row, for the rows that are stored."""
        return {
            "id": self.select("id", changes),
            "version": changes.versions,
            "seq": changes.seqs,
            "as_of": self.select("as_of", changes),
            "deleted": self.select("deleted", changes),
            "custom": [self._customs[place] for place in changes.places],
            "raw_sha256": [self._raw_sha256[place] for place in changes.places],
            "raw": self.select("raw", changes),
        }

    def select(self, field: str, changes: Changes) -> list[Any]:
        """Give a field of the records that are stored."""
        get = attrgetter(field)
        if len(changes.places) == len(self._records):
            return list(map(get, self._records))
        return [get(self._records[place]) for place in changes.places]

    def stored(self, changes: Changes) -> Sequence[int]:
        """Give the places, in the whole batch, of the records that are stored."""
        if len(changes.places) == len(self.places):
            return self.places
        return [self.places[place] for place in changes.places]

    def _check(self) -> None:
        """Check what is used before columns are built: ids, instants and bytes."""
        wanted = (("id", str), ("as_of", int), ("raw", bytes), ("deleted", bool), ("values", tuple))
        for field, kind in wanted:
            values = list(map(attrgetter(field), self._records))
            if set(map(type, values)) != {kind}:
                place = next(place for place, value in enumerate(values) if type(value) is not kind)
                found = type(values[place]).__name__
                raise self._misfit(self.ids[place], field, f"{found} is not {kind.__name__}")
            if field == "as_of" and not (_INSTANTS[0] <= min(values) and max(values) <= _INSTANTS[1]):
                place = next(n for n, value in enumerate(values) if not _INSTANTS[0] <= value <= _INSTANTS[1])
                raise self._misfit(self.ids[place], field, "it is not between the years 1 and 9999")
        if "" in self.ids or max(map(len, self.ids)) > _LONGEST_ID or not _is_text("".join(self.ids)):
            bad = next(one for one in self.ids if not one or len(one) > _LONGEST_ID or not _is_text(one))
            raise self._misfit(bad, "id", f"not usable as an id; it has 1 to {_LONGEST_ID} signs, none of them NUL")

    def _custom(self, record: Record) -> str:
        if type(record.custom) is not dict:
            raise self._misfit(record.id, "custom", f"{type(record.custom).__name__} is not dict")
        try:
            return canonical(record.custom).decode()
        except (TypeError, ValueError) as error:
            raise self._misfit(record.id, "custom", str(error)) from error

    def _misfit(self, record_id: object, column: str, why: str) -> PermanentError:
        """Give the error for a value that does not fit; an id is shown as far as a line takes it."""
        shown = record_id if type(record_id) is str and record_id.isprintable() and record_id else ascii(record_id)
        return PermanentError(f"{self.where}: {self.kind} {shown[:80]}: column {column}: {why}", hint=_HINT)


def record_digest(raw: bytes, custom: str | None, *, deleted: bool) -> bytes:
    """Give what two versions of a record are compared by: SHA-256 over raw, custom fields and the tombstone mark."""
    tail = (_CUSTOM + custom.encode() if custom is not None else b"") + (_DELETED if deleted else b"")
    return hashlib.sha256(raw + tail).digest()


def _is_text(value: str) -> bool:
    """Tell whether both databases and Parquet can hold it: no NUL, no lone surrogate."""
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False


def _by_type(records: Sequence[Record], where: str) -> dict[str, Sequence[int]]:
    """Give the places of the records of each type; types in the order of their first record."""
    strange = set(map(type, records)) - {Record}
    if strange:
        raise PermanentError(f"{where}: a page holds {strange.pop().__name__} where a Record is wanted", hint=_HINT)
    kinds = [record.type for record in records]
    found = dict.fromkeys(kinds)
    unknown = [kind for kind in found if kind not in RECORD_TYPES or RECORD_TYPES[kind].of]
    if unknown:
        first = records[kinds.index(unknown[0])]
        raise PermanentError(f"{where}: {unknown[0]} {first.id}: there is no such record type", hint=_HINT)
    if len(found) == 1:
        return {kinds[0]: range(len(kinds))}
    return {kind: [place for place, name in enumerate(kinds) if name == kind] for kind in found}


def _last_seq(connection: Connection) -> int:
    last = connection.execute(select(counter.c.value).where(counter.c.name == "seq")).scalar()
    if last is None:
        connection.execute(insert(counter), {"name": "seq", "value": 0})
    return int(last or 0)

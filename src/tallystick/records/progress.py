"""Progress: how far each stream of a source has been read, and what that makes known about each record type.

A stream is read plan by plan; a plan is a row of slices, oldest first, that are read side by side. What a stream is
known to hold without a gap is `[since, watermark)`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec
from sqlalchemy import Connection, Engine, delete, insert, select, update

from tallystick.database.schema import slice_state, stream_state
from tallystick.errors import PermanentError

__all__ = [
    "Coverage",
    "Progress",
    "SliceState",
    "StreamState",
    "advance",
    "coverage",
    "drop_plan",
    "read_slices",
    "read_streams",
    "register",
    "store_plan",
]

Cursor: TypeAlias = Mapping[str, Any]


class Progress(NamedTuple):
    """What a committed page says about its slice: where it resumes (None: exhausted) and up to when it is complete.

    With `moves` nothing is known of the plan before all of its slices are exhausted.
    """

    stream: str
    position: int
    cursor: Cursor | None
    watermark: int | None
    moves: bool = False


class SliceState(msgspec.Struct, frozen=True):
    """One slice `[start, end)` of the open plan of a stream; `cursor` is None once it is exhausted."""

    position: int
    start: int
    end: int
    cursor: dict[str, Any] | None
    watermark: int | None

    @property
    def known_until(self) -> int:
        """Up to when the slice is completely read; its start when nothing is known yet."""
        return self.start if self.watermark is None else self.watermark


class StreamState(msgspec.Struct, frozen=True):
    """What a stream feeds, and since when and up to when it was read without a gap; None before the first read."""

    types: tuple[str, ...]
    since: int | None
    watermark: int | None
    revision: str = ""


class Coverage(msgspec.Struct, frozen=True):
    """Over all streams that feed a record type: the earliest `since` and the lowest watermark.

    One stream is enough to list an object, so the history begins with the one that goes back furthest; all of them are
    needed to know what became of it. None says that one of them was never read: nothing is known about absence.
    """

    since: int | None
    watermark: int | None


def coverage(engine: Engine, source: str) -> dict[str, Coverage]:
    """Give, per record type of a source, the time `[since, watermark)` that has been read completely."""
    with engine.connect() as connection:
        streams = read_streams(connection, source).values()
    fed: dict[str, list[StreamState]] = {}
    for state in streams:
        for kind in state.types:
            fed.setdefault(kind, []).append(state)
    return {kind: _covered(states) for kind, states in sorted(fed.items())}


def read_streams(connection: Connection, source: str) -> dict[str, StreamState]:
    """Give the state of each stream of a source by name."""
    rows = connection.execute(
        select(stream_state).where(stream_state.c.source == source).order_by(stream_state.c.stream)
    )
    return {
        row.stream: StreamState(tuple(json.loads(row.types)), row.since, row.watermark, row.revision) for row in rows
    }


def register(
    connection: Connection,
    source: str,
    streams: Mapping[str, Sequence[str]],
    *,
    revisions: Mapping[str, str] | None = None,
) -> None:
    """Make the streams of a source known with the record types they feed, before any of them is read.

    A stream that now feeds a further type starts over, because it was never read for it, and so does one that was read
    at another revision (one that is not named keeps its own). A stream that the connector no longer has
    is forgotten, else it would hold back every watermark for ever. Records stay.
    """
    known = read_streams(connection, source)
    for stream, types in streams.items():
        revision = (revisions or {}).get(stream)
        same = stream in known and revision in {None, known[stream].revision}
        if same and set(types) <= set(known[stream].types):
            if tuple(types) != known[stream].types:
                connection.execute(_of(update(stream_state), source, stream).values(types=json.dumps(list(types))))
            continue
        _forget(connection, source, stream)
        row = {"source": source, "stream": stream, "types": json.dumps(list(types)), "revision": revision or ""}
        connection.execute(insert(stream_state), {**row, "since": None, "watermark": None})
    for stream in known.keys() - streams.keys():
        _forget(connection, source, stream)


def store_plan(
    connection: Connection, source: str, stream: str, slices: Sequence[tuple[int, int, Cursor]]
) -> Sequence[SliceState]:
    """Replace the plan of a registered stream by new slices `(start, end, cursor)`, oldest first.

    Raises:
        PermanentError: There is a gap between slices, they overlap (they may be the same), or are not in order.
    """
    before = None
    for start, end, _ in slices:
        if start > end or (before is not None and (start, end) != before and start != before[1]):
            raise PermanentError(
                f"{source}/{stream}: the plan is not a row of slices, oldest first, without a gap or an overlap",
                hint="This is a fault of the connector; nothing was read. Its author lets each slice begin where the "
                "one before ends, or read the very same time.",
            )
        before = (start, end)
    drop_plan(connection, source, stream)
    rows = [
        {"position": position, "start": start, "end": end, "cursor": _encode(cursor), "watermark": None}
        for position, (start, end, cursor) in enumerate(slices)
    ]
    if rows:
        connection.execute(insert(slice_state), [{"source": source, "stream": stream, **row} for row in rows])
    return read_slices(connection, source, stream)


def drop_plan(connection: Connection, source: str, stream: str) -> None:
    """Forget the slices of a stream; what they made known stays."""
    connection.execute(_of(delete(slice_state), source, stream, table=slice_state))


def read_slices(connection: Connection, source: str, stream: str) -> list[SliceState]:
    """Give all slices of the newest plan of a stream, exhausted ones too, oldest first."""
    query = _of(select(slice_state), source, stream, table=slice_state).order_by(slice_state.c.position)
    return [
        SliceState(
            row.position, row.start, row.end, None if row.cursor is None else json.loads(row.cursor), row.watermark
        )
        for row in connection.execute(query)
    ]


def advance(connection: Connection, source: str, progress: Iterable[Progress]) -> None:
    """Move slices to where they resume, and the watermarks of their streams as far as that allows.

    Of several entries for one slice the last cursor counts. A watermark never moves backwards, and none passes the end
    of its slice.

    Raises:
        PermanentError: There is no such slice.
    """
    merged: dict[tuple[str, int], tuple[Cursor | None, int | None]] = {}
    moving: set[str] = set()
    for stream, position, cursor, watermark, moves in progress:
        moving |= {stream} if moves else set()
        known = merged.get((stream, position), (None, None))[1]
        merged[stream, position] = (cursor, _later(known, watermark))
    for stream in {stream: None for stream, _ in merged}:
        slices = {part.position: part for part in read_slices(connection, source, stream)}
        for (owner, position), (cursor, watermark) in merged.items():
            if owner == stream:
                if position not in slices:
                    raise PermanentError(f"{source}/{stream}: the plan has no slice {position}")
                part = slices[position]
                mark = _later(part.watermark, None if watermark is None else min(watermark, part.end))
                slices[position] = SliceState(position, part.start, part.end, None if cursor is None else {}, mark)
                where = _of(update(slice_state), source, stream, table=slice_state)
                where = where.where(slice_state.c.position == position)
                connection.execute(where.values(cursor=_encode(cursor), watermark=mark))
        plan = [slices[position] for position in sorted(slices)]
        if stream not in moving or all(part.cursor is None for part in plan):
            _move_stream(connection, source, stream, plan)


def _move_stream(connection: Connection, source: str, stream: str, slices: Sequence[SliceState]) -> None:
    state = read_streams(connection, source)[stream]
    start, reached = slices[0].start, _reached(slices)
    if reached == start and any(part.cursor is not None for part in slices):
        return
    since, watermark = _union(state, start, reached)
    if (since, watermark) != (state.since, state.watermark):
        connection.execute(_of(update(stream_state), source, stream).values(since=since, watermark=watermark))


def _reached(slices: Sequence[SliceState]) -> int:
    """Give the instant up to which a plan is read without a gap: where the first of its slices still lacks something.

    Several slices may read the same time, one after what another shows; it is known only once all of them have.
    """
    lacking = [part.known_until for part in slices if part.cursor is not None or part.known_until < part.end]
    return min(lacking, default=slices[-1].end)


def _union(state: StreamState, start: int, reached: int) -> tuple[int, int]:
    """Join `[start, reached)` to what is known of the stream; what does not touch it takes its place only if later."""
    if state.since is None or state.watermark is None:
        return start, reached
    if start <= state.watermark and reached >= state.since:
        return min(start, state.since), max(reached, state.watermark)
    return (start, reached) if reached > state.watermark else (state.since, state.watermark)


def _covered(states: Sequence[StreamState]) -> Coverage:
    since = [state.since for state in states]
    watermarks = [state.watermark for state in states]
    return Coverage(
        None if None in since else min(value for value in since if value is not None),
        None if None in watermarks else min(value for value in watermarks if value is not None),
    )


def _later(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else max(one, other)


def _encode(cursor: Cursor | None) -> str | None:
    return None if cursor is None else json.dumps(cursor, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _forget(connection: Connection, source: str, stream: str) -> None:
    drop_plan(connection, source, stream)
    connection.execute(_of(delete(stream_state), source, stream))


def _of(statement: Any, source: str, stream: str, *, table: Any = stream_state) -> Any:
    return statement.where(table.c.source == source, table.c.stream == stream)

"""Streams of exports: file after file, oldest first; what a newer snapshot lacks was deleted."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from tallystick.connectors import Cursor, Page, Slice, Stream
from tallystick.connectors.mapping import Mapper
from tallystick.errors import CursorExpired, RetryableError
from tallystick.records.model import Record
from tallystick_files.description import InColumn, StreamDescription
from tallystick_files.exports import Export, find_exports, follows
from tallystick_files.reading import ExportReader
from tallystick_files.snapshots import missing_records
from tallystick_files.ties import find_overwritten, refuse_doubles, version_key

__all__ = ["ExportStream"]

_Step: TypeAlias = tuple[Sequence[Record], Cursor, int | None]
"""Records, where they end in the file, and up to when all is known after them."""

_DAY = 86_400_000_000
_MINUTE = 60_000_000


class ExportStream(Stream):
    """The files of one kind of export.

    A file is read again as long as it changed on this machine within a day before the watermark or later: so a file
    that came late, or was corrected, is read, and nothing has to be remembered about files. Reading one again stores
    nothing twice.

    Args:
        name: Name of the stream in the description.
        folder: Where the files lie.
        described: What is known of them.
        mapper: Makes the records.
        start: From when on the exports hold what happened, microseconds UTC.
        page_rows: Rows of a page.
        closed: Set once the connector is closed.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        described: StreamDescription,
        mapper: Mapper,
        *,
        start: int,
        page_rows: int,
        closed: threading.Event,
    ) -> None:
        self.name = name
        self.types = mapper.types
        self.revision = f"{mapper.revision}-{start}"
        self._folder = folder
        self._described = described
        self._start = start
        self._page_rows = page_rows
        self._closed = closed
        self._where = f"files/{name}"
        self.reader = ExportReader(described, mapper, self._where, page_rows=page_rows)

    @property
    def snapshots(self) -> bool:
        """Whether each file holds everything."""
        return self._described.holds == "snapshot"

    @property
    def declares_completeness(self) -> bool:
        """Whether anything says up to when a file is complete."""
        return self._described.exported_at is not None

    def plan(self, watermark: int | None, until: int) -> Sequence[Slice]:
        """Give one slice, from the watermark on, or from the declared start at the first read."""
        base = self._start if watermark is None else max(watermark, self._start)
        return [Slice(base, until, {})] if base < until else []

    def read(self, part: Slice) -> Iterator[Page]:
        """Yield the rows of each file that is to be read, then what a newer snapshot lacks.

        The cursor is the file, its hash, and the rows read of it. The watermark moves with each file that was read to
        its end, and never beyond what a file proves, nor past a day or month whose file is not there.

        Raises:
            CursorExpired: The file that the read stopped in is gone.
            ConnectorError: A file cannot be used; what was read before it is kept.
        """
        exports = self.exports(part.end)
        cursor = latest = part.cursor
        first = 0
        if "file" in cursor:
            first = next((place for place, export in enumerate(exports) if export.name == cursor["file"]), -1)
            if first < 0:
                raise CursorExpired(f"{self._where}: {cursor['file']}, in which the read stopped, is gone")
        reached = int(cursor.get("reached", part.start))
        due = [
            (place, export)
            for place, export in enumerate(exports[first:], first)
            if export.name == cursor.get("file")
            or _is_due(export, part.start)
            # What a snapshot lacks is seen against the one before it, which may have come late.
            or (self.snapshots and place and _is_due(exports[place - 1], part.start))
        ]
        overwritten = () if self.snapshots else find_overwritten(self.reader, [export for _, export in due])
        for place, export in due:
            resumed = cursor if export.name == cursor.get("file") else {}
            if resumed.get("done"):
                continue
            before = exports[place - 1] if place and self.snapshots else None
            for records, position, proven in self._steps(export, before, resumed, overwritten):
                if self._closed.is_set():
                    raise RetryableError(f"{self._where}: closed while it was read")
                # What came before the first file ever is what the declared start says: nothing.
                if proven is not None and (reached == self._start or follows(export, reached)):
                    reached = max(reached, min(proven, part.end))
                behind = {"file": export.name, "reached": reached, **position}
                # Rows that the mapping passes over make no page, and a file may end where a page ended.
                if records or (position["done"] and behind != latest):
                    latest = behind
                    yield Page(records, behind, reached)
        yield Page([], None, reached)

    def exports(self, until: int) -> list[Export]:
        """Give the files that are there, oldest first.

        Raises:
            ConnectorError: The folder or a name cannot be read, or there is no file.
        """
        return find_exports(self._folder, self._described, until, self._where)

    def _steps(
        self, export: Export, before: Export | None, cursor: Cursor, overwritten: Collection[bytes]
    ) -> Iterator[_Step]:
        """Give the pages of a file from a cursor on; the last one says what the file proves."""
        if self.snapshots:
            refuse_doubles(self.reader, export, f"{self._where}: {export.name}")
        position: Cursor = {}
        for batch in self.reader.batches(export, int(cursor.get("rows", 0)), str(cursor.get("sha256", ""))):
            done = batch.last and before is None
            position = {"sha256": batch.sha256, "rows": batch.rows, "done": done}
            records = batch.records
            if overwritten:
                records = [record for record in records if version_key(record) not in overwritten]
            yield records, position, self._proven(export, batch.newest) if done else None
        if before is None:
            return
        gone = int(cursor.get("gone", 0)) if cursor.get("sha256") == position["sha256"] else 0
        pages = missing_records(
            self.reader,
            before,
            export,
            most_missing=self._described.most_missing,
            where=f"{self._where}: {export.name}",
            size=self._page_rows,
            skip=gone,
        )
        for records in pages:
            gone += len(records)
            yield records, {**position, "gone": gone}, None
        yield [], {**position, "gone": gone, "done": True}, export.exported_at

    def _proven(self, export: Export, newest: int | None) -> int | None:
        declared = self._described.exported_at
        if isinstance(declared, InColumn):
            return None if newest is None else newest - declared.lag_minutes * _MINUTE
        return export.exported_at


def _is_due(export: Export, since: int) -> bool:
    """Tell whether a file may hold what was not read: it is newer, or changed since, however its clock goes."""
    return (export.exported_at is not None and export.exported_at > since) or export.changed_at > since - _DAY

"""One export, read from a row on: records with their place, and what it proves once it is read to its end."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from tallystick.connectors.mapping import Getter, Mapper, Reader, Unreadable, getter, reader
from tallystick.errors import Position, SchemaChanged
from tallystick.records.model import Record
from tallystick_files.csvrows import csv_rows
from tallystick_files.description import InColumn, StreamDescription
from tallystick_files.exports import Export, check_whole
from tallystick_files.opening import open_export
from tallystick_files.parquetrows import parquet_rows
from tallystick_files.rows import Row, json_rows

__all__ = ["Batch", "ExportReader"]


class Batch(NamedTuple):
    """Records of consecutive rows of a file.

    `rows` counts all rows up to here; `newest` is the newest instant of the column that says how far the file reaches,
    None where there is no such column or no row yet; `sha256` is the file's; `last` says that the file ends here.
    """

    records: Sequence[Record]
    rows: int
    newest: int | None
    sha256: str
    last: bool = False


class ExportReader:
    """Reads the exports of one stream.

    Args:
        stream: What is known of them.
        mapper: Makes the records.
        where: Connector and stream, for messages.
        page_rows: Rows of a batch.
        page_bytes: Bytes after which a batch ends sooner.
    """

    def __init__(
        self, stream: StreamDescription, mapper: Mapper, where: str, *, page_rows: int, page_bytes: int = 8_000_000
    ) -> None:
        self._stream = stream
        self._mapper = mapper
        self._where = where
        self._page_rows = page_rows
        self._page_bytes = page_bytes
        self._newest: tuple[Getter, Reader] | None = None
        if isinstance(stream.exported_at, InColumn):
            field = stream.exported_at.column
            nested = stream.kind == "jsonl"
            self._newest = getter(field.path or [], nested=nested), reader("instant", field)

    def batches(self, export: Export, skip: int = 0, sha256: str = "") -> Iterator[Batch]:
        """Give the records of a file in batches; the last one, which may be empty, ends the file.

        Args:
            export: The file.
            skip: Rows that were read by an earlier run,
            sha256: from the file with this hash; if it is another one now, all rows are read.

        Raises:
            ConnectorError: The file or a row of it cannot be read, or it is not what its manifest says.
        """
        where = f"{self._where}: {export.name}"
        given = {} if export.exported_at is None else {"$exported_at": export.exported_at}
        with open_export(export.path, where) as (file, found):
            skip = skip if sha256 == found else 0
            records: list[Record] = []
            rows, size, newest = 0, 0, None
            for row in self._rows(file, export):
                if rows == 0:
                    self._check_names(row, export)
                rows += 1
                newest = _later(newest, self._newest_of(row, export))
                if rows <= skip:
                    continue
                records += self._mapper.records(row.values, row.raw, f"{where}:{row.line}", given)
                size += len(row.raw)
                if (rows - skip) % self._page_rows == 0 or size >= self._page_bytes:
                    yield Batch(records, rows, newest, found)
                    records, size = [], 0
            check_whole(export, rows, found, where)
        yield Batch(records, rows, newest, found, last=True)

    def _rows(self, file: Any, export: Export) -> Iterator[Row]:
        # What stands before a position in a message is what a person opens.
        name = f"{self._where}: {export.name}"
        if self._stream.kind == "csv":
            return csv_rows(file, name, self._stream.csv)
        return json_rows(file, name) if self._stream.kind == "jsonl" else parquet_rows(file, name)

    def _check_names(self, row: Row, export: Export) -> None:
        """Check that a table has the columns that are mapped: one that is gone would be unknown in silence."""
        if self._stream.kind == "jsonl":
            return
        gone = [root for root in self._mapper.roots if root not in row.values]
        if gone:
            near = difflib.get_close_matches(gone[0], list(row.values), n=1)
            hint = f"Did you mean {near[0]}? " if near else ""
            raise SchemaChanged(
                f"there is no column {', '.join(gone)}, which is mapped",
                hint=f"{hint}Correct the export, or the mapping.",
                where=Position(f"{self._where}: {export.name}", 1),
            )

    def _newest_of(self, row: Row, export: Export) -> int | None:
        if self._newest is None:
            return None
        get, read = self._newest
        value = get(row.values, None)
        if value is None or value == "":
            return None
        try:
            found = read(value)
        except Unreadable as error:
            said = f"{self._where}: {export.name}:{row.line}: exported_at: {error}"
            raise SchemaChanged(said, hint=error.hint or "Correct the export, or the description.") from None
        return found if isinstance(found, int) else None


def _later(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else max(one, other)

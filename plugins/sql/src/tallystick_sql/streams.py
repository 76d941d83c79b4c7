"""Streams of tables: row by row in the order of cursor and key, in one state of the warehouse."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tallystick.connectors import Page, Slice, Stream
from tallystick.connectors.mapping import FieldMapping, Mapper, Unreadable, reader, row_bytes
from tallystick.errors import PermanentError, SchemaChanged
from tallystick.records.model import Record
from tallystick_sql import statements
from tallystick_sql.description import StreamDescription
from tallystick_sql.positions import bound, decode, encode
from tallystick_sql.statements import Cell
from tallystick_sql.warehouse import Rows, Snapshot, Warehouse

__all__ = ["TableStream"]

_DAY = 86_400_000_000
_MINUTE = 60_000_000
_PIECE_BYTES = 8_000_000


class TableStream(Stream):
    """The rows of a table or view.

    Args:
        name: Name of the stream in the description.
        warehouse: Where the table is.
        described: What is known of it.
        mapper: Makes the records.
        start: From when on it holds what happened, microseconds UTC.
        page_rows: Rows of a page.
    """

    def __init__(
        self,
        name: str,
        warehouse: Warehouse,
        described: StreamDescription,
        mapper: Mapper,
        *,
        start: int,
        page_rows: int,
    ) -> None:
        self.name = name
        self.types = mapper.types
        self.revision = f"{mapper.revision}-{start}"
        self.described = described
        self.where = f"sql/{name}: {'.'.join(described.table)}"
        self._warehouse = warehouse
        self._mapper = mapper
        self._start = start
        self._page_rows = page_rows
        self._order = [*([str(described.cursor.path)] if described.cursor else []), *described.key]

    def plan(self, watermark: int | None, until: int) -> Sequence[Slice]:
        """Give one slice, from the declared overlap before the watermark on, or from the start at the first read."""
        base = self._start
        if watermark is not None and self.described.cursor is not None:
            base = max(watermark - self.described.overlap_minutes * _MINUTE, self._start)
        return [Slice(base, until, {})] if base < until else []

    def read(self, part: Slice) -> Iterator[Page]:
        """Yield the rows in the order of cursor and key, in one state of the warehouse.

        The watermark that ends the slice is what was complete at its first page, even if the read was cut and goes on
        in a later state: what was loaded in between behind the position is not among what was read.

        Raises:
            SchemaChanged: A mapped column is gone, a value cannot be read, a cursor or key is null, or the key is not
                unique.
            PermanentError: A row is dated more than a day after the end of the read.
            ConnectorError: A statement was refused or could not be sent.
        """
        with self._warehouse.snapshot() as snapshot:
            names = self.names(snapshot)
            first, last = self._bounds(snapshot, part)
            cursor = part.cursor
            if "after" not in cursor:
                self._check_order(snapshot)
                cursor = {"complete": self.complete(snapshot, part.end, last), "after": None}
            complete = part.start if cursor["complete"] is None else max(int(cursor["complete"]), part.start)
            given = {} if cursor["complete"] is None else {"$complete_until": complete}
            after = decode(cursor["after"] or ())
            # A whole table is read from its start whatever its rows are dated.
            least = first if part.start > self._start else None
            whole = statements.count(self.described.table, self._order, after=after, least=least, most=last)
            rows = 0
            while True:
                asked = statements.page(
                    self.described.table, self._order, after=after, least=least, most=last, limit=self._page_rows
                )
                found = snapshot.ask(asked)
                rows += len(found.values)
                for records, values in self._pieces(found, given):
                    ends = dict(zip(names, values, strict=True))
                    position = encode([ends[name] for name in self._order])
                    after = decode(position)
                    # Rows that the mapping passes over make no page: the next one says where it ends.
                    if records:
                        yield Page(records, {"complete": cursor["complete"], "after": position})
                if len(found.values) < self._page_rows:
                    self._check_count(rows, snapshot.ask(whole).values[0][0])
                    yield Page([], None, min(complete, part.end))
                    return

    def names(self, snapshot: Snapshot) -> Sequence[str]:
        """Give the columns of the table.

        Raises:
            SchemaChanged: One that is mapped, or that rows are ordered by, is not among them.
        """
        names = snapshot.ask(statements.header(self.described.table)).names
        gone = [name for name in dict.fromkeys((*self._order, *self._mapper.roots)) if name not in names]
        if gone:
            near = difflib.get_close_matches(gone[0], names, n=1)
            raise SchemaChanged(
                f"{self.where}: there is no column {', '.join(gone)}, which is mapped",
                hint=f"{f'Did you mean {near[0]}? ' if near else ''}Correct the description, or the view.",
            )
        return names

    def records(self, rows: Rows, given: Mapping[str, int]) -> Iterator[list[Record]]:
        """Give the records of each row; a row is named by its key in messages.

        Raises:
            SchemaChanged: A value cannot be read.
        """
        for values in rows.values:
            row = dict(zip(rows.names, values, strict=True))
            key = "/".join(str(row[name]) for name in self.described.key)
            try:
                raw = row_bytes(row)
            except (TypeError, ValueError) as error:
                said = f"{self.where}: row {key}: {error}"
                raise SchemaChanged(said, hint="Cast the column to text in a view.") from None
            yield self._mapper.records(row, raw, f"{self.where}: row {key}", given)

    def _pieces(self, rows: Rows, given: Mapping[str, int]) -> Iterator[tuple[list[Record], Sequence[Any]]]:
        """Give the records of rows in pieces of some megabytes, each with the row that it ends with."""
        piece: list[Record] = []
        size = 0
        for values, records in zip(rows.values, self.records(rows, given), strict=True):
            piece += records
            size += sum(len(record.raw) for record in records)
            if size >= _PIECE_BYTES:
                yield piece, values
                piece, size = [], 0
        if rows.values:
            yield piece, rows.values[-1]

    def complete(self, snapshot: Snapshot, until: int, most: Cell | None) -> int | None:
        """Give the instant up to which the table says it is complete; None where nothing says it.

        Raises:
            SchemaChanged: What should say it cannot be read.
            PermanentError: It lies more than a day after `until`.
        """
        declared = self.described.complete_until
        if declared is None:
            return None
        if declared.table is not None and declared.column is not None:
            field, where = declared.column, f"{self.where}: {'.'.join(declared.table)}"
            asked = statements.newest(declared.table, str(field.path), declared.where, None)
        else:
            field, where = self._cursor(), self.where
            asked = statements.newest(self.described.table, str(field.path), {}, most)
        newest = snapshot.ask(asked).values[0][0]
        if newest is None:
            return None
        at = self._instant(newest, field, where)
        if at > until + _DAY:
            raise PermanentError(
                f"{where}: {field.path} lies more than a day in the future",
                hint="Correct the row, or the clock of this machine.",
            )
        return min(at, until) - declared.lag_minutes * _MINUTE

    def _bounds(self, snapshot: Snapshot, part: Slice) -> tuple[Cell | None, Cell | None]:
        """Give the first and the last value of the cursor that this read is about, in its column's own type.

        Raises:
            PermanentError: A row is dated more than a day after the end of the read: it would never be read.
        """
        if self.described.cursor is None:
            return None, None
        field = self._cursor()
        newest = snapshot.ask(statements.newest(self.described.table, str(field.path), {}, None)).values[0][0]
        if newest is None:
            return None, None
        if self._instant(newest, field, self.where) > part.end + _DAY:
            raise PermanentError(
                f"{self.where}: a row's {field.path} lies more than a day in the future",
                hint="Correct the row, or the clock of this machine.",
            )
        return bound(part.start, newest, field, upwards=False), bound(part.end, newest, field, upwards=True)

    def _check_order(self, snapshot: Snapshot) -> None:
        if snapshot.ask(statements.any_null(self.described.table, self._order)).values:
            raise SchemaChanged(
                f"{self.where}: a row has no {' or no '.join(self._order)}",
                hint="Such a row would never be read: leave it out in a view, or give it a value.",
            )

    def _check_count(self, read: int, there: int) -> None:
        """Check that the pages held every row: one of equal order, where a page ends, is in none of them."""
        if read != there:
            raise SchemaChanged(
                f"{self.where}: {read:,} rows were read, and {there:,} are there: {', '.join(self.described.key)} is "
                "not unique, or not compared as it is put in order",
                hint="Add columns to `key` until they are unique together; cast a text that ignores case in a view.",
            )

    def _cursor(self) -> FieldMapping:
        if self.described.cursor is None:
            raise TypeError("this table is read without a cursor")
        return self.described.cursor

    def _instant(self, value: Any, field: FieldMapping, where: str) -> int:
        try:
            found = reader("instant", field)(value)
        except Unreadable as error:
            raise SchemaChanged(f"{where}: {field.path}: {error}", hint=error.hint or "Cast it in a view.") from None
        return int(found or 0)

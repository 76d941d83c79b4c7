"""Segments: immutable Parquet files of record versions, named by their SHA-256.

A segment holds rows of one source and one record type in the order of `seq`: the common columns, then the typed ones.
Instants are timestamps in UTC with microseconds; money is DECIMAL(18, 4), rates are DECIMAL(38, 12).
"""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from itertools import accumulate
from pathlib import Path
from types import NoneType
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tallystick.errors import PermanentError, StorageError
from tallystick.records.types import COMMON, RECORD_TYPES, Column, Kind

__all__ = ["SegmentFile", "arrow_schema", "build", "open_writer", "place", "sync_folder", "write"]

_ARROW: Mapping[Kind, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "money": pa.decimal128(18, 4),
    "rate": pa.decimal128(38, 12),
    "boolean": pa.bool_(),
    "instant": pa.timestamp("us", "UTC"),
}
_PYTHON: Mapping[Kind, frozenset[type]] = {
    "text": frozenset({str, NoneType}),
    "integer": frozenset({int, NoneType}),
    "money": frozenset({Decimal, NoneType}),
    "rate": frozenset({Decimal, NoneType}),
    "boolean": frozenset({bool, NoneType}),
    "instant": frozenset({int, NoneType}),
}
_WANTED: Mapping[Kind, str] = {
    "text": "Unicode text",
    "integer": "an int of 64 bits",
    "money": "a Decimal of at most 18 digits, 4 of them decimal places",
    "rate": "a Decimal of at most 38 digits, 12 of them decimal places",
    "boolean": "a bool",
    "instant": "an int of microseconds since 1970-01-01T00:00Z, between the years 1 and 9999",
}
_SHOWN = frozenset({int, bool, float, Decimal, date, datetime})
_SHOWN_BITS, _SHOWN_SIGNS = 128, 60
_FIRST_INSTANT = -62_135_596_800_000_000
_LAST_INSTANT = 253_402_300_799_999_999
# Values that hardly repeat: a dictionary of them costs time and wins nothing.
_UNIQUE = frozenset({"id", "seq", "as_of", "raw", "raw_sha256", "custom"})
_LARGE = frozenset({"raw", "raw_sha256", "custom"})


class SegmentFile(msgspec.Struct, frozen=True):
    """A segment that lies in its folder, fsynced, and is not registered yet."""

    sha256: str
    first_seq: int
    last_seq: int
    rows: int
    bytes: int


@cache
def arrow_schema(kind: str) -> pa.Schema:
    """Give the columns of a record type's segments in their order: common, then typed."""
    return pa.schema([(column.name, _ARROW[column.kind]) for column in (*COMMON, *RECORD_TYPES[kind].columns)])


def build(
    kind: str, common: Mapping[str, Any], rows: Sequence[tuple[Any, ...]], ids: Sequence[str], *, where: str
) -> pa.Table:
    """Give rows as an Arrow table, every value checked against its column.

    Args:
        kind: Record type.
        common: The common columns by name: a sequence per column, or one `str` or `int` that all rows share.
        rows: Typed values, one tuple per row in the order of the type's columns.
        ids: Ids of the rows, for messages.
        where: Source and streams, for messages.

    Raises:
        PermanentError: A value does not fit its column; names type, id and column. Nothing is converted or rounded.
    """
    typed = RECORD_TYPES[kind].columns
    if set(map(len, rows)) != {len(typed)}:
        short = next(place for place, row in enumerate(rows) if len(row) != len(typed))
        raise PermanentError(
            f"{where}: {kind} {ids[short]} has {len(rows[short])} values where the type has {len(typed)} columns",
            hint=_HINT,
        )
    arrays = [_common(column, common[column.name], ids, f"{where}: {kind}") for column in COMMON]
    for column, values in zip(typed, zip(*rows, strict=True), strict=True):
        arrays.append(_array(column, values, ids, f"{where}: {kind}"))
    return pa.Table.from_arrays(arrays, schema=arrow_schema(kind))


def write(folder: Path, table: pa.Table) -> SegmentFile:
    """Write a table as a segment into a folder, made if it is missing; durable when this returns.

    Raises:
        StorageError: The disk is full or refuses; no file of the segment's name is left half-written.
    """
    sink = pa.BufferOutputStream()
    with open_writer(sink, table.schema) as writer:
        writer.write_table(table, row_group_size=max(1, table.num_rows))
    data = sink.getvalue()
    sha256 = hashlib.sha256(data).hexdigest()
    place(folder, sha256, data)
    seqs = table.column("seq")
    return SegmentFile(sha256, seqs[0].as_py(), seqs[-1].as_py(), table.num_rows, data.size)


def open_writer(sink: Any, schema: pa.Schema) -> pq.ParquetWriter:
    """Give a Parquet writer with the settings of all segments: zstd at its fastest, no dictionary of unique values."""
    names = schema.names
    return pq.ParquetWriter(
        sink,
        schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=[name for name in names if name not in _UNIQUE],
        write_statistics=[name for name in names if name not in _LARGE],
    )


def place(folder: Path, sha256: str, data: Any) -> None:
    """Put bytes into a folder under the name of their hash: whole and durable, or not at all.

    Raises:
        StorageError: The disk is full or refuses.
    """
    path = folder / f"{sha256}.parquet"
    temporary = folder / f".{sha256}.tmp"
    try:
        _make_folder(folder)
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(path)
        except OSError:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        sync_folder(folder)
    except OSError as error:
        raise StorageError(
            f"a segment could not be written to {folder}: {error.strerror or error}",
            hint="What was stored before is intact. Make room or mend the disk, then run the same command again.",
        ) from error


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_HINT = "This is a fault of the connector; nothing of this batch was stored. Report it with this message."


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def _common(column: Column, given: Any, ids: Sequence[str], where: str) -> pa.Array:
    if isinstance(given, str | int):
        return pa.repeat(pa.scalar(given, _ARROW[column.kind]), len(ids))
    if column.name == "raw":
        return _raw(given, ids, where)
    return _array(column, given, ids, where)


def _raw(values: Sequence[bytes], ids: Sequence[str], where: str) -> pa.Array:
    # Laid end to end by hand: twice as fast as letting Arrow grow its buffers value by value.
    offsets = array("i", accumulate(map(len, values), initial=0))
    text = pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(b"".join(values)))
    try:
        text.validate(full=True)
    except pa.ArrowException:
        bad = next(record_id for record_id, value in zip(ids, values, strict=True) if not _is_utf8(value))
        raise PermanentError(f"{where} {bad}: column raw: the bytes are not UTF-8 text", hint=_HINT) from None
    return text


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _array(column: Column, values: Iterable[Any], ids: Sequence[str], where: str) -> pa.Array:
    """Convert a column at once; only when that fails look for the value that does not fit."""
    arrow = _ARROW[column.kind]
    try:
        if set(map(type, values)) <= _PYTHON[column.kind]:
            array = pa.array(values, arrow)
            if column.kind != "instant" or _in_range(array):
                return array
    except (pa.ArrowException, ValueError, OverflowError):
        pass
    for record_id, value in zip(ids, values, strict=True):
        if not _fits(column, value):
            raise PermanentError(
                f"{where} {record_id}: column {column.name}: {_shown(value)} is not {_WANTED[column.kind]}", hint=_HINT
            )
    raise AssertionError(f"{column.name} is refused as a whole and accepted value by value")


def _shown(value: object) -> str:
    """Give a number or an instant as it is, and of anything else the type: a text may be personal data."""
    name = type(value).__name__
    if isinstance(value, int) and value.bit_length() > _SHOWN_BITS:
        return f"{name} of {value.bit_length()} bits"
    return f"{name} {str(value)[:_SHOWN_SIGNS]}" if type(value) in _SHOWN else name


def _in_range(array: pa.Array) -> bool:
    ends = pc.min_max(array.cast(pa.int64())).as_py()
    return ends["min"] is None or (ends["min"] >= _FIRST_INSTANT and ends["max"] <= _LAST_INSTANT)


def _fits(column: Column, value: Any) -> bool:
    if type(value) not in _PYTHON[column.kind]:
        return False
    try:
        pa.scalar(value, _ARROW[column.kind])
    except (pa.ArrowException, ValueError, OverflowError):
        return False
    return column.kind != "instant" or value is None or _FIRST_INSTANT <= value <= _LAST_INSTANT

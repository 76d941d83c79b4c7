"""The rows of a Parquet file, with the exact values of its columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from tallystick.connectors.mapping import row_bytes
from tallystick_files.opening import broken
from tallystick_files.rows import Row

__all__ = ["parquet_rows"]

_BATCH = 1000


def parquet_rows(file: IO[bytes], name: str) -> Iterator[Row]:
    """Give the rows of a Parquet file, numbered from 1.

    Timestamps become date-times (nanoseconds are read only where they are whole microseconds), decimals stay exact,
    structures and lists become objects and lists.

    Raises:
        PermanentError: The file is cut off or damaged, or a column is of a type that has no form here.
    """
    try:
        table = pq.ParquetFile(file)
        schema = _readable(table.schema_arrow)
        number = 0
        for batch in table.iter_batches(batch_size=_BATCH):
            for values in pa.Table.from_batches([batch]).cast(schema).to_pylist(maps_as_pydicts="strict"):
                number += 1
                yield Row(values, row_bytes(values), number)
    except (pa.ArrowException, OSError, TypeError, KeyError, ValueError, OverflowError) as error:
        said = f"it cannot be read as Parquet ({type(error).__name__})"
        hint = "Was the file cut off? Are there two columns of one name, nanoseconds, or years beyond 9999?"
        raise broken(name, said, hint) from None


def _readable(schema: pa.Schema) -> pa.Schema:
    names = schema.names
    if len(set(names)) != len(names):
        raise pa.ArrowInvalid("two columns of one name")
    return pa.schema([(field.name, _type(field.type)) for field in schema])


def _type(kind: Any) -> Any:
    """Give the type whose values Python holds exactly; a cast that would lose something fails."""
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return pa.timestamp("us", kind.tz)
    return _type(kind.value_type) if pa.types.is_dictionary(kind) else kind

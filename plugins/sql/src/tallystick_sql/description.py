"""What a description of a warehouse may say: which tables, how they are read, what they prove, what becomes of them.

What a warehouse holds is as old as its last load. It proves completeness only by what the buyer declares: the newest
row less a lag, or a table in which the loader writes how far it came. The clock of no machine proves anything.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    field_validator,
    model_validator,
)

from tallystick.connectors.mapping import FieldError, FieldMapping, RecordMapping, Tables

__all__ = ["Completeness", "Description", "Instant", "Name", "StreamDescription"]

_FORMATS = (None, "iso", "unix", "unix_ms", "date")


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _from_path(value: object) -> object:
    return {"path": value} if isinstance(value, str) else value


def _check_instant(field: FieldMapping) -> FieldMapping:
    if field.model_fields_set - {"path", "format", "timezone"} or not isinstance(field.path, str):
        raise FieldError("an instant is read from a column, with format and timezone", hint="Write a column alone.")
    if field.format not in _FORMATS:
        raise FieldError("a database compares no texts as times", hint="Cast it in a view.", path=("format",))
    return field


Instant: TypeAlias = Annotated[FieldMapping, BeforeValidator(_from_path), AfterValidator(_check_instant)]
"""A column with an instant, and how it is written."""


def _name_parts(value: object) -> object:
    return value.split(".") if isinstance(value, str) else value


Name: TypeAlias = Annotated[
    list[Annotated[StrictStr, Field(min_length=1)]], BeforeValidator(_name_parts), Field(min_length=1, max_length=2)
]
"""A table or view: `schema.name`, or `[schema, name]` where a name has a dot in it."""


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


class Completeness(_Shape):
    """Up to when a table is complete.

    Attributes:
        lag_minutes: Rows as old as that may still come: what the load, and the replication behind it, may lag.
        table: Where the loader writes how far it came; without it, the newest cursor of the table itself counts.
        column: The instant in that table; the newest one counts.
        where: Columns of that table and their values, to find the rows that are about this table.
    """

    lag_minutes: int = Field(ge=0)
    table: Name | None = None
    column: Instant | None = None
    where: dict[str, StrictBool | StrictInt | StrictStr] = {}

    @model_validator(mode="after")
    def _check(self) -> Completeness:
        if (self.table is None) != (self.column is None):
            raise FieldError("table and column belong together", hint="Write {table: loads, column: finished_at}.")
        if self.where and self.table is None:
            raise FieldError("where belongs to table", path=("where",))
        return self


class StreamDescription(_Shape):
    """A table or view.

    Attributes:
        table: Its name.
        key: Columns that together are unique.
        cursor: The column that grows with every change of a row; without it, the whole table is read in each run.
        overlap_minutes: How far behind the watermark each read begins, for rows that are loaded late.
        complete_until: What tells up to when it is complete; without it nothing is known about what is absent.
        records: What becomes of a row.
    """

    table: Name
    key: Annotated[list[StrictStr], BeforeValidator(_listed), Field(min_length=1)]
    cursor: Instant | None = None
    overlap_minutes: int = Field(default=60, ge=0)
    complete_until: Completeness | None = None
    records: list[RecordMapping] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> StreamDescription:
        complete = self.complete_until
        if complete is not None and complete.table is None and self.cursor is None:
            raise FieldError(
                "without a cursor the newest row is not known",
                hint="Add `cursor: updated_at`, or a table in which the loader writes how far it came.",
                path=("complete_until",),
            )
        if self.cursor is None and "overlap_minutes" in self.model_fields_set:
            raise FieldError("overlap_minutes belongs to cursor", path=("overlap_minutes",))
        return self

    @property
    def given(self) -> tuple[str, ...]:
        """The instants that are known before the rows are read."""
        return ("$complete_until",) if self.complete_until is not None else ()


class Description(_Shape):
    """A description file: streams by name, and tables of values that several columns use by name."""

    values: Tables = Field(default={})
    streams: Annotated[dict[str, StreamDescription], Field(min_length=1)]

    @field_validator("streams")
    @classmethod
    def _check_names(cls, value: dict[str, StreamDescription]) -> dict[str, StreamDescription]:
        for name in value:
            if not name.isidentifier():
                raise FieldError("a stream is named by letters, digits and _", path=(name,))
        return value

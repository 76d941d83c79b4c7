"""What a description of exports may say: which files, how they are written, what they prove, and what becomes of them.

A file proves completeness only by what the buyer declares: an instant in its name, in a manifest beside it, or in a
column. The clock of this machine and the dates of the file prove nothing.
"""

from __future__ import annotations

import codecs
import io
from typing import Annotated, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from tallystick.connectors.mapping import FieldError, FieldMapping, RecordMapping, Tables

__all__ = ["Csv", "Description", "ExportedAt", "InColumn", "InManifest", "InName", "StreamDescription"]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _from_path(value: object) -> object:
    return {"path": value} if isinstance(value, (str, list)) else value


def _check_instant(field: FieldMapping) -> FieldMapping:
    strange = field.model_fields_set - {"path", "format", "timezone"}
    if strange or field.path is None:
        raise FieldError("an instant is read from a path, with format and timezone", hint="Write a path alone.")
    return field


Instant: TypeAlias = Annotated[FieldMapping, BeforeValidator(_from_path), AfterValidator(_check_instant)]
"""Where an instant stands, and how it is written."""


class Csv(_Shape):
    """How a CSV file is written."""

    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str = Field(default='"', min_length=1, max_length=1)
    encoding: str = "utf-8"

    @field_validator("encoding")
    @classmethod
    def _check_encoding(cls, value: str) -> str:
        try:
            codecs.lookup(value)
            # Some codecs are of bytes, such as hex, and some refuse every text.
            io.TextIOWrapper(io.BytesIO(b"\n"), encoding=value).close()
            "".encode(value)
        except (LookupError, UnicodeError):
            raise FieldError("there is no such encoding", hint="Write utf-8, cp1252 or latin-1.") from None
        return value


class InName(_Shape):
    """The file's name says when it was exported.

    Attributes:
        name: Pattern of the whole name, such as `tickets-%Y-%m-%dT%H%M.csv`.
        timezone: Zone of a time in the name that carries no offset.
        covers: `instant`: all that had happened by the instant named; `day` or `month`: all that happened in it, and
            the file is read once it is over.
    """

    name: str = Field(min_length=1)
    timezone: str | None = None
    covers: Literal["instant", "day", "month"] = "instant"

    @model_validator(mode="after")
    def _check(self) -> InName:
        if "/" in self.name:
            raise FieldError("the pattern is for the name of the file alone", path=("name",))
        if "%" not in self.name:
            raise FieldError("the pattern has no date in it", hint="Write tickets-%Y-%m-%d.csv.", path=("name",))
        if "%y" in self.name:
            raise FieldError(
                "%y leaves the century open", hint="Name files with four digits of the year.", path=("name",)
            )
        if self.timezone is None and (self.covers != "instant" or "%z" not in self.name):
            hint = "Add `timezone: Europe/Berlin`, the zone in which the files are named."
            raise FieldError("the time in the name carries no offset, and no timezone is declared", hint=hint)
        FieldMapping(path="name", format=self.name, timezone=self.timezone)
        return self


class InManifest(_Shape):
    """A JSON file beside each file, written after it, says when it was exported, and so that it is all there.

    Attributes:
        manifest: Name of the manifest; `{file}` stands for the name of the file.
        exported_at: Where the instant stands in it, and how it is written.
        rows: Where the number of rows stands, if it does.
        sha256: Where the SHA-256 of the file stands, if it does.
    """

    manifest: str = Field(pattern=r"^[^/]*\{file\}[^/]*$")
    exported_at: Instant
    rows: str | None = None
    sha256: str | None = None


class InColumn(_Shape):
    """The newest instant in a column of the file, less what the export may lag behind.

    Attributes:
        column: Where the instant stands in a row, and how it is written.
        lag_minutes: Rows as old as that may still come in a later file.
    """

    column: Instant
    lag_minutes: int = Field(ge=0)


def _way(value: object) -> str | None:
    """Tell which of the three ways is meant by the key that only it has."""
    given = value if isinstance(value, dict) else {}
    return next((key for key in ("name", "manifest", "column") if key in given), None)


ExportedAt: TypeAlias = Annotated[
    Annotated[InName, Tag("name")] | Annotated[InManifest, Tag("manifest")] | Annotated[InColumn, Tag("column")],
    Discriminator(
        _way,
        custom_error_type="exported_at",
        custom_error_message="one of name, manifest and column is expected here",
    ),
]


class StreamDescription(_Shape):
    """The files of one kind of export.

    Attributes:
        files: Pattern of their names in the folder, such as `tickets-*.csv.gz`.
        format: How they are written; by the ending of the pattern unless said.
        holds: `snapshot`: each file holds everything, and what is missing in a newer one was deleted; `deltas`: each
            file holds what was new or changed.
        exported_at: What tells up to when a file is complete; without it nothing is known about what is absent.
        most_missing: Per cent of the rows of a snapshot that the next one may lack before it counts as broken.
        records: What becomes of a row.
    """

    files: str = Field(min_length=1)
    format: Literal["csv", "jsonl", "parquet"] | None = None
    holds: Literal["snapshot", "deltas"]
    exported_at: ExportedAt | None = None
    most_missing: int = Field(default=20, ge=0, le=100)
    csv: Csv = Csv()
    records: list[RecordMapping] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> StreamDescription:
        parts = self.files.split("/")
        if "**" in self.files or ".." in parts or not all(parts):
            hint = "Write it as tickets-*.csv or 2026/tickets-*.csv."
            raise FieldError("the pattern names files in the source's folder", hint=hint, path=("files",))
        if self.format is None and self.kind is None:
            hint = "Add `format: csv`, `format: jsonl` or `format: parquet`."
            raise FieldError("the pattern does not end like a known format", hint=hint, path=("files",))
        if self.kind != "csv" and "csv" in self.model_fields_set:
            raise FieldError("csv is for CSV files", path=("csv",))
        if self.holds == "snapshot":
            self._check_snapshot()
        return self

    def _check_snapshot(self) -> None:
        if not isinstance(self.exported_at, InName | InManifest):
            raise FieldError(
                "a snapshot says in its name or in a manifest when it was made",
                hint="Add `exported_at: {name: tickets-%Y-%m-%d.csv, timezone: Europe/Berlin}`.",
                path=("exported_at",) if self.exported_at is not None else ("holds",),
            )
        for place, record in enumerate(self.records):
            if record.as_of.path != "$exported_at":
                raise FieldError(
                    "a row of a snapshot is as the system held it when it was made",
                    hint="Write `as_of: $exported_at`.",
                    path=("records", place, "as_of"),
                )

    @property
    def kind(self) -> str | None:
        """The format of the files."""
        if self.format is not None:
            return self.format
        name = self.files.removesuffix(".gz")
        endings = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
        return next((kind for ending, kind in endings.items() if name.endswith(ending)), None)

    @property
    def given(self) -> tuple[str, ...]:
        """The instants that are known of each file before it is read."""
        return ("$exported_at",) if isinstance(self.exported_at, InName | InManifest) else ()


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

"""What a connector is: a config model, streams of pages, a check, and a live look-up.

All instants are microseconds since 1970-01-01T00:00Z, by the clock of the system of record. Windows are half-open:
the start counts, the end does not.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal, TypeAlias

import msgspec
from pydantic import BaseModel, ConfigDict

from tallystick.connectors.custom import CustomField
from tallystick.records.model import Record

__all__ = ["CheckRow", "Connector", "ConnectorConfig", "Cursor", "Page", "Slice", "Stream"]

Cursor: TypeAlias = dict[str, Any]
"""Where a read resumes: a JSON object that only the stream understands."""


class Slice(msgspec.Struct, frozen=True):
    """A part of a stream's time that is read on its own, from its own cursor: `[start, end)`."""

    start: int
    end: int
    cursor: Cursor


class Page(msgspec.Struct):
    """What one call gave.

    `cursor` resumes after this page; None says that the slice is exhausted. `watermark` is the instant up to which the
    slice is completely read once this page is stored; None says that nothing is known before the slice is exhausted
    (a newest-first list). The page that exhausts the slice must carry a watermark, and it must not be later than the
    system's own clock when the slice's first page was answered.
    """

    records: Sequence[Record]
    cursor: Cursor | None
    watermark: int | None = None


class Stream(ABC):
    """One kind of object in one system.

    `types` names the record types it feeds: an absence of such a record is known only up to the lowest watermark of
    all streams that feed its type.
    """

    name: str
    types: tuple[str, ...]

    @abstractmethod
    def plan(self, watermark: int | None, until: int) -> Sequence[Slice]:
        """Cut the time still to be read into slices, oldest first, that are read in parallel.

        Args:
            watermark: Up to where the stream has been read completely; None before the first read.
            until: The end of this read; never later than now.
        """

    @abstractmethod
    def read(self, part: Slice) -> Iterator[Page]:
        """Yield the pages of a slice from its cursor on.

        Cut anywhere and resumed from the cursor of the last page, it yields the rest: nothing lost, at most repeated.
        """


class CheckRow(msgspec.Struct, frozen=True):
    """One line of `tallystick check`: what was looked at, how it stands, and what to do."""

    name: str
    status: Literal["ok", "warning", "failed"]
    detail: str
    action: str = ""


class ConnectorConfig(BaseModel):
    """What every source may set; a connector's own model adds to it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str
    custom: dict[str, dict[str, CustomField]] = {}


class Connector(ABC):
    """One system of record.

    Constructing a connector makes no call. `read` works at wire level; `lookup` goes through the system's own SDK.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    api_version: ClassVar[str]
    config_model: ClassVar[type[ConnectorConfig]]

    @abstractmethod
    def __init__(self, config: Any) -> None:
        """Take a validated instance of `config_model`; resolve no secret yet."""

    @abstractmethod
    def streams(self) -> Sequence[Stream]:
        """Give the streams, in the order in which they should start."""

    @abstractmethod
    def check(self) -> Iterator[CheckRow]:
        """Say, one row each, whether sign-in, permissions, history and clock are as they must be."""

    @abstractmethod
    def lookup(self, ref: str) -> Sequence[Record]:
        """Read one object live, with what belongs to it, through the system's own SDK."""

    @abstractmethod
    def calls(self) -> int:
        """Give the number of calls made so far, retries included."""

    @abstractmethod
    def close(self) -> None:
        """Give back connections; safe to call twice and from another thread."""

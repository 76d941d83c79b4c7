"""What a connector is: a config model, streams of pages, a check, and a live look-up.

All instants are microseconds since 1970-01-01T00:00Z, by the clock of the system of record. Windows are half-open:
the start counts, the end does not.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Any, ClassVar, Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec
from pydantic import BaseModel, ConfigDict, field_validator

from tallystick.connectors.custom import CustomField
from tallystick.records.model import Record

__all__ = [
    "CheckRow",
    "Connector",
    "ConnectorConfig",
    "Cursor",
    "HttpConfig",
    "Page",
    "Slice",
    "Stream",
    "checked_address",
]

Cursor: TypeAlias = dict[str, Any]
"""Where a read resumes: a JSON object that only the stream understands."""


class Slice(msgspec.Struct, frozen=True):
    """A part of a stream's time that is read on its own, from its own cursor: `[start, end)`."""

    start: int
    end: int
    cursor: Cursor


class Page(msgspec.Struct):
    """What one call gave.

    `records` are in the system's order. `cursor` resumes after this page; None says that the slice is exhausted.
    `watermark` is the instant up to which the slice is completely read once this page is stored; None says that nothing
    is known before the slice is exhausted (a newest-first list). The page that exhausts the slice must carry a
    watermark, and it must not be later than the system's own clock when the slice's first page was answered.
    """

    records: Sequence[Record]
    cursor: Cursor | None
    watermark: int | None = None


class Stream(ABC):
    """One kind of object in one system.

    `types` names the record types it feeds: an absence of such a record is known only up to the lowest watermark of
    all streams that feed its type. `follows` names streams of the same connector whose pages are stored first when both
    are read in one sync: with two streams that show the same objects, it fixes which of them is seen first.
    `revision` changes when a history that was read already would be read otherwise from now on, such as after custom
    fields were declared or the start was moved: the stream is then read again from its start. `moves` says that an
    object is listed where it changed last: what it went through in the time of one slice may come with a later one, so
    nothing of a plan is known before all of its slices are read.
    """

    name: str
    types: tuple[str, ...]
    follows: tuple[str, ...] = ()
    revision: str = ""
    moves: bool = False

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
    """One line of `tallystick check`.

    `name` is what was looked at, `status` how it stands (only a `failed` one keeps a sync from running), `detail` what
    was found, and `action` what to do; a row that is not `ok` has one.
    """

    name: str
    status: Literal["ok", "warning", "failed"]
    detail: str
    action: str = ""


class ConnectorConfig(BaseModel):
    """What every source may set; a connector's own model adds to it.

    Attributes:
        custom: Fields of the buyer's own to be read, by record type and by the name they get.
    """

    # What was typed may be a secret in the wrong place, so errors do not repeat it.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    custom: dict[str, dict[str, CustomField]] = {}


class HttpConfig(ConnectorConfig):
    """What every source that is read over HTTP may set; its origin can always be set.

    Plain http is for this machine only, where simulators listen: over a network the key could be read along.

    Attributes:
        base_url: Where the API is; a path in it is kept.
    """

    base_url: str

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str) -> str:
        return checked_address(value)


def checked_address(value: str) -> str:
    """Give an address that may be called: https, or http on this machine; no user, password, query or fragment.

    Raises:
        ValueError: It is none; the address is not repeated, because it may hold a secret.
    """
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError as cause:
        raise ValueError("not an address; write it like https://api.example.com") from cause
    plain = value.isascii() and value.isprintable() and not set(value) & set(" @?#\\")
    if parts.scheme not in {"http", "https"} or not host or not plain:
        raise ValueError("write an address like https://api.example.com, without user, password, ? or #")
    if parts.scheme == "http" and not _is_this_machine(host):
        raise ValueError("plain http is for this machine only; write https://")
    return value


class Connector(ABC):
    """One system of record.

    Constructing a connector makes no call. `read` works at wire level; `lookup` goes through the system's own SDK.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    api_version: ClassVar[str]
    config_model: ClassVar[type[ConnectorConfig]]
    starter: ClassVar[str] = ""
    """YAML that `tallystick init` puts into a new source below its settings, for example usual custom fields."""
    source_name: ClassVar[str] = "source"
    """What `tallystick init` calls a source of this kind."""
    starter_outcome: ClassVar[str] = ""
    """YAML of the outcome that `tallystick init` puts into a first contract, with its name."""
    memory_days: ClassVar[Mapping[str, int]] = {}
    """How many days back the system tells a record type; a type that is missing has no known limit."""

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

    def ref_of(self, kind: str, record_id: str) -> str:  # noqa: ARG002 - for systems whose ids do not say what they are
        """Give what `lookup` is asked for to see a stored record: its id, unless the system needs its type too.

        Args:
            kind: The record's type.
            record_id: Its id.
        """
        return record_id

    @classmethod
    def whole_id(cls, text: str) -> str:
        """Give an id as records carry it, where the system lets people write it in several ways; else what was given.

        Asked for ids that somebody typed. A claim is taken in with the whole id; a contract has to be written with it.
        """
        return text

    @abstractmethod
    def calls(self) -> int:
        """Give the number of calls made so far, retries included."""

    @abstractmethod
    def close(self) -> None:
        """Give back connections; safe to call twice and from another thread."""


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

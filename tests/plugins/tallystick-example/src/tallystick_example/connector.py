"""A connector without a network: calls that somebody wrote down, one JSON object a line."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from tallystick.connectors import CheckRow, Connector, ConnectorConfig, Page, Slice, Stream
from tallystick.errors import ConfigurationError
from tallystick.records.model import Record, Value, instant
from tallystick.records.types import RECORD_TYPES

__all__ = ["NotebookConfig", "NotebookConnector"]


class NotebookConfig(ConnectorConfig):
    """What `tallystick.yaml` may say about a notebook.

    Attributes:
        path: The file with the calls.
    """

    path: Path


class _Call(msgspec.Struct):
    id: str
    start: int
    end: int
    status: str


class _Calls(Stream):
    """All lines of the file, whole each time: what did not change is not stored again."""

    name = "calls"
    types = ("call",)

    def __init__(self, path: Path) -> None:
        self._path = path

    def plan(self, watermark: int | None, until: int) -> Sequence[Slice]:
        """Read everything that was written down by then."""
        return [Slice(watermark or 0, until, {})]

    def read(self, part: Slice) -> Iterator[Page]:
        """Yield one page."""
        yield Page([_record(line) for line in self._path.read_bytes().splitlines()], None, part.end)


class NotebookConnector(Connector):
    """A notebook: calls that somebody wrote down."""

    name: ClassVar[str] = "notebook"
    version: ClassVar[str] = "1.2.3"
    api_version: ClassVar[str] = "1"
    config_model: ClassVar[type[ConnectorConfig]] = NotebookConfig
    source_name: ClassVar[str] = "calls"
    starter_outcome: ClassVar[str] = """\
called_back:
  source: calls
  uses: called-back
  price: {per_unit: 1}
"""

    def __init__(self, config: NotebookConfig) -> None:
        self._path = config.path

    def streams(self) -> Sequence[Stream]:
        """Give the one stream."""
        return [_Calls(self._path)]

    def check(self) -> Iterator[CheckRow]:
        """Say whether the file is there."""
        there = self._path.is_file()
        yield CheckRow("file", "ok" if there else "failed", str(self._path), "" if there else "Write calls into it.")

    def lookup(self, ref: str) -> Sequence[Record]:
        """Read one call.

        Raises:
            ConfigurationError: It is not in the file.
        """
        found = [record for record in map(_record, self._path.read_bytes().splitlines()) if record.id == ref]
        if not found:
            raise ConfigurationError(f"there is no call {ref}")
        return found

    def calls(self) -> int:
        """Give the calls over a network: none."""
        return 0

    def close(self) -> None:
        """Give nothing back: nothing is open."""


def _record(line: bytes) -> Record:
    call = msgspec.json.decode(line, type=_Call)
    known: dict[str, Any] = {
        "started_at": instant(call.start),
        "ended_at": instant(call.end),
        "seconds": call.end - call.start,
        "status": call.status,
    }
    values: tuple[Value, ...] = tuple(known.get(column.name) for column in RECORD_TYPES["call"].columns)
    return Record("call", call.id, call.end * 1_000_000, values, line)

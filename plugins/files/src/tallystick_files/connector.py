"""The connector for files: its configuration, and how its parts fit together."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import ClassVar

from tallystick.connectors import CheckRow, Connector, ConnectorConfig, Stream
from tallystick.connectors.mapping import Mapper, ProjectPath, load_described
from tallystick.records.model import Record
from tallystick_files.check import check_streams
from tallystick_files.description import Description
from tallystick_files.lookup import look_up
from tallystick_files.streams import ExportStream

__all__ = ["FilesConfig", "FilesConnector"]

_STARTER = """\
# What the exports in `folder` prove, and what becomes of their rows, stands in `mapping`: docs/files-and-warehouses.md.
"""
_OUTCOME = """\
resolved:
  source: exports
  uses: ticket-resolved
  with: {bots: ["bot"], preset: buyer-strict}
  price: {per_unit: 1}
"""


class FilesConfig(ConnectorConfig):
    """What `tallystick.yaml` may say about exports.

    Attributes:
        folder: Where they lie.
        mapping: The description: which files, what they prove, and what becomes of their rows.
        start: From 00:00 UTC of that day on the exports hold what happened.
    """

    folder: ProjectPath
    mapping: ProjectPath
    start: date


class FilesConnector(Connector):
    """CSV, JSON Lines and Parquet exports of any system.

    Args:
        config: A validated `FilesConfig`.
        page_rows: Rows of a page.
    """

    name: ClassVar[str] = "files"
    version: ClassVar[str] = "0.1.0"
    api_version: ClassVar[str] = "export"
    config_model: ClassVar[type[ConnectorConfig]] = FilesConfig
    starter: ClassVar[str] = _STARTER
    source_name: ClassVar[str] = "exports"
    starter_outcome: ClassVar[str] = _OUTCOME

    def __init__(self, config: FilesConfig, *, page_rows: int = 1000) -> None:
        self._config = config
        self._page_rows = page_rows
        self._closed = threading.Event()

    def streams(self) -> Sequence[Stream]:
        """Give the streams of the description, in its order.

        Raises:
            ConfigurationError: The description cannot be read or does not fit; says every problem with its position.
        """
        return self._streams()

    def check(self) -> Iterator[CheckRow]:
        """Say of each stream which files are there, whether the newest one can be read, and what they cannot prove."""
        return check_streams(self._streams)

    def lookup(self, ref: str) -> Sequence[Record]:
        """Read one record from the newest export that holds it.

        Args:
            ref: Its id, or `ticket:7` for the record of a type.

        Raises:
            ConfigurationError: No export holds it.
            ConnectorError: A file cannot be used.
        """
        return look_up(self._streams(), ref)

    def ref_of(self, kind: str, record_id: str) -> str:
        """Give type and id: records of several types may share an id."""
        return f"{kind}:{record_id}"

    def calls(self) -> int:
        """Give 0: no system is called."""
        return 0

    def close(self) -> None:
        """Stop what is being read."""
        self._closed.set()

    def _streams(self) -> list[ExportStream]:
        config = self._config
        document, description = load_described(config.mapping, Description)
        start = datetime(config.start.year, config.start.month, config.start.day, tzinfo=UTC)
        return [
            ExportStream(
                name,
                Path(config.folder),
                described,
                Mapper(
                    described.records,
                    document.at(("streams", name, "records")),
                    nested=described.kind == "jsonl",
                    nulls=("",) if described.kind == "csv" else (),
                    given=described.given,
                    custom=config.custom,
                ),
                start=int(start.timestamp()) * 1_000_000,
                page_rows=self._page_rows,
                closed=self._closed,
            )
            for name, described in description.streams.items()
        ]

"""Events as rows of CSV files for an invoice run: one file for each contract and month, each event once."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from pydantic import Field

from tallystick.errors import StorageError
from tallystick.period import format_instant
from tallystick.sinks.base import Attempt, EventName, OutcomeEvent, Sink, SinkConfig
from tallystick.statements.cells import harmless

__all__ = ["COLUMNS", "CsvConfig", "CsvSink"]

COLUMNS = (
    "key",
    "event",
    "at",
    "contract",
    "version",
    "outcome",
    "claim",
    "status",
    "quantity",
    "unit",
    "previous_quantity",
    "clause",
    "locks_at",
    "ledger_entry",
    "ledger_root",
)
"""Columns of the files; `quantity` is what the claim counts from then on, `previous_quantity` what it did before."""

_ROOT = 64
_ONE_LINE = str.maketrans("\r\n", "  ")


class CsvConfig(SinkConfig):
    """What `tallystick.yaml` may say about CSV files.

    Attributes:
        folder: Where they are written, from the project's folder on; it is made if it is not there.
    """

    folder: str = Field(min_length=1)


class CsvSink(Sink):
    """Appends each event to the file of its contract and month, `<contract>-<month>.csv`, and makes it durable.

    A row is whole once its line ends; what a crash left of one is cut off before the next row is written.

    Args:
        config: A validated `CsvConfig`.
        root: The project's folder.
        clock: Unused; a row says when its event happened.
    """

    name: ClassVar[str] = "csv"
    config_model: ClassVar[type[SinkConfig]] = CsvConfig
    events: ClassVar[tuple[EventName, ...]] = ("locked", "corrected", "reversed")

    def __init__(self, config: CsvConfig, *, root: Path, clock: Callable[[], int]) -> None:
        del clock
        self._folder = root / config.folder
        self._known: dict[Path, set[str]] = {}

    def deliver(self, event: OutcomeEvent, attempt: Attempt) -> None:  # noqa: ARG002 - the file itself knows its rows
        """Append the row of an event, unless it stands there.

        Raises:
            StorageError: The file cannot be written, or is not one of ours.
        """
        path = self._folder / f"{quote(event.contract, safe='')}-{event.month}.csv"
        try:
            if path not in self._known:
                self._known[path] = _open(path)
            if event.key not in self._known[path]:
                _append(path, _line(_cells(event)))
                self._known[path].add(event.key)
        except OSError as error:
            self._known.pop(path, None)
            raise StorageError(
                f"{path} cannot be written: {error.strerror or error}", hint="Make room, and look who may write there."
            ) from error

    def close(self) -> None:
        """Forget which rows are known."""
        self._known.clear()


def _cells(event: OutcomeEvent) -> list[str]:
    # Amounts stay numbers, below zero too: a spreadsheet adds up no texts.
    return [
        event.key,
        event.event,
        format_instant(event.at),
        _text(event.contract),
        str(event.contract_version),
        _text(event.outcome),
        _text(event.claim),
        event.status,
        f"{event.quantity:f}",
        event.unit,
        "" if event.previous is None else f"{event.previous.quantity:f}",
        _text(event.clause or ""),
        "" if event.locks_at is None else format_instant(event.locks_at),
        str(event.ledger.entry),
        event.ledger.root,
    ]


def _text(cell: str) -> str:
    return harmless(cell).translate(_ONE_LINE)


def _open(path: Path) -> set[str]:
    """Give the keys of the rows of a file, made with its header where there is none; a torn last line is cut off."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = _line(COLUMNS)
    if not path.exists():
        _append(path, header)
        _sync_folder(path.parent)
        return set()
    data = path.read_bytes()
    if not (data.startswith(header) or header.startswith(data)):
        raise _not_ours(path)
    try:
        if _is_row(data[data.rfind(b"\n") + 1 :]):
            # An editor took the end of the last line.
            _append(path, b"\n")
            data += b"\n"
        whole = data[: data.rfind(b"\n") + 1]
        rows = list(csv.reader(io.StringIO(whole.decode("utf-8"), newline="")))
    except (UnicodeDecodeError, csv.Error):
        raise _not_ours(path) from None
    if whole != data:
        with path.open("r+b") as file:
            file.truncate(len(whole))
            os.fsync(file.fileno())
    if not whole:
        _append(path, header)
    return {row[0] for row in rows if row}


def _is_row(line: bytes) -> bool:
    """Tell whether a line without its end is a whole row: its last cell is a hash of 64 digits."""
    cells = next(csv.reader([line.decode("utf-8", "replace")]), [])
    return len(cells) == len(COLUMNS) and len(cells[-1]) == _ROOT


def _not_ours(path: Path) -> StorageError:
    return StorageError(
        f"{path} is not a file of this sink, or was changed", hint="Move it away, or choose another folder."
    )


def _append(path: Path, line: bytes) -> None:
    with path.open("ab", buffering=0) as file:
        start = file.tell()
        try:
            left = memoryview(line)
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except BaseException:
            file.truncate(start)
            raise


def _line(cells: list[str] | tuple[str, ...]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue().encode()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

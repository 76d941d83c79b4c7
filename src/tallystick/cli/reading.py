"""What goes through a connector: reading a source, and saying what its plugin did wrong."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from tallystick.cli.progress import progress_of
from tallystick.connectors.base import CheckRow
from tallystick.connectors.secrets import hide_secrets
from tallystick.errors import ConnectorError
from tallystick.period import format_instant
from tallystick.records.compaction import compact
from tallystick.records.model import Record
from tallystick.sync.engine import SyncReport, sync_source
from tallystick.sync.guards import check_records

if TYPE_CHECKING:
    from tallystick.cli.project import Project, Source

__all__ = ["check_one", "look_up", "strays", "sync_one"]

_LEAVE_SECONDS = 0.5
_MOST_ROWS = 1_000
_STATES = ("ok", "warning", "failed")


def sync_one(project: Project, name: str, now: int, stop: threading.Event, *, watched: bool) -> dict[str, Any]:
    """Read one source and give the report of it; whatever its plugin does wrong is an error in the report.

    Raises:
        ConfigurationError: The source, or a setting of it, cannot be used.
        StorageError: Nothing more can be stored; all that was committed stays.
    """
    began = time.monotonic()
    source, before = project.source(name), set(threading.enumerate())
    done = SyncReport(name, (), 0, 0.0, ())
    broken: list[ConnectorError] = []
    try:
        # Standard output is for the answer: a program may be reading it.
        with (
            redirect_stdout(sys.stderr),
            project.connector(name) as connector,
            progress_of(name, watched=watched) as tick,
        ):
            done = sync_source(
                project.store,
                name,
                connector,
                until=now,
                observed_at=now,
                progress=tick,
                stop=stop,
                plugin=source.blame.plugin,
                lock=project.held,
            )
    except ConnectorError as error:
        broken.append(error)
    left = strays(before)
    if left:
        text = f"left {len(left)} of its threads running ({', '.join(thread.name for thread in left[:3])})"
        broken.append(source.blame.fault(text, "end every thread in close(), or make it a daemon."))
    # Segments as small as their batches would slow every later scan.
    compact(project.store)
    streams = [
        {
            "stream": stream.stream,
            "read": stream.read,
            "stored": stream.stored,
            "watermark": None if stream.watermark is None else format_instant(stream.watermark),
            "complete": stream.error is None and not done.stopped,
        }
        for stream in done.streams
    ]
    return {
        "source": name,
        "plugin": source.blame.plugin,
        "stored": sum(stream.stored for stream in done.streams),
        "calls": done.calls,
        "seconds": round(time.monotonic() - began, 3),
        "streams": streams,
        "errors": _errors(name, source, done, broken),
    }


def check_one(project: Project, name: str) -> list[CheckRow]:
    """Give the rows a source's check says; a check that fails to say them ends with a row that failed.

    Raises:
        ConfigurationError: The source, or a setting of it, cannot be used.
    """
    source = project.source(name)
    rows: list[CheckRow] = []
    try:
        with redirect_stdout(sys.stderr), project.connector(name) as connector, source.blame.guarded():
            rows.extend(_checked(row, source) for row in islice(connector.check(), _MOST_ROWS))
    except ConnectorError as error:
        rows.append(CheckRow("check", "failed", str(error), error.hint))
    hidden = partial(hide_secrets, config=source.config)
    return [CheckRow(hidden(row.name), row.status, hidden(row.detail), hidden(row.action)) for row in rows]


def look_up(project: Project, name: str, record_type: str, record_id: str) -> tuple[str, Sequence[Record]]:
    """Ask a source for one object, live; gives what it was asked for and the records.

    Raises:
        ConnectorError: The source could not be read, or its plugin gave something else than records.
    """
    source = project.source(name)
    with redirect_stdout(sys.stderr), project.connector(name) as connector, source.blame.guarded():
        ref = connector.ref_of(record_type, record_id)
        return ref, check_records(connector.lookup(ref), source.blame)


def _checked(row: object, source: Source) -> CheckRow:
    if isinstance(row, CheckRow):
        texts = (row.name, row.status, row.detail, row.action)
        if set(map(type, texts)) == {str} and row.status in _STATES:
            return row
    advice = f"give CheckRow with texts only, and one of {', '.join(_STATES)} as status."
    raise source.blame.fault("check gave a row that cannot be shown", advice)


def strays(before: set[threading.Thread]) -> list[threading.Thread]:
    """Give the threads that were begun since and would keep the process from ending, after a moment of patience."""
    deadline = time.monotonic() + _LEAVE_SECONDS
    for thread in _stray(before):
        thread.join(max(0.0, deadline - time.monotonic()))
    return _stray(before)


def _stray(before: set[threading.Thread]) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]


def _errors(name: str, source: Source, done: SyncReport, broken: list[ConnectorError]) -> list[str]:
    """Give what is incomplete and what to do, a text for each; none holds a secret of the source."""
    told = {stream.error for stream in done.streams}
    errors = [
        _sentence(stream.error.removeprefix(f"{name}/{stream.stream}: "), stream.hint, f"{stream.stream}: ")
        for stream in done.streams
        if stream.error
    ]
    rest = [*(error for error in done.errors if str(error) not in told), *broken]
    errors += [_sentence(str(error), error.hint) for error in rest]
    if done.stopped:
        errors.append("stopped before it was complete; the next run goes on there")
    return [hide_secrets(error, source.config) for error in errors]


def _sentence(text: str, hint: str, before: str = "") -> str:
    return f"{before}{text}. {hint}" if hint else f"{before}{text}"

"""Progress of long work: a bar when a person watches, plain structured log lines when nobody does."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

__all__ = ["LOG_VARIABLE", "Tick", "files_of", "logger", "progress_of"]

LOG_VARIABLE = "TALLYSTICK_LOG"
"""Set to `json` for one JSON object a line instead of text."""

Tick: TypeAlias = Callable[[str, int, int], None]
"""Called with the stream, the records stored so far in it, and the calls made so far by the source."""


def logger(**bound: Any) -> Any:
    """Give a structured logger that writes to standard error, with these fields on every line."""
    import structlog

    renderer: Any = structlog.dev.ConsoleRenderer(colors=False)
    if os.environ.get(LOG_VARIABLE) == "json":
        renderer = structlog.processors.JSONRenderer()
    return structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
    ).bind(**bound)


@contextmanager
def progress_of(source: str, *, watched: bool) -> Iterator[Tick]:
    """Give what a sync calls to show how far it is: a bar on a terminal, else a log line per stream at its end."""
    if watched and sys.stderr.isatty():
        with _bar(source) as tick:
            yield tick
        return
    stored: dict[str, int] = {}

    def note(stream: str, records: int, calls: int) -> None:
        stored[stream] = records
        stored["calls"] = calls

    yield note
    if watched:
        calls = stored.pop("calls", 0)
        logger(source=source).info("read", calls=calls, **stored)


@contextmanager
def _bar(source: str) -> Iterator[Tick]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"reading {source}", total=None, told="")
        stored: dict[str, int] = {}

        def tick(stream: str, records: int, calls: int) -> None:
            stored[stream] = records
            progress.update(task, told=f"{sum(stored.values()):,} records, {calls:,} calls")

        yield tick


@contextmanager
def files_of(verb: str, *, watched: bool) -> Iterator[Callable[[str, int], None]]:
    """Give what work on many files calls to show which one it is at: a line on a terminal, else nothing."""
    if not watched or not sys.stderr.isatty():
        yield lambda _name, _done: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(verb, total=None)

        def tick(name: str, done: int) -> None:
            progress.update(task, description=f"{verb} {name} {done:,}" if name else verb)

        yield tick

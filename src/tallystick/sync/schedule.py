"""What to read next in a stream: the plan an earlier run left open, else a new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tallystick.connectors.base import Slice, Stream
from tallystick.errors import ConnectorError, PermanentError
from tallystick.records.catalog import RecordStore
from tallystick.sync.buffer import Part
from tallystick.sync.guards import Blame, check_plan

__all__ = ["Job", "begin"]


@dataclass
class Job:
    """A stream in one sync: counts, its first error, and how many slices of its plan have not ended."""

    stream: Stream
    read: int = 0
    stored: int = 0
    seconds: float = 0.0
    open: int = 0
    resumed: bool = False
    error: ConnectorError | None = None


def begin(store: RecordStore, source: str, job: Job, until: int, blame: Blame, *, anew: bool = False) -> Sequence[Part]:
    """Give the slices of a stream to read now, oldest first, and set the job accordingly.

    Args:
        store: Where plans are kept.
        source: Name of the source.
        job: The stream; `resumed` says afterwards whether its plan was made by an earlier run.
        until: The end of this read.
        blame: Who is named in an error: source, stream and plugin.
        anew: Make a new plan even where an open one is left.

    Raises:
        ConnectorError: The connector could not plan, or what it planned breaks a rule.
    """
    name = job.stream.name
    slices = [] if anew else store.open_slices(source, name)
    job.resumed = bool(slices)
    if not slices:
        watermark = store.stream_states(source)[name].watermark
        with blame.guarded():
            planned = check_plan(job.stream.plan(watermark, until), until, blame)
        try:
            rows = [(part.start, part.end, part.cursor) for part in planned]
            slices = list(store.plan(source, name, job.stream.types, rows))
        except PermanentError as error:
            raise blame.named(error) from error
    job.open = len(slices)
    return [Part(job.stream, part.position, Slice(part.start, part.end, part.cursor or {})) for part in slices]

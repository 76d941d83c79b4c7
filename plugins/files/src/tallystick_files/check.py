"""What `tallystick check` says about exports: what is there, whether it can be read, and what it cannot prove."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from tallystick.connectors import CheckRow
from tallystick.connectors.mapping import provenance_row
from tallystick.errors import Error
from tallystick_files.exports import Export, follows
from tallystick_files.streams import ExportStream

__all__ = ["check_streams"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOW = 2**62


def check_streams(load: Callable[[], Sequence[ExportStream]]) -> Iterator[CheckRow]:
    """Give one row for the description, two for each stream, and one for what no export tells."""
    try:
        streams = load()
    except Error as error:
        yield CheckRow("mapping", "failed", str(error), error.hint)
        return
    yield CheckRow("mapping", "ok", f"{len(streams)} streams: {', '.join(stream.name for stream in streams)}")
    for stream in streams:
        name = f"stream {stream.name}"
        try:
            exports = stream.exports(_NOW)
            rows = next(stream.reader.batches(exports[-1])).rows if exports else 0
        except Error as error:
            yield CheckRow(name, "failed", str(error), error.hint)
            continue
        yield _files_row(name, exports, rows)
        yield _completeness_row(name, exports, declared=stream.declares_completeness)
    yield provenance_row({kind for stream in streams for kind in stream.types})


def _files_row(name: str, exports: Sequence[Export], rows: int) -> CheckRow:
    if not exports:
        return CheckRow(name, "warning", "no file can be read yet", "Wait for the manifest of the first one.")
    return CheckRow(name, "ok", f"{len(exports)} files; of the newest, {exports[-1].name}, {rows:,} rows were read")


def _completeness_row(name: str, exports: Sequence[Export], *, declared: bool) -> CheckRow:
    if not declared:
        return CheckRow(
            f"{name}: completeness",
            "warning",
            "nothing says when a file was exported: what is absent is never known, and such clauses stay pending",
            "Add exported_at: an instant in the file's name, in a manifest, or in a column.",
        )
    for before, export in pairwise(exports):
        if not follows(export, before.exported_at or 0):
            said = f"nothing covers the time between {before.name} and {export.name}: it is complete up to there only"
            return CheckRow(f"{name}: completeness", "warning", said, "Export the missing one; it may hold no row.")
    known = [export.exported_at for export in exports if export.exported_at is not None]
    said = f"complete up to {_EPOCH + timedelta(microseconds=max(known)):%Y-%m-%dT%H:%MZ}" if known else "by a column"
    return CheckRow(f"{name}: completeness", "ok", f"{said}, as the exports themselves say")

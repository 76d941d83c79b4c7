"""One record as the newest export that holds it tells it."""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.errors import ConfigurationError
from tallystick.records.model import Record
from tallystick.records.types import RECORD_TYPES
from tallystick_files.exports import Export
from tallystick_files.snapshots import tombstone
from tallystick_files.streams import ExportStream

__all__ = ["look_up", "split_ref"]

_NOW = 2**62
"""Later than any file: a person who looks a record up wants the newest one there is."""


def split_ref(ref: str) -> tuple[str | None, str]:
    """Give the record type and the id of a reference: `ticket:7`, or an id alone, which may be of any type."""
    kind, sign, key = ref.partition(":")
    return (kind, key) if sign and kind in RECORD_TYPES else (None, ref)


def look_up(streams: Sequence[ExportStream], ref: str) -> list[Record]:
    """Give the newest version of each record of that id; its files are read from the newest on.

    What only an older snapshot holds was deleted.

    Raises:
        ConfigurationError: No export holds it.
        ConnectorError: A file cannot be used.
    """
    kind, key = split_ref(ref)
    found: dict[str, Record] = {}
    for stream in streams:
        if kind is not None and kind not in stream.types:
            continue
        newer: Export | None = None
        for export in reversed(stream.exports(_NOW)):
            held: dict[str, Record] = {}
            for batch in stream.reader.batches(export):
                for record in batch.records:
                    if record.id == key and kind in {None, record.type} and _is_newer(record, held.get(record.type)):
                        held[record.type] = record
            if held and newer is not None and stream.snapshots:
                held = {name: tombstone(name, key, export, newer) for name in held}
            newer = export
            if held:
                found |= {name: record for name, record in held.items() if _is_newer(record, found.get(name))}
                break
    if not found:
        raise ConfigurationError(f"no export holds {ref}", hint="Look it up in the system that the exports come from.")
    return list(found.values())


def _is_newer(record: Record, known: Record | None) -> bool:
    return known is None or record.as_of >= known.as_of

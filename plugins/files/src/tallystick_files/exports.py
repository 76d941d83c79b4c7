"""The exports in a folder, in the order in which they are read, each with what it proves."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from tallystick.connectors.mapping import FieldMapping, Unreadable, decode_object, getter, reader
from tallystick.errors import PermanentError, SchemaChanged
from tallystick_files.description import InManifest, InName, StreamDescription
from tallystick_files.opening import broken, open_export

__all__ = ["Export", "check_whole", "find_exports", "follows"]

_DAY = 86_400_000_000
_LARGEST_MANIFEST = 1_000_000


class Export(NamedTuple):
    """One file of a stream.

    `exported_at` is the instant up to which it is complete, and at which a snapshot was made; None where only its rows
    could tell. `changed_at` is when this machine last saw it change: it tells what to read again and proves nothing.
    `rows` and `sha256` are what its manifest says, if there is one that says so. `begins_at` is where the day or month
    begins that deltas cover; None where they cover all that had happened.
    """

    path: Path
    name: str
    exported_at: int | None
    changed_at: int
    rows: int | None = None
    sha256: str | None = None
    begins_at: int | None = None


def follows(export: Export, reached: int) -> bool:
    """Tell whether nothing lies between what is known and the day or month a file covers: one without a file may."""
    return export.begins_at is None or export.begins_at <= reached


def find_exports(folder: Path, stream: StreamDescription, until: int, where: str) -> list[Export]:
    """Give the exports of a stream that are there and were made before `until`, oldest first.

    Those whose manifest has not come yet are left for a later run, and so is a day or month that is not over.

    Args:
        folder: Where they lie.
        stream: What is known of them.
        until: The end of this read.
        where: Connector and stream, for messages.

    Raises:
        ConnectorError: The folder cannot be read, no file fits the pattern, a name or a manifest cannot be read, or a
            file says that it was made more than a day after `until`.
    """
    paths = list(_matching(folder, stream.files, where))
    if not paths:
        raise PermanentError(
            f"{where}: no file in {folder} is called like {stream.files}",
            hint="Is the folder mounted, and the pattern right? Without a file nothing is known.",
        )
    found: list[Export] = []
    waiting: list[int] = []
    for path in paths:
        export = _export(path, folder, stream, until, where)
        if export is None and isinstance(stream.exported_at, InManifest):
            waiting.append(_changed_at(path, f"{where}: {path.name}"))
        elif export is not None and not waiting:
            found.append(export)
    if waiting:
        # What is named after one that waits waits too, and so does what came after it: the watermark must not pass it.
        found = [export for export in found if export.changed_at <= min(waiting)]
    return sorted(found, key=lambda export: (export.exported_at or 0, export.name))


def _matching(folder: Path, pattern: str, where: str) -> Iterator[Path]:
    """Walk the pattern part by part; a loop of links cannot lead deeper than it has parts."""
    level = [folder]
    try:
        for part in pattern.split("/"):
            level = [
                Path(entry.path)
                for place in level
                for entry in sorted(os.scandir(place), key=lambda entry: entry.name)
                if fnmatch.fnmatchcase(entry.name, part) and (not entry.name.startswith(".") or part.startswith("."))
            ]
    except OSError as error:
        raise broken(where, f"{error.filename} cannot be read: {error.strerror}", "Mend the folder.") from None
    return iter(level)


def _export(path: Path, folder: Path, stream: StreamDescription, until: int, where: str) -> Export | None:
    name = path.relative_to(folder).as_posix()
    said = f"{where}: {name}"
    changed_at = _changed_at(path, said)
    declared = stream.exported_at
    if isinstance(declared, InName):
        begins_at, exported_at = _named(declared, path.name, said)
        covered = begins_at if stream.holds == "deltas" else None
        export = Export(path, name, exported_at, changed_at, begins_at=covered)
        return _past(export, until, said, waits=declared.covers != "instant")
    if isinstance(declared, InManifest):
        listed = _manifested(declared, Export(path, name, None, changed_at), said)
        return None if listed is None else _past(listed, until, said, waits=False)
    return Export(path, name, None, changed_at)


def _changed_at(path: Path, where: str) -> int:
    try:
        # By `ctime`, which no copy with kept dates can set back.
        return path.stat().st_ctime_ns // 1000
    except OSError as error:
        raise broken(where, f"it cannot be looked at: {error.strerror}") from None


def _past(export: Export, until: int, where: str, *, waits: bool) -> Export | None:
    """Leave what was made after the end of this read; a day or month that is not over waits."""
    if export.exported_at is None or export.exported_at <= until:
        return export
    if export.exported_at > until + _DAY and not waits:
        raise broken(
            where,
            "it says that it was made more than a day from now",
            "Correct its name, or the clock of this machine.",
        )
    return None


def _named(declared: InName, name: str, where: str) -> tuple[int | None, int]:
    """Give where the day or month in a name begins, None for an instant; and the instant, or where it ends."""
    read = reader("instant", FieldMapping(path="name", format=declared.name, timezone=declared.timezone))
    try:
        if declared.covers == "instant":
            return None, int(read(name) or 0)
        day = datetime.strptime(name, declared.name).date()  # noqa: DTZ007 - a day; its zone comes with its end
    except Unreadable as error:
        raise SchemaChanged(f"{where}: the name tells no instant: {error}", hint=error.hint or _NAME_HINT) from None
    except ValueError:
        raise SchemaChanged(f"{where}: the name is not written like {declared.name}", hint=_NAME_HINT) from None
    if declared.covers == "month":
        day = day.replace(day=1)
        after = (day + timedelta(days=31)).replace(day=1)
    else:
        after = day + timedelta(days=1)
    midnight = reader("instant", FieldMapping(path="day", format="date", timezone=declared.timezone or "UTC"))
    return int(midnight(day) or 0), int(midnight(after) or 0)


_NAME_HINT = "Name exports as the pattern of exported_at says, or correct the pattern."


def _manifested(declared: InManifest, export: Export, where: str) -> Export | None:
    """Give an export with what its manifest says; None where there is none yet: the export is still being written."""
    path = export.path.with_name(declared.manifest.replace("{file}", export.path.name))
    if not path.exists():
        return None
    with open_export(path, f"{where}: {path.name}") as (file, _):
        content = file.read(_LARGEST_MANIFEST + 1)
    try:
        manifest = decode_object(content) if len(content) <= _LARGEST_MANIFEST else None
    except msgspec.DecodeError:
        manifest = None
    if not isinstance(manifest, dict):
        raise broken(where, f"{path.name} is no manifest in JSON of at most 1 MB")
    said = getter(declared.exported_at.path or [], nested=True)(manifest, None)
    try:
        exported_at = None if said is None else reader("instant", declared.exported_at)(said)
    except Unreadable as error:
        raise broken(where, f"{path.name}: exported_at: {error}", error.hint) from None
    if not isinstance(exported_at, int):
        raise broken(where, f"{path.name} does not say when the export was made")
    rows = getter(declared.rows, nested=True)(manifest, None) if declared.rows else None
    sha256 = getter(declared.sha256, nested=True)(manifest, None) if declared.sha256 else None
    if (declared.rows and type(rows) is not int) or (declared.sha256 and type(sha256) is not str):
        raise broken(where, f"{path.name} does not say how many rows the export has, or its SHA-256")
    return export._replace(exported_at=exported_at, rows=rows, sha256=None if sha256 is None else sha256.lower())


def check_whole(export: Export, rows: int, sha256: str, where: str) -> None:
    """Check a file that was read to its end against its manifest.

    Raises:
        ConnectorError: It has another number of rows, or other bytes.
    """
    hint = "It was not transferred whole, or changed afterwards. Export or transfer it again."
    if export.rows is not None and export.rows != rows:
        raise broken(where, f"it has {rows:,} rows; its manifest says {export.rows:,}", hint)
    if export.sha256 is not None and export.sha256 != sha256:
        raise broken(where, "its SHA-256 is another one than its manifest says", hint)

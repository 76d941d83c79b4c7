"""The manifest of an export: what the folder holds, each file with its size and hash, and what it all comes to."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import TypeAlias
from urllib.parse import quote

import msgspec

from tallystick.canonical import canonical
from tallystick.database import schema
from tallystick.errors import ConfigurationError, Tampered

__all__ = [
    "CATALOG",
    "DERIVED",
    "ENTRIES",
    "EXHIBITS",
    "FORMAT",
    "MANIFEST",
    "PROJECT",
    "TABLES",
    "TAKEN",
    "EvidenceHead",
    "Head",
    "Listed",
    "Manifest",
    "Tick",
    "contract_name",
    "exhibit_name",
    "is_project_path",
    "parse_manifest",
    "segment_name",
]

FORMAT = "tallystick-export/1"
MANIFEST = "manifest.json"
ENTRIES = "ledger/entries.jsonl"
CATALOG = "records/catalog.jsonl"
EXHIBITS = "exhibits/"
PROJECT = "project/"

Tick: TypeAlias = Callable[[str, int], None]
"""Called with the file at work and the lines or bytes done in it so far."""

# Written by other means: entries as they are, tiles not at all because they follow from the entries, the catalog
# without the segments that a compaction replaced.
_APART = {"ledger_entry", "ledger_tile", "segment"}
_PLACES = {
    "claim": "claims.jsonl",
    "ledger_checkpoint": "ledger/checkpoints.jsonl",
    "record_head": "records/heads.jsonl",
    "superseded": "records/superseded.jsonl",
}
TABLES: Mapping[str, str] = {
    name: _PLACES.get(name, f"tables/{name}.jsonl") for name in sorted(schema.metadata.tables) if name not in _APART
}
"""Every table that is written row by row, and its file."""

DERIVED = ("contract_version", "ledger_act", "verdict_head")
"""Tables that follow from the ledger: written to be read, made anew on import and compared."""

TAKEN = ("counter", "dismissal", "outbox", "run", "sink", "slice_state", "stream_state")
"""Tables that follow from nothing else: taken as they are, once their rows are of the right form."""

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SEGMENT = re.compile(r"records/segments/[0-9a-f]{64}\.parquet", re.ASCII)
_CONTRACT = re.compile(r"contracts/[A-Za-z0-9_.~%-]{1,200}\.v[0-9]{1,10}\.json", re.ASCII)
_EXHIBIT = re.compile(r"exhibits/([0-9a-f]{64})", re.ASCII)
_STEP = re.compile(r"[A-Za-z0-9_+ ][A-Za-z0-9_.+ -]{0,150}|\.[A-Za-z0-9_+-][A-Za-z0-9_.+ -]{0,150}", re.ASCII)
_LARGEST = 64_000_000


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file: its name from the folder on, its size in bytes, its hash, and its lines where it consists of lines."""

    name: str
    bytes: int
    sha256: str
    rows: int | None


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ledger as of the export: entries, root (hexadecimal), the newest signed checkpoint, and the public keys.

    `verifier` is the key that the ledger began with; `links` are the notes that introduce the ones after it, in order.
    """

    size: int
    root: str
    checkpoint: str | None
    verifier: str | None
    links: tuple[str, ...]


class EvidenceHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The records as of the export: row versions, the newest sequence number, the digest over all evidence."""

    rows: int
    last_seq: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `manifest.json` says; `files` are in the order of their names."""

    format: str
    project: str
    tallystick: str
    revision: str
    ledger: Head
    evidence: EvidenceHead
    files: tuple[Listed, ...]

    @property
    def by_name(self) -> dict[str, Listed]:
        """The files by their names."""
        return {listed.name: listed for listed in self.files}

    def encode(self) -> bytes:
        """Give the bytes of `manifest.json`."""
        return canonical(self)


def parse_manifest(data: bytes, where: str, *, revision: str) -> Manifest:
    """Read the bytes of a manifest.

    Args:
        data: The bytes.
        where: The file, for messages.
        revision: Revision of the tables that this version reads.

    Raises:
        ConfigurationError: It is of another format or revision.
        Tampered: It is not exactly what an export writes, or it names a file that no export has.
    """
    try:
        seen = msgspec.json.decode(data, type=_Form)
        if seen.format != FORMAT:
            raise ConfigurationError(
                f"this is {seen.format[:60]!r}, not {FORMAT!r}", hint="Update Tallystick.", where=where
            )
        manifest = msgspec.json.decode(data, type=Manifest)
        same = manifest.encode() == data
    except (msgspec.DecodeError, RecursionError, TypeError, ValueError) as error:
        raise _wrong(f"the manifest cannot be read: {error}", where) from error
    if not same:
        raise _wrong("the manifest is not in canonical form: a key stands there twice, or it was edited", where)
    if manifest.revision != revision:
        raise ConfigurationError(
            f"this export holds tables of revision {manifest.revision[:20]!r}; this version reads {revision!r}",
            hint="Import it with the version that wrote it; a newer one brings the project up to date as it opens it.",
            where=where,
        )
    _check_files(manifest, where)
    return manifest


class _Form(msgspec.Struct):
    format: str


def _check_files(manifest: Manifest, where: str) -> None:
    names = [listed.name for listed in manifest.files]
    if names != sorted(set(names)):
        raise _wrong("the files are not in order, or one stands there twice", where)
    fixed = {ENTRIES, CATALOG, *TABLES.values()}
    if missing := sorted(fixed - set(names)):
        raise _wrong(f"the manifest does not list {missing[0]}", where)
    for listed in manifest.files:
        if (exhibit := _EXHIBIT.fullmatch(listed.name)) and exhibit[1] != listed.sha256:
            raise _wrong(f"{listed.name}: an exhibit is named by its hash", where)
        lines = listed.name in fixed
        known = lines or exhibit or _SEGMENT.fullmatch(listed.name) or _CONTRACT.fullmatch(listed.name)
        if not known and not is_project_path(listed.name.removeprefix(PROJECT), listed.name.startswith(PROJECT)):
            raise _wrong(f"{listed.name[:200]!r} is no file of an export", where)
        if listed.bytes < 0 or not _SHA256.fullmatch(listed.sha256) or lines != (listed.rows is not None):
            raise _wrong(f"{listed.name}: size, hash or rows are not of their form", where)


def is_project_path(name: str, inside: bool = True) -> bool:  # noqa: FBT001, FBT002 - read with one call above
    """Tell whether a path may be a file of the project's own folder: plain names, and no step out of it."""
    parts = PurePosixPath(name).parts
    return inside and bool(parts) and name == "/".join(parts) and all(map(_STEP.fullmatch, parts)) and len(name) < 400


def contract_name(contract: str, version: int) -> str:
    """Give the file that holds the text of a contract version."""
    return f"contracts/{quote(contract, safe='')}.v{version}.json"


def exhibit_name(sha256: str) -> str:
    """Give the file that holds what a party handed in for a dispute."""
    return f"{EXHIBITS}{sha256}"


def segment_name(sha256: str) -> str:
    """Give the file that holds a segment."""
    return f"records/segments/{sha256}.parquet"


def _wrong(message: str, where: str) -> Tampered:
    return Tampered(message, hint="Nothing was imported. Ask for the export again.", where=where)

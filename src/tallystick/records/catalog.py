"""What the rest of Tallystick uses of the store of evidence, apart from `scan` and `compaction`."""

from __future__ import annotations

from tallystick.records.audit import Finding, evidence_digest, fsck
from tallystick.records.progress import Coverage, Progress, SliceState, StreamState, coverage
from tallystick.records.store import Committed, RecordStore

__all__ = [
    "Committed",
    "Coverage",
    "Finding",
    "Progress",
    "RecordStore",
    "SliceState",
    "StreamState",
    "coverage",
    "evidence_digest",
    "fsck",
]

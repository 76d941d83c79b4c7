"""Bytes that cannot change unnoticed."""

from __future__ import annotations

from tallystick.ledger.checkpoint import Checkpoint, check_extends, open_checkpoint
from tallystick.ledger.fsck import Finding, FsckReport, fsck
from tallystick.ledger.keys import Signer, Verifier, generate_key, load_key, load_or_create_key
from tallystick.ledger.log import Log
from tallystick.ledger.merkle import verify_consistency, verify_inclusion

__all__ = [
    "Checkpoint",
    "Finding",
    "FsckReport",
    "Log",
    "Signer",
    "Verifier",
    "check_extends",
    "fsck",
    "generate_key",
    "load_key",
    "load_or_create_key",
    "open_checkpoint",
    "verify_consistency",
    "verify_inclusion",
]

"""Bytes that cannot change unnoticed."""

from __future__ import annotations

from tallystick.ledger.checkpoint import Checkpoint, check_extends, open_checkpoint
from tallystick.ledger.fsck import Finding, FsckReport, fsck
from tallystick.ledger.keychain import KeyChain
from tallystick.ledger.keyring import Keyring, KnownKey, Party, Signed
from tallystick.ledger.keys import LedgerKeys, Signer, Verifier, generate_key, load_key, load_or_create_key
from tallystick.ledger.log import Log
from tallystick.ledger.merkle import verify_consistency, verify_inclusion
from tallystick.ledger.rotation import open_ledger_key, rotate_ledger_key
from tallystick.ledger.witness import Witness

__all__ = [
    "Checkpoint",
    "Finding",
    "FsckReport",
    "KeyChain",
    "Keyring",
    "KnownKey",
    "LedgerKeys",
    "Log",
    "Party",
    "Signed",
    "Signer",
    "Verifier",
    "Witness",
    "check_extends",
    "fsck",
    "generate_key",
    "load_key",
    "load_or_create_key",
    "open_checkpoint",
    "open_ledger_key",
    "rotate_ledger_key",
    "verify_consistency",
    "verify_inclusion",
]

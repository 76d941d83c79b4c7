"""What ledger entries about a contract say: read from their bytes alone, wherever these come from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from operator import attrgetter
from sys import intern
from typing import Any

import msgspec

from tallystick.canonical import digest
from tallystick.contracts import Contract, Termination, contract_from_body
from tallystick.errors import Tampered
from tallystick.period import parse_instant
from tallystick.verification.verdict import Verdict

__all__ = ["TERMINATION", "VerdictEntry", "build_version", "interned", "termination_of"]

TERMINATION = "termination"
"""Kind of the entry by which a party ends a contract."""


class VerdictEntry(msgspec.Struct, frozen=True, gc=False):
    """An entry of kind `verdict`: when it was written, ISO 8601, and what was found."""

    kind: str
    at: str
    verdict: Verdict


def interned(verdict: Verdict) -> Verdict:
    """Give a verdict whose texts that many verdicts share are one object each, and so its own that are equal."""
    for name, text in zip(_SHARED, _shared(verdict), strict=True):
        if text is not None:
            msgspec.structs.force_setattr(verdict, name, intern(text))
    for name, other in _OFTEN_EQUAL:
        value = getattr(verdict, other)
        if getattr(verdict, name) == value:
            msgspec.structs.force_setattr(verdict, name, value)
    return verdict


_SHARED = ("contract", "contract_sha256", "outcome", "record_type", "status", "currency", "claimed_currency")
_OFTEN_EQUAL = (("record_id", "ref"), ("locks_at", "decided_at"))
_shared = attrgetter(*_SHARED)


def termination_of(entry: Mapping[str, Any]) -> Termination:
    """Give the termination that an entry of that kind records."""
    return Termination(date.fromisoformat(entry["key"]), entry["by"], entry["reason"], parse_instant(entry["at"]))


@lru_cache(maxsize=64)
def build_version(entry: bytes, sha256: str) -> Contract:
    """Build a contract version from the ledger entry that recorded it.

    Raises:
        Tampered: The entry holds another text than the one of that hash.
    """
    body: dict[str, Any] = msgspec.json.decode(entry)["body"]
    if digest(body) != sha256:
        raise Tampered(
            f"the text of {body.get('contract')} version {body.get('version')} is not the one that was recorded",
            hint="Run `tallystick ledger fsck` and keep the database.",
        )
    return contract_from_body(body)

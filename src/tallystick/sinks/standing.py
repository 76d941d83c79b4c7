"""What a verdict counts for, and what a change of it tells."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select

from tallystick.canonical import digest
from tallystick.contracts import Agreement, Contract
from tallystick.database import schema
from tallystick.errors import ContractError
from tallystick.ledger.merkle import hash_leaf
from tallystick.sinks.base import EventName
from tallystick.statements.lines import Pricer
from tallystick.verification.entries import build_version
from tallystick.verification.verdict import VerdictHead

__all__ = ["Standing", "Told", "Versions", "key_of", "read_told", "told_by"]

_PICKED = 500


class Told(msgspec.Struct, frozen=True, gc=False):
    """As much of an entry of kind `verdict` as events are made of: when it was written, ISO 8601, and the verdict."""

    at: str
    verdict: VerdictHead


class Standing(NamedTuple):
    """What a paid claim counts: its status, and the quantity in its unit."""

    status: str
    quantity: Decimal
    unit: str


class Versions:
    """The contract versions that verdicts were given under, each read once from the ledger."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._known: dict[tuple[str, int, str], Contract | None] = {}

    def of(self, verdict: VerdictHead) -> Contract | None:
        """Give the version a verdict was given under; None if the ledger holds another text for it."""
        key = (verdict.contract, verdict.contract_version, verdict.contract_sha256)
        if key not in self._known:
            self._known[key] = self._read(*key)
        return self._known[key]

    def standing(self, verdict: VerdictHead) -> Standing | None:
        """Give what a verdict counts; None where it is not paid for, or cannot be priced."""
        contract = self.of(verdict)
        try:
            found = None if contract is None else Pricer(Agreement((contract,))).counted(verdict)
        except ContractError:
            # The statement refuses it by name; nothing leaves until that is mended.
            return None
        return None if found is None else Standing(verdict.status, *found)

    def _read(self, name: str, version: int, sha256: str) -> Contract | None:
        table, entry = schema.contract_version, schema.ledger_entry
        query = select(entry.c.data).join(table, table.c.idx == entry.c.idx)
        query = query.where(table.c.contract == name, table.c.version == version, table.c.sha256 == sha256)
        data = self.connection.execute(query).scalar()
        return None if data is None else build_version(bytes(data), sha256)


def told_by(before: Standing | None, after: Standing | None) -> EventName | None:
    """Give the event by which a claim comes to count something else; None if nothing is to be told."""
    if after is None:
        return None if before is None else "reversed"
    if before is None:
        return "verified" if after.status == "verified" else None
    if before[1:] != after[1:]:
        return "corrected"
    return "verified" if after.status == "verified" != before.status else None


def key_of(origin: str, verdict: VerdictHead, event: str, idx: int, entry: bytes) -> str:
    """Give the idempotency key of an event: 43 letters, digits and one underscore.

    It binds the ledger, the contract, the claim, the event, and the index and the leaf hash of the entry, so that no
    two events share one and the same event never has another.
    """
    return f"oe_{digest([origin, verdict.contract, verdict.subject, event, idx, hash_leaf(entry).hex()])[:40]}"


def read_told(connection: Connection, indexes: Sequence[int]) -> dict[int, Told]:
    """Give verdict entries by their ledger indexes."""
    decoder = msgspec.json.Decoder(Told)
    table = schema.ledger_entry
    found: dict[int, Told] = {}
    for start in range(0, len(indexes), _PICKED):
        query = select(table.c.idx, table.c.data).where(table.c.idx.in_(indexes[start : start + _PICKED]))
        found |= {idx: decoder.decode(data) for idx, data in connection.execute(query)}
    return found

"""Claims under other contracts: one unit is paid once, whoever claims it.

The claim that was taken in first keeps a record and its unit. As long as it is not decided, a later one under another
contract waits; once it is rejected or cannot be verified, the next in line is free. What nobody claimed may be found
under several contracts: it is not billed.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Engine, select

from tallystick.database import schema
from tallystick.ledger import Log
from tallystick.verification.units import Holder, Rivals

__all__ = ["import_order", "read_rivals"]


def import_order(connection: Connection, contract: str) -> dict[str, int]:
    """Give the ledger index of the import of each claim under a contract."""
    table = schema.claim
    query = select(table.c.claim_id, table.c.seq).where(table.c.contract == contract)
    return dict(connection.execute(query).all())


def read_rivals(engine: Engine, log: Log, contract: str) -> Rivals:
    """Give the claims under all other contracts that are in line for a record, by what they mean.

    Those are the verified and the pending ones, those not decided yet, which mean the record of the id they name, and
    those that are rejected only because a claim under another contract comes first.
    """
    claim, head, entry = schema.claim, schema.verdict_head, schema.ledger_entry
    rivals: dict[tuple[str, str, str], list[tuple[int, Holder]]] = defaultdict(list)
    with engine.connect() as connection:
        known = {
            (row.contract, row.subject): (row.status, row.data)
            for row in connection.execute(
                select(head.c.contract, head.c.subject, head.c.status, entry.c.data)
                .join(entry, head.c.idx == entry.c.idx)
                .where(head.c.contract != contract, head.c.subject.like("claim:%"))
            )
        }
        agreed = _agreed(connection, log, contract)
        query = select(claim).where(claim.c.contract != contract).order_by(claim.c.seq, claim.c.claim_id)
        for row in connection.execute(query):
            status, data = known.get((row.contract, f"claim:{row.claim_id}"), ("pending", None))
            place = agreed.get((row.contract, row.outcome))
            verdict = None if data is None else _DECODER.decode(data).verdict
            waits = verdict is not None and [reason.clause for reason in verdict.reasons] == ["claimed_elsewhere"]
            if place is None or not (status in {"verified", "pending"} or waits):
                continue
            record_id = (verdict.record_id if verdict else None) or row.ref
            stands: Literal["verified", "pending"] = "verified" if status == "verified" else "pending"
            rivals[(*place, record_id)].append((row.seq, Holder(row.claim_id, record_id, stands, row.contract)))
    return rivals


def _agreed(connection: Connection, log: Log, contract: str) -> dict[tuple[str, str], tuple[str, str]]:
    """Give source and record type of each outcome of the other contracts, from the newest version in the ledger."""
    table = schema.contract_version
    rows = connection.execute(select(table).where(table.c.contract != contract).order_by(table.c.version)).all()
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for row in rows:
        body: dict[str, Any] = msgspec.json.decode(log.read(row.idx))["body"]
        for outcome in body["outcomes"]:
            found[row.contract, outcome["name"]] = (outcome["source"], outcome["rule"]["record"])
    return found


class _Reason(msgspec.Struct):
    clause: str


class _Verdict(msgspec.Struct):
    record_id: str | None
    reasons: list[_Reason]


class _Entry(msgspec.Struct):
    verdict: _Verdict


_DECODER = msgspec.json.Decoder(_Entry)

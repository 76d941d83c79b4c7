"""Agreements as the ledger knows them: the versions of a contract that were used, each built from its recorded text."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Engine, select

from tallystick.canonical import digest
from tallystick.contracts import Agreement, Contract, contract_from_body
from tallystick.database import schema
from tallystick.errors import Tampered
from tallystick.ledger import Log

__all__ = ["read_agreement", "read_version"]


def read_agreement(engine: Engine, log: Log, contract: Contract) -> Agreement:
    """Give a contract with the versions before it, as they were recorded when they were used.

    Args:
        engine: The project's database.
        log: The ledger.
        contract: The version that is agreed now.

    Raises:
        ContractError: It takes effect at no known day though there are versions before it.
        Tampered: The text of a version is not the one that was recorded.
    """
    table = schema.contract_version
    query = select(table.c.version, table.c.sha256, table.c.idx).where(
        table.c.contract == contract.name, table.c.version < contract.version
    )
    with engine.connect() as connection:
        rows = connection.execute(query.order_by(table.c.version)).all()
    earlier = [read_version(log, row.idx, row.sha256) for row in rows]
    return Agreement.of(*earlier, contract)


def read_version(log: Log, idx: int, sha256: str) -> Contract:
    """Build a version from the ledger entry that recorded it.

    Raises:
        Tampered: The entry holds another text than the one of that hash.
    """
    return _build(log.read(idx), sha256)


@lru_cache(maxsize=64)
def _build(entry: bytes, sha256: str) -> Contract:
    body: dict[str, Any] = msgspec.json.decode(entry)["body"]
    if digest(body) != sha256:
        raise Tampered(
            f"the text of {body.get('contract')} version {body.get('version')} is not the one that was recorded",
            hint="Run `tallystick ledger fsck` and keep the database.",
        )
    return contract_from_body(body)

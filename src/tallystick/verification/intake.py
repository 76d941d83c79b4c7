"""Taking in contracts and claims: each becomes a ledger entry before anything is decided about it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

import msgspec
from sqlalchemy import Connection, Engine, RowMapping, func, insert, select

from tallystick.canonical import canonical, digest
from tallystick.contracts import Contract
from tallystick.database import schema
from tallystick.database.engine import transaction
from tallystick.errors import ContractError, InputError
from tallystick.ledger import Log, Signer
from tallystick.period import format_instant
from tallystick.verification.claim import Claim, read_claims

__all__ = ["IntakeReport", "claim_of", "import_file", "read_stored_claims", "register_contract"]

_SHOWN = 20


class IntakeReport(msgspec.Struct, frozen=True):
    """What an import did: claims taken in, claims that were there already, and all under the contract."""

    imported: int
    known: int
    total: int


def register_contract(connection: Connection, log: Log, contract: Contract, now: int) -> bool:
    """Record a contract version in the ledger the first time it is used; later uses must be the same text.

    Returns:
        Whether an entry was appended, so that a checkpoint is due in the same transaction.

    Raises:
        ContractError: The version was used with another text, a newer version was used already, or a version after
            the first one takes effect in the past, at no known day, or not after the one before it, or counts its days
            in another time zone.
    """
    table = schema.contract_version
    query = select(table.c.version, table.c.sha256, table.c.idx).where(table.c.contract == contract.name)
    rows = connection.execute(query.order_by(table.c.version)).all()
    known: dict[int, str] = {row.version: row.sha256 for row in rows}
    if any(version > contract.version for version in known):
        raise ContractError(
            f"contract {contract.name} version {max(known)} was already used; this is version {contract.version}",
            hint="Use the newest version of the contract.",
        )
    if contract.version in known:
        if known[contract.version] != contract.sha256:
            raise ContractError(
                f"contract {contract.name} version {contract.version} was already used with another text",
                hint="An agreed version never changes: write the new terms as the next version. The text includes the "
                "rules of its templates, so an update of Tallystick or of a plugin can change it too.",
            )
        return False
    if rows:
        before = msgspec.json.decode(log.read(rows[-1].idx), type=_Recorded).body
        _refuse_to_rewrite(contract, before, now)
    entry = {
        "kind": "contract",
        "at": format_instant(now),
        "contract": contract.name,
        "version": contract.version,
        "sha256": contract.sha256,
        "body": contract.body,
    }
    idx = log.append(connection, [canonical(entry)]).start
    row = {"contract": contract.name, "version": contract.version, "sha256": contract.sha256, "idx": idx}
    connection.execute(insert(table), row)
    return True


class _Body(msgspec.Struct):
    """What a later version is held against of the text of the one before it."""

    version: int
    effective: str | None
    timezone: str


class _Recorded(msgspec.Struct):
    body: _Body


def _refuse_to_rewrite(contract: Contract, before: _Body, now: int) -> None:
    """Refuse a version that would decide anew what happened under the version before it."""
    if contract.effective_at is None:
        raise ContractError(
            f"contract {contract.name} version {before.version} was already used, and version {contract.version} does "
            "not say from when on it decides",
            hint="Add `effective:` with the first day of a coming month.",
        )
    if contract.effective_at <= now:
        raise ContractError(
            f"contract {contract.name} version {contract.version} takes effect at "
            f"{format_instant(contract.effective_at)}, which is over: it would change the past",
            hint="Let it take effect on the first day of a coming month; what happened before stays as it was agreed.",
        )
    effective = contract.body["effective"]
    if before.effective is not None and effective <= before.effective:
        raise ContractError(
            f"contract {contract.name} version {contract.version} takes effect on {effective}, not after version "
            f"{before.version}, which does on {before.effective}",
            hint="A later version never takes the place of an earlier one; let it take effect a month later.",
        )
    if contract.timezone != before.timezone:
        raise ContractError(
            f"contract {contract.name} version {contract.version} is in another time zone, {contract.timezone}, than "
            f"version {before.version}, {before.timezone}: the months of its statements would be others",
            hint="Keep the time zone, or agree on a contract of another name.",
        )


def import_file(
    engine: Engine,
    log: Log,
    signer: Signer,
    contract: Contract,
    path: Path,
    *,
    now: int,
    whole_ids: Mapping[str, Callable[[str], str]] | None = None,
) -> IntakeReport:
    """Take in a file of claims whole, or refuse it whole.

    A claim that was taken in before with the same content is counted and left alone, so the same file may be imported
    twice.

    Args:
        engine: The project's database.
        log: Its ledger.
        signer: Signs the checkpoint.
        contract: What the claims are made under.
        path: The file.
        now: When they are taken in, microseconds UTC.
        whole_ids: By outcome, what gives the id that records carry for a reference; the claim is kept with that one.

    Raises:
        InputError: The file is malformed, or gives a known claim id another content; every such line is named.
        ContractError: See `register_contract`.
    """
    read = read_claims(path, outcomes=contract.outcomes)
    with path.open("rb") as file:
        file_sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    table = schema.claim
    with transaction(engine) as connection:
        appended = register_contract(connection, log, contract, now)
        stored = select(table.c.claim_id, table.c.digest).where(table.c.contract == contract.name)
        known: dict[str, str] = dict(connection.execute(stored).all())
        # What was taken in before ids were told with all their signs stays as it was typed.
        claims = [
            claim if known.get(claim.claim_id) == claim.digest else _whole(claim, whole_ids or {}) for claim in read
        ]
        _refuse_changed(path, claims, known)
        fresh = sorted((claim for claim in claims if claim.claim_id not in known), key=lambda claim: claim.claim_id)
        if fresh:
            entry = {
                "kind": "claims",
                "at": format_instant(now),
                "contract": contract.name,
                "contract_sha256": contract.sha256,
                "file_sha256": file_sha256,
                "count": len(fresh),
                "claims_sha256": digest([claim.digest for claim in fresh]),
            }
            idx = log.append(connection, [canonical(entry)]).start
            connection.execute(insert(table), [_row(contract.name, claim, idx) for claim in fresh])
            appended = True
        if appended:
            log.checkpoint(connection, signer)
        counted = select(func.count()).select_from(table).where(table.c.contract == contract.name)
        total = connection.execute(counted).scalar_one()
    return IntakeReport(imported=len(fresh), known=len(claims) - len(fresh), total=total)


def read_stored_claims(connection: Connection, contract: str) -> list[Claim]:
    """Give all claims under a contract in the order in which they count.

    First come those taken in first, so that no later file gets ahead of them by an early date; within one file the
    order is by `claimed_at`, undated ones last, then by id.
    """
    table = schema.claim
    query = select(table).where(table.c.contract == contract)
    rows = sorted(connection.execute(query).mappings(), key=_rank)
    return [claim_of(row) for row in rows]


def claim_of(row: RowMapping) -> Claim:
    """Give a stored claim as it was made."""
    return Claim(
        claim_id=row["claim_id"],
        outcome=row["outcome"],
        ref=row["ref"],
        claimed_at=row["claimed_at"],
        amount=None if row["amount"] is None else Decimal(row["amount"]),
        currency=row["currency"],
    )


def _whole(claim: Claim, whole_ids: Mapping[str, Callable[[str], str]]) -> Claim:
    whole = whole_ids.get(claim.outcome, str)(claim.ref)
    return claim if whole == claim.ref else msgspec.structs.replace(claim, ref=whole)


def _rank(row: RowMapping) -> tuple[int, bool, int, str]:
    return row["seq"], row["claimed_at"] is None, row["claimed_at"] or 0, row["claim_id"]


def _row(contract: str, claim: Claim, idx: int) -> dict[str, object]:
    return {
        "contract": contract,
        "claim_id": claim.claim_id,
        "outcome": claim.outcome,
        "ref": claim.ref,
        "claimed_at": claim.claimed_at,
        "amount": None if claim.amount is None else format(claim.amount, "f"),
        "currency": claim.currency,
        "seq": idx,
        "digest": claim.digest,
    }


def _refuse_changed(path: Path, claims: list[Claim], known: dict[str, str]) -> None:
    changed = [claim.claim_id for claim in claims if known.get(claim.claim_id, claim.digest) != claim.digest]
    if changed:
        more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
        raise InputError(
            f"{path}: already submitted with other content: {', '.join(changed[:_SHOWN])}{more}; nothing was taken in",
            hint="A claim never changes. Submit the new content under a new claim id.",
        )

"""Agreements as the ledger knows them: the versions of a contract that were used, each built from its recorded text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, select

from tallystick.contracts import Agreement, Contract, Termination
from tallystick.database import schema
from tallystick.database.engine import transaction
from tallystick.errors import ContractError
from tallystick.ledger import Log, Signer
from tallystick.period import format_instant, zone
from tallystick.verification.acts import append_acts, read_acts, refuse_the_past
from tallystick.verification.entries import TERMINATION, build_version, termination_of
from tallystick.verification.intake import register_contract

__all__ = ["TERMINATION", "read_agreement", "read_version", "terminate"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_agreement(engine: Engine, log: Log, contract: Contract, *, upto: int | None = None) -> Agreement:
    """Give a contract with the versions before it, as they were recorded when they were used, and its termination.

    Args:
        engine: The project's database.
        log: The ledger.
        contract: The version that is agreed now.
        upto: Size of the ledger to read as of, which leaves out the version itself if it came later; all of it by
            default.

    Raises:
        ContractError: A later version takes effect at no known day.
        Tampered: The text of a version is not the one that was recorded.
    """
    table = schema.contract_version
    query = select(table.c.version, table.c.sha256, table.c.idx).where(table.c.contract == contract.name)
    with engine.connect() as connection:
        rows = connection.execute(query.order_by(table.c.version)).all()
    known = [row for row in rows if upto is None or row.idx < upto]
    versions = [read_version(log, row.idx, row.sha256) for row in known if row.version != contract.version]
    if upto is None or len(versions) < len(known) or not known:
        versions.append(contract)
    ended = read_acts(engine, log, contract.name, TERMINATION, upto)
    return Agreement.of(*versions, termination=termination_of(ended[-1][1]) if ended else None)


def terminate(engine: Engine, log: Log, signer: Signer, contract: Contract, termination: Termination) -> Agreement:
    """Record that a party ended a contract; the floor of its last month counts by days.

    Raises:
        ContractError: The notice is too short, comes before the least the contract runs, or it was ended already.
        ConfigurationError: The notice is dated before the newest entry of the ledger.
    """
    refuse_the_past(log, termination.given_at)
    agreement = read_agreement(engine, log, contract)
    _refuse_termination(agreement, termination)
    entry = {
        "kind": TERMINATION,
        "at": format_instant(termination.given_at),
        "contract": contract.name,
        "key": termination.on.isoformat(),
        "by": termination.by,
        "reason": termination.reason,
    }
    with transaction(engine) as connection:
        register_contract(connection, log, contract, termination.given_at)
        append_acts(connection, log, contract.name, [entry])
        log.checkpoint(connection, signer)
    return read_agreement(engine, log, contract)


def _refuse_termination(agreement: Agreement, termination: Termination) -> None:
    contract = agreement.governing(termination.given_at)
    term = contract.term
    given = (_EPOCH + timedelta(microseconds=zone(contract.timezone).to_local(termination.given_at))).date()
    earliest = agreement.earliest_end(termination.given_at)
    if agreement.termination is not None:
        raise ContractError(
            f"{contract.name} was ended already: it ends before {agreement.termination.on.isoformat()}",
            hint="A termination is not taken back; agree on a contract of another name.",
        )
    if termination.on < earliest:
        raise ContractError(
            f"{contract.name} cannot end on {termination.on.isoformat()}: the notice of {term.notice_days} days, given "
            f"on {given.isoformat()}, and the least term allow {earliest.isoformat()} at the earliest",
            hint="Name that day or a later one.",
        )
    if term.end is not None and termination.on >= term.end:
        raise ContractError(
            f"{contract.name} ends before {term.end.isoformat()} by itself", hint="There is nothing to end."
        )


def read_version(log: Log, idx: int, sha256: str) -> Contract:
    """Build a version from the ledger entry that recorded it.

    Raises:
        Tampered: The entry holds another text than the one of that hash.
    """
    return build_version(log.read(idx), sha256)

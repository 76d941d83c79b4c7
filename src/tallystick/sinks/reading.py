"""Reading the outbox: the event of a row, made from the ledger, and what is known about its delivery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Row, func, select

from tallystick.contracts import Contract, calendar_of
from tallystick.database import schema
from tallystick.errors import Tampered
from tallystick.ledger import Log
from tallystick.period import parse_instant
from tallystick.sinks.base import Attempt, Earlier, LedgerPlace, OutcomeEvent, Previous
from tallystick.sinks.standing import Told, Versions, key_of
from tallystick.statements.lines import Months, currency_of
from tallystick.verification.verdict import VerdictHead

__all__ = ["STATES", "attempt_of", "before_of", "count_repeated", "count_states", "event_of", "told_of"]

STATES = ("scheduled", "waiting", "delivered", "dead", "dismissed", "withdrawn")
"""What may become of an event: see `tallystick.database.schema.outbox`."""

_KEEP = "Run `tallystick ledger fsck` and keep the database."
_WIDE = Context(prec=100)
_DECODER = msgspec.json.Decoder(Told)
_DONE = ("delivered", "dead", "dismissed")


def event_of(connection: Connection, log: Log, row: Row[Any]) -> OutcomeEvent:
    """Give the event of a row of the outbox.

    Raises:
        Tampered: The ledger does not hold what the row was written for.
    """
    table = schema.ledger_entry.c
    query = select(table.idx, table.data).where(table.idx.in_((row.idx, row.replaces)))
    entries = {idx: bytes(data) for idx, data in connection.execute(query)}
    told = told_of(log.origin, row, entries.get(row.idx))
    before = before_of(row, entries.get(row.replaces))
    versions = Versions(connection)
    verdict, contract = told.verdict, versions.of(told.verdict)
    if contract is None:
        raise Tampered(f"the contract of ledger entry {row.idx} is not in the ledger", hint=_KEEP)
    previous = None if before is None else _previous(versions, row.replaces, before.verdict)
    counts = versions.standing(verdict)
    unit = counts.unit if counts else previous.unit if previous else "unit"
    places = None if unit == "unit" else currency_of(contract, unit, verdict.exponent).exponent
    calendar = None if verdict.locks_at is None else calendar_of(contract, verdict.locks_at)
    return OutcomeEvent(
        key=row.key,
        event=row.event,
        at=row.due_at if row.event == "locked" else parse_instant(told.at),
        contract=row.contract,
        contract_version=verdict.contract_version,
        contract_sha256=verdict.contract_sha256,
        outcome=verdict.outcome,
        claim=verdict.subject.removeprefix("claim:"),
        status=verdict.status,
        quantity=_plain(counts.quantity, places) if counts else Decimal(0),
        unit=unit,
        exponent=places,
        clause=None if verdict.status == "verified" or not verdict.reasons else verdict.reasons[0].clause,
        month=_month(contract, row.due_at if row.event == "locked" else parse_instant(told.at)),
        occurred_at=verdict.occurred_at,
        locks_at=verdict.locks_at,
        disputable_until=calendar.disputable_until if calendar else None,
        clawback_until=calendar.clawback_until if calendar else None,
        previous=previous,
        ledger=_place(connection, log, row.idx),
    )


def told_of(origin: str, row: Row[Any], entry: bytes | None) -> Told:
    """Give the verdict that a row of the outbox tells.

    Args:
        origin: Name of the ledger.
        row: The row.
        entry: The ledger's entry at the row's `idx`, if there is one.

    Raises:
        Tampered: It is not what the row was written for.
    """
    told = _verdict_of(row, entry)
    if told is None or entry is None:
        raise Tampered(f"event {row.key} of the outbox is not one of ledger entry {row.idx}", hint=_KEEP)
    if key_of(origin, told.verdict, row.event, row.idx, entry) != row.key:
        raise Tampered(f"event {row.key} of the outbox has another key than ledger entry {row.idx}", hint=_KEEP)
    if row.event == "locked" and row.due_at != told.verdict.locks_at:
        raise Tampered(
            f"event {row.key} of the outbox locks at another instant than ledger entry {row.idx}", hint=_KEEP
        )
    return told


def before_of(row: Row[Any], entry: bytes | None) -> Told | None:
    """Give the verdict that stood before the one a row tells; None if it was the first.

    Args:
        row: The row.
        entry: The ledger's entry at the row's `replaces`, if there is one.

    Raises:
        Tampered: It is no earlier verdict on the same claim.
    """
    if row.replaces is None:
        return None
    told = _verdict_of(row, entry)
    if told is None or row.replaces >= row.idx:
        raise Tampered(
            f"ledger entry {row.replaces} is not what stood before event {row.key} of the outbox", hint=_KEEP
        )
    return told


def attempt_of(connection: Connection, row: Row[Any], now: int) -> Attempt:
    """Give what is known about the delivery of a row."""
    table = schema.outbox.c
    query = select(table.key, table.event, table.state, table.done_at).order_by(table.id)
    query = query.where(table.sink == row.sink, table.contract == row.contract, table.subject == row.subject)
    rows = connection.execute(query.where(table.id < row.id, table.state.in_(_DONE))).all()
    # That a person let it rest tells a sink no more than that it was given up.
    earlier = (Earlier(key, event, "dead" if state == "dismissed" else state, at) for key, event, state, at in rows)
    return Attempt(now, row.unsure_since, tuple(earlier))


def count_states(engine: Engine) -> Mapping[str, Mapping[str, int]]:
    """Give how many events of each sink are in each state."""
    table = schema.outbox.c
    query = select(table.sink, table.state, func.count()).group_by(table.sink, table.state)
    found: dict[str, dict[str, int]] = {}
    with engine.connect() as connection:
        for name, state, count in connection.execute(query):
            found.setdefault(name, {})[state] = count
    return found


def count_repeated(engine: Engine, gone: Sequence[str]) -> Mapping[str, int]:
    """Give how many events each other sink is still to be told that one of those that are gone was told already."""
    table, other = schema.outbox.c, schema.outbox.alias("other").c
    told = select(other.id).where(other.sink.in_(gone), other.key == table.key, other.state == "delivered").exists()
    query = select(table.sink, func.count()).where(table.state.in_(("scheduled", "waiting")), told)
    with engine.connect() as connection:
        found = connection.execute(query.where(table.sink.not_in(gone)).group_by(table.sink))
        return {name: int(count) for name, count in found}


def _verdict_of(row: Row[Any], entry: bytes | None) -> Told | None:
    """Give the verdict an entry holds; None unless it is one on the claim of the row."""
    try:
        told = _DECODER.decode(entry or b"")
    except msgspec.DecodeError:
        return None
    return told if (told.verdict.contract, told.verdict.subject) == (row.contract, row.subject) else None


def _previous(versions: Versions, idx: int, verdict: VerdictHead) -> Previous | None:
    counts, contract = versions.standing(verdict), versions.of(verdict)
    if counts is None or contract is None:
        return None
    places = None if counts.unit == "unit" else currency_of(contract, counts.unit, verdict.exponent).exponent
    return Previous(idx, counts.status, _plain(counts.quantity, places), counts.unit)


def _plain(quantity: Decimal, places: int | None) -> Decimal:
    """Give a quantity with the decimal places of its currency, or with none to spare; never less exact."""
    short = quantity.normalize(_WIDE)
    padded = short.quantize(Decimal(1).scaleb(-(places or 0)), context=_WIDE)
    return padded if padded == short else short


def _month(contract: Contract, at: int) -> str:
    return Months(contract.timezone).at(at).label


def _place(connection: Connection, log: Log, idx: int) -> LedgerPlace:
    """Give the first checkpoint that covers an entry: the one that was signed in its transaction."""
    table = schema.ledger_checkpoint.c
    query = select(table.size, table.root).where(table.size > idx).order_by(table.size).limit(1)
    row = connection.execute(query).first()
    if row is None:
        raise Tampered(f"no checkpoint covers ledger entry {idx}", hint=_KEEP)
    return LedgerPlace(log.origin, idx, row.size, bytes(row.root).hex())

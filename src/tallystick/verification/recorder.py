"""Writing verdicts: only what changed becomes a ledger entry, all of it in one transaction with a checkpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import msgspec
from sqlalchemy import Connection, Engine, delete, insert, select

from tallystick.canonical import canonical, digest
from tallystick.contracts import Agreement, Contract
from tallystick.database import schema
from tallystick.database.engine import transaction
from tallystick.ledger import Log, Signer
from tallystick.period import format_instant
from tallystick.records.catalog import RecordStore
from tallystick.verification.acts import refuse_the_past
from tallystick.verification.agreements import read_agreement
from tallystick.verification.claim import Claim
from tallystick.verification.corroboration import connect_outcome, inputs_for
from tallystick.verification.dispute_acts import read_settlements
from tallystick.verification.entries import VerdictEntry, interned
from tallystick.verification.intake import read_stored_claims, register_contract
from tallystick.verification.rivals import import_order, read_rivals
from tallystick.verification.rules import decide_all
from tallystick.verification.units import Held, Rivals
from tallystick.verification.verdict import Status, Verdict, VerdictHead
from tallystick.verification.verifier import Decision

__all__ = [
    "ClaimedTwice",
    "Outlet",
    "Recorded",
    "Turn",
    "VerifyReport",
    "decide",
    "open_turn",
    "read_verdicts",
    "verify_contract",
]


_ROWS = 5_000


class ClaimedTwice(msgspec.Struct, frozen=True):
    """A claim on what another claim holds: the same record, or one of the same unit, under this or another contract."""

    claim_id: str
    status: str
    text: str


class VerifyReport(msgspec.Struct, frozen=True):
    """What a verification found: all claims by status, the records found, reasons of rejection, what changed.

    `claimed_twice` lists every claim on something another claim holds. `contested` says that there are claims under
    other contracts, so that this one may have to be decided again after those.
    """

    contract: str
    changed: int
    counts: dict[str, int]
    reasons: list[tuple[str, int]]
    as_of_seq: int
    claimed_twice: list[ClaimedTwice] = []
    contested: bool = False


class Recorded(NamedTuple):
    """A verdict that became an entry: its ledger index, the entry, and the index of the verdict it replaces."""

    idx: int
    entry: bytes
    verdict: VerdictHead
    replaces: int | None


Outlet: TypeAlias = Callable[[Connection, str, Sequence[Recorded], int], None]
"""Called in the transaction that records verdicts, with the contract's name, what was recorded (perhaps nothing) and
the instant that was decided as of. What it writes is kept with the entries or not at all."""


def verify_contract(
    engine: Engine,
    store: RecordStore,
    log: Log,
    signer: Signer,
    contract: Contract,
    *,
    now: int,
    outlet: Outlet | None = None,
) -> VerifyReport:
    """Decide every claim under a contract against the evidence as it stands, and record the verdicts that changed.

    With nothing new in, nothing new goes to the ledger. Killed at any moment, the ledger holds all of it or none, as
    does what the outlet writes.

    A record is held by one claim: the first on the outcome that stands first in the contract. What happened before
    this version took effect is decided under the version that was in force then.

    Raises:
        ContractError: The contract's text differs from the one recorded for its version.
        ConfigurationError: `now` lies before the newest entry of the ledger.
    """
    refuse_the_past(log, now)
    with transaction(engine) as connection:
        if register_contract(connection, log, contract, now):
            log.checkpoint(connection, signer)
    agreement = read_agreement(engine, log, contract)
    verdicts, as_of_seq, contested = decide(engine, store, log, agreement, now=now)
    with transaction(engine) as connection:
        recorded = _record(connection, log, contract, verdicts, now)
        if outlet is not None:
            outlet(connection, contract.name, recorded, now)
        if recorded:
            log.checkpoint(connection, signer)
    return VerifyReport(
        contract.name,
        len(recorded),
        _counts(verdicts),
        _reasons(verdicts),
        as_of_seq,
        _claimed_twice(verdicts),
        contested=contested,
    )


@dataclass(frozen=True)
class Turn:
    """All that one verification rests on, with the databases open: what `decide` decides, and a bundle hands on.

    `before` holds the newest verdict of each subject by its ledger index; `order` the ledger index of the import of
    each claim. `as_of_seq` is the sequence number up to which the evidence is seen.
    """

    agreement: Agreement
    decisions: Sequence[Decision]
    claims: Sequence[Claim]
    order: Mapping[str, int]
    rivals: Rivals
    before: Mapping[int, Verdict]
    as_of_seq: int
    now: int

    def decide(self) -> list[Verdict]:
        """Decide every claim, and what nobody claimed; nothing is written."""
        return decide_all(self.decisions, self.claims)


@contextmanager
def open_turn(engine: Engine, store: RecordStore, log: Log, agreement: Agreement, *, now: int) -> Iterator[Turn]:
    """Give what an agreement is decided by as of `now`; the databases are closed on leaving."""
    # How far the sources were read is asked first: evidence that is stored meanwhile does no harm, its absence would.
    read = {
        (contract.version, outcome.name): inputs_for(engine, outcome, now)
        for contract in agreement.versions
        for outcome in contract.outcomes.values()
    }
    as_of_seq = store.last_seq()
    with engine.connect() as connection:
        claims = read_stored_claims(connection, agreement.name)
        order = import_order(connection, agreement.name)
    rivals = read_rivals(engine, log, agreement.name)
    settled = read_settlements(engine, log, agreement.name)
    heads = read_verdicts(engine, agreement.name)
    before = {verdict.subject: verdict for verdict in heads.values()}
    held: Held = {}
    with ExitStack() as open_databases:
        decisions = [
            Decision(
                open_databases.enter_context(connect_outcome(store, outcome, as_of_seq)),
                contract,
                outcome,
                read[contract.version, outcome.name],
                before=before,
                rivals=rivals,
                order=order,
                held=held,
                now=now,
                span=agreement.span(contract),
                settled=settled,
            )
            for contract in agreement.versions
            for outcome in contract.outcomes.values()
        ]
        yield Turn(agreement, decisions, claims, order, rivals, heads, as_of_seq, now)


def decide(
    engine: Engine, store: RecordStore, log: Log, agreement: Agreement, *, now: int
) -> tuple[list[Verdict], int, bool]:
    """Decide every claim under an agreement, and what nobody claimed; nothing is written.

    Returns:
        The verdicts, the sequence number up to which the evidence was seen, and whether claims under other contracts
        stand against it.
    """
    with open_turn(engine, store, log, agreement, now=now) as turn:
        return turn.decide(), turn.as_of_seq, bool(turn.rivals)


def read_verdicts(engine: Engine, contract: str) -> dict[int, Verdict]:
    """Give the newest verdict of each subject under a contract, by ledger index, in the order of the ledger."""
    decoder = msgspec.json.Decoder(VerdictEntry)
    return {idx: interned(decoder.decode(data).verdict) for idx, data in _newest(engine, contract)}


def _newest(engine: Engine, contract: str) -> Iterator[tuple[int, bytes]]:
    head, entry = schema.verdict_head, schema.ledger_entry
    query = select(entry.c.idx, entry.c.data).join(head, head.c.idx == entry.c.idx)
    query = query.where(head.c.contract == contract).order_by(entry.c.idx)
    with engine.connect().execution_options(yield_per=_ROWS) as connection:
        for row in connection.execute(query):
            yield row[0], row[1]


def _record(
    connection: Connection, log: Log, contract: Contract, verdicts: Sequence[Verdict], now: int
) -> list[Recorded]:
    table = schema.verdict_head
    known = _known(connection, contract.name)
    changed = [(verdict, digest(verdict)) for verdict in verdicts]
    changed = [(verdict, held) for verdict, held in changed if known.get(verdict.subject, _NONE)[1] != held]
    if not changed:
        return []
    at = format_instant(now)
    entries = [canonical({"kind": "verdict", "at": at, "verdict": verdict}) for verdict, _ in changed]
    first = log.append(connection, entries).start
    rows = [
        {
            "contract": contract.name,
            "subject": verdict.subject,
            "idx": first + offset,
            "status": verdict.status,
            "digest": held,
        }
        for offset, (verdict, held) in enumerate(changed)
    ]
    replaced = [row["subject"] for row in rows if row["subject"] in known]
    for start in range(0, len(replaced), 500):
        some = table.c.subject.in_(replaced[start : start + 500])
        connection.execute(delete(table).where(table.c.contract == contract.name, some))
    connection.execute(insert(table), rows)
    return [
        Recorded(first + offset, entry, verdict, known.get(verdict.subject, _NONE)[0])
        for offset, (entry, (verdict, _)) in enumerate(zip(entries, changed, strict=True))
    ]


_NONE = (None, None)


def _known(connection: Connection, contract: str) -> Mapping[str, tuple[int | None, str | None]]:
    """Give the ledger index and the digest of the newest verdict of each subject."""
    table = schema.verdict_head
    query = select(table.c.subject, table.c.idx, table.c.digest).where(table.c.contract == contract)
    return {subject: (idx, held) for subject, idx, held in connection.execute(query)}


def _counts(verdicts: Sequence[Verdict]) -> dict[str, int]:
    claimed = [verdict for verdict in verdicts if verdict.subject.startswith("claim:")]
    by_status = Counter(verdict.status for verdict in claimed)
    statuses: tuple[Status, ...] = ("verified", "rejected", "pending", "unverifiable", "reversed")
    found = sum(verdict.found and verdict.status == "verified" for verdict in verdicts)
    return {"claimed": len(claimed), **{status: by_status[status] for status in statuses}, "found": found}


def _claimed_twice(verdicts: Sequence[Verdict]) -> list[ClaimedTwice]:
    return [
        ClaimedTwice(verdict.subject.removeprefix("claim:"), verdict.status, verdict.reasons[0].text)
        for verdict in verdicts
        if not verdict.found and verdict.reasons and verdict.reasons[0].clause in {"duplicate", "claimed_elsewhere"}
    ]


def _reasons(verdicts: Sequence[Verdict]) -> list[tuple[str, int]]:
    """Give the clauses that rejected claims, most frequent first; equal counts by name."""
    named = Counter(
        verdict.reasons[0].clause for verdict in verdicts if verdict.status == "rejected" and not verdict.found
    )
    return sorted(named.items(), key=lambda item: (-item[1], item[0]))

"""Disputes in the ledger: read back from it, and written to it, each act in one transaction with a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Engine, select

from tallystick.contracts import Agreement, Contract, dispute_end
from tallystick.database import schema
from tallystick.database.engine import transaction
from tallystick.errors import ConfigurationError
from tallystick.ledger import Log, Signer
from tallystick.period import format_instant, parse_instant
from tallystick.verification.acts import append_acts, read_acts, refuse_the_past
from tallystick.verification.agreements import read_agreement
from tallystick.verification.dispute_rules import (
    agree_quantity,
    check_answer,
    check_open,
    check_resolve,
    check_text,
)
from tallystick.verification.disputes import (
    ANSWER,
    DISPUTE,
    RESOLUTION,
    Dispute,
    LiveLook,
    Party,
    ResolvedAs,
    Resolver,
    disputes_of,
    settlements_of,
)
from tallystick.verification.exhibits import Exhibit
from tallystick.verification.verdict import Settlement, Verdict

__all__ = ["DisputeBook", "NewestVerdict", "newest_verdict", "read_disputes", "read_settlements"]


class NewestVerdict(NamedTuple):
    """The newest verdict on a subject, its ledger index, and when it was recorded."""

    entry: int
    at: int
    verdict: Verdict


class _Entry(msgspec.Struct, frozen=True):
    at: str
    verdict: Verdict


def newest_verdict(engine: Engine, contract: str, subject: str) -> NewestVerdict | None:
    """Give the newest verdict on a subject under a contract; None where there is none."""
    head, entry = schema.verdict_head, schema.ledger_entry
    query = select(entry.c.idx, entry.c.data).join(head, head.c.idx == entry.c.idx)
    with engine.connect() as connection:
        row = connection.execute(query.where(head.c.contract == contract, head.c.subject == subject)).first()
    if row is None:
        return None
    found = msgspec.json.decode(row.data, type=_Entry)
    return NewestVerdict(row.idx, parse_instant(found.at), found.verdict)


def read_disputes(engine: Engine, log: Log, contract: str, *, upto: int | None = None) -> list[Dispute]:
    """Give the disputes under a contract, oldest first.

    Args:
        engine: The project's database.
        log: The ledger.
        contract: Name of the contract.
        upto: Size of the ledger to read as of; all of it by default.

    Raises:
        Tampered: An entry is not as Tallystick writes it.
    """
    acts = [act for kind in (DISPUTE, ANSWER, RESOLUTION) for act in read_acts(engine, log, contract, kind, upto)]
    return disputes_of(sorted(acts))


def read_settlements(engine: Engine, log: Log, contract: str) -> dict[str, Settlement]:
    """Give what the parties settled under a contract, by subject."""
    return settlements_of(read_disputes(engine, log, contract))


class DisputeBook:
    """The disputes under one contract.

    Args:
        engine: The project's database.
        log: The ledger.
        contract: The version that is agreed now.
    """

    def __init__(self, engine: Engine, log: Log, contract: Contract) -> None:
        self._engine = engine
        self._log = log
        self._contract = contract

    def disputes(self) -> list[Dispute]:
        """Give all of them, oldest first."""
        return read_disputes(self._engine, self._log, self._contract.name)

    def find(self, dispute_id: str) -> Dispute:
        """Give one.

        Raises:
            ConfigurationError: There is none of that id.
        """
        return _find(self.disputes(), dispute_id)

    def check_open(self, claim_id: str, *, by: Party, reason: str, text: str, now: int) -> NewestVerdict:
        """Give the verdict that a party may dispute now; nothing is written.

        Raises:
            ConfigurationError: See `open`.
        """
        check_text(text)
        refuse_the_past(self._log, now)
        newest = self._newest(claim_id)
        governing = self._governing(self._agreement(), newest.verdict)
        check_open(governing, newest.verdict, newest.at, self.disputes(), by=by, reason=reason, now=now)
        return newest

    def open(
        self,
        signer: Signer,
        claim_id: str,
        *,
        by: Party,
        reason: str,
        text: str,
        now: int,
        evidence: Sequence[Exhibit] = (),
        lookup: LiveLook | None = None,
    ) -> Dispute:
        """Open a dispute on the newest verdict on a claim.

        Keep the exhibits before: an entry never names what is not there.

        Raises:
            ConfigurationError: There is no verdict on the claim, it is disputed already or was settled, it is not this
                party's to dispute, its time is over, or `now` lies before the newest entry of the ledger.
        """
        size = self._log.size
        said = check_text(text)
        refuse_the_past(self._log, now)
        disputes, newest = self.disputes(), self._newest(claim_id)
        contract = self._governing(self._agreement(), newest.verdict)
        until = check_open(contract, newest.verdict, newest.at, disputes, by=by, reason=reason, now=now)
        answer_until = max(until, dispute_end(contract, now))
        dispute_id = f"{contract.name}-D{len(disputes) + 1}"
        entry = {
            "claim_id": claim_id,
            "by": by,
            "reason": reason,
            "text": said,
            "verdict": {"entry": newest.entry, "status": newest.verdict.status},
            "evidence": list(evidence),
            "lookup": lookup,
            "dispute_until": format_instant(until),
            "answer_until": format_instant(answer_until),
            "settle_until": format_instant(dispute_end(contract, answer_until)),
            "on_silence": contract.finality.on_silence,
        }
        return self._append(signer, size, {**self._named(DISPUTE, dispute_id, now), **entry})

    def answer(
        self, signer: Signer, dispute_id: str, *, by: Party, text: str, now: int, evidence: Sequence[Exhibit] = ()
    ) -> Dispute:
        """Record what the other side says.

        Raises:
            ConfigurationError: There is no such dispute, it has ended or was answered, or the party opened it.
        """
        size = self._log.size
        said = check_text(text)
        refuse_the_past(self._log, now)
        dispute = self.find(dispute_id)
        check_answer(dispute, by=by, now=now)
        entry = {"by": by, "text": said, "late": now >= dispute.answer_until, "evidence": list(evidence)}
        return self._append(signer, size, {**self._named(ANSWER, dispute_id, now), **entry})

    def resolve(
        self,
        signer: Signer,
        dispute_id: str,
        *,
        outcome: ResolvedAs,
        by: Resolver,
        text: str,
        now: int,
        quantity: str | None = None,
        currency: str | None = None,
    ) -> Dispute:
        """Record how a dispute ended; the next verification brings the verdict in line with it.

        Raises:
            ConfigurationError: There is no such dispute, it has ended, the party would settle it in its own favour, or
                the quantity does not fit.
        """
        size = self._log.size
        said = check_text(text)
        refuse_the_past(self._log, now)
        dispute = self.find(dispute_id)
        verdict = self._newest(dispute.claim_id).verdict
        contract = self._governing(self._agreement(), verdict)
        agreed, paid_in = None, None
        if outcome == "verified":
            agreed, paid_in = agree_quantity(contract, contract.outcomes[verdict.outcome], verdict, quantity, currency)
        elif quantity is not None or currency is not None:
            raise ConfigurationError("--quantity and --currency go with --outcome verified")
        check_resolve(contract, dispute, verdict, outcome=outcome, by=by, paid=(agreed, paid_in), now=now)
        entry = {"outcome": outcome, "by": by, "text": said, "quantity": agreed, "currency": paid_in}
        return self._append(signer, size, {**self._named(RESOLUTION, dispute_id, now), **entry})

    def _named(self, kind: str, dispute_id: str, now: int) -> dict[str, Any]:
        return {"kind": kind, "at": format_instant(now), "contract": self._contract.name, "key": dispute_id}

    def _append(self, signer: Signer, size: int, entry: dict[str, Any]) -> Dispute:
        """Write an entry, unless the ledger is no longer what the entry was checked against."""
        with transaction(self._engine) as connection:
            if self._log.size_in(connection) != size:
                raise ConfigurationError("the ledger grew in the meantime", hint="Run the command again.")
            append_acts(connection, self._log, self._contract.name, [entry])
            self._log.checkpoint(connection, signer)
        return self.find(entry["key"])

    def _newest(self, claim_id: str) -> NewestVerdict:
        newest = newest_verdict(self._engine, self._contract.name, f"claim:{claim_id}")
        if newest is None:
            raise ConfigurationError(
                f"there is no verdict on the claim {claim_id!r} under {self._contract.name}",
                hint="Check the id; a claim that was just taken in has a verdict after `tallystick verify`.",
            )
        return newest

    def _agreement(self) -> Agreement:
        return read_agreement(self._engine, self._log, self._contract)

    def _governing(self, agreement: Agreement, verdict: Verdict) -> Contract:
        return agreement.by_sha256.get(verdict.contract_sha256, agreement.newest)


def _find(disputes: Sequence[Dispute], dispute_id: str) -> Dispute:
    for dispute in disputes:
        if dispute.id == dispute_id:
            return dispute
    known = ", ".join(dispute.id for dispute in disputes[-5:]) or "none"
    raise ConfigurationError(f"there is no dispute {dispute_id!r}; the newest are: {known}")

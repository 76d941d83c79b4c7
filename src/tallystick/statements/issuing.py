"""Preparing, issuing and giving again a statement: what was issued is computed from the ledger as it was then."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine

from tallystick.contracts import Agreement, Contract
from tallystick.database.engine import transaction
from tallystick.errors import ConfigurationError, Tampered
from tallystick.ledger import Log, Signer
from tallystick.period import Period
from tallystick.statements.issued import STATEMENT, issued_of, statement_entry
from tallystick.statements.months import Findings
from tallystick.statements.notes import Restatement, restate
from tallystick.statements.rating import rate
from tallystick.statements.statement import Issued, LedgerHead, Statement
from tallystick.verification.acts import append_acts, read_acts
from tallystick.verification.agreements import read_agreement
from tallystick.verification.heads import Heads, heads_at
from tallystick.verification.samples import read_findings
from tallystick.verification.verdict import VerdictHead

__all__ = ["STATEMENT", "StatementBook"]


class StatementBook:
    """The statements of one contract.

    Args:
        engine: The project's database.
        log: The ledger.
        contract: The version that is agreed now.
    """

    def __init__(self, engine: Engine, log: Log, contract: Contract) -> None:
        self._engine = engine
        self._log = log
        self._contract = contract

    def issued(self, upto: int | None = None) -> list[Issued]:
        """Give the statements that were issued, oldest first.

        Args:
            upto: Size of the ledger to read as of; all of it by default.
        """
        acts = read_acts(self._engine, self._log, self._contract.name, STATEMENT, upto)
        return [issued_of(entry, data) for entry, data in acts]

    def prepare(self, period: Period, *, now: int) -> Statement:
        """Give the statement for a period: as it was issued, the same bytes again, or what it would be now.

        Args:
            period: Whole calendar months in the contract's zone.
            now: The instant it is prepared at, in microseconds UTC, unless it was issued.

        Raises:
            ConfigurationError: The period is not made of whole months, or overlaps one that was issued.
            ContractError: A verdict was given under another text of the contract, or cannot be priced.
            Tampered: What was issued cannot be computed from the ledger again.
        """
        issued = self.issued()
        known = next((statement for statement in issued if statement.period == period), None)
        if known is None:
            _refuse_overlap(issued, period)
            return self._as_of(period, issued, size=self._log.size, now=now)
        before = [statement for statement in issued if statement.entry < known.entry]
        again = self._as_of(period, before, size=known.size, now=known.prepared_at)
        if again.digest != known.sha256:
            raise Tampered(
                f"ledger entry {known.entry}: the statement for {period.label} was issued with sha256 {known.sha256}, "
                f"and the ledger gives {again.digest} for it",
                hint="Run `tallystick ledger fsck`, and compare with a copy of the statement.",
            )
        return again

    def issue(self, signer: Signer, period: Period, *, now: int) -> Statement:
        """Issue the statement for a period, with the notes that are due on earlier ones; it never changes from then on.

        Raises:
            ConfigurationError: It was issued already, or may still change; or see `prepare`.
            ContractError: See `prepare`.
            Tampered: See `prepare`.
        """
        name = self._contract.name
        if any(statement.period == period for statement in self.issued()):
            raise ConfigurationError(
                f"the statement of {name} for {period.label} was issued already",
                hint="What changes later becomes a note on the next statement.",
            )
        statement = self.prepare(period, now=now)
        if statement.provisional:
            raise ConfigurationError(
                f"the statement of {name} for {period.label} may still change: {' '.join(statement.provisional)}",
                hint="Sync and verify again when that is over; without --issue you see what it would be.",
            )
        with transaction(self._engine) as connection:
            if self._log.size_in(connection) != statement.ledger.size:
                raise ConfigurationError("the ledger grew while the statement was prepared", hint="Issue it again.")
            append_acts(connection, self._log, name, [statement_entry(statement)])
            self._log.checkpoint(connection, signer)
        return statement

    def standing(self, wanted: Sequence[Period]) -> tuple[Restatement, dict[int, VerdictHead]]:
        """Give the agreement restated by the newest verdicts, up to the end of the last period wanted, and these.

        Raises:
            ConfigurationError: A period is not made of whole months.
            ContractError: See `prepare`.
        """
        size = self._log.size
        verdicts = dict(self._verdicts(size).items())
        return restate(self._agreement(size), verdicts, wanted, self._findings(size)), verdicts

    def _as_of(self, period: Period, issued: Sequence[Issued], *, size: int, now: int) -> Statement:
        """Give the statement as the ledger had it at a size."""
        return rate(
            self._agreement(size),
            self._verdicts(size),
            period,
            prepared_at=now,
            ledger=LedgerHead(size, self._log.root(size).hex()),
            issued=issued,
            billed=self._billed(issued),
            findings=self._findings(size),
        )

    def _billed(self, issued: Sequence[Issued]) -> Restatement | None:
        """Give the agreement as it stood when the last statement was issued."""
        if not issued:
            return None
        size = issued[-1].size
        periods = [statement.period for statement in issued]
        return restate(self._agreement(size), self._verdicts(size), periods, self._findings(size))

    def _agreement(self, size: int) -> Agreement:
        return read_agreement(self._engine, self._log, self._contract, upto=size)

    def _findings(self, size: int) -> Findings:
        """Give what acceptance samples said by then."""
        return read_findings(self._engine, self._log, self._contract.name, upto=size)

    def _verdicts(self, size: int) -> Heads:
        """Give the newest verdict of each subject among the first entries of the ledger."""
        return heads_at(self._engine, self._log, self._contract.name, size)


def _refuse_overlap(issued: Sequence[Issued], period: Period) -> None:
    for statement in issued:
        if statement.period.start < period.end and period.start < statement.period.end:
            raise ConfigurationError(
                f"{period.label} overlaps {statement.period.label}, for which a statement was issued",
                hint="Issue months, or quarters, not both.",
            )

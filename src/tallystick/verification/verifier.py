"""Claims against the records of a database: `rules` over what DuckDB finds. Nothing here writes; `recorder` does."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from tallystick.contracts import Contract, Outcome
from tallystick.outcomes import Inputs
from tallystick.period import zone
from tallystick.verification.queried import Queried
from tallystick.verification.rules import Owner, Rules, Span
from tallystick.verification.units import Held, Rivals
from tallystick.verification.verdict import Settlement, Verdict

__all__ = ["Decision", "Owner"]


class Decision(Rules):
    """One outcome being decided over all records of its source; see `Rules` for what it takes and gives.

    Args:
        database: A connection with one view per record type, as `records.scan.connect` gives it.
        contract: The contract the claims are made under.
        outcome: One of its outcomes.
        inputs: Since when and up to when the streams were read; never later than `now`.
        before: The newest verdict of each subject in the ledger.
        rivals: Claims under other contracts.
        order: Ledger index of the import of each claim.
        held: Claims under other outcomes of the contract that hold a record; those under this one are added.
        now: The instant that is decided as of.
        span: Instants between which an outcome has to happen to be decided by this version of the contract, half-open.
        settled: What the parties settled, by subject.
    """

    def __init__(
        self,
        database: duckdb.DuckDBPyConnection,
        contract: Contract,
        outcome: Outcome,
        inputs: Inputs,
        *,
        before: Mapping[str, Verdict],
        rivals: Rivals | None = None,
        order: Mapping[str, int] | None = None,
        held: Held | None = None,
        now: int,
        span: Span = (None, None),
        settled: Mapping[str, Settlement] | None = None,
    ) -> None:
        self.queried = Queried(database, outcome.predicate, inputs, zone(contract.timezone))
        super().__init__(
            self.queried,
            contract,
            outcome,
            inputs,
            before=before,
            rivals=rivals,
            order=order,
            held=held,
            now=now,
            span=span,
            settled=settled,
        )

"""What the rules ask about the records: the seam between how verdicts follow and where the evidence is.

There are two answers to it. `queried` asks DuckDB about all records of a source; `tallystick.statements.exhibit` reads
the evidence that a bundle holds, and decides every record again with the reference interpreter.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import msgspec

from tallystick.verification.verdict import Evidence

__all__ = ["Candidates", "Facts", "Row"]

Row: TypeAlias = Mapping[str, Any]
"""A record that a predicate was decided for: the columns that `outcomes.compile_predicate` documents."""


class Candidates(msgspec.Struct, frozen=True):
    """The records a reference may mean: the one of that very id, and those it is another name of."""

    exact: str | None
    others: tuple[str, ...] = ()


class Facts(Protocol):
    """The records of one outcome, asked in this order: `resolve`, then `rows`, then the others in any order."""

    def resolve(self, refs: Sequence[str]) -> Mapping[str, Candidates]:
        """Pair distinct references with the records they may mean; each of them has an entry."""

    def rows(self) -> Mapping[str, Row]:
        """Give, by id, the records that meet the predicate or that a reference may mean, decided."""

    def unit_rows(self, rivals: Collection[str]) -> Sequence[Row]:
        """Give what makes records one unit, for `units.Units`: of those in `rows`, of `rivals`, and around them."""

    def cited(self) -> Mapping[str, tuple[Evidence, ...]]:
        """Give the record versions that each of the `rows` rests on, itself included, sorted."""

    def deleted(self, ref: str) -> int | None:
        """Give when the source deleted the record of an id, as its tombstone says; None where there is none."""

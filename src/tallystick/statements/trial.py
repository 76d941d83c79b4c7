"""One definition tried on the records of a source: each decided by it, claimed or not, and who would be paid for.

A record that meets the definition is a unit, unless an earlier one holds its unit already: whatever happened first
comes first. What each clause keeps out is counted from the same pass, in which every clause is a column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

import duckdb
import msgspec
import pyarrow as pa

from tallystick.contracts import Contract, Outcome
from tallystick.errors import ContractError
from tallystick.outcomes import Inputs, State, compile_predicate
from tallystick.period import zone
from tallystick.statements.bill import PaidUnit
from tallystick.verification.units import Holder, Units

__all__ = ["Choice", "ClauseCount", "Reason", "Row", "Stretch", "Trial", "meets"]

_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which records are tried, by when they happened, half-open.

    Those from `start` to `end` are counted; None has no end. Those from `since` on hold their units, so that a record
    in front of `start` keeps a later one of its unit from being paid again.
    """

    since: int
    start: int
    end: int | None


class Row(NamedTuple):
    """A record that is paid, or might be.

    `alone` is the index of the clause that alone is not true, if there is one, and `state` what is known of it.
    """

    id: str
    at: int
    status: str
    quantity: Decimal | int | None
    currency: str | None
    exponent: int | None
    alone: int | None
    state: int | None


Choice: TypeAlias = Callable[[Row], bool]
"""Which records are taken to be paid."""


def meets(row: Row) -> bool:
    """Tell whether a record meets the definition by what is known now."""
    return row.status == "meets"


class ClauseCount(msgspec.Struct, frozen=True):
    """How many records a clause keeps out.

    `false` of them it is false for, whatever else is; `alone` it is false for and every other clause is true;
    `unknown_alone` and `open_alone` it alone is unknown for, or not knowable yet.
    """

    clause: str
    false: int
    alone: int
    unknown_alone: int
    open_alone: int


class Reason(NamedTuple):
    """Why a record is not paid: how it stands, and by which clause, or by `quantity` where that is unknown."""

    status: str
    clause: str


class Trial:
    """The predicate of an outcome over all records of its source that happened in a stretch of time.

    Args:
        database: A connection with one view per record type; it gets a temporary table.
        contract: The contract.
        outcome: What is paid for, with the predicate that is tried.
        inputs: How far the source was read.
        stretch: Which records.
        table: Name of the temporary table; trials that are used at one time have different ones.
    """

    def __init__(
        self,
        database: duckdb.DuckDBPyConnection,
        contract: Contract,
        outcome: Outcome,
        inputs: Inputs,
        stretch: Stretch,
        *,
        table: str = "tried",
    ) -> None:
        self.contract = contract
        self.outcome = outcome
        self.stretch = stretch
        self._database = database
        self._table = table
        self._zone = zone(contract.timezone)
        self._decide(inputs)
        self.rows = self._rows()
        self._united = self._unit_rows()

    @property
    def records(self) -> dict[str, int]:
        """Number of records in the stretch by status."""
        query = f"SELECT status, count(*) FROM {self._table} WHERE {self._counted} GROUP BY ALL ORDER BY ALL"
        return dict(self._database.execute(query).fetchall())

    def clauses(self) -> list[ClauseCount]:
        """Give what each clause keeps out, in the order in which they decide."""
        counts = []
        clauses = self.outcome.predicate.clauses
        for index, clause in enumerate(clauses):
            # Without a quantity it would not be paid for all the same.
            alone = f"alone = {index} AND quantity IS NOT NULL AND state"
            counts += [
                f'count(*) FILTER (WHERE "clause_{clause.name}" = {State.FALSE:d})',
                f"count(*) FILTER (WHERE {alone} = {State.FALSE:d})",
                f"count(*) FILTER (WHERE {alone} = {State.UNKNOWN:d})",
                f"count(*) FILTER (WHERE {alone} >= {State.OPEN:d})",
            ]
        query = f"SELECT {', '.join(counts)} FROM {self._table} WHERE {self._counted}"
        [found] = self._database.execute(query).fetchall()
        return [ClauseCount(clause.name, *found[4 * index : 4 * index + 4]) for index, clause in enumerate(clauses)]

    def paid(self, choice: Choice = meets) -> list[PaidUnit]:
        """Give the units that would be paid if the chosen records were, in the order in which they happened.

        Records of which a percentage cannot be taken, because
        nothing tells an amount or its currency, are left out.
        """
        rule = self.outcome.predicate.unit
        units = None if rule is None else Units(rule, self._united, self._zone)
        found = []
        for row in self.rows:
            if not choice(row) or (units is not None and units.holder(row.id) is not None):
                continue
            if units is not None:
                units.hold(row.id, Holder("", row.id, "verified"))
            if row.at >= self.stretch.start and self.priced(row):
                found.append(PaidUnit(row.at, self._measure(row), row.currency, row.exponent))
        return found

    def priced(self, row: Row) -> bool:
        """Tell whether the price can be applied to a record.

        Raises:
            ContractError: It cannot, although the record meets the definition.
        """
        if not self.outcome.price.by_percent:
            return True
        known = self.outcome.predicate.quantity_is_money and row.quantity is not None and row.currency is not None
        if not known and row.status == "meets":
            raise ContractError(
                f"{row.id} cannot be priced by a percentage: the definition gives no amount in a known currency",
                hint="Compare definitions that both give an amount.",
            )
        return known

    def units_of(self, paid: Iterable[PaidUnit]) -> int:
        """Give the number of units: what the price counts, and one for each amount."""
        if self.outcome.price.by_percent:
            return sum(1 for _ in paid)
        return sum(int(unit.quantity) for unit in paid)

    def reasons(self, ids: Collection[str]) -> Counter[Reason]:
        """Count why some records are not paid; those that meet the definition are left out."""
        self._database.register("wanted", pa.table({"id": pa.array(sorted(ids), pa.string())}))
        query = f"SELECT status, clause, count(*) FROM {self._table} JOIN wanted USING (id) WHERE status <> 'meets' "
        counted: Counter[Reason] = Counter()
        for status, clause, number in self._database.execute(f"{query} GROUP BY ALL").fetchall():
            name = "quantity" if clause is None else self.outcome.predicate.clauses[clause].name
            counted[Reason(status, name)] += number
        self._database.unregister("wanted")
        return counted

    def meeting(self) -> list[str]:
        """Give the ids of the records that meet the definition, whatever their units."""
        return [row.id for row in self.rows if meets(row) and row.at >= self.stretch.start]

    @property
    def _counted(self) -> str:
        return f"occurred_at >= {self.stretch.start}"

    def _decide(self, inputs: Inputs) -> None:
        predicate, stretch = self.outcome.predicate, self.stretch
        clauses = [f'"clause_{clause.name}"' for clause in predicate.clauses]
        money = [name for name in ("currency", "exponent") if name in predicate.record_type.column]
        listed = ["id", "occurred_at", "status", "clause", "quantity", *clauses, *money, *self._facts]
        misses = " + ".join(f"CAST({clause} <> {State.TRUE:d} AS INTEGER)" for clause in clauses)
        whens = " ".join(f"WHEN {clause} <> {State.TRUE:d} THEN {index}" for index, clause in enumerate(clauses))
        states = " ".join(f"WHEN {clause} <> {State.TRUE:d} THEN {clause}" for clause in clauses)
        inside = f"occurred_at >= {stretch.since}"
        inside += "" if stretch.end is None else f" AND occurred_at < {stretch.end}"
        compiled = compile_predicate(predicate, inputs, self._zone)
        self._database.execute(
            f"CREATE OR REPLACE TEMP TABLE {self._table} AS SELECT {', '.join(listed)}, "
            f"CASE WHEN {misses} = 1 THEN CASE {whens} END END AS alone, "
            f"CASE WHEN {misses} = 1 THEN CASE {states} END END AS state "
            f"FROM ({compiled}) WHERE {inside}"
        )

    @property
    def _facts(self) -> list[str]:
        """The columns that make records one unit."""
        unit = self.outcome.predicate.unit
        if unit is None:
            return []
        names = dict.fromkeys([*unit.links, *filter(None, (unit.key, unit.anywhere))])
        return [f'"fact_{name}"' for name in names]

    # What may be paid: it meets, may still, or one clause alone is in the way.
    _MAYBE = f"(status <> 'rejected' OR state = {State.FALSE:d} AND quantity IS NOT NULL)"

    def _rows(self) -> list[Row]:
        money = [
            name if name in self.outcome.predicate.record_type.column else f"NULL AS {name}"
            for name in ("currency", "exponent")
        ]
        query = f"SELECT id, occurred_at, status, quantity, {', '.join(money)}, alone, state FROM {self._table}"
        return [Row(*row) for row in self._database.execute(f"{query} WHERE {self._MAYBE} ORDER BY 2, 1").fetchall()]

    def _unit_rows(self) -> list[Mapping[str, Any]]:
        """Give what makes records one unit: of those that may be paid, and of those that links lead through."""
        unit = self.outcome.predicate.unit
        if unit is None:
            return []
        links = [f'"fact_{link}"' for link in unit.links]
        wanted = [self._MAYBE, *(f"{link} IS NOT NULL" for link in links)]
        wanted += [f"id IN (SELECT {link} FROM {self._table})" for link in links]
        query = f"SELECT id, occurred_at, {', '.join(self._facts)} FROM {self._table} WHERE {' OR '.join(wanted)}"
        rows: list[Mapping[str, Any]] = self._database.sql(f"{query} ORDER BY id").to_arrow_table().to_pylist()
        return rows

    def _measure(self, row: Row) -> Decimal:
        """Give what the price applies to: an amount for a percentage, a number of units otherwise."""
        if not self.outcome.price.by_percent and self.outcome.predicate.quantity_is_money:
            return _ONE
        return _ONE if row.quantity is None else Decimal(row.quantity)

"""Two definitions of one outcome over the same records: how many units and how much money each gives, and why.

Every record of the source inside the term is decided by both, claimed or not. Units are counted by each one's own
rule; money is the contract's price of them, before floor and cap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import duckdb
import msgspec

from tallystick.contracts import Contract, Outcome
from tallystick.errors import ContractError
from tallystick.money import Currency, Money
from tallystick.outcomes import Inputs, Predicate, compile_predicate
from tallystick.period import zone
from tallystick.statements.lines import currency_of, price_of
from tallystick.verification.units import Holder, Units

__all__ = ["Comparison", "Counted", "Difference", "compare"]


class Counted(msgspec.Struct, frozen=True):
    """What one definition gives: records by status, units, and their price by currency."""

    definition: str
    records: dict[str, int]
    units: int
    amounts: dict[str, str]


class Difference(msgspec.Struct, frozen=True):
    """Records that one definition pays for and the other does not, by what the other says: its status and clause."""

    paid_by: str
    other: str
    status: str
    clause: str
    records: int


class Comparison(msgspec.Struct, frozen=True):
    """A contract's outcome beside another definition of it."""

    contract: str
    outcome: str
    counted: tuple[Counted, Counted]
    differences: tuple[Difference, ...]


def compare(
    database: duckdb.DuckDBPyConnection,
    contract: Contract,
    outcome: Outcome,
    other: Predicate,
    inputs: Inputs,
    *,
    name: str,
) -> Comparison:
    """Decide every record by an outcome of a contract and by another predicate about the same record type.

    Args:
        database: A connection with one view per record type.
        contract: The contract.
        outcome: One of its outcomes.
        other: The other definition.
        inputs: How far the source was read.
        name: What the other definition is called.

    Raises:
        ContractError: A record cannot be priced under one of the two.
    """
    ours = _decided(database, contract, outcome.predicate, inputs)
    theirs = _decided(database, contract, other, inputs)
    names = (contract.name, name)
    return Comparison(
        contract.name,
        outcome.name,
        (
            _counted(names[0], contract, outcome, outcome.predicate, ours),
            _counted(names[1], contract, outcome, other, theirs),
        ),
        (*_differences(names, outcome.predicate, ours, other, theirs),),
    )


_Rows = Mapping[str, Mapping[str, Any]]


def _decided(database: duckdb.DuckDBPyConnection, contract: Contract, predicate: Predicate, inputs: Inputs) -> _Rows:
    compiled = compile_predicate(predicate, inputs, zone(contract.timezone))
    wanted = ["id", "status", "clause", "quantity", "occurred_at"]
    wanted += [name for name in ("currency", "exponent") if name in predicate.record_type.column]
    if predicate.unit is not None:
        facts = [*predicate.unit.links, *([predicate.unit.key] if predicate.unit.key else [])]
        wanted += [f"fact_{fact}" for fact in facts]
    listed = ", ".join(f'"{column}"' for column in wanted)
    start, end = contract.term.starts_at, contract.term.ends_at
    inside = f"occurred_at >= {start}" + (f" AND occurred_at < {end}" if end is not None else "")
    query = f"SELECT {listed} FROM ({compiled}) WHERE {inside} ORDER BY id"
    return {row["id"]: row for row in database.sql(query).to_arrow_table().to_pylist()}


def _counted(name: str, contract: Contract, outcome: Outcome, predicate: Predicate, rows: _Rows) -> Counted:
    units = 0
    held = Units(predicate.unit, rows.values(), zone(contract.timezone))
    totals: dict[Currency, Money] = {}
    for row in rows.values():
        if row["status"] != "meets" or held.holder(row["id"]) is not None:
            continue
        held.hold(row["id"], Holder("", row["id"], "verified"))
        quantity, unit = _measure(outcome, predicate, row)
        units += int(quantity) if unit == "unit" else 1
        price = price_of(contract, outcome, quantity, currency_of(contract, unit, row.get("exponent")))
        totals[price.currency] = totals.get(price.currency, Money(0, price.currency)) + price
    statuses = Counter(row["status"] for row in rows.values())
    amounts: dict[str, str] = {}
    for paid_in in sorted(totals, key=lambda paid_in: (paid_in.code, paid_in.exponent)):
        code = paid_in.code if paid_in.code not in amounts else f"{paid_in.code} with {paid_in.exponent} decimals"
        amounts[code] = f"{totals[paid_in].amount:f}"
    return Counted(name, dict(sorted(statuses.items())), units, amounts)


def _measure(outcome: Outcome, predicate: Predicate, row: Mapping[str, Any]) -> tuple[Decimal, str]:
    """Give what the price applies to, as a statement would: an amount for a percentage, a number of units otherwise."""
    if not outcome.price.by_percent:
        return (Decimal(1) if predicate.quantity_is_money else Decimal(row["quantity"])), "unit"
    if not predicate.quantity_is_money or row["currency"] is None:
        raise ContractError(
            f"{row['id']} cannot be priced by a percentage: the definition gives no amount in a known currency",
            hint="Compare definitions that both give an amount.",
        )
    return Decimal(row["quantity"]), str(row["currency"])


def _differences(
    names: Sequence[str], ours: Predicate, our_rows: _Rows, theirs: Predicate, their_rows: _Rows
) -> Iterable[Difference]:
    """Give the clauses that make the difference, first where the contract pays and the other does not."""
    for paid, unpaid, predicate, paid_rows, other_rows in (
        (names[0], names[1], theirs, our_rows, their_rows),
        (names[1], names[0], ours, their_rows, our_rows),
    ):
        reasons = Counter(
            (other["status"], predicate.clauses[other["clause"]].name if other["clause"] is not None else "quantity")
            for record_id, row in paid_rows.items()
            if row["status"] == "meets" and (other := other_rows[record_id])["status"] != "meets"
        )
        for (status, clause), count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
            yield Difference(paid, unpaid, status, clause, count)

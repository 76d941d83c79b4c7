"""Derived columns in SQL: what a related row reads from other rows (see `tallystick.records.kinds`)."""

from __future__ import annotations

from tallystick.outcomes import tree
from tallystick.outcomes.expressions import quoted, text_literal
from tallystick.outcomes.predicate import Predicate
from tallystick.records.types import RECORD_TYPES, Derived, LookedUp, RecordType

__all__ = ["spans", "table_with", "used"]

_FIRST, _LAST = -(2**70), 2**70


def used(predicate: Predicate, relation: str) -> tuple[Derived, ...]:
    """Give the derived columns of a relation that a predicate reads."""
    names = {node.name for node in predicate.nodes if isinstance(node, tree.Field) and node.relation == relation}
    target = RECORD_TYPES[predicate.record_type.relation[relation].target]
    return tuple(derived for derived in target.derived if derived.name in names)


def table_with(kind: RecordType, derived: tuple[Derived, ...]) -> str:
    """Give the newest rows of a record type, with derived columns, as something to select from."""
    if not derived:
        return quoted(kind.name)
    occurred = quoted(kind.occurred)
    columns, joins = [], []
    for index, column in enumerate(derived):
        if isinstance(column, LookedUp):
            alias = f"d{index}"
            columns.append(f"{alias}.value AS {quoted(column.name)}")
            at = f"t.{occurred}"
            joins.append(
                f" LEFT JOIN {spans(column)} {alias} ON {alias}.id = t.{quoted(column.key)}"
                f" AND {at} >= {alias}.since AND {at} < {alias}.until"
            )
        else:
            columns.append(
                f"min(CASE WHEN t.{quoted(column.column)} = {text_literal(column.value)} THEN t.{occurred} END) OVER "
                f'(PARTITION BY t.{quoted(column.group)} ORDER BY t.{occurred} NULLS LAST, t."id"'
                f" ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS {quoted(column.name)}"
            )
    return f"(SELECT t.*, {', '.join(columns)} FROM {quoted(kind.name)} t{''.join(joins)})"


def spans(derived: LookedUp) -> str:
    """Give the versions of the other records, each with the time it holds for: `[since, until)`, without a gap."""
    return (
        f"(SELECT *, {quoted(derived.column)} AS value,"
        f" CASE WHEN lag(version) OVER w IS NULL THEN CAST({_FIRST} AS HUGEINT) ELSE as_of END AS since,"
        f" coalesce(lead(as_of) OVER w, CAST({_LAST} AS HUGEINT)) AS until"
        f' FROM {quoted(f"{derived.type}_all")} WHERE NOT deleted WINDOW w AS (PARTITION BY "id" ORDER BY version))'
    )

"""Derived columns in Python, for the reference interpreter; nothing here is shared with the SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tallystick.outcomes import tree
from tallystick.outcomes.predicate import Predicate
from tallystick.records.types import RECORD_TYPES, Derived, Following, LookedUp

__all__ = ["DerivedColumns", "derived_of", "with_derived"]

Row = Mapping[str, Any]


class DerivedColumns(NamedTuple):
    """The derived columns of a relation that a predicate reads, and the column of the instant of its rows."""

    columns: tuple[Derived, ...]
    occurred: str


def derived_of(predicate: Predicate, relation: str) -> DerivedColumns:
    """Give the derived columns of a relation that a predicate reads."""
    kind = RECORD_TYPES[predicate.record_type.relation[relation].target]
    read = {node.name for node in predicate.nodes if isinstance(node, tree.Field) and node.relation == relation}
    return DerivedColumns(tuple(column for column in kind.derived if column.name in read), kind.occurred)


def with_derived(derived: DerivedColumns, relation: str, related: Mapping[str, Sequence[Row]]) -> Sequence[Row]:
    """Give the rows of a relation with derived columns.

    Args:
        derived: The columns.
        relation: Name of the relation.
        related: Rows by relation; under `<relation>.<column>` the versions a looked-up column is read from.
    """
    if not derived.columns:
        return related.get(relation, ())
    rows: list[dict[str, Any]] = [dict(row) for row in related.get(relation, ())]
    for column in derived.columns:
        if isinstance(column, LookedUp):
            _look_up(rows, column, derived.occurred, related.get(f"{relation}.{column.name}", ()))
        else:
            _follow(rows, column, derived.occurred)
    return rows


def _look_up(rows: list[dict[str, Any]], derived: LookedUp, occurred: str, versions: Sequence[Row]) -> None:
    known: dict[str, list[Row]] = defaultdict(list)
    for version in sorted(versions, key=lambda row: (row["as_of"], row.get("version", 0))):
        known[version["id"]].append(version)
    for row in rows:
        held = None
        if row.get(occurred) is not None:
            candidates = known.get(row.get(derived.key) or "", [])
            held = next((old for old in reversed(candidates) if old["as_of"] <= row[occurred]), None)
            held = held or next(iter(candidates), None)
        row[derived.name] = None if held is None else held.get(derived.column)


def _follow(rows: list[dict[str, Any]], derived: Following, occurred: str) -> None:
    following: dict[Any, int | None] = {}
    ordered = sorted(rows, key=lambda row: (row.get(occurred) is None, row.get(occurred) or 0, row["id"]), reverse=True)
    for row in ordered:
        group, at = row.get(derived.group), row.get(occurred)
        row[derived.name] = following.get(group)
        if row.get(derived.column) == derived.value and at is not None:
            found = following.get(group)
            following[group] = at if found is None else min(found, at)

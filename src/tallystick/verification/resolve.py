"""Which record a claim means: SQL that pairs the references of claims with record ids."""

from __future__ import annotations

from tallystick.records.types import RECORD_TYPES, Relation

__all__ = ["resolve_sql"]


def resolve_sql(record: str, refs: str) -> str:
    """Give SQL for distinct `(ref, record_id, exact)` rows: the records that each reference may mean.

    `exact` is true where the reference is the record's own id. An alias (see `RecordType.aliases`) never means a dead
    record. Nothing is decided here: no row, or several without an exact one, is for the caller to judge.

    Args:
        record: Record type the claims are about.
        refs: Name of a table with a text column `ref`, distinct.
    """
    kind = RECORD_TYPES[record]
    alive = "true"
    if kind.dead:
        column, value = kind.dead
        alive = f"base.\"{column}\" IS DISTINCT FROM '{value}'"
    pairs = "SELECT refs.ref, base.id AS record_id"
    parts = [f'{pairs}, true AS exact FROM {refs} refs JOIN "{record}" base ON base.id = refs.ref']
    for alias in kind.aliases:
        if alias in kind.column:
            parts.append(
                f'{pairs}, false FROM {refs} refs JOIN "{record}" base ON base."{alias}" = refs.ref WHERE {alive}'
            )
        else:
            parts += [
                f'{pairs}, false FROM "{record}" base {joins} JOIN {refs} refs ON refs.ref = hop0.id WHERE {alive}'
                for joins in _chains(record, kind.relation[alias], depth=0)
            ]
    union = " UNION ALL ".join(parts)
    return (
        f"SELECT ref, record_id, bool_or(exact) AS exact FROM ({union}) GROUP BY ref, record_id ORDER BY ref, record_id"
    )


def _chains(record: str, relation: Relation, *, depth: int) -> list[str]:
    """Give the joins from `base` to `hop<depth>` along a relation, one for each choice of local columns.

    One equality per join, instead of one join over several columns, is what lets DuckDB hash them.
    """
    before, local = [""], "base"
    if relation.via:
        before = _chains(record, RECORD_TYPES[record].relation[relation.via], depth=depth + 1)
        local = f"hop{depth + 1}"
    return [
        f'{joins} JOIN "{relation.target}" hop{depth} ON hop{depth}."{relation.remote}" = {local}."{column}"'
        for joins in before
        for column in relation.local
    ]

"""The records that verdicts rest on, and how relations lead to them."""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.outcomes import tree
from tallystick.outcomes.derived import spans, used
from tallystick.outcomes.expressions import quoted, text_literal
from tallystick.outcomes.predicate import Predicate
from tallystick.records.types import RECORD_TYPES, LookedUp, RecordType, Relation

__all__ = ["Keys", "compile_evidence"]


def compile_evidence(predicate: Predicate, ids: str) -> str:
    """Give the query for the records that verdicts on some base records rest on.

    Rows: `base_id`; `relation` (empty for the base record itself); `source, type, id, version, seq, raw_sha256`;
    `data`, JSON text with what the interpreter reads (see `read_row`). Ordered by base record, relation, target id. A
    target that several paths of one relation lead to comes once. Relations on the way to others are evidence too, and
    so are the versions that derived columns were read from: their `relation` is `<relation>.<column>`.

    Args:
        predicate: The predicate that was decided.
        ids: Name of a table with a column `id`, the base records.
    """
    record = predicate.record_type
    base = f'(SELECT * FROM {quoted(record.name)} WHERE "id" IN (SELECT "id" FROM {quoted(ids)}))'
    keys = Keys(record, base)
    cited, data = _cited("b", record), _data("b", record, predicate)
    parts = [f"SELECT b.\"id\" AS base_id, '' AS relation, {cited}, {data} FROM {base} b"]
    for name in predicate.relations:
        relation = record.relation[name]
        target = RECORD_TYPES[relation.target]
        cited, data = _cited("t", target), _data("t", target, predicate, name)
        parts.append(
            f"SELECT k.base AS base_id, {text_literal(name)} AS relation, {cited}, {data} FROM {keys.of(name)} k "
            f"JOIN {quoted(target.name)} t ON t.{quoted(relation.remote)} = k.key"
        )
        looked_up = [derived for derived in used(predicate, name) if isinstance(derived, LookedUp)]
        parts += [_looked_up(derived, relation, keys) for derived in looked_up]
    return f"{keys.prefix()}{' UNION ALL '.join(parts)} ORDER BY base_id, relation, id"


def _looked_up(derived: LookedUp, relation: Relation, keys: Keys) -> str:
    """Give the record versions that a derived column was read from."""
    target, kind = RECORD_TYPES[relation.target], RECORD_TYPES[derived.type]
    occurred = f"t.{quoted(target.occurred)}"
    pairs = f"'id', s.id, 'as_of', s.as_of, 'version', s.version, {text_literal(derived.column)}, s.value"
    data = f"CAST(json_object({pairs}) AS VARCHAR) AS data"
    return (
        f"SELECT DISTINCT k.base AS base_id, {text_literal(f'{relation.name}.{derived.name}')} AS relation, "
        f"s.source, {text_literal(kind.stored)} AS type, s.id, s.version, s.seq, s.raw_sha256, {data} "
        f"FROM {keys.of(relation.name)} k JOIN {quoted(target.name)} t ON t.{quoted(relation.remote)} = k.key "
        f"JOIN {spans(derived)} s ON s.id = t.{quoted(derived.key)} AND {occurred} >= s.since AND {occurred} < s.until"
    )


def _cited(alias: str, kind: RecordType) -> str:
    columns = ", ".join(f'{alias}."{name}"' for name in ("id", "version", "seq", "raw_sha256"))
    return f'{alias}."source", {text_literal(kind.stored)} AS type, {columns}'


def _data(alias: str, kind: RecordType, predicate: Predicate, relation: str | None = None) -> str:
    """Give the columns the interpreter reads as JSON text; decimals as text, so that no reader makes floats of them."""
    read = {node.name for node in predicate.nodes if isinstance(node, tree.Field) and node.relation == relation}
    read |= {"currency", kind.occurred, *(() if relation else ("exponent",))}
    for derived in used(predicate, relation) if relation else ():
        read |= {derived.key} if isinstance(derived, LookedUp) else {derived.group, derived.column}
    pairs = [f"'id', {alias}.\"id\""]
    for column in kind.columns:
        if column.name in read:
            value = f"{alias}.{quoted(column.name)}"
            value = f"CAST({value} AS VARCHAR)" if column.kind in {"money", "rate"} else value
            pairs.append(f"{text_literal(column.name)}, {value}")
    pairs.append(f"'custom', {alias}.\"custom\"")
    return f"CAST(json_object({', '.join(pairs)}) AS VARCHAR) AS data"


class Keys:
    """For each relation, the distinct pairs (base id, value the target's column must have).

    Distinct pairs are enough to count every target once: a target has one value in its column, so only one pair of a
    base record can lead to it, however many paths there are.
    """

    def __init__(self, record: RecordType, base: str) -> None:
        self._record = record
        self._base = base
        self._tables: dict[str, str] = {}

    def of(self, name: str) -> str:
        """Give the name of the table of a relation's pairs, adding it to the query on first use."""
        table = f"keys_{name}"
        if name not in self._tables:
            self._tables[name] = ""
            relation = self._record.relation[name]
            self._tables[name] = self._direct(relation) if relation.via is None else self._through(relation)
        return quoted(table)

    def prefix(self, stages: Sequence[tuple[str, str]] = ()) -> str:
        """Give the WITH part of the query, each table after those it reads; `stages` are further ones, used twice."""
        ordered = sorted(self._tables, key=self._depth)
        tables = [f"{quoted(f'keys_{name}')} AS ({self._tables[name]})" for name in ordered]
        tables += [f"{name} AS MATERIALIZED ({query})" for name, query in stages]
        return f"WITH {', '.join(tables)} " if tables else ""

    def _depth(self, name: str) -> int:
        via = self._record.relation[name].via
        return 0 if via is None else 1 + self._depth(via)

    def _direct(self, relation: Relation) -> str:
        parts = []
        for index, column in enumerate(relation.local):
            here = f"b.{quoted(column)}"
            distinct = [f"{here} IS DISTINCT FROM b.{quoted(earlier)}" for earlier in relation.local[:index]]
            condition = " AND ".join([f"{here} IS NOT NULL", *distinct])
            parts.append(f'SELECT b."id" AS base, {here} AS key FROM {self._base} b WHERE {condition}')
        return " UNION ALL ".join(parts)

    def _through(self, relation: Relation) -> str:
        assert relation.via is not None  # noqa: S101  (the caller asked)
        before = self._record.relation[relation.via]
        pairs = self.of(relation.via)
        parts = [
            f"SELECT k.base AS base, t.{quoted(column)} AS key FROM {pairs} k JOIN {quoted(before.target)} t "
            f"ON t.{quoted(before.remote)} = k.key WHERE t.{quoted(column)} IS NOT NULL"
            for column in relation.local
        ]
        # Ids of distinct targets are distinct already.
        return (
            parts[0] if relation.local == ("id",) else f"SELECT DISTINCT base, key FROM ({' UNION ALL '.join(parts)})"
        )

"""A predicate as one DuckDB query: every record of the type at once, column by column.

The query reads views named like record types, each holding the newest version of every record that is not deleted, with
the columns of `tallystick.records.types`. Related records are grouped once per relation and joined; the rest is a pile
of projections, in which every fact, test and window is one column, computed once. An aggregate whose condition depends
on facts is joined in between, as soon as those are there. There is no floating point in it, no
clock, and no time zone library: local times come from the tables of `tallystick.period`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, partial

from tallystick.outcomes import tree
from tallystick.outcomes.derived import table_with, used
from tallystick.outcomes.evidence import Keys
from tallystick.outcomes.expressions import Expressions, Layers, Sql, column_of, literal, quoted
from tallystick.outcomes.predicate import Clause, Inputs, Predicate, State
from tallystick.outcomes.tree import Expression
from tallystick.period import Zone
from tallystick.records.types import RECORD_TYPES

__all__ = ["compile_predicate"]


def compile_predicate(predicate: Predicate, inputs: Inputs, zone: Zone, *, ids: str | None = None) -> str:
    """Give the query that decides a predicate for every record.

    Columns: `source, id, version, seq, raw_sha256`; `occurred_at`; `currency` and `exponent` where the record has them;
    `record_<column>` and `record_custom_<field>` for each own column that is read; `fact_<name>`; for each clause
    `clause_<name>` (a `State` as UTINYINT) and `until_<name>` (BIGINT: the instant before which it cannot be known, for
    an open clause, if there is one); `quantity` (DECIMAL(38, scale), or BIGINT for units); `status` ('meets',
    'rejected', 'unverifiable', 'pending'); `clause` (UTINYINT, index of the deciding clause, null where none decides);
    `decided_at` and `until` (BIGINT). Instants are microseconds UTC. Rows come in no order.

    Args:
        predicate: What to decide.
        inputs: How complete the evidence is.
        zone: Zone of the contract, for calendar days.
        ids: Name of a table with a column `id`, to decide only these records; None decides all.
    """
    return _Compiler(predicate, inputs, zone, ids).query()


class _Compiler:
    def __init__(self, predicate: Predicate, inputs: Inputs, zone: Zone, ids: str | None) -> None:
        self._predicate = predicate
        self._inputs = inputs
        self._zone = zone
        self._record = predicate.record_type
        self._base = quoted(self._record.name)
        if ids is not None:
            self._base = f'(SELECT * FROM {self._base} WHERE "id" IN (SELECT "id" FROM {quoted(ids)}))'
        self._keys = Keys(self._record, self._base)
        self._layers = Layers()
        self._aggregates = {node: f"a{index}" for index, node in enumerate(predicate.aggregates)}
        self._staged: dict[str, int] = {}
        self._stages: dict[tuple[int, str], dict[tree.Aggregate, str]] = {}
        self._expressions = Expressions(zone, inputs, self._leaf, self._layers)

    def query(self) -> str:
        for fact in self._predicate.facts:
            self._expressions.facts[fact.name] = self._expressions.named(fact.expression, f"fact_{fact.name}")
        level = max([1, *(self._test(index, clause) for index, clause in enumerate(self._predicate.clauses))])
        quantity = literal(1, tree.INTEGER)
        if self._predicate.quantity is not None:
            given = self._expressions.sql(self._predicate.quantity)
            quantity, level = given.text, max(level, given.level)
            if self._predicate.quantity.type.decimal:
                quantity = f"CAST({quantity} AS DECIMAL(38,{self._predicate.quantity.type.scale}))"
        self._layers.add(level, "quantity", quantity)
        for index, clause in enumerate(self._predicate.clauses):
            self._layers.add(level, f"s{index}", self._state(index, clause))
            self._layers.add(level + 1, f"w{index}", self._until(index, clause))
        self._decide(level + 2)
        # The order of joins decides nothing, so the bottom is built last, when all of it is known.
        body = self._layers.around(self._bottom())
        return f"{self._keys.prefix(self._layers.stages)}SELECT {', '.join(self._output())} FROM ({body})"

    # --- the bottom: own columns and related records

    def _leaf(self, node: Expression) -> Sql:
        if isinstance(node, tree.Aggregate):
            return self._stage(node) if node.correlated else Sql(quoted(self._aggregates[node]))
        assert isinstance(node, tree.Field)  # noqa: S101  (the only other leaf)
        return Sql(quoted(_own(node)))

    def _bottom(self) -> str:
        columns = [f'b."{name}" AS "{name}"' for name in ("source", "id", "version", "seq", "raw_sha256")]
        columns.append(f"b.{quoted(self._record.occurred)} AS occurred_at")
        columns += [f"b.{quoted(name)} AS {quoted(name)}" for name in self._money_columns]
        columns += [f"{column_of('b', node)} AS {quoted(_own(node))}" for node in self._predicate.columns]
        joins = []
        plain = [node for node in self._aggregates if not node.correlated]
        for index, name in enumerate(dict.fromkeys(node.relation for node in plain)):
            some = [node for node in plain if node.relation == name]
            joins.append(self._related(f"r{index}", name, some))
            columns += [f"{sql} AS {quoted(column)}" for column, sql in self._joined(f"r{index}", some).items()]
        return f"SELECT {', '.join(columns)} FROM {self._base} b{''.join(joins)}"

    @cached_property
    def _money_columns(self) -> list[str]:
        return [name for name in ("currency", "exponent") if name in self._record.column]

    def _related(self, alias: str, name: str, nodes: Sequence[tree.Aggregate]) -> str:
        """Group the targets of a relation once, with every aggregate over them."""
        relation = self._record.relation[name]
        target = self._target(name)
        row = Expressions(self._zone, self._inputs, _target_column, None)
        listed = self._grouped(name, {node: None if node.where is None else row.sql(node.where).text for node in nodes})
        if relation.via is None and len(relation.local) == 1:
            grouped = f"SELECT t.{quoted(relation.remote)} AS key, {listed} FROM {target} t GROUP BY ALL"
            return f" LEFT JOIN ({grouped}) {alias} ON {alias}.key = b.{quoted(relation.local[0])}"
        linked = f"{self._keys.of(name)} k JOIN {target} t ON t.{quoted(relation.remote)} = k.key"
        return f' LEFT JOIN (SELECT k.base AS key, {listed} FROM {linked} GROUP BY ALL) {alias} ON {alias}.key = b."id"'

    def _target(self, name: str) -> str:
        return table_with(RECORD_TYPES[self._record.relation[name].target], used(self._predicate, name))

    def _grouped(self, name: str, wheres: Mapping[tree.Aggregate, str | None]) -> str:
        columns: list[str] = []
        for node, where in wheres.items():
            columns += _grouped(node, self._aggregates[node], where)
        if self._checks_currency(name):
            columns += ['min(t."currency") AS lo', 'max(t."currency") AS hi', 'bool_or(t."currency" IS NULL) AS odd']
        return ", ".join(columns)

    # --- aggregates whose condition depends on the record

    def _stage(self, node: tree.Aggregate) -> Sql:
        """Join an aggregate once what its condition depends on is there; those of one layer and relation together."""
        column = self._aggregates[node]
        if column not in self._staged:
            row = Expressions(self._zone, self._inputs, _stage_column, None)
            row.facts = {name: Sql(f"x.{sql.text}", sql.level) for name, sql in self._expressions.facts.items()}
            assert node.where is not None  # noqa: S101  (or it would depend on nothing)
            where = row.sql(node.where)
            key = (where.level, node.relation)
            if key not in self._stages:
                self._stages[key] = {}
                self._layers.join(where.level, partial(self._staged_join, key))
            self._stages[key][node] = where.text
            self._staged[column] = where.level + 1
            [value] = self._joined(_alias(key), [node]).values()
            self._layers.add(where.level, column, value)
        return Sql(quoted(column), self._staged[column])

    def _staged_join(self, key: tuple[int, str], stage: str) -> str:
        wheres = self._stages[key]
        relation = self._record.relation[key[1]]
        target = self._target(relation.name)
        listed = self._grouped(relation.name, wheres)
        linked = f"{self._keys.of(relation.name)} k JOIN {target} t ON t.{quoted(relation.remote)} = k.key"
        linked += f' JOIN {stage} x ON x."id" = k.base'
        if relation.via is None and relation.local == ("id",):
            linked = f'{stage} x JOIN {target} t ON t.{quoted(relation.remote)} = x."id"'
        # Rows that meet no condition are left out early, unless their currencies have to be seen.
        only = "" if self._checks_currency(relation.name) else f" WHERE {' OR '.join(wheres.values())}"
        grouped = f'SELECT x."id" AS key, {listed} FROM {linked}{only} GROUP BY ALL'
        return f' LEFT JOIN ({grouped}) {_alias(key)} ON {_alias(key)}.key = p."id"'

    def _checks_currency(self, name: str) -> bool:
        return any(node.in_currency for node in self._aggregates if node.relation == name)

    def _joined(self, alias: str, nodes: Sequence[tree.Aggregate]) -> dict[str, str]:
        """Give the aggregates of a relation as they are after the join, where no related record means no row."""
        own = 'b."currency"' if "currency" in self._record.column else f"{alias}.lo"
        if own.startswith("b.") and any(node.correlated for node in nodes):
            own = 'p."currency"'
        odd = f"({alias}.odd OR {alias}.lo IS DISTINCT FROM {own} OR {alias}.hi IS DISTINCT FROM {own})"
        columns = {}
        for node in nodes:
            column = self._aggregates[node]
            value = f"{alias}.{column}"
            if node.function == "count":
                value = f"coalesce({value}, 0)"
            elif node.function == "sum":
                value = f"CASE WHEN {alias}.{column}_missing THEN NULL WHEN {alias}.key IS NULL THEN 0 ELSE {value} END"
            if node.in_currency:
                value = f"CASE WHEN {alias}.odd IS NOT NULL AND {odd} THEN NULL ELSE {value} END"
            columns[column] = value
        return columns

    # --- clauses

    def _test(self, index: int, clause: Clause) -> int:
        """Compute the parts of a clause; give the layer in which all of them are there."""
        level = self._expressions.named(clause.test, f"k{index}").level
        if clause.until is not None:
            level = max(level, self._expressions.named(clause.until, f"u{index}").level)
        if clause.open is not None:
            level = max(level, self._expressions.named(clause.open, f"o{index}").level)
        return level

    def _state(self, index: int, clause: Clause) -> str:
        whens: list[tuple[str, State]] = []
        if clause.open is not None:
            whens.append((f"o{index}", State.OPEN))
        if clause.related:
            whens += self._unread(clause.related)
        whens.append((f"NOT k{index}", State.FALSE))
        whens.append((f"k{index} IS NULL", State.UNKNOWN))
        if clause.open is not None:
            whens.append((f"o{index} IS NULL", State.UNKNOWN))
        whens += self._unread({self._record.name})
        if clause.until is not None:
            # Rule 5 has passed: every type of the clause has been read, up to here at least.
            low = self._inputs.lowest({self._record.name, *clause.related})
            whens.append((f"u{index} IS NULL", State.UNKNOWN))
            whens.append((f"u{index} > {low}" if low is not None else "true", State.WAITING))
        cases = " ".join(f"WHEN {condition} THEN {_small(state)}" for condition, state in whens)
        return f"CASE {cases} ELSE {_small(State.TRUE)} END"

    def _unread(self, types: Iterable[str]) -> list[tuple[str, State]]:
        low = self._inputs.lowest(types)
        if low is None:
            return [("true", State.UNREAD)]
        return [("occurred_at IS NULL", State.UNKNOWN), (f"occurred_at >= {low}", State.UNREAD)]

    def _until(self, index: int, clause: Clause) -> str:
        waiting = f" WHEN {int(State.WAITING)} THEN u{index}" if clause.until is not None else ""
        return f"CASE s{index} WHEN {int(State.UNREAD)} THEN occurred_at{waiting} ELSE CAST(NULL AS BIGINT) END"

    # --- the decision

    def _decide(self, level: int) -> None:
        clauses = self._predicate.clauses
        for name, code in (("bad", State.FALSE), ("gap", State.UNKNOWN)):
            whens = " ".join(f"WHEN s{index} = {int(code)} THEN {_small(index)}" for index in range(len(clauses)))
            self._layers.add(level, name, f"CASE {whens} END")
        opens = [f"s{index} >= {int(State.OPEN)}" for index in range(len(clauses))]
        endless = [f"({is_open} AND w{index} IS NULL)" for index, is_open in enumerate(opens)]
        ends = ", ".join(f"w{index}" for index in range(len(clauses)))
        self._layers.add(level, "endless", " OR ".join(endless))
        self._layers.add(level, "latest", f"greatest({ends}, CAST(NULL AS BIGINT))")
        self._layers.add(level, "waits", " OR ".join(opens))
        windows = ", ".join(f"u{index}" for index, clause in enumerate(clauses) if clause.until is not None)
        self._layers.add(level, "decided_at", f"greatest(occurred_at, {windows})" if windows else "occurred_at")
        guards = ", ".join(str(index) for index, clause in enumerate(clauses) if clause.guard)
        blamed = f"CASE WHEN bad IN ({guards}) THEN 'unverifiable' ELSE 'rejected' END" if guards else "'rejected'"
        self._layers.add(
            level + 1,
            "status",
            f"CASE WHEN bad IS NOT NULL THEN {blamed} WHEN gap IS NOT NULL THEN 'unverifiable' "
            "WHEN waits THEN 'pending' WHEN quantity IS NULL THEN 'unverifiable' ELSE 'meets' END",
        )
        longest = " ".join(
            f'WHEN {is_open} AND w{index} IS NOT DISTINCT FROM "until" THEN {_small(index)}'
            for index, is_open in enumerate(opens)
        )
        self._layers.add(
            level + 1,
            "until",
            "CASE WHEN bad IS NULL AND gap IS NULL AND waits AND NOT endless THEN latest END",
        )
        chosen = (
            f"CASE WHEN bad IS NOT NULL THEN bad WHEN gap IS NOT NULL THEN gap WHEN waits THEN CASE {longest} END END"
        )
        self._layers.add(level + 2, "clause", chosen)

    def _output(self) -> list[str]:
        columns = ["source", "id", "version", "seq", "raw_sha256", "occurred_at", *self._money_columns]
        columns += [_own(node) for node in self._predicate.columns]
        columns += [f"fact_{fact.name}" for fact in self._predicate.facts]
        listed = [quoted(column) for column in columns]
        for index, clause in enumerate(self._predicate.clauses):
            listed += [
                f"s{index} AS {quoted(f'clause_{clause.name}')}",
                f"w{index} AS {quoted(f'until_{clause.name}')}",
            ]
        return [*listed, *map(quoted, ("quantity", "status", "clause", "decided_at", "until"))]


def _small(number: int) -> str:
    return f"CAST({number} AS UTINYINT)"


def _own(node: tree.Field) -> str:
    return f"record_custom_{node.name}" if node.custom else f"record_{node.name}"


def _alias(key: tuple[int, str]) -> str:
    return f"j{key[0]}_{key[1]}"


def _target_column(node: Expression) -> Sql:
    assert isinstance(node, tree.Field)  # noqa: S101  (an aggregate within an aggregate is refused)
    return Sql(column_of("t", node))


def _stage_column(node: Expression) -> Sql:
    """Give a column inside a condition that depends on the record: of the related row, or of the record itself."""
    assert isinstance(node, tree.Field)  # noqa: S101  (an aggregate within an aggregate is refused)
    return Sql(column_of("t", node) if node.relation else f"x.{quoted(_own(node))}")


def _grouped(node: tree.Aggregate, column: str, where: str | None) -> list[str]:
    only = f" FILTER (WHERE {where})" if where is not None else ""
    if node.argument is None:
        return [f"count(*){only} AS {column}"]
    value = column_of("t", node.argument)
    if node.function != "sum":
        return [f"{node.function}({value}){only} AS {column}"]
    total = f"coalesce(sum({value}){only}, 0)"
    if node.type.name == "integer":
        total = f"TRY_CAST({total} AS BIGINT)"
    # A sum over a missing amount is not known, although SQL would pass over it.
    return [f"{total} AS {column}", f"bool_or({value} IS NULL){only} AS {column}_missing"]

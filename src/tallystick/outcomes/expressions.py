"""Expressions as DuckDB SQL.

Every operation that can leave its range stands inside TRY, so that one odd record is unknown and never stops the query.
There is no floating point, and no calendar but the tables of `tallystick.period`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from tallystick.outcomes import tree
from tallystick.outcomes.predicate import Inputs
from tallystick.outcomes.tree import Expression, Type, Value
from tallystick.period import DAY, Zone

__all__ = ["Expressions", "Layers", "Sql", "column_of", "literal", "quoted", "text_literal"]


def quoted(name: str) -> str:
    """Give a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(value: str) -> str:
    """Give a text as an SQL literal; only the single quote means anything inside one."""
    return "'" + value.replace("'", "''") + "'"


@dataclass
class Layers:
    """Projections on top of each other: what a column of one layer reads stands in the layers below.

    A layer may also join: what is joined to the rows below it reads those same rows, so they are computed once.
    """

    layers: list[dict[str, str]] = field(default_factory=list)
    joins: dict[int, list[Callable[[str], str]]] = field(default_factory=dict)
    stages: list[tuple[str, str]] = field(default_factory=list)

    def add(self, level: int, name: str, sql: str) -> None:
        """Compute a column in a layer, counted from 0 at the bottom."""
        while len(self.layers) <= level:
            self.layers.append({})
        self.layers[level][name] = sql

    def join(self, level: int, joined: Callable[[str], str]) -> None:
        """Join to the rows below a layer; `joined` gives the join from the name of the table that holds them."""
        self.joins.setdefault(level, []).append(joined)

    def around(self, query: str) -> str:
        """Put all layers on top of a query; `stages` then names the tables it reads, each after those it needs."""
        for level, layer in enumerate(self.layers):
            columns = "".join(f", {sql} AS {quoted(name)}" for name, sql in layer.items())
            if level in self.joins:
                stage = f"stage{level}"
                self.stages.append((stage, query))
                joins = "".join(joined(stage) for joined in self.joins[level])
                query = f"SELECT p.*{columns} FROM {stage} p{joins}"
            elif columns:
                query = f"SELECT *{columns} FROM ({query})"
        return query


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL and the first layer in which everything it reads is there."""

    text: str
    level: int = 0


class Expressions:
    """Expressions as SQL over the columns `column` names; `layers` is None where nothing can be computed beforehand."""

    def __init__(self, zone: Zone, inputs: Inputs, column: Callable[[Expression], Sql], layers: Layers | None) -> None:
        self._zone = zone
        self._inputs = inputs
        self._column = column
        self._layers = layers
        self._names: dict[Expression, Sql] = {}
        self.facts: dict[str, Sql] = {}

    def sql(self, node: Expression) -> Sql:  # noqa: PLR0911 - one case for each kind of node
        """Give an expression as SQL."""
        match node:
            case tree.Constant():
                return Sql(literal(node.value, node.type))
            case tree.Field() | tree.Aggregate():
                return self._column(node)
            case tree.FactRef():
                return self.facts[node.name]
            case tree.Read():
                ends = self._inputs.read_from if node.end == "from" else self._inputs.read_to
                return Sql(literal(ends.get(node.record_type), node.type))
            case tree.AddDays():
                return self._add_days(node)
            case tree.BusinessDeadline():
                return self._business_deadline(node)
            case _:
                parts = [self.sql(part) for part in tree.children(node)]
                return Sql(_join(node, [part.text for part in parts]), max((part.level for part in parts), default=0))

    def named(self, node: Expression, name: str) -> Sql:
        """Compute an expression once, in the first layer that can, under a name."""
        sql = self.sql(node)
        if self._layers is None:
            return sql
        self._layers.add(sql.level, name, sql.text)
        return Sql(quoted(name), sql.level + 1)

    def _add_days(self, node: tree.AddDays) -> Sql:
        if node in self._names:
            return self._names[node]
        self.sql(node.operand)  # what is moved inside it takes its names first
        count = len(self._names)
        operand = self.named(node.operand, f"t{count}_at")
        sql = Sql(f"TRY({operand.text} + {_lookup(_shifts(self._zone, node.days), operand.text)})", operand.level)
        if self._layers is not None:
            self._layers.add(sql.level, f"t{count}", sql.text)
            sql = Sql(quoted(f"t{count}"), sql.level + 1)
        self._names[node] = sql
        return sql

    def _business_deadline(self, node: tree.BusinessDeadline) -> Sql:
        """Count business days in closed form: a day's number among them, and back again, each by a small table."""
        if node in self._names:
            return self._names[node]
        assert self._layers is not None  # noqa: S101  (refused inside an aggregate)
        layers, sql = self._layers, self.sql(node.operand)  # what is inside it takes its names first
        prefix, level = f"t{len(self._names)}", sql.level

        def step(text: str) -> str:
            nonlocal level
            name = f"{prefix}_{level}"
            layers.add(level, name, text)
            level += 1
            return quoted(name)

        at = step(f"CAST({sql.text} AS HUGEINT)")
        local = step(f"{at} + {_lookup(self._zone.transitions, at)}")
        day = step(_floored(local, DAY))
        if node.days:
            taken, skipped = _holidays(node.holidays)
            week = step(_floored(f"({day} + 3)", 7))
            weekday = step(f"5 * {week} + least({day} + 3 - 7 * {week}, 4)")
            number = step(f"{weekday} - {_lookup(taken, weekday)} + {node.days}")
            weekday = step(f"{number} + {_lookup(skipped, number)}")
            week = step(_floored(weekday, 5))
            day = step(f"7 * {week} + ({weekday} - 5 * {week}) - 3")
        end = step(f"({day} + 1) * {DAY}")
        result = Sql(step(f"TRY_CAST({end} - {_lookup(self._zone.local_transitions, end)} AS BIGINT)"), level)
        self._names[node] = result
        return result


def _holidays(days: Sequence[int]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Give two tables for holidays on weekdays: how many there are up to a weekday, and up to a business day.

    Weekdays are numbered from Monday 1969-12-29, business days as what is left of them. The number of a business day
    is that of its weekday less the holidays before; of two equal starts in the second table the later counts.
    """
    weekdays = [5 * ((day + 3) // 7) + (day + 3) % 7 for day in days if (day + 3) % 7 < _SATURDAY]
    taken = {-_FAR: 0} | {number: count for count, number in enumerate(weekdays, start=1)}
    skipped = {-_FAR: 0} | {number - count + 1: count for count, number in enumerate(weekdays, start=1)}
    return list(taken.items()), list(skipped.items())


def _floored(operand: str, divisor: int) -> str:
    """Give the floor of a whole number divided by another; SQL would round towards zero."""
    return f"({operand} - ({operand} % {divisor} + {divisor}) % {divisor}) // {divisor}"


def _shifts(zone: Zone, days: int) -> list[tuple[int, int]]:
    """Give how far some calendar days move an instant: from each start on, by so much; the first holds before too.

    From an instant to its wall-clock reading and back again there are two tables. For a fixed number of days they make
    one: between two changes of offset, before and after the move, the way is always the same.
    """
    rows: list[tuple[int, int]] = []
    for (start, offset), end in _spans(zone.transitions):
        move = offset + days * DAY
        for (local, back), local_end in _spans(zone.local_transitions):
            first = max(start, local - move)
            if first < min(end, local_end - move) and (not rows or rows[-1][1] != move - back):
                rows.append((first, move - back))
    return rows


_FAR = 2**70
_SATURDAY = 5


def _spans(rows: Sequence[tuple[int, int]]) -> list[tuple[tuple[int, int], int]]:
    """Pair each row with the start of the next; the first starts, and the last ends, beyond every instant."""
    starts = [-_FAR, *(start for start, _ in rows[1:]), _FAR]
    return [((start, value), end) for start, end, (_, value) in zip(starts, starts[1:], rows, strict=False)]


def _lookup(rows: Sequence[tuple[int, int]], operand: str) -> str:
    """Give the value of the last row that starts at or before the operand, as a balanced tree of cases."""
    if len(rows) == 1:
        return str(rows[0][1])
    middle = len(rows) // 2
    before, after = _lookup(rows[:middle], operand), _lookup(rows[middle:], operand)
    return f"CASE WHEN {operand} < {rows[middle][0]} THEN {before} ELSE {after} END"


def literal(value: Value, kind: Type) -> str:
    """Give a constant as SQL of exactly its type."""
    name = _sql_type(kind)
    if value is None:
        return f"CAST(NULL AS {name})"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"CAST('{value:f}' AS {name})"
    if isinstance(value, int):
        return f"CAST({value} AS {name})"
    return text_literal(value)


def _sql_type(kind: Type) -> str:
    if kind.decimal:
        return f"DECIMAL(18,{kind.scale})" if kind == tree.MONEY else f"DECIMAL(38,{kind.scale})"
    return {"text": "VARCHAR", "boolean": "BOOLEAN"}.get(kind.name, "BIGINT")


def _wide(sql: str, kind: Type, scale: int) -> str:
    """Give a number as a decimal of 38 digits with a scale; null when it does not fit, inside or outside of TRY."""
    return sql if kind.decimal and kind.scale == scale else f"TRY_CAST({sql} AS DECIMAL(38,{scale}))"


def _join(node: Expression, parts: Sequence[str]) -> str:  # noqa: PLR0911 - one case for each kind of node
    """Give the SQL of a node from the SQL of its parts."""
    match node:
        case tree.Compare():
            left, right = _same(node.left.type, node.right.type, parts)
            return f"({left} {node.op} {right})"
        case tree.Logic():
            return f"({f' {node.op.upper()} '.join(parts)})"
        case tree.Not():
            return f"(NOT {parts[0]})"
        case tree.IsNull():
            return f"({parts[0]} IS NULL)"
        case tree.In():
            return _in(node, parts)
        case tree.Arithmetic():
            return _arithmetic(node, parts)
        case tree.Call():
            return _call(node, parts)
        case tree.Case():
            *pairs, default = parts
            values = [*(branch[1] for branch in node.branches), node.default]
            scaled = [
                _scaled(sql, part.type, node.type) for sql, part in zip([*pairs[1::2], default], values, strict=True)
            ]
            whens = " ".join(f"WHEN {test} THEN {sql}" for test, sql in zip(pairs[::2], scaled, strict=False))
            return f"CASE {whens} ELSE {scaled[-1]} END"
        case _:
            raise AssertionError(node)


def _same(left: Type, right: Type, parts: Sequence[str]) -> tuple[str, str]:
    if not left.decimal:
        return parts[0], parts[1]
    scale = max(left.scale, right.scale)
    return _wide(parts[0], left, scale), _wide(parts[1], right, scale)


def _scaled(sql: str, kind: Type, wanted: Type) -> str:
    return _wide(sql, kind, wanted.scale) if wanted.decimal else sql


def _in(node: tree.In, parts: Sequence[str]) -> str:
    scale = max(part.type.scale for part in (node.operand, *node.options))
    kinds = [part.type for part in (node.operand, *node.options)]
    subject, *options = (
        _wide(sql, kind, scale) if kind.decimal else sql for sql, kind in zip(parts, kinds, strict=True)
    )
    return f"({subject} IN ({', '.join(options)}))"


def _arithmetic(node: tree.Arithmetic, parts: Sequence[str]) -> str:
    left, right = parts
    if node.type.decimal:
        scales = (node.type.scale, node.type.scale)
        if node.op == "*":
            scales = (node.left.type.scale, node.right.type.scale)
        left, right = (f"CAST({sql} AS DECIMAL(38,{scale}))" for sql, scale in zip(parts, scales, strict=True))
    return f"TRY({left} {node.op} {right})"


def _call(node: tree.Call, parts: Sequence[str]) -> str:  # noqa: PLR0911 - one case for each function
    scaled = [_scaled(sql, part.type, node.type) for sql, part in zip(parts, node.arguments, strict=True)]
    match node.function:
        case "least" | "greatest":
            unknown = " OR ".join(f"{sql} IS NULL" for sql in scaled)
            return f"CASE WHEN {unknown} THEN NULL ELSE {node.function}({', '.join(scaled)}) END"
        case "abs":
            return f"TRY(abs({parts[0]}))"
        case "lower":
            return f"translate({parts[0]}, '{_UPPER}', '{_LOWER}')"
        case "upper":
            return f"translate({parts[0]}, '{_LOWER}', '{_UPPER}')"
        case "length":
            return f"CAST(length({parts[0]}) AS BIGINT)"
        case "listed":
            return f"contains(' ' || {parts[1]} || ' ', ' ' || {parts[0]} || ' ')"
        case _:
            return f"{node.function}({', '.join(scaled)})"


_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWER = _UPPER.lower()


def column_of(alias: str, node: tree.Field) -> str:
    """Give a column of a record type, a custom field read out of its JSON as its type says."""
    if not node.custom:
        return f"{alias}.{quoted(node.name)}"
    given = f'json_extract_string({alias}."custom", \'$."{node.name}"\')'
    match node.type.name:
        case "text":
            return given
        case "boolean":
            return f"CASE {given} WHEN 'true' THEN true WHEN 'false' THEN false END"
        case "money":
            return f"CASE WHEN regexp_full_match({given}, '{_MONEY_TEXT}') THEN TRY_CAST({given} AS DECIMAL(18,4)) END"
        case _:
            return f"CASE WHEN regexp_full_match({given}, '{_INTEGER_TEXT}') THEN TRY_CAST({given} AS BIGINT) END"


_MONEY_TEXT = r"-?[0-9]{1,14}(\.[0-9]{1,4}0*)?"
_INTEGER_TEXT = "-?[0-9]{1,18}"

"""A predicate decided for one record in plain Python: the reference the SQL is held to.

The rules stand in `tallystick.outcomes.tree` (expressions) and `tallystick.outcomes.predicate` (clauses); nothing here
is shared with the SQL but the tree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import cache
from typing import Any

import msgspec

from tallystick.outcomes import tree
from tallystick.outcomes.predicate import Clause, Inputs, Predicate, State, Status
from tallystick.outcomes.rows import with_derived
from tallystick.outcomes.tree import Expression, Type, Value
from tallystick.period import Zone
from tallystick.records.types import RECORD_TYPES

__all__ = ["ClauseValue", "Evaluation", "interpret", "read_row"]

Row = Mapping[str, Any]

_EXACT = Context(prec=200)
_DIGITS = 38
_LARGEST, _SMALLEST = 2**63 - 1, -(2**63)
_MONEY = re.compile(r"-?[0-9]{1,14}(\.[0-9]{1,4}0*)?", re.ASCII)
_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWERED = str.maketrans(_UPPER, _UPPER.lower())
_UPPERED = str.maketrans(_UPPER.lower(), _UPPER)


@dataclass(frozen=True, slots=True)
class ClauseValue:
    """What is known of a clause, and until when it cannot be known if it is open."""

    state: State
    until: int | None = None


@dataclass(frozen=True)
class Evaluation:
    """A predicate decided for one record.

    `clause` is the index of the deciding clause, None where none decides. `facts` and `columns` hold what was read, by
    name (`custom.<field>` for custom fields). Instants are microseconds UTC; money is in major units of `currency`.
    """

    facts: Mapping[str, Value]
    columns: Mapping[str, Value]
    clauses: tuple[ClauseValue, ...]
    status: Status
    clause: int | None
    quantity: Value
    occurred_at: int | None
    decided_at: int | None
    until: int | None
    currency: str | None
    value_of: Callable[[Expression], Value]


def interpret(
    predicate: Predicate, record: Row, related: Mapping[str, Sequence[Row]], inputs: Inputs, zone: Zone
) -> Evaluation:
    """Decide a predicate for one record.

    Args:
        predicate: What to decide.
        record: Typed columns by name; `custom` is a mapping, JSON text or null. What is absent is null.
        related: The related records of each relation the predicate reads, each of them once; under
            `<relation>.<column>` the versions of other records that a derived column is read from.
        inputs: How complete the evidence is.
        zone: Zone of the contract, for calendar days.
    """
    return _Interpreter(predicate, record, related, inputs, zone).evaluation()


def read_row(record_type: str, data: str) -> dict[str, Any]:
    """Give the columns of a record from the `data` that `compile_evidence` selects; decimals become Decimal."""
    row: dict[str, Any] = msgspec.json.decode(data)
    for name in _decimals(record_type):
        if row.get(name) is not None:
            row[name] = Decimal(row[name])
    return row


@cache
def _decimals(record_type: str) -> tuple[str, ...]:
    columns = RECORD_TYPES[record_type].columns
    return tuple(column.name for column in columns if column.kind in {"money", "rate"})


class _Interpreter:
    def __init__(
        self, predicate: Predicate, record: Row, related: Mapping[str, Sequence[Row]], inputs: Inputs, zone: Zone
    ) -> None:
        self._predicate = predicate
        self._record = record
        self._related = {name: with_derived(predicate, name, related) for name in predicate.relations}
        self._inputs = inputs
        self._zone = zone
        self._facts: dict[str, Value] = {}
        for fact in predicate.facts:
            self._facts[fact.name] = self.value(fact.expression)
        self._occurred: int | None = record.get(predicate.record_type.occurred)

    # --- the decision

    def evaluation(self) -> Evaluation:
        predicate = self._predicate
        clauses = tuple(self._clause(clause) for clause in predicate.clauses)
        quantity: Value = 1 if predicate.quantity is None else self.value(predicate.quantity)
        status, index = self._decide(clauses, quantity)
        ends = [self._occurred] + [
            self._instant(clause.until) for clause in predicate.clauses if clause.until is not None
        ]
        return Evaluation(
            facts=self._facts,
            columns={
                f"custom.{node.name}" if node.custom else node.name: self.value(node) for node in predicate.columns
            },
            clauses=clauses,
            status=status,
            clause=index,
            quantity=quantity,
            occurred_at=self._occurred,
            decided_at=max((end for end in ends if end is not None), default=None),
            until=clauses[index].until if status == "pending" and index is not None else None,
            currency=self._record.get("currency"),
            value_of=self.value,
        )

    def _decide(self, clauses: Sequence[ClauseValue], quantity: Value) -> tuple[Status, int | None]:
        states = [clause.state for clause in clauses]
        if State.FALSE in states:
            index = states.index(State.FALSE)
            return ("unverifiable" if self._predicate.clauses[index].guard else "rejected"), index
        if State.UNKNOWN in states:
            return "unverifiable", states.index(State.UNKNOWN)
        waiting = [(index, clause.until) for index, clause in enumerate(clauses) if clause.state.open]
        if waiting:
            # Without a known end lasts longest; of equals the first.
            index, _ = max(waiting, key=lambda item: (item[1] is None, item[1] or 0, -item[0]))
            return "pending", index
        return ("unverifiable" if quantity is None else "meets"), None

    def _clause(self, clause: Clause) -> ClauseValue:  # noqa: PLR0911 - the rules one by one, as they are documented
        test = self.value(clause.test)
        is_open: Value = False if clause.open is None else self.value(clause.open)
        if is_open is True:
            return ClauseValue(State.OPEN)
        if clause.related and (unread := self._unread(*clause.related)):
            return unread
        if test is False:
            return ClauseValue(State.FALSE)
        if test is None or is_open is None:
            return ClauseValue(State.UNKNOWN)
        if unread := self._unread(self._predicate.record):
            return unread
        if clause.until is None:
            return ClauseValue(State.TRUE)
        until = self._instant(clause.until)
        if until is None:
            return ClauseValue(State.UNKNOWN)
        ends = [self._inputs.read_to.get(name) for name in {self._predicate.record, *clause.related}]
        if any(end is None or end < until for end in ends):
            return ClauseValue(State.WAITING, until)
        return ClauseValue(State.TRUE)

    def _unread(self, *types: str) -> ClauseValue | None:
        """Tell why the records of some types are not all there yet, if they are not."""
        ends = [self._inputs.read_to.get(name) for name in types]
        if None in ends:
            return ClauseValue(State.UNREAD, self._occurred)
        if self._occurred is None:
            return ClauseValue(State.UNKNOWN)
        if any(end is not None and self._occurred >= end for end in ends):
            return ClauseValue(State.UNREAD, self._occurred)
        return None

    def _instant(self, node: Expression) -> int | None:
        value = self.value(node)
        return value if isinstance(value, int) else None

    # --- expressions

    def value(self, node: Expression, row: Row | None = None) -> Value:  # noqa: PLR0911 - one case for each kind of node
        """Evaluate a node; `row` is the related record inside an aggregate."""
        match node:
            case tree.Constant():
                return node.value
            case tree.Field():
                return _field(node, self._record if row is None or node.relation is None else row)
            case tree.FactRef():
                return self._facts[node.name]
            case tree.Read():
                ends = self._inputs.read_from if node.end == "from" else self._inputs.read_to
                return ends.get(node.record_type)
            case tree.Aggregate():
                return self._aggregate(node)
            case tree.Logic():
                return self._logic(node, row)
            case tree.Case():
                chosen = next((then for when, then in node.branches if self.value(when, row) is True), node.default)
                return _fit(self.value(chosen, row), node.type)
            case _:
                return self._apply(node, [self.value(part, row) for part in tree.children(node)])

    def _apply(self, node: Expression, values: list[Any]) -> Value:  # noqa: C901, PLR0911 - one case for each kind of node
        """Evaluate a node whose value depends on those of its parts alone."""
        match node:
            case tree.IsNull():
                return values[0] is None
            case tree.Call(function="coalesce"):
                fitted = (_fit(value, node.type) for value in values)
                return next((value for value in fitted if value is not None), None)
        if None in values:
            return None
        match node:
            case tree.Not():
                return not values[0]
            case tree.Compare():
                scale = max(node.left.type.scale, node.right.type.scale)
                return _compare(node.op, *(_fit(value, Type(node.left.type.name, scale)) for value in values))
            case tree.In():
                scale = max(part.type.scale for part in (node.operand, *node.options))
                subject = _fit(values[0], Type(node.operand.type.name, scale))
                return None if subject is None else subject in values[1:]
            case tree.Arithmetic():
                return _arithmetic(node, values[0], values[1])
            case tree.AddDays():
                return _fit_add_days(self._zone, values[0], node.days)
            case tree.BusinessDeadline():
                return _fit(self._zone.business_deadline(values[0], node.days, frozenset(node.holidays)), tree.INSTANT)
            case tree.Call():
                return _call(node, values)
            case _:
                raise AssertionError(node)

    def _logic(self, node: tree.Logic, row: Row | None) -> bool | None:
        decisive = node.op == "or"
        unknown = False
        for operand in node.operands:
            value = self.value(operand, row)
            if value is decisive:
                return decisive
            unknown = unknown or value is None
        return None if unknown else not decisive

    def _aggregate(self, node: tree.Aggregate) -> Value:
        rows = self._related.get(node.relation, ())
        if node.in_currency and not self._one_currency(rows):
            return None
        if node.where is not None:
            rows = [row for row in rows if self.value(node.where, row) is True]
        if node.argument is None:
            return len(rows)
        values: list[Any] = [_field(node.argument, row) for row in rows]
        if node.function == "sum":
            return None if None in values else _sum(values, node.type)
        known = [value for value in values if value is not None]
        if not known:
            return None
        return min(known) if node.function == "min" else max(known)  # type: ignore[no-any-return]

    def _one_currency(self, rows: Sequence[Row]) -> bool:
        """Tell whether amounts of some rows may be added, and set beside those of the record."""
        found = {row.get("currency") for row in rows}
        if found and "currency" in self._predicate.record_type.column:
            found.add(self._record.get("currency"))
        return len(found) <= 1 and None not in found


def _field(node: tree.Field, row: Row) -> Value:
    if not node.custom:
        value: Value = row.get(node.name)
        return value
    custom = row.get("custom")
    fields = msgspec.json.decode(custom) if isinstance(custom, str) else custom
    given = (fields or {}).get(node.name)
    if given is None:
        return None
    text = str(given).lower() if isinstance(given, bool) else str(given)
    match node.type.name:
        case "text":
            return text
        case "boolean":
            return {"true": True, "false": False}.get(text)
        case "money":
            return Decimal(text) if _MONEY.fullmatch(text) else None
        case _:
            return int(text) if _INTEGER.fullmatch(text) else None


def _fit(value: Value, kind: Type) -> Value:
    """Give a number if it fits its type, else null: 38 digits with its scale, or 64 bits."""
    if isinstance(value, Decimal):
        return value if abs(value) < Decimal(10) ** (_DIGITS - kind.scale) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return value if _SMALLEST <= value <= _LARGEST else None
    return value


def _sum(values: list[Any], kind: Type) -> Value:
    if kind.decimal:
        total = Decimal(0)
        for value in values:
            total = _EXACT.add(total, value)
        return total
    return _fit(sum(values), kind)


def _compare(op: str, left: Any, right: Any) -> bool | None:
    if left is None or right is None:
        return None
    return _COMPARISONS[op](left, right)


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: bool(left == right),
    "<>": lambda left, right: bool(left != right),
    "<": lambda left, right: bool(left < right),
    "<=": lambda left, right: bool(left <= right),
    ">": lambda left, right: bool(left > right),
    ">=": lambda left, right: bool(left >= right),
}


def _arithmetic(node: tree.Arithmetic, left: Any, right: Any) -> Value:
    if not node.type.decimal:
        whole = {"+": left + right, "-": left - right, "*": left * right}[node.op]
        return _fit(whole, node.type)
    first, second = Decimal(left), Decimal(right)
    if node.op == "*":
        product = _EXACT.multiply(first, second)
        return _fit(product, node.type)
    if _fit(first, node.type) is None or _fit(second, node.type) is None:
        return None
    total = _EXACT.add(first, second) if node.op == "+" else _EXACT.subtract(first, second)
    return _fit(total, node.type)


def _fit_add_days(zone: Zone, at: int, days: int) -> Value:
    return _fit(zone.add_days(at, days), tree.INSTANT)


def _call(node: tree.Call, values: list[Any]) -> Value:  # noqa: PLR0911 - one case for each function
    match node.function:
        case "least" | "greatest":
            fitted: list[Any] = [_fit(value, node.type) for value in values]
            if None in fitted:
                return None
            extreme: Value = min(fitted) if node.function == "least" else max(fitted)
            return extreme
        case "abs":
            return _fit(abs(values[0]), node.type)
        case "lower":
            return str(values[0]).translate(_LOWERED)
        case "upper":
            return str(values[0]).translate(_UPPERED)
        case "length":
            return len(values[0])
        case "listed":
            return f" {values[0]} " in f" {values[1]} "
        case "starts_with":
            return str(values[0]).startswith(values[1])
        case _:
            return str(values[0]).endswith(values[1])

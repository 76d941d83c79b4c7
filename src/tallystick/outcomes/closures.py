"""Expressions as Python functions: each node of a tree becomes one function, once for a predicate.

The reference interpreter calls them for every record. They follow the rules of `tallystick.outcomes.tree` and share
nothing with the SQL but the tree.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Context, Decimal
from typing import Any, TypeAlias

import msgspec

from tallystick.outcomes import tree
from tallystick.outcomes.predicate import Inputs, Predicate
from tallystick.outcomes.tree import Expression, Type, Value
from tallystick.period import Zone

__all__ = ["Closures", "Known", "Row"]

Row: TypeAlias = Mapping[str, Any]

_EXACT = Context(prec=200)
_DIGITS = 38
_LARGEST, _SMALLEST = 2**63 - 1, -(2**63)
_MONEY = re.compile(r"-?[0-9]{1,14}(\.[0-9]{1,4}0*)?", re.ASCII)
_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWERED = str.maketrans(_UPPER, _UPPER.lower())
_UPPERED = str.maketrans(_UPPER.lower(), _UPPER)


class Known:
    """What is known of one record while it is decided: itself, its related rows, its facts so far, its aggregates."""

    __slots__ = ("aggregates", "facts", "record", "related")

    def __init__(self, record: Row, related: Mapping[str, Sequence[Row]]) -> None:
        self.record = record
        self.related = related
        self.facts: dict[str, Value] = {}
        self.aggregates: dict[int, Value] = {}


_Function: TypeAlias = Callable[[Known, Row], Any]
"""Gives the value of a node, from what is known and the related row; outside of an aggregate that is the record."""


class Closures:
    """Turns the nodes of a predicate into functions; equal nodes into one.

    Args:
        predicate: The predicate the nodes are of.
        inputs: How complete the evidence is.
        zone: Zone of the contract, for calendar days.
    """

    def __init__(self, predicate: Predicate, inputs: Inputs, zone: Zone) -> None:
        self._predicate = predicate
        self._inputs = inputs
        self._zone = zone
        self._made: dict[Expression, _Function] = {}
        self._aggregates = 0

    def of(self, node: Expression) -> _Function:
        """Give the function of a node."""
        found = self._made.get(node)
        if found is None:
            found = self._made[node] = self._make(node)
        return found

    def _make(self, node: Expression) -> _Function:  # noqa: C901, PLR0911, PLR0912 - one case for each kind of node
        match node:
            case tree.Constant():
                return _constant(node.value)
            case tree.Field():
                return _field(node)
            case tree.FactRef():
                return _fact(node.name)
            case tree.Read():
                ends = self._inputs.read_from if node.end == "from" else self._inputs.read_to
                return _constant(ends.get(node.record_type))
            case tree.Aggregate():
                return self._aggregate(node)
            case tree.Logic():
                return _logic(node.op == "or", [self.of(part) for part in node.operands])
            case tree.Not():
                return _not(self.of(node.operand))
            case tree.IsNull():
                return _is_null(self.of(node.operand))
            case tree.Case():
                return self._case(node)
            case tree.Compare():
                return self._compare(node)
            case tree.In():
                return self._in(node)
            case tree.Arithmetic():
                return _arithmetic(node, self.of(node.left), self.of(node.right))
            case tree.AddDays():
                zone, days = self._zone, node.days
                return _of_instant(self.of(node.operand), lambda at: zone.add_days(at, days))
            case tree.BusinessDeadline():
                place, count, holidays = self._zone, node.days, frozenset(node.holidays)
                return _of_instant(self.of(node.operand), lambda at: place.business_deadline(at, count, holidays))
            case tree.Call():
                return _call(node, [self.of(part) for part in node.arguments])

    def _case(self, node: tree.Case) -> _Function:
        branches = [(self.of(when), self.of(then)) for when, then in node.branches]
        default, fit = self.of(node.default), _fit_of(node.type)

        def case(known: Known, row: Row) -> Any:
            for when, then in branches:
                if when(known, row) is True:
                    return fit(then(known, row))
            return fit(default(known, row))

        return case

    def _compare(self, node: tree.Compare) -> _Function:
        kind = Type(node.left.type.name, max(node.left.type.scale, node.right.type.scale))
        left, right, test = self.of(node.left), self.of(node.right), _COMPARISONS[node.op]
        if kind.name in {"text", "boolean"}:

            def plain(known: Known, row: Row) -> bool | None:
                one = left(known, row)
                if one is None:
                    return None
                other = right(known, row)
                return None if other is None else test(one, other)

            return plain
        fit = _fit_of(kind)
        if isinstance(node.right, tree.Constant) and node.right.value is not None:
            bound = fit(node.right.value)

            def beside_constant(known: Known, row: Row) -> bool | None:
                one = fit(left(known, row))
                return None if one is None or bound is None else test(one, bound)

            return beside_constant

        def fitted(known: Known, row: Row) -> bool | None:
            one, other = fit(left(known, row)), fit(right(known, row))
            return None if one is None or other is None else test(one, other)

        return fitted

    def _in(self, node: tree.In) -> _Function:
        scale = max(part.type.scale for part in (node.operand, *node.options))
        operand, fit = self.of(node.operand), _fit_of(Type(node.operand.type.name, scale))
        options = [option.value for option in node.options]
        if None in options:
            return _constant(None)
        among = frozenset(options)

        def is_in(known: Known, row: Row) -> bool | None:
            value = fit(operand(known, row))
            return None if value is None else value in among

        return is_in

    # --- aggregates

    def _aggregate(self, node: tree.Aggregate) -> _Function:
        compute, place = self._over_rows(node), self._aggregates
        self._aggregates += 1

        def aggregate(known: Known, _: Row) -> Value:
            # Its rows and the facts it reads are the same wherever it stands.
            held = known.aggregates
            if place not in held:
                held[place] = compute(known)
            return held[place]

        return aggregate

    def _over_rows(self, node: tree.Aggregate) -> Callable[[Known], Value]:
        relation, in_currency = node.relation, node.in_currency
        where = None if node.where is None else self.of(node.where)
        argument = None if node.argument is None else _field(node.argument)
        own_currency = "currency" in self._predicate.record_type.column
        function, kind = node.function, node.type

        def compute(known: Known) -> Value:
            rows = known.related.get(relation, ())
            if in_currency and not _one_currency(rows, known.record, own=own_currency):
                return None
            if where is not None:
                rows = [row for row in rows if where(known, row) is True]
            if argument is None:
                return len(rows)
            values = [argument(known, row) for row in rows]
            if function == "sum":
                return None if None in values else _sum(values, kind)
            held = [value for value in values if value is not None]
            if not held:
                return None
            least: Value = min(held) if function == "min" else max(held)
            return least

        return compute


def _one_currency(rows: Sequence[Row], record: Row, *, own: bool) -> bool:
    """Tell whether amounts of some rows may be added, and set beside those of the record."""
    found = {row.get("currency") for row in rows}
    if found and own:
        found.add(record.get("currency"))
    return len(found) <= 1 and None not in found


def _constant(value: Value) -> _Function:
    return lambda _, __: value


def _fact(name: str) -> _Function:
    return lambda known, _: known.facts[name]


def _field(node: tree.Field) -> _Function:
    name, of_record = node.name, node.relation is None
    if node.custom:
        return (lambda known, _: _custom(node, known.record)) if of_record else (lambda _, row: _custom(node, row))
    return (lambda known, _: known.record.get(name)) if of_record else (lambda _, row: row.get(name))


def _custom(node: tree.Field, row: Row) -> Value:
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


def _logic(decisive: bool, operands: Sequence[_Function]) -> _Function:  # noqa: FBT001 - true for `or`
    neutral = not decisive

    def logic(known: Known, row: Row) -> bool | None:
        unknown = False
        for operand in operands:
            value: bool | None = operand(known, row)
            if value is decisive:
                return decisive
            if value is None:
                unknown = True
        return None if unknown else neutral

    return logic


def _not(operand: _Function) -> _Function:
    def negation(known: Known, row: Row) -> bool | None:
        value: bool | None = operand(known, row)
        return None if value is None else not value

    return negation


def _is_null(operand: _Function) -> _Function:
    return lambda known, row: operand(known, row) is None


def _fit_of(kind: Type) -> Callable[[Any], Any]:
    """Give what passes a number if it fits its type, else null: 38 digits with its scale, or 64 bits."""
    bound = Decimal(10) ** (_DIGITS - kind.scale)

    def fit(value: Any) -> Any:
        if type(value) is Decimal:
            return value if -bound < value < bound else None
        if type(value) is int:
            return value if _SMALLEST <= value <= _LARGEST else None
        return value

    return fit


def _of_instant(operand: _Function, later: Callable[[int], int]) -> _Function:
    fit = _fit_of(tree.INSTANT)

    def moved(known: Known, row: Row) -> Value:
        at = operand(known, row)
        fitted: Value = None if at is None else fit(later(at))
        return fitted

    return moved


def _sum(values: Sequence[Any], kind: Type) -> Value:
    if kind.decimal:
        total = Decimal(0)
        for value in values:
            total = _EXACT.add(total, value)
        return total
    fitted: Value = _fit_of(kind)(sum(values))
    return fitted


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _arithmetic(node: tree.Arithmetic, left: _Function, right: _Function) -> _Function:
    compute = _decimal(node) if node.type.decimal else _whole(node)

    def arithmetic(known: Known, row: Row) -> Value:
        one = left(known, row)
        other = right(known, row)
        return None if one is None or other is None else compute(one, other)

    return arithmetic


def _whole(node: tree.Arithmetic) -> Callable[[Any, Any], Value]:
    fit, op = _fit_of(node.type), node.op

    def compute(left: Any, right: Any) -> Value:
        value: Value = fit(left + right if op == "+" else left - right if op == "-" else left * right)
        return value

    return compute


def _decimal(node: tree.Arithmetic) -> Callable[[Any, Any], Value]:
    fit, op = _fit_of(node.type), node.op

    def compute(left: Any, right: Any) -> Value:
        first, second = Decimal(left), Decimal(right)
        if op == "*":
            product: Value = fit(_EXACT.multiply(first, second))
            return product
        if fit(first) is None or fit(second) is None:
            return None
        total: Value = fit(_EXACT.add(first, second) if op == "+" else _EXACT.subtract(first, second))
        return total

    return compute


def _call(node: tree.Call, arguments: Sequence[_Function]) -> _Function:
    fit = _fit_of(node.type)
    if node.function == "coalesce":

        def coalesce(known: Known, row: Row) -> Value:
            for argument in arguments:
                value: Value = fit(argument(known, row))
                if value is not None:
                    return value
            return None

        return coalesce
    compute = _FUNCTIONS[node.function]
    sized = node.function in {"least", "greatest", "abs"}

    def call(known: Known, row: Row) -> Value:
        values = [argument(known, row) for argument in arguments]
        if node.function in {"least", "greatest"}:
            values = [fit(value) for value in values]
        if None in values:
            return None
        value: Value = compute(*values)
        return fit(value) if sized else value

    return call


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "least": min,
    "greatest": max,
    "abs": abs,
    "lower": lambda text: str(text).translate(_LOWERED),
    "upper": lambda text: str(text).translate(_UPPERED),
    "length": len,
    "listed": lambda word, words: f" {word} " in f" {words} ",
    "starts_with": lambda text, start: str(text).startswith(start),
    "ends_with": lambda text, end: str(text).endswith(end),
}

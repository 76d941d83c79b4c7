"""Why a clause is what it is, in words: the values it read, and the smallest change that would have flipped it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tallystick.outcomes import tree
from tallystick.outcomes.interpret import Evaluation
from tallystick.outcomes.predicate import PLACEHOLDER, Clause, Predicate, State
from tallystick.outcomes.tree import Expression, Type, Value
from tallystick.period import format_instant

__all__ = ["Explanation", "describe", "explain", "values_of"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """One clause of one record, explained.

    `reads` holds the facts and own columns it read, as text; `flip` says what would have made it hold, and is empty for
    a clause that holds or is not yet known. `until` is in microseconds UTC.
    """

    clause: str
    state: State
    text: str
    because: str
    reads: tuple[tuple[str, str], ...]
    flip: str
    until: int | None
    decides: bool


def explain(predicate: Predicate, evaluation: Evaluation) -> tuple[Explanation, ...]:
    """Explain every clause of an evaluation, in the order of the contract."""
    values = {**evaluation.columns, **evaluation.facts}
    explained = []
    for index, (clause, found) in enumerate(zip(predicate.clauses, evaluation.clauses, strict=True)):
        told = _Told(predicate, values, evaluation.currency, evaluation.occurred_at)
        flip = ""
        if found.state in {State.FALSE, State.UNKNOWN}:
            flip = _Flip(told, evaluation.value_of).to(clause.test, wanted=True)
        reads = tuple((name, told.show(name)) for name in _names(clause))
        because = told.because(clause, found.state, found.until)
        decides = index == evaluation.clause
        explained.append(Explanation(clause.name, found.state, clause.text, because, reads, flip, found.until, decides))
    return tuple(explained)


def describe(predicate: Predicate, clause: Clause, row: Mapping[str, Any]) -> str:
    """Say why a clause is what it is from a row of the compiled query alone.

    Args:
        predicate: The predicate the query was compiled from.
        clause: One of its clauses.
        row: The columns of the row by name.
    """
    told = _Told(predicate, values_of(predicate, row), row.get("currency"), row["occurred_at"])
    return told.because(clause, State(row[f"clause_{clause.name}"]), row[f"until_{clause.name}"])


def values_of(predicate: Predicate, row: Mapping[str, Any]) -> dict[str, Value]:
    """Give facts and own columns by name from a row of the compiled query."""
    values: dict[str, Value] = {}
    for node in predicate.columns:
        key = f"custom_{node.name}" if node.custom else node.name
        values[f"custom.{node.name}" if node.custom else node.name] = row[f"record_{key}"]
    for fact in predicate.facts:
        values[fact.name] = row[f"fact_{fact.name}"]
    return values


def _names(clause: Clause) -> list[str]:
    """List the facts and own columns that a clause reads itself, in the order it reads them."""
    found: dict[str, None] = {}
    for part in clause.expressions:
        for node in tree.walk(part):
            if isinstance(node, tree.FactRef):
                found[node.name] = None
            elif isinstance(node, tree.Field) and node.relation is None:
                found[f"custom.{node.name}" if node.custom else node.name] = None
    return list(found)


class _Told:
    """Values of one record as text."""

    def __init__(
        self, predicate: Predicate, values: Mapping[str, Value], currency: str | None, occurred_at: int | None
    ) -> None:
        self._predicate = predicate
        self._values = values
        self._currency = currency
        self._occurred_at = occurred_at

    def show(self, name: str) -> str:
        fact = self._predicate.fact.get(name)
        columns = {f"custom.{node.name}" if node.custom else node.name: node for node in self._predicate.columns}
        kind = fact.expression.type if fact is not None else columns[name].type
        return self.value(self._values.get(name), kind)

    def value(self, value: Value, kind: Type) -> str:
        if value is None:
            return "unknown"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, Decimal):
            return (
                f"{_plain(value, kind)} {self._currency}"
                if kind.name == "money" and self._currency
                else _plain(value, kind)
            )
        if isinstance(value, int):
            return _instant(value) if kind == tree.INSTANT else _elapsed(value) if kind == tree.ELAPSED else str(value)
        return f"'{value}'"

    def because(self, clause: Clause, state: State, until: int | None) -> str:
        types = ", ".join(sorted({self._predicate.record, *clause.related}))
        match state:
            case State.TRUE:
                return "it holds"
            case State.FALSE:
                return self._sentence(clause) or f"{clause.text} is false{self._given(clause)}"
            case State.UNKNOWN:
                return self._missing(clause)
            case State.OPEN:
                return clause.waits or f"it cannot be known while this holds: {clause.open_text}"
            case State.UNREAD:
                since = "" if self._occurred_at is None else f" past {_instant(self._occurred_at)}"
                return f"what it rests on has not been read{since} yet: {types}"
            case State.WAITING:
                end = "an instant" if until is None else _instant(until)
                return f"it holds so far; known once everything is read up to {end}: {types}"

    def _sentence(self, clause: Clause) -> str:
        return PLACEHOLDER.sub(lambda match: self.show(match[1]), clause.says)

    def _given(self, clause: Clause) -> str:
        given = ", ".join(f"{name} is {self.show(name)}" for name in _names(clause))
        return f": {given}" if given else ""

    def _missing(self, clause: Clause) -> str:
        missing = [name for name in _names(clause) if self._values.get(name) is None]
        if not missing:
            return f"{clause.text} cannot be told{self._given(clause)}"
        return "missing for good: " + ", ".join(self._origin(name) for name in missing)

    def _origin(self, name: str) -> str:
        fact = self._predicate.fact.get(name)
        return name if fact is None else f"{name}, which is {fact.text}"


def _instant(value: int) -> str:
    try:
        return format_instant(value)
    except ValueError:
        return f"{value} microseconds"


def _plain(value: Decimal, kind: Type) -> str:
    """Write an amount with at least two decimals, without zeros that say nothing."""
    text = f"{value:f}"
    whole, _, decimals = text.partition(".")
    decimals = decimals.rstrip("0")
    decimals = decimals.ljust(2, "0") if kind.name == "money" else decimals
    return f"{whole}.{decimals}" if decimals else whole


def _elapsed(value: int) -> str:
    seconds = Decimal(abs(value)) / 1_000_000
    for unit, size in (("hours", 3_600), ("minutes", 60)):
        if seconds and seconds % size == 0:
            return f"{'-' if value < 0 else ''}{seconds / size:f} {unit}"
    return f"{'-' if value < 0 else ''}{seconds.normalize():f} seconds"


_OPPOSITE = {"=": "<>", "<>": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_MIRROR = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_NUMBERS = {"=": "{}", "<>": "other than {}", "<": "below {}", "<=": "{} or less", ">": "above {}", ">=": "{} or more"}
_TIMES = {"<": "before {}", "<=": "{} or earlier", ">": "after {}", ">=": "{} or later"}


class _Flip:
    """Finds the smallest change that gives an expression the wanted truth value."""

    def __init__(self, told: _Told, value_of: Callable[[Expression], Value]) -> None:
        self._told = told
        self._value_of = value_of

    def to(self, node: Expression, *, wanted: bool) -> str:
        return f"would hold if {self._change(node, wanted=wanted)}"

    def _change(self, node: Expression, *, wanted: bool) -> str:  # noqa: PLR0911 - one case for each kind of node
        match node:
            case tree.Not():
                return self._change(node.operand, wanted=not wanted)
            case tree.Logic():
                return self._logic(node, wanted=wanted)
            case tree.Compare():
                return self._compare(node, node.op if wanted else _OPPOSITE[node.op])
            case tree.IsNull():
                return f"{self._say(node.operand)} were {'absent' if wanted else 'given'}"
            case tree.In():
                options = ", ".join(self._told.value(option.value, option.type) for option in node.options)
                return (
                    f"{self._say(node.operand)} were {'' if wanted else 'none '}{'one ' if wanted else ''}of {options}"
                )
            case tree.Case():
                return self._case(node, wanted=wanted)
            case tree.Call(function="coalesce"):
                # The first part that is known decides; with none known, the first part would.
                known = [part for part in node.arguments if self._value_of(part) is not None]
                part = (known or [*node.arguments])[0]
                part = node.arguments[0] if isinstance(part, tree.Constant) else part
                return self._change(part, wanted=wanted)
            case _:
                return f"{self._say(node)} were {'true' if wanted else 'false'}"

    def _logic(self, node: tree.Logic, *, wanted: bool) -> str:
        changes = [
            self._change(part, wanted=wanted) for part in node.operands if self._value_of(part) is not wanted
        ] or ["nothing changed"]
        # To make `and` true, or `or` false, every part has to change; otherwise any one of them does.
        return (" and " if (node.op == "and") == wanted else " or ").join(changes)

    def _case(self, node: tree.Case, *, wanted: bool) -> str:
        for index, (when, then) in enumerate(node.branches):
            if self._value_of(when) is True:
                return (
                    self._change(then, wanted=wanted)
                    if not isinstance(then, tree.Constant)
                    else self._branch(node, index, wanted=wanted)
                )
        if isinstance(node.default, tree.Constant):
            return self._branch(node, len(node.branches), wanted=wanted)
        return self._change(node.default, wanted=wanted)

    def _branch(self, node: tree.Case, before: int, *, wanted: bool) -> str:
        """Take an earlier branch that gives what is wanted: only those come before the one that was taken."""
        changes = [
            self._change(when, wanted=True)
            for when, then in node.branches[:before]
            if isinstance(then, tree.Constant) and then.value is wanted
        ]
        return " or ".join(changes) or f"{_render(node)} were {'true' if wanted else 'false'}"

    def _compare(self, node: tree.Compare, op: str) -> str:
        left, right = node.left, node.right
        # Name the side that a record says, and set it beside the value of the other one.
        if isinstance(left, tree.Constant) or (
            _plain_name(right) and not _plain_name(left) and not _has_aggregate(left)
        ):
            left, right, op = right, left, _MIRROR[op]
        bound = self._value_of(right)
        if bound is None:
            return f"{self._say(right)} were given"
        words = _TIMES.get(op, _NUMBERS[op]) if left.type == tree.INSTANT else _NUMBERS[op]
        return f"{self._say(left)} were {words.format(self._told.value(bound, right.type))}"

    def _say(self, node: Expression) -> str:
        value = self._told.value(self._value_of(node), node.type)
        return f"{_render(node)} ({value})"


def _plain_name(node: Expression) -> bool:
    return isinstance(node, (tree.FactRef, tree.Field))


def _has_aggregate(node: Expression) -> bool:
    return any(isinstance(part, tree.Aggregate) for part in tree.walk(node))


def _render(node: Expression) -> str:  # noqa: C901, PLR0911, PLR0912 - one case for each kind of node
    """Write a node the way a person would."""
    parts = [_render(part) for part in tree.children(node)]
    match node:
        case tree.Constant():
            return (
                "null" if node.value is None else f"'{node.value}'" if isinstance(node.value, str) else str(node.value)
            )
        case tree.Field():
            name = f"custom.{node.name}" if node.custom else node.name
            return f"{node.relation}.{name}" if node.relation else name
        case tree.FactRef():
            return node.name
        case tree.Read():
            return f"read_{node.end}({node.record_type})"
        case tree.Aggregate():
            inside = node.relation if node.argument is None else parts[0]
            only = f" filter (where {parts[-1]})" if node.where is not None else ""
            return f"{node.function}({inside}){only}"
        case tree.AddDays():
            return f"{parts[0]} {'-' if node.days < 0 else '+'} {abs(node.days)} days"
        case tree.BusinessDeadline():
            return f"{parts[0]} + {node.days} business days"
        case tree.Compare() | tree.Arithmetic():
            return f"{parts[0]} {node.op} {parts[1]}"
        case tree.Logic():
            return f"({f' {node.op} '.join(parts)})"
        case tree.Not():
            return f"not {parts[0]}"
        case tree.IsNull():
            return f"{parts[0]} is null"
        case tree.In():
            return f"{parts[0]} in ({', '.join(parts[1:])})"
        case tree.Call():
            return f"{node.function}({', '.join(parts)})"
        case tree.Case():
            whens = " ".join(f"when {when} then {then}" for when, then in zip(parts[:-1:2], parts[1::2], strict=False))
            return f"case {whens} else {parts[-1]} end"

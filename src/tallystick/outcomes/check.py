"""Typing: names are looked up, literals take the type of their place, and what does not go together is refused.

Nothing is converted silently. A whole number next to money is an amount, a text next to an instant is read as ISO 8601;
everything else keeps the type it is declared with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import cast

from tallystick.errors import ConfigurationError, ContractError
from tallystick.outcomes import tree
from tallystick.outcomes.literals import MIXED, PLAIN, number
from tallystick.outcomes.names import Names, Scope, near
from tallystick.outcomes.parse import SourceText, Syntax, parse
from tallystick.outcomes.tree import BOOLEAN, ELAPSED, INSTANT, INTEGER, MONEY, RATE, TEXT, Expression, Type, Value
from tallystick.period import parse_instant
from tallystick.records.types import RECORD_TYPES, Relation

__all__ = ["Scope", "check"]

_MOST_DECIMALS = 18
_MOST_DAYS = 36_525
_MOST_BUSINESS_DAYS = 366
_MOST_ELAPSED = 36_525 * 86_400_000_000
_EPOCH = date(1970, 1, 1)
_NO_HOLIDAYS = Syntax("text", "", (), 0)


def check(source: SourceText, scope: Scope, want: Type | None = None) -> Expression:
    """Parse and type one expression.

    Args:
        source: The text.
        scope: The names it may use.
        want: The type it has to have, if one is asked for; money and rates of any scale satisfy each their own kind.

    Raises:
        ContractError: The expression is not of the language or not of the type; says where.
    """
    syntax = parse(source)
    expression = _Checker(source, scope).check(syntax, want)
    if want is not None and expression.type.name != want.name:
        raise source.error(
            f"{PLAIN[want.name]} is expected here, and this is {PLAIN[expression.type.name]}",
            syntax.offset,
            hint="A test is a condition; a window ends at an instant." if want in {BOOLEAN, INSTANT} else "",
        )
    return expression


class _Checker:
    def __init__(self, source: SourceText, scope: Scope) -> None:
        self._source = source
        self._scope = scope
        self._relation: Relation | None = None
        self._names = Names(source, scope, check)

    def check(self, node: Syntax, want: Type | None = None) -> Expression:
        handler: Callable[[_Checker, Syntax, Type | None], Expression] = _HANDLERS[node.kind]
        return handler(self, node, want)

    def error(self, node: Syntax, message: str, hint: str = "") -> ContractError:
        return self._source.error(message, node.offset, hint=hint)

    def of(self, node: Syntax, *allowed: Type) -> Expression:
        """Check a part and insist on one of some types."""
        expression = self.check(node, allowed[0])
        if expression.type.name not in {kind.name for kind in allowed}:
            kinds = " or ".join(PLAIN[kind.name] for kind in allowed)
            raise self.error(node, f"{kinds} is expected here, and this is {PLAIN[expression.type.name]}")
        return expression

    def together(self, nodes: Sequence[Syntax], want: Type | None) -> list[Expression]:
        """Check parts that must have one type; literals take the type of the others."""
        return self.agree(nodes, self.firm(nodes, want), want)

    def firm(self, nodes: Sequence[Syntax], want: Type | None) -> dict[int, Expression]:
        """Check the parts that have a type of their own; by their place."""
        return {index: self.check(node, want) for index, node in enumerate(nodes) if not self.loose(node)}

    def agree(self, nodes: Sequence[Syntax], firm: Mapping[int, Expression], want: Type | None) -> list[Expression]:
        """Check the other parts too, and insist on one type."""
        lead = next(iter(firm.values())).type if firm else self.default(nodes, want)
        done = [firm[index] if index in firm else self.check(node, lead) for index, node in enumerate(nodes)]
        for node, expression in zip(nodes, done, strict=True):
            if expression.type.name != lead.name:
                hint = MIXED.get(frozenset({expression.type.name, lead.name}), "")
                what = f"{PLAIN[lead.name]} and {PLAIN[expression.type.name]} do not go together"
                raise self.error(node, what, hint)
        return done

    def loose(self, node: Syntax) -> bool:
        """Tell whether a part has no type of its own until its place gives it one."""
        if node.kind == "negate":
            return self.loose(node.parts[0])
        return node.kind in {"number", "null", "text"} or (
            node.kind == "parameter" and not isinstance(self._scope.params.get(node.value), bool)
        )

    def default(self, nodes: Sequence[Syntax], want: Type | None) -> Type:
        if want is not None:
            return want
        known = [node for node in nodes if node.kind != "null"]
        if not known:
            raise self.error(nodes[0], "null alone has no type", "Write is null or is not null to ask for it.")
        # Together, 1 and 0.5 are decimals: the widest literal leads.
        types = [self.check(node).type for node in known]
        return max(types, key=lambda kind: (kind.name == "rate", kind.scale))

    # --- leaves

    def number(self, node: Syntax, want: Type | None, *, negative: bool = False) -> Expression:
        try:
            return number(node.value, want, negative=negative)
        except ValueError as error:
            raise self.error(node, str(error)) from None

    def text(self, node: Syntax, want: Type | None) -> Expression:
        if want != INSTANT:
            return tree.Constant(node.value, TEXT)
        try:
            return tree.Constant(parse_instant(node.value), INSTANT)
        except ConfigurationError:
            hint = "Write an instant with its offset: '2026-09-01T00:00:00+02:00'."
            raise self.error(node, f"'{node.value}' is not an instant", hint) from None

    def boolean(self, node: Syntax, _want: Type | None) -> Expression:
        return tree.Constant(node.value == "true", BOOLEAN)

    def null(self, node: Syntax, want: Type | None) -> Expression:
        if want is None:
            raise self.error(node, "null alone has no type", "Write is null or is not null to ask for it.")
        return tree.Constant(None, want)

    def parameter(self, node: Syntax, want: Type | None) -> Expression:
        value = self.bound(node)
        if isinstance(value, bool):
            return tree.Constant(value, BOOLEAN)
        if isinstance(value, str):
            return self.text(Syntax("text", value, (), node.offset), want)
        if value is None:
            return self.null(node, want)
        return self.number(
            Syntax("number", format(abs(value), "f" if isinstance(value, Decimal) else "d"), (), node.offset),
            want,
            negative=value < 0,
        )

    def bound(self, node: Syntax) -> Value:
        name = node.value.removeprefix(":")
        if name not in self._scope.params:
            hint = near(name, self._scope.params, "Parameters") or "There are no parameters here; write the value."
            raise self.error(node, f"unknown parameter :{name}", hint)
        return self._scope.params[name]

    def name(self, node: Syntax, _want: Type | None) -> Expression:
        return self._names.find(node, self._relation)

    # --- conditions

    def compare(self, node: Syntax, _want: Type | None) -> Expression:
        for part in node.parts:
            if part.kind == "days":
                hint = "Count days from an instant, as in a > b + interval '3 days'; or compare with hours: '72 hours'."
                raise self.error(part, "calendar days have no fixed length", hint)
            if part.kind == "null":
                raise self.error(part, "nothing is equal to null", "Write is null or is not null.")
        left, right = self.together(node.parts, None)
        if left.type == BOOLEAN and node.value not in {"=", "<>"}:
            raise self.error(node, "true and false have no order")
        return tree.Compare(node.value, left, right)  # type: ignore[arg-type]

    def logic(self, node: Syntax, _want: Type | None) -> Expression:
        return tree.Logic(node.kind, tuple(self.of(part, BOOLEAN) for part in node.parts))  # type: ignore[arg-type]

    def negation(self, node: Syntax, _want: Type | None) -> Expression:
        return tree.Not(self.of(node.parts[0], BOOLEAN))

    def is_null(self, node: Syntax, _want: Type | None) -> Expression:
        return tree.IsNull(self.check(node.parts[0]))

    def is_boolean(self, node: Syntax, _want: Type | None) -> Expression:
        operand = self.of(node.parts[0], BOOLEAN)
        asked = operand if node.value == "true" else tree.Not(operand)
        return tree.Call("coalesce", (asked, tree.Constant(value=False, type=BOOLEAN)), BOOLEAN)

    def in_(self, node: Syntax, _want: Type | None) -> Expression:
        subject, *options = self.together(node.parts, None)
        for part, option in zip(node.parts[1:], options, strict=True):
            if not isinstance(option, tree.Constant) or option.value is None:
                raise self.error(part, "in takes a list of constants without null", "As in status in ('won', 'lost').")
        return tree.In(subject, tuple(cast("list[tree.Constant]", options)))

    def between(self, node: Syntax, _want: Type | None) -> Expression:
        subject, low, high = self.together(node.parts, None)
        if subject.type == BOOLEAN:
            raise self.error(node, "true and false have no order")
        return tree.Logic("and", (tree.Compare(">=", subject, low), tree.Compare("<=", subject, high)))

    def case(self, node: Syntax, want: Type | None) -> Expression:
        *pairs, default = node.parts
        conditions = [self.of(part, BOOLEAN) for part in pairs[::2]]
        values = self.together([*pairs[1::2], default], want)
        branches = tuple(zip(conditions, values[:-1], strict=True))
        return tree.Case(branches, values[-1], _widest(values))

    # --- values

    def days(self, node: Syntax, _want: Type | None) -> Expression:
        hint = "Add them to an instant on the left, as in due_at + interval '30 days'."
        raise self.error(node, "calendar days have no fixed length", hint)

    def elapsed(self, node: Syntax, _want: Type | None) -> Expression:
        if int(node.value) > _MOST_ELAPSED:
            raise self.error(node, "an interval of more than 100 years")
        return tree.Constant(int(node.value), ELAPSED)

    def negate(self, node: Syntax, want: Type | None) -> Expression:
        part = node.parts[0]
        if part.kind == "number":
            return self.number(part, want, negative=True)
        operand = self.of(part, *((want,) if want else ()), INTEGER, MONEY, RATE, ELAPSED)
        zero = tree.Constant(Decimal(0) if operand.type.decimal else 0, operand.type)
        return tree.Arithmetic("-", zero, operand, operand.type)

    def arithmetic(self, node: Syntax, want: Type | None) -> Expression:
        left, right = node.parts
        if node.value == "+" and left.kind == "days":
            left, right = right, left
        if right.kind == "days":
            return self.add_days(node, left, right)
        if node.value == "*":
            return self.product(node, left, right)
        firm = self.firm((left, right), None)
        if any(side.type in {INSTANT, ELAPSED} for side in firm.values()):
            return self.time_arithmetic(node, firm)
        first, second = self.agree((left, right), firm, want if want is not None and want.decimal else None)
        if first.type.name not in {"integer", "money", "rate"}:
            raise self.error(node, f"{PLAIN[first.type.name]} cannot be added or subtracted")
        return tree.Arithmetic(node.value, first, second, _widest([first, second]))  # type: ignore[arg-type]

    def time_arithmetic(self, node: Syntax, firm: Mapping[int, Expression]) -> Expression:
        first, second = (firm[i] if i in firm else self.check(node.parts[i], INSTANT) for i in (0, 1))
        kind = _TIMES.get((first.type.name, node.value, second.type.name))
        if kind is None:
            what = f"{PLAIN[first.type.name]} {node.value} {PLAIN[second.type.name]} means nothing"
            hint = "As in paid_at - created_at <= interval '72 hours', or due_at + interval '30 days'."
            raise self.error(node, what, hint)
        return tree.Arithmetic(node.value, first, second, kind)  # type: ignore[arg-type]

    def add_days(self, node: Syntax, left: Syntax, right: Syntax) -> Expression:
        if node.value == "*":
            raise self.error(node, "an interval is not multiplied", "Write the days as one number or parameter.")
        operand = self.of(left, INSTANT)
        days: Value = self.bound(right) if right.value.startswith(":") else int(right.value)
        if isinstance(days, bool) or not isinstance(days, int) or not 0 <= days <= _MOST_DAYS:
            raise self.error(right, f"days are a whole number from 0 to {_MOST_DAYS}")
        return tree.AddDays(operand, days if node.value == "+" else -days)

    def product(self, node: Syntax, left: Syntax, right: Syntax) -> Expression:
        first, second = self.check(left), self.check(right)
        names = {first.type.name, second.type.name}
        if names == {"integer", "elapsed"}:
            return tree.Arithmetic("*", first, second, ELAPSED)
        if not names <= {"integer", "money", "rate"}:
            raise self.error(node, "only numbers are multiplied")
        if first.type.name == second.type.name == "money":
            raise self.error(node, "money times money is not money", "Multiply by a number.")
        if names == {"integer"}:
            return tree.Arithmetic("*", first, second, INTEGER)
        scale = first.type.scale + second.type.scale
        if scale > _MOST_DECIMALS:
            raise self.error(node, f"this product has {scale} decimals; {_MOST_DECIMALS} are possible")
        return tree.Arithmetic("*", first, second, Type("money" if "money" in names else "rate", scale))

    # --- calls

    def call(self, node: Syntax, want: Type | None) -> Expression:
        name = node.value
        if name in {"read_from", "read_to"}:
            return self.read(node)
        if name.split()[0] in {"count", "sum", "min", "max"}:
            return self.aggregate(node)
        if name in {"coalesce", "least", "greatest"}:
            if len(node.parts) < 2:
                raise self.error(node, f"{name} takes at least two values")
            parts = self.together(node.parts, want)
            if name != "coalesce" and parts[0].type == BOOLEAN:
                raise self.error(node, f"{name} of true and false means nothing")
            return tree.Call(name, tuple(parts), _widest(parts))  # type: ignore[arg-type]
        if name == "abs":
            operand = self.of(node.parts[0], *((want,) if want else ()), INTEGER, MONEY, RATE, ELAPSED)
            if operand.type.name not in {"integer", "money", "rate", "elapsed"}:
                raise self.error(node, f"abs of {PLAIN[operand.type.name]} means nothing")
            return tree.Call("abs", (operand,), operand.type)
        if name == "business_deadline":
            return self.business_deadline(node)
        if name == "listed" and len(node.parts) != 2:
            raise self.error(node, "listed takes a text and a list", "As in listed('vip', tags).")
        arguments = tuple(self.of(part, TEXT) for part in node.parts)
        result = {"length": INTEGER, "starts_with": BOOLEAN, "ends_with": BOOLEAN, "listed": BOOLEAN}.get(name, TEXT)
        return tree.Call(name, arguments, result)  # type: ignore[arg-type]

    def business_deadline(self, node: Syntax) -> Expression:
        if not 2 <= len(node.parts) <= 3:
            hint = "As in business_deadline(solved_at, 5, '2026-12-25 2026-12-26')."
            raise self.error(node, "business_deadline takes an instant, a number of days and a list of holidays", hint)
        if self._relation is not None:
            raise self.error(node, "business days are not counted inside an aggregate", "Name them as a fact.")
        operand = self.of(node.parts[0], INSTANT)
        days, holidays = (self.literal(part) for part in (*node.parts, _NO_HOLIDAYS)[1:3])
        if isinstance(days, bool) or not isinstance(days, int) or not 0 <= days <= _MOST_BUSINESS_DAYS:
            raise self.error(node.parts[1], f"business days are a whole number from 0 to {_MOST_BUSINESS_DAYS}")
        try:
            known = {(date.fromisoformat(day) - _EPOCH).days for day in str(holidays).split()}
        except ValueError:
            hint = "Write days as 2026-12-25, with a space between them."
            raise self.error(node.parts[2], f"{holidays!r} is not a list of days", hint) from None
        return tree.BusinessDeadline(operand, days, tuple(sorted(known)))

    def literal(self, node: Syntax) -> Value:
        """Give the value of a part that is written out or a parameter; None where it is neither."""
        if node.kind == "parameter":
            return self.bound(node)
        if node.kind == "number" and node.value.isdigit():
            return int(node.value)
        return node.value if node.kind == "text" else None

    def read(self, node: Syntax) -> Expression:
        record = self._scope.record
        given = node.parts[0] if len(node.parts) == 1 else node
        if given.kind == "name" and given.value in record.relation:
            kind = record.relation[given.value].target
        elif given.kind == "name" and given.value in RECORD_TYPES:
            kind = given.value
        else:
            hint = near(given.value, [*record.relation, *RECORD_TYPES], "Relations and record types")
            raise self.error(given, f"{node.value} takes the name of a relation or a record type", hint)
        return tree.Read(kind, "from" if node.value == "read_from" else "to")

    def aggregate(self, node: Syntax) -> Expression:
        function, filtered = node.value.split()[0], node.value.endswith("filter")
        if self._relation is not None:
            raise self.error(node, "a count or sum inside another one", "Name the inner one as a fact.")
        subject = node.parts[0] if node.parts else node
        if subject.kind != "name":
            raise self.error(subject, f"{function} takes {'a relation' if function == 'count' else 'a related column'}")
        first, *rest = subject.value.split(".")
        relation = self._scope.record.relation.get(first)
        if relation is None:
            hint = near(first, self._scope.record.relation, f"A {self._scope.record.name} leads to")
            raise self.error(subject, f"{first} is not a relation of {self._scope.record.name}", hint)
        if (function == "count") == bool(rest):
            hint = f"As in count({first})." if function == "count" else f"As in {function}({first}.<column>)."
            raise self.error(subject, f"{function} of {subject.value} means nothing", hint)
        self._relation = relation
        argument = cast("tree.Field", self.check(subject)) if rest else None
        where = self.of(node.parts[-1], BOOLEAN) if filtered else None
        self._relation = None
        return tree.Aggregate(function, first, argument, where, self.result(subject, function, argument))  # type: ignore[arg-type]

    def result(self, subject: Syntax, function: str, argument: tree.Field | None) -> Type:
        if argument is None:
            return INTEGER
        summed = {"integer", "money"}
        if function == "sum" and argument.type.name not in summed:
            raise self.error(subject, f"{PLAIN[argument.type.name]} is not summed", "Sum money or whole numbers.")
        if argument.type == BOOLEAN:
            hint = f"Count them: count({argument.relation}) filter (where {subject.value})."
            raise self.error(subject, "true and false have no order", hint)
        return argument.type


def _widest(parts: Sequence[Expression]) -> Type:
    return max((part.type for part in parts), key=lambda kind: kind.scale)


_TIMES = {
    ("instant", "-", "instant"): ELAPSED,
    ("instant", "-", "elapsed"): INSTANT,
    ("instant", "+", "elapsed"): INSTANT,
    ("elapsed", "+", "instant"): INSTANT,
    ("elapsed", "+", "elapsed"): ELAPSED,
    ("elapsed", "-", "elapsed"): ELAPSED,
}
_HANDLERS: dict[str, Callable[[_Checker, Syntax, Type | None], Expression]] = {
    "name": _Checker.name,
    "text": _Checker.text,
    "number": _Checker.number,
    "boolean": _Checker.boolean,
    "null": _Checker.null,
    "parameter": _Checker.parameter,
    "days": _Checker.days,
    "elapsed": _Checker.elapsed,
    "compare": _Checker.compare,
    "and": _Checker.logic,
    "or": _Checker.logic,
    "not": _Checker.negation,
    "is_null": _Checker.is_null,
    "is_boolean": _Checker.is_boolean,
    "in": _Checker.in_,
    "between": _Checker.between,
    "arithmetic": _Checker.arithmetic,
    "negate": _Checker.negate,
    "case": _Checker.case,
    "call": _Checker.call,
}

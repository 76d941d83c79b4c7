"""WHERE: a condition as a function of a row, with the rules of SOQL for types, case and null."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from tallystick_salesforce.simulator.errors import WireError
from tallystick_salesforce.simulator.ids import same
from tallystick_salesforce.simulator.shapes import Field
from tallystick_salesforce.simulator.soql_text import Among, Both, Compare, Literal, Negation, Node, Path, at_place
from tallystick_salesforce.simulator.values import NUMBERS, Row

__all__ = ["Reading", "condition"]

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_IDS = {"id", "reference"}
_UNORDERED = {"boolean"}


class Reading(NamedTuple):
    """A field of a condition and what gives its value in a row."""

    field: Field
    value: Callable[[Row], Any]


def condition(node: Node, reading: Callable[[Path], Reading], text: str) -> Callable[[Row], bool]:
    """Give a condition as a function.

    Args:
        node: The condition.
        reading: Binds a path; it may raise WireError.
        text: The statement, for the messages.

    Raises:
        WireError: INVALID_FIELD, where a value does not fit the type of its field.
    """
    if isinstance(node, Negation):
        inner = condition(node.node, reading, text)
        return lambda row: not inner(row)
    if isinstance(node, Both):
        parts = [condition(part, reading, text) for part in node.nodes]
        gather = all if node.word == "AND" else any
        return lambda row: gather(part(row) for part in parts)
    if isinstance(node, Among):
        return _among(node, reading(node.path), text)
    return _compare(node, reading(node.path), text)


def _among(node: Among, reading: Reading, text: str) -> Callable[[Row], bool]:
    wanted = {_literal(value, reading.field, text) for value in node.values}
    if node.negated:
        return lambda row: _comparable(reading, row) not in wanted
    return lambda row: _comparable(reading, row) in wanted


def _compare(node: Compare, reading: Reading, text: str) -> Callable[[Row], bool]:
    field = reading.field
    if node.sign == "LIKE":
        return _like(node, reading, text)
    wanted = _literal(node.value, field, text)
    if node.sign == "=":
        return lambda row: bool(_comparable(reading, row) == wanted)
    if node.sign == "!=":
        return lambda row: bool(_comparable(reading, row) != wanted)
    if field.type in _UNORDERED:
        raise WireError.bad("INVALID_FIELD", at_place(text, node.path.place, f"invalid operator on {field.type} field"))
    holds = _ORDER[node.sign]

    def ordered(row: Row) -> bool:
        value = _comparable(reading, row)
        return value is not None and wanted is not None and holds(value, wanted)

    return ordered


def _like(node: Compare, reading: Reading, text: str) -> Callable[[Row], bool]:
    kind = reading.field.type
    if kind in _IDS | NUMBERS | {"boolean", "date", "datetime"} or node.value.kind != "text":
        raise WireError.bad("INVALID_FIELD", at_place(text, node.path.place, f"invalid operator on {kind} field"))
    parts = re.split(r"([%_])", node.value.value)
    pattern = "".join({"%": ".*", "_": "."}.get(part, re.escape(part)) for part in parts)
    wanted = re.compile(pattern, re.IGNORECASE | re.DOTALL)
    return lambda row: bool(wanted.fullmatch(reading.value(row) or ""))


def _comparable(reading: Reading, row: Row) -> Any:
    """Give a value as it is compared: text without case, numbers exactly."""
    value = reading.value(row)
    if isinstance(value, str) and reading.field.type not in _IDS:
        return value.lower()
    if isinstance(value, float):
        return Decimal(str(value))
    return value


def _literal(literal: Literal, field: Field, text: str) -> Any:
    """Give a value of a statement as it is compared.

    Raises:
        WireError: It does not fit the type of the field.
    """
    if literal.kind == "null":
        return None
    kind = field.type
    if kind in _IDS and literal.kind == "text":
        return _id(literal, field, text)
    fits = {
        "boolean": "boolean",
        "datetime": "datetime",
        "date": "date",
        **dict.fromkeys(NUMBERS, "number"),
    }.get(kind, "text")
    if literal.kind != fits:
        quotes = "should be" if fits == "text" else "should not be"
        wrong = (
            f"value of filter criterion for field '{field.name}' must be of type {kind} and {quotes} enclosed in quotes"
        )
        raise WireError.bad("INVALID_FIELD", at_place(text, literal.place, wrong))
    if kind == "boolean":
        return literal.value == "TRUE"
    if kind in NUMBERS:
        return Decimal(literal.value)
    if kind in {"date", "datetime"}:
        return _moment(literal, kind, text)
    return literal.value.lower()


def _moment(literal: Literal, kind: str, text: str) -> Any:
    try:
        if kind == "date":
            return date.fromisoformat(literal.value).isoformat()
        return datetime.fromisoformat(literal.value).timestamp()
    except ValueError as error:
        raise WireError.bad("MALFORMED_QUERY", at_place(text, literal.place, f"not a {kind}")) from error


def _id(literal: Literal, field: Field, text: str) -> str:
    if not literal.value or field.refers_to == ("EntityDefinition",):
        return literal.value
    found = same(literal.value)
    if found is None:
        wrong = f"invalid ID field: {literal.value}"
        raise WireError.bad("INVALID_QUERY_FILTER_OPERATOR", at_place(text, literal.place, wrong))
    return found

"""The typed expression tree: what a checked clause is made of.

Both evaluators walk these nodes and nothing else. Every node knows its type; a node is immutable and hashable, so that
equal aggregates are computed once. The rules of the language that both evaluators follow:

- Null means unknown; `and`, `or`, `not`, comparison and `in` follow SQL's three-valued logic.
- Money and rates are exact decimals with a fixed number of decimals (`Type.scale`); a result of more than 38 digits, an
  integer beyond 64 bits and an instant beyond 64 bits are unknown, never wrapped and never an error.
- `least` and `greatest` are unknown when an argument is; `coalesce` gives the first known argument.
- `lower` and `upper` change ASCII letters only; `length` counts code points; text is ordered by code point.
- `business_deadline(at, n, holidays)` is the midnight that ends the nth business day after the day of `at`.
- `listed(a, b)` tells whether a is one of the words of b, which are separated by spaces.
- The condition of an aggregate sees the columns of its relation, and the facts and own columns of the record.
- `count` and `sum` over no rows are 0, `min` and `max` are null. A sum over a row whose value is null is null; `min`
  and `max` pass over nulls. A money aggregate over a relation with a row in another currency than the record is null.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

__all__ = [
    "BOOLEAN",
    "ELAPSED",
    "INSTANT",
    "INTEGER",
    "MONEY",
    "RATE",
    "TEXT",
    "AddDays",
    "Aggregate",
    "Arithmetic",
    "BusinessDeadline",
    "Call",
    "Case",
    "Compare",
    "Constant",
    "Expression",
    "FactRef",
    "Field",
    "In",
    "IsNull",
    "Logic",
    "Not",
    "Read",
    "Type",
    "Value",
    "children",
    "walk",
]

Value: TypeAlias = str | int | bool | Decimal | None
"""A value of a fact: instants and elapsed times are microseconds, money and rates are decimals."""


@dataclass(frozen=True, slots=True)
class Type:
    """A type; `scale` is the number of decimals that money and rates carry."""

    name: Literal["text", "integer", "money", "rate", "boolean", "instant", "elapsed"]
    scale: int = 0

    @property
    def decimal(self) -> bool:
        """True for money and rates."""
        return self.name in {"money", "rate"}


TEXT = Type("text")
INTEGER = Type("integer")
MONEY = Type("money", 4)
RATE = Type("rate", 12)
BOOLEAN = Type("boolean")
INSTANT = Type("instant")
ELAPSED = Type("elapsed")


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal or a bound parameter; null has the type its place asks for."""

    value: Value
    type: Type


@dataclass(frozen=True, slots=True)
class Field:
    """A column of the record, or of the target of `relation`; `custom` ones are declared by the buyer."""

    name: str
    type: Type
    relation: str | None = None
    custom: bool = False


@dataclass(frozen=True, slots=True)
class FactRef:
    """The value of a named fact of the same predicate."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Read:
    """Since when (`from`) or up to when (`to`) the records of a type have been read; null if never."""

    record_type: str
    end: Literal["from", "to"]
    type: Type = INSTANT


@dataclass(frozen=True, slots=True)
class Compare:
    """A comparison of two values of one type."""

    op: Literal["=", "<>", "<", "<=", ">", ">="]
    left: Expression
    right: Expression
    type: Type = BOOLEAN


@dataclass(frozen=True, slots=True)
class Logic:
    """All (`and`) or any (`or`) of at least two operands."""

    op: Literal["and", "or"]
    operands: tuple[Expression, ...]
    type: Type = BOOLEAN


@dataclass(frozen=True, slots=True)
class Not:
    """Negation; not unknown is unknown."""

    operand: Expression
    type: Type = BOOLEAN


@dataclass(frozen=True, slots=True)
class IsNull:
    """Whether a value is unknown; never unknown itself."""

    operand: Expression
    type: Type = BOOLEAN


@dataclass(frozen=True, slots=True)
class In:
    """Whether a value is one of some constants, none of them null."""

    operand: Expression
    options: tuple[Constant, ...]
    type: Type = BOOLEAN


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Sum, difference or product; of instants and elapsed times too."""

    op: Literal["+", "-", "*"]
    left: Expression
    right: Expression
    type: Type


@dataclass(frozen=True, slots=True)
class AddDays:
    """An instant some calendar days later (or earlier) at the same wall-clock time of the contract's zone."""

    operand: Expression
    days: int
    type: Type = INSTANT


@dataclass(frozen=True, slots=True)
class BusinessDeadline:
    """The end of a business day of the contract's zone: the `days`th after the day of an instant, 0 being that day.

    Business days are Monday to Friday but for `holidays`, which are days since 1970-01-01, sorted, each once.
    """

    operand: Expression
    days: int
    holidays: tuple[int, ...] = ()
    type: Type = INSTANT


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the language."""

    function: Literal[
        "coalesce", "least", "greatest", "abs", "lower", "upper", "length", "starts_with", "ends_with", "listed"
    ]
    arguments: tuple[Expression, ...]
    type: Type


@dataclass(frozen=True, slots=True)
class Case:
    """The value of the first branch whose condition is true, else the default."""

    branches: tuple[tuple[Expression, Expression], ...]
    default: Expression
    type: Type


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A number of, or a value over, the related records that meet `where`; `argument` is null for `count`."""

    function: Literal["count", "sum", "min", "max"]
    relation: str
    argument: Field | None
    where: Expression | None
    type: Type

    @property
    def in_currency(self) -> bool:
        """True for an amount in the currency of the related record; `origin_` amounts are in that of their source."""
        argument = self.argument
        return argument is not None and argument.type.name == "money" and not argument.name.startswith("origin_")

    @property
    def correlated(self) -> bool:
        """True when its condition depends on facts or own columns of the record."""
        return self.where is not None and any(
            isinstance(node, FactRef) or (isinstance(node, Field) and node.relation is None)
            for node in walk(self.where)
        )


Expression: TypeAlias = (
    Constant
    | Field
    | FactRef
    | Read
    | Compare
    | Logic
    | Not
    | IsNull
    | In
    | Arithmetic
    | AddDays
    | BusinessDeadline
    | Call
    | Case
    | Aggregate
)


def children(node: Expression) -> tuple[Expression, ...]:  # noqa: PLR0911 - one case for each kind of node
    """Give the direct parts of a node, in the order they are written."""
    match node:
        case Compare() | Arithmetic():
            return (node.left, node.right)
        case Logic():
            return node.operands
        case Not() | IsNull() | AddDays() | BusinessDeadline():
            return (node.operand,)
        case In():
            return (node.operand, *node.options)
        case Call():
            return node.arguments
        case Case():
            return (*(part for branch in node.branches for part in branch), node.default)
        case Aggregate():
            return tuple(part for part in (node.argument, node.where) if part is not None)
        case Constant() | Field() | FactRef() | Read():
            return ()


def walk(node: Expression) -> Iterator[Expression]:
    """Give a node and all its parts, each before its own parts."""
    yield node
    for child in children(node):
        yield from walk(child)

"""What an outcome asks: named clauses over the facts of one record type.

How a clause is decided, the same in SQL and in Python. A clause depends on the record's own type and on the type of
every relation it reads, directly or through facts, with the relations on the way there.

1. `open` is true: OPEN, not yet knowable, without a known end.
2. A related type was never read, or not past the instant the record occurred at: UNREAD. Neither true nor false can be
   told from an incomplete read.
3. The test is false: FALSE.
4. The test is unknown, or `open` is: UNKNOWN, missing for good.
5. The record's own type was not read past the instant it occurred at: UNREAD.
6. There is a window: its end unknown is UNKNOWN; its end later than what every type of the clause has been read up to
   is WAITING. A read up to T holds everything before T.
7. Otherwise TRUE.

A record that occurred at no known instant is UNKNOWN in 2 and 5. The first FALSE clause decides: `unverifiable` if it
is a guard, else `rejected`. Otherwise the first UNKNOWN clause makes it `unverifiable`; otherwise a clause not yet
knowable makes it `pending`: the one that stays so for longest, an unknown end being the longest, and the first of
equals. Otherwise the record `meets`, unless its quantity is unknown: then it is `unverifiable` by no clause.
`decided_at` is the latest of the known ends of windows and the instant the record occurred at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Literal, TypeAlias

from tallystick.errors import ContractError, Position
from tallystick.outcomes import tree
from tallystick.outcomes.check import check
from tallystick.outcomes.names import Scope
from tallystick.outcomes.parse import SourceText
from tallystick.outcomes.standard import standard_facts
from tallystick.outcomes.tree import BOOLEAN, INSTANT, Expression, Value
from tallystick.records.types import RECORD_TYPES, LookedUp, RecordType

__all__ = [
    "PLACEHOLDER",
    "Clause",
    "ClauseSource",
    "Fact",
    "Inputs",
    "Locate",
    "Predicate",
    "PredicateSource",
    "State",
    "Status",
    "Unit",
    "predicate_from_source",
]

Status: TypeAlias = Literal["meets", "rejected", "unverifiable", "pending"]

Locate: TypeAlias = Callable[[tuple[str, ...]], Position | None]
"""Where the first character of a text stands, by its path: `("clauses", "paid")`, `("clauses", "paid", "until")`,
`("facts", "net")` or `("quantity",)`."""

PLACEHOLDER = re.compile(r"\{([a-z0-9_]+)\}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")
_MOST_CLAUSES = 100


class State(IntEnum):
    """What is known of a clause; the last three are not yet knowable."""

    FALSE = 0
    TRUE = 1
    UNKNOWN = 2
    OPEN = 3
    UNREAD = 4
    WAITING = 5

    @property
    def open(self) -> bool:
        """True when it may still become true or false."""
        return self >= State.OPEN

    @property
    def word(self) -> Literal["true", "false", "unknown", "open"]:
        """One of four plain words."""
        if self.open:
            return "open"
        return "true" if self is State.TRUE else "false" if self is State.FALSE else "unknown"


@dataclass(frozen=True, slots=True)
class Inputs:
    """How complete the evidence is: by record type, since when and up to when its streams have been read.

    An absent or null entry means never. `read_to` is exclusive: everything before that instant has been read.
    """

    read_from: Mapping[str, int | None]
    read_to: Mapping[str, int | None]

    def lowest(self, types: Iterable[str]) -> int | None:
        """Give the instant up to which all of some types have been read; None if one of them never was."""
        ends = [self.read_to.get(name) for name in types]
        known = [end for end in ends if end is not None]
        return min(known) if known and len(known) == len(ends) else None


@dataclass(frozen=True, slots=True)
class Fact:
    """A named value of a record."""

    name: str
    expression: Expression
    text: str


@dataclass(frozen=True, slots=True)
class Clause:
    """One named test.

    `until` is the end of its window and `open` says that it cannot be known yet. A guard that is false makes the
    outcome unverifiable instead of rejected. `related` holds the record types its relations lead to. `says` is the
    sentence for a person when it is false; `{name}` in it stands for the value of a fact or of an own column. `waits`
    is the sentence for one that cannot be known yet.
    """

    name: str
    test: Expression
    text: str
    until: Expression | None = None
    open: Expression | None = None
    guard: bool = False
    related: frozenset[str] = frozenset()
    says: str = ""
    open_text: str = ""
    waits: str = ""

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """The test, the end of the window and the open condition, as far as there are any."""
        return tuple(part for part in (self.test, self.until, self.open) if part is not None)


@dataclass(frozen=True, slots=True)
class Unit:
    """Which records are one unit, so that one claim alone is paid for all of them.

    `links` name facts that hold the id of another record of the same unit. `key` names a fact that is equal for the
    records of one unit which occurred on the same calendar day of the contract's zone; with `days`, of two records of
    an equal key that occurred less than so many calendar days apart one alone is paid. `anywhere` names a fact by which
    records of different sources are one unit: it is equal for them, and they occurred on the same calendar day.
    """

    links: tuple[str, ...] = ()
    key: str | None = None
    days: int | None = None
    anywhere: str | None = None

    @property
    def facts(self) -> tuple[str, ...]:
        """The facts that it names, each once."""
        return tuple(dict.fromkeys([*self.links, *filter(None, (self.key, self.anywhere))]))


@dataclass(frozen=True)
class Predicate:
    """The clauses of one outcome, typed, with the facts they rest on (each after those it uses).

    `quantity` is what the price applies to, in major units or in units; None counts one unit for each record.
    """

    record: str
    facts: tuple[Fact, ...]
    clauses: tuple[Clause, ...]
    quantity: Expression | None = None
    unit: Unit | None = None

    @property
    def record_type(self) -> RecordType:
        """The type of record it is about."""
        return RECORD_TYPES[self.record]

    @property
    def quantity_is_money(self) -> bool:
        """True when the quantity is an amount in the record's currency."""
        return self.quantity is not None and self.quantity.type.name == "money"

    @cached_property
    def expressions(self) -> tuple[Expression, ...]:
        """Every expression of the predicate."""
        parts = [fact.expression for fact in self.facts]
        parts += [part for clause in self.clauses for part in clause.expressions]
        return (*parts, self.quantity) if self.quantity is not None else tuple(parts)

    @cached_property
    def nodes(self) -> tuple[Expression, ...]:
        """Every distinct node of the predicate, in a fixed order."""
        return tuple(dict.fromkeys(node for part in self.expressions for node in tree.walk(part)))

    @cached_property
    def columns(self) -> tuple[tree.Field, ...]:
        """The record's own columns that are read."""
        return tuple(node for node in self.nodes if isinstance(node, tree.Field) and node.relation is None)

    @cached_property
    def aggregates(self) -> tuple[tree.Aggregate, ...]:
        """Every distinct count, sum, minimum and maximum."""
        return tuple(node for node in self.nodes if isinstance(node, tree.Aggregate))

    @cached_property
    def relations(self) -> tuple[str, ...]:
        """The relations that are read, and those on the way there, each after the one it goes through."""
        names: dict[str, None] = {}
        for node in self.aggregates:
            names.update(dict.fromkeys(_path(self.record_type, node.relation)))
        return tuple(names)

    @cached_property
    def types(self) -> tuple[str, ...]:
        """Every record type the predicate depends on, its own first."""
        related = {name for clause in self.clauses for name in clause.related}
        return (self.record, *sorted(related - {self.record}))

    @cached_property
    def beside(self) -> tuple[str, ...]:
        """The types it depends on that stand for those of a second source."""
        related = {self.record_type.relation[name].target for name in self.relations}
        return tuple(name for name in sorted({*self.types[1:], *related}) if RECORD_TYPES[name].of)

    def of_facts(self, names: Iterable[str]) -> Predicate:
        """Give a predicate that always holds and has only some facts, with those they rest on."""
        wanted = self.closure(tree.FactRef(name, self.fact[name].expression.type) for name in names)
        clause = Clause("any", tree.Constant(value=True, type=BOOLEAN), "true")
        return Predicate(self.record, tuple(fact for fact in self.facts if fact.name in wanted), (clause,))

    def closure(self, parts: Iterable[Expression]) -> frozenset[str]:
        """Give the names of the facts that expressions rest on, directly or through other facts."""
        found: set[str] = set()
        stack = list(parts)
        while stack:
            for node in tree.walk(stack.pop()):
                if isinstance(node, tree.FactRef) and node.name not in found:
                    found.add(node.name)
                    stack.append(self.fact[node.name].expression)
        return frozenset(found)

    @cached_property
    def fact(self) -> dict[str, Fact]:
        """Facts by name."""
        return {fact.name: fact for fact in self.facts}


def _path(record: RecordType, name: str) -> Iterator[str]:
    via = record.relation[name].via
    if via is not None:
        yield from _path(record, via)
    yield name


@dataclass(frozen=True, slots=True)
class ClauseSource:
    """A clause as text: the `test`, which is true, false or unknown of a record.

    `until` is the end of its window, before which it is not decided; `open` says when it cannot be known yet. A `guard`
    that is false makes the outcome unverifiable instead of rejected. `says` is the sentence for a person when it is
    false, `waits` the one when it cannot be known yet; `{name}` in them stands for a fact or a column.
    """

    test: str
    until: str | None = None
    open: str | None = None
    guard: bool = False
    says: str = ""
    waits: str = ""


@dataclass(frozen=True, slots=True)
class PredicateSource:
    """A predicate as text: what a template builds.

    `facts` are expressions by name, for the clauses and for one another. The `clauses` decide in their order.
    `quantity` is what the price applies to, None for one unit each. `params` are values for `:name` in the texts, and
    `unit` says which records are one unit.
    """

    facts: Mapping[str, str]
    clauses: Mapping[str, str | ClauseSource]
    quantity: str | None = None
    params: Mapping[str, Value] = field(default_factory=dict)
    unit: Unit | None = None


def predicate_from_source(
    record: str,
    source: PredicateSource,
    *,
    custom: Mapping[str, Mapping[str, str]] | None = None,
    locate: Locate | None = None,
    label: str = "",
) -> Predicate:
    """Read, type and join the texts of a predicate.

    Besides its own facts a predicate may use the standard facts of the record type (`standard_facts`); its own win.
    Facts that nothing uses are checked all the same, but the standard ones among them are left out.

    Args:
        record: Record type the outcome is about.
        source: The texts.
        custom: Custom fields the buyer declared: record type to field to kind.
        locate: Where each text stands in its file.
        label: What to call the source where there is no file, such as the name of a template.

    Raises:
        ContractError: Something in it is not of the language; says where and what to write instead.
    """
    custom = custom or {}

    def text(content: str, *path: str) -> SourceText:
        return SourceText(content, locate(path) if locate else None, " ".join(filter(None, (label, *path))))

    known = sorted(name for name, kind in RECORD_TYPES.items() if not kind.of)
    if record not in known:
        raise ContractError(f"unknown record type {record!r}", hint=f"Known are {', '.join(known)}.")
    _check_names(source, RECORD_TYPES[record], text)
    facts = {name: text(content, "facts", name) for name, content in standard_facts(record, custom).items()}
    facts |= {name: text(content, "facts", name) for name, content in source.facts.items()}
    scope = Scope(record, facts, custom, source.params)
    for name in source.facts:
        scope.fact(name, check)
    clauses = [_clause(name, given, scope, text) for name, given in source.clauses.items()]
    quantity = None if source.quantity is None else _quantity(text(source.quantity, "quantity"), scope)
    ordered = tuple(Fact(name, expression, facts[name].text) for name, expression in scope.facts.items())
    predicate = Predicate(record, ordered, tuple(clauses), quantity, source.unit)
    _check_sentences(predicate, text)
    return predicate


_Text: TypeAlias = Callable[..., SourceText]


def _check_names(source: PredicateSource, record: RecordType, text: _Text) -> None:
    if not source.clauses:
        raise text("", "clauses").error("an outcome needs at least one clause")
    if len(source.clauses) > _MOST_CLAUSES:
        raise text("", "clauses").error(f"an outcome has at most {_MOST_CLAUSES} clauses")
    for kind, names in (("facts", source.facts), ("clauses", source.clauses)):
        for name in names:
            if not _NAME.fullmatch(name):
                hint = "Names are lower-case letters, digits and _, start with a letter, and are at most 48 long."
                raise text("", kind, name).error(f"{name!r} cannot be a name", hint=hint)
            if kind == "facts" and (name in record.column or name in record.relation or name == "id"):
                raise text("", kind, name).error(f"a {record.name} has something named {name} already")


def _check_sentences(predicate: Predicate, text: _Text) -> None:
    known = {*predicate.fact, *(column.name for column in predicate.columns)}
    for clause in predicate.clauses:
        for match in PLACEHOLDER.finditer(clause.says):
            if match[1] not in known:
                what = f"{match[0]} is neither a fact nor an own column that is read"
                raise text(clause.says, "clauses", clause.name, "says").error(what, match.start())


def _clause(name: str, given: str | ClauseSource, scope: Scope, text: _Text) -> Clause:
    if isinstance(given, str):
        test = check(text(given, "clauses", name), scope, BOOLEAN)
        return Clause(name, test, given, related=_related((test,), scope))
    test = check(text(given.test, "clauses", name, "test"), scope, BOOLEAN)
    until = None if given.until is None else check(text(given.until, "clauses", name, "until"), scope, INSTANT)
    open_ = None if given.open is None else check(text(given.open, "clauses", name, "open"), scope, BOOLEAN)
    parts = tuple(part for part in (test, until, open_) if part is not None)
    return Clause(
        name,
        test,
        given.test,
        until,
        open_,
        given.guard,
        _related(parts, scope),
        given.says,
        given.open or "",
        given.waits,
    )


def _quantity(source: SourceText, scope: Scope) -> Expression:
    expression = check(source, scope)
    if expression.type.name not in {"money", "integer"}:
        hint = "A price applies to an amount or to a number of units."
        raise source.error("a quantity is money or a whole number", hint=hint)
    return expression


def _related(parts: Iterable[Expression], scope: Scope) -> frozenset[str]:
    """Collect the record types that expressions lead to, through facts and on the way of relations."""
    found: set[str] = set()
    stack, seen = list(parts), set[str]()
    while stack:
        for node in tree.walk(stack.pop()):
            if isinstance(node, tree.Aggregate):
                path = _path(scope.record, node.relation)
                found.update(scope.record.relation[name].target for name in path)
            elif isinstance(node, tree.Field) and node.relation is not None:
                derived = RECORD_TYPES[scope.record.relation[node.relation].target].derivation.get(node.name)
                found.update([derived.type] if isinstance(derived, LookedUp) else [])
            elif isinstance(node, tree.Read):
                found.add(node.record_type)
            elif isinstance(node, tree.FactRef) and node.name not in seen:
                seen.add(node.name)
                stack.append(scope.facts[node.name])
    return frozenset(found)

"""SOQL as text: from a statement to its parts, with the place of each for the error messages.

Understood are SELECT of fields (also of parents, by dots), of child rows or COUNT(), FROM one object with an optional
alias, WHERE with AND, OR, NOT and parentheses, the comparisons = != <> < <= > >= LIKE IN and NOT IN, ORDER BY with ASC,
DESC and NULLS, LIMIT and OFFSET. As in the real one, AND and OR do not mix without parentheses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from tallystick_salesforce.simulator.errors import WireError

__all__ = ["Among", "Both", "Compare", "Literal", "Negation", "Node", "Order", "Path", "Statement", "at_place", "parse"]

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>'(?:[^'\\]|\\.)*')
    |(?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
    |(?P<date>\d{4}-\d\d-\d\d)(?![\dT])
    |(?P<number>[+-]?\d+(?:\.\d+)?)(?![\w:])
    |(?P<word>[A-Za-z]\w*(?:\.[A-Za-z]\w*)*)
    |(?P<sign><=|>=|!=|<>|[=<>(),])
    |(?P<odd>\S)
    )""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_KEYWORDS = {"SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "ORDER", "BY", "LIMIT", "OFFSET", "IN", "LIKE", "NULLS"}


class _Token(NamedTuple):
    kind: str
    text: str
    place: int


class Path(NamedTuple):
    """A field as it is written, its parents before it."""

    parts: tuple[str, ...]
    place: int


class Literal(NamedTuple):
    """A value: `kind` is text, number, boolean, null, datetime or date."""

    kind: str
    value: str
    place: int


@dataclass(frozen=True, slots=True)
class Compare:
    """A field against a value; `sign` is = != < <= > >= or LIKE."""

    path: Path
    sign: str
    value: Literal


@dataclass(frozen=True, slots=True)
class Among:
    """A field in a list, or not in it."""

    path: Path
    values: tuple[Literal, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class Negation:
    """NOT."""

    node: Node


@dataclass(frozen=True, slots=True)
class Both:
    """AND, or OR: `word` tells which."""

    word: str
    nodes: tuple[Node, ...]


Node = Compare | Among | Negation | Both


class Order(NamedTuple):
    """One key of ORDER BY."""

    path: Path
    down: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """A parsed statement: it selects `paths` and `children`, or only counts if there are neither."""

    text: str
    paths: tuple[Path, ...]
    children: tuple[Statement, ...]
    source: str
    source_place: int
    alias: str
    where: Node | None
    order: tuple[Order, ...]
    limit: int | None
    offset: int


def at_place(text: str, place: int, message: str) -> str:
    """Give an error message with the surroundings and the place of what is wrong."""
    before, after = text[max(place - 30, 0) : place], text[place : place + 30]
    row = text.count("\n", 0, place) + 1
    column = place - (text.rfind("\n", 0, place) + 1) + 1
    pointer = " " * len(before.rpartition("\n")[2]) + "^"
    return f"\n{before}{after}\n{pointer}\nERROR at Row:{row}:Column:{column}\n{message}"


def parse(text: str) -> Statement:
    """Read a statement.

    Raises:
        WireError: MALFORMED_QUERY, with the place.
    """
    return _Parser(text).statement()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [
            _Token(match.lastgroup or "", match[match.lastgroup or ""], match.start(match.lastgroup or ""))
            for match in _TOKEN.finditer(text)
            if match.lastgroup
        ]
        self._next = 0

    def statement(self) -> Statement:
        found = self._body()
        if self._next < len(self._tokens):
            raise self._unexpected()
        return found

    def _body(self, *, child: bool = False) -> Statement:
        self._want("SELECT")
        paths, children = self._selected(child=child)
        self._want("FROM")
        source = self._name()
        alias = self._alias()
        where = self._either() if self._take("WHERE") else None
        order: list[Order] = []
        if self._take("ORDER"):
            self._want("BY")
            order.append(self._order())
            while self._take(","):
                order.append(self._order())
        limit = self._count() if self._take("LIMIT") else None
        offset = (self._count() or 0) if self._take("OFFSET") else 0
        return Statement(
            self._text,
            tuple(paths),
            tuple(children),
            source.text,
            source.place,
            alias,
            where,
            tuple(order),
            limit,
            offset,
        )

    def _selected(self, *, child: bool) -> tuple[list[Path], list[Statement]]:
        paths, children = list[Path](), list[Statement]()
        counts = self._peek().text.upper() == "COUNT" and self._peek(1).text == "(" and self._peek(2).text == ")"
        if counts and not child:
            self._next += 3
            return paths, children
        while True:
            if not child and self._take("("):
                children.append(self._body(child=True))
                self._want(")")
            else:
                paths.append(self._path())
            if not self._take(","):
                return paths, children

    def _alias(self) -> str:
        token = self._peek()
        if token.kind == "word" and token.text.upper() not in _KEYWORDS:
            self._next += 1
            return token.text
        return ""

    def _either(self) -> Node:
        nodes, word = [self._one()], ""
        while (found := self._peek().text.upper()) in {"AND", "OR"} and self._peek().kind == "word":
            if word and found != word:
                raise self._unexpected()
            word = found
            self._next += 1
            nodes.append(self._one())
        return nodes[0] if len(nodes) == 1 else Both(word, tuple(nodes))

    def _one(self) -> Node:
        if self._take("NOT"):
            return Negation(self._one())
        if self._take("("):
            node = self._either()
            self._want(")")
            return node
        path = self._path()
        if self._take("NOT"):
            self._want("IN")
            return Among(path, self._list(), negated=True)
        if self._take("IN"):
            return Among(path, self._list(), negated=False)
        token = self._peek()
        sign = "!=" if token.text == "<>" else token.text.upper()
        if sign not in {"=", "!=", "<", "<=", ">", ">=", "LIKE"}:
            raise self._unexpected()
        self._next += 1
        return Compare(path, sign, self._literal())

    def _list(self) -> tuple[Literal, ...]:
        self._want("(")
        values = [self._literal()]
        while self._take(","):
            values.append(self._literal())
        self._want(")")
        return tuple(values)

    def _literal(self) -> Literal:
        token = self._peek()
        self._next += 1
        if token.kind == "text":
            plain = re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), token.text[1:-1])
            return Literal("text", plain, token.place)
        if token.kind in {"datetime", "date", "number"}:
            return Literal(token.kind, token.text, token.place)
        word = token.text.upper()
        if word in {"TRUE", "FALSE", "NULL"}:
            return Literal("null" if word == "NULL" else "boolean", word, token.place)
        self._next -= 1
        raise self._unexpected()

    def _order(self) -> Order:
        path = self._path()
        down = self._take("DESC")
        if not down:
            self._take("ASC")
        last = False
        if self._take("NULLS"):
            last = self._take("LAST")
            if not last:
                self._want("FIRST")
        return Order(path, down, last)

    def _count(self) -> int:
        token = self._peek()
        if token.kind != "number" or not token.text.isdigit():
            raise self._unexpected()
        self._next += 1
        return int(token.text)

    def _path(self) -> Path:
        token = self._name()
        return Path(tuple(token.text.split(".")), token.place)

    def _name(self) -> _Token:
        token = self._peek()
        if token.kind != "word" or token.text.upper() in _KEYWORDS:
            raise self._unexpected()
        self._next += 1
        return token

    def _peek(self, ahead: int = 0) -> _Token:
        place = self._next + ahead
        return self._tokens[place] if place < len(self._tokens) else _Token("end", "<EOF>", len(self._text))

    def _take(self, word: str) -> bool:
        found = self._peek().kind != "text" and self._peek().text.upper() == word
        self._next += found
        return found

    def _want(self, word: str) -> None:
        if not self._take(word):
            raise self._unexpected()

    def _unexpected(self) -> WireError:
        token = self._peek()
        return WireError.bad("MALFORMED_QUERY", at_place(self._text, token.place, f"unexpected token: '{token.text}'"))

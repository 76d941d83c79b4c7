"""Text to syntax: sqlglot reads it, an allow-list decides what may stay.

Two gates. The first looks at the tokens, so that nothing a parser might quietly drop or rewrite (comments, a second
statement, casts, quoted identifiers, `@`, `$1`) gets as far as a tree. The second takes over node by node what is on
the list, and refuses a node that carries any part the list does not know.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.dialects import DuckDB
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokens import Token, TokenType  # type: ignore[attr-defined]

from tallystick.errors import ContractError, Position

__all__ = ["SourceText", "Syntax", "parse"]

_MOST_CHARACTERS = 4_000
_MOST_TOKENS = 600
_DEEPEST = 40
_SYMBOLS = {"=", "<>", "!=", "<", "<=", ">", ">=", "(", ")", ",", ".", "+", "-", "*", ":"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_INTERVAL = re.compile(r"([0-9]{1,9})(?: +([a-z]+))?")
_REFUSED = {
    ";": "One expression, without a semicolon.",
    "::": "Values keep their types; write a literal of the right type instead of a cast.",
    "/": "There is no division: it is not exact. Multiply by a decimal, or compare products.",
    "//": "There is no division: it is not exact. Multiply by a decimal, or compare products.",
    "||": "Texts are compared, not built.",
    "?": "Write a named parameter, as in :days.",
    "$": "Write a named parameter, as in :days.",
}
_UNITS = {"second": 1_000_000, "minute": 60_000_000, "hour": 3_600_000_000}


@dataclass(frozen=True, slots=True)
class SourceText:
    """An expression as a person wrote it: the text, where its first character stands, and what to call it."""

    text: str
    position: Position | None = None
    label: str = ""

    def error(self, message: str, offset: int = 0, *, hint: str = "") -> ContractError:
        """Give the error for a problem at a character of the text."""
        where: Position | str | None = self.position
        if self.position is not None:
            before = self.text[:offset]
            lines = before.count("\n")
            column = len(before) - before.rfind("\n") if lines else self.position.column + offset
            where = Position(self.position.file, self.position.line + lines, column)
        elif self.label:
            where = f"{self.label}, character {offset + 1}"
        return ContractError(message, hint=hint, where=where)


@dataclass(frozen=True, slots=True)
class Syntax:
    """An untyped node.

    `kind` is one of: name, text, number, boolean, null, parameter, days (calendar; value is a number or `:parameter`),
    elapsed (microseconds), compare, and, or, not, is_null, is_boolean, in, between, arithmetic, negate, call, case.
    A case holds condition, value, ... and its default last. A call with a filter holds it last and has value
    `name filter`.
    """

    kind: str
    value: str
    parts: tuple[Syntax, ...]
    offset: int


def parse(source: SourceText) -> Syntax:
    """Read one expression.

    Raises:
        ContractError: It is not an expression of the language; says where and what is possible.
    """
    try:
        return _known(source.text)
    except ContractError:
        # Once more, for the place in its own file.
        return _parse(source)


@lru_cache(maxsize=4_096)
def _known(text: str) -> Syntax:
    """Parse a text once: the many variants of a template have most of theirs in common."""
    return _parse(SourceText(text))


def _parse(source: SourceText) -> Syntax:
    tokens = _tokens(source)
    try:
        statements = sqlglot.parse(source.text, read="duckdb")
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        offset = _offset(source.text, first.get("line"), first.get("col"))
        near = str(first.get("highlight") or "").strip()
        raise source.error(
            f"this is not an expression{f', near {near!r}' if near else ''}", offset, hint=_HINT
        ) from None
    except RecursionError:
        raise source.error("nested too deeply", hint=_NAMES) from None
    if len(statements) != 1 or statements[0] is None:
        raise source.error("one expression is expected here", hint=_HINT)
    return _Reader(source, tokens).read(statements[0])


_NAMES = "Give parts of it names, as facts."
_HINT = "A clause is a condition such as: amount > 0 and status = 'succeeded'."


def _tokens(source: SourceText) -> list[Token]:
    text = source.text
    if not text.strip():
        raise source.error("the expression is empty", hint=_HINT)
    if len(text) > _MOST_CHARACTERS:
        raise source.error(f"the expression has more than {_MOST_CHARACTERS} characters", hint=_NAMES)
    try:
        tokens: list[Token] = DuckDB().tokenize(text)
    except TokenError:
        raise source.error("a text without its closing quote, or a character that means nothing here") from None
    if len(tokens) > _MOST_TOKENS:
        raise source.error(f"the expression has more than {_MOST_TOKENS} words", hint=_NAMES)
    depth = 0
    for index, token in enumerate(tokens):
        _check_token(source, token, tokens[index + 1] if index + 1 < len(tokens) else None)
        depth += (token.text == "(") - (token.text == ")")
        if depth > _DEEPEST:
            raise source.error("nested too deeply", token.start, hint=_NAMES)
    return tokens


def _check_token(source: SourceText, token: Token, after: Token | None) -> None:
    if token.comments:
        raise source.error("a comment inside an expression", token.start, hint="Put comments into the YAML around it.")
    written = source.text[token.start : token.end + 1]
    if token.token_type == TokenType.STRING:
        if not written.startswith("'"):
            raise source.error(f"{written} is not a text literal here", token.start, hint="Write 'text'.")
    elif token.token_type == TokenType.NUMBER:
        if not _NUMBER.fullmatch(written):
            raise source.error(f"{written} is not a number here", token.start, hint="Write 1200 or 0.125.")
    elif token.token_type == TokenType.COLON:
        if after is None or after.start != token.end + 1 or not _NAME.fullmatch(after.text):
            raise source.error("a colon without the name of a parameter", token.start, hint="Write :days.")
    elif written.startswith('"'):
        raise source.error(f"{written} in double quotes", token.start, hint="Texts take single quotes, names none.")
    elif written not in _SYMBOLS and not all(_NAME.fullmatch(word) for word in written.split()):
        hint = _REFUSED.get(written, "Comparison, and, or, not, in, between, is null, + - * and functions are.")
        raise source.error(f"{written} is not part of the language", token.start, hint=hint)


def _offset(text: str, line: int | None, column: int | None) -> int:
    """Turn sqlglot's line and column (of the last character, from 1) into an offset."""
    if not line or not column:
        return 0
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    end = starts[min(line, len(starts)) - 1] + column - 1
    word = re.search(r"\w*$", text[: end + 1])
    return max(min(word.start() if word and word[0] else end, len(text) - 1), 0)


def _chain(node: exp.Connector) -> list[exp.Expr]:
    operands: list[exp.Expr] = []
    left: exp.Expr = node
    while left.key == node.key:
        operands.append(left.expression)
        left = left.this
    return [left, *reversed(operands)]


class _Reader:
    """Takes over, node by node, what is on the list."""

    def __init__(self, source: SourceText, tokens: list[Token]) -> None:
        self._source = source
        self._tokens = tokens
        self._depth = 0
        # sqlglot keeps no place for an interval; they are read in the order they are written.
        self._intervals = iter([token.start for token in tokens if token.token_type == TokenType.INTERVAL])

    def read(self, node: exp.Expr) -> Syntax:
        reader = _READERS.get(type(node))
        if reader is None:
            raise self.refuse(node)
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._source.error("nested too deeply", self.offset(node), hint=_NAMES)
        syntax = reader(self, node)
        self._depth -= 1
        return syntax

    def make(self, kind: str, node: exp.Expr, value: str = "", *parts: exp.Expr) -> Syntax:
        return Syntax(kind, value, tuple(self.read(part) for part in parts), self.offset(node))

    def offset(self, node: exp.Expr) -> int:
        starts = [part.meta["start"] for part in node.walk() if "start" in part.meta]
        if isinstance(node, exp.Placeholder):
            starts = [token.start - 1 for token in self._tokens if token.text == node.name and token.start][:1]
        return min(starts, default=0)

    def refuse(self, node: exp.Expr) -> ContractError:
        hint = "Allowed: comparison, and, or, not, in (...), between, is null, + - *, case when, interval '30 days', "
        hint += "coalesce, least, greatest, abs, lower, upper, length, starts_with, ends_with, listed, "
        hint += "business_deadline, count, sum, min, max."
        what = _WHAT.get(type(node), f"{node.key.replace('_', ' ')} is not part of the language")
        if isinstance(node, (exp.Func, exp.Anonymous)) and type(node) not in _WHAT:
            name = node.name if isinstance(node, exp.Anonymous) else node.sql_name().lower()
            what = f"the function {name} is not part of the language"
        return self._source.error(what, self.offset(node), hint=hint)

    def only(self, node: exp.Expr, *known: str) -> None:
        """Refuse a node that says more than the list knows of."""
        extra = [name for name, value in node.args.items() if value not in (None, False, []) and name not in known]
        if extra:
            raise self.refuse(node)

    # --- leaves

    def column(self, node: exp.Column) -> Syntax:
        parts = node.parts
        if not all(isinstance(part, exp.Identifier) for part in parts):
            raise self.refuse(node)
        return Syntax("name", ".".join(part.name for part in parts), (), self.offset(node))

    def literal(self, node: exp.Literal) -> Syntax:
        return Syntax("text" if node.is_string else "number", node.name, (), self.offset(node))

    def boolean(self, node: exp.Boolean) -> Syntax:
        return Syntax("boolean", "true" if node.this else "false", (), self.offset(node))

    def null(self, node: exp.Null) -> Syntax:
        return self.make("null", node)

    def placeholder(self, node: exp.Placeholder) -> Syntax:
        return self.make("parameter", node, node.name)

    def interval(self, node: exp.Interval) -> Syntax:
        offset = next(self._intervals, 0)
        amount, unit = node.this, str(node.text("unit")).lower()
        if isinstance(amount, exp.Paren):
            amount = amount.this
        if isinstance(amount, exp.Placeholder) and unit in {"day", "days"}:
            return Syntax("days", f":{amount.name}", (), offset)
        match = _INTERVAL.fullmatch(amount.name.lower()) if isinstance(amount, exp.Literal) else None
        unit = unit or (match[2] or "" if match else "")
        unit = unit.removesuffix("s")
        if match is None or unit not in {"day", *_UNITS}:
            hint = "Write interval '30 days' (calendar days in the contract's zone) or interval '72 hours' (elapsed)."
            raise self._source.error("this interval is not one of the language", offset, hint=hint)
        if unit == "day":
            return Syntax("days", match[1], (), offset)
        return Syntax("elapsed", str(int(match[1]) * _UNITS[unit]), (), offset)

    # --- conditions

    def paren(self, node: exp.Paren) -> Syntax:
        self.only(node, "this")
        return self.read(node.this)

    def compare(self, node: exp.Binary) -> Syntax:
        self.only(node, "this", "expression")
        return self.make("compare", node, _COMPARISONS[type(node)], node.this, node.expression)

    def logic(self, node: exp.Connector) -> Syntax:
        self.only(node, "this", "expression")
        # A chain of one word is one list, so that no chain counts as nested.
        return self.make("and" if isinstance(node, exp.And) else "or", node, "", *_chain(node))

    def negation(self, node: exp.Not) -> Syntax:
        self.only(node, "this")
        return self.make("not", node, "", node.this)

    def is_(self, node: exp.Is) -> Syntax:
        self.only(node, "this", "expression")
        if isinstance(node.expression, exp.Null):
            return self.make("is_null", node, "", node.this)
        if isinstance(node.expression, exp.Boolean):
            return self.make("is_boolean", node, "true" if node.expression.this else "false", node.this)
        raise self.refuse(node)

    def in_(self, node: exp.In) -> Syntax:
        self.only(node, "this", "expressions")
        if not node.expressions:
            raise self.refuse(node)
        return self.make("in", node, "", node.this, *node.expressions)

    def between(self, node: exp.Between) -> Syntax:
        self.only(node, "this", "low", "high")
        return self.make("between", node, "", node.this, node.args["low"], node.args["high"])

    # --- values

    def arithmetic(self, node: exp.Binary) -> Syntax:
        self.only(node, "this", "expression")
        return self.make("arithmetic", node, _OPERATORS[type(node)], node.this, node.expression)

    def negate(self, node: exp.Neg) -> Syntax:
        self.only(node, "this")
        return self.make("negate", node, "", node.this)

    def case(self, node: exp.Case) -> Syntax:
        self.only(node, "ifs", "default")
        parts: list[exp.Expr] = []
        for branch in node.args["ifs"]:
            self.only(branch, "this", "true")
            parts += [branch.this, branch.args["true"]]
        return self.make("case", node, "", *parts, node.args.get("default") or exp.Null())

    def call(self, node: exp.Func) -> Syntax:
        name, known = _FUNCTIONS[type(node)]
        self.only(node, "this", *known, "big_int", "ignore_nulls", "is_null")
        first = [node.this] if node.this is not None else []
        rest = (
            node.expressions if "expressions" in known else [node.args[part] for part in known if node.args.get(part)]
        )
        return self.make("call", node, name, *first, *rest)

    def named_call(self, node: exp.Anonymous) -> Syntax:
        if node.name.lower() not in _NAMED:
            raise self.refuse(node)
        return self.make("call", node, node.name.lower(), *node.expressions)

    def filtered(self, node: exp.Filter) -> Syntax:
        self.only(node, "this", "expression")
        self.only(node.expression, "this")
        if type(node.this) not in {exp.Count, exp.Sum, exp.Min, exp.Max}:
            raise self.refuse(node)
        call = self.read(node.this)
        return Syntax("call", f"{call.value} filter", (*call.parts, self.read(node.expression.this)), call.offset)


_NAMED = {"read_from", "read_to", "listed", "business_deadline"}
_COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_OPERATORS: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}
_FUNCTIONS: dict[type[exp.Expr], tuple[str, tuple[str, ...]]] = {
    exp.Coalesce: ("coalesce", ("expressions",)),
    exp.Least: ("least", ("expressions",)),
    exp.Greatest: ("greatest", ("expressions",)),
    exp.Abs: ("abs", ()),
    exp.Lower: ("lower", ()),
    exp.Upper: ("upper", ()),
    exp.Length: ("length", ()),
    exp.StartsWith: ("starts_with", ("expression",)),
    exp.EndsWith: ("ends_with", ("expression",)),
    exp.Count: ("count", ()),
    exp.Sum: ("sum", ()),
    exp.Min: ("min", ()),
    exp.Max: ("max", ()),
}
_READERS: dict[type[exp.Expr], Callable[..., Syntax]] = {
    exp.Column: _Reader.column,
    exp.Literal: _Reader.literal,
    exp.Boolean: _Reader.boolean,
    exp.Null: _Reader.null,
    exp.Placeholder: _Reader.placeholder,
    exp.Interval: _Reader.interval,
    exp.Paren: _Reader.paren,
    exp.And: _Reader.logic,
    exp.Or: _Reader.logic,
    exp.Not: _Reader.negation,
    exp.Is: _Reader.is_,
    exp.In: _Reader.in_,
    exp.Between: _Reader.between,
    exp.Neg: _Reader.negate,
    exp.Case: _Reader.case,
    exp.Anonymous: _Reader.named_call,
    exp.Filter: _Reader.filtered,
    **dict.fromkeys(_COMPARISONS, _Reader.compare),
    **dict.fromkeys(_OPERATORS, _Reader.arithmetic),
    **dict.fromkeys(_FUNCTIONS, _Reader.call),
}
_WHAT: dict[type[exp.Expr], str] = {
    exp.Subquery: "a sub-select is not part of the language",
    exp.Select: "a select is not part of the language",
    exp.Exists: "exists is written as a count: count(refunds) > 0",
    exp.Star: "* stands for nothing here; name the relation, as in count(refunds)",
    exp.Like: "like is not part of the language; use starts_with, ends_with, listed or =",
    exp.ILike: "ilike is not part of the language; use lower with starts_with, ends_with or =",
    exp.Window: "a window (over) is not part of the language",
    exp.Distinct: "distinct is not part of the language; related records are counted once each",
    exp.Alias: "two expressions stand side by side",
    exp.In: "in takes a list of constants: status in ('won', 'lost')",
    exp.Cast: "a cast is not part of the language",
    exp.CurrentTimestamp: "the present time is not part of the language: a verdict depends on evidence alone",
    exp.CurrentDate: "the present time is not part of the language: a verdict depends on evidence alone",
    exp.CurrentTime: "the present time is not part of the language: a verdict depends on evidence alone",
}

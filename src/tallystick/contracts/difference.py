"""Two contracts term by term: what was added, removed and changed, with both texts.

The bodies are compared, so that layout and comments do not matter, a default that is written out is no difference, and
another version of a template is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

__all__ = ["TermDifference", "differences"]

Kind: TypeAlias = Literal["added", "removed", "changed"]

_NAMED = {"outcomes", "clauses"}
"""Lists of a body whose members have names."""


class TermDifference(msgspec.Struct, frozen=True):
    """One difference: a `term`, a whole `clause`, or a `fact` that clauses rest on.

    `path` leads to it from the outside in, with dots. `old` and `new` are the texts; None where there is none.
    """

    part: Literal["term", "clause", "fact"]
    path: str
    kind: Kind
    old: str | None
    new: str | None


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[TermDifference]:
    """Give how one body differs from another: terms, then clauses, then facts, each in the order of the contract."""
    before, after = dict(_texts(old, ())), dict(_texts(new, ()))
    found = []
    for path in {**before, **after}:
        one, other = before.get(path), after.get(path)
        if one != other:
            kind: Kind = "added" if one is None else "removed" if other is None else "changed"
            found.append(TermDifference(_part(path), ".".join(path), kind, one, other))
    return sorted(found, key=lambda difference: ("term", "clause", "fact").index(difference.part))


def _part(path: Sequence[str]) -> Literal["term", "clause", "fact"]:
    inner = path[2:4] if path[0] == "outcomes" else ()
    return "clause" if inner == ("rule", "clauses") else "fact" if inner == ("rule", "facts") else "term"


def _texts(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Give every leaf of a body as a text; clauses are leaves."""
    if value is None or value in ([], {}):
        return
    if path[2:4] == ("rule", "facts"):
        yield from (((*path, fact["name"]), fact["text"]) for fact in value)
    elif path[2:4] == ("rule", "clauses") and len(path) > len(("outcomes", "name", "rule", "clauses")):
        yield path, _clause(value)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(inner, (*path, str(name)))
    elif isinstance(value, (list, tuple)) and any(isinstance(item, Mapping) for item in value):
        named = path[-1] in _NAMED
        for place, item in enumerate(value, start=1):
            step = str(item["name"]) if named else str(place)
            inner = {name: given for name, given in item.items() if not (named and name == "name")}
            yield from _texts(inner, (*path, step))
    elif isinstance(value, (list, tuple)):
        yield path, ", ".join(map(_scalar, value))
    else:
        yield path, _scalar(value)


def _clause(given: Mapping[str, Any]) -> str:
    parts = [str(given["test"])]
    parts += [f"{name}: {given[name]}" for name in ("until", "open", "says", "waits") if given.get(name)]
    return "; ".join([*parts, *(["guard"] if given.get("guard") else [])])


def _scalar(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)

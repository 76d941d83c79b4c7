"""Filters and sorts of a search: https://developers.hubspot.com/docs/api-reference/search/guide.

Numbers, dates and ids are compared as such, everything else as text whatever the case. A record without a value
matches nothing but NOT_HAS_PROPERTY.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from tallystick_hubspot.simulator.errors import WireError
from tallystick_hubspot.simulator.instants import moment
from tallystick_hubspot.simulator.plan import Property

__all__ = ["Matches", "matcher", "sort_key"]

Values = Mapping[str, str | None]
Matches = Callable[[Values], bool]

_GROUPS, _PER_GROUP, _FILTERS = 5, 6, 18
_CACHED = 131_072
_TOKEN = re.compile(r"\w+")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "EQ": lambda mine, asked: mine == asked,
    "NEQ": lambda mine, asked: mine != asked,
    "LT": lambda mine, asked: mine < asked,
    "LTE": lambda mine, asked: mine <= asked,
    "GT": lambda mine, asked: mine > asked,
    "GTE": lambda mine, asked: mine >= asked,
}


def matcher(groups: object, known: Mapping[str, Property]) -> Matches:
    """Read filter groups: a record matches when all filters of any group do; no group matches all.

    Args:
        groups: `filterGroups` of the body.
        known: Properties of the kind.

    Raises:
        WireError: 400; more than the limits allow, an unknown property or operator, or a value of the wrong type.
    """
    if groups is None or groups == []:
        return lambda _: True
    if not isinstance(groups, list) or not all(isinstance(group, dict) for group in groups):
        raise WireError.bad("filterGroups is no list of groups")
    filters = [group.get("filters") or [] for group in groups]
    if len(groups) > _GROUPS:
        raise WireError.bad(f"at most {_GROUPS} filterGroups are allowed, not {len(groups)}")
    if any(len(group) > _PER_GROUP for group in filters) or sum(map(len, filters)) > _FILTERS:
        raise WireError.bad(f"at most {_PER_GROUP} filters in a group and {_FILTERS} in all are allowed")
    tests = [[_filter(one, known) for one in group] for group in filters]
    if len(tests) == 1:
        (only,) = tests
        return lambda values: all(test(values) for test in only)
    return lambda values: any(all(test(values) for test in group) for group in tests)


def _filter(asked: Any, known: Mapping[str, Property]) -> Matches:
    name = asked.get("propertyName") if isinstance(asked, dict) else None
    made = known.get(str(name))
    if made is None:
        raise WireError.bad(f"There was a problem with the request: property {name} does not exist")
    operator = str(asked.get("operator"))
    if operator in {"HAS_PROPERTY", "NOT_HAS_PROPERTY"}:
        wanted = operator == "HAS_PROPERTY"
        return lambda values: (values.get(made.name) is not None) == wanted
    return _on_value(made, operator, asked)


def _on_value(made: Property, operator: str, asked: Mapping[str, Any]) -> Matches:
    test, name = _test(made, operator, asked), made.name

    def matches(values: Values) -> bool:
        mine = values.get(name)
        return mine is not None and test(mine)

    return matches


def _test(made: Property, operator: str, asked: Mapping[str, Any]) -> Callable[[str], bool]:
    """Give what a value has to stand."""
    read = _reader(made)
    if operator in {"IN", "NOT_IN"}:
        several = asked.get("values")
        if not isinstance(several, list) or not several:
            raise WireError.bad(f"operator {operator} needs values")
        among = {read(str(value)) for value in several}
        return (lambda mine: read(mine) in among) if operator == "IN" else (lambda mine: read(mine) not in among)
    if asked.get("value") is None:
        raise WireError.bad(f"operator {operator} needs a value")
    value = str(asked["value"])
    if operator in {"CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"}:
        wanted = operator == "CONTAINS_TOKEN"
        return lambda mine: _has_token(mine, value) == wanted
    fixed = read(value)
    if operator == "BETWEEN":
        high = read(str(asked.get("highValue")))
        return lambda mine: bool(fixed <= read(mine) <= high)
    compare = _COMPARE.get(operator)
    if compare is None:
        raise WireError.bad(f"{operator} is no operator")
    return lambda mine: compare(read(mine), fixed)


def _reader(made: Property) -> Callable[[str], Any]:
    if made.type == "number":
        return _number
    if made.type in {"date", "datetime"}:
        return _moment
    return str.casefold


@lru_cache(maxsize=_CACHED)
def _number(text: str) -> float | int:
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError as cause:
        raise WireError.bad(f"{text} is no number") from cause


@lru_cache(maxsize=_CACHED)
def _moment(text: str) -> int:
    found = moment(text)
    if found is None:
        raise WireError.bad(f"{text} is no date")
    return found


def _has_token(text: str, pattern: str) -> bool:
    if "*" in pattern:
        return any(fnmatchcase(token, pattern.casefold()) for token in text.casefold().split())
    wanted = _TOKEN.findall(pattern.casefold())
    return set(wanted) <= set(_TOKEN.findall(text.casefold()))


def sort_key(sorts: object, known: Mapping[str, Property]) -> tuple[Callable[[Values], Any], bool] | None:
    """Read the first of `sorts`; further ones are not honoured. Records without the value come first.

    Returns:
        What to sort by and whether the order is falling, or None where nothing is asked for.

    Raises:
        WireError: 400; it is no sort, or names an unknown property.
    """
    if not sorts:
        return None
    first = sorts[0] if isinstance(sorts, list) else sorts
    if isinstance(first, dict):
        name, falling = str(first.get("propertyName")), first.get("direction") == "DESCENDING"
    else:
        name, falling = str(first).removeprefix("-"), str(first).startswith("-")
    made = known.get(name)
    if made is None:
        raise WireError.bad(f"There was a problem with the request: property {name} does not exist")
    read = _reader(made)
    return lambda values: (False, 0) if values.get(name) is None else (True, read(str(values[name]))), falling

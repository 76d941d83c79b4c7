"""Paths: where a value stands in a row or a JSON object, turned into a function once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

__all__ = ["Getter", "getter", "steps_of"]

Getter: TypeAlias = Callable[[Any, Any], Any]
"""Gives the value at a path, of an item and the object around it; None where the path leads nowhere."""

Step: TypeAlias = str | int


def steps_of(path: str | Sequence[Step], *, nested: bool) -> list[Step]:
    """Give the steps of a path.

    Args:
        path: Names joined by dots, or a list of steps.
        nested: False for rows of a table, where a text is the name of a column, dots and all.
    """
    if not isinstance(path, str):
        return list(path)
    if not nested:
        return ["^", path[2:]] if path.startswith("^.") else [path]
    return list(path.split("."))


def getter(path: str | Sequence[Step], *, nested: bool) -> Getter:
    """Give the function that walks a path; without `nested`, a text is the name of a column, dots and all.

    A step is a name, a place in a list (0 is the first, -1 the last) or `*`, all items of a list, which gives a list
    with those items that have something at the rest of the path. `^` as the first step starts at the object around.
    """
    steps = steps_of(path, nested=nested)
    outer = steps[0] == "^"
    walk = _walk(steps[1:] if outer else steps)
    if outer:
        return lambda _, around: walk(around)
    if len(steps) > 1:
        return lambda item, _: walk(item)
    name = str(steps[0])

    def one(item: Any, _: Any) -> Any:
        # Nearly every path is a name alone.
        return item.get(name) if type(item) is dict else walk(item)

    return one


def _walk(steps: Sequence[Step]) -> Callable[[Any], Any]:
    if not steps:
        return lambda value: value
    step, rest = steps[0], _walk(steps[1:])
    name, place = str(step), _place(step)

    def walk(value: Any) -> Any:
        if type(value) is dict:
            found = value.get(name)
            return None if found is None else rest(found)
        if type(value) is list:
            if name == "*":
                return [found for item in value if (found := rest(item)) is not None]
            if place is not None and -len(value) <= place < len(value):
                return rest(value[place])
        return None

    def last(value: Any) -> Any:
        return value.get(name) if type(value) is dict else walk(value)

    return last if len(steps) == 1 else walk


def _place(step: Step) -> int | None:
    try:
        return int(step)
    except ValueError:
        return None

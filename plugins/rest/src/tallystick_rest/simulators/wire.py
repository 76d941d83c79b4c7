"""Changes to the objects on their way out: a field that appears, goes, or has another type or value than documented.

Set as `[{"kind": "ticket", "field": "stats.closed_at", "change": "drop"}]`. A change is one of `CHANGES`; `id` keeps it
to one object; `kind` is what the simulator calls the object, and `field` a path with dots.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

from tallystick_rest.simulators.timeline import Obj

__all__ = ["CHANGES", "Wire"]

CHANGES = {
    "drop": "the field is not there",
    "set": "the field has the value of `value`, whether it was there or not",
    "text": "the value is written as a string",
    "list": "the value is the one element of a list",
    "object": "the value stands in an object, under the name `value`",
}
"""What can be done to a field, and what each means."""

_KEYS = {"kind", "field", "change", "value", "id"}
_RETYPED: dict[str, Callable[[object], object]] = {
    "text": str,
    "list": lambda value: [value],
    "object": lambda value: {"value": value},
}


class Wire:
    """The changes in force."""

    def __init__(self) -> None:
        self.changes: list[Obj] = []

    def load(self, changes: Sequence[Obj]) -> None:
        """Replace the changes.

        Raises:
            ValueError: One has an unknown key or change, or no kind or field.
        """
        for one in changes:
            if not {"kind", "field"} <= set(one) <= _KEYS or one.get("change") not in CHANGES:
                raise ValueError(
                    f"not a change: {one}; changes are {', '.join(CHANGES)}, keys {', '.join(sorted(_KEYS))}"
                )
        self.changes = list(changes)

    def sent(self, kind: str, row: Obj) -> Obj:
        """Give an object as it goes out."""
        meant = [
            one
            for one in self.changes
            if one["kind"] == kind and str(one.get("id", row.get("id"))) == str(row.get("id"))
        ]
        if not meant:
            return row
        changed = copy.deepcopy(row)
        for one in meant:
            _change(changed, one)
        return changed


def _change(row: Obj, one: Obj) -> None:
    *parents, name = one["field"].split(".")
    place = row
    for parent in parents:
        found = place.get(parent)
        if not isinstance(found, dict):
            return
        place = found
    if one["change"] == "set":
        place[name] = one.get("value")
    elif one["change"] == "drop":
        place.pop(name, None)
    elif name in place:
        place[name] = _RETYPED[one["change"]](place[name])

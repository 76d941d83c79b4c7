"""Where a WHERE leads in rows that are numbered in the order of `SystemModstamp` and `Id`: from which row to which.

For ready-made rows only, whose stamps and ids both rise with their number: then every comparison with one of them holds
for rows that stand side by side, and so does a keyset of both.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tallystick_salesforce.simulator.soql_text import Among, Both, Compare, Negation, Node

__all__ = ["Range", "span"]

Range = tuple[int, int]
"""The first row, and the one behind the last."""


def span(node: Node | None, count: int, stamp: Callable[[int], int], record: Callable[[int], str]) -> Range:
    """Give the rows for which a condition holds.

    Args:
        node: The condition; None holds for all.
        count: How many rows there are.
        stamp: Gives the stamp of a row, Unix seconds; it rises with the row.
        record: Gives the id of a row; it rises too.
    """
    everything = (0, count)
    if node is None or isinstance(node, Negation | Among):
        return everything
    if isinstance(node, Both):
        parts = [span(part, count, stamp, record) for part in node.nodes]
        if node.word == "AND":
            return max(first for first, _ in parts), min(last for _, last in parts)
        parts = [part for part in parts if part[0] < part[1]] or [(0, 0)]
        return min(first for first, _ in parts), max(last for _, last in parts)
    return _comparison(node, count, stamp, record)


def _comparison(node: Compare, count: int, stamp: Callable[[int], int], record: Callable[[int], str]) -> Range:
    name = node.path.parts[-1].lower()
    if name == "isdeleted":
        return (0, count) if (node.value.value == "FALSE") == (node.sign == "=") else (0, 0)
    if len(node.path.parts) > 1 or name not in {"systemmodstamp", "id"}:
        return 0, count
    key: Callable[[int], Any] = stamp if name == "systemmodstamp" else record
    value: Any = node.value.value
    if name == "systemmodstamp":
        value = datetime.fromisoformat(value).timestamp()
    first, behind = bisect_left(range(count), value, key=key), bisect_right(range(count), value, key=key)
    return {
        "=": (first, behind),
        "<": (0, first),
        "<=": (0, behind),
        ">": (behind, count),
        ">=": (first, count),
    }.get(node.sign, (0, count))

"""The items of a list inside an object, each with the bytes that are kept of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from tallystick.connectors.mapping.paths import getter

__all__ = ["Items"]

_numbers = msgspec.json.Encoder(decimal_format="number", order="sorted")


class Items:
    """A list in an object.

    What is kept of an item is its JSON exactly as delivered. Where the mapping also reads the object around it, that
    belongs to the evidence: `{"^": {what it reads of the object}, "item": the item exactly as delivered}`.

    Args:
        steps: Names that lead to the list.
        outer: Names in the object around that the mapping reads.
    """

    def __init__(self, steps: Sequence[str], outer: Sequence[str]) -> None:
        self.root = steps[0]
        self._get = getter(list(steps), nested=True)
        self._outer = outer
        shape: Any = list[msgspec.Raw]
        for step in reversed(steps):
            shape = msgspec.defstruct("Around", [("inner", shape)], rename={"inner": step})
        self._slices = msgspec.json.Decoder(shape).decode
        self._depth = len(steps)

    def of(self, row: Any, raw: bytes) -> Iterator[tuple[Any, bytes]]:
        """Give each item that is an object, and what is kept of it; nothing where there is no list."""
        items = self._get(row, None)
        if type(items) is not list or not items:
            return
        found = self._slices(raw)
        for _ in range(self._depth):
            found = found.inner
        around = _numbers.encode({name: row.get(name) for name in self._outer}) if self._outer else None
        for item, kept in zip(items, found, strict=True):
            if type(item) is dict:
                yield item, bytes(kept) if around is None else b'{"^":%b,"item":%b}' % (around, bytes(kept))

"""Many byte strings in little memory: packed in blocks, and unpacked when they are asked for."""

from __future__ import annotations

import zlib

__all__ = ["Shelf"]

_AT_ONCE = 64
# Blocks that are kept unpacked, so that going through several places at a time unpacks each block once.
_KEPT = 64
_QUICKLY = 1


class Shelf:
    """Byte strings by number, from 0 in the order in which they were added; none of them holds a newline.

    Lines that are alike take a sixth of their size or less. To ask in order, or in some orders at a time, costs little.
    """

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._recent: dict[int, list[bytes]] = {}
        self._last: tuple[int, list[bytes]] = (-1, [])
        self._open: list[bytes] = []

    def __len__(self) -> int:
        return len(self._packed) * _AT_ONCE + len(self._open)

    def add(self, item: bytes) -> None:
        """Take the next one."""
        self._open.append(item)
        if len(self._open) == _AT_ONCE:
            self._packed.append(zlib.compress(b"\n".join(self._open), _QUICKLY))
            self._open.clear()

    def __getitem__(self, number: int) -> bytes:
        block, place = divmod(number, _AT_ONCE)
        if block == len(self._packed):
            return self._open[place]
        if block == self._last[0]:
            return self._last[1][place]
        held = self._recent.pop(block, None)
        if held is None:
            held = zlib.decompress(self._packed[block]).split(b"\n")
            if len(self._recent) == _KEPT:
                del self._recent[next(iter(self._recent))]
        self._recent[block] = held
        self._last = block, held
        return held[place]

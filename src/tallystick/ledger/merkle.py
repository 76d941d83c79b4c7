"""The Merkle tree of RFC 9162, section 2.1: hashes, inclusion proofs, consistency proofs. Pure functions of bytes.

A leaf is hashed with the prefix 0x00 and an inner node with 0x01, so that no entry can pass for a node. Proofs are
lists of 32-byte hashes, nearest sibling first. Who generates a proof hands in `node(height, index)`, which gives the
root of the complete subtree over leaves `index * 2**height` up to, excluding, `(index + 1) * 2**height`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from tallystick.errors import Inconsistent, Tampered

__all__ = [
    "EMPTY_ROOT",
    "HASH_SIZE",
    "CompactRange",
    "Node",
    "consistency_path",
    "hash_leaf",
    "hash_node",
    "inclusion_path",
    "range_root",
    "verify_consistency",
    "verify_inclusion",
]

Node: TypeAlias = Callable[[int, int], bytes]

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def hash_leaf(entry: bytes) -> bytes:
    """Give the hash of an entry as a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Give the hash of an inner node from the hashes of its children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class CompactRange:
    """A growing tree of which only the right edge is kept: one hash per bit of its size.

    Args:
        leaves: Leaf hashes to begin with.
    """

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self.size = 0
        self._edge: list[bytes] = []
        for leaf in leaves:
            self.append(leaf)

    def append(self, leaf: bytes) -> None:
        """Add the hash of the next leaf."""
        self.append_subtree(0, leaf)

    def append_subtree(self, height: int, root: bytes) -> None:
        """Add the next `2**height` leaves by the root over them.

        Raises:
            ValueError: A complete subtree of that height does not begin after the leaves so far.
        """
        carry = self.size >> height
        if carry << height != self.size:
            raise ValueError(f"no complete subtree of height {height} begins at leaf {self.size}")
        self.size += 1 << height
        while carry & 1:
            root = hash_node(self._edge.pop(), root)
            carry >>= 1
        self._edge.append(root)

    def root(self) -> bytes:
        """Give the root over the leaves so far; without any it is the hash of nothing."""
        if not self._edge:
            return EMPTY_ROOT
        *lefts, root = self._edge
        for left in reversed(lefts):
            root = hash_node(left, root)
        return root


def range_root(start: int, end: int, node: Node) -> bytes:
    """Give the root over leaves `start` up to, excluding, `end`, which must be a range that RFC 9162 splits off."""
    if start == end:
        return EMPTY_ROOT
    pieces = []
    while start < end:
        height = (end - start).bit_length() - 1
        pieces.append(node(height, start >> height))
        start += 1 << height
    root = pieces.pop()
    while pieces:
        root = hash_node(pieces.pop(), root)
    return root


def inclusion_path(index: int, size: int, node: Node) -> list[bytes]:
    """Give the proof that leaf `index` is in the tree over the first `size` leaves.

    Raises:
        ValueError: There is no such leaf in a tree of that size.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} entries has no entry {index}")
    low, high, path = 0, size, []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(range_root(middle, high, node))
            high = middle
        else:
            path.append(range_root(low, middle, node))
            low = middle
    return path[::-1]


def consistency_path(first: int, second: int, node: Node) -> list[bytes]:
    """Give the proof that the tree over `second` leaves begins with the tree over `first`.

    Empty where `first` is 0 or equals `second`.

    Raises:
        ValueError: `first` is negative or greater than `second`.
    """
    if not 0 <= first <= second:
        raise ValueError(f"a tree of {second} entries does not begin with a tree of {first}")
    if first in {0, second}:
        return []
    low, high, path = 0, second, []
    while high != first:
        middle = low + _split(high - low)
        if first <= middle:
            path.append(range_root(middle, high, node))
            high = middle
        else:
            path.append(range_root(low, middle, node))
            low = middle
    if low:
        # The old tree is no subtree of the new one: its last part is where the proof starts from.
        path.append(range_root(low, high, node))
    return path[::-1]


def verify_inclusion(entry: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Return when the proof shows that `entry` is number `index` in the tree of that size and root.

    Raises:
        Tampered: It does not.
    """
    if not 0 <= index < size or any(len(step) != HASH_SIZE for step in proof):
        raise Tampered(f"the proof for entry {index} of {size} is malformed", hint="Ask for the proof again.")
    place, last, found = index, size - 1, hash_leaf(entry)
    for step in proof:
        if not last:
            raise _bad_inclusion(index, size)
        if place & 1 or place == last:
            found = hash_node(step, found)
            place, last = _climb(place, last)
        else:
            found = hash_node(found, step)
        place, last = place >> 1, last >> 1
    if last or found != root:
        raise _bad_inclusion(index, size)


def verify_consistency(
    *, first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes
) -> None:
    """Return when the proof shows that the tree of the second size and root begins with the first.

    Raises:
        Inconsistent: It does not: the two trees are different histories, or the proof is not theirs.
    """
    if not 0 <= first <= second or any(len(step) != HASH_SIZE for step in proof):
        raise _bad_consistency(first, second)
    if first in {0, second}:
        expected = EMPTY_ROOT if first == 0 else second_root
        if proof or first_root != expected or (second == 0 and second_root != EMPTY_ROOT):
            raise _bad_consistency(first, second)
        return
    steps = list(proof) if first & (first - 1) else [first_root, *proof]
    if not steps:
        raise _bad_consistency(first, second)
    # Both old and new root are rebuilt from one list of hashes; the old one stops using it at its own right edge.
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if not last:
            raise _bad_consistency(first, second)
        if place & 1 or place == last:
            old, new = hash_node(step, old), hash_node(step, new)
            place, last = _climb(place, last)
        else:
            new = hash_node(new, step)
        place, last = place >> 1, last >> 1
    if last or old != first_root or new != second_root:
        raise _bad_consistency(first, second)


def _split(size: int) -> int:
    """Give the largest power of two below `size`, which is 2 or more."""
    return 1 << ((size - 1).bit_length() - 1)


def _climb(place: int, last: int) -> tuple[int, int]:
    """Skip the levels at which a node on the right edge has no sibling."""
    while place and not place & 1:
        place, last = place >> 1, last >> 1
    return place, last


def _bad_inclusion(index: int, size: int) -> Tampered:
    return Tampered(
        f"the proof does not show this entry at {index} in the ledger of {size} entries with this root",
        hint="Keep the entry, the proof and the checkpoint; one of them was changed.",
    )


def _bad_consistency(first: int, second: int) -> Inconsistent:
    return Inconsistent(
        f"the proof does not show that the ledger of {second} entries begins with the ledger of {first} entries",
        hint="Keep both checkpoints; they show two different histories or one of them was changed.",
    )

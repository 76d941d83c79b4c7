"""A ledger cut down to the entries that are shown; of the others a reader learns that they exist, and nothing else.

The tree is written as pieces from left to right. A shown entry is one piece: its index, its bytes and its leaf hash.
Hidden entries between two shown ones are covered by the fewest complete subtrees, each one piece: where it starts, its
height and its hash. The pieces give the root over all entries, and where `sizes` are named the roots at those sizes
too: one list of pieces shows what was signed at each of them, and that the later tree begins with the earlier one.

Entries are canonical JSON here, and so is the line in which a piece travels:

    {"entry":{"count":2,"kind":"claims"},"index":1,"leaf":"de45e08a..."}
    {"hash":"45b3c3a4...","height":0,"start":2}
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from typing import TypeAlias

import msgspec

from tallystick.errors import Inconsistent, Tampered
from tallystick.ledger.checkpoint import Checkpoint
from tallystick.ledger.merkle import HASH_SIZE, CompactRange, Node, hash_leaf
from tallystick.strictjson import read_strict

__all__ = ["Hidden", "Piece", "PrunedTree", "Shown", "prune", "read_piece", "verify_pruned", "write_piece"]

_KEEP = "Keep the file; what it holds is not what was signed."
_TALLEST = 63


class Shown(msgspec.Struct, frozen=True, gc=False):
    """An entry that is shown, and its hash as a leaf."""

    index: int
    leaf: bytes
    entry: bytes


class Hidden(msgspec.Struct, frozen=True, gc=False):
    """A complete subtree of entries `start` up to, excluding, `start + 2**height`, none of which is shown."""

    start: int
    height: int
    hash: bytes


Piece: TypeAlias = Shown | Hidden


def prune(shown: Iterable[tuple[int, bytes]], size: int, node: Node, *, sizes: Collection[int] = ()) -> Iterator[Piece]:
    """Give the pieces of a tree of which some entries are shown, from left to right.

    No entry but those shown is read; what stands for the others comes from the stored nodes. Nothing is gathered, so
    any number of entries needs little memory.

    Args:
        shown: Index and bytes of the entries to show, in ascending order.
        size: The number of entries of the whole tree.
        node: Gives stored nodes, as in `tallystick.ledger.merkle`.
        sizes: Smaller sizes whose roots the pieces are to give too.

    Raises:
        ValueError: The indexes are not ascending, or not below `size`; a size is negative or greater than `size`.
        Tampered: An entry is not the one that the stored tree was made of; names it.
    """
    cuts = _cuts(size, sizes)
    place = 0
    for index, entry in shown:
        if not place <= index < size:
            raise ValueError(f"entry {index} is out of order, or not among the first {size}")
        if place < index:
            yield from _hide(place, index, node, cuts)
        leaf = hash_leaf(entry)
        if node(0, index) != leaf:
            raise Tampered(
                f"entry {index} is not the one that the tree of the ledger was made of",
                hint="Run `tallystick ledger fsck` and keep the database.",
            )
        yield Shown(index, leaf, entry)
        place = index + 1
    yield from _hide(place, size, node, cuts)


class PrunedTree:
    """Takes pieces from left to right, and gives the roots that they make.

    Args:
        size: The number of entries of the whole tree.
        sizes: Smaller sizes whose roots are wanted too.

    Raises:
        ValueError: A size is negative or greater than `size`.
    """

    def __init__(self, size: int, sizes: Collection[int] = ()) -> None:
        self.size = size
        self._cuts = _cuts(size, sizes)
        self._wanted = frozenset(self._cuts)
        self._end = 0
        self._tree = CompactRange()
        self._last: Hidden | None = None
        self._roots = {0: self._tree.root()} if 0 in {size, *sizes} else {}

    def add(self, piece: Piece) -> None:
        """Take the next piece.

        Raises:
            Tampered: It is not the piece that belongs here, or an entry does not give its own hash; names the entry.
        """
        if isinstance(piece, Shown):
            self._check_place(piece.index, 1)
            if hash_leaf(piece.entry) != piece.leaf:
                raise Tampered(f"entry {piece.index} was changed: it does not give the hash beside it", hint=_KEEP)
            self._last = None
            self._tree.append(piece.leaf)
        else:
            self._add_hidden(piece)
        if self._tree.size in self._wanted:
            self._roots[self._tree.size] = self._tree.root()

    def roots(self) -> dict[int, bytes]:
        """Give the roots by size: of the whole tree, and of the sizes asked for.

        Raises:
            Tampered: Pieces are missing at the end.
        """
        if self._tree.size != self.size:
            raise Tampered(f"{_entries(self._tree.size, self.size)} missing at the end of the tree", hint=_KEEP)
        return dict(self._roots)

    def _add_hidden(self, piece: Hidden) -> None:
        start, height, data = piece.start, piece.height, piece.hash
        if not 0 <= height <= _TALLEST or len(data) != HASH_SIZE:
            raise Tampered(f"the hidden part of the tree at entry {start} is malformed", hint=_KEEP)
        self._check_place(start, 1 << height)
        last = self._last
        fits = start % (1 << height) == 0
        # Two halves of one subtree, unless a size that was asked for lies between them.
        halved = last is not None and last.height == height and start >> height & 1 and start not in self._wanted
        if not fits or halved:
            raise Tampered(f"the hidden part of the tree at entry {start} is cut in another way than it is", hint=_KEEP)
        self._last = piece
        self._tree.append_subtree(height, data)

    def _check_place(self, start: int, count: int) -> None:
        place = self._tree.size
        if start > place:
            raise Tampered(f"{_entries(place, start)} missing from the tree", hint=_KEEP)
        if start < place:
            raise Tampered(f"entry {start} stands in the tree twice, or out of order", hint=_KEEP)
        if place == self._end < self.size:
            self._end = self._cuts[bisect_right(self._cuts, place)]
        if place + count > self._end:
            raise Tampered(
                f"the part of the tree at entry {start} runs past the {self._end} entries that were signed", hint=_KEEP
            )


def verify_pruned(pieces: Iterable[Piece], checkpoints: Collection[Checkpoint]) -> Iterator[tuple[int, bytes]]:
    """Give index and bytes of each shown entry, and raise at the end unless the pieces give every checkpoint's root.

    Do not rely on what was given before the iterator has ended without an error. More than one checkpoint proves that
    each greater one extends the smaller ones.

    Args:
        pieces: The pieces, from left to right.
        checkpoints: Checkpoints of one ledger whose signatures were verified; the greatest has the size of the tree.

    Raises:
        ValueError: There is no checkpoint.
        Tampered: The pieces are not those of a tree with these roots; names the entry where it can be told.
        Inconsistent: The checkpoints are of several ledgers, or two of one size have different roots.
    """
    roots = _signed_roots(checkpoints)
    tree = PrunedTree(max(roots), roots.keys())
    for piece in pieces:
        tree.add(piece)
        if isinstance(piece, Shown):
            yield piece.index, piece.entry
    found = tree.roots()
    for size, root in sorted(roots.items()):
        if found[size] != root:
            raise Tampered(
                f"the tree of the first {size} entries has the root {found[size].hex()}, signed was {root.hex()}",
                hint="Every entry shown gives the hash beside it, so one of those hashes or a hidden part was changed.",
            )


def write_piece(piece: Piece) -> bytes:
    """Give the line of a piece, without a newline; the entry must be canonical JSON and is taken as it is."""
    if isinstance(piece, Shown):
        return b'{"entry":%b,"index":%d,"leaf":"%b"}' % (piece.entry, piece.index, piece.leaf.hex().encode())
    return b'{"hash":"%b","height":%d,"start":%d}' % (piece.hash.hex().encode(), piece.height, piece.start)


class _ShownLine(msgspec.Struct, forbid_unknown_fields=True):
    entry: msgspec.Raw
    index: int
    leaf: str


class _HiddenLine(msgspec.Struct, forbid_unknown_fields=True):
    hash: str
    height: int
    start: int


_shown_line = msgspec.json.Decoder(_ShownLine)
_hidden_line = msgspec.json.Decoder(_HiddenLine)


def read_piece(line: bytes, where: str) -> Piece:
    """Give the piece that a line holds.

    Args:
        line: The line, without a newline.
        where: What to call it in an error, such as `ledger.jsonl:17`.

    Raises:
        Tampered: The line is not canonical JSON, or no piece.
    """
    read_strict(line, where)
    try:
        if line.startswith(b'{"entry":'):
            found = _shown_line.decode(line)
            return Shown(found.index, _read_hash(found.leaf), bytes(found.entry))
        part = _hidden_line.decode(line)
        return Hidden(part.start, part.height, _read_hash(part.hash))
    except (msgspec.DecodeError, ValueError) as error:
        raise Tampered(f"this line is no part of a tree: {error}", hint=_KEEP, where=where) from error


def _read_hash(text: str) -> bytes:
    data = bytes.fromhex(text)
    if len(data) != HASH_SIZE or data.hex() != text:
        raise ValueError("a hash is 64 lowercase hexadecimal digits")
    return data


def _cuts(size: int, sizes: Collection[int]) -> list[int]:
    """Give the sizes at which no hidden part may reach over, ascending, the whole size last."""
    cuts = sorted({*sizes, size})
    if cuts[0] < 0 or cuts[-1] > size:
        raise ValueError(f"a tree of {size} entries has no root for {cuts[0] if cuts[0] < 0 else cuts[-1]} entries")
    return cuts


def _hide(start: int, end: int, node: Node, cuts: list[int]) -> Iterator[Hidden]:
    """Cover entries `start` up to, excluding, `end` by the fewest complete subtrees that reach over no cut."""
    while start < end:
        stop = min(end, cuts[bisect_right(cuts, start)])
        height = (stop - start).bit_length() - 1
        if start:
            # The greatest power of two that divides where it starts.
            height = min(height, (start & -start).bit_length() - 1)
        yield Hidden(start, height, node(height, start >> height))
        start += 1 << height


def _signed_roots(checkpoints: Collection[Checkpoint]) -> dict[int, bytes]:
    if not checkpoints:
        raise ValueError("a tree is verified against at least one checkpoint")
    roots: dict[int, bytes] = {}
    origins = {checkpoint.origin for checkpoint in checkpoints}
    if len(origins) > 1:
        raise Inconsistent(f"these are checkpoints of several ledgers: {', '.join(sorted(origins))}")
    for checkpoint in checkpoints:
        if roots.setdefault(checkpoint.size, checkpoint.root) != checkpoint.root:
            raise Inconsistent(
                f"two signed checkpoints of size {checkpoint.size} have different roots", hint="Keep both of them."
            )
    return roots


def _entries(start: int, end: int) -> str:
    return f"entry {start} is" if end == start + 1 else f"entries {start} to {end - 1} are"

"""Recompute the ledger from the bytes of its entries and say where anything stored differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, Engine, select, type_coerce
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import NullType

from tallystick.database.schema import ledger_checkpoint, ledger_entry, ledger_tile
from tallystick.errors import Tampered
from tallystick.ledger.checkpoint import open_checkpoint, split_note
from tallystick.ledger.keys import LedgerKeys
from tallystick.ledger.merkle import HASH_SIZE, CompactRange, hash_leaf
from tallystick.ledger.tiles import TILE_BYTES, TILE_HEIGHT, TILE_WIDTH, fold

__all__ = ["Finding", "FsckReport", "fsck"]

_BATCH = 1024
_LISTED = 1000


class Finding(msgspec.Struct, frozen=True):
    """One difference: where it is, such as `entry 517` or `tile 0/2`, and what is wrong there."""

    place: str
    problem: str

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}"


class FsckReport(msgspec.Struct, frozen=True):
    """What recomputing the ledger gave.

    `entries` and `root` (hexadecimal) are those of the entries as found; `checkpoints` counts the notes read. The first
    1,000 findings are listed, `unlisted` counts the others. A sound ledger has none.
    """

    entries: int
    root: str
    checkpoints: int
    findings: tuple[Finding, ...] = ()
    unlisted: int = 0


def fsck(engine: Engine, origin: str, keys: LedgerKeys) -> FsckReport:
    """Recompute every hash from the entries, and compare tiles and checkpoints with them; nothing is written.

    Checked are: indexes run from 0 without a gap; every tile holds exactly the hashes that its entries, or the tiles
    below it, give; every checkpoint has the recomputed root of its size and one valid signature, of the key for that
    size; no entry lies behind the newest checkpoint. Memory does not grow with the ledger. What is wrong is a finding,
    never an exception.

    Args:
        engine: The project's database; what is committed when this begins is checked.
        origin: Name of the ledger.
        keys: The key that signs its checkpoints, or the chain of its keys.
    """
    if engine.dialect.name == "postgresql":
        # All queries of one check see the same instant; SQLite's transactions do by themselves.
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        check = _Check(connection, origin, keys)
        try:
            check.entries()
            check.tiles()
        except DBAPIError as error:
            check.found("database", f"cannot be read past entry {check.size - 1}: {error.orig}")
        return check.report()


class _Check:
    """One run: the state that the entries, read once in order, leave behind."""

    def __init__(self, connection: Connection, origin: str, keys: LedgerKeys) -> None:
        self._connection = connection
        self._origin = origin
        self._keys = keys
        self._tree = CompactRange()
        self._findings: list[Finding] = []
        self._unlisted = 0
        self._whole = True
        self._checkpoints = 0
        self._signed = 0
        self.size = 0

    def found(self, place: str, problem: str) -> None:
        if len(self._findings) < _LISTED:
            self._findings.append(Finding(place, problem))
        else:
            self._unlisted += 1

    def report(self) -> FsckReport:
        root = self._tree.root().hex()
        return FsckReport(self._tree.size, root, self._checkpoints, tuple(self._findings), self._unlisted)

    def entries(self) -> None:
        """Hash the entries in order; compare each with its tile, and each checkpoint when its size is reached."""
        checkpoints = _Ahead(self._rows(ledger_checkpoint.c.size, ledger_checkpoint.c.root, ledger_checkpoint.c.note))
        self._due_checkpoints(checkpoints)
        tile, hashes = -1, b""
        for idx, data in self._rows(ledger_entry.c.idx, ledger_entry.c.data):
            if not self._belongs(idx, data):
                continue
            leaf = hash_leaf(data)
            if idx // TILE_WIDTH != tile:
                tile = idx // TILE_WIDTH
                hashes = self._stored_tile(0, tile)
            stored = hashes[idx % TILE_WIDTH * HASH_SIZE :][:HASH_SIZE]
            if stored != leaf and len(stored) == HASH_SIZE:
                self.found(f"entry {idx}", f"its hash is {leaf.hex()}, tile 0/{tile} has {stored.hex()}")
            self._tree.append(leaf)
            self.size = idx + 1
            self._due_checkpoints(checkpoints)
        for row in checkpoints.rest():
            self._check_checkpoint(*row)
        if self.size > self._signed:
            self.found(_span("entry", "entries", self._signed, self.size - 1), "under no signed checkpoint")

    def tiles(self) -> None:
        """Check that the tiles are those that `size` entries have, and each level against the level below it."""
        level, expected, above = 0, 0, b""
        for found_level, index, hashes in self._rows(ledger_tile.c.level, ledger_tile.c.idx, ledger_tile.c.hashes):
            if not self._is_place(found_level, index):
                self.found(f"tile {found_level}/{index}", "does not belong to the ledger")
                continue
            while level < found_level:
                self._missing_tiles(level, expected, _tile_count(self.size, level))
                level, expected = level + 1, 0
            self._missing_tiles(level, expected, index)
            if index % TILE_WIDTH == 0 or index != expected:
                above = self._stored_tile(level + 1, index // TILE_WIDTH)
            expected = index + 1
            self._check_tile(level, index, hashes, above)
        while level < _level_count(self.size):
            self._missing_tiles(level, expected, _tile_count(self.size, level))
            level, expected = level + 1, 0

    def _belongs(self, idx: Any, data: Any) -> bool:
        """Tell whether a row is an entry that can be hashed; say so where it is not the next one."""
        if type(idx) is not int or idx < self.size:
            self.found(f"entry {idx}", "does not belong to the ledger")
            return False
        if idx > self.size:
            self.found(_span("entry", "entries", self.size, idx - 1), "missing")
            self._whole = False
        if type(data) is not bytes or not data:
            self.found(f"entry {idx}", "is empty" if data == b"" else "is not stored as bytes")
            self._whole = False
            self.size = idx + 1
            return False
        return True

    def _due_checkpoints(self, checkpoints: _Ahead) -> None:
        while checkpoints.size is not None and checkpoints.size <= self.size:
            self._check_checkpoint(*checkpoints.take())

    def _check_checkpoint(self, size: Any, root: Any, note: Any) -> None:
        self._checkpoints += 1
        place = f"checkpoint {size}"
        try:
            signed = open_checkpoint(note if type(note) is str else "", self._keys, self._origin)
        except Tampered as error:
            self.found(place, error.message)
        else:
            self._signed = max(self._signed, signed.size)
            if (signed.size, signed.root) != (size, root) or len(split_note(note)[1]) != 1:
                self.found(place, f"the note was signed for size {signed.size} and root {signed.root.hex()} alone")
        if type(size) is not int or size < 0 or size > self.size:
            self.found(place, f"the ledger has {self.size} entries")
        elif not self._whole:
            self.found(place, "its root cannot be recomputed, because entries before it are missing")
        elif root != self._tree.root():
            given = root.hex() if type(root) is bytes else repr(root)
            self.found(place, f"its root is {given}, the entries give {self._tree.root().hex()}")

    def _is_place(self, level: Any, index: Any) -> bool:
        return type(level) is int and type(index) is int and level >= 0 and 0 <= index < _tile_count(self.size, level)

    def _check_tile(self, level: int, index: int, hashes: Any, above: bytes) -> None:
        place = f"tile {level}/{index}"
        count = min((self.size >> (TILE_HEIGHT * level)) - index * TILE_WIDTH, TILE_WIDTH)
        if type(hashes) is not bytes or len(hashes) != count * HASH_SIZE:
            self.found(place, f"does not hold {count} hashes")
        elif len(hashes) == TILE_BYTES:
            stored = above[index % TILE_WIDTH * HASH_SIZE :][:HASH_SIZE]
            if stored != fold(hashes) and len(stored) == HASH_SIZE:
                self.found(
                    place,
                    f"its root is {fold(hashes).hex()}, tile {level + 1}/{index // TILE_WIDTH} has {stored.hex()}",
                )

    def _missing_tiles(self, level: int, start: int, end: int) -> None:
        if start < end:
            self.found(_span(f"tile {level}/", f"tiles {level}/", start, end - 1, gap=""), "missing")

    def _stored_tile(self, level: int, index: int) -> bytes:
        where = (ledger_tile.c.level == level, ledger_tile.c.idx == index)
        hashes = self._connection.execute(select(_raw(ledger_tile.c.hashes)).where(*where)).scalar()
        return hashes if type(hashes) is bytes else b""

    def _rows(self, *columns: Column[Any]) -> Iterator[Any]:
        """Give the rows of a table by primary key, a batch at a time, as the database holds them."""
        query = select(*map(_raw, columns)).order_by(*columns[0].table.primary_key)
        return iter(self._connection.execute(query, execution_options={"yield_per": _BATCH}))


class _Ahead:
    """Checkpoints in the order of their sizes, with a look at the next one."""

    def __init__(self, rows: Iterable[Any]) -> None:
        self._rows = iter(rows)
        self._next: Any = next(self._rows, None)

    @property
    def size(self) -> int | None:
        """The size of the next one, if it is a number."""
        return self._next[0] if self._next is not None and type(self._next[0]) is int else None

    def take(self) -> Any:
        taken, self._next = self._next, next(self._rows, None)
        return taken

    def rest(self) -> Iterator[Any]:
        while self._next is not None:
            yield self.take()


def _raw(column: Column[Any]) -> Any:
    """Read a column without conversion, so that a value of a wrong type is a finding and not an exception."""
    return type_coerce(column, NullType())


def _level_count(size: int) -> int:
    return (size.bit_length() - 1) // TILE_HEIGHT + 1 if size else 0


def _tile_count(size: int, level: int) -> int:
    return -(-(size >> (TILE_HEIGHT * level)) // TILE_WIDTH)


def _span(one: str, many: str, first: int, last: int, gap: str = " ") -> str:
    return f"{one}{gap}{first}" if first == last else f"{many}{gap}{first} to {last}"

"""The hashes of the tree in tiles of 256, kept beside the entries so that a proof reads a few rows.

Level 0 holds the leaf hashes. A hash on level n + 1 is the root over a full tile of level n. Tile `i` of a level holds
its hashes `256 * i` up to, excluding, `256 * (i + 1)`, 32 bytes each, without gaps; the last tile of a level holds as
many as there are. Tiles follow from the entries: who has the entries can write them anew.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, insert, select, update

from tallystick.database.schema import ledger_tile
from tallystick.errors import Tampered
from tallystick.ledger.merkle import HASH_SIZE, hash_node

__all__ = ["TILE_BYTES", "TILE_HEIGHT", "TILE_WIDTH", "TileReader", "TileWriter", "fold"]

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
TILE_BYTES = TILE_WIDTH * HASH_SIZE

_BATCH = 64
_HELD = 1024


def fold(hashes: bytes) -> bytes:
    """Give the root over 1, 2, 4, ... 256 hashes laid end to end."""
    row = [hashes[start : start + HASH_SIZE] for start in range(0, len(hashes), HASH_SIZE)]
    while len(row) > 1:
        row = [hash_node(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
    return row[0]


class TileReader:
    """Nodes of the tree, read from tiles; who asks from left to right has each tile read once.

    The tiles read last are kept, 8 MiB of them at most.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tiles: dict[tuple[int, int], bytes] = {}

    def node(self, height: int, index: int) -> bytes:
        """Give the root of the complete subtree over leaves `index * 2**height` and the following ones.

        Raises:
            Tampered: A tile is missing or too short.
        """
        level, rise = divmod(height, TILE_HEIGHT)
        tile, place = divmod(index << rise, TILE_WIDTH)
        start, end = place * HASH_SIZE, (place + (1 << rise)) * HASH_SIZE
        hashes = self._tile(level, tile)
        if len(hashes) < end:
            raise Tampered(
                f"tile {level}/{tile} of the ledger holds {len(hashes)} bytes where {end} are needed",
                hint="Run `tallystick ledger fsck` and keep the database.",
            )
        return fold(hashes[start:end]) if rise else hashes[start:end]

    def _tile(self, level: int, index: int) -> bytes:
        if (level, index) not in self._tiles:
            query = select(ledger_tile.c.hashes).where(ledger_tile.c.level == level, ledger_tile.c.idx == index)
            if len(self._tiles) == _HELD:
                # The one read longest ago; who asks from left to right is done with it.
                del self._tiles[next(iter(self._tiles))]
            self._tiles[level, index] = self._connection.execute(query).scalar() or b""
        return self._tiles[level, index]


class TileWriter:
    """Adds leaf hashes behind a tree of `size` leaves; nothing is complete before `flush`.

    Raises:
        Tampered: The stored right edge does not fit the size.
    """

    def __init__(self, connection: Connection, size: int) -> None:
        self._connection = connection
        self._open: list[bytearray] = []
        self._next: list[int] = []
        self._stored: set[tuple[int, int]] = set()
        self._rows: list[dict[str, object]] = []
        for level in range(max(size.bit_length() - 1, 0) // TILE_HEIGHT + 1):
            self._load(level, size >> (TILE_HEIGHT * level))

    def extend(self, hashes: Iterable[bytes]) -> None:
        """Add leaf hashes in their order."""
        tile = self._open[0]
        for leaf in hashes:
            tile += leaf
            if len(tile) == TILE_BYTES:
                self._close(0)

    def flush(self) -> None:
        """Write the tiles that are not full yet, and all that is still held back."""
        for level, tile in enumerate(self._open):
            if tile:
                self._write(level, bytes(tile))
        self._write_rows()

    def _load(self, level: int, count: int) -> None:
        tile, held = divmod(count, TILE_WIDTH)
        where = (ledger_tile.c.level == level, ledger_tile.c.idx == tile)
        hashes = self._connection.execute(select(ledger_tile.c.hashes).where(*where)).scalar()
        if len(hashes or b"") != held * HASH_SIZE:
            raise Tampered(
                f"tile {level}/{tile} of the ledger does not hold the {held} hashes that its entries give",
                hint="Nothing was added. Run `tallystick ledger fsck` and keep the database.",
            )
        if hashes is not None:
            self._stored.add((level, tile))
        self._open.append(bytearray(hashes or b""))
        self._next.append(tile)

    def _close(self, level: int) -> None:
        """Write a full tile and carry its root to the level above."""
        tile = bytes(self._open[level])
        self._write(level, tile)
        self._open[level].clear()
        self._next[level] += 1
        if level + 1 == len(self._open):
            self._open.append(bytearray())
            self._next.append(0)
        self._open[level + 1] += fold(tile)
        if len(self._open[level + 1]) == TILE_BYTES:
            self._close(level + 1)

    def _write(self, level: int, hashes: bytes) -> None:
        index = self._next[level]
        if (level, index) in self._stored:
            where = (ledger_tile.c.level == level, ledger_tile.c.idx == index)
            self._connection.execute(update(ledger_tile).where(*where).values(hashes=hashes))
            return
        self._rows.append({"level": level, "idx": index, "hashes": hashes})
        if len(self._rows) == _BATCH:
            self._write_rows()

    def _write_rows(self) -> None:
        if self._rows:
            self._connection.execute(insert(ledger_tile), self._rows)
            self._rows.clear()

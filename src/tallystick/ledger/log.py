"""The ledger: entries appended, read and proven. It knows bytes, and nothing of what they mean."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

from sqlalchemy import Connection, Engine, bindparam, func, insert, select

from tallystick.database.engine import fetched, transaction
from tallystick.database.schema import ledger_checkpoint, ledger_entry
from tallystick.errors import ConfigurationError, Inconsistent, Tampered
from tallystick.ledger.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from tallystick.ledger.keys import LedgerKeys, Signer, check_key_name
from tallystick.ledger.merkle import consistency_path, hash_leaf, inclusion_path, range_root
from tallystick.ledger.pruned import Piece, prune
from tallystick.ledger.tiles import TileReader, TileWriter

__all__ = ["Log"]

_BATCH = 1024
_SPAN = (
    select(ledger_entry.c.data)
    .where(ledger_entry.c.idx.between(bindparam("first"), bindparam("last")))
    .order_by(ledger_entry.c.idx)
)
_SOME = select(ledger_entry.c.idx, ledger_entry.c.data).where(
    ledger_entry.c.idx.in_(bindparam("asked", expanding=True))
)
_KEEP = "Keep the database and both checkpoints, and run `tallystick ledger fsck`."


class Log:
    """An append-only ledger in the project's database.

    What only reads opens a connection of its own and sees what is committed.

    Args:
        engine: The project's database.
        origin: Name of the ledger, the first line of its checkpoints; no white space and no plus sign.
    """

    def __init__(self, engine: Engine, origin: str) -> None:
        check_key_name(origin)
        self._engine = engine
        self.origin = origin

    @property
    def size(self) -> int:
        """The number of committed entries."""
        with self._engine.connect() as connection:
            return self.size_in(connection)

    def size_in(self, connection: Connection) -> int:
        """Give the number of entries as a transaction sees them."""
        last = connection.execute(select(func.max(ledger_entry.c.idx))).scalar()
        return 0 if last is None else int(last) + 1

    def append(self, connection: Connection, entries: Iterable[bytes]) -> range:
        """Add entries behind the last one, inside the caller's transaction, and give their indexes.

        Entries are taken from the iterable in batches, so that any number of them needs little memory. Call
        `checkpoint` before the transaction ends: `fsck` reports entries under no signed checkpoint. If this raises,
        roll back.

        Raises:
            TypeError: An entry is not bytes.
            ValueError: There is no entry, or an entry is empty.
            Tampered: The stored tree does not fit the stored entries.
        """
        start = end = self.size_in(connection)
        tiles = TileWriter(connection, start)
        source = iter(entries)
        while batch := list(islice(source, _BATCH)):
            _check_entries(batch)
            _insert_entries(connection, end, batch)
            tiles.extend(map(hash_leaf, batch))
            end += len(batch)
        if start == end:
            raise ValueError("there is nothing to append")
        tiles.flush()
        return range(start, end)

    def read(self, idx: int) -> bytes:
        """Give one entry.

        Raises:
            ConfigurationError: The ledger has no such entry.
        """
        with self._engine.connect() as connection:
            data = connection.execute(select(ledger_entry.c.data).where(ledger_entry.c.idx == idx)).scalar()
        if data is None:
            raise _no_entry(idx, self.size)
        return bytes(data)

    def read_many(self, indexes: Sequence[int]) -> Iterator[bytes]:
        """Give entries by their indexes, in the order asked for; far faster than one `read` after the other.

        Raises:
            ConfigurationError: The ledger has no such entry; those before it were given.
        """
        for start in range(0, len(indexes), _BATCH):
            asked = list(indexes[start : start + _BATCH])
            first, last = min(asked), max(asked)
            with self._engine.connect() as connection:
                # A list with few gaps is read as the range it lies in, in half the time.
                near = last - first < 2 * len(asked)
                if near and len(span := _span(connection, first, last)) == last - first + 1:
                    held = dict(enumerate(span, first))
                else:
                    held = dict(fetched(connection, _SOME, {"asked": asked}))
            for idx in asked:
                data = held.get(idx)
                if data is None:
                    raise _no_entry(idx, self.size)
                yield data

    def entries(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Give entries `start` up to, excluding, `end`, in order; without an end, all that are committed now.

        Raises:
            Tampered: An entry in between is missing.
        """
        stop = self.size if end is None else end
        while start < stop:
            behind = min(stop, start + _BATCH)
            with self._engine.connect() as connection:
                span = _span(connection, start, behind - 1)
            if len(span) != behind - start:
                raise Tampered(
                    f"the ledger lacks an entry between {start} and {behind}",
                    hint="Run `tallystick ledger fsck` and keep the database.",
                )
            start = behind
            yield from span

    def root(self, size: int | None = None) -> bytes:
        """Give the root over the first `size` entries, or over all that are committed.

        Raises:
            ConfigurationError: The ledger is smaller.
            Tampered: The stored tree has a hole.
        """
        with self._engine.connect() as connection:
            return range_root(0, self._reachable(connection, size), TileReader(connection).node)

    def inclusion_proof(self, idx: int, size: int | None = None) -> list[bytes]:
        """Give the proof that entry `idx` is among the first `size` entries, or among all that are committed.

        Raises:
            ConfigurationError: The ledger is smaller, or the entry is not among them.
            Tampered: The stored tree has a hole.
        """
        with self._engine.connect() as connection:
            reachable = self._reachable(connection, size)
            if not 0 <= idx < reachable:
                raise _no_entry(idx, reachable)
            return inclusion_path(idx, reachable, TileReader(connection).node)

    def consistency_proof(self, first: int, second: int | None = None) -> list[bytes]:
        """Give the proof that the first `second` entries, or all that are committed, begin with the first `first`.

        Raises:
            ConfigurationError: The ledger is smaller, or `first` is greater than `second`.
            Tampered: The stored tree has a hole.
        """
        with self._engine.connect() as connection:
            reachable = self._reachable(connection, second)
            if not 0 <= first <= reachable:
                raise ConfigurationError(f"a ledger of {reachable} entries does not begin with {first}")
            return consistency_path(first, reachable, TileReader(connection).node)

    def prune(self, indexes: Iterable[int], size: int | None = None, *, sizes: Collection[int] = ()) -> Iterator[Piece]:
        """Give the ledger cut down to some of its entries, as the pieces of `tallystick.ledger.pruned`.

        Entries are read in batches and hidden ones not at all.

        Args:
            indexes: The entries to show, ascending and each once.
            size: Of the first so many entries; without it, of all that are committed.
            sizes: Smaller sizes whose roots the pieces are to give too.

        Raises:
            ConfigurationError: The ledger is smaller, or has no such entry.
            ValueError: The indexes are not ascending; a size is negative or greater than `size`.
            Tampered: The stored tree has a hole, or an entry is not the one that it was made of; names it.
        """
        with self._engine.connect() as connection:
            reachable = self._reachable(connection, size)
            yield from prune(self._read_ahead(indexes), reachable, TileReader(connection).node, sizes=sizes)

    def checkpoint(self, connection: Connection, signer: Signer) -> Checkpoint:
        """Sign what the ledger holds now and store the note, inside the caller's transaction.

        Where the newest stored checkpoint has this size and root, it stands and nothing is written.

        Raises:
            Inconsistent: A stored checkpoint is greater than the ledger or has another root, or there are two of one
                size. Nothing is signed; all of them stay stored.
            Tampered: The stored tree has a hole.
        """
        self._refuse_forks(connection)
        size = self.size_in(connection)
        node = TileReader(connection).node
        table = ledger_checkpoint
        newest = connection.execute(select(table.c.size, table.c.root).order_by(table.c.size.desc()).limit(1)).first()
        current = Checkpoint(self.origin, size, range_root(0, size, node))
        if newest is not None:
            if newest.size > size or bytes(newest.root) != range_root(0, newest.size, node):
                raise _contradicts(newest.size, bytes(newest.root), current)
            if newest.size == size:
                return current
        row = {"size": size, "root": current.root, "note": sign_checkpoint(current, signer)}
        connection.execute(insert(table), row)
        return current

    def latest_note(self) -> str | None:
        """Give the newest signed checkpoint as its note, to publish or to hand to the other party."""
        with self._engine.connect() as connection:
            query = select(ledger_checkpoint.c.note).order_by(ledger_checkpoint.c.size.desc()).limit(1)
            return connection.execute(query).scalar()

    def observe(self, note: str, keys: LedgerKeys) -> Checkpoint:
        """Take in a checkpoint of this ledger that someone else kept, in a transaction of its own.

        One that this ledger bears out, changes nothing. One that it contradicts was signed all the same: it is stored
        as evidence before this raises, and no further checkpoint is signed beside it.

        Raises:
            Busy: Another process is writing and does not finish.
            Tampered: The note is malformed, of another ledger, or not signed by its key.
            Inconsistent: The ledger is smaller, or its root at that size is another one.
        """
        seen = open_checkpoint(note, keys, self.origin)
        with transaction(self._engine) as connection:
            size = self.size_in(connection)
            node = TileReader(connection).node
            if seen.size <= size and range_root(0, seen.size, node) == seen.root:
                return seen
            here = (ledger_checkpoint.c.size == seen.size, ledger_checkpoint.c.root == seen.root)
            if connection.execute(select(ledger_checkpoint.c.size).where(*here)).first() is None:
                row = {"size": seen.size, "root": seen.root, "note": note}
                connection.execute(insert(ledger_checkpoint), row)
            current = Checkpoint(self.origin, size, range_root(0, size, node))
        raise _contradicts(seen.size, seen.root, current)

    def _read_ahead(self, indexes: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        source = iter(indexes)
        while batch := list(islice(source, _BATCH)):
            yield from zip(batch, self.read_many(batch), strict=True)

    def _reachable(self, connection: Connection, size: int | None) -> int:
        held = self.size_in(connection)
        if size is None:
            return held
        if not 0 <= size <= held:
            raise ConfigurationError(f"the ledger has {held} entries, not {size}", hint=f"Ask for 0 to {held}.")
        return size

    def _refuse_forks(self, connection: Connection) -> None:
        table = ledger_checkpoint
        query = select(table.c.size).group_by(table.c.size).having(func.count() > 1).limit(1)
        forked = connection.execute(query).scalar()
        if forked is not None:
            raise Inconsistent(f"two signed checkpoints of size {forked} have different roots", hint=_KEEP)


def _check_entries(entries: list[bytes]) -> None:
    for kind in set(map(type, entries)) - {bytes}:
        raise TypeError(f"an entry is bytes, not {kind.__name__}")
    if not all(entries):
        raise ValueError("an entry is not empty")


def _span(connection: Connection, first: int, last: int) -> list[bytes]:
    """Give the entries from one to another, both included; their indexes are known where none is missing."""
    return [data for (data,) in fetched(connection, _SPAN, {"first": first, "last": last})]


def _insert_entries(connection: Connection, start: int, entries: list[bytes]) -> None:
    """Insert rows past SQLAlchemy's handling of each value, which costs as much as the database does."""
    statement = insert(ledger_entry).compile(dialect=connection.dialect)
    if statement.positional:
        connection.exec_driver_sql(str(statement), list(enumerate(entries, start)))
    else:
        connection.exec_driver_sql(
            str(statement), [{"idx": idx, "data": data} for idx, data in enumerate(entries, start)]
        )


def _no_entry(idx: int, size: int) -> ConfigurationError:
    held = f"Entries 0 to {size - 1} exist." if size else "It is empty."
    return ConfigurationError(f"the ledger has no entry {idx}", hint=held)


def _contradicts(size: int, root: bytes, current: Checkpoint) -> Inconsistent:
    return Inconsistent(
        f"a signed checkpoint of size {size} with root {root.hex()} contradicts the ledger, "
        f"which has {current.size} entries and root {current.root.hex()}",
        hint=_KEEP,
    )

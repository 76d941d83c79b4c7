"""The log: appended in the caller's transaction, read, proven, signed."""

import itertools

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import IntegrityError

from tallystick.database.engine import transaction
from tallystick.database.schema import ledger_checkpoint, ledger_entry, ledger_tile
from tallystick.errors import ConfigurationError, Inconsistent, Tampered
from tallystick.ledger import (
    Checkpoint,
    Log,
    Signer,
    check_extends,
    fsck,
    open_checkpoint,
    verify_consistency,
    verify_inclusion,
)
from tallystick.ledger.checkpoint import sign_checkpoint
from tallystick.ledger.merkle import EMPTY_ROOT, CompactRange, hash_leaf

# Around the widths of one tile and of two levels of them.
EDGES = [1, 2, 255, 256, 257, 511, 512, 513, 1024, 1025]


def _entries(start, end):
    return [b"entry %d" % number for number in range(start, end)]


def _append(log, count, signer=None):
    with transaction(log._engine) as connection:
        start = log.size_in(connection)
        added = log.append(connection, iter(_entries(start, start + count)))
        if signer is not None:
            log.checkpoint(connection, signer)
        return added


def _unlock(connection):
    """Do what a tamperer does first: take away the triggers that let the ledger only grow."""
    for action in ("update", "delete"):
        connection.execute(text(f"DROP TRIGGER ledger_entry_no_{action}"))


def _root(size):
    return CompactRange(hash_leaf(entry) for entry in _entries(0, size)).root()


def test_an_empty_ledger(log):
    """A ledger without entries has size 0, the root of nothing, and no entry to read or prove."""
    assert log.size == 0
    assert log.root() == EMPTY_ROOT
    assert list(log.entries()) == []
    assert log.consistency_proof(0) == []
    assert log.latest_note() is None
    with pytest.raises(ConfigurationError, match="no entry 0"):
        log.read(0)
    with pytest.raises(ConfigurationError, match="no entry 0"):
        log.inclusion_proof(0)


def test_entries_come_back(log):
    """Entries are read back as they were appended, one by one and as a stream from any part."""
    assert _append(log, 3) == range(3)
    assert _append(log, 2500) == range(3, 2503)

    assert log.size == 2503
    assert log.read(2502) == b"entry 2502"
    assert list(log.entries()) == _entries(0, 2503)
    assert list(log.entries(1000, 2100)) == _entries(1000, 2100)
    with pytest.raises(ConfigurationError, match="no entry 2503"):
        log.read(2503)


def test_many_entries_come_in_the_order_asked_for(log):
    """Entries picked by index, near or far from each other, come in that order, as often as asked for."""
    _append(log, 1500)

    for indexes in ([*range(1499, -1, -1), 7, 7], [1400, 3, 1400], list(range(0, 1500, 2))):
        assert list(log.read_many(indexes)) == [b"entry %d" % idx for idx in indexes]
    assert list(log.read_many([])) == []
    for indexes in ([3, 1500], [1499, 1500]):
        with pytest.raises(ConfigurationError, match="no entry 1500"):
            list(log.read_many(indexes))


def test_append_belongs_to_the_transaction(log, engine):
    """What the caller rolls back was never appended."""
    _append(log, 300)
    with engine.connect() as connection:
        assert log.append(connection, [b"lost"]) == range(300, 301)
        assert log.size_in(connection) == 301
        connection.rollback()

    assert log.size == 300
    assert _append(log, 10) == range(300, 310)
    assert log.root() == _root(310)


@pytest.mark.parametrize("entries", [[], iter(())])
def test_nothing_to_append(log, engine, entries):
    """Appending nothing is refused."""
    with engine.begin() as connection, pytest.raises(ValueError, match="nothing to append"):
        log.append(connection, entries)


@pytest.mark.parametrize(
    ("entry", "error"), [("text", TypeError), (bytearray(b"x"), TypeError), (None, TypeError), (b"", ValueError)]
)
def test_entries_are_bytes(log, engine, entry, error):
    """An entry that is not bytes, or has none, is refused."""
    with engine.begin() as connection, pytest.raises(error, match="an entry is"):
        log.append(connection, [entry])

    assert log.size == 0


@pytest.mark.parametrize("steps", [EDGES, [255, 1, 1, 255, 1, 70000]])
def test_the_root_does_not_depend_on_the_steps(log, engine, signer, steps):
    """However entries are grouped into transactions, root and tiles are those of the entries alone."""
    for step in steps:
        _append(log, step, signer)
        if log.size < 10_000:
            assert log.root() == _root(log.size)

    assert fsck(engine, log.origin, signer.verifier).findings == ()
    assert log.root() == _root(sum(steps))


def test_every_proof_verifies(log):
    """Inclusion and consistency proofs from tiles verify, at the present size and at earlier ones."""
    _append(log, 1300)
    sizes = [1, 2, 255, 256, 257, 512, 1000, 1299, 1300]
    for size in sizes:
        assert log.root(size) == _root(size)
        for idx in {0, 1, 254, 255, 256, 511, 700, size - 1} & set(range(size)):
            proof = log.inclusion_proof(idx, size)
            verify_inclusion(log.read(idx), index=idx, size=size, proof=proof, root=log.root(size))
    for first, second in itertools.combinations([0, *sizes], 2):
        proof = log.consistency_proof(first, second)
        roots = {"first_root": log.root(first), "second_root": log.root(second)}
        verify_consistency(first=first, second=second, proof=proof, **roots)


def test_no_proof_beyond_the_ledger(log):
    """A size the ledger does not have is refused with the size it has."""
    _append(log, 5)
    for ask in (
        lambda: log.root(6),
        lambda: log.root(-1),
        lambda: log.inclusion_proof(0, 6),
        lambda: log.consistency_proof(2, 6),
    ):
        with pytest.raises(ConfigurationError, match="has 5 entries"):
            ask()
    with pytest.raises(ConfigurationError, match="does not begin with 4"):
        log.consistency_proof(4, 3)
    for idx in (-1, 3):
        with pytest.raises(ConfigurationError, match=f"no entry {idx}"):
            log.inclusion_proof(idx, 3)


@pytest.mark.parametrize("statement", [update(ledger_entry).values(data=b"other"), delete(ledger_entry)])
def test_the_database_refuses_changes(log, engine, statement):
    """An entry cannot be changed or deleted by accident: the database itself refuses."""
    _append(log, 3)
    with engine.connect() as connection, pytest.raises(IntegrityError, match="only grows"):
        connection.execute(statement)


def test_a_missing_entry_stops_reading(log, engine):
    """A stream that meets a gap stops with an error, and picked entries behind the gap are not mistaken for others."""
    _append(log, 5)
    with engine.begin() as connection:
        _unlock(connection)
        connection.execute(delete(ledger_entry).where(ledger_entry.c.idx == 2))

    with pytest.raises(Tampered, match="lacks an entry"):
        list(log.entries())
    assert list(log.read_many([1, 3, 4])) == [b"entry 1", b"entry 3", b"entry 4"]
    with pytest.raises(ConfigurationError, match="no entry 2"):
        list(log.read_many([1, 2, 3]))


@pytest.mark.parametrize("hashes", [b"", bytes(31), bytes(3 * 32)])
def test_a_wrong_edge_stops_appending(log, engine, hashes):
    """Where the stored tree does not fit the entries nothing is appended."""
    _append(log, 2)
    with engine.begin() as connection:
        connection.execute(update(ledger_tile).values(hashes=hashes))

    with pytest.raises(Tampered, match="tile 0/0"):
        _append(log, 1)
    assert log.size == 2


def test_a_missing_tile_stops_proofs(log, engine):
    """A proof that needs a missing hash is refused."""
    _append(log, 300)
    with engine.begin() as connection:
        connection.execute(delete(ledger_tile).where(ledger_tile.c.level == 1))

    with pytest.raises(Tampered, match="tile 1/0"):
        log.root()


def test_names_of_ledgers(engine):
    """A ledger needs a name that can stand on a signature line."""
    with pytest.raises(ConfigurationError):
        Log(engine, "two words")


def test_a_checkpoint_commits_to_the_entries(log, signer):
    """A checkpoint is signed over the present size and root, and stored as its note."""
    _append(log, 5, signer)

    seen = open_checkpoint(log.latest_note(), signer.verifier, log.origin)

    assert seen == Checkpoint(log.origin, 5, _root(5))


def test_a_checkpoint_twice_is_one(log, engine, signer):
    """Without new entries the stored checkpoint stands and nothing is written."""
    _append(log, 5, signer)
    note = log.latest_note()
    with engine.begin() as connection:
        again = log.checkpoint(connection, signer)

    assert again.size == 5
    assert log.latest_note() == note
    assert _count(engine) == 1


def test_a_checkpoint_of_nothing(log, engine, signer):
    """An empty ledger can be signed, and grows from there."""
    with engine.begin() as connection:
        assert log.checkpoint(connection, signer) == Checkpoint(log.origin, 0, EMPTY_ROOT)
    _append(log, 5, signer)

    assert fsck(engine, log.origin, signer.verifier).checkpoints == 2


def test_checkpoints_extend_each_other(log, signer):
    """Who holds only the notes accepts each next one with the log's proof."""
    held = Checkpoint(log.origin, 0, EMPTY_ROOT)
    for step in EDGES:
        _append(log, step, signer)
        offered = open_checkpoint(log.latest_note(), signer.verifier, log.origin)
        check_extends(held, offered, log.consistency_proof(held.size, offered.size))
        held = offered


def _count(engine):
    with engine.connect() as connection:
        return len(connection.execute(select(ledger_checkpoint.c.size)).all())


def test_a_shrunk_ledger_is_not_signed(log, engine, signer):
    """A ledger smaller than a stored checkpoint is not signed, and that checkpoint stays."""
    _append(log, 5, signer)
    note = log.latest_note()
    with engine.begin() as connection:
        _unlock(connection)
        connection.execute(delete(ledger_entry).where(ledger_entry.c.idx == 4))
    with engine.connect() as connection, pytest.raises(Inconsistent, match="size 5"):
        log.checkpoint(connection, signer)

    assert log.latest_note() == note


def test_a_rewritten_ledger_is_not_signed(log, engine, signer):
    """A ledger whose past was written anew, tiles included, is not signed."""
    _append(log, 5, signer)
    with engine.begin() as connection:
        _unlock(connection)
        connection.execute(delete(ledger_entry))
        connection.execute(delete(ledger_tile))
        log.append(connection, [b"another past"] * 9)
        with pytest.raises(Inconsistent, match="size 5"):
            log.checkpoint(connection, signer)


def _elsewhere(size, root=bytes(32)):
    return Checkpoint("tallystick/test", size, root)


def test_a_kept_checkpoint_is_borne_out(log, signer):
    """A checkpoint that someone kept and the ledger bears out changes nothing."""
    _append(log, 3, signer)
    kept = log.latest_note()
    _append(log, 4, signer)

    assert log.observe(kept, signer.verifier) == Checkpoint(log.origin, 3, _root(3))
    assert _count(log._engine) == 2


@pytest.mark.parametrize("size", [3, 5, 9])
def test_a_contradicting_checkpoint_is_kept(log, engine, signer, size):
    """A signed checkpoint that the ledger contradicts is kept as evidence, once, beside the ledger's own."""
    _append(log, 3, signer)
    _append(log, 2, signer)
    note = sign_checkpoint(_elsewhere(size), signer)
    for _ in range(2):
        with pytest.raises(Inconsistent, match=f"size {size} with root {bytes(32).hex()}"):
            log.observe(note, signer.verifier)

    assert _count(engine) == 3
    with engine.connect() as connection:
        assert note in connection.execute(select(ledger_checkpoint.c.note)).scalars().all()
    assert any(finding.place == f"checkpoint {size}" for finding in fsck(engine, log.origin, signer.verifier).findings)


@pytest.mark.parametrize("size", [3, 5, 9])
def test_nothing_is_signed_beside_a_contradiction(log, engine, signer, size):
    """Once two histories are known no further checkpoint is signed."""
    _append(log, 3, signer)
    _append(log, 2, signer)
    with pytest.raises(Inconsistent):
        log.observe(sign_checkpoint(_elsewhere(size), signer), signer.verifier)

    with engine.connect() as connection:
        log.append(connection, [b"more"])
        with pytest.raises(Inconsistent):
            log.checkpoint(connection, signer)


def test_only_signed_checkpoints_are_observed(log, engine, signer):
    """An unsigned, foreign or malformed note is refused and not kept."""
    _append(log, 3, signer)
    foreign = sign_checkpoint(Checkpoint("tallystick/other", 9, bytes(32)), signer)
    stranger = sign_checkpoint(_elsewhere(9), Signer(log.origin, bytes(32)))
    for note in (foreign, stranger, _elsewhere(9).text, ""):
        with pytest.raises(Tampered):
            log.observe(note, signer.verifier)

    assert _count(engine) == 1

"""A pruned ledger: what it shows, what it hides, and how a change is named."""

import json

import pytest
from msgspec.structs import replace

from tallystick.canonical import canonical
from tallystick.errors import ConfigurationError, Inconsistent, Tampered
from tallystick.ledger import tiles as tiles_module
from tallystick.ledger.checkpoint import Checkpoint
from tallystick.ledger.merkle import CompactRange, hash_leaf
from tallystick.ledger.pruned import Hidden, PrunedTree, Shown, prune, read_piece, verify_pruned, write_piece
from tallystick.ledger.tiles import TileReader

ENTRIES = [canonical({"kind": "verdict", "number": number}) for number in range(700)]
ORIGIN = "tallystick/test"


@pytest.fixture
def filled(engine, log, signer):
    """A ledger of 700 entries, three tiles wide, signed at sizes 300 and 700."""
    for part in (ENTRIES[:300], ENTRIES[300:]):
        with engine.begin() as connection:
            log.append(connection, part)
            log.checkpoint(connection, signer)
    return log


def _checkpoint(log, size):
    return Checkpoint(ORIGIN, size, log.root(size))


def _read(pieces, *checkpoints):
    return list(verify_pruned(pieces, checkpoints))


def test_shown_entries_come_back(filled):
    """The entries shown are given with their indexes, in order, when the pieces have the root that was signed."""
    pieces = filled.prune([3, 4, 299, 699])

    assert _read(pieces, _checkpoint(filled, 700)) == [(at, ENTRIES[at]) for at in (3, 4, 299, 699)]


def test_hidden_entries_are_hashes_alone(filled):
    """A hidden part is as large as it can be, and no byte of a hidden entry is told."""
    pieces = list(filled.prune([512]))

    assert [(p.start, p.height) for p in pieces if isinstance(p, Hidden)] == [
        (0, 9),
        *[(512 + 2**height, height) for height in range(7)],
        (640, 5),
        (672, 4),
        (688, 3),
        (696, 2),
    ]
    assert b"".join(map(write_piece, pieces)).count(b'"number"') == 1


def test_nothing_shown(filled):
    """A tree of which nothing is shown still gives its root."""
    assert _read(filled.prune([]), _checkpoint(filled, 700)) == []


def test_everything_shown(filled):
    """A tree of which everything is shown has no hidden part."""
    pieces = list(filled.prune(range(700)))

    assert {type(piece) for piece in pieces} == {Shown}
    assert [entry for _, entry in _read(pieces, _checkpoint(filled, 700))] == ENTRIES


def test_an_empty_ledger(log):
    """A ledger without entries is pruned to no pieces, and they give the root of nothing."""
    assert _read(log.prune([]), Checkpoint(ORIGIN, 0, CompactRange().root())) == []


def test_an_earlier_size(filled):
    """A ledger is pruned as it was at an earlier checkpoint."""
    assert _read(filled.prune([7], 300), _checkpoint(filled, 300)) == [(7, ENTRIES[7])]


def test_two_sizes_from_one_list(filled):
    """Pieces cut at an earlier size give both roots, which proves that the later ledger begins with the earlier one."""
    pieces = filled.prune([512], sizes=[300])

    assert _read(pieces, _checkpoint(filled, 700), _checkpoint(filled, 300)) == [(512, ENTRIES[512])]


def test_another_history_has_not_both_roots(filled):
    """Where the earlier checkpoint is of another history, the pieces do not give its root."""
    forked = Checkpoint(ORIGIN, 300, hash_leaf(b"another"))
    with pytest.raises(Tampered, match="first 300 entries has the root"):
        _read(filled.prune([512], sizes=[300]), _checkpoint(filled, 700), forked)


def test_pieces_not_cut_at_a_size(filled):
    """A hidden part that reaches over a size whose root is wanted is refused."""
    with pytest.raises(Tampered, match="at entry 0 runs past the 300 entries"):
        _read(filled.prune([512]), _checkpoint(filled, 700), _checkpoint(filled, 300))


def test_a_changed_entry_is_named(filled):
    """An entry whose bytes were changed is named by its index."""
    pieces = [
        replace(piece, entry=piece.entry.replace(b"299", b"298")) if isinstance(piece, Shown) else piece
        for piece in filled.prune([3, 299])
    ]
    with pytest.raises(Tampered, match="entry 299 was changed"):
        _read(pieces, _checkpoint(filled, 700))


def test_an_entry_changed_with_its_leaf(filled):
    """An entry changed together with its leaf hash is found by the root."""
    forged = [
        Shown(p.index, hash_leaf(b"forged"), b"forged") if isinstance(p, Shown) else p for p in filled.prune([3, 299])
    ]
    with pytest.raises(Tampered, match="the tree of the first 700 entries has the root"):
        _read(forged, _checkpoint(filled, 700))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p[1:], "entry 0 is missing"),
        (lambda p: p[:-1], "entry 6 is missing at the end"),
        (lambda p: p[:1], "entries 1 to 6 are missing at the end"),
        (lambda p: [*p[:2], *p[4:]], "entries 2 to 3 are missing from the tree"),
        (lambda p: [p[0], *p], "entry 0 stands in the tree twice"),
        (lambda p: [p[1], p[0], *p[2:]], "entry 0 is missing"),
        (lambda p: [*p, p[-1]], "entry 6 stands in the tree twice"),
        (lambda p: [*p, Hidden(7, 0, bytes(32))], "at entry 7 runs past the 7 entries"),
        (lambda p: [*p[:4], Hidden(4, 2, bytes(32))], "at entry 4 runs past the 7 entries"),
        (lambda p: [p[0], Hidden(1, 1, bytes(32)), *p[3:]], "at entry 1 is cut in another way"),
        (lambda p: [*p[:4], Hidden(4, 0, bytes(32)), Hidden(5, 0, bytes(32)), p[-1]], "at entry 5 is cut in another"),
        (lambda p: [*p[:4], Hidden(4, 1, bytes(31)), p[-1]], "at entry 4 is malformed"),
        (lambda p: [*p[:4], Hidden(4, -1, bytes(32)), p[-1]], "at entry 4 is malformed"),
        (lambda p: [*p[:4], Hidden(4, 10**9, bytes(32)), p[-1]], "at entry 4 is malformed"),
        (lambda p: [Shown(-1, p[0].leaf, p[0].entry), *p[1:]], "entry -1 stands in the tree twice"),
    ],
)
def test_pieces_that_are_not_the_tree(filled, change, message):
    """A piece missing, doubled, moved, added or cut otherwise is refused, and the place is named."""
    pieces = list(filled.prune([0, 1, 2, 3], 7))
    assert [type(piece) for piece in pieces] == [Shown] * 4 + [Hidden] * 2

    with pytest.raises(Tampered, match=message):
        _read(change(pieces), _checkpoint(filled, 7))


def test_a_wrong_hash_of_a_hidden_part(filled):
    """A hidden part with another hash gives another root."""
    pieces = [
        replace(piece, hash=bytes(32)) if isinstance(piece, Hidden) and piece.height == 6 else piece
        for piece in filled.prune([600])
    ]
    with pytest.raises(Tampered, match="has the root"):
        _read(pieces, _checkpoint(filled, 700))


@pytest.mark.parametrize("size", [0, 6, 8, 300])
def test_a_wrong_count(filled, size):
    """Pieces do not pass for a tree of another size, even if its checkpoint was signed."""
    with pytest.raises(Tampered, match=r"missing|runs past|twice"):
        _read(filled.prune([2], 7), _checkpoint(filled, size))


def test_checkpoints_that_contradict(filled):
    """Checkpoints of two ledgers, or two of one size with different roots, are evidence and verify nothing."""
    one = _checkpoint(filled, 7)
    with pytest.raises(Inconsistent, match="different roots"):
        _read(filled.prune([2], 7), one, Checkpoint(ORIGIN, 7, bytes(32)))
    with pytest.raises(Inconsistent, match="several ledgers: tallystick/other, tallystick/test"):
        _read(filled.prune([2], 7), one, Checkpoint("tallystick/other", 7, one.root))
    with pytest.raises(ValueError, match="at least one"):
        _read(filled.prune([2], 7))


@pytest.mark.parametrize("indexes", [[3, 3], [4, 3], [-1], [7]])
def test_indexes_that_cannot_be_shown(filled, indexes):
    """Indexes out of order, twice, or beyond the size are refused while pruning."""
    with pytest.raises((ValueError, ConfigurationError)):
        list(filled.prune(indexes, 7))


def test_sizes_that_cannot_be_given(filled):
    """A size beyond the whole tree has no root in it."""
    with pytest.raises(ValueError, match="no root for 8 entries"):
        list(filled.prune([], 7, sizes=[8]))
    with pytest.raises(ValueError, match="no root for -1 entries"):
        PrunedTree(7, [-1])
    with pytest.raises(ConfigurationError, match="700 entries, not 701"):
        list(filled.prune([], 701))


def test_an_entry_that_left_the_tree(engine, filled):
    """Where the stored bytes of an entry no longer fit the stored tree, pruning stops and names it."""
    with engine.connect() as connection:
        node = TileReader(connection).node
        with pytest.raises(Tampered, match="entry 5 is not the one"):
            list(prune([(4, ENTRIES[4]), (5, b"{}")], 700, node))


def test_pieces_travel_as_lines(filled):
    """Every piece is one line of canonical JSON and comes back from it."""
    for piece in filled.prune([0, 511, 699]):
        line = write_piece(piece)
        assert canonical(json.loads(line)) == line
        assert read_piece(line, "x") == piece


@pytest.mark.parametrize(
    "line",
    [
        b'{"entry":{},"index":1}',
        b'{"entry":{},"index":true,"leaf":"%b"}' % (b"0" * 64),
        b'{"entry":{},"index":1,"leaf":"%b"}' % (b"0" * 63),
        b'{"entry":{},"index":1,"leaf":"%b"}' % (b"A" * 64),
        b'{"entry":{},"index":1,"leaf":"%b "}' % (b"0" * 64),
        b'{"entry":{},"index":1,"leaf":"%b","more":1}' % (b"0" * 64),
        b'{"entry":{"b":1,"a":1},"index":1,"leaf":"%b"}' % (b"0" * 64),
        b'{"hash":"%b","height":"1","start":1}' % (b"0" * 64),
        b'{"hash":"zz","height":1,"start":1}',
        b'{"height":1,"start":1}',
        b'{"hash":"%b","height":1,"start":1} ' % (b"0" * 64),
        b"[]",
        b"null",
        b"",
    ],
)
def test_lines_that_are_no_piece(line):
    """A line that is no piece, or a piece spelled in another way, is refused by its place in the file."""
    with pytest.raises(Tampered) as caught:
        read_piece(line, "ledger.jsonl:9")

    assert caught.value.where == "ledger.jsonl:9"


def test_few_tiles_are_held(filled, monkeypatch):
    """However few tiles the reader may hold, the pieces are the same."""
    wanted = list(filled.prune(range(0, 700, 7)))
    monkeypatch.setattr(tiles_module, "_HELD", 1)

    assert list(filled.prune(range(0, 700, 7))) == wanted

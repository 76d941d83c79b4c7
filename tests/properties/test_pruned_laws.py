"""Laws of the pruned ledger that hold for all sizes and all sets of shown entries."""

import functools
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pymerkle import InmemoryTree

from tallystick.errors import Tampered
from tallystick.ledger.checkpoint import Checkpoint
from tallystick.ledger.merkle import hash_leaf, hash_node, range_root
from tallystick.ledger.pruned import Hidden, Shown, prune, read_piece, verify_pruned, write_piece

LARGEST = 70
ENTRIES = [b'{"number":%d}' % number for number in range(LARGEST)]
ORIGIN = "tallystick/law"
untimed = settings(deadline=None)


@functools.cache
def _node(height, index):
    if height == 0:
        return hash_leaf(ENTRIES[index])
    return hash_node(_node(height - 1, 2 * index), _node(height - 1, 2 * index + 1))


@functools.cache
def _checkpoint(size):
    return Checkpoint(ORIGIN, size, range_root(0, size, _node))


def _prune(size, indexes, sizes=()):
    return list(prune([(index, ENTRIES[index]) for index in sorted(indexes)], size, _node, sizes=sizes))


def _passes(pieces, size):
    try:
        list(verify_pruned(pieces, [_checkpoint(size)]))
    except Tampered:
        return False
    return True


@st.composite
def _cases(draw, least=1):
    size = draw(st.integers(least, LARGEST))
    return size, draw(st.sets(st.integers(0, size - 1), max_size=size))


@pytest.mark.parametrize("size", range(LARGEST + 1))
def test_every_size(size):
    """For every size the pieces give the root that another library computes, with nothing, some and all shown."""
    theirs = InmemoryTree(algorithm="sha256")
    for entry in ENTRIES[:size]:
        theirs.append_entry(entry)
    if size:
        assert theirs.get_root() == _checkpoint(size).root
    for indexes in (set(), set(range(size)), set(range(0, size, 3)), *({index} for index in range(size))):
        shown = list(verify_pruned(_prune(size, indexes), [_checkpoint(size)]))
        assert shown == [(index, ENTRIES[index]) for index in sorted(indexes)]


@untimed
@given(_cases(), st.data())
def test_shown_is_what_was_asked_for(case, data):
    """For any set of entries and sizes, exactly those entries come back, under all the roots at once."""
    size, indexes = case
    sizes = data.draw(st.sets(st.integers(0, size)))
    pieces = [read_piece(write_piece(piece), "x") for piece in _prune(size, indexes, sizes)]
    shown = list(verify_pruned(pieces, [_checkpoint(one) for one in {*sizes, size}]))

    assert shown == [(index, ENTRIES[index]) for index in sorted(indexes)]


@untimed
@given(_cases())
def test_no_fewer_hashes_would_do(case):
    """Hidden entries are covered once each, by subtrees of which no two make a greater one."""
    size, indexes = case
    hidden = [piece for piece in _prune(size, indexes) if isinstance(piece, Hidden)]
    covered = [entry for part in hidden for entry in range(part.start, part.start + 2**part.height)]

    assert covered == [index for index in range(size) if index not in indexes]
    for one, other in pairwise(hidden):
        buddies = one.height == other.height and one.start >> one.height ^ 1 == other.start >> other.height
        assert not buddies


def _changes(pieces):
    """Give every list of pieces that differs from the right one by one change."""
    for place, piece in enumerate(pieces):
        before, after = pieces[:place], pieces[place + 1 :]
        yield [*before, *after]
        yield [*before, piece, piece, *after]
        if after:
            yield [*before, after[0], piece, *after[1:]]
        for forged in _forged(piece):
            yield [*before, forged, *after]


def _forged(piece):
    if isinstance(piece, Shown):
        yield replace(piece, entry=piece.entry + b" ")
        yield replace(piece, entry=b"{}", leaf=hash_leaf(b"{}"))
        yield replace(piece, leaf=bytes(32))
        yield replace(piece, leaf=piece.leaf[:-1])
        yield from (replace(piece, index=piece.index + step) for step in (-1, 1))
        yield Hidden(piece.index, 0, bytes(32))
    else:
        yield replace(piece, hash=bytes(32))
        yield replace(piece, hash=piece.hash + b"\0")
        yield from (replace(piece, start=piece.start + step) for step in (-1, 1))
        yield from (replace(piece, height=piece.height + step) for step in (-1, 1))
        yield Shown(piece.start, hash_leaf(b"{}"), b"{}")


@untimed
@given(_cases())
def test_every_single_change_is_found(case):
    """Whatever one piece is lost, doubled, exchanged with its neighbour or forged, the pieces are refused."""
    size, indexes = case
    pieces = _prune(size, indexes)
    assert _passes(pieces, size)

    for changed in _changes(pieces):
        assert not _passes(changed, size)


@untimed
@given(_cases(least=2))
def test_hiding_and_showing_are_told_apart(case):
    """A hidden part split in its two halves is refused, although it gives the same root."""
    size, indexes = case
    pieces = _prune(size, indexes)
    places = [at for at, piece in enumerate(pieces) if isinstance(piece, Hidden) and piece.height]
    assume(places)
    place = places[0]
    start, height = pieces[place].start, pieces[place].height - 1
    halves = [Hidden(at, height, _node(height, at >> height)) for at in (start, start + 2**height)]

    assert not _passes([*pieces[:place], *halves, *pieces[place + 1 :]], size)


@untimed
@given(_cases(), st.integers(0, LARGEST))
def test_a_wrong_count_is_found(case, other):
    """Pieces of one size never pass for a tree of another."""
    size, indexes = case
    assume(size != other)

    assert not _passes(_prune(size, indexes), other)

"""Laws of the ledger that hold for all entries and sizes."""

import functools

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import StaticPool, create_engine

from tallystick.database.schema import metadata
from tallystick.errors import Inconsistent, Tampered
from tallystick.ledger import Log, Signer, fsck, verify_consistency, verify_inclusion
from tallystick.ledger.merkle import CompactRange, consistency_path, hash_leaf, hash_node, inclusion_path, range_root

SIZE = 1500
LEAVES = [hash_leaf(b"%d" % number) for number in range(SIZE)]
SIGNER = Signer("tallystick/law", bytes(32))
untimed = settings(deadline=None)


@functools.cache
def _node(height, index):
    if height == 0:
        return LEAVES[index]
    return hash_node(_node(height - 1, 2 * index), _node(height - 1, 2 * index + 1))


def _root(size):
    return range_root(0, size, _node)


@st.composite
def _pairs(draw):
    second = draw(st.integers(1, SIZE))
    return draw(st.integers(0, second)), second


def _mutate(draw, proof):
    """Give another proof than the right one: a hash more, less, changed, or two exchanged."""
    forged = list(proof)
    place = draw(st.integers(0, len(proof)))
    kind = draw(st.sampled_from(["more", "less", "change", "swap"]))
    if kind == "more" or place == len(proof):
        forged.insert(place, draw(st.binary(min_size=32, max_size=32) | st.sampled_from(LEAVES)))
    elif kind == "less":
        del forged[place]
    elif kind == "change":
        byte = draw(st.integers(0, 31))
        forged[place] = forged[place][:byte] + bytes([forged[place][byte] ^ 1]) + forged[place][byte + 1 :]
    else:
        forged.append(forged.pop(place))
    return forged


@untimed
@given(_pairs())
def test_proofs_verify(pair):
    """For any sizes the proofs generated verify."""
    first, second = pair
    proof = consistency_path(first, second, _node)
    verify_consistency(first=first, second=second, proof=proof, first_root=_root(first), second_root=_root(second))
    if first < second:
        proof = inclusion_path(first, second, _node)
        verify_inclusion(b"%d" % first, index=first, size=second, proof=proof, root=_root(second))


@untimed
@given(_pairs(), st.data())
def test_mutated_proofs_do_not(pair, data):
    """For any sizes no mutation of a proof verifies."""
    first, second = pair
    proof = consistency_path(first, second, _node)
    forged = _mutate(data.draw, proof)
    assume(forged != proof)
    try:
        verify_consistency(first=first, second=second, proof=forged, first_root=_root(first), second_root=_root(second))
    except Inconsistent:
        pass
    else:
        raise AssertionError("a forged consistency proof verified")
    assume(first < second)
    proof = inclusion_path(first, second, _node)
    forged = _mutate(data.draw, proof)
    assume(forged != proof)
    try:
        verify_inclusion(b"%d" % first, index=first, size=second, proof=forged, root=_root(second))
    except Tampered:
        pass
    else:
        raise AssertionError("a forged inclusion proof verified")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=300), min_size=1, max_size=5))
def test_grouping_does_not_matter(groups):
    """However entries come in, the ledger's root is the root over all of them in order, and the ledger is sound."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)
    log = Log(engine, "tallystick/law")
    for group in groups:
        with engine.begin() as connection:
            log.append(connection, group)
            log.checkpoint(connection, SIGNER)
    entries = [entry for group in groups for entry in group]

    assert log.root() == CompactRange(map(hash_leaf, entries)).root()
    assert list(log.entries()) == entries
    assert fsck(engine, log.origin, SIGNER.verifier).findings == ()
    engine.dispose()

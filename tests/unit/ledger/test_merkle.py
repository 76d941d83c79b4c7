"""The tree of RFC 9162, against published vectors and another implementation."""

import functools
import hashlib

import pymerkle
import pytest

from tallystick.errors import Inconsistent, Tampered
from tallystick.ledger.merkle import (
    EMPTY_ROOT,
    CompactRange,
    consistency_path,
    hash_leaf,
    hash_node,
    inclusion_path,
    range_root,
    verify_consistency,
    verify_inclusion,
)

# The reference data of RFC 6962 that Certificate Transparency publishes: eight entries and the root at each size.
ENTRIES = [
    bytes.fromhex(entry)
    for entry in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
N01 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
N23 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
N47 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
N04 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
N67 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
N45 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
INCLUSION = {
    (0, 1): [],
    (0, 8): [N01, N23, N47],
    (5, 8): [N04, N67, ROOTS[4]],
    (2, 3): [ROOTS[2]],
    (1, 5): [ROOTS[1], N23, N04],
}
CONSISTENCY = {(1, 1): [], (1, 8): [N01, N23, N47], (6, 8): [N45, N67, ROOTS[4]], (2, 5): [N23, N04]}
# Every pair of sizes up to here; 70 crosses the powers of two and their neighbours.
LIMIT = 70


class Tree:
    """A tree held as a list of leaf hashes, with the plain recursive definition of its nodes."""

    def __init__(self, entries):
        self.entries = entries
        self.leaves = [hash_leaf(entry) for entry in entries]
        self.node = functools.cache(self._node)

    def _node(self, height, index):
        if height == 0:
            return self.leaves[index]
        return hash_node(self.node(height - 1, 2 * index), self.node(height - 1, 2 * index + 1))

    def root(self, size):
        """Give the root over the first leaves."""
        return range_root(0, size, self.node)


TREE = Tree([b"entry %d" % number for number in range(LIMIT)])


def _oracle(entries):
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in entries:
        tree.append_entry(entry)
    return tree


ORACLE = _oracle(TREE.entries)


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size):
    """The root at each size is the published one, from nodes and from a compact range."""
    assert Tree(ENTRIES).root(size).hex() == ROOTS[size]
    assert CompactRange(hash_leaf(entry) for entry in ENTRIES[:size]).root().hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_published_inclusion_proofs(index, size):
    """The inclusion proofs are the published ones, and verify."""
    proof = inclusion_path(index, size, Tree(ENTRIES).node)

    assert [step.hex() for step in proof] == INCLUSION[index, size]
    verify_inclusion(ENTRIES[index], index=index, size=size, proof=proof, root=bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("first", "second"), CONSISTENCY)
def test_published_consistency_proofs(first, second):
    """The consistency proofs are the published ones, and verify."""
    proof = consistency_path(first, second, Tree(ENTRIES).node)

    assert [step.hex() for step in proof] == CONSISTENCY[first, second]
    roots = {"first_root": bytes.fromhex(ROOTS[first]), "second_root": bytes.fromhex(ROOTS[second])}
    verify_consistency(first=first, second=second, proof=proof, **roots)


def test_example_of_the_rfc():
    """The proofs of the tree of seven leaves that RFC 9162 draws are made of the nodes it names."""
    d = TREE.leaves
    g, h, i = (hash_node(d[n], d[n + 1]) for n in (0, 2, 4))
    j, k = d[6], hash_node(g, h)
    el = hash_node(i, j)

    assert inclusion_path(0, 7, TREE.node) == [d[1], h, el]
    assert inclusion_path(3, 7, TREE.node) == [d[2], g, el]
    assert inclusion_path(4, 7, TREE.node) == [d[5], j, k]
    assert inclusion_path(6, 7, TREE.node) == [i, k]
    assert consistency_path(3, 7, TREE.node) == [d[2], d[3], g, el]
    assert consistency_path(4, 7, TREE.node) == [el]
    assert consistency_path(6, 7, TREE.node) == [i, j, k]


def test_the_empty_tree():
    """The tree of no entries has the hash of nothing as its root, proves no entry and begins every tree."""
    assert EMPTY_ROOT == hashlib.sha256().digest() == TREE.root(0) == CompactRange().root()
    with pytest.raises(ValueError, match="has no entry 0"):
        inclusion_path(0, 0, TREE.node)
    for size in (0, 1, 7):
        assert consistency_path(0, size, TREE.node) == []
        verify_consistency(first=0, second=size, proof=[], first_root=EMPTY_ROOT, second_root=TREE.root(size))


@pytest.mark.parametrize("size", range(LIMIT + 1))
def test_roots_are_those_of_another_implementation(size):
    """Every root up to 70 entries is the one that pymerkle gives."""
    assert TREE.root(size) == CompactRange(TREE.leaves[:size]).root() == ORACLE.get_root(size)


@pytest.mark.parametrize("size", range(1, LIMIT + 1))
def test_inclusion_of_every_entry(size):
    """Every entry of every tree up to 70 is proven, with the hashes that pymerkle gives."""
    for index in range(size):
        proof = inclusion_path(index, size, TREE.node)
        verify_inclusion(TREE.entries[index], index=index, size=size, proof=proof, root=TREE.root(size))
        # pymerkle counts from one and lets the path begin with the leaf itself.
        theirs = ORACLE.prove_inclusion(index + 1, size)
        assert sorted(proof) == sorted(set(theirs.path) - {TREE.leaves[index]})


@pytest.mark.parametrize("second", range(LIMIT + 1))
def test_consistency_of_every_pair(second):
    """For all m <= n up to 70 the tree of n is proven to begin with the tree of m, and pymerkle agrees on the roots."""
    for first in range(second + 1):
        proof = consistency_path(first, second, TREE.node)
        roots = {"first_root": TREE.root(first), "second_root": TREE.root(second)}
        verify_consistency(first=first, second=second, proof=proof, **roots)
        if first:
            # Returns None and raises on failure.
            pymerkle.verify_consistency(*roots.values(), ORACLE.prove_consistency(first, second))


def _forgeries(proof):
    """Give every proof that differs by one extra, missing, swapped or changed hash."""
    other = hashlib.sha256(b"other").digest()
    for place in range(len(proof) + 1):
        for extra in {other, *proof}:
            yield [*proof[:place], extra, *proof[place:]]
    for place in range(len(proof)):
        yield [*proof[:place], *proof[place + 1 :]]
        yield [*proof[:place], other, *proof[place + 1 :]]
        yield [*proof[:place], proof[place][:-1], *proof[place + 1 :]]
        for later in range(place + 1, len(proof)):
            swapped = list(proof)
            swapped[place], swapped[later] = swapped[later], swapped[place]
            yield swapped
    yield []
    yield proof[::-1]


@pytest.mark.parametrize("size", range(1, 20))
def test_forged_inclusion_proofs(size):
    """No proof with an extra, missing, reordered or changed hash verifies."""
    for index in range(size):
        proof = inclusion_path(index, size, TREE.node)
        for forged in _forgeries(proof):
            if forged == proof:
                continue
            with pytest.raises(Tampered):
                verify_inclusion(TREE.entries[index], index=index, size=size, proof=forged, root=TREE.root(size))


@pytest.mark.parametrize("size", range(1, 20))
def test_an_inclusion_proof_is_for_one_place(size):
    """A proof does not verify for another index, size, entry or root."""
    for index in range(size):
        proof = inclusion_path(index, size, TREE.node)
        right = {"index": index, "size": size, "proof": proof, "root": TREE.root(size)}
        wrong = [{"index": other} for other in range(-1, size + 1) if other != index]
        wrong += [{"size": other} for other in range(-1, 40) if not _same_shape(index, size, other)]
        wrong += [{"root": TREE.root(size + 1)}, {"root": EMPTY_ROOT}, {"root": b""}]
        for change in wrong:
            with pytest.raises(Tampered):
                verify_inclusion(TREE.entries[index], **{**right, **change})
        with pytest.raises(Tampered):
            verify_inclusion(TREE.entries[index] + b"\x00", **right)


def _same_shape(index, size, other):
    """Tell whether a path has the same turns in both trees: the size then rests on the signature, not on the proof."""
    return 0 <= index < other and _turns(index, size) == _turns(index, other)


def _turns(index, size):
    low, high, turns = 0, size, []
    while high - low > 1:
        middle = low + (1 << ((high - low - 1).bit_length() - 1))
        turns.append(index < middle)
        low, high = (low, middle) if index < middle else (middle, high)
    return turns


@pytest.mark.parametrize("second", range(1, 20))
def test_forged_consistency_proofs(second):
    """No proof with an extra, missing, reordered or changed hash verifies."""
    for first in range(second + 1):
        proof = consistency_path(first, second, TREE.node)
        for forged in _forgeries(proof):
            if forged == proof:
                continue
            with pytest.raises(Inconsistent):
                verify_consistency(
                    first=first, second=second, proof=forged, first_root=TREE.root(first), second_root=TREE.root(second)
                )


@pytest.mark.parametrize("second", range(1, 20))
def test_a_consistency_proof_is_for_two_roots(second):
    """A proof does not verify for another root on either side, nor with the sizes exchanged."""
    for first in range(second + 1):
        right = {
            "first": first,
            "second": second,
            "proof": consistency_path(first, second, TREE.node),
            "first_root": TREE.root(first),
            "second_root": TREE.root(second),
        }
        wrong = [{"first_root": TREE.root(first + 1)}, {"first": -1}, {"first": second + 1}]
        wrong += [{"second_root": TREE.root(second + 1)}] if first else []
        wrong += [{"first": second, "second": first}] if first < second else []
        for change in wrong:
            with pytest.raises(Inconsistent):
                verify_consistency(**{**right, **change})


def _fold(index, size, proof, starts):
    """Give the roots that a verifier without any checks would compute: the one of `starts[-1]` takes every hash."""
    place, last = index, size - 1
    old, new = starts
    for step in proof:
        if place & 1 or place == last:
            old, new = hash_node(step, old), hash_node(step, new)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            new = hash_node(new, step)
        place, last = place >> 1, last >> 1
    return old, new


def _odd_shapes(proof):
    """Give proofs of a wrong shape: too long, too short, with hashes of other lengths."""
    yield from (proof + proof[-1:] * more for more in (1, 2))
    yield from (proof[:less] for less in range(len(proof)))
    for place, step in enumerate(proof):
        yield [*proof[:place], step[:-1], *proof[place + 1 :]]
        yield [*proof[:place], step + b"\x00", *proof[place + 1 :]]


@pytest.mark.parametrize("size", range(2, 20))
def test_a_root_chosen_for_the_proof(size):
    """A proof of a wrong shape is refused even by the very root that it folds up to."""
    for index in range(size):
        for proof in _odd_shapes(inclusion_path(index, size, TREE.node)):
            _, root = _fold(index, size, proof, [TREE.leaves[index]] * 2)
            with pytest.raises(Tampered):
                verify_inclusion(TREE.entries[index], index=index, size=size, proof=proof, root=root)


@pytest.mark.parametrize("second", range(2, 20))
def test_roots_chosen_for_the_proof(second):
    """A consistency proof of a wrong shape is refused even by the very roots that it folds up to."""
    for first in range(1, second):
        for proof in _odd_shapes(consistency_path(first, second, TREE.node)):
            place, last = first - 1, second - 1
            while place & 1:
                place, last = place >> 1, last >> 1
            steps = list(proof) if first & (first - 1) else [TREE.root(first), *proof]
            if not steps:
                continue
            old, new = _fold(place, last + 1, steps[1:], steps[:1] * 2)
            with pytest.raises(Inconsistent):
                verify_consistency(first=first, second=second, proof=proof, first_root=old, second_root=new)


def test_two_empty_trees_have_one_root():
    """Another root than the hash of nothing is refused at size zero."""
    with pytest.raises(Inconsistent):
        verify_consistency(first=0, second=0, proof=[], first_root=EMPTY_ROOT, second_root=TREE.root(1))


def test_no_proof_backwards():
    """There is no consistency proof from a greater to a smaller tree, nor from a negative one."""
    for first, second in [(3, 2), (-1, 2)]:
        with pytest.raises(ValueError, match="does not begin"):
            consistency_path(first, second, TREE.node)


@pytest.mark.parametrize("size", range(2, 20))
def test_an_entry_cannot_pass_for_a_node(size):
    """An entry equal to the preimage of an inner node does not verify in that node's place."""
    for index in range(0, size - 1, 2):
        left, right = TREE.leaves[index], TREE.leaves[index + 1]
        proof = inclusion_path(index, size, TREE.node)[1:]
        for preimage in (left + right, b"\x01" + left + right):
            for place, width in ((index // 2, (size + 1) // 2), (index, size)):
                with pytest.raises(Tampered):
                    verify_inclusion(preimage, index=place, size=width, proof=proof, root=TREE.root(size))


def test_a_node_cannot_pass_for_an_entry():
    """The leaf and the node over the same bytes have different hashes."""
    left, right = TREE.leaves[:2]

    assert hash_leaf(left + right) != hash_node(left, right)
    assert hash_leaf(b"") != EMPTY_ROOT


def test_subtrees_join_the_edge():
    """Leaves added by the root over them give the same root as one by one, where a subtree of that height begins."""
    leaves = [hash_leaf(b"%d" % number) for number in range(7)]
    tree = CompactRange(leaves[:4])
    tree.append_subtree(1, hash_node(leaves[4], leaves[5]))
    tree.append_subtree(0, leaves[6])

    assert (tree.size, tree.root()) == (7, CompactRange(leaves).root())
    with pytest.raises(ValueError, match="no complete subtree of height 1 begins at leaf 7"):
        tree.append_subtree(1, leaves[0])

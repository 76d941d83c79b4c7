"""What somebody has seen of a ledger cannot be unseen."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tallystick.errors import ConfigurationError, Inconsistent, StorageError, Tampered
from tallystick.ledger import Checkpoint, KeyChain, Signer, Witness
from tallystick.ledger.checkpoint import sign_checkpoint
from tallystick.ledger.merkle import EMPTY_ROOT, CompactRange, consistency_path, hash_leaf, hash_node
from tallystick.ledger.pruned import PrunedTree
from tallystick.ledger.witness import check_grows

ORIGIN = "tallystick/test"
KEYS = KeyChain(Signer(ORIGIN, bytes(range(32))).verifier)


@pytest.fixture
def notes(engine, log, signer):
    """Notes of one ledger by size: 0, 5, 9 and 300 entries."""
    notes = {}
    for size in (0, 5, 9, 300):
        with engine.begin() as connection:
            if size:
                log.append(connection, [b"%d" % number for number in range(log.size, size)])
            log.checkpoint(connection, signer)
        notes[size] = log.latest_note()
    return notes


@pytest.fixture
def folder(tmp_path):
    """Where checkpoints are remembered."""
    return tmp_path / "home" / "seen"


@pytest.fixture
def witness(folder):
    """A memory that is empty at first."""
    return Witness(folder)


def _forged(signer, size=9, origin=ORIGIN):
    return sign_checkpoint(Checkpoint(origin, size, hash_leaf(b"another history")), signer)


def _roots(log, sizes, size=300):
    tree = PrunedTree(size, sizes)
    for piece in log.prune([7], size, sizes=sizes):
        tree.add(piece)
    return tree.roots()


def test_the_first_checkpoint(witness, notes):
    """The first checkpoint of a ledger is taken and remembered; before it nothing is."""
    assert witness.newest(ORIGIN) is None
    assert witness.accept(notes[9], KEYS) == witness.newest(ORIGIN)
    assert witness.newest(ORIGIN).size == 9


def test_the_same_again(witness, notes):
    """The checkpoint that was seen may be shown again without a proof."""
    witness.accept(notes[9], KEYS)

    assert witness.accept(notes[9], KEYS).size == 9


def test_a_newer_one_with_its_proof(witness, log, notes):
    """A newer checkpoint is accepted with the consistency proof from the one seen."""
    witness.accept(notes[9], KEYS)
    witness.accept(notes[300], KEYS, proof=log.consistency_proof(9))

    assert witness.newest(ORIGIN).size == 300


def test_a_newer_one_with_a_pruned_tree(witness, log, notes):
    """A newer checkpoint is accepted with the roots of a pruned tree that has both sizes."""
    witness.accept(notes[9], KEYS)
    witness.accept(notes[300], KEYS, roots=_roots(log, [9]))

    assert witness.newest(ORIGIN).size == 300


def test_after_nothing_everything(witness, notes):
    """Every ledger begins with the empty one, which needs no proof."""
    witness.accept(notes[0], KEYS)

    assert witness.accept(notes[300], KEYS).size == 300


@pytest.mark.parametrize("proof", [None, [], [bytes(32)], [bytes(32)] * 9])
def test_a_newer_one_without_its_proof(witness, notes, proof):
    """A newer checkpoint without a proof, or with one that proves nothing, is refused and not remembered."""
    witness.accept(notes[9], KEYS)
    with pytest.raises(Inconsistent, match=r"begins with|nothing shows"):
        witness.accept(notes[300], KEYS, proof=proof)

    assert witness.newest(ORIGIN).size == 9


def test_a_pruned_tree_without_both_sizes(witness, log, notes):
    """A pruned tree that was not cut at the size seen shows nothing, and the size to ask for is named."""
    witness.accept(notes[9], KEYS)
    with pytest.raises(Inconsistent, match=r"nothing shows what the ledger .* was at 9 entries") as caught:
        witness.accept(notes[300], KEYS, roots=_roots(log, [5]))
    assert "at 9 entries" in caught.value.hint
    with pytest.raises(Inconsistent, match="was at 300 entries"):
        witness.accept(notes[300], KEYS, roots={9: log.root(9)})
    with pytest.raises(Inconsistent, match="root signed at 9 entries"):
        witness.accept(notes[300], KEYS, roots={**_roots(log, [9]), 9: bytes(32)})


def test_an_older_one(witness, log, notes):
    """A checkpoint older than one already seen is refused, even with a proof of the other direction."""
    witness.accept(notes[300], KEYS)
    for proof in (None, log.consistency_proof(9)):
        with pytest.raises(Inconsistent, match="has 9 entries, one of 300 was seen") as caught:
            witness.accept(notes[9], KEYS, proof=proof)
        assert caught.value.exit_code == 4

    assert witness.newest(ORIGIN).size == 300


def test_another_root_at_the_same_size(witness, folder, log, signer, notes):
    """Two signed roots at one size are kept as evidence, and nothing more is accepted for that ledger."""
    witness.accept(notes[9], KEYS)
    forged = _forged(signer)
    with pytest.raises(Inconsistent, match="at 9 entries have different roots") as caught:
        witness.accept(forged, KEYS)
    assert str(folder) in caught.value.hint
    with pytest.raises(Inconsistent, match="contradicted the one of 9 entries before"):
        witness.accept(notes[300], KEYS, proof=log.consistency_proof(9))
    [file] = folder.glob("*.json")
    text = file.read_text()

    assert forged.splitlines()[2] in text
    assert notes[9].splitlines()[2] in text


def test_a_note_that_nobody_signed(witness, notes):
    """A note without the ledger's signature is refused before it is compared, and is no evidence."""
    witness.accept(notes[9], KEYS)
    with pytest.raises(Tampered, match="no signature"):
        witness.accept(_forged(Signer(ORIGIN, bytes(32))), KEYS)
    with pytest.raises(Tampered, match="does not fit"):
        witness.accept(notes[9].replace("\n9\n", "\n8\n"), KEYS)

    assert witness.accept(notes[9], KEYS).size == 9


def test_ledgers_apart(witness, folder, notes):
    """Each ledger has a file of its own, whatever its name, and a name leads nowhere else."""
    names = [
        "tallystick/test",
        "tallystick%2Ftest",
        "../../etc/passwd",
        "x" * 500,
        "x" * 501,
        "M\u00fcller/\u5408\u540c",
    ]
    for number, name in enumerate(names):
        key = Signer(name, bytes(32))
        witness.accept(_forged(key, number + 1, name), KeyChain(key.verifier))

    assert [witness.newest(name).size for name in names] == [1, 2, 3, 4, 5, 6]
    assert len(list(folder.glob("*.json"))) == len(names)
    assert [path.name for path in folder.parent.iterdir()] == ["seen"]
    assert {path.suffix for path in folder.iterdir()} == {"", ".json"}


def test_files_are_private(witness, folder, notes):
    """What was seen is for its owner only."""
    witness.accept(notes[9], KEYS)

    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}


class TestKeys:
    """A ledger may have new keys, but not other ones."""

    NEW, STRANGER = Signer(ORIGIN, b"n" * 32), Signer(ORIGIN, b"s" * 32)

    def test_a_key_that_followed(self, witness, log, signer, notes):
        """After a rotation the checkpoint of the new key is accepted, and from then on the old key signs no more."""
        witness.accept(notes[9], KEYS)
        chain = KEYS.introduce(signer, self.NEW, 10)
        root = Checkpoint(ORIGIN, 300, log.root(300))
        witness.accept(sign_checkpoint(root, self.NEW), chain, proof=log.consistency_proof(9))
        with pytest.raises(Tampered, match=f"no signature of .*{self.NEW.verifier.key_hash.hex()}"):
            witness.accept(notes[300], KEYS)
        with pytest.raises(Inconsistent, match="has 9 entries, one of 300 was seen"):
            witness.accept(notes[9], KEYS)

        assert witness.newest(ORIGIN) == root

    def test_keys_that_are_others(self, witness, log, notes):
        """A chain of other keys is refused, although its checkpoint is proven, and its notes are no evidence."""
        witness.accept(notes[9], KEYS)
        with pytest.raises(Inconsistent, match="not those seen before"):
            witness.accept(_forged(self.STRANGER), KeyChain(self.STRANGER.verifier))
        note = sign_checkpoint(Checkpoint(ORIGIN, 300, log.root(300)), self.STRANGER)
        with pytest.raises(Inconsistent, match="not those seen before"):
            witness.accept(note, KeyChain(self.STRANGER.verifier), proof=log.consistency_proof(9))

        assert witness.newest(ORIGIN).size == 9


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data.replace(b"tallystick-keys/1", b"tallystick-keys/2"),
        lambda data: data.replace(b"\\n9\\n", b"\\n8\\n"),
    ],
)
def test_a_damaged_memory(witness, folder, notes, change):
    """A file that was damaged is refused with its name; it is not taken for nothing seen."""
    witness.accept(notes[9], KEYS)
    [file] = folder.glob("*.json")
    file.write_bytes(change(file.read_bytes()))
    for use in (lambda: witness.newest(ORIGIN), lambda: witness.accept(notes[300], KEYS)):
        with pytest.raises(ConfigurationError, match="cannot be read") as caught:
            use()
        assert caught.value.where == str(file)


def test_no_room(tmp_path, notes):
    """Where nothing can be remembered nothing is accepted."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="cannot be written"):
        Witness(tmp_path / "file").accept(notes[9], KEYS)


def test_growing_is_of_one_ledger():
    """Roots show nothing about checkpoints of two ledgers, nor that a ledger shrank."""
    one, other = Checkpoint("a", 0, EMPTY_ROOT), Checkpoint("b", 0, EMPTY_ROOT)
    with pytest.raises(Inconsistent, match="two ledgers"):
        check_grows(one, other, {0: EMPTY_ROOT})
    with pytest.raises(Inconsistent, match="shrank"):
        check_grows(Checkpoint("a", 2, bytes(32)), one, {0: EMPTY_ROOT, 2: bytes(32)})


SIZES = range(1, 41)
LEAVES = [hash_leaf(b"%d" % number) for number in range(40)]


def _node(height, index):
    return LEAVES[index] if not height else hash_node(_node(height - 1, 2 * index), _node(height - 1, 2 * index + 1))


def _race(folder, sizes):
    signer = Signer(ORIGIN, bytes(range(32)))
    for size in sizes:
        held = Witness(folder).newest(ORIGIN)
        proof = consistency_path(held.size, size, _node) if held and held.size <= size else None
        note = sign_checkpoint(Checkpoint(ORIGIN, size, CompactRange(LEAVES[:size]).root()), signer)
        try:
            Witness(folder).accept(note, KEYS, proof=proof)
        except Inconsistent:
            # The other one was faster.
            continue


def test_two_at_once(folder):
    """Of two at once none makes the other forget what it saw, nor reads half of it."""
    # The lock is of the open file, so that threads wait for each other as processes do.
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(_race, folder, SIZES[start::2]) for start in (0, 1)]:
            done.result()

    assert Witness(folder).newest(ORIGIN).size in {39, 40}


def test_one_waits_for_the_other(witness, folder, notes):
    """Whoever compares and writes is alone: another one waits until it is done."""
    with ThreadPoolExecutor(1) as pool:
        with Witness(folder)._locked():
            waiting = pool.submit(witness.accept, notes[9], KEYS)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.3)
            assert witness.newest(ORIGIN) is None
        assert waiting.result().size == 9

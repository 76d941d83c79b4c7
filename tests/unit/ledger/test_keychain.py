"""The chain of a ledger's keys: each vouches for the next, and no other can take its place."""

import pytest

from tallystick.canonical import canonical
from tallystick.errors import ConfigurationError, Tampered
from tallystick.ledger import Checkpoint, KeyChain, Signer, fsck, open_checkpoint
from tallystick.ledger.checkpoint import cosign_note, sign_checkpoint, sign_note

ORIGIN = "tallystick/test"
FIRST, SECOND, THIRD, STRANGER = (Signer(ORIGIN, bytes([number] * 32)) for number in range(1, 5))


@pytest.fixture
def chain():
    """Three keys: the first signs up to 9 entries, the second up to 19, the third from 20 on."""
    return KeyChain(FIRST.verifier).introduce(FIRST, SECOND, 10).introduce(SECOND, THIRD, 20)


def _link(*, form="tallystick-key/1", origin=ORIGIN, size="10", old=FIRST, new=SECOND, signers=(FIRST, SECOND)):
    text = f"{form}\n{origin}\n{size}\n{old.verifier.vkey}\n{new.verifier.vkey}\n"
    note = sign_note(text, signers[0])
    for signer in signers[1:]:
        note = cosign_note(note, signer)
    return note


@pytest.mark.parametrize(
    ("size", "key"), [(0, FIRST), (9, FIRST), (10, SECOND), (19, SECOND), (20, THIRD), (10**9, THIRD)]
)
def test_which_key_signs(chain, size, key):
    """Each size has one key, and its checkpoint is refused under the signature of any other key of the chain."""
    checkpoint = Checkpoint(ORIGIN, size, bytes(32))

    assert chain.at(size) == key.verifier
    assert open_checkpoint(sign_checkpoint(checkpoint, key), chain, ORIGIN) == checkpoint
    for other in {FIRST, SECOND, THIRD, STRANGER} - {key}:
        with pytest.raises(Tampered, match="no signature of"):
            open_checkpoint(sign_checkpoint(checkpoint, other), chain, ORIGIN)


def test_a_key_without_a_chain():
    """A key that was never followed signs every size, as a chain of one and alone."""
    assert KeyChain(FIRST.verifier).at(5) == FIRST.verifier.at(5) == FIRST.verifier


def test_a_key_followed_before_it_signed():
    """Of two keys that begin at one size, the later one signs."""
    chain = KeyChain(FIRST.verifier).introduce(FIRST, SECOND, 10).introduce(SECOND, THIRD, 10)

    assert [chain.at(9), chain.at(10)] == [FIRST.verifier, THIRD.verifier]


def test_the_file_of_a_chain(chain):
    """A chain comes back from its file, byte for byte."""
    assert KeyChain.parse(chain.encode(), "x").epochs == chain.epochs
    assert KeyChain.parse(chain.encode(), "x").encode() == chain.encode()


def test_every_byte_of_the_file(chain):
    """Whichever byte of the file is changed, it is refused, or it is the chain of another first key."""
    data = chain.encode()
    for place in range(len(data)):
        with pytest.raises(Tampered):
            KeyChain.parse(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :], "ledger.keys")


def test_one_chain_extends_another(chain):
    """A chain extends what it grew from, and no other chain."""
    shorter = KeyChain(FIRST.verifier, chain.links[:1])
    forked = shorter.introduce(SECOND, STRANGER, 20)

    assert chain.extends(chain)
    assert chain.extends(shorter)
    assert not shorter.extends(chain)
    assert not forked.extends(chain)
    assert not chain.extends(KeyChain(STRANGER.verifier))


@pytest.mark.parametrize(
    "link",
    [
        _link(form="tallystick-key/2"),
        _link(origin="tallystick/other"),
        _link(size="010"),
        _link(size="-1"),
        _link(size="1_0"),
        _link(size="\u0661"),
        _link(size="9" * 20),
        _link(size="9" * 5000),
        _link(size=""),
        _link(size="10\n"),
        _link(old=STRANGER),
        _link(new=FIRST, signers=[FIRST]),
        _link(new=Signer("tallystick/other", bytes(32)), signers=[FIRST, Signer("tallystick/other", bytes(32))]),
        _link(signers=[FIRST]),
        _link(signers=[SECOND]),
        _link(signers=[FIRST, STRANGER]),
        _link(signers=[STRANGER, SECOND]),
        _link().replace("10\n", "11\n"),
        sign_checkpoint(Checkpoint(ORIGIN, 10, bytes(32)), FIRST),
        "",
    ],
)
def test_links_that_lead_nowhere(link):
    """A note that is not signed by both keys, names others, or has another form introduces no key."""
    with pytest.raises(Tampered):
        KeyChain(FIRST.verifier, (link,))


def test_a_chain_that_goes_back():
    """A key that begins before the one it follows, and a key that comes back, are refused."""
    chain = KeyChain(FIRST.verifier).introduce(FIRST, SECOND, 10)
    with pytest.raises(ConfigurationError, match="from 9 entries on"):
        chain.introduce(SECOND, THIRD, 9)
    with pytest.raises(Tampered, match="cannot follow from size 9"):
        KeyChain(FIRST.verifier, (*chain.links, _link(size="9", old=SECOND, new=THIRD, signers=[SECOND, THIRD])))
    with pytest.raises(Tampered, match="follows itself"):
        KeyChain(FIRST.verifier, (*chain.links, _link(size="10", old=SECOND, new=FIRST, signers=[SECOND, FIRST])))


@pytest.mark.parametrize(
    ("old", "new"), [(SECOND, THIRD), (FIRST, FIRST), (FIRST, Signer("tallystick/other", bytes(32)))]
)
def test_keys_that_cannot_be_introduced(old, new):
    """Only the newest key introduces another one, of its own name."""
    with pytest.raises(ConfigurationError, match="introduces another one of this name"):
        KeyChain(FIRST.verifier).introduce(old, new, 10)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        canonical({"first": FIRST.verifier.vkey, "format": "tallystick-keys/2", "links": []}),
        canonical({"first": "x", "format": "tallystick-keys/1", "links": []}),
        canonical({"first": FIRST.verifier.vkey, "format": "tallystick-keys/1", "links": [1]}),
        canonical({"first": FIRST.verifier.vkey, "format": "tallystick-keys/1", "links": [], "more": 1}),
    ],
)
def test_files_that_are_no_chain(data):
    """A file of another form is refused by its name."""
    with pytest.raises(Tampered) as caught:
        KeyChain.parse(data, "ledger.keys")

    assert caught.value.where == "ledger.keys"


def test_fsck_with_a_chain(engine, log, chain):
    """A ledger signed by key after key is sound under the chain, and under no single key of it."""
    for size, key in [(9, FIRST), (10, SECOND), (20, THIRD)]:
        with engine.begin() as connection:
            log.append(connection, [b"%d" % number for number in range(log.size, size)])
            log.checkpoint(connection, key)

    assert fsck(engine, ORIGIN, chain).findings == ()
    assert [finding.place for finding in fsck(engine, ORIGIN, FIRST.verifier).findings] == [
        "checkpoint 10",
        "checkpoint 20",
        "entries 9 to 19",
    ]


def test_fsck_finds_a_key_that_was_followed(engine, log, chain):
    """A checkpoint that the old key signed after it had been followed is a finding."""
    with engine.begin() as connection:
        log.append(connection, [b"%d" % number for number in range(12)])
        log.checkpoint(connection, FIRST)

    assert "no signature of" in str(fsck(engine, ORIGIN, chain).findings[0])

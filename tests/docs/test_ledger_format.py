"""The worked example of the ledger format page is recomputed, by hand and by the ledger itself."""

import base64
import hashlib
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import StaticPool, create_engine

from tallystick.canonical import canonical
from tallystick.database.schema import metadata
from tallystick.ledger import Checkpoint, KeyChain, Log, Signer, check_extends, fsck, open_checkpoint, verify_inclusion
from tallystick.ledger import checkpoint as checkpoint_module
from tallystick.ledger import keychain as keychain_module

PAGE = (Path(__file__).parents[2] / "docs" / "ledger-format.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
ORIGIN = "tallystick/example"
SEED = bytes(range(32))
SECOND_SEED = bytes(range(1, 33))
VALUES = [
    {"kind": "contract", "version": 1},
    {"kind": "claims", "count": 2},
    {"kind": "verdict", "status": "verified"},
]


def _sha256(data):
    return hashlib.sha256(data).digest()


def _lines(*hashes):
    return "".join(f"{data.hex()}\n" for data in hashes)


def _by_hand():
    """Give the blocks of the page as its text describes them, with nothing but a hash and a signature function."""
    entries = [
        b'{"kind":"contract","version":1}',
        b'{"count":2,"kind":"claims"}',
        b'{"kind":"verdict","status":"verified"}',
    ]
    leaves = [_sha256(b"\x00" + entry) for entry in entries]
    node = _sha256(b"\x01" + leaves[0] + leaves[1])
    root = _sha256(b"\x01" + node + leaves[2])
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    public = key.public_key().public_bytes_raw()
    key_hash = _sha256(ORIGIN.encode() + b"\n\x01" + public)[:4]
    notes = []
    for size, signed in [(2, node), (3, root)]:
        text = f"{ORIGIN}\n{size}\n{base64.b64encode(signed).decode()}\n"
        line = base64.b64encode(key_hash + key.sign(text.encode())).decode()
        notes.append(f"{text}\n— {ORIGIN} {line}\n")
    vkey = f"{ORIGIN}+{key_hash.hex()}+{base64.b64encode(bytes([1]) + public).decode()}\n"
    second = Ed25519PrivateKey.from_private_bytes(SECOND_SEED)
    public = second.public_key().public_bytes_raw()
    second_hash = _sha256(ORIGIN.encode() + b"\n\x01" + public)[:4]
    second_vkey = f"{ORIGIN}+{second_hash.hex()}+{base64.b64encode(bytes([1]) + public).decode()}\n"
    link = f"tallystick-key/1\n{ORIGIN}\n4\n{vkey}{second_vkey}"
    lines = [
        f"— {ORIGIN} {base64.b64encode(hashed + signs.sign(link.encode())).decode()}\n"
        for hashed, signs in [(key_hash, key), (second_hash, second)]
    ]
    return [
        "".join(f"{entry.decode()}\n" for entry in entries),
        _lines(*leaves),
        _lines(node),
        _lines(root),
        _lines(leaves[0], leaves[2]),
        _lines(leaves[2]),
        vkey,
        *notes,
        f"{link}\n{''.join(lines)}",
    ]


def test_the_example_by_hand():
    """Every block of the example is what the page says it is."""
    assert _by_hand() == BLOCKS


@pytest.fixture
def ledger():
    """The ledger of the example, signed at sizes 2 and 3."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)
    log, signer, notes = Log(engine, ORIGIN), Signer(ORIGIN, SEED), []
    for values in (VALUES[:2], VALUES[2:]):
        with engine.begin() as connection:
            log.append(connection, map(canonical, values))
            log.checkpoint(connection, signer)
        notes.append(log.latest_note())
    yield engine, log, signer, notes
    engine.dispose()


def test_the_example_by_the_ledger(ledger):
    """The ledger gives the entries, roots, proofs, verifier and notes of the example."""
    _, log, signer, notes = ledger

    assert "".join(f"{entry.decode()}\n" for entry in log.entries()) == BLOCKS[0]
    assert [_lines(log.root(size)) for size in (2, 3)] == BLOCKS[2:4]
    assert _lines(*log.inclusion_proof(1)) == BLOCKS[4]
    assert _lines(*log.consistency_proof(2)) == BLOCKS[5]
    assert [f"{signer.verifier.vkey}\n", *notes] == BLOCKS[6:9]


def test_the_example_verifies(ledger):
    """The proofs and notes of the page verify, and fsck of the example finds nothing."""
    engine, log, signer, _ = ledger
    proof = [bytes.fromhex(line) for line in BLOCKS[4].split()]
    step = [bytes.fromhex(line) for line in BLOCKS[5].split()]
    old, new = (open_checkpoint(note, signer.verifier, ORIGIN) for note in BLOCKS[7:9])

    verify_inclusion(canonical(VALUES[1]), index=1, size=3, proof=proof, root=new.root)
    check_extends(old, new, step)
    assert (old, new) == (Checkpoint(ORIGIN, 2, log.root(2)), Checkpoint(ORIGIN, 3, log.root(3)))
    assert fsck(engine, ORIGIN, signer.verifier).findings == ()


def test_the_rotation_of_the_example(ledger):
    """The chain of keys gives the note of the example, and its second key signs from size 4 on."""
    _, _, signer, _ = ledger
    second = Signer(ORIGIN, SECOND_SEED)
    chain = KeyChain(signer.verifier).introduce(signer, second, 4)

    assert list(chain.links) == BLOCKS[9:]
    assert [chain.at(3), chain.at(4)] == [signer.verifier, second.verifier]
    assert BLOCKS[9].partition("\n\n")[0] in re.sub(r"(?m)^    ", "", keychain_module.__doc__)


def test_the_module_shows_the_example():
    """The note in the documentation of the module is the example's."""
    shown = re.sub(r"(?m)^    ", "", checkpoint_module.__doc__)

    assert BLOCKS[7] in shown

"""The worked example of the bundle format page is recomputed, by hand and by the code that writes and reads bundles."""

import base64
import hashlib
import json
import re
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import StaticPool, create_engine

from tallystick.database.schema import metadata
from tallystick.ledger import Checkpoint, Keyring, KnownKey, Log, Signer
from tallystick.ledger.pruned import read_piece, verify_pruned, write_piece
from tallystick.statements.archive import Limits, open_archive
from tallystick.statements.archive_writer import ArchiveWriter
from tallystick.strictjson import DEEPEST

PAGE = (Path(__file__).parents[2] / "docs" / "bundle-format.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
SEED = bytes(range(32))
NAME = "acme/statements"
ENTRIES = [
    b'{"kind":"contract","version":1}',
    b'{"count":2,"kind":"claims"}',
    b'{"kind":"verdict","status":"verified"}',
]
MIMETYPE = b"application/vnd.tallystick.bundle+zip"


def _sha256(data):
    return hashlib.sha256(data).digest()


def _header(name, method, content, packed):
    sizes = struct.pack("<III", zlib.crc32(content), len(packed), len(content))
    return struct.pack("<5H", 20, 0, method, 0, 33) + sizes + struct.pack("<H", len(name))


def _by_hand():
    """Give the blocks of the page and the whole file as its text describes them, without any code of Tallystick."""
    leaves = [_sha256(b"\x00" + entry).hex() for entry in ENTRIES]
    pruned = (
        f'{{"hash":"{leaves[0]}","height":0,"start":0}}\n'
        f'{{"entry":{ENTRIES[1].decode()},"index":1,"leaf":"{leaves[1]}"}}\n'
        f'{{"hash":"{leaves[2]}","height":0,"start":2}}\n'
    ).encode()
    listed = f'{{"name":"ledger.jsonl","sha256":"{_sha256(pruned).hex()}","size":{len(pruned)}}}'
    manifest = f'{{"format":"tallystick-bundle/1","members":[{listed}]}}'.encode()
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    key_hash = _sha256(NAME.encode() + b"\n\x01" + key.public_key().public_bytes_raw())[:4]
    text = f"tallystick-bundle/1\n{_sha256(manifest).hex()}\n"
    note = f"{text}\n— {NAME} {base64.b64encode(key_hash + key.sign(text.encode())).decode()}\n"

    pack = zlib.compressobj(6, zlib.DEFLATED, -15)
    file, directory, headers = b"", b"", {}
    for name, method, content, packed in [
        (b"mimetype", 0, MIMETYPE, MIMETYPE),
        (b"ledger.jsonl", 8, pruned, pack.compress(pruned) + pack.flush()),
        (b"manifest.json", 0, manifest, manifest),
        (b"signatures.txt", 0, note.encode(), note.encode()),
    ]:
        fields = _header(name, method, content, packed)
        rest = struct.pack("<4HII", 0, 0, 0, 0, 0x81A40000, len(file))
        directory += b"PK\1\2" + struct.pack("<H", 788) + fields + rest + name
        headers[name] = b"PK\3\4" + fields + struct.pack("<H", 0) + name
        file += headers[name] + packed
    end = struct.pack("<4H2IH", 0, 0, 4, 4, len(directory), len(file), 64)
    file += directory + b"PK\5\6" + end
    file += _sha256(file).hex().encode()
    shown = [file[:75], headers[b"manifest.json"]]
    return [pruned.decode(), f"{manifest.decode()}\n", note, *(_wrapped(data) for data in shown)], file


def _wrapped(data):
    text = data.hex()
    return "".join(f"{text[at : at + 100]}\n" for at in range(0, len(text), 100))


@pytest.fixture
def bundle(tmp_path):
    """The bundle of the example, made from a ledger by the code."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)
    log = Log(engine, "tallystick/example")
    with engine.begin() as connection:
        log.append(connection, ENTRIES)
    with ArchiveWriter(tmp_path / "example.tally") as archive:
        archive.add_lines("ledger.jsonl", map(write_piece, log.prune([1], sizes=[2])))
        archive.seal([Signer(NAME, SEED)])
    yield tmp_path / "example.tally", [Checkpoint(log.origin, size, log.root(size)) for size in (2, 3)]
    engine.dispose()


def test_the_example_by_hand():
    """Every block of the example is what the page says it is."""
    assert _by_hand()[0] == BLOCKS


def test_the_example_by_the_writer(bundle):
    """The writer gives the file that the page describes, byte for byte."""
    assert bundle[0].read_bytes() == _by_hand()[1]


def test_the_example_by_the_reader(bundle):
    """The reader opens the file, the keyring its note, and its tree gives entry 1 under both checkpoints."""
    path, checkpoints = bundle
    ring = Keyring([KnownKey("buyer", Signer(NAME, SEED).verifier)])
    with open_archive(path) as archive:
        pieces = [read_piece(line, "x") for line in archive.lines("ledger.jsonl")]
        assert [signed.party for signed in ring.open(archive.note, 0)] == ["buyer"]
        assert archive.note == BLOCKS[2]

    assert list(verify_pruned(pieces, checkpoints)) == [(1, ENTRIES[1])]


def test_the_example_by_another_program(bundle):
    """The standard library reads the file and finds the members of the example in it."""
    with zipfile.ZipFile(bundle[0]) as file:
        assert file.testzip() is None
        assert file.read("ledger.jsonl").decode() == BLOCKS[0]
        assert f"{file.read('manifest.json').decode()}\n" == BLOCKS[1]
        assert file.read("signatures.txt").decode() == BLOCKS[2]


def test_verifying_by_the_page():
    """The steps of the page, followed without any code of Tallystick, give the roots of both sizes."""
    covered, stack, roots = 0, [], {}
    for line in BLOCKS[0].splitlines():
        piece = json.loads(line)
        assert piece.get("index", piece.get("start")) == covered
        height = piece.get("height", 0)
        stack.append((height, bytes.fromhex(piece.get("leaf") or piece["hash"])))
        covered += 1 << height
        while len(stack) > 1 and stack[-1][0] == stack[-2][0]:
            height, right = stack.pop()
            stack[-1] = (height + 1, _sha256(b"\x01" + stack[-1][1] + right))
        root = stack[-1][1]
        for _, left in reversed(stack[:-1]):
            root = _sha256(b"\x01" + left + root)
        roots[covered] = root.hex()

    ledger_page = (Path(__file__).parents[2] / "docs" / "ledger-format.md").read_text(encoding="utf-8")
    assert roots[2] in ledger_page
    assert roots[3] in ledger_page


def test_the_limits_of_the_page():
    """The limits that the page names are those of the code."""
    limits = Limits()

    assert (limits.members, limits.ratio, DEEPEST) == (1000, 200, 64)
    assert (limits.member, limits.total) == (3 << 30, 6 << 30)
    assert (limits.manifest, limits.signatures, limits.line) == (1 << 20, 1 << 16, 16 << 20)
    for shown in ("| 1000 |", "| 3 GiB, 6 GiB |", "| 200 times |", "| 1 MiB, 64 KiB |", "| 16 MiB |", "| 64 |"):
        assert shown in PAGE

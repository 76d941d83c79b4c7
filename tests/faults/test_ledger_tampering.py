"""Whatever is changed in the stored ledger, fsck finds it and says where."""

import base64
import sqlite3

import pytest
from sqlalchemy import StaticPool, create_engine
from sqlalchemy.exc import OperationalError

from tallystick.database.schema import metadata
from tallystick.ledger import Log, Signer, fsck
from tallystick.ledger.checkpoint import Checkpoint, sign_checkpoint
from tallystick.ledger.fsck import _Check
from tallystick.ledger.merkle import CompactRange, hash_leaf
from tallystick.ledger.tiles import TileWriter

ORIGIN = "tallystick/test"
SIGNER = Signer(ORIGIN, bytes(range(32)))
SIZES = [1, 2, 5, 7]
ENTRIES = [b'{"entry":%d}' % number for number in range(SIZES[-1])]
LARGE_SIZES = [100, 256, 300]
LARGE = [b"large %d" % number for number in range(LARGE_SIZES[-1])]


class Ledger:
    """A sound ledger in memory, its tables without triggers; what a test changes is rolled back after fsck."""

    def __init__(self, entries, sizes):
        self.raw = sqlite3.connect(":memory:")
        self.engine = create_engine("sqlite://", creator=lambda: self.raw, poolclass=StaticPool)
        metadata.create_all(self.engine)
        log = Log(self.engine, ORIGIN)
        start = 0
        for size in sizes:
            with self.engine.begin() as connection:
                log.append(connection, entries[start:size])
                log.checkpoint(connection, SIGNER)
            start = size

    def fsck(self, verifier=SIGNER.verifier):
        """Check, then undo what was changed."""
        try:
            return fsck(self.engine, ORIGIN, verifier)
        finally:
            self.raw.rollback()

    def change(self, *statements):
        """Run SQL statements, each with its parameters, and give the findings."""
        for sql, *parameters in statements:
            assert self.raw.execute(sql, parameters).rowcount != 0, sql
        return self.fsck().findings

    def rows(self, sql):
        """Give the rows of a query."""
        return self.raw.execute(sql).fetchall()


@pytest.fixture(scope="module")
def ledger():
    """Seven entries, signed at four sizes."""
    ledger = Ledger(ENTRIES, SIZES)
    yield ledger
    _sound(ledger, SIZES)
    ledger.engine.dispose()


@pytest.fixture(scope="module")
def large():
    """Three hundred entries: two tiles of leaves and one above them."""
    ledger = Ledger(LARGE, LARGE_SIZES)
    yield ledger
    _sound(ledger, LARGE_SIZES)
    ledger.engine.dispose()


def _sound(ledger, sizes):
    report = ledger.fsck()
    assert report.findings == ()
    assert (report.entries, report.checkpoints, report.unlisted) == (sizes[-1], len(sizes), 0)


def _places(findings):
    return {finding.place for finding in findings}


def _changes(data):
    """Give every version of the bytes with one byte flipped, left out, doubled or put in, and every truncation."""
    for place in range(len(data)):
        for bit in range(8):
            yield data[:place] + bytes([data[place] ^ (1 << bit)]) + data[place + 1 :]
        yield data[:place] + data[place + 1 :]
        yield data[:place] + b"\x00" + data[place:]
        yield data[:place] + data[place : place + 1] * 2 + data[place + 1 :]
        yield data[:place]
    yield data + b"\x00"
    yield data + data


def test_a_sound_ledger_has_no_findings(ledger):
    """A ledger that nobody touched is whole, and its root is the one of its entries."""
    report = ledger.fsck()

    _sound(ledger, SIZES)
    assert report.root == CompactRange(map(hash_leaf, ENTRIES)).root().hex()


@pytest.mark.parametrize("idx", range(len(ENTRIES)))
def test_every_change_of_an_entry_is_found(ledger, idx):
    """Any one byte of any entry flipped, deleted, inserted or cut off is found at that entry."""
    for changed in set(_changes(ENTRIES[idx])) - {ENTRIES[idx]}:
        findings = ledger.change(("UPDATE ledger_entry SET data = ? WHERE idx = ?", changed, idx))
        assert f"entry {idx}" in _places(findings)
        assert "checkpoint 7" in _places(findings)


@pytest.mark.parametrize("idx", range(len(ENTRIES)))
def test_a_deleted_entry_is_found(ledger, idx):
    """A deleted entry is named where it is missing; the last one by the checkpoint that counts it."""
    findings = ledger.change(("DELETE FROM ledger_entry WHERE idx = ?", idx))

    assert (f"entry {idx}" if idx < 6 else "checkpoint 7") in _places(findings)


@pytest.mark.parametrize("idx", range(len(ENTRIES)))
def test_a_closed_gap_is_found(ledger, idx):
    """An entry deleted and the later ones moved up is found where the order changed."""
    later = [("UPDATE ledger_entry SET idx = idx - 1 WHERE idx = ?", place) for place in range(idx + 1, len(ENTRIES))]
    findings = ledger.change(("DELETE FROM ledger_entry WHERE idx = ?", idx), *later)

    assert (f"entry {idx}" if idx < 6 else "tile 0/0") in _places(findings)


@pytest.mark.parametrize("idx", range(len(ENTRIES) + 1))
def test_an_inserted_entry_is_found(ledger, idx):
    """An entry put in anywhere, the later ones moved down, is found."""
    later = [
        ("UPDATE ledger_entry SET idx = idx + 1 WHERE idx = ?", place) for place in reversed(range(idx, len(ENTRIES)))
    ]
    findings = ledger.change(*later, ("INSERT INTO ledger_entry VALUES (?, ?)", idx, b"put in"))

    assert (f"entry {idx}" if idx < 7 else "tile 0/0") in _places(findings)
    assert "entry 7" in _places(findings)


def test_swapped_entries_are_found(ledger):
    """Any two entries exchanged are found at both places."""
    for first in range(len(ENTRIES)):
        for second in range(first + 1, len(ENTRIES)):
            swap = "UPDATE ledger_entry SET data = ? WHERE idx = ?"
            findings = ledger.change((swap, ENTRIES[second], first), (swap, ENTRIES[first], second))
            assert {f"entry {first}", f"entry {second}"} <= _places(findings)


def test_truncated_ledgers_are_found(ledger):
    """A ledger cut after any entry, its tiles cut with it, is found by the checkpoints it contradicts."""
    for size in range(len(ENTRIES)):
        hashes = b"".join(map(hash_leaf, ENTRIES[:size]))
        tile = ("UPDATE ledger_tile SET hashes = ?", hashes) if size else ("DELETE FROM ledger_tile",)
        findings = ledger.change(("DELETE FROM ledger_entry WHERE idx >= ?", size), tile)
        assert _places(findings) == {f"checkpoint {signed}" for signed in SIZES if signed > size}


def test_a_far_entry_is_found(ledger):
    """An entry far behind the last one is found without walking there, and so is one before the first."""
    insert = "INSERT INTO ledger_entry VALUES (?, ?)"

    assert "entries 7 to 999999999999" in _places(ledger.change((insert, 10**12, b"far")))
    assert "entry -1" in _places(ledger.change((insert, -1, b"before")))


@pytest.mark.parametrize("idx", [0, 3, 6])
def test_a_rewritten_past_is_found(ledger, idx):
    """An entry changed and all its hashes written anew is found by every checkpoint that covers it."""
    changed = [*ENTRIES[:idx], b"new past", *ENTRIES[idx + 1 :]]
    findings = ledger.change(
        ("UPDATE ledger_entry SET data = ? WHERE idx = ?", b"new past", idx),
        ("UPDATE ledger_tile SET hashes = ?", b"".join(map(hash_leaf, changed))),
    )

    assert _places(findings) == {f"checkpoint {size}" for size in SIZES if size > idx}


def test_an_unsigned_entry_is_found(ledger):
    """An entry appended with all its hashes, but without the key, is found to stand under no checkpoint."""
    findings = ledger.change(
        ("INSERT INTO ledger_entry VALUES (?, ?)", 7, b"unsigned"),
        ("UPDATE ledger_tile SET hashes = ?", b"".join(map(hash_leaf, [*ENTRIES, b"unsigned"]))),
    )

    assert [str(finding) for finding in findings] == ["entry 7: under no signed checkpoint"]


def test_every_change_of_a_small_tile_is_found(ledger):
    """Any one byte of the only tile flipped, deleted, inserted or cut off is found."""
    [[hashes]] = ledger.rows("SELECT hashes FROM ledger_tile")
    for changed in set(_changes(hashes)) - {hashes}:
        findings = ledger.change(("UPDATE ledger_tile SET hashes = ?", changed))
        assert any("tile 0/0" in str(finding) for finding in findings)


@pytest.mark.parametrize(("level", "idx"), [(0, 0), (0, 1), (1, 0)])
def test_changes_of_each_hash_are_found(large, level, idx):
    """Any hash of any tile changed is found: a leaf at its entry, a node at its tile."""
    [[hashes]] = large.rows(f"SELECT hashes FROM ledger_tile WHERE level = {level} AND idx = {idx}")
    for place in range(0, len(hashes), 32):
        at = place + place // 32 % 32
        changed = hashes[:at] + bytes([hashes[at] ^ 1]) + hashes[at + 1 :]
        where = "WHERE level = ? AND idx = ?"
        findings = large.change((f"UPDATE ledger_tile SET hashes = ? {where}", changed, level, idx))
        expected = f"entry {idx * 256 + place // 32}" if level == 0 else "tile 0/0"
        assert expected in _places(findings)


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("DELETE FROM ledger_tile", "tiles 0/0 to 1"),
        ("DELETE FROM ledger_tile WHERE level = 0 AND idx = 0", "tile 0/0"),
        ("DELETE FROM ledger_tile WHERE level = 0 AND idx = 1", "tile 0/1"),
        ("DELETE FROM ledger_tile WHERE level = 1", "tile 1/0"),
        ("UPDATE ledger_tile SET idx = 7 WHERE level = 0 AND idx = 0", "tile 0/7"),
        ("UPDATE ledger_tile SET level = 2 WHERE level = 1", "tile 2/0"),
        ("UPDATE ledger_tile SET level = -1 WHERE level = 1", "tile -1/0"),
        ("INSERT INTO ledger_tile VALUES (0, 2, x'00')", "tile 0/2"),
        ("INSERT INTO ledger_tile VALUES (3, 0, x'')", "tile 3/0"),
        ("UPDATE ledger_tile SET hashes = x'' WHERE level = 0 AND idx = 1", "tile 0/1"),
        ("UPDATE ledger_tile SET hashes = CAST(hashes || x'00' AS BLOB) WHERE level = 1", "tile 1/0"),
        ("UPDATE ledger_tile SET hashes = substr(hashes, 1, 8160) WHERE level = 0 AND idx = 0", "tile 0/0"),
        (
            "UPDATE ledger_tile SET hashes = (SELECT hashes FROM ledger_tile WHERE level = 1) WHERE idx = 1",
            "tile 0/1",
        ),
    ],
)
def test_tiles_that_do_not_belong(large, sql, place):
    """A tile missing, moved, added, emptied, grown, cut or copied from elsewhere is named."""
    assert place in _places(large.change((sql,)))


def test_swapped_tiles_are_found(large):
    """The hashes of two places of a tile exchanged are found at both entries."""
    [[hashes]] = large.rows("SELECT hashes FROM ledger_tile WHERE level = 0 AND idx = 1")
    swapped = hashes[32:64] + hashes[:32] + hashes[64:]
    findings = large.change(("UPDATE ledger_tile SET hashes = ? WHERE level = 0 AND idx = 1", swapped))

    assert _places(findings) == {"entry 256", "entry 257"}


def test_every_change_of_a_note_is_found(ledger):
    """Any one character of a note changed, deleted, inserted or cut off is found at that checkpoint."""
    [[note]] = ledger.rows("SELECT note FROM ledger_checkpoint WHERE size = 5")
    changes = {note + "\n", note + note, note.lower(), ""}
    for place in range(len(note)):
        changes |= {note[:place] + letter + note[place + 1 :] for letter in ("A", "0", "\n", "é")}
        changes |= {note[:place] + note[place + 1 :], note[:place] + "0" + note[place:], note[:place]}
    for changed in changes - {note}:
        findings = ledger.change(("UPDATE ledger_checkpoint SET note = ? WHERE size = 5", changed))
        assert _places(findings) == {"checkpoint 5"}


def test_every_change_of_a_root_is_found(ledger):
    """Any one byte of a stored root flipped, deleted, inserted or cut off is found at that checkpoint."""
    [[root]] = ledger.rows("SELECT root FROM ledger_checkpoint WHERE size = 5")
    for changed in set(_changes(root)) - {root}:
        findings = ledger.change(("UPDATE ledger_checkpoint SET root = ? WHERE size = 5", changed))
        assert _places(findings) == {"checkpoint 5"}


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        (("UPDATE ledger_checkpoint SET size = 4 WHERE size = 5",), "checkpoint 4"),
        (("UPDATE ledger_checkpoint SET size = -5 WHERE size = 5",), "checkpoint -5"),
        (("UPDATE ledger_checkpoint SET size = 10000000000 WHERE size = 5",), "checkpoint 10000000000"),
        (("UPDATE ledger_checkpoint SET size = 'many' WHERE size = 5",), "checkpoint many"),
        (("UPDATE ledger_checkpoint SET root = 'text' WHERE size = 5",), "checkpoint 5"),
        (("UPDATE ledger_checkpoint SET note = x'00' WHERE size = 5",), "checkpoint 5"),
        (
            ("UPDATE ledger_checkpoint SET note = (SELECT note FROM ledger_checkpoint WHERE size = 2) WHERE size = 5",),
            "checkpoint 5",
        ),
        (("DELETE FROM ledger_checkpoint WHERE size = 7",), "entries 5 to 6"),
        (("DELETE FROM ledger_checkpoint",), "entries 0 to 6"),
        (("UPDATE ledger_entry SET data = 'text' WHERE idx = 5",), "entry 5"),
        (("UPDATE ledger_tile SET hashes = 'text'",), "tile 0/0"),
        (("UPDATE ledger_tile SET idx = 'x'",), "tile 0/x"),
    ],
)
def test_rows_of_the_wrong_kind(ledger, statement, place):
    """A checkpoint moved, copied or deleted, and a value of another type anywhere, is named."""
    assert place in _places(ledger.change(statement))


def test_a_signed_fork_is_found(ledger):
    """A second checkpoint of one size, signed with the true key over another root, is found; the true one is not."""
    fork = Checkpoint(ORIGIN, 5, bytes(32))
    row = (fork.size, fork.root, sign_checkpoint(fork, SIGNER))
    findings = ledger.change(("INSERT INTO ledger_checkpoint VALUES (?, ?, ?)", *row))

    [finding] = findings
    assert finding.place == "checkpoint 5"
    assert bytes(32).hex() in finding.problem


def test_another_signature_is_found(ledger):
    """A checkpoint with a further signature line, or signed by another key, is found."""
    [[note]] = ledger.rows("SELECT note FROM ledger_checkpoint WHERE size = 5")
    text = note.split("\n\n")[0] + "\n"
    stranger = Signer("witness", bytes(32))
    line = f"— witness {base64.b64encode(stranger.verifier.key_hash + stranger.sign(text.encode())).decode()}\n"
    sql = "UPDATE ledger_checkpoint SET note = ? WHERE size = 5"

    for changed in (note + line, note + note.split("\n\n")[1], f"{text}\n{line}"):
        assert _places(ledger.change((sql, changed))) == {"checkpoint 5"}


def test_another_key_finds_nothing_signed(ledger):
    """With another verifier every checkpoint is a finding, and no entry is under a signed one."""
    findings = ledger.fsck(Signer(ORIGIN, bytes(32)).verifier).findings

    assert _places(findings) == {"entries 0 to 6", *(f"checkpoint {size}" for size in SIZES)}


def test_findings_are_limited(large):
    """Beyond a thousand findings the rest is counted."""
    large.raw.execute("UPDATE ledger_entry SET data = x'00'")
    large.raw.executemany("INSERT INTO ledger_tile VALUES (9, ?, x'')", [(number,) for number in range(1000)])
    report = large.fsck()

    assert len(report.findings) == 1000
    assert report.unlisted == len(LARGE) + len(LARGE_SIZES)


def test_an_unreadable_database_is_a_finding(ledger, monkeypatch):
    """Where the database itself fails, the report says so and keeps what was found before."""

    def fail(_check):
        raise OperationalError("SELECT", {}, sqlite3.DatabaseError("database disk image is malformed"))

    monkeypatch.setattr(_Check, "tiles", fail)
    [finding] = ledger.change(("UPDATE ledger_tile SET hashes = hashes",))

    assert str(finding) == "database: cannot be read past entry 6: database disk image is malformed"


def test_text_that_is_no_text_is_a_finding(ledger):
    """Bytes that the database cannot decode are a finding, not an exception."""
    findings = ledger.change(("UPDATE ledger_checkpoint SET note = CAST(x'ff' AS TEXT) WHERE size = 5",))

    assert "database" in _places(findings)


def test_fsck_of_nothing():
    """An empty ledger is sound; a tile in it is not."""
    ledger = Ledger([], [])

    assert ledger.fsck().findings == ()
    assert _places(ledger.change(("INSERT INTO ledger_tile VALUES (0, 0, x'')",))) == {"tile 0/0"}
    ledger.engine.dispose()


def test_fsck_writes_nothing(ledger):
    """Checking leaves the database as it is, findings or not."""
    before = list(ledger.raw.iterdump())
    ledger.change(("UPDATE ledger_tile SET hashes = x'00'",))

    assert list(ledger.raw.iterdump()) == before


def test_a_repaired_tree_is_sound_again(large):
    """Tiles follow from the entries: written anew from them, the ledger is sound."""
    before = large.rows("SELECT * FROM ledger_tile ORDER BY level, idx")
    large.raw.execute("DELETE FROM ledger_tile")
    large.raw.commit()
    with large.engine.begin() as connection:
        writer = TileWriter(connection, 0)
        writer.extend(map(hash_leaf, LARGE))
        writer.flush()

    assert large.rows("SELECT * FROM ledger_tile ORDER BY level, idx") == before

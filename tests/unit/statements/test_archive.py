"""The file of a bundle: the same content gives the same bytes, and a reader gets it back."""

import hashlib
import io
import json
import random
import resource
import zipfile
from pathlib import Path

import pytest

from tallystick.canonical import canonical
from tallystick.errors import ConfigurationError, InputError, StorageError, Tampered
from tallystick.ledger import Signer
from tallystick.ledger.checkpoint import open_note, split_note
from tallystick.statements import archive as archive_module
from tallystick.statements import archive_writer as writer_module
from tallystick.statements.archive import Limits, open_archive
from tallystick.statements.archive_layout import MIMETYPE
from tallystick.statements.archive_writer import ArchiveWriter, countersign_archive

BUYER = Signer("acme/statements", bytes(range(32)))
VENDOR = Signer("uptime-ai/billing", bytes(range(1, 33)))
LINES = [canonical({"claim": f"CL-{number}", "minutes": number}) for number in range(500)]


def _write(path, *, lines=LINES, signers=(BUYER,)):
    with ArchiveWriter(path) as archive:
        archive.add("statement.json", canonical({"total": "12.50"}))
        archive.add_lines("ledger/claims.jsonl", lines)
        archive.add("empty", b"")
        return archive.seal(signers)


@pytest.fixture
def path(tmp_path):
    """Where the archive goes."""
    return tmp_path / "2026-10.tally"


def test_content_comes_back(path):
    """Every member is read back as it was written, as bytes, lines and values."""
    digest = _write(path)

    with open_archive(path) as archive:
        assert [member.name for member in archive.members] == ["statement.json", "ledger/claims.jsonl", "empty"]
        assert archive.json("statement.json") == {"total": "12.50"}
        assert list(archive.lines("ledger/claims.jsonl")) == LINES
        assert list(archive.json_lines("ledger/claims.jsonl"))[7] == {"claim": "CL-7", "minutes": 7}
        assert archive.read("empty") == b""
        assert archive.digest == digest


def test_the_same_content_gives_the_same_bytes(tmp_path):
    """Two archives of the same content are the same file, however the content was cut on its way."""
    whole = b"".join(line + b"\n" for line in LINES) * 40
    for name, step in [("one", 997), ("two", 70_000), ("three", len(whole))]:
        with ArchiveWriter(tmp_path / name) as archive:
            archive.add_chunks("claims.jsonl", (whole[at : at + step] for at in range(0, len(whole), step)))
            archive.seal([BUYER])

    assert len({(tmp_path / name).read_bytes() for name in ("one", "two", "three")}) == 1


def test_other_programs_read_it(path):
    """The file is a ZIP file to the standard library, with nothing in it that depends on when and where it was made."""
    _write(path)

    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        assert file.namelist() == [
            "mimetype",
            "statement.json",
            "ledger/claims.jsonl",
            "empty",
            "manifest.json",
            "signatures.txt",
        ]
        assert {info.date_time for info in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.external_attr for info in file.infolist()} == {0o100644 << 16}
        assert file.read("mimetype") == MIMETYPE
        manifest = json.loads(file.read("manifest.json"))
        assert [(m["sha256"], m["size"]) for m in manifest["members"]] == [
            (hashlib.sha256(data).hexdigest(), len(data)) for data in map(file.read, file.namelist()[1:4])
        ]


def test_the_signature_stands_under_the_manifest(path):
    """The note names the format and the digest of the manifest, and is signed by whoever made the archive."""
    digest = _write(path)

    with open_archive(path) as archive:
        assert open_note(archive.note, BUYER.verifier) == f"tallystick-bundle/1\n{digest}\n"


def test_countersigning(path, tmp_path):
    """A countersignature adds a line, and changes nothing before the signatures."""
    _write(path)
    before = path.read_bytes()
    with open_archive(path) as archive:
        assert countersign_archive(archive, VENDOR, path)
    with open_archive(path) as archive:
        assert open_note(archive.note, BUYER.verifier) == open_note(archive.note, VENDOR.verifier)
        assert [line.name for line in split_note(archive.note)[1]] == [BUYER.name, VENDOR.name]
        assert archive.json("statement.json") == {"total": "12.50"}
    assert path.read_bytes()[: before.rindex(b"PK\3\4")] == before[: before.rindex(b"PK\3\4")]
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_countersigning_twice(path):
    """Signing again with the same key changes no byte, and says that nothing was missing."""
    _write(path, signers=[BUYER, VENDOR])
    before = path.read_bytes()
    with open_archive(path) as archive:
        assert not countersign_archive(archive, VENDOR, path)

    assert path.read_bytes() == before


def test_both_ways_to_two_signatures(path, tmp_path):
    """An archive countersigned later is the same as one signed by both at once."""
    _write(path)
    with open_archive(path) as archive:
        countersign_archive(archive, VENDOR, path)
    _write(tmp_path / "both", signers=[BUYER, VENDOR])

    assert path.read_bytes() == (tmp_path / "both").read_bytes()


def test_a_bundle_is_never_written_over(path, tmp_path):
    """Making another bundle under a name that exists is refused, and the file stays; making the same one is nothing."""
    _write(path)
    before = path.read_bytes()
    _write(path)
    with pytest.raises(ConfigurationError, match="not written over"):
        _write(path, lines=LINES[1:])

    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_nothing_is_left_of_a_broken_attempt(path, tmp_path):
    """When making an archive fails, or it is not sealed, no file is left."""
    with pytest.raises(ValueError, match="no newline"), ArchiveWriter(path) as archive:
        archive.add_lines("claims.jsonl", [b"1", b"2\n"])
    with ArchiveWriter(path) as archive:
        archive.add("a", b"")

    assert list(tmp_path.iterdir()) == []


def test_no_room(path):
    """Where the file cannot be written the error says so."""
    with pytest.raises(StorageError, match="cannot be written"), ArchiveWriter(path / "missing" / "x"):
        pass


@pytest.mark.parametrize("name", ["", "../x", "/x", "A", "a\\b", "c:x", "x/", "manifest.json", "signatures.txt", "é"])
def test_names_that_no_member_may_have(path, name):
    """A name that leads elsewhere, differs between systems or is taken is refused on writing."""
    with ArchiveWriter(path) as archive, pytest.raises(ValueError, match="cannot name a member"):
        archive.add(name, b"")


def test_misuse_on_writing(path):
    """A name twice, a line with a newline, an empty line and a bundle that nobody signs are refused."""
    with ArchiveWriter(path) as archive:
        archive.add("a", b"")
        with pytest.raises(ValueError, match="already"):
            archive.add("a", b"")
        with pytest.raises(ValueError, match="no newline"):
            archive.add_lines("b", [b"1\n2"])
        with pytest.raises(ValueError, match="no newline"):
            archive.add_lines("c", [b""])
        with pytest.raises(ValueError, match="signed by whoever"):
            archive.seal([])
        archive.seal([BUYER])
    with open_archive(path) as archive:
        assert [member.name for member in archive.members] == ["a"]


def test_what_is_no_bundle(tmp_path):
    """A missing file, a folder, an empty file, a text and a foreign ZIP file are wrong input, not tampering."""
    foreign = io.BytesIO()
    with zipfile.ZipFile(foreign, "w") as file:
        file.writestr("statement.json", b"{}")
    (tmp_path / "folder").mkdir()
    for name, data in [("empty", b""), ("text", b"claim_id,outcome\n" * 99), ("zip", foreign.getvalue())]:
        (tmp_path / name).write_bytes(data)
    for name in ("missing", "folder", "empty", "text", "zip"):
        with pytest.raises(InputError) as caught:
            open_archive(tmp_path / name)
        assert caught.value.exit_code == 2
        assert str(tmp_path / name) in str(caught.value.where)


def test_a_member_that_is_not_there(path):
    """Asking for a member that the bundle does not have names it."""
    _write(path)
    with open_archive(path) as archive, pytest.raises(Tampered, match=r"terms.json: the bundle has no such member"):
        archive.read("terms.json")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"1\n\n2\n", "lines:2: the line is empty"),
        (b"1\n2", "lines:2: the last line is not ended"),
        (b"1\n" + b"2" * 21 + b"\n", "lines:2: the line is too long"),
        (b"1\n" + b"2" * 21, "lines:2: the line is too long"),
    ],
)
def test_lines_that_are_none(path, data, message):
    """An empty line, a line beyond the limit and a last line without its end are named by their number."""
    with ArchiveWriter(path) as archive:
        archive.add("lines", data)
        archive.seal([BUYER])
    with open_archive(path, Limits(line=20)) as archive, pytest.raises(Tampered, match=message):
        list(archive.lines("lines"))


def test_json_that_is_not_canonical(path):
    """A value spelled in another way is named by member and line."""
    with ArchiveWriter(path) as archive:
        archive.add("a.json", b'{"b":1.0}')
        archive.add("b.jsonl", b'1\n{"a":1,"a":1}\n')
        archive.seal([BUYER])
    with open_archive(path) as archive:
        with pytest.raises(Tampered, match=r"a\.json: .*point"):
            archive.json("a.json")
        with pytest.raises(Tampered, match=r"b\.jsonl:2: .*twice"):
            list(archive.json_lines("b.jsonl"))


def test_content_that_packs_well(path):
    """Content that unpacks to many times its packed bytes comes back whole, piece after piece."""
    content = b"\0" * 5_000_000
    with ArchiveWriter(path) as archive:
        archive.add("zeros", content)
        archive.seal([BUYER])
    with open_archive(path, Limits(ratio=2000)) as archive:
        assert max(map(len, archive.chunks("zeros"))) <= 1 << 20
        assert archive.read("zeros") == content


def test_a_bundle_beyond_4_gib(path, tmp_path, monkeypatch):
    """A bundle that would be too large for its format is refused while it is written, and leaves nothing."""
    monkeypatch.setattr(writer_module, "LARGEST_FILE", 1000)
    with ArchiveWriter(path) as archive, pytest.raises(StorageError, match="greater than 4 GiB"):
        archive.add("a", b"\0" * 1001)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["fsync", "link"])
def test_a_full_disk(path, tmp_path, monkeypatch, step):
    """Where the disk is full at the end, the error says so and nothing is left."""

    def full(*_):
        raise OSError(28, "No space left on device")

    with ArchiveWriter(path) as archive:
        archive.add("a", b"")
        monkeypatch.setattr(writer_module.os, step, full)
        with pytest.raises(StorageError, match="No space left on device"):
            archive.seal([BUYER])

    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_while_writing(path, tmp_path):
    """Where the disk is full on the way, the error says so and nothing is left."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    with ArchiveWriter(path) as archive:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limit[1]))
        try:
            with pytest.raises(StorageError, match="cannot be written"):
                archive.add("a", random.Random(1).randbytes(1_000_000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)

    assert list(tmp_path.iterdir()) == []


def test_countersigning_into_no_folder(path, tmp_path):
    """Where the countersigned file cannot be put, the error says so and the first one stays."""
    _write(path)
    before = path.read_bytes()
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    with open_archive(path) as archive, pytest.raises(StorageError, match="cannot be written"):
        countersign_archive(archive, VENDOR, tmp_path / "folder")

    assert path.read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == [path.name, "folder"]


def test_writing_outside_of_with(path):
    """An archive is written between entering and leaving."""
    archive = ArchiveWriter(path)
    with pytest.raises(ValueError, match="not open"):
        archive.add("a", b"")


def test_a_device_is_no_bundle():
    """What is no regular file is refused."""
    with pytest.raises(InputError, match="not a file"):
        open_archive(Path("/dev/null"))


def test_a_file_that_cannot_be_read(path, monkeypatch):
    """A disk that fails under a bundle is an error that names the file, and the file is closed."""
    _write(path)

    def fail(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(archive_module.Archive, "verify", fail)
    with pytest.raises(InputError, match="Input/output error"):
        open_archive(path)

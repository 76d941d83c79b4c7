"""A bundle made or changed by somebody who means harm: every change is found, named, and does nothing."""

import hashlib
import struct
import zlib
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.canonical import canonical
from tallystick.errors import InputError, Tampered
from tallystick.ledger import Signer
from tallystick.ledger.checkpoint import sign_note
from tallystick.statements.archive import Limits, open_archive
from tallystick.statements.archive_layout import MIMETYPE, note_text
from tallystick.statements.archive_writer import ArchiveWriter

SIGNER = Signer("acme/statements", bytes(range(32)))
CONTENT = {"statement.json": b'{"total":"12.50"}', "claims.jsonl": b'{"claim":"CL-1"}\n{"claim":"CL-2"}\n' * 3}
LOCAL = ("sig", "version", "flags", "method", "time", "date", "crc", "packed", "size", "name_length", "extra_length")
CENTRAL = (
    *("sig", "made_by", *LOCAL[1:]),
    *("comment_length", "disk", "internal", "external", "offset"),
)


@dataclass
class Part:
    """A member of a forged file: its fields by name, its name, and what stands around it."""

    name: bytes
    content: bytes
    method: int = 8
    packed: bytes | None = None
    local: dict = field(default_factory=dict)
    central: dict = field(default_factory=dict)
    local_name: bytes | None = None
    extra: bytes = b""
    before: bytes = b""

    def __post_init__(self):
        """Pack the content unless it comes packed."""
        if self.packed is None:
            pack = zlib.compressobj(6, zlib.DEFLATED, -15)
            self.packed = pack.compress(self.content) + pack.flush() if self.method else self.content

    def fields(self, offset):
        """Give the fields as Tallystick writes them."""
        crc, sizes = zlib.crc32(self.content), {"packed": len(self.packed), "size": len(self.content)}
        fixed = {"version": 20, "flags": 0, "method": self.method, "time": 0, "date": 33, "crc": crc, **sizes}
        more = {"made_by": 3 << 8 | 20, "comment_length": 0, "disk": 0, "internal": 0, "external": 0o100644 << 16}
        lengths = {"name_length": len(self.name), "extra_length": len(self.extra), "offset": offset}
        return {**fixed, **more, **lengths}


def _parts(content=CONTENT, *, manifest=None, note=None, more=()):
    """Give the parts of a file as Tallystick writes it, apart from what is handed in."""
    listed = [{"name": n, "sha256": hashlib.sha256(d).hexdigest(), "size": len(d)} for n, d in content.items()]
    if manifest is None:
        manifest = canonical({"format": "tallystick-bundle/1", "members": listed})
    if note is None:
        note = sign_note(note_text(hashlib.sha256(manifest).hexdigest()), SIGNER).encode()
    members = [Part(name.encode(), data) for name, data in content.items()]
    last = [Part(b"manifest.json", manifest, 0), Part(b"signatures.txt", note, 0)]
    return [Part(b"mimetype", MIMETYPE, 0), *members, *more, *last]


def _assemble(parts, *, end=None, between=b"", checksum=None):
    """Give the file of the parts, with its checksum computed anew: what an attacker can do."""
    data, directory = b"", b""
    for part in parts:
        data += part.before
        fields = part.fields(len(data))
        local = {**fields, "sig": b"PK\3\4", **part.local}
        central = {**fields, "sig": b"PK\1\2", **part.central}
        data += struct.pack("<4s5H3I2H", *(local[name] for name in LOCAL))
        data += (part.name if part.local_name is None else part.local_name) + part.extra + part.packed
        directory += struct.pack("<4s6H3I5H2I", *(central[name] for name in CENTRAL)) + part.name + part.extra
    count, offset = len(parts), len(data) + len(between)
    ends = {"disk": 0, "first": 0, "here": count, "all": count, "size": len(directory), "offset": offset, "comment": 64}
    data += between + directory + struct.pack("<4s4H2IH", b"PK\5\6", *{**ends, **(end or {})}.values())
    return data + (hashlib.sha256(data).hexdigest().encode() if checksum is None else checksum)


def _resealed(data):
    return data[:-64] + hashlib.sha256(data[:-64]).hexdigest().encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder for files that live as long as one attempt."""
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def genuine(folder):
    """The bytes of a small archive as Tallystick writes it."""
    with ArchiveWriter(folder / "genuine") as archive:
        for name, data in CONTENT.items():
            archive.add(name, data)
        archive.seal([SIGNER])
    return (folder / "genuine").read_bytes()


@pytest.fixture(scope="module")
def read(folder):
    """Write bytes to a file, open it as an archive, and give its whole content; an error is all else it may do."""

    def read(data, limits=Limits()):  # noqa: B008 - frozen
        (folder / "attempt").write_bytes(data)
        with open_archive(folder / "attempt", limits) as archive:
            return {member.name: archive.read(member.name) for member in archive.members}

    return read


def _refused(read, data):
    try:
        read(data)
    except (Tampered, InputError) as error:
        return error.message != "" and error.hint != ""
    return False


def test_the_forger_knows_the_format(genuine, read):
    """The forger of these tests writes the same bytes as Tallystick, so that what it changes is all that differs."""
    assert _assemble(_parts()) == genuine
    assert read(genuine) == CONTENT


@pytest.mark.slow
def test_every_bit_of_every_byte(genuine, read):
    """Whichever bit of the file is flipped, the file is refused."""
    missed = [
        (place, bit)
        for place in range(len(genuine))
        for bit in range(8)
        if not _refused(read, genuine[:place] + bytes([genuine[place] ^ 1 << bit]) + genuine[place + 1 :])
    ]
    assert missed == []


@pytest.mark.slow
def test_every_bit_with_the_checksum_made_right(genuine, read):
    """Where a forger mends the checksum too, a flipped bit is refused or changes no content."""
    for place in range(len(genuine) - 64):
        for bit in range(8):
            forged = _resealed(genuine[:place] + bytes([genuine[place] ^ 1 << bit]) + genuine[place + 1 :])
            try:
                found = read(forged)
            except (Tampered, InputError):
                continue
            # A signature that does not fit is the keyring's to find.
            note = genuine.index(b"tallystick-bundle/1\n") <= place < genuine.index(b"PK\1\2")
            assert found == CONTENT
            assert note or genuine.index(b"statement.json") < place < genuine.index(b"manifest.json")


def test_every_truncation(genuine, read):
    """Wherever the file is cut, it is refused."""
    assert all(_refused(read, genuine[:length]) for length in range(len(genuine)))


def test_every_byte_lost_or_doubled(genuine, read):
    """Whichever byte is lost or stands twice, the file is refused."""
    for place in range(len(genuine)):
        assert _refused(read, genuine[:place] + genuine[place + 1 :])
        assert _refused(read, genuine[: place + 1] + genuine[place:])


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_any_splice(genuine, read, data):
    """Whatever span is cut out, repeated or replaced, with the checksum mended or not, content never changes."""
    start = data.draw(st.integers(0, len(genuine)))
    end = data.draw(st.integers(start, len(genuine)))
    filling = data.draw(st.binary(max_size=40) | st.just(genuine[start:end] * 2))
    forged = genuine[:start] + filling + genuine[end:]
    if data.draw(st.booleans()):
        forged = _resealed(forged)
    try:
        found = read(forged)
    except (Tampered, InputError):
        return
    assert found == CONTENT


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes(genuine, read, data, prefixed):
    """Bytes of any kind, alone or behind the head of a bundle, are refused."""
    assert _refused(read, genuine[:75] + data if prefixed else data)


def _changed(name, **change):
    """Give the parts with one of them changed."""
    parts = _parts()
    for part in parts:
        if part.name == name:
            for key, value in change.items():
                setattr(part, key, value)
    return parts


def _renamed(name):
    return _parts({name: b"{}", **CONTENT})


def _endless(content):
    """Pack content so that all of it comes out, without the mark that it ends."""
    pack = zlib.compressobj(6, zlib.DEFLATED, -15)
    return pack.compress(content) + pack.flush(zlib.Z_SYNC_FLUSH)


STATEMENT = b"statement.json"
CASES = {
    "prefix": (b"MZ" + _assemble(_parts()), "does not fit what stands before it"),
    "behind": (_assemble(_parts()) + b"x", "has no end"),
    "comment": (_assemble(_parts(), end={"comment": 70}, checksum=b"a" * 70), "no bundle|has no end"),
    "checksum": (_assemble(_parts(), checksum=b"0" * 64), "bytes of the file were changed"),
    "traversal": (_assemble(_renamed("../../etc/passwd")), r"has the name '\.\./\.\./etc/passwd'"),
    "inner traversal": (_assemble(_renamed("a/../b")), "leads elsewhere"),
    "absolute": (_assemble(_renamed("/etc/passwd")), "leads elsewhere"),
    "backslash": (_assemble(_renamed("a\\b")), "leads elsewhere"),
    "drive": (_assemble(_renamed("c:/windows")), "leads elsewhere"),
    "upper case": (_assemble(_renamed("Statement.json")), "leads elsewhere"),
    "not ascii": (_assemble(_renamed("st\u0430tement.json")), "leads elsewhere"),
    "nul": (_assemble(_renamed("a\0b")), "leads elsewhere"),
    "no name": (_assemble(_renamed("")), "leads elsewhere"),
    "long name": (_assemble(_renamed("a" * 201)), "leads elsewhere|too long"),
    "folder name": (_assemble(_renamed("folder/")), "leads elsewhere"),
    "folder": (_assemble(_changed(STATEMENT, central={"external": 0o40755 << 16})), "statement.json: .* a folder"),
    "dos folder": (_assemble(_changed(STATEMENT, central={"external": 0x10})), "statement.json: .* a folder"),
    "symlink": (_assemble(_changed(STATEMENT, central={"external": 0o120777 << 16})), "a symbolic link"),
    "executable": (_assemble(_changed(STATEMENT, central={"external": 0o100755 << 16})), "does not write"),
    "encrypted": (_assemble(_changed(STATEMENT, local={"flags": 1}, central={"flags": 1})), "is encrypted"),
    "encrypted before": (_assemble(_changed(STATEMENT, local={"flags": 1})), "not the one in the directory"),
    "descriptor": (_assemble(_changed(STATEMENT, local={"flags": 8}, central={"flags": 8})), "does not write"),
    "method": (_assemble(_changed(STATEMENT, local={"method": 12}, central={"method": 12})), "packed by method 12"),
    "stored": (
        _assemble(_changed(STATEMENT, method=0, packed=CONTENT["statement.json"])),
        "packed by method 0, not 8",
    ),
    "date": (_assemble(_changed(STATEMENT, local={"date": 34}, central={"date": 34})), "does not write"),
    "zip64 size": (_assemble(_changed(STATEMENT, central={"size": 0xFFFFFFFF})), "greater than 4 GiB"),
    "zip64 packed": (_assemble(_changed(STATEMENT, central={"packed": 0xFFFFFFFF})), "greater than 4 GiB"),
    "zip64 offset": (_assemble(_changed(STATEMENT, central={"offset": 0xFFFFFFFF})), "greater than 4 GiB"),
    "zip64 extra": (_assemble(_changed(STATEMENT, extra=b"\1\0\0\0")), "extra fields"),
    "zip64 version": (_assemble(_changed(STATEMENT, central={"version": 45})), "does not write"),
    "zip64 count": (_assemble(_parts(), end={"here": 65535, "all": 65535}), "claims 65535 members"),
    "zip64 directory": (_assemble(_parts(), end={"offset": 0xFFFFFFFF}), "does not fit"),
    "disks": (_assemble(_parts(), end={"disk": 1}), "does not fit"),
    "count": (_assemble(_parts(), end={"here": 4, "all": 4}), "belong to no member"),
    "counts": (_assemble(_parts(), end={"here": 4}), "does not fit"),
    "count above": (_assemble(_parts(), end={"here": 6, "all": 6}), "ends in the middle"),
    "directory too long": (_assemble(_parts(), end={"here": 1, "all": 1}), "too long for 1"),
    "local name": (_assemble(_changed(STATEMENT, local_name=b"statement.txt.")), "not the one in the directory"),
    "local size": (_assemble(_changed(STATEMENT, local={"size": 1})), "statement.json: .* not the one"),
    "local crc": (_assemble(_changed(STATEMENT, local={"crc": 1})), "statement.json: .* not the one"),
    "crc": (_assemble(_changed(STATEMENT, local={"crc": 1}, central={"crc": 1})), "checksum of its header"),
    "gap": (_assemble(_changed(STATEMENT, before=b"hidden")), "statement.json: .*does not begin where"),
    "gap before directory": (_assemble(_parts(), between=b"hidden"), "belong to no member"),
    "overlap": (_assemble(_changed(b"claims.jsonl", central={"offset": 75})), "claims.jsonl: .*or shared"),
    "twice": (_assemble(_parts(more=[Part(STATEMENT, b"{}")])), "statement.json: .* twice"),
    "extra member": (_assemble(_parts(more=[Part(b"more.json", b"{}")])), "more.json: the manifest does not list it"),
    "missing member": (
        _assemble([part for part in _parts() if part.name != STATEMENT]),
        "statement.json: .* it is missing",
    ),
    "order": (_assemble([*_parts()[:1], *_parts()[2:0:-1], *_parts()[3:]]), "claims.jsonl: .*another order"),
    "no manifest": (_assemble([*_parts()[:3], _parts()[4]]), "ends with manifest.json and signatures.txt"),
    "no signatures": (_assemble(_parts()[:-1]), "ends with manifest.json and signatures.txt"),
    "only signatures": (_assemble([_parts()[0], _parts()[-1]]), "ends with manifest.json and signatures.txt"),
    "nothing": (_assemble([]), "begins with mimetype"),
    "signatures first": (_assemble([*_parts()[:3], _parts()[4], _parts()[3]]), "ends with manifest.json"),
    "mimetype": (_assemble([Part(b"mimetype", MIMETYPE[:-1] + b"q", 0), *_parts()[1:]]), "does not say application"),
    "short mimetype": (_assemble([Part(b"mimetype", b"x", 0), *_parts()[1:]]), "does not say application"),
    "content": (_assemble(_changed(STATEMENT, content=b'{"total":"92.50"}')), "statement.json: .*"),
    "other content": (
        _assemble([*_parts(CONTENT)[:1], Part(STATEMENT, b'{"total":"92.50"}'), *_parts(CONTENT)[2:]]),
        "statement.json: the content was changed",
    ),
    "size in the manifest": (
        _assemble([*_parts(CONTENT)[:1], Part(STATEMENT, b'{"total":"912.50"}'), *_parts(CONTENT)[2:]]),
        "statement.json: it has 18 bytes",
    ),
    "garbage": (_assemble(_changed(STATEMENT, packed=b"\xff" * 19)), "statement.json: .*cannot be unpacked"),
    "no end of content": (
        _assemble(_changed(STATEMENT, packed=_endless(CONTENT["statement.json"]))),
        "statement.json: the packed content has no end",
    ),
    "bytes behind content": (
        _assemble(_changed(STATEMENT, packed=Part(b"x", CONTENT["statement.json"]).packed + b"\0")),
        "statement.json: bytes follow",
    ),
    "more than claimed": (
        _assemble(_changed(STATEMENT, packed=Part(b"x", b"x" * 5000).packed)),
        "statement.json: it holds more than the 17 bytes",
    ),
    "less than claimed": (
        _assemble(_changed(STATEMENT, packed=Part(b"x", b"x" * 16).packed)),
        "statement.json: it holds 16 bytes where it claims 17",
    ),
    "stored with two sizes": (
        _assemble(_changed(b"manifest.json", local={"size": 9}, central={"size": 9})),
        "manifest.json: .*two sizes",
    ),
    "manifest: no json": (_assemble(_parts(manifest=b"{")), "manifest.json: this is not JSON"),
    "manifest: key twice": (
        _assemble(_parts(manifest=b'{"format":"tallystick-bundle/1","format":"tallystick-bundle/1","members":[]}')),
        "manifest.json: .*twice",
    ),
    "manifest: float": (
        _assemble(_parts(manifest=b'{"format":"tallystick-bundle/1","members":[{"name":"a","sha256":"","size":1.0}]}')),
        "manifest.json: .*point",
    ),
    "manifest: other version": (
        _assemble(_parts(manifest=canonical({"format": "tallystick-bundle/2", "members": []}))),
        "manifest.json: .*this version reads",
    ),
    "manifest: more keys": (
        _assemble(_parts(manifest=canonical({"format": "tallystick-bundle/1", "members": [], "more": 1}))),
        "manifest.json: .*more",
    ),
    "manifest: a member twice": (
        _assemble(
            _parts(
                manifest=canonical(
                    {
                        "format": "tallystick-bundle/1",
                        "members": [
                            {"name": name, "sha256": "0" * 64, "size": 1}
                            for name in ("statement.json", "statement.json", "claims.jsonl")
                        ],
                    }
                )
            )
        ),
        "another order",
    ),
    "manifest: no hash": (
        _assemble(
            _parts(
                manifest=canonical(
                    {
                        "format": "tallystick-bundle/1",
                        "members": [
                            {"name": name, "sha256": "0" * 63, "size": len(data)} for name, data in CONTENT.items()
                        ],
                    }
                )
            )
        ),
        "statement.json: .* SHA-256 is none",
    ),
    "signatures: none": (_assemble(_parts(note=b"")), "signatures.txt: a signed note is"),
    "signatures: not utf-8": (_assemble(_parts(note=b"\xff")), "signatures.txt: this is not UTF-8"),
    "signatures: other manifest": (
        _assemble(_parts(note=sign_note(note_text("0" * 64), SIGNER).encode())),
        "signatures.txt: .*another one",
    ),
    "signatures: too large": (_assemble(_parts(note=b"x" * 70_000)), "signatures.txt: it claims 70000 bytes"),
    "manifest: too large": (_assemble(_parts(manifest=b"x" * 1_100_000)), "manifest.json: it claims 1100000 bytes"),
}


@pytest.mark.parametrize(("data", "message"), CASES.values(), ids=CASES)
def test_each_attack(read, data, message):
    """Each known attack is refused with a message that says what is wrong, and where it is a member, which."""
    with pytest.raises((Tampered, InputError), match=message) as caught:
        read(data)

    assert caught.value.hint


def test_limits(read):
    """A file with more members, greater members or more in all than allowed is refused before it is unpacked."""
    data = _assemble(_parts({"a": b"x" * 1000, "b": b"y" * 1000}))
    for limits, message in [
        (Limits(members=4), "claims 5 members, allowed are 4"),
        (Limits(member=999), "a: it claims 1000 bytes, allowed are 999"),
        (Limits(total=2000), "more than 2000 bytes together"),
    ]:
        with pytest.raises(Tampered, match=message):
            read(data, limits)


def test_a_bomb_by_its_ratio(read):
    """A member that would unpack to more than 200 times its packed bytes is refused before it is unpacked."""
    with pytest.raises(Tampered, match=r"a: it claims 8000000 bytes, more than 200 times"):
        read(_assemble(_parts({"a": b"\0" * 8_000_000})))


def test_a_bomb_that_lies(read):
    """A member that claims little and unpacks to much is left as soon as more comes out than it claims."""
    packed = Part(b"a", b"\0" * 50_000_000).packed
    with pytest.raises(Tampered, match="holds more than the 17 bytes"):
        read(_assemble(_changed(STATEMENT, packed=packed)))


def test_a_file_that_shrinks_while_it_is_read(folder, genuine):
    """A file cut by somebody else after it was opened is refused when its content is asked for."""
    path = folder / "shrinking"
    path.write_bytes(genuine)
    with open_archive(path) as archive:
        path.write_bytes(genuine[:120])
        with pytest.raises(Tampered, match=r"became shorter|cannot be unpacked|has no end"):
            archive.read("claims.jsonl")


def test_without_verifying_first(folder):
    """Opened without verifying, changed content is given, and its end says that it was changed."""
    path = folder / "lazy"
    path.write_bytes(CASES["other content"][0])
    with open_archive(path, verify=False) as archive:
        chunks = archive.chunks("statement.json")
        assert next(chunks) == b'{"total":"92.50"}'
        with pytest.raises(Tampered, match=r"statement.json: the content was changed"):
            next(chunks)
        with pytest.raises(Tampered, match=r"statement.json: the content was changed"):
            archive.verify()

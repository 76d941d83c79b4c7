"""How the file of a bundle is laid out, byte for byte: a ZIP file of which every byte follows from its members.

    member, member, ..., directory, end

Members come one behind the other without a gap: first `mimetype`, then those with content, then `manifest.json` and
`signatures.txt`. Who reads such a file computes all headers from the members and compares them, so no byte is free.
`docs/bundle-format.md` is the page for it.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

__all__ = [
    "CHECKSUM_BYTES",
    "DEFLATED",
    "END_BYTES",
    "FIRST",
    "LARGEST_FILE",
    "LONGEST_NAME",
    "MANIFEST",
    "MIMETYPE",
    "SIGNATURES",
    "STORED",
    "CentralFields",
    "Manifest",
    "ManifestMember",
    "Packed",
    "central_header",
    "end_record",
    "is_member_name",
    "local_header",
    "method_of",
    "note_text",
]

FIRST = "mimetype"
MIMETYPE = b"application/vnd.tallystick.bundle+zip"
MANIFEST = "manifest.json"
SIGNATURES = "signatures.txt"

STORED = 0
DEFLATED = 8
LARGEST_FILE = 2**32 - 2
LONGEST_NAME = 200
CHECKSUM_BYTES = 64

_FORMAT: Final = "tallystick-bundle/1"
_SEGMENT = r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?"
_NAME = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_VERSION = 20
_MADE_ON_UNIX = 3 << 8 | _VERSION
_FIRST_OF_1980 = 1 << 5 | 1
_REGULAR_FILE = 0o100644 << 16

END_BYTES = _END.size + CHECKSUM_BYTES


@dataclass(frozen=True, slots=True)
class Packed:
    """A member as it lies in the file: where its header begins, and how its content was packed."""

    name: str
    offset: int
    crc: int
    packed: int
    size: int

    @property
    def start(self) -> int:
        """Where its packed bytes begin."""
        return self.offset + _LOCAL.size + len(self.name)

    @property
    def end(self) -> int:
        """Where its packed bytes end, and the next member begins."""
        return self.start + self.packed


class ManifestMember(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the manifest says of a member: the SHA-256 of its content in hexadecimal, and its size in bytes."""

    name: str
    sha256: str
    size: int


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of `manifest.json`: every member with content, in the order of the file."""

    members: tuple[ManifestMember, ...]
    format: Literal["tallystick-bundle/1"] = _FORMAT


@dataclass(frozen=True, slots=True)
class CentralFields:
    """The fields of one header in the directory, as read."""

    signature: bytes
    made_by: int
    version: int
    flags: int
    method: int
    time: int
    date: int
    crc: int
    packed: int
    size: int
    name_length: int
    extra_length: int
    comment_length: int
    disk: int
    internal: int
    external: int
    offset: int

    SIZE = _CENTRAL.size

    @classmethod
    def read(cls, data: bytes) -> CentralFields:
        """Read the fixed part of a header, which has `SIZE` bytes."""
        return cls(*_CENTRAL.unpack(data))


def note_text(manifest_digest: str) -> str:
    """Give the text that the parties sign: the format, and the SHA-256 of `manifest.json` in hexadecimal."""
    return f"{_FORMAT}\n{manifest_digest}\n"


def is_member_name(name: str) -> bool:
    """Tell whether a member may have that name: lower case ASCII, relative, no way up, the same on every system."""
    return len(name) <= LONGEST_NAME and _NAME.fullmatch(name) is not None


def method_of(name: str) -> int:
    """Give how a member is packed: what the format itself needs is stored as it is, content is deflated."""
    return STORED if name in {FIRST, MANIFEST, SIGNATURES} else DEFLATED


def local_header(member: Packed) -> bytes:
    """Give the header before the packed bytes of a member."""
    fields = (_VERSION, 0, method_of(member.name), 0, _FIRST_OF_1980, member.crc, member.packed, member.size)
    return _LOCAL.pack(b"PK\3\4", *fields, len(member.name), 0) + member.name.encode("ascii")


def central_header(member: Packed) -> bytes:
    """Give the header of a member in the directory."""
    fields = (_VERSION, 0, method_of(member.name), 0, _FIRST_OF_1980, member.crc, member.packed, member.size)
    rest = (len(member.name), 0, 0, 0, 0, _REGULAR_FILE, member.offset)
    return _CENTRAL.pack(b"PK\1\2", _MADE_ON_UNIX, *fields, *rest) + member.name.encode("ascii")


def end_record(count: int, directory_size: int, directory_offset: int) -> bytes:
    """Give the end of the file up to, excluding, the checksum that is its comment."""
    return _END.pack(b"PK\5\6", 0, 0, count, count, directory_size, directory_offset, CHECKSUM_BYTES)

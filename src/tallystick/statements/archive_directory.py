"""Read the directory of a bundle: which members it has and where they lie, or what is wrong with it."""

from __future__ import annotations

import stat
import struct
from collections.abc import Callable
from typing import NoReturn

from tallystick.errors import Tampered
from tallystick.statements.archive_layout import (
    END_BYTES,
    LARGEST_FILE,
    LONGEST_NAME,
    CentralFields,
    Packed,
    central_header,
    end_record,
    is_member_name,
    method_of,
)

__all__ = ["read_directory"]

_COUNTS = struct.Struct("<8xHH2I2x")
_ENCRYPTED = 0x2041
_ZIP64 = 0xFFFFFFFF
_SHOWN = 60
_KEEP = "Keep the file as it is and ask for it again; if it arrives the same, it was changed by whoever sent it."


def read_directory(read_at: Callable[[int, int], bytes], size: int, most_members: int, where: str) -> list[Packed]:
    """Give the members in the order of the file, which they fill without a gap from its first byte to the directory.

    Args:
        read_at: Gives so many bytes from an offset of the file.
        size: The size of the file in bytes.
        most_members: How many members there may be.
        where: What to call the file in an error.

    Raises:
        Tampered: The directory is not one that Tallystick writes; says what is wrong and names the member.
    """
    return _Directory(where).read(read_at, size, most_members)


class _Directory:
    def __init__(self, where: str) -> None:
        self._where = where
        self._members: dict[str, Packed] = {}

    def read(self, read_at: Callable[[int, int], bytes], size: int, most: int) -> list[Packed]:
        end = read_at(max(size - END_BYTES, 0), END_BYTES)
        if len(end) < END_BYTES or not end.startswith(b"PK\5\6"):
            self._refuse("the file has no end: it was cut short, or something was added behind it")
        count, _, length, offset = _COUNTS.unpack(end[: _COUNTS.size])
        if end[: _COUNTS.size] != end_record(count, length, offset) or offset + length + END_BYTES != size:
            self._refuse("the end of the file does not fit what stands before it: something was added, cut or changed")
        if count > most:
            self._refuse(f"it claims {count} members, allowed are {most}")
        if length > count * (CentralFields.SIZE + LONGEST_NAME):
            self._refuse(f"its directory is too long for {count} members")
        data = read_at(offset, length)
        place = following = 0
        for _ in range(count):
            place, member = self._member(data, place, following)
            self._members[member.name] = member
            following = member.end
        if place != length or following != offset:
            self._refuse("bytes stand before the directory or in it that belong to no member")
        return list(self._members.values())

    def _member(self, data: bytes, place: int, following: int) -> tuple[int, Packed]:
        """Give the next member, and where the header behind its own begins."""
        if len(data) < place + CentralFields.SIZE:
            self._refuse("the directory ends in the middle of a member")
        found = CentralFields.read(data[place : place + CentralFields.SIZE])
        end = place + CentralFields.SIZE + found.name_length
        raw = data[place + CentralFields.SIZE : end]
        name = raw.decode("ascii", errors="backslashreplace")
        shown = name[:_SHOWN].encode("unicode_escape").decode()
        if not is_member_name(name):
            self._refuse(f"a member has the name {shown!r}, which leads elsewhere or differs between systems")
        if name in self._members:
            self._refuse("the member stands in the file twice", name)
        self._check_kind(found, name)
        member = Packed(name, found.offset, found.crc, found.packed, found.size)
        if data[place:end] != central_header(member):
            self._refuse("the header of the member has a value that Tallystick does not write", name)
        if member.offset != following:
            self._refuse("the member does not begin where the one before it ends: bytes lie between, or shared", name)
        return end, member

    def _check_kind(self, found: CentralFields, name: str) -> None:
        """Say what a member is that it must not be; what is left is found by comparing the whole header."""
        mode = found.external >> 16
        if found.flags & _ENCRYPTED:
            self._refuse("the member is encrypted", name)
        if found.method != method_of(name):
            self._refuse(f"the member is packed by method {found.method}, not {method_of(name)}", name)
        if stat.S_ISLNK(mode):
            self._refuse("the member is a symbolic link", name)
        if stat.S_ISDIR(mode) or found.external & 0x10:
            self._refuse("the member is a folder", name)
        if _ZIP64 in {found.packed, found.size, found.offset} or max(found.packed, found.size) > LARGEST_FILE:
            self._refuse("the member claims to be greater than 4 GiB", name)
        if found.extra_length or found.comment_length:
            self._refuse("the member has extra fields or a comment", name)

    def _refuse(self, message: str, name: str = "") -> NoReturn:
        raise Tampered(message, hint=_KEEP, where=f"{self._where}:{name}" if name else self._where)

"""Read the file of a bundle, which a stranger may have made: every byte of it is accounted for, or it is refused.

What the layout allows is computed from the directory and compared, member for member; content is unpacked in bounded
pieces and checked against the manifest; the checksum at the end covers what no member accounts for, such as the way in
which content was packed.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import msgspec

from tallystick.errors import Error, InputError, Tampered
from tallystick.ledger.checkpoint import split_note
from tallystick.statements.archive_directory import read_directory
from tallystick.statements.archive_layout import (
    CHECKSUM_BYTES,
    END_BYTES,
    FIRST,
    MANIFEST,
    MIMETYPE,
    SIGNATURES,
    Manifest,
    ManifestMember,
    Packed,
    local_header,
    method_of,
    note_text,
)
from tallystick.strictjson import read_strict

__all__ = ["Archive", "Limits", "open_archive"]

_BLOCK = 1 << 16
_UNPACKED = 1 << 20
_HASH = re.compile(r"[0-9a-f]{64}")
_KEEP = "Keep the file as it is and ask for it again; if it arrives the same, it was changed by whoever sent it."
_HEAD = local_header(Packed(FIRST, 0, zlib.crc32(MIMETYPE), len(MIMETYPE), len(MIMETYPE))) + MIMETYPE


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an archive may hold, before anything of it is unpacked; sizes in bytes.

    Args:
        members: Members in the archive.
        member: Content of one member.
        total: Content of all members.
        ratio: Times that content may be greater than its packed bytes, where it is greater than 1 MiB.
        manifest: Content of `manifest.json`.
        signatures: Content of `signatures.txt`.
        line: One line of a member.
    """

    members: int = 1000
    member: int = 3 << 30
    total: int = 6 << 30
    ratio: int = 200
    manifest: int = 1 << 20
    signatures: int = 1 << 16
    line: int = 1 << 24


def open_archive(path: Path, limits: Limits = Limits(), *, verify: bool = True) -> Archive:
    """Open an archive; its layout, its manifest and what its signatures stand under have been checked.

    Whether a signature is right, and whose it is, tells a keyring: `archive.note` is for it.

    Args:
        path: The file.
        limits: How much it may hold.
        verify: Check all content too, as `Archive.verify` does. Without it a reader may be given content that is not
            what the manifest says, and learns so at the end of the member; that lets it say more exactly what changed.

    Raises:
        InputError: The file cannot be read, or is no bundle.
        Tampered: The file was a bundle and was changed, damaged or made to do harm; names the member.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(f"the bundle cannot be read: {error.strerror}", where=str(path)) from error
    try:
        archive = Archive(file, path, limits)
        if verify:
            archive.verify()
    except BaseException as error:
        file.close()
        if isinstance(error, OSError):
            raise InputError(f"the bundle cannot be read: {error.strerror}", where=str(path)) from error
        raise
    return archive


class Archive:
    """An open archive; made by `open_archive`.

    `digest` is the SHA-256 of the manifest in hexadecimal, `note` the signed note over it, `members` what the manifest
    lists in its order, `limits` how much it may hold.
    """

    def __init__(self, file: BinaryIO, path: Path, limits: Limits) -> None:
        self.path = path
        self._file = file
        self.limits = limits
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise InputError("this is not a file", where=str(path))
        self._size = status.st_size
        self._check_kind()
        directory = read_directory(self._read_at, self._size, limits.members, str(path))
        self._packed = {member.name: member for member in directory}
        self._check_layout(directory)
        manifest = self._content(MANIFEST)
        self.members = self._read_manifest(manifest, directory)
        self.digest = hashlib.sha256(manifest).hexdigest()
        self.note = self._read_note()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def verify(self) -> None:
        """Return when every member has the content that the manifest lists, and every byte of the file is in order.

        Raises:
            Tampered: It is not so; names the member where it can be told.
        """
        for member in self.members:
            for _ in self.chunks(member.name):
                pass
        digest = hashlib.sha256()
        for chunk in self._span(0, self._size - CHECKSUM_BYTES):
            digest.update(chunk)
        if self._read_at(self._size - CHECKSUM_BYTES, CHECKSUM_BYTES) != digest.hexdigest().encode():
            raise self._tampered("the content of every member is right, but the bytes of the file were changed")

    def chunks(self, name: str) -> Iterator[bytes]:
        """Give the content of a member in pieces, and raise at its end unless it is what the manifest lists.

        Do not rely on what was given before the iterator has ended without an error.

        Raises:
            Tampered: There is no such member, or its content is not what the manifest lists.
        """
        listed = self._listed(name)
        digest = hashlib.sha256()
        for chunk in self._unpack(self._packed[name]):
            digest.update(chunk)
            yield chunk
        if digest.hexdigest() != listed.sha256:
            raise self._tampered("the content was changed: the manifest lists another SHA-256", name)

    def read(self, name: str) -> bytes:
        """Give the whole content of a member.

        Raises:
            Tampered: See `chunks`.
        """
        return b"".join(self.chunks(name))

    def lines(self, name: str) -> Iterator[bytes]:
        """Give the lines of a member without their newlines; see `chunks` for when to rely on them.

        Raises:
            Tampered: See `chunks`; a line is empty or too long, or the last one is not ended.
        """
        number, held = 1, b""
        for chunk in self.chunks(name):
            *lines, held = (held + chunk).split(b"\n")
            for line in lines:
                if not line or len(line) > self.limits.line:
                    raise self._tampered("the line is empty" if not line else "the line is too long", name, number)
                yield line
                number += 1
            if len(held) > self.limits.line:
                raise self._tampered("the line is too long", name, number)
        if held:
            raise self._tampered("the last line is not ended by a newline", name, number)

    def json(self, name: str) -> Any:
        """Give the value of a member that is canonical JSON.

        Raises:
            Tampered: See `chunks`; the content is not the canonical form of a value.
        """
        return read_strict(self.read(name), self._place(name))

    def json_lines(self, name: str) -> Iterator[Any]:
        """Give the values of a member whose lines are canonical JSON; see `chunks` for when to rely on them.

        Raises:
            Tampered: See `lines`; a line is not the canonical form of a value, and is named by its number.
        """
        place = self._place(name)
        for number, line in enumerate(self.lines(name), 1):
            yield read_strict(line, f"{place}:{number}")

    def packed_members(self) -> Iterator[tuple[Packed, Iterator[bytes]]]:
        """Give all members but the signatures as they lie in the file, to copy them into another one."""
        for member in self._packed.values():
            if member.name != SIGNATURES:
                yield member, self._span(member.start, member.end)

    def _check_kind(self) -> None:
        """Refuse what was never a bundle; what has its head or its end may be a bundle that was changed."""
        head = self._read_at(0, len(_HEAD))
        end = self._read_at(max(self._size - END_BYTES, 0), END_BYTES)
        if head != _HEAD and not (end.startswith(b"PK\5\6") and len(end) == END_BYTES):
            raise InputError(
                "this is no bundle of Tallystick",
                hint="A bundle is made by `tallystick statement CONTRACT PERIOD --bundle FILE`.",
                where=str(self.path),
            )

    def _check_layout(self, directory: list[Packed]) -> None:
        """Compare the headers before the members with the directory, and the sizes with the limits."""
        names = [member.name for member in directory]
        if names[:1] != [FIRST] or names[-2:] != [MANIFEST, SIGNATURES] or len(names) < 3:
            raise self._tampered(f"a bundle begins with {FIRST} and ends with {MANIFEST} and {SIGNATURES}")
        for member in directory:
            expected = local_header(member)
            if self._read_at(member.offset, len(expected)) != expected:
                raise self._tampered("the header before the member is not the one in the directory", member.name)
            self._check_size(member)
        if sum(member.size for member in directory) > self.limits.total:
            raise self._tampered(f"the members hold more than {self.limits.total} bytes together")
        if self._read_at(0, len(_HEAD)) != _HEAD:
            raise self._tampered(f"it does not say {MIMETYPE.decode()}", FIRST)

    def _check_size(self, member: Packed) -> None:
        special = {FIRST: len(MIMETYPE), MANIFEST: self.limits.manifest, SIGNATURES: self.limits.signatures}
        limit = special.get(member.name, self.limits.member)
        if member.size > limit:
            raise self._tampered(f"it claims {member.size} bytes, allowed are {limit}", member.name)
        if not method_of(member.name) and member.packed != member.size:
            raise self._tampered("it is stored, and yet has two sizes", member.name)
        if member.size > _UNPACKED and member.size > member.packed * self.limits.ratio:
            times = f"more than {self.limits.ratio} times its packed bytes"
            raise self._tampered(f"it claims {member.size} bytes, {times}: this is how a bomb is packed", member.name)

    def _read_manifest(self, data: bytes, directory: list[Packed]) -> tuple[ManifestMember, ...]:
        try:
            manifest = msgspec.convert(read_strict(data, self._place(MANIFEST)), Manifest)
        except msgspec.ValidationError as error:
            raise self._tampered(
                f"this is no manifest of a bundle that this version reads: {error}", MANIFEST
            ) from error
        listed = [member.name for member in manifest.members]
        held = [member.name for member in directory[1:-2]]
        for name in listed:
            if name not in self._packed:
                raise self._tampered("the manifest lists it, and it is missing", name)
        for name in held:
            if name not in set(listed):
                raise self._tampered("the manifest does not list it", name)
        if listed != held:
            raise self._tampered("the members stand in another order than in the manifest", held[0])
        for member in manifest.members:
            if not _HASH.fullmatch(member.sha256) or member.size != self._packed[member.name].size:
                raise self._tampered(
                    f"it has {self._packed[member.name].size} bytes, or its SHA-256 is none", member.name
                )
        return manifest.members

    def _read_note(self) -> str:
        try:
            note = self._content(SIGNATURES).decode()
        except UnicodeDecodeError as error:
            raise self._tampered("this is not UTF-8", SIGNATURES) from error
        try:
            text, _ = split_note(note)
        except Tampered as error:
            raise self._tampered(error.message, SIGNATURES) from error
        if text != note_text(self.digest):
            raise self._tampered("the signatures do not stand under this manifest, but under another one", SIGNATURES)
        return note

    def _listed(self, name: str) -> ManifestMember:
        for member in self.members:
            if member.name == name:
                return member
        raise self._tampered("the bundle has no such member", name)

    def _content(self, name: str) -> bytes:
        return b"".join(self._unpack(self._packed[name]))

    def _unpack(self, member: Packed) -> Iterator[bytes]:
        """Give the content in pieces of at most 1 MiB; stop before more comes out than the directory says."""
        size, crc = 0, 0
        for chunk in self._inflate(member) if method_of(member.name) else self._span(member.start, member.end):
            size += len(chunk)
            if size > member.size:
                raise self._tampered(f"it holds more than the {member.size} bytes that it claims", member.name)
            crc = zlib.crc32(chunk, crc)
            yield chunk
        if size != member.size:
            raise self._tampered(f"it holds {size} bytes where it claims {member.size}", member.name)
        if crc != member.crc:
            raise self._tampered("the content does not have the checksum of its header", member.name)

    def _inflate(self, member: Packed) -> Iterator[bytes]:
        unpack = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            for packed in self._span(member.start, member.end):
                if unpack.eof:
                    raise self._tampered("bytes follow the end of the packed content", member.name)
                rest = packed
                while rest:
                    yield unpack.decompress(rest, _UNPACKED)
                    rest = unpack.unconsumed_tail
            while not unpack.eof and (more := unpack.decompress(b"", _UNPACKED)):
                yield more
        except zlib.error as error:
            raise self._tampered("the packed bytes cannot be unpacked", member.name) from error
        if not unpack.eof:
            raise self._tampered("the packed content has no end", member.name)
        if unpack.unused_data:
            raise self._tampered("bytes follow the end of the packed content", member.name)

    def _span(self, start: int, end: int) -> Iterator[bytes]:
        while start < end:
            chunk = self._read_at(start, min(_BLOCK, end - start))
            if not chunk:
                raise self._tampered("the file became shorter while it was read")
            start += len(chunk)
            yield chunk

    def _read_at(self, offset: int, count: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(count)

    def _tampered(self, message: str, name: str = "", number: int = 0) -> Error:
        return Tampered(message, hint=_KEEP, where=self._place(name, number))

    def _place(self, name: str = "", number: int = 0) -> str:
        return ":".join([str(self.path), *([name] if name else []), *([str(number)] if number else [])])

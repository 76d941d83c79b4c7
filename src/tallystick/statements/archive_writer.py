"""Write the file of a bundle: members streamed into it, then the manifest, the signatures, the directory."""

from __future__ import annotations

import hashlib
import os
import secrets
import zlib
from collections.abc import Iterable, Iterator, Sequence
from filecmp import cmp
from io import BufferedRandom
from pathlib import Path
from types import TracebackType
from typing import Self

from tallystick.canonical import canonical
from tallystick.errors import ConfigurationError, StorageError
from tallystick.ledger.checkpoint import cosign_note, sign_note
from tallystick.ledger.keys import Signer
from tallystick.statements.archive import Archive
from tallystick.statements.archive_layout import (
    DEFLATED,
    FIRST,
    LARGEST_FILE,
    MANIFEST,
    MIMETYPE,
    SIGNATURES,
    Manifest,
    ManifestMember,
    Packed,
    central_header,
    end_record,
    is_member_name,
    local_header,
    method_of,
    note_text,
)

__all__ = ["ArchiveWriter", "countersign_archive"]

_BLOCK = 1 << 16
_LEVEL = 6


class ArchiveWriter:
    """Writes one archive; it appears under its name when it is sealed, complete, or not at all.

    The same members in the same order, sealed by the same keys, give the same bytes. Members are packed while they are
    written, so that one of any size needs little memory.

        with ArchiveWriter(path) as archive:
            archive.add("statement.json", data)
            archive.add_lines("claims.jsonl", lines)
            archive.seal([signer])

    Args:
        path: The file to make; its folder must exist.

    Raises:
        StorageError: On entering, when the folder cannot be written to.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._draft = _Draft(path)
        self._members: list[ManifestMember] = []

    def __enter__(self) -> Self:
        self._draft.open()
        self._draft.add(FIRST, [MIMETYPE])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._draft.discard()

    def add(self, name: str, data: bytes) -> ManifestMember:
        """Add a member with this content.

        Raises:
            ValueError: No member may have that name, or one has it.
            StorageError: The file cannot be written, or would be greater than 4 GiB.
        """
        return self.add_chunks(name, [data])

    def add_lines(self, name: str, lines: Iterable[bytes]) -> ManifestMember:
        """Add a member made of lines, each given without its newline; they are taken as they are written.

        Raises:
            ValueError: See `add`; or a line is empty or holds a newline.
            StorageError: See `add`.
        """
        return self.add_chunks(name, _ended(lines))

    def add_chunks(self, name: str, chunks: Iterable[bytes]) -> ManifestMember:
        """Add a member whose content comes in pieces; how it was cut does not show in the archive.

        Raises:
            ValueError: See `add`.
            StorageError: See `add`.
        """
        if not is_member_name(name) or name in {FIRST, MANIFEST, SIGNATURES}:
            raise ValueError(f"{name!r} cannot name a member: lower case letters, digits, dots, hyphens and slashes")
        if any(member.name == name for member in self._members):
            raise ValueError(f"the archive has a member {name} already")
        member = self._draft.add(name, chunks)
        self._members.append(member)
        return member

    def seal(self, signers: Sequence[Signer]) -> str:
        """Write manifest, signatures and directory, give the file its name, and give the digest of the manifest.

        Where the file exists with these very bytes, it stays as it is.

        Args:
            signers: The keys of those who make the bundle, at least one.

        Raises:
            ConfigurationError: The file exists with other bytes; it is not written over.
            StorageError: The file cannot be written.
            ValueError: Nobody signs.
        """
        if not signers:
            raise ValueError("a bundle is signed by whoever makes it")
        manifest = canonical(Manifest(tuple(self._members)))
        digest = hashlib.sha256(manifest).hexdigest()
        note = sign_note(note_text(digest), signers[0])
        for signer in signers[1:]:
            note = cosign_note(note, signer)
        self._draft.add(MANIFEST, [manifest])
        self._draft.add(SIGNATURES, [note.encode()])
        self._draft.finish()
        self._draft.publish()
        return digest


def countersign_archive(archive: Archive, signer: Signer, out: Path) -> bool:
    """Write the archive with one more signature, and tell whether it was missing; nothing before it changes.

    Verify the other signatures and what they stand under before.

    Args:
        archive: An open archive, verified.
        signer: The key that signs too.
        out: The file to write; it may be that of the archive, and an older file of that name is replaced.

    Raises:
        StorageError: The file cannot be written.
    """
    note = cosign_note(archive.note, signer)
    draft = _Draft(out)
    draft.open()
    try:
        draft.copy(archive.packed_members())
        draft.add(SIGNATURES, [note.encode()])
        draft.finish()
        draft.replace()
    finally:
        draft.discard()
    return note != archive.note


class _Draft:
    """The file being written, under another name beside its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
        self._packed: list[Packed] = []
        self._file: BufferedRandom | None = None

    def open(self) -> None:
        try:
            self._file = open(os.open(self._draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")  # noqa: PTH123, SIM115 - mode and exclusivity
        except OSError as error:
            raise self._unwritable(error) from error

    def add(self, name: str, chunks: Iterable[bytes]) -> ManifestMember:
        """Pack a member behind the last one; if that fails, the file is as it was before."""
        offset = self._end()
        try:
            return self._pack(name, offset, chunks)
        except BaseException:
            file = self._opened()
            file.truncate(offset)
            file.seek(offset)
            raise

    def _pack(self, name: str, offset: int, chunks: Iterable[bytes]) -> ManifestMember:
        """Write header and packed bytes; the header once more when its sizes are known."""
        digest, crc, size = hashlib.sha256(), 0, 0
        pack = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS) if method_of(name) == DEFLATED else None
        self._write(local_header(Packed(name, offset, 0, 0, 0)))
        packed = 0
        # Blocks of one size, so that no packer sees how the content came.
        for block in _blocks(chunks):
            digest.update(block)
            crc = zlib.crc32(block, crc)
            size += len(block)
            packed += self._write(pack.compress(block) if pack else block)
        packed += self._write(pack.flush() if pack else b"")
        member = Packed(name, offset, crc, packed, size)
        if max(member.end, size) > LARGEST_FILE:
            raise StorageError(f"{self._path}: the bundle would be greater than 4 GiB", hint="Take a shorter period.")
        self._write(local_header(member), offset)
        self._packed.append(member)
        return ManifestMember(name, digest.hexdigest(), size)

    def copy(self, members: Iterable[tuple[Packed, Iterator[bytes]]]) -> None:
        """Take over members as they lie in another archive."""
        for member, chunks in members:
            self._write(local_header(member))
            for chunk in chunks:
                self._write(chunk)
            self._packed.append(member)

    def finish(self) -> None:
        """Write directory, end and checksum, and see to it that all is on the disk."""
        directory = b"".join(map(central_header, self._packed))
        offset = self._end()
        self._write(directory + end_record(len(self._packed), len(directory), offset))
        file = self._opened()
        file.seek(0)
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
        self._write(checksum.encode())
        try:
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            raise self._unwritable(error) from error

    def publish(self) -> None:
        """Give the file its name, unless another file has it."""
        try:
            os.link(self._draft, self._path)
        except FileExistsError:
            if not cmp(self._draft, self._path, shallow=False):
                raise ConfigurationError(
                    f"{self._path} exists and holds something else; it is not written over",
                    hint="It may bear a signature that cannot be made again. Move it away, or choose another name.",
                ) from None
        except OSError as error:
            raise self._unwritable(error) from error

    def replace(self) -> None:
        """Give the file its name in place of an older one."""
        try:
            self._draft.replace(self._path)
        except OSError as error:
            raise self._unwritable(error) from error

    def discard(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        self._draft.unlink(missing_ok=True)

    def _end(self) -> int:
        return self._packed[-1].end if self._packed else 0

    def _opened(self) -> BufferedRandom:
        if self._file is None:
            raise ValueError("the archive is not open for writing")
        return self._file

    def _write(self, data: bytes, offset: int | None = None) -> int:
        """Write at the end, or over what was written, and give how much it was."""
        file = self._opened()
        try:
            if offset is not None:
                file.seek(offset)
            file.write(data)
            if offset is not None:
                file.seek(0, os.SEEK_END)
        except OSError as error:
            raise self._unwritable(error) from error
        return len(data)

    def _unwritable(self, error: OSError) -> StorageError:
        return StorageError(f"{self._path}: the bundle cannot be written: {error.strerror}")


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for chunk in chunks:
        held += chunk
        if len(held) >= _BLOCK:
            whole = len(held) // _BLOCK * _BLOCK
            for start in range(0, whole, _BLOCK):
                yield bytes(held[start : start + _BLOCK])
            del held[:whole]
    if held:
        yield bytes(held)


def _ended(lines: Iterable[bytes]) -> Iterator[bytes]:
    for line in lines:
        if not line or b"\n" in line:
            raise ValueError("a line is not empty and holds no newline")
        yield line + b"\n"

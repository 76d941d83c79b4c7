"""An export on disk: written with the manifest last, and read as if an enemy had written it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, Self

from tallystick.database.engine import HEAD
from tallystick.errors import ConfigurationError, StorageError, Tampered
from tallystick.export.manifest import EXHIBITS, MANIFEST, PROJECT, Listed, Manifest, Tick, parse_manifest
from tallystick.records.segments import sync_folder

__all__ = ["ExportFolder", "NewFolder", "open_export", "quiet"]

_CHUNK = 1 << 20
_LONGEST_LINE = 64_000_000
_LARGEST_MANIFEST = 256_000_000
_OFTEN = 20_000
_DEEPEST = 100
_NOTHING = "Nothing was imported. Ask for the export again."


def quiet(_name: str, _done: int) -> None:
    """Show no progress."""


class NewFolder:
    """A folder that an export is written to; it counts only once `finish` has put the manifest there.

    Args:
        path: A folder that is empty, or that is not there yet.

    Raises:
        ConfigurationError: It holds something, or is no folder.
        StorageError: It cannot be made.
    """

    def __init__(self, path: Path, tick: Tick = quiet) -> None:
        self.path = path
        self.files: list[Listed] = []
        self._tick = tick
        self._made: list[Path] = []
        self._given = path if path.exists() else None
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            complete = (path / MANIFEST).exists()
            what = "holds files already" if complete or not path.is_dir() else "is not empty"
            raise ConfigurationError(
                f"{path} {what}; an export goes into a folder of its own",
                hint="Name a folder that does not exist yet. One without manifest.json is no complete export.",
            )
        try:
            self._make(path)
            if self._given:
                self._made.append(path)
        except OSError as error:
            raise StorageError(f"{path} cannot be made: {error.strerror}") from error

    def lines(self, name: str, lines: Iterable[bytes]) -> None:
        """Write lines as a file."""
        digest, size, rows = hashlib.sha256(), 0, 0
        with self._create(name) as file:
            for line in lines:
                data = line + b"\n"
                digest.update(data)
                file.write(data)
                size += len(data)
                rows += 1
                if rows % _OFTEN == 0:
                    self._tick(name, rows)
        self._tick(name, rows)
        self.files.append(Listed(name, size, digest.hexdigest(), rows))

    def data(self, name: str, data: bytes) -> None:
        """Write bytes as a file."""
        with self._create(name) as file:
            file.write(data)
        self.files.append(Listed(name, len(data), hashlib.sha256(data).hexdigest(), None))

    def copy(self, name: str, source: Path, sha256: str) -> None:
        """Copy a file whose bytes must have that hash.

        Raises:
            Tampered: They have another one, or the file is missing.
        """
        try:
            with source.open("rb") as given, self._create(name) as file:
                size, found = _copy(given, file)
        except FileNotFoundError as error:
            raise Tampered(f"{source} is missing", hint="Restore the file from a backup.") from error
        if found != sha256:
            raise Tampered(f"{source} was altered", hint="Keep the file, and restore it from a backup.")
        self._tick(name, size)
        self.files.append(Listed(name, size, sha256, None))

    def finish(self, manifest: Manifest) -> None:
        """Put the manifest there: from now on the export is complete."""
        draft = self.path / f".{MANIFEST}.tmp"
        with self._create(draft.name) as file:
            file.write(manifest.encode())
        for folder in reversed(self._made):
            sync_folder(folder)
        draft.rename(self.path / MANIFEST)
        sync_folder(self.path)

    def discard(self) -> None:
        """Take back what was written, as far as the disk allows."""
        with suppress(OSError):
            for folder in reversed(self._made):
                for path in folder.iterdir():
                    path.unlink()
                if folder != self._given:
                    folder.rmdir()

    def _create(self, name: str) -> _Durable:
        path = self.path / name
        try:
            self._make(path.parent)
            return _Durable(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), path)
        except OSError as error:
            raise _not_written(path, error) from error

    def _make(self, folder: Path) -> None:
        if not folder.is_dir():
            self._make(folder.parent)
            # Records are personal data: nobody else gets to read the copy by default.
            folder.mkdir(mode=0o700)
            self._made.append(folder)


class _Durable:
    """A new file that is on the disk, not only in memory, once it is left without an error."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._file = open(descriptor, "wb")  # noqa: SIM115 - closed by __exit__
        self._path = path

    def __enter__(self) -> Self:
        return self

    def write(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise _not_written(self._path, error) from error

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        try:
            if kind is None:
                self._file.flush()
                os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            if kind is None:
                raise _not_written(self._path, error) from error


class ExportFolder:
    """An export whose files are those that its manifest lists; every read checks the bytes again."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest
        self._files = manifest.by_name

    def where(self, name: str, line: int | None = None) -> str:
        """Name a file, or a line of it, for a message."""
        return f"{self.path / name}:{line}" if line else str(self.path / name)

    def wrong(self, message: str, name: str, line: int | None = None) -> Tampered:
        """Give the error that says what is wrong in a file, or in a line of it."""
        return Tampered(message, hint=_NOTHING, where=self.where(name, line))

    def lines(self, name: str, tick: Tick = quiet) -> Iterator[tuple[int, bytes]]:
        """Give the lines of a file, numbered from 1, without their ends.

        Raises:
            Tampered: The bytes turn out not to be those of the manifest; lines were given all the same.
        """
        listed = self._files[name]
        digest, number = hashlib.sha256(), 0
        with self._open(name) as file:
            while line := file.readline(_LONGEST_LINE):
                number += 1
                digest.update(line)
                if not line.endswith(b"\n"):
                    raise self.wrong("the line does not end, or is too long", name, number)
                if number % _OFTEN == 0:
                    tick(name, number)
                yield number, line[:-1]
        if digest.hexdigest() != listed.sha256:
            raise self._changed(name, digest.hexdigest())
        if number != listed.rows:
            raise self.wrong(f"the file has {number} lines; the manifest says {listed.rows}", name)
        tick(name, number)

    def data(self, name: str, *, largest: int) -> bytes:
        """Give the bytes of a small file.

        Raises:
            Tampered: They are too many, or not those of the manifest.
        """
        with self._open(name) as file:
            data = file.read(largest + 1)
        if len(data) > largest:
            raise self.wrong(f"the file has more than {largest:,} bytes", name)
        if hashlib.sha256(data).hexdigest() != self._files[name].sha256:
            raise self._changed(name, hashlib.sha256(data).hexdigest())
        return data

    def copy(self, name: str, target: Path) -> None:
        """Copy a file to a new place, durably.

        Raises:
            Tampered: The bytes are not those of the manifest.
            StorageError: The target cannot be written.
        """
        try:
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise _not_written(target, error) from error
        with self._open(name) as given, _Durable(descriptor, target) as file:
            _, found = _copy(given, file)
        if found != self._files[name].sha256:
            raise self._changed(name, found)

    def project_files(self, *, largest: int) -> dict[str, bytes]:
        """Give the files of the project's own folder by their paths in it."""
        names = [name for name in self._files if name.startswith(PROJECT)]
        return {name.removeprefix(PROJECT): self.data(name, largest=largest) for name in names}

    def exhibits(self, *, largest: int) -> Iterator[bytes]:
        """Give what was handed in for disputes, one after the other."""
        for name in self._files:
            if name.startswith(EXHIBITS):
                yield self.data(name, largest=largest)

    def check(self, tick: Tick = quiet) -> None:
        """Hold every file against the manifest: none missing, none besides, each with its size and hash.

        Raises:
            Tampered: Says the first file that is not as it should be.
        """
        found = dict(_walk(self, self.path, ""))
        for name in sorted(found.keys() - self._files.keys() - {MANIFEST}):
            raise self.wrong("the manifest does not list this file", name)
        for name, listed in self._files.items():
            if name not in found:
                raise self.wrong("the file is missing", name)
            if found[name] != listed.bytes:
                raise self.wrong(f"the file has {found[name]} bytes; the manifest says {listed.bytes}", name)
            with self._open(name) as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest != listed.sha256:
                raise self._changed(name, digest)
            tick(name, listed.bytes)

    def _open(self, name: str) -> BufferedReader:
        try:
            descriptor = os.open(self.path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            return open(descriptor, "rb")  # noqa: PTH123 - the caller closes it
        except OSError as error:
            raise self.wrong(f"the file cannot be read: {error.strerror}", name) from error

    def _changed(self, name: str, digest: str) -> Tampered:
        return self.wrong(f"the bytes hash to {digest}; the manifest says {self._files[name].sha256}", name)


def open_export(path: Path, tick: Tick = quiet) -> ExportFolder:
    """Open an export, after holding every file of it against its manifest.

    Raises:
        ConfigurationError: There is no complete export, or one of another version.
        Tampered: A file is missing, changed, not listed, or no plain file.
    """
    manifest = path / MANIFEST
    if not manifest.is_file() or manifest.is_symlink():
        unfinished = path.is_dir() and any(path.iterdir())
        raise ConfigurationError(
            f"{path} holds no complete export: there is no {MANIFEST}",
            hint="The export was not finished: export again." if unfinished else "Name the folder of an export.",
        )
    try:
        with manifest.open("rb") as file:
            data = file.read(_LARGEST_MANIFEST + 1)
    except OSError as error:
        raise ConfigurationError(f"{manifest} cannot be read: {error.strerror}") from error
    if len(data) > _LARGEST_MANIFEST:
        raise Tampered("the manifest is too large", hint=_NOTHING, where=str(manifest))
    folder = ExportFolder(path, parse_manifest(data, str(manifest), revision=HEAD))
    folder.check(tick)
    return folder


def _walk(folder: ExportFolder, path: Path, prefix: str) -> Iterator[tuple[str, int]]:
    """Give every file below a folder with its size; refuse whatever is neither a plain file nor a folder."""
    with os.scandir(path) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            # A name that is no text could not be put into a message.
            name = f"{prefix}{entry.name}".encode("utf-8", "backslashreplace").decode()
            if name.count("/") > _DEEPEST:
                raise folder.wrong("the folders are nested too deeply", name)
            found = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                yield from _walk(folder, path / entry.name, f"{name}/")
            elif stat.S_ISREG(found.st_mode):
                yield name, found.st_size
            else:
                raise folder.wrong("this is neither a plain file nor a folder", name)


def _copy(given: BinaryIO, file: Any) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    while chunk := given.read(_CHUNK):
        digest.update(chunk)
        file.write(chunk)
        size += len(chunk)
    return size, digest.hexdigest()


def _not_written(path: Path, error: OSError) -> StorageError:
    return StorageError(f"{path} cannot be written: {error.strerror or error}", hint="Make room or mend the disk.")

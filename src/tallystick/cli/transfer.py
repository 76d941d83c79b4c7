"""What `export` and `import` do with an opened project, and with one that is to come."""

from __future__ import annotations

import hashlib
import os
import posixpath
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import tallystick
from tallystick.cli.disputing import EVIDENCE, exhibit_paths
from tallystick.cli.output import say
from tallystick.cli.project import Project, open_project
from tallystick.errors import ConfigurationError, Position, StorageError
from tallystick.export import ExportFolder, load_export, open_export, read_keys, write_export
from tallystick.export.manifest import MANIFEST, PROJECT, Tick, is_project_path
from tallystick.ledger import Verifier, load_key
from tallystick.ledger.rotation import chain_path
from tallystick.verification.exhibits import MOST_BYTES, ExhibitFolder
from tallystick.yamlfile import LARGEST_FILE, Document, load_yaml, parse_yaml

if TYPE_CHECKING:
    from tallystick.ledger import KeyChain, Signer
    from tallystick.plugins import PluginHost

__all__ = ["export_project", "import_project", "print_export", "print_import", "project_files"]

_FILE = "tallystick.yaml"
_HERE = ("database", "folder")


def export_project(project: Project, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write everything of a project into a new folder, and say what it came to.

    Raises:
        ConfigurationError: The folder holds something; a setting of a source is not as it must be, say a secret itself
            in place of a reference; a contract's file lies outside the project's folder.
        Busy: Another process is writing.
        Tampered: The ledger or a segment is not what was signed or hashed.
        StorageError: The disk is full or broken.
    """
    with project.lock("export"):
        files = project_files(project)
        keys = project.keychain if project.log.size else None
        manifest = write_export(
            folder,
            project.store,
            project.log,
            project=project.name,
            version=tallystick.__version__,
            keys=keys,
            files=files,
            exhibits=exhibit_paths(project),
            tick=tick,
        )
    head = manifest.ledger
    return {
        "project": project.name,
        "export": str(folder),
        "manifest_sha256": hashlib.sha256(manifest.encode()).hexdigest(),
        "files": len(manifest.files) + 1,
        "bytes": sum(listed.bytes for listed in manifest.files),
        "entries": head.size,
        "root": head.root,
        "records": manifest.evidence.rows,
        "evidence": manifest.evidence.sha256,
        "claims": manifest.by_name["claims.jsonl"].rows,
        "verifier": keys.newest.vkey if keys else None,
        "keys": _key_rows(keys),
    }


def project_files(project: Project) -> dict[str, bytes]:
    """Give the project file and the contracts as they go into an export, by their paths in the project's folder.

    Where the data lies on this machine (`database`, `folder`) is left out: it is no part of the project, and the URL of
    a database may hold a password.

    Raises:
        ConfigurationError: See `export_project`.
    """
    # The connectors' and sinks' own checks: a secret that is written out is refused here, before anything is copied.
    _ = project.sources, project.sinks
    document = project.document
    files = {_FILE: _without_places(document)}
    for position, entry in enumerate(document.data.get("contracts") or []):
        where = document.position(("contracts", position))
        name = posixpath.normpath(entry)
        if not is_project_path(name) or name in files:
            raise ConfigurationError(
                "a contract outside the project's folder, or listed twice, cannot be exported",
                where=where,
                hint=f"Put the file into a folder beside {_FILE}, and name it from there with letters and digits.",
            )
        try:
            data = (project.root / entry).read_bytes()
        except OSError as error:
            raise ConfigurationError(f"{entry} cannot be read: {error.strerror}", where=where) from error
        if len(data) > LARGEST_FILE:
            raise ConfigurationError(f"{entry} has more than {LARGEST_FILE:,} bytes", where=where)
        files[name] = data
    return files


def import_project(
    path: Path,
    source: Path,
    *,
    key: Path | None,
    verifier: str | None,
    tick: Tick,
    host: PluginHost | None = None,
) -> dict[str, Any]:
    """Make a project of an export, or leave everything as it was.

    Where there is a project file already, it stays, and says where the data goes; else the one of the export is
    written, and the data goes beside it.

    Args:
        path: The project file.
        source: The folder of the export.
        key: The signing key of the ledger, to be placed in the new project.
        verifier: A public key that must be one of those that signed the ledger.
        tick: Called with the file at work and how much of it is done.
        host: The plugins.

    Raises:
        ConfigurationError: There is no complete export; the project is not empty, or is another one.
        Tampered: The export is not what its manifest, its ledger and its signatures say.
        Busy: Another process is writing.
        StorageError: The disk is full or broken.
    """
    export = open_export(source, tick)
    name = export.manifest.project
    signer = load_key(key, f"tallystick/{name}") if key else None
    known = [Verifier.parse(verifier)] if verifier else []
    known += [signer.verifier] if signer else []
    keys = _checked_keys(export, known, signer)
    with _Undo() as undo:
        written = _write_files(export, path, undo)
        document = load_yaml(path)
        if path in written:
            _check_project_file(export, document)
        folder = path.parent / str(document.data.get("folder") or ".tallystick")
        undo.folder(folder)
        with open_project(path, host) as project:
            if project.name != name:
                raise ConfigurationError(
                    f"{path} is of the project {project.name!r}; the export is of {name!r}",
                    hint="A ledger is signed under its project's name: give the new project the same.",
                )
            with project.lock("import"), _staging(project.folder) as staging:
                # Before the entries that name them: an entry never names what is not there.
                ExhibitFolder(project.folder / EVIDENCE).keep(export.exhibits(largest=MOST_BYTES))
                placed = _place_keys(project, keys, signer, undo)
                loaded = load_export(export, project.store, project.log, keys, staging=staging, tick=tick)
            sources = project.document.data.get("sources") or {}
    return {
        "project": name,
        "import": str(source),
        "entries": loaded.entries,
        "root": loaded.root,
        "records": loaded.records,
        "evidence": loaded.evidence,
        "claims": loaded.claims,
        "verifier": keys.newest.vkey if keys else None,
        "verifier_given": bool(signer or verifier),
        "keys": [{**row, "given": row["vkey"] in {each.vkey for each in known}} for row in _key_rows(keys)],
        "key": placed,
        "folder": str(folder),
        "written": [str(file) for file in written],
        "sources": [
            {"source": each, "connector": settings.get("connector"), "base_url": settings.get("base_url")}
            for each, settings in sources.items()
        ],
    }


def print_export(report: Mapping[str, Any]) -> None:
    """Say what was exported, and what was not."""
    say(f"{report['export']}: {report['files']:,} files, {report['bytes']:,} bytes, all listed in {MANIFEST}.")
    say(f"  {report['records']:,} record versions, {report['claims']:,} claims, {report['entries']:,} ledger entries")
    say(f"  ledger root     {report['root']}")
    say(f"  evidence digest {report['evidence']}")
    say("The ledger's signing key and the secrets of the sources are not in it. Keep the key apart: ledger.key.")


def print_import(report: Mapping[str, Any]) -> None:
    """Say what was imported, and what is left to do."""
    say(f"{report['project']} is imported; everything was recomputed from bytes.")
    say(f"  {report['records']:,} record versions, {report['claims']:,} claims, {report['entries']:,} ledger entries")
    say(f"  ledger root     {report['root']}")
    say(f"  evidence digest {report['evidence']}")
    if report["verifier"] and (len(report["keys"]) > 1 or not report["verifier_given"]):
        say("Signed by")
        for row in report["keys"]:
            given = ", the one you gave" if row["given"] else ""
            say(f"  {row['vkey']} (from {row['from_size']} entries on{given})")
    if report["verifier"] and not report["verifier_given"]:
        say("  The export itself names this: compare it with what you know otherwise, or import with --verifier.")
    if report["key"] == "missing":
        say(f"The signing key is not part of an export. Until it lies at {report['folder']}/ledger.key (mode 600),")
        say("  everything can be read and checked, and nothing can be added.")
    for each in report["sources"]:
        say(f"Before the next sync: {each['source']} is read at {each['base_url'] or 'the usual address'}.")
    if report["written"]:
        say("  Read the settings that came with the export before you hand them a secret.")


def _without_places(document: Document) -> bytes:
    """Give the project file without the settings that belong to this machine."""
    text = Path(document.label).read_bytes().decode("utf-8-sig")
    wanted = {name: value for name, value in document.data.items() if name not in _HERE}
    if len(wanted) == len(document.data):
        return Path(document.label).read_bytes()
    lines = text.splitlines(keepends=True)
    starts = sorted(_line(document, name) for name in document.data)
    for name in (name for name in _HERE if name in document.data):
        first = _line(document, name)
        end = next((start for start in starts if start > first), len(lines) + 1)
        for place in range(first - 1, end - 1):
            lines[place] = ""
    data = "".join(lines).encode()
    if _parsed(data) != wanted:
        raise ConfigurationError(
            "database and folder cannot be left out of the exported copy as they stand here",
            where=document.label,
            hint="Write `database:` and `folder:` on lines of their own.",
        )
    return data


def _line(document: Document, name: str) -> int:
    where = document.key_position((name,))
    return where.line if isinstance(where, Position) else 1


def _parsed(data: bytes) -> Any:
    with suppress(ConfigurationError):
        return parse_yaml(data.decode(), "copy").data
    return None


def _checked_keys(export: ExportFolder, known: list[Verifier], signer: Signer | None) -> KeyChain | None:
    """Give the keys that the export names, once those known from elsewhere were found among them."""
    keys = read_keys(export)
    if keys is None:
        return None
    own = [epoch.verifier for epoch in keys.epochs]
    for verifier in known:
        if verifier not in own:
            names = ", ".join(each.vkey for each in own)
            raise export.wrong(f"the ledger is signed by {names}, not by {verifier.vkey}", MANIFEST)
    if signer and signer.verifier != keys.newest:
        raise ConfigurationError(
            f"{signer.verifier.vkey} was followed by another key of the ledger and signs nothing any more",
            hint=f"Give the file of {keys.newest.vkey}; to check the export with the old key, give it as --verifier.",
        )
    return keys


def _key_rows(keys: KeyChain | None) -> list[dict[str, Any]]:
    return [{"from_size": size, "vkey": verifier.vkey} for size, verifier in keys.epochs] if keys else []


def _check_project_file(export: ExportFolder, document: Document) -> None:
    """Refuse what no export writes, because it would choose where on this machine something is read or written."""
    where = PROJECT + _FILE
    if here := [name for name in _HERE if name in document.data]:
        raise export.wrong(f"an exported project file does not say {here[0]!r}", where)
    files = export.manifest.by_name
    listed = document.data.get("contracts")
    for entry in listed if isinstance(listed, list) else []:
        if not isinstance(entry, str) or PROJECT + posixpath.normpath(entry) not in files or entry.startswith("/"):
            raise export.wrong(f"the contract file {str(entry)[:100]!r} is not in the export", where)


def _write_files(export: ExportFolder, path: Path, undo: _Undo) -> list[Path]:
    """Write the project file and the contracts that are not there yet; the project's own stay."""
    written: list[Path] = []
    for name, data in export.project_files(largest=LARGEST_FILE).items():
        target = path if name == _FILE else path.parent / name
        if not os.path.lexists(target):
            undo.write(target, data)
            written.append(target)
        elif name != _FILE and target.read_bytes() != data:
            raise ConfigurationError(
                f"{target} exists, and the export holds another text of it", hint="Import into a new folder."
            )
    if not path.exists():
        raise export.wrong("the export holds no project file", MANIFEST)
    return written


def _place_keys(project: Project, keys: KeyChain | None, signer: Signer | None, undo: _Undo) -> str:
    """Put the keys of the ledger into the project's folder; tells whether the signing key is there now."""
    if keys is None:
        return "present" if project.key_path.exists() else "missing"
    held = load_key(project.key_path) if project.key_path.exists() else None
    if held and held.verifier != keys.newest:
        raise ConfigurationError(
            f"{project.key_path} is not the key that signed the export", hint="Move it away and import again."
        )
    path = chain_path(project.key_path)
    if path.exists():
        if path.read_bytes() != keys.encode():
            raise ConfigurationError(f"{path} holds other keys than the export", hint="Move it away and import again.")
    elif keys.links:
        undo.write(path, keys.encode(), mode=0o600)
    text = f"{keys.newest.vkey}\n".encode()
    if not project.verifier_path.exists() or project.verifier_path.read_bytes() != text:
        project.verifier_path.unlink(missing_ok=True)
        undo.write(project.verifier_path, text)
    if held:
        return "present"
    if signer is None:
        return "missing"
    undo.write(project.key_path, signer.encode(), mode=0o600)
    return "placed"


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """Give an empty folder for what is not checked yet, and delete it afterwards."""
    path = folder / "import.tmp"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class _Undo:
    """Files and folders that are made, and taken away again if the work on them does not come to its end."""

    def __init__(self) -> None:
        self._made: list[Path] = []
        self._folder: Path | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is None:
            return
        with suppress(OSError):
            if self._folder:
                shutil.rmtree(self._folder, ignore_errors=True)
            for path in reversed(self._made):
                if path.is_dir():
                    path.rmdir()
                else:
                    path.unlink(missing_ok=True)

    def folder(self, path: Path) -> None:
        """Note a folder that the project will make; one that is there already stays."""
        if not path.exists():
            self._folder = path

    def write(self, path: Path, data: bytes, mode: int = 0o644) -> None:
        """Write a new file."""
        try:
            self._make(path.parent)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            self._made.append(path)
            with open(descriptor, "wb") as file:  # noqa: PTH123 - mode and exclusivity
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error.strerror}", hint="Nothing was imported.") from error

    def _make(self, folder: Path) -> None:
        if not folder.is_dir():
            self._make(folder.parent)
            folder.mkdir()
            self._made.append(folder)

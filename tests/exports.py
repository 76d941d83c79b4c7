"""What tests of export and import share: filling a project, comparing folders, and forging a manifest."""

import filecmp
import hashlib
import shutil
from pathlib import Path

import msgspec

from tallystick.cli.project import open_project
from tallystick.cli.transfer import export_project, import_project
from tallystick.database.engine import HEAD
from tallystick.export.evidence import EvidenceHash, open_parts, versions
from tallystick.export.manifest import parse_manifest
from tallystick.export.writing import parts_of
from tallystick.plugins import PluginHost

HOST = PluginHost()


def quiet(_name, _done):
    """Show no progress."""


def contract_of(company):
    """Give the name of the project's contract."""
    return next(line.split(":")[1].strip() for line in company.story.contract.splitlines() if line[:9] == "contract:")


def fill(company):
    """Sync, take in claims, verify, and take a scheduled turn."""
    company.run("sync", "--now", company.now)
    company.run("claims", "import", company.write_claims(), "--contract", contract_of(company), "--now", company.now)
    company.run("verify", "--now", company.now)
    company.run("run", "--now", company.now)


def take_in(folder, export, **more):
    """Import into a project folder, in this process."""
    given = {"key": None, "verifier": None, "tick": quiet, "host": HOST, **more}
    return import_project(folder / "tallystick.yaml", export, **given)


def take_out(folder, export):
    """Export a project folder, in this process."""
    with open_project(folder / "tallystick.yaml", HOST) as project:
        return export_project(project, export, quiet)


def files_below(folder):
    """Name every file below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def same_files(one, other):
    """Tell whether two folders hold the same files with the same bytes."""
    names = files_below(one)
    _, differ, failed = filecmp.cmpfiles(one, other, names, shallow=False)
    return bool(names) and names == files_below(other) and not differ and not failed


class Forgery:
    """A copy of an export whose files can be changed, and whose manifest can be made to fit again."""

    def __init__(self, export, folder):
        shutil.copytree(export, folder)
        self.folder = folder

    def path(self, name):
        """Give the path of a file."""
        return self.folder / name

    def lines(self, name):
        """Give the lines of a file."""
        return self.path(name).read_bytes().splitlines(keepends=True)

    def write_lines(self, name, lines):
        """Write the lines of a file."""
        self.path(name).write_bytes(b"".join(lines))

    def replace(self, name, old, new, count=1):
        """Replace bytes in a file, which must be there."""
        data = self.path(name).read_bytes()
        assert old in data, (name, old)
        self.path(name).write_bytes(data.replace(old, new, count))

    def rows(self, name):
        """Give the rows of a file."""
        return [msgspec.json.decode(line) for line in self.lines(name)]

    def write_rows(self, name, rows):
        """Write rows as a file, each in canonical form."""
        encode = msgspec.json.Encoder(order="sorted").encode
        self.write_lines(name, [encode(row) + b"\n" for row in rows])

    @property
    def manifest(self):
        """The manifest as it stands."""
        return parse_manifest(self.path("manifest.json").read_bytes(), "", revision=HEAD)

    def relist(self, **changes):
        """Make the manifest fit the files again."""
        manifest = self.manifest
        counted = {listed.name for listed in manifest.files if listed.rows is not None}
        listed = []
        for name in sorted(set(files_below(self.folder)) - {"manifest.json"}):
            data = self.path(name).read_bytes()
            rows = data.count(b"\n") if name in counted else None
            kind = type(manifest.files[0])
            listed.append(kind(name, len(data), hashlib.sha256(data).hexdigest(), rows))
        manifest = msgspec.structs.replace(manifest, files=tuple(listed), **changes)
        self.path("manifest.json").write_bytes(manifest.encode())

    def evidence(self):
        """Give what the manifest would have to say of the records as they are now."""
        digest = EvidenceHash()
        parts = parts_of(self.rows("records/catalog.jsonl"), self.path("records/segments"))
        with open_parts(parts, Path("/nonexistent")) as database:
            for part in parts:
                for version in versions(database, part):
                    digest.add(part, version)
        return msgspec.structs.replace(self.manifest.evidence, rows=digest.rows, sha256=digest.hexdigest())

"""What tests of export and import share: filling a project, comparing folders, and forging a manifest."""

import filecmp
import hashlib
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import msgspec
from sqlalchemy import delete, insert
from tests.fakes import refund

from tallystick.canonical import canonical, digest
from tallystick.cli.project import open_project
from tallystick.cli.transfer import export_project, import_project
from tallystick.database import schema
from tallystick.database.engine import HEAD, transaction
from tallystick.export import load_export, open_export, write_export
from tallystick.export.evidence import EvidenceHash, open_parts, versions
from tallystick.export.manifest import parse_manifest
from tallystick.export.writing import parts_of
from tallystick.ledger import KeyChain, Log, Signer, fsck
from tallystick.plugins import PluginHost
from tallystick.records.catalog import Progress
from tallystick.records.catalog import fsck as fsck_records
from tallystick.records.scan import connect
from tallystick.verification import intake
from tallystick.verification.acts import append_acts
from tallystick.verification.audit import fsck_decisions
from tallystick.verification.claim import Claim

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


class Alone:
    """The command line in a folder, with no simulator behind it."""

    def __init__(self, folder):
        self.folder = folder

    def run(self, *arguments, code=0, out=False):
        """Run a verb, which must end with that exit code; give what it printed: errors, if not 0 nor `out`."""
        command = [sys.executable, "-m", "tallystick", *map(str, arguments)]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == code, f"exit {done.returncode}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout if out or code == 0 else done.stderr

    def add(self, text):
        """Add lines to the project file."""
        with (self.folder / "tallystick.yaml").open("a") as file:
            file.write(text)


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
        with open_parts(parts, Path("/nonexistent"), rows=0) as database:
            for part in parts:
                for version in versions(database, part):
                    digest.add(part, version)
        return msgspec.structs.replace(self.manifest.evidence, rows=digest.rows, sha256=digest.hexdigest())


KEY = Signer("tallystick/demo", bytes(range(32)))


def carry_out(store, folder):
    """Export a store and its ledger."""
    log = Log(store.engine, KEY.name)
    return write_export(folder, store, log, project="demo", version="0", keys=KeyChain(KEY.verifier), files=FILES)


FILES = {"tallystick.yaml": b"project: demo\nsources: {}\n"}


def carry_in(store, export):
    """Import into an empty store."""
    staging = store.folder.parent / "import.tmp"
    staging.mkdir()
    try:
        return load_export(open_export(export), store, Log(store.engine, KEY.name), KEY.verifier, staging=staging)
    finally:
        shutil.rmtree(staging)


def findings(store):
    """Give everything that fsck finds."""
    log = Log(store.engine, KEY.name)
    report = fsck(store.engine, KEY.name, KEY.verifier)
    return [*report.findings, *fsck_decisions(store.engine, log, store), *fsck_records(store)]


def tell(store, rounds):
    """Fill a store and its ledger: a round is records `(id, as_of, text, deleted, custom)`, claim ids and statuses.

    What a status says is on the record of its place among all that are stored; claims and verdicts are written as
    intake and recorder write them.
    """
    log = Log(store.engine, KEY.name)
    known = set()
    for number, (records, claims, statuses) in enumerate(rounds):
        made = [refund(name, at, said, deleted=gone, custom=more) for name, at, said, gone, more in records]
        progress = [Progress("refunds", 0, {"after": number}, None)] if number % 2 else []
        store.register("billing", {"refunds": ("refund",)})
        if progress:
            store.plan("billing", "refunds", ("refund",), [(0, 10_000, {"after": None})])
        store.commit("billing", made, progress, connector="f 1", api_version="1", observed_at=9_000 + number)
        fresh = sorted(set(claims) - known)
        known |= set(fresh)
        with transaction(store.engine) as connection:
            _agree(connection, log, number)
            _claim(connection, log, fresh)
            _decide(connection, log, store, statuses)
            connection.execute(insert(schema.run).values(started_at=number, report='{"run":1}'))
            log.checkpoint(connection, KEY)


def _agree(connection, log, number):
    body = {"contract": "c", "terms": ["\u20ac", number]}
    entry = {"kind": "contract", "contract": f"c{number}", "version": 1, "sha256": digest(body), "body": body}
    row = {"contract": f"c{number}", "version": 1, "sha256": digest(body)}
    [idx] = log.append(connection, [canonical(entry)])
    connection.execute(insert(schema.contract_version), {**row, "idx": idx})
    [idx] = log.append(connection, [b'{\n"kind": "note"}'])
    connection.execute(insert(schema.ledger_act), {"idx": idx, "contract": "", "kind": "note", "key": ""})
    acts = [{"kind": kind, "at": "now", "contract": "c0", "key": f"k{number}"} for kind in ("remark", "reminder")]
    append_acts(connection, log, "c0", acts)


def _claim(connection, log, fresh):
    if fresh:
        made = [Claim(name, "o", f"ref {name}", None, Decimal("1.50"), "EUR") for name in fresh]
        said = {"contract": "c0", "count": len(made), "claims_sha256": digest([claim.digest for claim in made])}
        [idx] = log.append(connection, [canonical({"kind": "claims", **said})])
        connection.execute(insert(schema.claim), [intake._row("c0", claim, idx) for claim in made])


def _decide(connection, log, store, statuses):
    cited = _stored(store)
    for place, status in enumerate(statuses):
        subject = f"claim:\U0001f600{place % 3}"
        evidence = cited[place : place + 2]
        verdict = {"contract": "c0", "subject": subject, "status": status, "evidence": evidence}
        [idx] = log.append(connection, [canonical({"kind": "verdict", "verdict": verdict})])
        head = schema.verdict_head
        connection.execute(delete(head).where(head.c.subject == subject))
        row = {"contract": "c0", "subject": subject, "idx": idx, "status": status, "digest": digest(verdict)}
        connection.execute(insert(head), row)


def _stored(store):
    with connect(store, "billing", types=["refund"]) as database:
        rows = database.execute("SELECT id, version, raw_sha256 FROM refund_all ORDER BY seq").fetchall()
    names = ("id", "version", "raw_sha256")
    return [{"source": "billing", "type": "refund", **dict(zip(names, row, strict=True))} for row in rows]

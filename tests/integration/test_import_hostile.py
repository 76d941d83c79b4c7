"""An export is taken for a forgery until every byte of it is recomputed; a refused one leaves nothing behind."""

import os
import shutil

import msgspec
import pytest
from tests.exports import Forgery, files_below, take_in
from tests.forged import CATALOG, CHECKPOINTS, HEADS, PROJECT, append, refused, segment

from tallystick.canonical import canonical
from tallystick.errors import ConfigurationError
from tallystick.export.manifest import DERIVED, TABLES, TAKEN
from tallystick.ledger import Signer, load_key
from tallystick.ledger.checkpoint import Checkpoint, sign_checkpoint


@pytest.fixture
def forgery(exported, tmp_path):
    """A copy of the export to change."""
    return Forgery(exported[1], tmp_path / "export")


# --- files that are not those of the manifest


def _every_kind(forgery):
    names = [listed.name for listed in forgery.manifest.files if listed.bytes]
    return [name for name in names if not name.endswith(".parquet")] + [segment(forgery)[1]]


def test_a_flipped_bit_is_named(forgery, tmp_path):
    """A bit flipped in a file of any kind is found, and the file named."""
    for name in _every_kind(forgery):
        data = bytearray(forgery.path(name).read_bytes())
        data[len(data) // 2] ^= 1
        forgery.path(name).write_bytes(data)

        error = refused(forgery, tmp_path)
        assert error.where == str(forgery.path(name))

        data[len(data) // 2] ^= 1
        forgery.path(name).write_bytes(data)
        (tmp_path / "new").rmdir()


def _link(forgery, name):
    path = forgery.path(name)
    shutil.copy(path, forgery.folder.parent / "elsewhere")
    path.unlink()
    path.symlink_to(forgery.folder.parent / "elsewhere")


def _pipe(forgery, name):
    forgery.path(name).unlink()
    os.mkfifo(forgery.path(name))


FILES = {
    "missing": (lambda forgery: forgery.path(HEADS).unlink(), HEADS, "missing"),
    "not listed": (lambda forgery: forgery.path("tables/more.jsonl").touch(), "tables/more.jsonl", "does not list"),
    "longer": (lambda forgery: append(forgery, CATALOG, b"x"), CATALOG, "bytes"),
    "a link": (lambda forgery: _link(forgery, CATALOG), CATALOG, "plain file"),
    "a folder that is a link": (
        lambda forgery: (
            forgery.path("project/contracts").rename(forgery.path("../moved"))
            and forgery.path("project/contracts").symlink_to(forgery.path("../moved").resolve())
        ),
        "project/contracts",
        "plain file",
    ),
    "a pipe": (lambda forgery: _pipe(forgery, CATALOG), CATALOG, "plain file"),
    "no text as a name": (
        lambda forgery: forgery.path("tables/\udcff").touch(),
        "tables/\\udcff",
        "does not list",
    ),
}


@pytest.mark.parametrize("case", FILES)
def test_files_are_those_of_the_manifest(forgery, tmp_path, case):
    """A file that is missing, besides, of another size, or no plain file is refused and named."""
    change, name, said = FILES[case]
    change(forgery)

    error = refused(forgery, tmp_path)

    assert error.where == str(forgery.path(name))
    assert said in error.message


# --- the manifest


def _listed(name):
    def change(data):
        first = data.index(b'"name":"') + len('"name":"')
        return data[:first] + name + data[data.index(b'"', first) :]

    return change


MANIFESTS = {
    "a key twice": lambda data: data.replace(b'"project":', b'"project":"x","project":', 1),
    "a float": lambda data: data.replace(b'"size":', b'"size":1.5,"size":', 1),
    "a float that is whole": lambda data: data.replace(b',"verifier":', b'.0,"verifier":', 1),
    "white space": lambda data: data + b"\n",
    "an unknown key": lambda data: data.replace(b'"project":', b'"plan":1,"project":', 1),
    "no JSON": lambda data: data[:-1],
    "nesting without end": lambda _data: b"[" * 200_000,
    "a step out": _listed(b"../claims.jsonl"),
    "a place of its own": _listed(b"/etc/passwd"),
    "a step out of the project": _listed(b"project/../../x"),
    "a hidden step": _listed(b"project/./x"),
    "no file of an export": _listed(b"claims.exe"),
    "a segment elsewhere": _listed(b"records/segments/../../x.parquet"),
    "a hash that is none": lambda data: data.replace(b'"rows":null,"sha256":"', b'"rows":null,"sha256":"z', 1),
}


@pytest.mark.parametrize("case", MANIFESTS)
def test_the_manifest_is_exactly_what_an_export_writes(forgery, tmp_path, case):
    """A manifest with duplicate keys, floats, other layout, or names that lead elsewhere is refused."""
    path = forgery.path("manifest.json")
    data = path.read_bytes()
    path.write_bytes(MANIFESTS[case](data))
    assert path.read_bytes() != data

    assert refused(forgery, tmp_path).where == str(path)


def test_an_export_without_manifest_is_none(forgery, tmp_path):
    """What a killed export leaves has no manifest, and is refused as unfinished."""
    forgery.path("manifest.json").unlink()

    assert "not finished" in refused(forgery, tmp_path, ConfigurationError).hint


@pytest.mark.parametrize("what", ["format", "revision"])
def test_another_version_is_named(forgery, tmp_path, what):
    """An export of another format or of other tables is refused with what to do, not called altered."""
    forgery.relist(**{what: "tallystick-export/9"})

    assert refused(forgery, tmp_path, ConfigurationError).exit_code == 2


# --- ledgers and projects that fit the manifest


def test_a_ledger_signed_anew_is_told_by_the_key(forgery, exported, tmp_path):
    """A history rewritten and signed with another key is whole in itself; who names the right key refuses it."""
    key = exported[0] / ".tallystick" / "ledger.key"
    right = load_key(key)
    other = Signer(right.name, b"x" * 32)
    rows = forgery.rows(CHECKPOINTS)
    head = forgery.manifest.ledger
    for each in rows:
        root = msgspec.json.decode(msgspec.json.encode(each["root"]), type=bytes)
        each["note"] = sign_checkpoint(Checkpoint(right.name, each["size"], root), other)
    forgery.write_rows(CHECKPOINTS, rows)
    changed = msgspec.structs.replace(head, verifier=other.verifier.vkey, checkpoint=rows[-1]["note"])
    forgery.relist(ledger=changed)

    for given in ({"key": key}, {"verifier": right.verifier.vkey}):
        assert "is signed by" in refused(forgery, tmp_path, **given).message
        (tmp_path / "new").rmdir()
    (tmp_path / "new").mkdir()
    report = take_in(tmp_path / "new", forgery.folder)
    assert not report["verifier_given"]
    assert report["verifier"] == other.verifier.vkey


def test_a_checkpoint_by_a_stranger_is_refused(forgery, tmp_path):
    """A checkpoint that another key signed is refused and named by its line."""
    rows = forgery.rows(CHECKPOINTS)
    root = msgspec.json.decode(msgspec.json.encode(rows[0]["root"]), type=bytes)
    stranger = Signer("tallystick/demo", b"y" * 32)
    rows[0]["note"] = sign_checkpoint(Checkpoint("tallystick/demo", rows[0]["size"], root), stranger)
    forgery.write_rows(CHECKPOINTS, rows)
    forgery.relist()

    assert str(refused(forgery, tmp_path).where).endswith(f"{CHECKPOINTS}:1")


def test_a_project_of_another_name_is_refused(forgery, tmp_path):
    """A project file that renames the project is refused: its ledger is signed under the old name."""
    forgery.replace(PROJECT, b"project: demo", b"project: mine")
    forgery.relist()

    assert "is of the project" in refused(forgery, tmp_path, ConfigurationError).message


def test_the_manifest_is_canonical(exported):
    """The manifest of a real export is canonical JSON, and lists every other file."""
    data = (exported[1] / "manifest.json").read_bytes()
    content = msgspec.json.decode(data)

    assert canonical(content) == data
    assert {listed["name"] for listed in content["files"]} == set(files_below(exported[1])) - {"manifest.json"}


def test_every_table_is_derived_checked_or_taken():
    """A new table cannot slip into exports without somebody deciding how an import comes to trust its rows."""
    checked = {"claim", "ledger_checkpoint", "record_head", "superseded"}

    assert sorted(TABLES) == sorted([*DERIVED, *TAKEN, *checked])

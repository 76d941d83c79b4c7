"""An export is taken for a forgery until every byte of it is recomputed; a refused one leaves nothing behind."""

import hashlib
import os
import shutil

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.exports import Forgery, files_below, take_in

from tallystick.canonical import canonical
from tallystick.errors import ConfigurationError, Error, Tampered
from tallystick.export.manifest import DERIVED, TABLES, TAKEN
from tallystick.ledger import Signer, load_key
from tallystick.ledger.checkpoint import Checkpoint, sign_checkpoint
from tallystick.verification.intake import claim_of

ENTRIES = "ledger/entries.jsonl"
CHECKPOINTS = "ledger/checkpoints.jsonl"
CATALOG = "records/catalog.jsonl"
HEADS = "records/heads.jsonl"
SUPERSEDED = "records/superseded.jsonl"
PROJECT = "project/tallystick.yaml"


@pytest.fixture
def forgery(exported, tmp_path):
    """A copy of the export to change."""
    return Forgery(exported[1], tmp_path / "export")


def _refused(forgery, tmp_path, kind=Tampered, **more):
    """Import, which must fail with that error and leave nothing behind; give the error."""
    target = tmp_path / "new"
    target.mkdir()
    with pytest.raises(Error) as caught:
        take_in(target, forgery.folder, **more)
    assert type(caught.value) is kind, caught.value
    assert list(target.iterdir()) == []
    return caught.value


def _segment(forgery):
    """Name the segment with the most rows that is not alone with its type."""
    row = max(forgery.rows(CATALOG), key=lambda row: (row["type"] == "payment", row["rows"]))
    return row, f"records/segments/{row['sha256']}.parquet"


def _contract(forgery):
    return next(name for name in files_below(forgery.folder) if name.startswith("contracts/"))


# --- files that are not those of the manifest


def _every_kind(forgery):
    names = [listed.name for listed in forgery.manifest.files if listed.bytes]
    return [name for name in names if not name.endswith(".parquet")] + [_segment(forgery)[1]]


def test_a_flipped_bit_is_named(forgery, tmp_path):
    """A bit flipped in a file of any kind is found, and the file named."""
    for name in _every_kind(forgery):
        data = bytearray(forgery.path(name).read_bytes())
        data[len(data) // 2] ^= 1
        forgery.path(name).write_bytes(data)

        error = _refused(forgery, tmp_path)
        assert error.where == str(forgery.path(name))

        data[len(data) // 2] ^= 1
        forgery.path(name).write_bytes(data)
        (tmp_path / "new").rmdir()


def _append(forgery, name, data):
    forgery.path(name).write_bytes(forgery.path(name).read_bytes() + data)


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
    "longer": (lambda forgery: _append(forgery, CATALOG, b"x"), CATALOG, "bytes"),
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

    error = _refused(forgery, tmp_path)

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

    assert _refused(forgery, tmp_path).where == str(path)


def test_an_export_without_manifest_is_none(forgery, tmp_path):
    """What a killed export leaves has no manifest, and is refused as unfinished."""
    forgery.path("manifest.json").unlink()

    assert "not finished" in _refused(forgery, tmp_path, ConfigurationError).hint


@pytest.mark.parametrize("what", ["format", "revision"])
def test_another_version_is_named(forgery, tmp_path, what):
    """An export of another format or of other tables is refused with what to do, not called altered."""
    forgery.relist(**{what: "tallystick-export/9"})

    assert _refused(forgery, tmp_path, ConfigurationError).exit_code == 2


# --- files that fit the manifest, and not each other


def _row(name, number, **changes):
    """Change columns of a row."""

    def change(forgery):
        rows = forgery.rows(name)
        rows[number] = {**rows[number], **changes}
        forgery.write_rows(name, rows)

    return change


def _text(name, old, new):
    return lambda forgery: forgery.replace(name, old, new)


def _without(name, number):
    def change(forgery):
        lines = forgery.lines(name)
        del lines[number]
        forgery.write_lines(name, lines)

    return change


def _swapped(name):
    def change(forgery):
        lines = forgery.lines(name)
        forgery.write_lines(name, [lines[1], lines[0], *lines[2:]])

    return change


def _twice(name):
    def change(forgery):
        lines = forgery.lines(name)
        forgery.write_lines(name, [lines[0], *lines])

    return change


def _claim(**changes):
    """Change a claim and its digest with it."""

    def change(forgery):
        rows = forgery.rows("claims.jsonl")
        rows[3] |= changes
        rows[3]["digest"] = claim_of(rows[3]).digest
        forgery.write_rows("claims.jsonl", rows)

    return change


def _unlisted_segment(forgery):
    data = b"PAR1"
    forgery.path(f"records/segments/{hashlib.sha256(data).hexdigest()}.parquet").write_bytes(data)


def _rewritten(change):
    """Write a segment anew with a changed table, under its new name, and name it in the catalog."""

    def write(forgery):
        row, name = _segment(forgery)
        data = change(forgery.path(name))
        forgery.path(name).unlink()
        sha256 = hashlib.sha256(data).hexdigest()
        forgery.path(f"records/segments/{sha256}.parquet").write_bytes(data)
        rows = [
            {**each, "sha256": sha256, "bytes": len(data)} if each == row else each for each in forgery.rows(CATALOG)
        ]
        forgery.write_rows(CATALOG, sorted(rows, key=lambda each: each["sha256"]))

    return write


def _table(change):
    def write(path):
        sink = pa.BufferOutputStream()
        pq.write_table(change(pq.ParquetFile(path).read()), sink)
        return sink.getvalue().to_pybytes()

    return _rewritten(write)


def _latin(table):
    """Give a segment whose raw records are not UTF-8, which Parquet says they are."""
    place = table.schema.get_field_index("raw")
    raws = pa.array([b"\xff\xfe"] * table.num_rows, pa.binary())
    text = pa.StringArray.from_buffers(len(raws), *raws.buffers()[1:])
    sink = pa.BufferOutputStream()
    pq.write_table(table.set_column(place, table.schema.field(place), text), sink)
    return sink.getvalue().to_pybytes()


def _column(name, change):
    def write(table):
        place = table.schema.get_field_index(name)
        values = change(table.column(name).to_pylist())
        return table.set_column(place, table.schema.field(place), pa.array(values, table.schema.field(place).type))

    return _table(write)


CHANGES = {
    "entry edited": (_text(ENTRIES, b'"at":"2', b'"at":"1'), CHECKPOINTS, "signed was the root"),
    "entry left out": (_without(ENTRIES, 1), CHECKPOINTS, ""),
    "last entry left out": (_without(ENTRIES, -1), ENTRIES, "root"),
    "entries in another order": (_swapped(ENTRIES), CHECKPOINTS, "signed was the root"),
    "entry twice": (_twice(ENTRIES), f"{ENTRIES}:2", "recorded before"),
    "entry no object": (_text(ENTRIES, b'{"at"', b'["at"'), f"{ENTRIES}:1", "neither"),
    "entry in base64 without need": (
        lambda forgery: forgery.write_lines(ENTRIES, [b'"e30="\n', *forgery.lines(ENTRIES)[1:]]),
        f"{ENTRIES}:1",
        "neither",
    ),
    "entry without end": (
        lambda forgery: forgery.path(ENTRIES).write_bytes(forgery.path(ENTRIES).read_bytes()[:-1]),
        ENTRIES,
        "",
    ),
    "checkpoint edited": (_text(CHECKPOINTS, b"tallystick/demo\\n", b"tallystick/demi\\n"), f"{CHECKPOINTS}:1", ""),
    "checkpoint of another size": (_row(CHECKPOINTS, 0, size=3), f"{CHECKPOINTS}:1", ""),
    "checkpoint left out": (_without(CHECKPOINTS, -1), CHECKPOINTS, "newest"),
    "claim edited": (_text("claims.jsonl", b'"ref":"', b'"ref":"x'), "claims.jsonl:1", "digest"),
    "claim edited with its digest": (_claim(ref="ch_9"), "claims.jsonl", "not those it records"),
    "claim of another entry": (_row("claims.jsonl", 4, seq=7), "claims.jsonl:5", "records no claims"),
    "claim left out": (_without("claims.jsonl", 2), "claims.jsonl", "not those it records"),
    "claim twice": (_twice("claims.jsonl"), "claims.jsonl:2", "twice"),
    "claims in another order": (_swapped("claims.jsonl"), "claims.jsonl:2", "order"),
    "key twice": (
        _text("claims.jsonl", b'{"amount"', b'{"amount":"","amount"'),
        "claims.jsonl:1",
        "stands there twice",
    ),
    "float": (_text("claims.jsonl", b'"seq":1}', b'"seq":1.5}'), "claims.jsonl:1", "int"),
    "whole float": (_text("claims.jsonl", b'"seq":1}', b'"seq":1.0}'), "claims.jsonl:1", ""),
    "wrong type": (_text("claims.jsonl", b'"seq":1}', b'"seq":"1"}'), "claims.jsonl:1", "int"),
    "too large": (_text("claims.jsonl", b'"seq":1}', b'"seq":99999999999999999999}'), "claims.jsonl:1", ""),
    "unknown column": (_row("claims.jsonl", 0, zz=1), "claims.jsonl:1", "zz"),
    "white space": (_text("claims.jsonl", b'"seq":1}', b'"seq": 1}'), "claims.jsonl:1", "canonical"),
    "amount no number": (_row("claims.jsonl", 0, amount="NaN1"), "claims.jsonl:1", "digest"),
    "NUL": (_text("claims.jsonl", b'"ref":"', b'"ref":"\\u0000'), "claims.jsonl:1", "NUL"),
    "no UTF-8": (_text("claims.jsonl", b'"ref":"', b'"ref":"\xff'), "claims.jsonl:1", ""),
    "contract's text": (
        lambda forgery: forgery.replace(_contract(forgery), b'"currency":"EUR"', b'"currency":"USD"'),
        "contracts/",
        "text in the ledger",
    ),
    "one contract more": (
        lambda forgery: forgery.path("contracts/other.v1.json").write_bytes(b"{}"),
        "contracts/other.v1.json",
        "no such contract",
    ),
    "contract's hash": (_row("tables/contract_version.jsonl", 0, sha256="00"), "tables/contract_version.jsonl:1", ""),
    "verdict's status": (_row("tables/verdict_head.jsonl", 5, status="paid"), "tables/verdict_head.jsonl:6", ""),
    "verdict left out": (_without("tables/verdict_head.jsonl", 5), "tables/verdict_head.jsonl:6", ""),
    "last verdict left out": (_without("tables/verdict_head.jsonl", -1), "tables/verdict_head.jsonl", "more rows"),
    "act of nobody": (
        lambda forgery: forgery.write_rows(
            "tables/ledger_act.jsonl", [{"contract": "c", "idx": 3, "key": "k", "kind": "dispute"}]
        ),
        "tables/ledger_act.jsonl:1",
        "ledger",
    ),
    "head of another version": (_row(HEADS, 2, version=9), f"{HEADS}:3", "head"),
    "head with another digest": (_row(HEADS, 2, digest="AAAA"), f"{HEADS}:3", "head"),
    "head older than its row": (_row(HEADS, 2, as_of=1), f"{HEADS}:3", "head"),
    "head left out": (_without(HEADS, 2), f"{HEADS}:3", "head"),
    "last head left out": (_without(HEADS, -1), HEADS, "head"),
    "superseded by nobody": (
        lambda forgery: forgery.write_rows(
            SUPERSEDED,
            [*forgery.rows(SUPERSEDED), {"by_seq": 2**40 + 1, "seq": 2**40, "source": "billing", "type": "payment"}],
        ),
        SUPERSEDED,
        "by no other",
    ),
    "segment left out": (_without(CATALOG, 0), "records/segments/", "does not name"),
    "segment nobody names": (_unlisted_segment, "records/segments/", "does not name"),
    "segment of another type": (_row(CATALOG, 0, type="nothing"), f"{CATALOG}:1", "record type"),
    "segment in a folder elsewhere": (_row(CATALOG, 0, source="../x"), f"{CATALOG}:1", "no segment"),
    "segment with other rows": (_row(CATALOG, 0, rows=7_777), "records/segments/", "rows"),
    "segment of another source": (_row(CATALOG, 0, source="crm"), "records/segments/", "another source"),
    "segment begins elsewhere": (_row(CATALOG, 0, first_seq=0), "records/segments/", "begins"),
    "segment ends elsewhere": (_row(CATALOG, 0, last_seq=2**40), "records/segments/", "ends"),
    "segment of another size": (_row(CATALOG, 0, bytes=1), f"{CATALOG}:1", "size"),
    "segment replaced": (_row(CATALOG, 0, replaced=True), f"{CATALOG}:1", "no segment"),
    "no Parquet": (_rewritten(lambda _path: b"PAR1 and nothing PAR1"), "records/segments/", "cannot be read"),
    "text that is none": (
        _rewritten(lambda path: _latin(pq.ParquetFile(path).read())),
        "",
        "cannot be read",
    ),
    "Parquet cut short": (_rewritten(lambda path: path.read_bytes()[:-9]), "records/segments/", "cannot be read"),
    "columns left out": (_table(lambda table: table.drop_columns(["raw"])), "records/segments/", "columns"),
    "rows out of order": (_column("seq", lambda seqs: seqs[::-1]), "records/segments/", "ascend"),
    "raw without its hash": (
        _column("raw", lambda raws: [raws[0].replace("{", "{ ", 1), *raws[1:]]),
        CATALOG,
        "hash beside it",
    ),
    "a version too many": (_column("version", lambda seen: [2, *seen[1:]]), CATALOG, "count up"),
    "another instant": (
        _column("as_of", lambda seen: [each.replace(year=2001) for each in seen]),
        CATALOG,
        "",
    ),
    "counter behind": (
        lambda forgery: forgery.write_rows("tables/counter.jsonl", [{"name": "seq", "value": 3}]),
        "tables/counter.jsonl",
        "counter",
    ),
    "streams no list": (_row("tables/stream_state.jsonl", 0, types="{"), "tables/stream_state.jsonl", "cannot be read"),
    "run's report no object": (_row("tables/run.jsonl", 0, report="[]"), "tables/run.jsonl", "report"),
    "database chosen": (
        lambda forgery: _append(forgery, PROJECT, b"database: env:HOME\n"),
        PROJECT,
        "database",
    ),
    "folder chosen": (lambda forgery: _append(forgery, PROJECT, b"folder: /tmp/x\n"), PROJECT, "folder"),
    "contract elsewhere": (
        _text(PROJECT, b"contracts/contract.yaml", b"../contract.yaml"),
        PROJECT,
        "is not in the export",
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_what_contradicts_the_ledger_or_the_records_is_named(forgery, tmp_path, case):
    """A change whose manifest was made to fit is found all the same: exit 4, file and line, nothing kept."""
    change, where, said = CHANGES[case]
    before = {name: forgery.path(name).read_bytes() for name in files_below(forgery.folder)}
    change(forgery)
    assert before != {name: forgery.path(name).read_bytes() for name in files_below(forgery.folder)}
    forgery.relist()

    error = _refused(forgery, tmp_path)

    assert error.exit_code == 4
    assert str(error.where).startswith(str(forgery.path(where))), error
    assert said in error.message


def test_evidence_that_is_cited_must_be_there(forgery, tmp_path):
    """Records altered with their hashes, heads and digest are found, because the ledger cites what they were."""
    changed = {}

    def alter(table):
        ids, raws = table.column("id").to_pylist(), table.column("raw").to_pylist()
        raws = [raw.replace('"amount":', '"amount":1', 1) for raw in raws]
        names = [hashlib.sha256(raw.encode()).digest() for raw in raws]
        changed.update(zip(ids, names, strict=True))
        for column, values in (("raw", raws), ("raw_sha256", [name.hex() for name in names])):
            place = table.schema.get_field_index(column)
            table = table.set_column(place, table.schema.field(place), pa.array(values))
        return table

    row, _ = _segment(forgery)
    _table(alter)(forgery)
    heads = forgery.rows(HEADS)
    for head in heads:
        if head["type"] == row["type"] and row["first_seq"] <= head["seq"] <= row["last_seq"]:
            head["digest"] = msgspec.json.decode(msgspec.json.encode(changed[head["id"]]))
    forgery.write_rows(HEADS, heads)
    forgery.relist(evidence=forgery.evidence())

    error = _refused(forgery, tmp_path)

    assert "is cited and not stored" in error.message
    line = int(str(error.where).rpartition(":")[2])
    assert b'"kind":"verdict"' in forgery.lines(ENTRIES)[line - 1]


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
        assert "is signed by" in _refused(forgery, tmp_path, **given).message
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

    assert str(_refused(forgery, tmp_path).where).endswith(f"{CHECKPOINTS}:1")


def test_a_project_of_another_name_is_refused(forgery, tmp_path):
    """A project file that renames the project is refused: its ledger is signed under the old name."""
    forgery.replace(PROJECT, b"project: demo", b"project: mine")
    forgery.relist()

    assert "is of the project" in _refused(forgery, tmp_path, ConfigurationError).message


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

"""Files of an export that fit its manifest, and not each other: what contradicts the ledger or the records is named."""

import hashlib

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.exports import Forgery, files_below
from tests.forged import CATALOG, CHECKPOINTS, ENTRIES, HEADS, PROJECT, SUPERSEDED, append, refused, segment

from tallystick.verification.intake import claim_of


@pytest.fixture
def forgery(exported, tmp_path):
    """A copy of the export to change."""
    return Forgery(exported[1], tmp_path / "export")


def _contract(forgery):
    return next(name for name in files_below(forgery.folder) if name.startswith("contracts/"))


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
        row, name = segment(forgery)
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
        lambda forgery: append(forgery, PROJECT, b"database: env:HOME\n"),
        PROJECT,
        "database",
    ),
    "folder chosen": (lambda forgery: append(forgery, PROJECT, b"folder: /tmp/x\n"), PROJECT, "folder"),
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

    error = refused(forgery, tmp_path)

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

    row, _ = segment(forgery)
    _table(alter)(forgery)
    heads = forgery.rows(HEADS)
    for head in heads:
        if head["type"] == row["type"] and row["first_seq"] <= head["seq"] <= row["last_seq"]:
            head["digest"] = msgspec.json.decode(msgspec.json.encode(changed[head["id"]]))
    forgery.write_rows(HEADS, heads)
    forgery.relist(evidence=forgery.evidence())

    error = refused(forgery, tmp_path)

    assert "is cited and not stored" in error.message
    line = int(str(error.where).rpartition(":")[2])
    assert b'"kind":"verdict"' in forgery.lines(ENTRIES)[line - 1]

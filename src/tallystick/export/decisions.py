"""What the ledger says about contracts, claims and verdicts, held against the files beside it in an export."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from tallystick.canonical import canonical
from tallystick.database import schema
from tallystick.export.evidence import Cited, Part
from tallystick.export.folder import ExportFolder
from tallystick.export.lines import Form, ordered, rows_of, table_rows
from tallystick.export.manifest import ENTRIES, TABLES, contract_name
from tallystick.verification.acts import NO_ACTS
from tallystick.verification.intake import claim_of

__all__ = ["Decisions", "check_citations", "check_claims", "compare_derived"]

_BATCH = 2_000


class _Verdict(msgspec.Struct):
    """What is indexed of a verdict."""

    contract: str
    subject: str
    status: str


class _Entry(msgspec.Struct):
    """What an entry says, as far as it is used; entries of other kinds have none of it."""

    kind: str
    contract: str = ""
    key: str = ""
    version: int = 0
    sha256: str = ""
    body: msgspec.Raw = msgspec.Raw(b"")
    count: int = 0
    claims_sha256: str = ""
    verdict: msgspec.Raw = msgspec.Raw(b"")


class _Cites(msgspec.Struct):
    source: str
    type: str
    id: str
    version: int
    raw_sha256: str


class _Evidence(msgspec.Struct):
    evidence: tuple[_Cites, ...] = ()


class _Deciding(msgspec.Struct):
    verdict: _Evidence


class Decisions:
    """Takes in the ledger entry by entry, and fills the tables that follow from it.

    `imports` are the ledger entries that recorded claims: contract, number of claims, hash over their digests.
    """

    def __init__(self, export: ExportFolder, connection: Connection) -> None:
        self._export = export
        self._connection = connection
        self._heads: dict[tuple[str, str], dict[str, Any]] = {}
        self._acts: list[dict[str, Any]] = []
        self._texts: set[str] = set()
        self._files = export.manifest.by_name
        self._entry = msgspec.json.Decoder(_Entry)
        self._verdict = msgspec.json.Decoder(_Verdict)
        self.imports: dict[int, tuple[str, int, str]] = {}

    def add(self, idx: int, data: bytes) -> None:
        """Take in an entry.

        Raises:
            ValueError: It is not an entry that Tallystick writes.
        """
        try:
            entry = self._entry.decode(data)
            if entry.kind == "verdict":
                self._add_verdict(idx, bytes(entry.verdict))
            elif entry.kind == "claims":
                self.imports[idx] = (entry.contract, entry.count, entry.claims_sha256)
            elif entry.kind == "contract":
                self._add_contract(idx, entry)
            if entry.kind not in NO_ACTS:
                self._acts.append({"idx": idx, "contract": entry.contract, "kind": entry.kind, "key": entry.key})
                if len(self._acts) == _BATCH:
                    self._write_acts()
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValueError(f"not an entry of a ledger: {error}") from error

    def finish(self) -> None:
        """Write what is held back.

        Raises:
            Tampered: There is a contract text that the ledger does not hold.
        """
        self._write_heads()
        self._write_acts()
        if extra := sorted({name for name in self._files if name.startswith("contracts/")} - self._texts):
            raise self._export.wrong("the ledger holds no such contract", extra[0])

    def _add_contract(self, idx: int, entry: _Entry) -> None:
        body = bytes(entry.body)
        found = hashlib.sha256(body).hexdigest()
        name = contract_name(entry.contract, entry.version)
        if found != entry.sha256 or name in self._texts:
            raise ValueError("the contract's text does not have the hash beside it, or was recorded before")
        if name not in self._files or self._files[name].sha256 != found:
            raise self._export.wrong("this is not the contract's text in the ledger", name)
        self._texts.add(name)
        row = {"contract": entry.contract, "version": entry.version, "sha256": entry.sha256, "idx": idx}
        self._connection.execute(insert(schema.contract_version), row)

    def _add_verdict(self, idx: int, data: bytes) -> None:
        verdict = self._verdict.decode(data)
        self._heads[verdict.contract, verdict.subject] = {
            "contract": verdict.contract,
            "subject": verdict.subject,
            "idx": idx,
            "status": verdict.status,
            # An entry is canonical, and so is every part of it.
            "digest": hashlib.sha256(data).hexdigest(),
        }
        if len(self._heads) == _BATCH:
            self._write_heads()

    def _write_acts(self) -> None:
        if self._acts:
            self._connection.execute(insert(schema.ledger_act), self._acts)
            self._acts.clear()

    def _write_heads(self) -> None:
        if not self._heads:
            return
        table = schema.verdict_head
        dialect = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        statement = dialect.insert(table)
        newer = {name: statement.excluded[name] for name in ("idx", "status", "digest")}
        statement = statement.on_conflict_do_update(index_elements=["contract", "subject"], set_=newer)
        self._connection.execute(statement, list(self._heads.values()))
        self._heads.clear()


def compare_derived(export: ExportFolder, connection: Connection, table: str) -> None:
    """Hold the file of a table that follows from the ledger against what followed from it.

    Raises:
        Tampered: They differ; names the line.
    """
    name = TABLES[table]
    form = Form(schema.metadata.tables[table])
    derived = table_rows(connection, form.table)
    for number, line in export.lines(name):
        row = next(derived, None)
        if row is None or form.line(row) != line:
            raise export.wrong("this is not what the ledger's entries give", name, number)
    if next(derived, None) is not None:
        raise export.wrong("the ledger's entries give more rows than are here", name)


def check_claims(export: ExportFolder, connection: Connection, decisions: Decisions) -> int:
    """Fill the table of claims, each held against the ledger entry that recorded it, and give their number.

    Raises:
        Tampered: A claim is not what was recorded; names the line, or the entry where several lines may be meant.
    """
    name = TABLES["claim"]
    form = Form(schema.claim)
    before: tuple[Any, ...] | None = None
    batch: list[dict[str, Any]] = []
    count = 0
    for number, line in export.lines(name):
        try:
            row = form.row(line)
            _check_claim(row, decisions)
        except ValueError as error:
            raise export.wrong(str(error), name, number) from error
        if before is not None and form.key(row) <= before:
            raise export.wrong("the rows are not in order, or one stands there twice", name, number)
        before = form.key(row)
        batch.append(row)
        count += 1
        if len(batch) == _BATCH:
            connection.execute(insert(schema.claim), batch)
            batch = []
    if batch:
        connection.execute(insert(schema.claim), batch)
    recorded = iter(sorted(decisions.imports.items()))
    for idx, found in _imports(connection):
        wanted = next(recorded, None)
        if wanted is None or (idx, found) != (wanted[0], wanted[1][1:]):
            at = wanted[0] if wanted else idx
            raise export.wrong(f"the claims of ledger entry {at} are not those it records", name)
    if (left := next(recorded, None)) is not None:
        raise export.wrong(f"the claims of ledger entry {left[0]} are missing", name)
    return count


def _check_claim(row: dict[str, Any], decisions: Decisions) -> None:
    recorded = decisions.imports.get(row["seq"])
    if recorded is None or recorded[0] != row["contract"]:
        raise ValueError(f"ledger entry {row['seq']} records no claims under this contract")
    try:
        same = row["amount"] is None or format(Decimal(row["amount"]), "f") == row["amount"]
        same = same and claim_of(row).digest == row["digest"]  # type: ignore[arg-type]
    except (InvalidOperation, ValueError, TypeError):
        same = False
    if not same:
        raise ValueError("the claim does not have the digest beside it")


def _imports(connection: Connection) -> Iterator[tuple[int, tuple[int, str]]]:
    """Give, for each ledger entry that claims name, their number and the hash over their digests."""
    table = schema.claim
    query = select(table.c.seq, table.c.digest).order_by(table.c.seq, ordered(connection, table.c.claim_id))
    idx, count, digest = None, 0, hashlib.sha256(b"[")
    for row in rows_of(connection, query):
        if row["seq"] != idx:
            if idx is not None:
                yield idx, (count, _closed(digest))
            idx, count, digest = row["seq"], 0, hashlib.sha256(b"[")
        digest.update((b"," if count else b"") + canonical(row["digest"]))
        count += 1
    if idx is not None:
        yield idx, (count, _closed(digest))


def _closed(digest: Any) -> str:
    digest.update(b"]")
    return str(digest.hexdigest())


def check_citations(export: ExportFolder, connection: Connection, database: Any, parts: list[Part]) -> None:
    """Return when every record version that the newest verdicts cite is stored with the hash they name.

    Raises:
        Tampered: One is not; names the line of the verdict.
    """
    cited = Cited(database)
    head, entry = schema.verdict_head, schema.ledger_entry
    query = select(entry.c.idx, entry.c.data).join(head, head.c.idx == entry.c.idx).order_by(entry.c.idx)
    decoder = msgspec.json.Decoder(_Deciding)
    for row in rows_of(connection, query):
        try:
            evidence = decoder.decode(row["data"]).verdict.evidence
        except msgspec.DecodeError as error:
            raise export.wrong(
                f"the evidence of the verdict cannot be read: {error}", ENTRIES, row["idx"] + 1
            ) from error
        for item in evidence:
            cited.add(item.source, item.type, item.id, item.version, item.raw_sha256, row["idx"])
    missing = cited.missing(parts)
    if missing is not None:
        source, kind, record_id, version, _, idx = missing
        raise export.wrong(f"{source}: {kind} {record_id} version {version} is cited and not stored", ENTRIES, idx + 1)

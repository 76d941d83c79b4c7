"""Holding what is stored about claims, contracts and verdicts against the ledger, which alone is signed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
from sqlalchemy import Engine, select

from tallystick.canonical import digest
from tallystick.database import schema
from tallystick.ledger import Log
from tallystick.records.catalog import RecordStore
from tallystick.records.scan import connect
from tallystick.verification.acts import NO_ACTS
from tallystick.verification.intake import claim_of
from tallystick.verification.sample_audit import SampleAudit

__all__ = ["fsck_decisions"]


class _Entry(msgspec.Struct):
    """What an entry says, as far as it is compared."""

    kind: str
    contract: str = ""
    key: str = ""
    version: int = 0
    sha256: str = ""
    count: int = 0
    claims_sha256: str = ""
    body: dict[str, Any] = {}
    verdict: dict[str, Any] = {}


def fsck_decisions(engine: Engine, log: Log, store: RecordStore) -> list[str]:
    """Say where claims, contract versions, verdict heads, acts or cited evidence differ from the ledger; empty is good.

    The ledger is read from its first entry on; the tables beside it are derived again and compared. The newest verdict
    of each subject must cite record versions that are stored with the hash it names. Every sample is drawn again from
    the verdicts that stood before it.
    """
    findings: list[str] = []
    imports: dict[int, _Entry] = {}
    versions: dict[tuple[str, int], str] = {}
    heads: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}
    acts: dict[int, tuple[str, str, str]] = {}
    samples = SampleAudit(log.root)
    decoder = msgspec.json.Decoder(_Entry)
    for idx, data in enumerate(log.entries()):
        try:
            entry = decoder.decode(data)
        except msgspec.DecodeError as error:
            findings.append(f"ledger entry {idx}: not readable: {error}")
            continue
        if entry.kind == "claims":
            imports[idx] = entry
        elif entry.kind == "contract":
            versions[entry.contract, entry.version] = entry.sha256
            samples.see_contract(entry.sha256, entry.body)
        elif entry.kind == "verdict":
            verdict = entry.verdict
            heads[str(verdict.get("contract")), str(verdict.get("subject"))] = (idx, verdict)
            samples.see_verdict(idx)
        if entry.kind not in NO_ACTS:
            acts[idx] = (entry.contract, entry.kind, entry.key)
            verdicts = (verdict for (contract, _), (_, verdict) in heads.items() if contract == entry.contract)
            findings += samples.see_act(idx, entry.kind, data, verdicts)
    findings += _claims(engine, imports)
    findings += _versions(engine, versions)
    findings += _heads(engine, heads)
    findings += _acts(engine, acts)
    findings += _evidence(store, [verdict for _, verdict in heads.values()])
    return findings


def _claims(engine: Engine, imports: dict[int, _Entry]) -> Iterator[str]:
    table = schema.claim
    stored: dict[int, list[str]] = {}
    with engine.connect() as connection:
        # Sorted here: a database may sort texts by a language, and the ledger's hash is over the order of their signs.
        for row in sorted(connection.execute(select(table)).mappings(), key=lambda row: row["claim_id"]):
            stored.setdefault(row["seq"], []).append(claim_of(row).digest)
    for idx in sorted(stored.keys() | imports.keys()):
        entry = imports.get(idx)
        if entry is None or (entry.count, entry.claims_sha256) != (
            len(stored.get(idx, [])),
            digest(stored.get(idx, [])),
        ):
            yield f"claims of ledger entry {idx}: the {len(stored.get(idx, []))} stored claims are not those it records"


def _versions(engine: Engine, versions: dict[tuple[str, int], str]) -> Iterator[str]:
    table = schema.contract_version
    with engine.connect() as connection:
        stored = {(row.contract, row.version): row.sha256 for row in connection.execute(select(table))}
    for name, version in sorted(stored.keys() ^ versions.keys()):
        yield f"contract {name} version {version}: in the ledger and in the table, only one of the two has it"
    for key in sorted(stored.keys() & versions.keys()):
        if stored[key] != versions[key]:
            yield f"contract {key[0]} version {key[1]}: the table holds another hash than the ledger"


def _heads(engine: Engine, heads: dict[tuple[str, str], tuple[int, dict[str, Any]]]) -> Iterator[str]:
    table = schema.verdict_head
    with engine.connect() as connection:
        stored = {(row.contract, row.subject): (row.idx, row.status) for row in connection.execute(select(table))}
    for contract, subject in sorted(stored.keys() | heads.keys()):
        idx, verdict = heads.get((contract, subject), (None, {}))
        if stored.get((contract, subject)) != (idx, verdict.get("status")):
            yield f"verdict on {subject} under {contract}: newest in the ledger is entry {idx}, not what the table says"


def _acts(engine: Engine, acts: dict[int, tuple[str, str, str]]) -> Iterator[str]:
    table = schema.ledger_act
    with engine.connect() as connection:
        stored = {row.idx: (row.contract, row.kind, row.key) for row in connection.execute(select(table))}
    for idx in sorted(stored.keys() | acts.keys()):
        if idx not in acts:
            yield f"act {idx}: the table has it, and ledger entry {idx} is no act"
        elif idx not in stored:
            yield f"act {idx}: ledger entry {idx} is a {acts[idx][1]}, and the table lacks it"
        elif stored[idx] != acts[idx]:
            yield f"act {idx}: the table holds another contract, kind or key than ledger entry {idx}"


def _evidence(store: RecordStore, verdicts: list[dict[str, Any]]) -> Iterator[str]:
    cited: dict[tuple[str, str], set[tuple[str, int, str]]] = {}
    for verdict in verdicts:
        for item in verdict.get("evidence", []):
            versions = cited.setdefault((item["source"], item["type"]), set())
            versions.add((item["id"], item["version"], item["raw_sha256"]))
    for (source, kind), wanted in sorted(cited.items()):
        columns = list(zip(*wanted, strict=True))
        table = pa.table({"id": columns[0], "version": columns[1], "raw_sha256": columns[2]})
        try:
            missing = _missing(store, source, kind, table)
        except duckdb.Error:
            # What is wrong with which segment, the check of the records says.
            yield f"{source}: {kind}: cited and cannot be read"
            continue
        for record_id, version in missing:
            yield f"{source}: {kind} {record_id} version {version} is cited and not stored"


def _missing(store: RecordStore, source: str, kind: str, cited: pa.Table) -> list[tuple[str, int]]:
    """Give ids and versions of a table that are not stored with the hash it names."""
    with connect(store, source, types=[kind]) as database:
        database.register("cited", cited)
        return database.execute(
            f'SELECT id, version FROM cited ANTI JOIN "{kind}_all" r USING (id, version, raw_sha256) ORDER BY ALL'
        ).fetchall()

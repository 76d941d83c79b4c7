"""Verification of ten million payments in segments, beside the same question written by hand in DuckDB, on one core."""

import hashlib
import tempfile
import time
from pathlib import Path

import duckdb
from sqlalchemy import insert

from tallystick.contracts import load_contract
from tallystick.database import schema
from tallystick.database.engine import open_database, transaction
from tallystick.outcomes import Inputs, compile_predicate
from tallystick.period import zone
from tallystick.records.catalog import RecordStore
from tallystick.records.scan import connect
from tallystick.records.types import COMMON, RECORD_TYPES
from tallystick.verification.claim import Claim
from tallystick.verification.verifier import Decision

PAYMENTS = 10_000_000
SEGMENT = 1_000_000
CLAIMS = 10_000
NOW = 1_790_000_000_000_000
CONTRACT = """\
contract: bench
version: 1
buyer: Buyer
vendor: {name: Vendor}
timezone: Europe/Berlin
currency: EUR
term: {start: 2026-01-01}
outcomes:
  paid:
    source: billing
    record: payment
    clauses:
      real_money: "not test_mode"
      succeeded: "status = 'succeeded' and captured"
      by_vendor: "app_id = 'vendor'"
      enough: "amount_captured >= 20.00 and amount_captured > amount_refunded"
      waited: {test: "not disputed", until: "created_at + interval '30 days'"}
    quantity: amount_captured
    price: {percent: 10}
"""
BY_HAND = """\
SELECT * FROM (
    SELECT id, created_at, currency, exponent, test_mode, status, captured, app_id, amount_captured, amount_refunded,
           disputed, CASE
        WHEN test_mode THEN 1 WHEN NOT (status = 'succeeded' AND captured) THEN 2 WHEN app_id <> 'vendor' THEN 3
        WHEN NOT (amount_captured >= 20.00 AND amount_captured > amount_refunded) THEN 4 WHEN disputed THEN 5
        WHEN test_mode IS NULL OR status IS NULL OR captured IS NULL OR app_id IS NULL OR amount_captured IS NULL
             OR amount_refunded IS NULL OR disputed IS NULL OR created_at IS NULL THEN 6
        WHEN created_at + 2592000000000 > {now} THEN 7 ELSE 0 END AS status_code
    FROM payment)
WHERE status_code = 0 OR id IN (SELECT id FROM claimed)
"""


def _fill(store, engine):
    """Write the payments as segments and list them in the catalog, as ten thousand syncs would have left them."""
    types = {
        "text": "VARCHAR",
        "integer": "BIGINT",
        "money": "DECIMAL(18,4)",
        "rate": "DECIMAL(38,12)",
        "boolean": "BOOLEAN",
        "instant": "TIMESTAMP WITH TIME ZONE",
    }
    made = {
        "source": "'billing'",
        "id": "printf('ch_%010d', i)",
        "version": "1",
        "seq": "i + 1",
        "deleted": "false",
        "raw_sha256": "sha256(i::VARCHAR)",
        "raw": "'{}'",
        "created_at": f"make_timestamptz({NOW} - (i * 7919 % 200) * 86400000000)",
        "status": "CASE WHEN i % 10 = 3 THEN 'failed' ELSE 'succeeded' END",
        "channel": "'platform'",
        "amount": "(i % 50000)::DECIMAL(18,4) / 100",
        "amount_captured": "(i % 50000)::DECIMAL(18,4) / 100",
        "amount_refunded": "0",
        "currency": "'EUR'",
        "exponent": "2",
        "captured": "true",
        "disputed": "i % 1000 = 7",
        "app_id": "CASE WHEN i % 100 = 42 THEN 'vendor' ELSE 'shop' END",
        "test_mode": "false",
    }
    columns = (*COMMON, *RECORD_TYPES["payment"].columns)
    listed = ", ".join(f'CAST({made.get(c.name, "NULL")} AS {types[c.kind]}) AS "{c.name}"' for c in columns)
    folder = store.part("billing", "payment")
    folder.mkdir(parents=True)
    with duckdb.connect() as database, transaction(engine) as connection:
        for start in range(0, PAYMENTS, SEGMENT):
            path = folder / "new.parquet"
            rows = f"SELECT {listed} FROM range({start}, {start + SEGMENT}) t(i)"
            database.execute(f"COPY ({rows}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            size = path.stat().st_size
            path.rename(folder / f"{sha256}.parquet")
            row = {"sha256": sha256, "source": "billing", "type": "payment", "rows": SEGMENT, "bytes": size}
            row |= {"first_seq": start + 1, "last_seq": start + SEGMENT, "replaced": False}
            connection.execute(insert(schema.segment), row)


def run():
    """Give records per second on one core, with and without the verdicts written out, and the ratio to SQL by hand."""
    with tempfile.TemporaryDirectory() as held:
        folder = Path(held)
        (folder / "bench.yaml").write_text(CONTRACT)
        contract = load_contract(folder / "bench.yaml", templates={}, custom={"billing": {}})
        outcome = contract.outcomes["paid"]
        engine = open_database(folder / "bench.db", create=True)
        store = RecordStore(engine, folder / "records")
        _fill(store, engine)
        inputs = Inputs(read_from={"payment": 0}, read_to={"payment": NOW})
        claims = [
            Claim(claim_id=f"C{number:06}", outcome="paid", ref=f"ch_{number * 100 + 42:010}", claimed_at=NOW)
            for number in range(CLAIMS)
        ]
        with connect(store, "billing", types=RECORD_TYPES, threads=1) as database:
            database.execute(
                f"CREATE TEMP TABLE claimed AS SELECT printf('ch_%010d', i * 100 + 42) AS id FROM range({CLAIMS}) t(i)"
            )
            by_hand = _seconds(lambda: database.sql(BY_HAND.format(now=NOW)).to_arrow_table())
            compiled = compile_predicate(outcome.predicate, inputs, zone(contract.timezone))
            wanted = "* EXCLUDE (source, version, seq, raw_sha256)"
            kept = f"SELECT {wanted} FROM ({compiled}) WHERE status = 'meets' OR id IN (SELECT id FROM claimed)"
            query = _seconds(lambda: database.sql(kept).to_arrow_table())
            verdicts = []

            def decide():
                decision, owner = Decision(database, contract, outcome, inputs, before={}), {}
                verdicts[:] = decision.claimed(claims, owner) + decision.found(owner)

            whole = _seconds(decide, runs=1)
        engine.dispose()
    return {
        "payments": f"{PAYMENTS:,}",
        "verdicts given (claims and found)": f"{len(verdicts):,}",
        "predicate decided, records/s on one core (target 1,000,000)": f"{PAYMENTS / query:,.0f}",
        "ratio to SQL by hand (target <= 2)": f"{query / by_hand:.2f}",
        "with verdicts and evidence, records/s on one core": f"{PAYMENTS / whole:,.0f}",
    }


def _seconds(work, runs=3):
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return sorted(taken)[len(taken) // 2]

"""Verification of ten million payments in segments, beside the same question written by hand in DuckDB, on one core."""

import tempfile
from pathlib import Path

from tests.benchmarks.made import fill, seconds

from tallystick.contracts import load_contract
from tallystick.database.engine import open_database
from tallystick.outcomes import Inputs, compile_predicate
from tallystick.period import zone
from tallystick.records.catalog import RecordStore
from tallystick.records.scan import connect
from tallystick.records.types import RECORD_TYPES
from tallystick.verification.claim import Claim
from tallystick.verification.verifier import Decision

PAYMENTS = 10_000_000
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


MADE = {
    "id": "printf('ch_%010d', i)",
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


def run():
    """Give records per second on one core, with and without the verdicts written out, and the ratio to SQL by hand."""
    with tempfile.TemporaryDirectory() as held:
        folder = Path(held)
        (folder / "bench.yaml").write_text(CONTRACT)
        contract = load_contract(folder / "bench.yaml", templates={}, custom={"billing": {}})
        outcome = contract.outcomes["paid"]
        engine = open_database(folder / "bench.db", create=True)
        store = RecordStore(engine, folder / "records")
        fill(store, "billing", "payment", PAYMENTS, MADE)
        inputs = Inputs(read_from={"payment": 0}, read_to={"payment": NOW})
        claims = [
            Claim(claim_id=f"C{number:06}", outcome="paid", ref=f"ch_{number * 100 + 42:010}", claimed_at=NOW)
            for number in range(CLAIMS)
        ]
        with connect(store, "billing", types=RECORD_TYPES, threads=1) as database:
            database.execute(
                f"CREATE TEMP TABLE claimed AS SELECT printf('ch_%010d', i * 100 + 42) AS id FROM range({CLAIMS}) t(i)"
            )
            by_hand = seconds(lambda: database.sql(BY_HAND.format(now=NOW)).to_arrow_table())
            compiled = compile_predicate(outcome.predicate, inputs, zone(contract.timezone))
            wanted = "* EXCLUDE (source, version, seq, raw_sha256)"
            kept = f"SELECT {wanted} FROM ({compiled}) WHERE status = 'meets' OR id IN (SELECT id FROM claimed)"
            query = seconds(lambda: database.sql(kept).to_arrow_table())
            verdicts = []

            def decide():
                decision, owner = Decision(database, contract, outcome, inputs, now=0, before={}), {}
                verdicts[:] = decision.claimed(claims, owner) + decision.found(owner)

            whole = seconds(decide, runs=1)
        engine.dispose()
    return {
        "payments": f"{PAYMENTS:,}",
        "verdicts given (claims and found)": f"{len(verdicts):,}",
        "predicate decided, records/s on one core (target 1,000,000)": f"{PAYMENTS / query:,.0f}",
        "ratio to SQL by hand (target <= 2)": f"{query / by_hand:.2f}",
        "with verdicts and evidence, records/s on one core": f"{PAYMENTS / whole:,.0f}",
    }

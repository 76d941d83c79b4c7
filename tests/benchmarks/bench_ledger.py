"""How fast the ledger takes entries, proves them and recomputes itself."""

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from tallystick.database.engine import open_database, transaction
from tallystick.ledger import Log, Signer, fsck

ENTRIES = 1_000_000
ENTRY_BYTES = 600
PROOFS = 200


def _entries(count):
    """Give entries of the size of a verdict, each another one."""
    tail = os.urandom(ENTRY_BYTES // 2).hex()[: ENTRY_BYTES - 12]
    return (f"{number:012}{tail}".encode() for number in range(count))


def _milliseconds(action, arguments):
    times = []
    for argument in arguments:
        start = time.perf_counter()
        action(argument)
        times.append((time.perf_counter() - start) * 1000)
    return {"median": statistics.median(times), "slowest": max(times)}


def run(entries=ENTRIES):
    """Append entries in one durable transaction, then prove and recompute; rates are entries per second."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(Path(folder) / "ledger.db", create=True)
        log, signer = Log(engine, "tallystick/bench"), Signer("tallystick/bench", bytes(32))
        start = time.perf_counter()
        with transaction(engine) as connection:
            log.append(connection, _entries(entries))
            log.checkpoint(connection, signer)
        appended = time.perf_counter() - start
        places = [number * entries // PROOFS for number in range(PROOFS)]
        inclusion = _milliseconds(log.inclusion_proof, places)
        consistency = _milliseconds(log.consistency_proof, places)
        start = time.perf_counter()
        report = fsck(engine, log.origin, signer.verifier)
        checked = time.perf_counter() - start
        assert report.findings == ()
        engine.dispose()
    return {
        "entries": entries,
        "append_per_second": entries / appended,
        "inclusion_proof_ms_median": inclusion["median"],
        "inclusion_proof_ms_slowest": inclusion["slowest"],
        "consistency_proof_ms_median": consistency["median"],
        "consistency_proof_ms_slowest": consistency["slowest"],
        "fsck_per_second": entries / checked,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=ENTRIES)
    print(json.dumps(run(parser.parse_args().entries), indent=2))

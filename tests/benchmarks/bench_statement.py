"""A statement of a month of verified payments, its bundle, and its recomputation, each in a process of its own."""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.made import fill

from tallystick.contracts import load_contract
from tallystick.database.engine import open_database, transaction
from tallystick.database.schema import counter
from tallystick.ledger import Log, open_ledger_key
from tallystick.period import parse_period
from tallystick.records.catalog import Progress, RecordStore
from tallystick.statements.archive import open_archive
from tallystick.statements.bundling import Bundling, decide_current, write_bundle
from tallystick.statements.issuing import StatementBook
from tallystick.statements.recompute import recompute
from tallystick.statements.render import render_pieces
from tallystick.verification.agreements import read_agreement
from tallystick.verification.intake import import_file
from tallystick.verification.recorder import open_turn, verify_contract

SMALL, LARGE = 10_000, 1_000_000
NOW = 1_791_187_200_000_000  # 2026-10-05T08:00:00Z
START = 1_788_400_000_000_000
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
      enough: "amount_captured >= 1.00 and amount_captured > amount_refunded"
      waited: {test: "not disputed", until: "created_at + interval '5 days'"}
    quantity: amount_captured
    price: {percent: 10}
"""
MADE = {
    "id": "printf('ch_%010d', i)",
    "created_at": f"make_timestamptz({START} + (i * 7919 % 20) * 86400000000)",
    "status": "'succeeded'",
    "channel": "'platform'",
    "amount": "(100 + i % 50000)::DECIMAL(18,4) / 100",
    "amount_captured": "(100 + i % 50000)::DECIMAL(18,4) / 100",
    "amount_refunded": "0",
    "currency": "'EUR'",
    "exponent": "2",
    "captured": "true",
    "disputed": "false",
    "app_id": "'shop'",
    "test_mode": "false",
}


class _Project:
    def __init__(self, folder):
        self.folder = folder
        self.engine = open_database(folder / "bench.db", create=True)
        self.store = RecordStore(self.engine, folder / "records")
        self.log = Log(self.engine, "tallystick/bench")
        self.signer, self.keys = open_ledger_key(folder / "ledger.key", "tallystick/bench")
        (folder / "bench.yaml").write_text(CONTRACT)
        self.contract = load_contract(folder / "bench.yaml", templates={}, custom={"billing": {}})
        self.period = parse_period("2026-09", "Europe/Berlin")


def make(folder, count):
    """Fill a project with so many claims, all of them verified."""
    project = _Project(folder)
    project.store.plan("billing", "all", ["payment"], [(0, NOW, {})])
    progress = [Progress("all", 0, None, NOW)]
    project.store.commit("billing", [], progress, connector="bench 1", api_version="1", observed_at=NOW)
    fill(project.store, "billing", "payment", count, MADE)
    with transaction(project.engine) as connection:
        connection.execute(counter.delete().where(counter.c.name == "seq"))
        connection.execute(counter.insert().values(name="seq", value=count))
    with (folder / "claims.csv").open("w") as file:
        file.write("claim_id,outcome,ref,claimed_at,amount,currency\n")
        file.writelines(f"C{number:09},paid,ch_{number:010},,,\n" for number in range(count))
    import_file(project.engine, project.log, project.signer, project.contract, folder / "claims.csv", now=NOW)
    verify_contract(project.engine, project.store, project.log, project.signer, project.contract, now=NOW)


def statement(folder):
    """Prepare the statement and write it."""
    project = _Project(folder)
    prepared = StatementBook(project.engine, project.log, project.contract).prepare(project.period, now=NOW)
    with (folder / "statement.json").open("wb") as file:
        file.writelines(render_pieces(prepared, "json"))
    return len(prepared.lines)


def bundle(folder):
    """Write the bundle."""
    project = _Project(folder)
    agreement = read_agreement(project.engine, project.log, project.contract, upto=project.log.size)
    prepared = StatementBook(project.engine, project.log, project.contract).prepare(project.period, now=NOW)
    made = Bundling(project.engine, project.log, project.keys, [project.signer])
    with open_turn(project.engine, project.store, project.log, agreement, now=NOW) as turn:
        write_bundle(folder / "bench.bundle", made, turn, prepared, decide_current(turn))
    return len(prepared.lines)


def again(folder):
    """Recompute the bundle."""
    with open_archive(folder / "bench.bundle") as archive:
        done = recompute(archive, processes=2)
    assert not done.differences
    return done.counts["lines"]


def measured(what, folder, *more):
    """Give lines, seconds and peak memory in MB of one step in a process of its own, start-up included."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "tests.benchmarks.bench_statement", what, str(folder), *map(str, more)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds = time.perf_counter() - began
    lines, megabytes = json.loads(told)
    return lines, seconds, megabytes


def run(sizes=(SMALL, LARGE)):
    """Give seconds and memory of the statement, of its bundle and of the recomputation, and their ratio."""
    found = {}
    for count in sizes:
        with tempfile.TemporaryDirectory() as held:
            folder = Path(held)
            measured("make", folder, count)
            lines, stated, memory = measured("statement", folder)
            _, bundled, _ = measured("bundle", folder)
            _, recomputed, recomputing = measured("again", folder)
            size = (folder / "bench.bundle").stat().st_size
        found |= {
            f"{count:,}: lines on the statement": f"{lines:,}",
            f"{count:,}: statement, s (target at a million: 20)": f"{stated:.1f}",
            f"{count:,}: statement, MB (target at a million: 500)": f"{memory:,}",
            f"{count:,}: bundle written, s": f"{bundled:.1f}",
            f"{count:,}: bundle, bytes a line": f"{size / count:.0f}",
            f"{count:,}: recomputed, s (target at 10,000: 3, at a million: 60)": f"{recomputed:.1f}",
            f"{count:,}: recomputed, MB": f"{recomputing:,}",
            f"{count:,}: recomputed / statement": f"{recomputed / stated:.2f}",
        }
    return found


if __name__ == "__main__":
    step, place, *count = sys.argv[1:]
    lines = {"make": make, "statement": statement, "bundle": bundle, "again": again}[step](
        Path(place), *map(int, count)
    )
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps([lines, sum(peaks) // 1024]))

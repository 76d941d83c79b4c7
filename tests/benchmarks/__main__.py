"""Every number of the design, measured in one run and printed as ratios: `make bench` (about ten minutes).

`python -m tests.benchmarks sync verify` runs only those parts. Machines are noisy: read the ratios, not the rates.
"""

import sys

from tests.benchmarks import (
    bench_ledger,
    bench_start,
    bench_statement,
    bench_store,
    bench_sync,
    bench_sync_cases,
    bench_sync_hubspot,
    bench_sync_tickets,
    bench_tickets,
    bench_verify,
)

PARTS = {
    "start": bench_start.run,
    "ledger": bench_ledger.run,
    "store": bench_store.run,
    "sync": bench_sync.run,
    "verify": bench_verify.run,
    "statement": bench_statement.run,
    "sync_tickets": bench_sync_tickets.run,
    "sync_cases": bench_sync_cases.run,
    "sync_hubspot": bench_sync_hubspot.run,
    "tickets": bench_tickets.run,
}


def main():
    """Run the named parts, or all of them, and print one line per number."""
    for name in sys.argv[1:] or PARTS:
        for what, number in PARTS[name]().items():
            print(f"{name:12} {what:60} {number}", flush=True)


main()

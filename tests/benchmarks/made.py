"""Made-up records in segments, and how long a piece of work takes."""

import hashlib
import time

import duckdb
from sqlalchemy import insert

from tallystick.database import schema
from tallystick.database.engine import transaction
from tallystick.records.types import COMMON, RECORD_TYPES

SEGMENT = 1_000_000
TYPES = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "money": "DECIMAL(18,4)",
    "rate": "DECIMAL(38,12)",
    "boolean": "BOOLEAN",
    "instant": "TIMESTAMP WITH TIME ZONE",
}


def fill(store, source, kind, count, made, *, first_seq=1):
    """Write rows as segments and list them in the catalog, as many syncs would have left them.

    `made` gives a column as SQL over the row's number `i`; columns left out are null.
    """
    common = {
        "source": f"'{source}'",
        "version": "1",
        "seq": f"i + {first_seq}",
        "as_of": "make_timestamptz(0)",
        "deleted": "false",
        "raw_sha256": "sha256(i::VARCHAR)",
        "raw": "'{}'",
    }
    columns = (*COMMON, *RECORD_TYPES[kind].columns)
    values = {**common, **made}
    listed = ", ".join(f'CAST({values.get(c.name, "NULL")} AS {TYPES[c.kind]}) AS "{c.name}"' for c in columns)
    folder = store.part(source, kind)
    folder.mkdir(parents=True)
    with duckdb.connect() as database, transaction(store.engine) as connection:
        for start in range(0, count, SEGMENT):
            path, rows = folder / "new.parquet", min(SEGMENT, count - start)
            query = f"SELECT {listed} FROM range({start}, {start + rows}) t(i)"
            database.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            size = path.stat().st_size
            path.rename(folder / f"{sha256}.parquet")
            row = {"sha256": sha256, "source": source, "type": kind, "rows": rows, "bytes": size}
            row |= {"first_seq": first_seq + start, "last_seq": first_seq + start + rows - 1, "replaced": False}
            connection.execute(insert(schema.segment), row)


def seconds(work, runs=3):
    """Give the median of some runs."""
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return sorted(taken)[len(taken) // 2]

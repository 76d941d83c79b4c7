"""Records in a database, as `records.scan.connect` gives them, so that a test names only the columns it is about."""

from contextlib import contextmanager
from decimal import Decimal

import duckdb
import pyarrow as pa

from tallystick.outcomes import Inputs
from tallystick.period import DAY, parse_instant
from tallystick.records.types import COMMON, RECORD_TYPES

START = parse_instant("2026-09-10T10:00:00Z")
READ = Inputs(read_from=dict.fromkeys(RECORD_TYPES, 0), read_to=dict.fromkeys(RECORD_TYPES, START + 90 * DAY))
ARROW = {
    "text": pa.string(),
    "integer": pa.int64(),
    "money": pa.decimal128(18, 4),
    "rate": pa.decimal128(38, 12),
    "boolean": pa.bool_(),
    "instant": pa.int64(),
}


@contextmanager
def databases():
    """Give a function that makes a database of records: (type, id, {column: value}) each."""
    opened = []

    def build(*rows):
        database = duckdb.connect()
        opened.append(database)
        for kind, declared in RECORD_TYPES.items():
            common = {"source": "billing", "version": 1, "seq": 1, "as_of": START, "deleted": False}
            own = [{**common, "id": record_id, **values} for name, record_id, values in rows if name == kind]
            columns = {column.name: ARROW[column.kind] for column in (*COMMON, *declared.columns)}
            table = pa.table({name: pa.array([row.get(name) for row in own], of) for name, of in columns.items()})
            database.register(kind, table)
            database.register(f"{kind}_all", table)
        return database

    yield build
    for database in opened:
        database.close()


def payment(record_id, **changes):
    """Give a payment of 100 euros that succeeded."""
    values = {"created_at": START, "status": "succeeded", "amount_captured": Decimal(100), "currency": "EUR"}
    return ("payment", record_id, {**values, "exponent": 2, **changes})

"""A database with one table per record type, filled with hand-written records."""

from decimal import Decimal

import duckdb
import pytest

from tallystick.records.types import COMMON, RECORD_TYPES

KINDS = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "money": "DECIMAL(18,4)",
    "rate": "DECIMAL(38,12)",
    "boolean": "BOOLEAN",
    "instant": "BIGINT",
}
DAY = 86_400_000_000
NOW = 1_790_000_000_000_000  # 2026-09-21T13:33:20Z


@pytest.fixture
def evidence():
    """Give a function that makes a database of records: (type, id, {column: value}) each."""
    opened = []

    def build(*records):
        database = duckdb.connect()
        opened.append(database)
        for kind in RECORD_TYPES.values():
            columns = (*COMMON, *kind.columns)
            listed = ", ".join(f'"{column.name}" {KINDS[column.kind]}' for column in columns)
            database.execute(f'CREATE TABLE "{kind.name}" ({listed})')
            database.execute(f'CREATE VIEW "{kind.name}_all" AS FROM "{kind.name}"')
        for seq, (kind, record_id, values) in enumerate(records, 1):
            row = {"source": "billing", "id": record_id, "version": 1, "seq": seq, "as_of": NOW, "deleted": False}
            row |= {"raw_sha256": f"{seq:064x}", **values}
            names = ", ".join(f'"{name}"' for name in row)
            marks = ", ".join("?" * len(row))
            database.execute(f'INSERT INTO "{kind}" ({names}) VALUES ({marks})', list(row.values()))
        return database

    yield build
    for database in opened:
        database.close()


@pytest.fixture
def payment():
    """Give a function that makes a payment of 100.00 EUR, ten days before NOW, changed as asked."""

    def build(record_id, **changes):
        values = {
            "created_at": NOW - 10 * DAY,
            "status": "succeeded",
            "channel": "platform",
            "amount": Decimal("100.00"),
            "amount_captured": Decimal("100.00"),
            "amount_refunded": Decimal("0.00"),
            "currency": "EUR",
            "exponent": 2,
            "captured": True,
            "disputed": False,
            "test_mode": False,
        }
        return ("payment", record_id, values | changes)

    return build

"""Holding the outbox against the ledger."""

from __future__ import annotations

from sqlalchemy import Engine, select

from tallystick.database import schema
from tallystick.errors import Tampered
from tallystick.sinks.base import EVENTS
from tallystick.sinks.reading import STATES, before_of, told_of

__all__ = ["fsck_outbox"]

_BATCH = 1_000


def fsck_outbox(engine: Engine, origin: str) -> tuple[int, list[str]]:
    """Give how many events the outbox holds, in whatever state, and which of them are not as the ledger has them.

    The ledger entry that an event names must be a verdict on its claim, and the event's key that of this entry, which
    binds its hash; a lock must be at the instant it says, and what stood before an earlier verdict on the claim. An
    event that was removed is not found: the ledger does not say who was to be told.

    Args:
        engine: The project's database.
        origin: Name of the ledger.
    """
    table, entry, before = schema.outbox, schema.ledger_entry.alias("entry"), schema.ledger_entry.alias("before")
    joined = table.outerjoin(entry, entry.c.idx == table.c.idx).outerjoin(before, before.c.idx == table.c.replaces)
    query = select(table, entry.c.data.label("entry"), before.c.data.label("before")).select_from(joined)
    count, findings = 0, []
    with engine.connect() as connection:
        rows = connection.execute(query.order_by(table.c.id), execution_options={"yield_per": _BATCH})
        for count, row in enumerate(rows, start=1):  # noqa: B007 - the last number is the count
            if row.event not in EVENTS or row.state not in STATES:
                findings.append(f"sink {row.sink}: event {row.key} of the outbox is {row.event!r} and {row.state!r}")
            try:
                told_of(origin, row, row.entry)
                before_of(row, row.before)
            except Tampered as error:
                findings.append(f"sink {row.sink}: {error.message}")
    return count, findings

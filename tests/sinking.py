"""A ledger with sinks, and sinks that keep what they are handed."""

from decimal import Decimal

import msgspec
from sqlalchemy import select
from tests.ledgers import Ledger

from tallystick.database import schema
from tallystick.period import parse_instant
from tallystick.sinks import EVENTS, LedgerPlace, OutcomeEvent, Sink, SinkConfig
from tallystick.sinks.deliver import deliver
from tallystick.sinks.outbox import Outbox, Subscription


def subscription(sink="vendor", events=EVENTS, contracts=("acme",), since=None):
    """Give what leaves for a sink: everything of the contract of `Ledger` by default."""
    return Subscription(sink, events, contracts, since)


class Sending(Ledger):
    """A ledger whose verdicts leave for sinks."""

    def __init__(self, folder, *subscriptions, now=0, database=None):
        super().__init__(folder, database=database)
        self.subscribe(*(subscriptions or (subscription(),)), now=now)

    def subscribe(self, *subscriptions, now=0):
        """Name the sinks, as the project file would."""
        self.outlet = Outbox(self.log.origin, subscriptions)
        self.outlet.register(self.engine, now)

    def rows(self, sink="vendor"):
        """Give the rows of a sink in the outbox."""
        table = schema.outbox
        with self.engine.connect() as connection:
            return connection.execute(select(table).where(table.c.sink == sink).order_by(table.c.id)).all()

    def told(self, sink="vendor"):
        """Give the events of a sink as `(event, claim, state)`."""
        return [(row.event, row.subject.removeprefix("claim:"), row.state) for row in self.rows(sink)]

    def deliver(self, now, most=1_000, **sinks):
        """Hand over what is due, and give the reports by sink."""
        reports = deliver(self.engine, self.log, sinks, clock=lambda: now, most=most)
        return {report.sink: report for report in reports}


class Kept(Sink):
    """Keeps the events it is handed; `fails` are errors to raise instead, one for each call until they are used up."""

    name = "kept"
    config_model = SinkConfig

    def __init__(self, config=None, *, root=None, clock=None):
        self.events = []
        self.attempts = []
        self.fails = []

    def deliver(self, event, attempt):
        """Keep an event, or fail."""
        self.attempts.append((event, attempt))
        error = self.fails.pop(0) if self.fails else None
        if error is not None:
            raise error
        self.events.append(event)

    def close(self):
        """Do nothing."""


def event(**changes):
    """Give an event: a claim on 100 euros that locked."""
    place = LedgerPlace("tallystick/test", 7, 9, "ab" * 32)
    made = OutcomeEvent(
        key="oe_0123456789abcdef0123456789abcdef01234567",
        event="locked",
        at=LOCKED,
        contract="acme",
        contract_version=1,
        contract_sha256="cd" * 32,
        outcome="paid",
        claim="A",
        status="verified",
        quantity=Decimal("100.00"),
        unit="EUR",
        exponent=2,
        clause=None,
        month="2026-09",
        occurred_at=LOCKED - 86_400_000_000,
        locks_at=LOCKED,
        disputable_until=LOCKED + 10 * 86_400_000_000,
        clawback_until=LOCKED + 60 * 86_400_000_000,
        previous=None,
        ledger=place,
    )
    return msgspec.structs.replace(made, **changes)


LOCKED = parse_instant("2026-09-06T12:00:00Z")

"""A small world of records, decided in SQL and in Python at once."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest

from tallystick.canonical import canonical
from tallystick.outcomes import Inputs, compile_evidence, compile_predicate, describe, explain, interpret, read_row
from tallystick.outcomes.meeting_qualified import QUALIFIED_MEETING
from tallystick.outcomes.ticket_resolved import TICKET_RESOLVED
from tallystick.period import DAY, parse_instant, zone
from tallystick.records.types import COMMON, RECORD_TYPES

ARROW = {
    "text": pa.string(),
    "integer": pa.int64(),
    "money": pa.decimal128(18, 4),
    "rate": pa.decimal128(38, 12),
    "boolean": pa.bool_(),
    "instant": pa.int64(),
}


class World:
    """Records by type, and how far they were read; `decide` checks that both evaluators agree."""

    def __init__(self, database):
        self.database = database
        self.rows = {kind: [] for kind in RECORD_TYPES}
        self.start = parse_instant("2026-03-02T09:00:00Z")
        self.read_from = dict.fromkeys(RECORD_TYPES, 0)
        self.read_to = dict.fromkeys(RECORD_TYPES, self.start + 1_000 * DAY)
        self.zone = zone("Europe/Berlin")

    def add(self, kind, /, **columns):
        """Add one record of a type; columns left out are null."""
        columns.setdefault("id", f"{kind}-{len(self.rows[kind])}")
        if "currency" in RECORD_TYPES[kind].column:
            columns.setdefault("currency", "EUR")
        columns["version"] = 1 + sum(row["id"] == columns["id"] for row in self.rows[kind])
        self.rows[kind].append(columns)
        return columns

    def decide(self, predicate):
        """Decide the first payment; give the row of SQL, the evaluation of Python and its explanations."""
        for kind, rows in self.rows.items():
            newest = {row["id"]: row for row in rows}
            self.database.register(kind, table(kind, list(newest.values())))
            self.database.register(f"{kind}_all", table(kind, rows))
        inputs = Inputs(self.read_from, self.read_to)
        record = self.rows[predicate.record][0]
        cursor = self.database.execute(compile_predicate(predicate, inputs, self.zone))
        names = [column[0] for column in cursor.description]
        row = next(
            row
            for row in (dict(zip(names, values, strict=True)) for values in cursor.fetchall())
            if row["id"] == record["id"]
        )
        related = {name: [] for name in predicate.relations}
        self.database.register("ids", pa.table({"id": [record["id"]]}))
        cursor = self.database.execute(compile_evidence(predicate, "ids"))
        names = [column[0] for column in cursor.description]
        for values in cursor.fetchall():
            cited = dict(zip(names, values, strict=True))
            if cited["relation"]:
                related.setdefault(cited["relation"], []).append(read_row(cited["type"], cited["data"]))
        evaluation = interpret(predicate, record, related, inputs, self.zone)
        assert dict(evaluation.facts) == {fact.name: row[f"fact_{fact.name}"] for fact in predicate.facts}
        states = [(row[f"clause_{clause.name}"], row[f"until_{clause.name}"]) for clause in predicate.clauses]
        assert [(int(value.state), value.until) for value in evaluation.clauses] == states
        assert (evaluation.status, evaluation.clause, evaluation.quantity) == (
            row["status"],
            row["clause"],
            row["quantity"],
        )
        assert (evaluation.decided_at, evaluation.until) == (row["decided_at"], row["until"])
        explanations = explain(predicate, evaluation)
        for clause, explanation in zip(predicate.clauses, explanations, strict=True):
            assert describe(predicate, clause, row) == explanation.because
        return row, evaluation, {explanation.clause: explanation for explanation in explanations}


def table(kind, rows):
    """Give records as the view of the newest versions would."""
    filled = []
    for seq, row in enumerate(rows):
        custom = None if row.get("custom") is None else canonical(row["custom"]).decode()
        common = {"source": "s", "version": 1, "seq": seq, "deleted": False, "raw_sha256": f"{kind}-{row['id']}"}
        filled.append({**common, **row, "custom": custom})
    columns = {column.name: ARROW[column.kind] for column in (*COMMON, *RECORD_TYPES[kind].columns)}
    return pa.table({name: pa.array([row.get(name) for row in filled], of) for name, of in columns.items()})


@pytest.fixture(scope="session")
def duck():
    """One DuckDB for all tests of the package."""
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    yield connection
    connection.close()


@pytest.fixture
def world(duck):
    """An empty world, everything read far into the future."""
    return World(duck)


@pytest.fixture
def paid(world):
    """A world with one payment of 100 EUR on an overdue invoice placed with acme: `dollars-collected` holds."""
    start = world.start
    world.add(
        "payment", id="ch", intent_id="pi", created_at=start, status="succeeded", channel="platform", method="card"
    )
    world.rows["payment"][0] |= {
        "exponent": 2,
        "amount": Decimal(100),
        "amount_captured": Decimal(100),
        "captured": True,
        "test_mode": False,
    }
    world.add(
        "invoice",
        id="in",
        created_at=start - 90 * DAY,
        due_at=start - 60 * DAY,
        collection="manual",
        custom={"placed_at": start - 20 * DAY, "placed_with": "acme"},
    )
    world.add(
        "invoice_payment",
        created_at=start,
        paid_at=start + 1,
        status="paid",
        invoice_id="in",
        payment_ref="pi",
        amount_paid=Decimal(100),
    )
    world.add(
        "ledger_entry", created_at=start, source_id="ch", origin_amount=Decimal(10_000), origin_tolerance=Decimal(0)
    )
    return world


BOT, PERSON, CUSTOMER = "900", "501", "700"
HOUR = 3_600_000_000


class Desk:
    """A help desk around one ticket: users of each role, and acts in the order they are added."""

    def __init__(self, world):
        self.world = world
        self.start = parse_instant("2026-10-05T08:00:00Z")
        world.read_to = dict.fromkeys(RECORD_TYPES, self.start + 60 * DAY)
        for user, role in ((BOT, "agent"), (PERSON, "agent"), ("502", "admin"), (CUSTOMER, "end-user")):
            self.user(user, role)
        self.ticket = world.add(
            "ticket",
            id="t1",
            created_at=self.start,
            updated_at=self.start,
            status="closed",
            channel="email",
            requester_id=CUSTOMER,
            cc_ids="",
            reopens_reported=0,
        )

    def user(self, name, role, since=0):
        """Say that a user has a role from an instant on."""
        self.world.add("actor", id=name, role=role, as_of=since, kind="unknown", active=True)

    def act(self, kind, at, actor=None, /, **columns):
        """Add an act, so many hours after the ticket was opened."""
        number = len(self.world.rows["ticket_event"])
        known = {"by": "user" if actor else "system", "ticket_id": "t1", "channel": "api" if actor == BOT else "email"}
        moment = self.start + round(at * HOUR)
        self.world.add(
            "ticket_event",
            id=f"{number:04}",
            at=moment,
            as_of=moment,
            kind=kind,
            actor_id=actor,
            **{**known, **columns},
        )

    def say(self, at, actor, says="other", **columns):
        """Add a public message."""
        self.act("message", at, actor, **{"public": True, "says": says, **columns})

    def decide(self, **values):
        """Decide the ticket by SQL and by Python; give status, deciding clause, Python's evaluation, explanations."""
        predicate = TICKET_RESOLVED.predicate({"bots": [BOT], **values})
        row, evaluation, explained = self.world.decide(predicate)
        clause = predicate.clauses[row["clause"]].name if row["clause"] is not None else ""
        return row["status"], clause, evaluation, explained

    def verdict(self, **values):
        """Decide the ticket; give status and deciding clause, which is empty when all hold."""
        return self.decide(**values)[:2]


@pytest.fixture
def desk(world):
    """A help desk where nothing has happened to the ticket yet."""
    return Desk(world)


@pytest.fixture
def resolved(desk):
    """A help desk where the AI agent answered after one hour and resolved the ticket after two: everything holds."""
    desk.say(0, CUSTOMER)
    desk.say(1, BOT)
    desk.act("solved", 2, BOT, value="solved", previous="open")
    desk.act("closed", 98, by="rule", value="closed", previous="solved")
    return desk


EXECUTIVE, BOOKER, VENDOR = "ae", "sdr", "bot"
MINUTE = 60_000_000


class Sale:
    """A meeting of half an hour on a Monday in Berlin, its people, and what is added: calls, changes, deals."""

    def __init__(self, world):
        self.world = world
        self.start = parse_instant("2026-10-05T08:00:00Z")
        self.end = self.start + 30 * MINUTE
        world.read_to = dict.fromkeys(RECORD_TYPES, self.start + 60 * DAY)
        for user, role in ((EXECUTIVE, "AE"), (BOOKER, "SDR"), (VENDOR, "AE")):
            self.user(user, role)
        self.meeting = world.add(
            "meeting",
            id="m1",
            created_at=self.start - 2 * DAY,
            updated_at=self.end,
            starts_at=self.start,
            ends_at=self.end,
            all_day=False,
            status="scheduled",
            created_by=VENDOR,
            account_id="a1",
            contact_id="c1",
        )
        world.add("account", id="a1")
        world.add("contact", id="c1", title="VP Sales, EMEA", as_of=0)
        self.buyer = self.invite(internal=True, actor_id=EXECUTIVE, domain="acme.example")
        self.prospect = self.invite(internal=False, contact_id="c1", domain="customer.example", response="accepted")

    def user(self, name, role, since=0):
        """Say that a user has a role from an instant on."""
        self.world.add("actor", id=name, role=role, as_of=since, kind="person", active=True)

    def invite(self, **columns):
        """Add somebody to the meeting, or to a call."""
        known = {"at": self.start - DAY, **({} if "call_id" in columns else {"meeting_id": "m1"})}
        return self.world.add("attendee", **{**known, **columns})

    def talk(self, seconds, medium="conference", after=0, **columns):
        """Add a call of the meeting, some minutes after its start."""
        began = self.start + after * MINUTE
        ended = None if seconds is None else began + seconds * 1_000_000
        known = {"started_at": began, "ended_at": ended, "seconds": seconds, "medium": medium, "status": "connected"}
        return self.world.add("call", **{**known, "meeting_id": "m1", **columns})

    def change(self, field, new, minutes, actor=EXECUTIVE, what="m1", **columns):
        """Add a change of a field, some minutes after the meeting's start; `new` is JSON."""
        at = self.start + round(minutes * MINUTE)
        kind = {"m": "meeting", "d": "deal", "c": "contact"}[what[0]]
        known = {"object_type": kind, "object_id": what, "field": field, "new": new, "at": at, "actor_id": actor}
        return self.world.add("change", **{**known, **columns})

    def deal(self, minutes=60, author=EXECUTIVE, **columns):
        """Add a deal of the account, created some minutes after the meeting's start."""
        at = self.start + round(minutes * MINUTE)
        known = {"account_id": "a1", "created_at": at, "created_by": author, "closed": False}
        return self.world.add("deal", **{**known, **columns})

    def read(self, minutes, *kinds):
        """Say that some types, or all, were read up to some minutes after the meeting's start."""
        self.world.read_to |= dict.fromkeys(kinds or RECORD_TYPES, self.start + round(minutes * MINUTE))

    def decide(self, **values):
        """Decide the meeting by SQL and by Python; give status, deciding clause, Python's evaluation, explanations."""
        agreed = {"vendor_ids": [VENDOR], "account_executive_roles": ["AE"]}
        predicate = QUALIFIED_MEETING.predicate({**agreed, **values}, custom={"meeting": {"minutes": "integer"}})
        row, evaluation, explained = self.world.decide(predicate)
        clause = predicate.clauses[row["clause"]].name if row["clause"] is not None else ""
        return row["status"], clause, evaluation, explained

    def verdict(self, **values):
        """Decide the meeting; give status and deciding clause, which is empty when all hold."""
        return self.decide(**values)[:2]

    def because(self, **values):
        """Decide the meeting; give the sentence of the deciding clause."""
        _, clause, _, explained = self.decide(**values)
        return explained[clause].because


@pytest.fixture
def booked(world):
    """A meeting with both sides invited, of which nothing else is known."""
    return Sale(world)


@pytest.fixture
def held(booked):
    """A meeting whose conference took fifteen minutes, and of which an executive made a deal within the hour."""
    booked.talk(900)
    booked.deal()
    return booked

"""A million tickets with eight million events: every handoff fact derived, beside the same question in SQL by hand."""

import tempfile
from pathlib import Path

from tests.benchmarks.made import fill, seconds

from tallystick.database.engine import open_database
from tallystick.outcomes import Inputs, compile_predicate
from tallystick.outcomes.ticket_resolved import TICKET_RESOLVED
from tallystick.period import zone
from tallystick.records.catalog import RecordStore
from tallystick.records.scan import connect
from tallystick.records.types import RECORD_TYPES

TICKETS = 1_000_000
EVENTS = 8
NOW = 1_790_000_000_000_000
HOUR, DAY = 3_600_000_000, 86_400_000_000
USERS = 200_000
STARTED = f"({NOW} - (i % 90) * {DAY} - 30 * {DAY})"
# Of each ticket: made, asked, answered, asked, answered, resolved, closed, and one act that differs.
TICKET = {
    "id": "printf('%08d', i)",
    "created_at": f"make_timestamptz({STARTED})",
    "updated_at": f"make_timestamptz({STARTED} + 100 * {HOUR})",
    "status": "'closed'",
    "channel": "CASE WHEN i % 3 = 0 THEN 'messaging' ELSE 'email' END",
    "requester_id": f"printf('%06d', 1000 + i % ({USERS} - 1000))",
    "cc_ids": "''",
    "reopens_reported": "0",
}
OF, NTH = f"(i // {EVENTS})", f"(i % {EVENTS})"
BEGAN = f"({NOW} - ({OF} % 90) * {DAY} - 30 * {DAY})"
CUSTOMER = f"printf('%06d', 1000 + {OF} % ({USERS} - 1000))"
EVENT = {
    "id": f"printf('%08d.%02d', {OF}, {NTH})",
    "at": f"make_timestamptz({BEGAN} + CASE {NTH} WHEN 6 THEN 100 WHEN 7 THEN 3 ELSE {NTH} END * {HOUR})",
    "ticket_id": f"printf('%08d', {OF})",
    "kind": f"CASE {NTH} WHEN 0 THEN 'created' WHEN 5 THEN 'solved' WHEN 6 THEN 'closed' WHEN 7 THEN"
    f" CASE {OF} % 5 WHEN 0 THEN 'assigned' WHEN 1 THEN 'tagged' ELSE 'message' END ELSE 'message' END",
    "actor_id": f"CASE {NTH} WHEN 6 THEN NULL WHEN 7 THEN printf('%06d', {OF} % 900) WHEN 2 THEN '000001'"
    f" WHEN 4 THEN '000001' WHEN 5 THEN '000001' ELSE {CUSTOMER} END",
    "by": f"CASE {NTH} WHEN 6 THEN 'rule' ELSE 'user' END",
    "channel": "'email'",
    "public": f"CASE WHEN {NTH} = 7 THEN {OF} % 5 = 2 ELSE true END",
    "says": "'other'",
    "value": f"CASE {NTH} WHEN 5 THEN 'solved' WHEN 6 THEN 'closed' WHEN 7 THEN 'escalated' END",
    "assignee_id": f"CASE WHEN {NTH} = 7 THEN printf('%06d', {OF} % 900) END",
}
USER = {
    "id": "printf('%06d', i)",
    "created_at": "make_timestamptz(0)",
    "role": "CASE WHEN i < 1000 THEN 'agent' ELSE 'end-user' END",
}
AGREED = {
    "bots": ["000001"],
    "confirmation": "any_of",
    "escalation_tags": ["escalated"],
    "escalation_fields": ["36"],
    "spam_and_test_exclusions": ["test"],
    "billable_handoffs": ["returns"],
    "ai_groups": ["g1"],
    "shared_seats": ["000002"],
}
BY_HAND = Path(__file__).with_name("tickets_by_hand.sql").read_text()


def run():
    """Give tickets and events per second, and the ratio to SQL by hand; both must find the same tickets."""
    with tempfile.TemporaryDirectory() as held:
        folder = Path(held)
        engine = open_database(folder / "bench.db", create=True)
        store = RecordStore(engine, folder / "records")
        fill(store, "desk", "ticket", TICKETS, TICKET)
        fill(store, "desk", "ticket_event", TICKETS * EVENTS, EVENT, first_seq=TICKETS + 1)
        fill(store, "desk", "actor", USERS, USER, first_seq=TICKETS * (EVENTS + 1) + 1)
        predicate = TICKET_RESOLVED.predicate(AGREED)
        inputs = Inputs(read_from=dict.fromkeys(RECORD_TYPES, 0), read_to=dict.fromkeys(RECORD_TYPES, NOW))
        compiled = compile_predicate(predicate, inputs, zone("UTC"))
        with connect(store, "desk", types=RECORD_TYPES) as database:
            hand_text = BY_HAND.replace("NOW_IN_MICROSECONDS", str(NOW))
            ours_text = f"SELECT * EXCLUDE (source, version, seq, raw_sha256) FROM ({compiled}) WHERE status = 'meets'"
            found = {}
            by_hand = seconds(lambda: found.update(hand=database.sql(hand_text).to_arrow_table()), runs=2)
            ours = seconds(lambda: found.update(ours=database.sql(ours_text).to_arrow_table()), runs=2)
        engine.dispose()
    same = sorted(found["hand"].column("id").to_pylist()) == sorted(found["ours"].column("id").to_pylist())
    return {
        "tickets with events": f"{TICKETS:,} with {TICKETS * EVENTS:,}",
        "both find the same tickets": f"{same}, {found['ours'].num_rows:,}",
        "tickets/s, all handoff facts derived": f"{TICKETS / ours:,.0f}",
        "records/s (tickets and events)": f"{TICKETS * (EVENTS + 1) / ours:,.0f}",
        "seconds, ours and by hand": f"{ours:.1f} and {by_hand:.1f}",
        "ratio to SQL by hand (target <= 2)": f"{ours / by_hand:.2f}",
    }

"""Events are handed over at least once, those of one claim in their order, and what cannot be is kept and shown."""

import pytest
from sqlalchemy import select, update
from tests.fakes import postgres_url
from tests.ledgers import at, payment, refund
from tests.sinking import Kept, Sending, subscription

from tallystick.database import schema
from tallystick.database.engine import transaction
from tallystick.errors import (
    AuthorizationError,
    ConfigurationError,
    PermanentError,
    RateLimited,
    RetryableError,
    StorageError,
    Tampered,
)
from tallystick.sinks import UndeliverableError
from tallystick.sinks.audit import fsck_outbox
from tallystick.sinks.dead import dismiss, retry
from tallystick.sinks.deliver import backoff, resume
from tallystick.sinks.reading import STATES, count_states

MADE = at("09-01")
LOCKED = at("09-06T12:00:00")
NOW = at("09-10")
DAY = 86_400_000_000
HOUR = DAY // 24
REVERSED = at("09-12")


@pytest.fixture
def office(tmp_path):
    """A ledger with a sink, and two claims that have locked."""
    office = Sending(tmp_path)
    office.claim("A,paid,p_1,,,", "B,paid,p_2,,,", now=MADE)
    office.turn(payment("p_1", MADE), payment("p_2", MADE, "50.00"), now=LOCKED)
    return office


@pytest.fixture
def sink():
    """A sink that keeps what it is handed."""
    return Kept()


def test_each_event_once(office, sink):
    """What was handed over is not handed over again."""
    assert office.deliver(NOW, vendor=sink)["vendor"].delivered == 4
    assert office.deliver(NOW, vendor=sink)["vendor"].delivered == 0
    assert [(event.event, event.claim) for event in sink.events] == [
        ("verified", "A"),
        ("verified", "B"),
        ("locked", "A"),
        ("locked", "B"),
    ]
    assert {row.state for row in office.rows()} == {"delivered"}


def test_what_an_event_says(office, sink):
    """An event tells the claim, what it counts, the dates of its finality and its place in the ledger."""
    office.turn(refund("r_1", "p_1", NOW), now=REVERSED)
    office.deliver(REVERSED, vendor=sink)
    [verified, locked, back] = [event for event in sink.events if event.claim == "A"]

    assert (verified.at, verified.status, str(verified.quantity), verified.unit) == (
        LOCKED,
        "verified",
        "100.00",
        "EUR",
    )
    assert (verified.exponent, verified.previous, verified.contract, verified.contract_version) == (2, None, "acme", 1)
    assert (locked.at, locked.locks_at, locked.month) == (LOCKED, LOCKED, "2026-09")
    assert locked.disputable_until == LOCKED + 10 * DAY
    assert (back.event, back.status, back.quantity, back.unit) == ("reversed", "reversed", 0, "EUR")
    assert (back.clause, back.previous.quantity, back.previous.entry) == ("unrefunded", 100, verified.ledger.entry)
    for event in sink.events:
        assert event.ledger.entry < event.ledger.size
        assert event.ledger.root == office.log.root(event.ledger.size).hex()


def test_the_key_never_changes(office, sink):
    """An event that is tried again has the key and the content it had, and no two events share a key."""
    sink.fails = [RetryableError("no answer")] * 2
    office.deliver(NOW, vendor=sink)
    office.turn(payment("p_3", MADE), now=NOW + DAY)
    office.deliver(NOW + DAY, vendor=sink)
    tried = {}
    for event, _ in sink.attempts:
        assert tried.setdefault(event.key, event) == event

    assert len(sink.attempts) > len(tried) == 4


def test_a_later_event_waits_for_an_earlier_one_of_its_claim(office, sink):
    """As long as an event waits, no later one of its claim is handed over; other claims go on."""
    sink.fails = [RetryableError("no answer")]
    office.deliver(NOW, vendor=sink)
    assert [(event.event, event.claim) for event in sink.events] == [("verified", "B"), ("locked", "B")]

    office.deliver(NOW + HOUR, vendor=sink)
    assert [(event.event, event.claim) for event in sink.events[2:]] == [("verified", "A"), ("locked", "A")]


def test_a_later_event_goes_on_behind_a_dead_one(office, sink):
    """Once an event is given up, the later ones of its claim are handed over, and know of it."""
    sink.fails = [UndeliverableError("gone")]
    report = office.deliver(NOW, vendor=sink)["vendor"]

    assert (report.dead, report.delivered) == (1, 3)
    assert report.errors == [f"gave up {office.rows()[0].key}: gone"]
    [last] = [attempt for event, attempt in sink.attempts if (event.event, event.claim) == ("locked", "A")]
    [earlier] = last.earlier
    assert (earlier.event, earlier.state, earlier.done_at) == ("verified", "dead", NOW)


def test_waits_grow_and_are_kept(office, sink):
    """After a failure an event is left alone until its wait is over, which is at most a minute, doubled each time."""
    key = office.rows()[0].key
    waits = [backoff(key, attempts) for attempts in range(1, 30)]
    assert all(0 <= wait <= min(60_000_000 << number, 6 * HOUR) for number, wait in enumerate(waits))
    assert len({backoff(row.key, 5) for row in office.rows()}) == 4

    sink.fails = [RetryableError("no answer")]
    office.deliver(NOW, vendor=sink)
    assert office.rows()[0].next_at == NOW + waits[0]
    office.deliver(NOW + waits[0] - 1, vendor=sink)
    assert office.rows()[0].state == "waiting"
    office.deliver(NOW + waits[0], vendor=sink)
    assert office.rows()[0].state == "delivered"


def test_told_to_wait(office, sink):
    """A sink that says how long to wait is left alone for the rest of the turn, and the event for as long."""
    sink.fails = [RateLimited("slowly", retry_after=7200)]
    report = office.deliver(NOW, vendor=sink)["vendor"]

    assert (report.delivered, report.waiting, len(sink.attempts)) == (0, 4, 1)
    assert report.errors == ["slowly"]
    assert office.rows()[0].next_at == NOW + 2 * HOUR
    assert office.rows()[1].attempts == 0


def test_a_sink_that_is_down_is_left_alone(office, sink):
    """After three failures in a row the turn stops for that sink, the others are served, and no attempt is counted."""
    office.subscribe(subscription(), subscription("second", since=0), now=NOW)
    office.claim("C,paid,p_3,,,", "D,paid,p_4,,,", now=NOW)
    office.turn(payment("p_3", MADE), payment("p_4", MADE), now=NOW)
    sink.fails = [RetryableError("no answer")] * 9
    second = Kept()
    reports = office.deliver(NOW, vendor=sink, second=second)

    assert len(sink.attempts) == 3
    assert reports["vendor"].errors == ["no answer"]
    assert [row.attempts for row in office.rows()] == [1, 0, 1, 0, 1, 0, 0, 0]
    assert reports["second"].delivered == len(second.events) == 8


def test_given_up_after_many_attempts(office, sink):
    """An event that never gets an answer is given up after 24 attempts; its dead letter says that it may be there."""
    sink.fails = [RetryableError("no answer")] * 99
    now = NOW
    while not count_states(office.engine)["vendor"].get("dead"):
        now += 6 * HOUR
        office.deliver(now, vendor=sink)
    dead = next(row for row in office.rows() if row.state == "dead")

    assert (dead.attempts, dead.note) == (24, "no answer")
    assert dead.unsure_since == NOW + 6 * HOUR


def test_given_up_after_three_refusals(office, sink):
    """An event that is refused is given up after the third time, and the others are tried each time."""
    office.turn(refund("r_2", "p_2", NOW), now=NOW)
    for number in range(3):
        sink.fails = [PermanentError("no such customer")]
        office.deliver(NOW + number * HOUR, vendor=sink)
    [dead] = [row for row in office.rows() if row.state == "dead"]

    assert (dead.attempts, dead.note, dead.unsure_since) == (3, "no such customer", None)


@pytest.mark.parametrize("error", [AuthorizationError("the key"), StorageError("disk full")])
def test_trouble_of_the_sink_is_none_of_its_events(office, sink, error):
    """Where the sink as a whole cannot be used, its turn ends, and no event has an attempt more."""
    sink.fails = [error]
    report = office.deliver(NOW, vendor=sink)["vendor"]

    assert report.errors == [str(error)]
    assert {(row.state, row.attempts, row.unsure_since) for row in office.rows()} == {("waiting", 0, None)}


def test_a_sink_with_a_bug(office, sink):
    """An exception that is none of ours names the kind, its type and its place, without its text."""
    sink.fails = [ZeroDivisionError("whsec_secret")]
    [error] = office.deliver(NOW, vendor=sink)["vendor"].errors

    assert "the sink kept failed: ZeroDivisionError at sinking.py" in error
    assert "whsec" not in error
    assert office.rows()[0].unsure_since == NOW


def test_killed_between_sending_and_marking(office, sink):
    """An attempt whose end is not known is made again with the same key, and says since when."""
    sink.fails = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        office.deliver(NOW, vendor=sink)
    assert office.rows()[0].unsure_since == NOW
    assert office.rows()[1].unsure_since is None

    office.deliver(NOW + HOUR, vendor=sink)
    [first, second] = [attempt for event, attempt in sink.attempts if event.key == office.rows()[0].key]
    assert (first.unsure_since, second.unsure_since) == (None, NOW)


def test_a_refusal_leaves_no_doubt(office, sink):
    """An attempt that was refused is not one that may have arrived; one before it still is."""
    sink.fails = [PermanentError("no")]
    office.deliver(NOW, vendor=sink)
    assert office.rows()[0].unsure_since is None

    sink.fails = [RetryableError("no answer")]
    office.deliver(NOW + HOUR, vendor=sink)
    assert office.rows()[0].unsure_since == NOW + HOUR
    sink.fails = [PermanentError("no")]
    office.deliver(NOW + 9 * HOUR, vendor=sink)
    assert office.rows()[0].unsure_since == NOW + HOUR


@pytest.mark.postgres
def test_on_postgresql(tmp_path, sink):
    """The whole life of an outbox is the same on PostgreSQL: scheduled, withdrawn, let go, delivered, tried again."""
    with postgres_url() as url:
        office = Sending(tmp_path, database=url)
        office.claim("A,paid,p_1,,,", "B,paid,p_2,,,", now=MADE)
        office.turn(payment("p_1", MADE), payment("p_2", MADE), now=at("09-03T12:00:00"))
        office.subscribe(subscription("other"), now=at("09-03T12:00:00"))
        office.subscribe(subscription(), now=at("09-03T12:00:00"))
        office.turn(refund("r_1", "p_1", at("09-04")), now=at("09-04"))
        office.turn(now=LOCKED)
        sink.fails = [RetryableError("no answer"), UndeliverableError("gone")]
        office.deliver(NOW, vendor=sink)
        office.deliver(NOW + HOUR, vendor=sink)
        assert retry(office.engine, None, NOW) == 1
        office.deliver(NOW + 2 * HOUR, vendor=sink)
        found = sorted(office.told())
        keys = {row.key for row in office.rows()}
        office.engine.dispose()

    assert found == [
        ("locked", "A", "withdrawn"),
        ("locked", "B", "delivered"),
        ("reversed", "A", "delivered"),
        ("verified", "A", "delivered"),
        ("verified", "B", "delivered"),
    ]
    assert len(keys) == 5


def test_a_turn_is_bounded(office, sink):
    """A turn hands over at most so many events, and the next one goes on."""
    assert office.deliver(NOW, most=3, vendor=sink)["vendor"].waiting == 1
    assert office.deliver(NOW, most=3, vendor=sink)["vendor"].waiting == 0
    assert len(sink.events) == 4


def test_dead_letters_are_tried_again(office, sink):
    """A dead letter that a person lets go again is handed over with its old key, as if nothing had been tried."""
    sink.fails = [UndeliverableError("gone")] * 2
    office.deliver(NOW, vendor=sink)
    [one, other] = [row.key for row in office.rows() if row.state == "dead"]
    assert retry(office.engine, "oe_other", NOW) == 0
    assert retry(office.engine, one, NOW) == 1
    assert retry(office.engine, None, NOW) == 1

    office.deliver(NOW, vendor=sink)
    assert {one, other} <= {event.key for event in sink.events}
    assert {row.note for row in office.rows()} == {None}


def test_a_dead_letter_that_was_overtaken_stays(office, sink):
    """Told after what reversed it, a lock would be the last word; where both are dead, both are told in their order."""
    sink.fails = [None, None, UndeliverableError("gone")]
    office.deliver(NOW, vendor=sink)
    office.turn(refund("r_1", "p_1", NOW), now=REVERSED)
    sink.fails = [UndeliverableError("gone")]
    office.deliver(REVERSED, vendor=sink)
    dead = [row for row in office.rows() if row.state == "dead"]
    assert [row.event for row in dead] == ["locked", "reversed"]
    assert retry(office.engine, dead[0].key, REVERSED) == 2
    sink.fails = [UndeliverableError("gone")]
    office.deliver(REVERSED, vendor=sink)

    assert [(row.event, row.state) for row in office.rows()][-1] == ("reversed", "delivered")
    assert retry(office.engine, dead[0].key, REVERSED) == retry(office.engine, None, REVERSED) == 0


def test_dead_letters_that_rest(office, sink):
    """A dead letter that a person let rest is not tried again, by nobody; when and why is kept."""
    sink.fails = [UndeliverableError("gone")] * 2
    office.deliver(NOW, vendor=sink)
    [one, _] = [row.key for row in office.rows() if row.state == "dead"]
    assert dismiss(office.engine, "vendor", [one, one], "settled", REVERSED) == 1
    assert retry(office.engine, one, NOW) == 0
    assert retry(office.engine, None, NOW) == 1

    office.deliver(NOW, vendor=sink)
    assert one not in {event.key for event in sink.events}
    [rests] = [row for row in office.rows() if row.state == "dismissed"]
    assert (rests.key, rests.note, rests.done_at) == (one, "gone", NOW)
    with office.engine.connect() as connection:
        assert connection.execute(select(schema.dismissal)).all() == [("vendor", one, REVERSED, "settled")]


def test_all_of_one_sink_rest_or_none(office, sink):
    """Only dead letters of the sink named can rest, and where one of several cannot, none does."""
    office.subscribe(subscription(), subscription("second", since=0), now=NOW)
    office.verify(NOW)
    second = Kept()
    sink.fails, second.fails = [UndeliverableError("gone")], [UndeliverableError("gone")]
    office.deliver(NOW, vendor=sink, second=second)
    dead, delivered = office.rows()[0].key, office.rows()[-1].key
    for keys in ([dead, delivered], [dead, "oe_none"]):
        with pytest.raises(ConfigurationError, match=f"has no dead letter {keys[1]}"):
            dismiss(office.engine, "vendor", keys, "settled", NOW)
    assert "dismissed" not in count_states(office.engine)["vendor"]

    assert dismiss(office.engine, "vendor", None, "settled", NOW) == 1
    assert dismiss(office.engine, "vendor", None, "settled", NOW) == 0
    assert count_states(office.engine)["vendor"].get("dead") is None
    assert count_states(office.engine)["second"]["dead"] == 1


def test_what_rests_counts_as_told(office, sink):
    """Behind a dead letter that rests, a reversal goes out, and its sink knows of it as of one that was given up."""
    sink.fails = [UndeliverableError("gone")] * 4
    office.deliver(NOW, vendor=sink)
    dismiss(office.engine, "vendor", None, "settled", NOW)
    office.turn(refund("r_1", "p_1", NOW), now=REVERSED)
    office.subscribe(now=REVERSED)
    office.subscribe(subscription(), now=REVERSED)
    office.deliver(REVERSED, vendor=sink)

    [(event, attempt)] = sink.attempts[4:]
    assert (event.event, event.claim) == ("reversed", "A")
    assert {(earlier.event, earlier.state) for earlier in attempt.earlier} == {("verified", "dead"), ("locked", "dead")}


def test_an_imported_project_delivers_nothing(office, sink):
    """A sink that is held delivers nothing until a person says that this copy does; then every attempt is in doubt."""
    with transaction(office.engine) as connection:
        connection.execute(update(schema.sink).values(held=True))
    report = office.deliver(NOW, vendor=sink)["vendor"]
    assert (report.waiting, sink.attempts) == (4, [])
    assert "sinks resume" in report.errors[0]

    resume(office.engine, ["vendor"], NOW)
    assert office.deliver(NOW, vendor=sink)["vendor"].delivered == 4
    assert {attempt.unsure_since for _, attempt in sink.attempts} == {LOCKED}


def test_what_locked_while_an_imported_project_was_held_is_in_doubt(tmp_path, sink):
    """The other copy may have sent a lock that no turn of this one has seen pass; one still to come it has not."""
    office = Sending(tmp_path)
    office.claim("A,paid,p_1,,,", "B,paid,p_2,,,", now=MADE)
    office.turn(payment("p_1", MADE), payment("p_2", MADE + DAY), now=at("09-05"))
    with transaction(office.engine) as connection:
        connection.execute(update(schema.sink).values(held=True))

    resume(office.engine, ["vendor"], LOCKED)
    office.turn(now=NOW)
    office.deliver(NOW, vendor=sink)
    locks = {event.claim: attempt.unsure_since for event, attempt in sink.attempts if event.event == "locked"}
    assert locks == {"A": LOCKED, "B": None}


def test_a_changed_outbox_is_found(office, sink):
    """A row that leads to another entry, or has another key, is not sent: the ledger is what counts."""
    own, other = office.rows()[0].idx, office.rows()[2].idx
    for position, changed in (
        (0, {"idx": other}),
        (0, {"idx": 0}),
        (0, {"idx": 99}),
        (0, {"key": "oe_forged"}),
        (0, {"event": "corrected"}),
        (0, {"subject": "claim:B"}),
        (1, {"due_at": LOCKED + 1}),
        (0, {"replaces": own}),
        (0, {"replaces": 0}),
        (0, {"replaces": 99}),
        (2, {"replaces": own}),
    ):
        rows = office.rows()
        for number, row in enumerate(rows):
            _change(office, row.id, state="delivered" if number < position else "waiting")
        _change(office, rows[position].id, **changed)
        [finding] = fsck_outbox(office.engine, office.log.origin)[1]
        with pytest.raises(Tampered, match=r"event oe_\w+ of the outbox") as caught:
            office.deliver(NOW, vendor=sink)
        assert finding == f"sink vendor: {caught.value.message}"
        _change(office, rows[position].id, **{name: getattr(rows[position], name) for name in changed})

    assert sink.attempts == []
    assert {row.attempts for row in office.rows()} == {0}


def test_an_outbox_that_is_as_the_ledger_has_it(office, sink):
    """Events in every state, and one that reverses, are as the ledger has them; a state that nobody knows is not."""
    office.turn(refund("r_1", "p_1", NOW), now=REVERSED)
    office.claim("C,paid,p_3,,,", "D,paid,p_4,,,", now=REVERSED)
    office.turn(payment("p_3", REVERSED), payment("p_4", REVERSED), now=REVERSED)
    office.turn(now=REVERSED + 3 * DAY)
    office.turn(refund("r_3", "p_3", REVERSED + 3 * DAY), now=REVERSED + 3 * DAY)
    sink.fails = [UndeliverableError("gone")] * 2
    office.deliver(REVERSED, most=3, vendor=sink)
    dismiss(office.engine, "vendor", [office.rows()[0].key], "settled", NOW)
    rows = office.rows()
    assert {row.state for row in rows} == set(STATES)

    assert fsck_outbox(office.engine, office.log.origin) == (len(rows), [])
    _change(office, rows[0].id, state="gone")
    [finding] = fsck_outbox(office.engine, office.log.origin)[1]
    assert finding.endswith("is 'verified' and 'gone'")


def _change(office, row, **values):
    table = schema.outbox
    with transaction(office.engine) as connection:
        connection.execute(update(table).where(table.c.id == row).values(**values))

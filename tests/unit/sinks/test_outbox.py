"""What leaves for a sink is written with the ledger entries it comes from, and only once."""

from decimal import Decimal

import pytest
from sqlalchemy import select
from tests.ledgers import TERMS, at, payment, refund
from tests.sinking import Sending, subscription

from tallystick.database import schema
from tallystick.database.engine import transaction
from tallystick.errors import ConfigurationError
from tallystick.sinks import EVENTS
from tallystick.sinks.outbox import Subscription

MADE = at("09-01")
DECIDED = at("09-03T12:00:00")
LOCKED = at("09-06T12:00:00")


@pytest.fixture
def office(tmp_path):
    """A ledger with one sink, and two claims on payments that were just made."""
    office = Sending(tmp_path)
    office.claim("A,paid,p_1,,,", "B,paid,p_2,,,", now=MADE)
    office.turn(payment("p_1", MADE), payment("p_2", MADE, "50.00"), now=MADE)
    return office


def test_nothing_leaves_before_it_is_verified(office):
    """A claim that is pending tells nothing."""
    assert office.told() == []


def test_verified_now_and_locked_later(office):
    """A claim is told as verified at once; its lock is written with it, and let go once decided as of then."""
    office.turn(now=DECIDED)
    assert office.told() == [
        ("verified", "A", "waiting"),
        ("locked", "A", "scheduled"),
        ("verified", "B", "waiting"),
        ("locked", "B", "scheduled"),
    ]

    office.turn(now=LOCKED - 1)
    assert {state for event, _, state in office.told() if event == "locked"} == {"scheduled"}

    office.turn(now=LOCKED)
    assert {state for event, _, state in office.told() if event == "locked"} == {"waiting"}
    assert {row.due_at for row in office.rows() if row.event == "locked"} == {LOCKED}


def test_verified_after_its_lock(office):
    """What is decided only after its lock is told as verified and as locked at once."""
    office.turn(now=LOCKED)

    assert {(event, state) for event, _, state in office.told()} == {("verified", "waiting"), ("locked", "waiting")}


def test_reversed_before_its_lock(office):
    """A claim that stops counting before its lock is told as reversed, and its lock is withdrawn."""
    office.turn(now=DECIDED)
    office.turn(refund("r_1", "p_1", DECIDED), now=at("09-04"))

    assert [told for told in office.told() if told[1] == "A"] == [
        ("verified", "A", "waiting"),
        ("locked", "A", "withdrawn"),
        ("reversed", "A", "waiting"),
    ]


def test_reversed_after_its_lock(office):
    """A claim that stops counting after its lock is told as reversed after it was told as locked."""
    office.turn(now=LOCKED)
    office.turn(refund("r_1", "p_1", LOCKED), now=at("09-10"))

    assert [told[0] for told in office.told() if told[1] == "A"] == ["verified", "locked", "reversed"]


def test_reversed_in_the_turn_that_would_have_let_its_lock_go(office):
    """A lock that no turn has seen pass is withdrawn when that turn finds the claim to count no more."""
    office.turn(now=DECIDED)
    office.turn(refund("r_1", "p_1", DECIDED), now=at("09-10"))

    assert [told for told in office.told() if told[1] == "A"][1:] == [
        ("locked", "A", "withdrawn"),
        ("reversed", "A", "waiting"),
    ]


def test_corrected_before_its_lock(office):
    """Another quantity before the lock is told as corrected, and the lock is written anew with it."""
    office.turn(now=DECIDED)
    office.turn(payment("p_1", MADE, "70.00", known=DECIDED - MADE + 1), now=at("09-04"))

    assert [told for told in office.told() if told[1] == "A"] == [
        ("verified", "A", "waiting"),
        ("locked", "A", "withdrawn"),
        ("corrected", "A", "waiting"),
        ("locked", "A", "scheduled"),
    ]
    [old, new] = [row for row in office.rows() if row.event == "locked" and row.subject == "claim:A"]
    assert old.key != new.key


def test_corrected_after_its_lock(office):
    """Another quantity after the lock is told as corrected, and the lock is not told again."""
    office.turn(now=LOCKED)
    office.turn(payment("p_1", MADE, "70.00", known=LOCKED - MADE + 1), now=at("09-10"))

    assert [told[0] for told in office.told() if told[1] == "A"] == ["verified", "locked", "corrected"]


def test_other_evidence_for_the_same_is_not_told(office):
    """A new entry by which a claim counts what it did tells nothing, and the lock that is written stays."""
    office.turn(now=DECIDED)
    before = office.told()
    again = payment("p_1", MADE, known=DECIDED - MADE + 1, description="another text")

    assert office.turn(again, now=at("09-04")) == 1
    assert office.told() == before


def test_again_writes_nothing(office):
    """Deciding the same again writes no second event."""
    office.turn(now=LOCKED)
    before = office.rows()
    office.verify(at("09-20"))

    assert office.rows() == before


def test_a_sink_that_takes_only_locks(tmp_path):
    """A sink without `verified` hears nothing of a claim that came and went before its lock."""
    office = Sending(tmp_path, subscription(events=("locked", "corrected", "reversed")))
    office.claim("A,paid,p_1,,,", "B,paid,p_2,,,", now=MADE)
    office.turn(payment("p_1", MADE), payment("p_2", MADE), now=DECIDED)
    office.turn(refund("r_1", "p_1", DECIDED), now=at("09-04"))
    office.turn(refund("r_2", "p_2", LOCKED), now=LOCKED)
    office.turn(now=at("09-10"))

    assert [told for told in office.told() if told[2] != "withdrawn"] == []


def test_a_sink_that_takes_only_corrections(tmp_path):
    """A sink that takes neither `verified` nor `locked` hears of what is reversed all the same."""
    office = Sending(tmp_path, subscription(events=("reversed",)))
    office.claim("A,paid,p_1,,,", now=MADE)
    office.turn(payment("p_1", MADE), now=LOCKED)
    office.turn(refund("r_1", "p_1", LOCKED), now=at("09-10"))

    assert office.told() == [("reversed", "A", "waiting")]


def test_a_sink_of_other_contracts(tmp_path):
    """A sink hears only of the contracts it is for."""
    office = Sending(tmp_path, subscription(contracts=("other",)), subscription("second"))
    office.claim("A,paid,p_1,,,", now=MADE)
    office.turn(payment("p_1", MADE), now=LOCKED)

    assert office.told("vendor") == []
    assert office.told("second") == [("verified", "A", "waiting"), ("locked", "A", "waiting")]


def test_found_outcomes_do_not_leave(tmp_path):
    """What nobody claimed is not told."""
    office = Sending(tmp_path)
    office.turn(payment("p_1", MADE), now=LOCKED)

    assert any(verdict.found for verdict in office.verdicts.values())
    assert office.told() == []


def test_what_the_buyer_bears_is_told_from_its_lock_on(tmp_path):
    """A claim that cannot be verified and is paid all the same is told once it locks, never as verified."""
    office = Sending(tmp_path)
    office.agree(TERMS + "unverifiable: {borne_by: buyer, grace_days: 5}\n")
    office.claim("A,paid,p_1,2026-09-01T12:00:00Z,100.00,EUR", now=MADE)
    office.turn(payment("p_1", MADE, method=None), now=at("09-04"))
    assert office.told() == [("locked", "A", "scheduled")]

    office.turn(refund("r_1", "p_1", MADE + 1), now=at("09-05"))
    assert [told for told in office.told() if told[0] != "locked"] == []


def test_what_the_buyer_bore_and_is_verified_after_its_lock(tmp_path):
    """A claim that locked while the buyer bore it, and is verified later, is not told as locked a second time."""
    office = Sending(tmp_path, now=MADE)
    office.agree(TERMS + "unverifiable: {borne_by: buyer, grace_days: 5}\n")
    office.claim("A,paid,p_1,2026-09-01T12:00:00Z,100.00,EUR", now=MADE)
    office.turn(payment("p_1", MADE, method=None), now=at("09-20"))
    office.turn(payment("p_1", MADE, known=at("09-21") - MADE), now=at("09-22"))
    assert office.told() == [("locked", "A", "waiting"), ("verified", "A", "waiting")]

    office.subscribe(subscription(since=at("08-01")), now=at("09-23"))
    office.verify(at("09-23"))
    assert office.told() == [("locked", "A", "waiting"), ("verified", "A", "waiting")]


def test_a_new_sink_hears_of_what_is_to_come(office):
    """A sink that is added later hears of outcomes that lock from then on, not of what was verified before."""
    office.turn(now=DECIDED)
    office.subscribe(subscription(), subscription("late"), now=at("09-04"))
    assert office.told("late") == [("locked", "A", "scheduled"), ("locked", "B", "scheduled")]

    office.turn(now=LOCKED)
    assert office.told("late") == [("locked", "A", "waiting"), ("locked", "B", "waiting")]
    same = {row.key for row in office.rows("vendor")} & {row.key for row in office.rows("late")}
    assert len(same) == 2


def test_a_new_sink_from_a_day_on(office):
    """A sink with `from` hears of what was verified and locked since, from the newest verdicts."""
    office.turn(now=LOCKED)
    office.subscribe(subscription(), subscription("late", since=DECIDED), now=at("09-10"))
    office.turn(now=at("09-10"))

    assert sorted(office.told("late")) == sorted(office.told("vendor"))


def test_a_day_that_is_still_to_come(tmp_path):
    """A sink from a day that is still to come hears nothing before it but the locks that pass from that day on."""
    office = Sending(tmp_path, subscription(since=at("09-08T00:00:00")))
    office.claim("A,paid,p_1,,,", "B,paid,p_2,,,", now=MADE)
    office.turn(payment("p_1", MADE), now=DECIDED)
    office.turn(payment("p_2", at("09-04")), now=at("09-06T12:00:00"))
    office.turn(payment("p_1", MADE, "70.00", known=LOCKED - MADE + 1), now=at("09-07"))
    assert office.told() == [("locked", "B", "scheduled")]

    office.turn(refund("r_2", "p_2", at("09-10")), now=at("09-10"))
    office.claim("C,paid,p_3,,,", now=at("09-10"))
    office.turn(payment("p_3", MADE), now=at("09-11"))
    assert office.told()[1:] == [("verified", "C", "waiting"), ("locked", "C", "waiting")]


def test_what_was_told_ahead_of_the_day(office):
    """A sink that heard of claims ahead of its day, as older versions told it, hears of what becomes of them."""
    office.turn(now=DECIDED)
    later = at("10-01")
    with transaction(office.engine) as connection:
        connection.execute(schema.sink.update().values(since=later))
    office.subscribe(subscription(since=later), now=DECIDED)
    office.claim("C,paid,p_3,,,", now=DECIDED)
    seventy = payment("p_2", MADE, "70.00", known=DECIDED - MADE + 1)
    office.turn(refund("r_1", "p_1", DECIDED), seventy, payment("p_3", MADE), now=at("09-04"))
    office.verify(LOCKED)

    assert [told for told in office.told()[4:] if told[2] != "withdrawn"] == [
        ("reversed", "A", "waiting"),
        ("corrected", "B", "waiting"),
        ("locked", "B", "waiting"),
    ]


def test_an_earlier_day(office):
    """A sink whose `from` is moved to an earlier day is told what is older too, and nothing twice."""
    office.turn(now=DECIDED)
    office.claim("C,paid,p_3,,,", now=at("09-04"))
    office.subscribe(subscription("late"), now=at("09-05"))
    office.turn(payment("p_3", MADE), now=at("09-05"))
    assert ("verified", "A", "waiting") not in office.told("late")

    office.subscribe(subscription("late", since=at("09-01")), now=at("09-10"))
    office.verify(at("09-10"))
    keys = [row.key for row in office.rows("late")]
    assert len(keys) == len(set(keys)) == 6
    assert {state for _, _, state in office.told("late")} == {"waiting"}


def test_a_later_day(office):
    """A sink that was told something cannot be told from a later day on; one that was told nothing yet can."""
    office.subscribe(subscription(since=DECIDED), now=MADE)
    office.subscribe(subscription(since=DECIDED + 1), now=MADE)
    office.turn(now=DECIDED + 1)
    before = office.rows()
    later = Subscription("vendor", EVENTS, ("acme",), DECIDED + 2, "tallystick.yaml:9:11")
    with pytest.raises(ConfigurationError, match=r"is told from 2026-09-03T12:00:00.000001Z on") as caught:
        office.subscribe(later, now=LOCKED)

    assert "tallystick.yaml:9:11" in str(caught.value)
    assert office.rows() == before != []


def test_a_day_that_is_taken_out(office):
    """A day that was to come and is taken out holds nothing back; one of a sink that was told something stays."""
    office.subscribe(subscription(since=at("10-01")), now=MADE)
    office.turn(now=DECIDED)
    assert office.told() == []
    office.subscribe(subscription(), now=at("09-04"))
    assert office.told() == [("locked", "A", "scheduled"), ("locked", "B", "scheduled")]

    office.subscribe(subscription(since=MADE), now=at("09-05"))
    before = office.rows()
    office.subscribe(subscription(), now=MADE - 1)
    assert office.rows() == before
    assert len(before) == 4
    with office.engine.connect() as connection:
        assert connection.execute(select(schema.sink.c.since)).scalars().all() == [MADE]


def test_a_sink_that_is_gone_and_back(office):
    """The rows of a sink that is removed stay; once it is back it is told what it missed, and nothing twice."""
    office.turn(now=DECIDED)
    before = office.rows()
    office.subscribe(subscription("other"), now=at("09-04"))
    office.turn(refund("r_1", "p_1", DECIDED), now=at("09-04"))
    assert office.rows() == before

    office.subscribe(subscription(), now=at("09-05"))
    assert [told for told in office.told() if told[1] == "A"] == [
        ("verified", "A", "waiting"),
        ("locked", "A", "withdrawn"),
        ("reversed", "A", "waiting"),
    ]
    assert [told for told in office.told() if told[1] == "B"] == [told for told in _told(before) if told[1] == "B"]


def test_a_sink_that_was_away_when_outcomes_locked(office):
    """A sink that is back is told the locks that passed meanwhile, each once, and a quantity that changed since."""
    office.turn(now=DECIDED)
    office.subscribe(subscription("other"), now=at("09-04"))
    office.turn(payment("p_1", MADE, "70.00", known=DECIDED - MADE + 1), now=at("09-10"))
    office.subscribe(subscription(), now=at("09-11"))
    office.verify(now=at("09-11"))

    assert [told for told in office.told() if told[2] != "withdrawn"] == [
        ("verified", "A", "waiting"),
        ("verified", "B", "waiting"),
        ("locked", "B", "waiting"),
        ("corrected", "A", "waiting"),
        ("locked", "A", "waiting"),
    ]
    for _ in range(2):
        office.subscribe(subscription("other"), now=at("09-11"))
        office.subscribe(subscription(), now=at("09-11"))
    office.verify(now=at("09-12"))
    assert len(office.rows()) == 6


def test_written_with_the_entries_or_not_at_all(office):
    """If the transaction fails after the outbox was written, neither verdicts nor events are kept."""
    size, write = office.log.size, office.outlet

    def broken(connection, *arguments):
        write(connection, *arguments)
        raise RuntimeError("the disk is gone")

    office.outlet = broken
    office.read(upto=DECIDED)
    with pytest.raises(RuntimeError):
        office.verify(DECIDED)

    assert (office.told(), office.log.size) == ([], size)
    office.outlet = write
    office.verify(DECIDED)
    assert len(office.told()) == 4


def test_an_outcome_that_cannot_be_priced_does_not_stop_verification(tmp_path):
    """What a statement would refuse to price tells nothing, and the verdicts are recorded all the same."""
    office = Sending(tmp_path)
    office.claim("A,paid,p_1,,,", now=MADE)
    office.turn(payment("p_1", MADE, currency=None), now=LOCKED)

    assert office.told() == []
    assert office.verdicts["claim:A"].quantity == Decimal("100.00")


def test_registering_again_changes_nothing(office):
    """Saying the same of the sinks again writes nothing."""
    office.turn(now=DECIDED)
    before = office.rows()
    office.outlet.register(office.engine, at("09-05"))

    assert office.rows() == before
    with transaction(office.engine) as connection:
        office.outlet(connection, "acme", [], DECIDED)
    assert office.rows() == before


def _told(rows):
    return [(row.event, row.subject.removeprefix("claim:"), row.state) for row in rows]

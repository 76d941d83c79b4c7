"""What is locked: no later event moves the lock, and after the clawback nothing moves the verdict."""

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ledgers import TERMS, Ledger, at, payment, refund

from tallystick.period import DAY
from tallystick.records.model import Record

MADE = at("09-01")
LOCKS = "2026-09-06T12:00:00Z"  # two days of window, then three to the lock
BUYER_BEARS = TERMS.replace("outcomes:", "unverifiable: {borne_by: buyer, grace_days: 14}\noutcomes:")


@pytest.fixture
def ledger(tmp_path):
    """A project in which one payment was claimed."""
    made = Ledger(tmp_path)
    made.claim("A,paid,ch_1,2026-09-01T13:00:00Z,,", now=MADE)
    yield made
    made.engine.dispose()


def test_a_claim_is_decided_then_locked(ledger):
    """Pending while its window is open, verified from then on with the instant of the lock, which no run moves."""
    ledger.turn(payment("ch_1", MADE), now=at("09-02"))
    assert ledger.told("A") == ("pending", None, 1)
    ledger.turn(now=at("09-03T12:00:01"))
    assert ledger.told("A") == ("verified", LOCKS, 1)
    for day in ("09-06T11:59:59", "09-06T12:00:00", "09-30", "12-24"):
        assert ledger.turn(now=at(day)) == 0
    assert ledger.told("A") == ("verified", LOCKS, 1)


def test_what_changes_before_the_lock_is_decided_anew(ledger):
    """Up to the lock the verdict follows the evidence, back and forth; the lock stays where it was set."""
    ledger.turn(payment("ch_1", MADE), now=at("09-04"))
    ledger.turn(payment("ch_1", MADE, known=3 * DAY, status="pending"), now=at("09-04T13:00:00"))
    assert ledger.told("A") == ("pending", LOCKS, 1)
    ledger.turn(payment("ch_1", MADE, known=3 * DAY + 1, status="failed"), now=at("09-05"))
    assert ledger.told("A") == ("reversed", LOCKS, 1)
    ledger.turn(payment("ch_1", MADE, known=3 * DAY + 2), now=at("09-06"))
    assert ledger.told("A") == ("verified", LOCKS, 1)


def test_another_amount_keeps_the_lock(ledger):
    """An amount that the source corrects after the lock changes what is paid, and not when it locked."""
    ledger.turn(payment("ch_1", MADE), now=at("09-04"))
    ledger.turn(payment("ch_1", MADE, "80.00", known=20 * DAY), now=at("09-25"))
    verdict = ledger.verdicts["claim:A"]

    assert verdict.quantity == 80
    assert ledger.told("A") == ("verified", LOCKS, 1)


def test_another_decision_keeps_the_lock(ledger):
    """A window that ends later by what is known now moves neither the lock nor the month."""
    ledger.turn(payment("ch_1", MADE), now=at("09-04"))
    ledger.turn(payment("ch_1", MADE + DAY, known=20 * DAY), now=at("09-25"))

    assert ledger.verdicts["claim:A"].decided_at == MADE + 3 * DAY
    assert ledger.told("A") == ("verified", LOCKS, 1)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("09-06T11:59:59", "reversed"),
        ("09-06T12:00:00", "reversed"),
        ("11-05T12:59:59", "reversed"),  # sixty days on, on the wall in Berlin
        ("11-05T13:00:00", "verified"),
    ],
)
def test_evidence_against_counts_until_the_clawback_is_over(ledger, day, expected):
    """A refund reverses a verdict up to the last instant of the clawback, and from the next one on does nothing."""
    ledger.turn(payment("ch_1", MADE), now=at("09-04"))
    ledger.turn(refund("re_1", "ch_1", at("09-05")), now=at(day))

    assert ledger.told("A") == (expected, LOCKS, 1)


@pytest.mark.parametrize(
    "unknown", [{"status": "pending"}, {"method": None}, {"status": None}, {"created_at": at("09-05")}]
)
@pytest.mark.parametrize(("day", "kept"), [("09-06T11:59:59", False), ("09-06T12:00:00", True)])
def test_what_is_unknown_says_nothing_against_what_is_locked(ledger, unknown, day, kept):
    """Before the lock a fact that goes missing opens the verdict again; after it only something known does."""
    ledger.turn(payment("ch_1", MADE), now=at("09-04"))
    ledger.turn(payment("ch_1", MADE, known=4 * DAY, **unknown), now=at(day))
    status, lock, _ = ledger.told("A")

    assert (status == "verified") == kept
    assert lock == LOCKS


def test_a_reversal_may_be_taken_back_within_the_clawback(ledger):
    """What was reversed and then holds again is verified again with its old lock, and stays so after the clawback."""
    ledger.turn(payment("ch_1", MADE), now=at("09-04"))
    ledger.turn(payment("ch_1", MADE, known=10 * DAY, status="failed"), now=at("09-12"))
    assert ledger.told("A") == ("reversed", LOCKS, 1)
    ledger.turn(payment("ch_1", MADE, known=11 * DAY, status="pending"), now=at("09-13"))
    assert ledger.told("A") == ("reversed", LOCKS, 1)
    ledger.turn(payment("ch_1", MADE, known=20 * DAY), now=at("09-25"))
    assert ledger.told("A") == ("verified", LOCKS, 1)
    assert ledger.verdicts["claim:A"].was_verified
    ledger.turn(payment("ch_1", MADE, known=70 * DAY, status="failed"), now=at("11-20"))
    assert ledger.told("A") == ("verified", LOCKS, 1)


def test_a_reversal_is_final_after_the_clawback(ledger):
    """What is reversed when the clawback ends stays reversed, even if the source tells another story later."""
    ledger.turn(payment("ch_1", MADE), now=at("09-04"))
    ledger.turn(payment("ch_1", MADE, known=10 * DAY, status="failed"), now=at("09-12"))
    ledger.turn(payment("ch_1", MADE, known=70 * DAY), now=at("11-20"))

    assert ledger.told("A") == ("reversed", LOCKS, 1)


def test_a_rejected_claim_may_become_verified_and_locks_then(ledger):
    """A claim that was rejected has no lock; once it is verified it locks by when it was decided."""
    ledger.turn(payment("ch_1", MADE, status="failed"), now=at("09-04"))
    assert ledger.told("A") == ("rejected", None, 1)
    ledger.turn(payment("ch_1", MADE, known=100 * DAY), now=at("12-20"))

    assert ledger.told("A") == ("verified", LOCKS, 1)


def test_without_days_what_is_verified_is_locked(tmp_path):
    """With no lock days, and none of clawback, what is verified once is final at once."""
    ledger = Ledger(
        tmp_path, TERMS.replace("lock_days: 3", "lock_days: 0").replace("clawback_days: 60", "clawback_days: 0")
    )
    ledger.claim("A,paid,ch_1,,,", now=MADE)
    ledger.turn(payment("ch_1", MADE), now=at("09-04"))
    ledger.turn(payment("ch_1", MADE, known=3 * DAY + 1, status="failed"), now=at("09-04T13:00:00"))

    assert ledger.told("A") == ("verified", "2026-09-03T12:00:00Z", 1)
    ledger.engine.dispose()


# --- what the buyer bears


@pytest.fixture
def borne(tmp_path):
    """A project whose buyer bears what is unverifiable, with a payment whose method nobody knows."""
    made = Ledger(tmp_path, BUYER_BEARS)
    made.claim("A,paid,ch_1,2026-09-02T13:00:00Z,90.00,EUR", "B,paid,ch_9,2026-09-02T13:00:00Z,,", now=at("09-03"))
    made.turn(payment("ch_1", MADE, method=None), now=at("09-04"))
    yield made
    made.engine.dispose()


def test_what_the_buyer_bears_locks_after_its_grace(borne):
    """An unverifiable claim locks when its grace is over, counted from when it happened."""
    assert borne.told("A") == ("unverifiable", "2026-09-15T12:00:00Z", 1)
    assert borne.told("B") == ("rejected", None, 1)
    [line] = borne.prepare("2026-09", at("10-05")).lines
    assert (line.subject, line.status, str(line.amount)) == ("claim:A", "unverifiable", "9.00 EUR")


def test_grace_counts_from_the_claim_where_nothing_else_is_known(tmp_path):
    """A claim on a record that is gone has its grace from when it was made; undated, it never locks."""
    ledger = Ledger(tmp_path, BUYER_BEARS)
    ledger.claim("A,paid,ch_1,2026-09-02T13:00:00Z,,", "B,paid,ch_1,,,", "C,paid,ch_2,,,", now=at("09-03"))
    lost = payment("ch_1", MADE)
    ledger.turn(Record("payment", "ch_1", MADE, lost.values, b"{}", deleted=True), now=at("09-04"))

    assert ledger.told("A") == ("unverifiable", "2026-09-16T13:00:00Z", 1)
    assert ledger.told("B") == ("unverifiable", None, 1)
    assert ledger.told("C") == ("rejected", None, 1)
    assert [line.subject for line in ledger.prepare("2026-09", at("10-05")).lines] == []
    ledger.engine.dispose()


def test_the_missing_fact_may_still_come(borne):
    """Supplied in time, the fact decides the claim; the lock stays the one of the grace."""
    borne.turn(payment("ch_1", MADE, known=10 * DAY), now=at("09-12"))
    assert borne.told("A") == ("verified", "2026-09-15T12:00:00Z", 1)


def test_evidence_against_what_the_buyer_bears(borne):
    """A claim that is borne is taken back by evidence against it, and not by a run that knows nothing more."""
    assert borne.turn(now=at("09-30")) == 0
    borne.turn(payment("ch_1", MADE, known=40 * DAY, status="failed"), now=at("10-15"))

    assert borne.told("A") == ("rejected", "2026-09-15T12:00:00Z", 1)


def test_half_an_answer_takes_nothing_back(borne):
    """A claim that is borne stays so while later evidence leaves it open: nothing is taken back to be paid again."""
    borne.turn(payment("ch_1", MADE, known=40 * DAY, status="pending"), now=at("10-15"))

    assert borne.told("A") == ("unverifiable", "2026-09-15T12:00:00Z", 1)


def test_what_is_borne_is_final_after_the_clawback(borne):
    """After the clawback what the buyer bears stays borne."""
    borne.turn(payment("ch_1", MADE, known=100 * DAY, status="failed"), now=at("12-20"))

    assert borne.told("A") == ("unverifiable", "2026-09-15T12:00:00Z", 1)


def test_what_the_vendor_bears_never_locks(ledger):
    """Where the vendor bears it, an unverifiable claim has no lock and is no line."""
    ledger.turn(payment("ch_1", MADE, method=None), now=at("09-04"))

    assert ledger.told("A") == ("unverifiable", None, 1)
    assert ledger.prepare("2026-09", at("10-05")).lines == ()


# --- laws

_EVENTS = st.lists(
    st.tuples(
        st.integers(1, 40),
        st.sampled_from(
            [
                {},
                {"status": "failed"},
                {"status": "pending"},
                {"status": None},
                {"method": None},
                {"amount": "70.00"},
                {"created_at": MADE + 4 * DAY},
            ]
        ),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=12)
@given(_EVENTS, st.sampled_from((TERMS, BUYER_BEARS)))
def test_whatever_happens_a_lock_stays_and_a_second_run_writes_nothing(events, text):
    """Over any history: what was set as the lock is never another, and verifying again at the same instant is idle."""
    with TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder), text)
        ledger.claim("A,paid,ch_1,2026-09-01T13:00:00Z,,", now=MADE)
        now, seen = MADE, []
        for days, changes in events:
            now += days * DAY
            ledger.turn(payment("ch_1", MADE, known=now - MADE, **changes), now=now)
            size = ledger.log.size
            assert ledger.verify(now) == 0
            assert ledger.log.size == size
            seen.append(ledger.verdicts["claim:A"])
        for before, after in pairwise(seen):
            assert before.locks_at is None or after.locks_at == before.locks_at
        assert ledger.fsck() == []
        ledger.engine.dispose()

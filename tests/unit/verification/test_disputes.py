"""Disputes: who may open and answer them, until when, and what becomes of them without a resolution."""

import pytest
from tests.disputed import DAY, NOW, offices, payment, record, refused

from tallystick.database.engine import transaction
from tallystick.errors import Tampered
from tallystick.period import format_instant
from tallystick.verification.acts import append_acts
from tallystick.verification.disputes import REASONS
from tallystick.verification.exhibits import exhibit_of

DEADLINE = NOW + 5 * DAY  # ten days after the lock, which was five days ago


@pytest.fixture
def make(tmp_path):
    """Give a function that makes an office with claims that are verified, rejected and unverifiable."""
    with offices(tmp_path) as build:
        yield build


@pytest.fixture
def office(make):
    """An office with claims that are verified, rejected and unverifiable."""
    return make()


# --- opening


def test_a_dispute_is_what_was_said(office):
    """A dispute holds who said what, when, about which verdict, and three deadlines; the ledger is in order."""
    paper = exhibit_of("mail.eml", b"It went back.")
    dispute = office.open(evidence=[paper])

    assert (dispute.id, dispute.claim_id, dispute.by, dispute.reason) == ("acme-D1", "A", "buyer", "refunded")
    assert (dispute.verdict_status, dispute.evidence, dispute.exhibits()) == ("verified", (paper,), [paper.sha256])
    assert dispute.state(NOW) == "open"
    # Opened early, it is answered by the end of the dispute days after the lock, or ten days from now if that is later.
    assert (dispute.dispute_until, dispute.answer_until, dispute.settle_until) == (
        DEADLINE,
        NOW + 10 * DAY,
        NOW + 20 * DAY,
    )
    assert office.book.disputes() == [dispute]
    assert office.fsck() == []
    assert office.statuses()["claim:A"] == "verified"


def test_a_dispute_is_opened_up_to_its_deadline(office):
    """The last microsecond before the deadline is in time, the deadline is not, and the message names both instants."""
    late = refused(office, "could be disputed until", office.open, now=DEADLINE)
    assert format_instant(DEADLINE) in late

    assert office.open(now=DEADLINE - 1).opened_at == DEADLINE - 1


def test_a_rejection_is_disputed_from_its_recording(office):
    """The vendor has the dispute days from when a rejection was recorded, whenever the outcome happened."""
    recorded = NOW + 10 * DAY
    both = refused(office, "could be disputed until", office.open, "B", by="vendor", now=recorded)
    assert format_instant(recorded) in both

    assert office.open("B", by="vendor", now=recorded - 1).dispute_until == recorded


def test_before_the_lock_is_early_enough(make):
    """A verified outcome is disputed before it locks too, even where the contract has no days to dispute."""
    office = make("dispute_days: 10", "lock_days: 20, dispute_days: 0")
    lock = NOW + 15 * DAY

    dispute = office.open()
    assert (dispute.dispute_until, dispute.answer_until, dispute.settle_until) == (lock, lock, lock)
    assert dispute.state(lock - 1) == "open"
    refused(office, "could be disputed", office.open, "B", by="vendor")


def test_business_days(make):
    """Deadlines of a contract that counts business days end at midnight of its zone, weekends left out."""
    dispute = make("dispute_days: 10", "dispute_days: 10, days: business").open()

    # Locked on Wednesday 16 September; ten business days later is Wednesday 30 September.
    assert format_instant(dispute.dispute_until) == "2026-09-30T22:00:00Z"
    assert format_instant(dispute.answer_until) == "2026-10-05T22:00:00Z"


@pytest.mark.parametrize(
    ("claim", "by", "reason", "words"),
    [
        ("A", "vendor", "refunded", "only dispute how much"),
        ("B", "buyer", "refunded", "nothing to dispute"),
        ("C", "buyer", "missing_evidence", "nothing to dispute"),
        ("Z", "buyer", "refunded", "no verdict on the claim 'Z'"),
        ("A", "buyer", "refund", "no reason for a dispute"),
        ("A", "buyer", "", "no reason for a dispute"),
    ],
)
def test_what_is_not_disputed(office, claim, by, reason, words):
    """A party cannot dispute what is in its favour, an unknown claim, or for an unknown reason."""
    refused(office, words, office.open, claim, by=by, reason=reason)


@pytest.mark.parametrize("text", ["", "  ", "x" * 2001, "two\nlines", "\x1b[2J", "\ud800"])
def test_a_text_is_one_paragraph(office, text):
    """A text that is empty, too long, or would move a terminal's cursor is refused."""
    refused(office, "--text", office.open, text=text)


def test_a_pending_claim_is_not_disputed(office):
    """What is not decided yet is not disputed."""
    office.claim("P,paid,ch_9,,,")
    office.read(payment("ch_9", created_at=NOW - DAY))
    office.verify()

    refused(office, "nothing to dispute yet", office.open, "P", by="vendor", reason="other")


def test_unverifiable_where_the_buyer_bears_it(make):
    """What the buyer pays although it is unverifiable, the buyer may dispute, up to its finality calendar."""
    office = make("finality:", "unverifiable: {borne_by: buyer, grace_days: 14}\nfinality:")

    # It happened ten days ago: its grace is over in four, and the dispute days in fourteen.
    assert office.open("C", reason="not_in_scope").dispute_until == NOW + 14 * DAY


def test_one_dispute_at_a_time(office):
    """A second dispute on the claim of an unsettled one is refused; one on another claim is not."""
    office.open()

    assert "acme-D1" in refused(office, "disputed in acme-D1 already", office.open)
    assert office.open("B", by="vendor").id == "acme-D2"


def test_the_past_is_not_met(office):
    """A deadline that is over is not met by an instant before the ledger's newest entry."""
    office.verify(NOW + DAY)
    office.claim("N,paid,ch_1,,,", now=NOW + 20 * DAY)

    refused(office, "last written as of", office.open, now=DEADLINE - 1)


def test_reasons_are_described():
    """Each reason code has a sentence, and there is one for what no other names."""
    assert all(text.endswith(".") for text in REASONS.values())
    assert "other" in REASONS


# --- answering


def test_the_other_side_answers_once(office):
    """The other side's answer is kept, and a second one, one by the opener, and one to nothing are refused."""
    office.open()
    refused(office, "the vendor answers it", office.answer, by="buyer")
    dispute = office.answer(now=NOW + DAY)

    assert dispute.state(NOW + DAY) == "answered"
    assert (dispute.answer.by, dispute.answer.text, dispute.answer.late) == ("vendor", "It did not.", False)
    refused(office, "was answered at", office.answer, now=NOW + DAY)
    refused(office, "no dispute 'acme-D7'", office.answer, "acme-D7", now=NOW + DAY)


def test_a_late_answer_is_marked(office):
    """An answer after its time is taken as long as the dispute can be settled, and says that it is late."""
    due = office.open().answer_until

    assert office.answer(now=due).answer.late
    assert not office.book.find("acme-D1").unsettled(due + 10 * DAY)


# --- no resolution


def test_without_a_resolution_it_lapses(office):
    """What nobody settles in time lapses: the verdict stands, and it is neither answered nor resolved nor reopened."""
    dispute = office.open("B", by="vendor", now=NOW + DAY)
    end = dispute.settle_until

    assert [dispute.state(at) for at in (end - 1, end)] == ["open", "lapsed"]
    refused(office, "is lapsed since", office.answer, by="buyer", now=end)
    refused(office, "is lapsed since", office.resolve, "verified", quantity="80.00", now=end)
    refused(office, "is lapsed, which is the end of it", office.open, "B", by="vendor", now=end)
    assert office.verify(end) == 0


def test_without_a_resolution_it_is_escalated(make):
    """Where the contract escalates, what nobody settles in time stays open until people on each side settle it."""
    office = make("dispute_days: 10", "dispute_days: 10, on_silence: escalate")
    end = office.open().settle_until

    assert office.book.find("acme-D1").state(end + DAY) == "escalated"
    assert office.resolve("rejected", now=end + DAY).state(end + DAY) == "settled"


def test_a_new_verdict_after_a_lapse_is_disputed_anew(office):
    """A dispute that lapsed on one verdict does not keep a party from disputing the opposite one, later on."""
    end = office.open().settle_until
    office.read(record("refund", "re_1", payment_id="ch_1", created_at=NOW - 8 * DAY, status="succeeded"))
    office.verify(end)
    assert office.statuses()["claim:A"] == "reversed"

    assert office.open("A", by="vendor", now=end + DAY).id == "acme-D2"


# --- what the ledger says


@pytest.mark.parametrize(
    "entry",
    [
        {"kind": "dispute", "key": "acme-D1"},
        {"kind": "dispute_answer", "key": "acme-D9", "by": "vendor", "text": "x", "late": False, "evidence": []},
        {"kind": "dispute_resolution", "key": "acme-D1", "outcome": "maybe", "by": "both", "text": "x",
         "quantity": None, "currency": None},
    ],
)  # fmt: skip
def test_an_entry_of_another_shape_is_tampering(office, entry):
    """An entry that Tallystick does not write, or that answers what was not opened, is named and not passed over."""
    office.open()
    with transaction(office.engine) as connection:
        append_acts(connection, office.log, "acme", [{"at": format_instant(NOW), "contract": "acme", **entry}])
        office.log.checkpoint(connection, office.signer)

    with pytest.raises(Tampered, match="ledger entry"):
        office.book.disputes()

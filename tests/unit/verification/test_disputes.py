"""Disputes: who may open, answer and settle them, until when, and what they do to verdicts and statements."""

from decimal import Decimal

import pytest
from tests.disputed import DAY, NOW, Office, payment, record

from tallystick.database.engine import transaction
from tallystick.errors import ConfigurationError, Tampered
from tallystick.period import format_instant, parse_instant
from tallystick.verification.acts import append_acts
from tallystick.verification.dispute_acts import DisputeBook
from tallystick.verification.disputes import REASONS
from tallystick.verification.exhibits import exhibit_of

FAILED = {"status": "failed"}
DEADLINE = NOW + 5 * DAY  # ten days after the lock, which was five days ago
OCTOBER = parse_instant("2026-10-02T08:00:00Z")
NOVEMBER = parse_instant("2026-11-02T08:00:00Z")


@pytest.fixture
def make(tmp_path):
    """Give a function that makes an office with one verified claim A and one rejected claim B."""
    made = []

    def build(old="", new=""):
        office = Office(tmp_path, old, new)
        made.append(office)
        office.claim("A,paid,ch_1,,,", "B,paid,ch_2,,80.00,EUR", "C,paid,ch_3,,,")
        unknown = payment("ch_3", status=None)
        office.read(payment("ch_1"), payment("ch_2", **FAILED), unknown)
        office.verify()
        assert office.statuses() == {"claim:A": "verified", "claim:B": "rejected", "claim:C": "unverifiable"}
        return office

    yield build
    for office in made:
        office.engine.dispose()


@pytest.fixture
def office(make):
    """An office with claims that are verified, rejected and unverifiable."""
    return make()


def _refused(office, words, act, *arguments, **more):
    """Check that something is refused in these words and that the ledger did not grow."""
    size = office.log.size
    with pytest.raises(ConfigurationError, match=words) as caught:
        act(*arguments, **more)
    assert office.log.size == size
    assert caught.value.exit_code == 2
    return str(caught.value)


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
    late = _refused(office, "could be disputed until", office.open, now=DEADLINE)
    assert format_instant(DEADLINE) in late

    assert office.open(now=DEADLINE - 1).opened_at == DEADLINE - 1


def test_a_rejection_is_disputed_from_its_recording(office):
    """The vendor has the dispute days from when a rejection was recorded, whenever the outcome happened."""
    recorded = NOW + 10 * DAY
    both = _refused(office, "could be disputed until", office.open, "B", by="vendor", now=recorded)
    assert format_instant(recorded) in both

    assert office.open("B", by="vendor", now=recorded - 1).dispute_until == recorded


def test_before_the_lock_is_early_enough(make):
    """A verified outcome is disputed before it locks too, even where the contract has no days to dispute."""
    office = make("dispute_days: 10", "lock_days: 20, dispute_days: 0")
    lock = NOW + 15 * DAY

    dispute = office.open()
    assert (dispute.dispute_until, dispute.answer_until, dispute.settle_until) == (lock, lock, lock)
    assert dispute.state(lock - 1) == "open"
    _refused(office, "could be disputed", office.open, "B", by="vendor")


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
    _refused(office, words, office.open, claim, by=by, reason=reason)


@pytest.mark.parametrize("text", ["", "  ", "x" * 2001, "two\nlines", "\x1b[2J", "\ud800"])
def test_a_text_is_one_paragraph(office, text):
    """A text that is empty, too long, or would move a terminal's cursor is refused."""
    _refused(office, "--text", office.open, text=text)


def test_a_pending_claim_is_not_disputed(office):
    """What is not decided yet is not disputed."""
    office.claim("P,paid,ch_9,,,")
    office.read(payment("ch_9", created_at=NOW - DAY))
    office.verify()

    _refused(office, "nothing to dispute yet", office.open, "P", by="vendor", reason="other")


def test_unverifiable_where_the_buyer_bears_it(make):
    """What the buyer pays although it is unverifiable, the buyer may dispute, up to its finality calendar."""
    office = make("finality:", "unverifiable: {borne_by: buyer, grace_days: 14}\nfinality:")

    # It happened ten days ago: its grace is over in four, and the dispute days in fourteen.
    assert office.open("C", reason="not_in_scope").dispute_until == NOW + 14 * DAY


def test_one_dispute_at_a_time(office):
    """A second dispute on the claim of an unsettled one is refused; one on another claim is not."""
    office.open()

    assert "acme-D1" in _refused(office, "disputed in acme-D1 already", office.open)
    assert office.open("B", by="vendor").id == "acme-D2"


def test_the_past_is_not_met(office):
    """A deadline that is over is not met by an instant before the ledger's newest entry."""
    office.verify(NOW + DAY)
    office.claim("N,paid,ch_1,,,", now=NOW + 20 * DAY)

    _refused(office, "last written as of", office.open, now=DEADLINE - 1)


def test_reasons_are_described():
    """Each reason code has a sentence, and there is one for what no other names."""
    assert all(text.endswith(".") for text in REASONS.values())
    assert "other" in REASONS


# --- answering


def test_the_other_side_answers_once(office):
    """The other side's answer is kept, and a second one, one by the opener, and one to nothing are refused."""
    office.open()
    _refused(office, "the vendor answers it", office.answer, by="buyer")
    dispute = office.answer(now=NOW + DAY)

    assert dispute.state(NOW + DAY) == "answered"
    assert (dispute.answer.by, dispute.answer.text, dispute.answer.late) == ("vendor", "It did not.", False)
    _refused(office, "was answered at", office.answer, now=NOW + DAY)
    _refused(office, "no dispute 'acme-D7'", office.answer, "acme-D7", now=NOW + DAY)


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
    _refused(office, "is lapsed since", office.answer, by="buyer", now=end)
    _refused(office, "is lapsed since", office.resolve, "verified", quantity="80.00", now=end)
    _refused(office, "is lapsed, which is the end of it", office.open, "B", by="vendor", now=end)
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


# --- settling


@pytest.mark.parametrize(
    ("opened", "outcome", "by", "allowed"),
    [
        (("A", "buyer"), "rejected", "both", True),
        (("A", "buyer"), "rejected", "vendor", True),
        (("A", "buyer"), "rejected", "buyer", False),
        (("A", "buyer"), "verified", "both", True),
        (("A", "buyer"), "verified", "buyer", True),
        (("A", "buyer"), "verified", "vendor", False),
        (("A", "buyer"), "withdrawn", "buyer", True),
        (("A", "buyer"), "withdrawn", "both", True),
        (("A", "buyer"), "withdrawn", "vendor", False),
        (("B", "vendor"), "verified", "both", True),
        (("B", "vendor"), "verified", "buyer", True),
        (("B", "vendor"), "verified", "vendor", False),
        (("B", "vendor"), "rejected", "buyer", False),
        (("B", "vendor"), "rejected", "vendor", True),
        (("B", "vendor"), "withdrawn", "buyer", False),
    ],
)
def test_nobody_settles_in_their_own_favour(office, opened, outcome, by, allowed):
    """Both settle as they like; alone, a party only concedes all that the other asks, or withdraws what it opened."""
    claim, opener = opened
    office.open(claim, by=opener)
    more = {"quantity": "80.00"} if (claim, outcome) == ("B", "verified") else {}
    if allowed:
        assert office.resolve(outcome, by=by, **more).resolution.outcome == outcome
    else:
        _refused(office, "alone", office.resolve, outcome, by=by, **more)


@pytest.mark.parametrize(
    ("opened", "reason", "quantity", "currency"),
    [
        (("B", "vendor"), "refunded", "79.99", None),
        (("B", "vendor"), "refunded", "80.00", "JPY"),
        (("C", "vendor"), "missing_evidence", "5000.00", None),
        (("A", "vendor"), "wrong_amount", "80.00", None),
        (("A", "vendor"), "wrong_amount", None, None),
        (("A", "buyer"), "wrong_amount", "79.99", None),
    ],
)
def test_a_part_of_what_is_asked_takes_both(office, opened, reason, quantity, currency):
    """The buyer alone settles for the whole claim, not for less, in another currency, or where nobody said how much."""
    claim, opener = opened
    office.open(claim, by=opener, reason=reason)
    amounts = {"quantity": quantity, "currency": currency}

    _refused(office, "cannot settle acme-D1 as verified alone", office.resolve, "verified", by="buyer", **amounts)
    assert office.resolve("verified", **amounts).state(NOW) == "settled"


@pytest.mark.parametrize(
    ("claim", "outcome", "more", "words"),
    [
        ("B", "verified", {}, "names no amount"),
        ("B", "verified", {"currency": "EUR"}, "--currency goes with --quantity"),
        ("B", "verified", {"quantity": "-1"}, "no quantity"),
        ("B", "verified", {"quantity": "0.00"}, "no quantity"),
        ("B", "verified", {"quantity": "1e3"}, "no quantity"),
        ("B", "verified", {"quantity": "12", "currency": "EUX"}, "EUX"),
        ("B", "rejected", {"quantity": "12"}, "go with --outcome verified"),
        ("B", "withdrawn", {"currency": "EUR"}, "go with --outcome verified"),
    ],
)
def test_a_quantity_that_does_not_fit(office, claim, outcome, more, words):
    """A settlement names an amount where the evidence has none, and only there where it means something."""
    office.open(claim, by="vendor")

    _refused(office, words, office.resolve, outcome, **more)


def test_units_are_whole(make):
    """Where an outcome is one unit, a settlement names no quantity and no currency, and is paid as one."""
    office = make("price: {percent: 10}", "price: {per_unit: 7.00}")
    office.open("B", by="vendor")

    _refused(office, "one unit each", office.resolve, "verified", quantity="2")
    _refused(office, "--currency means nothing", office.resolve, "verified", quantity="2", currency="EUR")
    office.resolve("verified", by="buyer")
    office.verify()
    lines = office.statement("2026-09", OCTOBER).lines
    assert [(line.subject, str(line.amount)) for line in lines] == [("claim:A", "7.00 EUR"), ("claim:B", "7.00 EUR")]


def test_counted_units_are_settled_in_whole_numbers(make):
    """Where the records count units, the parties may settle on another whole number of them, and on no part of one."""
    counted = "quantity: exponent\n    price: {per_unit: 7.00}"
    office = make("quantity: amount_captured\n    price: {percent: 10}", counted)
    office.open("A", by="vendor", reason="wrong_amount")

    _refused(office, "a whole number of units", office.resolve, "verified", quantity="2.5")
    _refused(office, "alone", office.resolve, "verified", by="buyer", quantity="2")
    office.resolve("verified", quantity="3")
    office.verify()
    assert [str(line.amount) for line in office.statement("2026-09", OCTOBER).lines] == ["21.00 EUR"]


def test_a_resolution_is_the_end(office):
    """What is settled is neither resolved nor answered again, nor opened anew."""
    office.open()
    office.resolve("rejected")

    _refused(office, "is settled since", office.resolve, "verified")
    _refused(office, "is settled since", office.answer)
    _refused(office, "is settled, which is the end of it", office.open)
    _refused(office, "no dispute 'acme-D2'", office.resolve, "verified", "acme-D2")


def test_what_is_withdrawn_is_opened_again(office):
    """A dispute that was withdrawn changes nothing, and may be opened again in time."""
    office.open()
    office.resolve("withdrawn", by="buyer")

    assert office.verify() == 0
    assert office.open().id == "acme-D2"


def test_a_ledger_that_grew_is_read_again(office):
    """An act is not written on what another process has changed since it was checked."""
    office.open()
    slow = DisputeBook(office.engine, office.log, office.contract)
    find = slow.find

    def find_late(dispute_id):
        found = find(dispute_id)
        office.answer()
        return found

    slow.find = find_late
    with pytest.raises(ConfigurationError, match="the ledger grew"):
        slow.resolve(office.signer, "acme-D1", outcome="rejected", by="both", text="Agreed.", now=NOW)
    assert office.book.find("acme-D1").state(NOW) == "answered"


# --- what a settlement does


def test_a_settlement_takes_the_place_of_the_evidence(office):
    """What both settle is the verdict, with the text of it as its reason, and deciding again changes nothing."""
    office.open("B", by="vendor")
    office.resolve("verified", quantity="50.00")

    assert office.verify() == 1
    verdict = office.verdicts()["claim:B"]
    assert (verdict.status, verdict.quantity, verdict.currency) == ("verified", Decimal("50.00"), "EUR")
    assert [(reason.clause, reason.text) for reason in verdict.reasons] == [
        ("dispute", "settled as verified by both parties in acme-D1: Agreed by phone.")
    ]
    assert office.verify() == 0
    assert office.fsck() == []
    amounts = {line.subject: str(line.amount) for line in office.statement("2026-09", OCTOBER).lines}
    assert amounts == {"claim:A": "8.00 EUR", "claim:B": "5.00 EUR"}


def test_a_settlement_is_the_last_word(office):
    """Neither a refund inside the clawback nor a deletion moves what was settled, not even its amount."""
    office.open()
    office.resolve("verified", by="buyer", text="Our mistake.")
    office.verify()
    refund = record("refund", "re_1", payment_id="ch_1", created_at=NOW - 8 * DAY, status="succeeded")
    gone = payment("ch_1", NOW + DAY)
    office.read(refund)
    office.verify(NOW + DAY)
    office.store.commit(
        "billing",
        [type(gone)(gone.type, gone.id, gone.as_of, gone.values, b"{}", deleted=True)],
        [],
        connector="test 1",
        api_version="1",
        observed_at=NOW + DAY,
    )
    office.verify(NOW + DAY)

    verdict = office.verdicts()["claim:A"]
    assert (verdict.status, verdict.quantity) == ("verified", Decimal("80.00"))
    assert [str(line.amount) for line in office.statement("2026-09", OCTOBER).lines] == ["8.00 EUR"]


def test_what_was_settled_as_rejected_is_not_claimed_again(office):
    """Neither a second claim on the record, nor a list of what nobody claimed, gets round a settlement."""
    office.open()
    office.resolve("rejected", by="vendor")
    office.claim("A2,paid,ch_1,,,")
    office.verify()

    assert office.statuses() == {
        "claim:A": "reversed", "claim:A2": "rejected", "claim:B": "rejected", "claim:C": "unverifiable",
    }  # fmt: skip
    assert office.verdicts()["claim:A2"].reasons[0].text == "ch_1 was already claimed as A"


def test_a_duplicate_that_was_settled_frees_the_record(office):
    """Where the parties settle that a claim was only a second one, the other claim on the record is paid."""
    office.claim("A2,paid,ch_1,,,")
    office.verify()
    assert office.statuses()["claim:A2"] == "rejected"
    office.open(reason="duplicate")
    office.resolve("rejected", by="vendor")
    office.verify()

    assert [office.statuses()[f"claim:{claim}"] for claim in ("A", "A2")] == ["reversed", "verified"]


def test_a_claim_without_a_record_is_settled(office):
    """The parties may settle that a claim is paid whose record nobody finds, for the amount they agree on."""
    office.claim("L,paid,ch_lost,,80.00,EUR")
    office.verify()
    office.open("L", by="vendor", reason="missing_evidence")
    office.resolve("verified", by="buyer", quantity="80.00")
    office.verify()

    lines = {line.subject: (line.record_id, str(line.amount)) for line in office.statement("2026-09", OCTOBER).lines}
    assert lines["claim:L"] == ("", "8.00 EUR")


def test_a_settlement_reaches_an_issued_statement_by_a_note(make):
    """What was issued gives the same bytes after a settlement, whose effect is a note on the next statement."""
    office = make("dispute_days: 10", "dispute_days: 40")
    issued = office.issue("2026-09", OCTOBER)
    office.open(now=OCTOBER)
    assert office.statement("2026-10", NOVEMBER).notes == ()
    office.resolve("rejected", by="vendor", text="It was refunded by hand.", now=OCTOBER + DAY)
    office.verify(OCTOBER + 2 * DAY)

    assert office.again("2026-09", NOVEMBER) == issued
    [note] = office.statement("2026-10", NOVEMBER).notes
    assert (note.period, str(note.amount)) == ("2026-09", "-8.00 EUR")
    [change] = note.changes
    assert change.reason == "dispute: settled as rejected by the vendor in acme-D1: It was refunded by hand."
    office.issue("2026-10", NOVEMBER)
    assert office.again("2026-09", NOVEMBER + DAY) == issued
    assert office.fsck() == []


def test_a_late_settlement_for_the_vendor_is_a_debit_note(make):
    """A rejection that is settled as verified after its month was issued is paid by a note on that month."""
    office = make("dispute_days: 10", "dispute_days: 40")
    issued = office.issue("2026-09", OCTOBER)
    office.open("B", by="vendor", now=OCTOBER)
    office.resolve("verified", by="buyer", quantity="80.00", now=OCTOBER + DAY)
    office.verify(OCTOBER + 2 * DAY)

    assert office.again("2026-09", NOVEMBER) == issued
    october = office.statement("2026-10", NOVEMBER)
    owed = [str(note.amount) for note in october.notes] + [str(line.amount) for line in october.lines]
    assert owed == ["8.00 EUR"]


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

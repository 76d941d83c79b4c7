"""Settling a dispute: who may, for how much, and what it does to verdicts and statements."""

from decimal import Decimal

import pytest
from tests.disputed import DAY, NOW, offices, payment, record, refused

from tallystick.errors import ConfigurationError
from tallystick.period import parse_instant
from tallystick.verification.dispute_acts import DisputeBook

OCTOBER = parse_instant("2026-10-02T08:00:00Z")
NOVEMBER = parse_instant("2026-11-02T08:00:00Z")


@pytest.fixture
def make(tmp_path):
    """Give a function that makes an office with claims that are verified, rejected and unverifiable."""
    with offices(tmp_path) as build:
        yield build


@pytest.fixture
def office(make):
    """An office with claims that are verified, rejected and unverifiable."""
    return make()


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
        refused(office, "alone", office.resolve, outcome, by=by, **more)


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

    refused(office, "cannot settle acme-D1 as verified alone", office.resolve, "verified", by="buyer", **amounts)
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

    refused(office, words, office.resolve, outcome, **more)


def test_units_are_whole(make):
    """Where an outcome is one unit, a settlement names no quantity and no currency, and is paid as one."""
    office = make("price: {percent: 10}", "price: {per_unit: 7.00}")
    office.open("B", by="vendor")

    refused(office, "one unit each", office.resolve, "verified", quantity="2")
    refused(office, "--currency means nothing", office.resolve, "verified", quantity="2", currency="EUR")
    office.resolve("verified", by="buyer")
    office.verify()
    lines = office.statement("2026-09", OCTOBER).lines
    assert [(line.subject, str(line.amount)) for line in lines] == [("claim:A", "7.00 EUR"), ("claim:B", "7.00 EUR")]


def test_counted_units_are_settled_in_whole_numbers(make):
    """Where the records count units, the parties may settle on another whole number of them, and on no part of one."""
    counted = "quantity: exponent\n    price: {per_unit: 7.00}"
    office = make("quantity: amount_captured\n    price: {percent: 10}", counted)
    office.open("A", by="vendor", reason="wrong_amount")

    refused(office, "a whole number of units", office.resolve, "verified", quantity="2.5")
    refused(office, "alone", office.resolve, "verified", by="buyer", quantity="2")
    office.resolve("verified", quantity="3")
    office.verify()
    assert [str(line.amount) for line in office.statement("2026-09", OCTOBER).lines] == ["21.00 EUR"]


def test_a_resolution_is_the_end(office):
    """What is settled is neither resolved nor answered again, nor opened anew."""
    office.open()
    office.resolve("rejected")

    refused(office, "is settled since", office.resolve, "verified")
    refused(office, "is settled since", office.answer)
    refused(office, "is settled, which is the end of it", office.open)
    refused(office, "no dispute 'acme-D2'", office.resolve, "verified", "acme-D2")


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

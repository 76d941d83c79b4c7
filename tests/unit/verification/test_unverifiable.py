"""What is unverifiable for good: who bears it, after which grace, on which statement."""

import pytest
from tests.disputed import DAY, NOW, Office, payment

from tallystick.period import format_instant, parse_instant

OCTOBER = parse_instant("2026-10-02T08:00:00Z")
NOVEMBER = parse_instant("2026-11-02T08:00:00Z")
CLAIM = "U,paid,ch_u,2026-09-20T10:00:00Z,80.00,EUR"


@pytest.fixture
def make(tmp_path):
    """Give a function that makes an office in which somebody bears what is unverifiable."""
    made = []

    def build(borne_by, grace_days=14, price="{percent: 10}"):
        terms = f"unverifiable: {{borne_by: {borne_by}, grace_days: {grace_days}}}\nfinality:"
        office = Office(tmp_path, "price: {percent: 10}\nfinality:", f"price: {price}\n{terms}")
        made.append(office)
        return office

    yield build
    for office in made:
        office.engine.dispose()


def _lines(office, label, now):
    return [(line.subject, line.status, str(line.amount)) for line in office.statement(label, now).lines]


def _unknown(office):
    office.claim(CLAIM)
    office.read(payment("ch_u", status=None))
    office.verify()
    assert office.statuses() == {"claim:U": "unverifiable"}


def test_the_vendor_bears_it(make):
    """Where the vendor bears it, what is unverifiable is on no statement and never locks."""
    office = make("vendor")
    _unknown(office)

    assert office.verdicts()["claim:U"].locks_at is None
    assert [_lines(office, label, NOVEMBER) for label in ("2026-09", "2026-10")] == [[], []]


@pytest.mark.parametrize(
    ("grace_days", "locks", "month"), [(14, "2026-09-25T12:00:00Z", "2026-09"), (30, "2026-10-11T12:00:00Z", "2026-10")]
)
def test_the_buyer_bears_it_after_the_grace(make, grace_days, locks, month):
    """Where the buyer bears it, it is paid as claimed, in the month in which the grace after the outcome is over."""
    office = make("buyer", grace_days)
    _unknown(office)

    assert format_instant(office.verdicts()["claim:U"].locks_at) == locks
    lines = {label: _lines(office, label, NOVEMBER) for label in ("2026-09", "2026-10")}
    assert lines.pop(month) == [("claim:U", "unverifiable", "8.00 EUR")]
    assert list(lines.values()) == [[]]


@pytest.mark.parametrize(("status", "lines"), [("succeeded", [("claim:U", "verified", "8.00 EUR")]), ("failed", [])])
def test_a_fact_supplied_within_the_grace_decides(make, status, lines):
    """A fact that comes within the grace makes the verdict: verified for what it comes to, or rejected and not paid."""
    office = make("buyer")
    _unknown(office)
    office.read(payment("ch_u", NOW + DAY, status=status))
    office.verify(NOW + DAY)

    assert _lines(office, "2026-09", OCTOBER) == lines


def test_a_fact_supplied_later_makes_a_note(make):
    """A fact that comes after the month was issued, inside the clawback, takes back what was paid as claimed."""
    office = make("buyer")
    _unknown(office)
    issued = office.issue("2026-09", OCTOBER)
    office.read(payment("ch_u", OCTOBER + DAY, status="failed"), watermark=OCTOBER + DAY)
    office.verify(OCTOBER + DAY)

    assert office.again("2026-09", NOVEMBER) == issued
    [note] = office.statement("2026-10", NOVEMBER).notes
    assert (note.period, str(note.amount)) == ("2026-09", "-8.00 EUR")


def test_without_an_amount_nothing_is_paid(make):
    """A claim priced in percent that names no amount is not paid as claimed; one priced per unit is one unit."""
    office = make("buyer")
    office.claim("U,paid,ch_u,,,")
    office.read(payment("ch_u", status=None))
    office.verify()

    assert _lines(office, "2026-09", OCTOBER) == []


def test_a_claim_of_an_unknown_record_waits_from_when_it_was_claimed(make):
    """Where nobody knows when it happened, the grace runs from when it was claimed."""
    office = make("buyer", price="{per_unit: 7.00}")
    office.claim(CLAIM, "V,paid,order-7,2026-09-19T10:00:00Z,,")
    office.read(payment("ch_a", intent_id="order-7"), payment("ch_b", intent_id="order-7"))
    office.verify()
    verdict = office.verdicts()["claim:V"]

    assert (verdict.status, verdict.reasons[0].clause) == ("unverifiable", "ambiguous")
    assert format_instant(verdict.locks_at) == "2026-10-03T10:00:00Z"
    assert ("claim:V", "unverifiable", "7.00 EUR") in _lines(office, "2026-10", NOVEMBER)

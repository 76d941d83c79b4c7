"""Ending a contract: notice, least term, once only; and what the last statement comes to."""

from datetime import date

import pytest
from tests.disputed import DAY, NOW, Office, payment

from tallystick.contracts import Termination
from tallystick.errors import ConfigurationError, ContractError
from tallystick.period import parse_instant
from tallystick.verification.agreements import read_agreement, terminate

OCTOBER = parse_instant("2026-10-20T12:00:00Z")
DECEMBER = parse_instant("2026-12-02T08:00:00Z")


@pytest.fixture
def make(tmp_path):
    """Give a function that makes an office under changed terms."""
    made = []

    def build(old="", new=""):
        made.append(Office(tmp_path, old, new))
        return made[-1]

    yield build
    for office in made:
        office.engine.dispose()


def _end(office, on, *, by="buyer", given=NOW):
    ending = Termination(date.fromisoformat(on), by, "It does not pay.", given)
    return terminate(office.engine, office.log, office.signer, office.contract, ending)


@pytest.mark.parametrize(
    ("term", "earliest"),
    [
        ("{start: 2026-01-01}", "2026-10-21"),
        ("{start: 2026-01-01, notice_days: 0}", "2026-09-21"),
        ("{start: 2026-01-01, notice_days: 14}", "2026-10-05"),
        ("{start: 2026-01-31, minimum_months: 13}", "2027-02-28"),
        ("{start: 2026-01-01, minimum_months: 6}", "2026-10-21"),
    ],
)
def test_notice_and_least_term(make, term, earliest):
    """A contract ends no sooner than its notice and its least term allow; that very day is allowed."""
    office = make("{start: 2026-01-01}", term)
    day_before = date.fromordinal(date.fromisoformat(earliest).toordinal() - 1).isoformat()
    with pytest.raises(ContractError, match=f"allow {earliest} at the earliest") as refused:
        _end(office, day_before)
    assert refused.value.exit_code == 2
    assert office.log.size == 0

    assert _end(office, earliest).newest.term.end == date.fromisoformat(earliest)
    assert office.fsck() == []


def test_notice_is_counted_from_the_day_in_the_contracts_zone(make):
    """Notice given at 00:30 in Berlin is given on that day, though it is the day before in UTC."""
    late = parse_instant("2026-09-21T22:30:00Z")

    with pytest.raises(ContractError, match="given on 2026-09-22"):
        _end(make(), "2026-10-21", given=late)


def test_a_contract_is_ended_once(make):
    """A second notice, by whomever, is refused, and the first one stands."""
    office = make()
    _end(office, "2026-11-01")
    size = office.log.size
    for by in ("buyer", "vendor"):
        with pytest.raises(ContractError, match="ended already"):
            _end(office, "2026-12-01", by=by)

    assert office.log.size == size
    found = read_agreement(office.engine, office.log, office.contract).termination
    assert (found.on, found.by, found.reason) == (date(2026, 11, 1), "buyer", "It does not pay.")


def test_what_ends_by_itself_is_not_ended_later(make):
    """A notice for the day on which the term is over anyway, or a later one, ends nothing."""
    office = make("{start: 2026-01-01}", "{start: 2026-01-01, end: 2026-12-01}")

    with pytest.raises(ContractError, match="by itself"):
        _end(office, "2026-12-01")
    assert _end(office, "2026-11-30").newest.term.end == date(2026, 11, 30)


def test_notice_is_not_dated_back(make):
    """A notice dated before the newest entry of the ledger is refused: it would meet a deadline that is over."""
    office = make()
    office.claim("A,paid,ch_1,,,")

    with pytest.raises(ConfigurationError, match="last written as of"):
        _end(office, "2026-11-01", given=NOW - 30 * DAY)


def test_what_happens_after_the_end_is_not_paid(make):
    """What happens up to the last midnight, and in the tail behind it, counts; what happens later does not."""
    office = make("{start: 2026-01-01}", "{start: 2026-01-01, tail_days: 5}")
    _end(office, "2026-11-01")
    midnight = parse_instant("2026-10-31T23:00:00Z")
    times = {"A": midnight - 1_000_000, "B": midnight + 5 * DAY - 1_000_000, "C": midnight + 5 * DAY}
    office.claim(*(f"{claim},paid,ch_{claim},,," for claim in times))
    office.read(*(payment(f"ch_{claim}", DECEMBER, created_at=at) for claim, at in times.items()), watermark=DECEMBER)
    office.verify(DECEMBER)

    assert office.statuses() == {"claim:A": "verified", "claim:B": "verified", "claim:C": "rejected"}
    assert office.verdicts()["claim:C"].reasons[0].clause == "term"


def test_the_last_floor_counts_by_days(make):
    """The floor of the month in which a contract ends counts for the days it still ran, and none follows."""
    office = make("finality:", "billing: {floor: {monthly: 300.00}}\nfinality:")
    _end(office, "2026-11-11")
    office.verify(DECEMBER)
    due = {label: str(office.statement(label, DECEMBER).total) for label in ("2026-10", "2026-11")}

    assert due == {"2026-10": "300.00 EUR", "2026-11": "100.00 EUR"}
    december = office.statement("2026-12", parse_instant("2027-01-02T00:00:00Z"))
    assert str(december.total) == "0.00 EUR"


def test_what_the_cap_carried_lapses_with_the_contract(make):
    """What a cap carries into the next month is not owed once no month of the contract follows."""
    office = make("finality:", "billing: {cap: {monthly: 5.00, excess: carried}}\nfinality:")
    _end(office, "2026-11-01")
    office.claim("A,paid,ch_1,,,")
    office.read(payment("ch_1", DECEMBER, created_at=OCTOBER), watermark=DECEMBER)
    office.verify(DECEMBER)

    october, november = (office.statement(label, DECEMBER) for label in ("2026-10", "2026-11"))
    assert (str(october.subtotals[0]), str(october.total)) == ("8.00 EUR", "5.00 EUR")
    assert str(november.total) == "0.00 EUR"

"""From the lines of a month to what is owed for it: samples, discounts, what is carried, floor and cap, by currency."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import pytest
from tests.terms import terms, verdict

from tallystick.contracts import Agreement, Termination
from tallystick.errors import ConfigurationError
from tallystick.money import Money, currency
from tallystick.period import Period, parse_instant, parse_period
from tallystick.statements import LedgerHead, rate
from tallystick.statements.lines import Months

AFTER = parse_instant("2027-06-01T00:00:00Z")


@dataclass(frozen=True)
class _Finding:
    """What a sample found, as a test says it."""

    share: Decimal
    rule: str = "extrapolate"
    status: str = "exceeded"


def _state(agreement, verdicts, label, findings=None):
    return rate(
        agreement,
        dict(enumerate(verdicts, 10)),
        parse_period(label, "Europe/Berlin"),
        prepared_at=AFTER,
        ledger=LedgerHead(99, "ab" * 32),
        findings=findings,
    )


def _told(statement):
    return [(change.month, change.kind, str(change.amount)) for change in statement.adjustments]


def _totals(statement):
    return [str(amount) for amount in statement.totals]


# --- what is carried


def test_what_lies_above_the_cap_is_carried_on():
    """The excess of a month goes into the next ones as far as their caps leave room, and is owed once."""
    contract = terms("{cap: {monthly: 100.00, excess: carried}}")
    verdicts = [verdict(contract, "A", "250", "2026-03-10"), verdict(contract, "B", "30", "2026-04-10")]
    months = [_state(contract, verdicts, f"2026-0{month}") for month in (3, 4, 5, 6, 7)]

    assert [_totals(month) for month in months] == [
        ["100.00 EUR"],
        ["100.00 EUR"],
        ["80.00 EUR"],
        ["0.00 EUR"],
        ["0.00 EUR"],
    ]
    assert [_told(month) for month in months] == [
        [("2026-03", "cap", "-150.00 EUR")],
        [("2026-04", "carried", "150.00 EUR"), ("2026-04", "cap", "-80.00 EUR")],
        [("2026-05", "carried", "80.00 EUR")],
        [],
        [],
    ]
    assert _totals(_state(contract, verdicts, "2026Q2")) == ["180.00 EUR"]


def test_what_is_carried_fills_the_floor():
    """What an earlier month carried counts before the floor is looked at."""
    contract = terms("{floor: {monthly: 50.00}, cap: {monthly: 100.00, excess: carried}}", term="{start: 2026-03-01}")
    verdicts = [verdict(contract, "A", "120", "2026-03-10")]

    assert _told(_state(contract, verdicts, "2026-04")) == [
        ("2026-04", "carried", "20.00 EUR"),
        ("2026-04", "floor", "30.00 EUR"),
    ]


@pytest.mark.parametrize("excess", ["forgiven", "carried"])
def test_what_is_left_at_the_end_is_forgiven(excess):
    """After the last month of the term nothing is carried any more; a part of a month still takes some up."""
    contract = terms(f"{{cap: {{monthly: 100.00, excess: {excess}}}}}", term="{start: 2026-01-01, end: 2026-04-16}")
    verdicts = [verdict(contract, "A", "350", "2026-03-10")]

    april = {"forgiven": ["0.00 EUR"], "carried": ["100.00 EUR"]}
    assert _totals(_state(contract, verdicts, "2026-04")) == april[excess]
    assert _totals(_state(contract, verdicts, "2026-05")) == ["0.00 EUR"]
    assert _told(_state(contract, verdicts, "2026-05")) == []


def test_a_termination_lets_the_excess_lapse():
    """A contract that is ended early carries nothing beyond its last day, and counts its last floor by days."""
    contract = terms("{floor: {monthly: 31.00}, cap: {monthly: 100.00, excess: carried}}")
    verdicts = [verdict(contract, "A", "150", "2026-04-10")]
    whole = Agreement.of(contract)
    ended = Agreement.of(contract, termination=Termination(date(2026, 5, 1), "buyer", "too dear", 0))
    in_may = Agreement.of(contract, termination=Termination(date(2026, 5, 11), "buyer", "too dear", 0))

    assert _totals(_state(whole, verdicts, "2026-05")) == ["50.00 EUR"]
    assert _totals(_state(ended, verdicts, "2026-05")) == ["0.00 EUR"]
    assert _totals(_state(in_may, [], "2026-05")) == ["10.00 EUR"]
    assert _totals(_state(in_may, verdicts, "2026-05")) == ["50.00 EUR"]


def test_a_version_without_the_cap_takes_all_up():
    """What was carried is owed in full once a version without a cap is in force."""
    first = terms("{cap: {monthly: 100.00, excess: carried}}")
    second = terms(version=2, effective="2026-04-01")
    verdicts = [verdict(first, "A", "350", "2026-03-10")]

    assert _told(_state(Agreement.of(first, second), verdicts, "2026-04")) == [("2026-04", "carried", "250.00 EUR")]


# --- floor


def test_no_floor_outside_the_term():
    """In a month that the term does not touch there is no floor, not even one of nothing."""
    contract = terms("{floor: {monthly: 500.00}}", term="{start: 2026-01-01, end: 2026-04-01}")
    taken_back = verdict(contract, "A", "-20.00", "2026-04-10")

    assert _totals(_state(contract, [taken_back], "2026-04")) == ["-2.00 EUR"]
    assert _totals(_state(contract, [taken_back], "2026-03")) == ["500.00 EUR"]


# --- discounts


def test_discounts_one_after_the_other():
    """Each discount is a share of what the ones before it left, rounded once, for the outcomes and months it names."""
    contract = terms(
        "{discounts: [{percent: 20, until: 2026-05-01, reason: pilot},"
        " {percent: 10, outcomes: [counted], reason: volume},"
        " {percent: 50, from: 2026-04-01, outcomes: [shared], reason: apology}]}"
    )
    march = [verdict(contract, "A", "101", "2026-03-10"), verdict(contract, "B", "100.10", "2026-03-10")]
    may = [verdict(contract, "C", "101", "2026-05-10"), verdict(contract, "D", "100.10", "2026-05-10")]

    # 101.00 + 10.01 = 111.01; 20 % of it is 22.202; 10 % of the 80.80 left of `counted` is 8.08.
    assert _told(_state(contract, march, "2026-03")) == [
        ("2026-03", "discount", "-22.20 EUR"),
        ("2026-03", "discount", "-8.08 EUR"),
    ]
    # 10 % of 101.00, and half of 10.01, which is 5.005.
    assert _told(_state(contract, may, "2026-05")) == [
        ("2026-05", "discount", "-10.10 EUR"),
        ("2026-05", "discount", "-5.01 EUR"),
    ]
    assert _state(contract, may, "2026-05").adjustments[1].text == "50 %: apology"


def test_a_discount_of_nothing_is_not_told():
    """A discount on no lines, or of less than half a cent, is no adjustment."""
    contract = terms("{discounts: [{percent: 10, reason: pilot}]}")

    assert _told(_state(contract, [], "2026-03")) == []
    assert _told(_state(contract, [verdict(contract, "A", "0.40")], "2026-09")) == []


def test_discounts_come_before_the_cap():
    """The cap is held against what discounts left."""
    contract = terms("{cap: {monthly: 85.00}, discounts: [{percent: 20, reason: pilot}]}")

    statement = _state(contract, [verdict(contract, "A", "100")], "2026-09")
    assert _told(statement) == [("2026-09", "discount", "-20.00 EUR")]


# --- samples


def test_a_sample_that_is_extrapolated():
    """The share of wrong ones comes off the lines of the outcome, before discounts, with the share in words."""
    contract = terms("{discounts: [{percent: 10, reason: pilot}]}")
    verdicts = [verdict(contract, "A", "200"), verdict(contract, "B", "1000.00")]
    findings = {("counted", "2026-09"): _Finding(Decimal("0.125"))}

    statement = _state(contract, verdicts, "2026-09", findings)
    assert _told(statement) == [("2026-09", "sample", "-25.00 EUR"), ("2026-09", "discount", "-27.50 EUR")]
    assert statement.adjustments[0].text == "counted: taken off, as 12.5 % of a sample was wrong"
    assert _totals(statement) == ["247.50 EUR"]


def test_a_sample_that_holds():
    """All lines of the outcome are held where that was agreed; those of others are not."""
    contract = terms()
    verdicts = [verdict(contract, "A", "200"), verdict(contract, "B", "1000.00")]
    findings = {("counted", "2026-09"): _Finding(Decimal("0.1"), "hold")}

    statement = _state(contract, verdicts, "2026-09", findings)
    assert _told(statement) == [("2026-09", "sample", "-200.00 EUR")]
    assert statement.adjustments[0].text == "counted: held, as 10 % of a sample was wrong"


@pytest.mark.parametrize(
    ("key", "status"),
    [
        (("counted", "2026-09"), "open"),
        (("counted", "2026-09"), "within"),
        (("counted", "2026-08"), "exceeded"),
        (("shared", "2026-09"), "exceeded"),
    ],
)
def test_other_findings_take_nothing_off(key, status):
    """A sample that is open or within the tolerance, of another month or of an outcome without lines, takes nothing."""
    contract = terms()
    findings = {key: _Finding(Decimal("0.5"), "hold", status)}

    assert _told(_state(contract, [verdict(contract, "A", "200")], "2026-09", findings)) == []


@pytest.mark.parametrize(("status", "waits"), [(None, True), ("open", True), ("within", False), ("exceeded", False)])
def test_a_sample_that_is_not_complete(status, waits):
    """Where an outcome is to be sampled, its month is provisional until the sample is complete, if it has lines."""
    contract = terms(counted="{per_unit: 1.00}\n    sample: {size: 5, tolerance: 5, rule: hold}")
    findings = {} if status is None else {("counted", "2026-09"): _Finding(Decimal(0), "hold", status)}
    sampled = [verdict(contract, "A", "200"), verdict(contract, "B", "10.00")]
    expected = ("The acceptance sample of counted for 2026-09 is not complete.",) if waits else ()

    assert _state(contract, sampled, "2026-09", findings).provisional == expected
    assert _state(contract, sampled[1:], "2026-09", findings).provisional == ()


# --- currencies


TWO = (
    "{floor: {monthly: 5.00}, cap: {monthly: 10.00}, currencies: {USD: {floor: {monthly: 7.00}, cap: {monthly: 9.00}}}}"
)


def test_floor_and_cap_of_each_currency():
    """Each currency has its own floor and cap; one without any has none."""
    contract = terms(TWO)
    dollars = verdict(contract, "A", "100.00", currency="USD", exponent=2)
    pounds = verdict(contract, "B", "500.00", currency="GBP", exponent=2)

    statement = _state(contract, [dollars, pounds], "2026-09")
    assert _told(statement) == [("2026-09", "floor", "5.00 EUR"), ("2026-09", "cap", "-1.00 USD")]
    assert _totals(statement) == ["5.00 EUR", "50.00 GBP", "9.00 USD"]
    assert _totals(_state(contract, [], "2026-09")) == ["5.00 EUR", "7.00 USD"]


def test_each_currency_carries_its_own():
    """What is carried stays in its currency."""
    contract = terms("{currencies: {USD: {cap: {monthly: 9.00, excess: carried}}}}")
    dollars = verdict(contract, "A", "100.00", "2026-08-10", currency="USD", exponent=2)
    euros = verdict(contract, "B", "100.00", "2026-08-10")

    assert _totals(_state(contract, [dollars, euros], "2026-08")) == ["10.00 EUR", "9.00 USD"]
    assert _totals(_state(contract, [dollars, euros], "2026-09")) == ["0.00 EUR", "1.00 USD"]


@pytest.mark.parametrize(("code", "amount"), [("UGX", "500000"), ("ISK", "5000"), ("JPY", "5000"), ("KWD", "5.000")])
@pytest.mark.parametrize("exponent", [None, 0, 2, 3])
def test_a_limit_holds_whatever_decimals_a_system_uses(code, amount, exponent):
    """A currency whose floor and cap were agreed is one currency, with the decimals of the contract.

    Stripe counts UGX and ISK in hundredths, ISO in whole ones: without this there would be two of each, and two floors.
    """
    contract = terms(f"{{currencies: {{{code}: {{floor: {{monthly: {amount}}}, cap: {{monthly: {amount}}}}}}}}}")
    claimed = verdict(contract, "A", "99999999.00", currency=code, exponent=exponent)
    unit = currency(code)
    expected = str(Money.of(Decimal(amount), unit, "half_up"))

    assert _totals(_state(contract, [], "2026-09"))[1:] == [expected]
    statement = _state(contract, [claimed], "2026-09")
    assert _totals(statement)[1:] == [expected]
    assert [line.amount.currency for line in statement.lines] == [unit]


def test_the_decimals_of_the_system_count_else():
    """A currency without agreed limits has the decimals of the system that reports it."""
    contract = terms(shared="{percent: 12.5}")
    isk = verdict(contract, "A", "1001.00", currency="ISK", exponent=2)

    assert _totals(_state(contract, [isk], "2026-09")) == ["0.00 EUR", "125.13 ISK"]


def test_an_agreed_rate_is_frozen_on_the_line():
    """A currency with a rate becomes the contract's before the price applies; the line keeps rate and quantity."""
    contract = terms(
        '{cap: {monthly: 100.00}, rates: {USD: {rate: 0.92, source: "ECB, 1 September 2026"}}}',
        shared="{percent: 10, min: 1.00, max: 80.00}",
    )
    verdicts = [
        verdict(contract, "A", "123.45", currency="USD", exponent=2),
        verdict(contract, "B", "5.00", currency="USD", exponent=2),
        verdict(contract, "C", "5000.00", currency="USD", exponent=2),
    ]
    statement = _state(contract, verdicts, "2026-09")

    assert [str(line.amount) for line in statement.lines] == ["11.36 EUR", "1.00 EUR", "80.00 EUR"]
    first = statement.lines[0]
    assert (first.quantity, first.unit) == (Decimal("123.45"), "USD")
    assert (first.rate.rate, first.rate.source) == (Decimal("0.92"), "ECB, 1 September 2026")
    assert _totals(statement) == ["92.36 EUR"]


def test_each_line_keeps_the_rate_of_its_version():
    """A later version with another rate leaves the lines of the version before it as they are."""
    first = terms('{rates: {USD: {rate: 0.92, source: "ECB"}}}')
    second = terms('{rates: {USD: {rate: 0.80, source: "ECB"}}}', version=2, effective="2026-09-01")
    verdicts = [
        verdict(contract, name, "100.00", currency="USD", exponent=2)
        for contract, name in ((first, "A"), (second, "B"))
    ]

    statement = _state(Agreement.of(first, second), verdicts, "2026-09")
    assert [str(line.amount) for line in statement.lines] == ["9.20 EUR", "8.00 EUR"]
    assert [line.version for line in statement.lines] == [1, 2]


# --- shares of a capped month


def test_shares_of_a_capped_month():
    """What a capped month comes to is shared over its lines to the cent, after what was carried into it."""
    contract = terms("{cap: {monthly: 100.00, excess: carried}}")
    verdicts = [
        verdict(contract, "A", "130", "2026-08-10"),
        *(verdict(contract, name, "50", "2026-09-10") for name in "BCD"),
        verdict(contract, "E", "9", "2026-10-10"),
    ]

    august, september, october = (_state(contract, verdicts, f"2026-{month}") for month in ("08", "09", "10"))
    assert {subject: str(share) for subject, share in august.shares.items()} == {"claim:A": "100.00 EUR"}
    assert [str(share) for share in september.shares.values()] == ["23.34 EUR", "23.33 EUR", "23.33 EUR"]
    # Another 80.00 was carried into October, which with its own 9.00 stays below the cap.
    assert october.shares == {}


def test_a_month_full_of_what_was_carried_has_no_shares_left():
    """Where the carried amount alone fills the cap, the month's own lines come to nothing yet."""
    contract = terms("{cap: {monthly: 100.00, excess: carried}}")
    verdicts = [verdict(contract, "A", "900", "2026-08-10"), verdict(contract, "B", "50", "2026-09-10")]

    assert [str(share) for share in _state(contract, verdicts, "2026-09").shares.values()] == ["0.00 EUR"]


def test_a_capped_month_without_lines_has_no_shares():
    """What was carried alone may reach the cap; there is no line to share it over."""
    contract = terms("{cap: {monthly: 100.00, excess: carried}}")
    statement = _state(contract, [verdict(contract, "A", "900", "2026-08-10")], "2026-09")

    assert (_totals(statement), statement.shares) == (["100.00 EUR"], {})


# --- months


def test_months_are_found_in_any_order():
    """The month of an instant is the same whichever months were asked for before."""
    months = Months("Europe/Berlin")
    asked = ["2026-09-10", "2026-03-31", "2026-12-31", "2026-03-30", "2026-09-30"]
    found = [months.at(parse_instant(f"{day}T22:00:00Z")).label for day in asked]

    assert found == ["2026-09", "2026-04", "2026-12", "2026-03", "2026-10"]
    assert months.at(parse_instant("2026-08-31T21:59:59Z")).label == "2026-08"
    assert [month.label for month in months.of(parse_period("2026Q4", "Europe/Berlin"))] == [
        "2026-10",
        "2026-11",
        "2026-12",
    ]


def test_what_is_not_of_whole_months():
    """A period that ends or begins inside a month, by the days of the zone, is refused."""
    months = Months("Europe/Berlin")
    utc = parse_period("2026-09", "UTC")
    whole = parse_period("2026-09", "Europe/Berlin")
    for period in (utc, replace(whole, end=whole.end - 1), Period(whole.start, whole.end + 1, "2026-09")):
        with pytest.raises(ConfigurationError, match="period 2026-09 is not made of whole months in Europe/Berlin"):
            months.of(period)

"""A contract that uses every term is, term by term, what its file says."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tallystick.contracts import (
    Baseline,
    Billing,
    Discount,
    Evidence,
    ExchangeRate,
    Finality,
    Limits,
    OffRamp,
    PerUnit,
    Sample,
    Step,
    Term,
    Tiers,
    Unverifiable,
    load_contract,
)
from tallystick.errors import ContractError
from tallystick.ledger.keys import Verifier
from tallystick.money import Money, currency
from tallystick.outcomes import Param, PredicateSource, Template
from tallystick.outcomes.meeting_qualified import QUALIFIED_MEETING
from tallystick.outcomes.ticket_resolved import TICKET_RESOLVED
from tallystick.period import parse_instant

GOOD = Path(__file__).parents[3] / "fixtures/contracts/good"
TEMPLATES = {template.name: template for template in (QUALIFIED_MEETING, TICKET_RESOLVED)}
CUSTOM = {source: {} for source in ("billing", "crm", "desk", "dialer", "sales")}
EUR, JPY = currency("EUR"), currency("JPY")


def _load(path, templates=TEMPLATES):
    return load_contract(path, templates=templates, custom=CUSTOM)


@pytest.fixture(scope="module")
def contract():
    """The contract that uses every term."""
    return _load(GOOD / "every-term.yaml")


@pytest.fixture
def changed(tmp_path):
    """Give what loads that contract with texts replaced."""

    def load(*changes, templates=TEMPLATES):
        text = (GOOD / "every-term.yaml").read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "contract.yaml"
        path.write_text(text)
        return _load(path, templates)

    return load


def _euros(text):
    return Money.of(Decimal(text), EUR, "half_up")


def test_prices(contract):
    """Included units, both modes of tiers, and the least and most of a line are in the prices."""
    steps = [("1000", "0.99"), ("10000", "0.79"), (None, "0.59")]
    assert contract.outcomes["held_meeting"].price == PerUnit(_euros("240.00"), 5)
    assert contract.outcomes["resolved"].price == Tiers(
        "graduated",
        tuple(Step(None if end is None else Decimal(end), Decimal(rate)) for end, rate in steps),
        by_percent=False,
        currency=EUR,
        included=100,
    )
    assert contract.outcomes["recovered"].price == Tiers(
        "volume",
        (Step(Decimal(50000), Decimal("12.5")), Step(None, Decimal(10))),
        by_percent=True,
        currency=EUR,
        least=_euros("1.00"),
        most=_euros("5000.00"),
    )


def test_billing(contract):
    """Limits by currency, discounts in their order, and agreed rates are in the billing."""
    assert contract.billing == Billing(
        {
            EUR: Limits(_euros("500.00"), _euros("12000.00"), "carried"),
            JPY: Limits(Money(50_000, JPY), Money(900_000, JPY), "forgiven"),
        },
        "half_even",
        (
            Discount(Decimal(20), None, date(2027, 1, 1), (), "first months"),
            Discount(Decimal(5), date(2027, 1, 1), None, ("held_meeting", "resolved"), "two kinds of outcome"),
        ),
        {"USD": ExchangeRate(Decimal("0.92"), "ECB, 1 October 2026")},
    )


def test_time(contract):
    """Term, the day the version takes effect, holidays and finality are those of the file, in its zone."""
    assert contract.term == Term(
        date(2026, 10, 16),
        date(2028, 1, 1),
        parse_instant("2026-10-15T22:00:00Z"),
        parse_instant("2027-12-31T23:00:00Z"),
        notice_days=30,
        minimum_months=6,
        tail_days=60,
    )
    assert contract.effective_at == parse_instant("2026-12-31T23:00:00Z")
    days = (date(2026, 12, 25), date(2026, 12, 26), date(2027, 1, 1))
    assert contract.holidays == {(day - date(1970, 1, 1)).days for day in days}
    assert contract.finality == Finality(5, 10, 120, "accept", business=True)


def test_trust(contract):
    """Who bears what cannot be verified, the ways out, samples, rights, reviews and keys are those of the file."""
    assert contract.unverifiable == Unverifiable("vendor", 14)
    assert contract.off_ramps == (OffRamp("verified_rate", 60, 2), OffRamp("verified_units", 20, 3))
    assert contract.outcomes["resolved"].sample == Sample(80, Decimal(5), 95, "extrapolate")
    assert contract.outcomes["held_meeting"].baseline == Baseline(_euros("610.00"), "2 SDRs, second quarter of 2026")
    assert (contract.export, contract.retention_months, contract.review_every) == ("all", 36, "quarter")
    named = {party: [Verifier.parse(key).name for key in keys] for party, keys in contract.keys.items()}
    assert named == {"buyer": ["acme.example/buyer"], "vendor": ["uptime.example/vendor"]}


def test_second_sources(contract):
    """Second sources and what joins their records are those of the file, for each fact."""
    outcome = contract.outcomes["held_meeting"]

    assert outcome.calls == Evidence("dialer", ("external_id", "attendees"))
    assert outcome.acceptance == Evidence("sales", ("external_id",))
    assert contract.outcomes["resolved"].calls is None


def test_what_is_left_out_has_its_default(changed):
    """Without the terms of time and trust a contract has the defaults that the reference names."""
    text = (GOOD / "every-term.yaml").read_text()
    plain = changed((text[text.index("calendar:\n") :], ""), ("effective: 2027-01-01\n", ""))

    assert plain.finality == Finality(0, 10, 120, "accept", business=False)
    assert plain.unverifiable == Unverifiable("vendor", 14)
    assert (plain.effective_at, plain.holidays, plain.off_ramps, plain.keys) == (None, frozenset(), (), {})
    assert (plain.export, plain.retention_months, plain.review_every) == (None, None, None)


def test_each_term_makes_the_hash(changed, contract):
    """A change of any term of money, time or trust changes the hash."""
    for old, new in (
        ("effective: 2027-01-01", "effective: 2027-02-01"),
        ("notice_days: 30", "notice_days: 31"),
        ("minimum_months: 6", "minimum_months: 7"),
        ("tail_days: 60", "tail_days: 61"),
        ("included: 5", "included: 6"),
        ("cost_per_outcome: 610.00", "cost_per_outcome: 610.01"),
        ("2 SDRs", "3 SDRs"),
        ("mode: graduated", "mode: volume"),
        ("up_to: 1000,", "up_to: 1001,"),
        ("per_unit: 0.59", "per_unit: 0.58"),
        ("size: 80", "size: 81"),
        ("tolerance: 5", "tolerance: 5.5"),
        ("confidence: 95", "confidence: 90"),
        ("rule: extrapolate", "rule: hold"),
        ("min: 1.00", "min: 1.01"),
        ("max: 5000.00", "max: 5000.01"),
        ("excess: carried", "excess: forgiven"),
        ("half_even", "half_up"),
        ("percent: 20,", "percent: 21,"),
        ("from: 2027-01-01", "from: 2027-02-01"),
        ("outcomes: [held_meeting, resolved]", "outcomes: [resolved]"),
        ("reason: first months", "reason: launch"),
        ("monthly: 900000", "monthly: 900001"),
        ("rate: 0.92", "rate: 0.93"),
        ("ECB, 1 October", "ECB, 2 October"),
        (", 2027-01-01]", "]"),
        ("lock_days: 5", "lock_days: 6"),
        ("days: business", "days: calendar"),
        ("on_silence: accept", "on_silence: escalate"),
        ("grace_days: 14", "grace_days: 15"),
        ("borne_by: vendor", "borne_by: buyer"),
        ("below: 60", "below: 61"),
        ("export: all", "export: own"),
        ("every: quarter", "every: month"),
    ):
        assert changed((old, new)).sha256 != contract.sha256, old


def test_holidays_of_the_calendar_are_those_of_a_template(contract, changed):
    """A template that asks for holidays has the calendar's, in any order, unless the contract sets the parameter."""

    def holidays(of):
        return of.body["outcomes"][0]["rule"]["params"]["holidays"]

    assert holidays(contract) == "2026-12-25 2026-12-26 2027-01-01"
    assert contract.outcomes["held_meeting"].settings["holidays"] == ("2026-12-25", "2026-12-26", "2027-01-01")
    assert "holidays" not in contract.outcomes["resolved"].settings
    assert changed(("[2026-12-25, 2026-12-26,", "[2026-12-26, 2026-12-25,")).sha256 == contract.sha256
    own = changed(("min_minutes: 15", 'min_minutes: 15, holidays: ["2026-12-24"]'))
    assert holidays(own) == "2026-12-24"
    assert holidays(changed(("  holidays: [2026-12-25, 2026-12-26, 2027-01-01]", "  holidays: []"))) == ""


def test_holidays_of_another_kind_are_left_alone(changed):
    """A parameter of that name that is no list is none of the calendar's."""
    number = Template(
        "qualified-meeting",
        "meeting",
        "For a test.",
        (
            Param("holidays", "integer", "How many.", "Practice.", 3),
            Param("ids", "list", "Ids.", "Practice.", (), people=("account_executive", "ids")),
        ),
        lambda values: PredicateSource({}, {"few": f"account_id <> '{values['holidays']}'"}),
    )
    text = (GOOD / "every-term.yaml").read_text()
    parameters = text[text.index("    with: {min_minutes") : text.index("    price: {per_unit: 240.00")]
    contract = changed((parameters, ""), templates={**TEMPLATES, "qualified-meeting": number})

    assert contract.outcomes["held_meeting"].settings == {}
    assert contract.outcomes["held_meeting"].predicate.clauses[0].text == "account_id <> '3'"


@pytest.mark.parametrize("start", ["2026-01-31", "2026-02-28"])
def test_the_minimum_may_end_with_the_term(changed, start):
    """Months are counted from the day of the start, or to the last day of a month that is too short for it."""
    old = "term: {start: 2026-10-16, end: 2028-01-01, notice_days: 30, minimum_months: 6, tail_days: 60}"
    effective = ("effective: 2027-01-01\n", "")
    discount = ("from: 2027-01-01", "from: 2026-02-01")
    months = 1 if start == "2026-01-31" else 12
    end = {1: "2026-02-28", 12: "2027-02-28"}[months]
    term = f"term: {{start: {start}, end: {end}, minimum_months: {months}}}"

    assert changed((old, term), effective, discount).term.minimum_months == months
    with pytest.raises(ContractError, match=r"minimum_months: \d+ months from the start are .*, after the end"):
        changed((old, term.replace(f"months: {months}", f"months: {months + 1}")), effective, discount)


def test_a_version_takes_effect_in_the_term(changed):
    """The month of the start and the last one of the term are possible; discounts may reach beyond the term."""
    assert changed(("effective: 2027-01-01", "effective: 2026-10-01")).effective_at is not None
    assert changed(("effective: 2027-01-01", "effective: 2027-12-01")).effective_at is not None
    assert changed(("until: 2027-01-01", "until: 2030-01-01")).billing.discounts[0].until == date(2030, 1, 1)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{source: dialer,", "{source: dialler,", "21:23: outcomes.held_meeting.evidence.calls.source: no source is"),
        (
            "{source: dialer,",
            "{source: crm,",
            "21:23: outcomes.held_meeting.evidence.calls.source: it is the outcome's",
        ),
        (
            "    with: {preset: buyer-strict}",
            "    evidence: {calls: {source: dialer, match: [external_id]}}",
            "29:32: outcomes.resolved.evidence.calls.source: a ticket has no calls",
        ),
    ],
)
def test_a_second_source_has_something_to_say(changed, old, new, said):
    """A second source that is none, is the outcome's own, or says nothing of its records is refused at its place."""
    with pytest.raises(ContractError) as caught:
        changed((old, new))

    assert f"contract.yaml:{said}" in str(caught.value)


MEETINGS = """\
contract: acme
version: 1
buyer: Acme
vendor: {name: Vendor}
timezone: UTC
currency: EUR
term: {start: 2026-04-01}
outcomes:
  any:
    source: crm
    record: meeting
    clauses: {one: "CLAUSE"}
EVIDENCE    price: {per_unit: 1}
"""


@pytest.mark.parametrize(
    ("clause", "evidence", "said"),
    [
        (
            "starts_at is not null",
            "    evidence: {acceptance: {source: sales, match: [external_id]}}\n",
            "13:37: outcomes.any.evidence.acceptance.source: nothing of the outcome asks who accepted it",
        ),
        (
            "count(acceptance_meetings) > 0",
            "",
            "10:13: outcomes.any.source: it reads acceptance_meeting, and evidence names no source of acceptance",
        ),
    ],
)
def test_acceptance_is_asked_for_where_it_is_told(tmp_path, clause, evidence, said):
    """A source of acceptance that nothing asks for, and a clause that asks without a source, are refused."""
    path = tmp_path / "contract.yaml"
    path.write_text(MEETINGS.replace("CLAUSE", clause).replace("EVIDENCE", evidence))
    with pytest.raises(ContractError) as caught:
        _load(path)

    assert f"contract.yaml:{said}" in str(caught.value)

"""Verdicts become lines, lines become what is owed, in the documented order."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from tallystick.contracts import calendar_of
from tallystick.errors import ConfigurationError, ContractError
from tallystick.period import Period, parse_instant
from tallystick.statements import LedgerHead, rate
from tallystick.statements.render import render
from tallystick.statements.statement import statement_data
from tallystick.verification.verdict import Reason


def _amounts(statement):
    return [str(line.amount) for line in statement.lines]


def test_a_percentage(acme):
    """A line of a percentage is the share of the quantity, in the quantity's currency."""
    statement = acme.rate(acme.verdict("A", quantity="1250.00"))

    [line] = statement.lines
    assert str(line.amount) == "156.25 EUR"
    assert (line.subject, line.record_id, line.entry) == ("claim:A", "ch_A", 10)
    assert (line.quantity, line.unit, line.price) == (Decimal("1250.00"), "EUR", "12.5 %")
    assert str(statement.total) == "156.25 EUR"


@pytest.mark.parametrize(
    ("rule", "quantity", "amount"),
    [
        ("half_up", "1.00", "0.01 EUR"),
        ("half_even", "1.00", "0.00 EUR"),
        ("half_towards_positive", "1.00", "0.01 EUR"),
        ("half_up", "3.00", "0.02 EUR"),
        ("half_even", "3.00", "0.02 EUR"),
        ("half_up", "-1.00", "-0.01 EUR"),
        ("half_even", "-1.00", "0.00 EUR"),
        ("half_towards_positive", "-1.00", "0.00 EUR"),
        ("half_up", "201.00", "1.01 EUR"),
        ("half_even", "201.00", "1.00 EUR"),
        ("half_up", "-201.00", "-1.01 EUR"),
        ("half_towards_positive", "-201.00", "-1.00 EUR"),
        ("half_up", "0.9999", "0.00 EUR"),
        ("half_up", "1.0001", "0.01 EUR"),
    ],
)
def test_rounding_of_a_line(acme, rule, quantity, amount):
    """Half a cent goes where the contract's rule says, for positive and negative amounts alike."""
    builder = acme.priced(recovered=Decimal("0.5")).terms(rounding=rule)

    assert _amounts(builder.rate(builder.verdict("A", quantity=quantity))) == [amount]


def test_no_digit_is_lost(acme):
    """A percentage of a huge quantity is exact to the cent, beyond the digits of the usual decimal context."""
    builder = acme.priced(recovered=Decimal(100))
    statement = builder.rate(builder.verdict("A", quantity="9876543210987654321098765432.19"))

    assert _amounts(statement) == ["9876543210987654321098765432.19 EUR"]


def test_a_price_per_unit(acme):
    """A line of a price per unit counts one unit, or the whole number the predicate gives."""
    builder = acme.priced(recovered="2.40")
    statement = builder.rate(builder.verdict("A", quantity=None), builder.verdict("B", quantity="3"))

    assert _amounts(statement) == ["2.40 EUR", "7.20 EUR"]
    assert [(line.quantity, line.unit, line.price) for line in statement.lines] == [
        (1, "unit", "2.40 EUR each"),
        (3, "unit", "2.40 EUR each"),
    ]


def test_a_price_per_unit_of_money(acme):
    """An outcome whose quantity is money and whose price is per unit is one unit, not as many as there are euros."""
    outcome = acme.contract.outcomes["recovered"]
    per_unit = acme.priced(recovered="2.40").contract.outcomes["recovered"].price
    builder = type(acme)(replace(acme.contract, outcomes={"recovered": replace(outcome, price=per_unit)}))

    assert _amounts(builder.rate(builder.verdict("A", quantity="1250.00"))) == ["2.40 EUR"]


def test_period_is_half_open(acme):
    """The first instant of a period in the contract's zone belongs to it, the first one after it does not."""
    september = (
        "2026-08-31T21:59:59.999999Z",
        "2026-08-31T22:00:00Z",
        "2026-09-30T21:59:59.999999Z",
        "2026-09-30T22:00:00Z",
    )
    verdicts = [acme.verdict(f"C-{n}", decided_at=parse_instant(at)) for n, at in enumerate(september)]

    statement = acme.rate(*verdicts)

    assert [line.subject for line in statement.lines] == ["claim:C-1", "claim:C-2"]


def test_only_verified_claims_are_lines(acme):
    """Pending, rejected, unverifiable and reversed claims cost nothing."""
    others = [acme.verdict(f"C-{status}", status) for status in ("pending", "rejected", "unverifiable", "reversed")]

    statement = acme.rate(acme.verdict("A"), *others)

    assert [line.subject for line in statement.lines] == ["claim:A"]
    assert statement.counts == {
        "claimed": 5,
        "verified": 1,
        "pending": 1,
        "rejected": 1,
        "unverifiable": 1,
        "reversed": 1,
        "found": 0,
    }


def test_found_outcomes_are_not_billed(acme):
    """An outcome that nobody claimed stands apart with what it would give, and a closed one nowhere."""
    october = parse_instant("2026-10-02T00:00:00Z")
    statement = acme.rate(
        acme.verdict("A"),
        acme.verdict("found:recovered:ch_9", quantity="80.00"),
        acme.verdict("found:recovered:ch_8", decided_at=october),
        acme.verdict("found:recovered:ch_7", "rejected"),
    )

    assert str(statement.total) == "12.50 EUR"
    assert [(line.subject, str(line.amount)) for line in statement.found] == [("found:recovered:ch_9", "10.00 EUR")]
    assert statement.counts["found"] == 2
    assert statement.counts["claimed"] == 1
    assert statement.reasons == ()


def test_order_of_lines(acme):
    """Lines stand by outcome, then by when they happened, then by record, whatever the order of the verdicts."""
    builder = acme.priced(b=Decimal(1), a=Decimal(1))
    at = parse_instant("2026-08-01T00:00:00Z")
    verdicts = [
        builder.verdict("1", outcome="b", occurred_at=at),
        builder.verdict("2", outcome="a", occurred_at=at + 1),
        builder.verdict("3", outcome="a", occurred_at=at, record_id="ch_z"),
        builder.verdict("4", outcome="a", occurred_at=at, record_id="ch_a"),
        builder.verdict("5", outcome="a", occurred_at=None),
    ]

    assert [line.subject[-1] for line in builder.rate(*verdicts).lines] == ["5", "4", "3", "2", "1"]


def test_currencies_stand_apart(acme):
    """Each currency has its own subtotal and total; the contract's comes first and alone meets floor and cap."""
    builder = acme.terms(cap="10.00")
    statement = builder.rate(
        builder.verdict("A", quantity="100.00"),
        builder.verdict("B", quantity="1000.00", currency="USD"),
        builder.verdict("C", quantity="1000", currency="JPY"),
        builder.verdict("D", quantity="1000.000", currency="KWD"),
    )

    assert [str(amount) for amount in statement.subtotals] == ["12.50 EUR", "125 JPY", "125.000 KWD", "125.00 USD"]
    assert [str(amount) for amount in statement.totals] == ["10.00 EUR", "125 JPY", "125.000 KWD", "125.00 USD"]
    assert str(statement.saved_by_cap) == "2.50 EUR"


def test_floor(acme):
    """A subtotal below the floor is raised to it by a line of its own; one at the floor is left alone."""
    below, at = acme.terms(floor="500.00"), acme.terms(floor="12.50")

    statement = below.rate(below.verdict("A"))
    [change] = statement.adjustments
    assert (change.kind, change.month, str(change.amount)) == ("floor", "2026-09", "487.50 EUR")
    assert str(statement.total) == "500.00 EUR"
    assert str(statement.saved_by_cap) == "0.00 EUR"
    assert at.rate(at.verdict("A")).adjustments == ()


def test_floor_without_any_line(acme):
    """The floor is owed in a month without outcomes, too."""
    assert str(acme.terms(floor="500.00").rate().total) == "500.00 EUR"
    assert str(acme.rate().total) == "0.00 EUR"


def test_cap(acme):
    """A subtotal above the cap is lowered to it by a line of its own; one at the cap is left alone."""
    above, at = acme.terms(floor="1.00", cap="10.00"), acme.terms(cap="12.50")

    statement = above.rate(above.verdict("A"))
    [change] = statement.adjustments
    assert (change.kind, str(change.amount), str(statement.total)) == ("cap", "-2.50 EUR", "10.00 EUR")
    assert at.rate(at.verdict("A")).adjustments == ()


@pytest.mark.parametrize(
    ("start", "end", "floor", "days"),
    [
        (date(2026, 9, 1), None, "500.00 EUR", 30),
        (date(2026, 9, 16), None, "250.00 EUR", 15),
        (date(2026, 9, 30), None, "16.67 EUR", 1),
        (date(2026, 9, 11), date(2026, 9, 12), "16.67 EUR", 1),
        (date(2026, 9, 21), date(2027, 1, 1), "166.67 EUR", 10),
        (date(2026, 10, 1), None, "0.00 EUR", 0),
        (date(2026, 8, 1), date(2026, 9, 1), "0.00 EUR", 0),
    ],
)
def test_floor_by_days(acme, start, end, floor, days):
    """The floor of a month that the term covers in part counts by its days there."""
    builder = acme.terms(floor="500.00", start=start, end=end)
    statement = builder.rate()

    assert str(statement.total) == floor
    assert [change.days for change in statement.adjustments] == ([days] if days else [])


def test_cap_after_the_term(acme):
    """What was earned in the term and decided after it is billed up to the cap of a whole month."""
    builder = acme.terms(floor="5.00", cap="10.00", start=date(2026, 8, 1), end=date(2026, 9, 1))

    assert str(builder.rate(builder.verdict("A")).total) == "10.00 EUR"


def test_a_quarter_is_its_months(acme):
    """Floor and cap of a quarter are those of its months, one after the other."""
    builder = acme.terms(floor="20.00", cap="30.00")
    july, august = parse_instant("2026-07-10T00:00:00Z"), parse_instant("2026-08-10T00:00:00Z")
    verdicts = [
        builder.verdict("A", quantity="1000.00", decided_at=july),
        builder.verdict("B", quantity="200.00", decided_at=august),
        builder.verdict("C", quantity="10.00"),
    ]
    quarter = builder.rate(*verdicts, period="2026Q3")
    months = [builder.rate(*verdicts, period=month) for month in ("2026-07", "2026-08", "2026-09")]

    assert [(change.month, change.kind) for change in quarter.adjustments] == [("2026-07", "cap"), ("2026-09", "floor")]
    assert [str(month.total) for month in months] == ["30.00 EUR", "25.00 EUR", "20.00 EUR"]
    assert str(quarter.total) == "75.00 EUR"


def test_a_period_of_whole_months(acme):
    """A period that is not made of whole months in the contract's zone is refused."""
    start = parse_instant("2026-08-31T22:00:00Z")
    for period in (Period(start + 1, start + 10, "odd"), Period(start, start + 10, "odd")):
        with pytest.raises(ConfigurationError, match="period odd is not made of whole months in Europe/Berlin"):
            rate(acme.contract, {}, period, prepared_at=0, ledger=LedgerHead(0, ""))


# --- what cannot be priced


def test_another_text_of_the_contract(acme):
    """Verdicts given under another text are refused instead of being priced under this one."""
    verdict = acme.verdict("A")
    other = type(acme)(replace(acme.contract, sha256="0" * 64))
    with pytest.raises(ContractError, match="claim:A was decided under another text of acme-collections: version 1"):
        other.rate(verdict)


@pytest.mark.parametrize(
    ("missing", "why"),
    [
        ({"decided_at": None}, "no instant"),
        ({"record_id": None}, "no record"),
        ({"quantity": None}, "no amount"),
        ({"currency": None}, "no currency"),
        ({"outcome": "other"}, "the contract has no outcome other"),
    ],
)
def test_verdicts_that_cannot_be_priced(acme, missing, why):
    """A verified outcome without what its price needs stops the statement instead of costing nothing."""
    with pytest.raises(ContractError, match=f"claim:A is verified and cannot be priced: .*{why}"):
        acme.rate(acme.verdict("A", **missing))


def test_an_unknown_currency(acme):
    """A payment in a currency without a known minor unit stops the statement and names it."""
    with pytest.raises(ContractError, match="unknown currency 'XYZ'"):
        acme.rate(acme.verdict("A", currency="XYZ"))


# --- provisional


def test_provisional(acme):
    """A statement says why it may still change, and says nothing once it will not."""
    before = acme.terms(start=date(2026, 10, 1))

    assert acme.rate().provisional == ()
    assert acme.rate(now="2026-09-30T22:00:00Z").provisional == ()
    assert acme.rate(now="2026-09-30T21:59:59Z").provisional == ("The period is not over yet.",)
    assert before.rate().provisional == ("The period lies before the contract's term, which starts on 2026-10-01.",)
    assert acme.terms(start=date(2026, 9, 30)).rate().provisional == ()


def test_provisional_while_the_source_is_behind(acme):
    """Pending claims whose windows ended in the period make it provisional: the source was not read far enough."""
    end = parse_instant("2026-09-30T22:00:00Z")
    waiting = [
        acme.verdict(f"C-{n}", "pending", reasons=(Reason("net_positive", "...", until=until),))
        for n, until in enumerate((end - 1, end, None))
    ]

    [said] = acme.rate(*waiting).provisional
    assert said.startswith("1 claim is pending whose windows end before the period does")
    [said] = acme.rate(*waiting, acme.verdict("D", "pending", reasons=waiting[0].reasons)).provisional
    assert said.startswith("2 claims are pending")
    assert acme.rate(waiting[1], waiting[2]).provisional == ()


# --- how the claims stand


def test_what_the_claims_would_cost(acme):
    """Each status says what its claims would have cost as claimed, by currency, and how many name no amount."""
    statement = acme.rate(
        acme.verdict("A", quantity="100.00", claimed_amount=Decimal("200.00"), claimed_currency="EUR"),
        acme.verdict("B", quantity="80.00"),
        acme.verdict("C", "rejected", claimed_amount=Decimal("40.00"), claimed_currency="USD"),
        acme.verdict("D", "rejected", claimed_amount=Decimal("8.00")),
        acme.verdict("E", "rejected"),
        acme.verdict("F", "pending"),
        acme.verdict("G", quantity="80.00", currency="USD", claimed_amount=Decimal("80.00")),
    )

    told = {tally.status: ([str(amount) for amount in tally.amounts], tally.unpriced) for tally in statement.tallies}
    assert told["verified"] == (["35.00 EUR", "10.00 USD"], 0)
    assert told["rejected"] == (["1.00 EUR", "5.00 USD"], 1)
    assert told["pending"] == (["0.00 EUR"], 1)
    assert [str(amount) for amount in statement.claimed_amounts] == ["36.00 EUR", "15.00 USD"]
    assert str(statement.claimed_amount) == "36.00 EUR"


def test_a_system_may_have_its_own_decimals(acme):
    """A currency is rounded to the decimals its system of record uses, and one that ISO has dropped is no obstacle."""
    statement = acme.rate(
        acme.verdict("A", quantity="1000.10", currency="UGX", exponent=2),
        acme.verdict("B", quantity="80.00", currency="BGN", exponent=2),
        acme.verdict("C", quantity="100.00", exponent=3),
    )

    assert [str(total) for total in statement.totals] == ["12.50 EUR", "10.00 BGN", "125.01 UGX"]


def test_what_claims_per_unit_would_cost(acme):
    """A claim on an outcome with a price per unit would cost one unit, verified or not."""
    builder = acme.priced(recovered="2.40")
    statement = builder.rate(
        builder.verdict("A", quantity="1"), builder.verdict("B", "rejected", claimed_amount=Decimal(99))
    )

    assert str(statement.claimed_amount) == "4.80 EUR"


def test_reasons(acme):
    """The clauses that decided are counted by status, most frequent first, with the first claim as an example."""
    statement = acme.rate(
        acme.verdict("C", "rejected", reasons=(Reason("overdue", "too young"),)),
        acme.verdict("B", "rejected", reasons=(Reason("overdue", "too young too"),)),
        acme.verdict("D", "rejected", reasons=(Reason("duplicate", "again"), Reason("overdue", "..."))),
        acme.verdict("E", "rejected", reasons=(Reason("automatic", "by itself"),)),
        acme.verdict("F", "pending", reasons=(Reason("overdue", "not known"),)),
        acme.verdict("G", "rejected", reasons=()),
    )

    assert [
        (reason.status, reason.clause, reason.claims, reason.example, reason.text) for reason in statement.reasons
    ] == [
        ("pending", "overdue", 1, "F", "not known"),
        ("rejected", "overdue", 2, "B", "too young too"),
        ("rejected", "automatic", 1, "E", "by itself"),
        ("rejected", "duplicate", 1, "D", "again"),
    ]


def test_what_a_statement_carries(acme):
    """A statement names its contract by hash, the ledger it was computed from, its period and when it was prepared."""
    statement = acme.rate(acme.verdict("A"))

    assert (statement.contract, statement.contract_version) == ("acme-collections", 1)
    assert statement.contract_sha256 == acme.contract.sha256
    assert statement.ledger == LedgerHead(11, "ab" * 32)
    assert statement.period.label == "2026-09"
    assert statement.outcomes == {"recovered": acme.contract.outcomes["recovered"].description}
    assert (statement.buyer, statement.vendor) == ("Acme GmbH", "Recoverly Collections")


def test_the_digest_leaves_out_when_it_was_prepared(acme):
    """Two parties that prepare a statement at different times get the same digest; other content gives another."""
    statement = acme.rate(acme.verdict("A"))

    assert acme.rate(acme.verdict("A"), now="2026-11-01T00:00:00Z").digest == statement.digest
    assert acme.rate(acme.verdict("A"), now="2026-09-29T00:00:00Z").digest != statement.digest
    assert acme.rate(acme.verdict("A", quantity="100.01")).digest != statement.digest


def test_the_dates_of_the_line_that_is_open_for_longest(acme):
    """A statement says until when its lines may be disputed and corrected, by the line that locked last."""
    early, late = (parse_instant(f"2026-09-{day}T10:00:00Z") for day in (10, 28))
    statement = acme.rate(acme.verdict("A", decided_at=late), acme.verdict("B", decided_at=early))

    assert statement.closing == calendar_of(acme.contract, late)
    assert statement_data(statement)["finality"] == {
        "locked_by": "2026-09-28T10:00:00Z",
        "disputable_until": "2026-10-08T10:00:00Z",
        "on_silence": "accept",
        "clawback_until": "2027-01-26T11:00:00Z",
        "closes_at": "2027-01-26T11:00:00Z",
    }
    assert statement_data(acme.rate())["finality"] is None


@pytest.mark.parametrize(("silence", "words"), [("accept", "accepts it"), ("escalate", "leaves it open")])
def test_the_dates_in_words(acme, silence, words):
    """The page says in words until when its lines may change, in days of the zone, and what silence means."""
    contract = replace(acme.contract, finality=replace(acme.contract.finality, on_silence=silence))
    page = render(type(acme)(contract).rate(acme.verdict("A")), "html").decode()

    assert "locked by 10 Sep 2026, and may be disputed before 20 Sep 2026" in page
    assert f"silence {words}" in page
    assert "nothing changes after 8 Jan 2027" in page
    assert "locked by" not in render(acme.rate(), "html").decode()

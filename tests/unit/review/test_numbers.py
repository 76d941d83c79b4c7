"""The numbers of a review: counted once, in the month they belong to, and adding up."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reviewed import BASELINE, contract_of, outcome, review_on, verdict_of

from tallystick.errors import ConfigurationError
from tallystick.money import Money, currency
from tallystick.period import format_instant, parse_instant, parse_period
from tallystick.review.numbers import each_of
from tallystick.review.off_ramp import share
from tallystick.statements import Issued
from tallystick.statements.statement import STATUSES

EUR = currency("EUR")
RATE = "[{measure: verified_rate, below: 60, months: 2}]"
UNITS = "[{measure: verified_units, below: 2, months: 2}]"


@pytest.fixture
def acme(tmp_path):
    """A contract of 240.00 EUR each, against 610.00 EUR before."""
    return contract_of(tmp_path)


def _counts(month):
    return {status: count for status, count in month.counts.items() if count}


def test_claims_count_in_the_month_they_happened(acme):
    """Each claim counts once, by its verdict, in the month in which its outcome happened."""
    review = review_on(
        acme,
        [
            verdict_of(acme, "A", "2026-07-10T10:00:00Z"),
            verdict_of(acme, "B", "2026-07-11T10:00:00Z", "rejected"),
            verdict_of(acme, "C", "2026-09-01T10:00:00Z", "pending"),
            verdict_of(acme, "found:held:r-9", "2026-07-12T10:00:00Z"),
        ],
    )

    assert [month.label for month in review.months] == ["2026-07", "2026-08", "2026-09"]
    assert [_counts(month) for month in review.months] == [{"verified": 1, "rejected": 1}, {}, {"pending": 1}]
    assert review.counts == {"verified": 1, "pending": 1, "rejected": 1, "unverifiable": 0, "reversed": 0}


def test_months_are_those_of_the_contract(acme):
    """A month begins and ends at midnight in the contract's zone, its first instant inside and its last one not."""
    july, august = parse_period("2026-07", "Europe/Berlin"), parse_period("2026-08", "Europe/Berlin")
    assert format_instant(july.start) == "2026-06-30T22:00:00Z"
    instants = [july.start - 1, july.start, august.start - 1, august.start]
    review = review_on(acme, [verdict_of(acme, f"C-{at}", format_instant(at), "rejected") for at in instants])

    assert [_counts(month) for month in review.months] == [{"rejected": 2}, {"rejected": 1}, {}]


def test_a_claim_of_which_nothing_is_known_counts_where_it_was_claimed(acme):
    """Without an instant at which it happened, a claim belongs to the month it was claimed in."""
    at = parse_instant("2026-08-05T00:00:00Z")
    review = review_on(acme, [verdict_of(acme, "A", None, "unverifiable", claimed_at=at)])

    assert [_counts(month) for month in review.months] == [{}, {"unverifiable": 1}, {}]


def test_money_counts_in_the_month_of_the_lock(acme):
    """What is owed stands in the month of the lock, though the claim counts in the month it happened."""
    review = review_on(acme, [verdict_of(acme, "A", "2026-07-31T10:00:00Z")])

    assert [(month.lines, str(month.owed)) for month in review.months] == [
        (0, "0.00 EUR"),
        (1, "240.00 EUR"),
        (0, "0.00 EUR"),
    ]
    assert [_counts(month) for month in review.months] == [{"verified": 1}, {}, {}]


def test_cost_baseline_and_savings(acme):
    """Three outcomes of 240.00 against 610.00 cost 720.00 and save 1,110.00."""
    review = review_on(acme, [verdict_of(acme, name, "2026-07-10T10:00:00Z") for name in "ABC"])

    assert (review.lines, str(review.owed), str(review.cost)) == (3, "720.00 EUR", "240.00 EUR")
    assert (str(review.baseline), str(review.saved)) == ("1830.00 EUR", "1110.00 EUR")


def test_what_costs_more_saves_less_than_nothing(tmp_path):
    """A floor that costs more than the baseline makes the savings negative, and the cost of one what is really paid."""
    dear = contract_of(tmp_path, billing="{floor: {monthly: 1000.00}}")
    review = review_on(dear, [verdict_of(dear, "A", "2026-07-10T10:00:00Z")], "2026-07")

    assert (str(review.cost), str(review.saved)) == ("1000.00 EUR", "-390.00 EUR")
    assert str(review.months[0].floor) == "760.00 EUR"


def test_savings_of_months_without_a_line(tmp_path):
    """A month in which nothing locked and the floor is owed still costs: its floor is in the savings of the period."""
    dear = contract_of(tmp_path, billing="{floor: {monthly: 100.00}}")
    review = review_on(dear, [verdict_of(dear, "A", "2026-07-10T10:00:00Z")])

    assert [str(month.owed) for month in review.months] == ["240.00 EUR", "100.00 EUR", "100.00 EUR"]
    assert str(review.saved) == "170.00 EUR"


def test_the_cap_is_told_as_what_it_took_off(tmp_path):
    """A capped month owes the cap, and the review says what it took off."""
    capped = contract_of(tmp_path, billing="{cap: {monthly: 300.00, excess: forgiven}}")
    review = review_on(capped, [verdict_of(capped, name, "2026-07-10T10:00:00Z") for name in "AB"], "2026-07")

    assert (str(review.owed), str(review.months[0].cap), str(review.cost)) == ("300.00 EUR", "180.00 EUR", "150.00 EUR")
    assert [(each.kind, str(each.amount)) for each in review.adjustments] == [("cap", "-180.00 EUR")]


def test_the_baseline_is_weighted_by_what_was_paid(tmp_path):
    """Two outcomes with different baselines weigh as many times as each was paid."""
    cheap = ', baseline: {cost_per_outcome: 10.00, basis: "agents"}'
    both = contract_of(tmp_path, outcome("held", more=BASELINE), outcome("solved", "{per_unit: 1.00}", cheap))
    review = review_on(
        both,
        [
            verdict_of(both, "A", "2026-07-10T10:00:00Z"),
            *(verdict_of(both, f"S{n}", "2026-07-10T10:00:00Z", outcome="solved") for n in range(3)),
            verdict_of(both, "B", "2026-07-10T10:00:00Z", "rejected", outcome="solved"),
        ],
    )

    assert str(review.baseline) == "640.00 EUR"
    told = [
        (each.name, sum(each.counts.values()), each.lines, str(each.amount), str(each.cost), str(each.saved))
        for each in review.outcomes
    ]
    assert told == [
        ("held", 1, 1, "240.00 EUR", "240.00 EUR", "370.00 EUR"),
        ("solved", 4, 3, "3.00 EUR", "1.00 EUR", "27.00 EUR"),
    ]


def test_without_a_baseline_nothing_is_saved(tmp_path):
    """Where one paid outcome has no baseline, none is made up for the sum; the other outcome keeps its own."""
    both = contract_of(tmp_path, outcome("held", more=BASELINE), outcome("solved", "{per_unit: 1.00}"))
    paid = [verdict_of(both, name, "2026-07-10T10:00:00Z", outcome=name) for name in ("held", "solved")]
    review = review_on(both, paid)

    assert (review.baseline, review.saved) == (None, None)
    assert [each.saved and str(each.saved) for each in review.outcomes] == ["370.00 EUR", None]


def test_nothing_costs_nothing_each(acme):
    """Without a line there is no cost of one and nothing saved."""
    review = review_on(acme, [])

    assert (review.cost, review.saved, review.lock_days, review.outcomes) == (None, None, (), ())


def test_the_newer_version_prices_and_compares_its_own(tmp_path):
    """Each line is held against the baseline of the version that decided it."""
    old = contract_of(tmp_path)
    less = outcome("held", "{per_unit: 100.00}", ', baseline: {cost_per_outcome: 400.00, basis: "1 SDR"}')
    new = contract_of(tmp_path, less, version=2, effective="2026-08-01")
    review = review_on(
        (old, new), [verdict_of(old, "A", "2026-07-10T10:00:00Z"), verdict_of(new, "B", "2026-08-10T10:00:00Z")]
    )

    assert [str(month.baseline) for month in review.months] == ["610.00 EUR", "400.00 EUR", "0.00 EUR"]
    assert (str(review.owed), str(review.saved)) == ("340.00 EUR", "670.00 EUR")


def test_reasons_are_counted_by_the_clause_that_decided(acme):
    """Rejections and reversals of the period count by their first clause, the most frequent first, equals by name."""
    at = "2026-07-10T10:00:00Z"
    rejected = [verdict_of(acme, f"R-{n}", at, "rejected", clause=clause) for n, clause in enumerate("bbac")]
    before = verdict_of(acme, "R-old", "2026-06-30T21:00:00Z", "rejected", clause="a")
    gone = verdict_of(acme, "V", at, "reversed", clause="refunded", was_verified=True)
    review = review_on(acme, [*rejected, before, gone])

    assert review.reasons == (("b", 2), ("a", 1), ("c", 1))
    assert review.reversed == (("refunded", 1),)


def test_days_to_the_lock_are_whole_days(acme):
    """Days to the lock are whole days of 24 hours, cut, for the lines that locked in the period."""
    locked = [("A", "2026-07-11T09:59:59Z"), ("B", "2026-07-11T10:00:00Z"), ("C", "2026-10-01T10:00:00Z")]
    review = review_on(acme, [verdict_of(acme, name, "2026-07-10T10:00:00Z", locks=at) for name, at in locked])

    assert sorted(review.lock_days) == [0, 1]


def test_notes_are_those_issued_with_statements_of_the_period(acme):
    """A note counts in the period whose statement carries it, not in the one it corrects."""

    def issued(entry, label, **notes):
        period = parse_period(label, "Europe/Berlin")
        told = {name.replace("_", "-")[1:]: {EUR: Money(minor, EUR)} for name, minor in notes.items()}
        return Issued(entry, period, {EUR: Money(0, EUR)}, told, 1, period.end, "0" * 64)

    statements = [issued(1, "2026-06", _2026_05=-100), issued(2, "2026-07", _2026_06=-24000), issued(3, "2026-08")]
    review = review_on(acme, [], issued=statements)

    assert review.notes == (("2026-06", Money(-24000, EUR)),)


def test_other_currencies_stand_beside(tmp_path):
    """What is owed in another currency is told apart, and neither added nor divided by."""
    percent = contract_of(
        tmp_path,
        "  got: {source: billing, record: payment, clauses: {paid: \"status = 'succeeded'\"}, quantity: amount,"
        " price: {percent: 10}}",
    )
    at = "2026-07-10T10:00:00Z"
    review = review_on(
        percent,
        [
            verdict_of(percent, "A", at, quantity=Decimal(100), currency="EUR", exponent=2),
            verdict_of(percent, "B", at, quantity=Decimal(50), currency="USD", exponent=2),
        ],
    )

    assert (review.lines, str(review.owed)) == (1, "10.00 EUR")
    assert [str(amount) for amount in review.other_currencies] == ["5.00 USD"]


def test_a_floor_of_months_to_come_is_not_owed(tmp_path):
    """A quarter that has begun is counted up to the month that runs, in every currency."""
    billing = "{floor: {monthly: 100.00}, currencies: {USD: {floor: {monthly: 7.00}}}}"
    dear = contract_of(tmp_path, billing=billing)
    review = review_on(dear, [], now="2026-08-15T00:00:00Z")

    assert [month.label for month in review.in_period] == ["2026-07", "2026-08"]
    assert (str(review.owed), [str(amount) for amount in review.other_currencies]) == ("200.00 EUR", ["14.00 USD"])


def test_a_period_to_come_is_refused(acme):
    """A period of which not one month has begun cannot be reviewed, and one that begins now can."""
    start = format_instant(parse_period("2026Q3", "Europe/Berlin").start)
    assert [month.label for month in review_on(acme, [], now=start).in_period] == ["2026-07"]
    with pytest.raises(ConfigurationError, match="2026Q3 has not begun"):
        review_on(acme, [], now="2026-06-30T21:59:59.999999Z")


def test_twelve_months_are_shown(tmp_path):
    """The months shown end with the last of the period and are twelve at the most, from the start of the term."""
    long = contract_of(tmp_path, term="{start: 2025-01-01}")
    review = review_on(
        long, [verdict_of(long, "A", "2025-09-10T10:00:00Z"), verdict_of(long, "B", "2025-10-10T10:00:00Z")]
    )

    assert [month.label for month in review.months][:2] == ["2025-10", "2025-11"]
    assert (len(review.months), review.months[-1].label) == (12, "2026-09")
    assert (sum(month.counts["verified"] for month in review.months), review.counts["verified"]) == (1, 0)


# --- ways out


def _in(contract, **claims):
    """Give verdicts on the tenth of months named as m07: as v, r, p, x letters."""
    names = {"v": "verified", "r": "rejected", "p": "pending", "x": "reversed"}
    return [
        verdict_of(contract, f"{month}-{n}", f"2026-{month[1:]}-10T10:00:00Z", names[letter])
        for month, letters in claims.items()
        for n, letter in enumerate(letters)
    ]


@pytest.mark.parametrize(
    ("august", "september", "is_open"),
    [
        ("vr", "vr", True),
        ("vvvrr", "vr", False),
        ("vr", "", False),
        ("vr", "vx", True),
        ("vr", "vrp", False),
        ("vr", "vrrp", True),
        ("vr", "p", False),
    ],
)
def test_a_rate_below_the_threshold(tmp_path, august, september, is_open):
    """A way out opens when each month's rate is below the threshold, whatever becomes of what is pending."""
    acme = contract_of(tmp_path, off_ramp=RATE)
    [state] = review_on(acme, _in(acme, m07="vvvv", m08=august, m09=september)).off_ramps

    assert [month.month for month in state.measured] == ["2026-08", "2026-09"]
    assert state.open is is_open


def test_the_exact_rate_decides(tmp_path):
    """A rate that is printed as the threshold and lies below it is below it."""
    acme = contract_of(tmp_path, off_ramp="[{measure: verified_rate, below: 60, months: 1}]")
    [state] = review_on(acme, _in(acme, m09="v" * 1499 + "r" * 1000)).off_ramps

    assert (state.measured[0].value, state.open) == (Decimal("60.0"), True)


@pytest.mark.parametrize(
    ("september", "is_open"), [("", True), ("v", True), ("vv", False), ("vp", False), ("vr", True)]
)
def test_units_below_the_threshold(tmp_path, september, is_open):
    """Verified claims are counted, none is below any threshold, and pending ones count as if they were verified."""
    acme = contract_of(tmp_path, off_ramp=UNITS)
    [state] = review_on(acme, _in(acme, m08="v", m09=september)).off_ramps

    assert state.open is is_open


def test_only_whole_months_that_are_over_are_measured(tmp_path):
    """Neither the month that runs nor the one in which the term begins in the middle says anything."""
    acme = contract_of(tmp_path, term="{start: 2026-07-15}", off_ramp=UNITS)
    verdicts = _in(acme, m08="v")

    assert [month.month for month in review_on(acme, verdicts, now="2026-09-30T00:00:00Z").off_ramps[0].measured] == [
        "2026-08"
    ]
    [state] = review_on(acme, verdicts, now="2026-09-30T22:00:00Z").off_ramps
    assert ([month.month for month in state.measured], state.open) == (["2026-08", "2026-09"], True)


def test_a_way_out_of_more_months_than_are_shown(tmp_path):
    """A threshold over more months than the page shows is measured over all of them."""
    ramp = "[{measure: verified_units, below: 2, months: 15}]"
    long = contract_of(tmp_path, term="{start: 2025-01-01}", off_ramp=ramp)
    early = verdict_of(long, "A", "2025-08-10T10:00:00Z"), verdict_of(long, "B", "2025-08-11T10:00:00Z")

    assert review_on(long, []).off_ramps[0].open is True
    assert review_on(long, early).off_ramps[0].open is False


# --- laws


@pytest.mark.parametrize(
    ("part", "whole", "percent"), [(1, 3, "33.3"), (1, 2000, "0.1"), (0, 5, "0.0"), (5, 5, "100.0")]
)
def test_a_share(part, whole, percent):
    """A share is in percent with one decimal, halves up."""
    assert share(part, whole) == Decimal(percent)


def test_a_share_of_nothing():
    """There is no share of nothing."""
    assert share(0, 0) is None


@pytest.mark.parametrize(("minor", "count", "each"), [(100, 3, 33), (5, 2, 3), (-5, 2, -3), (10**30, 3, (10**30) // 3)])
def test_one_of_so_many_parts(minor, count, each):
    """One part is rounded once, halves away from zero, with all digits of any amount."""
    assert each_of(Money(minor, EUR), count).minor == each


INSTANTS = st.integers(parse_instant("2026-05-01T00:00:00Z"), parse_instant("2026-11-30T00:00:00Z"))


@given(
    claims=st.lists(st.tuples(INSTANTS, st.sampled_from(STATUSES), st.sampled_from(("held", "solved"))), max_size=25)
)
def test_the_numbers_add_up(tmp_path_factory, claims):
    """Months add up to the period, outcomes to the counts, the counts to the claims inside, and lines to the money."""
    folder = tmp_path_factory.mktemp("law")
    both = contract_of(folder, outcome("held", more=BASELINE), outcome("solved", "{per_unit: 1.00}", BASELINE))
    verdicts = [
        verdict_of(both, f"C-{n}", format_instant(at), status, outcome=name)
        for n, (at, status, name) in enumerate(claims)
    ]
    review = review_on(both, verdicts)
    period = parse_period("2026Q3", "Europe/Berlin")
    inside = [status for at, status, _ in claims if at in period]

    assert {status: inside.count(status) for status in STATUSES} == review.counts
    for status in STATUSES:
        assert sum(each.counts[status] for each in review.outcomes) == review.counts[status]
        assert sum(month.counts[status] for month in review.in_period) == review.counts[status]
    assert sum(count for _, count in review.reasons) == review.counts["rejected"]
    assert sum(count for _, count in review.reversed) == review.counts["reversed"]
    locked = [verdict for verdict in verdicts if verdict.locks_at in period]
    assert sum(each.lines for each in review.outcomes) == review.lines == len(review.lock_days) == len(locked)
    prices = {"held": 24000, "solved": 100}
    assert review.owed.minor == sum(prices[verdict.outcome] for verdict in locked)
    assert sum(each.amount.minor for each in review.outcomes) == review.owed.minor
    assert review.saved is None or review.saved.minor == len(locked) * 61000 - review.owed.minor

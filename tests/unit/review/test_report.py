"""A review as a page and as data: every section with something to say and with nothing, days with dates, no markup."""

import json
from datetime import date
from decimal import Decimal

import pytest
from tests.reviewed import BASELINE, contract_of, outcome, review_on, verdict_of

from tallystick.contracts import Sample, Termination
from tallystick.money import Money, currency
from tallystick.period import parse_instant, parse_period
from tallystick.review.data import review_data
from tallystick.review.render import render_page
from tallystick.review.report import page_of
from tallystick.review.signals import Signal
from tallystick.review.way_out import ending_of
from tallystick.statements import Issued
from tallystick.verification.sampling import judge

EUR = currency("EUR")
NOW = parse_instant("2026-10-15T10:00:00Z")
SECTIONS = [
    "What was claimed, and what became of it",
    "What an outcome cost",
    "Outcome by outcome",
    "Why claims were rejected",
    "Reopens, clawbacks and notes",
    "Disputes",
    "Acceptance samples",
    "How long it took to be final",
    "What floor and cap did",
    "Signals on both sides",
    "The way out",
]
RAMPS = "[{measure: verified_rate, below: 60, months: 2}, {measure: verified_units, below: 1, months: 1}]"
SIGNALS = [
    Signal("b", "vendor", "held", "things of the vendor", 0, 3),
    Signal("a", "buyer", "held", "things of the buyer", 1200, 3),
]
SAMPLE = ("2026-08", "held", judge(Sample(20, Decimal(5), 95, "extrapolate"), 400, 17, 2, 1))


@pytest.fixture
def busy(tmp_path):
    """A review with everything: two outcomes, all verdicts, a floor, a note, a way out that is open."""
    held, solved = outcome("held", more=BASELINE), outcome("solved", "{per_unit: 1.00}", BASELINE)
    acme = contract_of(tmp_path, held, solved, billing="{floor: {monthly: 400.00}}", off_ramp=RAMPS)
    verdicts = [
        verdict_of(acme, "A", "2026-07-10T10:00:00Z"),
        verdict_of(acme, "B", "2026-08-10T10:00:00Z", outcome="solved"),
        verdict_of(acme, "C", "2026-08-10T10:00:00Z", "rejected", clause="not_held"),
        verdict_of(acme, "D", "2026-09-10T10:00:00Z", "reversed", clause="not_returned", was_verified=True),
        verdict_of(acme, "E", "2026-09-10T10:00:00Z", "unverifiable"),
        verdict_of(acme, "F", "2026-07-11T10:00:00Z", "pending"),
    ]
    period = parse_period("2026-07", "Europe/Berlin")
    note = {"2026-06": {EUR: Money(-24000, EUR)}}
    return review_on(acme, verdicts, issued=[Issued(1, period, {}, note, 1, period.end, "0" * 64)])


@pytest.fixture
def empty(tmp_path):
    """A review of a contract under which nothing was claimed."""
    return review_on(contract_of(tmp_path), [])


def _page(review, signals=(), disputes=None, samples=(), now=NOW):
    return page_of(review, signals, disputes or {}, samples, now=now, ledger=(1234, "ab" * 32))


def _section(page, heading):
    [section] = [section for section in page.sections if section.heading == heading]
    return section


def test_every_section_is_there(busy, empty):
    """A page has the same sections in the same order, whether there is anything to say or not."""
    full = _page(busy, SIGNALS, {"open": 1}, [SAMPLE])

    assert [section.heading for section in full.sections] == SECTIONS
    assert [section.heading for section in _page(empty).sections] == SECTIONS
    assert full.title == "Review of acme: Third quarter 2026"
    assert full.foot[1] == ("Ledger", f"1,234 entries, root {'ab' * 32}")


def test_every_section_says_something(busy, empty):
    """No section is a heading alone: each has prose, a picture or a table, also where nothing happened."""
    for page in (_page(busy, SIGNALS, {"open": 1}, [SAMPLE]), _page(empty)):
        assert [part.heading for part in page.sections if not (part.text or part.chart_svg or part.table)] == []


def test_the_key_numbers(busy, empty):
    """The tiles say what is owed, for how many, the rate, the cost of one against before, and what was saved."""
    tiles = [(tile.label, tile.value, tile.note) for tile in _page(busy).tiles]
    assert tiles == [
        ("Owed", "1,200.00 EUR", "for the period itself, without notes on earlier ones"),
        ("Outcomes paid for", "2", "locked in the period; 6 claimed in it"),
        ("Verified of those decided", "50.0 %", "1 pending"),
        ("Cost per outcome", "600.00 EUR", "before: 610.00 EUR"),
        ("Saved", "20.00 EUR", "against the baseline"),
    ]
    assert [tile.label for tile in _page(empty).tiles] == ["Owed", "Outcomes paid for"]


def test_what_cost_more_is_said_without_a_sign(tmp_path):
    """Where it cost more than before, the tile says so and shows the amount above zero."""
    dear = contract_of(tmp_path, billing="{floor: {monthly: 1000.00}}")
    page = _page(review_on(dear, [verdict_of(dear, "A", "2026-07-10T10:00:00Z")], "2026-07"))

    assert (page.tiles[-1].label, page.tiles[-1].value) == ("Cost more", "390.00 EUR")


def test_the_cost_of_each_outcome(busy):
    """Each outcome has its claims, its lines, what one cost, what it cost before and what it saved."""
    assert _section(_page(busy), "Outcome by outcome").table.rows == [
        ["held", "5", "1", "1", "240.00 EUR", "240.00 EUR", "610.00 EUR", "370.00 EUR"],
        ["solved", "1", "1", "1", "1.00 EUR", "1.00 EUR", "610.00 EUR", "609.00 EUR"],
    ]


def test_the_months_and_the_period(busy):
    """The months show owed, cost and savings, and the text adds up the period."""
    section = _section(_page(busy), "What an outcome cost")

    assert "In the period: 2 lines, 1,200.00 EUR owed, 20.00 EUR saved." in section.text
    assert section.table.rows == [
        ["2026-07", "1", "400.00 EUR", "400.00 EUR", "210.00 EUR"],
        ["2026-08", "1", "400.00 EUR", "400.00 EUR", "210.00 EUR"],
        ["2026-09", "0", "400.00 EUR", "", "\u2212400.00 EUR"],
    ]


def test_reversals_have_a_rate(busy, empty):
    """What was verified once and did not last is told in percent and by clause, beside the notes."""
    section = _section(_page(busy), "Reopens, clawbacks and notes")

    assert section.text.startswith("33.3 % of the claims of the period that were verified once did not last: 1 of 3.")
    assert "Notes issued with statements of the period: \u2212240.00 EUR on 2026-06." in section.text
    assert section.table.rows == [["not returned", "1", "33.3 %"]]
    nothing = _section(_page(empty), "Reopens, clawbacks and notes")
    assert nothing.text == "No claim of the period was verified. No note was issued with a statement of the period."


def test_floor_and_cap_in_a_sentence(busy, empty):
    """What floor and cap did is told month by month in words, and that they did nothing too."""
    assert _section(_page(busy), "What floor and cap did").text == (
        "July 2026: raised from 240.00 EUR to the floor of 400.00 EUR. "
        "August 2026: raised from 1.00 EUR to the floor of 400.00 EUR. "
        "September 2026: raised from 0.00 EUR to the floor of 400.00 EUR."
    )
    nothing = "Nothing was added to the lines of the period, and nothing was taken off."
    assert _section(_page(empty), "What floor and cap did").text == nothing


@pytest.mark.parametrize(
    ("locks", "words"), [("2026-07-11", "1 day"), ("2026-07-12", "2 days"), ("2026-07-10", "0 days")]
)
def test_one_day_is_a_day(tmp_path, locks, words):
    """Days are counted in the singular where there is one."""
    acme = contract_of(tmp_path)
    review = review_on(acme, [verdict_of(acme, "A", "2026-07-10T10:00:00Z", locks=f"{locks}T11:00:00Z")])
    text = f"Half of the lines locked within {words} of when they happened, all of them within {words}."

    assert _section(_page(review), "How long it took to be final").text == text


@pytest.mark.parametrize(
    ("disputes", "text"),
    [
        ({}, "No claim of the period is disputed."),
        ({"open": 1}, "1 dispute on claims of the period."),
        ({"settled": 2, "open": 1}, "3 disputes on claims of the period."),
    ],
)
def test_disputes_by_state(empty, disputes, text):
    """Disputes are added up and told by state, in the order of its name."""
    section = _section(_page(empty, disputes=disputes), "Disputes")

    assert section.text == text
    assert (section.table and section.table.rows) == ([[s, str(n)] for s, n in sorted(disputes.items())] or None)


def test_samples(empty):
    """A sample says how many were drawn of how many, what people found, and what that says of all of them."""
    [row] = _section(_page(empty, samples=[SAMPLE]), "Acceptance samples").table.rows

    assert row[:7] == ["2026-08", "held", "20 of 400", "17", "2", "1", "0"]
    assert row[7].endswith(" %")
    assert row[8] == "within the tolerance"


def test_flagged_signals_come_first(empty):
    """What is worth a question stands above what is not, with its count and its threshold."""
    rows = _section(_page(empty, SIGNALS), "Signals on both sides").table.rows

    assert rows == [
        ["ask", "buyer", "held", "things of the buyer", "1,200", "3"],
        ["", "vendor", "held", "things of the vendor", "0", "3"],
    ]


# --- the way out


def test_an_open_way_out_names_months_and_days(busy):
    """The recommendation names the months that were below and the last day that a notice given today allows."""
    section = _section(_page(busy), "The way out")

    assert section.text == (
        "A way out is open. The share verified was below 60 % in 2026-08 (50.0), 2026-09 (0.0). "
        "The number verified was below 1 in 2026-09 (0). Decide on it now. "
        "A notice of 30 days, given on 2026-10-15, ends the contract at the earliest with 2026-11-13 as its last day."
    )
    assert [row[-1] for row in section.table.rows] == ["open", "open"]


def test_no_way_out(tmp_path, empty):
    """A threshold that holds is closed, and a contract without one says so."""
    acme = contract_of(tmp_path, off_ramp="[{measure: verified_units, below: 1, months: 2}]")
    section = _section(_page(review_on(acme, [verdict_of(acme, "A", "2026-09-01T10:00:00Z")])), "The way out")

    assert section.text.startswith("No way out is open: go on. A notice of 30 days")
    assert section.table.rows == [["number verified", "1", "2", "2026-08: 0, 2026-09: 1", "closed"]]
    assert _section(_page(empty), "The way out").text.startswith("The contract names no threshold")


def test_a_way_out_that_pending_claims_keep_closed(tmp_path):
    """Where only pending claims keep a way out closed, the page says so, with what is measured and what may come."""
    acme = contract_of(tmp_path, off_ramp="[{measure: verified_units, below: 2, months: 1}]")
    pending = verdict_of(acme, "B", "2026-09-02T10:00:00Z", "pending")
    review = review_on(acme, [verdict_of(acme, "A", "2026-09-01T10:00:00Z"), pending])
    section = _section(_page(review), "The way out")

    assert section.text.startswith(
        "No way out is open yet; one opens unless what is pending is verified. "
        "The number verified was below 2 in 2026-09 (1, at most 2). A notice"
    )
    assert section.table.rows[0][-1] == "may open"


@pytest.mark.parametrize(
    ("term", "now", "by", "on"),
    [
        ("{start: 2026-07-01}", "2026-10-15T10:00:00Z", "notice", date(2026, 11, 14)),
        ("{start: 2026-07-01}", "2026-10-15T22:00:00Z", "notice", date(2026, 11, 15)),
        ("{start: 2026-07-01, notice_days: 1}", "2026-10-15T10:00:00Z", "notice", date(2026, 10, 16)),
        ("{start: 2026-07-01, minimum_months: 12}", "2026-10-15T10:00:00Z", "notice", date(2027, 7, 1)),
        ("{start: 2026-08-31, minimum_months: 6}", "2026-10-15T10:00:00Z", "notice", date(2027, 2, 28)),
        ("{start: 2026-07-01, minimum_months: 4}", "2026-10-15T10:00:00Z", "notice", date(2026, 11, 14)),
        ("{start: 2026-07-01, end: 2026-11-14}", "2026-10-15T10:00:00Z", "itself", date(2026, 11, 14)),
        ("{start: 2026-07-01, end: 2026-11-15}", "2026-10-15T10:00:00Z", "notice", date(2026, 11, 14)),
    ],
)
def test_how_a_contract_ends(tmp_path, term, now, by, on):
    """The earliest end follows from the day of the notice, its days, the least term and the end."""
    acme = contract_of(tmp_path, term=term)
    ending = ending_of(review_on(acme, [], "2026-09").agreement, parse_instant(now))

    assert (ending.by, ending.on) == (by, on)


@pytest.mark.parametrize(
    ("term", "words"),
    [
        ("{start: 2026-07-01, notice_days: 1}", "A notice of 1 day, given on 2026-10-15, ends the contract at the"),
        (
            "{start: 2026-07-01, minimum_months: 12}",
            "with 2027-06-30 as its last day. Until then the least term holds.",
        ),
        ("{start: 2026-07-01, end: 2026-11-01}", "The contract ends by itself: its last day is 2026-10-31"),
    ],
)
def test_the_end_in_words(tmp_path, term, words):
    """The page says in words how the contract may end."""
    assert words in _section(_page(review_on(contract_of(tmp_path, term=term), [])), "The way out").text


def test_a_contract_that_was_ended(tmp_path):
    """After a termination the page says who ended it and its last day, and asks for nothing."""
    ended = Termination(date(2026, 11, 20), "buyer", "too few", NOW)
    review = review_on(contract_of(tmp_path), [], termination=ended)

    assert "The buyer ended the contract: its last day is 2026-11-19." in _section(_page(review), "The way out").text


# --- as files and as data


def test_data_with_markup_stays_text(tmp_path):
    """Names, clauses and signals that look like markup are shown as they are, and run nothing."""
    evil = "<script>alert(1)</script>"
    acme = contract_of(tmp_path)
    review = review_on(acme, [verdict_of(acme, "A", "2026-07-10T10:00:00Z", "rejected", clause=evil)])
    signal = Signal("x", "vendor", evil, evil, 1, 1)
    html = render_page(_page(review, [signal], {evil: 1}), "html", prepared_at=NOW).decode()

    assert evil not in html
    assert html.count("&lt;script&gt;") >= 4


@pytest.mark.parametrize("form", ["html", "pdf"])
def test_both_forms_of_both_reviews(busy, empty, form):
    """A full and an empty review become a file in each form, the same bytes each time."""
    for page in (_page(busy, SIGNALS, {"open": 1}, [SAMPLE]), _page(empty)):
        assert render_page(page, form, prepared_at=NOW) == render_page(page, form, prepared_at=NOW)


def test_the_data_of_a_review(busy):
    """The data has the documented keys, amounts as texts and days as dates, and is JSON as it stands."""
    data = review_data(busy, SIGNALS, {"open": 1}, [SAMPLE], now=NOW)

    assert json.loads(json.dumps(data)) == data
    assert data["owed"] == {"amount": "1200.00", "currency": "EUR"}
    assert data["counts"] == {"verified": 2, "pending": 1, "rejected": 1, "unverifiable": 1, "reversed": 1}
    assert [each["saved"]["amount"] for each in data["outcomes"]] == ["370.00", "609.00"]
    assert data["adjustments"][0]["amount"] == "160.00"
    assert data["reversed_by"] == [{"clause": "not_returned", "claims": 1}]
    assert data["disputes"] == {"open": 1}
    assert [(each["name"], each["flagged"]) for each in data["signals"]] == [("b", False), ("a", True)]
    assert [ramp["open"] for ramp in data["off_ramps"]] == [True, True]
    assert data["off_ramps"][0]["measured"][1] == {"month": "2026-09", "value": "0.0", "most": "0.0", "below": True}
    assert data["ending"] == {"by": "notice", "on": "2026-11-14", "asked": "2026-10-15", "by_notice": "2026-11-14"}
    assert data["samples"][0]["status"] == "within"


def test_the_data_of_an_empty_review(empty):
    """Where there is nothing, the same keys are there, with null for what cannot be told."""
    data = review_data(empty, [], {}, now=NOW)

    assert (data["cost_per_outcome"], data["saved"], data["signals"], data["samples"]) == (None, None, [], [])
    assert data.keys() == review_data(empty, SIGNALS, {"open": 1}, [SAMPLE], now=NOW).keys()

"""A contract in words."""

import pytest
from tests.contract_files import CLEAN, CUSTOM, TEMPLATES, differing

from tallystick.contracts import load_contract
from tallystick.contracts.words import in_words


@pytest.fixture
def words(tmp_path):
    """Give a function that tells the clean contract, with a difference, as one text."""

    def tell(difference=""):
        path = differing(tmp_path / "contract.yaml", difference, CLEAN)
        sections = in_words(load_contract(path, templates=TEMPLATES, custom=CUSTOM))
        return "\n".join(line for section in sections for line in (section.title, *section.lines))

    return tell


def test_everything_is_told(words):
    """Parties, outcomes, prices, windows, limits, the calendar of an example, and rights are told."""
    told = words("# without outcomes.held_meeting\n")

    for line in (
        "acme-agents, version 1",
        "Acme GmbH pays Uptime AI, in EUR.",
        "It starts on 2026-10-01 and is open-ended; notice is 30 days.",
        "Decided in desk, for each ticket, by the template ticket-resolved.",
        "Price: 0.99 EUR each.",
        "It cost 6.20 EUR before: support cost by solved ticket, Q2 2026.",
        "A month in EUR: at least 500.00 EUR, at most 12000.00 EUR, the excess is forgiven.",
        "For example, an outcome whose windows are over on 2026-10-15 12:00:",
        "  locks on 2026-10-20 12:00; no later event moves that",
        "  can be disputed before 2026-10-30 12:00; after silence it is accepted",
        # The clocks went back in between, and the reading on the wall stays.
        "  can be corrected by a note before 2027-02-17 12:00",
        "What stays unverifiable for 14 days is not paid.",
        "Either may leave after 2 months with verified_rate below 60 %.",
        "The buyer may take along: all; the vendor keeps the data for 36 months.",
        "The buyer signs with acme+1a94675e+AerhyHk7VZfEs/SQ52rDEXLEOWkPjuFBQruFGmH5pJ8O.",
    ):
        assert line in told.split("\n")


def test_what_else_there_may_be(words):
    """Tiers, discounts, rates, samples, business days, ends and a later version are told too."""
    told = words(
        """# without outcomes.held_meeting
version: 2
effective: 2026-11-01
term: {end: 2027-10-01, minimum_months: 3, tail_days: 10}
outcomes:
  resolved:
    with: {reopen_days: 9, spam_and_test_exclusions: [test]}
    price: {tiers: {mode: graduated, steps: [{up_to: 100, per_unit: 0.99}, {per_unit: 0.80}]}}
    sample: {size: 50, tolerance: 5, rule: extrapolate}
    description: Tickets
finality: {days: business, on_silence: escalate}
billing:
  discounts: [{percent: 10, from: 2026-11-01, until: 2027-01-01, outcomes: [resolved], reason: pilot}]
  rates: {USD: {rate: 0.92, source: "ECB of 2026-09-01"}}
  currencies: {GBP: {cap: {monthly: 5}}}
"""
    )

    for line in (
        "This version decides what happens from 2026-11-01 on.",
        "It starts on 2026-10-01 and ends before 2027-10-01; notice is 30 days.",
        "No notice ends it before 3 months are over.",
        "What happens up to 10 days after the end still counts.",
        "Tickets.",
        "Set: reopen_days 9, spam_and_test_exclusions [test].",
        "Price: 0.99 EUR up to 100; 0.80 EUR for the rest (each step for what falls into it).",
        "People look at 50 lines of a month; if more than 5 % are wrong, at 95 % confidence, the rule is: extrapolate.",
        "Locked 5, disputable 10 and clawed back 120 business days on.",
        "10 % off the lines of resolved from 2026-11-01 before 2027-01-01: pilot.",
        "1 USD is 0.92 EUR: ECB of 2026-09-01.",
        "A month in GBP: no floor, at most 5.00 GBP, the excess is forgiven.",
    ):
        assert line in told.split("\n")


def test_a_price_with_included_units(words):
    """Included units are told with the price, and a volume price says that it is for all."""
    assert "Price: 0.99 EUR each, the first 50 of a month included." in words(
        "# without outcomes.held_meeting\noutcomes: {resolved: {price: {per_unit: 0.99, included: 50}}}"
    )
    assert "(the step that the month reaches, for all)" in words(
        "# without outcomes.held_meeting\n"
        "outcomes: {resolved: {price: {tiers: {mode: volume, steps: [{up_to: 5, per_unit: 2}, {per_unit: 1}]}}}}"
    )

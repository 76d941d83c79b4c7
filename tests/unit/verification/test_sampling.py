"""Numbers of acceptance sampling that anybody can do again by hand."""

from decimal import Decimal
from fractions import Fraction

import pytest

from tallystick.contracts import Sample
from tallystick.verification.bounds import at_least, at_most
from tallystick.verification.sampling import draw, judge, limit

FIVE = Fraction(5, 100)


def _terms(size=50, tolerance="5", confidence=95, rule="extrapolate"):
    return Sample(size, Decimal(tolerance), confidence, rule)


def test_one_wrong_of_two():
    """Of four lines two are drawn and one is wrong: with three wrong ones that is as likely as not, with one too."""
    assert (at_least(4, 2, 1, FIVE), at_most(4, 2, 1, FIVE)) == (1, 3)


def test_a_chance_equal_to_the_doubt_is_ruled_out():
    """Of twenty lines one is drawn and wrong: if it were the only one, that had a chance of exactly 1 in 20."""
    assert at_least(20, 1, 1, FIVE) == 2
    assert at_least(20, 1, 1, Fraction(4, 100)) == 1


def test_what_lies_between_whole_numbers_stays_below_the_estimate():
    """If 18 of 19 drawn of 20 are wrong, 18 in all are ruled out at 10 percent, and 19 would be above the estimate."""
    tenth = Fraction(1, 10)

    assert at_least(20, 19, 18, tenth) == 18 == 20 * 18 // 19
    assert at_least(20, 19, 18, tenth - Fraction(1, 1000)) == 18


def test_large_samples_are_judged_to_the_very_line():
    """Ten thousand drawn of a million: exact integers give 0.04996 at 56,157 and 0.05001 at 56,158."""
    assert (at_least(10**6, 10_000, 600, FIVE), at_most(10**6, 10_000, 600, FIVE)) == (56_158, 64_031)
    assert at_least(10**7, 100_000, 50_000, FIVE) < 5 * 10**6 < at_most(10**7, 100_000, 50_000, FIVE)


@pytest.mark.parametrize(
    ("population", "drawn", "wrong", "doubt"),
    [(5, 6, 0, FIVE), (5, 4, 5, FIVE), (5, 4, -1, FIVE), (5, 4, 1, Fraction(0)), (5, 4, 1, Fraction(1, 2))],
)
def test_numbers_that_do_not_fit_are_refused(population, drawn, wrong, doubt):
    """More drawn than there are, more wrong than drawn, or a doubt that is none, are faults of the caller."""
    with pytest.raises(ValueError, match="makes no sense"):
        at_least(population, drawn, wrong, doubt)


def test_within_and_exceeded():
    """Five wrong of fifty drawn of a thousand do not show more than 5 percent with 95 percent confidence; six do."""
    within = judge(_terms(), 1000, 45, 5)
    exceeded = judge(_terms(), 1000, 44, 6)

    assert (within.status, within.share, within.effect) == ("within", Decimal("0.100000"), "none")
    assert (exceeded.status, exceeded.share, exceeded.effect) == ("exceeded", Decimal("0.120000"), "extrapolate")
    assert limit(_terms(), 1000) == 6


def test_a_lower_bound_equal_to_the_tolerance_does_not_exceed_it():
    """The share has to lie above the tolerance, not at it: 5 wrong of all 100 are 5 percent."""
    assert judge(_terms(size=100), 100, 95, 5).status == "within"
    assert judge(_terms(size=100), 100, 94, 6).status == "exceeded"
    assert judge(_terms(size=100, tolerance="5.99"), 100, 94, 6).status == "exceeded"
    assert judge(_terms(size=100, tolerance="6.00"), 100, 94, 6).status == "within"


def test_shares_are_rounded_in_the_direction_that_claims_less():
    """One wrong of three: the share and the lower bounds are rounded down, the upper bound up."""
    finding = judge(_terms(size=3), 3, 2, 1)

    assert (finding.share, finding.least, finding.low) == (Decimal("0.333333"),) * 3
    assert finding.high == Decimal("0.333334")


def test_an_empty_month_is_within():
    """Where nothing was verified there is nothing to look at and nothing wrong."""
    finding = judge(_terms(), 0, 0, 0)

    assert (finding.status, finding.drawn, finding.waiting, finding.share, finding.high) == ("within", 0, 0, 0, 0)
    assert limit(_terms(), 0) is None


def test_a_tolerance_of_everything_is_never_exceeded():
    """With a tolerance of 100 percent no number of wrong ones exceeds it; with none the first one does."""
    assert limit(_terms(tolerance="100"), 1000) is None
    assert limit(_terms(tolerance="0"), 1000) == 1


def test_more_answers_than_lines_are_refused():
    """Answers beyond what was drawn are a fault of the caller, not a finding."""
    with pytest.raises(ValueError, match="more answers"):
        judge(_terms(size=3), 10, 2, 1, 1)


def test_a_subject_counts_once():
    """A list with a subject twice is refused."""
    with pytest.raises(ValueError, match="each of its subjects once"):
        draw(["claim:A", "claim:A"], 1, bytes(32))

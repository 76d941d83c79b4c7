"""Laws of lines that are held as bytes: nothing of them is lost, and they stand where they belong."""

from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.contracts import ExchangeRate
from tallystick.money import Currency, Money
from tallystick.statements.line import Gathering, Line, LineKind, Lines

TEXTS = st.text(st.sampled_from("\0\1\2aZ\x7f\xff\u20ac\ufb33\U0001f600"), max_size=4)
INSTANTS = st.integers(-(2**53), 2**53) | st.integers(-3, 3)
UNITS = st.sampled_from((Currency("EUR", 2), Currency("JPY", 0), Currency("UGX", 2), Currency("UGX", 0)))
RATES = st.builds(ExchangeRate, st.decimals(allow_nan=False, allow_infinity=False, places=4), st.text(max_size=3))


kinds = st.builds(
    LineKind,
    outcome=TEXTS,
    record_type=TEXTS,
    unit=TEXTS,
    price=TEXTS,
    currency=UNITS,
    version=st.integers(1, 9),
    status=st.sampled_from(("verified", "unverifiable")),
    rate=st.none() | RATES,
)


@st.composite
def lines(draw):
    """A line as no contract would give it, of a subject that no other line has."""
    kind = draw(kinds)
    return Line(
        kind=kind,
        subject=draw(TEXTS),
        ref=draw(TEXTS),
        record_id=draw(TEXTS),
        occurred_at=draw(st.none() | INSTANTS),
        decided_at=draw(st.none() | INSTANTS),
        locks_at=draw(INSTANTS),
        quantity=draw(st.decimals(allow_nan=False, allow_infinity=False)),
        amount=Money(draw(st.integers(-(10**30), 10**30)), kind.currency),
        entry=draw(st.integers(0, 2**53)),
    )


def _order(line):
    return line.outcome, line.occurred_at or 0, line.record_id, line.subject


def _gathered(taken, numbers=None):
    gathering = Gathering(numbers)
    for line in taken:
        gathering.add(line)
    return gathering.lines()


@settings(deadline=None)
@given(st.lists(lines(), unique_by=_order))
def test_lines_come_back_as_they_were_in_the_order_of_a_statement(taken):
    """Whatever the texts and instants, the lines that went in come out, sorted as tuples of their texts would be."""
    held = _gathered(taken)
    expected = sorted(taken, key=_order)

    assert list(held) == expected
    assert [held[place] for place in range(len(held))] == expected
    assert held[1:3] == tuple(expected[1:3])
    assert held == expected


@settings(deadline=None)
@given(st.lists(lines(), unique_by=_order))
def test_subtotals_are_what_the_lines_come_to(taken):
    """The subtotals tell the sum and the last lock of each outcome, version and currency, and nothing else."""
    sums, locks = defaultdict(int), defaultdict(list)
    for line in taken:
        key = line.outcome, line.version, line.amount.currency
        sums[key] += line.amount.minor
        locks[key].append(line.locks_at)

    told = {(one.outcome, one.version, one.amount.currency): one for one in _gathered(taken).subtotals}
    assert {key: one.amount.minor for key, one in told.items()} == sums
    assert {key: one.last_lock for key, one in told.items()} == {key: max(held) for key, held in locks.items()}


@settings(deadline=None)
@given(st.lists(lines(), unique_by=_order), st.integers(0, 9))
def test_lines_of_several_months_are_joined_in_their_order(taken, at):
    """Two parts joined are the lines of both, and what they come to is all there."""
    whole, numbers = _gathered(taken), {}
    joined = Lines.joined([_gathered(taken[at:], numbers), _gathered(taken[:at], numbers)])

    assert joined == whole
    assert sum(one.amount.minor for one in joined.subtotals) == sum(line.amount.minor for line in taken)


def test_lines_that_number_their_kinds_each_for_itself_are_not_joined():
    """Parts that were not gathered with the same numbers are refused: a line would become one of another kind."""
    with pytest.raises(ValueError, match="kinds"):
        Lines.joined([_gathered([]), _gathered([])])


def test_lines_are_equal_to_the_same_lines_and_have_no_hash():
    """No lines equal an empty tuple, and nothing that is no sequence; they are no key of a dict."""
    assert Lines() == ()
    assert Lines() != 0
    with pytest.raises(TypeError, match="unhashable"):
        hash(Lines())


def test_a_line_keeps_the_digits_of_its_quantity():
    """1.50 stays 1.50, since it is printed so."""
    unit = Currency("EUR", 2)
    kind = LineKind("a", "t", "u", "p", unit, 1, "verified", None)
    line = Line(kind, "s", "r", "i", None, None, 0, Decimal("1.50"), Money(1, unit), 0)
    [held] = _gathered([line])
    assert str(held.quantity) == "1.50"

"""Lines: what a claim would cost as it was made, what nobody claimed, what the buyer bears, and notes told briefly."""

from decimal import Decimal

import pytest
from tests.terms import terms, verdict

from tallystick.money import Money
from tallystick.period import parse_instant, parse_period
from tallystick.statements import LedgerHead, rate
from tallystick.statements.statement import Issued

AFTER = parse_instant("2027-06-01T00:00:00Z")
SEPTEMBER = parse_period("2026-09", "Europe/Berlin")
BEARS = "unverifiable: {borne_by: buyer, grace_days: 5}"


def _state(contract, *verdicts, label="2026-09", issued=()):
    return rate(
        contract,
        dict(enumerate(verdicts, 10)),
        parse_period(label, "Europe/Berlin"),
        prepared_at=AFTER,
        ledger=LedgerHead(99, "ab" * 32),
        issued=issued,
    )


@pytest.mark.parametrize(
    ("price", "quantity", "amount"),
    [
        ("{per_unit: 2.50, included: 10}", "3", "7.50 EUR"),
        ("{included: 10, tiers: {mode: volume, steps: [{up_to: 2, per_unit: 2.50}, {per_unit: 1}]}}", "3", "7.50 EUR"),
        ("{tiers: {mode: graduated, steps: [{up_to: 50.00, percent: 10}, {percent: 1}]}}", "100.00", "10.00 EUR"),
        ("{tiers: {mode: graduated, steps: [{percent: 10}]}, min: 1.00, max: 8.00}", "100.00", "8.00 EUR"),
        ("{tiers: {mode: volume, steps: [{percent: 10}]}, min: 1.00}", "3.00", "1.00 EUR"),
    ],
)
def test_what_nobody_claimed_costs_as_a_first_unit(price, quantity, amount):
    """A found outcome is told with the price it would have by itself: of the first tier, with nothing included."""
    by_money = "." in quantity
    contract = terms(**{"shared" if by_money else "counted": price})
    outcome = "shared" if by_money else "counted"
    statement = _state(contract, verdict(contract, f"found:{outcome}:ch_1", quantity, outcome=outcome))

    assert [str(line.amount) for line in statement.found] == [amount]
    assert (statement.lines, str(statement.total)) == ((), "0.00 EUR")


@pytest.mark.parametrize(
    ("outcome", "claimed", "expected"),
    [
        ("counted", {}, ["1.00 EUR"]),
        ("counted", {"claimed_amount": Decimal(90), "claimed_currency": "EUR"}, ["1.00 EUR"]),
        ("shared", {"claimed_amount": Decimal(90), "claimed_currency": "EUR"}, ["9.00 EUR"]),
        ("shared", {"claimed_amount": Decimal(90), "claimed_currency": "USD"}, ["9.00 USD"]),
        ("shared", {"claimed_amount": Decimal(90)}, ["9.00 EUR"]),
        ("shared", {}, []),
    ],
)
def test_what_the_buyer_bears_is_paid_as_claimed(outcome, claimed, expected):
    """An unverifiable claim that is borne costs one unit, or the share of the amount it names; without one, nothing."""
    contract = terms(more=BEARS)
    locks_at = parse_instant("2026-09-10T10:00:00Z")
    borne = verdict(contract, "A", status="unverifiable", outcome=outcome, locks_at=locks_at, **claimed)
    statement = _state(contract, borne)

    assert [str(line.amount) for line in statement.lines] == expected
    assert [line.status for line in statement.lines] == ["unverifiable"] * len(expected)


@pytest.mark.parametrize(("more", "locks_at"), [("", "2026-09-10T10:00:00Z"), (BEARS, None)])
def test_what_is_not_borne_is_no_line(more, locks_at):
    """Without the term, or without a lock, an unverifiable claim is no line."""
    contract = terms(more=more)
    at = None if locks_at is None else parse_instant(locks_at)

    assert _state(contract, verdict(contract, "A", status="unverifiable", locks_at=at)).lines == ()


def test_the_lock_picks_the_month():
    """A line stands in the month in which it locked, and one without a lock in that in which it was decided."""
    contract = terms()
    late = verdict(contract, "A", "1", "2026-08-31", locks_at=parse_instant("2026-09-01T10:00:00Z"))
    old = verdict(contract, "B", "1", "2026-09-10", locks_at=None)

    assert [line.subject for line in _state(contract, late, old).lines] == ["claim:A", "claim:B"]
    assert _state(contract, late, old, label="2026-08").lines == ()


def test_a_note_without_what_was_billed():
    """A note on a statement whose verdicts are not at hand says the amounts, and not which lines changed."""
    contract = terms()
    unit = contract.currency
    issued = Issued(5, SEPTEMBER, {unit: Money(500, unit)}, {}, 5, AFTER, "00")
    [note] = _state(contract, verdict(contract, "A", "7"), label="2026-10", issued=[issued]).notes

    assert (str(note.amount), note.kind, note.changes) == ("2.00 EUR", "debit", ())

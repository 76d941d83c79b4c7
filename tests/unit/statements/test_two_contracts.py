"""Two contracts tried on the same records: units, money, and the clauses that make the difference."""

from decimal import Decimal

import pytest
from tests.backtested import AUGUST, OCTOBER, SEPTEMBER, card, loader, opener
from tests.evidence import databases

from tallystick.period import parse_period
from tallystick.statements.comparison import Counted, Difference, compare_contracts


@pytest.fixture
def agreed(tmp_path):
    """Give a function that loads a contract that differs from a plain one as a text says."""
    return loader(tmp_path)


@pytest.fixture
def build():
    """Give a function that makes a database of records."""
    with databases() as make:
        yield make


def _compared(old, new, database, period="2026-09"):
    return compare_contracts(old, new, parse_period(period, old.timezone), opener(database), names=("acme@1", "acme@2"))


def test_the_difference_in_money(agreed, build):
    """Units, price and what is owed are told under both, with the clauses that make the difference."""
    database = build(
        card("a", created_at=SEPTEMBER),
        card("b", created_at=SEPTEMBER, amount_captured=Decimal(45)),
        card("c", created_at=SEPTEMBER, amount_captured=Decimal(45)),
        card("other month", created_at=OCTOBER),
    )
    new = agreed(
        "version: 2\noutcomes: {paid: {with: {least: 50}, price: {per_unit: 12}}}\nbilling: {floor: {monthly: 15}}"
    )
    told = _compared(agreed(), new, database)

    [found] = told.outcomes
    assert found.old == Counted("acme@1", {"meets": 3}, 3, {"EUR": "30.00"})
    assert found.new == Counted("acme@2", {"meets": 1, "rejected": 2}, 1, {"EUR": "12.00"})
    assert found.differences == (Difference("acme@1", "acme@2", "rejected", "enough", 2),)
    assert (told.owed_old, told.owed_new, told.change) == ({"EUR": "30.00"}, {"EUR": "15.00"}, {"EUR": "-15.00"})


def test_a_contract_beside_itself_and_back(agreed, build):
    """Beside itself nothing changes; the other way round, both sides and all signs are exchanged."""
    database = build(card("a", created_at=SEPTEMBER), card("b", created_at=SEPTEMBER, method="cash"))
    old, new = agreed(), agreed("version: 2\noutcomes: {paid: {with: {method: cash}, price: {per_unit: 12}}}")
    same, there, back = (_compared(*pair, database) for pair in ((old, old), (old, new), (new, old)))

    assert same.change == {}
    assert same.outcomes[0].differences == ()
    assert there.change == {"EUR": "2.00"}
    assert back.change == {"EUR": "-2.00"}
    assert (there.owed_old, there.owed_new) == (back.owed_new, back.owed_old)
    assert [(d.status, d.clause, d.records) for d in there.outcomes[0].differences] == [("rejected", "method", 1)] * 2


def test_an_outcome_that_one_has_alone(agreed, build):
    """An outcome of one contract alone is counted there, without differences; so is one about other records."""
    more = """
outcomes:
  invoiced:
    source: billing
    record: invoice
    clauses: {paid: "status = 'paid'"}
    price: {per_unit: 1}
"""
    database = build(card("a", created_at=SEPTEMBER), ("invoice", "in_1", {"created_at": SEPTEMBER, "status": "paid"}))
    told = _compared(agreed(), agreed(more), database)

    assert [(found.outcome, found.old is None) for found in told.outcomes] == [("paid", False), ("invoiced", True)]
    assert told.outcomes[1].new.units == 1
    assert told.change == {"EUR": "1.00"}
    other = agreed(more.replace("invoiced", "paid").replace("outcomes:", "# without outcomes.paid\noutcomes:"))
    told = _compared(agreed(), other, database)
    assert told.outcomes[0].differences == ()


def test_what_was_paid_before_the_period_holds_its_unit(agreed, build):
    """A record of the term in front of the period keeps a later one of its unit from being paid again."""
    database = build(card("a", created_at=AUGUST), card("b", created_at=SEPTEMBER, beneficiary="a"))
    running = agreed("term: {start: 2026-08-01}")

    assert _compared(running, running, database).outcomes[0].old.units == 0
    assert _compared(agreed(), agreed(), database).outcomes[0].old.units == 1

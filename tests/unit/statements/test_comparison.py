"""Two definitions of one outcome over the same records: units, money, and which clause makes the difference."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from tests.evidence import READ, START, databases, payment

from tallystick.contracts import Percent, PerUnit
from tallystick.money import Money, currency
from tallystick.outcomes import PredicateSource, predicate_from_source
from tallystick.outcomes.predicate import Unit
from tallystick.outcomes.ticket_resolved import TICKET_RESOLVED
from tallystick.period import DAY, parse_instant
from tallystick.statements.comparison import Counted, Difference, compare

EUR = currency("EUR")
FACTS = {"carries_on": "beneficiary", "asked_by": "customer_id"}


@pytest.fixture
def records():
    """Give a function that makes a database of records: (type, id, {column: value}) each."""
    with databases() as build:
        yield build


def _predicate(*, quantity=None, unit=None, **clauses):
    return predicate_from_source("payment", PredicateSource(FACTS, clauses, quantity, unit=unit))


@pytest.fixture
def both(acme):
    """Give a function that compares two predicates under a price and a term; by default both count succeeded ones."""

    def run(database, ours=None, theirs=None, *, price="2.00", start=date(2026, 4, 1), end=None):
        ours = ours or _predicate(succeeded="status = 'succeeded'")
        priced = PerUnit(Money.of(Decimal(price), EUR, "half_up")) if isinstance(price, str) else Percent(price)
        contract = acme.contract
        ends_at = None if end is None else parse_instant(f"{end.isoformat()}T00:00:00+02:00")
        starts_at = parse_instant(f"{start.isoformat()}T00:00:00+02:00")
        contract = replace(contract, term=replace(contract.term, starts_at=starts_at, ends_at=ends_at))
        outcome = replace(contract.outcomes["recovered"], predicate=ours, price=priced)
        return compare(database, contract, outcome, theirs or ours, READ, name="theirs")

    return run


def test_equal_definitions_do_not_differ(both, records):
    """Beside itself a definition counts the same and differs in nothing; both are named."""
    told = both(records(payment("ch_1"), payment("ch_2"), payment("ch_3", status="failed")))

    assert (told.contract, told.outcome) == ("acme-collections", "recovered")
    assert told.counted == (
        Counted("acme-collections", {"meets": 2, "rejected": 1}, 2, {"EUR": "4.00"}),
        Counted("theirs", {"meets": 2, "rejected": 1}, 2, {"EUR": "4.00"}),
    )
    assert told.differences == ()


def test_nothing_to_compare(both, records):
    """Without records both count nothing and cost nothing."""
    told = both(records())

    assert told.counted[0] == Counted("acme-collections", {}, 0, {})
    assert told.differences == ()


def test_differences_go_both_ways(both, records):
    """What one pays for and the other does not is counted by the other's clause, the most frequent first."""
    ours = _predicate(succeeded="status = 'succeeded'", card="method = 'card'", waited="captured")
    theirs = _predicate(platform="channel = 'platform'")
    told = both(
        records(
            payment("ch_1", method="card", captured=True, channel="off"),
            payment("ch_2", method="card", captured=True),
            payment("ch_3", method="card", captured=True, channel="off"),
            payment("ch_4", method="cash", captured=True, channel="platform"),
            payment("ch_5", method="card", captured=True, channel="platform"),
            payment("ch_6", status="failed", method="cash", channel="platform"),
            payment("ch_7", method="card", captured=None, channel="platform"),
        ),
        ours,
        theirs,
    )

    assert told.differences == (
        Difference("acme-collections", "theirs", "rejected", "platform", 2),
        Difference("acme-collections", "theirs", "unverifiable", "platform", 1),
        Difference("theirs", "acme-collections", "rejected", "card", 1),
        Difference("theirs", "acme-collections", "rejected", "succeeded", 1),
        Difference("theirs", "acme-collections", "unverifiable", "waited", 1),
    )
    assert [counted.units for counted in told.counted] == [4, 4]


def test_a_quantity_that_is_unknown_is_a_difference(both, records):
    """Where every clause holds and the quantity is missing, the difference is called quantity."""
    theirs = _predicate(succeeded="status = 'succeeded'", quantity="amount_captured")
    told = both(records(payment("ch_1", amount_captured=None)), None, theirs)

    assert told.differences == (Difference("acme-collections", "theirs", "unverifiable", "quantity", 1),)


@pytest.mark.parametrize(
    ("at", "counted"),
    [
        ("2026-08-31T21:59:59.999999Z", 0),
        ("2026-08-31T22:00:00Z", 1),
        ("2026-09-30T21:59:59.999999Z", 1),
        ("2026-09-30T22:00:00Z", 0),
        (None, 0),
    ],
)
def test_only_the_term_counts(both, records, at, counted):
    """Records from the first instant of the term up to its end are compared; outside it, and undated, none is."""
    created = None if at is None else parse_instant(at)
    told = both(records(payment("ch_1", created_at=created)), start=date(2026, 9, 1), end=date(2026, 10, 1))

    assert [each.units for each in told.counted] == [counted, counted]
    assert sum(told.counted[0].records.values()) == counted


def test_a_term_without_an_end(both, records):
    """An open-ended term has no last record."""
    assert both(records(payment("ch_1", created_at=START + 80 * DAY))).counted[0].units == 1


def test_percent_of_several_currencies(both, records):
    """A percentage is paid in the currency of each record, with the places its system uses, and never added across."""
    ours = _predicate(succeeded="status = 'succeeded'", quantity="amount_captured")
    told = both(
        records(
            payment("ch_1", amount_captured=Decimal("0.30")),
            payment("ch_2", amount_captured=Decimal("0.34")),
            payment("ch_3", amount_captured=Decimal(1005), currency="JPY", exponent=0),
            payment("ch_4", amount_captured=Decimal(1005), currency="UGX", exponent=2),
        ),
        ours,
        _predicate(euro="currency = 'EUR'", quantity="amount_captured"),
        price=Decimal("12.5"),
    )

    # 0.0375 and 0.0425 are rounded before they are added: 0.04 + 0.04.
    assert told.counted[0].amounts == {"EUR": "0.08", "JPY": "126", "UGX": "125.63"}
    assert told.counted[1].amounts == {"EUR": "0.08"}
    assert [counted.units for counted in told.counted] == [4, 2]


def test_units_are_counted_by_quantity(both, records):
    """A quantity that is a number of units is what is counted and priced."""
    theirs = _predicate(succeeded="status = 'succeeded'", quantity="case when method = 'card' then 3 else 1 end")
    told = both(records(payment("ch_1", method="card"), payment("ch_2", method="cash")), None, theirs)

    assert [(counted.units, counted.amounts) for counted in told.counted] == [
        (2, {"EUR": "4.00"}),
        (4, {"EUR": "8.00"}),
    ]


def test_each_counts_by_its_own_unit(both, records):
    """Records of one unit are paid once by the definition that joins them, and each by the one that does not."""
    clause = {"succeeded": "status = 'succeeded'"}
    database = records(
        payment("ch_1", customer_id="c"),
        payment("ch_2", beneficiary="ch_1"),
        payment("ch_3", status="failed", beneficiary="ch_2"),
        payment("ch_4", customer_id="c", created_at=START + DAY // 4),
        payment("ch_5", customer_id="c", created_at=START + DAY),
    )
    told = both(database, _predicate(**clause), _predicate(**clause, unit=Unit(("carries_on",))))
    assert [counted.units for counted in told.counted] == [4, 3]
    assert told.counted[0].records == told.counted[1].records == {"meets": 4, "rejected": 1}
    assert told.differences == ()

    told = both(
        database,
        _predicate(**clause, unit=Unit((), "asked_by")),
        _predicate(**clause, unit=Unit(("carries_on",), "asked_by")),
    )
    assert [counted.units for counted in told.counted] == [3, 2]


def test_what_is_not_settled_is_not_paid(both, records):
    """Records whose window was not read to its end are pending, and counted as such by the definition that has it."""
    theirs = TICKET_RESOLVED.predicate({"bots": ["900"]})
    agreed = TICKET_RESOLVED.predicate({"bots": ["900"], "reopen_effect": "none", "confirmation": "silence"})
    act = {"ticket_id": "t1", "actor_id": "900", "by": "user", "public": True, "says": "other"}
    start = START + 85 * DAY
    database = records(
        ("actor", "900", {"role": "agent"}),
        ("ticket", "t1", {"created_at": start, "updated_at": start, "channel": "email", "reopens_reported": 0}),
        ("ticket_event", "1", {**act, "kind": "message", "at": start + 1}),
        ("ticket_event", "2", {**act, "kind": "solved", "at": start + 2}),
    )
    told = both(database, agreed, theirs)

    assert [(counted.units, counted.records) for counted in told.counted] == [(1, {"meets": 1}), (0, {"pending": 1})]
    assert [(found.status, found.records) for found in told.differences] == [("pending", 1)]


def test_a_price_for_each_unit_of_money_is_paid_once(both, records):
    """Where the quantity is an amount and the price is per unit, a record is one unit, as on a statement."""
    ours = _predicate(succeeded="status = 'succeeded'", quantity="amount_captured")

    assert both(records(payment("ch_1")), ours).counted[0].amounts == {"EUR": "2.00"}

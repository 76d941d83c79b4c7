"""A contract tried on history: units, months, range, what clauses and parameters change, and what a statement says."""

from contextlib import contextmanager
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.backtested import AUGUST, OCTOBER, PAID, QUARTER, SEPTEMBER, card, loader, opener
from tests.contract_files import CUSTOM
from tests.evidence import READ, databases, payment

from tallystick.contracts import load_contract
from tallystick.contracts.variants import Variants
from tallystick.errors import ConfigurationError, ContractError
from tallystick.outcomes import Inputs
from tallystick.period import DAY, Period, parse_instant
from tallystick.statements import LedgerHead, rate
from tallystick.statements.backtest import backtest
from tallystick.statements.backtest_report import Estimate, PresetEffect, StepEffect
from tallystick.verification.claim import Claim
from tallystick.verification.verifier import Decision


@pytest.fixture
def agreed(tmp_path):
    """Give a function that loads a contract that differs from a plain one as a text says."""
    return loader(tmp_path)


@pytest.fixture
def build():
    """Give a function that makes a database of records."""
    with databases() as make:
        yield make


def _tried(contract, database, period=QUARTER, *, inputs=READ, **more):
    variants = {
        name: Variants(contract, outcome, PAID, CUSTOM["billing"])
        for name, outcome in contract.outcomes.items()
        if outcome.uses
    }
    return backtest(contract, period, opener(database, inputs), variants=variants, **more)


def test_months(agreed, build):
    """A unit counts in the month in which it happened, in the contract's zone, whatever the term is."""
    told = _tried(
        agreed("billing: {floor: {monthly: 15}, cap: {monthly: 20}}"),
        build(
            card("before", created_at=QUARTER.start - 1),
            card("a1", created_at=AUGUST),
            card("s1", created_at=parse_instant("2026-08-31T22:00:00Z")),
            card("s2", created_at=SEPTEMBER),
            card("s3", created_at=SEPTEMBER),
            card("after", created_at=QUARTER.end),
        ),
    )

    assert [(month.month, month.units["paid"], month.price, month.owed) for month in told.months] == [
        ("2026-08", 1, {"EUR": "10.00"}, {"EUR": "15.00"}),
        ("2026-09", 3, {"EUR": "30.00"}, {"EUR": "20.00"}),
        ("2026-10", 0, {}, {"EUR": "15.00"}),
    ]
    assert told.price == {"EUR": "40.00"}
    assert told.owed["decided"] == {"EUR": "50.00"}
    assert told.notes == ()
    assert told.outcomes[0].records == {"meets": 4}


def test_tiers_and_discounts_count_by_month(agreed, build):
    """Included units and tiers begin anew each month, and discounts are taken off before the cap."""
    told = _tried(
        agreed(
            "outcomes: {paid: {price: {included: 1, tiers: {mode: graduated, steps:"
            " [{up_to: 1, per_unit: 10}, {per_unit: 4}]}}}}\n"
            "billing: {discounts: [{percent: 50, reason: pilot}]}"
        ),
        build(*(card(f"p{place}", created_at=at) for place, at in enumerate([AUGUST, *[SEPTEMBER] * 4]))),
    )

    assert [(month.price, month.owed) for month in told.months] == [
        ({"EUR": "0.00"}, {}),
        ({"EUR": "18.00"}, {"EUR": "9.00"}),
        ({}, {}),
    ]


def test_the_range(agreed, build):
    """What is pending and what is unverifiable widen the range, one after the other, up to the cap."""
    contract = agreed(
        """# without outcomes.paid.uses
outcomes:
  paid:
    record: payment
    clauses:
      succeeded: "status = 'succeeded'"
      settled: {test: captured, until: "created_at + interval '20 days'"}
billing: {cap: {monthly: 25}}
"""
    )
    database = build(
        payment("meets", created_at=SEPTEMBER, captured=True),
        payment("waits", created_at=OCTOBER, captured=True),
        payment("open", created_at=SEPTEMBER, captured=None),
        payment("also", created_at=SEPTEMBER, captured=None),
        payment("never", created_at=SEPTEMBER, status="failed", captured=True),
    )
    read = Inputs(READ.read_from, dict.fromkeys(READ.read_to, OCTOBER + DAY))
    told = backtest(contract, QUARTER, opener(database, read))
    found = told.outcomes[0]

    assert found.records == {"meets": 1, "pending": 1, "rejected": 1, "unverifiable": 2}
    assert found.range.decided == Estimate(1, {"EUR": "10.00"}, {"EUR": "10.00"})
    assert found.range.with_pending == Estimate(2, {"EUR": "20.00"}, {"EUR": "20.00"})
    assert found.range.with_unverifiable == Estimate(4, {"EUR": "40.00"}, {"EUR": "35.00"})
    assert (told.owed["decided"], told.owed["with_pending"]) == ({"EUR": "10.00"}, {"EUR": "20.00"})
    assert told.owed["with_unverifiable"] == {"EUR": "35.00"}
    assert "read up to" in told.notes[0]
    assert found.steps == found.presets == ()


def test_what_one_clause_alone_keeps_out(agreed, build):
    """A clause is told with what it is false for, and with what it alone keeps out and what that would cost."""
    told = _tried(
        agreed("billing: {cap: {monthly: 25}}"),
        build(
            card("meets", created_at=SEPTEMBER),
            card("cash1", created_at=SEPTEMBER, method="cash"),
            card("cash2", created_at=SEPTEMBER, method="cash"),
            card("both", created_at=SEPTEMBER, method="cash", status="failed"),
            card("little", created_at=SEPTEMBER, amount_captured=Decimal(39)),
            card("unknown", created_at=SEPTEMBER, method=None),
        ),
        steps=False,
    )
    by_name = {clause.clause: clause for clause in told.outcomes[0].clauses}

    assert [(c.false, c.alone, c.unknown_alone, c.open_alone) for c in by_name.values()] == [
        (1, 0, 0, 0),
        (3, 2, 1, 0),
        (1, 1, 0, 0),
    ]
    assert (by_name["method"].units, by_name["method"].price, by_name["method"].owed) == (
        2,
        {"EUR": "20.00"},
        {"EUR": "15.00"},
    )
    assert (by_name["succeeded"].units, by_name["succeeded"].price) == (0, {})


def test_what_is_not_read_yet_is_open(agreed, build):
    """A record that was read no further than it happened is held up by clauses that are not knowable yet."""
    read = Inputs(READ.read_from, dict.fromkeys(READ.read_to, SEPTEMBER))
    told = _tried(agreed(), build(card("late", created_at=SEPTEMBER)), inputs=read, steps=False)

    assert told.outcomes[0].records == {"pending": 1}
    assert [clause.open_alone for clause in told.outcomes[0].clauses] == [0, 0, 0]
    assert told.outcomes[0].range.with_pending == Estimate(1, {"EUR": "10.00"}, {"EUR": "10.00"})


def test_one_unit_is_paid_once(agreed, build):
    """A record whose unit is held already adds nothing, also where a clause alone keeps it out."""
    told = _tried(
        agreed(),
        build(
            card("first", created_at=SEPTEMBER),
            card("again", created_at=SEPTEMBER + 1, beneficiary="first"),
            card("third", created_at=SEPTEMBER + 2, beneficiary="again", method="cash"),
        ),
        steps=False,
    )
    [found] = told.outcomes

    assert found.records == {"meets": 2, "rejected": 1}
    assert found.range.decided.units == 1
    assert [(clause.alone, clause.units) for clause in found.clauses] == [(0, 0), (1, 0), (0, 0)]


def test_steps(agreed, build):
    """Each step is told with the units and money it changes, which may be none, and one that is refused with why."""
    contract = agreed("outcomes: {paid: {with: {least: 40}, clauses: {euro: \"currency = 'EUR'\"}}}")
    told = _tried(
        contract,
        build(
            card("a", created_at=SEPTEMBER, amount_captured=Decimal(45)),
            card("b", created_at=SEPTEMBER, amount_captured=Decimal(35)),
            card("c", created_at=SEPTEMBER, amount_captured=Decimal(35), currency="USD"),
            card("d", created_at=SEPTEMBER, method="cash"),
            card("e", created_at=SEPTEMBER, method="cash"),
        ),
    )

    assert told.outcomes[0].steps == (
        StepEffect("least", "40", "30", 1, {"EUR": "10.00"}, {"EUR": "10.00"}),
        StepEffect("least", "40", "50", -1, {"EUR": "-10.00"}, {"EUR": "-10.00"}),
        StepEffect("method", "card", "cash", 1, {"EUR": "10.00"}, {"EUR": "10.00"}),
        StepEffect("method", "card", "none", refused="paid-by-card: no method at all"),
        StepEffect("unused", "false", "true"),
    )


def test_presets(agreed, build):
    """A preset is billed at its published price, in its own currency, else at the contract's; its errors are told."""
    told = _tried(
        agreed(),
        build(
            card("a", created_at=SEPTEMBER),
            card("b", created_at=SEPTEMBER, amount_captured=Decimal(5)),
            card("c", created_at=SEPTEMBER, method="cash"),
        ),
    )

    assert told.outcomes[0].presets == (
        PresetEffect("cheap", 2, {"USD": "1.00"}, "published: USD 0.50 each"),
        PresetEffect("by-contract", 1, {"EUR": "10.00"}, "the contract's price"),
        PresetEffect("broken", 0, {}, "not public", "paid-by-card: no method at all"),
    )


def test_savings_against_the_baseline(agreed, build):
    """What is saved is told by unit and in all, with the units and the price at which nothing is."""
    told = _tried(
        agreed("outcomes: {paid: {baseline: {cost_per_outcome: 12.50, basis: y}}}\nbilling: {floor: {monthly: 40}}"),
        build(card("a", created_at=SEPTEMBER), card("b", created_at=SEPTEMBER)),
    )
    even = told.outcomes[0].break_even

    assert (even.baseline, even.paid, even.saved_each, even.saved) == ("12.50", "10.00", "2.50", "5.00")
    assert (even.units, even.price) == (4, "12.50 EUR each")
    # Three months of the floor.
    assert told.saved == "-95.00"


def test_savings_of_a_percentage(agreed, build):
    """Of a percentage, the one at which the average outcome costs what it did before is told."""
    contract = agreed(
        """# without outcomes.paid.uses
outcomes:
  paid:
    record: payment
    clauses: {succeeded: "status = 'succeeded'"}
    quantity: amount_captured
    price: {percent: 10}
    baseline: {cost_per_outcome: 12.50, basis: y}
"""
    )
    database = build(
        payment("a", created_at=SEPTEMBER), payment("b", created_at=SEPTEMBER, amount_captured=Decimal(50))
    )
    [found] = backtest(contract, QUARTER, opener(database)).outcomes

    assert found.break_even.paid == "7.50"
    assert (found.break_even.units, found.break_even.price) == (None, "16.67 %")


def test_amounts_that_are_not_known(agreed, build):
    """Of a percentage, what is not decided and has no amount is counted apart and not priced."""
    contract = agreed(
        """# without outcomes.paid.uses
outcomes:
  paid:
    record: payment
    clauses: {succeeded: "status = 'succeeded'"}
    quantity: amount_captured
    price: {percent: 10}
"""
    )
    database = build(
        payment("a", created_at=SEPTEMBER, amount_captured=None), payment("b", created_at=SEPTEMBER, status=None)
    )
    [found] = backtest(contract, QUARTER, opener(database)).outcomes

    assert found.range.unpriced == 1
    assert found.range.with_unverifiable.price == {"EUR": "10.00"}
    with pytest.raises(ContractError, match="b cannot be priced by a percentage"):
        backtest(
            contract,
            QUARTER,
            opener(build(payment("b", created_at=SEPTEMBER, currency=None))),
        )


def test_no_records(agreed, build):
    """Without records nothing is a unit, and nothing is owed but floors."""
    told = _tried(agreed("outcomes: {paid: {baseline: {cost_per_outcome: 12.50, basis: y}}}"), build())

    assert told.price == {}
    assert told.owed == {"decided": {}, "with_pending": {}, "with_unverifiable": {}}
    assert told.saved == "0.00"
    assert told.outcomes[0].break_even.paid is None


def test_notes_say_what_cannot_be_followed(agreed, build):
    """Terms that a backtest cannot follow, and evidence that was not read, are named."""
    contract = agreed(
        """outcomes: {paid: {sample: {size: 5, tolerance: 5, rule: hold}}}
billing: {cap: {monthly: 5, excess: carried}, discounts: [{percent: 5, until: 2027-01-01, reason: pilot}]}
unverifiable: {borne_by: buyer}
"""
    )
    inputs = Inputs({"payment": SEPTEMBER}, {"payment": OCTOBER})
    told = _tried(contract, build(), inputs=inputs, steps=False)

    assert told.notes[:2] == (
        "billing: payment: known since 2026-09-10T10:00:00Z only, after the period begins.",
        "billing: payment: read up to 2026-10-10T10:00:00Z, before the period ends.",
    )
    assert len(told.notes) == 6
    assert _tried(agreed(), build(), inputs=Inputs({}, {}), steps=False).notes == (
        "billing: payment: never read: what depends on it is not decided.",
    )


def test_only_whole_months(agreed, build):
    """A period that is not made of whole months of the contract's zone is refused."""
    with pytest.raises(ConfigurationError, match="not made of whole months"):
        _tried(agreed(), build(), Period(QUARTER.start + 1, QUARTER.end, "odd"))


# --- what a statement says


@contextmanager
def _loaded(tmp_path, text):
    path = tmp_path / "law.yaml"
    path.write_text(text)
    yield load_contract(path, templates={PAID.name: PAID}, custom=CUSTOM)


PAYMENTS = st.lists(
    st.tuples(
        st.integers(QUARTER.start // DAY + 1, QUARTER.end // DAY - 2),
        st.sampled_from(["succeeded", "succeeded", "failed"]),
        st.integers(1, 30_000),
        st.sampled_from(["EUR", "EUR", "USD", "JPY"]),
    ),
    max_size=12,
)
PRICES = st.sampled_from(
    [
        "{percent: 12.5}",
        "{percent: 3, min: 1, max: 9}",
        "{tiers: {mode: volume, steps: [{up_to: 300, percent: 10}, {percent: 7.25}]}}",
        "{tiers: {mode: graduated, steps: [{up_to: 100, percent: 10}, {percent: 7.25}]}}",
    ]
)
BILLING = st.sampled_from(
    [
        "{}",
        "{floor: {monthly: 20}, cap: {monthly: 50}}",
        "{cap: {monthly: 30, excess: carried}, rates: {USD: {rate: 0.9, source: x}}}",
        "{discounts: [{percent: 15, reason: pilot}], currencies: {USD: {cap: {monthly: 9}}}, cap: {monthly: 40}}",
    ]
)
LAW = """\
contract: law
version: 1
buyer: B
vendor: {name: V}
timezone: Europe/Berlin
currency: EUR
term: {start: 2026-08-01}
outcomes:
  paid:
    source: billing
    record: payment
    clauses: {succeeded: "status = 'succeeded'"}
    quantity: amount_captured
"""


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=PAYMENTS, price=PRICES, billing=BILLING)
def test_it_is_what_the_statement_of_all_found_records_says(found, price, billing, tmp_path):
    """Where windows end at once, a backtest owes what the statement of claims on every record does, cent for cent."""
    rows = [
        payment(
            f"p{place:02}",
            created_at=day * DAY,
            status=status,
            amount_captured=Decimal(cents).scaleb(-2),
            currency=code,
            exponent=0 if code == "JPY" else 2,
        )
        for place, (day, status, cents, code) in enumerate(found)
    ]
    text = f"{LAW}    price: {price}\nfinality: {{lock_days: 0}}\nbilling: {billing}\n"
    with databases() as make, _loaded(tmp_path, text) as contract:
        database = make(*rows)
        told = backtest(contract, QUARTER, opener(database))
        [outcome] = contract.outcomes.values()
        claims = [Claim(record_id, "paid", record_id) for _, record_id, _ in rows]
        decision = Decision(database, contract, outcome, READ, before={}, now=QUARTER.end + DAY)
        decision.prepare(claims)
        verdicts = dict(enumerate(decision.claimed(claims, {})))
        stated = rate(contract, verdicts, QUARTER, prepared_at=QUARTER.end + DAY, ledger=LedgerHead(0, "00" * 32))

    owed = {total.currency.code: f"{total.amount:f}" for total in stated.own_totals if total}
    assert {code: amount for code, amount in told.owed["decided"].items() if Decimal(amount)} == owed
    lines = {total.currency.code: f"{total.amount:f}" for total in stated.subtotals if total}
    assert {code: amount for code, amount in told.price.items() if Decimal(amount)} == lines

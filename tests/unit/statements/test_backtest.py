"""A contract tried on history: units, months, range, what clauses and parameters change, and what a statement says."""

from contextlib import contextmanager, nullcontext
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract_files import CUSTOM, differing
from tests.evidence import READ, databases, payment

from tallystick.contracts import load_contract
from tallystick.contracts.variants import Variants
from tallystick.errors import ConfigurationError, ContractError
from tallystick.outcomes import Inputs, Param, PredicateSource, Template
from tallystick.outcomes.predicate import Unit
from tallystick.outcomes.template import Preset
from tallystick.period import DAY, Period, parse_instant, parse_period
from tallystick.statements import LedgerHead, rate
from tallystick.statements.backtest import backtest
from tallystick.statements.backtest_report import Estimate, PresetEffect, StepEffect
from tallystick.statements.comparison import Counted, Difference, compare_contracts
from tallystick.verification.claim import Claim
from tallystick.verification.verifier import Decision

CONTRACT = """\
contract: acme
version: 1
buyer: Acme GmbH
vendor: {name: Uptime AI}
timezone: Europe/Berlin
currency: EUR
term: {start: 2026-12-01}
outcomes:
  paid:
    source: billing
    uses: paid-by-card
    price: {per_unit: 10.00}
"""
QUARTER = Period(
    parse_period("2026-08", "Europe/Berlin").start, parse_period("2026-10", "Europe/Berlin").end, "2026-08 to 2026-10"
)
AUGUST, SEPTEMBER, OCTOBER = (parse_instant(f"2026-{month}-10T10:00:00Z") for month in ("08", "09", "10"))


def _preset(name, **more):
    values = {"doc": "", "values": {}, "price": "", "source": "", "date": "", "confidence": "P", **more}
    return Preset(name=name, **values)


def _build(values):
    if values["method"] == "none":
        raise ValueError("no method at all")
    clauses = {"succeeded": "status = 'succeeded'", "method": f"method = '{values['method']}'"}
    return PredicateSource(
        {"carries_on": "beneficiary"},
        {**clauses, "enough": "amount_captured >= :least"},
        params={"least": Decimal(values["least"])},
        unit=Unit(("carries_on",)),
    )


PAID = Template(
    "paid-by-card",
    "payment",
    "",
    (
        Param("least", "integer", "", "", 40),
        Param("method", "text", "", "", "card", ("card", "cash", "none")),
        Param("unused", "boolean", "", "", default=False),
    ),
    _build,
    {
        "cheap": _preset("cheap", values={"least": 1}, price="USD 0.50 each", per_unit="0.50 USD"),
        "by-contract": _preset("by-contract", values={"method": "cash"}),
        "broken": _preset("broken", values={"method": "none"}, price="not public"),
    },
)


def _card(record_id, **changes):
    return payment(record_id, **{"method": "card", **changes})


@pytest.fixture
def agreed(tmp_path):
    """Give a function that loads a contract that differs from a plain one as a text says."""

    def load(difference=""):
        base = tmp_path / "base.yaml"
        base.write_text(CONTRACT)
        path = differing(tmp_path / "contract.yaml", difference, base)
        return load_contract(path, templates={PAID.name: PAID}, custom=CUSTOM)

    return load


@pytest.fixture
def build():
    """Give a function that makes a database of records."""
    with databases() as make:
        yield make


def _opener(database, inputs=READ):
    return lambda _: nullcontext((database, inputs))


def _tried(contract, database, period=QUARTER, *, inputs=READ, **more):
    variants = {
        name: Variants(contract, outcome, PAID, CUSTOM["billing"])
        for name, outcome in contract.outcomes.items()
        if outcome.uses
    }
    return backtest(contract, period, _opener(database, inputs), variants=variants, **more)


def test_months(agreed, build):
    """A unit counts in the month in which it happened, in the contract's zone, whatever the term is."""
    told = _tried(
        agreed("billing: {floor: {monthly: 15}, cap: {monthly: 20}}"),
        build(
            _card("before", created_at=QUARTER.start - 1),
            _card("a1", created_at=AUGUST),
            _card("s1", created_at=parse_instant("2026-08-31T22:00:00Z")),
            _card("s2", created_at=SEPTEMBER),
            _card("s3", created_at=SEPTEMBER),
            _card("after", created_at=QUARTER.end),
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
        build(*(_card(f"p{place}", created_at=at) for place, at in enumerate([AUGUST, *[SEPTEMBER] * 4]))),
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
    told = backtest(contract, QUARTER, _opener(database, read))
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
            _card("meets", created_at=SEPTEMBER),
            _card("cash1", created_at=SEPTEMBER, method="cash"),
            _card("cash2", created_at=SEPTEMBER, method="cash"),
            _card("both", created_at=SEPTEMBER, method="cash", status="failed"),
            _card("little", created_at=SEPTEMBER, amount_captured=Decimal(39)),
            _card("unknown", created_at=SEPTEMBER, method=None),
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
    told = _tried(agreed(), build(_card("late", created_at=SEPTEMBER)), inputs=read, steps=False)

    assert told.outcomes[0].records == {"pending": 1}
    assert [clause.open_alone for clause in told.outcomes[0].clauses] == [0, 0, 0]
    assert told.outcomes[0].range.with_pending == Estimate(1, {"EUR": "10.00"}, {"EUR": "10.00"})


def test_one_unit_is_paid_once(agreed, build):
    """A record whose unit is held already adds nothing, also where a clause alone keeps it out."""
    told = _tried(
        agreed(),
        build(
            _card("first", created_at=SEPTEMBER),
            _card("again", created_at=SEPTEMBER + 1, beneficiary="first"),
            _card("third", created_at=SEPTEMBER + 2, beneficiary="again", method="cash"),
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
            _card("a", created_at=SEPTEMBER, amount_captured=Decimal(45)),
            _card("b", created_at=SEPTEMBER, amount_captured=Decimal(35)),
            _card("c", created_at=SEPTEMBER, amount_captured=Decimal(35), currency="USD"),
            _card("d", created_at=SEPTEMBER, method="cash"),
            _card("e", created_at=SEPTEMBER, method="cash"),
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
            _card("a", created_at=SEPTEMBER),
            _card("b", created_at=SEPTEMBER, amount_captured=Decimal(5)),
            _card("c", created_at=SEPTEMBER, method="cash"),
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
        build(_card("a", created_at=SEPTEMBER), _card("b", created_at=SEPTEMBER)),
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
    [found] = backtest(contract, QUARTER, _opener(database)).outcomes

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
    [found] = backtest(contract, QUARTER, _opener(database)).outcomes

    assert found.range.unpriced == 1
    assert found.range.with_unverifiable.price == {"EUR": "10.00"}
    with pytest.raises(ContractError, match="b cannot be priced by a percentage"):
        backtest(
            contract,
            QUARTER,
            _opener(build(payment("b", created_at=SEPTEMBER, currency=None))),
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
        told = backtest(contract, QUARTER, _opener(database))
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


# --- two contracts


def _compared(old, new, database, period="2026-09"):
    return compare_contracts(
        old, new, parse_period(period, old.timezone), _opener(database), names=("acme@1", "acme@2")
    )


def test_the_difference_in_money(agreed, build):
    """Units, price and what is owed are told under both, with the clauses that make the difference."""
    database = build(
        _card("a", created_at=SEPTEMBER),
        _card("b", created_at=SEPTEMBER, amount_captured=Decimal(45)),
        _card("c", created_at=SEPTEMBER, amount_captured=Decimal(45)),
        _card("other month", created_at=OCTOBER),
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
    database = build(_card("a", created_at=SEPTEMBER), _card("b", created_at=SEPTEMBER, method="cash"))
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
    database = build(_card("a", created_at=SEPTEMBER), ("invoice", "in_1", {"created_at": SEPTEMBER, "status": "paid"}))
    told = _compared(agreed(), agreed(more), database)

    assert [(found.outcome, found.old is None) for found in told.outcomes] == [("paid", False), ("invoiced", True)]
    assert told.outcomes[1].new.units == 1
    assert told.change == {"EUR": "1.00"}
    other = agreed(more.replace("invoiced", "paid").replace("outcomes:", "# without outcomes.paid\noutcomes:"))
    told = _compared(agreed(), other, database)
    assert told.outcomes[0].differences == ()


def test_what_was_paid_before_the_period_holds_its_unit(agreed, build):
    """A record of the term in front of the period keeps a later one of its unit from being paid again."""
    database = build(_card("a", created_at=AUGUST), _card("b", created_at=SEPTEMBER, beneficiary="a"))
    running = agreed("term: {start: 2026-08-01}")

    assert _compared(running, running, database).outcomes[0].old.units == 0
    assert _compared(agreed(), agreed(), database).outcomes[0].old.units == 1

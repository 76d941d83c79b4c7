"""The rules of clauses and of the language, each decided in SQL and in Python at once (see `conftest.World`)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tallystick.outcomes import ClauseSource, PredicateSource, State, predicate_from_source
from tallystick.period import DAY, parse_instant

CUSTOM = {"payment": {"label": "text", "fee": "money", "units": "integer", "flag": "boolean", "when": "instant"}}


def clause(test, until=None, open=None, *, guard=False, facts=None, quantity=None):  # noqa: A002 - the word of the language
    """Load a predicate of one clause."""
    source = PredicateSource(facts or {}, {"c": ClauseSource(test, until, open, guard)}, quantity)
    return predicate_from_source("payment", source, custom=CUSTOM)


def payment(world, **columns):
    """Add the payment that is decided."""
    given = {"id": "ch", "created_at": world.start, "amount": Decimal(10), "captured": True, "status": "succeeded"}
    return world.add("payment", **(given | columns))


UNTIL = "created_at + interval '10 days'"
RULES = [
    (("captured", None, None), {}, "TRUE", "meets"),
    (("not captured", None, None), {}, "FALSE", "rejected"),
    (("beneficiary = 'x'", None, None), {}, "UNKNOWN", "unverifiable"),
    (("captured", None, "status = 'succeeded'"), {}, "OPEN", "pending"),
    (("not captured", None, "status = 'succeeded'"), {}, "OPEN", "pending"),
    (("captured", None, "method = 'x'"), {}, "UNKNOWN", "unverifiable"),
    (("not captured", None, "method = 'x'"), {}, "FALSE", "rejected"),
    (("captured", UNTIL, None), {"payment": 11}, "TRUE", "meets"),
    (("captured", UNTIL, None), {"payment": 9}, "WAITING", "pending"),
    (("not captured", UNTIL, None), {"payment": 9}, "FALSE", "rejected"),
    (("beneficiary = 'x'", UNTIL, None), {"payment": 9}, "UNKNOWN", "unverifiable"),
    (("captured", "custom.when", None), {}, "UNKNOWN", "unverifiable"),
    (("count(refunds) = 0", UNTIL, None), {"refund": 9}, "WAITING", "pending"),
    (("count(refunds) = 0", None, None), {"refund": 9}, "TRUE", "meets"),
    (("count(refunds) = 0", None, None), {"refund": 0}, "UNREAD", "pending"),
    (("count(refunds) = 1", None, None), {"refund": 0}, "UNREAD", "pending"),
    (("count(refunds) = 1", None, None), {"refund": None}, "UNREAD", "pending"),
    (("count(refunds) = 0", None, None), {"refund": None}, "UNREAD", "pending"),
    (("captured", None, None), {"payment": 0}, "UNREAD", "pending"),
    (("not captured", None, None), {"payment": None}, "FALSE", "rejected"),
    (("captured", None, None), {"payment": None}, "UNREAD", "pending"),
    (("captured", None, None), {"refund": None}, "TRUE", "meets"),
    (("read_to(refunds) is not null", None, None), {"refund": None}, "UNREAD", "pending"),
    (("count(refund_entries) = 0", None, None), {"refund": 0}, "UNREAD", "pending"),
]


@pytest.mark.parametrize(("parts", "read_to", "state", "status"), RULES)
def test_a_clause_follows_its_rules(world, parts, read_to, state, status):
    """Truth, incompleteness, windows and open conditions make the documented state and status."""
    payment(world)
    for kind, days in read_to.items():
        world.read_to[kind] = None if days is None else world.start + days * DAY
    row, evaluation, _ = world.decide(clause(*parts))
    assert (evaluation.clauses[0].state.name, row["status"]) == (state, status)


def test_a_window_ends_in_local_days(world):
    """Thirty days across the start of summer time end an hour earlier in UTC; the verdict is dated by that end."""
    payment(world)
    row, _, _ = world.decide(clause("captured", "created_at + interval '30 days'"))
    assert row["decided_at"] == world.start + 30 * DAY - DAY // 24
    world.read_to["payment"] = row["decided_at"] - 1
    assert world.decide(clause("captured", "created_at + interval '30 days'"))[0]["until"] == row["decided_at"]


def test_a_record_of_no_known_date_is_unknown(world):
    """Without the instant it occurred at, completeness cannot be told, so nothing is true."""
    payment(world, created_at=None)
    for test in ("captured", "count(refunds) = 0"):
        row, evaluation, _ = world.decide(clause(test))
        assert (evaluation.clauses[0].state, row["status"]) == (State.UNKNOWN, "unverifiable")
        assert row["decided_at"] is None


DECISIONS = [
    (("false", "false"), (False, True), "rejected", 0),
    (("false", "false"), (True, False), "unverifiable", 0),
    (("null = 1", "false"), (False, False), "rejected", 1),
    (("unknown", "false"), (False, True), "unverifiable", 1),
    (("true", "unknown"), (False, False), "unverifiable", 1),
    (("soon", "unknown"), (False, False), "unverifiable", 1),
    (("soon", "later"), (False, False), "pending", 1),
    (("later", "soon"), (False, False), "pending", 0),
    (("soon", "soon"), (False, False), "pending", 0),
    (("later", "open"), (False, False), "pending", 1),
    (("open", "later"), (False, False), "pending", 0),
    (("true", "true"), (True, False), "meets", None),
]


@pytest.mark.parametrize(("kinds", "guards", "status", "index"), DECISIONS)
def test_the_deciding_clause_is_the_documented_one(world, kinds, guards, status, index):
    """False before unknown before open; the first of its kind, or the one that stays open longest."""
    payment(world)
    world.read_to["payment"] = world.start + DAY
    texts = {
        "true": ("captured", None, None),
        "false": ("not captured", None, None),
        "null = 1": ("custom.units = 1", None, None),
        "unknown": ("method = 'x'", None, None),
        "soon": ("captured", "created_at + interval '3 days'", None),
        "later": ("captured", "created_at + interval '5 days'", None),
        "open": ("captured", None, "captured"),
    }
    clauses = {f"c{place}": ClauseSource(*texts[kind], guards[place]) for place, kind in enumerate(kinds)}
    row, evaluation, explained = world.decide(
        predicate_from_source("payment", PredicateSource({}, clauses), custom=CUSTOM)
    )
    assert (row["status"], row["clause"]) == (status, index)
    assert [place for place, one in enumerate(explained.values()) if one.decides] == ([] if index is None else [index])
    assert evaluation.until == (evaluation.clauses[index].until if status == "pending" else None)


def test_an_unknown_quantity_is_unverifiable_by_no_clause(world):
    """A record that meets every clause is not billable without an amount."""
    payment(world, amount=None)
    row, _, _ = world.decide(clause("captured", quantity="amount"))
    assert (row["status"], row["clause"], row["quantity"]) == ("unverifiable", None, None)


def test_without_a_quantity_a_record_is_one_unit(world):
    """A price per unit applies to the number 1."""
    payment(world)
    assert world.decide(clause("captured"))[0]["quantity"] == 1


NULLS = [
    ("beneficiary = 'x' or captured", True),
    ("beneficiary = 'x' and not captured", False),
    ("beneficiary = 'x' and captured", None),
    ("not (beneficiary = 'x')", None),
    ("beneficiary in ('x')", None),
    ("beneficiary is null", True),
    ("(beneficiary = 'x') is true", False),
    ("amount between 5 and amount_captured", None),
    ("amount between 11 and amount_captured", False),
    ("coalesce(amount_captured, amount) = 10", True),
    ("least(amount, amount_captured) = 10", None),
    ("greatest(amount, amount_captured) = 10", None),
    ("case when beneficiary = 'x' then false else true end", True),
    ("sum(refunds.amount) = 0 and count(refunds) = 0", True),
    ("min(refunds.amount) is null and max(refunds.status) is null", True),
    ("starts_with(beneficiary, 'x')", None),
    ("lower('ÄB') = 'Äb' and upper('äb') = 'äB'", True),
    ("length('Äx''y') = 4", True),
    ("'Z' < 'a' and 'z' < 'ä'", True),
]


@pytest.mark.parametrize(("test", "expected"), NULLS)
def test_null_means_unknown(world, test, expected):
    """Three-valued logic, and the documented answers for nothing."""
    payment(world)
    predicate = clause("captured", facts={"f": test})
    assert world.decide(predicate)[1].facts["f"] is expected


OVERFLOWS = [
    ("exponent + 1", {"exponent": 2**63 - 1}, None),
    ("exponent * exponent", {"exponent": 2**62}, None),
    ("-exponent", {"exponent": -(2**63)}, None),
    ("abs(exponent)", {"exponent": -(2**63)}, None),
    ("exponent - 1", {"exponent": 2**63 - 1}, 2**63 - 2),
    ("created_at + interval '30 days'", {"created_at": 2**63 - 1}, None),
    ("created_at - interval '1 hour'", {"created_at": -(2**63)}, None),
    ("created_at - created_at", {"created_at": -(2**63)}, 0),
    ("amount + amount", {"amount": Decimal("99999999999999.9999")}, Decimal("199999999999999.9998")),
    ("amount * exponent * exponent", {"amount": Decimal("99999999999999.9999"), "exponent": 2**63 - 1}, None),
    ("amount * 0.125", {"amount": Decimal("0.0001")}, Decimal("0.0000125")),
    ("coalesce(amount * 0.125, amount)", {"amount": Decimal("0.0001")}, Decimal("0.0000125")),
    ("sum(ledger_entries.origin_amount) + amount * 0.5", {"amount": Decimal(3)}, Decimal("1.5")),
]


@pytest.mark.parametrize(("fact", "columns", "expected"), OVERFLOWS)
def test_what_leaves_its_range_is_unknown(world, fact, columns, expected):
    """A result of too many digits is unknown, not wrapped, not rounded, and does not stop the query."""
    payment(world, **columns)
    assert world.decide(clause("captured", facts={"f": fact}))[1].facts["f"] == expected


CUSTOMS = [
    ("custom.fee", {"fee": "12.50"}, Decimal("12.5")),
    ("custom.fee", {"fee": "12.50000"}, Decimal("12.5")),
    ("custom.fee", {"fee": "12.00005"}, None),
    ("custom.fee", {"fee": "1e3"}, None),
    ("custom.fee", {}, None),
    ("custom.units", {"units": -7}, -7),
    ("custom.units", {"units": "x"}, None),
    ("custom.when", {"when": 1_790_000_000_000_000}, 1_790_000_000_000_000),
    ("custom.flag", {"flag": True}, True),
    ("custom.flag", {"flag": "maybe"}, None),
    ("custom.label", {"label": 'it\'s "so"'}, 'it\'s "so"'),
    ("custom.label", {"label": 5}, "5"),
    ("custom.label", None, None),
]


@pytest.mark.parametrize(("fact", "custom", "expected"), CUSTOMS)
def test_a_custom_field_is_read_as_its_declared_type_or_is_unknown(world, fact, custom, expected):
    """What does not read as the declared type is unknown; amounts are never rounded."""
    payment(world, custom=custom)
    found = world.decide(clause("captured", facts={"f": fact}))[1].facts["f"]
    assert (type(found), found) == (type(expected), expected)


def test_currencies_are_never_added(world):
    """A sum with an amount in another currency than the payment's is unknown; a count is not."""
    payment(world)
    facts = {"total": "sum(refunds.amount)", "number": "count(refunds)", "largest": "max(refunds.amount)"}
    world.add("refund", payment_id="ch", amount=Decimal(1))
    assert world.decide(clause("captured", facts=facts))[1].facts["total"] == 1
    world.add("refund", payment_id="ch", amount=Decimal(2), currency="USD")
    assert world.decide(clause("captured", facts=facts))[1].facts == {"total": None, "number": 2, "largest": None}
    world.rows["refund"][1]["currency"] = None
    assert world.decide(clause("captured", facts=facts))[1].facts["total"] is None


def test_an_amount_brought_back_to_its_source_may_be_added(world):
    """The ledger may settle in another currency; its `origin_` amounts are in the payment's."""
    payment(world)
    world.add("ledger_entry", source_id="ch", amount=Decimal(11), origin_amount=Decimal(10), currency="USD")
    facts = {"origin": "sum(ledger_entries.origin_amount)", "settled": "sum(ledger_entries.amount)"}
    assert world.decide(clause("captured", facts=facts))[1].facts == {"origin": 10, "settled": None}


def test_a_sum_over_a_missing_amount_is_unknown(world):
    """An amount nobody knows does not count as nothing."""
    payment(world)
    world.add("refund", payment_id="ch", amount=Decimal(1), status="succeeded")
    world.add("refund", payment_id="ch", amount=None, status="failed")
    facts = {"all": "sum(refunds.amount)", "good": "sum(refunds.amount) filter (where refunds.status <> 'failed')"}
    assert world.decide(clause("captured", facts=facts))[1].facts == {"all": None, "good": 1}


def test_a_record_that_several_paths_lead_to_counts_once(world):
    """Two invoice payments of one invoice lead to one invoice, and each of its credit notes counts once."""
    payment(world, intent_id="pi")
    world.add("invoice", id="in")
    world.add("invoice", id="other")
    for ref in ("pi", "ch", "pi", "elsewhere"):
        world.add("invoice_payment", invoice_id="in", payment_ref=ref, amount_paid=Decimal(3))
    world.add("invoice_payment", invoice_id=None, payment_ref="pi", amount_paid=Decimal(3))
    world.add("credit_note", invoice_id="in", amount=Decimal(5))
    facts = {
        "invoices": "count(invoices)",
        "applied": "sum(invoice_payments.amount_paid)",
        "credited": "sum(credit_notes.amount)",
        "siblings": "count(sibling_payments)",
    }
    facts = {f"n_{name}": text for name, text in facts.items()}
    found = world.decide(clause("captured", facts=facts))[1].facts
    assert found == {"n_invoices": 1, "n_applied": 12, "n_credited": 5, "n_siblings": 4}


def test_a_payment_whose_intent_is_its_own_id_counts_its_invoice_payments_once(world):
    """Two local columns of the same value are one path."""
    payment(world, intent_id="ch")
    world.add("invoice_payment", payment_ref="ch", amount_paid=Decimal(3))
    assert world.decide(clause("captured", facts={"n": "count(invoice_payments)"}))[1].facts["n"] == 1


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC"])
@pytest.mark.parametrize("days", [0, 1, 120])
def test_calendar_days_in_sql_are_those_of_the_zone(name, days):
    """At, just before and just after every change of offset, the SQL table moves an instant as the zone does."""
    from bisect import bisect_right

    from tallystick.outcomes.expressions import _shifts
    from tallystick.period import zone

    place, rows = zone(name), _shifts(zone(name), days)
    starts = [start for start, _ in rows]
    near = [at + step for at, _ in place.transitions for step in (-3_600_000_000, -1, 0, 1, 3_600_000_000)]
    for at in [*near, *(start + step for start in starts[1:] for step in (-1, 0)), -(2**62), 2**62]:
        assert at + rows[max(bisect_right(starts, at) - 1, 0)][1] == place.add_days(at, days)


def test_an_identifier_or_a_text_cannot_leave_its_quotes(world):
    """A literal with quotes stays a literal, in the query and in the evidence."""
    payment(world, status="x'; drop table payment; --")
    row, _, _ = world.decide(clause("status = 'x''; drop table payment; --' and custom.label is null"))
    assert row["status"] == "meets"


def test_only_some_records_are_decided_on_request(duck, world):
    """With a table of ids the query has exactly their rows."""
    import pyarrow as pa

    from tallystick.outcomes import Inputs, compile_predicate

    payment(world)
    payment(world, id="other")
    predicate = clause("count(invoices) = 0 and count(refunds) = 0")
    world.decide(predicate)
    duck.register("some", pa.table({"id": ["other"]}))
    query = compile_predicate(predicate, Inputs({}, {}), world.zone, ids="some")
    assert [row[1] for row in duck.execute(query).fetchall()] == ["other"]


@pytest.mark.parametrize(
    "moved",
    [
        "(created_at + interval '1 day') + interval '1 day'",
        "((created_at + interval '1 day') + interval '2 days') - interval '1 day'",
        "least(created_at + interval '1 day', custom.when) + interval '1 day'",
    ],
)
def test_days_on_top_of_days_add_up(world, moved):
    """An instant moved by days and moved again is moved by both, in SQL too."""
    payment(world, custom={"when": world.start + 90 * DAY})

    row, _, _ = world.decide(clause("captured", facts={"due": moved}))

    assert row["fact_due"] == world.start + 2 * DAY


def test_a_number_of_intervals_is_an_interval(world):
    """A whole number times an elapsed interval is elapsed; one that does not fit 64 bits is unknown."""
    payment(world, exponent=899)
    facts = {"took": "exponent * interval '1 second'", "huge": "exponent * exponent * interval '800000 hours'"}
    row, *_ = world.decide(clause("took < interval '15 minutes' and huge is null", facts=facts))

    assert (row["fact_took"], row["status"]) == (899_000_000, "meets")


def test_a_deadline_in_business_days_is_told(world):
    """The explanation of a clause shows the deadline as an instant and says how it was counted."""
    payment(world, created_at=parse_instant("2026-10-23T10:00:00Z"))
    found = world.decide(clause("business_deadline(created_at, 1) < created_at + interval '1 day'"))[2]["c"]

    assert found.flip == (
        "would hold if created_at + 1 business days (2026-10-26T23:00:00Z) were before 2026-10-24T10:00:00Z"
    )

"""Names and types: what goes together, and the hint for what does not."""

from __future__ import annotations

import pytest

from tallystick.errors import ContractError
from tallystick.outcomes import ClauseSource, PredicateSource, predicate_from_source

CUSTOM = {"payment": {"label": "text", "fee": "money"}, "invoice": {"placed_at": "instant", "amount": "money"}}


def load(clause="captured", *, facts=None, quantity=None, params=None, record="payment", custom=CUSTOM):
    """Load one clause over a payment."""
    return predicate_from_source(
        record, PredicateSource(facts or {}, {"c": clause}, quantity, params or {}), custom=custom
    )


WRONG = [
    ("amont > 0", "unknown name amont", "Did you mean amount?"),
    ("STATUS = 'x'", "unknown name STATUS", "Did you mean status?"),
    ("refund.amount > 0", "unknown name refund.amount", "Did you mean refunds?"),
    ("refunds.amount > 0", "refunds are several records", "sum of refunds.amount"),
    ("refunds > 0", "refunds are related records", "count(refunds)"),
    ("placed_on is null", "unknown name placed_on", "Did you mean placed_at?"),
    ("custom.lable = 'x'", "unknown custom field lable", "Did you mean label?"),
    ("min(disputes.custom.x) = 'x'", "unknown custom field x of dispute", "Declare it in tallystick.yaml"),
    ("count(refund) > 0", "refund is not a relation", "Did you mean refunds?"),
    ("count(refunds.amount) > 0", "count of refunds.amount", "As in count(refunds)."),
    ("sum(refunds) > 0", "sum of refunds", "As in sum(refunds.<column>)."),
    ("sum(refunds.amout) > 0", "unknown column refunds.amout", "Did you mean amount?"),
    ("sum(refunds.status) > 0", "text is not summed", "Sum money"),
    ("max(disputes.final)", "true and false have no order", "count(disputes) filter"),
    ("count(refunds) filter (where status = 'x') > 0", "status is not a column of refunds", "Only columns of refunds"),
    ("count(refunds) filter (where refunds.amount) > 0", "true or false is expected here", ""),
    ("count(refunds) filter (where count(disputes) > 0) > 0", "inside another one", "Name the inner one"),
    ("amount = 'x'", "money and text do not go together", "Text takes quotes"),
    ("amount > exponent", "money and a whole number do not go together", "A count is not an amount"),
    ("amount > min(ledger_entries.exchange_rate)", "money and a decimal number", "multiply the two"),
    ("created_at > status", "an instant and text", "type: instant"),
    ("created_at > 'yesterday'", "'yesterday' is not an instant", "2026-09-01T00:00:00+02:00"),
    ("created_at > 5", "an instant and a whole number", ""),
    ("created_at + 5 > created_at", "an instant + a whole number means nothing", "interval"),
    ("created_at - created_at > interval '3 days'", "calendar days have no fixed length", "'72 hours'"),
    ("interval '3 days' > interval '1 hour'", "calendar days have no fixed length", ""),
    ("created_at * 2 > created_at", "only numbers are multiplied", ""),
    ("created_at * interval '2 days' > created_at", "an interval is not multiplied", ""),
    ("amount * amount > 0", "money times money", "Multiply by a number"),
    ("status + 'x' = 'y'", "cannot be added", ""),
    ("amount > 0.00001", "too many digits", ""),
    ("amount > 100000000000000", "too many digits", ""),
    ("exponent > 1.5", "not a whole number", ""),
    ("exponent > 9223372036854775808", "too large", ""),
    ("method = null", "nothing is equal to null", "is null"),
    ("null is null", "null alone has no type", "is null"),
    ("status in ('a', null)", "without null", ""),
    ("status in (method)", "constants", ""),
    ("captured < test_mode", "no order", ""),
    ("captured between true and false", "no order", ""),
    ("least(captured, test_mode)", "least of true and false", ""),
    ("coalesce(captured)", "at least two", ""),
    ("abs(status) = 'x'", "is expected here, and this is text", ""),
    ("length(amount) > 1", "text is expected here", ""),
    ("amount", "true or false is expected here, and this is money", "A test is a condition"),
    ("captured and amount", "true or false is expected here, and this is money", ""),
    ("amount > :least", "unknown parameter :least", "no parameters here"),
    ("created_at + interval '99999 days' > created_at", "0 to 36525", ""),
    ("created_at + interval '999999 hours' > created_at", "100 years", ""),
    ("read_from(nothing) > created_at", "takes the name of a relation", "Relations and record types"),
    ("read_from(amount > 1) > created_at", "takes the name of a relation", ""),
    ("case when amount then true else false end", "true or false is expected", ""),
    ("case when captured then amount else 'x' end = 1", "money and text", ""),
    ("business_deadline(created_at) > created_at", "takes an instant, a number of days", "2026-12-26"),
    ("business_deadline(created_at, 1, '', '') > created_at", "takes an instant, a number of days", "2026-12-26"),
    ("business_deadline(status, 1) > created_at", "an instant is expected here, and this is text", ""),
    ("business_deadline(created_at, -1) > created_at", "whole number from 0 to 366", ""),
    ("business_deadline(created_at, 367) > created_at", "whole number from 0 to 366", ""),
    ("business_deadline(created_at, 1.5) > created_at", "whole number from 0 to 366", ""),
    ("business_deadline(created_at, exponent) > created_at", "whole number from 0 to 366", ""),
    ("business_deadline(created_at, :days) > created_at", "unknown parameter :days", ""),
    ("business_deadline(created_at, 1, '2026-02-30') > created_at", "'2026-02-30' is not a list of days", "2026-12-25"),
    ("business_deadline(created_at, 1, status) > created_at", "None is not a list of days", "2026-12-25"),
    (
        "count(refunds) filter (where business_deadline(refunds.created_at, 1) > created_at) > 0",
        "business days are not counted inside an aggregate",
        "Name them as a fact.",
    ),
    ("created_at * interval '2 hours' > created_at", "only numbers are multiplied", ""),
    ("min(invoices.amount_due) * 0.123456789012 * 0.123456789012 > 0", "28 decimals", ""),
]


@pytest.mark.parametrize(("clause", "message", "hint"), WRONG)
def test_what_does_not_go_together_is_refused_with_a_hint(clause, message, hint):
    """A wrong name or type is refused at load, with what to write instead."""
    with pytest.raises(ContractError) as caught:
        load(clause)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_missing_custom_field_is_told_from_a_missing_name():
    """A name declared on another record is pointed to where it is declared."""
    with pytest.raises(ContractError) as caught:
        load("placed_at is null", record="refund")
    assert "custom field of invoice" in caught.value.hint


def test_facts_may_stand_in_any_order():
    """A fact may use one that is declared after it, and comes after it in the predicate."""
    predicate = load(facts={"net": "gross - 1", "gross": "amount"})
    assert [fact.name for fact in predicate.facts] == ["gross", "net"]


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"a": "b", "b": "a"}, "rests on itself: a -> b -> a"),
        ({"a": "a"}, "rests on itself: a -> a"),
        ({"amount": "1"}, "something named amount already"),
        ({"Net": "1"}, "cannot be a name"),
        ({"a b": "1"}, "cannot be a name"),
    ],
)
def test_a_fact_that_cannot_be_is_refused(facts, message):
    """Circles, names of columns and names that are no names are refused."""
    with pytest.raises(ContractError, match=message):
        load(facts=facts)


@pytest.mark.parametrize("quantity", ["status", "created_at", "captured", "1.5"])
def test_a_quantity_is_an_amount_or_a_number_of_units(quantity):
    """A price has nothing to apply to in text, time or truth."""
    with pytest.raises(ContractError, match="a quantity is money or a whole number"):
        load(quantity=quantity)


def test_an_outcome_needs_a_clause_and_a_known_record_type():
    """No clause, too many clauses and an unknown record type are refused."""
    with pytest.raises(ContractError, match="at least one clause"):
        predicate_from_source("payment", PredicateSource({}, {}))
    with pytest.raises(ContractError, match="at most 100"):
        predicate_from_source("payment", PredicateSource({}, {f"c{index}": "captured" for index in range(101)}))
    with pytest.raises(ContractError, match="unknown record type 'appointment'"):
        load(record="appointment")


def test_a_sentence_names_only_values_that_are_read():
    """A placeholder that stands for nothing is refused at load."""
    with pytest.raises(ContractError, match=r"\{nothing\} is neither"):
        load(ClauseSource("captured", says="it is {nothing}"))


def test_the_example_of_the_design_loads():
    """A contract may use the standard facts and the declared fields of the invoice by name."""
    clauses = {"overdue": "invoice_due_at < placed_at - interval '30 days'", "paid": "net_amount > 0"}
    predicate = predicate_from_source("payment", PredicateSource({}, clauses, "net_amount"), custom=CUSTOM)
    assert predicate.quantity_is_money
    assert predicate.relations == ("invoice_payments", "invoices", "refunds", "disputes", "credit_notes")
    assert "applied" in predicate.fact


def test_a_clause_depends_on_every_type_on_its_way():
    """Types come from relations, the relations they go through, facts, and what is asked to have been read."""
    facts = {"placed": "min(invoices.custom.placed_at)", "late": "placed > created_at"}
    predicate = load(ClauseSource("late", "read_to(refunds)"), facts=facts)
    assert predicate.clauses[0].related == {"invoice", "invoice_payment", "refund"}
    assert predicate.types == ("payment", "invoice", "invoice_payment", "refund")


def test_parameters_take_the_type_of_their_place():
    """A number is an amount next to money, a text an instant next to an instant; negative ones too."""
    clause = "amount > :least and created_at > :since and captured = :yes and method = :how and amount < :most"
    params = {"least": -5, "since": "2026-01-01T00:00:00Z", "yes": True, "how": "card", "most": None}
    kinds = [node.type.name for node in load(clause, params=params).nodes if type(node).__name__ == "Constant"]
    assert kinds == ["money", "instant", "boolean", "text", "money"]


def test_business_days_take_parameters():
    """Days and holidays may be parameters; a day that is listed twice is one holiday, and no list is none."""
    params = {"days": 5, "holidays": "2026-12-26 2026-12-25 2026-12-25"}
    facts = {"due_at": "business_deadline(created_at, :days, :holidays)", "plain": "business_deadline(created_at, 0)"}
    predicate = load("due_at > plain", facts=facts, params=params)
    found = {fact.name: (fact.expression.days, fact.expression.holidays) for fact in predicate.facts}

    assert found == {"due_at": (5, (20_812, 20_813)), "plain": (0, ())}
    for wrong in (True, "5", None):
        with pytest.raises(ContractError, match="business days are a whole number from 0 to 366"):
            load("business_deadline(created_at, :days) > created_at", params={"days": wrong})

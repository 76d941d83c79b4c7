"""What may be written in a clause, and how anything else is refused."""

from __future__ import annotations

import pytest

from tallystick.errors import ContractError, Position
from tallystick.outcomes import PredicateSource, predicate_from_source

CUSTOM = {"payment": {"label": "text", "fee": "money"}, "invoice": {"placed_at": "instant"}, "refund": {"tag": "text"}}


def load(clause, params=None, **more):
    """Load one clause over a payment."""
    source = PredicateSource({}, {"c": clause}, params=params or {})
    return predicate_from_source("payment", source, custom=CUSTOM, **more)


ALLOWED = [
    "amount > 0 and not test_mode or status in ('succeeded', 'pending')",
    "status not in ('failed') and amount between 1 and 12.5",
    "beneficiary is null and method is not null and captured is true and test_mode is not true",
    "amount_captured - amount_refunded * 2 + 0.5 >= -1.25",
    "created_at + interval '30 days' > '2026-09-01T00:00:00+02:00'",
    "created_at - interval 72 hours < created_at + interval '5 minutes'",
    "max(refunds.created_at) - created_at <= interval '72 hours'",
    "count(refunds) filter (where refunds.status = 'failed' and refunds.tag_x is null) = 0".replace(
        "tag_x", "custom.tag"
    ),
    "coalesce(custom.fee, 0) < least(amount, amount_captured) and greatest(amount, 0) > abs(amount - 3)",
    "lower(status) = 'x' and upper(method) <> 'Y' and length(status) > 3",
    "starts_with(status, 'a') or ends_with(method, 'b')",
    "case when captured then amount else 0 end > :floor",
    "created_at + interval :days day >= read_from(refunds) and read_to(payment) is not null",
    "min(invoices.custom.placed_at) < created_at",
    "sum(disputes.amount) filter (where disputes.final) = 0",
    "'it''s' = status",
]


@pytest.mark.parametrize("clause", ALLOWED)
def test_the_language_is_accepted(clause):
    """Every documented form loads."""
    assert load(clause, {"floor": 5, "days": 30}).clauses[0].text == clause


REFUSED = [
    ("amount > (select 1)", "sub-select", None),
    ("amount > 0; drop table x", "; is not part", 10),
    ("amount > 0 -- fine", "comment", 9),
    ("amount > 0 /* fine */", "comment", 9),
    ("amount::text = 'x'", ":: is not part", 6),
    ("cast(amount as text) = 'x'", "cast is not part", 5),
    ("created_at < now()", "function now", 13),
    ("created_at < current_timestamp", "present time", 0),
    ("random() > 0", "function rand", 0),
    ("amount / 2 > 1", "/ is not part", 7),
    ("status || 'x' = 'y'", "|| is not part", 7),
    ("status like 'x%'", "like is not part", 0),
    ("\"status\" = 'x'", "double quotes", 0),
    ("amount > 1e3", "not a number", 9),
    ("amount > 1_000", "not a number", 9),
    ("count(*) > 0", "* stands for nothing", None),
    ("count(distinct refunds) > 0", "distinct", None),
    ("exists(refunds)", "written as a count", 0),
    ("sum(refunds.amount) over () > 0", "window", 0),
    ("min(refunds.amount, 3) > 0", "function min", None),
    ("amount between symmetric 1 and 2", "between is not part", 0),
    ("case status when 'a' then true end", "case is not part", 5),
    ("status in (select 1)", "constants", 0),
    ("amount > $1", "$ is not part", 9),
    ("amount > ?", "? is not part", 9),
    ("@amount > 1", "@ is not part", 0),
    ("amount[1] > 1", "[ is not part", 6),
    ("status = e'x'", "e'x' is not part", 9),
    ("created_at > created_at + interval '1 month'", "interval", 26),
    ("amount amount", "side by side", 0),
    ("amount > ", "not an expression", None),
    ("", "empty", 0),
    ("amount = = 1", "not an expression", None),
    ("status = 'x", "closing quote", None),
    ("not " * 200 + "captured", "nested too deeply", None),
    ("(" * 60 + "captured" + ")" * 60, "nested too deeply", None),
    (" or ".join(["captured"] * 400), "more than", None),
    ("captured or " + "x" * 5_000, "more than", None),
]


@pytest.mark.parametrize(("clause", "message", "offset"), REFUSED)
def test_anything_else_is_refused_where_it_stands(clause, message, offset):
    """A refusal names what is wrong, at its line and column of the file."""
    with pytest.raises(ContractError) as caught:
        load(clause, locate=lambda path: Position("acme.yaml", 7, 14))
    assert message in caught.value.message
    assert caught.value.where.file == "acme.yaml"
    if offset is not None:
        assert caught.value.where == Position("acme.yaml", 7, 14 + offset)


def test_a_long_chain_is_not_deep():
    """A hundred alternatives are one list, not a hundred levels."""
    assert load(" or ".join(f"amount = {number}" for number in range(100)))


def test_a_position_counts_lines_inside_the_text():
    """In a text of several lines the column counts from the start of its own line."""
    with pytest.raises(ContractError) as caught:
        load("captured\n  and statu = 'x'", locate=lambda path: Position("acme.yaml", 7, 14))
    assert caught.value.where == Position("acme.yaml", 8, 7)


def test_each_text_is_located_by_its_path():
    """Tests, windows, open conditions, facts and the quantity are asked for by path."""
    from tallystick.outcomes import ClauseSource

    asked = []
    source = PredicateSource({"f": "amount"}, {"c": ClauseSource("f > 0", "created_at", "captured")}, "f")
    predicate_from_source("payment", source, locate=asked.append)
    assert set(asked) >= {("facts", "f"), ("clauses", "c", "test"), ("clauses", "c", "until"), ("quantity",)}


def test_without_a_file_the_label_says_where():
    """A template has no file; its name and the character stand in the message."""
    with pytest.raises(ContractError, match="template x: clauses c, character 3: unknown name b"):
        predicate_from_source("payment", PredicateSource({}, {"c": "1=b"}), label="template x:")

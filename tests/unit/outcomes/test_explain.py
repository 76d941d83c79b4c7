"""The smallest change that would have flipped a clause."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tallystick.outcomes import ClauseSource, PredicateSource, predicate_from_source
from tallystick.period import DAY

FLIPS = [
    ("amount > 50", "amount (10.00 EUR) were above 50.00 EUR"),
    ("50 < amount", "amount (10.00 EUR) were above 50.00 EUR"),
    ("amount = 12.5", "amount (10.00 EUR) were 12.50 EUR"),
    ("amount <> 10", "amount (10.00 EUR) were other than 10.00 EUR"),
    ("not (amount <= 10)", "amount (10.00 EUR) were above 10.00 EUR"),
    ("status = 'won'", "status ('succeeded') were 'won'"),
    ("status in ('won', 'lost')", "status ('succeeded') were one of 'won', 'lost'"),
    ("status not in ('succeeded', 'x')", "status ('succeeded') were none of 'succeeded', 'x'"),
    ("not captured", "captured (true) were false"),
    ("test_mode", "test_mode (unknown) were true"),
    ("method is not null", "method (unknown) were given"),
    ("status is null", "status ('succeeded') were absent"),
    ("amount > 50 and captured", "amount (10.00 EUR) were above 50.00 EUR"),
    ("amount > 50 and not captured", "amount (10.00 EUR) were above 50.00 EUR and captured (true) were false"),
    ("amount > 50 or not captured", "amount (10.00 EUR) were above 50.00 EUR or captured (true) were false"),
    ("not (amount < 50 or captured)", "amount (10.00 EUR) were 50.00 EUR or more and captured (true) were false"),
    ("not (amount < 50 and captured)", "amount (10.00 EUR) were 50.00 EUR or more or captured (true) were false"),
    ("count(refunds) = 0", "count(refunds) (1) were 0"),
    ("created_at >= '2026-04-01T00:00:00Z'", "created_at (2026-03-02T09:00:00Z) were 2026-04-01T00:00:00Z or later"),
    ("seen_at + interval '3 days' < created_at", "created_at (2026-03-02T09:00:00Z) were after 2026-03-05T09:00:00Z"),
    ("created_at - seen_at > interval '72 hours'", "created_at - seen_at (0 seconds) were above 72 hours"),
    (
        "created_at > coalesce(seen_at, created_at) + interval '90 minutes'",
        "created_at (2026-03-02T09:00:00Z) were after 2026-03-02T10:30:00Z",
    ),
    ("amount > amount_captured", "amount_captured (unknown) were given"),
    ("coalesce(amount > 50, true)", "amount (10.00 EUR) were above 50.00 EUR"),
    ("coalesce(method = 'x', false)", "method (unknown) were 'x'"),
    ("case when status = 'won' then true when captured then false else true end", "status ('succeeded') were 'won'"),
    ("case when amount > 50 then captured else test_mode end", "test_mode (unknown) were true"),
    ("case when status = 'won' then true else null end", "status ('succeeded') were 'won'"),
    ("case when captured then amount > 50 else true end", "amount (10.00 EUR) were above 50.00 EUR"),
    ("lower(status) = 'x'", "lower(status) ('succeeded') were 'x'"),
    ("abs(amount - 3) < 2", "abs(amount - 3) (7.00 EUR) were below 2.00 EUR"),
    ("seen", "seen (false) were true"),
]


@pytest.mark.parametrize(("test", "flip"), FLIPS)
def test_a_clause_that_does_not_hold_says_what_would_have_flipped_it(world, test, flip):
    """The value that is, and the nearest bound that would do, for every kind of condition."""
    world.add("payment", id="ch", created_at=world.start, amount=Decimal(10), captured=True, status="succeeded")
    world.add("refund", payment_id="ch", amount=Decimal(1))
    facts = {"seen_at": "created_at", "seen": "amount > 50"}
    predicate = predicate_from_source("payment", PredicateSource(facts, {"c": test}))
    row, _, explained = world.decide(predicate)
    assert row["status"] in {"rejected", "unverifiable"}
    assert explained["c"].flip == f"would hold if {flip}"


def test_each_state_is_said_in_words(world):
    """What holds, what waits, what is missing and what was not read are told apart."""
    world.add("payment", id="ch", created_at=world.start, amount=Decimal(10), captured=True, exponent=2)
    world.read_to |= {"payment": world.start + DAY, "refund": world.start, "dispute": None}
    clauses = {
        "holds": "captured",
        "fails": "amount > 50 and exponent = 2",
        "missing": "method = 'x' and captured",
        "cannot": "case when captured then null else amount > 5 end",
        "opens": ClauseSource("captured", open="amount = 10"),
        "waits": ClauseSource("captured", until="created_at + interval '3 days'"),
        "unread": "count(refunds) = 0",
        "never": "count(disputes) = 0",
    }
    _, _, explained = world.decide(predicate_from_source("payment", PredicateSource({}, clauses)))
    assert {name: one.because for name, one in explained.items()} == {
        "holds": "it holds",
        "fails": "amount > 50 and exponent = 2 is false: amount is 10.00 EUR, exponent is 2",
        "missing": "missing for good: method",
        "cannot": "case when captured then null else amount > 5 end cannot be told: captured is true,"
        " amount is 10.00 EUR",
        "opens": "it cannot be known while this holds: amount = 10",
        "waits": "it holds so far; known once everything is read up to 2026-03-05T09:00:00Z: payment",
        "unread": "what it rests on has not been read past 2026-03-02T09:00:00Z yet: payment, refund",
        "never": "what it rests on has not been read past 2026-03-02T09:00:00Z yet: dispute, payment",
    }
    assert explained["fails"].reads == (("amount", "10.00 EUR"), ("exponent", "2"))
    assert explained["waits"].until == world.start + 3 * DAY
    assert [one.state.word for one in explained.values()] == [
        "true",
        "false",
        "unknown",
        "unknown",
        "open",
        "open",
        "open",
        "open",
    ]

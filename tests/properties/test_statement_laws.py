"""Laws of statements, on verdicts nobody wrote by hand."""

import csv
import io
import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.canonical import canonical, digest
from tallystick.contracts import Billing, Limits, Percent, PerUnit, load_contract
from tallystick.money import ROUNDINGS, Money, currency
from tallystick.outcomes.library import DOLLARS_COLLECTED
from tallystick.period import parse_instant, parse_period, zone
from tallystick.statements import LedgerHead, rate
from tallystick.statements import statement as statement_module
from tallystick.statements.render import render
from tallystick.statements.statement import statement_data, statement_json
from tallystick.verification.verdict import Reason, Verdict

CONTRACT = Path(__file__).parents[2] / "fixtures/contracts/good/dollars-collected.yaml"
CUSTOM = {"billing": {"invoice": {"placed_at": "instant", "placed_with": "text"}}}
EUR = currency("EUR")
FIRST, LAST = parse_instant("2026-06-25T00:00:00Z"), parse_instant("2026-10-05T00:00:00Z")
AFTER = parse_instant("2026-11-01T00:00:00Z")
STATUSES = ("verified", "pending", "rejected", "unverifiable", "reversed")


@cache
def _loaded():
    return load_contract(CONTRACT, templates={"dollars-collected": DOLLARS_COLLECTED}, custom=CUSTOM)


def _cents(least, most):
    return st.integers(least, most).map(lambda minor: Decimal(minor).scaleb(-2))


@st.composite
def contracts(draw, *, limits=True):
    """A contract with a percentage, a price per unit, and perhaps a floor and a cap."""
    loaded = _loaded()
    by_percent = replace(loaded.outcomes["recovered"], price=Percent(draw(_cents(1, 10_000))))
    by_unit = replace(
        by_percent,
        name="counted",
        predicate=replace(by_percent.predicate, quantity=None),
        price=PerUnit(Money(draw(st.integers(1, 100_000)), EUR)),
    )
    floor = cap = None
    if limits:
        floor = draw(st.none() | st.integers(1, 50_000))
        cap = draw(st.none() | st.integers(floor or 1, 100_000))
    start = date(2026, 6, 1) if not limits else draw(st.dates(date(2026, 6, 1), date(2026, 10, 15)))
    midnight = parse_period("2026-06", loaded.timezone).start
    starts_at = zone(loaded.timezone).add_days(midnight, (start - date(2026, 6, 1)).days)
    least, most = (None if minor is None else Money(minor, EUR) for minor in (floor, cap))
    billing = Billing({EUR: Limits(least, most)}, draw(st.sampled_from(ROUNDINGS)))
    term = replace(loaded.term, start=start, end=None, starts_at=starts_at)
    outcomes = {"recovered": by_percent, "counted": by_unit}
    return replace(loaded, outcomes=outcomes, billing=billing, term=term)


@st.composite
def verdicts(draw, contract):
    """Verdicts under a contract: claimed and found, of every status, in several currencies."""
    found = []
    for number in range(draw(st.integers(0, 25))):
        status = draw(st.sampled_from(STATUSES))
        claimed = draw(st.booleans()) or status != "verified"
        met = status == "verified"
        outcome = draw(st.sampled_from(("recovered", "counted")))
        quantity = draw(_cents(1, 10**7)) if outcome == "recovered" else Decimal(draw(st.integers(1, 9)))
        record = draw(st.sampled_from(("ch_1", "=ch_2", "@x", "-1")))
        found.append(
            Verdict(
                contract=contract.name,
                contract_version=contract.version,
                contract_sha256=contract.sha256,
                outcome=outcome,
                subject=f"claim:{number}" if claimed else f"found:{outcome}:{number}",
                status=status,
                ref=record,
                record_type="payment",
                record_id=record,
                reasons=() if met else (Reason(draw(st.sampled_from(("placed", "duplicate"))), "..."),),
                quantity=quantity if met else None,
                currency=draw(st.sampled_from(("EUR", "USD", "JPY", "KWD"))) if met else None,
                claimed_amount=draw(st.none() | _cents(0, 10**6)) if claimed else None,
                claimed_currency=draw(st.sampled_from((None, "EUR", "JPY"))),
                occurred_at=draw(st.none() | st.integers(FIRST, FIRST + 3)),
                decided_at=draw(st.integers(FIRST, LAST)) if met else None,
            )
        )
    return dict(enumerate(found, start=draw(st.integers(0, 1000))))


@st.composite
def cases(draw, *, limits=True):
    """A contract with verdicts under it."""
    contract = draw(contracts(limits=limits))
    return contract, draw(verdicts(contract))


def _rate(contract, given_verdicts, label):
    period = parse_period(label, contract.timezone)
    return rate(contract, given_verdicts, period, prepared_at=AFTER, ledger=LedgerHead(2000, "ab" * 32))


def _sum(amounts, unit):
    return sum((amount for amount in amounts if amount.currency == unit), Money(0, unit))


@settings(max_examples=80, deadline=None)
@given(cases(), st.sampled_from(("2026-08", "2026Q3")))
def test_lines_add_up_to_the_total(case, label):
    """In each currency the printed lines and adjustments add up exactly to what is owed."""
    contract, given_verdicts = case
    statement = _rate(contract, given_verdicts, label)

    printed = [line.amount for line in statement.lines] + [change.amount for change in statement.adjustments]
    assert [_sum(printed, owed.currency) for owed in statement.totals] == list(statement.totals)
    assert {amount.currency for amount in printed} <= {owed.currency for owed in statement.totals}
    data = json.loads(render(statement, "json"))
    assert sum(
        (Decimal(part["amount"]) for part in data["lines"] + data["adjustments"] if part["currency"] == "EUR"),
        Decimal(),
    ) == Decimal(data["total"])


@settings(max_examples=80, deadline=None)
@given(cases())
def test_floor_and_cap_hold(case):
    """What is owed for a month in the term lies between floor and cap, and only in the contract's currency."""
    contract, given_verdicts = case
    statement = _rate(contract, given_verdicts, "2026-08")

    billing = contract.billing
    limits = billing.limits[EUR]
    if limits.cap is not None:
        assert statement.total <= limits.cap
    if limits.floor is not None and contract.term.start <= date(2026, 8, 1):
        assert statement.total >= limits.floor
    assert all(change.amount.currency == EUR for change in statement.adjustments)
    assert statement.totals[1:] == statement.subtotals[1:]


@settings(max_examples=80, deadline=None)
@given(cases(), st.sampled_from(("", '"\\\x00\x7f', "\u20ac\ufb33\U0001f600")), st.sampled_from((1, 2, 1_000)))
def test_json_piece_by_piece_is_the_canonical_form(case, text, at_once):
    """What is written piece by piece is the canonical form of the plain data, whatever the texts and the pieces."""
    contract, given_verdicts = case
    given_verdicts = {
        index: msgspec.structs.replace(verdict, ref=verdict.ref + text) for index, verdict in given_verdicts.items()
    }
    statement = replace(_rate(contract, given_verdicts, "2026-08"), outcomes={text: text, "a": "b"})
    data = statement_data(statement)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statement_module, "_AT_ONCE", at_once)
        pieces = list(statement_json(statement))
        shown = render(statement, "json")
    sha256 = digest({name: value for name, value in data.items() if name != "prepared_at"})
    assert b"".join(pieces) == canonical(data)
    assert statement.digest == sha256
    assert shown == canonical({**data, "sha256": sha256}) + b"\n"


@settings(max_examples=60, deadline=None)
@given(cases(), st.randoms(use_true_random=False), st.sampled_from(("json", "csv", "html")))
def test_order_does_not_matter(case, chance, form):
    """Verdicts in any order give the same statement, byte for byte, in every form."""
    contract, given_verdicts = case
    shuffled = list(given_verdicts.items())
    chance.shuffle(shuffled)

    statement = render(_rate(contract, given_verdicts, "2026Q3"), form)
    assert render(_rate(contract, dict(shuffled), "2026Q3"), form) == statement


@settings(max_examples=80, deadline=None)
@given(cases())
def test_every_claim_is_counted_once(case):
    """Verified, pending, rejected, unverifiable and reversed claims are all the claims; found ones are apart."""
    contract, given_verdicts = case
    counts = _rate(contract, given_verdicts, "2026-08").counts

    claims = [verdict for verdict in given_verdicts.values() if not verdict.found]
    assert sum(counts[status] for status in STATUSES) == counts["claimed"] == len(claims)
    assert counts["found"] == len(given_verdicts) - len(claims)


@settings(max_examples=80, deadline=None)
@given(cases())
def test_a_quarter_is_the_sum_of_its_months(case):
    """Splitting a quarter into its months and adding their statements gives the quarter, floor and cap included."""
    contract, given_verdicts = case
    quarter = _rate(contract, given_verdicts, "2026Q3")
    months = [_rate(contract, given_verdicts, label) for label in ("2026-07", "2026-08", "2026-09")]

    for owed in quarter.totals:
        assert _sum([amount for month in months for amount in month.totals], owed.currency) == owed
    assert sorted(line.entry for month in months for line in month.lines) == sorted(
        line.entry for line in quarter.lines
    )


@settings(max_examples=80, deadline=None)
@given(cases(limits=False), st.integers(0, 25))
def test_splitting_the_verdicts_splits_the_amount(case, at):
    """Without floor and cap the terms are linear: two parts of the verdicts give parts of the amount."""
    contract, given_verdicts = case
    items = sorted(given_verdicts.items())
    whole = _rate(contract, given_verdicts, "2026Q3")
    parts = [_rate(contract, dict(part), "2026Q3") for part in (items[:at], items[at:])]

    for owed in whole.totals:
        assert _sum([amount for part in parts for amount in part.totals], owed.currency) == owed


@settings(max_examples=80, deadline=None)
@given(cases())
def test_csv_is_harmless_and_adds_up(case):
    """No text cell of the CSV form starts a formula, and its amounts add up to the totals."""
    contract, given_verdicts = case
    statement = _rate(contract, given_verdicts, "2026Q3")
    rows = list(csv.DictReader(io.StringIO(render(statement, "csv").decode(), newline="")))

    numbers = {"amount", "amount_if_claimed", "quantity"}
    assert [
        row
        for row in rows
        if any(row[name].startswith(("=", "+", "-", "@", "\t", "\r")) for name in row if name not in numbers)
    ] == []
    for owed in statement.totals:
        amounts = [Decimal(row["amount"]) for row in rows if row["amount"] and row["currency"] == owed.currency.code]
        assert sum(amounts, Decimal()) == owed.amount


@settings(max_examples=80, deadline=None)
@given(st.lists(_cents(-(10**6), 10**6), max_size=30), _cents(1, 10_000), st.sampled_from(ROUNDINGS))
def test_a_line_is_within_half_a_cent(quantities, percent, rule):
    """Each line is within half a cent of the exact amount, also below zero, and the total within the sum of that."""
    loaded = _loaded()
    outcome = replace(loaded.outcomes["recovered"], price=Percent(percent))
    contract = replace(loaded, outcomes={"recovered": outcome}, billing=Billing({}, rule))
    verdict = Verdict(
        contract.name, 1, contract.sha256, "recovered", "claim:", "verified", "r", "payment", "ch", (),
        Decimal(), "EUR", 2, None, None, FIRST, parse_instant("2026-08-10T00:00:00Z"),
    )  # fmt: skip
    given_verdicts = {
        index: msgspec.structs.replace(verdict, subject=f"claim:{index}", quantity=quantity)
        for index, quantity in enumerate(quantities)
    }
    statement = _rate(contract, given_verdicts, "2026-08")

    exact = {index: quantity * percent / 100 for index, quantity in enumerate(quantities)}
    assert all(abs(line.amount.amount - exact[line.entry]) <= Decimal("0.005") for line in statement.lines)
    assert abs(statement.total.amount - sum(exact.values(), Decimal())) <= Decimal("0.005") * len(quantities)

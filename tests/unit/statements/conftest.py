"""Builders of contracts and verdicts, so that a test names only what it is about."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tallystick.contracts import Billing, Limits, Percent, PerUnit, load_contract
from tallystick.money import Money, currency
from tallystick.outcomes.library import DOLLARS_COLLECTED
from tallystick.period import parse_instant, parse_period, zone
from tallystick.statements import LedgerHead, rate
from tallystick.verification.verdict import Reason, Verdict

FIXTURES = Path(__file__).parents[3] / "fixtures/contracts/good"
CUSTOM = {"billing": {"invoice": {"placed_at": "instant", "placed_with": "text"}}}
EUR = currency("EUR")


class Builder:
    """Builds contracts, verdicts and statements; what is not named is ordinary."""

    def __init__(self, contract):
        self.contract = contract

    def terms(self, *, floor=None, cap=None, excess="forgiven", rounding="half_up", start=None, end=None):
        """Give the builder of a contract with other terms."""
        money = {
            name: None if text is None else Money.of(Decimal(text), EUR, "half_up")
            for name, text in (("floor", floor), ("cap", cap))
        }
        midnight = parse_period("2026-09", self.contract.timezone).start
        term = self.contract.term
        if start:
            starts = zone(self.contract.timezone).add_days(midnight, (start - date(2026, 9, 1)).days)
            term = replace(term, start=start, end=end, starts_at=starts)
        billing = Billing({EUR: Limits(money["floor"], money["cap"], excess)}, rounding)
        return Builder(replace(self.contract, billing=billing, term=term))

    def priced(self, **prices):
        """Give the builder of a contract with these outcomes: a text is an amount each, a Decimal a percentage."""
        outcome = self.contract.outcomes["recovered"]
        plain = replace(outcome.predicate, quantity=None)
        outcomes = {
            name: replace(outcome, name=name, price=Percent(price))
            if isinstance(price, Decimal)
            else replace(outcome, name=name, predicate=plain, price=PerUnit(Money.of(Decimal(price), EUR, "half_up")))
            for name, price in prices.items()
        }
        return Builder(replace(self.contract, outcomes=outcomes))

    def verdict(self, subject, status="verified", quantity="100.00", **more):
        """Give a verdict; a subject without a prefix is a claim."""
        met = status == "verified"
        subject = subject if ":" in subject else f"claim:{subject}"
        record = subject.rpartition(":")[2]
        values = {
            "outcome": "recovered",
            "ref": record,
            "record_id": f"ch_{record}",
            "quantity": Decimal(quantity) if met and quantity is not None else None,
            "currency": "EUR" if met else None,
            "occurred_at": parse_instant("2026-08-10T10:00:00Z"),
            "decided_at": parse_instant("2026-09-10T10:00:00Z") if met else None,
            "reasons": () if met else (Reason("placed", "its invoice is placed with nobody"),),
            **more,
        }
        return Verdict(
            contract=self.contract.name,
            contract_version=self.contract.version,
            contract_sha256=self.contract.sha256,
            subject=subject,
            status=status,
            record_type="payment",
            **values,
        )

    def rate(self, *verdicts, period="2026-09", now="2026-10-05T08:00:00Z"):
        """Give the statement of some verdicts, numbered from 10 in the ledger."""
        return rate(
            self.contract,
            dict(enumerate(verdicts, start=10)),
            parse_period(period, self.contract.timezone),
            prepared_at=parse_instant(now),
            ledger=LedgerHead(len(verdicts) + 10, "ab" * 32),
        )


@pytest.fixture(scope="session")
def acme():
    """A contract of 12.5 percent without floor and cap."""
    contract = load_contract(
        FIXTURES / "dollars-collected.yaml", templates={"dollars-collected": DOLLARS_COLLECTED}, custom=CUSTOM
    )
    return Builder(contract).terms()

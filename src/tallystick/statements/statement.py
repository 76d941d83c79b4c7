"""A statement: what is owed for a period, line by line, and how every claim stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

from tallystick.canonical import digest
from tallystick.money import Currency, Money, Rounding
from tallystick.period import Period, format_instant
from tallystick.verification.verdict import Status

__all__ = [
    "STATUSES",
    "Adjustment",
    "LedgerHead",
    "Line",
    "ReasonCount",
    "Statement",
    "Tally",
    "add_up",
    "statement_data",
]

STATUSES: tuple[Status, ...] = ("verified", "pending", "rejected", "unverifiable", "reversed")
"""The five verdicts, in the order statements show them."""

FORMAT = "tallystick-statement/1"


@dataclass(frozen=True, slots=True)
class LedgerHead:
    """The ledger a statement was computed from: number of entries, and root hash in hexadecimal."""

    size: int
    root: str


@dataclass(frozen=True, slots=True)
class Line:
    """One verified outcome and what it costs.

    `quantity` is in `unit`: a currency code (major units), or `unit`. `amount` is rounded. Instants are microseconds
    UTC. `entry` is the index of the verdict in the ledger.
    """

    outcome: str
    subject: str
    ref: str
    record_type: str
    record_id: str
    occurred_at: int | None
    decided_at: int
    quantity: Decimal
    unit: str
    price: str
    amount: Money
    entry: int


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What makes a month reach the floor, or takes it down to the cap.

    `limit` is the floor or the cap of that month, `subtotal` the sum of its lines in the contract's currency. `days` of
    `month_days` days of the month lie in the contract's term.
    """

    kind: Literal["floor", "cap"]
    month: str
    subtotal: Money
    limit: Money
    days: int
    month_days: int

    @property
    def amount(self) -> Money:
        """What is added: positive for a floor, negative for a cap."""
        return self.limit - self.subtotal


@dataclass(frozen=True, slots=True)
class Tally:
    """All claims with one status, and what they would have cost at the contract's price, by currency.

    The contract's currency stands first. `unpriced` of them name no amount, so that their cost is not known.
    """

    status: Status
    claims: int
    amounts: tuple[Money, ...]
    unpriced: int


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many claims one clause decided, with the first of them as an example."""

    status: Status
    clause: str
    claims: int
    example: str
    text: str


@dataclass(frozen=True)
class Statement:
    """What is owed for a period under one version of a contract.

    `lines` are the claimed outcomes that were verified and decided in the period; `found` would have been lines, but
    nobody claimed them: they are not billed. `tallies` and `reasons` are about all claims under the contract, whatever
    the period. `outcomes` holds what the contract says about each outcome that has a line. `provisional` says why the
    statement may still change; it is empty once it will not.
    """

    contract: str
    contract_version: int
    contract_sha256: str
    buyer: str
    vendor: str
    timezone: str
    currency: Currency
    rounding: Rounding
    period: Period
    ledger: LedgerHead
    prepared_at: int
    provisional: tuple[str, ...]
    outcomes: Mapping[str, str]
    lines: tuple[Line, ...]
    adjustments: tuple[Adjustment, ...]
    found: tuple[Line, ...]
    tallies: tuple[Tally, ...]
    reasons: tuple[ReasonCount, ...]
    found_in_all: int

    @cached_property
    def subtotals(self) -> tuple[Money, ...]:
        """The sum of the lines of each currency, the contract's first."""
        return add_up((line.amount for line in self.lines), self.currency)

    @property
    def total(self) -> Money:
        """What is owed in the contract's currency: its lines and the adjustments, exactly."""
        return sum((adjustment.amount for adjustment in self.adjustments), self.subtotals[0])

    @property
    def totals(self) -> tuple[Money, ...]:
        """What is owed in each currency, the contract's first. Currencies are never added together."""
        return (self.total, *self.subtotals[1:])

    @property
    def claimed_amounts(self) -> tuple[Money, ...]:
        """What all claims would have cost, by currency, the contract's first."""
        return add_up((amount for tally in self.tallies for amount in tally.amounts), self.currency)

    @property
    def claimed_amount(self) -> Money:
        """What all claims would have cost in the contract's currency."""
        return self.claimed_amounts[0]

    @property
    def saved_by_cap(self) -> Money:
        """What the cap forgives, in the contract's currency."""
        zero = Money(0, self.currency)
        return sum((-adjustment.amount for adjustment in self.adjustments if adjustment.kind == "cap"), zero)

    @property
    def counts(self) -> dict[str, int]:
        """All claims, by status, and the outcomes found that nobody claimed."""
        counted: dict[str, int] = {tally.status: tally.claims for tally in self.tallies}
        return {"claimed": sum(counted.values()), **counted, "found": self.found_in_all}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all the statement says except when it was prepared: two parties compare this."""
        data = statement_data(self)
        del data["prepared_at"]
        return digest(data)


def add_up(amounts: Iterable[Money], first: Currency) -> tuple[Money, ...]:
    """Add amounts currency by currency: `first` stands first, even if it is zero, the others by their code."""
    sums = {first: Money(0, first)}
    for amount in amounts:
        sums[amount.currency] = sums.get(amount.currency, Money(0, amount.currency)) + amount
    others = sorted((unit for unit in sums if unit != first), key=lambda unit: (unit.code, unit.exponent))
    return tuple(sums[unit] for unit in (first, *others))


def statement_data(statement: Statement) -> dict[str, Any]:
    """Give a statement as plain data: amounts and quantities as decimal texts, instants in ISO 8601, UTC."""
    return {
        "format": FORMAT,
        "contract": {
            "name": statement.contract,
            "version": statement.contract_version,
            "sha256": statement.contract_sha256,
        },
        "buyer": statement.buyer,
        "vendor": statement.vendor,
        "period": {
            "label": statement.period.label,
            "start": format_instant(statement.period.start),
            "end": format_instant(statement.period.end),
            "timezone": statement.timezone,
        },
        "currency": statement.currency.code,
        "rounding": statement.rounding,
        "ledger": {"size": statement.ledger.size, "root": statement.ledger.root},
        "prepared_at": format_instant(statement.prepared_at),
        "provisional": list(statement.provisional),
        "outcomes": dict(statement.outcomes),
        "lines": [_line(line) for line in statement.lines],
        "subtotals": [_money(amount) for amount in statement.subtotals],
        "adjustments": [_adjustment(adjustment) for adjustment in statement.adjustments],
        "totals": [_money(amount) for amount in statement.totals],
        "total": f"{statement.total.amount:f}",
        "saved_by_cap": f"{statement.saved_by_cap.amount:f}",
        "claims": {
            "counts": statement.counts,
            "claimed_amounts": [_money(amount) for amount in statement.claimed_amounts],
            "by_status": [
                {
                    "status": tally.status,
                    "claims": tally.claims,
                    "amounts": [_money(amount) for amount in tally.amounts],
                    "unpriced": tally.unpriced,
                }
                for tally in statement.tallies
            ],
            "reasons": [
                {
                    "status": reason.status,
                    "clause": reason.clause,
                    "claims": reason.claims,
                    "example": reason.example,
                    "text": reason.text,
                }
                for reason in statement.reasons
            ],
        },
        "found_not_claimed": [_line(line) for line in statement.found],
    }


def _money(amount: Money) -> dict[str, str]:
    return {"amount": f"{amount.amount:f}", "currency": amount.currency.code}


def _line(line: Line) -> dict[str, Any]:
    return {
        "outcome": line.outcome,
        "subject": line.subject,
        "ref": line.ref,
        "record": {"type": line.record_type, "id": line.record_id},
        "occurred_at": None if line.occurred_at is None else format_instant(line.occurred_at),
        "decided_at": format_instant(line.decided_at),
        "quantity": f"{line.quantity:f}",
        "unit": line.unit,
        "price": line.price,
        **_money(line.amount),
        "ledger_entry": line.entry,
    }


def _adjustment(adjustment: Adjustment) -> dict[str, Any]:
    return {
        "kind": adjustment.kind,
        "month": adjustment.month,
        "subtotal": f"{adjustment.subtotal.amount:f}",
        "limit": f"{adjustment.limit.amount:f}",
        "days": adjustment.days,
        "month_days": adjustment.month_days,
        **_money(adjustment.amount),
    }

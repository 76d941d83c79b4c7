"""The ledger entry that issues a statement: what it says, and how it is read again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tallystick.money import Currency, Money
from tallystick.period import format_instant, parse_instant, parse_period
from tallystick.statements.statement import Issued, Statement

__all__ = ["STATEMENT", "issued_of", "statement_entry"]

STATEMENT = "statement"
"""Kind of the entry that issues a statement."""


def statement_entry(statement: Statement) -> dict[str, Any]:
    """Give the entry that issues a statement."""
    return {
        "kind": STATEMENT,
        "at": format_instant(statement.prepared_at),
        "contract": statement.contract,
        "key": statement.period.label,
        "timezone": statement.timezone,
        "size": statement.ledger.size,
        "sha256": statement.digest,
        "versions": [{"version": version, "sha256": sha256} for version, sha256 in statement.versions],
        "totals": [_money(amount) for amount in statement.own_totals],
        "notes": [{"period": note.period, **_money(note.amount)} for note in statement.notes],
    }


def issued_of(entry: int, data: Mapping[str, Any]) -> Issued:
    """Give what an entry of kind `statement` says was issued; `entry` is its ledger index."""
    notes: dict[str, dict[Currency, Money]] = {}
    for note in data["notes"]:
        amount = _amount(note)
        notes.setdefault(note["period"], {})[amount.currency] = amount
    return Issued(
        entry=entry,
        period=parse_period(data["key"], data["timezone"]),
        totals={amount.currency: amount for amount in map(_amount, data["totals"])},
        notes=notes,
        size=data["size"],
        prepared_at=parse_instant(data["at"]),
        sha256=data["sha256"],
    )


def _money(amount: Money) -> dict[str, Any]:
    unit = amount.currency
    return {"minor": amount.minor, "currency": unit.code, "exponent": unit.exponent}


def _amount(data: Mapping[str, Any]) -> Money:
    return Money(data["minor"], Currency(data["currency"], data["exponent"]))

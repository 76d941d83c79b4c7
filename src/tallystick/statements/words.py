"""How a statement says periods, days, amounts and reasons to a person, the same in every form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tallystick.contracts import FinalityCalendar
from tallystick.money import Money
from tallystick.period import Zone
from tallystick.statements.statement import Adjustment, AdjustmentKind, Note, Statement
from tallystick.verification.verdict import Status

__all__ = [
    "ADJUSTMENT_NAMES",
    "STATUS_MEANING",
    "amount_text",
    "because",
    "clause_words",
    "day",
    "finality_text",
    "noted",
    "number_text",
    "period_title",
    "subtotals_of",
]

STATUS_MEANING: Mapping[Status, str] = {
    "verified": "every condition holds in the buyer\u2019s system",
    "pending": "nothing speaks against it; something is not known yet",
    "rejected": "a condition does not hold, or it was claimed twice",
    "unverifiable": "a needed fact is missing, or the records contradict each other",
    "reversed": "was verified; later evidence says otherwise",
}
"""What each verdict says of a claim, for a reader who has never met the word."""

ADJUSTMENT_NAMES: Mapping[AdjustmentKind, str] = {
    "floor": "Floor true-up",
    "cap": "Cap relief",
    "carried": "Carried over",
    "discount": "Discount",
    "sample": "Acceptance sample",
}
"""What each kind of adjustment is called."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_WORDS = {
    "claimed_elsewhere": "claimed elsewhere",
    "duplicate": "claimed twice",
    "no_such_record": "no such record",
    "ambiguous": "may mean several records",
}


def period_title(label: str) -> str:
    """Give a period as people say it: September 2026, third quarter 2026."""
    if "Q" in label:
        year, quarter = label.split("Q")
        return f"{('First', 'Second', 'Third', 'Fourth')[int(quarter) - 1]} quarter {year}"
    return f"{datetime(int(label[:4]), int(label[5:]), 1, tzinfo=UTC):%B %Y}"


def day(at: int | None, place: Zone) -> str:
    """Give the day of an instant on the calendar of a zone, as 10 Sep 2026; `unknown` if nobody knows the instant."""
    if at is None:
        return "unknown"
    local = _EPOCH + timedelta(microseconds=place.to_local(at))
    return f"{local.day} {local:%b} {local.year}"


def finality_text(closing: FinalityCalendar | None, place: Zone) -> str:
    """Give the calendar of a statement's lines as sentences; nothing without lines."""
    if closing is None:
        return ""
    silence = {"accept": "accepts it", "escalate": "leaves it open until both sides settle it"}[closing.on_silence]
    return (
        f"Every line is locked by {day(closing.locks_at, place)}, and may be disputed before "
        f"{day(closing.disputable_until, place)}; silence {silence}. Evidence against a line that comes before "
        f"{day(closing.clawback_until, place)} makes a note, and nothing changes after "
        f"{day(closing.closes_at, place)}."
    )


def number_text(value: Decimal | int) -> str:
    """Give a number with thousands separators and a true minus sign."""
    return f"{value:,f}".replace("-", "\u2212") if isinstance(value, Decimal) else f"{value:,}"


def amount_text(amount: Money) -> str:
    """Give an amount with thousands separators, a true minus sign and its currency."""
    return f"{number_text(amount.amount)} {amount.currency.code}"


def because(change: Adjustment, say: Callable[[Money], str] = str) -> str:
    """Give the reason of an adjustment in a sentence; `say` writes the amounts."""
    month = period_title(change.month)
    if change.due is None or change.limit is None:
        return f"{month}: {change.text}"
    if change.kind == "cap":
        carried = f", the rest {change.text}" if change.text else ""
        return f"{month}: lowered from {say(change.due)} to the cap of {say(change.limit)}{carried}"
    days = "" if change.days == change.month_days else f" for {change.days} of {change.month_days} days"
    return f"{month}: raised from {say(change.due)} to the floor of {say(change.limit)}{days}"


def noted(note: Note, say: Callable[[Money], str] = str) -> str:
    """Give what a note corrects in a sentence; `say` writes the amounts."""
    earlier = f" and earlier notes of {say(note.noted)}" if note.noted else ""
    billed = f"it was issued with {say(note.issued)}{earlier}"
    return f"{period_title(note.period)} comes to {say(note.restated)}; {billed}"


def subtotals_of(statement: Statement) -> list[Money]:
    """Give the sum of the lines of each currency in which anything is owed, the contract's first."""
    subtotals = {amount.currency: amount for amount in statement.subtotals}
    return [subtotals.get(amount.currency, Money(0, amount.currency)) for amount in statement.totals]


def clause_words(clause: str) -> str:
    """Give the name of the clause that decided a claim in words."""
    return _WORDS.get(clause, clause.replace("_", " "))

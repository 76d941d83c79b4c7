"""A statement as JSON, as CSV, and as a page that a person reads and prints."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache, partial
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from tallystick.canonical import canonical
from tallystick.money import Currency, Money
from tallystick.period import format_instant, zone
from tallystick.statements.statement import Adjustment, Line, Note, Statement, statement_data

__all__ = ["CSV_COLUMNS", "FORMS", "harmless", "render"]

FORMS = ("json", "csv", "html")

CSV_COLUMNS = (
    "kind",
    "contract",
    "period",
    "outcome",
    "claim",
    "record_type",
    "record_id",
    "occurred_at",
    "decided_at",
    "locks_at",
    "quantity",
    "unit",
    "price",
    "amount",
    "currency",
    "amount_if_claimed",
    "ledger_entry",
    "note",
)
"""Columns of the CSV form; `amount` adds up to the totals, currency by currency."""

_MARKS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def render(statement: Statement, form: str) -> bytes:
    """Give a statement as bytes of UTF-8; the same statement gives the same bytes.

    `json` is canonical (RFC 8785) and carries the statement's digest. `csv` has a header and one row for each line,
    adjustment and outcome that was found; text that a spreadsheet would run starts with an apostrophe. `html` is one
    page that loads nothing.

    Raises:
        ValueError: The form is none of the three.
    """
    if form == "json":
        return canonical({**statement_data(statement), "sha256": statement.digest}) + b"\n"
    if form == "csv":
        return _csv(statement)
    if form == "html":
        return _html(statement)
    raise ValueError(f"unknown form {form!r}; use {', '.join(FORMS)}")


def harmless(text: str) -> str:
    """Give a text as a CSV cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_MARKS) else text


# --- CSV


def _csv(statement: Statement) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, CSV_COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    about = {"contract": harmless(statement.contract), "period": statement.period.label}
    for line in statement.lines:
        claim = harmless(line.subject.removeprefix("claim:"))
        writer.writerow(about | _csv_line(line) | {"kind": "line", "claim": claim, "amount": f"{line.amount.amount:f}"})
    for note in statement.notes:
        amounts = {"amount": f"{note.amount.amount:f}", "currency": note.amount.currency.code}
        writer.writerow(about | {"kind": f"{note.kind} note", "note": harmless(_noted(note))} | amounts)
    for change in statement.adjustments:
        amounts = {"amount": f"{change.amount.amount:f}", "currency": change.amount.currency.code}
        writer.writerow(about | {"kind": change.kind, "note": harmless(_because(change))} | amounts)
    for line in statement.found:
        row = {"kind": "found", "amount_if_claimed": f"{line.amount.amount:f}"}
        row["note"] = "met the contract and was not claimed; not billed"
        writer.writerow(about | _csv_line(line) | row)
    return out.getvalue().encode()


def _csv_line(line: Line) -> dict[str, str]:
    return {
        "outcome": harmless(line.outcome),
        "record_type": harmless(line.record_type),
        "record_id": harmless(line.record_id),
        "occurred_at": "" if line.occurred_at is None else format_instant(line.occurred_at),
        "decided_at": "" if line.decided_at is None else format_instant(line.decided_at),
        "locks_at": format_instant(line.locks_at),
        "quantity": f"{line.quantity:f}",
        "unit": harmless(line.unit),
        "price": harmless(line.price),
        "currency": line.amount.currency.code,
        "ledger_entry": str(line.entry),
    }


def _because(change: Adjustment, say: Callable[[Money], str] = str) -> str:
    month = _title(change.month)
    if change.due is None or change.limit is None:
        return f"{month}: {change.text}"
    if change.kind == "cap":
        carried = f", the rest {change.text}" if change.text else ""
        return f"{month}: lowered from {say(change.due)} to the cap of {say(change.limit)}{carried}"
    days = "" if change.days == change.month_days else f" for {change.days} of {change.month_days} days"
    return f"{month}: raised from {say(change.due)} to the floor of {say(change.limit)}{days}"


def _noted(note: Note, say: Callable[[Money], str] = str) -> str:
    earlier = f" and earlier notes of {say(note.noted)}" if note.noted else ""
    billed = f"it was issued with {say(note.issued)}{earlier}"
    return f"{_title(note.period)} comes to {say(note.restated)}; {billed}"


# --- HTML


def _html(statement: Statement) -> bytes:
    place = zone(statement.timezone)

    def day(at: int | None) -> str:
        if at is None:
            return "unknown"
        local = _EPOCH + timedelta(microseconds=place.to_local(at))
        return f"{local.day} {local:%b} {local.year}"

    def counted(unit: Currency) -> str:
        lines = sum(line.amount.currency == unit for line in statement.lines)
        return f"{lines:,} verified outcome{'' if lines == 1 else 's'}"

    text = _page().render(
        statement=statement,
        title=_title(statement.period.label),
        totals={amount.currency: amount for amount in statement.totals},
        sums=_sums(statement),
        counts=statement.counts,
        groups=[(name, list(lines)) for name, lines in groupby(statement.lines, key=lambda line: line.outcome)],
        bars=[(tally.status, tally.claims) for tally in statement.tallies if tally.claims],
        reasons=list(_shown_reasons(statement)),
        counted=counted,
        because=partial(_because, say=_money),
        noted=partial(_noted, say=_money),
        day=day,
        instant=format_instant,
        sha256=statement.digest,
    )
    return text.encode()


def _sums(statement: Statement) -> list[Money]:
    """Give the sum of the lines of each currency in which anything is owed, the contract's first."""
    subtotals = {amount.currency: amount for amount in statement.subtotals}
    return [subtotals.get(amount.currency, Money(0, amount.currency)) for amount in statement.totals]


def _shown_reasons(statement: Statement) -> Iterator[tuple[str, str, int, str, str]]:
    """Give status, clause in words, claims, example and its text."""
    for reason in statement.reasons:
        words = _WORDS.get(reason.clause, reason.clause.replace("_", " "))
        yield reason.status, words, reason.claims, reason.example, reason.text


_WORDS = {
    "claimed_elsewhere": "claimed elsewhere",
    "duplicate": "claimed twice",
    "no_such_record": "no such record",
    "ambiguous": "may mean several records",
}


def _title(label: str) -> str:
    """Give a period as people say it: September 2026, third quarter 2026."""
    if "Q" in label:
        year, quarter = label.split("Q")
        return f"{('First', 'Second', 'Third', 'Fourth')[int(quarter) - 1]} quarter {year}"
    return f"{datetime(int(label[:4]), int(label[5:]), 1, tzinfo=UTC):%B %Y}"


@cache
def _page() -> Template:
    environment = Environment(
        loader=PackageLoader("tallystick.statements"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["money"] = _money
    environment.filters["number"] = _number
    return environment.get_template("statement.html.j2")


def _money(amount: Money) -> str:
    return f"{_number(amount.amount)} {amount.currency.code}"


def _number(value: Decimal | int) -> str:
    """Give a number with thousands separators and a true minus sign."""
    return f"{value:,f}".replace("-", "\u2212") if isinstance(value, Decimal) else f"{value:,}"

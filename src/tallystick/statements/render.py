"""A statement as JSON, as CSV, as a page that a person reads, and as a PDF that goes with an invoice."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from functools import cache, partial
from itertools import chain, groupby
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from tallystick.money import Currency
from tallystick.period import format_instant, zone
from tallystick.statements.cells import harmless
from tallystick.statements.line import Line
from tallystick.statements.pdf import statement_pdf
from tallystick.statements.statement import Statement, signed_json
from tallystick.statements.words import (
    ADJUSTMENT_NAMES,
    STATUS_MEANING,
    amount_text,
    because,
    clause_words,
    day,
    finality_text,
    noted,
    number_text,
    period_title,
    subtotals_of,
)

__all__ = ["CSV_COLUMNS", "FORMS", "render", "render_pieces"]

FORMS = ("json", "csv", "html", "pdf")

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


def render(statement: Statement, form: str, *, fonts: Path | None = None) -> bytes:
    """Give a statement as bytes, UTF-8 unless it is PDF; the same statement gives the same bytes.

    `json` is canonical (RFC 8785) and carries the statement's digest. `csv` has a header and one row for each line,
    adjustment and outcome that was found; text that a spreadsheet would run starts with an apostrophe. `html` is one
    page that loads nothing. `pdf` is A4 and needs the `report` extra; `fonts` is a folder for letters that its built-in
    fonts lack.

    Raises:
        ConfigurationError: The form is PDF, and the extra is not installed, or there is no such folder.
        ValueError: The form is none of the four.
    """
    return b"".join(render_pieces(statement, form, fonts=fonts))


def render_pieces(statement: Statement, form: str, *, fonts: Path | None = None) -> Iterable[bytes]:
    """Give what `render` gives, in pieces where the form allows it, so that it need not be in memory at once.

    Raises:
        ConfigurationError: See `render`; it is raised before the first piece.
        ValueError: See `render`; likewise.
    """
    if form == "json":
        return chain(signed_json(statement), (b"\n",))
    return (_whole(statement, form, fonts),)


def _whole(statement: Statement, form: str, fonts: Path | None) -> bytes:
    if form == "csv":
        return _csv(statement)
    if form == "html":
        return _html(statement)
    if form == "pdf":
        return statement_pdf(statement, fonts=fonts)
    raise ValueError(f"unknown form {form!r}; use {', '.join(FORMS)}")


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
        writer.writerow(about | {"kind": f"{note.kind} note", "note": harmless(noted(note))} | amounts)
    for change in statement.adjustments:
        amounts = {"amount": f"{change.amount.amount:f}", "currency": change.amount.currency.code}
        writer.writerow(about | {"kind": change.kind, "note": harmless(because(change))} | amounts)
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


# --- HTML


def _html(statement: Statement) -> bytes:
    place = zone(statement.timezone)

    def counted(unit: Currency) -> str:
        lines = sum(line.amount.currency == unit for line in statement.lines)
        return f"{lines:,} verified outcome{'' if lines == 1 else 's'}"

    text = _page().render(
        statement=statement,
        title=period_title(statement.period.label),
        totals={amount.currency: amount for amount in statement.totals},
        sums=subtotals_of(statement),
        counts=statement.counts,
        groups=[(name, list(lines)) for name, lines in groupby(statement.lines, key=lambda line: line.outcome)],
        bars=[(tally.status, tally.claims) for tally in statement.tallies if tally.claims],
        reasons=list(_shown_reasons(statement)),
        counted=counted,
        closing=finality_text(statement.closing, place),
        because=partial(because, say=amount_text),
        noted=partial(noted, say=amount_text),
        day=partial(day, place=place),
        instant=format_instant,
        meaning=STATUS_MEANING,
        steps=ADJUSTMENT_NAMES,
        sha256=statement.digest,
    )
    return text.encode()


def _shown_reasons(statement: Statement) -> Iterator[tuple[str, str, int, str, str]]:
    """Give status, clause in words, claims, example and its text."""
    for reason in statement.reasons:
        yield reason.status, clause_words(reason.clause), reason.claims, reason.example, reason.text


@cache
def _page() -> Template:
    environment = Environment(
        loader=PackageLoader("tallystick.statements"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["money"] = amount_text
    environment.filters["number"] = number_text
    return environment.get_template("statement.html.j2")

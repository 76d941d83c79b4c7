"""A statement as a PDF that goes with an invoice. Here stands what it says; the template only places it.

To print something new, add a section in `_sections`: a heading, a sentence and a table.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import Any

from tallystick.money import Money
from tallystick.period import Zone, format_instant, zone
from tallystick.statements.line import Line
from tallystick.statements.statement import Note, Statement, Tally, add_up
from tallystick.statements.typeset import Cell, Column, Row, Table, typeset
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

__all__ = ["MOST_LINES", "MOST_TAGGED", "statement_pdf"]

MOST_LINES = 10_000
"""More lines than this are not printed one by one but as one sum for each outcome."""

MOST_TAGGED = 2_000
"""Up to this many lines a PDF keeps its structure for screen readers."""

_CLAIM = "claim:"
_MONTHLY = (
    "Month by month: what samples and discounts take off, what was carried over; then a sum below the floor is raised"
    " to it, and a sum above the cap is lowered to it."
)
_CORRECTED = (
    "A period that was issued and that comes to something else now is corrected by a note: restated, less what was"
    " issued and noted before."
)
_LONGEST_NAME = 32


def statement_pdf(statement: Statement, *, fonts: Path | None = None) -> bytes:
    """Give a statement as PDF, A4, with the hash of the statement on every page.

    The date in the file is that of `prepared_at`. Up to `MOST_LINES` lines are all printed; above, one row for each
    outcome says how many there are and what they sum up to. The same statement gives the same bytes with the same
    version of the typst package and the same `fonts`, a folder for letters that the built-in fonts lack.

    Raises:
        ConfigurationError: The typst package is not installed, or there is no such folder.
    """
    lines = len(statement.lines) + len(statement.found) + sum(len(note.changes) for note in statement.notes)
    return typeset(_template(), _said(statement), at=statement.prepared_at, fonts=fonts, tagged=lines <= MOST_TAGGED)


@cache
def _template() -> str:
    return (resources.files("tallystick.statements") / "templates" / "statement.typ").read_text(encoding="utf-8")


def _said(statement: Statement) -> dict[str, Any]:
    """Give everything the paper says, in the order of the page."""
    title = period_title(statement.period.label)
    parties = f"{statement.buyer} and {statement.vendor}"
    return {
        "kind": "Statement",
        "title": title,
        "document_title": f"Statement {title}: {parties}",
        "watermark": "PROVISIONAL",
        "running": f"Statement, {_short(statement.buyer)} and {_short(statement.vendor)}, {_short(statement.contract)}",
        "foot": [
            ["Statement sha256", statement.digest],
            ["Ledger root", f"{statement.ledger.root}, {number_text(statement.ledger.size)} entries"],
        ],
        "parties": [["Buyer", statement.buyer], ["Vendor", statement.vendor]],
        "facts": _facts(statement),
        "provisional": statement.provisional,
        "owes": f"{statement.buyer} owes {statement.vendor}",
        "total": amount_text(statement.total),
        "also": [
            ["a currency of its own, never converted or added", amount_text(more)] for more in statement.totals[1:]
        ],
        "why": _why(statement, title),
        "sections": list(_sections(statement)),
        "check": _check(statement),
    }


def _why(statement: Statement, title: str) -> str:
    outcomes = _number_of(len(statement.lines), "outcome")
    return (
        f"For {outcomes} that {statement.vendor} claimed, that {statement.buyer}\u2019s"
        f" own systems confirm, and that locked in {title} ({statement.timezone})."
    )


def _facts(statement: Statement) -> list[tuple[str, str, bool]]:
    place = zone(statement.timezone)
    last = day(statement.period.end - 1, place)
    # Outcomes of before a new version are still decided by the one they happened under.
    others = [(version, sha256) for version, sha256 in statement.versions if version != statement.contract_version]
    earlier = [(f"Version {version}", sha256, True) for version, sha256 in others]
    return [
        ("Contract", f"{statement.contract}, version {statement.contract_version}", False),
        ("Its sha256", statement.contract_sha256, True),
        *earlier,
        ("Period", f"{day(statement.period.start, place)} to {last}, {statement.timezone}", False),
        ("Currency", statement.currency.code, False),
        ("Prepared", format_instant(statement.prepared_at), False),
    ]


# --- sections


def _sections(statement: Statement) -> Iterator[dict[str, Any]]:
    closing = finality_text(statement.closing, zone(statement.timezone))
    yield _section("How it adds up", closing, table=_sum(statement))
    yield _section(
        "What became of the claims",
        "All claims under the contract so far, and what each group would have cost as claimed.",
        table=_claims(statement),
        bars=[(tally.status, tally.claims) for tally in statement.tallies if tally.claims],
    )
    if statement.reasons:
        yield _section("Why claims are not on this statement", table=_reasons(statement))
    yield _lines(statement)
    for note in statement.notes:
        if note.changes:
            yield _note(note)
    if statement.found:
        yield _section(
            f"Met but never claimed: {number_text(len(statement.found))}",
            "These meet the contract and nobody claimed them. They are not billed; the vendor may still claim them.",
            table=_found(statement),
        )


def _section(
    heading: str, lead: str = "", *, table: Table | None = None, bars: list[tuple[str, int]] | None = None
) -> dict[str, Any]:
    return {"heading": heading, "lead": lead, "table": table, "bars": bars or []}


def _sum(statement: Statement) -> Table:
    rows: list[Row] = []
    for subtotal, total in zip(subtotals_of(statement), statement.totals, strict=True):
        lines = sum(line.amount.currency == subtotal.currency for line in statement.lines)
        first = Cell(_number_of(lines, "verified outcome"), note="priced and rounded one by one")
        rows.append(Row([first, amount_text(subtotal)]))
        for note in statement.notes:
            if note.amount.currency == total.currency:
                name = Cell(f"{note.kind.capitalize()} note on {note.period}", note=noted(note, amount_text))
                rows.append(Row([name, amount_text(note.amount)]))
        for change in statement.adjustments:
            if change.amount.currency == total.currency:
                name = Cell(ADJUSTMENT_NAMES[change.kind], note=because(change, amount_text))
                rows.append(Row([name, amount_text(change.amount)]))
        rows.append(Row([f"Owed in {total.currency.code}", amount_text(total)], "total"))
    return Table([Column("", share=2), Column("Amount", right=True)], rows)


def _claims(statement: Statement) -> Table:
    columns = [Column("Verdict"), Column("Claims", right=True), Column("As claimed", right=True), Column("", share=2)]
    rows = [
        Row(
            [
                Cell(tally.status.capitalize(), mark=tally.status),
                number_text(tally.claims),
                _amounts(tally.amounts),
                Cell("", note=_meaning(statement, tally)),
            ]
        )
        for tally in statement.tallies
    ]
    claimed = number_text(statement.counts["claimed"])
    return Table(columns, [*rows, Row(["Claimed", claimed, _amounts(statement.claimed_amounts), ""], "total")])


def _meaning(statement: Statement, tally: Tally) -> str:
    said = [STATUS_MEANING[tally.status]]
    if tally.status == "verified" and tally.claims != len(statement.lines):
        said.append(
            f"{number_text(len(statement.lines))} of them on this statement, the others locked in other periods"
        )
    if tally.unpriced:
        said.append(f"{number_text(tally.unpriced)} without an amount")
    return "; ".join(said)


def _reasons(statement: Statement) -> Table:
    columns = [Column("Verdict"), Column("Condition that decided", share=2), Column("Claims", right=True)]
    rows = [
        Row(
            [
                Cell(reason.status.capitalize(), mark=reason.status),
                clause_words(reason.clause),
                number_text(reason.claims),
                Cell(reason.example, note=reason.text),
            ]
        )
        for reason in statement.reasons
    ]
    return Table([*columns, Column("For example", share=4)], rows)


def _lines(statement: Statement) -> dict[str, Any]:
    heading = f"The {_number_of(len(statement.lines), 'line')}"
    if not statement.lines:
        return _section(heading, "No claimed outcome locked in this period.")
    printed = len(statement.lines) <= MOST_LINES
    place = zone(statement.timezone)
    rows: list[Row] = []
    for name, group in groupby(statement.lines, key=lambda line: line.outcome):
        lines = list(group)
        rows.append(_group(statement, name, lines))
        if printed:
            rows.extend(
                Row([*_line(line, place), *_within(statement, line), amount_text(line.amount)]) for line in lines
            )
    if not printed:
        lead = "Too many to print one by one; the CSV and JSON forms of this statement hold each of them."
        return _section(heading, lead, table=Table([Column("Outcome", share=2), Column("Amount", right=True)], rows))
    columns = [
        Column("Claim", mono=True, share=2),
        Column("Record", mono=True, share=3),
        Column("Happened"),
        Column("Locked"),
        Column("Quantity", right=True),
        Column("Price", right=True),
        Column("Ledger", right=True),
        *([Column("In the cap", right=True)] if statement.shares else []),
        Column("Amount", right=True),
    ]
    return _section(heading, table=Table(columns, rows, small=True))


def _within(statement: Statement, line: Line) -> list[str]:
    """Give what of a line lies within the cap, where a month is above it; nothing where none is."""
    if not statement.shares:
        return []
    share = statement.shares.get(line.subject)
    return ["" if share is None else amount_text(share)]


def _group(statement: Statement, name: str, lines: list[Line]) -> Row:
    said = [statement.outcomes[name], _number_of(len(lines), "line")]
    sums = add_up((line.amount for line in lines), lines[0].amount.currency)
    head = Cell(name.replace("_", " ").capitalize(), note=" · ".join(part for part in said if part))
    return Row([head, _amounts(sums)], "group")


def _line(line: Line, place: Zone) -> list[str | Cell]:
    """Give all cells of a line but those of its money."""
    remarks = [f"at {line.rate.rate:f}, {line.rate.source}"] if line.rate else []
    if line.status == "unverifiable":
        remarks.append("unverifiable, borne by the buyer")
    claim = line.subject.removeprefix(_CLAIM)
    return [
        Cell(claim, note="; ".join(remarks)) if remarks else claim,
        line.record_id,
        day(line.occurred_at, place),
        day(line.locks_at, place),
        f"{number_text(line.quantity)} {line.unit}",
        line.price,
        f"#{line.entry}",
    ]


def _note(note: Note) -> dict[str, Any]:
    columns = [
        Column("Claim", mono=True, share=2),
        Column("Record", mono=True, share=2),
        Column("Was", right=True),
        Column("Is", right=True),
        Column("Because", share=3),
        Column("Ledger", right=True),
    ]
    rows = [
        Row(
            [
                change.subject.removeprefix(_CLAIM),
                change.ref,
                "" if change.before is None else amount_text(change.before),
                "" if change.after is None else amount_text(change.after),
                Cell(change.status, note=change.reason),
                f"#{change.entry}",
            ]
        )
        for change in note.changes[:MOST_LINES]
    ]
    lead = (
        f"{noted(note, amount_text)}. What was issued stays as it is; this note corrects it. Where the lines below do"
        " not make up all of it, floor, cap or discounts make up the rest."
    )
    heading = f"{note.kind.capitalize()} note on {note.period}: {amount_text(note.amount)}"
    return _section(heading, lead, table=Table(columns, rows, small=True))


def _found(statement: Statement) -> Table:
    place = zone(statement.timezone)
    columns = [
        Column("Outcome", share=2),
        Column("Record", mono=True, share=3),
        Column("Happened"),
        Column("Locked"),
        Column("Quantity", right=True),
        Column("Ledger", right=True),
        Column("Would give", right=True),
    ]
    rows = []
    for line in statement.found[:MOST_LINES]:
        _, record, happened, decided, quantity, _, entry = _line(line, place)
        rows.append(Row([line.outcome, record, happened, decided, quantity, entry, amount_text(line.amount)]))
    return Table(columns, rows, small=True)


def _check(statement: Statement) -> dict[str, Any]:
    start, end = format_instant(statement.period.start), format_instant(statement.period.end)
    rounding = statement.rounding.replace("_", " ")
    return {
        "lead": [
            ("Anyone with the project folder, both parties alike, recomputes all of it without a network: ", False),
            ("tallystick ledger fsck", True),
            (" recomputes the ledger and the evidence from their bytes, and ", False),
            (f"tallystick statement {statement.contract} {statement.period.label}", True),
            (" gives this statement again. Compare:", False),
        ],
        "facts": [
            ("Statement", f"sha256 {statement.digest}", True),
            ("Contract", f"sha256 {statement.contract_sha256}", True),
            ("Ledger", f"{number_text(statement.ledger.size)} entries, root {statement.ledger.root}", True),
            ("Period", f"{start} up to, not including, {end}", False),
        ],
        "unprinted": "Letters that the fonts of this paper lack are printed as \\u and their number in Unicode.",
        "rules": [
            f"Each line is price times quantity, rounded once ({rounding}) to the smallest unit of its currency.",
            "The lines of a currency are added; nothing is rounded again, and currencies are never added together.",
            _MONTHLY,
            _CORRECTED,
        ],
    }


def _amounts(amounts: tuple[Money, ...]) -> Cell:
    """Give a line for each currency, those that are zero left out but for the first."""
    return Cell([amount_text(amount) for place, amount in enumerate(amounts) if amount or not place])


def _short(name: str) -> str:
    """Give a name that fits the head of a page; the first page has it in full."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}\u2026"


def _number_of(count: int, word: str) -> str:
    return f"{number_text(count)} {word}{'' if count == 1 else 's'}"

"""Notes: what corrects a period that was issued, found by restating it under its own terms.

    note = restated total - (issued total + earlier notes)

So what was issued and all notes on it add up to the restated total, always, in whatever order things became known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tallystick.contracts import Agreement
from tallystick.errors import Tampered
from tallystick.money import Currency, Money
from tallystick.period import Period
from tallystick.statements.line import Lines
from tallystick.statements.lines import Months, Pricer, Watcher, price_lines
from tallystick.statements.months import Findings, MonthTotal, total_months
from tallystick.statements.statement import Change, Issued, Note
from tallystick.verification.heads import Verdicts

__all__ = ["Restatement", "notes_on", "restate"]


@dataclass(frozen=True)
class Restatement:
    """Everything an agreement comes to, month by month, by the verdicts on which it rests."""

    agreement: Agreement
    months: Months
    lines: Mapping[str, Lines]
    totals: Mapping[str, Mapping[Currency, MonthTotal]]
    verdicts: Verdicts

    def total(self, period: Period) -> dict[Currency, Money]:
        """Give what is owed for a period, without notes."""
        owed: dict[Currency, Money] = {}
        for month in self.months.of(period):
            for unit, total in self.totals[month.label].items():
                owed[unit] = owed.get(unit, Money(0, unit)) + total.total
        return owed

    def lines_of(self, period: Period) -> Lines:
        """Give the lines of a period."""
        return Lines.joined([self.lines[month.label] for month in self.months.of(period) if month.label in self.lines])


def restate(
    agreement: Agreement,
    verdicts: Verdicts,
    wanted: Sequence[Period],
    findings: Findings,
    watcher: Watcher | None = None,
) -> Restatement:
    """Price all verdicts and total every month up to the end of the last period that is wanted.

    Args:
        agreement: The terms, version by version.
        verdicts: The newest verdict of each subject.
        wanted: Periods of whole months.
        findings: What acceptance samples found.
        watcher: Somebody who looks at each verdict once it is priced.

    Raises:
        ConfigurationError: A period is not made of whole months.
        ContractError: A verdict was given under another text of the contract, or cannot be priced.
    """
    months = Months(agreement.newest.timezone)
    for period in wanted:
        months.of(period)
    lines = price_lines(Pricer(agreement), verdicts, months, watcher)
    totals = total_months(agreement, lines, months, wanted, findings)
    return Restatement(agreement, months, lines, totals, verdicts)


def notes_on(issued: Sequence[Issued], now: Restatement, billed: Restatement | None) -> Iterator[Note]:
    """Give the note on each issued period, in the order in which they were issued; a period that stands has none.

    Args:
        issued: The statements that were issued, oldest first.
        now: The agreement as it stands now, restated up to the last of them.
        billed: The agreement as it stood when the last of them was issued, which tells what changed.

    Raises:
        Tampered: What the statements say that was billed is not what the ledger gives for the time they were issued.
    """
    for statement in issued:
        restated = now.total(statement.period)
        before = dict(statement.totals)
        for later in issued:
            for unit, amount in later.notes.get(statement.period.label, {}).items():
                before[unit] = before.get(unit, Money(0, unit)) + amount
        if billed is not None:
            _check(statement, before, billed.total(statement.period))
        for unit in sorted(restated.keys() | before.keys(), key=lambda unit: (unit.code, unit.exponent)):
            zero = Money(0, unit)
            was, is_ = before.get(unit, zero), restated.get(unit, zero)
            if was != is_:
                changes = () if billed is None else tuple(_changes(statement.period, unit, now, billed))
                own = statement.totals.get(unit, zero)
                yield Note(statement.period.label, is_, own, was - own, changes, statement.entry)


def _check(statement: Issued, billed: Mapping[Currency, Money], recomputed: Mapping[Currency, Money]) -> None:
    units = billed.keys() | recomputed.keys()
    if any((billed.get(unit) or Money(0, unit)) != (recomputed.get(unit) or Money(0, unit)) for unit in units):
        raise Tampered(
            f"ledger entry {statement.entry}: the statement for {statement.period.label} and its notes come to "
            f"{_sums(billed)}, and the verdicts of that time give {_sums(recomputed)}",
            hint="Run `tallystick ledger fsck`, and compare with a copy of the statement.",
        )


def _sums(amounts: Mapping[Currency, Money]) -> str:
    return " + ".join(str(amount) for amount in amounts.values() if amount) or "nothing"


def _changes(period: Period, unit: Currency, now: Restatement, billed: Restatement) -> Iterator[Change]:
    """Give the lines that are not what they were, by subject."""
    was, is_ = (
        {line.subject: line.amount for line in book.lines_of(period) if line.amount.currency == unit}
        for book in (billed, now)
    )
    changed = {subject for subject in was.keys() | is_.keys() if was.get(subject) != is_.get(subject)}
    heads = {verdict.subject: (entry, verdict) for entry, verdict in now.verdicts.items() if verdict.subject in changed}
    for subject in sorted(changed):
        entry, verdict = heads[subject]
        yield Change(
            subject,
            verdict.ref,
            was.get(subject),
            is_.get(subject),
            verdict.status,
            f"{verdict.reasons[0].clause}: {verdict.reasons[0].text}" if verdict.reasons else "",
            entry,
        )

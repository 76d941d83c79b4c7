"""From verdicts to a statement: what is owed for a period.

The order of operations, always the same: lines (see `lines` and `pricing`), month by month what is taken off and added
(see `months`), then notes on periods that were issued before (see `notes`). So a quarter is the sum of its three
months. Nothing here depends on the order of the verdicts, and no clock is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tallystick.contracts import Agreement, Contract, FinalityCalendar, calendar_of
from tallystick.period import Period
from tallystick.statements.census import Census
from tallystick.statements.line import Lines
from tallystick.statements.months import Findings, share_caps
from tallystick.statements.notes import Restatement, notes_on, restate
from tallystick.statements.statement import Issued, LedgerHead, Statement
from tallystick.verification.heads import Verdicts

__all__ = ["rate"]


def rate(
    contract: Contract | Agreement,
    verdicts: Verdicts,
    period: Period,
    *,
    prepared_at: int,
    ledger: LedgerHead,
    issued: Sequence[Issued] = (),
    billed: Restatement | None = None,
    findings: Findings | None = None,
) -> Statement:
    """Price the verdicts of a contract for a period.

    Args:
        contract: The terms; one version stands for an agreement that has no other.
        verdicts: The newest verdict of each subject under the contract, by its ledger index; all of them, whatever
            their period.
        period: Whole calendar months in the contract's zone, half-open.
        prepared_at: Now, in microseconds UTC; a period that is not over by then makes the statement provisional.
        ledger: The ledger the verdicts were read from.
        issued: The statements on other periods that were issued, oldest first: where what they say is not what their
            period comes to now, a note corrects it.
        billed: The agreement as it stood when the last of them was issued; without it notes tell no changes.
        findings: What acceptance samples found.

    Raises:
        ConfigurationError: The period is not made of whole months.
        ContractError: A verdict was given under another text of the contract, or cannot be priced.
        Tampered: What was issued is not what the verdicts of that time give.
    """
    agreement = contract if isinstance(contract, Agreement) else Agreement.of(contract)
    census, wanted = Census(period), [period, *(statement.period for statement in issued)]
    now = restate(agreement, verdicts, wanted, findings or {}, census)
    months = now.months.of(period)
    lines = now.lines_of(period)
    in_period = {month.label: now.totals[month.label] for month in months}
    adjustments = [
        adjustment
        for of_unit in in_period.values()
        for unit, total in sorted(of_unit.items(), key=lambda item: item[0] != agreement.newest.currency)
        for adjustment in total.adjustments
    ]
    terms = agreement.governing(months[-1].start)
    return Statement(
        contract=terms.name,
        contract_version=terms.version,
        contract_sha256=terms.sha256,
        versions=tuple((version.version, version.sha256) for version in agreement.versions),
        buyer=terms.buyer,
        vendor=terms.vendor.name,
        timezone=terms.timezone,
        currency=terms.currency,
        rounding=terms.billing.rounding,
        period=period,
        ledger=ledger,
        prepared_at=prepared_at,
        provisional=(
            *_provisional(agreement, census.late, period, prepared_at),
            *_unsampled(agreement, months, now.lines, findings or {}),
        ),
        outcomes=_described(agreement, lines),
        lines=lines,
        closing=_closing(agreement, lines),
        notes=tuple(notes_on(issued, now, billed)),
        adjustments=tuple(adjustments),
        shares=share_caps(in_period, now.lines),
        found=census.found.lines(),
        tallies=tuple(census.tallies(agreement.newest.currency)),
        reasons=tuple(census.reasons()),
        found_in_all=census.found_in_all,
    )


def _closing(agreement: Agreement, lines: Lines) -> FinalityCalendar | None:
    """Give the calendar of the line that is open for longest; None without lines."""
    last: dict[int, int] = {}
    for held in lines.subtotals:
        last[held.version] = max(held.last_lock, last.get(held.version, held.last_lock))
    calendars = [
        calendar_of(contract, last[contract.version]) for contract in agreement.versions if contract.version in last
    ]
    return max(calendars, key=lambda calendar: calendar.closes_at, default=None)


def _described(agreement: Agreement, lines: Lines) -> dict[str, str]:
    """Give what the contract says about each outcome that has a line, in the words of its newest version."""
    words = {name: outcome.description for version in agreement.versions for name, outcome in version.outcomes.items()}
    return {held.outcome: words[held.outcome] for held in lines.subtotals}


def _provisional(agreement: Agreement, late: int, period: Period, now: int) -> Iterator[str]:
    if now < period.end:
        yield "The period is not over yet."
    term = agreement.versions[0].term
    if period.end <= term.starts_at:
        yield f"The period lies before the contract's term, which starts on {term.start.isoformat()}."
    if late:
        noun = "claim is" if late == 1 else "claims are"
        yield f"{late} {noun} pending whose windows end before the period does: the source was not read past them yet."


def _unsampled(
    agreement: Agreement, months: Sequence[Period], lines: Mapping[str, Lines], findings: Findings
) -> Iterator[str]:
    """Say which acceptance samples of the months are not complete."""
    for month in months:
        held = {one.outcome for one in lines[month.label].subtotals} if month.label in lines else set()
        for name, outcome in agreement.governing(month.start).outcomes.items():
            finding = findings.get((name, month.label))
            is_open = finding is None or finding.status == "open"
            if outcome.sample and is_open and name in held:
                yield f"The acceptance sample of {name} for {month.label} is not complete."

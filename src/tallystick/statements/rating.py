"""From verdicts to a statement: what is owed for a period.

The order of operations, always the same: lines (see `lines` and `pricing`), month by month what is taken off and added
(see `months`), then notes on periods that were issued before (see `notes`). So a quarter is the sum of its three
months. Nothing here depends on the order of the verdicts, and no clock is read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tallystick.contracts import Agreement, Contract, FinalityCalendar, calendar_of
from tallystick.period import Period
from tallystick.statements.lines import claimed_price, contract_of, found_lines
from tallystick.statements.months import Findings, share_caps
from tallystick.statements.notes import Restatement, notes_on, restate
from tallystick.statements.statement import (
    STATUSES,
    Issued,
    LedgerHead,
    Line,
    ReasonCount,
    Statement,
    Tally,
    add_up,
    line_order,
)
from tallystick.verification.verdict import Status, VerdictHead

__all__ = ["rate"]

_CLAIM = "claim:"


def rate(
    contract: Contract | Agreement,
    verdicts: Mapping[int, VerdictHead],
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
    now = restate(agreement, verdicts, [period, *(statement.period for statement in issued)], findings or {})
    months = now.months.of(period)
    lines = sorted(now.lines_of(period), key=line_order)
    in_period = {month.label: now.totals[month.label] for month in months}
    adjustments = [
        adjustment
        for of_unit in in_period.values()
        for unit, total in sorted(of_unit.items(), key=lambda item: item[0] != agreement.newest.currency)
        for adjustment in total.adjustments
    ]
    claims = {entry: verdict for entry, verdict in verdicts.items() if verdict.subject.startswith(_CLAIM)}
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
            *_provisional(agreement, claims.values(), period, prepared_at),
            *_unsampled(agreement, months, lines, findings or {}),
        ),
        outcomes=_described(agreement, lines),
        lines=tuple(lines),
        closing=_closing(agreement, lines),
        notes=tuple(notes_on(issued, now, billed)),
        adjustments=tuple(adjustments),
        shares=share_caps(in_period, now.lines),
        found=tuple(found_lines(agreement, verdicts, period)),
        tallies=tuple(_tallies(agreement, claims.values())),
        reasons=tuple(_reasons(claims.values())),
        found_in_all=sum(verdict.found and verdict.status == "verified" for verdict in verdicts.values()),
    )


def _closing(agreement: Agreement, lines: Sequence[Line]) -> FinalityCalendar | None:
    """Give the calendar of the line that is open for longest; None without lines."""
    last: dict[int, int] = {}
    for line in lines:
        last[line.version] = max(line.locks_at, last.get(line.version, line.locks_at))
    calendars = [
        calendar_of(contract, last[contract.version]) for contract in agreement.versions if contract.version in last
    ]
    return max(calendars, key=lambda calendar: calendar.closes_at, default=None)


def _described(agreement: Agreement, lines: Iterable[Line]) -> dict[str, str]:
    """Give what the contract says about each outcome that has a line, in the words of its newest version."""
    words = {name: outcome.description for version in agreement.versions for name, outcome in version.outcomes.items()}
    return {line.outcome: words[line.outcome] for line in lines}


# --- how the claims stand


def _provisional(agreement: Agreement, claims: Iterable[VerdictHead], period: Period, now: int) -> Iterator[str]:
    if now < period.end:
        yield "The period is not over yet."
    term = agreement.versions[0].term
    if period.end <= term.starts_at:
        yield f"The period lies before the contract's term, which starts on {term.start.isoformat()}."
    late = sum(
        verdict.status == "pending" and any(_in_time(reason.until, period) for reason in verdict.reasons)
        for verdict in claims
    )
    if late:
        noun = "claim is" if late == 1 else "claims are"
        yield f"{late} {noun} pending whose windows end before the period does: the source was not read past them yet."


def _unsampled(
    agreement: Agreement, months: Sequence[Period], lines: Sequence[Line], findings: Findings
) -> Iterator[str]:
    """Say which acceptance samples of the months are not complete."""
    for month in months:
        for name, outcome in agreement.governing(month.start).outcomes.items():
            finding = findings.get((name, month.label))
            is_open = finding is None or finding.status == "open"
            if outcome.sample and is_open and any(line.outcome == name and line.locks_at in month for line in lines):
                yield f"The acceptance sample of {name} for {month.label} is not complete."


def _in_time(until: int | None, period: Period) -> bool:
    return until is not None and until < period.end


def _tallies(agreement: Agreement, claims: Iterable[VerdictHead]) -> Iterator[Tally]:
    counted: dict[Status, list[VerdictHead]] = defaultdict(list)
    for verdict in claims:
        counted[verdict.status].append(verdict)
    for status in STATUSES:
        yield _tally(agreement, status, counted[status])


def _tally(agreement: Agreement, status: Status, counted: Sequence[VerdictHead]) -> Tally:
    amounts = [claimed_price(contract_of(agreement, verdict), verdict) for verdict in counted]
    known = [amount for amount in amounts if amount is not None]
    return Tally(status, len(counted), add_up(known, agreement.newest.currency), len(amounts) - len(known))


def _reasons(claims: Iterable[VerdictHead]) -> list[ReasonCount]:
    """Count the clauses that decided, status by status, the most frequent first, equal ones by name."""
    decided: dict[tuple[Status, str], list[VerdictHead]] = defaultdict(list)
    for verdict in claims:
        if verdict.reasons:
            decided[verdict.status, verdict.reasons[0].clause].append(verdict)
    counted = []
    for (status, clause), verdicts in decided.items():
        first = min(verdicts, key=lambda verdict: verdict.subject)
        example = first.subject.removeprefix(_CLAIM)
        counted.append(ReasonCount(status, clause, len(verdicts), example, first.reasons[0].text))
    return sorted(counted, key=lambda reason: (STATUSES.index(reason.status), -reason.claims, reason.clause))

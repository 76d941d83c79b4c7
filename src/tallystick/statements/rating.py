"""From verdicts to a statement: what each outcome costs, and what is owed for a period.

The order of operations, always the same:

1. A claimed outcome that is verified, and that was decided in the period, is a line. Its amount is the price applied to
   its quantity, rounded once, by the contract's rule, to the minor unit of its currency.
2. The lines of each currency are added. Nothing is rounded again, and currencies are never added together.
3. Month by month, in the contract's currency: a subtotal below the floor gets a true-up to it, one above the cap a
   relief down to it. The floor of a month that the term covers in part counts by its days there, to the nearest minor
   unit, halves up; the cap is that of a whole month, since what was earned in the term may be decided after it.
4. The total of the contract's currency is its lines and these adjustments; every other currency is its lines.

So a quarter is the sum of its three months. Nothing here depends on the order of the verdicts, and no clock is read.
"""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from tallystick.contracts import Contract, Outcome
from tallystick.errors import ConfigurationError, ContractError
from tallystick.money import Currency, Money, allocate, currency
from tallystick.period import Period, parse_period, zone
from tallystick.statements.pricing import price_month
from tallystick.statements.statement import (
    STATUSES,
    Adjustment,
    LedgerHead,
    Line,
    ReasonCount,
    Statement,
    Tally,
    add_up,
)
from tallystick.verification.verdict import Status, Verdict

__all__ = ["currency_of", "price_of", "rate"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLAIM = "claim:"


def rate(
    contract: Contract, verdicts: Mapping[int, Verdict], period: Period, *, prepared_at: int, ledger: LedgerHead
) -> Statement:
    """Price the verdicts of a contract for a period.

    Args:
        contract: The terms.
        verdicts: The newest verdict of each subject under the contract, by its ledger index; all of them, whatever
            their period.
        period: Whole calendar months in the contract's zone, half-open.
        prepared_at: Now, in microseconds UTC; a period that is not over by then makes the statement provisional.
        ledger: The ledger the verdicts were read from.

    Raises:
        ConfigurationError: The period is not made of whole months.
        ContractError: A verdict was given under another text of the contract, or cannot be priced.
    """
    _check(contract, verdicts)
    months = _months(period, contract.timezone)
    lines = sorted(_lines(contract, verdicts, period), key=_order)
    claimed = tuple(line for line in lines if line.subject.startswith(_CLAIM))
    claims = {entry: verdict for entry, verdict in verdicts.items() if verdict.subject.startswith(_CLAIM)}
    return Statement(
        contract=contract.name,
        contract_version=contract.version,
        contract_sha256=contract.sha256,
        buyer=contract.buyer,
        vendor=contract.vendor.name,
        timezone=contract.timezone,
        currency=contract.currency,
        rounding=contract.billing.rounding,
        period=period,
        ledger=ledger,
        prepared_at=prepared_at,
        provisional=tuple(_provisional(contract, claims.values(), period, prepared_at)),
        outcomes={line.outcome: contract.outcomes[line.outcome].description for line in lines},
        lines=claimed,
        adjustments=tuple(_adjustments(contract, claimed, months)),
        found=tuple(line for line in lines if not line.subject.startswith(_CLAIM)),
        tallies=tuple(_tally(contract, status, claims.values()) for status in STATUSES),
        reasons=tuple(_reasons(claims.values())),
        found_in_all=sum(verdict.found and verdict.status == "verified" for verdict in verdicts.values()),
    )


def _check(contract: Contract, verdicts: Mapping[int, Verdict]) -> None:
    for verdict in verdicts.values():
        if verdict.contract_sha256 != contract.sha256:
            raise ContractError(
                f"{verdict.subject} was decided under another text of {contract.name}:"
                f" version {verdict.contract_version}, {verdict.contract_sha256[:12]}",
                hint=f"Run `tallystick verify {contract.name}` first: it decides under the terms as they are now.",
            )


# --- lines


def _lines(contract: Contract, verdicts: Mapping[int, Verdict], period: Period) -> Iterator[Line]:
    for entry, verdict in verdicts.items():
        if verdict.status != "verified":
            continue
        if verdict.decided_at is None or verdict.record_id is None:
            raise _unpriceable(verdict, "it has no record, or no instant at which it was decided")
        if verdict.decided_at in period:
            outcome = _outcome(contract, verdict)
            quantity, unit = _measure(outcome, verdict)
            amount = price_of(contract, outcome, quantity, currency_of(contract, unit, verdict.exponent))
            yield Line(
                outcome=verdict.outcome,
                subject=verdict.subject,
                ref=verdict.ref,
                record_type=verdict.record_type,
                record_id=verdict.record_id,
                occurred_at=verdict.occurred_at,
                decided_at=verdict.decided_at,
                quantity=quantity,
                unit=unit,
                price=str(outcome.price),
                amount=amount,
                entry=entry,
            )


def _order(line: Line) -> tuple[str, int, str, str]:
    return (line.outcome, line.occurred_at or 0, line.record_id, line.subject)


def _outcome(contract: Contract, verdict: Verdict) -> Outcome:
    if verdict.outcome not in contract.outcomes:
        raise _unpriceable(verdict, f"the contract has no outcome {verdict.outcome}")
    return contract.outcomes[verdict.outcome]


def _measure(outcome: Outcome, verdict: Verdict) -> tuple[Decimal, str]:
    """Give what the price applies to: money for a percentage, a number of units otherwise.

    An outcome whose quantity is money but whose price is per unit is one unit.
    """
    if outcome.price.by_percent:
        if verdict.quantity is None or verdict.currency is None:
            raise _unpriceable(verdict, "its record names no amount, or no currency")
        return Decimal(verdict.quantity), verdict.currency
    if verdict.quantity is None or outcome.predicate.quantity_is_money:
        return Decimal(1), "unit"
    return Decimal(verdict.quantity), "unit"


def currency_of(contract: Contract, unit: str, places: int | None = None) -> Currency:
    """Give the currency of an amount, or of `unit`: with the decimal places the system of record uses, where it said.

    The contract's currency is the contract's, whatever a system says; units are priced in it too.
    """
    if unit in {"unit", contract.currency.code}:
        return contract.currency
    if places is not None:
        return Currency(unit, places)
    try:
        return currency(unit)
    except ConfigurationError as unknown:
        raise ContractError(f"an outcome cannot be priced: {unknown.message}", hint=unknown.hint) from None


def price_of(contract: Contract, outcome: Outcome, quantity: Decimal, paid_in: Currency) -> Money:
    """Give the price of one line, rounded once by the contract's rule.

    Args:
        contract: The terms.
        outcome: What is paid for.
        quantity: Units, or an amount in major units of `paid_in` for a percentage.
        paid_in: Currency of the quantity, if it is money.
    """
    return price_month(outcome.price, [quantity], paid_in, contract.billing.rounding)[0].amount


def _unpriceable(verdict: Verdict, why: str) -> ContractError:
    return ContractError(
        f"{verdict.subject} is verified and cannot be priced: {why}",
        hint="Run `tallystick verify` again; if it stays so, the predicate has to ask for what is missing.",
    )


# --- floor and cap


def _months(period: Period, zone_name: str) -> list[Period]:
    place = zone(zone_name)
    found: list[Period] = []
    start = period.start
    while start < period.end:
        local = _EPOCH + timedelta(microseconds=place.to_local(start))
        month = parse_period(f"{local.year:04}-{local.month:02}", zone_name)
        if month.start != start or month.end > period.end:
            raise ConfigurationError(f"period {period.label} is not made of whole months in {zone_name}")
        found.append(month)
        start = month.end
    return found


def _adjustments(contract: Contract, lines: Iterable[Line], months: Iterable[Period]) -> Iterator[Adjustment]:
    limits, zero = contract.billing.limits[contract.currency], Money(0, contract.currency)
    own = [line for line in lines if line.amount.currency == contract.currency]
    for month in months:
        subtotal = sum((line.amount for line in own if line.decided_at in month), zero)
        days, month_days = _days_in_term(contract, month)
        floor = allocate(limits.floor, [days, month_days - days])[0] if limits.floor else zero
        if limits.cap is not None and subtotal > limits.cap:
            yield Adjustment("cap", month.label, subtotal, limits.cap, days, month_days)
        elif limits.floor is not None and subtotal < floor:
            yield Adjustment("floor", month.label, subtotal, floor, days, month_days)


def _days_in_term(contract: Contract, month: Period) -> tuple[int, int]:
    year, number = map(int, month.label.split("-"))
    month_days = calendar.monthrange(year, number)[1]
    days = [date(year, number, day) for day in range(1, month_days + 1)]
    term = contract.term
    return sum(term.start <= day and (term.end is None or day < term.end) for day in days), month_days


# --- how the claims stand


def _provisional(contract: Contract, claims: Iterable[Verdict], period: Period, now: int) -> Iterator[str]:
    if now < period.end:
        yield "The period is not over yet."
    if period.end <= contract.term.starts_at:
        yield f"The period lies before the contract's term, which starts on {contract.term.start.isoformat()}."
    late = sum(
        verdict.status == "pending" and any(_in_time(reason.until, period) for reason in verdict.reasons)
        for verdict in claims
    )
    if late:
        noun = "claim is" if late == 1 else "claims are"
        yield f"{late} {noun} pending whose windows end before the period does: the source was not read past them yet."


def _in_time(until: int | None, period: Period) -> bool:
    return until is not None and until < period.end


def _tally(contract: Contract, status: Status, claims: Iterable[Verdict]) -> Tally:
    counted = [verdict for verdict in claims if verdict.status == status]
    amounts = [_claimed(contract, verdict) for verdict in counted]
    known = [amount for amount in amounts if amount is not None]
    return Tally(status, len(counted), add_up(known, contract.currency), len(amounts) - len(known))


def _claimed(contract: Contract, verdict: Verdict) -> Money | None:
    """Give what a claim would cost if it were paid as it was made; None if it does not say enough.

    A verified claim that names no amount means what was verified.
    """
    outcome = _outcome(contract, verdict)
    if outcome.price.by_percent and verdict.claimed_amount is not None:
        unit = verdict.claimed_currency or verdict.currency or contract.currency.code
        places = verdict.exponent if unit == verdict.currency else None
        return price_of(contract, outcome, verdict.claimed_amount, currency_of(contract, unit, places))
    if outcome.price.by_percent and verdict.status != "verified":
        return None
    quantity, unit = _measure(outcome, verdict)
    return price_of(contract, outcome, quantity, currency_of(contract, unit, verdict.exponent))


def _reasons(claims: Iterable[Verdict]) -> list[ReasonCount]:
    """Count the clauses that decided, status by status, the most frequent first, equal ones by name."""
    decided: dict[tuple[Status, str], list[Verdict]] = defaultdict(list)
    for verdict in claims:
        if verdict.reasons:
            decided[verdict.status, verdict.reasons[0].clause].append(verdict)
    counted = []
    for (status, clause), verdicts in decided.items():
        first = min(verdicts, key=lambda verdict: verdict.subject)
        example = first.subject.removeprefix(_CLAIM)
        counted.append(ReasonCount(status, clause, len(verdicts), example, first.reasons[0].text))
    return sorted(counted, key=lambda reason: (STATUSES.index(reason.status), -reason.claims, reason.clause))

"""From the lines of a calendar month to what is owed for it, currency by currency.

The order of operations is always the same:

1. The lines are added; each was rounded already, so the sum is exact.
2. Acceptance samples: where a share of wrong ones above the agreed tolerance was found, that share of the outcome's
   lines is taken off, or all of them are held.
3. Discounts, one after the other, each of what the ones before it left.
4. What an earlier month carried over its cap is added.
5. What lies above the cap is taken off, and carried on if that is agreed. What lacks to the floor is added; the floor
   of a month that the term covers in part counts by its days there, to the nearest minor unit, halves up, and a month
   outside the term has none. The cap is that of a whole month, since what was earned in the term may lock after it.

Every step that is a percentage is rounded once, by the contract's rule, and is an adjustment of its own. The terms are
those of the version that is in force when the month begins.
"""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, Protocol

from tallystick.contracts import Agreement, Contract, Discount, Limits
from tallystick.money import Currency, Money, allocate
from tallystick.period import Period
from tallystick.statements.line import Lines, Subtotal
from tallystick.statements.lines import Months
from tallystick.statements.pricing import EXACT, add
from tallystick.statements.statement import Adjustment

__all__ = ["Finding", "Findings", "MonthTotal", "share_caps", "total_months"]


class Finding(Protocol):
    """What an acceptance sample found: `share` of the lines, from 0 to 1, is wrong."""

    @property
    def status(self) -> Literal["open", "within", "exceeded"]:
        """Whether it is complete, and if so whether the share lies above what the parties put up with."""

    @property
    def rule(self) -> Literal["extrapolate", "hold"]:
        """What happens if it does."""

    @property
    def share(self) -> Decimal:
        """The share that was found."""


Findings = Mapping[tuple[str, str], Finding]
"""Findings by outcome and label of the month."""


@dataclass(frozen=True, slots=True)
class MonthTotal:
    """What is owed for one month in one currency: `lines` and the adjustments; `carried` goes into the next month."""

    month: str
    lines: Money
    adjustments: tuple[Adjustment, ...]
    carried: Money

    @property
    def total(self) -> Money:
        """What is owed, exactly."""
        return sum((adjustment.amount for adjustment in self.adjustments), self.lines)


def total_months(
    agreement: Agreement,
    lines: Mapping[str, Lines],
    months: Months,
    wanted: Sequence[Period],
    findings: Findings,
) -> dict[str, dict[Currency, MonthTotal]]:
    """Give what is owed for each month up to the last one that is wanted, by its label and the currency.

    Args:
        agreement: The terms, version by version.
        lines: All lines, by the label of their month.
        months: The months of the agreement's time zone.
        wanted: Periods of whole months.
        findings: What acceptance samples found.
    """
    subtotals = {label: held.subtotals for label, held in lines.items()}
    known = [months.at(one.last_lock).start for in_month in subtotals.values() for one in in_month[:1]]
    first = min([agreement.versions[0].term.starts_at, *(period.start for period in wanted), *known])
    last = max(period.end for period in wanted) - 1
    units = {unit for contract in agreement.versions for unit in contract.billing.limits}
    units |= {one.amount.currency for in_month in subtotals.values() for one in in_month}
    carried: dict[Currency, Money] = {}
    totals: dict[str, dict[Currency, MonthTotal]] = {}
    for month in months.between(first, last):
        contract = agreement.governing(month.start)
        here = subtotals.get(month.label, ())
        totals[month.label] = {}
        for unit in sorted(units, key=lambda unit: (unit.code, unit.exponent)):
            own = [one for one in here if one.amount.currency == unit]
            total = _total(contract, month, (unit, own), carried.get(unit), findings)
            totals[month.label][unit] = total
            carried[unit] = total.carried
    return totals


def _total(
    contract: Contract,
    month: Period,
    billed: tuple[Currency, Sequence[Subtotal]],
    carried: Money | None,
    findings: Findings,
) -> MonthTotal:
    unit, subtotals = billed
    subtotal = sum((one.amount for one in subtotals), Money(0, unit))
    adjustments = list(_reductions(contract, month, subtotals, unit, findings))
    days, month_days = _days_in_term(contract, month)
    if carried and days:
        adjustments.append(Adjustment("carried", month.label, carried, text="above the cap of earlier months"))
    due = sum((adjustment.amount for adjustment in adjustments), subtotal)
    limits = contract.billing.limits.get(unit, Limits())
    floor = allocate(limits.floor, [days, month_days - days])[0] if limits.floor else Money(0, unit)
    over = Money(0, unit)
    if limits.cap is not None and due > limits.cap:
        over = due - limits.cap if limits.excess == "carried" else over
        text = "carried into the next month" if over else ""
        adjustments.append(Adjustment("cap", month.label, limits.cap - due, due, limits.cap, days, month_days, text))
    elif limits.floor is not None and days and due < floor:
        adjustments.append(Adjustment("floor", month.label, floor - due, due, floor, days, month_days))
    return MonthTotal(month.label, subtotal, tuple(adjustments), over)


def _reductions(
    contract: Contract, month: Period, subtotals: Sequence[Subtotal], unit: Currency, findings: Findings
) -> Iterator[Adjustment]:
    """Give what samples and discounts take off the lines of a month."""
    left: dict[str, Decimal] = defaultdict(Decimal)
    for one in subtotals:
        left[one.outcome] = EXACT.add(left[one.outcome], one.amount.amount)

    def off(kind: Literal["sample", "discount"], amount: Decimal, text: str) -> Iterator[Adjustment]:
        taken = -Money.of(amount, unit, contract.billing.rounding)
        if taken:
            yield Adjustment(kind, month.label, taken, text=text)

    for outcome in sorted(left):
        finding = findings.get((outcome, month.label))
        if finding is not None and finding.status == "exceeded":
            hold = finding.rule == "hold"
            share = Decimal(1) if hold else finding.share
            text = f"{outcome}: {'held' if hold else 'taken off'}, as {_percent(finding.share)} of a sample was wrong"
            yield from off("sample", EXACT.multiply(left[outcome], share), text)
            left[outcome] = EXACT.multiply(left[outcome], EXACT.subtract(Decimal(1), share))
    for discount in _in_force(contract, month):
        share = EXACT.scaleb(discount.percent, -2)
        named = [outcome for outcome in sorted(left) if not discount.outcomes or outcome in discount.outcomes]
        taken = add(EXACT.multiply(left[outcome], share) for outcome in named)
        yield from off("discount", taken, f"{discount.percent:f} %: {discount.reason}")
        for outcome in named:
            left[outcome] = EXACT.multiply(left[outcome], EXACT.subtract(Decimal(1), share))


def _percent(share: Decimal) -> str:
    return f"{EXACT.scaleb(share, 2).normalize(EXACT):f} %"


def _in_force(contract: Contract, month: Period) -> Iterator[Discount]:
    first = _first_day(month)
    for discount in contract.billing.discounts:
        begun = discount.start is None or discount.start <= first
        if begun and (discount.until is None or first < discount.until):
            yield discount


def share_caps(totals: Mapping[str, Mapping[Currency, MonthTotal]], lines: Mapping[str, Lines]) -> dict[str, Money]:
    """Share what a capped month comes to over its lines, by subject; the shares add up to it exactly.

    What an earlier month carried over is paid first. Each line gets a part by its amount, see `money.allocate`; lines
    of months below their cap are not told.
    """
    shares: dict[str, Money] = {}
    for label, of_unit in totals.items():
        for unit, total in of_unit.items():
            capped = [adjustment for adjustment in total.adjustments if adjustment.kind == "cap"]
            if not capped:
                continue
            own = [line for line in lines.get(label, ()) if line.amount.currency == unit]
            weights = [max(line.amount.minor, 0) for line in own]
            if not any(weights):
                continue
            before = sum(
                (adjustment.amount for adjustment in total.adjustments if adjustment.kind == "carried"), Money(0, unit)
            )
            rest = max(total.total - before, Money(0, unit))
            shares |= {line.subject: share for line, share in zip(own, allocate(rest, weights), strict=True)}
    return shares


def _days_in_term(contract: Contract, month: Period) -> tuple[int, int]:
    first = _first_day(month)
    month_days = calendar.monthrange(first.year, first.month)[1]
    days = [first.replace(day=day) for day in range(1, month_days + 1)]
    term = contract.term
    return sum(term.start <= day and (term.end is None or day < term.end) for day in days), month_days


def _first_day(month: Period) -> date:
    year, number = map(int, month.label.split("-"))
    return date(year, number, 1)

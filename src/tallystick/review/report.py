"""From the numbers of a review to its page: what a finance chief reads, section by section."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from statistics import median_high

from tallystick.contracts import Agreement
from tallystick.money import Money
from tallystick.period import zone
from tallystick.review.charts import cost_by_month, days_to_lock, outcomes_by_month, rejection_reasons
from tallystick.review.numbers import OffRampState, Review, share
from tallystick.review.page import Page, Section, Table, Tile
from tallystick.review.signals import Signal
from tallystick.statements.statement import STATUSES
from tallystick.statements.words import amount_text, period_title

__all__ = ["page_of", "review_data"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def page_of(
    review: Review, signals: Sequence[Signal], disputes: Mapping[str, int], *, now: int, ledger: tuple[int, str]
) -> Page:
    """Give the page of a review.

    Args:
        review: The numbers.
        signals: What speaks for a question to one of the sides.
        disputes: Disputes of the period by their state.
        now: The instant it is prepared at, which dates a notice, in microseconds UTC.
        ledger: Size and root of the ledger it was counted from.
    """
    contract = review.agreement.newest
    return Page(
        title=f"Review of {contract.name}: {period_title(review.period.label)}",
        subtitle=f"{contract.buyer} and {contract.vendor.name}",
        tiles=list(_tiles(review)),
        sections=[
            _outcomes(review),
            _cost(review),
            _refusals(review),
            _disputed(review, disputes),
            _finality(review),
            _limits(review),
            _signals(signals),
            _way_out(review, now),
        ],
        foot=[("Contract", contract.sha256), ("Ledger", f"{ledger[0]:,} entries, root {ledger[1]}")],
    )


def _tiles(review: Review) -> Iterator[Tile]:
    counts = review.counts
    decided = counts["verified"] + counts["rejected"] + counts["reversed"]
    yield Tile("Owed", amount_text(review.owed), "for the period itself, without notes on earlier ones")
    yield Tile("Verified outcomes", f"{review.lines:,}", f"of {sum(counts.values()):,} claimed")
    if (rate := share(counts["verified"], decided)) is not None:
        yield Tile("Verified of those decided", f"{rate} %", "")
    if review.cost is not None:
        before = review.baseline
        beside = "no baseline is agreed" if before is None else f"before: {_each(before, review.lines)}"
        yield Tile("Cost per outcome", amount_text(review.cost), beside)
    if review.saved is not None:
        words = "Saved" if review.saved.minor >= 0 else "Cost more"
        yield Tile(
            words, amount_text(review.saved if review.saved.minor >= 0 else -review.saved), "against the baseline"
        )


def _each(amount: Money, count: int) -> str:
    return amount_text(Money(round(Decimal(amount.minor) / count), amount.currency))


def _outcomes(review: Review) -> Section:
    labels = [month.label for month in review.months]
    chart = outcomes_by_month(
        labels, {status: [month.counts[status] for month in review.months] for status in STATUSES}
    )
    rows = [
        [month.label, *(f"{month.counts[status]:,}" for status in STATUSES), f"{sum(month.counts.values()):,}"]
        for month in review.months
    ]
    headers = ["Month", *(status.capitalize() for status in STATUSES), "Claimed"]
    text = "Each claim counts in the month in which its outcome happened, or was claimed where that is not known."
    return Section("What was claimed, and what became of it", text, chart, Table(headers, rows, range(1, len(headers))))


def _cost(review: Review) -> Section:
    own = review.agreement.newest.currency
    labels = [month.label for month in review.months]
    costs = [None if month.cost is None else month.cost.amount for month in review.months]
    lines, before = sum(month.lines for month in review.months), [month.baseline for month in review.months]
    known = [amount for amount in before if amount is not None]
    baseline = None
    if lines and len(known) == len(before):
        baseline = sum((amount.amount for amount in known), Decimal(0)) / lines
    rows = [
        [
            month.label,
            f"{month.lines:,}",
            amount_text(month.owed),
            "" if month.cost is None else amount_text(month.cost),
            "" if month.baseline is None else amount_text(month.baseline - month.owed),
        ]
        for month in review.months
    ]
    text = (
        "What is owed for the lines that locked in a month, by the number of these lines, beside what they cost before."
    )
    others = " ".join(f"Beside that, {amount_text(amount)} are owed." for amount in review.other_currencies)
    table = Table(["Month", "Lines", "Owed", "Cost of one", "Saved"], rows, range(1, 5))
    chart = cost_by_month(labels, costs, baseline, currency=own.code)
    return Section("What an outcome cost", f"{text} {others}".strip(), chart, table)


def _refusals(review: Review) -> Section:
    rows = [[clause.replace("_", " "), f"{count:,}"] for clause, count in review.reasons]
    chart = rejection_reasons([(clause.replace("_", " "), count) for clause, count in review.reasons])
    return Section(
        "Why claims were rejected", "By the clause that decided.", chart, Table(["Clause", "Claims"], rows, [1])
    )


def _disputed(review: Review, disputes: Mapping[str, int]) -> Section:
    counts = review.counts
    ever = counts["verified"] + counts["reversed"]
    rate = share(counts["reversed"], ever)
    said = "No claim was verified." if rate is None else f"{rate} % of the claims verified once were reversed later."
    reversals = ", ".join(f"{clause.replace('_', ' ')} {count}" for clause, count in review.reversed)
    notes = "; ".join(f"{amount_text(amount)} on {label}" for label, amount in review.notes)
    text = " ".join(
        [
            said,
            f"They were reversed by: {reversals}." if reversals else "",
            f"Notes issued in the period: {notes}." if notes else "No note was issued in the period.",
        ]
    )
    table = Table(["Disputes", "Number"], [[state, f"{count:,}"] for state, count in sorted(disputes.items())], [1])
    return Section("Disputes, reversals and notes", text, None, table if disputes else None)


def _finality(review: Review) -> Section:
    if not review.lock_days:
        return Section("How long it took to be final", "Nothing locked in the period.")
    middle = median_high(review.lock_days)
    most = max(review.lock_days)
    text = f"Half of the lines locked within {middle} days of when they happened, all of them within {most}."
    return Section("How long it took to be final", text, days_to_lock(review.lock_days))


def _limits(review: Review) -> Section:
    rows = [
        [month.label, amount_text(month.floor), amount_text(month.cap), amount_text(month.owed)]
        for month in review.in_period
    ]
    table = Table(["Month", "Added to reach the floor", "Taken off by the cap", "Owed"], rows, range(1, 4))
    return Section("What floor and cap did", "", None, table)


def _signals(signals: Sequence[Signal]) -> Section:
    text = (
        "Signals are no verdicts: nothing here changes what is owed. A count that reaches its threshold is worth a "
        "question to the side it speaks of."
    )
    rows = [
        [
            "ask" if signal.flagged else "",
            signal.side,
            signal.outcome,
            signal.says,
            f"{signal.count:,}",
            str(signal.threshold),
        ]
        for signal in sorted(signals, key=lambda signal: (not signal.flagged, signal.side, signal.name))
    ]
    table = Table(["", "Side", "Outcome", "What was counted", "Count", "From"], rows, [4, 5])
    return Section("Signals on both sides", text, None, table if rows else None)


def _way_out(review: Review, now: int) -> Section:
    contract = review.agreement.newest
    earliest = earliest_end(review.agreement, now)
    days = contract.term.notice_days
    notice = f"A notice given today, with {days} days, ends it on {earliest.isoformat()} at the earliest."
    if not review.off_ramps:
        text = f"The contract names no threshold under which a party may leave. {notice}"
        return Section("The way out", text)
    rows = [[*_ramp(state), "open" if state.open else "closed"] for state in review.off_ramps]
    is_open = any(state.open for state in review.off_ramps)
    advice = "A way out is open: decide before the next month begins." if is_open else "No way out is open: go on."
    return Section(
        "The way out", f"{advice} {notice}", None, Table(["Measure", "Below", "Months", "Measured", "Is"], rows)
    )


def _ramp(state: OffRampState) -> list[str]:
    measured = state.measured[-state.terms.months :]
    shown = ", ".join(f"{label}: {'nothing' if value is None else format(value, 'f')}" for label, value in measured)
    return [state.terms.measure.replace("_", " "), str(state.terms.below), str(state.terms.months), shown]


def earliest_end(agreement: Agreement, now: int) -> date:
    """Give the first day after a notice that is given now, by the days of notice alone."""
    contract = agreement.governing(now)
    given = (_EPOCH + timedelta(microseconds=zone(contract.timezone).to_local(now))).date()
    return given + timedelta(days=contract.term.notice_days)


def review_data(review: Review, signals: Sequence[Signal], disputes: Mapping[str, int]) -> dict[str, object]:
    """Give a review as plain data: amounts as decimal texts."""

    def money(amount: Money | None) -> dict[str, str] | None:
        return None if amount is None else {"amount": f"{amount.amount:f}", "currency": amount.currency.code}

    return {
        "contract": review.agreement.name,
        "period": review.period.label,
        "counts": review.counts,
        "lines": review.lines,
        "owed": money(review.owed),
        "cost_per_outcome": money(review.cost),
        "baseline": money(review.baseline),
        "saved": money(review.saved),
        "months": [
            {
                "month": month.label,
                "counts": dict(month.counts),
                "lines": month.lines,
                "owed": money(month.owed),
                "baseline": money(month.baseline),
                "floor": money(month.floor),
                "cap": money(month.cap),
            }
            for month in review.months
        ],
        "rejected_by": [{"clause": clause, "claims": count} for clause, count in review.reasons],
        "reversed_by": [{"clause": clause, "claims": count} for clause, count in review.reversed],
        "days_to_lock": sorted(review.lock_days),
        "notes": [{"on": label, **(money(amount) or {})} for label, amount in review.notes],
        "disputes": dict(disputes),
        "signals": [
            {
                "name": signal.name,
                "side": signal.side,
                "outcome": signal.outcome,
                "says": signal.says,
                "count": signal.count,
                "threshold": signal.threshold,
                "flagged": signal.flagged,
            }
            for signal in signals
        ],
        "off_ramps": [
            {
                "measure": state.terms.measure,
                "below": state.terms.below,
                "months": state.terms.months,
                "measured": [
                    {"month": label, "value": None if value is None else f"{value:f}"}
                    for label, value in state.measured
                ],
                "open": state.open,
            }
            for state in review.off_ramps
        ],
    }

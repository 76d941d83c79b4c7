"""A review as plain data, for other programs; `docs/review.md` says what each key is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from tallystick.money import Money
from tallystick.review.numbers import Review, SampleFinding
from tallystick.review.signals import Signal
from tallystick.review.way_out import ending_of
from tallystick.statements.words import because
from tallystick.verification.sampling import Finding

__all__ = ["review_data"]


def review_data(
    review: Review,
    signals: Sequence[Signal],
    disputes: Mapping[str, int],
    samples: Sequence[SampleFinding] = (),
    *,
    now: int,
) -> dict[str, object]:
    """Give a review as plain data: amounts and rates as decimal texts, days as ISO 8601.

    Args:
        review: The numbers.
        signals: What speaks for a question to one of the sides.
        disputes: Disputes of the period by their state.
        samples: What acceptance samples of its months found.
        now: The instant it is prepared at, which dates a notice, in microseconds UTC.
    """
    ending = ending_of(review.agreement, now)
    return {
        "contract": review.agreement.name,
        "period": review.period.label,
        "counts": review.counts,
        "lines": review.lines,
        "owed": _money(review.owed),
        "cost_per_outcome": _money(review.cost),
        "baseline": _money(review.baseline),
        "saved": _money(review.saved),
        "months": [
            {
                "month": month.label,
                "counts": dict(month.counts),
                "lines": month.lines,
                "owed": _money(month.owed),
                "baseline": _money(month.baseline),
                "floor": _money(month.floor),
                "cap": _money(month.cap),
            }
            for month in review.months
        ],
        "outcomes": [
            {
                "outcome": each.name,
                "counts": dict(each.counts),
                "lines": each.lines,
                "amount": _money(each.amount),
                "cost_per_outcome": _money(each.cost),
                "baseline": _money(each.baseline),
                "saved": _money(each.saved),
            }
            for each in review.outcomes
        ],
        "other_currencies": [_money(amount) for amount in review.other_currencies],
        "adjustments": [
            {"kind": each.kind, "month": each.month, **(_money(each.amount) or {}), "says": because(each)}
            for each in review.adjustments
        ],
        "rejected_by": [{"clause": clause, "claims": count} for clause, count in review.reasons],
        "reversed_by": [{"clause": clause, "claims": count} for clause, count in review.reversed],
        "days_to_lock": sorted(review.lock_days),
        "notes": [{"on": label, **(_money(amount) or {})} for label, amount in review.notes],
        "disputes": dict(disputes),
        "samples": [_sample(*sample) for sample in samples],
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
                    {
                        "month": month.month,
                        "value": _number(month.value),
                        "most": _number(month.most),
                        "below": month.below,
                    }
                    for month in state.measured
                ],
                "open": state.open,
                "may_open": state.may_open,
            }
            for state in review.off_ramps
        ],
        "ending": {
            "by": ending.by,
            "on": ending.on.isoformat(),
            "asked": ending.asked.isoformat(),
            "by_notice": ending.by_notice.isoformat(),
        },
    }


def _money(amount: Money | None) -> dict[str, str] | None:
    return None if amount is None else {"amount": f"{amount.amount:f}", "currency": amount.currency.code}


def _number(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def _sample(month: str, outcome: str, found: Finding) -> dict[str, object]:
    return {
        "month": month,
        "outcome": outcome,
        "status": found.status,
        "effect": found.effect,
        "drawn": found.drawn,
        "population": found.population,
        "right": found.right,
        "wrong": found.wrong,
        "unclear": found.unclear,
        "low": f"{found.low:f}",
        "high": f"{found.high:f}",
    }

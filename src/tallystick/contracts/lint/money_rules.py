"""Rules about money: what is netted, what it cost before, and what a month can come to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from tallystick.contracts.contract import Outcome
from tallystick.contracts.lint.rule import Draft, Hit, rule
from tallystick.contracts.price import PerUnit, Tiers
from tallystick.outcomes import tree

__all__ = ["RULES"]

_DISPUTES_ARRIVE = 120
_DATED = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@rule("no-netting", "error", "A percentage is taken of money that is given back later.")
def _no_netting(draft: Draft) -> Iterator[Hit]:
    for outcome in draft.outcomes:
        basis = outcome.values.get("basis")
        if basis in {"gross_received", "net_of_refunds"}:
            what = "refunds and disputes are" if basis == "gross_received" else "disputes are"
            yield outcome.hit(
                "with",
                "basis",
                reason=f"{what} not taken off: you pay for money you no longer have",
                rewrite="basis: net_of_refunds_and_disputes",
            )
        elif outcome.template is None and outcome.agreed.price.by_percent and not _nets(outcome.agreed):
            yield outcome.hit(
                "quantity",
                reason="the quantity does not look at refunds and disputes: you pay for money you no longer have",
                rewrite="quantity: net_amount",
            )


def _nets(outcome: Outcome) -> bool:
    predicate = outcome.predicate
    if predicate.record != "payment" or predicate.quantity is None:
        return True
    rests_on = [predicate.fact[name].expression for name in predicate.closure([predicate.quantity])]
    read = {
        node.relation
        for part in (predicate.quantity, *rests_on)
        for node in tree.walk(part)
        if isinstance(node, tree.Aggregate)
    }
    return {"refunds", "disputes"} <= read


@rule("short-lookback", "warning", "Money that is taken back later than the contract looks is lost.")
def _short_lookback(draft: Draft) -> Iterator[Hit]:
    after = draft.contract.finality.clawback_days
    for outcome in draft.outcomes:
        days = outcome.values.get("lookback_days")
        if isinstance(days, int) and days + after < _DISPUTES_ARRIVE:
            yield outcome.hit(
                "with",
                "lookback_days",
                reason=f"card disputes arrive up to {_DISPUTES_ARRIVE} days after a payment; {days} days of lookback"
                f" and {after} of clawback end before",
                rewrite=f"lookback_days: {_DISPUTES_ARRIVE}, or finality: {{clawback_days: {_DISPUTES_ARRIVE}}}",
            )


@rule("no-baseline", "warning", "Nothing says what the outcome cost before.")
def _no_baseline(draft: Draft) -> Iterator[Hit]:
    for outcome in draft.outcomes:
        if outcome.agreed.baseline is None:
            yield outcome.hit(
                reason="without a baseline nobody can say later whether it saved anything",
                rewrite='baseline: {cost_per_outcome: 610.00, basis: "what it was worked out from"}',
            )


@rule("price-not-below-baseline", "error", "The outcome costs as much as before, or more.")
def _price_not_below_baseline(draft: Draft) -> Iterator[Hit]:
    for outcome in draft.outcomes:
        highest, baseline = _highest_rate(outcome.agreed), outcome.agreed.baseline
        if highest is not None and baseline is not None and highest >= baseline.cost.amount:
            yield outcome.hit(
                "price",
                reason=f"it costs up to {highest:f} {baseline.cost.currency.code} and cost {baseline.cost} before:"
                " nothing is saved",
                rewrite="Agree on a price below the baseline, or pay for a result you cannot have today.",
            )


def _highest_rate(outcome: Outcome) -> Decimal | None:
    """Give the most that one unit costs, in major units; None for a percentage."""
    price = outcome.price
    if isinstance(price, PerUnit):
        return price.amount.amount
    if isinstance(price, Tiers) and not price.by_percent:
        return max(step.rate for step in price.steps)
    return None


@rule("baseline-of-a-percentage", "note", "A percentage cannot be held against a baseline before there are amounts.")
def _baseline_of_a_percentage(draft: Draft) -> Iterator[Hit]:
    for outcome in draft.outcomes:
        if outcome.agreed.baseline is not None and outcome.agreed.price.by_percent:
            yield outcome.hit(
                "price",
                reason="whether it costs less than before depends on the amounts",
                rewrite="Run `tallystick backtest`: it gives the percentage at which nothing is saved.",
            )


@rule("no-cap", "warning", "Nothing limits what a month may cost.")
def _no_cap(draft: Draft) -> Iterator[Hit]:
    billing = draft.contract.billing
    if billing.limits[draft.contract.currency].cap is None:
        yield Hit(
            ("billing",),
            "a month with many outcomes, real or manufactured, costs whatever it comes to",
            "billing: {cap: {monthly: 10000.00, excess: forgiven}}",
        )
    for code, of_code in draft.terms.billing.currencies.items():
        if of_code.cap is None:
            yield Hit(
                ("billing", "currencies", code),
                f"nothing limits what a month may cost in {code}",
                f"{code}: {{cap: {{monthly: 10000.00}}}}",
            )


@rule("high-floor", "warning", "A large part of the bill is owed whatever comes of it.")
def _high_floor(draft: Draft) -> Iterator[Hit]:
    limits = draft.contract.billing.limits[draft.contract.currency]
    if limits.floor is None:
        return
    if limits.cap is None:
        yield Hit(
            ("billing", "floor"),
            f"{limits.floor} a month are owed for nothing, and nothing limits the rest: the risk is all yours",
            "Leave the floor out, or agree on a cap with it.",
        )
    elif limits.floor.minor * 2 > limits.cap.minor:
        yield Hit(
            ("billing", "floor", "monthly"),
            f"{limits.floor} of at most {limits.cap} are owed for nothing: that is a fee, not a price per outcome",
            "Agree on a floor of at most half the cap.",
        )


@rule("no-floor", "note", "For the vendor: a month without outcomes pays nothing.")
def _no_floor(draft: Draft) -> Iterator[Hit]:
    if draft.contract.billing.limits[draft.contract.currency].floor is None:
        yield Hit(
            ("billing",),
            "good for you; a vendor whose costs do not follow the outcomes will ask for a floor",
            "If you grant one, grant a cap of at least twice as much with it.",
        )


@rule("carried-excess", "warning", "What the cap saves in one month is paid in the next.")
def _carried_excess(draft: Draft) -> Iterator[Hit]:
    billing = draft.terms.billing
    capped = [(("billing", "cap"), billing.cap)]
    capped += [(("billing", "currencies", code, "cap"), given.cap) for code, given in billing.currencies.items()]  # type: ignore[misc]
    for path, cap in capped:
        if cap is not None and cap.excess == "carried":
            yield Hit(
                (*path, "excess"),
                "the cap only delays: what lies above it is owed as soon as a later month leaves room",
                "excess: forgiven",
            )


@rule("least-of-a-line", "warning", "Each line costs something, however small the amount it is a share of.")
def _least_of_a_line(draft: Draft) -> Iterator[Hit]:
    for outcome in draft.outcomes:
        least = outcome.terms.price.min
        if least is not None:
            yield outcome.hit(
                "price",
                "min",
                reason=f"a small amount may cost more than it is: {least:f} a line, and amounts can be split",
                rewrite="Leave min out, or add a clause that the amount is at least ten times as much.",
            )


@rule("discount-ends", "note", "The price goes up on a day of the term, without anybody doing anything.")
def _discount_ends(draft: Draft) -> Iterator[Hit]:
    end = draft.contract.term.end
    for place, discount in enumerate(draft.contract.billing.discounts):
        if discount.until is not None and (end is None or discount.until < end):
            yield Hit(
                ("billing", "discounts", place),
                f"{discount.reason}: {discount.percent:f} percent off end on {discount.until.isoformat()}, and the term"
                " goes on",
                "Judge the price without it, or leave `until` out.",
            )


@rule("undated-rate", "warning", "A rate between currencies says not of which day it is.")
def _undated_rate(draft: Draft) -> Iterator[Hit]:
    for code, rate in draft.contract.billing.rates.items():
        if not _DATED.search(rate.source):
            yield Hit(
                ("billing", "rates", code, "source"),
                f"nobody can look up later whether 1 {code} was {rate.rate:f} {draft.contract.currency.code}",
                'source: "ECB reference rate of 2026-09-01"',
            )


RULES = (
    _no_netting,
    _short_lookback,
    _no_baseline,
    _price_not_below_baseline,
    _baseline_of_a_percentage,
    _no_cap,
    _high_floor,
    _no_floor,
    _carried_excess,
    _least_of_a_line,
    _discount_ends,
    _undated_rate,
)

"""A contract in words, for a person who signs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tallystick.contracts.calendar import calendar_of, lock_instant
from tallystick.contracts.contract import Contract, Outcome
from tallystick.contracts.price import Limits, Price, Tiers
from tallystick.outcomes.steps import shown
from tallystick.period import Zone, format_instant, zone

__all__ = ["Section", "in_words"]

_HALF_A_DAY = 12 * 3_600_000_000
_HOW = {"calendar": "calendar days", "business": "business days"}


class Section(NamedTuple):
    """A heading, and what stands under it."""

    title: str
    lines: tuple[str, ...]


def in_words(contract: Contract) -> list[Section]:
    """Give a contract section by section; days and times are those of its zone."""
    sections = [
        Section(f"{contract.name}, version {contract.version}", tuple(_parties(contract))),
        *(
            Section(f"Outcome {name}", tuple(_outcome(contract, outcome)))
            for name, outcome in contract.outcomes.items()
        ),
        Section("Billing", tuple(_billing(contract))),
        Section("Finality", tuple(_finality(contract))),
        Section("Leaving, data and review", tuple(_rights(contract))),
    ]
    return [section for section in sections if section.lines]


def _parties(contract: Contract) -> Iterator[str]:
    term = contract.term
    yield f"{contract.buyer} pays {contract.vendor.name}, in {contract.currency.code}."
    yield f"Days are those of {contract.timezone}."
    if contract.body["effective"]:
        yield f"This version decides what happens from {contract.body['effective']} on."
    end = "is open-ended" if term.end is None else f"ends before {term.end.isoformat()}"
    yield f"It starts on {term.start.isoformat()} and {end}; notice is {term.notice_days} days."
    if term.minimum_months:
        yield f"No notice ends it before {term.minimum_months} months are over."
    if term.tail_days:
        yield f"What happens up to {term.tail_days} days after the end still counts."
    for source, ids in contract.vendor.identities.items():
        yield f"In {source} the vendor is {', '.join(ids)}."


def _outcome(contract: Contract, outcome: Outcome) -> Iterator[str]:
    rule: dict[str, Any] = next(body["rule"] for body in contract.body["outcomes"] if body["name"] == outcome.name)
    if outcome.description:
        yield f"{outcome.description}."
    by = f"the template {outcome.uses}" if outcome.uses else "clauses written out"
    yield f"Decided in {outcome.source}, for each {outcome.predicate.record}, by {by}."
    if outcome.settings:
        yield f"Set: {', '.join(f'{name} {shown(value)}' for name, value in outcome.settings.items())}."
    for second, fact in ((outcome.calls, "calls"), (outcome.acceptance, "acceptance")):
        if second is not None:
            yield f"{second.source} is the second source of {fact}, joined by {' or '.join(second.match)}."
    yield f"Price: {_price(outcome.price)}."
    if outcome.baseline is not None:
        yield f"It cost {outcome.baseline.cost} before: {outcome.baseline.basis}."
    yield from _clauses(rule)
    if outcome.sample is not None:
        sample = outcome.sample
        yield (
            f"People look at {sample.size} lines of a month; if more than {sample.tolerance:f} % are wrong, at "
            f"{sample.confidence} % confidence, the rule is: {sample.rule}."
        )


def _clauses(rule: Mapping[str, Any]) -> Iterator[str]:
    facts = {fact["name"]: fact["text"] for fact in rule["facts"]}
    windows: dict[str, list[str]] = {}
    for clause in rule["clauses"]:
        if clause["until"]:
            windows.setdefault(clause["until"], []).append(clause["name"])
    for until, clauses in windows.items():
        # Most windows end at a fact, whose text says more than its name.
        yield f"Known once everything up to {facts.get(until, until)} was read: {', '.join(clauses)}."
    guards = [clause["name"] for clause in rule["clauses"] if clause["guard"]]
    yield f"All of these have to hold: {', '.join(clause['name'] for clause in rule['clauses'])}."
    if guards:
        yield f"Of them, these make it unverifiable instead of rejected: {', '.join(guards)}."


def _price(price: Price) -> str:
    if not isinstance(price, Tiers):
        included = getattr(price, "included", 0)
        return f"{price}, the first {included} of a month included" if included else str(price)
    unit = "%" if price.by_percent else price.currency.code
    steps = [
        f"{step.rate:f} {unit} {'for the rest' if step.up_to is None else f'up to {step.up_to:f}'}"
        for step in price.steps
    ]
    how = (
        "each step for what falls into it" if price.mode == "graduated" else "the step that the month reaches, for all"
    )
    return "; ".join(steps) + f" ({how})"


def _billing(contract: Contract) -> Iterator[str]:
    billing = contract.billing
    yield f"Each line is rounded once, {billing.rounding}, then added."
    for discount in billing.discounts:
        start = f" from {discount.start.isoformat()}" if discount.start else ""
        until = f" before {discount.until.isoformat()}" if discount.until else ""
        which = f" of {', '.join(discount.outcomes)}" if discount.outcomes else ""
        yield f"{discount.percent:f} % off the lines{which}{start}{until}: {discount.reason}."
    for unit, limits in billing.limits.items():
        yield f"A month in {unit.code}: {_limits(limits)}."
    for code, rate in billing.rates.items():
        yield f"1 {code} is {rate.rate:f} {contract.currency.code}: {rate.source}."


def _limits(limits: Limits) -> str:
    floor = f"at least {limits.floor}" if limits.floor else "no floor"
    cap = f"at most {limits.cap}, the excess is {limits.excess}" if limits.cap else "no cap"
    return f"{floor}, {cap}"


def _finality(contract: Contract) -> Iterator[str]:
    terms, place = contract.finality, zone(contract.timezone)
    how = _HOW["business" if terms.business else "calendar"]
    yield f"Locked {terms.lock_days}, disputable {terms.dispute_days} and clawed back {terms.clawback_days} {how} on."
    decided = place.add_days(contract.term.starts_at, 14) + _HALF_A_DAY
    calendar = calendar_of(contract, lock_instant(contract, decided))
    silence = "it is accepted" if terms.on_silence == "accept" else "a person on each side settles it"
    yield f"For example, an outcome whose windows are over on {_local(place, decided)}:"
    yield f"  locks on {_local(place, calendar.locks_at)}; no later event moves that"
    yield f"  can be disputed before {_local(place, calendar.disputable_until)}; after silence {silence}"
    yield f"  can be corrected by a note before {_local(place, calendar.clawback_until)}"
    yield f"  is closed from {_local(place, calendar.closes_at)} on"
    borne = contract.unverifiable
    what = "is not paid" if borne.borne_by == "vendor" else "is paid as claimed"
    yield f"What stays unverifiable for {borne.grace_days} days {what}."


def _local(place: Zone, at: int) -> str:
    """Give the wall-clock reading at an instant, to the minute."""
    return format_instant(place.to_local(at))[:16].replace("T", " ")


def _rights(contract: Contract) -> Iterator[str]:
    for ramp in contract.off_ramps:
        unit = " %" if ramp.measure == "verified_rate" else ""
        yield f"Either may leave after {ramp.months} months with {ramp.measure} below {ramp.below}{unit}."
    if contract.export is not None:
        kept = (
            f"; the vendor keeps the data for {contract.retention_months} months" if contract.retention_months else ""
        )
        yield f"The buyer may take along: {contract.export}{kept}."
    if contract.review_every is not None:
        yield f"Both look at the numbers every {contract.review_every}."
    for party, keys in contract.keys.items():
        if keys:
            yield f"The {party} signs with {', '.join(keys)}."

"""What it takes two terms, the project or the text itself to judge, each problem with its place."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Literal, TypeAlias

from tallystick.contracts.billing_terms import CapTerms, FloorTerms
from tallystick.contracts.terms import ContractTerms, OutcomeTerms
from tallystick.errors import ContractError
from tallystick.money import Currency, Money, currency
from tallystick.outcomes import Template
from tallystick.yamlfile import Document, KeyPath, Problem, Value, combine

__all__ = ["WholeIds", "found", "named", "near", "problems_of", "refuse_unseen"]

WholeIds: TypeAlias = Mapping[str, Callable[[str], str]]
"""By source, what gives an id that somebody typed as records carry it."""

_Found: TypeAlias = tuple[KeyPath, str, str]
"""Where, what, and what to write instead."""

# Control characters but tab and line ends, those that turn the direction of writing, and halves of characters.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def refuse_unseen(document: Document) -> None:
    """Refuse what nobody sees: names without a value, and characters that do not show.

    An empty `cap:` must not quietly mean that there is none, and no character may make a text look like another one.

    Raises:
        ContractError: There are some; each is said with its place.
    """
    problems = list(_unseen(document, document.data, ()))
    if problems:
        raise combine(problems, ContractError)


def _unseen(document: Document, value: Value, path: KeyPath) -> Iterator[Problem]:
    if value is None:
        hint = "Write the value, or leave the name out."
        yield Problem(document.key_position(path), f"{_named(path)} has no value", hint)
    elif isinstance(value, str):
        yield from _characters(document, value, path)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _characters(document, name, (*path, name))
            yield from _unseen(document, inner, (*path, name))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _unseen(document, inner, (*path, place))


def _characters(document: Document, text: str, path: KeyPath) -> Iterator[Problem]:
    if unseen := _UNSEEN.search(text):
        what = f"character U+{ord(unseen[0]):04X} may not stand here"
        yield Problem(document.position(path), what, "Leave it out: it does not show.")


def problems_of(
    terms: ContractTerms,
    document: Document,
    templates: Mapping[str, Template],
    sources: Iterable[str],
    whole_ids: WholeIds,
) -> list[Problem]:
    """Give what is wrong with terms that are each right alone; the rules of the outcomes are not looked at.

    Args:
        terms: The terms.
        document: The file they stand in.
        templates: Outcome templates by name.
        sources: Sources of the project.
        whole_ids: What records carry instead of what was typed.
    """
    known = sorted(sources)
    at_value = [*_billing(terms), *_effect(terms), *_short(terms, templates, whole_ids)]
    for name, given in terms.outcomes.items():
        at_value += _amounts(("outcomes", name), given, currency(terms.currency))
    at_key = [*_identities(terms, known), *_people(terms, templates, known)]
    problems = [found(document, *problem) for problem in at_value]
    return problems + [
        Problem(document.key_position(path), f"{_named(path)}: {what}", hint) for path, what, hint in at_key
    ]


def found(document: Document, path: KeyPath, message: str, hint: str = "") -> Problem:
    """Give a problem of the value at a path."""
    return Problem(document.position(path), f"{_named(path)}: {message}", hint)


def near(name: str, known: Iterable[str]) -> str:
    """Give the hint for a name that is none: the one that was probably meant, or all there are."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"Did you mean {close[0]}?" if close else f"There is: {', '.join(names) or 'none'}."


def _named(path: KeyPath) -> str:
    return ".".join(map(str, path))


# --- amounts


def _amounts(path: KeyPath, given: OutcomeTerms, unit: Currency) -> Iterator[_Found]:
    """Find amounts of an outcome with more decimals than their currency has."""
    price = (*path, "price")
    yield from _too_fine(given.price.per_unit, (*price, "per_unit"), unit)
    yield from _too_fine(given.price.min, (*price, "min"), unit)
    yield from _too_fine(given.price.max, (*price, "max"), unit)
    for place, step in enumerate(given.price.tiers.steps if given.price.tiers else ()):
        yield from _too_fine(step.per_unit, (*price, "tiers", "steps", place, "per_unit"), unit)
        if step.percent is not None:
            yield from _too_fine(step.up_to, (*price, "tiers", "steps", place, "up_to"), unit)
    if given.baseline is not None:
        yield from _too_fine(given.baseline.cost_per_outcome, (*path, "baseline", "cost_per_outcome"), unit)


def _too_fine(amount: Decimal | None, path: KeyPath, unit: Currency) -> Iterator[_Found]:
    if amount is not None and Money.of(amount, unit, "half_up").amount != amount:
        has = unit.exponent or "no"
        yield path, f"{amount:f} has too many decimals: {unit.code} has {has}", "Write it as it can be paid."


def _limits(floor: FloorTerms | None, cap: CapTerms | None, path: KeyPath, unit: Currency) -> Iterator[_Found]:
    if floor is not None:
        yield from _too_fine(floor.monthly, (*path, "floor", "monthly"), unit)
    if cap is not None:
        yield from _too_fine(cap.monthly, (*path, "cap", "monthly"), unit)
    if floor is not None and cap is not None and cap.monthly < floor.monthly:
        what = f"the cap of {cap.monthly} {unit.code} lies below the floor of {floor.monthly} {unit.code}"
        yield (*path, "cap", "monthly"), what, "The cap is the most that is owed, the floor the least."


def _billing(terms: ContractTerms) -> Iterator[_Found]:
    billing = terms.billing
    yield from _limits(billing.floor, billing.cap, ("billing",), currency(terms.currency))
    for kind, codes in (("currencies", billing.currencies), ("rates", billing.rates)):
        if terms.currency in codes:
            where: KeyPath = ("billing", kind, terms.currency)
            yield where, "it is the contract's own currency", "Name another one, or leave it out."
    for code, given in billing.currencies.items():
        yield from _limits(given.floor, given.cap, ("billing", "currencies", code), currency(code))
    yield from _discounts(terms)


def _discounts(terms: ContractTerms) -> Iterator[_Found]:
    """Find discounts for outcomes that are none, and for months in which nothing is owed."""
    for place, discount in enumerate(terms.billing.discounts):
        path: KeyPath = ("billing", "discounts", place)
        for item, name in enumerate(discount.outcomes):
            if name not in terms.outcomes:
                yield (*path, "outcomes", item), f"there is no outcome {name}", near(name, terms.outcomes)
        if discount.until is not None and discount.until <= terms.term.start:
            yield (*path, "until"), "it ends before the term starts", "Name a month of the term."
        if discount.start is not None and terms.term.end is not None and discount.start >= terms.term.end:
            yield (*path, "from"), "it starts when the term is over", "Name a month of the term."


def _effect(terms: ContractTerms) -> Iterator[_Found]:
    """Find a version that takes effect at no time of the term."""
    effective, term = terms.effective, terms.term
    if effective is not None and term.end is not None and effective >= term.end:
        what = "the version takes effect when the term is over"
        yield ("effective",), what, "Name a day before the end of the term."
    if effective is not None and effective < date(term.start.year, term.start.month, 1):
        hint = f"Name a month from {term.start:%Y-%m} on, or leave effective out of the first version."
        yield ("effective",), "the version takes effect before the term starts", hint


# --- who is who


def _identities(terms: ContractTerms, sources: Iterable[str]) -> Iterator[_Found]:
    """Find identities in a source that is none: they would be nobody's, and the vendor's own acts somebody else's."""
    for source in terms.vendor.identities:
        if source not in sources:
            yield ("vendor", "identities", source), f"no source is named {source}", near(source, sources)


def _short(terms: ContractTerms, templates: Mapping[str, Template], whole_ids: WholeIds) -> Iterator[_Found]:
    """Find ids of people and of the vendor in a form that no record carries: they would be nobody's."""
    for source, path, ids in named(terms, templates, "ids"):
        for place, text in enumerate(ids):
            if isinstance(text, str) and source in whole_ids and (whole := whole_ids[source](text)) != text:
                yield (*path, place), f"no record of {source} carries {text}", f"Write it in full: {whole}."


def named(
    terms: ContractTerms, templates: Mapping[str, Template], part: Literal["ids", "role_in"]
) -> Iterator[tuple[str, KeyPath, Sequence[object]]]:
    """Give all lists of ids, or of roles, each with the source whose they are, and where it stands."""
    for source, ids in terms.vendor.identities.items() if part == "ids" else ():
        yield source, ("vendor", "identities", source), ids
    for group, of_source in terms.people.items():
        for source, roster in of_source.items():
            yield source, ("people", group, source, part), getattr(roster, part)
    for name, given in terms.outcomes.items():
        template = templates.get(given.uses or "")
        acceptance = given.evidence.get("acceptance")
        for param in template.params if template else ():
            written = given.with_.get(param.name)
            if not isinstance(written, list | tuple):
                continue
            if param.vendors and part == "ids":
                yield given.source, ("outcomes", name, "with", param.name), written
            elif param.people and param.people[1] == part:
                yield acceptance.source if acceptance else given.source, ("outcomes", name, "with", param.name), written


def _people(terms: ContractTerms, templates: Mapping[str, Template], sources: Iterable[str]) -> Iterator[_Found]:
    """Find a group that no template asks for, and a source that is none: a misspelt one would be nobody."""
    groups = {param.people[0] for of in templates.values() for param in of.params if param.people}
    for group, of_source in terms.people.items():
        if group not in groups:
            yield ("people", group), "no template asks for a group of that name", near(group, groups)
        for source in of_source:
            if source not in sources:
                yield ("people", group, source), f"no source is named {source}", near(source, sources)

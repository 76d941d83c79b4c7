"""From a contract file to a contract; every problem of the file is said at once, each with its place."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from tallystick.contracts.billing_terms import BillingTerms, CapTerms, FloorTerms, PriceTerms
from tallystick.contracts.body import contract_from_body, rule_body
from tallystick.contracts.contract import Contract, Evidence, Vendor
from tallystick.contracts.terms import ContractTerms, OutcomeTerms
from tallystick.errors import ContractError, Position
from tallystick.money import Currency, Money, currency
from tallystick.outcomes import (
    ClauseSource,
    Locate,
    People,
    Predicate,
    PredicateSource,
    Template,
    predicate_from_source,
)
from tallystick.yamlfile import Document, KeyPath, Problem, Value, combine, load_yaml, validate

__all__ = ["load_contract"]


def load_contract(
    path: Path, *, templates: Mapping[str, Template], custom: Mapping[str, Mapping[str, Mapping[str, str]]]
) -> Contract:
    """Read a contract file.

    Args:
        path: A YAML file.
        templates: Outcome templates by name.
        custom: The sources of the project: source to record type to custom field to its kind.

    Raises:
        ContractError: The file cannot be used; says every problem with file, line, column and what to write instead.
    """
    document = load_yaml(path, error=ContractError)
    _refuse_gaps(document)
    terms = validate(document, ContractTerms, error=ContractError)
    return _Loading(document, terms, templates, custom).contract()


class _Loading:
    """One contract file on its way."""

    def __init__(
        self,
        document: Document,
        terms: ContractTerms,
        templates: Mapping[str, Template],
        custom: Mapping[str, Mapping[str, Mapping[str, str]]],
    ) -> None:
        self.document = document
        self.terms = terms
        self.templates = templates
        self.custom = custom
        self.currency = currency(terms.currency)
        self.vendor = Vendor(terms.vendor.name, {name: tuple(ids) for name, ids in terms.vendor.identities.items()})
        self.problems: list[Problem] = []

    def contract(self) -> Contract:
        terms = self.terms
        self._check_billing()
        self._check_people()
        self._check_term()
        rules = {name: self._outcome(name, given) for name, given in terms.outcomes.items()}
        if self.problems:
            raise combine(self.problems, ContractError)
        vendors = {name: self._vendors(given) for name, given in terms.outcomes.items()}
        return contract_from_body(_body(terms, self.currency, rules, vendors))

    def _problem(self, path: KeyPath, message: str, hint: str = "") -> None:
        self.problems.append(Problem(self.document.position(path), f"{'.'.join(map(str, path))}: {message}", hint))

    def _check_amount(self, amount: Decimal | None, path: KeyPath, unit: Currency | None = None) -> None:
        unit = unit or self.currency
        if amount is not None and Money.of(amount, unit, "half_up").amount != amount:
            self._problem(path, f"{amount:f} has too many decimals: {unit.code} has {unit.exponent or 'no'}")

    def _check_billing(self) -> None:
        terms = self.terms.billing
        self._check_limits(terms.floor, terms.cap, ("billing",), self.currency)
        for kind, codes in (("currencies", terms.currencies), ("rates", terms.rates)):
            if self.terms.currency in codes:
                where: KeyPath = ("billing", kind, self.terms.currency)
                self._problem(where, "it is the contract's own currency", "Name another one, or leave it out.")
        for code, given in terms.currencies.items():
            self._check_limits(given.floor, given.cap, ("billing", "currencies", code), currency(code))
        for place, discount in enumerate(terms.discounts):
            for name in discount.outcomes:
                if name not in self.terms.outcomes:
                    where = ("billing", "discounts", place, "outcomes")
                    self._problem(where, f"there is no outcome {name}", _near(name, self.terms.outcomes))

    def _check_limits(self, floor: FloorTerms | None, cap: CapTerms | None, path: KeyPath, unit: Currency) -> None:
        if floor is not None:
            self._check_amount(floor.monthly, (*path, "floor", "monthly"), unit)
        if cap is not None:
            self._check_amount(cap.monthly, (*path, "cap", "monthly"), unit)
        if floor is not None and cap is not None and cap.monthly < floor.monthly:
            what = f"the cap of {cap.monthly} {unit.code} lies below the floor of {floor.monthly} {unit.code}"
            hint = "The cap is the most that is owed, the floor the least."
            self._problem((*path, "cap", "monthly"), what, hint)

    def _check_term(self) -> None:
        effective, term = self.terms.effective, self.terms.term
        if effective is not None and term.end is not None and effective >= term.end:
            what = "the version takes effect when the term is over"
            self._problem(("effective",), what, "Name a day before the end of the term.")

    def _check_price(self, path: KeyPath, given: OutcomeTerms) -> None:
        """Refuse amounts with more decimals than their currency has."""
        price = given.price
        for name in ("per_unit", "min", "max"):
            self._check_amount(getattr(price, name), (*path, "price", name))
        for place, step in enumerate(price.tiers.steps if price.tiers else ()):
            self._check_amount(step.per_unit, (*path, "price", "tiers", "steps", place, "per_unit"))
        if given.baseline is not None:
            self._check_amount(given.baseline.cost_per_outcome, (*path, "baseline", "cost_per_outcome"))

    def _outcome(self, name: str, given: OutcomeTerms) -> dict[str, Any]:
        """Give the rule of an outcome; what is wrong with it is kept for later."""
        path: KeyPath = ("outcomes", name)
        self._check_price(path, given)
        predicate, source = Predicate(given.record or "", (), ()), PredicateSource({}, {})
        if given.source not in self.custom:
            # The predicate is not looked at: every custom field of the unknown source would be missing too.
            self._problem((*path, "source"), f"no source is named {given.source}", _near(given.source, self.custom))
        else:
            try:
                predicate, source = self._predicate(path, given)
            except ContractError as wrong:
                where = wrong.where or self.document.text_position((*path, "record"))
                self.problems.append(Problem(where, f"outcomes.{name}: {wrong.message}", wrong.hint))
            else:
                self._check_percent(path, given.price, predicate)
        self._check_evidence(path, given, predicate)
        return rule_body(predicate, source, self.custom.get(given.source, {})) if predicate.clauses else {}

    def _check_evidence(self, path: KeyPath, given: OutcomeTerms, predicate: Predicate) -> None:
        """Refuse a second source that is none, or that has nothing to say of the outcome."""
        for name, second in given.evidence.items():
            where = (*path, "evidence", name, "source")
            if second.source not in self.custom:
                self._problem(where, f"no source is named {second.source}", _near(second.source, self.custom))
            elif second.source == given.source:
                self._problem(where, "it is the outcome's own source", "Name another one, or leave evidence out.")
            elif predicate.record not in {"", "meeting"}:
                self._problem(where, f"a {predicate.record} has no {name}", "Only outcomes about meetings have.")
            elif name == "acceptance" and predicate.clauses and not predicate.beside:
                self._problem(where, "nothing of the outcome asks who accepted it", "Leave acceptance out of evidence.")
        if predicate.beside and "acceptance" not in given.evidence:
            read = f"it reads {', '.join(predicate.beside)}, and evidence names no source of acceptance"
            self._problem((*path, "source"), read, "Write evidence: {acceptance: {source: ..., match: [...]}}.")

    def _vendors(self, given: OutcomeTerms) -> tuple[str, ...]:
        """Give the ids that the parameters of a template name as the vendor's own."""
        template = self.templates.get(given.uses or "")
        named = [given.with_.get(param.name) for param in template.params if param.vendors] if template else []
        return tuple(str(item) for items in named if isinstance(items, tuple) for item in items)

    def _check_people(self) -> None:
        """Refuse a group that no template asks for, and a source that is none: a misspelt one would be nobody."""
        groups = {param.people[0] for of in self.templates.values() for param in of.params if param.people}
        for group, sources in self.terms.people.items():
            if group not in groups:
                where = self.document.key_position(("people", group))
                message = f"people.{group}: no template asks for a group of that name"
                self.problems.append(Problem(where, message, _near(group, groups)))
            for source in sources:
                if source not in self.custom:
                    where = self.document.key_position(("people", group, source))
                    message = f"people.{group}.{source}: no source is named {source}"
                    self.problems.append(Problem(where, message, _near(source, self.custom)))

    def _people_of(self, source: str) -> People:
        """Give the groups of people that a source knows."""
        return {
            group: {"role_in": tuple(known[source].role_in), "ids": tuple(known[source].ids)}
            for group, known in self.terms.people.items()
            if source in known
        }

    def _check_percent(self, path: KeyPath, price: PriceTerms, predicate: Predicate) -> None:
        if price.by_percent and not predicate.quantity_is_money:
            hint = "Add `quantity:` with an amount of the record, or use `per_unit`."
            name = "percent" if price.percent is not None else "tiers"
            self._problem((*path, "price", name), "there is no amount of money to take a percentage of", hint)

    def _predicate(self, path: KeyPath, given: OutcomeTerms) -> tuple[Predicate, PredicateSource]:
        custom = self.custom.get(given.source, {})
        locate = self._locate(path)
        own = {
            name: ClauseSource(clause.test, clause.until, clause.open, clause.guard, clause.says)
            for name, clause in given.clauses.items()
        }
        if given.uses is None:
            source = PredicateSource(given.facts, own, given.quantity)
            return predicate_from_source(given.record or "", source, custom=custom, locate=locate), source
        template = self.templates.get(given.uses)
        if template is None:
            where = self.document.text_position((*path, "uses"))
            hint = _near(given.uses, self.templates)
            raise ContractError(f"no outcome template is named {given.uses}", hint=hint, where=where)
        acceptance = _evidence(given, "acceptance")
        source = template.source(
            given.with_,
            custom=custom,
            locate=locate,
            vendors=self.vendor.known_in(given.source, _evidence(given, "calls")),
            people=self._people_of(acceptance.source if acceptance else given.source),
            beside=self.vendor.known_beside(acceptance),
        )
        self._refuse_twice(path, source, given)
        source = replace(source, facts={**source.facts, **given.facts}, clauses={**source.clauses, **own})

        def locate_own(inner: tuple[str, ...]) -> Position | None:
            return locate(inner) if not inner[1:2] or inner[1] in {*own, *given.facts} else None

        label = f"template {template.name}:"
        return predicate_from_source(template.record, source, custom=custom, locate=locate_own, label=label), source

    def _refuse_twice(self, path: KeyPath, source: PredicateSource, given: OutcomeTerms) -> None:
        """Refuse a clause or fact that the template has already: it would quietly mean something else."""
        for kind, of_template, own in (
            ("clauses", source.clauses, given.clauses),
            ("facts", source.facts, given.facts),
        ):
            for name in own:
                if name in of_template:
                    where = self.document.key_position((*path, kind, name))
                    raise ContractError(f"the template has {name} already", hint="Choose another name.", where=where)

    def _locate(self, path: KeyPath) -> Locate:
        def locate(inner: tuple[str, ...]) -> Position | None:
            return self.document.text_position((*path, *inner))

        return locate


def _evidence(given: OutcomeTerms, fact: Literal["calls", "acceptance"]) -> Evidence | None:
    """Give the second source of a fact about an outcome, if it names one."""
    second = given.evidence.get(fact)
    return None if second is None else Evidence(second.source, tuple(dict.fromkeys(second.match)))


def _refuse_gaps(document: Document) -> None:
    """Refuse names without a value: an empty `cap:` must not quietly mean that there is none."""
    empty = list(_empty(document.data, ()))
    if empty:
        hint = "Write the value, or leave the name out."
        problems = [
            Problem(document.key_position(path), f"{'.'.join(map(str, path))} has no value", hint) for path in empty
        ]
        raise combine(problems, ContractError)


def _empty(value: Value, path: KeyPath) -> Iterable[KeyPath]:
    if value is None:
        yield path
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _empty(inner, (*path, name))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _empty(inner, (*path, place))


def _near(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"Did you mean {close[0]}?" if close else f"There is: {', '.join(names) or 'none'}."


def _trimmed(number: Decimal) -> Decimal:
    """Give a number without trailing zeros, so that 12.50 and 12.5 percent are one text."""
    text = f"{number:f}"
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)


def _body(
    terms: ContractTerms,
    unit: Currency,
    rules: Mapping[str, Mapping[str, Any]],
    vendors: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """Give the normalised content: what is agreed, in one form whatever the file looked like."""
    return {
        "contract": terms.contract,
        "version": terms.version,
        "effective": _day(terms.effective),
        "buyer": terms.buyer,
        "vendor": {"name": terms.vendor.name, "identities": terms.vendor.identities},
        "people": terms.model_dump(include={"people"})["people"],
        "timezone": terms.timezone,
        "currency": terms.currency,
        "term": {**terms.term.model_dump(), "start": terms.term.start.isoformat(), "end": _day(terms.term.end)},
        "outcomes": [
            _outcome_body(name, given, unit, rules[name], vendors[name]) for name, given in terms.outcomes.items()
        ],
        "billing": _billing_body(terms.billing, unit),
        "holidays": sorted(day.isoformat() for day in set(terms.calendar.holidays)),
        "finality": terms.finality.model_dump(),
        "unverifiable": terms.unverifiable.model_dump(),
        "off_ramp": [given.model_dump() for given in terms.off_ramp],
        "data_rights": terms.data_rights.model_dump() if terms.data_rights else None,
        "review": terms.review.every if terms.review else None,
        "keys": terms.keys.model_dump() if terms.keys else {},
    }


def _outcome_body(
    name: str, given: OutcomeTerms, unit: Currency, rule: Mapping[str, Any], vendors: Sequence[str]
) -> dict[str, Any]:
    baseline, sample = given.baseline, given.sample
    return {
        "name": name,
        "source": given.source,
        "uses": given.uses,
        "with": given.with_,
        "vendors": list(vendors),
        "evidence": given.model_dump(include={"evidence"})["evidence"],
        "rule": rule,
        "price": _price_body(given.price, unit),
        "description": given.description,
        "baseline": {"cost_per_outcome": _amount(baseline.cost_per_outcome, unit), "basis": baseline.basis}
        if baseline
        else None,
        "sample": {**sample.model_dump(), "tolerance": _number(sample.tolerance)} if sample else None,
    }


def _price_body(price: PriceTerms, unit: Currency) -> dict[str, Any]:
    tiers = None
    if price.tiers is not None:
        steps = [
            {
                "up_to": _number(step.up_to),
                "per_unit": _amount(step.per_unit, unit),
                "percent": _number(step.percent),
            }
            for step in price.tiers.steps
        ]
        tiers = {"mode": price.tiers.mode, "steps": steps}
    return {
        "per_unit": _amount(price.per_unit, unit),
        "percent": _number(price.percent),
        "tiers": tiers,
        "included": price.included,
        "min": _amount(price.min, unit),
        "max": _amount(price.max, unit),
    }


def _billing_body(billing: BillingTerms, unit: Currency) -> dict[str, Any]:
    return {
        **_limits_body(billing.floor, billing.cap, unit),
        "rounding": billing.rounding,
        "discounts": [
            {
                "percent": _number(discount.percent),
                "from": _day(discount.start),
                "until": _day(discount.until),
                "outcomes": discount.outcomes,
                "reason": discount.reason,
            }
            for discount in billing.discounts
        ],
        "currencies": {
            code: _limits_body(given.floor, given.cap, currency(code)) for code, given in billing.currencies.items()
        },
        "rates": {code: {"rate": _number(given.rate), "source": given.source} for code, given in billing.rates.items()},
    }


def _limits_body(floor: FloorTerms | None, cap: CapTerms | None, unit: Currency) -> dict[str, Any]:
    return {
        "floor": {"monthly": _amount(floor.monthly, unit)} if floor else None,
        "cap": {"monthly": _amount(cap.monthly, unit), "excess": cap.excess} if cap else None,
    }


def _amount(amount: Decimal | None, unit: Currency) -> str | None:
    return None if amount is None else f"{Money.of(amount, unit, 'half_up').amount:f}"


def _number(number: Decimal | None) -> str | None:
    return None if number is None else f"{_trimmed(number):f}"


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()

"""From a contract file to a contract; every problem of the file is said at once, each with its place."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from tallystick.canonical import digest
from tallystick.contracts.contract import Billing, Contract, Evidence, Outcome, Percent, PerUnit, Price, Term, Vendor
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
    Unit,
    predicate_from_source,
)
from tallystick.period import zone
from tallystick.yamlfile import Document, KeyPath, Problem, Value, combine, load_yaml, validate

__all__ = ["load_contract"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
        billing = self._billing()
        self._check_people()
        decided = {name: self._outcome(name, given) for name, given in terms.outcomes.items()}
        if self.problems:
            raise combine(self.problems, ContractError)
        body = _body(terms, self.currency, {name: rule for name, (_, rule) in decided.items()})
        return Contract(
            name=terms.contract,
            version=terms.version,
            buyer=terms.buyer,
            vendor=self.vendor,
            timezone=terms.timezone,
            currency=self.currency,
            term=_term(terms),
            outcomes={name: outcome for name, (outcome, _) in decided.items()},
            billing=billing,
            body=body,
            sha256=digest(body),
            people={source: self._people_of(source) for source in self.custom},
        )

    def _problem(self, path: KeyPath, message: str, hint: str = "") -> None:
        self.problems.append(Problem(self.document.position(path), f"{'.'.join(map(str, path))}: {message}", hint))

    def _money(self, amount: Decimal, path: KeyPath) -> Money:
        money = Money.of(amount, self.currency, "half_up")
        if money.amount != amount:
            decimals = self.currency.exponent or "no"
            self._problem(path, f"{amount:f} has too many decimals: {self.currency.code} has {decimals}")
        return money

    def _billing(self) -> Billing:
        terms = self.terms.billing
        floor = self._money(terms.floor.monthly, ("billing", "floor", "monthly")) if terms.floor else None
        cap = self._money(terms.cap.monthly, ("billing", "cap", "monthly")) if terms.cap else None
        if floor is not None and cap is not None and cap < floor:
            what = f"the cap of {cap} lies below the floor of {floor}"
            self._problem(("billing", "cap", "monthly"), what, "The cap is the most that is owed, the floor the least.")
        return Billing(floor, cap, terms.rounding)

    def _outcome(self, name: str, given: OutcomeTerms) -> tuple[Outcome, dict[str, Any]]:
        """Give an outcome and its rule; what is wrong with it is kept for later."""
        path: KeyPath = ("outcomes", name)
        price: Price
        if given.price.per_unit is not None:
            price = PerUnit(self._money(given.price.per_unit, (*path, "price", "per_unit")))
        else:
            price = Percent(_trimmed(given.price.percent or Decimal()))
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
                self._check_percent(path, price, predicate)
        description = given.description or ""
        vendors = self._vendors(given)
        self._check_evidence(path, given, predicate)
        outcome = Outcome(
            name,
            given.source,
            predicate,
            price,
            description,
            given.uses,
            given.with_,
            vendors,
            _evidence(given, "calls"),
            _evidence(given, "acceptance"),
        )
        return outcome, _rule(predicate, source)

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

    def _check_percent(self, path: KeyPath, price: Price, predicate: Predicate) -> None:
        if isinstance(price, Percent) and not predicate.quantity_is_money:
            hint = "Add `quantity:` with an amount of the record, or use `per_unit`."
            self._problem((*path, "price", "percent"), "there is no amount of money to take a percentage of", hint)

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


def _term(terms: ContractTerms) -> Term:
    place = zone(terms.timezone)

    def midnight(day: date) -> int:
        return place.to_instant((datetime(day.year, day.month, day.day, tzinfo=UTC) - _EPOCH).days * 86_400_000_000)

    start, end = terms.term.start, terms.term.end
    return Term(start, end, midnight(start), midnight(end) if end else None)


def _trimmed(number: Decimal) -> Decimal:
    """Give a number without trailing zeros, so that 12.50 and 12.5 percent are one text."""
    text = f"{number:f}"
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)


def _rule(predicate: Predicate, source: PredicateSource) -> dict[str, Any]:
    """Give the rule of an outcome as text: clauses in their order, with every fact they rest on."""
    clauses = []
    for name, clause in source.clauses.items():
        full = ClauseSource(clause) if isinstance(clause, str) else clause
        clauses.append({"name": name, "test": full.test, "until": full.until, "open": full.open, "guard": full.guard})
    return {
        "record": predicate.record,
        "clauses": clauses,
        "facts": {fact.name: fact.text for fact in predicate.facts},
        "quantity": source.quantity,
        "params": dict(source.params),
        **({"unit": _unit(source.unit)} if source.unit else {}),
    }


def _unit(unit: Unit) -> dict[str, Any]:
    days = {} if unit.days is None else {"days": unit.days}
    anywhere = {} if unit.anywhere is None else {"anywhere": unit.anywhere}
    return {"links": list(unit.links), "key": unit.key, **days, **anywhere}


def _body(terms: ContractTerms, unit: Currency, rules: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Give the normalised content: what is agreed, in one form whatever the file looked like."""

    def money(amount: Decimal | None) -> str | None:
        return None if amount is None else f"{Money.of(amount, unit, 'half_up').amount:f}"

    def outcome(name: str, given: OutcomeTerms) -> dict[str, Any]:
        percent = given.price.percent
        return {
            "source": given.source,
            "uses": given.uses,
            **({"evidence": given.model_dump(include={"evidence"})["evidence"]} if given.evidence else {}),
            "rule": rules[name],
            "price": {
                "per_unit": money(given.price.per_unit),
                "percent": None if percent is None else f"{_trimmed(percent):f}",
            },
            "description": given.description,
        }

    billing = terms.billing
    return {
        "contract": terms.contract,
        "version": terms.version,
        "buyer": terms.buyer,
        "vendor": {"name": terms.vendor.name, "identities": terms.vendor.identities},
        **({"people": terms.model_dump(include={"people"})["people"]} if terms.people else {}),
        "timezone": terms.timezone,
        "currency": terms.currency,
        "term": {
            "start": terms.term.start.isoformat(),
            "end": terms.term.end.isoformat() if terms.term.end else None,
        },
        "outcomes": {name: outcome(name, given) for name, given in terms.outcomes.items()},
        "billing": {
            "floor": {"monthly": money(billing.floor.monthly)} if billing.floor else None,
            "cap": {"monthly": money(billing.cap.monthly), "excess": billing.cap.excess} if billing.cap else None,
            "rounding": billing.rounding,
        },
    }

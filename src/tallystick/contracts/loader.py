"""From a contract file to a contract; every problem of the file is said at once, each with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from tallystick.contracts.billing_terms import PriceTerms
from tallystick.contracts.body import contract_from_body, rule_body
from tallystick.contracts.checks import WholeIds, found, near, problems_of, refuse_unseen
from tallystick.contracts.contract import Contract, Evidence, Vendor
from tallystick.contracts.normal_form import body_of
from tallystick.contracts.terms import ContractTerms, OutcomeTerms
from tallystick.errors import ContractError, Position
from tallystick.outcomes import (
    ClauseSource,
    Locate,
    People,
    Predicate,
    PredicateSource,
    Template,
    predicate_from_source,
)
from tallystick.yamlfile import Document, KeyPath, Problem, combine, load_yaml, validate

__all__ = ["load_contract"]


def load_contract(
    path: Path,
    *,
    templates: Mapping[str, Template],
    custom: Mapping[str, Mapping[str, Mapping[str, str]]],
    whole_ids: WholeIds | None = None,
) -> Contract:
    """Read a contract file.

    Args:
        path: A YAML file.
        templates: Outcome templates by name.
        custom: The sources of the project: source to record type to custom field to its kind.
        whole_ids: By source, what gives an id as records carry it; an id in another form is refused.

    Raises:
        ContractError: The file cannot be used; says every problem with file, line, column and what to write instead.
    """
    document = load_yaml(path, error=ContractError)
    refuse_unseen(document)
    terms = validate(document, ContractTerms, error=ContractError)
    return _Loading(document, terms, templates, custom, whole_ids or {}).contract()


class _Loading:
    """One contract file on its way."""

    def __init__(
        self,
        document: Document,
        terms: ContractTerms,
        templates: Mapping[str, Template],
        custom: Mapping[str, Mapping[str, Mapping[str, str]]],
        whole_ids: WholeIds,
    ) -> None:
        self.document = document
        self.terms = terms
        self.templates = templates
        self.custom = custom
        self.whole_ids = whole_ids
        self.vendor = Vendor(terms.vendor.name, {name: tuple(ids) for name, ids in terms.vendor.identities.items()})
        self.problems: list[Problem] = []

    def contract(self) -> Contract:
        terms = self.terms
        self.problems += problems_of(terms, self.document, self.templates, self.custom, self.whole_ids)
        rules = {name: self._outcome(name, given) for name, given in terms.outcomes.items()}
        if self.problems:
            raise combine(self.problems, ContractError)
        vendors = {name: self._vendors(given) for name, given in terms.outcomes.items()}
        settings = {name: self._kept(given) for name, given in terms.outcomes.items()}
        return contract_from_body(body_of(terms, settings, rules, vendors))

    def _problem(self, path: KeyPath, message: str, hint: str = "") -> None:
        self.problems.append(found(self.document, path, message, hint))

    def _outcome(self, name: str, given: OutcomeTerms) -> dict[str, Any]:
        """Give the rule of an outcome; what is wrong with it is kept for later."""
        path: KeyPath = ("outcomes", name)
        predicate, source = Predicate(given.record or "", (), ()), PredicateSource({}, {})
        if given.source not in self.custom:
            # The predicate is not looked at: every custom field of the unknown source would be missing too.
            self._problem((*path, "source"), f"no source is named {given.source}", near(given.source, self.custom))
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
                self._problem(where, f"no source is named {second.source}", near(second.source, self.custom))
            elif second.source == given.source:
                self._problem(where, "it is the outcome's own source", "Name another one, or leave evidence out.")
            elif predicate.record not in {"", "meeting"}:
                self._problem(where, f"a {predicate.record} has no {name}", "Only outcomes about meetings have.")
            elif name == "acceptance" and predicate.clauses and not predicate.beside:
                self._problem(where, "nothing of the outcome asks who accepted it", "Leave acceptance out of evidence.")
        if predicate.beside and "acceptance" not in given.evidence:
            read = f"it reads {', '.join(predicate.beside)}, and evidence names no source of acceptance"
            self._problem((*path, "source"), read, "Write evidence: {acceptance: {source: ..., match: [...]}}.")

    def _settings(self, given: OutcomeTerms) -> dict[str, Any]:
        """Give the parameters the contract sets; the holidays of its calendar are one, unless they are set apart."""
        template = self.templates.get(given.uses or "")
        if template is None or not self.terms.calendar.holidays:
            return given.with_
        days = tuple(sorted(day.isoformat() for day in self.terms.calendar.holidays))
        asks = any(param.name == "holidays" and param.kind == "list" for param in template.params)
        return {"holidays": days, **given.with_} if asks else given.with_

    def _kept(self, given: OutcomeTerms) -> dict[str, Any]:
        """Give the parameters that stand in the body: without those that have the value which nobody has to write."""
        settings = self._settings(given)
        if given.uses is None:
            return settings
        template = self.templates[given.uses]
        who = {param.name for param in template.params if param.vendors or param.people}
        acceptance = _evidence(given, "acceptance")
        read = partial(
            template.values,
            vendors=self.vendor.known_in(given.source),
            people=self._people_of(acceptance.source if acceptance else given.source),
        )
        values = read(settings)

        def unwritten(name: str) -> object:
            try:
                return read({other: value for other, value in settings.items() if other != name})[name]
            except ContractError:
                return None

        return {
            name: value
            for name, value in settings.items()
            if name not in values or name in who or unwritten(name) != values[name]
        }

    def _vendors(self, given: OutcomeTerms) -> tuple[str, ...]:
        """Give the ids that the parameters of a template name as the vendor's own."""
        template = self.templates.get(given.uses or "")
        named = [given.with_.get(param.name) for param in template.params if param.vendors] if template else []
        return tuple(str(item) for items in named if isinstance(items, tuple) for item in items)

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
            hint = near(given.uses, self.templates)
            raise ContractError(f"no outcome template is named {given.uses}", hint=hint, where=where)
        acceptance = _evidence(given, "acceptance")
        source = template.source(
            self._settings(given),
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

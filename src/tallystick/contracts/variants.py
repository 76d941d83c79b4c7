"""An outcome as it would be with other parameters of its template, or with one of the template's presets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tallystick.contracts.contract import Contract, Outcome
from tallystick.outcomes import ClauseSource, Predicate, PredicateSource, Template, predicate_from_source
from tallystick.outcomes.template import Setting

__all__ = ["Variants"]


@dataclass(frozen=True)
class Variants:
    """The other forms of one outcome that uses a template.

    `custom` are the custom fields the buyer declared in its source: record type to field to kind.
    """

    contract: Contract
    outcome: Outcome
    template: Template
    custom: Mapping[str, Mapping[str, str]]

    @property
    def values(self) -> dict[str, Setting]:
        """Every parameter as it is agreed."""
        known = self._known
        return self.template.values(self.outcome.settings, vendors=known["vendors"], people=known["people"])

    def with_setting(self, name: str, value: Setting) -> Outcome:
        """Give the outcome with one parameter at another value, and the clauses the contract adds.

        Raises:
            ContractError: The parameters do not go together any more, or a clause of the contract needs what is gone.
        """
        source = self._source({**self.outcome.settings, name: value})
        source = replace(source, facts={**source.facts, **self._facts()}, clauses=self._clauses(source))
        return replace(self.outcome, predicate=self._predicate(source))

    def as_preset(self, name: str) -> Outcome:
        """Give the outcome as a preset defines it, in the buyer's account and without clauses of the contract.

        Raises:
            ContractError: There is no such preset, or the account has not what it needs.
        """
        source = self._source(self.template.as_preset(name, self.outcome.settings))
        return replace(self.outcome, predicate=self._predicate(source))

    @property
    def _known(self) -> dict[str, Any]:
        vendor, outcome = self.contract.vendor, self.outcome
        return {
            "vendors": vendor.known_in(outcome.source, outcome.calls),
            "people": self.contract.people.get((outcome.acceptance or outcome).source),
            "beside": vendor.known_beside(outcome.acceptance),
        }

    def _source(self, settings: Mapping[str, object]) -> PredicateSource:
        return self.template.source(settings, custom=self.custom, **self._known)

    def _predicate(self, source: PredicateSource) -> Predicate:
        label = f"template {self.template.name}:"
        return predicate_from_source(self.template.record, source, custom=self.custom, label=label)

    @property
    def _rule(self) -> Mapping[str, Any]:
        bodies = self.contract.body["outcomes"]
        rule: Mapping[str, Any] = next(body["rule"] for body in bodies if body["name"] == self.outcome.name)
        return rule

    def _facts(self) -> dict[str, str]:
        """Give the facts that the contract adds to the template's."""
        of_template = set(self._source(self.outcome.settings).facts)
        return {fact["name"]: fact["text"] for fact in self._rule["facts"] if fact["name"] not in of_template}

    def _clauses(self, source: PredicateSource) -> dict[str, str | ClauseSource]:
        of_template = set(self._source(self.outcome.settings).clauses)
        own = {
            clause["name"]: ClauseSource(
                clause["test"], clause["until"], clause["open"], clause["guard"], clause["says"], clause["waits"]
            )
            for clause in self._rule["clauses"]
            if clause["name"] not in of_template
        }
        return {**source.clauses, **own}

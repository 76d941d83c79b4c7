"""What a lint rule is, and the draft of a contract it looks at."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from tallystick.contracts.checks import WholeIds
from tallystick.contracts.contract import Contract, Outcome
from tallystick.contracts.loader import load_contract
from tallystick.contracts.terms import ContractTerms, OutcomeTerms
from tallystick.errors import ContractError, Position
from tallystick.outcomes import Template
from tallystick.outcomes.template import Setting
from tallystick.yamlfile import Document, KeyPath, load_yaml, validate

__all__ = ["Draft", "Finding", "Hit", "Memory", "Rule", "Seen", "Severity", "Written", "open_draft", "rule"]

Severity: TypeAlias = Literal["error", "warning", "note"]
"""`error` and `warning` are findings; a `note` is something to know."""

Memory: TypeAlias = Mapping[str, Mapping[str, int]]
"""How many days back a source tells a record type: source to record type to days; no entry where no end is known."""


Seen: TypeAlias = Callable[[str, Literal["ids", "role_in"], Collection[str]], Collection[str] | None]
"""Asked for ids or roles in a source: gives those that its records show; None where none were read yet."""


def _unread(_: str, __: str, ___: Collection[str]) -> None:
    return None


class Finding(msgspec.Struct, frozen=True):
    """What a rule found: why it is against the buyer (or the vendor), and what to write instead.

    `line` and `column` count from 1 and show the term, or what is nearest around where it is missing.
    """

    rule: str
    severity: Severity
    file: str
    line: int
    column: int
    reason: str
    rewrite: str


class Hit(NamedTuple):
    """One place at which a rule fires."""

    path: KeyPath
    reason: str
    rewrite: str


class Written(NamedTuple):
    """One outcome: as its file states it, as it is agreed, and every parameter of its template; none without one."""

    path: KeyPath
    terms: OutcomeTerms
    agreed: Outcome
    values: Mapping[str, Setting]
    template: Template | None

    def hit(self, *path: str, reason: str, rewrite: str) -> Hit:
        """Give a hit at a path inside the outcome."""
        return Hit((*self.path, *path), f"{self.agreed.name}: {reason}", rewrite)


@dataclass(frozen=True)
class Draft:
    """A contract that loads, with the file it stands in.

    `remembers` tells how far back the sources remember; an empty mapping where nothing is known of it. `seen` tells who
    stands in what was read from them.
    """

    document: Document
    terms: ContractTerms
    contract: Contract
    templates: Mapping[str, Template]
    remembers: Memory = field(default_factory=dict)
    seen: Seen = _unread

    @cached_property
    def outcomes(self) -> tuple[Written, ...]:
        """The outcomes, in the order of the file."""
        return tuple(self._written(name, given) for name, given in self.terms.outcomes.items())

    def _written(self, name: str, given: OutcomeTerms) -> Written:
        agreed = self.contract.outcomes[name]
        template = self.templates.get(given.uses or "")
        values: Mapping[str, Setting] = {}
        if template is not None:
            values = template.values(
                given.with_,
                vendors=self.contract.vendor.known_in(agreed.source, agreed.calls),
                people=self.contract.people.get((agreed.acceptance or agreed).source),
            )
        return Written(("outcomes", name), given, agreed, values, template)


Check: TypeAlias = Callable[[Draft], Iterable[Hit]]


@dataclass(frozen=True)
class Rule:
    """One rule: its name never changes, and `title` says in a sentence what it finds."""

    name: str
    severity: Severity
    title: str
    check: Check

    def findings(self, draft: Draft) -> Iterator[Finding]:
        """Give what the rule finds in a draft."""
        for path, reason, rewrite in self.check(draft):
            where = draft.document.key_position(path)
            place = where if isinstance(where, Position) else Position(str(where), 1)
            yield Finding(self.name, self.severity, place.file, place.line, place.column, reason, rewrite)


def rule(name: str, severity: Severity, title: str) -> Callable[[Check], Rule]:
    """Make a rule of the function below."""
    return lambda check: Rule(name, severity, title, check)


def open_draft(
    path: Path,
    *,
    templates: Mapping[str, Template],
    custom: Mapping[str, Mapping[str, Mapping[str, str]]],
    remembers: Memory | None = None,
    seen: Seen = _unread,
    whole_ids: WholeIds | None = None,
) -> Draft:
    """Read a contract file to look at, see `load_contract`.

    Raises:
        ContractError: The file cannot be used; says every problem.
    """
    contract = load_contract(path, templates=templates, custom=custom, whole_ids=whole_ids)
    document = load_yaml(path, error=ContractError)
    terms = validate(document, ContractTerms, error=ContractError)
    return Draft(document, terms, contract, templates, remembers or {}, seen)

"""Templates: predicates with parameters, so that a contract says what differs and not everything."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from tallystick.errors import ContractError
from tallystick.outcomes.predicate import Locate, Predicate, PredicateSource, predicate_from_source
from tallystick.outcomes.tree import Value

__all__ = ["Param", "Template"]

_FIELD = re.compile(r"[a-z][a-z0-9_]{0,47}")


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of a template.

    `kind` `field` is the name of a custom field the buyer declared. A parameter without `default` has to be given.
    `least` and `most` bound an integer, both included. `source` says where in practice the parameter comes from.
    """

    name: str
    kind: Literal["text", "integer", "boolean", "field"]
    doc: str
    source: str
    default: str | int | bool | None = None
    choices: tuple[str, ...] = ()
    least: int = 0
    most: int = 3_650

    def read(self, value: object) -> str | int | bool:
        """Give the value as the template takes it.

        Raises:
            ValueError: It is not of the kind, not a choice, or out of bounds; the message says what is possible.
        """
        if self.kind == "boolean":
            if isinstance(value, bool):
                return value
            raise ValueError("true or false")
        if self.kind == "integer":
            if isinstance(value, int) and not isinstance(value, bool) and self.least <= value <= self.most:
                return value
            raise ValueError(f"a whole number from {self.least} to {self.most}")
        if self.choices:
            if isinstance(value, str) and value in self.choices:
                return value
            raise ValueError(f"one of {', '.join(self.choices)}")
        if self.kind == "field":
            if isinstance(value, str) and _FIELD.fullmatch(value):
                return value
            raise ValueError("the name of a custom field: lower-case letters, digits and _")
        if isinstance(value, str) and value.strip():
            return value
        raise ValueError("a text that is not empty")


@dataclass(frozen=True, slots=True)
class Template:
    """A named predicate with parameters.

    `build` gets every parameter, defaults filled in, and gives the predicate as text; what it gives depends on its
    argument alone.
    """

    name: str
    record: str
    doc: str
    params: tuple[Param, ...]
    build: Callable[[Mapping[str, Value]], PredicateSource]

    def values(self, given: Mapping[str, object], locate: Locate | None = None) -> dict[str, Value]:
        """Give every parameter: the given ones checked, the others by default.

        Raises:
            ContractError: A parameter is unknown, missing or wrong; the path of one is `("with", name)`.
        """
        known = {param.name: param for param in self.params}
        for name in given:
            if name not in known:
                close = difflib.get_close_matches(str(name), known, n=1)
                hint = f"Did you mean {close[0]}?" if close else f"{self.name} takes {', '.join(known)}."
                raise self._error(name, locate, f"{self.name} has no parameter {name}", hint)
        values: dict[str, Value] = {}
        for name, param in known.items():
            if name not in given:
                if param.default is None:
                    raise self._error(None, locate, f"{self.name} needs the parameter {name}", param.doc)
                values[name] = param.default
                continue
            try:
                values[name] = param.read(given[name])
            except ValueError as error:
                what = f"{name} of {self.name} is {error}, not {given[name]!r}"
                raise self._error(name, locate, what, param.doc) from None
        return values

    def predicate(
        self,
        given: Mapping[str, object],
        *,
        custom: Mapping[str, Mapping[str, str]] | None = None,
        locate: Locate | None = None,
    ) -> Predicate:
        """Build the predicate for some parameters.

        Args:
            given: The parameters the contract sets (`with`).
            custom: Custom fields the buyer declared: record type to field to kind.
            locate: Where a parameter stands in the contract, by `("with", name)`; `("with",)` for all of them.

        Raises:
            ContractError: A parameter is wrong, or the predicate needs a custom field that nobody declared.
        """
        values = self.values(given, locate)
        custom = custom or {}
        declared = {name for fields in custom.values() for name in fields}
        for param in self.params:
            if param.kind == "field" and values[param.name] not in declared:
                name = values[param.name]
                what = f"{self.name} reads the custom field {name} ({param.name}), which no source declares"
                hint = f"Declare it in tallystick.yaml under custom. {param.doc}"
                raise self._error(param.name if param.name in given else None, locate, what, hint)
        return predicate_from_source(self.record, self.build(values), custom=custom, label=f"template {self.name}:")

    def _error(self, name: str | None, locate: Locate | None, message: str, hint: str) -> ContractError:
        where = locate(("with",) if name is None else ("with", name)) if locate is not None else None
        return ContractError(message, hint=hint, where=where)

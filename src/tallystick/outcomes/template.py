"""Templates: predicates with parameters, so that a contract says what differs and not everything.

A template may come with presets: the values a published definition comes down to, each with its source.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tallystick.errors import ContractError
from tallystick.outcomes.predicate import Locate, Predicate, PredicateSource, predicate_from_source
from tallystick.outcomes.tree import Value

__all__ = ["Param", "People", "Preset", "Setting", "Template", "scalars"]

_FIELD = re.compile(r"[a-z][a-z0-9_]{0,47}")


Setting: TypeAlias = str | int | bool | tuple[str, ...] | Mapping[str, int]
"""A parameter's value: `list` is a tuple of texts, `hours` the hours by channel."""


People: TypeAlias = Mapping[str, Mapping[str, Sequence[str]]]
"""Who is who in one source: group of people (`account_executive`) to `role_in` and `ids`."""


def scalars(values: Mapping[str, Setting], *names: str) -> dict[str, Value]:
    """Give those of the `values` that have one of the `names` and are single ones, for `:name` in a predicate."""
    return {name: value for name in names if isinstance(value := values[name], (str, int, bool))}


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of a template: its `name`, and in `doc` what it settles.

    `kind` `field` is the name of a custom field the buyer declared, or "" for none where that is the default. A `list`
    holds texts, each of `choices` if there are any. `hours` are whole hours by channel, one of `choices`; a number
    alone holds for every channel. A parameter without `default` has to be given; one that is `vendors` is the vendor's
    identities in the outcome's source unless given, and one with `people` what the contract says of a group of people
    there, such as `("account_executive", "role_in")`. `account` ones say how the buyer's system is set up, not what
    was agreed. `least` and `most` bound numbers, both included. `source` says where in practice the parameter comes
    from.
    """

    name: str
    kind: Literal["text", "integer", "boolean", "field", "list", "hours"]
    doc: str
    source: str
    default: Setting | None = None
    choices: tuple[str, ...] = ()
    least: int = 0
    most: int = 3_650
    vendors: bool = False
    account: bool = False
    people: tuple[str, str] | None = None

    def read(self, value: object) -> Setting:
        """Give the value as the template takes it.

        Raises:
            ValueError: It is not of the kind, not a choice, or out of bounds; the message says what is possible.
        """
        readers: dict[str, Callable[[object], Setting | None]] = {
            "boolean": lambda given: given if isinstance(given, bool) else None,
            "integer": self._integer,
            "list": self._list,
            "hours": self._hours,
            "field": lambda given: given if isinstance(given, str) and _FIELD.fullmatch(given) else None,
            "text": self._text,
        }
        found = readers[self.kind](value)
        if found is None:
            raise ValueError(self._wanted())
        return found

    def _wanted(self) -> str:
        numbers = f"from {self.least} to {self.most}"
        some = f", each one of {', '.join(self.choices)}" if self.choices else ""
        return {
            "boolean": "true or false",
            "integer": f"a whole number {numbers}",
            "list": f"a list of texts without spaces around them{some}",
            "hours": f"whole hours {numbers}, or a mapping of channels to hours{some}",
            "field": "the name of a custom field: lower-case letters, digits and _",
            "text": f"one of {', '.join(self.choices)}" if self.choices else "a text that is not empty",
        }[self.kind]

    def _integer(self, value: object) -> int | None:
        whole = isinstance(value, int) and not isinstance(value, bool) and self.least <= value <= self.most
        return value if whole and isinstance(value, int) else None

    def _text(self, value: object) -> str | None:
        allowed = isinstance(value, str) and (value in self.choices if self.choices else bool(value.strip()))
        return value if allowed and isinstance(value, str) else None

    def _list(self, value: object) -> tuple[str, ...] | None:
        if not isinstance(value, (list, tuple)):
            return None
        read = [self._text(item) for item in value]
        if any(item is not None and item != item.strip() for item in read):
            return None
        return None if None in read else tuple(dict.fromkeys(item for item in read if item is not None))

    def _hours(self, value: object) -> Mapping[str, int] | None:
        if not isinstance(value, Mapping):
            every = self._integer(value)
            return None if every is None else dict.fromkeys(self.choices, every)
        read = {str(channel): self._integer(hours) for channel, hours in value.items()}
        if None in read.values() or not read.keys() <= set(self.choices):
            return None
        given = {channel: hours for channel, hours in read.items() if hours is not None}
        default = self.default if isinstance(self.default, Mapping) else {}
        return {**default, **given}


def _unless_given(param: Param, vendors: Sequence[str], people: People) -> Setting | None:
    """Give the value of a parameter that nobody sets; None where it has to be given."""
    group, part = param.people or ("", "")
    known = vendors if param.vendors else people.get(group, {}).get(part, ())
    return tuple(known) or param.default


@dataclass(frozen=True, slots=True)
class Preset:
    """A published definition, `doc` in words, as `values` of a template's parameters under a `name`.

    `source` and `date` say where and when it was published, `confidence` how well it is known: `P` the party's own
    page, `P*` its text as republished by another, `S` a third party. `unpublished` names the parameters nothing is
    known about, which stay at the template's default. `price` is the price in words, `per_unit` that of one unit where
    a number was published: an amount and a currency, such as `0.99 USD`.
    """

    name: str
    doc: str
    values: Mapping[str, object]
    price: str
    source: str
    date: str
    confidence: str
    unpublished: tuple[str, ...] = ()
    per_unit: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """A named predicate with parameters: a contract says `uses: <name>`, and under `with` what differs.

    It is about records of the type `record`; `doc` says what it counts, and `params` what can be settled. `build` gets
    every parameter, defaults filled in, and gives the predicate as text; what it gives depends on its argument alone.
    For a fact of a second source it gets `beside.<fact>` too: the vendor's identities there, a tuple of texts.
    `presets` are published definitions by name: `with: {preset: NAME}` takes the values of one first.
    """

    name: str
    record: str
    doc: str
    params: tuple[Param, ...]
    build: Callable[[Mapping[str, Setting]], PredicateSource]
    presets: Mapping[str, Preset] = field(default_factory=dict)

    def values(
        self,
        given: Mapping[str, object],
        locate: Locate | None = None,
        *,
        vendors: Sequence[str] = (),
        people: People | None = None,
    ) -> dict[str, Setting]:
        """Give every parameter: the given ones checked, then those of the preset, the others by default.

        Args:
            given: The parameters the contract sets (`with`).
            locate: Where a parameter stands, by `("with", name)`.
            vendors: The vendor's identities in the source of the outcome.
            people: Groups of people in that source.

        Raises:
            ContractError: A parameter is unknown, missing or wrong; the path of one is `("with", name)`.
        """
        known = {param.name: param for param in self.params}
        own = {name: value for name, value in given.items() if name != "preset" or not self.presets}
        for name in own:
            if name not in known:
                close = difflib.get_close_matches(str(name), known, n=1)
                hint = f"Did you mean {close[0]}?" if close else f"{self.name} takes {', '.join(known)}."
                raise self._error(name, locate, f"{self.name} has no parameter {name}", hint)
        preset = self._preset(given, locate)
        chosen = {**preset, **own}
        for name, base in preset.items():
            # What a contract says of some channels leaves the preset's others alone.
            if known[name].kind == "hours" and isinstance(of_channels := chosen[name], Mapping):
                read = known[name].read(base)
                chosen[name] = {**(read if isinstance(read, Mapping) else {}), **of_channels}
        values: dict[str, Setting] = {}
        for name, param in known.items():
            if name in chosen:
                try:
                    values[name] = param.read(chosen[name])
                except ValueError as error:
                    what = f"{name} of {self.name} is {error}, not {chosen[name]!r}"
                    raise self._error(name, locate, what, param.doc) from None
            elif (unsaid := _unless_given(param, vendors, people or {})) is not None:
                values[name] = unsaid
            else:
                hint = f"{param.doc} Or name them under vendor.identities." if param.vendors else param.doc
                raise self._error(None, locate, f"{self.name} needs the parameter {name}", hint)
        return values

    def as_preset(self, name: str, given: Mapping[str, object]) -> dict[str, object]:
        """Give the settings that put a preset in the place of what a contract agrees, in the same account.

        Args:
            name: The preset.
            given: What the contract agrees.

        Raises:
            ContractError: There is no such preset.
        """
        self._preset({"preset": name}, None)
        account = {param.name for param in self.params if param.account or param.vendors or param.people}
        return {"preset": name, **{key: value for key, value in given.items() if key in account}}

    def _preset(self, given: Mapping[str, object], locate: Locate | None) -> Mapping[str, object]:
        name = given.get("preset")
        if name is None:
            return {}
        if not isinstance(name, str) or name not in self.presets:
            hint = f"There are: {', '.join(self.presets) or 'none'}."
            raise self._error("preset", locate, f"{self.name} has no preset {name!r}", hint)
        return self.presets[name].values

    def source(
        self,
        given: Mapping[str, object],
        *,
        custom: Mapping[str, Mapping[str, str]] | None = None,
        locate: Locate | None = None,
        vendors: Sequence[str] = (),
        people: People | None = None,
        beside: Mapping[str, Sequence[str]] | None = None,
    ) -> PredicateSource:
        """Give the predicate for some parameters as text.

        Args:
            given: The parameters the contract sets (`with`).
            custom: Custom fields the buyer declared: record type to field to kind.
            locate: Where a parameter stands in the contract, by `("with", name)`; `("with",)` for all of them.
            vendors: The vendor's identities in the source of the outcome.
            people: Groups of people in that source, or in the second one that knows them.
            beside: For each fact that comes from a second source, the vendor's identities there.

        Raises:
            ContractError: A parameter is wrong, or a custom field is needed that nobody declared.
        """
        values = self.values(given, locate, vendors=vendors, people=people)
        declared = {name for fields in (custom or {}).values() for name in fields}
        for param in self.params:
            if param.kind == "field" and values[param.name] not in {"", *declared}:
                name = values[param.name]
                what = f"{self.name} reads the custom field {name} ({param.name}), which no source declares"
                hint = f"Declare it in tallystick.yaml under custom. {param.doc}"
                raise self._error(param.name if param.name in given else None, locate, what, hint)
        try:
            return self.build({**values, **{f"beside.{fact}": tuple(ids) for fact, ids in (beside or {}).items()}})
        except ValueError as error:
            raise self._error(None, locate, f"{self.name}: {error}", "") from None

    def predicate(
        self,
        given: Mapping[str, object],
        *,
        custom: Mapping[str, Mapping[str, str]] | None = None,
        locate: Locate | None = None,
        vendors: Sequence[str] = (),
        people: People | None = None,
        beside: Mapping[str, Sequence[str]] | None = None,
    ) -> Predicate:
        """Build the predicate for the parameters `given`.

        The others (`custom`, `locate`, `vendors`, `people`, `beside`) are as of `source`.
        """
        source = self.source(given, custom=custom, locate=locate, vendors=vendors, people=people, beside=beside)
        return predicate_from_source(self.record, source, custom=custom, label=f"template {self.name}:")

    def _error(self, name: str | None, locate: Locate | None, message: str, hint: str) -> ContractError:
        where = locate(("with",) if name is None else ("with", name)) if locate is not None else None
        return ContractError(message, hint=hint, where=where)

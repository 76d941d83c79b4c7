"""A contract as the rest of the program uses it: checked, with amounts as money and outcomes as predicates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from tallystick.money import Currency, Money, Rounding
from tallystick.outcomes import People, Predicate

__all__ = ["Billing", "Contract", "Evidence", "Outcome", "PerUnit", "Percent", "Price", "Term", "Vendor"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A second source of a fact about the meetings of an outcome, and what joins its records, the first that fits."""

    source: str
    match: tuple[Literal["external_id", "attendees"], ...]


@dataclass(frozen=True, slots=True)
class Vendor:
    """Who is paid; `identities` are its own users, apps or accounts in each source."""

    name: str
    identities: Mapping[str, tuple[str, ...]]

    def known_in(self, source: str, second: Evidence | None = None) -> tuple[str, ...]:
        """Give its identities in a source, and those in a second one with that one's name before them."""
        others = () if second is None else self.identities.get(second.source, ())
        return (*self.identities.get(source, ()), *(f"{second.source}:{other}" for other in others if second))

    def known_beside(self, acceptance: Evidence | None) -> dict[str, tuple[str, ...]]:
        """Give its identities in the second source of acceptance, as `Template.source` takes them."""
        return {} if acceptance is None else {"acceptance": self.identities.get(acceptance.source, ())}


@dataclass(frozen=True, slots=True)
class Term:
    """How long the contract runs: from the day `start` to the day before `end`, in its time zone.

    `starts_at` and `ends_at` are the midnights they begin with, in microseconds UTC.
    """

    start: date
    end: date | None
    starts_at: int
    ends_at: int | None


@dataclass(frozen=True, slots=True)
class PerUnit:
    """An amount for each unit."""

    amount: Money

    def __str__(self) -> str:
        return f"{self.amount} each"


@dataclass(frozen=True, slots=True)
class Percent:
    """Percent of an amount of money, in the currency of that amount; `rate` 12.5 means 12.5 percent."""

    rate: Decimal

    def __str__(self) -> str:
        return f"{self.rate:f} %"


Price: TypeAlias = PerUnit | Percent


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is paid for: a predicate over the records of a source, and its price.

    `uses` is the template the predicate comes from, if any, and `settings` the parameters the contract sets. `vendors`
    are ids that these name as the vendor's own. `calls` is a second source of calls, `acceptance` the one that tells
    who accepted, if that is not the outcome's own.
    """

    name: str
    source: str
    predicate: Predicate
    price: Price
    description: str
    uses: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    vendors: tuple[str, ...] = ()
    calls: Evidence | None = None
    acceptance: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Billing:
    """Least and most for a calendar month, in the contract's currency, and the tie rule of every line."""

    floor: Money | None
    cap: Money | None
    rounding: Rounding


@dataclass(frozen=True)
class Contract:
    """One version of a contract.

    `body` is its normalised content: defaults filled in, amounts with the decimals of their currency, and for each
    outcome the rule in full, whether it was written out or came from a template. `people` are groups of people by
    source. `sha256` is the hash of its RFC 8785 bytes, so that comments and layout of the file do not matter, and a
    change of a template does.
    """

    name: str
    version: int
    buyer: str
    vendor: Vendor
    timezone: str
    currency: Currency
    term: Term
    outcomes: Mapping[str, Outcome]
    billing: Billing
    body: Mapping[str, Any]
    sha256: str
    people: Mapping[str, People] = field(default_factory=dict)

"""A contract as the rest of the program uses it: checked, with amounts as money and outcomes as predicates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from tallystick.contracts.price import Billing, Price
from tallystick.money import Currency, Money
from tallystick.outcomes import People, Predicate

__all__ = [
    "Baseline",
    "Contract",
    "Evidence",
    "Finality",
    "OffRamp",
    "Outcome",
    "Sample",
    "Term",
    "Unverifiable",
    "Vendor",
]


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
    notice_days: int = 30
    minimum_months: int | None = None
    tail_days: int = 0


@dataclass(frozen=True, slots=True)
class Baseline:
    """What an outcome cost before, and where that number comes from."""

    cost: Money
    basis: str


@dataclass(frozen=True, slots=True)
class Sample:
    """Acceptance sampling of the lines of a month, see `SampleTerms`; `tolerance` 5 means 5 percent."""

    size: int
    tolerance: Decimal
    confidence: Literal[90, 95, 99]
    rule: Literal["extrapolate", "hold"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is paid for: a predicate over the records of a source, and its price.

    `uses` is the template the predicate comes from, if any, and `settings` those of its parameters that the contract
    sets to something else than they are without it. `vendors` are ids that these name as the vendor's own. `calls` is a
    second source of calls, `acceptance` the one that tells who accepted, if that is not the outcome's own.
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
    baseline: Baseline | None = None
    sample: Sample | None = None


@dataclass(frozen=True, slots=True)
class Finality:
    """When an outcome may still change; days are those of the contract's zone, see `FinalityTerms`."""

    lock_days: int
    dispute_days: int
    clawback_days: int
    on_silence: Literal["accept", "escalate"]
    business: bool


@dataclass(frozen=True, slots=True)
class Unverifiable:
    """Who bears a claim for which a fact is missing for good, and after how many calendar days."""

    borne_by: Literal["vendor", "buyer"]
    grace_days: int


@dataclass(frozen=True, slots=True)
class OffRamp:
    """A way out: `measure` below a threshold for so many calendar months on end."""

    measure: Literal["verified_rate", "verified_units"]
    below: int
    months: int


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
    finality: Finality
    unverifiable: Unverifiable
    body: Mapping[str, Any] = field(repr=False)
    sha256: str
    people: Mapping[str, People] = field(default_factory=dict)
    effective_at: int | None = None
    holidays: frozenset[int] = frozenset()
    off_ramps: tuple[OffRamp, ...] = ()
    export: Literal["all", "own", "none"] | None = None
    retention_months: int | None = None
    review_every: Literal["month", "quarter", "year"] | None = None
    keys: Mapping[Literal["buyer", "vendor"], tuple[str, ...]] = field(default_factory=dict)

"""The terms of a contract as its file states them: every field, its type, and what it may be.

What takes two fields to judge (a cap against a floor, an amount against its currency) is checked in `loader`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    WithJsonSchema,
    model_validator,
)

from tallystick.errors import ConfigurationError
from tallystick.money import Rounding, currency
from tallystick.period import FIRST_YEAR, LAST_YEAR, zone
from tallystick.yamlfile import FieldError

__all__ = [
    "BillingTerms",
    "CapTerms",
    "ClauseTerms",
    "ContractTerms",
    "EvidenceTerms",
    "FloorTerms",
    "OutcomeTerms",
    "PriceTerms",
    "RosterTerms",
    "TermTerms",
    "VendorTerms",
    "contract_json_schema",
]

_LARGEST_AMOUNT = 10**12
_PERCENT_DECIMALS = 6


class _Terms(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _text(value: str) -> str:
    if not value.strip():
        raise FieldError("it must not be empty")
    return value


def _contract_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", value, re.ASCII):
        raise FieldError(f"{value!r} cannot be a name", hint="Letters, digits, and . _ - between them, at most 64.")
    return value


def _outcome_name(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,47}", value, re.ASCII):
        hint = "Lower-case letters, digits and _, starting with a letter, at most 48."
        raise FieldError(f"{value!r} cannot be a name", hint=hint)
    return value


def _looked_up(look_up: Callable[[str], object]) -> AfterValidator:
    def check(value: str) -> str:
        try:
            look_up(value)
        except ConfigurationError as unknown:
            raise FieldError(unknown.message, hint=unknown.hint) from None
        return value

    return AfterValidator(check)


def _number(value: Any) -> Decimal:
    """Take a number as YAML gives it; a text that looks like one is not one."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    raise FieldError("a number is expected here", hint="Write it with a point, without quotes, as 1200.50.")


def _amount(value: Decimal) -> Decimal:
    if value <= 0:
        raise FieldError("it must be more than zero", hint="Leave the term out if there is none.")
    if value >= _LARGEST_AMOUNT:
        raise FieldError(f"it must be less than {_LARGEST_AMOUNT:,}")
    return value


def _percent(value: Decimal) -> Decimal:
    if not 0 < value <= 100:
        raise FieldError("it must be more than 0 and at most 100", hint="12.5 means 12.5 percent.")
    if value != round(value, _PERCENT_DECIMALS):
        raise FieldError(f"it has more than {_PERCENT_DECIMALS} decimals")
    return value


def _day(value: date) -> date:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise FieldError(f"the year lies outside {FIRST_YEAR} to {LAST_YEAR}")
    return value


_Text = Annotated[str, AfterValidator(_text), Field(min_length=1)]
_Zone = Annotated[str, _looked_up(zone)]
_Currency = Annotated[str, _looked_up(currency)]
_Day = Annotated[date, AfterValidator(_day)]
_Number = Annotated[InstanceOf[Decimal], BeforeValidator(_number)]
_Amount = Annotated[
    _Number, AfterValidator(_amount), WithJsonSchema({"type": "number", "exclusiveMinimum": 0}, mode="validation")
]
_Percent = Annotated[
    _Number,
    AfterValidator(_percent),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 100}, mode="validation"),
]


def _parameter(value: Any) -> Any:
    if isinstance(value, (str, int)):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if isinstance(value, dict) and all(isinstance(item, int) for item in value.values()):
        return value
    hint = "Put it in quotes if it looks like a day or a number. A list holds texts, a mapping whole numbers."
    raise FieldError("a text, a whole number, true or false, or a list or mapping of such is expected here", hint=hint)


def _clause(value: Any) -> Any:
    if isinstance(value, str):
        return {"test": value}
    if isinstance(value, dict):
        return value
    raise FieldError("a condition is expected here", hint="Write it as a text, or as {test: ..., until: ...}.")


_Parameter = Annotated[
    Any,
    BeforeValidator(_parameter),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": ["string", "integer", "boolean"]},
                {"type": "array", "items": {"type": "string"}},
                {"type": "object", "additionalProperties": {"type": "integer"}},
            ]
        },
        mode="validation",
    ),
]


class VendorTerms(_Terms):
    """Who is paid."""

    name: _Text = Field(description="The vendor's name, as it stands on the statement.")
    identities: dict[str, list[_Text]] = Field(
        default={},
        description="By source of tallystick.yaml: the users, apps or accounts there that are the vendor's own.",
    )


class RosterTerms(_Terms):
    """Who belongs to a group of people in one source: by role, by id, or by either."""

    role_in: list[_Text] = Field(
        default=[], description="Roles, in the words of the source; the one held at the time of an act counts."
    )
    ids: list[_Text] = Field(default=[], description="Ids of persons, whatever their roles.")

    @model_validator(mode="after")
    def _somebody(self) -> RosterTerms:
        if not self.role_in and not self.ids:
            raise FieldError("nobody is named", hint="Write {role_in: [AE]} or {ids: [u1, u2]}.")
        return self


class TermTerms(_Terms):
    """How long the contract runs, in days of its time zone."""

    start: _Day = Field(description="The first day.")
    end: _Day | None = Field(default=None, description="The first day after the last one; open-ended without it.")

    @model_validator(mode="after")
    def _order(self) -> TermTerms:
        if self.end is not None and self.end <= self.start:
            hint = "The end is the first day that is not part of the term any more."
            raise FieldError("the end does not lie after the start", hint=hint, path=("end",))
        return self


class ClauseTerms(_Terms):
    """A clause that needs more than a test."""

    test: _Text = Field(description="The condition that has to be true.")
    until: _Text | None = Field(
        default=None, description="End of a window: before it is over, and read, the clause is not known to be true."
    )
    open: _Text | None = Field(default=None, description="While this is true, the clause cannot be known yet.")
    guard: bool = Field(
        default=False, description="If true, a false clause makes the outcome unverifiable instead of rejected."
    )
    says: str = Field(default="", description="The sentence for a person when it is false; `{fact}` shows a value.")


_Clause = Annotated[ClauseTerms, BeforeValidator(_clause)]


class PriceTerms(_Terms):
    """What one outcome costs: one of the two kinds."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["per_unit"]}, {"required": ["percent"]}]},
    )

    per_unit: _Amount | None = Field(default=None, description="Amount for each unit, in the contract's currency.")
    percent: _Percent | None = Field(
        default=None, description="Percent of the quantity, which is money; the line is in the currency of that money."
    )

    @model_validator(mode="after")
    def _one(self) -> PriceTerms:
        if (self.per_unit is None) == (self.percent is None):
            what = "a price has exactly one of per_unit and percent"
            raise FieldError(what, hint="Write {per_unit: 240.00} or {percent: 12.5}.")
        return self


class EvidenceTerms(_Terms):
    """Where further records for an outcome come from, and how they are told to belong to its own."""

    source: _Text = Field(
        description="Another source of tallystick.yaml, which holds the same meetings or their calls."
    )
    match: list[Literal["external_id", "attendees"]] = Field(
        min_length=1,
        description="What joins a call, or a meeting there, to a meeting, the first that fits: an equal `external_id`, "
        "or `attendees`: an e-mail address of the prospect's in both, at overlapping times.",
    )


class OutcomeTerms(_Terms):
    """What is paid for: by a template, which further clauses may narrow, or by clauses written out."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["uses"]}, {"required": ["record", "clauses"]}]},
    )

    source: _Text = Field(description="Source of tallystick.yaml, operated by the buyer, that decides.")
    uses: _Text | None = Field(default=None, description="Name of an outcome template.")
    with_: dict[str, _Parameter] = Field(default={}, alias="with", description="Parameters of the template.")
    record: _Text | None = Field(default=None, description="Record type the clauses are about.")
    clauses: dict[str, _Clause] = Field(
        default={},
        description="Conditions by name; all of them have to be true. The first false one decides. Beside a template "
        "they come after its own, and may use its facts.",
    )
    facts: dict[str, _Text] = Field(default={}, description="Values by name, for the clauses to use.")
    quantity: _Text | None = Field(
        default=None, description="What the price applies to: an amount or a whole number. One unit without it."
    )
    evidence: dict[Literal["calls", "acceptance"], EvidenceTerms] = Field(
        default={},
        description="A second source for a fact: `calls`, for how long a meeting took, whose calls count as well; "
        "`acceptance`, for who accepted it, which then counts there alone.",
    )
    price: PriceTerms = Field(description="What it costs.")
    description: _Text | None = Field(default=None, description="The outcome in words, for the statement.")

    @model_validator(mode="after")
    def _one_way(self) -> OutcomeTerms:
        if self.uses is None:
            if not self.clauses:
                hint = "Write `uses:` with a template, or `record:` and `clauses:`."
                raise FieldError("an outcome needs a template or clauses", hint=hint)
            if self.record is None:
                raise FieldError("record is missing", hint="Add `record:` with the type the clauses are about.")
            if self.with_:
                hint = "Leave `with` out; clauses have no parameters."
                raise FieldError("parameters without a template", hint=hint, path=("with",))
            return self
        own = [name for name in ("record", "quantity") if getattr(self, name)]
        if own:
            hint = f"Leave out {', '.join(own)}, or leave out uses and write the clauses yourself."
            raise FieldError("the template says that already", hint=hint, path=(own[0],))
        return self


class FloorTerms(_Terms):
    """The least that is owed."""

    monthly: _Amount = Field(description="Amount for a calendar month, by days where the term covers a part of it.")


class CapTerms(_Terms):
    """The most that is owed."""

    monthly: _Amount = Field(description="Amount for a calendar month.")
    excess: Literal["forgiven"] = Field(default="forgiven", description="What happens to what lies above the cap.")


class BillingTerms(_Terms):
    """From lines to what is owed."""

    floor: FloorTerms | None = Field(default=None, description="The least that is owed.")
    cap: CapTerms | None = Field(default=None, description="The most that is owed.")
    rounding: Rounding = Field(
        default="half_up", description="Where an amount exactly between two minor units goes, line by line."
    )


class ContractTerms(_Terms):
    """A contract between one buyer and one vendor."""

    contract: Annotated[str, AfterValidator(_contract_name)] = Field(description="Name of the contract.")
    version: int = Field(ge=1, le=1_000_000, description="Version of the text; an agreed version never changes.")
    buyer: _Text = Field(description="Who pays.")
    vendor: VendorTerms = Field(description="Who is paid, and who that is in each source.")
    people: dict[Annotated[str, AfterValidator(_outcome_name)], dict[str, RosterTerms]] = Field(
        default={}, description="Groups of people that templates ask for, by source of tallystick.yaml."
    )
    timezone: _Zone = Field(description="IANA time zone of all days and months.")
    currency: _Currency = Field(description="ISO 4217 code of all amounts in this file.")
    term: TermTerms = Field(description="How long the contract runs.")
    outcomes: dict[Annotated[str, AfterValidator(_outcome_name)], OutcomeTerms] = Field(
        min_length=1, description="What is paid for, by name."
    )
    billing: BillingTerms = Field(default=BillingTerms(), description="Floor, cap and rounding.")


def contract_json_schema() -> dict[str, Any]:
    """Give the JSON Schema (draft 2020-12) of a contract file, for editors and other tools."""
    schema = ContractTerms.model_json_schema(by_alias=True)
    clauses = schema["$defs"]["OutcomeTerms"]["properties"]["clauses"]
    clauses["additionalProperties"] = {"anyOf": [{"type": "string", "minLength": 1}, clauses["additionalProperties"]]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Tallystick contract"}

"""The terms of a contract as its file states them: every field, its type, and what it may be.

What takes two fields to judge (a cap against a floor, an amount against its currency) is checked in `loader`.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from tallystick.contracts.billing_terms import BillingTerms, PriceTerms
from tallystick.contracts.fields import (
    BY_NAME,
    ContractName,
    CurrencyCode,
    Day,
    MonthStart,
    Name,
    Terms,
    Text,
    TimeZone,
)
from tallystick.contracts.settlement_terms import (
    BaselineTerms,
    CalendarTerms,
    DataRightsTerms,
    FinalityTerms,
    KeysTerms,
    OffRampTerms,
    ReviewTerms,
    SampleTerms,
    UnverifiableTerms,
)
from tallystick.yamlfile import FieldError

__all__ = [
    "ClauseTerms",
    "ContractTerms",
    "EvidenceTerms",
    "OutcomeTerms",
    "RosterTerms",
    "TermTerms",
    "VendorTerms",
    "contract_json_schema",
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


class VendorTerms(Terms):
    """Who is paid."""

    name: Text = Field(description="The vendor's name, as it stands on the statement.")
    identities: dict[str, list[Text]] = Field(
        default={},
        description="By source of tallystick.yaml: the users, apps or accounts there that are the vendor's own.",
    )


class RosterTerms(Terms):
    """Who belongs to a group of people in one source: by role, by id, or by either."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["role_in"], "properties": {"role_in": {"minItems": 1}}},
                {"required": ["ids"], "properties": {"ids": {"minItems": 1}}},
            ]
        }
    )

    role_in: list[Text] = Field(
        default=[], description="Roles, in the words of the source; the one held at the time of an act counts."
    )
    ids: list[Text] = Field(default=[], description="Ids of persons, whatever their roles.")

    @model_validator(mode="after")
    def _somebody(self) -> RosterTerms:
        if not self.role_in and not self.ids:
            raise FieldError("nobody is named", hint="Write {role_in: [AE]} or {ids: [u1, u2]}.")
        return self


class TermTerms(Terms):
    """How long the contract runs, in days of its time zone."""

    start: Day = Field(description="The first day.")
    end: Day | None = Field(default=None, description="The first day after the last one; open-ended without it.")
    notice_days: int = Field(default=30, ge=0, le=3660, description="Days between a notice and the end it brings.")
    minimum_months: int | None = Field(
        default=None, ge=1, le=600, description="Months from the start before which no notice can end it."
    )
    tail_days: int = Field(
        default=0, ge=0, le=3660, description="Days after the end in which an outcome still counts as one of the term."
    )

    @model_validator(mode="after")
    def _order(self) -> TermTerms:
        if self.end is not None and self.end <= self.start:
            hint = "The end is the first day that is not part of the term any more."
            raise FieldError("the end does not lie after the start", hint=hint, path=("end",))
        if self.end is not None and self.minimum_months is not None:
            shortest = _months_later(self.start, self.minimum_months)
            if shortest > self.end:
                what = f"{self.minimum_months} months from the start are {shortest}, after the end"
                raise FieldError(what, hint="Write fewer, or move the end.", path=("minimum_months",))
        return self


def _months_later(day: date, months: int) -> date:
    """Give the day so many months later, or the last one of that month if it is too short."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


class ClauseTerms(Terms):
    """A clause that needs more than a test."""

    test: Text = Field(description="The condition that has to be true.")
    until: Text | None = Field(
        default=None, description="End of a window: before it is over, and read, the clause is not known to be true."
    )
    open: Text | None = Field(default=None, description="While this is true, the clause cannot be known yet.")
    guard: bool = Field(
        default=False, description="If true, a false clause makes the outcome unverifiable instead of rejected."
    )
    says: str = Field(default="", description="The sentence for a person when it is false; `{fact}` shows a value.")


_Clause = Annotated[ClauseTerms, BeforeValidator(_clause)]


class EvidenceTerms(Terms):
    """Where further records for an outcome come from, and how they are told to belong to its own."""

    source: Text = Field(description="Another source of tallystick.yaml, which holds the same meetings or their calls.")
    match: list[Literal["external_id", "attendees"]] = Field(
        min_length=1,
        description="What joins a call, or a meeting there, to a meeting, the first that fits: an equal `external_id`, "
        "or `attendees`: an e-mail address of the prospect's in both, at overlapping times.",
    )


class OutcomeTerms(Terms):
    """What is paid for: by a template, which further clauses may narrow, or by clauses written out."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["uses"], "properties": {"record": False, "quantity": False}},
                {
                    "required": ["record", "clauses"],
                    "properties": {"uses": False, "with": {"maxProperties": 0}, "clauses": {"minProperties": 1}},
                },
            ]
        },
    )

    source: Text = Field(description="Source of tallystick.yaml, operated by the buyer, that decides.")
    uses: Text | None = Field(default=None, description="Name of an outcome template.")
    with_: dict[str, _Parameter] = Field(default={}, alias="with", description="Parameters of the template.")
    record: Text | None = Field(default=None, description="Record type the clauses are about.")
    clauses: dict[str, _Clause] = Field(
        default={},
        description="Conditions by name; all of them have to be true. The first false one decides. Beside a template "
        "they come after its own, and may use its facts.",
    )
    facts: dict[str, Text] = Field(default={}, description="Values by name, for the clauses to use.")
    quantity: Text | None = Field(
        default=None, description="What the price applies to: an amount or a whole number. One unit without it."
    )
    evidence: dict[Literal["calls", "acceptance"], EvidenceTerms] = Field(
        default={},
        description="A second source for a fact: `calls`, for how long a meeting took, whose calls count as well; "
        "`acceptance`, for who accepted it, which then counts there alone.",
    )
    price: PriceTerms = Field(description="What it costs.")
    baseline: BaselineTerms | None = Field(default=None, description="What it cost before.")
    sample: SampleTerms | None = Field(default=None, description="Acceptance sampling of its lines.")
    description: Text | None = Field(default=None, description="The outcome in words, for the statement.")

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


class ContractTerms(Terms):
    """A contract between one buyer and one vendor."""

    contract: ContractName = Field(description="Name of the contract.")
    version: int = Field(ge=1, le=1_000_000, description="Version of the text; an agreed version never changes.")
    effective: MonthStart | None = Field(
        default=None,
        description="First day of a calendar month from which on this version decides what happens; what happened "
        "before stays with the version before it. The first version needs none.",
    )
    buyer: Text = Field(description="Who pays.")
    vendor: VendorTerms = Field(description="Who is paid, and who that is in each source.")
    people: dict[Name, dict[str, RosterTerms]] = Field(
        default={},
        description="Groups of people that templates ask for, by source of tallystick.yaml.",
        json_schema_extra=BY_NAME,
    )
    timezone: TimeZone = Field(description="IANA time zone of all days and months.")
    currency: CurrencyCode = Field(description="ISO 4217 code of all amounts in this file.")
    term: TermTerms = Field(description="How long the contract runs.")
    outcomes: dict[Name, OutcomeTerms] = Field(
        min_length=1, description="What is paid for, by name.", json_schema_extra=BY_NAME
    )
    billing: BillingTerms = Field(default=BillingTerms(), description="Floor, cap, discounts and rounding.")
    calendar: CalendarTerms = Field(default=CalendarTerms(), description="Business days.")
    finality: FinalityTerms = Field(default=FinalityTerms(), description="When what is decided may still change.")
    unverifiable: UnverifiableTerms = Field(
        default=UnverifiableTerms(), description="Claims for which a fact is missing for good."
    )
    off_ramp: list[OffRampTerms] = Field(default=[], description="When a party may leave before the end.")
    data_rights: DataRightsTerms | None = Field(default=None, description="What the buyer may take along.")
    review: ReviewTerms | None = Field(default=None, description="How often both parties look at the numbers.")
    keys: KeysTerms | None = Field(default=None, description="Keys with which the parties sign.")


def contract_json_schema() -> dict[str, Any]:
    """Give the JSON Schema (draft 2020-12) of a contract file, for editors and other tools.

    It accepts every file that `load_contract` does. It cannot refuse all that is wrong: what it takes a project, a
    comparison of two values or the decimals of a currency to judge is left to `load_contract`.
    """
    schema = _without_null(ContractTerms.model_json_schema(by_alias=True))
    clauses = schema["$defs"]["OutcomeTerms"]["properties"]["clauses"]
    text = {"type": "string", "minLength": 1, "pattern": r"\S"}
    clauses["additionalProperties"] = {"anyOf": [text, clauses["additionalProperties"]]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Tallystick contract"}


def _without_null(schema: Any) -> Any:
    """Take null out: a name without a value is refused, and a term that is left out has none."""
    if isinstance(schema, list):
        return [_without_null(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: _without_null(part) for name, part in schema.items() if part is not None}
    options = [option for option in kept.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:
        return {**{name: part for name, part in kept.items() if name != "anyOf"}, **options[0]}
    return {**kept, "anyOf": options} if options else kept

"""The terms of a contract that are about money: prices, tiers, floor, cap, discounts, other currencies."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field, JsonValue, model_validator
from pydantic.config import JsonDict

from tallystick.contracts.fields import (
    BY_CODE,
    Amount,
    CurrencyCode,
    MonthStart,
    Name,
    Percentage,
    Rate,
    Terms,
    Text,
    repeated,
)
from tallystick.money import Rounding
from tallystick.yamlfile import FieldError

__all__ = [
    "BillingTerms",
    "CapTerms",
    "CurrencyTerms",
    "DiscountTerms",
    "FloorTerms",
    "PriceTerms",
    "RateTerms",
    "StepTerms",
    "TierTerms",
]

_STEPS: dict[str, JsonValue] = {
    "contains": {"not": {"required": ["up_to"]}},
    "minContains": 1,
    "maxContains": 1,
    "anyOf": [
        {"items": {"required": ["per_unit"], "properties": {"up_to": {"multipleOf": 1}}}},
        {"items": {"required": ["percent"]}},
    ],
}
_UNITS_ALONE: JsonDict = {"properties": {"included": {"maximum": 0}}}
_SHARES_ALONE: JsonDict = {"properties": {"min": False, "max": False}}
_TIERS_OF_SHARES: JsonDict = {
    "properties": {"tiers": {"properties": {"steps": {"contains": {"required": ["percent"]}}}}}
}


class StepTerms(Terms):
    """One tier: its price, and the last unit or amount of a month that it is for."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["per_unit"]}, {"required": ["percent"]}]})

    up_to: Amount | None = Field(
        default=None, description="Units, or amount of the quantity, of a month up to which it goes; the last has none."
    )
    per_unit: Amount | None = Field(default=None, description="Amount for each unit, in the contract's currency.")
    percent: Percentage | None = Field(default=None, description="Percent of the quantity, which is money.")

    @model_validator(mode="after")
    def _one(self) -> StepTerms:
        if (self.per_unit is None) == (self.percent is None):
            raise FieldError(
                "a step has exactly one of per_unit and percent", hint="Write {up_to: 100, per_unit: 0.99}."
            )
        return self


class TierTerms(Terms):
    """A price that depends on how much there is in a calendar month."""

    mode: Literal["graduated", "volume"] = Field(
        description="`graduated`: each step's price for what falls into it; `volume`: the price of the step that the "
        "month's total reaches, for all of it."
    )
    steps: list[StepTerms] = Field(min_length=1, description="The tiers, lowest first.", json_schema_extra=_STEPS)

    @model_validator(mode="after")
    def _order(self) -> TierTerms:
        for place, step in enumerate(self.steps):
            last = place == len(self.steps) - 1
            if (step.up_to is None) != last:
                hint = "Every step but the last says up to where it goes; the last has no end."
                raise FieldError("up_to stands in every step but the last", hint=hint, path=("steps", place))
            if place and step.up_to is not None and step.up_to <= (self.steps[place - 1].up_to or 0):
                hint = "Write the lowest step first; each goes further than the one before it."
                raise FieldError("the steps are not in ascending order", hint=hint, path=("steps", place, "up_to"))
            if (step.percent is None) != (self.steps[0].percent is None):
                hint = "Units and money are not counted together."
                raise FieldError("steps have all per_unit, or all percent", hint=hint, path=("steps", place))
            if step.percent is None and step.up_to is not None and step.up_to != int(step.up_to):
                raise FieldError("units are whole", hint="Write a whole number.", path=("steps", place, "up_to"))
        return self


class PriceTerms(Terms):
    """What one outcome costs: one of the three kinds."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["per_unit"]}, {"required": ["percent"]}, {"required": ["tiers"]}],
            "allOf": [
                {"if": {"required": ["percent"]}, "then": _UNITS_ALONE},
                {"if": {"required": ["per_unit"]}, "then": _SHARES_ALONE},
                {
                    "if": {"required": ["tiers"]},
                    "then": {"if": _TIERS_OF_SHARES, "then": _UNITS_ALONE, "else": _SHARES_ALONE},
                },
            ],
        },
    )

    per_unit: Amount | None = Field(default=None, description="Amount for each unit, in the contract's currency.")
    percent: Percentage | None = Field(
        default=None, description="Percent of the quantity, which is money; the line is in the currency of that money."
    )
    tiers: TierTerms | None = Field(default=None, description="A price by steps of the month's volume.")
    included: int = Field(
        default=0, ge=0, le=10**9, description="Units of a calendar month that cost nothing; the rest of them is lost."
    )
    min: Amount | None = Field(default=None, description="Least amount of a line that is priced by percent.")
    max: Amount | None = Field(default=None, description="Most of a line that is priced by percent.")

    @property
    def by_percent(self) -> bool:
        """True where the price is a share of money."""
        return self.percent is not None or (self.tiers is not None and self.tiers.steps[0].percent is not None)

    @model_validator(mode="after")
    def _one(self) -> PriceTerms:
        if sum(kind is not None for kind in (self.per_unit, self.percent, self.tiers)) != 1:
            what = "a price has exactly one of per_unit, percent and tiers"
            raise FieldError(what, hint="Write {per_unit: 240.00} or {percent: 12.5}.")
        if self.included and self.by_percent:
            raise FieldError("only units can be included", hint="Leave included out.", path=("included",))
        for name in ("min", "max"):
            if getattr(self, name) is not None and not self.by_percent:
                raise FieldError(f"{name} goes with a percentage", hint=f"Leave {name} out.", path=(name,))
        if self.min is not None and self.max is not None and self.max < self.min:
            raise FieldError("the most lies below the least", hint="A line lies between min and max.", path=("max",))
        return self


class FloorTerms(Terms):
    """The least that is owed."""

    monthly: Amount = Field(description="Amount for a calendar month, by days where the term covers a part of it.")


class CapTerms(Terms):
    """The most that is owed."""

    monthly: Amount = Field(description="Amount for a calendar month.")
    excess: Literal["forgiven", "carried"] = Field(
        default="forgiven",
        description="What happens to what lies above the cap: it is `forgiven`, or `carried` into the following months "
        "as far as their caps leave room; what is left when the contract ends is forgiven.",
    )


class CurrencyTerms(Terms):
    """Floor and cap of what is owed in a currency that is not the contract's, in that currency."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["floor"]}, {"required": ["cap"]}]})

    floor: FloorTerms | None = Field(default=None, description="The least that is owed in it.")
    cap: CapTerms | None = Field(default=None, description="The most that is owed in it.")

    @model_validator(mode="after")
    def _some(self) -> CurrencyTerms:
        if self.floor is None and self.cap is None:
            raise FieldError("neither a floor nor a cap", hint="Write one, or leave the currency out.")
        return self


class RateTerms(Terms):
    """A rate both parties agreed on, which turns amounts of another currency into the contract's."""

    rate: Rate = Field(description="How much of the contract's currency one unit of the other one is.")
    source: Text = Field(description="Where the rate comes from, and of which day; it stands on every line.")


class DiscountTerms(Terms):
    """A percentage off the lines of some calendar months, before floor and cap."""

    percent: Percentage = Field(description="Percent off.")
    start: MonthStart | None = Field(
        default=None, alias="from", description="First day of the first month; from the start of the term without it."
    )
    until: MonthStart | None = Field(
        default=None, description="First day of the first month after it; no end without it."
    )
    outcomes: list[Name] = Field(
        default=[],
        min_length=1,
        description="Outcomes it is for; all of them without it.",
        json_schema_extra={"uniqueItems": True},
    )
    reason: Text = Field(description="What it is for, as it stands on the statement.")

    @model_validator(mode="after")
    def _months(self) -> DiscountTerms:
        if self.start is not None and self.until is not None and self.until <= self.start:
            hint = "It is the first day that is not part of it any more."
            raise FieldError("the end does not lie after the start", hint=hint, path=("until",))
        if (place := repeated(self.outcomes)) is not None:
            raise FieldError("it stands twice", hint="Name each outcome once.", path=("outcomes", place))
        return self


class BillingTerms(Terms):
    """From lines to what is owed."""

    floor: FloorTerms | None = Field(default=None, description="The least that is owed.")
    cap: CapTerms | None = Field(default=None, description="The most that is owed.")
    rounding: Rounding = Field(
        default="half_up", description="Where an amount exactly between two minor units goes, line by line."
    )
    discounts: list[DiscountTerms] = Field(
        default=[], description="Percentages off, each of what the ones before it left."
    )
    currencies: dict[CurrencyCode, CurrencyTerms] = Field(
        default={},
        description="Floor and cap in currencies that are not the contract's.",
        json_schema_extra=BY_CODE,
    )
    rates: dict[CurrencyCode, RateTerms] = Field(
        default={},
        description="Currencies whose amounts become the contract's before the price applies, and at which rate.",
        json_schema_extra=BY_CODE,
    )

    @model_validator(mode="after")
    def _one_way(self) -> BillingTerms:
        for code in self.currencies:
            if code in self.rates:
                hint = "Lines at a rate are in the contract's currency, where its floor and cap hold."
                raise FieldError("it has a rate already", hint=hint, path=("currencies", code))
        return self

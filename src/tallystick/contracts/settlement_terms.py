"""The terms of a contract that are about time and trust: finality, disputes, samples, ways out, rights to the data."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field, model_validator

from tallystick.contracts.fields import Amount, Day, Key, Percentage, Terms, Text, repeated
from tallystick.ledger.keys import Verifier
from tallystick.yamlfile import FieldError

__all__ = [
    "BaselineTerms",
    "CalendarTerms",
    "DataRightsTerms",
    "FinalityTerms",
    "KeysTerms",
    "OffRampTerms",
    "ReviewTerms",
    "SampleTerms",
    "UnverifiableTerms",
]

_MOST_DAYS = 3660


class CalendarTerms(Terms):
    """Which days are business days: Monday to Friday without the holidays."""

    holidays: list[Day] = Field(
        default=[],
        description="Days of the contract's time zone on which nobody works; also for a template that asks for "
        "`holidays`, unless its parameter is set.",
        json_schema_extra={"uniqueItems": True},
    )

    @model_validator(mode="after")
    def _once(self) -> CalendarTerms:
        if (place := repeated(self.holidays)) is not None:
            raise FieldError("it stands twice", hint="Name each day once.", path=("holidays", place))
        return self


class FinalityTerms(Terms):
    """When an outcome may still change, and from when on it may not; see the calendar of each outcome."""

    lock_days: int = Field(
        default=0,
        ge=0,
        le=_MOST_DAYS,
        description="Days from the end of an outcome's windows to its lock, which no later event moves.",
    )
    dispute_days: int = Field(default=10, ge=0, le=_MOST_DAYS, description="Days after the lock to dispute it.")
    days: Literal["calendar", "business"] = Field(
        default="calendar", description="What kind of days the three other terms count."
    )
    on_silence: Literal["accept", "escalate"] = Field(
        default="accept",
        description="What silence up to the end of the dispute days means: the outcome is accepted, or it is listed "
        "for a person on each side until they settle it.",
    )
    clawback_days: int = Field(
        default=120,
        ge=0,
        le=_MOST_DAYS,
        description="Days after the lock in which evidence against an outcome still makes a note.",
    )


class UnverifiableTerms(Terms):
    """What becomes of a claim for which a fact is missing for good."""

    borne_by: Literal["vendor", "buyer"] = Field(
        default="vendor", description="Who bears it: the `vendor` is not paid, or the `buyer` pays it as claimed."
    )
    grace_days: int = Field(
        default=14,
        ge=0,
        le=_MOST_DAYS,
        description="Calendar days from when it happened, or was claimed if that is not known, to supply the fact.",
    )


class BaselineTerms(Terms):
    """What the outcome cost before, as both parties see it."""

    cost_per_outcome: Amount = Field(description="Amount, in the contract's currency.")
    basis: Text = Field(description="Where that number comes from.")


class SampleTerms(Terms):
    """Acceptance sampling: people look at some of the lines of a month, for what no field can tell."""

    size: int = Field(ge=1, le=100_000, description="How many of a month's lines are looked at.")
    tolerance: Percentage = Field(
        description="Share of wrong ones, in percent, that both parties put up with.",
        json_schema_extra={"exclusiveMaximum": 100},
    )
    confidence: Literal[90, 95, 99] = Field(
        default=95, description="Confidence, in percent, with which the share has to lie above the tolerance."
    )
    rule: Literal["extrapolate", "hold"] = Field(
        description="What happens if it does: the share found is taken off all lines of the month, or they are held."
    )

    @model_validator(mode="after")
    def _possible(self) -> SampleTerms:
        if self.tolerance >= 100:
            hint = "Write the share above which something happens, or leave sample out."
            raise FieldError("nothing ever lies above it", hint=hint, path=("tolerance",))
        return self


class OffRampTerms(Terms):
    """When a party may leave before the end."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"measure": {"const": "verified_rate"}}},
            "then": {"properties": {"below": {"maximum": 100}}},
        }
    )

    measure: Literal["verified_rate", "verified_units"] = Field(
        description="`verified_rate`: verified claims in percent of those decided; `verified_units`: verified claims."
    )
    below: int = Field(ge=1, le=10**9, description="The threshold: percent, or a number.")
    months: int = Field(default=1, ge=1, le=36, description="For how many calendar months on end.")

    @model_validator(mode="after")
    def _percent(self) -> OffRampTerms:
        if self.measure == "verified_rate" and self.below > 100:
            raise FieldError("a rate is at most 100 percent", hint="Write 60 for 60 percent.", path=("below",))
        return self


class DataRightsTerms(Terms):
    """What the buyer may take along."""

    export: Literal["all", "own", "none"] = Field(
        description="`all`: everything that decided; `own`: the buyer's own records alone; `none`."
    )
    retention_months: int | None = Field(
        default=None, ge=1, le=600, description="Months that the vendor keeps the data after the end."
    )


class ReviewTerms(Terms):
    """How often both parties look at the numbers together."""

    every: Literal["month", "quarter", "year"] = Field(description="How often.")


class KeysTerms(Terms):
    """Verifier keys with which the parties sign, as `tallystick keys show` prints them."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["buyer"]}, {"required": ["vendor"]}]})

    buyer: list[Key] = Field(
        default=[], min_length=1, description="Keys of the buyer.", json_schema_extra={"uniqueItems": True}
    )
    vendor: list[Key] = Field(
        default=[], min_length=1, description="Keys of the vendor.", json_schema_extra={"uniqueItems": True}
    )

    @model_validator(mode="after")
    def _some(self) -> KeysTerms:
        if not self.buyer and not self.vendor:
            raise FieldError("no key is named", hint="Leave keys out, or name one.")
        places = [(party, place) for party in ("buyer", "vendor") for place in range(len(getattr(self, party)))]
        # The name is not part of what signs: the same key under two names is one key.
        again = repeated(Verifier.parse(key).public_key for key in (*self.buyer, *self.vendor))
        if again is not None:
            hint = "Each party signs with keys of its own, each named once."
            raise FieldError("this key stands twice", hint=hint, path=places[again])
        return self

"""The kinds of value that the terms of a contract are made of, each with its own check."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, InstanceOf, WithJsonSchema

from tallystick.errors import ConfigurationError
from tallystick.money import currency
from tallystick.period import FIRST_YEAR, LAST_YEAR, zone
from tallystick.yamlfile import FieldError

__all__ = [
    "Amount",
    "ContractName",
    "CurrencyCode",
    "Day",
    "Name",
    "Number",
    "Percentage",
    "Terms",
    "Text",
    "TimeZone",
]

_LARGEST_AMOUNT = 10**12
_PERCENT_DECIMALS = 6


class Terms(BaseModel):
    """Base of all terms: nothing unknown, nothing converted, nothing changed later."""

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


Text = Annotated[str, AfterValidator(_text), Field(min_length=1)]
TimeZone = Annotated[str, _looked_up(zone)]
CurrencyCode = Annotated[str, _looked_up(currency)]
Day = Annotated[date, AfterValidator(_day)]
Number = Annotated[InstanceOf[Decimal], BeforeValidator(_number)]
Amount = Annotated[
    Number, AfterValidator(_amount), WithJsonSchema({"type": "number", "exclusiveMinimum": 0}, mode="validation")
]
Percentage = Annotated[
    Number,
    AfterValidator(_percent),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 100}, mode="validation"),
]
ContractName = Annotated[str, AfterValidator(_contract_name)]
Name = Annotated[str, AfterValidator(_outcome_name)]

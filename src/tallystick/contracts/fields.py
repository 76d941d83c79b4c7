"""The kinds of value that the terms of a contract are made of, each with its own check."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, InstanceOf, WithJsonSchema
from pydantic.config import JsonDict

from tallystick.errors import ConfigurationError
from tallystick.ledger.keys import Verifier
from tallystick.money import currency
from tallystick.period import FIRST_YEAR, LAST_YEAR, zone
from tallystick.yamlfile import FieldError

__all__ = [
    "BY_CODE",
    "BY_NAME",
    "Amount",
    "ContractName",
    "CurrencyCode",
    "Day",
    "Key",
    "MonthStart",
    "Name",
    "Number",
    "Percentage",
    "Rate",
    "Terms",
    "Text",
    "TimeZone",
    "repeated",
]

_LARGEST_AMOUNT = 10**12
_AMOUNT_DECIMALS = 8
_PERCENT_DECIMALS = 6
_RATE_DECIMALS = 12
_SMALLEST_RATE, _LARGEST_RATE = Decimal("0.000000001"), Decimal(10**9)


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
    if isinstance(value, Decimal) and value.is_finite():
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    raise FieldError("a number is expected here", hint="Write it with a point, without quotes, as 1200.50.")


def _amount(value: Decimal) -> Decimal:
    if value <= 0:
        raise FieldError("it must be more than zero", hint="Leave the term out if there is none.")
    if value >= _LARGEST_AMOUNT:
        raise FieldError(f"it must be less than {_LARGEST_AMOUNT:,}")
    return _no_finer(value, _AMOUNT_DECIMALS)


def _percent(value: Decimal) -> Decimal:
    if not 0 < value <= 100:
        raise FieldError("it must be more than 0 and at most 100", hint="12.5 means 12.5 percent.")
    return _no_finer(value, _PERCENT_DECIMALS)


def _rate(value: Decimal) -> Decimal:
    if not _SMALLEST_RATE <= value <= _LARGEST_RATE:
        raise FieldError(f"a rate lies between {_SMALLEST_RATE:f} and {_LARGEST_RATE:,}")
    return _no_finer(value, _RATE_DECIMALS)


def _no_finer(value: Decimal, decimals: int) -> Decimal:
    """Refuse a number with more decimals than some, zeros at the end apart; whatever the decimal context."""
    if len(f"{value:f}".partition(".")[2].rstrip("0")) > decimals:
        raise FieldError(f"it has more than {decimals} decimals")
    return value


def _day(value: date) -> date:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise FieldError(f"the year lies outside {FIRST_YEAR} to {LAST_YEAR}")
    return value


def _first_day(value: date) -> date:
    if value.day != 1:
        raise FieldError("it is not the first day of a month", hint="It is for whole calendar months.")
    return value


def _key(value: str) -> str:
    try:
        Verifier.parse(value)
    except ConfigurationError as wrong:
        raise FieldError(wrong.message, hint=wrong.hint) from None
    return value


def repeated(values: Iterable[Hashable]) -> int | None:
    """Give the place of the first value that an earlier one equals; None if all are different."""
    seen: set[Hashable] = set()
    for place, value in enumerate(values):
        if value in seen:
            return place
        seen.add(value)
    return None


def _schema(kind: str, **more: Any) -> WithJsonSchema:
    """Say in the published schema what a value may be, as far as a schema can."""
    return WithJsonSchema({"type": kind, **more}, mode="validation")


_NAME, _CODE = "^[a-z][a-z0-9_]{0,47}$", "^[A-Z]{3}$"
_YEARS = "(199[0-9]|20[0-5][0-9]|2060)"

Text = Annotated[str, AfterValidator(_text), Field(min_length=1), _schema("string", minLength=1, pattern=r"\S")]
TimeZone = Annotated[str, _looked_up(zone), _schema("string", pattern="^[A-Za-z]")]
CurrencyCode = Annotated[str, _looked_up(currency), _schema("string", pattern=_CODE)]
Key = Annotated[str, AfterValidator(_key), _schema("string", pattern=r"^[^+\s]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*$")]
Day = Annotated[
    date, AfterValidator(_day), _schema("string", format="date", pattern=f"^{_YEARS}-[0-9]{{2}}-[0-9]{{2}}$")
]
MonthStart = Annotated[
    date,
    AfterValidator(_day),
    AfterValidator(_first_day),
    _schema("string", format="date", pattern=f"^{_YEARS}-[0-9]{{2}}-01$"),
]
Number = Annotated[InstanceOf[Decimal], BeforeValidator(_number)]
Amount = Annotated[
    Number, AfterValidator(_amount), _schema("number", exclusiveMinimum=0, exclusiveMaximum=_LARGEST_AMOUNT)
]
Percentage = Annotated[Number, AfterValidator(_percent), _schema("number", exclusiveMinimum=0, maximum=100)]
Rate = Annotated[Number, AfterValidator(_rate), _schema("number", minimum=1e-9, maximum=int(_LARGEST_RATE))]
ContractName = Annotated[
    str, AfterValidator(_contract_name), _schema("string", pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
]
Name = Annotated[str, AfterValidator(_outcome_name), _schema("string", pattern=_NAME)]

BY_NAME: JsonDict = {"propertyNames": {"pattern": _NAME}}
BY_CODE: JsonDict = {"propertyNames": {"pattern": _CODE}}
"""What the published schema says of a mapping by `Name` or by `CurrencyCode`, whose keys pydantic leaves out."""

"""What a person writes about one column, and about which objects a mapping is for."""

from __future__ import annotations

import difflib
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StrictStr, model_validator

from tallystick.connectors.mapping.tables import Scalar, TableOrName
from tallystick.errors import ConfigurationError
from tallystick.period import zone
from tallystick.yamlfile import FieldError

__all__ = ["ColumnField", "Condition", "Conditions", "FieldMapping", "Part", "PathText", "Shape", "is_pattern"]

_FORMATS = ("iso", "unix", "unix_ms", "date")

PathText: TypeAlias = Annotated[str, Field(min_length=1)] | Annotated[list[StrictStr | StrictInt], Field(min_length=1)]
"""Where a value stands: names joined by dots in a JSON object, the name of a column in a row; or a list of steps."""


class Shape(BaseModel):
    """What every part of a mapping has in common."""

    # What was typed may be somebody's data, so errors do not repeat it.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, populate_by_name=True)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


def _word(value: Any) -> Any:
    """Take a number, a date or true for the text that a value table looks it up by."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, Decimal, date)) else value


Word: TypeAlias = Annotated[str, BeforeValidator(_word)]


class Condition(Shape):
    """A test of the value at a `path`: `is`, `in` or `not_in` some words, or `present`; or `any` of several tests.

    In Python `is_` and `in_` stand for the first two.
    Words are compared as text, so that `true` and `5` fit a JSON object and a CSV cell alike; `true` also fits `True`
    and `TRUE`. A value that is not there is in no list: it fails `is` and `in`, and passes `not_in`.
    """

    path: PathText | None = None
    is_: Word | None = Field(default=None, alias="is")
    in_: list[Word] | None = Field(default=None, alias="in", min_length=1)
    not_in: list[Word] | None = Field(default=None, min_length=1)
    present: bool | None = None
    any: list[Conditions] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Condition:
        _check_condition(self)
        return self


Conditions: TypeAlias = Annotated[list[Condition], BeforeValidator(_listed), Field(min_length=1)]
"""Tests of which all must hold; a single one may stand alone."""


class Part(Shape):
    """A part of a joined text that is the same for every record, such as what sets the ids of one mapping apart."""

    constant: str = Field(min_length=1)


class FieldMapping(Shape):
    """Where the value of a column comes from, and how it is read.

    Attributes:
        path: Where it stands.
        first: Paths of which the first that holds something counts.
        join: Paths whose texts are joined, and constants; a path that leads to a list adds all its items. Unknown when
            one of them is.
        with_: What stands between joined texts.
        constant: The same value for every record.
        format: For an instant: `iso` (ISO 8601), `unix` (seconds), `unix_ms`, `date` (a day, meant as its first
            instant), or a pattern such as `%d.%m.%Y %H:%M`.
        timezone: IANA zone of instants that carry no offset of their own.
        decimal: The decimal sign of numbers written as text.
        grouping: The sign between groups of three digits, if there is one.
        minor_units: How many of the number's last digits are decimal places: 2 for an amount in cents.
        take: What of a text: `lower` case, the `domain` of an address, what a message `says` (also `says_html`), or
            the value as `json`.
        values: Which word of the system means which value; or the name of such a table of the file.
        otherwise: What a word that `values` does not know becomes: null (unknown), `as_is`, or `refuse`.
        unreadable: Whether what cannot be read is unknown (null) or stops the read (`refuse`, which is what money and
            instants do unless told otherwise).
    """

    path: PathText | None = None
    first: list[PathText] | None = Field(default=None, min_length=2)
    join: list[PathText | Part] | None = Field(default=None, min_length=1)
    with_: str = Field(default="", alias="with")
    constant: Scalar | None = None
    format: str | None = Field(default=None, min_length=1)
    timezone: str | None = None
    decimal: Literal[".", ","] = "."
    grouping: Literal[".", ",", " ", "'"] | None = None
    minor_units: int | None = Field(default=None, ge=0, le=4)
    take: Literal["lower", "domain", "says", "says_html", "json"] | None = None
    values: TableOrName = None
    otherwise: Literal["as_is", "refuse"] | None = None
    unreadable: Literal["refuse"] | None = None

    @property
    def paths(self) -> list[PathText]:
        """All paths it reads."""
        joined = [part for part in self.join or () if not isinstance(part, Part)]
        return [path for path in (self.path, *(self.first or ()), *joined) if path is not None]

    @model_validator(mode="after")
    def _check(self) -> FieldMapping:
        _check_field(self)
        return self


def _field(value: Any) -> Any:
    """Take a path alone for the field that is read from it."""
    return {"path": value} if isinstance(value, (str, list)) else value


ColumnField: TypeAlias = Annotated[FieldMapping, BeforeValidator(_field)]


def is_pattern(text: str) -> bool:
    """Tell whether a format is a pattern of `strptime`, and not one of the named ones."""
    return text not in _FORMATS


def _check_condition(condition: Condition) -> None:
    """Check that a test tests one thing.

    Raises:
        FieldError: It does not.
    """
    tests = [name for name in ("is_", "in_", "not_in", "present") if getattr(condition, name) is not None]
    if condition.any is not None:
        if condition.path is not None or tests:
            raise FieldError("any stands alone", hint="Put the tests into the list of `any`.")
        return
    if condition.path is None:
        raise FieldError("path is missing", hint="Write it like {path: status, in: [closed]}.")
    if len(tests) != 1:
        raise FieldError("one test is expected here", hint="Use one of `is`, `in`, `not_in`, `present`.")


def _check_field(field: FieldMapping) -> None:
    """Check what holds for a field of any column.

    Raises:
        FieldError: It does not.
    """
    sources = [name for name in ("path", "first", "join", "constant") if getattr(field, name) is not None]
    if len(sources) != 1:
        raise FieldError(
            "one of path, first, join and constant is expected here", hint="Write a path alone, or {constant: EUR}."
        )
    if "with_" in field.model_fields_set and field.join is None:
        raise FieldError("with belongs to join", path=("with",))
    if field.values is None and "otherwise" in field.model_fields_set:
        raise FieldError("otherwise belongs to values", path=("otherwise",))
    if field.grouping == field.decimal:
        raise FieldError("grouping and decimal cannot be the same sign", path=("grouping",))
    if field.timezone is not None:
        try:
            zone(field.timezone)
        except ConfigurationError as error:
            raise FieldError(error.message, hint=error.hint, path=("timezone",)) from None
    if field.format is not None:
        _check_format(field.format, field.timezone)


def _check_format(form: str, timezone: str | None) -> None:
    needs_zone = form == "date"
    if is_pattern(form):
        if "%" not in form:
            close = difflib.get_close_matches(form, _FORMATS, n=1)
            hint = f"Did you mean {close[0]}?" if close else "Use iso, unix, unix_ms, date or %d.%m.%Y %H:%M."
            raise FieldError("there is no such format", hint=hint, path=("format",))
        if "%y" in form:
            raise FieldError("%y leaves the century open", hint="Export years with four digits.", path=("format",))
        needs_zone = "%z" not in form
    if needs_zone and timezone is None:
        hint = "Add `timezone: Europe/Berlin`, the zone in which the system writes its times."
        raise FieldError("these times carry no offset, and no timezone is declared", hint=hint, path=("format",))
    if form in {"unix", "unix_ms"} and timezone is not None:
        raise FieldError("a Unix time is in UTC always", hint="Leave timezone out.", path=("timezone",))

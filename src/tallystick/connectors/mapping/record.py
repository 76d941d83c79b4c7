"""The shape of a mapping, and whether it fits the columns of its record type. All problems are said at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from tallystick.connectors.mapping.fields import ColumnField, Condition, Conditions, FieldMapping, PathText, Shape
from tallystick.connectors.mapping.tables import Tables, near
from tallystick.records.kinds import Kind, RecordType
from tallystick.records.types import COMMON, RECORD_TYPES
from tallystick.yamlfile import FieldError, KeyPath

__all__ = ["MappingFile", "RecordMapping"]

_PYTHON: dict[Kind, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int,),
    "money": (int, Decimal),
    "rate": (int, Decimal),
    "boolean": (bool,),
    "instant": (),
}
_SAID: dict[Kind, str] = {
    "text": "a text; put it in quotes if it looks like a number or a date",
    "integer": "a whole number",
    "money": "a number in major units",
    "rate": "a number",
    "boolean": "true or false",
    "instant": "an instant, which is no constant",
}
_OPTIONS: tuple[tuple[str, tuple[Kind, ...]], ...] = (
    ("format", ("instant",)),
    ("timezone", ("instant",)),
    ("minor_units", ("money",)),
    ("decimal", ("money", "rate", "integer")),
    ("grouping", ("money", "rate", "integer")),
    ("take", ("text",)),
    ("join", ("text",)),
)
_Problem = tuple[KeyPath, FieldError]


class RecordMapping(Shape):
    """How one kind of object becomes records of one type.

    Attributes:
        type: Record type.
        each: A list in the object: one record per item of it. Paths then start at the item, and `^.` at the object.
        when: Only objects (or items) that pass these tests become records.
        id: The record's id; one that is made of several parts is unknown to nobody but its parts.
        as_of: When the system held this state; a name with `$` is what the connector knows, such as `$read_at`.
        deleted: What tells that the object is gone: the record is then a tombstone.
        nulls: Texts that stand for nothing, such as an empty cell.
        columns: The columns of the record type; those left out are unknown.
    """

    type: str
    each: PathText | None = None
    when: Conditions | None = None
    id: ColumnField
    as_of: ColumnField
    deleted: Conditions | None = None
    nulls: list[str] | None = None
    columns: dict[str, ColumnField]

    @model_validator(mode="after")
    def _check(self) -> RecordMapping:
        _check_record(self)
        return self


class MappingFile(Shape):
    """A file that holds nothing but mappings.

    Attributes:
        values: Tables of values that several columns use by name.
        records: The mappings.
    """

    values: Tables = Field(default={})
    records: list[RecordMapping] = Field(min_length=1)


def _check_record(record: RecordMapping) -> None:
    """Check a mapping against the columns of its record type.

    Raises:
        ValidationError: Says every problem, each a `FieldError` at its place.
    """
    problems = list(_record_problems(record))
    if problems:
        details = [
            InitErrorDetails(type=PydanticCustomError("mapping", "{error}", {"error": error}), loc=path, input=None)
            for path, error in problems
        ]
        raise ValidationError.from_exception_data("mapping", details)


def _record_problems(record: RecordMapping) -> Iterator[_Problem]:
    kind = RECORD_TYPES.get(record.type)
    if kind is None or kind.of:
        known = [name for name, other in RECORD_TYPES.items() if not other.of]
        yield ("type",), FieldError("there is no such record type", hint=near(record.type, known))
        return
    for name, field in record.columns.items():
        if name not in kind.column:
            yield ("columns", name), _unknown_column(kind, name)
            continue
        yield from _field_problems(("columns", name), field, kind.column[name].kind)
    yield from _field_problems(("id",), record.id, "text")
    yield from _field_problems(("as_of",), record.as_of, "instant")
    if not record.id.paths:
        yield ("id",), FieldError("every record needs an id of its own", hint="Read it from the object.")
    yield from _missing(record, kind)
    yield from _misplaced(record)


def _missing(record: RecordMapping, kind: RecordType) -> Iterator[_Problem]:
    if kind.occurred not in record.columns:
        said = f"{kind.occurred} is missing: it says when a {kind.name} happened, and so to which period it belongs"
        yield ("columns",), FieldError(said, hint=f"Add `{kind.occurred}:`.")
    money = [name for name in record.columns if name in kind.column and kind.column[name].kind == "money"]
    for name in ("currency", "exponent"):
        if money and name in kind.column and name not in record.columns:
            said = f"{name} is missing: {money[0]} is an amount of money"
            hint = "Add `currency: {constant: EUR}`." if name == "currency" else "Add `exponent: {constant: 2}`."
            yield ("columns",), FieldError(said, hint=hint)


def _misplaced(record: RecordMapping) -> Iterator[_Problem]:
    """Find paths to the object around an item where there is none, and names that only `as_of` may use."""
    for place, path in _paths(record):
        first = path[0] if isinstance(path, list) else path.partition(".")[0]
        if first == "^" and (record.each is None or place == ("each",)):
            yield place, FieldError("there is no object around this one", hint="`^.` is for mappings with `each`.")
        if isinstance(first, str) and first.startswith("$") and isinstance(path, str) and place != ("as_of",):
            yield place, FieldError(f"{first} may stand in as_of only", hint="A column is read from the object.")


def _paths(record: RecordMapping) -> Iterator[tuple[KeyPath, Any]]:
    if record.each is not None:
        yield ("each",), record.each
    fields: dict[KeyPath, FieldMapping] = {("id",): record.id, ("as_of",): record.as_of}
    fields |= {("columns", name): field for name, field in record.columns.items()}
    for place, field in fields.items():
        yield from ((place, path) for path in field.paths)
    for name, tests in (("when", record.when), ("deleted", record.deleted)):
        yield from (((name,), path) for path in _tested(tests or ()))


def _tested(tests: Iterable[Condition]) -> Iterator[Any]:
    for test in tests:
        if test.any is None:
            yield test.path
        else:
            for branch in test.any:
                yield from _tested(branch)


def _field_problems(place: KeyPath, field: FieldMapping, kind: Kind) -> Iterator[_Problem]:
    for option, kinds in _OPTIONS:
        if option in field.model_fields_set and kind not in kinds:
            yield (*place, option), FieldError(f"{option} is not for {_article(kind)}", hint="Leave it out.")
    if field.constant is not None and not _is_of(field.constant, kind):
        yield (*place, "constant"), FieldError(f"{place[-1]} is {_article(kind)}", hint=f"Write {_SAID[kind]}.")
    for word, value in (field.values or {}).items():
        if value is not None and not _is_of(value, kind):
            said = f"{place[-1]} is {_article(kind)}"
            yield (*place, "values", word), FieldError(said, hint=f"Write {_SAID[kind]}.")


def _article(kind: Kind) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}" if kind not in {"text", "money"} else kind


def _is_of(value: object, kind: Kind) -> bool:
    return isinstance(value, _PYTHON[kind]) and (kind == "boolean" or not isinstance(value, bool | date))


def _unknown_column(kind: RecordType, name: str) -> FieldError:
    if name in kind.derivation:
        return FieldError(f"{name} is derived from other records", hint="Leave it out.")
    if name in {"id", "as_of", "deleted"}:
        return FieldError(f"{name} is no column", hint=f"Write `{name}:` beside `columns:`.")
    if name in {column.name for column in COMMON}:
        return FieldError(f"{name} is filled by Tallystick itself", hint="Leave it out.")
    return FieldError(f"{kind.name} has no column {name}", hint=near(name, list(kind.column)))

"""A mapping at work: one object in, its records out; compiled once, pure afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn, TypeAlias

from tallystick.connectors.custom import CustomField, extract
from tallystick.connectors.mapping.fields import Condition, FieldMapping, Part, PathText
from tallystick.connectors.mapping.items import Items
from tallystick.connectors.mapping.paths import Getter, getter, steps_of
from tallystick.connectors.mapping.reading import Refused, Unreadable, reader, shape, word
from tallystick.connectors.mapping.record import RecordMapping
from tallystick.errors import ConfigurationError, Position, SchemaChanged
from tallystick.records.kinds import Kind
from tallystick.records.model import Record, Value
from tallystick.records.types import RECORD_TYPES
from tallystick.yamlfile import Document

__all__ = ["Mapper"]

Given: TypeAlias = Mapping[str, int]
"""Instants that the connector knows about an object, by their name with a `$`."""

_Test: TypeAlias = Callable[[Any, Any], bool]
_NO_GIVEN: Given = {}


class Mapper:
    """Turns objects into records as a mapping says.

    Args:
        entries: The mappings, checked by pydantic.
        document: The list of them in the file they were read from, for the positions in messages.
        nested: True for JSON objects, where a path's names are joined by dots; False for rows of a table.
        nulls: Texts that stand for nothing in mappings that do not say themselves.
        given: Names (with `$`) of the instants that the connector hands over with each object.
        custom: Custom fields that the buyer declared in `tallystick.yaml`, by record type.
        only: Places of the mappings to use, where the others are for objects of another shape; all unless told.

    Raises:
        ConfigurationError: `as_of` names an instant that this connector does not know.
    """

    def __init__(
        self,
        entries: Sequence[RecordMapping],
        document: Document,
        *,
        nested: bool,
        nulls: Sequence[str] = (),
        given: Sequence[str] = (),
        custom: Mapping[str, Mapping[str, CustomField]] | None = None,
        only: Collection[int] | None = None,
    ) -> None:
        used = [(place, entry) for place, entry in enumerate(entries) if only is None or place in only]
        self._parts = [
            _Part(
                _Compiler(entry, document.at((place,)), nested=nested, nulls=nulls, given=given),
                (custom or {}).get(entry.type, {}),
            )
            for place, entry in used
        ]
        self.types: tuple[str, ...] = tuple(dict.fromkeys(entry.type for _, entry in used))
        self.roots: tuple[str, ...] = tuple(dict.fromkeys(root for part in self._parts for root in part.roots))
        self.revision: str = hashlib.sha256("".join(part.revision for part in self._parts).encode()).hexdigest()

    def records(self, row: Any, raw: bytes, where: str, given: Given = _NO_GIVEN) -> list[Record]:
        """Give the records of one object, in the order of the mappings; none if no mapping is for it.

        The bytes kept of a record are those of the object, or of its item with `each`. Every record says in its custom
        field `mapping` which version of its mapping typed it, so that a corrected mapping gives new versions.

        Args:
            row: The object, decoded with exact numbers (`decode_object`), or a row by names of columns.
            raw: Its JSON as delivered.
            where: What it is called in messages, such as `acme/tickets: export.csv:17`.
            given: Instants by the names that were declared.

        Raises:
            SchemaChanged: A value cannot be read and the mapping says `refuse`; names the column, where it is mapped,
                and what the value looks like, never the value.
        """
        return [record for part in self._parts for record in part.records(row, raw, where, given)]


class _Cell(NamedTuple):
    """One column (or id, or instant) of a record: how its value is found and read."""

    name: str
    get: Getter
    read: Callable[[Any], Value]
    refuse: bool
    where: Position | str


class _Compiler:
    """Turns the parts of one mapping into functions."""

    def __init__(
        self, entry: RecordMapping, document: Document, *, nested: bool, nulls: Sequence[str], given: Sequence[str]
    ) -> None:
        self.entry = entry
        self.document = document
        self.nested = nested
        self.nulls = frozenset(nulls if entry.nulls is None else entry.nulls)
        self.given = given
        self.roots: dict[str, None] = {}
        self.outer: dict[str, None] = {}

    def path(self, path: PathText) -> Getter:
        """Give what walks a path, and note the name it begins with."""
        steps = steps_of(path, nested=self.nested)
        if steps[0] == "^":
            self.outer[str(steps[1])] = None
            self.roots[str(steps[1])] = None
        elif self.entry.each is None:
            self.roots[str(steps[0])] = None
        get, nulls = getter(path, nested=self.nested), self.nulls
        if not nulls:
            return get

        def found(item: Any, around: Any) -> Any:
            value = get(item, around)
            return None if type(value) is str and value in nulls else value

        return found

    def cell(self, name: str, field: FieldMapping, kind: Kind, place: tuple[str, ...], *, needed: bool) -> _Cell:
        refuse = needed or kind in {"money", "instant"}
        if not needed and "unreadable" in field.model_fields_set:
            refuse = field.unreadable == "refuse"
        return _Cell(name, self._get(field), _read(kind, field), refuse, self.document.position(place))

    def _get(self, field: FieldMapping) -> Getter:
        if field.constant is not None:
            constant = field.constant
            return lambda _item, _around: constant
        if field.join is not None:
            return _joined([self._part(part) for part in field.join], field.with_)
        if field.first is not None:
            return _first([self.path(path) for path in field.first])
        return self.path(field.path or [])

    def _part(self, part: PathText | Part) -> Getter:
        if not isinstance(part, Part):
            return self.path(part)
        constant = part.constant
        return lambda _item, _around: constant

    def cells(self) -> list[_Cell | None]:
        """Give the cells of all columns of the type in their order; None for a column that is not mapped."""
        fields = self.entry.columns
        return [
            self.cell(column.name, fields[column.name], column.kind, ("columns", column.name), needed=False)
            if column.name in fields
            else None
            for column in RECORD_TYPES[self.entry.type].columns
        ]

    def as_of(self) -> _Cell | str:
        """Give the cell of `as_of`, or the name of the instant that the connector gives."""
        path = self.entry.as_of.path
        if isinstance(path, str) and path.startswith("$"):
            if path not in self.given:
                raise ConfigurationError(
                    f"as_of: {path} is not known here",
                    hint=f"There are: {', '.join(self.given) or 'none'}.",
                    where=self.document.position(("as_of",)),
                )
            return path
        return self.cell("as_of", self.entry.as_of, "instant", ("as_of",), needed=True)

    def each(self, path: PathText) -> list[str]:
        """Give the names that lead to the list of items.

        Raises:
            ConfigurationError: A place in a list is among them: the bytes of its items could not be told apart.
        """
        steps = steps_of(path, nested=self.nested)
        if any(
            isinstance(step, int) or (self.nested and (step == "*" or step.lstrip("-").isdecimal())) for step in steps
        ):
            raise ConfigurationError(
                "each leads to one list by names alone",
                hint="Map the list that stands outside, and reach what is in its items by paths.",
                where=self.document.position(("each",)),
            )
        return [str(step) for step in steps]

    def tests(self, tests: Sequence[Condition]) -> _Test:
        """Give the function that tells whether all tests hold."""
        compiled = [self._test(test) for test in tests]
        return lambda item, around: all(test(item, around) for test in compiled)

    def _test(self, test: Condition) -> _Test:
        if test.any is not None:
            branches = [self.tests(branch) for branch in test.any]
            return lambda item, around: any(branch(item, around) for branch in branches)
        get = self.path(test.path or [])
        if test.present is not None:
            present = test.present
            return lambda item, around: (get(item, around) is not None) == present
        words = set(test.not_in or test.in_ or [str(test.is_)])
        # As a boolean column reads them: spreadsheets write TRUE, and Python True.
        words |= {spelled for said in words & {"true", "false"} for spelled in (said.upper(), said.capitalize())}
        wanted = test.not_in is None
        return lambda item, around: (word(get(item, around)) in words) == wanted


class _Part:
    """One compiled mapping."""

    def __init__(self, compiler: _Compiler, custom: Mapping[str, CustomField]) -> None:
        entry = compiler.entry
        self._type = entry.type
        self._id = compiler.cell("id", entry.id, "text", ("id",), needed=True)
        self._as_of = compiler.as_of()
        cells = compiler.cells()
        self._cells = [(place, cell) for place, cell in enumerate(cells) if cell is not None]
        self._when = compiler.tests(entry.when or ())
        self._deleted = compiler.tests(entry.deleted) if entry.deleted else None
        self._unknown: tuple[Value, ...] = (None,) * len(cells)
        self._items: Items | None = None
        if entry.each is not None:
            self._items = Items(compiler.each(entry.each), tuple(compiler.outer))
            compiler.roots[self._items.root] = None
        said = entry.model_dump_json(by_alias=True, exclude_unset=True)
        self.revision = hashlib.sha256(said.encode()).hexdigest()[:16]
        self.roots = tuple(compiler.roots)
        self._custom = custom
        self._mark: dict[str, Value] = {"mapping": self.revision}

    def records(self, row: Any, raw: bytes, where: str, given: Given) -> Iterator[Record]:
        if self._items is None:
            if self._when(row, None):
                yield self._record(row, None, raw, where, given)
            return
        for place, (item, kept) in enumerate(self._items.of(row, raw)):
            if self._when(item, row):
                yield self._record(item, row, kept, f"{where}[{place}]", given)

    def _record(self, item: Any, around: Any, raw: bytes, where: str, given: Given) -> Record:
        key = self._needed(self._id, item, around, where)
        known = self._as_of
        as_of = given[known] if isinstance(known, str) else self._needed(known, item, around, where)
        custom = {**extract(item, self._custom), **self._mark} if self._custom else self._mark
        if self._deleted is not None and self._deleted(item, around):
            return Record(self._type, key, as_of, self._unknown, raw, True, custom)
        values = list(self._unknown)
        for place, cell in self._cells:
            values[place] = self._value(cell, item, around, where)
        return Record(self._type, key, as_of, tuple(values), raw, False, custom)

    def _needed(self, cell: _Cell, item: Any, around: Any, where: str) -> Any:
        value = self._value(cell, item, around, where)
        if value is None or value == "":
            self._refuse(cell, where, "there is none, and no record is without it", "Map it to what always is there.")
        return value

    def _value(self, cell: _Cell, item: Any, around: Any, where: str) -> Value:
        found = cell.get(item, around)
        if found is None:
            return None
        try:
            return cell.read(found)
        except Unreadable as error:
            if cell.refuse or isinstance(error, Refused):
                self._refuse(cell, where, str(error), error.hint)
            return None

    def _refuse(self, cell: _Cell, where: str, message: str, hint: str) -> NoReturn:
        said = f"{cell.where}: {where}: {self._type}, column {cell.name}: {message}"
        raise SchemaChanged(said, hint=hint or "Correct the export, or the mapping.") from None


def _read(kind: Kind, field: FieldMapping) -> Callable[[Any], Value]:
    plain = reader(kind, field)
    table, otherwise = field.values, field.otherwise
    if table is None:
        return plain
    known: dict[str | None, Value] = {name: _typed(plain, value) for name, value in table.items()}

    def read(value: Any) -> Value:
        said = word(value)
        if said in known:
            return known[said]
        if otherwise == "as_is":
            return plain(value)
        if otherwise == "refuse":
            # The word is not repeated: a column that was mapped by mistake may hold anything.
            raise Refused(f"{shape(value)} is not among the values of the mapping", "Add it to `values`.")
        return None

    return read


def _typed(plain: Callable[[Any], Value], value: Any) -> Value:
    return None if value is None else plain(value)


def _joined(parts: Sequence[Getter], sign: str) -> Getter:
    def get(item: Any, around: Any) -> str | None:
        texts: list[str] = []
        for part in parts:
            value = part(item, around)
            for one in value if type(value) is list else [value]:
                text = word(one)
                if text is None:
                    return None
                texts.append(text)
        return sign.join(texts)

    return get


def _first(parts: Sequence[Getter]) -> Getter:
    def get(item: Any, around: Any) -> Any:
        return next((value for part in parts if (value := part(item, around)) is not None), None)

    return get

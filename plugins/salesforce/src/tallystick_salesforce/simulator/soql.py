"""SOQL as meaning: a statement bound to what the reader may see, and its rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tallystick_salesforce.simulator.catalog import CHILDREN
from tallystick_salesforce.simulator.conditions import Reading, condition
from tallystick_salesforce.simulator.errors import WireError
from tallystick_salesforce.simulator.schema import Schema
from tallystick_salesforce.simulator.shapes import Field, Shape
from tallystick_salesforce.simulator.soql_text import Node, Order, Path, Statement, at_place, parse
from tallystick_salesforce.simulator.tables import Tables
from tallystick_salesforce.simulator.values import Row

__all__ = ["Bound", "Column", "bind"]

_MAX_OFFSET = 2_000
_MAX_DEPTH = 5


@dataclass(frozen=True, slots=True)
class Column:
    """A selected field: the parents on the way to it, as they are called, and the field."""

    ways: tuple[Field, ...]
    field: Field


class Bound:
    """A statement that can be run.

    Attributes:
        shape: The object it reads.
        columns: The fields it selects.
        children: The child rows it selects, by the name of the relationship.
        counting: Whether it only counts.
    """

    def __init__(
        self, statement: Statement, org: Tables, schema: Schema, version: int, *, below: Shape | None = None
    ) -> None:
        self._statement = statement
        self._org = org
        self._schema = schema
        self._version = version
        self.shape, self._way = self._source(below)
        self.counting = not statement.paths and not statement.children
        self.children = {
            child.source: Bound(child, org, schema, version, below=self.shape) for child in statement.children
        }
        self.columns = [self._column(path) for path in statement.paths]
        self._refuse_twice()
        self._where = None if statement.where is None else self._condition(statement.where)
        self._order = [(self._key(order), order) for order in statement.order]
        if statement.offset > _MAX_OFFSET:
            text = f"Maximum SOQL offset allowed is {_MAX_OFFSET}"
            raise WireError.bad("NUMBER_OUTSIDE_VALID_RANGE", at_place(statement.text, 0, text))

    def rows(self, *, every: bool, unshared: set[str]) -> list[Row]:
        """Give the rows in their order.

        Args:
            every: Whether deleted and archived rows are among them (`queryAll`).
            unshared: Ids of what the reader may not see.
        """
        return self._cut(self._found(every=every, unshared=unshared))

    def by_parent(self, *, every: bool, unshared: set[str]) -> dict[str, list[Row]]:
        """Give child rows by the id of their parent; LIMIT is for each parent."""
        found: dict[str, list[Row]] = {}
        for row in self._found(every=every, unshared=unshared):
            found.setdefault(str(row[self._way]), []).append(row)
        return {parent: self._cut(rows) for parent, rows in found.items()}

    def _cut(self, rows: list[Row]) -> list[Row]:
        limit, offset = self._statement.limit, self._statement.offset
        return rows[offset : None if limit is None else offset + limit]

    def _found(self, *, every: bool, unshared: set[str]) -> list[Row]:
        found = [row for row in self._all() if (every or visible(row)) and row["Id"] not in unshared]
        if self._where is not None:
            found = [row for row in found if self._where(row)]
        # The last key first, as sorting keeps the order of equals.
        for key, order in reversed(self._order):
            nulls = [row for row in found if key(row) is None]
            rest = sorted((row for row in found if key(row) is not None), key=key, reverse=order.down)
            found = [*rest, *nulls] if order.nulls_last else [*nulls, *rest]
        return found

    def value(self, row: Row, column: Column) -> Any:
        """Give the value of a column in a row, None where a parent is missing."""
        if not column.ways:
            return row.get(column.field.name)
        current: Row | None = row
        for way in column.ways:
            current = None if current is None else self.parent(current, way)
        return None if current is None else self.leaf(current, column.ways[-1], column.field)

    def parent(self, row: Row, way: Field) -> Row | None:
        """Give the parent of a row, None if there is none."""
        if way.refers_to == ("EntityDefinition",):
            rows = self._schema.definitions("EntityDefinition", self._version)
            return next((entity for entity in rows if entity["Id"] == row[way.name]), None)
        return self._org.find(row.get(way.name))

    def leaf(self, row: Row, way: Field, field: Field) -> Any:
        """Give a value of a parent; of one that may be of several kinds, `Type` is its kind, and a queue's is Queue."""
        if field.name == "Type" and way.polymorphic:
            kind = self._org.kind(row["Id"])
            return "Queue" if kind == "Group" and row["Type"] == "Queue" else kind
        return row.get(field.name)

    def kind(self, row: Row) -> str:
        """Give the kind of a row or of a parent."""
        return self.shape.name if self.shape.virtual else self._org.kind(row["Id"])

    def current(self, record: str, *, every: bool) -> Row | None:
        """Give a row again, None if it is gone meanwhile."""
        row = self._org.find(record)
        return row if row is not None and (every or visible(row)) else None

    def _all(self) -> list[Row]:
        if self.shape.virtual:
            return list(self._schema.definitions(self.shape.name, self._version))
        return list(self._org.rows[self.shape.name].values())

    def _source(self, below: Shape | None) -> tuple[Shape, str]:
        """Give the object that is read, and for child rows the field that names their parent."""
        statement, way = self._statement, ""
        name, text = statement.source, f"sObject type '{statement.source}' is not supported."
        if below is not None:
            known = {relation.lower(): child for relation, child in CHILDREN.get(below.name, {}).items()}
            name, way = known.get(name.lower(), ("", ""))
            text = f"Didn't understand relationship '{statement.source}' in FROM part of query call."
        shape = self._schema.shape(name, self._version)
        if shape is None or shape.name == "Name":
            raise WireError.bad("INVALID_TYPE", at_place(statement.text, statement.source_place, text))
        return shape, way

    def _column(self, path: Path) -> Column:
        parts = path.parts
        if len(parts) > 1 and parts[0].lower() in {self._statement.alias.lower(), self.shape.name.lower()}:
            parts = parts[1:]
        shape, ways = self.shape, list[Field]()
        for part in parts[:-1]:
            way = shape.way(part)
            target = None if way is None else "Name" if way.polymorphic else way.refers_to[0]
            parent = None if target is None else self._schema.shape(target, self._version)
            if way is None or parent is None or len(ways) == _MAX_DEPTH:
                raise self._refuse(path, f"Didn't understand relationship '{part}' in field path.")
            ways.append(way)
            shape = parent
        field = shape.find(parts[-1])
        if field is None:
            raise self._refuse(path, f"No such column '{parts[-1]}' on entity '{shape.name}'.")
        return Column(tuple(ways), field)

    def _refuse(self, path: Path, message: str) -> WireError:
        return WireError.bad("INVALID_FIELD", at_place(self._statement.text, path.place, message))

    def _refuse_twice(self) -> None:
        seen = set[tuple[str, ...]]()
        for path, column in zip(self._statement.paths, self.columns, strict=True):
            name = (*(way.name for way in column.ways), column.field.name)
            if name in seen:
                raise self._refuse(path, f"duplicate field selected: {'.'.join(path.parts)}")
            seen.add(name)

    def _condition(self, node: Node) -> Callable[[Row], bool]:
        def reading(path: Path) -> Reading:
            column = self._column(path)
            if not column.field.filterable:
                text = f"field '{column.field.name}' can not be filtered in a query call"
                raise self._refuse(path, text)
            return Reading(column.field, lambda row: self.value(row, column))

        return condition(node, reading, self._statement.text)

    def _key(self, order: Order) -> Callable[[Row], Any]:
        column = self._column(order.path)
        if not column.field.filterable or column.field.type == "address":
            raise self._refuse(order.path, f"field '{column.field.name}' can not be sorted in a query call")
        exact = column.field.type in {"id", "reference"}

        def key(row: Row) -> Any:
            value = self.value(row, column)
            return value.lower() if isinstance(value, str) and not exact else value

        return key


def visible(row: Row) -> bool:
    """Tell whether `query` shows a row: it is neither in the recycle bin nor archived."""
    return not row.get("IsDeleted") and not row.get("IsArchived")


def bind(text: str, org: Tables, schema: Schema, version: int) -> Bound:
    """Read a statement and bind it.

    Raises:
        WireError: MALFORMED_QUERY, INVALID_TYPE, INVALID_FIELD and the like, with the place.
    """
    return Bound(parse(text), org, schema, version)

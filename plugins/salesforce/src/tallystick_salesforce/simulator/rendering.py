"""Rows as they stand in an answer: nested objects in REST, lines of CSV in Bulk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tallystick_salesforce.simulator.shapes import Field
from tallystick_salesforce.simulator.soql import Bound, Column
from tallystick_salesforce.simulator.values import Row, csv_text, rest_value

__all__ = ["DELIMITERS", "csv_head", "csv_line", "record", "renderer"]

DELIMITERS = {"COMMA": ",", "TAB": "\t", "SEMICOLON": ";", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}
"""Delimiters of columns by their names."""

_Tree = dict[str, Any]


def record(kind: str, row: Row, fields: list[Field], base: str) -> Row:
    """Give a record with some of its own fields."""
    found: Row = {"attributes": _attributes(kind, row["Id"], base)}
    for field in fields:
        found[field.name] = rest_value(field.type, row.get(field.name))
    return found


def renderer(bound: Bound, base: str, *, every: bool = False, unshared: set[str] | None = None) -> Callable[[Row], Row]:
    """Give what renders a row of a statement, its parents and its child rows inside it.

    Args:
        bound: The statement.
        base: Path up to the version.
        every: Whether child rows may be deleted.
        unshared: Ids of what the reader may not see.
    """
    tree: _Tree = {}
    for column in bound.columns:
        place = tree
        for way in column.ways:
            place = place.setdefault(way.relationship or "", {"": way})
        place[column.field.name] = column.field

    below = {
        name: (child.by_parent(every=every, unshared=unshared or set()), renderer(child, base))
        for name, child in bound.children.items()
    }

    def render(row: Row) -> Row:
        found = _branch(bound, row, tree, None, base)
        for name, (rows, inner) in below.items():
            children = [inner(child) for child in rows.get(row["Id"], ())]
            page = {"totalSize": len(children), "done": True, "records": children}
            found[name] = page if children else None
        return found

    return render


def _branch(bound: Bound, row: Row, tree: _Tree, way: Field | None, base: str) -> Row:
    kind = bound.kind(row) if way is None or len(way.refers_to) > 1 else way.refers_to[0]
    shown = "Name" if way is not None and way.polymorphic else kind
    found: Row = {"attributes": {**_attributes(kind, row["Id"], base), "type": shown}}
    for name, part in tree.items():
        if not name:
            continue
        if isinstance(part, dict):
            parent = bound.parent(row, part[""])
            found[name] = None if parent is None else _branch(bound, parent, part, part[""], base)
        else:
            value = row.get(name) if way is None else bound.leaf(row, way, part)
            found[name] = rest_value(part.type, value)
    return found


def _attributes(kind: str, record_id: str, base: str) -> dict[str, str]:
    return {"type": kind, "url": f"{base}/sobjects/{kind}/{record_id}"}


def _title(column: Column) -> str:
    return ".".join([*((way.relationship or "") for way in column.ways), column.field.name])


def csv_head(columns: list[Column], delimiter: str, ending: str) -> bytes:
    """Give the line with the names of the columns."""
    return (delimiter.join(_quoted(_title(column)) for column in columns) + ending).encode()


def csv_line(bound: Bound, row: Row, delimiter: str, ending: str) -> bytes:
    """Give a row as a line; every value stands in quotes."""
    values = (csv_text(column.field.type, bound.value(row, column)) for column in bound.columns)
    return (delimiter.join(map(_quoted, values)) + ending).encode()


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'

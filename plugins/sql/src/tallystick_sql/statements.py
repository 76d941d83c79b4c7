"""The statements that are sent to a warehouse: reads alone, every identifier quoted, every value a parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement, quoted_name

from tallystick.errors import SchemaChanged

__all__ = ["Cell", "any_null", "count", "header", "newest", "page", "rows_of"]

Cell: TypeAlias = str | int | Decimal | datetime | date | UUID
"""A value that rows are ordered by."""

_TYPES: Mapping[type, Any] = {
    str: sa.String(),
    int: sa.BigInteger(),
    Decimal: sa.Numeric(),
    date: sa.Date(),
    UUID: sa.Uuid(),
}


def header(table: Sequence[str]) -> sa.Select[Any]:
    """Ask for the columns of a table and no row."""
    return _all(table).where(sa.false())


def newest(table: Sequence[str], column: str, where: Mapping[str, Any], most: Cell | None) -> sa.Select[Any]:
    """Ask for the greatest value of a column, not above `most`, of the rows in which columns have certain values."""
    found = sa.select(sa.func.max(_column(column)).label("newest")).select_from(_table(table))
    for name, value in where.items():
        found = found.where(_column(name) == sa.bindparam(None, value))
    return found if most is None else found.where(_column(column) <= _value(most))


def any_null(table: Sequence[str], columns: Sequence[str]) -> sa.Select[Any]:
    """Ask for one row in which one of the columns holds nothing."""
    return _all(table).where(sa.or_(*(_column(name).is_(None) for name in columns))).limit(1)


def page(
    table: Sequence[str],
    order: Sequence[str],
    *,
    after: Sequence[Cell] = (),
    least: Cell | None = None,
    most: Cell | None = None,
    limit: int,
) -> sa.Select[Any]:
    """Ask for the next rows of a table in the order of some columns, which together are unique.

    Args:
        table: Its name.
        order: The columns.
        after: Values of these columns in the last row that was read.
        least: The first of the columns is at least that.
        most: The first of the columns is at most that.
        limit: Rows asked for.
    """
    found = _all(table).order_by(*map(_column, order)).limit(limit)
    return found.where(*_bounds(order, after, least, most))


def count(
    table: Sequence[str], order: Sequence[str], *, after: Sequence[Cell], least: Cell | None, most: Cell | None
) -> sa.Select[Any]:
    """Ask how many rows there are for a first page and all that follow it, by the same arguments as `page`."""
    found = sa.select(sa.func.count().label("rows")).select_from(_table(table))
    return found.where(*_bounds(order, after, least, most))


def rows_of(table: Sequence[str], columns: Sequence[str], sign: str, text: str, limit: int) -> sa.Select[Any]:
    """Ask for the rows whose columns, as texts joined by a sign, are a text."""
    texts: list[ColumnElement[Any]] = [sa.cast(_column(name), sa.Text()) for name in columns]
    joined = texts[0]
    for part in texts[1:]:
        joined = joined.concat(sa.literal(sign)).concat(part)
    return _all(table).where(joined == sa.bindparam(None, text)).limit(limit)


def _bounds(
    order: Sequence[str], after: Sequence[Cell], least: Cell | None, most: Cell | None
) -> list[ColumnElement[bool]]:
    bounds = [_behind(order, after)] if after else []
    if least is not None and not after:
        bounds.append(_column(order[0]) >= _value(least))
    if most is not None:
        bounds.append(_column(order[0]) <= _value(most))
    return bounds


def _behind(order: Sequence[str], after: Sequence[Cell]) -> ColumnElement[bool]:
    """Compare column by column: what row values do where a database has them, and with an index as fast."""
    name, value = _column(order[0]), _value(after[0])
    if len(order) == 1:
        return name > value
    return sa.and_(name >= value, sa.or_(name > value, _behind(order[1:], after[1:])))


def _all(table: Sequence[str]) -> sa.Select[Any]:
    return sa.select(sa.literal_column("*")).select_from(_table(table))


def _table(table: Sequence[str]) -> sa.TableClause:
    name = quoted_name(table[-1], quote=True)
    return sa.table(name, schema=quoted_name(table[0], quote=True)) if len(table) > 1 else sa.table(name)


def _column(name: str) -> sa.ColumnClause[Any]:
    return sa.column(quoted_name(name, quote=True))


def _value(value: Cell) -> ColumnElement[Any]:
    if isinstance(value, datetime):
        return sa.bindparam(None, value, sa.DateTime(timezone=value.tzinfo is not None))
    if type(value) not in _TYPES:
        raise SchemaChanged(
            f"rows cannot be read in the order of a {type(value).__name__}",
            hint="Take a text, a whole number, a date or a time as key and cursor; cast it in a view.",
        )
    return sa.bindparam(None, value, _TYPES[type(value)])

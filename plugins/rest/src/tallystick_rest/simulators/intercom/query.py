"""The query language of the search, and the pages of lists.

A query is a filter, `{"field", "operator", "value"}`, or a group, `{"operator": "AND" | "OR", "value": [...]}`; groups
nest twice and hold fifteen. A cursor is where the page before ended: the value sorted by, the id, and the next number.
https://developers.intercom.com/docs/references/rest-api/api.intercom.io/conversations/searchconversations
"""

from __future__ import annotations

import base64
import json
import operator
from collections.abc import Callable, Iterable, Mapping

from tallystick_rest.simulators.timeline import Obj

__all__ = ["QueryError", "matches", "page", "validate"]

_DAY = 86_400
_MOST_FILTERS = 15
_DEEPEST = 3
_ORDERS = {"<": operator.lt, ">": operator.gt}
_INCLUSIVE = {"<": operator.le, ">": operator.ge}
_TEXTS: dict[str, Callable[[str, str], bool]] = {
    "~": lambda found, asked: asked in found,
    "!~": lambda found, asked: asked not in found,
    "^": lambda found, asked: found.startswith(asked),
    "$": lambda found, asked: found.endswith(asked),
}
_OPERATORS = {"=", "!=", "IN", "NIN", *_ORDERS, *_TEXTS}


class QueryError(Exception):
    """A query or cursor that is refused; `code` is the code of the error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def validate(query: object, fields: Mapping[str, type], depth: int = 1) -> None:
    """Refuse a query that is not one.

    Args:
        query: What was sent.
        fields: The fields that can be searched by, and the type of each.
        depth: How deep it stands.

    Raises:
        QueryError: It is no query, too deep or too long, or names an unknown field or operator, or a wrong type.
    """
    if not isinstance(query, dict) or "operator" not in query or "value" not in query:
        raise QueryError("parameter_invalid", "query is missing or has no operator and value")
    if query["operator"] in {"AND", "OR"}:
        parts = query["value"]
        if not isinstance(parts, list) or not 1 <= len(parts) <= _MOST_FILTERS or depth > _DEEPEST:
            raise QueryError("parameter_invalid", "a group holds 1 to 15 filters, and groups nest twice")
        for part in parts:
            validate(part, fields, depth + 1)
        return
    name, how, value = str(query.get("field")), query["operator"], query["value"]
    if name not in fields:
        raise QueryError("invalid_field", f"{name} is not a field that can be searched")
    if how not in _OPERATORS:
        raise QueryError("invalid_operator", f"{how} is not an operator")
    listed = value if how in {"IN", "NIN"} else [value]
    if not isinstance(listed, list) or not all(_fits(one, fields[name]) for one in listed):
        raise QueryError("parameter_invalid", f"{name} does not accept {json.dumps(value)}")
    if (how in _ORDERS and fields[name] is not int) or (how in _TEXTS and fields[name] is not str):
        raise QueryError("parameter_invalid", f"{how} does not fit {name}")


def matches(query: Obj, row: Obj, *, by_day: bool, inclusive: bool) -> bool:
    """Tell whether an object is meant by a query.

    Args:
        query: What `validate` accepted.
        row: The object.
        by_day: Whether instants are compared by the day in UTC, as the search of contacts does.
        inclusive: Whether `>` and `<` mean `>=` and `<=`; the documentation says both.
    """
    how, asked = query["operator"], query["value"]
    if how in {"AND", "OR"}:
        found = (matches(part, row, by_day=by_day, inclusive=inclusive) for part in asked)
        return all(found) if how == "AND" else any(found)
    value = _value(query["field"], row)
    if how in {"IN", "NIN"}:
        return any(_equal(value, one) for one in asked) is (how == "IN")
    if how in {"=", "!="}:
        return _equal(value, asked) is (how == "=")
    if how in _TEXTS:
        return _TEXTS[how](str(value or ""), str(asked))
    if not isinstance(value, int):
        return False
    return _compared(query["field"], how, value, int(asked), by_day=by_day, inclusive=inclusive)


def page(rows: Iterable[Obj], by: str, after: str | None, size: int, *, down: bool) -> tuple[list[Obj], Obj]:
    """Give a page of rows, and what is told of the pages.

    Args:
        rows: All of them.
        by: Name of the field they are sorted by; of equal ones the id decides.
        after: The cursor, or None for the first page.
        size: Rows on a page.
        down: Whether the greatest comes first.

    Raises:
        QueryError: It is no cursor.
    """
    keyed = sorted(
        (((row.get(by) or 0, _number(row["id"])), row) for row in rows), key=lambda pair: pair[0], reverse=down
    )
    number, rest = 1, keyed
    if after is not None:
        value, key, number = _place(after)
        rest = [pair for pair in keyed if (pair[0] < (value, key) if down else pair[0] > (value, key))]
    shown = rest[:size]
    pages: Obj = {"type": "pages", "page": number, "per_page": size, "total_pages": -(-len(keyed) // size)}
    if len(rest) > size:
        text = json.dumps([*shown[-1][0], number + 1], separators=(",", ":"))
        pages["next"] = {"page": number + 1, "starting_after": base64.b64encode(text.encode()).decode()}
    return [row for _, row in shown], pages


def _place(cursor: str) -> tuple[int, int, int]:
    try:
        value, key, number = json.loads(base64.b64decode(cursor, validate=True))
        return int(value), int(key), int(number)
    except (ValueError, TypeError) as error:
        raise QueryError("parameter_invalid", "starting_after is not a cursor") from error


def _number(key: str) -> int:
    return int(key, 16) if len(key) == 24 else int(key)


def _fits(value: object, wanted: type) -> bool:
    if wanted is bool:
        # The types of the vendor's SDK cannot write a boolean, so a word must do as well.
        return value in (True, False, "true", "false")
    if wanted is int:
        return value is None or (not isinstance(value, bool) and str(value).lstrip("-").isdigit())
    return value is None or isinstance(value, str | int)


def _value(name: str, row: Obj) -> object:
    place: object = row
    for part in name.split("."):
        place = place.get(part) if isinstance(place, dict) else None
    return place


def _equal(value: object, asked: object) -> bool:
    if value is None or asked is None:
        return value is asked
    if isinstance(value, bool):
        return str(value).lower() == str(asked).lower()
    return str(value) == str(asked)


def _compared(name: str, how: str, value: int, asked: int, *, by_day: bool, inclusive: bool) -> bool:
    if by_day and name.endswith("_at"):
        value, asked = value // _DAY, asked // _DAY
    return bool((_INCLUSIVE if inclusive else _ORDERS)[how](value, asked))

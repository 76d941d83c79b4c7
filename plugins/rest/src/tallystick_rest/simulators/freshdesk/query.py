"""What a call of Freshdesk asks for: pages, order, filters and what is embedded.

https://developers.freshdesk.com/api/#list_all_tickets
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tallystick.testing.instants import instant
from tallystick_rest.simulators.timeline import Obj

__all__ = ["Invalid", "Paging", "choice", "includes", "since"]

_USUAL, _MOST, _LAST_PAGE = 30, 100, 300


class Invalid(Exception):
    """A part of the query that is refused."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.row: Obj = {"field": name, "message": message, "code": "invalid_value"}


class Paging:
    """The page that a call asks for.

    Args:
        query: The query of the call.
        last: The last page that is given, or None for any.

    Raises:
        Invalid: `page` or `per_page` is out of bounds.
    """

    def __init__(self, query: Mapping[str, str], last: int | None = _LAST_PAGE) -> None:
        self.number = _whole(query, "page", 1, "It should be a Positive Integer")
        self.size = _whole(query, "per_page", _USUAL, f"It should be a Positive Integer less than or equal to {_MOST}")
        if self.size > _MOST:
            raise Invalid("per_page", f"It should be a Positive Integer less than or equal to {_MOST}")
        if last is not None and self.number > last:
            raise Invalid(
                "page", f"You cannot access tickets beyond the {last}th page. Please provide a smaller page number."
            )

    def cut(self, rows: list[Obj]) -> tuple[list[Obj], bool]:
        """Give the rows of the page, and tell whether there is a next one."""
        start = (self.number - 1) * self.size
        return rows[start : start + self.size], len(rows) > start + self.size


def choice(query: Mapping[str, str], name: str, allowed: Collection[str], usual: str) -> str:
    """Give one of the words that a part of the query may be.

    Raises:
        Invalid: It is none of them.
    """
    found = query.get(name, usual)
    if found not in allowed:
        raise Invalid(name, f"It should be one of these values: '{','.join(sorted(allowed))}'")
    return found


def includes(query: Mapping[str, str], allowed: Collection[str]) -> set[str]:
    """Give what is to be embedded.

    Raises:
        Invalid: Something cannot be.
    """
    found = {part for part in query.get("include", "").split(",") if part}
    if not found <= set(allowed):
        raise Invalid("include", f"It should be one of these values: '{','.join(sorted(allowed))}'")
    return found


def since(query: Mapping[str, str], name: str) -> int | None:
    """Give the instant that a part of the query names, in Unix seconds, or None.

    Raises:
        Invalid: It is no instant.
    """
    text = query.get(name)
    if text is None:
        return None
    try:
        return instant(text)
    except ValueError as error:
        raise Invalid(name, "It should be a valid date in the ISO 8601 format") from error


def _whole(query: Mapping[str, str], name: str, usual: int, message: str) -> int:
    text = query.get(name, str(usual))
    if not text.isdigit() or int(text) < 1:
        raise Invalid(name, message)
    return int(text)

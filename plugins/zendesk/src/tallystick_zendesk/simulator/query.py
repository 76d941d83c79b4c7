"""What a call asks for: its path, its query and who asks; and the texts of cursors."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from tallystick_zendesk.simulator.errors import WireError

__all__ = ["Call", "export_cursor", "export_place", "list_cursor", "list_place"]

_EXPORT_CURSOR = re.compile(r"(\d+)\.0\|\|(\d+)\|")
_LIST_CURSOR = re.compile(r"(\d+)\|(\d+)")


@dataclass(frozen=True, slots=True)
class Call:
    """One call; `path` is without `/api/v2` and without `.json`, names in `headers` are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    origin: str
    address: str

    @classmethod
    def read(cls, method: str, address: str, query: str, headers: Mapping[str, str], origin: str) -> Call:
        """Read a call from the parts of its request.

        Args:
            method: HTTP method.
            address: Path as sent, like `/api/v2/tickets.json`.
            query: Query string as sent.
            headers: Request headers in lower case.
            origin: Scheme, host and port that the caller used; every link in the answer has it.
        """
        path = address.removeprefix("/api/v2").removesuffix(".json")
        return cls(method, path, dict(parse_qsl(query, keep_blank_values=True)), headers, origin, address)

    def whole(self, name: str) -> int | None:
        """Give a whole number of the query, or None if it is absent.

        Raises:
            WireError: 400; it is no whole number.
        """
        text = self.query.get(name)
        if text is None:
            return None
        if not re.fullmatch(r"-?\d{1,15}", text):
            raise WireError.bad("InvalidValue", f"{name} is not a whole number", parameter=name)
        return int(text)

    def size(self, name: str, most: int, usual: int) -> int:
        """Give a page size of the query, at most `most`."""
        asked = self.whole(name)
        return usual if asked is None else max(1, min(asked, most))

    def includes(self) -> frozenset[str]:
        """Give the sideloads asked for; unknown ones are ignored by whoever reads this."""
        return frozenset(part.strip() for part in self.query.get("include", "").split(","))

    def link(self, drop: tuple[str, ...] = (), **changed: object) -> str:
        """Give the address of this call with some of its query changed."""
        names = {name: value for name, value in self.query.items() if name not in drop}
        names |= {name: str(value) for name, value in changed.items()}
        return f"{self.origin}{self.address}?{urlencode(names)}"

    def page_link(self, **changed: object) -> str:
        """Give the address of this call at another place of a list: `after` becomes `page[after]`."""
        kept = {name: value for name, value in self.query.items() if name not in {"page[after]", "page[before]"}}
        kept |= {f"page[{name}]": str(value) for name, value in changed.items()}
        return f"{self.origin}{self.address}?{urlencode(kept)}"


def export_cursor(clock: int, key: int) -> str:
    """Give the cursor of an export behind one row."""
    return base64.b64encode(f"{clock}.0||{key}|".encode()).decode()


def export_place(cursor: str) -> tuple[int, int]:
    """Read the cursor of an export.

    Raises:
        WireError: 400; it is no cursor.
    """
    found = _EXPORT_CURSOR.fullmatch(_decode(cursor))
    if found is None:
        raise WireError.bad("InvalidCursor", "The cursor is not valid")
    return int(found[1]), int(found[2])


def list_cursor(clock: int, key: int) -> str:
    """Give the cursor of a list behind one row."""
    return base64.b64encode(f"{clock}|{key}".encode()).decode()


def list_place(cursor: str) -> tuple[int, int]:
    """Read the cursor of a list.

    Raises:
        WireError: 400; it is no cursor.
    """
    found = _LIST_CURSOR.fullmatch(_decode(cursor))
    if found is None:
        raise WireError.bad("InvalidPaginationParameter", "page[after] is not a valid cursor")
    return int(found[1]), int(found[2])


def _decode(cursor: str) -> str:
    try:
        return base64.b64decode(cursor, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""

"""What a call asks for: its place in the API whatever the spelling of its path, its query and its body."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from tallystick_hubspot.simulator.errors import WireError
from tallystick_hubspot.simulator.items import Obj
from tallystick_hubspot.simulator.kinds import Kind, kind_named

__all__ = ["DATED", "Call", "after_number", "after_text", "kind_of", "page_size", "places"]

DATED = "2026-09"
"""The dated version that is spoken beside the numbered ones."""

_SPELLINGS = (
    (r"/crm/v3/objects", rf"/crm/objects/{DATED}", "objects"),
    (r"/crm/v4/associations", rf"/crm/associations/{DATED}", "associations"),
    (r"/crm/v4/objects", None, "linked"),
    (r"/crm/v3/owners", rf"/crm/owners/{DATED}", "owners"),
    (r"/crm/v3/pipelines", rf"/crm/pipelines/{DATED}", "pipelines"),
    (r"/crm/v3/properties", rf"/crm/properties/{DATED}", "properties"),
    (r"/conversations/v3/conversations", rf"/conversations/conversations/{DATED}", "conversations"),
    (r"/account-info/v3", rf"/account-info/{DATED}", "account-info"),
    (r"/oauth/v1", rf"/oauth/{DATED}", "oauth"),
    (r"/webhooks-journal/journal/2026-03", rf"/webhooks-journal/journal/{DATED}", "journal"),
    (r"/_journal", None, "file"),
)


def places(path: str) -> tuple[str, ...]:
    """Give the parts of a path after the area of the API it belongs to, and that area first.

    Both spellings give the same: `/crm/v3/objects/tickets/1` and `/crm/objects/2026-09/tickets/1` are
    `("objects", "tickets", "1")`. A path of no area gives nothing.
    """
    for numbered, dated, area in _SPELLINGS:
        for start in (numbered, dated):
            if start is not None and (path == start or path.startswith(f"{start}/")):
                return (area, *filter(None, path[len(start) :].split("/")))
    return ()


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    Attributes:
        method: HTTP method.
        address: Path as sent.
        place: What `places` gives for it.
        query: Names and values of the query; a repeated name keeps all its values, joined by commas.
        headers: Request headers, names in lower case.
        origin: Scheme, host and port that the caller used; every link in the answer has it.
        content: Body as sent.
        length: How long path and query are as sent.
    """

    method: str
    address: str
    place: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    origin: str
    content: bytes
    length: int

    @classmethod
    def read(
        cls, method: str, address: str, query: str, *, headers: Mapping[str, str], origin: str, content: bytes
    ) -> Call:
        """Read a call from the parts of its request."""
        names: dict[str, str] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            names[name] = f"{names[name]},{value}" if name in names else value
        return cls(method, address, places(address), names, headers, origin, content, len(address) + len(query))

    def body(self) -> Obj:
        """Give the JSON object that was sent.

        Raises:
            WireError: 400; there is none.
        """
        try:
            found = json.loads(self.content)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise WireError.bad("Invalid input JSON: the body is no object")
        return found

    def names(self, name: str) -> list[str]:
        """Give a list of the query, empty if it is absent."""
        return [part for part in self.query.get(name, "").split(",") if part]

    def flag(self, name: str) -> bool:
        """Tell whether the query says true."""
        return self.query.get(name, "").lower() == "true"

    def size(self, usual: int, most: int) -> int:
        """Give the page size of the query.

        Raises:
            WireError: 400; it is no whole number, or too big.
        """
        return page_size(self.query.get("limit"), usual, most)

    def next_page(self, after: str) -> Obj:
        """Give the `paging` that leads to the next page of this call."""
        changed = {**self.query, "after": after}
        return {"next": {"after": after, "link": f"{self.origin}{self.address}?{urlencode(changed)}"}}


def page_size(asked: object, usual: int, most: int) -> int:
    """Read a page size.

    Raises:
        WireError: 400; it is no whole number, or too big.
    """
    if asked is None or asked == "":
        return usual
    if not re.fullmatch(r"\d{1,9}", str(asked)):
        raise WireError.bad(f"limit is no whole number: {asked}")
    if not 0 < int(str(asked)) <= most:
        raise WireError.bad(f"limit must be between 1 and {most}")
    return int(str(asked))


def kind_of(name: str) -> Kind:
    """Give the kind that a path names.

    Raises:
        WireError: 400; there is none.
    """
    kind = kind_named(name)
    if kind is None:
        raise WireError.bad(f"Unable to infer object type from: {name}")
    return kind


def after_text(number: int) -> str:
    """Give the text of a place in a list: opaque to whoever gets it."""
    return base64.urlsafe_b64encode(f"{number}".encode()).decode()


def after_number(text: str | None) -> int:
    """Read the text of a place in a list; nothing is the beginning.

    Raises:
        WireError: 400; it is not one of ours.
    """
    if not text:
        return 0
    try:
        return int(base64.urlsafe_b64decode(text.encode()).decode("ascii"))
    except (binascii.Error, ValueError) as cause:
        raise WireError.bad("after is no place in this list") from cause

"""A call of the API, as far as the simulator reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from tallystick_salesforce.simulator.errors import WireError

__all__ = ["Call"]


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    Attributes:
        method: GET, POST, ...
        path: Path without the query.
        query: Parameters of the query; of one that is given twice, the last counts.
        headers: Headers by their names in small letters.
        body: Body.
        origin: Scheme, host and port that the call was made to.
        version: API version in the path; 0 where it has none.
        rest: What follows the version in the path, without slashes at its ends.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    origin: str
    version: int = 0
    rest: str = ""

    @property
    def base(self) -> str:
        """The path up to the version: `/services/data/v68.0`."""
        return f"/services/data/v{self.version}.0"

    @classmethod
    def read(cls, method: str, path: str, query: str, headers: Mapping[str, str], *, body: bytes, origin: str) -> Call:
        """Read a call; the version is taken from the path."""
        version, rest = 0, ""
        if path.startswith("/services/data/v"):
            text, _, rest = path.removeprefix("/services/data/v").partition("/")
            whole = text.removesuffix(".0")
            version = int(whole) if whole.isdigit() and text != whole else -1
        pairs = dict(parse_qsl(query, keep_blank_values=True))
        return cls(method, path, pairs, headers, body, origin, version, rest.strip("/"))

    def json(self) -> dict[str, Any]:
        """Give the body, which must be a JSON object.

        Raises:
            WireError: JSON_PARSER_ERROR; it is not.
        """
        try:
            found = json.loads(self.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise WireError.bad("JSON_PARSER_ERROR", "The HTTP entity body is required, but is no JSON object")
        return found

"""What can go wrong as only Zendesk does it; what every simulator knows is in `tallystick.testing.faultplan`.

A line of the plan may say `"retry_after": "3"` beside the common keys, and `.json` at the end of its path says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.testing.faultplan import Fault, matches
from tallystick_zendesk.simulator.errors import WireError

__all__ = ["CURSOR", "KINDS", "ZendeskFault", "refusal"]

KINDS = {
    "429": "a shared limit is spent; Retry-After is <retry_after>, and left out if that is null",
    "429_text": "the same with a text instead of JSON",
    "400": "the call is refused",
    "401": "the bearer has expired",
    "401_all": "the same, and so have all others that are out",
    "403": "no right; `error` is an object",
    "404": "nothing there",
    "409": "conflict",
    "422": "a record is not valid",
    "500": "server error as JSON",
    "503": "unavailable, with Retry-After",
    "foreign_host": "a good answer whose links lead to another host",
    "short_pages": "an export page with fewer rows than asked for, though more follow",
    "expired_cursor": "400 for a call that has a cursor",
    "expired_cursor_404": "404 for a call that has a cursor",
}
"""What can go wrong beside the common kinds."""

CURSOR = "cursor"
"""What is said of a call that has a cursor: the faults of cursors strike no other."""


@dataclass
class ZendeskFault(Fault):
    """One line of the plan; `retry_after` is what the header says, and None leaves the header out."""

    retry_after: str | None = "1"

    def __post_init__(self) -> None:
        if self.kind.startswith("expired_cursor"):
            self.only = CURSOR

    def covers(self, path: str) -> bool:
        """Tell whether a path is one that the line means, with or without `.json`."""
        return matches(self.path.removesuffix(".json"), path.removesuffix(".json"))


def refusal(fault: ZendeskFault) -> WireError | None:
    """Give the error a fault answers with, if it is one that Zendesk itself would write."""
    waiting = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    invalid = {"error": "RecordInvalid", "description": "Record validation errors", "details": {"base": []}}
    return {
        "429": WireError.too_many("incremental ticket export", fault.retry_after),
        "429_text": WireError(429, "Rate limit for incremental exports exceeded, please wait", waiting),
        "400": WireError.bad("TooManyValues", "Parameter has too many values", max_count=100),
        "401": WireError.unauthenticated(),
        "401_all": WireError.unauthenticated(),
        "403": WireError.forbidden(),
        "404": WireError.missing(),
        "409": WireError(409, {"error": "UpdateConflict", "description": "Safe update prevented the change"}),
        "422": WireError(422, invalid),
        "500": WireError(500, {"error": "InternalError", "description": "An internal error occurred"}),
        "503": WireError(503, {"error": "ServiceUnavailable", "description": "Please try again later"}, waiting),
        "expired_cursor": WireError.bad("InvalidCursor", "The cursor is not valid or has expired"),
        "expired_cursor_404": WireError.missing(),
    }.get(fault.kind)

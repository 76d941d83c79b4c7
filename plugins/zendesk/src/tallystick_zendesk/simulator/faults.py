"""The fault plan: which calls go wrong, and how.

A fault is set over HTTP as `{"path": "/api/v2/incremental/ticket_events.json", "after": 2, "times": 1, "kind": "429",
"retry_after": "3"}`: of the calls to that path made from then on, the third goes wrong. A path that ends in `*` means
all that begin so, and no path means all; `times` null means always.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tallystick_zendesk.simulator.errors import WireError

__all__ = ["FOREIGN", "HTML", "KINDS", "Fault", "Faults", "refusal"]

FOREIGN = "http://127.0.0.2:9"
"""Where links lead when a fault says so: nobody is there."""

HTML = b"<html><head><title>Maintenance</title></head><body><h1>We will be back shortly</h1></body></html>"

KINDS = {
    "429": "a shared limit is spent; Retry-After is <retry_after>, and left out if that is null",
    "429_text": "the same with a text instead of JSON",
    "400": "the call is refused",
    "401": "the bearer has expired",
    "403": "no right; `error` is an object",
    "404": "nothing there",
    "409": "conflict",
    "422": "a record is not valid",
    "500": "server error as JSON",
    "502_html": "a gateway's page of HTML",
    "503": "unavailable, with Retry-After",
    "503_html": "a gateway's page of HTML",
    "200_html": "a maintenance page with status 200",
    "redirect": "302 to another origin",
    "truncated": "the body ends in the middle and the connection closes",
    "reset": "the connection is reset before any answer",
    "slow": "a good answer after <seconds>",
    "clock_skew": "a good answer whose Date is wrong by <seconds>",
    "foreign_host": "a good answer whose links lead to another host",
    "short_pages": "an export page with fewer rows than asked for, though more follow",
    "expired_cursor": "400 for a call that has a cursor",
    "expired_cursor_404": "404 for a call that has a cursor",
}
"""What can go wrong."""

_KEYS = {"path", "kind", "after", "times", "seconds", "retry_after"}


@dataclass
class Fault:
    """One line of the plan, and how often its path was called since."""

    kind: str
    path: str = "*"
    after: int = 0
    times: int | None = 1
    seconds: float = 1.0
    retry_after: str | None = "1"
    seen: int = field(default=0, init=False)

    def strikes(self, path: str, *, cursor: bool) -> bool:
        """Count a call and tell whether it goes wrong; faults of cursors pass over calls without one."""
        wanted = self.path.removesuffix(".json")
        same = path.startswith(wanted[:-1]) if wanted.endswith("*") else path == wanted
        if not same or (self.kind.startswith("expired_cursor") and not cursor):
            return False
        self.seen += 1
        return self.seen > self.after and (self.times is None or self.seen <= self.after + self.times)


class Faults:
    """The plan in force."""

    def __init__(self) -> None:
        self.plan: list[Fault] = []

    def load(self, lines: Sequence[dict[str, Any]]) -> None:
        """Replace the plan.

        Raises:
            ValueError: A line names an unknown kind or key.
        """
        plan = []
        for line in lines:
            if set(line) - _KEYS or line.get("kind") not in KINDS:
                raise ValueError(f"not a fault: {line}; kinds are {', '.join(KINDS)}")
            plan.append(Fault(**line))
        self.plan = plan

    def strike(self, address: str, *, cursor: bool) -> Fault | None:
        """Count a call against every line and give the first that strikes."""
        path = address.removesuffix(".json")
        struck = [fault for fault in self.plan if fault.strikes(path, cursor=cursor)]
        return struck[0] if struck else None


def refusal(fault: Fault) -> WireError | None:
    """Give the error a fault answers with, if it is one that Zendesk itself would write."""
    waiting = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    invalid = {"error": "RecordInvalid", "description": "Record validation errors", "details": {"base": []}}
    return {
        "429": WireError.too_many("incremental ticket export", fault.retry_after),
        "429_text": WireError(429, "Rate limit for incremental exports exceeded, please wait", waiting),
        "400": WireError.bad("TooManyValues", "Parameter has too many values", max_count=100),
        "401": WireError.unauthenticated(),
        "403": WireError.forbidden(),
        "404": WireError.missing(),
        "409": WireError(409, {"error": "UpdateConflict", "description": "Safe update prevented the change"}),
        "422": WireError(422, invalid),
        "500": WireError(500, {"error": "InternalError", "description": "An internal error occurred"}),
        "503": WireError(503, {"error": "ServiceUnavailable", "description": "Please try again later"}, waiting),
        "expired_cursor": WireError.bad("InvalidCursor", "The cursor is not valid or has expired"),
        "expired_cursor_404": WireError.missing(),
    }.get(fault.kind)

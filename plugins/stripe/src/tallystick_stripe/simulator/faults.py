"""The fault plan: which calls go wrong, and how.

A fault is set over HTTP as `{"path": "/v1/charges", "after": 2, "times": 1, "kind": "429"}`: of the calls to that path
made from then on, the third goes wrong. A path that ends in `*` means all that begin so; `times` null means always.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tallystick_stripe.simulator.books import Obj
from tallystick_stripe.simulator.errors import WireError

__all__ = ["KINDS", "Fault", "Faults", "distort", "refusal"]

_LIMIT_TEXT = (
    "Request rate limit exceeded. You can learn more about rate limits here https://stripe.com/docs/rate-limits."
)
_LOCK_TEXT = (
    "This object cannot be accessed right now because another API request or Stripe process is currently accessing it. "
    "If you see this error intermittently, retry the request."
)

KINDS = {
    "429": "rate limit with its reason, no Retry-After",
    "429_retry_after": "the same with Retry-After: <seconds>",
    "429_should_retry": "the same with Stripe-Should-Retry: true",
    "429_lock": "lock_timeout: an object is locked; no reason header",
    "409": "conflict, Stripe-Should-Retry: true",
    "401": "the key was rolled",
    "missing_permission": "403 that names a right",
    "500": "server error as JSON",
    "500_html": "server error as a page of HTML",
    "503_html": "a gateway's page of HTML",
    "200_html": "a page of HTML with status 200",
    "redirect": "302 to another origin",
    "truncated": "the body ends in the middle and the connection closes",
    "reset": "the connection is reset before any answer",
    "slow": "a good answer after <seconds>",
    "clock_skew": "a good answer whose Date is wrong by <seconds>",
    "unknown_enum": "a good answer with a status nobody has heard of in its first object",
    "new_field": "a good answer with a field nobody has heard of in each object",
    "lag": "a list that does not yet show what is younger than <seconds>",
}
"""What can go wrong."""


@dataclass
class Fault:
    """One line of the plan, and how often its path was called since."""

    path: str
    kind: str
    after: int = 0
    times: int | None = 1
    seconds: float = 1.0
    seen: int = field(default=0, init=False)

    def strikes(self, path: str) -> bool:
        """Count a call and tell whether it goes wrong."""
        same = path.startswith(self.path[:-1]) if self.path.endswith("*") else path == self.path
        if not same:
            return False
        self.seen += 1
        return self.seen > self.after and (self.times is None or self.seen <= self.after + self.times)


class Faults:
    """The plan in force."""

    def __init__(self) -> None:
        self.plan: list[Fault] = []

    def load(self, lines: list[dict[str, Any]]) -> None:
        """Replace the plan.

        Raises:
            ValueError: A line names an unknown kind or key.
        """
        plan = []
        for line in lines:
            unknown = set(line) - {"path", "kind", "after", "times", "seconds"}
            if unknown or line.get("kind") not in KINDS or "path" not in line:
                raise ValueError(f"not a fault: {line}; kinds are {', '.join(KINDS)}")
            plan.append(Fault(**line))
        self.plan = plan

    def strike(self, path: str) -> Fault | None:
        """Count a call against every line and give the first that strikes."""
        struck = [fault for fault in self.plan if fault.strikes(path)]
        return struck[0] if struck else None


def refusal(fault: Fault) -> WireError | None:
    """Give the error a fault answers with, if it is one that Stripe itself would write."""
    reason = {"Stripe-Rate-Limited-Reason": "endpoint-rate"}
    extra = {
        "429": {},
        "429_retry_after": {"Retry-After": str(int(fault.seconds))},
        "429_should_retry": {"Stripe-Should-Retry": "true"},
    }
    if fault.kind in extra:
        return WireError(429, _LIMIT_TEXT, code="rate_limit", headers={**reason, **extra[fault.kind]})
    return {
        "429_lock": WireError(429, _LOCK_TEXT, code="lock_timeout"),
        "409": WireError(
            409, "Another request is working on the same object.", headers={"Stripe-Should-Retry": "true"}
        ),
        "401": WireError(401, "Expired API Key provided: rk_live_********emo1", code="api_key_expired"),
        "500": WireError(500, "An unknown error occurred", kind="api_error"),
        "missing_permission": WireError(
            403,
            "The provided key 'rk_live_********emo1' does not have the required permissions for this endpoint. Having "
            "the 'rak_simulated_read' permission would allow this request to continue.",
        ),
    }.get(fault.kind)


def distort(fault: Fault, body: Obj) -> Obj:
    """Give a good answer as an API of the future would write it."""
    rows = body["data"] if body.get("object") == "list" else [body]
    if fault.kind == "new_field":
        rows = [{**row, "field_of_the_future": {"since": 1_900_000_000, "shares": [0.5, None]}} for row in rows]
    elif fault.kind == "unknown_enum" and rows:
        name = next((name for name in ("status", "type") if name in rows[0]), "object")
        rows = [{**rows[0], name: "status_of_the_future"}, *rows[1:]]
    return {**body, "data": rows} if body.get("object") == "list" else rows[0]

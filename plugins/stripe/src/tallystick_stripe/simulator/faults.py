"""What can go wrong as only Stripe does it; what every simulator knows is in `tallystick.testing.faultplan`."""

from __future__ import annotations

from tallystick.testing.faultplan import Fault
from tallystick_stripe.simulator.books import Obj
from tallystick_stripe.simulator.errors import WireError

__all__ = ["KINDS", "distort", "refusal"]

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
    "unknown_enum": "a good answer with a status nobody has heard of in its first object",
    "new_field": "a good answer with a field nobody has heard of in each object",
    "lag": "a list that does not yet show what is younger than <seconds>",
}
"""What can go wrong beside the common kinds."""


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

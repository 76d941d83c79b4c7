"""What can go wrong beside what goes wrong everywhere."""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.testing.faultplan import Fault
from tallystick_salesforce.simulator.errors import TokenError, WireError

__all__ = ["KINDS", "SalesforceFault", "refusal"]

KINDS = {
    "400": "the call is refused",
    "401": "the token is no longer good",
    "401_html": "the same as a page of HTML",
    "401_object": "the same as an object instead of an array",
    "400_client": "the token endpoint refuses the consumer",
    "403_quota": "the calls of 24 hours are used up",
    "403_concurrent": "too many long requests: the same code, told apart by its text",
    "403_access": "the reader has no right",
    "404": "nothing there",
    "420": "a status of its own, without a body",
    "429": "too many requests, without Retry-After",
    "500": "server error as JSON",
    "503": "the server is unavailable, as JSON",
    "query_timeout": "the query ran for too long",
    "expired_locator": "the locator of a further page is no longer good; first pages are passed over",
    "short_page": "a page with fewer rows than asked for, though more follow",
    "job_failed": "a Bulk job fails; other calls are passed over",
    "foreign_instance": "a token whose instance_url is another host",
    "lost_field": "from now on the reader has no right to <field>, like Case.Priority, or to an object",
    "new_field": "from now on there is a new text field <field>, like Case.New__c",
}
"""What each kind means."""


@dataclass
class SalesforceFault(Fault):
    """A line of the plan; `field` is for `lost_field` and `new_field`."""

    field: str = ""


def refusal(kind: str) -> WireError | TokenError | None:
    """Give the error a fault answers with, if it is one that Salesforce itself would write."""
    errors: dict[str, WireError | TokenError] = {
        "400": WireError.bad("UNKNOWN_EXCEPTION", "The request could not be understood"),
        "401": WireError.session(),
        "400_client": TokenError("invalid_client", "invalid client credentials"),
        "403_quota": WireError.spent(),
        "403_concurrent": WireError.crowded(),
        "403_access": WireError(403, "INSUFFICIENT_ACCESS", "insufficient access rights on entity"),
        "404": WireError.missing(),
        "429": WireError(429, "REQUEST_LIMIT_EXCEEDED", "Too many requests"),
        "500": WireError(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred"),
        "503": WireError(503, "SERVER_UNAVAILABLE", "The server is temporarily unavailable"),
        "query_timeout": WireError.bad("QUERY_TIMEOUT", "Your query request was running for too long."),
        "expired_locator": WireError.bad("INVALID_QUERY_LOCATOR", "invalid query locator"),
    }
    return errors.get(kind)

"""What can go wrong as HubSpot does it; what every simulator knows is in `tallystick.testing.faultplan`.

A line of the plan may say beside the common keys `"retry_after": "3"`, `"policy": "DAILY"`, and
`"scopes": ["tickets"]`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tallystick.testing.faultplan import Fault
from tallystick_hubspot.simulator.errors import WireError
from tallystick_hubspot.simulator.items import Obj

__all__ = ["CURSOR", "KINDS", "HubspotFault", "distort", "refusal"]

_EDGE = {
    "502": "Bad gateway",
    "503": "Service unavailable",
    "504": "Gateway time-out",
    "521": "Web server is down",
    "522": "Connection timed out",
    "523": "Origin is unreachable",
    "524": "A timeout occurred",
    "525": "SSL handshake failed",
    "526": "Invalid SSL certificate",
}

KINDS = {
    "429": "a limit is spent; policyName is <policy>, Retry-After is <retry_after>, and left out if that is null",
    "400": "the call is refused",
    "401": "the token is not valid",
    "expired": "the token has expired",
    "expired_all": "the same, and so have all others that are out",
    "expired_paging": "the token has expired, for a call that asks for a further page",
    "403": "the token lacks <scopes>",
    "404": "nothing there",
    "409": "conflict",
    "414": "the address is too long",
    "423": "locked",
    "477": "the account is being moved; Retry-After is <retry_after>",
    "500": "server error as JSON",
    **{status: f"the edge answers: {text}" for status, text in _EDGE.items()},
    "530": "the edge takes the token for malformed",
    "foreign_host": "a good answer whose links lead to another host",
    "unknown_enum": "a good answer in which values of enumerations are not known yet",
    "all_threads": "a good list of threads that takes no notice of the ticket asked for",
    "new_field": "a good answer with fields that are not known yet",
}
"""What can go wrong beside the common kinds."""

CURSOR = "after"
"""What is said of a call that asks for a further page."""

_ENUMERATIONS = (
    *("hs_meeting_outcome", "hs_call_status", "hs_call_direction", "hs_ticket_priority", "hs_object_source"),
    *("lifecyclestage", "source_type"),
)
_ENUMERATED = ("type", "status", "direction", "clientType", "ticketState", "sourceType", "category")
_NEW = "NEW_KIND_OF_THING"


@dataclass
class HubspotFault(Fault):
    """One line of the plan; `retry_after` is what the header says, and None leaves the header out."""

    retry_after: str | None = "1"
    policy: str = "TEN_SECONDLY_ROLLING"
    scopes: list[str] = field(default_factory=lambda: ["crm.objects.deals.read"])

    def __post_init__(self) -> None:
        if self.kind == "expired_paging":
            self.only = CURSOR


def refusal(fault: HubspotFault) -> WireError | None:
    """Give the error a fault answers with, if it answers with one."""
    waiting = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if fault.kind in _EDGE:
        page = f"<html><head><title>{fault.kind}: {_EDGE[fault.kind]}</title></head><body></body></html>"
        return WireError(int(fault.kind), page, waiting if fault.kind == "503" else None)
    return {
        "429": WireError.too_many(fault.policy, fault.retry_after),
        "400": WireError.bad("The request is not valid."),
        "401": WireError.unauthenticated(),
        "expired": WireError.expired(),
        "expired_all": WireError.expired(),
        "expired_paging": WireError.expired(),
        "403": WireError.scopes(fault.scopes),
        "404": WireError.missing(),
        "409": WireError.plain(409, "CONFLICT", "The object is being changed by another call."),
        "414": WireError.too_long(),
        "423": WireError.plain(423, "LOCKED", "Another call holds the lock; try again later."),
        "477": WireError(477, {"status": "error", "message": "The account is being moved.", "category": "M"}, waiting),
        "500": WireError.plain(500, "INTERNAL_ERROR", "internal error"),
        "530": WireError.malformed(),
    }.get(fault.kind)


def distort(kind: str, answer: Obj) -> Obj:
    """Give a good answer as the fault leaves it: with values or fields that nobody has heard of."""
    if kind not in {"unknown_enum", "new_field"}:
        return answer
    changed = _enumerations(answer) if kind == "unknown_enum" else _fields(answer)
    return dict(changed) if isinstance(changed, dict) else answer


def _enumerations(value: object, *, top: bool = True) -> object:
    if isinstance(value, list):
        return [_enumerations(one, top=False) for one in value]
    if not isinstance(value, dict):
        return value
    # The status of a batch as a whole stays: it is no value of a record.
    names = _ENUMERATIONS if top else (*_ENUMERATIONS, *_ENUMERATED)
    return {
        name: _NEW if name in names and isinstance(one, str) else _enumerations(one, top=False)
        for name, one in value.items()
    }


def _fields(value: object) -> object:
    if isinstance(value, list):
        return [_fields(one) for one in value]
    if not isinstance(value, dict):
        return value
    # A map of properties has names of the account, not of the API.
    kept = {name: one if name == "properties" else _fields(one) for name, one in value.items()}
    return {**kept, "novelty": {"kind": _NEW, "since": "2027-03", "parts": [1, None]}}

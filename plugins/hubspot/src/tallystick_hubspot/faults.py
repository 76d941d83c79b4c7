"""What HubSpot's refusals mean for the reader: one mapping for the wire and for the SDK."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tallystick.connectors import Response, masked, retry_after
from tallystick.errors import AuthorizationError, ConnectorError, PermanentError, RateLimited, RetryableError

__all__ = [
    "KEPT_HEADERS",
    "MissingError",
    "PausedError",
    "UnauthenticatedError",
    "classify",
    "refusal",
    "said",
    "spent",
    "whole",
]

_LEFT = ("x-hubspot-ratelimit-remaining", "x-hubspot-ratelimit-secondly-remaining")

KEPT_HEADERS = (
    *_LEFT,
    "x-hubspot-ratelimit-max",
    "x-hubspot-ratelimit-interval-milliseconds",
    "x-hubspot-ratelimit-daily",
    "x-hubspot-ratelimit-daily-remaining",
)
"""Headers of an answer that tell how much of a limit is left. Answers to searches have none."""

_NUMBER = re.compile(r"\s*(\d{1,12})\s*", re.ASCII)
_SECRETS = re.compile(r"(?i)\bbearer\s+\S+|\bpat-[\w-]{8,}|\b[0-9a-f]{40,}\b")
_LONGEST = 300
_LOCKED = 2.0
_HOUR = 3_600.0
_DAY = 86_400.0
_LATER = "Wait: the next run goes on where this one stopped."


class MissingError(PermanentError):
    """HubSpot has no object of that id (any more), or does not show it."""


class UnauthenticatedError(AuthorizationError):
    """HubSpot does not accept the bearer; one that was minted may only have expired."""


class PausedError(RateLimited):
    """HubSpot takes no call for hours: the day's quota is spent, or the account is being moved."""


def classify(response: Response, authorization: str = "") -> ConnectorError | None:
    """Give the error an answer stands for; None when it is good, 207 included.

    Args:
        response: The answer.
        authorization: The header the call was signed with.
    """
    if 200 <= response.status < 300:
        return None
    secrets = [authorization.partition(" ")[2]]
    return refusal(response.status, response.body, response.request_id, retry_after(response), secrets)


def refusal(
    status: int, body: bytes, request_id: str | None, wait: float | None = None, secrets: Sequence[str] = ()
) -> ConnectorError:
    """Give the error that a status other than 2xx stands for.

    The body need not be JSON: a gateway may have answered in HubSpot's place.

    Args:
        status: HTTP status.
        body: Body as it came.
        request_id: HubSpot's correlation id.
        wait: Seconds HubSpot asked to wait.
        secrets: What the call was signed with: it is not repeated, whatever the answer does.
    """
    reason = said(body, secrets)
    request_id = None if request_id is None else masked(request_id, secrets)
    if status in {401, 403, 530}:
        return _unauthorised(status, reason, request_id)
    if status in {423, 429, 477}:
        return _later(status, body, reason, wait, request_id)
    text = f"HubSpot refused ({status}): {reason}"
    if status == 503 and wait is not None:
        return RateLimited(text, retry_after=wait, hint=f"HubSpot asks to wait. {_LATER}", request_id=request_id)
    if status in {408, 409} or status >= 500:
        return RetryableError(text, hint=f"HubSpot is busy or in trouble. {_LATER}", request_id=request_id)
    if status == 404:
        return MissingError(text, hint="Check the id, and base_url.", request_id=request_id)
    return PermanentError(text, hint="Quote the request id to HubSpot's support.", request_id=request_id)


def _unauthorised(status: int, reason: str, request_id: str | None) -> AuthorizationError:
    if status == 403:
        return AuthorizationError(
            f"the reader may not do this (403): {reason}",
            hint="Grant the scopes that are named; `tallystick check` lists what is needed.",
            request_id=request_id,
        )
    return UnauthenticatedError(
        f"HubSpot does not accept the sign-in ({status}): {reason}",
        hint="Check the service key or the app's token, and what is stored for it.",
        request_id=request_id,
    )


def _later(status: int, body: bytes, reason: str, wait: float | None, request_id: str | None) -> RateLimited:
    if status == 477:
        return PausedError(
            f"HubSpot is moving the account to another data centre (477): {reason}",
            retry_after=max(wait or _DAY, _HOUR),
            hint=f"This takes up to a day. {_LATER}",
            request_id=request_id,
        )
    if status == 423:
        return RateLimited(
            f"HubSpot holds this locked (423): {reason}",
            retry_after=max(wait or 0.0, _LOCKED),
            hint=_LATER,
            request_id=request_id,
        )
    if _text(body, "policyName") == "DAILY":
        return PausedError(
            f"the account's calls of the day are spent (429 DAILY): {reason}",
            retry_after=max(wait or 0.0, _HOUR),
            hint=f"They are counted anew from midnight in the account's zone. {_LATER}",
            request_id=request_id,
        )
    return RateLimited(
        f"HubSpot limits our calls (429): {reason}",
        retry_after=wait,
        hint=f"Other integrations share the limits of the account. {_LATER}",
        request_id=request_id,
    )


def said(body: bytes, secrets: Sequence[str] = ()) -> str:
    """Give HubSpot's reason on one line, without anything that is or looks like a secret."""
    found = _object(body)
    parts = [found.get("category"), found.get("message"), found.get("error_description"), found.get("policyName")]
    line = ": ".join(part.strip() for part in parts if type(part) is str and part.strip())
    scopes = ", ".join(_scopes(found))
    line = f"{line}; scopes: {scopes}" if scopes else line
    plain = "".join(sign if sign.isprintable() else " " for sign in line or "without a reason we can read")
    return _SECRETS.sub("...", masked(plain, secrets))[:_LONGEST]


def spent(headers: Mapping[str, str]) -> bool:
    """Tell whether an answer says that nothing is left of the limit of ten seconds, or of one."""
    return any(whole(headers.get(name)) == 0 for name in _LEFT)


def whole(text: str | None) -> int | None:
    """Give the whole number a header holds; None for anything else."""
    match = _NUMBER.fullmatch(text) if text else None
    return int(match.group(1)) if match else None


def _scopes(found: Mapping[str, Any]) -> list[str]:
    """Give the scopes that a refusal names as missing."""
    errors = found.get("errors")
    contexts = [error.get("context") for error in errors if type(error) is dict] if type(errors) is list else []
    lists = [names for context in contexts if type(context) is dict for names in context.values()]
    return [name for names in lists if type(names) is list for name in names if type(name) is str]


def _text(body: bytes, field: str) -> str | None:
    value = _object(body).get(field)
    return value if type(value) is str else None


def _object(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}

"""What Zendesk's refusals mean for the reader: one mapping for the wire and for the SDK."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tallystick.connectors import Response, masked, retry_after
from tallystick.errors import AuthorizationError, ConnectorError, PermanentError, RateLimited, RetryableError

__all__ = [
    "KEPT_HEADERS",
    "MissingError",
    "TooRecentError",
    "UnauthenticatedError",
    "classify",
    "plan_limit",
    "refusal",
    "said",
    "spent",
]

_ENDPOINTS = (
    "incremental-exports",
    "incremental-exports-cursor",
    "incremental-exports-sample",
    "incremental-exports-time",
    "incremental-exports-users-cursor",
    "incremental-ticket-events",
    "incremental-tickets",
    "incremental-users",
    "tickets-index",
    "users-index",
)
_PLAN_LIMITS = ("x-rate-limit", "ratelimit-limit", "rate-limit-limit", "rate-limit")
_PLAN_LEFT = ("x-rate-limit-remaining", "ratelimit-remaining", "rate-limit-remaining")
_OWN_LEFT = tuple(f"zendesk-ratelimit-{name}" for name in _ENDPOINTS)

KEPT_HEADERS = (*_PLAN_LIMITS, *_PLAN_LEFT, *_OWN_LEFT)
"""Headers of an answer that tell how much of a limit is left, in every spelling."""

_REMAINING = re.compile(r"remaining\s*=\s*(\d{1,9})", re.ASCII | re.IGNORECASE)
_NUMBER = re.compile(r"\s*(\d{1,9})\s*", re.ASCII)
_TOO_RECENT = re.compile(
    r"too.?recent|start.?time.{0,40}(older than|more than (one|1|a)|at least (one|1|a) minute|in the future)",
    re.IGNORECASE,
)
_SECRETS = re.compile(r"(?i)\b(bearer|basic)\s+[\w.+/=~-]+|\b[0-9a-f]{32,}\b")
_LONGEST = 300
_LATER = "Wait: the next run goes on where this one stopped."


class MissingError(PermanentError):
    """Zendesk has no object of that id (any more)."""


class TooRecentError(PermanentError):
    """The start asked for is in the minute that Zendesk withholds; there is nothing to read yet.

    `date` is Zendesk's clock when it said so, microseconds UTC, if it told.
    """

    date: int | None = None


class UnauthenticatedError(AuthorizationError):
    """Zendesk does not accept the sign-in; a token may only have expired."""


def classify(response: Response, authorization: str = "") -> ConnectorError | None:
    """Give the error an answer stands for; None when it is good.

    Args:
        response: The answer.
        authorization: The header the call was signed with.
    """
    if 200 <= response.status < 300:
        return None
    secrets = credentials(authorization)
    error = refusal(response.status, response.body, response.request_id, retry_after(response), secrets)
    if isinstance(error, TooRecentError):
        error.date = response.date
    return error


def credentials(authorization: str) -> list[str]:
    """Give what is secret in a header `Authorization`: the bearer, or the encoded pair and the token in it."""
    scheme, _, given = authorization.partition(" ")
    if not given:
        return []
    if scheme.lower() != "basic":
        return [given]
    try:
        pair = b64decode(given).decode(errors="replace")
    except ValueError:
        return [given]
    return [given, pair, pair.partition(":")[2]]


def refusal(
    status: int, body: bytes, request_id: str | None, wait: float | None = None, secrets: Sequence[str] = ()
) -> ConnectorError:
    """Give the error that a status other than 2xx stands for.

    The body need not be JSON: a gateway may have answered in Zendesk's place.

    Args:
        status: HTTP status.
        body: Body as it came.
        request_id: Zendesk's id of the request.
        wait: Seconds Zendesk asked to wait.
        secrets: What the call was signed with: it is not repeated, whatever the answer does.
    """
    reason = said(body, secrets)
    request_id = None if request_id is None else masked(request_id, secrets)
    if status in {401, 403}:
        return _unauthorised(status, reason, request_id)
    if status == 429:
        return RateLimited(
            f"Zendesk limits our calls (429): {reason}",
            retry_after=wait,
            hint=f"Other integrations share the limits of the account. {_LATER}",
            request_id=request_id,
        )
    text = f"Zendesk refused ({status}): {reason}"
    if status == 503 and wait is not None:
        return RateLimited(text, retry_after=wait, hint=f"Zendesk asks to wait. {_LATER}", request_id=request_id)
    if status in {408, 409} or status >= 500:
        return RetryableError(text, hint=f"Zendesk is busy or in trouble. {_LATER}", request_id=request_id)
    if status == 400 and _TOO_RECENT.search(reason):
        return TooRecentError(text, hint=f"The newest minute is withheld. {_LATER}", request_id=request_id)
    kind, hint = PermanentError, "Quote the request id to Zendesk's support."
    if status == 404:
        kind, hint = MissingError, "Check the id, and base_url."
    return kind(text, hint=hint, request_id=request_id)


def _unauthorised(status: int, reason: str, request_id: str | None) -> AuthorizationError:
    if status == 401:
        return UnauthenticatedError(
            f"Zendesk does not accept the sign-in (401): {reason}",
            hint="Check the OAuth client (or the API token) in Zendesk's Admin Center, and what is stored for it.",
            request_id=request_id,
        )
    return AuthorizationError(
        f"the reader may not do this (403): {reason}",
        hint="Exports and ratings need the role admin; audits need the broad scope read.",
        request_id=request_id,
    )


def said(body: bytes, secrets: Sequence[str] = ()) -> str:
    """Give Zendesk's reason on one line, without anything that is or looks like a secret.

    `error` is a text, or an object with title and message.
    """
    try:
        found = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "without a reason we can read"
    error = found.get("error")
    parts = [error.get("title"), error.get("message")] if type(error) is dict else [error]
    parts += [found.get("description"), found.get("error_description"), found.get("message")]
    line = ": ".join(part.strip() for part in parts if type(part) is str and part.strip())
    plain = "".join(sign if sign.isprintable() else " " for sign in line or "without a reason we can read")
    return _SECRETS.sub("...", masked(plain, secrets))[:_LONGEST]


def plan_limit(headers: Mapping[str, str]) -> int | None:
    """Give the calls a minute of the plan, if an answer tells them."""
    return next((found for name in _PLAN_LIMITS if (found := _whole(headers.get(name))) is not None), None)


def spent(headers: Mapping[str, str]) -> tuple[bool, bool]:
    """Tell whether nothing is left of the plan's limit, and whether nothing is left of the limit of this very call."""
    plan = any(_whole(headers.get(name)) == 0 for name in _PLAN_LEFT)
    own = [_REMAINING.search(headers[name]) for name in _OWN_LEFT if name in headers]
    return plan, any(match is not None and int(match.group(1)) == 0 for match in own)


def _whole(text: str | None) -> int | None:
    match = _NUMBER.match(text) if text else None
    return int(match.group(1)) if match else None

"""What Stripe's refusals mean for the reader: one mapping for the wire and for the SDK."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from tallystick.connectors import Response, retry_after
from tallystick.errors import (
    AuthorizationError,
    ConnectorError,
    PermanentError,
    RateLimited,
    RetryableError,
)

__all__ = ["KEPT_HEADERS", "MissingError", "classify", "refusal"]

KEPT_HEADERS = ("stripe-rate-limited-reason", "stripe-should-retry", "stripe-version")
"""Headers of an answer that the mapping reads, besides those every client keeps."""

_RIGHT = re.compile(r"'(rak_\w+)'")
_KEY = re.compile(r"\b([rsp]k_(?:live_|test_)?)[\w*]+")
_LONGEST = 500


class MissingError(PermanentError):
    """Stripe has no object of that id (any more)."""


class _Detail(msgspec.Struct):
    type: str | None = None
    code: str | None = None
    message: str | None = None


class _Body(msgspec.Struct):
    error: _Detail


def classify(response: Response) -> ConnectorError | None:
    """Give the error an answer stands for; None when it is good."""
    if 200 <= response.status < 300:
        return None
    return refusal(response.status, response.body, response.headers, response.request_id, retry_after(response))


def refusal(
    status: int, body: bytes, headers: Mapping[str, str], request_id: str | None, wait: float | None = None
) -> ConnectorError:
    """Give the error that a status other than 2xx stands for.

    The body need not be JSON: a gateway may have answered in Stripe's place.

    Args:
        status: HTTP status.
        body: Body as it came.
        headers: Response headers by lower-case name, at least those of `KEPT_HEADERS`.
        request_id: Stripe's id of the request.
        wait: Seconds Stripe asked to wait.
    """
    detail = _detail(body)
    said = _scrub(detail.message or detail.type or "without a reason we can read")
    text = f"Stripe refused ({status}): {said}"
    if status in {401, 403}:
        return _unauthorised(status, said, detail.code, request_id)
    if status == 429:
        return _throttled(said, detail.code, headers, request_id, wait)
    should_retry = headers.get("stripe-should-retry")
    if should_retry == "true" or (should_retry != "false" and (status == 409 or status >= 500)):
        hint = "Stripe is in trouble or busy with the same object; the next run goes on where this one stopped."
        return RetryableError(text, hint=hint, request_id=request_id)
    if status == 404 and detail.code == "resource_missing":
        return MissingError(text, hint="Check the id and the mode (live or test) of the key.", request_id=request_id)
    if detail.code == "resource_missing":
        return MissingError(text, hint="The object was deleted in Stripe.", request_id=request_id)
    return PermanentError(text, hint="Quote the request id to Stripe's support.", request_id=request_id)


def _unauthorised(status: int, said: str, code: str | None, request_id: str | None) -> AuthorizationError:
    if status == 401:
        ended = "has expired" if code == "api_key_expired" else "is not accepted"
        return AuthorizationError(
            f"Stripe says that the key {ended} (401): {said}",
            hint="Make a new restricted key in the Stripe dashboard and store it where the configuration points to.",
            request_id=request_id,
        )
    named = _RIGHT.search(said)
    missing = f"the right {named.group(1)}" if named else "a right it needs"
    return AuthorizationError(
        f"the key lacks {missing} (403): {said}",
        hint=f"Give the restricted key {missing}, reading only, in the Stripe dashboard under API keys.",
        request_id=request_id,
    )


def _throttled(
    said: str, code: str | None, headers: Mapping[str, str], request_id: str | None, wait: float | None
) -> RetryableError:
    reason = headers.get("stripe-rate-limited-reason")
    if code == "lock_timeout" and reason is None:
        # Not our rate: somebody else holds the object. Slowing down every stream would not help.
        hint = "Another request holds the object; the next run goes on where this one stopped."
        return RetryableError(f"Stripe has locked the object (429): {said}", hint=hint, request_id=request_id)
    return RateLimited(
        f"Stripe limits our calls (429, {_scrub(reason or 'no reason given')}): {said}",
        retry_after=wait,
        hint="Lower requests_per_second; the next run goes on where this one stopped.",
        request_id=request_id,
    )


def _detail(body: bytes) -> _Detail:
    try:
        return msgspec.json.decode(body, type=_Body).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Detail()


def _scrub(text: str) -> str:
    """Give a text without anything that looks like a key, on one line."""
    line = "".join(sign if sign.isprintable() else " " for sign in text)
    return _KEY.sub(r"\1...", line)[:_LONGEST]

"""What Salesforce's refusals mean for the reader: one mapping for the wire and for the SDK."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tallystick.connectors import Response, masked, retry_after
from tallystick.errors import AuthorizationError, ConnectorError, PermanentError, RateLimited, RetryableError

__all__ = [
    "KEPT_HEADERS",
    "FieldError",
    "LocatorError",
    "MissingError",
    "QueryTimeoutError",
    "QuotaError",
    "TooLongError",
    "UnauthenticatedError",
    "classify",
    "quota_error",
    "said",
]

KEPT_HEADERS = ("sforce-limit-info", "sforce-locator", "sforce-numberofrecords")
"""Headers of an answer that we read, by lower-case name."""

_SECRETS = re.compile(r"(?i)\b(bearer|basic)\s+[\w.+/=~!-]+|\b00D\w{9,15}![\w.]+|\b[\w-]{20,}\.[\w-]{20,}\.[\w-]{20,}")
_CONCURRENT = re.compile(r"(?i)concurrent|long.?running")
_LONGEST = 300
_A_DAY_PART = 3_600.0
_LATER = "Wait: the next run goes on where this one stopped."
_BUSY = frozenset({"SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION", "UNABLE_TO_LOCK_ROW"})
_METERED = frozenset({"TXN_SECURITY_METERING_ERROR", "REQUEST_RUNNING_TOO_LONG"})


class MissingError(PermanentError):
    """Salesforce has no such object, record or job for this reader."""


class UnauthenticatedError(AuthorizationError):
    """Salesforce does not accept the token; it may only have expired."""


class LocatorError(PermanentError):
    """Salesforce does not know any more where a query goes on."""


class QueryTimeoutError(PermanentError):
    """A query took too long; one over less time may not."""


class TooLongError(PermanentError):
    """An address or its headers were too long; a body may be longer."""


class FieldError(PermanentError):
    """A query names an object or a field that this reader may not see, or is none."""


class QuotaError(RateLimited):
    """The calls of a day, or our share of them, are used up."""


_CHECK = "Run `tallystick check`: it says which objects and fields the reader may see."
_TOO_LONG = (TooLongError, "Declare fewer custom fields.")
_MEANS: dict[int, tuple[type[PermanentError], str]] = {
    404: (MissingError, "Check that it exists in this org and that the reader may see it."),
    410: (PermanentError, "This API version is retired: set a newer api_version."),
    414: _TOO_LONG,
    431: _TOO_LONG,
}
_SAID: dict[str, tuple[type[PermanentError], str]] = {
    "INVALID_QUERY_LOCATOR": (LocatorError, "Run the sync again; it begins this part again."),
    "QUERY_TIMEOUT": (QueryTimeoutError, _LATER),
    "OPERATION_TOO_LARGE": (QueryTimeoutError, _LATER),
    "INVALID_FIELD": (FieldError, _CHECK),
    "INVALID_TYPE": (FieldError, _CHECK),
    "URI_TOO_LONG": _TOO_LONG,
}
_OTHER = (PermanentError, "Run `tallystick check`; if it is clean, report this with its text.")


def classify(response: Response, secrets: Sequence[str] = ()) -> ConnectorError | None:
    """Give the error an answer stands for; None when it is good.

    Args:
        response: The answer; its body need not be JSON, since a gateway may have answered in Salesforce's place.
        secrets: What the call was signed with: it is not repeated, whatever the answer does.
    """
    status = response.status
    if 200 <= status < 300:
        return None
    codes, reason = said(response.body, secrets)
    text = f"Salesforce refused ({status}): {reason}"
    if status == 401:
        return UnauthenticatedError(
            f"Salesforce does not accept the token (401): {reason}",
            hint="Check the external client app, its run-as user, and the org's session policy.",
        )
    if status == 403:
        return _forbidden(codes, reason, text)
    if status in {406, 408, 420, 429} or status >= 500 or codes & _BUSY:
        return _busy(response, text)
    kind, hint = _MEANS.get(status) or next((_SAID[code] for code in sorted(codes) if code in _SAID), _OTHER)
    return kind(text, hint=hint)


def quota_error(reason: str) -> QuotaError:
    """Give the error of a quota that is used up: the run ends incomplete, and the next one goes on."""
    return QuotaError(
        f"the calls to Salesforce are used up: {reason}",
        retry_after=_A_DAY_PART,
        hint=f"Nothing is verified on what was read only in part. {_LATER}",
    )


def _forbidden(codes: frozenset[str], reason: str, text: str) -> ConnectorError:
    if codes & _METERED:
        return RateLimited(text, hint=_LATER)
    if "REQUEST_LIMIT_EXCEEDED" in codes:
        # One code for two limits: only the text tells a day's quota from too many long calls at the same time.
        return RateLimited(text, hint=_LATER) if _CONCURRENT.search(reason) else quota_error(reason)
    return AuthorizationError(
        f"the reader may not do this (403): {reason}",
        hint="Give the reader the permission API Enabled and View All on what is read, and nothing that writes.",
    )


def _busy(response: Response, text: str) -> ConnectorError:
    wait = retry_after(response)
    if response.status == 429 or wait is not None:
        return RateLimited(text, retry_after=wait, hint=_LATER)
    return RetryableError(text, hint=f"Salesforce is busy or in trouble. {_LATER}")


def said(body: bytes, secrets: Sequence[str] = ()) -> tuple[frozenset[str], str]:
    """Give the error codes of an answer, and its reason on one line, without anything that is or looks like a secret.

    The API answers with a list of objects, the token endpoint with one object, a gateway with anything.
    """
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    items = [item for item in (found if type(found) is list else [found]) if isinstance(item, Mapping)]
    codes = [code for item in items for name in ("errorCode", "error") if type(code := item.get(name)) is str]
    line = "; ".join(filter(None, map(_line, items))) or "without a reason we can read"
    plain = "".join(sign if sign.isprintable() else " " for sign in line)
    return frozenset(codes), _SECRETS.sub("...", masked(plain, secrets))[:_LONGEST]


def _line(item: Mapping[str, Any]) -> str:
    parts = [item.get(name) for name in ("errorCode", "error", "message", "error_description")]
    return ": ".join(part.strip() for part in parts if type(part) is str and part.strip())

"""What refusals of a described system mean: its own rules first, then what the statuses of HTTP usually mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tallystick.connectors import Response, masked, retry_after
from tallystick.connectors.mapping import Getter, decode_object, getter
from tallystick.errors import (
    AuthorizationError,
    ConnectorError,
    CursorExpired,
    PermanentError,
    RateLimited,
    RetryableError,
)
from tallystick_rest.description import Description, ErrorRule, Meaning

__all__ = ["Faults", "MissingError", "UnauthenticatedError"]

_LONGEST = 300
_LATER = "Wait: the next run goes on where this one stopped."
_HINTS: dict[Meaning, str] = {
    "retry": f"The system is busy or in trouble. {_LATER}",
    "rate_limited": f"Other integrations share the limits of the account. {_LATER}",
    "authorization": "Check `key` of the source and what is stored there, and what it may read.",
    "permanent": "Quote the request id to the system's support; or correct the description.",
    "cursor_expired": "Run the sync again; it begins this part again.",
    "missing": "Check the id, and base_url.",
}
_USUAL: dict[int, Meaning] = {
    401: "authorization",
    403: "authorization",
    404: "missing",
    408: "retry",
    409: "retry",
    410: "missing",
    425: "retry",
    429: "rate_limited",
}


class MissingError(PermanentError):
    """The system has no object of that id (any more)."""


class UnauthenticatedError(AuthorizationError):
    """The system does not accept the sign-in; a token may only have expired."""


class Faults:
    """Tells what an answer means.

    Args:
        description: Whose rules are used.
        wait: Gives the seconds that an answer's headers ask to wait, beside `Retry-After`.
    """

    def __init__(self, description: Description, wait: Callable[[Response], float | None]) -> None:
        self._title = description.title
        self._rules = [_Rule(rule) for rule in description.errors]
        self._says = [getter(path, nested=True) for path in description.says]
        self._wait = wait

    def classify(self, response: Response, secrets: Sequence[str] = ()) -> ConnectorError | None:
        """Give the error an answer stands for; None when it is good.

        Args:
            response: The answer.
            secrets: What the call was signed with: it is not repeated, whatever the answer does.
        """
        rules = [rule for rule in self._rules if response.status in rule.statuses]
        good = 200 <= response.status < 300
        if good and not rules:
            return None
        body = _decoded(response.body)
        rule = next((rule for rule in rules if rule.fits(body)), None)
        if rule is None and good:
            return None
        meaning = rule.means if rule is not None else _usual(response.status)
        hint = (rule.hint if rule is not None else "") or _HINTS[meaning]
        reason = masked(self._reason(body), secrets)[:_LONGEST]
        return self._error(meaning, response, reason, hint, masked(response.request_id or "", secrets) or None)

    def _error(
        self, meaning: Meaning, response: Response, reason: str, hint: str, request_id: str | None
    ) -> ConnectorError:
        text = f"{self._title} refused ({response.status}): {reason}"
        if meaning == "rate_limited":
            asked = retry_after(response)
            wait = self._wait(response) if asked is None else asked
            return RateLimited(text, retry_after=wait, hint=hint, request_id=request_id)
        if meaning == "retry" and (asked := retry_after(response)) is not None:
            return RateLimited(text, retry_after=asked, hint=hint, request_id=request_id)
        if meaning == "authorization" and response.status == 401:
            return UnauthenticatedError(text, hint=hint, request_id=request_id)
        return _KINDS[meaning](text, hint=hint, request_id=request_id)

    def _reason(self, body: Any) -> str:
        found = (get(body, None) for get in self._says)
        said = next((text for text in found if isinstance(text, str) and text.strip()), "without a reason we can read")
        return "".join(sign if sign.isprintable() else " " for sign in said).strip()


_KINDS: dict[Meaning, type[ConnectorError]] = {
    "retry": RetryableError,
    "authorization": AuthorizationError,
    "permanent": PermanentError,
    "cursor_expired": CursorExpired,
    "missing": MissingError,
}


class _Rule:
    """A rule of the description at work."""

    def __init__(self, rule: ErrorRule) -> None:
        self.statuses = frozenset(rule.status)
        self.means = rule.means
        self.hint = rule.hint
        self._get: Getter | None = None if rule.path is None else getter(rule.path, nested=True)
        self._words = frozenset(rule.is_in or ())

    def fits(self, body: Any) -> bool:
        """Tell whether the body says one of the rule's words; a rule without words fits always."""
        if self._get is None:
            return True
        found = self._get(body, None)
        words = found if isinstance(found, list) else [found]
        return any(str(word) in self._words for word in words if isinstance(word, (str, int)))


def _usual(status: int) -> Meaning:
    return _USUAL.get(status, "retry" if status >= 500 else "permanent")


def _decoded(body: bytes) -> Any:
    try:
        return decode_object(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None

"""Errors as they stand on the wire: https://developers.hubspot.com/docs/api-reference/error-handling.

Which bodies are seen and which are only documented is told in the README of this distribution.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tallystick_hubspot.simulator.items import Obj

__all__ = ["WireError"]


class WireError(Exception):
    """An answer that is an error: status, body and headers of its own.

    Args:
        status: HTTP status.
        body: What the JSON says beside `correlationId`, or a text that is no JSON.
        headers: Headers beside those of every answer.
    """

    def __init__(self, status: int, body: Obj | str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body
        self.headers = dict(headers or {})

    def content(self, correlation: str) -> tuple[bytes, str]:
        """Give the bytes of the body and their media type."""
        if isinstance(self.body, str):
            return self.body.encode(), "text/plain; charset=utf-8"
        return msgspec.json.encode({**self.body, "correlationId": correlation}), "application/json;charset=utf-8"

    @classmethod
    def plain(cls, status: int, category: str, message: str, **more: object) -> WireError:
        """An error as HubSpot writes most of them."""
        return cls(status, {"status": "error", "message": message, "category": category, **more})

    @classmethod
    def bad(cls, message: str, **more: object) -> WireError:
        """The call cannot be served as it is written."""
        return cls.plain(400, "VALIDATION_ERROR", message, **more)

    @classmethod
    def unauthenticated(cls) -> WireError:
        """Nobody known is signed in."""
        return cls.plain(401, "INVALID_AUTHENTICATION", "The credentials of this call are not valid.")

    @classmethod
    def expired(cls) -> WireError:
        """The access token has expired."""
        text = "The OAuth token of this call has expired."
        return cls.plain(401, "EXPIRED_AUTHENTICATION", text)

    @classmethod
    def malformed(cls) -> WireError:
        """The edge turns the token away before anybody reads it."""
        return cls(530, "error code: 1016")

    @classmethod
    def scopes(cls, missing: list[str]) -> WireError:
        """The token lacks scopes."""
        detail = {"message": "These scopes are needed.", "context": {"requiredGranularScopes": missing}}
        return cls.plain(
            403,
            "MISSING_SCOPES",
            "This app was not granted all scopes that this call needs.",
            errors=[detail],
            links={},
        )

    @classmethod
    def missing(cls, what: str = "resource") -> WireError:
        """Nothing has this id."""
        return cls.plain(404, "OBJECT_NOT_FOUND", f"There is no such {what}.")

    @classmethod
    def no_route(cls) -> WireError:
        """No such address."""
        return cls(404, "<html><body><h2>HTTP ERROR 404 Not Found</h2></body></html>")

    @classmethod
    def too_long(cls) -> WireError:
        """The address is too long."""
        return cls(414, "<html><body><h1>414 Request-URI Too Large</h1></body></html>")

    @classmethod
    def too_many(cls, policy: str, retry_after: str | None) -> WireError:
        """A limit is spent; `retry_after` None leaves the header out."""
        body = {
            "status": "error",
            "message": f"You have reached your {policy.lower()} limit.",
            "errorType": "RATE_LIMIT",
            "policyName": policy,
            "groupName": "publicapi:private-apps:api-calls",
            "requestId": "0f1e2d3c",
        }
        return cls(429, body, {} if retry_after is None else {"Retry-After": retry_after})

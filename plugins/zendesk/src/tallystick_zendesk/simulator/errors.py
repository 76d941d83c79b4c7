"""Errors as they stand on the wire: https://developer.zendesk.com/api-reference/introduction/requests/#response-format.

Which bodies are seen and which are only documented is told in the README of this distribution.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

__all__ = ["WireError"]


class WireError(Exception):
    """An answer that is an error: status, body and headers of its own.

    Args:
        status: HTTP status.
        body: What the JSON says, or a text that is no JSON.
        headers: Headers beside those of every answer.
    """

    def __init__(self, status: int, body: dict[str, Any] | str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body
        self.headers = dict(headers or {})

    def content(self) -> tuple[bytes, str]:
        """Give the bytes of the body and their media type."""
        if isinstance(self.body, str):
            return self.body.encode(), "text/plain; charset=utf-8"
        return msgspec.json.encode(self.body), "application/json; charset=utf-8"

    @classmethod
    def bad(cls, error: str, description: str, **more: object) -> WireError:
        """The call cannot be served as it is written."""
        return cls(400, {"error": error, "description": description, **more})

    @classmethod
    def unauthenticated(cls) -> WireError:
        """Nobody known is signed in, or no longer."""
        return cls(401, {"error": "Couldn't authenticate you"}, {"WWW-Authenticate": 'Bearer realm="Zendesk"'})

    @classmethod
    def forbidden(cls, message: str = "You do not have access to this page.") -> WireError:
        """The reader lacks a role or a scope; `error` is an object here, and nowhere else."""
        return cls(403, {"error": {"title": "Forbidden", "message": message}})

    @classmethod
    def missing(cls) -> WireError:
        """Nothing has this id."""
        return cls(404, {"error": "RecordNotFound", "description": "Not found"})

    @classmethod
    def no_route(cls) -> WireError:
        """No such address."""
        return cls(404, {"error": {"title": "No such endpoint", "message": "Please check the address"}})

    @classmethod
    def too_many(cls, what: str, retry_after: str | None) -> WireError:
        """A limit is spent; `retry_after` None leaves the header out."""
        text = f"Number of allowed {what} API requests per minute exceeded"
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        return cls(429, {"error": "APIRateLimitExceeded", "description": text}, headers)

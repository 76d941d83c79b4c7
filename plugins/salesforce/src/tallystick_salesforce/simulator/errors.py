"""Errors as they stand on the wire: an array of objects from the API, one object from the token endpoint."""

from __future__ import annotations

import msgspec

__all__ = ["TokenError", "WireError"]


class WireError(Exception):
    """An answer of the API that is an error.

    Args:
        status: HTTP status.
        code: `errorCode`.
        message: What it says to people.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message

    def content(self) -> bytes:
        """Give the body."""
        return msgspec.json.encode([{"message": self.message, "errorCode": self.code}])

    @classmethod
    def bad(cls, code: str, message: str) -> WireError:
        """The call cannot be served as it is written."""
        return cls(400, code, message)

    @classmethod
    def missing(cls) -> WireError:
        """Nothing has this address."""
        return cls(404, "NOT_FOUND", "The requested resource does not exist")

    @classmethod
    def session(cls) -> WireError:
        """The token is unknown or no longer good."""
        return cls(401, "INVALID_SESSION_ID", "Session expired or invalid")

    @classmethod
    def spent(cls) -> WireError:
        """The calls of 24 hours are used up."""
        return cls(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")

    @classmethod
    def crowded(cls) -> WireError:
        """Too many long requests run at once: the same code, told apart by the text only."""
        return cls(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.")


class TokenError(Exception):
    """A refusal of the token endpoint: HTTP 400 and an object.

    Args:
        error: OAuth's word.
        description: What it says to people.
    """

    status = 400

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description

    def content(self) -> bytes:
        """Give the body."""
        return msgspec.json.encode({"error": self.error, "error_description": self.description})

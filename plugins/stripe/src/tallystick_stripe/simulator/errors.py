"""Errors as they stand on the wire: https://docs.stripe.com/api/errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["WireError"]


class WireError(Exception):
    """An answer that is an error: status, body and headers of its own."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        kind: str = "invalid_request_error",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.kind = kind
        self.headers = dict(headers or {})

    def body(self, request_id: str) -> dict[str, Any]:
        """Give the body; keys without a value are left out, as Stripe does."""
        error = {
            "code": self.code,
            "doc_url": f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}" if self.code else None,
            "message": self.message,
            "param": self.param,
            "request_log_url": f"https://dashboard.stripe.com/logs/{request_id}",
            "type": self.kind,
        }
        return {"error": {key: value for key, value in error.items() if value is not None}}

    @classmethod
    def missing(cls, noun: str, key: str, param: str = "id") -> WireError:
        """Nothing has this id."""
        return cls(404, f"No such {noun}: '{key}'", code="resource_missing", param=param)

    @classmethod
    def unknown_param(cls, name: str) -> WireError:
        """The call has a parameter that does not exist."""
        return cls(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)

    @classmethod
    def unknown_url(cls, method: str, path: str) -> WireError:
        """No such address."""
        text = f"Unrecognized request URL ({method}: {path}). If you are trying to list objects, remove the trailing "
        text += "slash. If you are trying to retrieve an object, make sure you passed a valid (non-empty) identifier."
        return cls(404, text)

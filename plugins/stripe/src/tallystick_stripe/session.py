"""The HTTP session handed to Stripe's SDK: it goes to one origin only and keeps each answer's exact bytes."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec
import requests

from tallystick.connectors import Response, retry_after
from tallystick.errors import ConfigurationError
from tallystick_stripe.faults import KEPT_HEADERS

__all__ = ["GuardedSession", "Kept"]


class Kept(msgspec.Struct, frozen=True):
    """An answer as it came; `date` is Stripe's clock in microseconds UTC."""

    status: int
    headers: dict[str, str]
    body: bytes
    date: int | None
    request_id: str | None
    retry_after: float | None


class GuardedSession(requests.Session):
    """A session without proxies or credentials from the environment and without redirects.

    `kept` is the last answer; `refused` is why the last call was not made, since the SDK hides that in an error of its
    own.

    Args:
        base_url: The one origin it calls.
    """

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self.trust_env = False
        self.kept: Kept | None = None
        self.refused: ConfigurationError | None = None
        self._origin = _origin(base_url)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Make a call and keep its answer; a redirect is an answer like any other.

        Raises:
            ConfigurationError: The call, or the redirect it was answered with, leads to another origin.
        """
        self.refused = None
        if _origin(request.url or "") != self._origin:
            self.refused = _refuse("Stripe's SDK wanted to call another origin than base_url")
            raise self.refused
        answer = super().send(request, **kwargs)
        self.kept = _keep(answer)
        if 300 <= answer.status_code < 400:
            self.refused = _refuse(f"Stripe answered {answer.status_code}, a redirect; it is not followed")
            raise self.refused
        return answer

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 - the name requests calls it by
        """Find no answer to lead elsewhere, so that requests does not even look at where it leads."""
        return


def _keep(answer: requests.Response) -> Kept:
    headers = {name: answer.headers[name] for name in (*KEPT_HEADERS, "date", "retry-after") if name in answer.headers}
    body = answer.content
    seen = Response.of(answer.status_code, headers, body, answer.headers.get("request-id"))
    return Kept(seen.status, headers, body, seen.date, seen.request_id, retry_after(seen))


def _refuse(text: str) -> ConfigurationError:
    return ConfigurationError(text, hint="Set base_url to the API's own address.")


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, port

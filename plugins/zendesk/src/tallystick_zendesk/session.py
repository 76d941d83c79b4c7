"""The HTTP session handed to zenpy: one origin, no waiting, no following, and each answer's exact bytes are kept."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec
import requests

from tallystick.connectors import Response, TokenBucket, retry_after
from tallystick.errors import ConfigurationError, Error, PermanentError, RateLimited, RetryableError
from tallystick_zendesk.faults import UnauthenticatedError, credentials, refusal, spent
from tallystick_zendesk.tokens import SignIn

__all__ = ["GuardedSession", "Kept", "UnreadableError", "zenpy_host"]

_TIMEOUT = (5, 30)
_MOST_PAGES = 500
_LATER = "Check the network, or run the command again later."


class Kept(msgspec.Struct, frozen=True):
    """An answer as it came; `path` is the path it was asked for."""

    path: str
    body: bytes
    request_id: str | None


class UnreadableError(RetryableError):
    """A good status with a body that is not JSON; a gateway may have answered in Zendesk's place, so try again."""


class GuardedSession(requests.Session):
    """A session without proxies, credentials from the environment, redirects, retries or waits.

    `kept` are the answers since it was last cleared. `refused` says that the sign-in was refused once in the present
    call.

    Args:
        base_url: The one origin it calls.
        sign_in: Puts the sign-in on each call.
        bucket: What every call spends from.
    """

    def __init__(self, base_url: str, sign_in: SignIn, bucket: TokenBucket) -> None:
        super().__init__()
        self.trust_env = False
        self.kept: list[Kept] = []
        self._asked: set[str] = set()
        self.refused = False
        self._origin = _origin(base_url)
        self._sign_in = sign_in
        self._bucket = bucket

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Make a call and keep its answer; whatever is wrong with it is raised before zenpy sees it.

        Raises:
            ConfigurationError: The call, or the redirect it was answered with, leads to another origin.
            Error: Zendesk refused, or did not answer with JSON, or could not be reached.
        """
        # What cannot be read as an address leads elsewhere, for all we know.
        if request.method != "GET" or _origin(request.url or "") != self._origin:
            raise _elsewhere("zenpy wanted to call another origin than base_url, or to write")
        address = request.url or ""
        if not self.kept:
            self._asked.clear()
        if address in self._asked or len(self._asked) >= _MOST_PAGES:
            raise PermanentError(
                "Zendesk leads a look-up round in circles, or further than any ticket's history goes",
                hint="Quote the ticket's id to Zendesk's support.",
            )
        self._bucket.acquire()
        authorization = self._sign_in.authorization()
        request.headers["Authorization"] = authorization
        kwargs |= {"timeout": _TIMEOUT, "allow_redirects": False}
        try:
            answer = super().send(request, **kwargs)
            body = answer.content
        except requests.RequestException as cause:
            raise _unreachable(cause) from None
        headers = {name.lower(): value for name, value in answer.headers.items()}
        seen = Response.of(answer.status_code, headers, body, headers.get("x-request-id"))
        self._judge(seen, authorization)
        self._asked.add(address)
        self.kept.append(Kept(urlsplit(request.url or "").path, body, seen.request_id))
        return answer

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 - the name requests calls it by
        """Find no answer to lead elsewhere, so that requests does not even look at where it leads."""
        return

    def _judge(self, seen: Response, authorization: str) -> None:
        if any(spent(seen.headers)):
            self._bucket.slow_down()
        if 300 <= seen.status < 400:
            raise _elsewhere(f"Zendesk answered {seen.status}, a redirect; it is not followed")
        if not 200 <= seen.status < 300:
            raise self._refusal(seen, authorization)
        if "json" not in seen.headers.get("content-type", "").lower() or not _is_json(seen.body):
            raise UnreadableError(
                f"Zendesk answered {seen.status} with something that is not JSON",
                hint="Something between here and Zendesk answers in its place; check base_url and the network.",
                request_id=seen.request_id,
            )

    def _refusal(self, seen: Response, authorization: str) -> Error:
        error = refusal(seen.status, seen.body, seen.request_id, retry_after(seen), credentials(authorization))
        if isinstance(error, RateLimited):
            self._bucket.slow_down()
        if isinstance(error, UnauthenticatedError) and not self.refused:
            self.refused = True
            if self._sign_in.refused(authorization):
                return RetryableError(error.message, hint=error.hint, request_id=error.request_id)
        return error


def zenpy_host(base_url: str) -> tuple[str, str, str, str]:
    """Give an address in the pieces zenpy puts together: scheme, subdomain, domain, prefix of the API's paths.

    Raises:
        ConfigurationError: It has no dot in its host, so that zenpy cannot be told of it.
    """
    parts = urlsplit(base_url)
    first, _, rest = parts.netloc.partition(".")
    if not first or not rest or first.startswith("["):
        raise ConfigurationError(
            "zenpy cannot call a host without a dot", hint="Write base_url with a full name, or as 127.0.0.1."
        )
    return parts.scheme, first, rest, f"{parts.path.strip('/')}/api/v2".lstrip("/")


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _unreachable(cause: requests.RequestException) -> Error:
    kind = type(cause).__name__
    if isinstance(cause, requests.exceptions.SSLError):
        return PermanentError(
            "the certificate of Zendesk could not be verified",
            hint="Somebody may be reading along. Check base_url and the certificates of this machine.",
        )
    passing = (
        requests.exceptions.ConnectionError,
        requests.exceptions.Timeout,
        requests.exceptions.ChunkedEncodingError,
        requests.exceptions.ContentDecodingError,
    )
    if isinstance(cause, passing):
        return RetryableError(f"the connection to Zendesk failed during a look-up ({kind})", hint=_LATER)
    return PermanentError(f"the call to Zendesk could not be made ({kind})", hint="Check base_url.")


def _elsewhere(text: str) -> ConfigurationError:
    return ConfigurationError(text, hint="Set base_url to the API's own address, like https://acme.zendesk.com.")


def _origin(url: str) -> tuple[str, str | None, int | None] | None:
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    return parts.scheme, parts.hostname, port

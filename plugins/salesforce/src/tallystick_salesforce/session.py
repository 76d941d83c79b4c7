"""The HTTP session handed to simple-salesforce: known origins only, timeouts, no following, exact bytes kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
import requests

from tallystick.connectors import Response
from tallystick.errors import ConfigurationError, ConnectorError, PermanentError, RetryableError, SchemaChanged

__all__ = ["GuardedSession", "origin", "sdk_origin"]

_TIMEOUT = (5, 30)
_LARGEST = 64_000_000
_MOST = 500
_LATER = "Check the network, or run the command again later."


class GuardedSession(requests.Session):
    """A session without proxies, credentials from the environment, redirects, retries or waits.

    simple-salesforce writes `https://` into every address; `routes` leads what it calls to where the configuration
    says. Anything else is refused, and so is a call after five hundred: the SDK would follow next pages for ever.
    `kept` are the answers since it was last cleared, refused ones too.

    Args:
        routes: Where to call, by the origin that simple-salesforce calls.
        before: Called before each call, with the headers that are about to be sent; may change them or raise.
        judge: What an answer means; what it gives is raised before simple-salesforce sees the answer.
        methods: Methods that may be used.
    """

    def __init__(
        self,
        routes: Mapping[str, str],
        *,
        before: Callable[[Any], None],
        judge: Callable[[Response], ConnectorError | None],
        methods: frozenset[str],
    ) -> None:
        super().__init__()
        self.trust_env = False
        self.kept: list[Response] = []
        self._routes = dict(routes)
        self._before = before
        self._judge = judge
        self._methods = methods

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Make a call and keep its answer; whatever is wrong with it is raised before simple-salesforce sees it.

        Raises:
            ConfigurationError: The call leads to another origin, or would write.
            Error: Salesforce refused, or did not answer with JSON, or could not be reached.
        """
        route = self._routes.get(origin(request.url or "") or "")
        if route is None or request.method not in self._methods:
            raise ConfigurationError(
                "simple-salesforce wanted to call another origin than the configured ones, or to write",
                hint="Set base_url to the org's own address, like https://acme.my.salesforce.com.",
            )
        if len(self.kept) >= _MOST:
            raise SchemaChanged(
                "Salesforce says that a query goes on, and it does not end",
                hint="Run the command again; if it stays so, report it to Salesforce's support.",
            )
        parts = urlsplit(request.url or "")
        request.url = f"{route}{parts.path}{'?' + parts.query if parts.query else ''}"
        request.headers["X-PrettyPrint"] = "0"
        self._before(request.headers)
        kwargs |= {"timeout": kwargs.get("timeout") or _TIMEOUT, "allow_redirects": False}
        try:
            answer = super().send(request, **kwargs)
            body = answer.content
        except requests.RequestException as cause:
            raise _unreachable(cause) from None
        headers = {name.lower(): value for name, value in answer.headers.items()}
        seen = Response.of(answer.status_code, headers, body, None)
        self.kept.append(seen)
        error = _checked(seen) if 200 <= seen.status < 400 else self._judge(seen)
        if error is not None:
            raise error
        return answer

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 - the name requests calls it by
        """Find no answer to lead elsewhere, so that requests does not even look at where it leads."""
        return


def origin(url: str) -> str | None:
    """Give scheme, host and port of an address, the port left out where it is the usual one; None if it has none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or parts.scheme not in {"http", "https"}:
        return None
    shown = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{shown}" if port in {None, usual} else f"{parts.scheme}://{shown}:{port}"


def sdk_origin(base: str) -> str:
    """Give the origin that simple-salesforce calls when it is told of `base`: host and port kept, always https."""
    return f"https://{(origin(base) or '').partition('://')[2]}"


def _checked(seen: Response) -> ConnectorError | None:
    if 300 <= seen.status < 400:
        return PermanentError(
            f"Salesforce answered {seen.status}, a redirect; it is not followed, because the token would go along",
            hint="Set base_url to the org's own address, like https://acme.my.salesforce.com.",
        )
    if len(seen.body) > _LARGEST or not _is_json(seen):
        return RetryableError(
            f"Salesforce answered {seen.status} with something that is not JSON",
            hint="Something between here and Salesforce answers in its place; check base_url and the network.",
        )
    return None


def _is_json(seen: Response) -> bool:
    if "json" not in seen.headers.get("content-type", "").lower():
        return False
    try:
        msgspec.json.decode(seen.body, type=msgspec.Raw)
        seen.body.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _unreachable(cause: requests.RequestException) -> ConnectorError:
    kind = type(cause).__name__
    if isinstance(cause, requests.exceptions.SSLError):
        return PermanentError(
            "the certificate of Salesforce could not be verified",
            hint="Somebody may be reading along. Check base_url and the certificates of this machine.",
        )
    passing = (
        requests.exceptions.ConnectionError,
        requests.exceptions.Timeout,
        requests.exceptions.ChunkedEncodingError,
        requests.exceptions.ContentDecodingError,
    )
    if isinstance(cause, passing):
        return RetryableError(f"the connection to Salesforce failed ({kind})", hint=_LATER)
    return PermanentError(f"the call to Salesforce could not be made ({kind})", hint="Check base_url.")

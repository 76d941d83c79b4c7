"""The shared HTTP client of a source: one connection pool, one budget, every failure mapped to our tree.

HTTP/1.1 with keep-alive and compression; no redirects, no proxies or credentials from the environment. What a status
means is the connector's business (`classify`). What a page of HTML or half a JSON document means is the same everywhere
and decided here; what a broken connection means, in `failures`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from threading import Lock
from typing import NamedTuple, TypeAlias, TypeVar

import httpx
import msgspec

from tallystick.connectors.answers import LARGEST_BODY, Response, read_whole
from tallystick.connectors.failures import map_http_error
from tallystick.connectors.pacing import Timer, TokenBucket
from tallystick.connectors.retry import Retry
from tallystick.connectors.secrets import masked
from tallystick.errors import (
    ConfigurationError,
    ConnectorError,
    Error,
    PermanentError,
    RateLimited,
    RetryableError,
    SchemaChanged,
)

__all__ = ["Classify", "HttpClient", "Params", "user_agent"]

T = TypeVar("T")
Params: TypeAlias = Mapping[str, str | int | Sequence[str]]
"""Query parameters by name; a sequence is repeated under its name."""

_KEPT = ("content-type", "date", "retry-after")
_SECRET = 12
"""Signs that a word of a header has at least when it may be a secret."""


class _Asked(NamedTuple):
    """One call: what is asked, where, with what body, and what headers it has besides those of every call."""

    method: str
    path: str
    params: Params | None = None
    content: bytes | None = None
    content_type: str = "application/json"
    headers: Callable[[], Mapping[str, str]] | None = None


Classify: TypeAlias = Callable[[Response], Error | None]
"""Tells what an answer means: None when it is good, else the error to raise; `RetryableError` is tried again."""


class _UnreadableError(RetryableError):
    """A good status with a body that is not JSON; a gateway may have answered in the system's place, so try again."""


class HttpClient:
    """Makes the calls of one source; safe to share between threads.

    Args:
        base_url: Where the API is; a path in it is kept in front of every path called.
        name: The system's name, for messages.
        bucket: What every call spends from.
        retry: How often and how long to repeat.
        timer: The timer of `bucket` and `retry`; stopped on closing.
        classify: What a status means.
        headers: Gives the headers of each call. It is asked as late as possible, so it may reveal a secret.
        request_id: Response header with the system's own id of the request.
        keep: Further response headers to keep.
        connect_timeout: Seconds to reach the system.
        read_timeout: Longest silence of the system, in seconds.
        connections: Most calls at the same time.
        transport: What sends the calls, such as a `PinnedTransport`; by default one of httpx.
        largest_body: Bytes an answer may have, unpacked.
        constant: Further headers of every call that hold no secret.

    Raises:
        ConfigurationError: The base URL is none.
    """

    def __init__(
        self,
        base_url: str,
        *,
        name: str,
        bucket: TokenBucket,
        retry: Retry,
        timer: Timer,
        classify: Classify,
        headers: Callable[[], Mapping[str, str]],
        request_id: str = "request-id",
        keep: Sequence[str] = (),
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
        connections: int = 64,
        transport: httpx.BaseTransport | None = None,
        largest_body: int = LARGEST_BODY,
        constant: Mapping[str, str] | None = None,
    ) -> None:
        self._name = name
        self._bucket = bucket
        self._retry = retry
        self._timer = timer
        self._classify = classify
        self._headers = headers
        self._request_id = request_id
        self._read_timeout = read_timeout
        self._largest_body = largest_body
        self._keep = (*_KEPT, *(header.lower() for header in keep))
        self._lock = Lock()
        self._busy = 0
        try:
            self._client = httpx.Client(
                base_url=base_url,
                http2=False,
                trust_env=False,
                follow_redirects=False,
                timeout=httpx.Timeout(read_timeout, connect=connect_timeout, pool=2 * read_timeout),
                limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
                headers={
                    "User-Agent": user_agent(),
                    "Accept": "application/json",
                    **(constant or {}),
                    "Accept-Encoding": "gzip",
                },
                transport=transport,
            )
        except httpx.InvalidURL:
            raise ConfigurationError(f"the address of {name} cannot be used", hint="Correct base_url.") from None

    def get(self, path: str, params: Params | None = None) -> Response:
        """Give the answer to a GET, repeated where that may help.

        Args:
            path: Path below the base URL.
            params: Query parameters; a sequence is repeated under its name.

        Raises:
            Error: What `classify` or a broken connection means, once the retries are spent.
        """
        asked = _Asked("GET", path, params)
        return self._retry(lambda: self._call(asked))

    def get_as(self, path: str, params: Params | None, decode: Callable[[Response], T]) -> T:
        """Give what `decode` makes of the answer to a GET.

        A body that is not JSON, or only half of it, is asked for again; one in another shape than expected is not.

        Args:
            path: Path below the base URL.
            params: Query parameters; a sequence is repeated under its name.
            decode: Turns the answer into a value, with msgspec.

        Raises:
            SchemaChanged: The body has an unexpected shape, or is still not JSON after all retries.
            Error: As `get`.
        """
        return self._ask(_Asked("GET", path, params), decode)

    def post_as(self, path: str, body: object, decode: Callable[[Response], T], params: Params | None = None) -> T:
        """Give what `decode` makes of the answer to a POST that only reads, such as a search or a batch of ids.

        It is repeated as a GET is, so a call that writes must not be made with it.

        Args:
            path: Path below the base URL.
            body: What is sent as JSON; anything msgspec can encode.
            decode: Turns the answer into a value, with msgspec.
            params: Query parameters; a sequence is repeated under its name.

        Raises:
            SchemaChanged: As `get_as`.
            Error: As `get`.
        """
        return self._ask(_Asked("POST", path, params, msgspec.json.encode(body)), decode)

    def post(
        self, path: str, content: bytes, *, content_type: str, headers: Callable[[], Mapping[str, str]] | None = None
    ) -> Response:
        """Give the answer to a POST of exactly these bytes, repeated where that may help.

        The other side must know a repeated call again, by a key in it: a call without an answer may have arrived.

        Args:
            path: Path below the base URL.
            content: What is sent.
            content_type: What it is.
            headers: Gives further headers, anew for each repetition, such as a signature over the time of sending.

        Raises:
            Error: As `get`.
        """
        asked = _Asked("POST", path, None, content, content_type, headers)
        return self._retry(lambda: self._call(asked))

    def close(self) -> None:
        """Give back the connections and wake every waiting thread; calls under way end by themselves.

        Safe to call twice and from any thread.
        """
        self._timer.stop()
        with self._lock:
            idle = self._busy == 0
        if idle:
            self._client.close()

    def _ask(self, asked: _Asked, decode: Callable[[Response], T]) -> T:
        try:
            return self._retry(lambda: self._decoded(self._call(asked), decode))
        except _UnreadableError as error:
            raise SchemaChanged(error.message, hint=error.hint, request_id=error.request_id) from None

    def _decoded(self, response: Response, decode: Callable[[Response], T]) -> T:
        what = f"{self._name} answered {response.status}"
        content = response.headers.get("content-type", "application/json")
        if "json" not in content.lower():
            raise _UnreadableError(
                f"{what} with {_plain(content)} instead of JSON",
                hint="Something between here and the system answers in its place; check base_url and the network.",
                request_id=response.request_id,
            )
        try:
            if not response.body.isascii():
                response.body.decode()  # parts that `decode` leaves alone are kept as evidence and must be UTF-8 too
            return decode(response)
        except msgspec.ValidationError as cause:
            raise SchemaChanged(
                f"{what} in a shape this connector does not know: {cause}",
                hint="Update the connector's plugin; if it is up to date, report the request id to its author.",
                request_id=response.request_id,
            ) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise _UnreadableError(
                f"{what} with a body that is not complete JSON ({len(response.body)} bytes)",
                hint="The answer was cut or altered on its way; check the network between here and the system.",
                request_id=response.request_id,
            ) from None

    def _call(self, asked: _Asked) -> Response:
        self._bucket.acquire()
        self._enter()
        try:
            response = self._send(asked)
        finally:
            self._leave()
        error = self._redirected(response) or self._classify(response)
        if isinstance(error, RateLimited):
            self._bucket.slow_down()
        if error is not None:
            raise error
        return response

    def _send(self, asked: _Asked) -> Response:
        request_id = None
        try:
            signed = {**self._headers(), **(asked.headers() if asked.headers else {})}
            kind = {} if asked.content is None else {"Content-Type": asked.content_type}
            request = self._client.build_request(
                asked.method, asked.path, params=asked.params, content=asked.content, headers={**signed, **kind}
            )
            answer = self._client.send(request, stream=True)
            try:
                request_id = _harmless(answer.headers.get(self._request_id), signed)
                body = read_whole(answer, self._timer, self._read_timeout, largest=self._largest_body)
            finally:
                answer.close()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict) as cause:
            # No chain: what h11 says about an illegal header repeats the header, and that may be the key.
            raise map_http_error(cause, self._name, request_id) from None
        # Not left out: to a connector, an answer without its link to the next page is the last page.
        words = _words(signed)
        kept = {header: masked(answer.headers[header], words) for header in self._keep if header in answer.headers}
        return Response.of(answer.status_code, kept, body, request_id)

    def _redirected(self, response: Response) -> ConnectorError | None:
        if not 300 <= response.status < 400:
            return None
        return PermanentError(
            f"{self._name} answered {response.status}, a redirect; it is not followed, because the key would go along",
            hint="Set base_url to the API's own address.",
            request_id=response.request_id,
        )

    def _enter(self) -> None:
        with self._lock:
            if self._timer.stopped:
                raise RetryableError("the connector was closed while it was reading", hint="Run the command again.")
            self._busy += 1

    def _leave(self) -> None:
        with self._lock:
            self._busy -= 1
            last = self._busy == 0 and self._timer.stopped
        if last:
            self._client.close()


def user_agent() -> str:
    """Give what our own calls sign with: the distribution and its version."""
    return f"tallystick/{version('tallystick')}"


def _harmless(given: str | None, signed: Mapping[str, str]) -> str | None:
    """Give a header; one that repeats a word of what the call was signed with is none, because it may be shown."""
    return None if given is None or any(word in given for word in _words(signed)) else given


def _words(signed: Mapping[str, str]) -> list[str]:
    return [word for value in signed.values() for word in value.split() if len(word) >= _SECRET]


def _plain(header: str) -> str:
    return "".join(sign for sign in header if sign.isprintable())[:80]

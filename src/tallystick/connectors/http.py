"""The shared HTTP client of a source: one connection pool, one budget, every failure mapped to our tree.

HTTP/1.1 with keep-alive and compression; no redirects, no proxies or credentials from the environment. What a status
means is the connector's business (`classify`). What a broken connection, a page of HTML or half a JSON document means
is the same everywhere and decided here.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from threading import Lock
from typing import NamedTuple, Self, TypeAlias, TypeVar

import httpx
import msgspec

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

__all__ = ["Classify", "HttpClient", "Params", "Response", "map_http_error", "read_whole", "retry_after", "user_agent"]

T = TypeVar("T")
Params: TypeAlias = Mapping[str, str | int | Sequence[str]]
"""Query parameters by name; a sequence is repeated under its name."""

_KEPT = ("content-type", "date", "retry-after")
_SECONDS = re.compile(r"\d{1,9}(\.\d+)?", re.ASCII)
_PATIENCE = 5
"""Times the longest silence that a whole answer may take."""

LARGEST_BODY = 256_000_000
"""Bytes of an answer beyond which it is given up."""

_PACKED = ("identity", "gzip", "deflate", "")
"""Ways to pack a body that unpack a piece of it to no more than a thousand times its size."""
_SECRET = 12
"""Signs that a word of a header has at least when it may be a secret."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Response(msgspec.Struct, frozen=True):
    """What a call was answered with.

    `status` is the HTTP status and `body` the whole answer, decompressed; `request_id` is the system's own id of the
    request, if it gave one. `headers` holds those the client was told to keep, by lower-case name. `date` is the
    system's own clock when it answered (microseconds UTC, whole seconds), None when it did not say.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    date: int | None
    request_id: str | None

    @classmethod
    def of(cls, status: int, headers: dict[str, str], body: bytes, request_id: str | None) -> Self:
        """Make one of `status`, `body`, `request_id`, and `headers` by lower-case name; a bad `date` counts as none."""
        return cls(status, headers, body, _date(headers.get("date")), request_id)


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


class TooLargeError(httpx.StreamError):
    """An answer has more bytes than it may."""

    def __init__(self, largest: int) -> None:
        super().__init__(f"more than {largest:,} bytes")


def read_whole(answer: httpx.Response, timer: Timer, silence: float, *, largest: int = LARGEST_BODY) -> bytes:
    """Give the body of an answer; a system that drips it byte by byte, or never stops, does not hold us for ever.

    Args:
        answer: An answer whose body has not been read.
        timer: Tells elapsed time.
        silence: Longest silence of the system, in seconds; the whole body may take five times that.
        largest: Bytes it may have, unpacked.

    Raises:
        httpx.ReadTimeout: It takes longer than that.
        httpx.DecodingError: It is packed twice, or otherwise than we ask for: a few bytes could become any number.
        TooLargeError: It is larger than that.
    """
    if answer.headers.get("content-encoding", "identity").strip().lower() not in _PACKED:
        raise httpx.DecodingError("the answer is packed otherwise than asked for")
    until = timer.now() + _PATIENCE * silence
    parts: list[bytes] = []
    size = 0
    for part in answer.iter_bytes():
        parts.append(part)
        size += len(part)
        if timer.now() > until:
            raise httpx.ReadTimeout("the answer does not come to its end")
        if size > largest:
            raise TooLargeError(largest)
    return b"".join(parts)


def user_agent() -> str:
    """Give what our own calls sign with: the distribution and its version."""
    return f"tallystick/{version('tallystick')}"


def retry_after(response: Response) -> float | None:
    """Give the seconds a `Retry-After` header asks to wait; None when there is none or it cannot be read.

    A date in it is compared with the answer's own date, so that our clock does not matter.
    """
    text = response.headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    until = _date(text)
    if until is None or response.date is None:
        return None
    return max((until - response.date) / 1_000_000, 0.0)


def map_http_error(cause: Exception, name: str, request_id: str | None = None) -> ConnectorError:
    """Give what a failure of the HTTP library means for the reader.

    Args:
        cause: An exception of httpx.
        name: The system's name.
        request_id: The system's id of the request, if it had begun to answer.
    """
    kind = type(cause).__name__
    hopeless = _hopeless(cause, name, request_id)
    if hopeless is not None:
        return hopeless
    if isinstance(cause, httpx.TimeoutException):
        return RetryableError(f"{name} did not answer in time ({kind})", hint=_LATER, request_id=request_id)
    if isinstance(cause, httpx.NetworkError):
        return RetryableError(
            f"the connection to {name} failed: {str(cause) or kind}", hint=_LATER, request_id=request_id
        )
    if isinstance(cause, (httpx.RemoteProtocolError, httpx.DecodingError, httpx.ProxyError)):
        return RetryableError(f"the answer of {name} broke off ({kind})", hint=_LATER, request_id=request_id)
    return PermanentError(
        f"the call to {name} could not be made ({kind})",
        hint="This is a fault of the connector or of a header it was given; report it.",
        request_id=request_id,
    )


def _hopeless(cause: Exception, name: str, request_id: str | None) -> PermanentError | None:
    """Give what a failure means that would come again; None for any other."""
    if _is_certificate(cause):
        return PermanentError(
            f"the certificate of {name} could not be verified",
            hint="Somebody may be reading along. Check base_url and the certificates of this machine.",
        )
    if isinstance(cause, (httpx.UnsupportedProtocol, httpx.InvalidURL)):
        kind = type(cause).__name__
        return PermanentError(f"the address of {name} cannot be used ({kind})", hint="Correct base_url.")
    if isinstance(cause, TooLargeError):
        return PermanentError(
            f"{name} answered with {cause}, which no page of any system has",
            hint="Ask for fewer objects a page, or check base_url.",
            request_id=request_id,
        )
    return None


_DEEPEST = 8  # a chain of causes may be a ring
_LATER = "Check the network, or wait: the next run goes on where this one stopped."


def _is_certificate(error: BaseException) -> bool:
    cause: BaseException | None = error
    for _ in range(_DEEPEST):
        if isinstance(cause, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(cause):
            return True
        cause = cause.__cause__ if cause is not None else None
    return False


def _date(text: str | None) -> int | None:
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000


def _harmless(given: str | None, signed: Mapping[str, str]) -> str | None:
    """Give a header; one that repeats a word of what the call was signed with is none, because it may be shown."""
    return None if given is None or any(word in given for word in _words(signed)) else given


def _words(signed: Mapping[str, str]) -> list[str]:
    return [word for value in signed.values() for word in value.split() if len(word) >= _SECRET]


def _plain(header: str) -> str:
    return "".join(sign for sign in header if sign.isprintable())[:80]

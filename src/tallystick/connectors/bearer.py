"""Bearers that are minted: one at a time, shared by all threads, renewed before they expire, and never shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

import httpx
import msgspec

from tallystick.connectors.answers import Response, read_whole
from tallystick.connectors.failures import map_http_error
from tallystick.connectors.http import user_agent
from tallystick.connectors.pacing import Timer
from tallystick.connectors.secrets import masked
from tallystick.errors import ConfigurationError, ConnectorError, RetryableError, SchemaChanged

__all__ = ["Bearer", "Token", "TokenEndpoint"]

_EARLY = 0.1
_MOST_EARLY = 60.0
_SILENCE = 30.0
_LARGEST = 1_000_000
_LATER = "Check the network, or wait: the next run signs in again."


class Token(msgspec.Struct):
    """What signing in gave: the `access_token`, and in `expires_in` the seconds that it lives, None where not told."""

    access_token: str
    expires_in: float | None = None

    def __repr__(self) -> str:
        return "Token(...)"


class Bearer:
    """A bearer, used until shortly before it expires, by the elapsed time of the timer, or until it is refused.

    Args:
        mint: Signs in; called by one thread at a time.
        timer: Tells elapsed time; once it was stopped nothing is minted.
        release: Gives back what `mint` uses; called on closing, by the thread that is minting if one just is.
    """

    def __init__(self, mint: Callable[[], Token], timer: Timer, *, release: Callable[[], None] | None = None) -> None:
        self._mint = mint
        self._timer = timer
        self._release = release
        self._lock = Lock()
        self._bearer: str | None = None
        self._until: float | None = None

    def get(self) -> str:
        """Give the bearer of a call made now; mints one where there is none that holds.

        Raises:
            RetryableError: The timer was stopped.
            Error: As `mint`.
        """
        with self._lock:
            if self._bearer is None or (self._until is not None and self._timer.now() >= self._until):
                self._bearer = None
                try:
                    self._renew()
                finally:
                    if self._timer.stopped and self._release is not None:
                        self._release()
            assert self._bearer is not None  # noqa: S101 - it was renewed, or that raised
            return self._bearer

    def refused(self, bearer: str) -> None:
        """Drop a bearer that was refused, unless another thread has done so already."""
        with self._lock:
            if bearer == self._bearer:
                self._bearer = None

    def close(self) -> None:
        """Give back what minting uses; a thread that is minting just now gives it back itself."""
        if self._release is not None and self._lock.acquire(blocking=False):
            try:
                self._release()
            finally:
                self._lock.release()

    def _renew(self) -> None:
        if self._timer.stopped:
            raise RetryableError("the connector was closed while it was reading", hint="Run the command again.")
        began = self._timer.now()
        token = self._mint()
        lives = token.expires_in
        self._until = None if lives is None else began + max(lives - min(_MOST_EARLY, lives * _EARLY), 0.0)
        self._bearer = token.access_token


class TokenEndpoint:
    """Where an OAuth client gets its bearers.

    Args:
        base_url: Origin, with a path prefix if any.
        path: Path of the endpoint.
        name: The system's name, for messages.
        update: What to do where the system answers otherwise than is known.
        timer: Tells elapsed time.
        request_id: Response header with the system's own id of the request.
        transport: What sends the calls, if not the usual.

    Raises:
        ConfigurationError: The base URL is none.
    """

    def __init__(
        self,
        base_url: str,
        path: str,
        *,
        name: str,
        update: str,
        timer: Timer,
        request_id: str = "x-request-id",
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._path = path
        self._name = name
        self._update = update
        self._timer = timer
        self._request_id = request_id
        self.calls = 0
        """Calls made so far."""
        try:
            self._http = httpx.Client(
                base_url=base_url,
                http2=False,
                trust_env=False,
                follow_redirects=False,
                timeout=httpx.Timeout(_SILENCE, connect=5.0),
                headers={"User-Agent": user_agent(), "Accept": "application/json"},
                transport=transport,
            )
        except httpx.InvalidURL:
            raise ConfigurationError(f"the address of {name} cannot be used", hint="Correct base_url.") from None

    def ask(self, refused: Callable[[Response], ConnectorError | None], secrets: Sequence[str], **sent: Any) -> Token:
        """Ask for a bearer, once.

        Args:
            refused: Tells what an answer means; None when it is good. The request id in it shows no secret.
            secrets: What is sent and must not be shown, whatever the answer repeats.
            sent: What goes with the POST, as httpx takes it: `json`, `data`, `auth`.

        Raises:
            Error: What `refused` or a broken connection means.
            SchemaChanged: The answer is none that is known, or its bearer cannot be sent.
            RetryableError: The answer is not JSON.
        """
        self.calls += 1
        try:
            with self._http.stream("POST", self._path, **sent) as answer:
                content = read_whole(answer, self._timer, _SILENCE, largest=_LARGEST)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict) as cause:
            raise map_http_error(cause, f"{self._name} (sign-in)") from None
        headers = {name: answer.headers[name] for name in ("date", "retry-after") if name in answer.headers}
        given = masked(answer.headers.get(self._request_id, ""), secrets) or None
        response = Response.of(answer.status_code, headers, content, given)
        error = refused(response)
        if error is not None:
            raise error
        return self._decoded(response)

    def close(self) -> None:
        """Give back the connection."""
        self._http.close()

    def _decoded(self, response: Response) -> Token:
        try:
            token = msgspec.json.decode(response.body, type=Token)
        except msgspec.ValidationError:
            # What was wrong is not repeated: it may be the bearer.
            raise SchemaChanged(
                f"{self._name} answered the sign-in in a shape this connector does not know",
                hint=self._update,
                request_id=response.request_id,
            ) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise RetryableError(
                f"{self._name} answered the sign-in with something that is not JSON",
                hint=_LATER,
                request_id=response.request_id,
            ) from None
        bearer = token.access_token
        if not bearer or not bearer.isascii() or not bearer.isprintable() or " " in bearer:
            raise SchemaChanged(f"{self._name} gave a bearer that cannot be sent", hint=self._update)
        return token

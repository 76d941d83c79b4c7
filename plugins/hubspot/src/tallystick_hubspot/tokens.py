"""The sign-in: a service key or an app's static token, or bearers minted from an OAuth refresh token."""

from __future__ import annotations

from threading import Lock
from typing import Protocol

import httpx
import msgspec

from tallystick.connectors import Response, SecretRef, Timer, masked, retry_after, user_agent
from tallystick.connectors.http import map_http_error, read_whole
from tallystick.errors import (
    AuthorizationError,
    ConfigurationError,
    ConnectorError,
    PermanentError,
    RateLimited,
    RetryableError,
    SchemaChanged,
)
from tallystick_hubspot.faults import refusal, said

__all__ = ["NoSignIn", "OAuthRefresh", "SignIn", "StaticToken"]

_EARLY = 0.1
_MOST_EARLY = 60.0
_SILENCE = 30.0
_LATER = "Check the network, or wait: the next run signs in again."


class SignIn(Protocol):
    """What puts the sign-in on a call."""

    def ready(self) -> None:
        """See that the secrets can be read; makes no call.

        Raises:
            ConfigurationError: They cannot.
        """

    def bearer(self) -> str:
        """Give the bearer of a call made now.

        Raises:
            Error: There is no way to sign in.
        """

    def refused(self, bearer: str) -> bool:
        """Take note that a bearer was refused; tells whether there may be another one to try."""

    @property
    def calls(self) -> int:
        """Calls made to sign in."""

    def close(self) -> None:
        """Give back the connections."""


class NoSignIn:
    """The sign-in of a source that has none yet."""

    calls = 0

    def ready(self) -> None:
        """Say what is missing.

        Raises:
            ConfigurationError: Always.
        """
        raise ConfigurationError("no sign-in is configured", hint="Set token to where a service key is kept.")

    def bearer(self) -> str:
        """Say what is missing.

        Raises:
            ConfigurationError: Always.
        """
        self.ready()
        return ""

    def refused(self, bearer: str) -> bool:  # noqa: ARG002 - none was sent
        """Tell that there is no bearer to try."""
        return False

    def close(self) -> None:
        """Give back nothing."""


class StaticToken:
    """A service key, the static token of an app, or the token of an older private app: all are sent as they are.

    Args:
        ref: Where it is kept.
    """

    calls = 0

    def __init__(self, ref: SecretRef) -> None:
        self._ref = ref

    def __repr__(self) -> str:
        return f"StaticToken({self._ref})"

    def ready(self) -> None:
        """See that the token can be read.

        Raises:
            ConfigurationError: It cannot.
        """
        self._ref.reveal()

    def bearer(self) -> str:
        """Give the token.

        Raises:
            ConfigurationError: It cannot be read.
        """
        return self._ref.reveal()

    def refused(self, bearer: str) -> bool:  # noqa: ARG002 - there is only one
        """Tell that there is no other bearer to try."""
        return False

    def close(self) -> None:
        """Give back nothing: no call is made."""


class _Token(msgspec.Struct):
    access_token: str
    expires_in: float | None = None


class OAuthRefresh:
    """Mints bearers from a refresh token; one at a time, shared by all threads, never shown.

    A bearer is used until shortly before it expires, by the timer's elapsed time, or until it is refused.

    Args:
        url: Origin, with a path prefix if any, and the path at which bearers are minted.
        client_id: The OAuth client.
        secret: Where its secret is kept.
        refresh: Where the refresh token is kept.
        timer: Tells elapsed time.
    """

    def __init__(
        self, url: tuple[str, str], client_id: str, secret: SecretRef, refresh: SecretRef, timer: Timer
    ) -> None:
        base_url, self._path = url
        self._client_id = client_id
        self._secret = secret
        self._refresh = refresh
        self._timer = timer
        self._lock = Lock()
        self._bearer: str | None = None
        self._until: float | None = None
        self._calls = 0
        try:
            self._http = httpx.Client(
                base_url=base_url,
                http2=False,
                trust_env=False,
                follow_redirects=False,
                timeout=httpx.Timeout(_SILENCE, connect=5.0),
                headers={"User-Agent": user_agent(), "Accept": "application/json"},
            )
        except httpx.InvalidURL:
            raise ConfigurationError("the address of HubSpot cannot be used", hint="Correct base_url.") from None

    def __repr__(self) -> str:
        return f"OAuthRefresh({self._secret}, {self._refresh})"

    @property
    def calls(self) -> int:
        """Calls made to mint bearers."""
        return self._calls

    def ready(self) -> None:
        """See that the secrets can be read; makes no call.

        Raises:
            ConfigurationError: They cannot.
        """
        self._secret.reveal()
        self._refresh.reveal()

    def bearer(self) -> str:
        """Give the bearer of a call made now; mints one where there is none that holds.

        Raises:
            AuthorizationError: The client, its secret or the refresh token is not accepted.
            Error: The call was refused otherwise or could not be made.
        """
        with self._lock:
            if self._bearer is None or (self._until is not None and self._timer.now() >= self._until):
                self._bearer = None
                try:
                    self._bearer = self._mint()
                finally:
                    if self._timer.stopped:
                        self._http.close()
            return self._bearer

    def refused(self, bearer: str) -> bool:
        """Drop a bearer that was refused, unless another thread has done so already; there may always be another."""
        with self._lock:
            if bearer == self._bearer:
                self._bearer = None
        return True

    def close(self) -> None:
        """Give back the connection; a thread that is minting just now gives it back itself."""
        if self._lock.acquire(blocking=False):
            try:
                self._http.close()
            finally:
                self._lock.release()

    def _mint(self) -> str:
        if self._timer.stopped:
            raise RetryableError("the connector was closed while it was reading", hint="Run the command again.")
        began = self._timer.now()
        token = self._ask()
        lives = token.expires_in
        self._until = None if lives is None else began + max(lives - min(_MOST_EARLY, lives * _EARLY), 0.0)
        return token.access_token

    def _ask(self) -> _Token:
        secret, refresh = self._secret.reveal(), self._refresh.reveal()
        form = {
            "grant_type": "refresh_token",
            "client_id": self._client_id,
            "client_secret": secret,
            "refresh_token": refresh,
        }
        self._calls += 1
        try:
            with self._http.stream("POST", self._path, data=form) as answer:
                content = read_whole(answer, self._timer, _SILENCE)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict) as cause:
            raise map_http_error(cause, "HubSpot (sign-in)") from None
        headers = {name: answer.headers[name] for name in ("date", "retry-after") if name in answer.headers}
        given = masked(answer.headers.get("x-hubspot-correlation-id", ""), [secret, refresh]) or None
        response = Response.of(answer.status_code, headers, content, given)
        error = _refused(response, [secret, refresh])
        if error is not None:
            raise error
        return _decoded(response)


def _decoded(response: Response) -> _Token:
    try:
        token = msgspec.json.decode(response.body, type=_Token)
    except msgspec.ValidationError:
        # What was wrong is not repeated: it may be the bearer.
        raise SchemaChanged(
            "HubSpot answered the sign-in in a shape this connector does not know",
            hint="Update tallystick-hubspot.",
            request_id=response.request_id,
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RetryableError(
            "HubSpot answered the sign-in with something that is not JSON", hint=_LATER, request_id=response.request_id
        ) from None
    if not token.access_token.isascii() or not token.access_token.isprintable() or not token.access_token.strip():
        raise SchemaChanged("HubSpot gave a bearer that cannot be sent", hint="Update tallystick-hubspot.")
    return token


def _refused(response: Response, secrets: list[str]) -> ConnectorError | None:
    """Give the error that the answer to a sign-in stands for; never repeats a secret, whatever the answer does."""
    if 200 <= response.status < 300:
        return None
    reason = said(response.body, secrets)
    if 300 <= response.status < 400:
        return PermanentError(
            f"HubSpot answered the sign-in with {response.status}, a redirect; it is not followed",
            hint="Set base_url to the API's own address, like https://api.hubapi.com.",
            request_id=response.request_id,
        )
    if response.status in {400, 401, 403, 422}:
        return AuthorizationError(
            f"HubSpot does not accept the OAuth client or its refresh token ({response.status}): {reason}",
            hint="Check client_id, client_secret and refresh_token; install the app again if it was removed.",
            request_id=response.request_id,
        )
    error = refusal(response.status, response.body, response.request_id, retry_after(response), secrets)
    text = f"the sign-in at HubSpot failed ({response.status}): {reason}"
    if isinstance(error, RateLimited):
        return RateLimited(text, retry_after=error.retry_after, hint=_LATER, request_id=response.request_id)
    kind = RetryableError if isinstance(error, RetryableError) else PermanentError
    return kind(text, hint=_LATER, request_id=response.request_id)

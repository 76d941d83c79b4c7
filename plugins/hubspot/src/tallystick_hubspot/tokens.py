"""The sign-in: a service key or an app's static token, or bearers minted from an OAuth refresh token."""

from __future__ import annotations

from typing import Protocol

from tallystick.connectors import Bearer, Response, SecretRef, Timer, Token, TokenEndpoint, retry_after
from tallystick.errors import (
    AuthorizationError,
    ConfigurationError,
    ConnectorError,
    PermanentError,
    RateLimited,
    RetryableError,
)
from tallystick_hubspot.faults import refusal, said

__all__ = ["NoSignIn", "OAuthRefresh", "SignIn", "StaticToken"]

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
        self._client_id = client_id
        self._secret = secret
        self._refresh = refresh
        self._endpoint = TokenEndpoint(
            *url,
            name="HubSpot",
            update="Update tallystick-hubspot.",
            timer=timer,
            request_id="x-hubspot-correlation-id",
        )
        self._bearer = Bearer(self._mint, timer, release=self._endpoint.close)

    def __repr__(self) -> str:
        return f"OAuthRefresh({self._secret}, {self._refresh})"

    @property
    def calls(self) -> int:
        """Calls made to mint bearers."""
        return self._endpoint.calls

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
        return self._bearer.get()

    def refused(self, bearer: str) -> bool:
        """Drop a bearer that was refused, unless another thread has done so already; there may always be another."""
        self._bearer.refused(bearer)
        return True

    def close(self) -> None:
        """Give back the connection; a thread that is minting just now gives it back itself."""
        self._bearer.close()

    def _mint(self) -> Token:
        secrets = [self._secret.reveal(), self._refresh.reveal()]
        form = {
            "grant_type": "refresh_token",
            "client_id": self._client_id,
            "client_secret": secrets[0],
            "refresh_token": secrets[1],
        }
        return self._endpoint.ask(lambda response: _refused(response, secrets), secrets, data=form)


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

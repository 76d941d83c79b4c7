"""The sign-in: a bearer from the OAuth client's credentials, or an API token while Zendesk still takes one."""

from __future__ import annotations

from base64 import b64encode
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
from tallystick_zendesk.faults import refusal, said

__all__ = ["ApiToken", "NoSignIn", "SignIn", "TokenProvider"]

_SCOPE = "read"
_LATER = "Check the network, or wait: the next run signs in again."


class SignIn(Protocol):
    """What puts the sign-in on a call."""

    def ready(self) -> None:
        """See that the secret can be read; makes no call.

        Raises:
            ConfigurationError: It cannot.
        """

    def authorization(self) -> str:
        """Give the header `Authorization` of a call made now.

        Raises:
            Error: There is no way to sign in.
        """

    def refused(self, authorization: str) -> bool:
        """Take note that a header was refused; tells whether there may be another one to try."""

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
        raise ConfigurationError(
            "no sign-in is configured", hint="Set client_id and client_secret of a confidential OAuth client."
        )

    def authorization(self) -> str:
        """Say what is missing.

        Raises:
            ConfigurationError: Always.
        """
        self.ready()
        return ""

    def refused(self, authorization: str) -> bool:  # noqa: ARG002 - none was sent
        """Tell that there is no header to try."""
        return False

    def close(self) -> None:
        """Give back nothing."""


class ApiToken:
    """The legacy sign-in: Basic with an API token, which has no scope and stops working on 2027-04-30.

    Args:
        email: Whose token it is.
        ref: Where the token is kept.
    """

    calls = 0

    def __init__(self, email: str, ref: SecretRef) -> None:
        self._email = email
        self._ref = ref

    def __repr__(self) -> str:
        return f"ApiToken({self._ref})"

    def ready(self) -> None:
        """See that the token can be read.

        Raises:
            ConfigurationError: It cannot.
        """
        self._ref.reveal()

    def authorization(self) -> str:
        """Give the header `Authorization`.

        Raises:
            ConfigurationError: The token cannot be read.
        """
        return "Basic " + b64encode(f"{self._email}/token:{self._ref.reveal()}".encode()).decode()

    def refused(self, authorization: str) -> bool:  # noqa: ARG002 - there is only one
        """Tell that there is no other header to try."""
        return False

    def close(self) -> None:
        """Give back nothing: no call is made."""


class TokenProvider:
    """Mints bearers from the OAuth client's credentials; one at a time, shared by all threads, never shown.

    A bearer is used until shortly before it expires, by the timer's elapsed time, or until it is refused.

    Args:
        base_url: Origin, with a path prefix if any.
        client_id: The OAuth client.
        ref: Where its secret is kept.
        timer: Tells elapsed time.
    """

    def __init__(self, base_url: str, client_id: str, ref: SecretRef, timer: Timer) -> None:
        self._client_id = client_id
        self._ref = ref
        self._endpoint = TokenEndpoint(
            base_url, "/oauth/tokens", name="Zendesk", update="Update tallystick-zendesk.", timer=timer
        )
        self._bearer = Bearer(self._mint, timer, release=self._endpoint.close)

    def __repr__(self) -> str:
        return f"TokenProvider({self._ref})"

    @property
    def calls(self) -> int:
        """Calls made to mint bearers."""
        return self._endpoint.calls

    def ready(self) -> None:
        """See that the client's secret can be read; makes no call.

        Raises:
            ConfigurationError: It cannot.
        """
        self._ref.reveal()

    def authorization(self) -> str:
        """Give the header `Authorization` of a call made now; mints a bearer where there is none that holds.

        Raises:
            AuthorizationError: The client or its secret is not accepted.
            Error: The call was refused otherwise or could not be made.
        """
        return f"Bearer {self._bearer.get()}"

    def refused(self, authorization: str) -> bool:
        """Drop a bearer that was refused, unless another thread has done so already; there may always be another."""
        self._bearer.refused(authorization.removeprefix("Bearer "))
        return True

    def close(self) -> None:
        """Give back the connection; a thread that is minting just now gives it back itself."""
        self._bearer.close()

    def _mint(self) -> Token:
        secret = self._ref.reveal()
        body = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": secret,
            "scope": _SCOPE,
        }
        return self._endpoint.ask(lambda response: _refused(response, secret), [secret], json=body)


def _refused(response: Response, secret: str) -> ConnectorError | None:
    """Give the error that the answer to a sign-in stands for; never repeats the secret, whatever the answer does."""
    if 200 <= response.status < 300:
        return None
    reason = said(response.body, [secret])
    if 300 <= response.status < 400:
        return PermanentError(
            f"Zendesk answered the sign-in with {response.status}, a redirect; it is not followed",
            hint="Set base_url to the API's own address, like https://acme.zendesk.com.",
            request_id=response.request_id,
        )
    if response.status in {400, 401, 403, 422}:
        return AuthorizationError(
            f"Zendesk does not accept the OAuth client ({response.status}): {reason}",
            hint="Check client_id and client_secret; the client must be confidential and allow client credentials.",
            request_id=response.request_id,
        )
    error = refusal(response.status, b"", response.request_id, retry_after(response))
    text = f"the sign-in at Zendesk failed ({response.status}): {reason}"
    if isinstance(error, RateLimited):
        return RateLimited(text, retry_after=error.retry_after, hint=_LATER, request_id=response.request_id)
    kind = RetryableError if isinstance(error, RetryableError) else PermanentError
    return kind(text, hint=_LATER, request_id=response.request_id)

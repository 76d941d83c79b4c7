"""The sign-in: tokens minted through simple-salesforce, by client credentials or by a signed assertion (JWT bearer)."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from tallystick.connectors import Bearer, Response, SecretRef, Timer, Token, masked, user_agent
from tallystick.errors import (
    AuthorizationError,
    ConfigurationError,
    ConnectorError,
    Error,
    PermanentError,
    RateLimited,
    RetryableError,
    SchemaChanged,
)
from tallystick_salesforce.faults import classify, said

if TYPE_CHECKING:
    from tallystick_salesforce.session import GuardedSession

__all__ = ["ClientCredentials", "Credentials", "JwtBearer", "NoSignIn", "SignIn", "TokenProvider"]

_DOMAIN = "org.my"
_SDK_ORIGIN = f"https://{_DOMAIN}.salesforce.com"
_LATER = "Check the network, or wait: the next run signs in again."


class SignIn(Protocol):
    """What puts the sign-in on a call."""

    def ready(self) -> None:
        """See that the secret can be read; makes no call.

        Raises:
            ConfigurationError: It cannot.
        """

    def token(self) -> str:
        """Give the token of a call made now.

        Raises:
            Error: There is no way to sign in.
        """

    def refused(self, token: str) -> None:
        """Take note that a token was refused."""

    @property
    def calls(self) -> int:
        """Calls made to sign in."""


class NoSignIn:
    """The sign-in of a source that has none yet."""

    calls = 0

    def ready(self) -> None:
        """Say what is missing.

        Raises:
            ConfigurationError: Always.
        """
        raise ConfigurationError(
            "no sign-in is configured",
            hint="Set client_id with client_secret, or with username and private_key, of an external client app.",
        )

    def token(self) -> str:
        """Say what is missing.

        Raises:
            ConfigurationError: Always.
        """
        self.ready()
        return ""

    def refused(self, token: str) -> None:
        """Take note of nothing: none was sent."""


class Credentials(Protocol):
    """What simple-salesforce is told to sign in with."""

    def arguments(self) -> tuple[dict[str, str], list[str]]:
        """Give the arguments, and what of them is secret.

        Raises:
            ConfigurationError: The secret cannot be read.
        """


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """An external client app that runs as a user of its own."""

    client_id: str
    secret: SecretRef

    def arguments(self) -> tuple[dict[str, str], list[str]]:
        """Give key and secret.

        Raises:
            ConfigurationError: The secret cannot be read.
        """
        secret = self.secret.reveal()
        told = {"consumer_key": self.client_id, "consumer_secret": secret, "domain": _DOMAIN}
        # What is sent is both in one, and an answer may repeat it.
        return told, [secret, b64encode(f"{self.client_id}:{secret}".encode()).decode()]


@dataclass(frozen=True, slots=True)
class JwtBearer:
    """A user for whom the app's private key signs; `audience` is login, or test for a sandbox."""

    client_id: str
    username: str
    key: SecretRef
    audience: Literal["login", "test"] = "login"

    def arguments(self) -> tuple[dict[str, str], list[str]]:
        """Give key id, user and private key.

        A key has line breaks, so one that is no file of its own is kept as base64 on one line.

        Raises:
            ConfigurationError: The key cannot be read.
        """
        pem = self._pem()
        told = {"consumer_key": self.client_id, "username": self.username, "privatekey": pem, "domain": self.audience}
        return {**told, "instance_url": _DOMAIN}, [pem]

    def _pem(self) -> str:
        scheme, _, place = str(self.key).partition(":")
        try:
            if scheme == "file":
                text = Path(place).read_text(encoding="ascii")
            else:
                text = b64decode(self.key.reveal(), validate=True).decode("ascii")
        except OSError as cause:
            raise ConfigurationError(
                f"the secret file {place} cannot be read: {cause.strerror}",
                hint="Create it, readable for this user only.",
            ) from None
        except (UnicodeDecodeError, binascii.Error):
            text = ""
        if "PRIVATE KEY-----" not in text:
            raise ConfigurationError(
                f"the secret at {self.key} is no private key",
                hint="Keep the PEM file itself as file:/path, or its base64 on one line elsewhere.",
            )
        return text


class _Token(msgspec.Struct):
    access_token: str
    instance_url: str


class TokenProvider:
    """Mints tokens; one at a time, shared by all threads, never shown.

    Salesforce does not say how long one lives, so it is used until it is refused.

    Args:
        credentials: What to sign in with.
        login_url: Origin of the token endpoint.
        base_url: Origin of the API; a token for another one is refused.
        timer: Stops with the connector.
    """

    def __init__(self, credentials: Credentials, *, login_url: str, base_url: str, timer: Timer) -> None:
        self._credentials = credentials
        self._login_url = login_url
        self._base_url = base_url
        self._bearer = Bearer(self._mint, timer)
        self._calls = 0

    def __repr__(self) -> str:
        return f"TokenProvider({type(self._credentials).__name__})"

    @property
    def calls(self) -> int:
        """Calls made to mint tokens."""
        return self._calls

    def ready(self) -> None:
        """See that the secret can be read; makes no call.

        Raises:
            ConfigurationError: It cannot.
        """
        self._credentials.arguments()

    def token(self) -> str:
        """Give the token of a call made now; mints one where there is none.

        Raises:
            AuthorizationError: The app, its secret or its user is not accepted.
            Error: The call was refused otherwise or could not be made.
        """
        return self._bearer.get()

    def refused(self, token: str) -> None:
        """Drop a token that was refused, unless another thread has done so already."""
        self._bearer.refused(token)

    def _mint(self) -> Token:
        arguments, secrets = self._credentials.arguments()
        with self._session(secrets) as session:
            self._sign_in(session, arguments)
            return Token(self._read(session))

    def _session(self, secrets: list[str]) -> GuardedSession:
        from tallystick_salesforce.session import GuardedSession

        return GuardedSession(
            {_SDK_ORIGIN: self._login_url},
            before=self._before,
            judge=lambda seen: _refused(seen, secrets),
            methods=frozenset({"POST"}),
        )

    def _before(self, headers: Any) -> None:
        headers["User-Agent"] = user_agent()
        headers["Accept"] = "application/json"
        self._calls += 1

    def _sign_in(self, session: GuardedSession, arguments: dict[str, Any]) -> None:
        from simple_salesforce.login import SalesforceLogin

        try:
            SalesforceLogin(session=session, **arguments)
        except Error:
            raise
        except Exception as cause:  # noqa: BLE001 - what the SDK raises may hold the key, and is of many kinds
            if not session.kept:
                raise ConfigurationError(
                    f"the assertion could not be signed ({type(cause).__name__})",
                    hint="Check that private_key is the RSA key of the app's certificate.",
                ) from None
            # What it made of a good answer is not used; `_read` says what is wrong with it.

    def _read(self, session: GuardedSession) -> str:
        if not session.kept:
            raise PermanentError(
                "simple-salesforce signed in without a call", hint="Report this to the plugin's author."
            )
        try:
            token = msgspec.json.decode(session.kept[-1].body, type=_Token)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # What was wrong is not repeated: it may be the token.
            raise SchemaChanged(
                "Salesforce answered the sign-in in a shape this connector does not know",
                hint="Update tallystick-salesforce.",
            ) from None
        _check(token, self._base_url)
        return token.access_token


def _check(token: _Token, base_url: str) -> None:
    from tallystick_salesforce.session import origin

    word = token.access_token
    if not word.isascii() or not word.isprintable() or not word or " " in word:
        raise SchemaChanged("Salesforce gave a token that cannot be sent", hint="Update tallystick-salesforce.")
    theirs = origin(token.instance_url)
    if theirs != origin(base_url):
        raise ConfigurationError(
            "the token is for another org, or the org has another address than base_url",
            hint=f"Set base_url to the org's own address{f', {theirs},' if theirs else ''} if that is the right one.",
        )


def _refused(seen: Response, secrets: list[str]) -> ConnectorError | None:
    """Give the error that the answer to a sign-in stands for; never repeats a secret, whatever the answer does."""
    _, reason = said(seen.body, secrets)
    text = f"the sign-in at Salesforce failed ({seen.status}): {masked(reason, secrets)}"
    passing = classify(seen, secrets)
    if isinstance(passing, RateLimited):
        return RateLimited(text, retry_after=passing.retry_after, hint=_LATER)
    if isinstance(passing, RetryableError):
        return RetryableError(text, hint=_LATER)
    if seen.status in {400, 401, 403}:
        return AuthorizationError(
            text,
            hint="Check client_id and the secret or key; the app must allow this flow, and its user must be approved.",
        )
    return PermanentError(text, hint="Check login_url and base_url.")

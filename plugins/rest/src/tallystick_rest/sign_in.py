"""Signing in: what puts the key on each call, for every kind of sign-in that a description can name."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import httpx
import msgspec

from tallystick.connectors import Bearer, Response, SecretRef, Timer, Token, TokenEndpoint, masked, retry_after
from tallystick.errors import (
    AuthorizationError,
    ConfigurationError,
    ConnectorError,
    PermanentError,
    RateLimited,
    RetryableError,
)
from tallystick_rest.description import Auth, Basic, ClientCredentials, Header

__all__ = ["Account", "SignIn", "sign_in"]

_LATER = "Check the network, or wait: the next run signs in again."


class SignIn(Protocol):
    """What puts the sign-in on a call."""

    @property
    def calls(self) -> int:
        """Calls made to sign in."""

    def ready(self) -> None:
        """See that the key can be read; makes no call.

        Raises:
            ConfigurationError: It cannot.
        """

    def headers(self) -> Mapping[str, str]:
        """Give the headers that sign a call made now.

        Raises:
            Error: There is no way to sign in.
        """

    def secrets(self, headers: Mapping[str, str]) -> list[str]:
        """Give what is secret in headers that signed a call."""

    def refused(self, headers: Mapping[str, str]) -> bool:
        """Take note that headers were refused; tells whether there may be others to try."""

    def close(self) -> None:
        """Give back the connections."""


class Account:
    """Whose account is read: where the key is kept, and the user or client it belongs to."""

    def __init__(self, key: SecretRef, user: str | None) -> None:
        self._key = key
        self._user = user

    def __repr__(self) -> str:
        return f"Account({self._key}, {self._user})"

    def key(self) -> str:
        """Give the key.

        Raises:
            ConfigurationError: It cannot be read.
        """
        return self._key.reveal()

    def user(self) -> str:
        """Give the user or client.

        Raises:
            ConfigurationError: None is configured.
        """
        if self._user is None:
            raise ConfigurationError("no user is configured", hint="Set `user:` where the source is configured.")
        return self._user


def sign_in(
    auth: Auth,
    account: Account,
    *,
    name: str,
    timer: Timer,
    transport: Callable[[], httpx.BaseTransport],
    base_url: str,
) -> SignIn:
    """Give the sign-in that a description names.

    Args:
        auth: The kind.
        account: Whose key it is.
        name: The system's name, for messages.
        timer: Tells elapsed time.
        transport: Makes what sends the calls that sign in.
        base_url: Where the API is.
    """
    if isinstance(auth, ClientCredentials):
        return _Tokens(auth, account, name=name, timer=timer, transport=transport(), base_url=base_url)
    return _Constant(auth, account)


class _Constant:
    """A sign-in that is the same for every call."""

    calls = 0

    def __init__(self, auth: Auth, account: Account) -> None:
        self._auth = auth
        self._account = account

    def __repr__(self) -> str:
        return f"SignIn({self._auth.kind}, {self._account!r})"

    def ready(self) -> None:
        self.headers()

    def headers(self) -> Mapping[str, str]:
        key = self._account.key()
        if isinstance(self._auth, Header):
            return {self._auth.name: self._auth.prefix + key}
        if isinstance(self._auth, Basic):
            return {"Authorization": "Basic " + b64encode(self._pair(self._auth, key).encode()).decode()}
        return {"Authorization": f"Bearer {key}"}

    def _pair(self, auth: Basic, key: str) -> str:
        if auth.key_is == "user":
            return f"{key}:{auth.other}"
        return f"{self._account.user() if auth.other is None else auth.other}:{key}"

    def secrets(self, headers: Mapping[str, str]) -> list[str]:
        return [self._account.key(), *(value.rpartition(" ")[2] for value in headers.values())]

    def refused(self, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 - there is only one
        return False

    def close(self) -> None:
        """Give back nothing: no call is made."""


class _Tokens:
    """Mints bearers from a client's credentials; one at a time, shared by all threads, never shown.

    A bearer is used until shortly before it expires, by the timer's elapsed time, or until it is refused.
    """

    def __init__(
        self,
        auth: ClientCredentials,
        account: Account,
        *,
        name: str,
        timer: Timer,
        transport: httpx.BaseTransport,
        base_url: str,
    ) -> None:
        self._auth = auth
        self._account = account
        self._name = name
        self._endpoint = TokenEndpoint(
            base_url, auth.path, name=name, update="Check `auth`.", timer=timer, transport=transport
        )
        self._bearer = Bearer(self._mint, timer, release=self._endpoint.close)

    def __repr__(self) -> str:
        return f"SignIn(client_credentials, {self._account!r})"

    @property
    def calls(self) -> int:
        return self._endpoint.calls

    def ready(self) -> None:
        self._account.user()
        self._account.key()

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._bearer.get()}"}

    def secrets(self, headers: Mapping[str, str]) -> list[str]:
        return [self._account.key(), headers.get("Authorization", "").rpartition(" ")[2]]

    def refused(self, headers: Mapping[str, str]) -> bool:
        self._bearer.refused(headers.get("Authorization", "").removeprefix("Bearer "))
        return True

    def close(self) -> None:
        self._bearer.close()

    def _mint(self) -> Token:
        client, secret = self._account.user(), self._account.key()
        sent = self._sent(client, secret)
        return self._endpoint.ask(lambda response: self._refused(response, secret), [secret], **sent)

    def _sent(self, client: str, secret: str) -> dict[str, Any]:
        fields = {"grant_type": "client_credentials"}
        if self._auth.scope is not None:
            fields["scope"] = self._auth.scope
        if self._auth.send == "basic":
            return {"data": fields, "auth": (client, secret)}
        fields |= {"client_id": client, "client_secret": secret}
        return {"json": fields} if self._auth.send == "json" else {"data": fields}

    def _refused(self, response: Response, secret: str) -> ConnectorError | None:
        status = response.status
        if 200 <= status < 300:
            return None
        if 300 <= status < 400:
            hint = "Set base_url to the API's own address."
            return PermanentError(
                f"{self._name} answered the sign-in with {status}, a redirect; not followed", hint=hint
            )
        reason = masked(_reason(response.body), [secret])
        if status in {400, 401, 403, 422}:
            return AuthorizationError(
                f"{self._name} does not accept the client ({status}): {reason}",
                hint="Check `user` and `key` of the source; the client must be allowed to use client credentials.",
            )
        text = f"the sign-in at {self._name} failed ({status}): {reason}"
        if status == 429 or retry_after(response) is not None:
            return RateLimited(text, retry_after=retry_after(response), hint=_LATER)
        return (RetryableError if status >= 500 else PermanentError)(text, hint=_LATER)


class _Reason(msgspec.Struct):
    error: str = ""
    error_description: str = ""


def _reason(body: bytes) -> str:
    try:
        found = msgspec.json.decode(body, type=_Reason)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "without a reason we can read"
    line = ": ".join(part for part in (found.error, found.error_description) if part)
    return "".join(sign if sign.isprintable() else " " for sign in line)[:300] or "without a reason we can read"

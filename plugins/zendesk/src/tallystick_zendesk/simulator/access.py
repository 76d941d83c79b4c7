"""Who may read: OAuth client credentials, and the old API tokens.

Any client may mint a token, except with a secret that begins with `wrong`; a client whose id begins with `agent` acts
as an agent, every other as the admin of the plan. A minted token has the scopes that were asked for. Basic
authentication takes `<address of an agent or admin>/token` and any token that does not begin with `wrong`.
https://developer.zendesk.com/documentation/api-basics/authentication/oauth-migration/.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from tallystick.testing.instants import iso
from tallystick_zendesk.simulator.draft import Obj
from tallystick_zendesk.simulator.errors import WireError
from tallystick_zendesk.simulator.query import Call
from tallystick_zendesk.simulator.world import World

__all__ = ["Access", "Reader"]


@dataclass(slots=True)
class Reader:
    """Who a call comes from: the user it acts as and the scopes it has; an API token has none and may do all."""

    user: int
    scopes: tuple[str, ...] | None = None
    client: str = ""
    serial: int = 0
    expires_at: int | None = None
    calls_left: int | None = None

    def row(self) -> Obj:
        """Give the token as `oauth/tokens/current` shows it."""
        return {
            "token": {
                "url": f"https://nordwind.zendesk.com/api/v2/oauth/tokens/{self.serial}.json",
                "id": self.serial,
                "user_id": self.user,
                "client_id": self.serial + 10_000,
                "scopes": list(self.scopes or ()),
                "expires_at": None if self.expires_at is None else iso(self.expires_at),
                "refresh_token": None,
            }
        }


class Access:
    """The tokens of one account.

    Args:
        seed: Same seed, same tokens.
        expires_in: Virtual seconds a token lives.
        token_calls: Calls a token lives; None for any number.
    """

    def __init__(self, seed: int, *, expires_in: int, token_calls: int | None) -> None:
        self._seed = seed
        self._expires_in = expires_in
        self._token_calls = token_calls
        self._readers: dict[str, Reader] = {}

    @property
    def minted(self) -> int:
        """How many tokens were minted."""
        return len(self._readers)

    @property
    def tokens(self) -> Collection[str]:
        """The tokens that were minted, good or not."""
        return self._readers.keys()

    def expire(self) -> None:
        """Let no token be good that is out."""
        for reader in self._readers.values():
            reader.calls_left = 0

    def mint(self, world: World, body: bytes) -> Obj:
        """Answer `POST /oauth/tokens`; the body is JSON or a form.

        Raises:
            WireError: 400 or 401; the grant, the client or the secret is refused.
        """
        asked = _fields(body)
        if asked.get("grant_type") != "client_credentials":
            raise _refusal(400, "unsupported_grant_type", "The authorization grant type is not supported.")
        client, secret = asked.get("client_id", ""), asked.get("client_secret", "")
        if not client or not secret or secret.startswith("wrong"):
            raise _refusal(401, "invalid_client", "Client authentication failed.")
        scopes = tuple(asked.get("scope", "read").split())
        user = _agent(world) if client.startswith("agent") else world.plan.me
        serial = len(self._readers) + 1
        token = hashlib.sha256(f"{self._seed}/{serial}".encode()).hexdigest()
        self._readers[token] = Reader(
            user, scopes, client, serial, expires_at=world.now + self._expires_in, calls_left=self._token_calls
        )
        return {
            "access_token": token,
            "token_type": "bearer",
            "scope": " ".join(scopes),
            "expires_in": self._expires_in,
        }

    def reader(self, call: Call, world: World) -> Reader:
        """Tell who calls, and count the call against the life of the token.

        Raises:
            WireError: 401; nobody known, or a token that has expired.
        """
        scheme, _, text = call.headers.get("authorization", "").partition(" ")
        found = _basic(text, world) if scheme.lower() == "basic" else self._readers.get(text.strip())
        if found is None or (scheme.lower() not in {"basic", "bearer"}):
            raise WireError.unauthenticated()
        if found.expires_at is not None and found.expires_at <= world.now:
            raise WireError.unauthenticated()
        if found.calls_left is not None:
            if found.calls_left <= 0:
                raise WireError.unauthenticated()
            found.calls_left -= 1
        return found

    def permit(self, reader: Reader, call: Call, world: World) -> None:
        """Refuse what the reader may not do: exports and ratings are for admins, audits need the broad scope.

        Raises:
            WireError: 403, or 404 where a token is asked for and there is none.
        """
        scopes = reader.scopes
        if call.method != "GET" and (scopes is None or "write" not in scopes):
            raise WireError.forbidden("The token does not have the write scope.")
        narrow = "auditlogs:read" if "audits" in call.path else "tickets:read"
        if scopes is not None and "read" not in scopes and (narrow not in scopes or "audits" in call.path):
            raise WireError.forbidden("The token does not have the read scope.")
        role = world.people[reader.user].row["role"]
        if call.path.startswith(("/incremental/", "/satisfaction_ratings")) and role != "admin":
            raise WireError.forbidden()
        if role == "end-user" and call.path != "/users/me":
            raise WireError.forbidden()

    def forget(self) -> None:
        """Drop all tokens."""
        self._readers.clear()


def _fields(body: bytes) -> Mapping[str, str]:
    try:
        found = json.loads(body)
    except ValueError:
        return dict(parse_qsl(body.decode("utf-8", "replace")))
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def _refusal(status: int, error: str, text: str) -> WireError:
    return WireError(status, {"error": error, "error_description": text})


def _agent(world: World) -> int:
    return next((key for key, person in sorted(world.people.items()) if person.row["role"] == "agent"), world.plan.me)


def _basic(text: str, world: World) -> Reader | None:
    try:
        user, _, token = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    address = user.removesuffix("/token")
    if address == user or not token or token.startswith("wrong"):
        return None
    found = (person for person in world.people.values() if person.row["email"] == address and person.staff)
    person = next(found, None)
    return None if person is None else Reader(person.id)

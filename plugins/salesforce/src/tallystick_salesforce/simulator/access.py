"""Who reads: OAuth client credentials and signed assertions, and the tokens they give.

Any consumer may have a token by client credentials, except with a secret or a key that begins with `wrong`; it acts as
the reader of the plan. A signed assertion is checked against the public key of the simulator, its audience, its time by
the clock of the machine (as clients sign with it), and its subject, who must be an active user of the org.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from tallystick_salesforce.simulator.call import Call
from tallystick_salesforce.simulator.errors import TokenError, WireError
from tallystick_salesforce.simulator.values import Row
from tallystick_salesforce.simulator.world import World

__all__ = ["Access"]

_ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LOGIN = "https://login.salesforce.com"


@dataclass(frozen=True, slots=True)
class _Session:
    user: str
    until: int


class Access:
    """The tokens of one org.

    Args:
        world: The org.
        seed: Same seed, same tokens.
        expires_in: Virtual seconds a token lives.
        public_key: The key, in PEM, of the certificate that assertions are signed with; without it all are refused.
    """

    def __init__(self, world: World, *, seed: int, expires_in: int, public_key: str | None) -> None:
        self._world = world
        self._seed = seed
        self._expires_in = expires_in
        self._public_key = public_key
        self._sessions: dict[str, _Session] = {}
        self.minted = 0

    @property
    def tokens(self) -> list[str]:
        """The tokens that were given out."""
        return list(self._sessions)

    def mint(self, call: Call) -> dict[str, Any]:
        """Answer the token endpoint.

        Raises:
            TokenError: 400; the grant, the consumer or the assertion is refused.
        """
        form = dict(parse_qsl(call.body.decode("utf-8", "replace")))
        grant = form.get("grant_type")
        if grant == "client_credentials":
            user = self._consumer(call, form)
        elif grant == _ASSERTION:
            user = self._subject(call, form.get("assertion", ""))
        else:
            raise TokenError("unsupported_grant_type", "grant type not supported")
        self.minted += 1
        organization = self._organization()["Id"]
        digest = hashlib.sha256(f"{self._seed}/{self.minted}".encode()).hexdigest()
        token = f"{organization[:15]}!AQ{digest}"
        self._sessions[token] = _Session(user, self._world.now + self._expires_in)
        return {
            "access_token": token,
            "signature": base64.b64encode(hashlib.sha256(token.encode()).digest()).decode(),
            "scope": "api",
            "instance_url": call.origin,
            "id": f"{_LOGIN}/id/{organization}/{user}",
            "token_type": "Bearer",
            "issued_at": str(self._world.now * 1000),
        }

    def user(self, call: Call) -> str:
        """Tell who calls.

        Raises:
            WireError: 401; the token is unknown, expired or missing.
        """
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme and scheme.lower() not in {"bearer", "oauth"}:
            raise WireError(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")
        session = self._sessions.get(token.strip())
        if session is None or session.until <= self._world.now:
            raise WireError.session()
        return session.user

    def info(self, call: Call) -> dict[str, Any]:
        """Answer `userinfo`.

        Raises:
            WireError: 401; nobody is signed in.
        """
        row, organization = self._row(self.user(call)), self._organization()
        return {
            "sub": f"{_LOGIN}/id/{organization['Id']}/{row['Id']}",
            "user_id": row["Id"],
            "organization_id": organization["Id"],
            "preferred_username": row["Username"],
            "name": row["Name"],
            "given_name": row["FirstName"],
            "family_name": row["LastName"],
            "email": row["Email"],
            "email_verified": True,
            "zoneinfo": row["TimeZoneSidKey"],
            "user_type": str(row["UserType"]).upper(),
            "active": row["IsActive"],
            "urls": {"rest": f"{call.origin}/services/data/v{{version}}/"},
        }

    def forget(self) -> None:
        """Drop all tokens."""
        self._sessions.clear()
        self.minted = 0

    def _consumer(self, call: Call, form: dict[str, str]) -> str:
        scheme, _, text = call.headers.get("authorization", "").partition(" ")
        key, secret = form.get("client_id", ""), form.get("client_secret", "")
        if scheme.lower() == "basic":
            try:
                key, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                key = ""
        if not key or key.startswith("wrong"):
            raise TokenError("invalid_client_id", "client identifier invalid")
        if not secret or secret.startswith("wrong"):
            raise TokenError("invalid_client", "invalid client credentials")
        return self._world.id(self._world.plan.reader)

    def _subject(self, call: Call, assertion: str) -> str:
        import jwt

        if self._public_key is None:
            raise TokenError("invalid_client", "no certificate is known for this consumer")
        try:
            claims = jwt.decode(
                assertion,
                self._public_key,
                algorithms=["RS256"],
                options={"require": ["iss", "sub", "aud", "exp"], "verify_aud": False},
            )
        except jwt.ExpiredSignatureError as error:
            raise TokenError("invalid_grant", "assertion has expired") from error
        except jwt.InvalidTokenError as error:
            raise TokenError("invalid_grant", "invalid assertion") from error
        audience = str(claims["aud"])
        if audience != call.origin and not (audience.startswith("https://") and audience.endswith(".salesforce.com")):
            raise TokenError("invalid_grant", "audience is invalid")
        if not claims["iss"] or str(claims["iss"]).startswith("wrong"):
            raise TokenError("invalid_client_id", "client identifier invalid")
        users = self._world.org.rows["User"].values()
        found = next((row for row in users if row["Username"] == claims["sub"] and row["IsActive"]), None)
        if found is None:
            raise TokenError("invalid_grant", "user hasn't approved this consumer")
        return str(found["Id"])

    def _row(self, user: str) -> Row:
        return self._world.org.rows["User"][user]

    def _organization(self) -> Row:
        return next(iter(self._world.org.rows["Organization"].values()))

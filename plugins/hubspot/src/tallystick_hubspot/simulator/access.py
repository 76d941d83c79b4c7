"""Who may read: bearers, and the OAuth grants that give them.

Every well-formed token is taken as a static one of the account (service key or private app) with all scopes, unless
`grant` gave it others; one that begins with `wrong` is nobody's, and one of the form of a minted token is taken only if
it was minted here. Something that cannot be a token is turned away by the edge, with 530. Any client gets a token for
any refresh token, unless one of its texts begins with `wrong`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import parse_qsl

from tallystick_hubspot.simulator.errors import WireError
from tallystick_hubspot.simulator.items import Obj
from tallystick_hubspot.simulator.kinds import Kind
from tallystick_hubspot.simulator.query import Call, kind_of

__all__ = ["JOURNAL", "SCOPES", "Access", "Reader", "permit"]

SCOPES = frozenset(
    {
        *("tickets", "crm.objects.contacts.read", "crm.objects.companies.read", "crm.objects.deals.read"),
        *("crm.objects.owners.read", "conversations.read"),
        *("crm.schemas.contacts.read", "crm.schemas.companies.read", "crm.schemas.deals.read"),
    }
)
"""Scopes that a token has unless it was given others."""
JOURNAL = "developer.webhooks_journal.read"
"""Scope of the journal; only client credentials have it."""

_AREAS = {"owners": "crm.objects.owners.read", "conversations": "conversations.read", "journal": JOURNAL}
_FORM = re.compile(r"[A-Za-z0-9._~+/=-]{8,}")
_MINTED = "CMinted."


@dataclass(slots=True)
class Reader:
    """Who a call comes from; a static token never expires."""

    scopes: frozenset[str]
    oauth: bool = False
    expires_at: int | None = None
    calls_left: int | None = None


class Access:
    """The tokens of one account.

    Args:
        seed: Same seed, same tokens.
        expires_in: Virtual seconds a minted token lives.
        token_calls: Calls a minted token lives; None for any number.
    """

    def __init__(self, seed: int, *, expires_in: int, token_calls: int | None) -> None:
        self._seed = seed
        self._expires_in = expires_in
        self._token_calls = token_calls
        self._granted: dict[str, frozenset[str]] = {}
        self._minted: dict[str, Reader] = {}

    @property
    def minted(self) -> int:
        """How many tokens were minted."""
        return len(self._minted)

    @property
    def tokens(self) -> Collection[str]:
        """The tokens that were minted, good or not."""
        return self._minted.keys()

    def expire(self) -> None:
        """Let no minted token be good that is out."""
        for reader in self._minted.values():
            reader.calls_left = 0

    def grant(self, token: str, scopes: list[str]) -> None:
        """Give a static token just these scopes; the refresh token of that text passes them on."""
        self._granted[token] = frozenset(scopes)

    def mint(self, call: Call, now: int) -> Obj:
        """Answer the token endpoint; the body is a form.

        Args:
            call: The call.
            now: Unix milliseconds.

        Raises:
            WireError: 400; the grant, the client, the secret or the refresh token is refused.
        """
        asked = dict(parse_qsl(call.content.decode("utf-8", "replace")))
        grant = asked.get("grant_type")
        if grant not in {"refresh_token", "client_credentials"}:
            raise _refused("BAD_GRANT_TYPE", "grant_type is missing or not known")
        needed = ["client_id", "client_secret", *(["refresh_token"] if grant == "refresh_token" else [])]
        for name in needed:
            if not asked.get(name) or asked[name].startswith("wrong"):
                raise _refused(f"BAD_{name.upper()}", f"{name} is missing or not valid")
        refresh = asked.get("refresh_token", "")
        digest = hashlib.sha256(f"{self._seed}/{len(self._minted) + 1}".encode()).hexdigest()
        scopes = self._granted.get(refresh, SCOPES) if refresh else frozenset({JOURNAL})
        expires_at = now + self._expires_in * 1_000
        self._minted[_MINTED + digest] = Reader(scopes, oauth=True, expires_at=expires_at, calls_left=self._token_calls)
        found: Obj = {"token_type": "bearer", "access_token": _MINTED + digest, "expires_in": self._expires_in}
        return {**found, "refresh_token": refresh, "scopes": sorted(scopes)} if refresh else found

    def reader(self, call: Call, now: int) -> Reader:
        """Tell who calls, and count the call against the life of the token.

        Args:
            call: The call.
            now: Unix milliseconds.

        Raises:
            WireError: 401 for nobody known or a token that has expired, 530 for what cannot be a token.
        """
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if not token or scheme.lower() != "bearer":
            raise WireError.unauthenticated()
        if not _FORM.fullmatch(token):
            raise WireError.malformed()
        if not token.startswith(_MINTED):
            if token.startswith("wrong"):
                raise WireError.unauthenticated()
            return Reader(self._granted.get(token, SCOPES))
        found = self._minted.get(token)
        if found is None:
            raise WireError.unauthenticated()
        if found.expires_at is not None and found.expires_at <= now:
            raise WireError.expired()
        if found.calls_left is not None:
            if found.calls_left <= 0:
                raise WireError.expired()
            found.calls_left -= 1
        return found

    def forget(self) -> None:
        """Drop all tokens and what they may do."""
        self._granted.clear()
        self._minted.clear()


def permit(reader: Reader, place: tuple[str, ...]) -> None:
    """Refuse what the scopes of a reader do not cover.

    Raises:
        WireError: 403; names the scopes that are missing.
    """
    missing = [needed[0] for needed in _needed(place) if not reader.scopes & set(needed)]
    if missing:
        raise WireError.scopes(sorted(set(missing)))


def _needed(place: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Give what is needed: one of each of these."""
    match place:
        case ("objects", kind, *_):
            return [(kind_of(kind).scope,)]
        case ("associations", source, target, *_) | ("linked", source, _, "associations", target):
            return [(kind_of(source).scope,), (kind_of(target).scope,)]
        case (("properties" | "pipelines"), kind, *_):
            return [_schema(kind_of(kind))]
    scope = _AREAS.get(place[0])
    return [] if scope is None else [(scope,)]


def _schema(kind: Kind) -> tuple[str, ...]:
    if kind.scope == "tickets":
        return ("tickets",)
    return (kind.scope.replace("objects", "schemas"), kind.scope)


def _refused(status: str, message: str) -> WireError:
    return WireError(400, {"status": status, "message": message})

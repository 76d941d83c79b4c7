"""Where HubSpot's API keeps what we read: the dated spelling and the older, numbered one."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["VERSION", "Paths"]

VERSION = "2026-09"
"""The dated version of the API that this connector was written for."""


@dataclass(frozen=True, slots=True)
class Paths:
    """The paths of one spelling.

    Attributes:
        version: Dated version, like `2026-09`.
        legacy: True for the numbered spelling, which loses support in 2027.
    """

    version: str = VERSION
    legacy: bool = False

    @property
    def api_version(self) -> str:
        """What records are said to be read at."""
        return "v3" if self.legacy else self.version

    def objects(self, kind: str) -> str:
        """Give the list of the objects of a kind; `/search` and `/batch/read` hang below it."""
        return f"/crm/v3/objects/{kind}" if self.legacy else f"/crm/objects/{self.version}/{kind}"

    def associations(self, source: str, target: str) -> str:
        """Give where associations are read for many objects at once."""
        base = "/crm/v4/associations" if self.legacy else f"/crm/associations/{self.version}"
        return f"{base}/{source}/{target}/batch/read"

    def properties(self, kind: str) -> str:
        """Give the list of the properties of a kind."""
        return f"/crm/v3/properties/{kind}" if self.legacy else f"/crm/properties/{self.version}/{kind}"

    def pipelines(self, kind: str) -> str:
        """Give the pipelines of a kind, with their stages."""
        return f"/crm/v3/pipelines/{kind}" if self.legacy else f"/crm/pipelines/{self.version}/{kind}"

    @property
    def owners(self) -> str:
        """The list of owners."""
        return "/crm/v3/owners" if self.legacy else f"/crm/owners/{self.version}"

    @property
    def threads(self) -> str:
        """The list of conversation threads; messages hang below one of them."""
        return (
            "/conversations/v3/conversations/threads"
            if self.legacy
            else f"/conversations/conversations/{self.version}/threads"
        )

    def messages(self, thread: str) -> str:
        """Give the messages of a thread."""
        return f"{self.threads}/{thread}/messages"

    @property
    def account(self) -> str:
        """What the account is: its id, zone and currency."""
        return f"{self._account}/details"

    @property
    def usage(self) -> str:
        """How many calls were made today."""
        return f"{self._account}/api-usage/daily/private-apps"

    @property
    def token(self) -> str:
        """Where a refresh token is turned into a bearer."""
        return "/oauth/v1/token" if self.legacy else f"/oauth/{self.version}/token"

    @property
    def _account(self) -> str:
        return "/account-info/v3" if self.legacy else f"/account-info/{self.version}"

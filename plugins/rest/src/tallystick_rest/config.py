"""What `tallystick.yaml` says about the account of a described system."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from pydantic import Field, field_validator

from tallystick.connectors import CustomField, HttpConfig, SecretRef
from tallystick.connectors.mapping import ProjectPath

__all__ = ["AccountConfig", "RestConfig"]


class AccountConfig(HttpConfig):
    """What `tallystick.yaml` may say about an account, whatever the system.

    Attributes:
        base_url: Where the API is; the description's own address unless told.
        key: Where the key (token, password, client secret) is kept: `env:NAME`, `file:/path` or `keyring:service/name`.
        user: The user or OAuth client it belongs to, where the description says that there is one.
        start: How far back the first load goes: from 00:00 UTC of that day.
        allow_private: Let `base_url` lead into a private network, for a system inside the buyer's own.
        requests_per_second: Calls a second, instead of the description's: the buyer's own traffic shares the limit.
        page_size: Objects of a page, if fewer than the description says, where its pages take too long.
    """

    base_url: str = ""
    key: SecretRef
    user: str | None = Field(default=None, pattern=r"^[\x21-\x39\x3b-\x7e]{1,200}$")
    start: date
    allow_private: bool = False
    requests_per_second: float | None = Field(default=None, gt=0, le=10_000, allow_inf_nan=False)
    page_size: int | None = Field(default=None, ge=1, le=10_000)

    described_by: ClassVar[str] = ""
    """The description that comes with the connector."""

    @field_validator("custom")
    @classmethod
    def _check_custom(cls, value: dict[str, dict[str, CustomField]]) -> dict[str, dict[str, CustomField]]:
        if any("mapping" in fields for fields in value.values()):
            raise ValueError("mapping is a field that every record of a description has; choose another name")
        return value

    @property
    def description_path(self) -> str:
        """The description's file."""
        return self.described_by


class RestConfig(AccountConfig):
    """What `tallystick.yaml` may say about a system that the buyer described.

    Attributes:
        description: The file that describes the system, relative to the project file.
    """

    description: ProjectPath

    @property
    def description_path(self) -> str:
        """The description's file."""
        return self.description

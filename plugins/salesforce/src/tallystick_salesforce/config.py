"""What `tallystick.yaml` may say about a Salesforce org."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from tallystick.connectors import CustomField, HttpConfig, SecretRef
from tallystick.errors import ConfigurationError
from tallystick_salesforce.catalog import ENTITIES, SNAPSHOTS
from tallystick_salesforce.client import API_VERSION
from tallystick_salesforce.fields import EXTERNAL, STATUS
from tallystick_salesforce.org import Settings
from tallystick_salesforce.soql import name

__all__ = ["SalesforceConfig"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CUSTOM = sorted({entity.custom for entity in ENTITIES if entity.custom})
_OPTIONAL = sorted({entity.name for entity in ENTITIES} | {snapshot.name for snapshot in SNAPSHOTS} - {"User"})

UserId = Annotated[str, StringConstraints(pattern=r"^005[A-Za-z0-9]{12}([A-Za-z0-9]{3})?$")]
Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Rate = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
MeetingStatus = Literal["scheduled", "completed", "no_show", "canceled", "rescheduled"]
CaseStatus = Literal["new", "open", "pending", "hold", "solved", "closed"]


class SalesforceConfig(HttpConfig):
    """What `tallystick.yaml` may say about a Salesforce org.

    Exactly one sign-in is needed: `client_id` with `client_secret` (client credentials), or `client_id` with `username`
    and `private_key` (JWT bearer).

    Attributes:
        base_url: The org's own origin, like `https://acme.my.salesforce.com`.
        login_url: Origin of the token endpoint, where it is another one.
        client_id: Consumer key of the external client app.
        client_secret: Where its secret is kept: `env:NAME`, `file:/path` or `keyring:service/name`.
        username: Whom the app signs in as, with `private_key`.
        private_key: Where the PEM of the app's private key is kept: `file:/path`, or its base64 on one line elsewhere.
        audience: Whom the signed assertion is for: `login`, or `test` for a sandbox.
        api_version: Version of the API.
        start: How far back the first load goes: from 00:00 UTC of that day.
        without: Objects that the org does not use; without this, one that cannot be read stops its stream.
        meeting_status_field: Field of events that tells how a meeting went.
        meeting_status_values: Our word for a value in it; letters' case does not matter.
        meeting_external_id_field: Field of events with what the calendar or the conference calls a meeting.
        case_status_values: Our word for a status of a case, where it is not simply open or solved.
        closed_case_statuses: Statuses that close a case; none: those the org says.
        currency: Currency of amounts that do not name theirs; without it, the one the org says.
        vendor_user_ids: The vendor's users, for `check`: they exist, and the reader is none of them.
        requests_per_minute: Calls a minute, of all streams and look-ups together.
        stop_at_org_use: Share of the org's daily calls at whose use we stop, whoever used them.
        share_per_run: Share of the org's daily calls that one run may use.
        bulk_above: Rows of a first load above which it is read in bulk; null: never.
    """

    login_url: str | None = None
    client_id: str | None = Field(default=None, min_length=1, max_length=300)
    client_secret: SecretRef | None = None
    username: str | None = Field(default=None, pattern=r"^[^\s@]+@[^\s@]+$", max_length=200)
    private_key: SecretRef | None = None
    audience: Literal["login", "test"] = "login"
    api_version: str = Field(default=API_VERSION, pattern=r"^[1-9][0-9]{1,2}\.0$")
    start: date
    without: list[str] = Field(default=[])
    meeting_status_field: str | None = None
    meeting_status_values: dict[str, MeetingStatus] = Field(default={})
    meeting_external_id_field: str | None = None
    case_status_values: dict[str, CaseStatus] = Field(default={})
    closed_case_statuses: list[str] = Field(default=[])
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    vendor_user_ids: list[UserId] = Field(default=[])
    requests_per_minute: Rate = 600
    stop_at_org_use: Share = 0.8
    share_per_run: Share = 0.25
    bulk_above: int | None = Field(default=10_000, ge=1)

    @field_validator("base_url", "login_url")
    @classmethod
    def _check_origin(cls, value: str | None) -> str | None:
        if value is None:
            return None
        cls._check_base_url(value)
        if urlsplit(value).path.strip("/"):
            raise ValueError("write the origin alone, like https://acme.my.salesforce.com")
        return value.rstrip("/")

    @field_validator("custom")
    @classmethod
    def _check_custom(cls, value: dict[str, dict[str, CustomField]]) -> dict[str, dict[str, CustomField]]:
        unknown = sorted(set(value) - set(_CUSTOM))
        if unknown:
            raise ValueError(
                f"no custom fields for {', '.join(unknown)}; they can be declared for: {', '.join(_CUSTOM)}"
            )
        for field in (field for fields in value.values() for field in fields.values()):
            _check_name(field.path)
        return value

    @field_validator("meeting_status_field", "meeting_external_id_field")
    @classmethod
    def _check_field(cls, value: str | None) -> str | None:
        return None if value is None else _check_name(value)

    @field_validator("without")
    @classmethod
    def _check_without(cls, value: list[str]) -> list[str]:
        unknown = sorted(set(value) - set(_OPTIONAL))
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is not read anyway; what can be left out: {', '.join(_OPTIONAL)}")
        return value

    @model_validator(mode="after")
    def _check_sign_in(self) -> Self:
        ways = [self.client_secret is not None], [self.username is not None, self.private_key is not None]
        whole = self.client_id is not None and all(ways[0]) != all(ways[1]) and any(ways[0]) != any(ways[1])
        # None at all is told when it is used: a project that was only just begun has none yet.
        if not whole and (self.client_id is not None or any(ways[0]) or any(ways[1])):
            raise ValueError("give client_id with client_secret, or with username and private_key, and not both")
        return self

    @model_validator(mode="after")
    def _check_statuses(self) -> Self:
        if bool(self.meeting_status_values) != (self.meeting_status_field is not None):
            raise ValueError("give meeting_status_field and meeting_status_values together")
        return self

    def settings(self) -> Settings:
        """Give what the streams look at."""
        delta = datetime.combine(self.start, datetime.min.time(), UTC) - _EPOCH
        custom = {kind: dict(fields) for kind, fields in self.custom.items()}
        fills = {STATUS: self.meeting_status_field, EXTERNAL: self.meeting_external_id_field}
        for key, path in fills.items():
            if path is not None:
                custom.setdefault("meeting", {})[key] = CustomField(path=path)
        return Settings(
            start=delta.days * 86_400_000_000,
            custom=custom,
            without=frozenset(self.without),
            bulk_above=self.bulk_above,
            meeting_statuses={said.strip().lower(): word for said, word in self.meeting_status_values.items()},
            case_statuses={said.strip().lower(): word for said, word in self.case_status_values.items()},
            closed_statuses=frozenset(said.strip().lower() for said in self.closed_case_statuses),
            currency=self.currency,
        )


def _check_name(path: str) -> str:
    try:
        return name(path)
    except ConfigurationError as error:
        raise ValueError(error.hint) from None

"""What `tallystick.yaml` may say about a HubSpot account."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator, model_validator

from tallystick.connectors import CustomField, HttpConfig, SecretRef
from tallystick_hubspot.kinds import KINDS
from tallystick_hubspot.paths import VERSION, Paths
from tallystick_hubspot.settings import Settings

__all__ = ["OUTCOME", "STARTER", "Candidates", "Conference", "HubSpotConfig", "instant"]

STARTER = """\
# Where the service key (or an app's static token) is kept, never the key itself.
token: env:HUBSPOT_TOKEN
# Users and applications that are the vendor's, by their ids in HubSpot: `tallystick check` looks for them.
vendor_user_ids: []
vendor_app_ids: []
# Properties of the account, typed; their history is read, and they can be used in clauses.
# custom:
#   meeting:
#     accepted: {path: properties.accepted_by_ae, type: boolean}
"""

OUTCOME = """\
resolved:
  source: crm
  uses: ticket-resolved
  # bots: the ids under which the AI agent acts in HubSpot; without it, the vendor's identities in `crm`.
  with: {bots: ["app:77123"], preset: buyer-strict}
  price: {per_unit: 1}
"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _as_text(value: Any) -> Any:
    return str(value) if type(value) is int else value


Number = Annotated[str, BeforeValidator(_as_text), StringConstraints(pattern=r"^[0-9]{1,20}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,100}$")]
Text = Annotated[str, BeforeValidator(_as_text), StringConstraints(min_length=1, max_length=200)]
Rate = Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)]
KindName = Literal["companies", "contacts", "deals", "meetings", "calls", "tickets"]
CallStatus = Literal["connected", "no_answer", "busy", "voicemail", "wrong_number", "other"]
MeetingStatus = Literal["scheduled", "completed", "no_show", "canceled", "rescheduled"]


class Candidates(BaseModel):
    """Which objects' histories and conversations are read; those that meet all that is set.

    Attributes:
        pipelines: Pipelines of tickets and deals, by id.
        owner_ids: Owners, by user id or owner id.
        created_after: From 00:00 UTC of that day.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pipelines: list[Text] = []
    owner_ids: list[Number] = []
    created_after: date | None = None


class Conference(BaseModel):
    """By which values of which property of a call it was a conference."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    property: Name
    values: list[Text] = Field(min_length=1)


class HubSpotConfig(HttpConfig):
    """What `tallystick.yaml` may say about a HubSpot account.

    Exactly one sign-in is needed: `token`, or `client_id` with `client_secret` and `refresh_token`.

    Attributes:
        base_url: The API's origin.
        token: Where a service key, an app's static token or an older private app's token is kept.
        client_id: The OAuth client.
        client_secret: Where its secret is kept.
        refresh_token: Where its refresh token is kept.
        start: How far back the first load goes: from 00:00 UTC of that day.
        version: Dated version of the API.
        legacy: True for the older, numbered paths.
        objects: Kinds of objects that are read.
        history: Properties whose history is read, by kind of object, instead of the usual ones.
        candidates: Which objects' histories and conversations are read.
        threads: Whether conversations of tickets are read.
        recheck_threads: Whether those of open tickets are read again in every run, whatever the ticket's stamp says.
        lag_minutes: How long after its end a window has to be read to count as read; the search index lags behind.
        page_size: Objects of a page, at most: fewer where they are so large that a page takes too long.
        recheck_days: How long after its time a meeting or call counts as open: its associations are read again.
        role: What the role of a user is: `agent` for each, or the name of the `team` where there is one.
        call_dispositions: Status of a call by the id of its disposition, beside HubSpot's own.
        meeting_outcomes: Status of a meeting by its outcome, beside HubSpot's own.
        call_conference: By which property a call was a conference.
        call_meeting: The property of a call with the id of its meeting, or `association`.
        call_external_id: The property of a call with what its telephone system or conference calls it.
        meeting_external_id: The property of a meeting with what its calendar calls it.
        lookup_through_sdk: Whether `lookup` goes through hubspot-api-client, which knows the numbered paths only.
        vendor_user_ids: The vendor's users, for `check`.
        vendor_app_ids: The vendor's applications, for `check`.
        account_executive_ids: The roster of account executives by user id, for `check`.
        searches_per_second: Searches of all streams together; the limit of the account is 5.
        requests_per_second: All other calls together; 9 for Starter, 18 for Professional and Enterprise.
    """

    base_url: str = "https://api.hubapi.com"
    token: SecretRef | None = None
    client_id: str | None = Field(default=None, min_length=1, max_length=200)
    client_secret: SecretRef | None = None
    refresh_token: SecretRef | None = None
    start: date
    version: str = Field(default=VERSION, pattern=r"^[0-9]{4}-[0-9]{2}(-beta)?$")
    legacy: bool = False
    objects: list[KindName] = Field(default=list(get_args(KindName)), min_length=1)
    history: dict[KindName, list[Name]] = Field(default={})
    candidates: Candidates = Candidates()
    threads: bool = True
    recheck_threads: bool = False
    lag_minutes: int = Field(default=60, ge=0, le=10_080)
    page_size: int = Field(default=200, ge=1, le=200)
    recheck_days: int = Field(default=14, ge=0, le=365)
    role: Literal["agent", "team"] = "agent"
    call_dispositions: dict[Text, CallStatus] = Field(default={})
    meeting_outcomes: dict[Text, MeetingStatus] = Field(default={})
    call_conference: Conference | None = None
    call_meeting: Name | None = None
    call_external_id: Name | None = None
    meeting_external_id: Name | None = None
    lookup_through_sdk: bool = True
    vendor_user_ids: list[Number] = Field(default=[])
    vendor_app_ids: list[Number] = Field(default=[])
    account_executive_ids: list[Number] = Field(default=[])
    searches_per_second: Rate = 5
    requests_per_second: Rate = 9

    @field_validator("custom")
    @classmethod
    def _check_custom(cls, value: dict[str, dict[str, CustomField]]) -> dict[str, dict[str, CustomField]]:
        records = [kind.record for kind in KINDS.values()]
        unknown = sorted(set(value) - set(records))
        if unknown:
            raise ValueError(
                f"no custom fields for {', '.join(unknown)}; they can be declared for: {', '.join(records)}"
            )
        paths = [field.path for fields in value.values() for field in fields.values()]
        if any(not path.removeprefix("properties.").isidentifier() or "." not in path for path in paths):
            raise ValueError("write a path as properties.<internal name of the property>")
        return value

    @model_validator(mode="after")
    def _check_sign_in(self) -> Self:
        client = [self.client_id is not None, self.client_secret is not None, self.refresh_token is not None]
        # None at all is told when it is used: a project that was only just begun has none yet.
        if any(client) != all(client) or (self.token is not None and any(client)):
            raise ValueError("give token, or client_id, client_secret and refresh_token, and not both")
        return self

    @property
    def paths(self) -> Paths:
        """How paths are spelled."""
        return Paths(self.version, self.legacy)

    @property
    def settings(self) -> Settings:
        """What decides how objects become records."""
        conference, narrowed = self.call_conference, self.candidates
        return Settings(
            custom=self.custom,
            history={kind: tuple(names) for kind, names in self.history.items()},
            pipelines=frozenset(narrowed.pipelines),
            owners=frozenset(narrowed.owner_ids),
            created_after=0 if narrowed.created_after is None else instant(narrowed.created_after),
            dispositions={key.strip().lower(): word for key, word in self.call_dispositions.items()},
            outcomes={key.strip().upper(): word for key, word in self.meeting_outcomes.items()},
            conference=None if conference is None else (conference.property, frozenset(conference.values)),
            call_meeting=self.call_meeting,
            call_external_id=self.call_external_id,
            meeting_external_id=self.meeting_external_id,
            threads=self.threads,
            recheck_threads=self.recheck_threads,
            role=self.role,
        )


def instant(day: date) -> int:
    """Give 00:00 UTC of a day, microseconds."""
    return (datetime.combine(day, datetime.min.time(), UTC) - _EPOCH).days * 86_400_000_000

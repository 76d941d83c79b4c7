"""The Zendesk connector: its configuration, and how its parts fit together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, StringConstraints, field_validator, model_validator

from tallystick.connectors import (
    CheckRow,
    Connector,
    ConnectorConfig,
    CustomField,
    HttpConfig,
    Retry,
    SecretRef,
    Stream,
    Timer,
)
from tallystick.errors import ConfigurationError
from tallystick.records.model import Record
from tallystick_zendesk.acts import ActReader
from tallystick_zendesk.check import CheckSettings, check_source
from tallystick_zendesk.client import API_VERSION, Buckets, ZendeskApi
from tallystick_zendesk.lookup import Lookup
from tallystick_zendesk.mapping import TicketReader
from tallystick_zendesk.streams import build_streams, revision
from tallystick_zendesk.tokens import ApiToken, NoSignIn, SignIn, TokenProvider

__all__ = ["ZendeskConfig", "ZendeskConnector"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_WAIT = 90.0
_STARTER = """\
# A confidential OAuth client with the scope read that may use client credentials; where its secret is kept, never it.
client_id: tallystick
client_secret: env:ZENDESK_CLIENT_SECRET
# Users that are the vendor's, and users that are bots, by their ids in Zendesk: `tallystick check` looks for them.
vendor_user_ids: []
bot_user_ids: []
# Ticket fields by their ids, typed; they can then be used in clauses.
# custom:
#   ticket:
#     escalated: {path: custom_fields.360000000000, type: boolean}
"""

_OUTCOME = """\
resolved:
  source: support
  uses: ticket-resolved
  # bots: the ids under which the AI agent acts in Zendesk; without it, the vendor's identities in `support`.
  with: {bots: ["38100000000000"], preset: buyer-strict}
  price: {per_unit: 1}
"""


def _as_text(value: Any) -> Any:
    text = str(value) if type(value) is int else value
    return text.lstrip("0") or "0" if type(text) is str and text.isdigit() else text


UserId = Annotated[str, BeforeValidator(_as_text), StringConstraints(pattern=r"^[0-9]{1,20}$")]
Rate = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]


class ZendeskConfig(HttpConfig):
    """What `tallystick.yaml` may say about a Zendesk account.

    Exactly one sign-in is needed: `client_id` with `client_secret`, or, while Zendesk still takes it, `email` with
    `api_token`.

    Attributes:
        base_url: The account's origin, like `https://acme.zendesk.com`.
        client_id: The OAuth client that may use client credentials.
        client_secret: Where its secret is kept: `env:NAME`, `file:/path` or `keyring:service/name`.
        email: Legacy: the address of the admin whose API token is used.
        api_token: Legacy: where the API token is kept.
        start: How far back the first load goes: from 00:00 UTC of that day.
        vendor_user_ids: The vendor's users, for `check`: they exist, and the reader is none of them.
        bot_user_ids: Users that are bots, for `check`.
        merge_tags: Tags that Zendesk puts on a ticket that was merged into another one.
        requests_per_minute: Calls a minute to all but the exports, of all streams and look-ups together; the buyer's
            own traffic shares the limit of the account.
        export_requests_per_minute: Calls a minute to the exports of tickets and events.
        user_export_requests_per_minute: Calls a minute to the export of users.
        page_size: Rows per page of an export; fewer where pages time out.
        satisfaction_ratings: Whether the list of ratings is read; false where the plan has none.
    """

    client_id: str | None = Field(default=None, min_length=1, max_length=200)
    client_secret: SecretRef | None = None
    email: str | None = Field(default=None, pattern=r"^[^\s:@]+@[^\s:@]+$", max_length=200)
    api_token: SecretRef | None = None
    start: date
    vendor_user_ids: list[UserId] = Field(default=[])
    bot_user_ids: list[UserId] = Field(default=[])
    merge_tags: list[Annotated[str, StringConstraints(pattern=r"^\S+$")]] = Field(default=["closed_by_merge"])
    requests_per_minute: Rate = 200
    export_requests_per_minute: Rate = 10
    user_export_requests_per_minute: Rate = 20
    page_size: int = Field(default=1_000, ge=1, le=1_000)
    satisfaction_ratings: bool = True

    @field_validator("custom")
    @classmethod
    def _check_custom(cls, value: dict[str, dict[str, CustomField]]) -> dict[str, dict[str, CustomField]]:
        unknown = sorted(set(value) - {"ticket"})
        if unknown:
            raise ValueError(f"no custom fields for {', '.join(unknown)}; they can be declared for: ticket")
        return value

    @model_validator(mode="after")
    def _check_sign_in(self) -> Self:
        client = [self.client_id is not None, self.client_secret is not None]
        legacy = [self.email is not None, self.api_token is not None]
        # None at all is told when it is used: a project that was only just begun has none yet.
        if any(client) != all(client) or any(legacy) != all(legacy) or (any(client) and any(legacy)):
            raise ValueError("give client_id and client_secret, or (legacy) email and api_token, and not both")
        return self


class ZendeskConnector(Connector):
    """Zendesk: tickets, what happened to them act by act, and who did it.

    Args:
        config: A validated `ZendeskConfig`.
        timer: Waits; tests pass their own.
    """

    name: ClassVar[str] = "zendesk"
    version: ClassVar[str] = "0.1.0"
    api_version: ClassVar[str] = API_VERSION
    config_model: ClassVar[type[ConnectorConfig]] = ZendeskConfig
    starter: ClassVar[str] = _STARTER
    source_name: ClassVar[str] = "support"
    starter_outcome: ClassVar[str] = _OUTCOME

    def __init__(self, config: ZendeskConfig, *, timer: Timer | None = None) -> None:
        self._config = config
        self._timer = timer or Timer()
        self._buckets = Buckets.of(
            self._timer,
            plan=config.requests_per_minute,
            export=config.export_requests_per_minute,
            users=config.user_export_requests_per_minute,
        )
        # A refused export asks to wait for up to a minute: giving up at once would end every first load.
        self._retry = Retry(self._timer, longest=_LONGEST_WAIT)
        self._sign_in = _sign_in(config, self._timer)
        self._tickets = TicketReader(config.custom)
        self._acts = ActReader(config.merge_tags)
        self._api = self._open(self._retry)
        self._opened = [self._api]

    def streams(self) -> Sequence[Stream]:
        """Give the streams: users, tickets, events, AI agent tickets, ratings.

        Raises:
            ConfigurationError: The secret cannot be read.
        """
        self._sign_in.ready()
        config = self._config
        delta = datetime.combine(config.start, datetime.min.time(), UTC) - _EPOCH
        begun = revision(config.base_url, config.start)
        custom = config.model_dump_json(include={"custom"})
        return build_streams(
            self._api,
            self._tickets,
            self._acts,
            start=delta.days * 86_400_000_000,
            size=config.page_size,
            ratings=config.satisfaction_ratings,
            revisions={
                "users": begun,
                "tickets": revision(config.base_url, config.start, custom),
                "ticket_events": revision(config.base_url, config.start, sorted(config.merge_tags)),
                "ai_agent_tickets": begun,
                "satisfaction_ratings": begun,
            },
        )

    def check(self) -> Iterator[CheckRow]:
        """Say who the reader is, what it may do, which streams it may read, and what else to know.

        A person waits for the answer, so a call is repeated less often than in a sync.
        """
        api = self._open(Retry(self._timer, attempts=3, longest=10))
        self._opened.append(api)
        config = self._config
        return check_source(
            api,
            self._sign_in,
            CheckSettings(
                legacy=config.email is not None,
                vendor_user_ids=tuple(config.vendor_user_ids),
                bot_user_ids=tuple(config.bot_user_ids),
                requests_per_minute=config.requests_per_minute,
                ratings=config.satisfaction_ratings,
            ),
        )

    def lookup(self, ref: str) -> Sequence[Record]:
        """Read one ticket live through zenpy, with its metrics, comments and audits.

        Of an archived ticket with more audits than one page holds, the acts are left out, because Zendesk shows the
        first page only; a line in the log says so.

        Args:
            ref: The ticket's number.

        Raises:
            ConfigurationError: It is none.
            Error: A call was refused or could not be made.
        """
        if not ref.isascii() or not ref.isdigit() or len(ref) > 20:
            raise ConfigurationError("that is no ticket of Zendesk's", hint="Give the ticket's number, like 35436.")
        with Lookup(
            self._config.base_url,
            self._sign_in,
            self._tickets,
            self._acts,
            bucket=self._buckets.plan,
            retry=self._retry,
        ) as live:
            return live.records(ref)

    def calls(self) -> int:
        """Give the number of calls made so far, retries and sign-ins included."""
        return self._buckets.taken + self._sign_in.calls

    def close(self) -> None:
        """Give back the connections; every thread that waits raises `RetryableError`."""
        for api in self._opened:
            api.close()
        self._sign_in.close()

    def _open(self, retry: Retry) -> ZendeskApi:
        return ZendeskApi(self._config.base_url, self._sign_in, timer=self._timer, buckets=self._buckets, retry=retry)


def _sign_in(config: ZendeskConfig, timer: Timer) -> SignIn:
    if config.client_id is not None and config.client_secret is not None:
        return TokenProvider(config.base_url, config.client_id, config.client_secret, timer)
    if config.email is not None and config.api_token is not None:
        return ApiToken(config.email, config.api_token)
    return NoSignIn()

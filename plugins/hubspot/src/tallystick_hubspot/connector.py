"""The HubSpot connector: how its parts fit together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from tallystick.connectors import CheckRow, Connector, ConnectorConfig, Retry, Stream, Timer
from tallystick.records.model import Record
from tallystick_hubspot.check import CheckSettings, check_source
from tallystick_hubspot.client import Buckets, HubSpotApi
from tallystick_hubspot.config import OUTCOME, STARTER, HubSpotConfig, instant
from tallystick_hubspot.directory import Directory
from tallystick_hubspot.lookup import Lookup, Ref
from tallystick_hubspot.paths import VERSION
from tallystick_hubspot.streams import build_streams
from tallystick_hubspot.tokens import NoSignIn, OAuthRefresh, SignIn, StaticToken

__all__ = ["HubSpotConfig", "HubSpotConnector"]

_MINUTE = 60_000_000
_LONGEST_WAIT = 60.0


class HubSpotConnector(Connector):
    """HubSpot: meetings, calls, deals and tickets, what happened to them, and who did it.

    Args:
        config: A validated `HubSpotConfig`.
        timer: Waits; tests pass their own.
    """

    name: ClassVar[str] = "hubspot"
    version: ClassVar[str] = "0.1.0"
    api_version: ClassVar[str] = VERSION
    config_model: ClassVar[type[ConnectorConfig]] = HubSpotConfig
    starter: ClassVar[str] = STARTER
    source_name: ClassVar[str] = "crm"
    starter_outcome: ClassVar[str] = OUTCOME

    def __init__(self, config: HubSpotConfig, *, timer: Timer | None = None) -> None:
        self._config = config
        self._timer = timer or Timer()
        self._buckets = Buckets.of(
            self._timer, searches=config.searches_per_second, requests=config.requests_per_second
        )
        # A refusal without a time to wait for is repeated after one second to ten and more.
        self._retry = Retry(self._timer, first=1.0, longest=_LONGEST_WAIT)
        self._sign_in = _sign_in(config, self._timer)
        self._api = self._open(self._retry)
        self._opened = [self._api]
        # What records are said to be read at is the spelling that is really used.
        self.api_version = config.paths.api_version  # type: ignore[misc]

    def streams(self) -> Sequence[Stream]:
        """Give the streams: the owners, then of each kind of object what changed and what was deleted.

        Raises:
            ConfigurationError: The token cannot be read.
        """
        self._sign_in.ready()
        config = self._config
        return build_streams(
            self._api,
            Directory(self._api),
            config.settings,
            kinds=config.objects,
            start=instant(config.start),
            lag=config.lag_minutes * _MINUTE,
            recheck=config.recheck_days * 1_440 * _MINUTE,
            base=f"{config.base_url} {config.start}",
            size=config.page_size,
        )

    def check(self) -> Iterator[CheckRow]:
        """Say whether the token, its scopes, properties, stages, people and limits are as they must be.

        A person waits for the answer, so a call is repeated less often than in a sync.
        """
        api = self._open(Retry(self._timer, attempts=3, longest=10))
        self._opened.append(api)
        config = self._config
        return check_source(
            api,
            self._sign_in,
            Directory(api),
            config.settings,
            CheckSettings(
                kinds=tuple(config.objects),
                vendor_user_ids=tuple(config.vendor_user_ids),
                vendor_app_ids=tuple(config.vendor_app_ids),
                account_executive_ids=tuple(config.account_executive_ids),
                requests_per_second=config.requests_per_second,
                minted=config.token is None,
            ),
        )

    def lookup(self, ref: str) -> Sequence[Record]:
        """Read one object live through hubspot-api-client, with its histories, associations and conversations.

        Args:
            ref: Its record type and id, like `meeting/512`.

        Raises:
            ConfigurationError: It is none.
            Error: A call was refused or could not be made.
        """
        found = Ref.of(ref)
        config = self._config
        return Lookup(
            config.base_url,
            self._sign_in,
            self._api,
            config.settings,
            bucket=self._buckets.burst,
            retry=self._retry,
            through_sdk=config.lookup_through_sdk,
        ).records(found)

    def ref_of(self, kind: str, record_id: str) -> str:
        """Give a reference like `meeting/512`."""
        return record_id if "/" in record_id else f"{kind}/{record_id}"

    def calls(self) -> int:
        """Give the number of calls made so far, retries and sign-ins included."""
        return self._buckets.taken + self._sign_in.calls

    def close(self) -> None:
        """Give back the connections; every thread that waits raises `RetryableError`."""
        for api in self._opened:
            api.close()
        self._sign_in.close()

    def _open(self, retry: Retry) -> HubSpotApi:
        config = self._config
        return HubSpotApi(
            config.base_url, self._sign_in, paths=config.paths, timer=self._timer, buckets=self._buckets, retry=retry
        )


def _sign_in(config: HubSpotConfig, timer: Timer) -> SignIn:
    if config.token is not None:
        return StaticToken(config.token)
    if config.client_id is not None and config.client_secret is not None and config.refresh_token is not None:
        return OAuthRefresh(
            (config.base_url, config.paths.token),
            config.client_id,
            config.client_secret,
            config.refresh_token,
            timer,
        )
    return NoSignIn()

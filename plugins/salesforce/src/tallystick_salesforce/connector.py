"""The Salesforce connector: how its parts fit together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from tallystick.connectors import CheckRow, Connector, ConnectorConfig, Retry, Stream, Timer, TokenBucket
from tallystick.records.model import Record
from tallystick_salesforce.budget import Budget
from tallystick_salesforce.check import check_source
from tallystick_salesforce.client import API_VERSION, SalesforceApi
from tallystick_salesforce.config import SalesforceConfig
from tallystick_salesforce.lookup import Lookup
from tallystick_salesforce.org import Org
from tallystick_salesforce.soql import whole_id
from tallystick_salesforce.streams import build_streams
from tallystick_salesforce.tokens import ClientCredentials, JwtBearer, NoSignIn, SignIn, TokenProvider

__all__ = ["SalesforceConfig", "SalesforceConnector"]

_STARTER = """\
# An external client app that runs as a user of its own who may read and write nothing; where its secret is kept.
client_id: 3MVG9_CONSUMER_KEY
client_secret: env:SALESFORCE_CLIENT_SECRET
# The vendor's users, by their ids in Salesforce: `tallystick check` looks for them.
vendor_user_ids: []
# Objects that the org does not use: `tallystick check` says which cannot be read, and what each would tell.
without: [VideoCall, VideoCallParticipant, VoiceCall]
# Fields of your own, by their API names, typed; they can then be used in clauses.
# custom:
#   meeting:
#     accepted: {path: Meeting_Accepted__c, type: boolean}
# meeting_status_field: Meeting_Status__c
# meeting_status_values: {Completed: completed, "No Show": no_show}
"""

_OUTCOME = """\
held_meeting:
  source: crm
  uses: qualified-meeting
  with: {min_minutes: 15}
  price: {per_unit: 1}
"""


class SalesforceConnector(Connector):
    """Salesforce: meetings and deals, cases and what happened to them, and who did it.

    Args:
        config: A validated `SalesforceConfig`.
        timer: Waits; tests pass their own.
    """

    name: ClassVar[str] = "salesforce"
    version: ClassVar[str] = "0.1.0"
    api_version: ClassVar[str] = API_VERSION
    config_model: ClassVar[type[ConnectorConfig]] = SalesforceConfig
    starter: ClassVar[str] = _STARTER
    source_name: ClassVar[str] = "crm"
    starter_outcome: ClassVar[str] = _OUTCOME
    # Field history is kept for 18 months.
    memory_days: ClassVar[Mapping[str, int]] = {"change": 548}

    def __init__(self, config: SalesforceConfig, *, timer: Timer | None = None) -> None:
        # What is stored beside each record is the version it was read at, which the configuration may choose.
        vars(self)["api_version"] = config.api_version
        self._config = config
        self._timer = timer or Timer()
        self._bucket = TokenBucket(config.requests_per_minute / 60, self._timer)
        self._budget = Budget(stop_at=config.stop_at_org_use, per_run=config.share_per_run)
        self._retry = Retry(self._timer)
        self._sign_in = _sign_in(config, self._timer)
        self._settings = config.settings()
        self._api = self._open(self._retry)
        self._opened = [self._api]

    def streams(self) -> Sequence[Stream]:
        """Give the streams: users and queues, then one per object that is not left out.

        Raises:
            ConfigurationError: The secret cannot be read.
        """
        self._sign_in.ready()
        return build_streams(Org(self._api, self._settings), base_url=self._config.base_url)

    def check(self) -> Iterator[CheckRow]:
        """Say who the reader is, what it may do, what can be read of what decides, and what each loss costs.

        A person waits for the answer, so a call is repeated less often than in a sync.
        """
        api = self._open(Retry(self._timer, attempts=3, longest=10))
        self._opened.append(api)
        return check_source(Org(api, self._settings), self._sign_in, self._budget, self._config)

    def lookup(self, ref: str) -> Sequence[Record]:
        """Read one event, opportunity, lead, contact, account or case live, with its history.

        Args:
            ref: Its id, of 15 or 18 signs.

        Raises:
            ConfigurationError: It is none.
            MissingError: It was deleted for good, or the reader may not see it.
            Error: A call was refused or could not be made.
        """
        return Lookup(
            self._config.base_url,
            self._sign_in,
            Org(self._api, self._settings),
            version=self._config.api_version,
            bucket=self._bucket,
            budget=self._budget,
            retry=self._retry,
        ).records(ref)

    @classmethod
    def whole_id(cls, text: str) -> str:
        """Give an id of 15 signs, as reports show it, with all 18."""
        return whole_id(text)

    def calls(self) -> int:
        """Give the number of calls made so far, retries and sign-ins included."""
        return self._budget.calls + self._sign_in.calls

    def close(self) -> None:
        """Give back the connections; every thread that waits raises `RetryableError`."""
        for api in self._opened:
            api.close()

    def _open(self, retry: Retry) -> SalesforceApi:
        return SalesforceApi(
            self._config.base_url,
            self._sign_in,
            version=self._config.api_version,
            timer=self._timer,
            bucket=self._bucket,
            retry=retry,
            budget=self._budget,
        )


def _sign_in(config: SalesforceConfig, timer: Timer) -> SignIn:
    key, secret = config.client_id, config.client_secret
    if key is None:
        return NoSignIn()
    if secret is not None:
        credentials: ClientCredentials | JwtBearer = ClientCredentials(key, secret)
    elif config.username is not None and config.private_key is not None:
        credentials = JwtBearer(key, config.username, config.private_key, config.audience)
    else:
        return NoSignIn()
    login = config.login_url or config.base_url
    return TokenProvider(credentials, login_url=login, base_url=config.base_url, timer=timer)

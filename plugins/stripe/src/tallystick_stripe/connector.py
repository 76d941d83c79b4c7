"""The Stripe connector: its configuration, and how its parts fit together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import ClassVar

from pydantic import Field, field_validator

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
    TokenBucket,
)
from tallystick.records.model import Record
from tallystick_stripe.check import check_source
from tallystick_stripe.client import API_VERSION, StripeApi, StripeKey
from tallystick_stripe.lookup import Lookup
from tallystick_stripe.mapping import OBJECT_TYPES, Mapper
from tallystick_stripe.streams import build_streams

__all__ = ["StripeConfig", "StripeConnector"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STARTER = """\
# Metadata keys by which you mark an invoice as placed with a vendor, and when.
custom:
  invoice:
    placed_at: {path: metadata.placed_at, type: instant}
    placed_with: {path: metadata.placed_with, type: text}
"""

_OUTCOME = """\
recovered:
  source: billing
  uses: dollars-collected
  with: {agency: your-vendor, min_age_days_overdue: 30, lookback_days: 120}
  price: {percent: 10}
"""


class StripeConfig(HttpConfig):
    """What `tallystick.yaml` may say about a Stripe account.

    Attributes:
        base_url: The API's origin; a path in it is kept.
        key: Where the restricted key is kept: `env:NAME`, `file:/path` or `keyring:service/name`.
        livemode: True to read real money, False to read test mode.
        start: How far back the first load goes: from 00:00 UTC of that day.
        account: Connected account to read (`acct_...`), for platforms.
        requests_per_second: Calls a second of all streams and look-ups together; the buyer's own traffic shares the
            limit of the account.
        slices: Parallel time slices of the first load.
    """

    base_url: str = "https://api.stripe.com"
    key: SecretRef
    livemode: bool = True
    start: date
    account: str | None = Field(default=None, pattern=r"^acct_[A-Za-z0-9]+$")
    requests_per_second: float = Field(default=10, gt=0, le=10_000, allow_inf_nan=False)
    slices: int = Field(default=8, ge=1, le=64)

    @field_validator("custom")
    @classmethod
    def _check_custom(cls, value: dict[str, dict[str, CustomField]]) -> dict[str, dict[str, CustomField]]:
        known = sorted(set(OBJECT_TYPES.values()))
        unknown = sorted(set(value) - set(known))
        if unknown:
            raise ValueError(f"no record type {', '.join(unknown)}; there are: {', '.join(known)}")
        for name, field in ((name, field) for fields in value.values() for name, field in fields.items()):
            # The history of changes tells the key that changed, not the field that was declared for it.
            if field.path.startswith("metadata.") and field.path != f"metadata.{name}":
                raise ValueError(f"name the field of {field.path} after its key, not {name}")
        return value


class StripeConnector(Connector):
    """Stripe: invoices, what paid them, what went back, and Stripe's own ledger to check it against.

    Args:
        config: A validated `StripeConfig`.
        timer: Waits; tests pass their own.
    """

    name: ClassVar[str] = "stripe"
    version: ClassVar[str] = "0.1.0"
    api_version: ClassVar[str] = API_VERSION
    config_model: ClassVar[type[ConnectorConfig]] = StripeConfig
    starter: ClassVar[str] = _STARTER
    source_name: ClassVar[str] = "billing"
    starter_outcome: ClassVar[str] = _OUTCOME
    memory_days: ClassVar[Mapping[str, int]] = {"change": 30}

    def __init__(self, config: StripeConfig, *, timer: Timer | None = None) -> None:
        self._config = config
        self._timer = timer or Timer()
        self._bucket = TokenBucket(config.requests_per_second, self._timer)
        self._retry = Retry(self._timer)
        self._key = StripeKey(config.key, livemode=config.livemode)
        self._mapper = Mapper(livemode=config.livemode, custom=config.custom)
        self._api = self._open(self._retry)
        self._opened = [self._api]

    def streams(self) -> Sequence[Stream]:
        """Give the streams: the ledger first, then the objects, then the events.

        Raises:
            ConfigurationError: The key cannot be read, is no restricted key, or belongs to the other mode.
        """
        self._key.reveal()
        delta = datetime.combine(self._config.start, datetime.min.time(), UTC) - _EPOCH
        start = delta.days * 86_400_000_000
        declared = self._config.model_dump_json(include={"custom", "start"})
        revision = hashlib.sha256(declared.encode()).hexdigest()
        return build_streams(self._api, self._mapper, start=start, slices=self._config.slices, revision=revision)

    def check(self) -> Iterator[CheckRow]:
        """Say whether the key is restricted, which streams it may read, and what else to know; one call per stream.

        A person waits for the answer, so a call is repeated less often than in a sync.
        """
        api = self._open(Retry(self._timer, attempts=3, longest=5))
        self._opened.append(api)
        return check_source(api, self._key, livemode=self._config.livemode)

    def lookup(self, ref: str) -> Sequence[Record]:
        """Read one object live through Stripe's SDK, with the money and the invoices that belong to it.

        Args:
            ref: Id of a charge (`ch_`, `py_`), payment intent (`pi_`), invoice (`in_`), refund (`re_`, `pyr_`), dispute
                (`dp_`, `du_`) or invoice payment (`inpay_`).

        Raises:
            ConfigurationError: It is none of these.
            Error: A call was refused or could not be made.
        """
        config = self._config
        with Lookup(
            config.base_url, self._key, self._mapper, bucket=self._bucket, retry=self._retry, account=config.account
        ) as live:
            return live.records(ref)

    def calls(self) -> int:
        """Give the number of calls made so far, retries included."""
        return self._bucket.taken

    def close(self) -> None:
        """Give back the connections; every thread that waits raises `RetryableError`."""
        for api in self._opened:
            api.close()

    def _open(self, retry: Retry) -> StripeApi:
        return StripeApi(
            self._config.base_url,
            self._key,
            timer=self._timer,
            bucket=self._bucket,
            retry=retry,
            account=self._config.account,
        )

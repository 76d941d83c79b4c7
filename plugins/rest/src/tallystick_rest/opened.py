"""A described system, opened for one account: its calls, its streams, and what they are paced by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from tallystick.connectors import HttpConfig, Retry, Timer, TokenBucket
from tallystick.connectors.mapping import Document
from tallystick.errors import ConfigurationError
from tallystick_rest.api import Allowance, RestApi, pinned
from tallystick_rest.config import AccountConfig
from tallystick_rest.description import Description, load_description
from tallystick_rest.objects import ObjectReader, Purse
from tallystick_rest.sign_in import Account, SignIn, sign_in
from tallystick_rest.streams import RestStream

__all__ = ["Opened"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_WAIT = 120.0


class Opened:
    """What a connector works with once its description was read.

    Args:
        config: The account.
        timer: Waits; tests pass their own.

    Raises:
        ConfigurationError: The description cannot be used, or there is no address.
    """

    def __init__(self, config: AccountConfig, timer: Timer) -> None:
        self.document: Document
        self.description: Description
        self.document, self.description = load_description(config.description_path)
        self.base_url = _address(config, self.description)
        self._config = config
        self._timer = timer
        described = self.description
        rate = config.requests_per_second or described.limits.requests_per_second
        self.bucket = TokenBucket(rate, timer)
        self._allowance = Allowance(described.limits, timer)
        self.sign_in: SignIn = sign_in(
            described.auth,
            Account(config.key, config.user),
            name=described.title,
            timer=timer,
            transport=lambda: pinned(described.title, allow_private=config.allow_private),
            base_url=self.base_url,
        )
        self._apis: list[RestApi] = []
        self.api = self.open(Retry(timer, longest=_LONGEST_WAIT))

    @property
    def start(self) -> int:
        """Where the history begins, microseconds UTC."""
        delta = datetime.combine(self._config.start, datetime.min.time(), UTC) - _EPOCH
        return delta.days * 86_400_000_000

    def open(self, retry: Retry) -> RestApi:
        """Give what makes calls, with a patience of its own."""
        api = RestApi(
            self.base_url,
            self.description,
            self.sign_in,
            timer=self._timer,
            bucket=self.bucket,
            allowance=self._allowance,
            retry=retry,
            transport=pinned(self.description.title, allow_private=self._config.allow_private),
        )
        self._apis.append(api)
        return api

    def streams(self, api: RestApi | None = None) -> Sequence[RestStream]:
        """Give the streams in the order of the description, with a budget of their own.

        Raises:
            ConfigurationError: A mapping cannot be used.
        """
        purse = Purse(self.description.budget)
        return [
            RestStream(
                self.description.streams[name],
                self._objects(name, api or self.api, purse),
                api or self.api,
                start=self.start,
                declared=f"{self.base_url} {self.description.api_version}",
                size=self._config.page_size,
            )
            for name in self.description.streams
        ]

    def looked_up(self, name: str) -> ObjectReader:
        """Give what reads single objects of a stream."""
        return self._objects(name, self.api, Purse(self.description.budget))

    def singles(self, kind: str) -> list[str]:
        """Give the streams of which an object itself becomes a record of a type, and can be read alone."""
        return [
            name
            for name, stream in self.description.streams.items()
            if stream.object is not None and any(entry.type == kind and entry.each is None for entry in stream.records)
        ]

    @property
    def calls(self) -> int:
        """Calls made so far, retries and sign-ins included."""
        return self.bucket.taken + self.sign_in.calls

    def close(self) -> None:
        """Give back the connections."""
        for api in self._apis:
            api.close()
        self.sign_in.close()

    def _objects(self, name: str, api: RestApi, purse: Purse) -> ObjectReader:
        stream = self.description.streams[name]
        part = self.document.at(("streams", name))
        return ObjectReader(name, stream, part, api=api, purse=purse, custom=self._config.custom)


def _address(config: AccountConfig, description: Description) -> str:
    address = config.base_url or description.base_url
    if address is None:
        raise ConfigurationError(
            f"base_url is missing: every account of {description.title} has an address of its own",
            hint="Set `base_url: https://...` where the source is configured.",
        )
    return HttpConfig(base_url=address).base_url.rstrip("/")

"""Stripe over the wire: the key, the pinned version, pages, and Stripe's clock."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeAlias, TypeVar

import msgspec

from tallystick.connectors import HttpClient, Response, Retry, SecretRef, Timer, TokenBucket
from tallystick.errors import ConfigurationError, RetryableError, SchemaChanged
from tallystick_stripe.faults import KEPT_HEADERS, classify

__all__ = ["API_VERSION", "PAGE_SIZE", "Listed", "StripeApi", "StripeKey"]

API_VERSION = "2026-10-28.endive"
"""The version every call asks for; what is read at another version is read again."""

PAGE_SIZE = 100
"""Objects per page, the most Stripe gives."""

T = TypeVar("T")
Filters: TypeAlias = Mapping[str, str | int | list[str]]

_ID = re.compile(r"[A-Za-z0-9_]{1,255}", re.ASCII)
_SKEW = 300_000_000


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """One page of a list, newest first, as the caller's `convert` made it.

    `last` is the id to go on after, None when the list ends here. `date` is Stripe's clock when it answered, in
    microseconds UTC.
    """

    value: T
    last: str | None
    date: int


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]
    has_more: bool


class _Id(msgspec.Struct):
    id: str


_PAGE = msgspec.json.Decoder(_Page)
_IDENTITY = msgspec.json.Decoder(_Id)


class StripeKey:
    """The restricted key, revealed at the first call and never shown.

    Args:
        ref: Where it is kept.
        livemode: The mode the configuration expects.
    """

    def __init__(self, ref: SecretRef, *, livemode: bool) -> None:
        self._ref = ref
        self._livemode = livemode
        self._lock = Lock()
        self._revealed: str | None = None

    def __repr__(self) -> str:
        return f"StripeKey({self._ref})"

    def reveal(self) -> str:
        """Give the key.

        Raises:
            ConfigurationError: It cannot be read, is no restricted key, or belongs to the other mode.
        """
        with self._lock:
            if self._revealed is None:
                self._revealed = self._check(self._ref.reveal())
            return self._revealed

    def _check(self, key: str) -> str:
        kinds = {"sk_": "a secret key (sk_), which can move money", "pk_": "a publishable key (pk_), which cannot read"}
        if not key.startswith("rk_"):
            found = kinds.get(key[:3], "not a Stripe key that we know")
            raise ConfigurationError(
                f"the key at {self._ref} is {found}",
                hint="Make a restricted key (rk_) with read rights only in the Stripe dashboard, and store that one.",
            )
        mode = {"rk_live_": True, "rk_test_": False}.get(key[:8])
        if mode is not None and mode is not self._livemode:
            raise ConfigurationError(
                f"the key at {self._ref} is for {_mode(live=mode)}, but livemode is {str(self._livemode).lower()}",
                hint=f"Store the key for {_mode(live=self._livemode)} there, or set livemode: {str(mode).lower()}.",
            )
        return key


class StripeApi:
    """The calls the streams make. Safe to share between threads.

    Args:
        base_url: Origin, with a path prefix if any.
        key: The key.
        timer: Waits of the bucket and of the retries.
        bucket: What every call spends from.
        retry: How often and how long to repeat.
        account: Connected account to read, if not the key's own.
    """

    def __init__(
        self, base_url: str, key: StripeKey, *, timer: Timer, bucket: TokenBucket, retry: Retry, account: str | None
    ) -> None:
        self._key = key
        self._account = account
        self._clock = _Clock(timer)
        self._http = HttpClient(
            base_url,
            name="Stripe",
            bucket=bucket,
            retry=retry,
            timer=timer,
            classify=classify,
            headers=self._headers,
            constant={"Stripe-Version": API_VERSION},
            request_id="request-id",
            keep=KEPT_HEADERS,
        )

    def list(
        self, path: str, filters: Filters, after: str | None, convert: Callable[[Sequence[bytes], int], T]
    ) -> Listed[T]:
        """Give one page of a list.

        Args:
            path: Like `/v1/charges`.
            filters: Query parameters besides the paging.
            after: Id of the object the page begins after; None for the first page.
            convert: Turns the exact bytes of the page's objects, and Stripe's clock, into a value.

        Raises:
            MissingError: The object named by `after` is gone.
            Error: The call was refused or could not be made.
        """
        params = {"limit": PAGE_SIZE, **filters}
        if after is not None:
            params["starting_after"] = after

        def read(response: Response) -> Listed[T]:
            date = self._clock.read(response)
            page = _PAGE.decode(response.body)
            data = [bytes(raw) for raw in page.data]
            last = _IDENTITY.decode(data[-1]).id if data else None
            if page.has_more and last in {None, after}:
                raise SchemaChanged(
                    "Stripe says that a list goes on, but does not move on in it",
                    hint="Quote the request id to Stripe's support.",
                    request_id=response.request_id,
                )
            return Listed(convert(data, date), last if page.has_more else None, date)

        return self._http.get_as(path, params, read)

    def get(self, path: str, key: str, convert: Callable[[bytes, int], T]) -> T:
        """Give one object.

        Args:
            path: Like `/v1/charges`.
            key: Its id.
            convert: Turns its exact bytes, and Stripe's clock, into a value.

        Raises:
            MissingError: There is none.
            SchemaChanged: The id, which came from Stripe, cannot be one.
            Error: The call was refused or could not be made.
        """
        if not _ID.fullmatch(key):
            raise SchemaChanged("Stripe gave an id with signs that no id has", hint="Report it to Stripe's support.")
        return self._http.get_as(f"{path}/{key}", None, lambda answer: convert(answer.body, self._clock.read(answer)))

    def probe(self, path: str, limit: int) -> tuple[Response, Sequence[bytes]]:
        """Give the newest objects of a list and the answer they came in, for `check`.

        Raises:
            Error: The call was refused or could not be made.
        """

        def read(response: Response) -> tuple[Response, Sequence[bytes]]:
            return response, [bytes(raw) for raw in _PAGE.decode(response.body).data]

        return self._http.get_as(path, {"limit": limit}, read)

    def close(self) -> None:
        """Give back the connections and wake every waiting thread."""
        self._http.close()

    def _headers(self) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self._key.reveal()}"}
        return {**headers, "Stripe-Account": self._account} if self._account else headers


class _Clock:
    """Stripe's clock as its answers tell it.

    A state is stored with the instant at which Stripe held it, and an older state never replaces a newer one. So an
    answer whose date is minutes away from where the dates before it and the time since then lead is asked for again; if
    the next one agrees with it, that is the time now.
    """

    def __init__(self, timer: Timer) -> None:
        self._timer = timer
        self._lock = Lock()
        self._offset: int | None = None
        self._doubted: int | None = None

    def read(self, response: Response) -> int:
        """Give the date of an answer.

        Raises:
            SchemaChanged: It has none, so nothing could be said about up to when we have read.
            RetryableError: It leads far away from the dates before it.
        """
        if response.date is None:
            raise SchemaChanged(
                "Stripe's answer has no Date header, so it is not known as of when it holds",
                hint="Something between here and Stripe removes it; check base_url and the network.",
                request_id=response.request_id,
            )
        offset = response.date - int(self._timer.now() * 1_000_000)
        with self._lock:
            if self._offset is None or abs(offset - self._offset) < _SKEW or self._agrees(offset):
                self._offset, self._doubted = offset, None
                return response.date
            self._doubted = offset
        raise RetryableError(
            "the clock of Stripe's answer is minutes away from that of the answers before it",
            hint="The next run goes on where this one stopped.",
            request_id=response.request_id,
        )

    def _agrees(self, offset: int) -> bool:
        return self._doubted is not None and abs(offset - self._doubted) < _SKEW


def _mode(*, live: bool) -> str:
    return "live mode" if live else "test mode"

"""HubSpot over the wire: the sign-in on every call, searches paced apart from all else, and HubSpot's clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import local
from typing import TypeVar

from tallystick.connectors import HttpClient, Params, Response, Retry, Timer, TokenBucket
from tallystick.errors import ConnectorError, Error, RetryableError, SchemaChanged
from tallystick_hubspot.faults import KEPT_HEADERS, PausedError, UnauthenticatedError, classify, spent
from tallystick_hubspot.paths import Paths
from tallystick_hubspot.tokens import SignIn

__all__ = ["REQUEST_ID", "Buckets", "HubSpotApi", "clock"]

REQUEST_ID = "x-hubspot-correlation-id"
"""Header with HubSpot's own id of a request."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Buckets:
    """What calls spend from: searches, and all else."""

    search: TokenBucket
    burst: TokenBucket

    @classmethod
    def of(cls, timer: Timer, *, searches: float, requests: float) -> Buckets:
        """Make them from calls a second."""
        # Searches are counted by the second, so there is no burst of them.
        return cls(TokenBucket(searches, timer, burst=0), TokenBucket(requests, timer))

    @property
    def taken(self) -> int:
        """Calls made so far, retries included."""
        return self.search.taken + self.burst.taken


class _Here(local):
    """What one thread's present call was sent with, and whether it was refused once already."""

    bearer: str = ""
    refused: bool = False


class HubSpotApi:
    """The calls the streams make. Safe to share between threads.

    Once HubSpot said that the calls of the day are spent, no further call is made: the run is incomplete, and what was
    read before is kept.

    Args:
        base_url: Origin, with a path prefix if any.
        sign_in: Puts the sign-in on each call.
        paths: How paths are spelled.
        timer: Waits of the buckets and of the retries.
        buckets: What calls spend from.
        retry: How often and how long to repeat.
    """

    def __init__(
        self, base_url: str, sign_in: SignIn, *, paths: Paths, timer: Timer, buckets: Buckets, retry: Retry
    ) -> None:
        self.paths = paths
        self._sign_in = sign_in
        self._here = _Here()
        self._paused: PausedError | None = None
        self._search, self._burst = (
            HttpClient(
                base_url,
                name="HubSpot",
                bucket=bucket,
                retry=retry,
                timer=timer,
                classify=self._judge(bucket),
                headers=self._headers,
                request_id=REQUEST_ID,
                keep=KEPT_HEADERS,
                read_timeout=60.0,
                connections=16,
            )
            for bucket in (buckets.search, buckets.burst)
        )

    def get(self, path: str, params: Params | None, convert: Callable[[Response], T]) -> T:
        """Give what `convert` makes of the answer to a GET.

        Raises:
            MissingError: There is no such object.
            PausedError: HubSpot takes no call for hours.
            Error: The call was refused otherwise or could not be made.
        """
        self._begin()
        return self._burst.get_as(path, params, convert)

    def post(self, path: str, body: object, convert: Callable[[Response], T], params: Params | None = None) -> T:
        """Give what `convert` makes of the answer to a POST that only reads; a search spends from a bucket of its own.

        Raises:
            PausedError: HubSpot takes no call for hours.
            Error: The call was refused otherwise or could not be made.
        """
        self._begin()
        client = self._search if path.endswith("/search") else self._burst
        return client.post_as(path, body, convert, params)

    def close(self) -> None:
        """Give back the connections and wake every waiting thread."""
        self._search.close()
        self._burst.close()

    def _begin(self) -> None:
        self._here.refused = False
        paused = self._paused
        if paused is not None:
            raise PausedError(
                paused.message, retry_after=paused.retry_after, hint=paused.hint, request_id=paused.request_id
            )

    def _headers(self) -> dict[str, str]:
        self._here.bearer = self._sign_in.bearer()
        return {"Authorization": f"Bearer {self._here.bearer}"}

    def _judge(self, bucket: TokenBucket) -> Callable[[Response], Error | None]:
        def judge(response: Response) -> Error | None:
            if spent(response.headers):
                bucket.slow_down()
            error = classify(response, f"Bearer {self._here.bearer}")
            if isinstance(error, PausedError):
                self._paused = error
            return self._retried_once(error)

        return judge

    def _retried_once(self, error: ConnectorError | None) -> ConnectorError | None:
        """Give a refused sign-in as something to try again, once per call, if there may be another one."""
        here = self._here
        if not isinstance(error, UnauthenticatedError) or here.refused:
            return error
        here.refused = True
        if not self._sign_in.refused(here.bearer):
            return error
        return RetryableError(error.message, hint=error.hint, request_id=error.request_id)


def clock(response: Response) -> int:
    """Give HubSpot's clock when it answered, microseconds UTC.

    Raises:
        SchemaChanged: The answer does not tell it, so nothing could be said about up to when we have read.
    """
    if response.date is None:
        raise SchemaChanged(
            "HubSpot's answer has no Date header, so it is not known as of when it holds",
            hint="Something between here and HubSpot removes it; check base_url and the network.",
            request_id=response.request_id,
        )
    return response.date

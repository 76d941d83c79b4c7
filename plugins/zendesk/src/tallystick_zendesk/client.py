"""Zendesk over the wire: the sign-in on every call, one bucket per limit, and Zendesk's clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import local
from typing import TypeVar

from tallystick.connectors import HttpClient, Params, Response, Retry, Timer, TokenBucket
from tallystick.errors import ConnectorError, CursorExpired, Error, PermanentError, RetryableError, SchemaChanged
from tallystick_zendesk.faults import (
    KEPT_HEADERS,
    MissingError,
    TooRecentError,
    UnauthenticatedError,
    classify,
    spent,
)
from tallystick_zendesk.tokens import SignIn

__all__ = ["API_VERSION", "Buckets", "ZendeskApi", "clock"]

API_VERSION = "v2"
"""Zendesk's API has one version; what changes in it is told in its changelog."""

T = TypeVar("T")

_PREFIX = "/api/v2"


@dataclass(frozen=True, slots=True)
class Buckets:
    """What calls spend from: the exports of tickets and events, the export of users, and the plan for all else."""

    plan: TokenBucket
    export: TokenBucket
    users: TokenBucket

    @classmethod
    def of(cls, timer: Timer, *, plan: float, export: float, users: float) -> Buckets:
        """Make them from calls a minute."""
        return cls(TokenBucket(plan / 60, timer), TokenBucket(export / 60, timer), TokenBucket(users / 60, timer))

    @property
    def taken(self) -> int:
        """Calls made so far, retries included."""
        return self.plan.taken + self.export.taken + self.users.taken


class _Here(local):
    """What one thread's present call was sent with, and whether it was refused once already."""

    authorization: str = ""
    refused: bool = False


class ZendeskApi:
    """The calls the streams make. Safe to share between threads.

    Args:
        base_url: Origin, with a path prefix if any.
        sign_in: Puts the sign-in on each call.
        timer: Waits of the buckets and of the retries.
        buckets: What calls spend from.
        retry: How often and how long to repeat.
    """

    def __init__(self, base_url: str, sign_in: SignIn, *, timer: Timer, buckets: Buckets, retry: Retry) -> None:
        self._sign_in = sign_in
        self._buckets = buckets
        self._here = _Here()
        self._plan, self._export, self._users = (
            HttpClient(
                base_url,
                name="Zendesk",
                bucket=bucket,
                retry=retry,
                timer=timer,
                classify=self._judge(bucket),
                headers=self._headers,
                request_id="x-request-id",
                keep=KEPT_HEADERS,
                read_timeout=60.0,
                connections=16,
            )
            for bucket in (buckets.plan, buckets.export, buckets.users)
        )

    def get(self, path: str, params: Params | None, convert: Callable[[Response], T]) -> T:
        """Give what `convert` makes of the answer to a GET.

        Args:
            path: Path below the API, like `/users/me.json`.
            params: Query parameters.
            convert: Turns the answer into a value, with msgspec.

        Raises:
            TooRecentError: The start is in the minute that Zendesk withholds.
            CursorExpired: Zendesk does not take the cursor any more.
            MissingError: There is no such object.
            Error: The call was refused otherwise or could not be made.
        """
        self._here.refused = False
        try:
            return self._client(path).get_as(_PREFIX + path, params, convert)
        except PermanentError as error:
            raise _in_place(error, params or {}) from None

    def close(self) -> None:
        """Give back the connections and wake every waiting thread."""
        for client in (self._plan, self._export, self._users):
            client.close()

    def _client(self, path: str) -> HttpClient:
        if path.startswith("/incremental/users"):
            return self._users
        return self._export if path.startswith("/incremental/") else self._plan

    def _headers(self) -> dict[str, str]:
        self._here.authorization = self._sign_in.authorization()
        return {"Authorization": self._here.authorization}

    def _judge(self, bucket: TokenBucket) -> Callable[[Response], Error | None]:
        def judge(response: Response) -> Error | None:
            plan, own = spent(response.headers)
            if plan:
                self._buckets.plan.slow_down()
            if own or (plan and bucket is not self._buckets.plan):
                bucket.slow_down()
            return self._retried_once(classify(response, self._here.authorization))

        return judge

    def _retried_once(self, error: ConnectorError | None) -> ConnectorError | None:
        """Give a refused sign-in as something to try again, once per call, if there may be another one."""
        here = self._here
        if not isinstance(error, UnauthenticatedError) or here.refused:
            return error
        here.refused = True
        if not self._sign_in.refused(here.authorization):
            return error
        return RetryableError(error.message, hint=error.hint, request_id=error.request_id)


def clock(response: Response) -> int:
    """Give Zendesk's clock when it answered, microseconds UTC.

    Raises:
        SchemaChanged: The answer does not tell it, so nothing could be said about up to when we have read.
    """
    if response.date is None:
        raise SchemaChanged(
            "Zendesk's answer has no Date header, so it is not known as of when it holds",
            hint="Something between here and Zendesk removes it; check base_url and the network.",
            request_id=response.request_id,
        )
    return response.date


def _in_place(error: ConnectorError, params: Mapping[str, object]) -> ConnectorError:
    """Give what a refusal means for a call that goes on from a cursor: that the cursor is not taken any more."""
    refused = type(error) is PermanentError or isinstance(error, (MissingError, TooRecentError))
    if refused and "Zendesk refused (4" in error.message and ("cursor" in params or "page[after]" in params):
        return CursorExpired(
            f"Zendesk does not accept where we stopped: {error.message}",
            hint="Run the sync again; it begins this part again.",
            request_id=error.request_id,
        )
    return error

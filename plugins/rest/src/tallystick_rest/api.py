"""The calls of a source: signed, paced, held to its origin; each answer with the system's own clock."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from threading import Lock, local
from typing import TypeVar

import httpx

from tallystick.connectors import HttpClient, PinnedTransport, Response, Retry, Timer, TokenBucket, same_origin
from tallystick.errors import ConnectorError, RetryableError, SchemaChanged
from tallystick_rest.calls import Asked
from tallystick_rest.description import Description, Limits
from tallystick_rest.faults import Faults, UnauthenticatedError
from tallystick_rest.sign_in import SignIn

__all__ = ["Allowance", "RestApi", "clock", "pinned"]

T = TypeVar("T")

_NUMBER = re.compile(r"\s*(\d{1,15})(?:\.\d+)?\s*", re.ASCII)
_LINKS = "link"
_LONGEST_PAUSE = 300.0


class Allowance:
    """What the headers of the answers say is left: at none, every call waits until there is more.

    Args:
        limits: Which headers.
        timer: What is waited with.
    """

    def __init__(self, limits: Limits, timer: Timer) -> None:
        self._remaining = (limits.remaining or "").lower()
        self._reset = (limits.reset or "").lower()
        self._unix = limits.reset_is == "unix"
        self._timer = timer
        self._lock = Lock()
        self._free = 0.0

    @property
    def headers(self) -> tuple[str, ...]:
        """The headers it reads."""
        return tuple(name for name in (self._remaining, self._reset) if name)

    def note(self, response: Response) -> None:
        """Take in an answer."""
        if _whole(response.headers.get(self._remaining)) == 0 and (wait := self.until_reset(response)) is not None:
            with self._lock:
                self._free = max(self._free, self._timer.now() + min(wait, _LONGEST_PAUSE))

    def until_reset(self, response: Response) -> float | None:
        """Give the seconds until there are calls again, by the system's own clock; None when it does not say."""
        told = _whole(response.headers.get(self._reset))
        if told is None or not self._unix:
            return None if told is None else float(told)
        return None if response.date is None else max(told - response.date / 1_000_000, 0.0)

    def wait(self) -> None:
        """Wait until there are calls again.

        Raises:
            RetryableError: The timer was stopped.
        """
        with self._lock:
            pause = self._free - self._timer.now()
        if pause > 0:
            self._timer.wait(pause)


class _Here(local):
    """What the present thread knows of its call: what signed it, and whether that was refused once already."""

    signed: Mapping[str, str] = {}
    refused: bool = False


class RestApi:
    """Makes the calls of one source; safe to share between threads.

    Args:
        base_url: Where the API is.
        description: How it is called.
        sign_in: Puts the sign-in on each call.
        timer: Waits of the bucket and of the retries.
        bucket: What every call spends from.
        allowance: What the answers say is left.
        retry: How often and how long to repeat.
        transport: What sends the calls.
    """

    def __init__(
        self,
        base_url: str,
        description: Description,
        sign_in: SignIn,
        *,
        timer: Timer,
        bucket: TokenBucket,
        allowance: Allowance,
        retry: Retry,
        transport: httpx.BaseTransport,
    ) -> None:
        self.title = description.title
        self._base_url = base_url
        self._sign_in = sign_in
        self._allowance = allowance
        self._faults = Faults(description, allowance.until_reset)
        self._here = _Here()
        self._http = HttpClient(
            base_url,
            name=description.title,
            bucket=bucket,
            retry=retry,
            timer=timer,
            classify=self._classify,
            headers=self._headers,
            request_id=description.request_id,
            keep=(_LINKS, *allowance.headers),
            transport=transport,
            largest_body=description.largest_page,
            constant=description.headers,
        )

    def ask(self, asked: Asked, decode: Callable[[Response], T]) -> T:
        """Give what `decode` makes of the answer to a call.

        Raises:
            MissingError: There is no such object.
            Error: The call was refused or could not be made.
        """
        self._here.refused = False
        if asked.method == "POST":
            return self._http.post_as(asked.path, asked.body, decode, asked.query or None)
        return self._http.get_as(asked.path, asked.query or None, decode)

    def followed(self, link: str) -> Asked:
        """Give the call that a link of an answer stands for.

        Raises:
            PermanentError: It leads to another origin.
        """
        return Asked("GET", same_origin(self._base_url, link, self.title))

    def close(self) -> None:
        """Give back the connections and wake every waiting thread."""
        self._http.close()

    def _headers(self) -> Mapping[str, str]:
        self._allowance.wait()
        self._here.signed = self._sign_in.headers()
        return self._here.signed

    def _classify(self, response: Response) -> ConnectorError | None:
        self._allowance.note(response)
        error = self._faults.classify(response, self._sign_in.secrets(self._here.signed))
        if isinstance(error, UnauthenticatedError) and not self._here.refused:
            self._here.refused = True
            if self._sign_in.refused(self._here.signed):
                # A token may have expired on the way: another one is tried, once per call.
                return RetryableError(error.message, hint=error.hint, request_id=error.request_id)
        return error


def clock(response: Response, title: str) -> int:
    """Give the system's clock when it answered, microseconds UTC.

    Raises:
        SchemaChanged: The answer does not tell it, so nothing could be said about up to when we have read.
    """
    if response.date is None:
        raise SchemaChanged(
            f"{title}'s answer has no Date header, so it is not known as of when it holds",
            hint="Something between here and the system removes it; check base_url and the network.",
            request_id=response.request_id,
        )
    return response.date


def pinned(title: str, *, allow_private: bool) -> PinnedTransport:
    """Give what sends calls: to the public Internet only, unless private addresses are allowed."""
    return PinnedTransport(title, allow_private=allow_private)


def _whole(text: str | None) -> int | None:
    match = _NUMBER.fullmatch(text) if text else None
    return int(match.group(1)) if match else None

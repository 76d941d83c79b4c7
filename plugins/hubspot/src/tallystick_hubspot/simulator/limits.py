"""Rate limits: a rolling window of ten seconds, one of a second for search, and the day.

Unless limits are given, none is ever reached. Headers and policies are told in
https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from tallystick_hubspot.simulator.errors import WireError

__all__ = ["Limits", "Meter"]

_AMPLE = 10_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How many calls are allowed.

    Attributes:
        burst: Calls in any ten seconds; searches and batches of associations do not count.
        search: Searches in any second.
        daily: Calls from midnight to midnight in the account's time zone; searches count.
        virtual: Whether seconds pass with the virtual clock rather than with the real one. The day is always virtual.
        retry_after: Whether a refused call is told how long to wait.
    """

    burst: int = _AMPLE
    search: int = _AMPLE
    daily: int = _AMPLE
    virtual: bool = False
    retry_after: bool = False


class Meter:
    """Counts calls against the limits.

    Args:
        limits: How many are allowed.
        clock: Gives seconds; the virtual or a real one.
        day: Gives the virtual instant, in Unix milliseconds, at which the day ends.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float], day: Callable[[], int]) -> None:
        self._limits = limits
        self._clock = clock
        self._day = day
        self._windows = {"TEN_SECONDLY_ROLLING": _Window(limits.burst, 10), "SECONDLY": _Window(limits.search, 1)}
        self._until = day()
        self._today = 0

    @property
    def used(self) -> tuple[int, int]:
        """Calls of the day: how many are allowed, and how many were made."""
        self._renew()
        return self._limits.daily, self._today

    def spend(self, policy: str, calls: int) -> None:
        """Let somebody else spend calls of a policy.

        Raises:
            KeyError: There is no such policy.
        """
        if policy == "DAILY":
            self._renew()
            self._today += calls
            return
        self._windows[policy].spend(self._clock(), calls)

    def charge(self, place: tuple[str, ...], *, oauth: bool) -> dict[str, str]:
        """Count a call and give the headers that tell what is left; there are none on a search.

        Args:
            place: What is called.
            oauth: Whether an OAuth token is used: no daily numbers are shown then.

        Raises:
            WireError: 429; a limit is reached.
        """
        self._renew()
        if self._today >= self._limits.daily:
            raise WireError.too_many("DAILY", "3600" if self._limits.retry_after else None)
        search = place[0] == "objects" and place[-1] == "search"
        exempt = search or place[0] in {"associations", "journal"}
        now = self._clock()
        policy = "SECONDLY" if search else "TEN_SECONDLY_ROLLING"
        window = self._windows[policy]
        if search or not exempt:
            if not window.left(now):
                wait = str(window.wait(now)) if self._limits.retry_after else None
                raise WireError.too_many(policy, wait)
            window.spend(now, 1)
        if place[0] != "journal":
            self._today += 1
        return {} if search else self._headers(now, oauth=oauth)

    def _renew(self) -> None:
        until = self._day()
        if until != self._until:
            self._until, self._today = until, 0

    def _headers(self, now: float, *, oauth: bool) -> dict[str, str]:
        limits = self._limits
        left = self._windows["TEN_SECONDLY_ROLLING"].left(now)
        found = {
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Max": str(limits.burst),
            "X-HubSpot-RateLimit-Remaining": str(left),
            "X-HubSpot-RateLimit-Secondly": str(max(1, limits.burst // 10)),
            "X-HubSpot-RateLimit-Secondly-Remaining": str(max(0, min(left, limits.burst // 10 - 1))),
        }
        if not oauth:
            found["X-HubSpot-RateLimit-Daily"] = str(limits.daily)
            found["X-HubSpot-RateLimit-Daily-Remaining"] = str(max(0, limits.daily - self._today))
        return found


class _Window:
    """Calls of the last seconds."""

    def __init__(self, total: int, seconds: int) -> None:
        self._total = total
        self._seconds = seconds
        self._spent: deque[float] = deque()

    def left(self, now: float) -> int:
        # A clock that is set back leaves nothing behind.
        while self._spent and not 0 <= now - self._spent[0] < self._seconds:
            self._spent.popleft()
        return max(0, self._total - len(self._spent))

    def spend(self, now: float, calls: int) -> None:
        self._spent.extend([now] * min(calls, self._total))

    def wait(self, now: float) -> int:
        return max(1, int(self._spent[0] + self._seconds - now + 0.999))

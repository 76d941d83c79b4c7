"""Pacing: one token bucket per limit family, shared by all that spend from it, and waits that can be interrupted."""

from __future__ import annotations

import time
from threading import Event, Lock

from tallystick.errors import RetryableError

__all__ = ["Timer", "TokenBucket"]

_FULL_RECOVERY = 60.0
"""Seconds in which a slowed bucket grows from nothing to its full rate; half the rate is back after half of that."""

_SLOWEST = 32
"""A bucket is never slowed below this part of its rate, so that a read cannot fall asleep."""

_SETTLE = 1.0
"""Seconds in which several refusals count as one: slices that run side by side are refused together."""


class Timer:
    """Elapsed seconds and waits, for one connector.

    Stopping wakes every waiting thread at once, and each of them raises. Tests pass one whose time is their own.
    """

    def __init__(self) -> None:
        self._stopped = Event()

    @property
    def stopped(self) -> bool:
        """True once the timer was stopped."""
        return self._stopped.is_set()

    def now(self) -> float:
        """Give seconds since some fixed moment; only differences mean anything."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Wait, or return at once when there is nothing to wait for.

        Raises:
            RetryableError: The timer was stopped before or while waiting.
        """
        if self._stopped.wait(max(seconds, 0.0)):
            raise RetryableError("the connector was closed while it was reading", hint="Run the command again.")

    def stop(self) -> None:
        """Wake every waiting thread; safe to call twice and from any thread."""
        self._stopped.set()


class TokenBucket:
    """Spaces out calls to at most `rate` a second, with bursts of at most `burst` seconds' worth after a pause.

    Threads are served in the order in which they ask. `slow_down` halves the rate, `acquire` lets it grow back slowly.

    Args:
        rate: Calls a second; fractions are allowed.
        timer: What it waits with.
        burst: How many seconds' worth of calls may come at once after a pause; 0 for none, where a system counts the
            calls of each single second.

    Raises:
        ValueError: The rate is not above zero.
    """

    def __init__(self, rate: float, timer: Timer, *, burst: float = 1.0) -> None:
        if not rate > 0:
            raise ValueError(f"a rate must be above zero, not {rate}")
        self._full = float(rate)
        self._burst = burst
        self._rate = self._full
        self._timer = timer
        self._lock = Lock()
        self._next = timer.now()
        self._changed = timer.now()
        self._slowed: float | None = None
        self._taken = 0

    @property
    def rate(self) -> float:
        """Calls a second allowed at present."""
        return self._rate

    @property
    def taken(self) -> int:
        """Tokens spent so far: one per call made, retries included."""
        return self._taken

    def acquire(self) -> None:
        """Wait for the turn of one call.

        Raises:
            RetryableError: The timer was stopped.
        """
        with self._lock:
            now = self._timer.now()
            self._recover(now)
            due = max(self._next, now)
            self._next = due + 1 / self._rate
            delay = due - self._slack() - now
        self._timer.wait(delay)
        with self._lock:
            self._taken += 1

    def slow_down(self) -> None:
        """Halve the rate and drop the saved-up burst, because the system refused a call.

        Refusals within a second of each other count once.
        """
        with self._lock:
            now = self._timer.now()
            self._recover(now)
            if self._slowed is not None and now - self._slowed < _SETTLE:
                return
            self._slowed = now
            self._rate = max(self._rate / 2, self._full / _SLOWEST)
            self._next = max(self._next, now + self._slack() + 1 / self._rate)

    def _slack(self) -> float:
        """Give how far ahead of its time a call may start: the burst, less the call itself."""
        return max(self._burst - 1 / self._rate, 0.0)

    def _recover(self, now: float) -> None:
        grown = self._full * (now - self._changed) / _FULL_RECOVERY
        self._rate = min(self._full, self._rate + grown)
        self._changed = now

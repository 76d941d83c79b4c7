"""Retries: which errors, how long between attempts, and when to give up."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from tallystick.connectors.pacing import Timer
from tallystick.errors import RateLimited, RetryableError

__all__ = ["Retry"]

T = TypeVar("T")


class Retry:
    """Repeats a call that raised `RetryableError`; any other error leaves at once.

    The wait before attempt n+1 is random between 0 and `first * 2^(n-1)` seconds, at most `longest`: full jitter, so
    that slices refused together do not come back together. When the system said how long to wait
    (`RateLimited.retry_after`), that is how long we wait. If it asks for more than `longest`, we give up at once and
    leave it to the next run, because coming back earlier than asked is worse than not coming back.

    One instance is one budget: the retries and the waiting of all threads of a run are counted together, so that a
    system that is down ends the run instead of being asked for hours.

    Args:
        timer: What it waits with; stopping it ends every wait.
        attempts: Attempts per call, the first one included.
        first: Upper end of the first wait, in seconds.
        longest: Longest single wait, in seconds.
        total_retries: Retries of all calls together.
        total_wait: Seconds waited by all calls together.
    """

    def __init__(
        self,
        timer: Timer,
        *,
        attempts: int = 8,
        first: float = 0.5,
        longest: float = 30.0,
        total_retries: int = 500,
        total_wait: float = 1800.0,
    ) -> None:
        self._timer = timer
        self._attempts = attempts
        self._longest = longest
        self._jitter = wait_random_exponential(multiplier=first, max=longest)
        self._retries_left = total_retries
        self._wait_left = total_wait
        self._lock = Lock()

    def __call__(self, call: Callable[[], T]) -> T:
        """Give what the call gives, at the first attempt that does not raise `RetryableError`.

        Raises:
            RetryableError: The last attempt's, once the attempts or the budget are spent or the timer was stopped.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(RetryableError),
            wait=self._wait,
            stop=self._stop,
            sleep=self._timer.wait,
            reraise=True,
        )
        return retrying(call)

    def _wait(self, state: RetryCallState) -> float:
        asked = _asked(state)
        return self._jitter(state) if asked is None else asked

    def _stop(self, state: RetryCallState) -> bool:
        if self._timer.stopped or state.attempt_number >= self._attempts or state.upcoming_sleep > self._longest:
            return True
        with self._lock:
            if self._retries_left < 1 or self._wait_left < state.upcoming_sleep:
                return True
            self._retries_left -= 1
            self._wait_left -= state.upcoming_sleep
            return False


def _asked(state: RetryCallState) -> float | None:
    error = state.outcome.exception() if state.outcome else None
    return error.retry_after if isinstance(error, RateLimited) else None

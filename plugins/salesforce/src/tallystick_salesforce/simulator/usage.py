"""The daily allowance of API calls: counted over the last 24 virtual hours, told on every answer."""

from __future__ import annotations

from collections import deque
from typing import Any

from tallystick_salesforce.simulator.plan import DAY

__all__ = ["DAILY", "Usage"]

DAILY = 100_000
"""Calls of 24 hours, unless said otherwise."""


class Usage:
    """The calls of an org.

    Args:
        limit: Calls of 24 hours.
        app_limit: Calls of the reader's own application in 24 hours; None if it has no limit of its own.
    """

    def __init__(self, limit: int = DAILY, app_limit: int | None = None) -> None:
        self.limit = limit
        self._app_limit = app_limit
        self._calls: deque[int] = deque()
        self._others = 0

    def count(self, now: int) -> None:
        """Count a call."""
        while self._calls and self._calls[0] <= now - DAY:
            self._calls.popleft()
        self._calls.append(now)

    def spend(self, calls: int) -> int:
        """Let somebody else use up calls, and give how many are used."""
        self._others += calls
        return self.used

    def forget(self) -> None:
        """Give the whole allowance back."""
        self._calls.clear()
        self._others = 0

    @property
    def used(self) -> int:
        """Calls used."""
        return len(self._calls) + self._others

    @property
    def spent(self) -> bool:
        """Whether the last call was one too many."""
        return self.used > self.limit or (self._app_limit is not None and len(self._calls) > self._app_limit)

    def header(self) -> str:
        """Give `Sforce-Limit-Info`."""
        text = f"api-usage={min(self.used, self.limit)}/{self.limit}"
        if self._app_limit is None:
            return text
        own = min(len(self._calls), self._app_limit)
        return f"{text}; per-app-api-usage={own}/{self._app_limit}(appName=Tallystick)"

    def table(self, jobs: int) -> dict[str, Any]:
        """Give what `limits` tells, with the number of Bulk query jobs made."""
        left = max(self.limit - self.used, 0)
        return {
            "ConcurrentAsyncGetReportInstances": {"Max": 200, "Remaining": 200},
            "DailyApiRequests": {"Max": self.limit, "Remaining": left},
            "DailyBulkApiBatches": {"Max": 15_000, "Remaining": 15_000},
            "DailyBulkV2QueryFileStorageMB": {"Max": 976_562, "Remaining": 976_562},
            "DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": max(10_000 - jobs, 0)},
        }

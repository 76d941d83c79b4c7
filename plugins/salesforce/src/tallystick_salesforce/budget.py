"""The org's daily quota of calls, as each answer tells it, and how much of it we may use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from tallystick_salesforce.faults import quota_error

__all__ = ["Budget", "Usage", "read_usage"]

_USAGE = re.compile(r"(?<![\w-])(per-app-)?api-usage=(\d{1,12})/(\d{1,12})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Usage:
    """Calls used and allowed in the running 24 hours: of the org, and of our app where it has a cap of its own."""

    used: int
    allowed: int
    app_used: int | None = None
    app_allowed: int | None = None


def read_usage(headers: Mapping[str, str]) -> Usage | None:
    """Give what the header `Sforce-Limit-Info` tells; None where there is none or it cannot be read."""
    org: tuple[int, int] | None = None
    app: tuple[int | None, int | None] = (None, None)
    for own, used, allowed in _USAGE.findall(headers.get("sforce-limit-info", "")):
        if own:
            app = (int(used), int(allowed))
        else:
            org = (int(used), int(allowed))
    return None if org is None or org[1] < 1 else Usage(*org, *app)


class Budget:
    """Stops our calls before the org's own traffic would suffer; shared by all threads of a source.

    Args:
        stop_at: Share of the org's quota (and of our app's) at whose use we stop, whoever used it.
        per_run: Share of the org's quota that one run may use.
    """

    def __init__(self, *, stop_at: float, per_run: float) -> None:
        self._stop_at = stop_at
        self._per_run = per_run
        self._lock = Lock()
        self._calls = 0
        self._usage: Usage | None = None

    @property
    def calls(self) -> int:
        """Calls made so far."""
        return self._calls

    @property
    def usage(self) -> Usage | None:
        """What the last answer told."""
        return self._usage

    def spend(self) -> None:
        """Count a call that is about to be made.

        Raises:
            QuotaError: It is not to be made.
        """
        with self._lock:
            usage = self._usage
            if usage is not None:
                self._check(usage)
            self._calls += 1

    def note(self, headers: Mapping[str, str]) -> None:
        """Take in what an answer tells; answers to calls made side by side may come in another order."""
        usage = read_usage(headers)
        if usage is not None:
            with self._lock:
                self._usage = usage

    def _check(self, usage: Usage) -> None:
        if usage.used >= self._stop_at * usage.allowed:
            raise quota_error(f"{usage.used} of the org's {usage.allowed}, and we stop at {self._stop_at:.0%}")
        if usage.app_used is not None and usage.app_used >= self._stop_at * (usage.app_allowed or 0):
            raise quota_error(f"{usage.app_used} of our app's {usage.app_allowed}, and we stop at {self._stop_at:.0%}")
        if self._calls >= self._per_run * usage.allowed:
            raise quota_error(
                f"{self._calls} in this run, {self._per_run:.0%} of the org's {usage.allowed} that one run may use"
            )

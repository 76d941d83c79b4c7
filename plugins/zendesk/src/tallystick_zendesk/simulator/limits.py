"""Rate limits: buckets that all integrations of the account share, and the headers that tell how full they are.

Unless limits are given, the buckets are too big to be emptied. The spellings of the headers differ by generation:
https://developer.zendesk.com/api-reference/introduction/rate-limits/.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tallystick_zendesk.simulator.errors import WireError

__all__ = ["SPELLINGS", "Limits", "Meter"]

SPELLINGS = ("old", "new", "endpoint")
"""Generations of headers: each shows the older `X-Rate-Limit` too."""

_AMPLE = 100_000
_NAMES = {
    "export": "incremental-exports-cursor",
    "users": "incremental-exports-users-cursor",
    "sample": "incremental-exports-sample",
    "list": "tickets-index",
}
_TEXTS = {"export": "incremental ticket export", "users": "incremental user export", "sample": "sample export"}


@dataclass(frozen=True, slots=True)
class Limits:
    """How many calls each bucket holds.

    Attributes:
        plan: Calls per window of the whole account.
        export: Calls per window to the exports of tickets and events.
        users: Calls per window to the cursor export of users.
        sample: Calls per twenty windows to the samples.
        window: Seconds of a window; a minute with Zendesk.
        virtual: Whether windows pass with the virtual clock rather than with the real one.
        others: What other integrations spend at the beginning of each window, by bucket.
    """

    plan: int = _AMPLE
    export: int = _AMPLE
    users: int = _AMPLE
    sample: int = _AMPLE
    window: int = 60
    virtual: bool = False
    others: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Bucket:
    total: int
    window: int
    others: int
    since: float
    spent: int = 0

    def renew(self, now: float) -> None:
        if now >= self.since + self.window or now < self.since:
            self.since = now
            self.spent = min(self.others, self.total)

    @property
    def left(self) -> int:
        return max(0, self.total - self.spent)

    def wait(self, now: float) -> int:
        return max(1, int(self.since + self.window - now + 0.999))


class Meter:
    """Counts calls against the buckets.

    Args:
        limits: Their sizes.
        spelling: One of `SPELLINGS`.
        clock: Gives seconds; the virtual or a real one.

    Raises:
        ValueError: Unknown spelling.
    """

    def __init__(self, limits: Limits, spelling: str, clock: Callable[[], float]) -> None:
        if spelling not in SPELLINGS:
            raise ValueError(f"headers are {', '.join(SPELLINGS)}, not {spelling!r}")
        self._spelling = spelling
        self._clock = clock
        now = clock()
        sizes = {"plan": limits.plan, "export": limits.export, "users": limits.users, "sample": limits.sample}
        self._buckets = {}
        for name, total in {**sizes, "list": _AMPLE}.items():
            window = limits.window * 20 if name == "sample" else limits.window
            taken = limits.others.get(name, 0)
            self._buckets[name] = _Bucket(total, window, taken, now, spent=min(taken, total))

    def spend(self, name: str, calls: int) -> None:
        """Let another integration spend calls of a bucket.

        Raises:
            KeyError: No such bucket.
        """
        bucket = self._buckets[name]
        bucket.renew(self._clock())
        bucket.spent += calls

    def charge(self, path: str) -> dict[str, str]:
        """Count a call and give the headers that tell what is left.

        Raises:
            WireError: 429 with Retry-After; a bucket is empty.
        """
        now = self._clock()
        own = _family(path)
        buckets = [self._buckets["plan"], *([self._buckets[own]] if own else [])]
        for bucket in buckets:
            bucket.renew(now)
        for name, bucket in zip(("plan", own), buckets, strict=False):
            if not bucket.left:
                error = WireError.too_many(_TEXTS.get(name or "plan", "account"), str(bucket.wait(now)))
                error.headers |= self._headers(own, now)
                raise error
        for bucket in buckets:
            bucket.spent += 1
        return self._headers(own, now)

    def _headers(self, own: str | None, now: float) -> dict[str, str]:
        plan = self._buckets["plan"]
        total, left, resets = str(plan.total), str(plan.left), str(plan.wait(now))
        found = {"X-Rate-Limit": total, "X-Rate-Limit-Remaining": left}
        prefix = "Rate-Limit" if self._spelling == "old" else "RateLimit"
        found |= {f"{prefix}-Limit": total, f"{prefix}-Remaining": left, f"{prefix}-Reset": resets}
        if self._spelling == "endpoint" and own:
            bucket = self._buckets[own]
            shown = f"total={bucket.total}; remaining={bucket.left}; resets={bucket.wait(now)}"
            found[f"Zendesk-RateLimit-{_NAMES[own]}"] = shown
        return found


def _family(path: str) -> str | None:
    """Give the bucket a call is charged to beside that of the plan."""
    if path.endswith("/sample"):
        return "sample"
    if path == "/incremental/users/cursor":
        return "users"
    if path.startswith("/incremental/"):
        return "export"
    return "list" if path == "/tickets" else None

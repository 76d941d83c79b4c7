"""The virtual clock and the time line: at virtual now exactly the actions up to now have happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tallystick_stripe.simulator.cash import Cash

__all__ = ["EVENT_DAYS", "Action", "Plan", "World"]

EVENT_DAYS = 30
"""How far back events can be listed: https://docs.stripe.com/api/events."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something that happens at one second: the name of a method of `Cash` or `Billing`, and its arguments."""

    at: int
    do: str
    args: dict[str, Any]


@dataclass
class Plan:
    """All that will ever happen in one account, in any order; same second means in the order given."""

    seed: int
    actions: list[Action] = field(default_factory=list)

    def add(self, at: int, do: str, **args: Any) -> None:
        """Schedule an action at a Unix second."""
        self.actions.append(Action(at, do, args))


class World:
    """One account in one mode at a virtual instant."""

    def __init__(self, plan: Plan, now: int, *, livemode: bool) -> None:
        self.plan = plan
        self.livemode = livemode
        self._line = sorted(plan.actions, key=lambda action: action.at)
        self._start(now)

    def _start(self, now: int) -> None:
        self.books = Cash(self.plan.seed, livemode=self.livemode, keep_events_from=now - EVENT_DAYS * 86_400)
        self._done = 0
        self._unavailable: list[dict[str, Any]] = []
        self._booked = 0
        self._run(now)

    def move(self, now: int) -> None:
        """Set the clock; moving it back makes everything after it not have happened."""
        if now < self.now:
            self._start(now)
        else:
            self._run(now)

    def _run(self, now: int) -> None:
        self.now = now
        while self._done < len(self._line) and self._line[self._done].at <= now:
            action = self._line[self._done]
            getattr(self.books, action.do)(action.at, **action.args)
            self._done += 1
        rows = self.books.balance_transactions.items
        self._unavailable += rows[self._booked :]
        self._booked = len(rows)
        for row in self._unavailable:
            if row["available_on"] <= now:
                row["status"] = "available"
        self._unavailable = [row for row in self._unavailable if row["status"] == "pending"]

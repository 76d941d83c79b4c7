"""The finality calendar of an outcome: from when on what may still change, and when nothing does any more.

    observed -> provisional -> locked -> disputable until -> clawback until -> closed

The lock follows from the instant at which the outcome was first decided, and no later event moves it. All instants are
microseconds UTC, and the day counts are those of the contract: calendar days keep the wall-clock time of its zone,
business days end at midnight there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from tallystick.contracts.contract import Contract
from tallystick.period import zone

__all__ = ["FinalityCalendar", "Stage", "calendar_of", "clawback_end", "dispute_end", "grace_end", "lock_instant"]

Stage: TypeAlias = Literal["provisional", "disputable", "accepted", "escalated", "closed"]


@dataclass(frozen=True, slots=True)
class FinalityCalendar:
    """The dates of one outcome; each `until` is the first instant at which it is over.

    Up to `locks_at` the verdict follows the evidence. From then on a dispute, up to `disputable_until`, and evidence
    against it, up to `clawback_until`, change it by a note. From `closes_at` on nothing does.
    """

    locks_at: int
    disputable_until: int
    clawback_until: int
    on_silence: Literal["accept", "escalate"]

    @property
    def closes_at(self) -> int:
        """The first instant at which nothing moves any more."""
        return max(self.disputable_until, self.clawback_until)

    def stage(self, now: int) -> Stage:
        """Give how far it has come, for an outcome that nobody disputes."""
        if now < self.locks_at:
            return "provisional"
        if now < self.disputable_until:
            return "disputable"
        if self.on_silence == "escalate":
            return "escalated"
        return "accepted" if now < self.closes_at else "closed"


def lock_instant(contract: Contract, decided_at: int) -> int:
    """Give when an outcome locks that was decided at an instant."""
    return _after(contract, decided_at, contract.finality.lock_days)


def calendar_of(contract: Contract, locks_at: int) -> FinalityCalendar:
    """Give the dates of an outcome that locks at an instant."""
    terms = contract.finality
    return FinalityCalendar(
        locks_at,
        _after(contract, locks_at, terms.dispute_days),
        clawback_end(contract, locks_at),
        terms.on_silence,
    )


def clawback_end(contract: Contract, locks_at: int) -> int:
    """Give when evidence does not move an outcome any more that locks at an instant."""
    return _after(contract, locks_at, contract.finality.clawback_days)


def dispute_end(contract: Contract, at: int) -> int:
    """Give when the days to dispute are over that begin at an instant."""
    return _after(contract, at, contract.finality.dispute_days)


def grace_end(contract: Contract, at: int) -> int:
    """Give when the time to supply a missing fact is over; it is counted in calendar days."""
    return zone(contract.timezone).add_days(at, contract.unverifiable.grace_days)


def _after(contract: Contract, at: int, days: int) -> int:
    if not days:
        return at
    place = zone(contract.timezone)
    if contract.finality.business:
        return place.business_deadline(at, days, contract.holidays)
    return place.add_days(at, days)

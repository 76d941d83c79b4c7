"""How far a verdict has come to be final, and what is in dispute about it, at an instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec

from tallystick.contracts import Contract, Stage, calendar_of
from tallystick.period import format_instant
from tallystick.verification.disputes import Dispute, State, dispute_deadline
from tallystick.verification.verdict import Verdict

__all__ = ["DisputeTrace", "FinalityTrace", "StageNow", "Standing"]

StageNow: TypeAlias = Stage | Literal["disputed", "settled"]

_SILENCE = {
    "accept": "what nobody disputes in time is accepted",
    "escalate": "what nobody disputes in time is listed for a person on each side until they settle it",
}


class FinalityTrace(msgspec.Struct, frozen=True):
    """The dates of a verdict, ISO 8601 in UTC; each `until` is the first instant at which it is over.

    `locks_at`, `clawback_until` and `closes_at` are null for what was never paid for. `stage` is where it stands now:
    `provisional`, `disputable`, `disputed`, `settled`, `accepted`, `escalated` or `closed`.
    """

    stage: StageNow
    observed_at: str | None
    decided_at: str | None
    recorded_at: str
    locks_at: str | None
    disputable_until: str | None
    clawback_until: str | None
    closes_at: str | None
    on_silence: str


class DisputeTrace(msgspec.Struct, frozen=True):
    """One dispute on the verdict, in short; `until` is the next deadline, null once it has ended."""

    id: str
    state: State
    by: str
    reason: str
    text: str
    opened_at: str
    until: str | None
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What the stage of a verdict depends on besides its terms.

    Args:
        recorded_at: When the verdict was recorded.
        disputes: All disputes under its contract.
        now: The instant it is looked at.
    """

    recorded_at: int
    disputes: Sequence[Dispute]
    now: int

    def finality(self, contract: Contract, verdict: Verdict) -> FinalityTrace:
        """Give the dates of a verdict, under the version it was given under."""
        dates = None if verdict.locks_at is None else calendar_of(contract, verdict.locks_at)
        ends = None if verdict.status == "pending" else dispute_deadline(contract, verdict, self.recorded_at)
        return FinalityTrace(
            stage=self._stage(contract, verdict, ends),
            observed_at=_text(verdict.occurred_at),
            decided_at=_text(verdict.decided_at),
            recorded_at=format_instant(self.recorded_at),
            locks_at=_text(verdict.locks_at),
            disputable_until=_text(ends),
            clawback_until=None if dates is None else format_instant(dates.clawback_until),
            closes_at=None if dates is None else format_instant(dates.closes_at),
            on_silence=_SILENCE[contract.finality.on_silence],
        )

    def disputes_on(self, verdict: Verdict) -> list[DisputeTrace]:
        """Give the disputes on a verdict, oldest first."""
        return [self._told(dispute) for dispute in self.disputes if dispute.subject == verdict.subject]

    def _stage(self, contract: Contract, verdict: Verdict, ends: int | None) -> StageNow:
        own = [dispute for dispute in self.disputes if dispute.subject == verdict.subject]
        if any(dispute.unsettled(self.now) for dispute in own):
            return "disputed"
        if any(dispute.state(self.now) == "settled" for dispute in own):
            return "settled"
        if ends is None:
            return "provisional"
        if verdict.locks_at is not None and verdict.status in {"verified", "unverifiable"}:
            return calendar_of(contract, verdict.locks_at).stage(self.now)
        if self.now < ends:
            return "disputable"
        return "escalated" if contract.finality.on_silence == "escalate" else "accepted"

    def _told(self, dispute: Dispute) -> DisputeTrace:
        state = dispute.state(self.now)
        until = {"open": dispute.answer_until, "answered": dispute.settle_until}.get(state)
        return DisputeTrace(
            id=dispute.id,
            state=state,
            by=dispute.by,
            reason=dispute.reason,
            text=dispute.text,
            opened_at=format_instant(dispute.opened_at),
            until=_text(until),
            outcome=None if dispute.resolution is None else dispute.resolution.outcome,
        )


def _text(at: int | None) -> str | None:
    return None if at is None else format_instant(at)

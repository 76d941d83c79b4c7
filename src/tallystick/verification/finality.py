"""When a verdict is final: the instant at which it locks, and what can still change it after that.

Once the lock of a verdict is known nothing moves it. From then on only evidence against the verdict changes it, and
from the end of the clawback on nothing does.
"""

from __future__ import annotations

from tallystick.contracts import Contract, clawback_end, grace_end, lock_instant
from tallystick.verification.verdict import Verdict

__all__ = ["is_kept", "lock_of"]


def lock_of(contract: Contract, verdict: Verdict, known: Verdict | None) -> int | None:
    """Give when a verdict locks: once that is known, nothing moves it.

    Args:
        contract: The version that decided.
        verdict: What was found now.
        known: The verdict on the same subject that was given before.
    """
    if known is not None and known.locks_at is not None:
        return known.locks_at
    if verdict.found:
        return None
    if verdict.status == "verified" and verdict.decided_at is not None:
        return lock_instant(contract, verdict.decided_at)
    if verdict.status == "unverifiable" and contract.unverifiable.borne_by == "buyer":
        at = verdict.occurred_at if verdict.occurred_at is not None else verdict.claimed_at
        return None if at is None else grace_end(contract, at)
    return None


def is_kept(contract: Contract, known: Verdict, now: int, *, unknown: bool) -> bool:
    """Tell whether a locked verdict stays as it is: from the end of the clawback on always, before if `unknown`.

    What became unknown, or not yet known, says nothing against what was decided.

    Args:
        contract: The version that decided.
        known: The verdict that was given before.
        now: The instant that is decided as of.
        unknown: What was found now is only that something is unknown, or not yet known.
    """
    if known.locks_at is None or now < known.locks_at or known.status in {"pending", "rejected"}:
        return False
    return unknown or now >= clawback_end(contract, known.locks_at)

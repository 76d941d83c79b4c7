"""What people should know after a turn: what locked, which disputes are due, what silence escalated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tallystick.contracts import Contract, calendar_of
from tallystick.period import DAY, format_instant
from tallystick.verification.agreements import read_agreement
from tallystick.verification.dispute_acts import read_disputes
from tallystick.verification.disputes import Dispute
from tallystick.verification.recorder import read_verdicts

if TYPE_CHECKING:
    from tallystick.cli.project import Project

__all__ = ["notices", "print_notice"]

_SOON = 3 * DAY


def notices(project: Project, contract: Contract, since: int | None, now: int) -> dict[str, Any]:
    """Give what a contract's people should know.

    Args:
        project: The project.
        contract: One of its contracts.
        since: When the turn before this one began; None before the first.
        now: When this one began.

    Returns:
        `locked`, how many outcomes that are paid locked since then; `disputes_due`, the unsettled disputes with a
        deadline within three days; `escalated`, how many outcomes wait for a person on each side.
    """
    agreement = read_agreement(project.engine, project.log, contract)
    disputes = read_disputes(project.engine, project.log, contract.name)
    ended = {dispute.subject for dispute in disputes if dispute.state(now) == "settled"}
    locked = 0
    escalated = {dispute.subject for dispute in disputes if dispute.state(now) == "escalated"}
    for verdict in read_verdicts(project.engine, contract.name).values():
        locks_at = verdict.locks_at
        if locks_at is None or locks_at > now or verdict.status not in {"verified", "unverifiable"}:
            continue
        locked += since is None or locks_at > since
        terms = agreement.by_sha256.get(verdict.contract_sha256, agreement.newest)
        if verdict.subject not in ended and calendar_of(terms, locks_at).stage(now) == "escalated":
            escalated.add(verdict.subject)
    due = [dispute for dispute in disputes if dispute.unsettled(now)]
    return {
        "contract": contract.name,
        "locked": locked,
        "disputes_due": [_due(dispute, now) for dispute in due if now <= dispute.due(now) < now + _SOON],
        "escalated": len(escalated),
    }


def print_notice(notice: dict[str, Any]) -> None:
    """Print what a contract's people should know, if there is anything."""
    from tallystick.cli.output import say

    said = []
    if notice["locked"]:
        said.append(f"{notice['locked']} outcomes locked since the last turn")
    said += [f"{due['id']} is due at {due['until']} ({due['state']})" for due in notice["disputes_due"]]
    if notice["escalated"]:
        said.append(f"{notice['escalated']} outcomes wait for a person on each side")
    if said:
        say(f"{notice['contract']}: {'; '.join(said)}")


def _due(dispute: Dispute, now: int) -> dict[str, str]:
    return {"id": dispute.id, "state": dispute.state(now), "until": format_instant(dispute.due(now))}

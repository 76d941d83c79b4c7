"""What Zendesk counts about a ticket: its metric set, and its metric events.

The set tells how things are now: a ticket that was reopened and is not solved again has no `solved_at` and no
resolution time. Documented at https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_metrics/.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tallystick.testing.instants import iso
from tallystick_zendesk.simulator.draft import Obj

__all__ = ["Metrics"]

_SOLVED = ("solved", "closed")
_SETS_FROM = 7_000_000_000_000


@dataclass(slots=True)
class Metrics:
    """The counts of one ticket, kept up by what happens to it; instants are Unix seconds."""

    ticket: int
    created_at: int
    reopens: int = 0
    replies: int = 0
    groups: int = 0
    assignees: int = 0
    assigned_at: int | None = None
    first_assigned_at: int | None = None
    replied_at: int | None = None
    first_solved_at: int | None = None
    solved_at: int | None = None
    commented_at: int | None = None
    assignee_acted_at: int | None = None
    requester_acted_at: int | None = None
    status_at: int = 0
    instance: int = 1
    events: list[Obj] = field(default_factory=list)

    def opened(self) -> None:
        """The ticket was made."""
        self.status_at = self.created_at
        self._log(self.created_at, "reply_time", "activate")
        self._log(self.created_at, "resolution_time", "activate")

    def status(self, at: int, new: str, old: str) -> None:
        """The status changed."""
        self.status_at = at
        if new == "solved" and old not in _SOLVED:
            self.solved_at = at
            self.first_solved_at = self.first_solved_at or at
            self._log(at, "resolution_time", "fulfill")
        elif old in _SOLVED and new not in {*_SOLVED, "deleted"}:
            self.reopens += 1
            self.instance += 1
            self.solved_at = None
            self._log(at, "resolution_time", "activate")

    def comment(self, at: int, *, public: bool, staff: bool, requester: bool) -> None:
        """Somebody wrote."""
        self.commented_at = at
        if public and staff:
            self.replies += 1
            if self.replied_at is None:
                self.replied_at = at
                self._log(at, "reply_time", "fulfill")
        if requester:
            self.requester_acted_at = at

    def assigned(self, at: int) -> None:
        """Somebody got the ticket."""
        self.assignees += 1
        self.assigned_at = at
        self.first_assigned_at = self.first_assigned_at or at

    def row(self, updated_at: int, *, solved: bool) -> Obj:
        """Give the metric set."""
        done = self.solved_at if solved else None
        first = None if self.reopens and not solved else self.first_solved_at
        made: Obj = {
            "url": f"https://nordwind.zendesk.com/api/v2/ticket_metrics/{_SETS_FROM + self.ticket}.json",
            "id": _SETS_FROM + self.ticket,
            "ticket_id": self.ticket,
            "created_at": iso(self.created_at),
            "updated_at": iso(updated_at),
            "group_stations": self.groups,
            "assignee_stations": self.assignees,
            "reopens": self.reopens,
            "replies": self.replies,
            "assignee_updated_at": _iso(self.assignee_acted_at),
            "requester_updated_at": _iso(self.requester_acted_at),
            "status_updated_at": iso(self.status_at),
            "initially_assigned_at": _iso(self.first_assigned_at),
            "assigned_at": _iso(self.assigned_at),
            "solved_at": _iso(done),
            "latest_comment_added_at": _iso(self.commented_at),
            "custom_status_updated_at": iso(self.status_at),
            "reply_time_in_minutes": self._minutes(self.replied_at),
            "reply_time_in_seconds": {"calendar": self.replied_at - self.created_at if self.replied_at else None},
            "first_resolution_time_in_minutes": self._minutes(first),
            "full_resolution_time_in_minutes": self._minutes(done),
            "agent_wait_time_in_minutes": {"calendar": None, "business": None},
            "requester_wait_time_in_minutes": self._minutes(done),
            "on_hold_time_in_minutes": {"calendar": 0, "business": 0},
        }
        if self.reopens and done is None:
            del made["solved_at"]
        return made

    def _minutes(self, until: int | None) -> Obj:
        spent = None if until is None else (until - self.created_at) // 60
        return {"calendar": spent, "business": None if spent is None else spent // 3}

    def _log(self, at: int, metric: str, kind: str) -> None:
        instance = self.instance if metric == "resolution_time" else 1
        key = _SETS_FROM + self.ticket * 1000 + len(self.events)
        row = {"id": key, "ticket_id": self.ticket, "metric": metric, "instance_id": instance, "type": kind}
        self.events.append({**row, "time": iso(at), "at": at})


def _iso(at: int | None) -> str | None:
    return None if at is None else iso(at)

"""The org at a virtual instant: exactly what the plan says up to then has happened and can be seen."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Any, NamedTuple

from tallystick_salesforce.simulator.deeds import do
from tallystick_salesforce.simulator.history import ACTIVITIES, HISTORIES, MOST
from tallystick_salesforce.simulator.ids import made
from tallystick_salesforce.simulator.plan import DAY, Deed, Plan
from tallystick_salesforce.simulator.tables import Tables
from tallystick_salesforce.simulator.values import Row

__all__ = ["BIN_DAYS", "World"]

BIN_DAYS = 15
"""Days that a record stays in the recycle bin."""


class _Entry(NamedTuple):
    """Something that happens at an instant; `record` and `was` are for what the org does itself."""

    at: int
    order: int
    kind: str
    deed: Deed | None = None
    record: str = ""
    was: int = 0


class World:
    """One org, served as of `now` (Unix seconds).

    Args:
        plan: All that will ever happen.
        now: Virtual instant.

    Raises:
        ValueError: The plan is not possible: the message names the key and the instant.
    """

    def __init__(self, plan: Plan, now: int) -> None:
        self.plan = plan
        _check_tracking(plan)
        _check_locks(plan)
        self._start(now)

    def _start(self, now: int) -> None:
        self.org = Tables(self.plan)
        deeds = self.plan.ordered()
        self._line = [_Entry(deed.at + deed.late, order, "deed", deed) for order, deed in enumerate(deeds)]
        heapq.heapify(self._line)
        self._order = len(deeds)
        self._set_up(deeds[0].at)
        self._run(now)

    def move(self, now: int) -> None:
        """Set the clock; moving it back makes everything after it not have happened."""
        if now < self.now:
            self._start(now)
        else:
            self._run(now)

    def perform(self, deed: Deed) -> None:
        """Do a deed that the plan does not tell, at its instant, which is now; with `late` it is seen later.

        Moving the clock back forgets it.

        Raises:
            ValueError: It is not possible.
        """
        if deed.kind == "create":
            self.org.keys[deed.key] = self.org.new_id(deed.object, deed.at)
        self._order += 1
        heapq.heappush(self._line, _Entry(deed.at + deed.late, self._order, "deed", deed))
        self._run(self.now)

    def id(self, key: str) -> str:
        """Give the id of a key of the plan, or of a row made on the way, like `<event>/<invitee>`.

        Raises:
            KeyError: There is none, or not yet.
        """
        return self.org.keys[key]

    def record(self, key: str) -> Row:
        """Give the record of a key as the org keeps it.

        Raises:
            KeyError: It is not there.
        """
        record = self.org.keys[key]
        return self.org.rows[self.org.kind(record)][record]

    def unshared(self) -> set[str]:
        """Give the ids of what sharing rules keep from the reader."""
        return {self.org.keys[key] for key in self.plan.unshared if key in self.org.keys}

    def _run(self, now: int) -> None:
        self.now = now
        while self._line and self._line[0].at <= now:
            entry = heapq.heappop(self._line)
            if entry.deed is not None:
                do(self.org, entry.deed)
                for follows in self._follow(entry.deed):
                    heapq.heappush(self._line, follows)
            elif entry.kind == "purge":
                self._purge(entry)
            else:
                self._archive(entry)

    def _follow(self, deed: Deed) -> Iterator[_Entry]:
        """Give what the org will do itself because of a deed: empty the bin, archive an activity."""
        if deed.kind in {"delete", "merge"}:
            record = self.org.keys[deed.loser or deed.key]
            yield self._later(deed.at + BIN_DAYS * DAY, "purge", record, deed.at)
        record = self.org.keys.get(deed.key, "")
        row = self.org.find(record)
        if row is not None and deed.kind in {"create", "update"} and self.org.kind(record) in ACTIVITIES:
            for one in (record, *self.org.belongings.get(record, ())):
                activity = self.org.find(one)
                over = None if activity is None else _over(activity)
                if over is not None:
                    yield self._later(over + self.plan.archived_after, "archive", one, over)

    def _later(self, at: int, kind: str, record: str, was: int) -> _Entry:
        self._order += 1
        return _Entry(at, self._order, kind, None, record, was)

    def _purge(self, entry: _Entry) -> None:
        row = self.org.find(entry.record)
        if row is not None and (entry.was, entry.record) in self.org.deletions[self.org.kind(entry.record)]:
            self.org.drop(entry.record)

    def _archive(self, entry: _Entry) -> None:
        row = self.org.find(entry.record)
        if row is not None and _over(row) == entry.was:
            row["IsArchived"] = True

    def _set_up(self, at: int) -> None:
        """Write the rows of settings: the organisation, the stages, the statuses of cases."""
        by = self.org.keys[self.plan.reader]
        self._setting("Organization", at, by, 1, Name=self.plan.organization, TimeZoneSidKey=self.plan.time_zone)
        organization = next(iter(self.org.rows["Organization"].values()))
        organization |= {"DefaultCurrencyIsoCode": self.plan.currencies[0], "OrganizationType": "Enterprise Edition"}
        for place, stage in enumerate(self.plan.stages, 1):
            ends: Row = {"IsClosed": stage.closed, "IsWon": stage.won, "DefaultProbability": stage.probability}
            ends |= {"ForecastCategory": stage.category, "SortOrder": place, "IsActive": True}
            self._setting("OpportunityStage", at, by, place, MasterLabel=stage.name, ApiName=stage.name, **ends)
        for place, (status, closed) in enumerate(self.plan.case_statuses.items(), 1):
            values = {"IsClosed": closed, "IsDefault": place == 1, "SortOrder": place}
            self._setting("CaseStatus", at, by, place, MasterLabel=status, ApiName=status, **values)

    def _setting(self, name: str, at: int, by: str, place: int, **values: Any) -> None:
        row = self.org.blank(name, made(self.org.shapes[name].prefix, place))
        dates = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), at)
        self.org.add(name, row | dates | {"CreatedById": by, "LastModifiedById": by} | values)


def _over(row: Row) -> int | None:
    """Give the instant an activity was over: the end of an event, the completion of a task."""
    end = row.get("EndDateTime", row.get("CompletedDateTime"))
    return end if isinstance(end, int) else None


def _check_tracking(plan: Plan) -> None:
    for name, fields in plan.tracked.items():
        if name not in HISTORIES and name not in ACTIVITIES:
            raise ValueError(f"{name} has no field history")
        if len(fields) > MOST:
            raise ValueError(f"{name}: at most {MOST} fields can be tracked, not {len(fields)}")


def _check_locks(plan: Plan) -> None:
    """Refuse a deed to an object that a long transaction holds.

    Raises:
        ValueError: There is one.
    """
    held: dict[str, int] = {}
    for deed in plan.ordered():
        for key in filter(None, (deed.key, deed.loser)):
            if held.get(key, -1) >= deed.at:
                raise ValueError(f"{key} is locked at {deed.at} by a transaction that ends at {held[key]}")
            if deed.late:
                held[key] = deed.at + deed.late

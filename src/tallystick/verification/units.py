"""One unit, one claim: which records belong together, and which claim holds them.

A contract says what makes records one unit (`outcomes.Unit`): a link from one to another, or an equal key on one day.
It may also say how many days have to lie between two records of an equal key that are both paid. Which of them is paid
then depends on who comes first, so that such records are no unit: they exclude each other, two by two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from tallystick.outcomes import Unit
from tallystick.period import DAY, Zone

__all__ = ["Group", "Held", "Holder", "Rivals", "Units"]


class Holder(msgspec.Struct, frozen=True, gc=False):
    """The claim that a record, or a unit, is paid through; `contract` is set when it is another one.

    `source` is where the record is.
    """

    claim_id: str
    record_id: str
    status: Literal["verified", "pending"]
    contract: str = ""
    source: str = ""

    def __str__(self) -> str:
        return f"{self.claim_id} under contract {self.contract}" if self.contract else self.claim_id


Rivals: TypeAlias = Mapping[tuple[str, str, str], Sequence[tuple[int, Holder]]]
"""Claims under other contracts by source, record type and record id, with the ledger index of their import."""

Group: TypeAlias = str | tuple[str, ...]
"""What stands for records of one unit: the id of one of them, or what they have in common."""

Held: TypeAlias = dict[tuple[str, ...], list[Holder]]
"""Claims under one contract that hold a unit: by source and record type, and by what the unit is called anywhere."""


class Units:
    """Groups records into units.

    Args:
        unit: What makes records one unit; None makes each record its own.
        rows: For each record that is claimed or may be paid, that has a link or that a link leads to: its `id`, when it
            occurred, and the facts the unit rule names. With `days`, also for those of an equal key.
        zone: Zone of the contract, for calendar days.
    """

    def __init__(self, unit: Unit | None, rows: Iterable[Mapping[str, Any]], zone: Zone) -> None:
        self._parent: dict[Group, Group] = {}
        self._holders: dict[Group, tuple[Holder, ...]] = {}
        self._keyed: dict[str, tuple[str, int]] = {}
        self._called: dict[str, tuple[str, str]] = {}
        self._days = 0 if unit is None else unit.days or 0
        self._zone = zone
        if unit is None:
            return
        for row in rows:
            record = row["id"]
            for link in unit.links:
                if row[f"fact_{link}"] is not None:
                    self._join(record, row[f"fact_{link}"])
            key, at = row[f"fact_{unit.key}"] if unit.key else None, row["occurred_at"]
            called = row[f"fact_{unit.anywhere}"] if unit.anywhere else None
            if called is not None and at is not None:
                self._called[row["id"]] = (called, str(zone.to_local(at) // DAY))
            if key is None or at is None:
                continue
            if unit.days is None:
                self._join(record, ("key", key, str(zone.to_local(at) // DAY)))
            else:
                self._keyed[row["id"]] = (key, at)

    def of(self, record_id: str) -> Group:
        """Give what stands for the unit a record belongs to."""
        return self._root(record_id) if self._parent else record_id

    def groups(self, record_id: str) -> tuple[Group, ...]:
        """Give what stands for the unit of a record, and for all records of its key: what excludes it is in these."""
        keyed = self._keyed.get(record_id)
        return (self.of(record_id),) if keyed is None else (self.of(record_id), ("keyed", keyed[0]))

    def called(self, record_id: str) -> tuple[str, str] | None:
        """Give what a record is called in every source, and its calendar day; None where nothing tells."""
        return self._called.get(record_id)

    def exclude(self, one: str, other: str) -> bool:
        """Tell whether one of two records alone is paid: of one unit, or too close to each other."""
        if one == other or self.of(one) == self.of(other):
            return True
        first, second = self._keyed.get(one), self._keyed.get(other)
        if first is None or second is None or first[0] != second[0]:
            return False
        earlier, later = sorted((first[1], second[1]))
        return later < self._zone.add_days(earlier, self._days)

    def holder(self, record_id: str) -> Holder | None:
        """Give the first claim that holds the unit of a record, or one that excludes it."""
        for group in self.groups(record_id):
            for holder in self._holders.get(group, ()):
                if self.exclude(record_id, holder.record_id):
                    return holder
        return None

    def hold(self, record_id: str, holder: Holder) -> None:
        """Put a claim in line for the unit of a record, behind those that hold it already."""
        for group in self.groups(record_id):
            holders = self._holders.get(group, ())
            if holder not in holders:
                self._holders[group] = (*holders, holder)

    def _root(self, node: Group) -> Group:
        root = node
        while (above := self._parent.get(root, root)) != root:
            root = above
        while (above := self._parent.get(node, node)) != root:
            self._parent[node], node = root, above
        return root

    def _join(self, one: Group, other: Group) -> None:
        first, second = self._root(one), self._root(other)
        if first != second:
            self._parent[second] = first

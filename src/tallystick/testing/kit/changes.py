"""Checks of what happens after an object was first read: edits, deletions, merges, and who did it."""

from __future__ import annotations

from typing import Any

from tallystick.testing.kit.base import KitBase, needs
from tallystick.testing.kit.capability import Capability
from tallystick.testing.kit.contents import Contents, Key, State, difference
from tallystick.testing.kit.desk import MICROS, Desk
from tallystick.testing.kit.failing import require

__all__ = ["ChangeChecks"]

_DAY = 86_400
_GONE = {"deleted", "merged", "void"}


class ChangeChecks(KitBase):
    """What becomes of an object has to arrive, however late."""

    @needs(Capability.EDITS)
    def test_late_edits_arrive(self, desk: Desk) -> None:
        """Edited ten days after it was read, an object is stored anew, as a first load would show it now."""
        made = self._old(desk, Capability.EDITS)
        for kind, record_id in made:
            desk.system.edit(kind, record_id)
        desk.settle()
        desk.read()
        found = desk.contents()
        for key in made:
            require(
                len(found[key]) > 1,
                f"an edit of {key[0]} {key[1]} never arrived",
                "Read what changed since the watermark, by when it was changed and not by when it was made.",
            )
        self._as_anew(desk, made, found)

    @needs(Capability.EDITS)
    def test_an_edit_in_the_middle_of_a_read_arrives(self, desk: Desk) -> None:
        """Objects edited while they are read, between two pages, are stored in the end as they are now."""
        names = self._types(Capability.EDITS)
        made = desk.fill(names)
        desk.cut("store", 1)
        ends = [key for name in names for key in _ends([key for key in made if key[0] == name])]
        for kind, record_id in ends:
            desk.system.edit(kind, record_id)
        desk.settle()
        desk.read()
        desk.read()
        found = desk.contents()
        missing = [key for key in made if key not in found]
        require(not missing, f"{len(missing)} objects were lost by edits while reading", _MOVING)
        self._as_anew(desk, ends, found)

    @needs(Capability.DELETIONS)
    def test_deletions_arrive(self, desk: Desk) -> None:
        """Deleted ten days after it was read, an object is stored as deleted, and stays so."""
        made = self._old(desk, Capability.DELETIONS)
        for kind, record_id in made:
            desk.system.delete(kind, record_id)
        desk.settle()
        for run in ("first", "second"):
            desk.read()
            found = desk.contents()
            for key in made:
                require(
                    _is_gone(found[key][-1]),
                    f"{key[0]} {key[1]} was deleted, and the {run} run after it does not say so",
                    "Read what the system tells of deletions, and give a record with `deleted`, or the status deleted.",
                )

    @needs(Capability.MERGES)
    def test_merges_arrive(self, desk: Desk) -> None:
        """Merged ten days after both were read, an object is stored as gone, or says into which it went."""
        names = self._types(Capability.MERGES)
        made = [(name, desk.create(name, 2)) for name in names]
        self._pass_ten_days(desk)
        for name, (kept, gone) in made:
            desk.system.merge(name, kept[1], gone[1])
        desk.settle()
        desk.read()
        found = desk.contents()
        for name, (kept, gone) in made:
            last = found[gone][-1]
            require(
                _is_gone(last) or last.columns.get("merged_into") == kept[1] or self._told(found, gone, kept),
                f"{name} {gone[1]} was merged into {kept[1]}, and nothing says so",
                "Read what the system tells of merges; set `merged_into`, or give a record with `deleted`.",
            )
            require(not _is_gone(found[kept][-1]), f"{name} {kept[1]}, which was kept, is stored as gone", _KEPT)

    @needs(Capability.PROVENANCE, Capability.EDITS)
    def test_the_history_says_when_and_by_whom(self, desk: Desk) -> None:
        """An edit gives a change (or an act on the ticket) at its instant, with its actor where the system tells."""
        names = [name for name in self._types(Capability.PROVENANCE) if name in self._types(Capability.EDITS)]
        made = [key for name in names for key in desk.create(name, 1)]
        self._pass_ten_days(desk)
        edits = {}
        for kind, record_id in made:
            edits[kind, record_id] = (desk.system.now(), desk.system.edit(kind, record_id))
            desk.system.advance(60)
        desk.settle()
        desk.read()
        found = desk.contents()
        for key, (at, actor) in edits.items():
            acts = [act for act in _history(found, key[1]) if abs(act["at"] - at) <= MICROS]
            require(
                acts,
                f"no change tells when {key[0]} {key[1]} was edited",
                "Give a `change` (or `ticket_event`) per changed field, whose `at` is the time of the edit and whose"
                " `object_id` is the record's id; or say in `lacks` why the system has no history.",
            )
            require(
                actor is None or actor in {act["actor_id"] for act in acts},
                f"the change of {key[0]} {key[1]} does not name {actor}, who made it",
                "Set `actor_id` to the one whom the system names as the author of the change.",
            )

    @needs(Capability.LOOKUP)
    def test_a_live_look_up_equals_what_was_synced(self, desk: Desk) -> None:
        """Looked up live, an object has the typed columns that a sync stored of it."""
        made = [key for name in self._types(Capability.LOOKUP) for key in desk.create(name, 1)]
        desk.settle()
        desk.read()
        found = desk.contents()
        connector = desk.connect()
        for kind, record_id in made:
            live = [
                record
                for record in connector.lookup(connector.ref_of(kind, record_id))
                if (record.type, record.id) == (kind, record_id)
            ]
            require(live, f"a look-up of {kind} {record_id} does not give it", _LOOKUP)
            stored = tuple(found[kind, record_id][-1].columns.values())
            require(live[-1].values == stored, f"a look-up of {kind} {record_id} differs from the sync", _LOOKUP)

    def _old(self, desk: Desk, capability: Capability) -> list[Key]:
        """Make an object of each type that can do it, and read it; then ten days pass, with a sync each."""
        made = [key for name in self._types(capability) for key in desk.create(name, 1)]
        self._pass_ten_days(desk)
        return made

    def _pass_ten_days(self, desk: Desk) -> None:
        desk.settle()
        desk.read()
        for _ in range(2):
            desk.system.advance(5 * _DAY)
            desk.read()

    def _as_anew(self, desk: Desk, keys: list[Key], found: Contents) -> None:
        """Fail unless the newest versions are what a first load of another store shows now."""
        anew, _ = desk.read_whole("anew")
        expected = {key: anew[key] for key in keys if key in anew}
        require(len(expected) == len(keys), "a first load does not show objects that were edited", _MOVING)
        wrong = difference(expected, {key: found[key] for key in keys}, newest=True)
        require(not wrong, f"read on after an edit and read anew, {wrong}", _MOVING)

    def _told(self, found: Contents, gone: Key, kept: Key) -> bool:
        """Tell whether an act on a ticket says that it was merged."""
        return any(
            act.get("kind") == "merged" and act.get("other_ticket_id") == kept[1] for act in _history(found, gone[1])
        )


_MOVING = (
    "An object that changes while it is read moves in the system's order: read on until the end of the window, begin"
    " the next read before the watermark, and let a newer state never give way to an older one (`as_of`)."
)
_KEPT = "Mark only the object that went away."
_LOOKUP = "Let `lookup` map the object as the stream does: the same columns from the same fields."


def _ends(keys: list[Key]) -> list[Key]:
    return [keys[0], keys[len(keys) // 2], keys[-1]]


def _is_gone(state: State) -> bool:
    return state.deleted or state.columns.get("status") in _GONE


def _history(found: Contents, record_id: str) -> list[dict[str, Any]]:
    """Give the changes and acts that are about an object."""
    about = {"change": "object_id", "ticket_event": "ticket_id"}
    return [
        dict(states[-1].columns)
        for (kind, _), states in found.items()
        if kind in about and states[-1].columns[about[kind]] == record_id
    ]

"""The account at a virtual instant: exactly what the plan says up to then has happened."""

from __future__ import annotations

from functools import singledispatchmethod

from tallystick_hubspot.simulator.computed import Computer
from tallystick_hubspot.simulator.deeds import (
    CALCULATED,
    PRIMARY,
    Archive,
    Assign,
    Associate,
    Create,
    Deed,
    Disassociate,
    Erase,
    LinkThread,
    Merge,
    MoveInbox,
    OpenThread,
    Ref,
    Restore,
    Say,
    Set,
    SetStatus,
)
from tallystick_hubspot.simulator.definitions import definitions
from tallystick_hubspot.simulator.index import Index
from tallystick_hubspot.simulator.instants import iso
from tallystick_hubspot.simulator.items import Item, Link
from tallystick_hubspot.simulator.kinds import KINDS, TYPE_IDS
from tallystick_hubspot.simulator.plan import Plan
from tallystick_hubspot.simulator.threads import Thread

__all__ = ["World"]

_ORIGINATING = 60_000


class World:
    """One account, served as of `now` (Unix milliseconds).

    Args:
        plan: All that will ever happen.
        now: Virtual instant.
        lag: Milliseconds after which search certainly knows of a change; `index.lag` sets it for what happens later.

    Raises:
        ValueError: The plan is not possible, for example a value for an object that is not there.
    """

    def __init__(self, plan: Plan, now: int, *, lag: int = 0) -> None:
        self.plan = plan
        self._line = sorted(plan.deeds, key=lambda deed: deed.at)
        self.known = definitions(plan)
        self._computer = Computer(plan)
        self._lag = lag
        self._start(now)

    def _start(self, now: int) -> None:
        self.items: dict[str, dict[str, Item]] = {name: {} for name in KINDS}
        self.threads: dict[str, Thread] = {}
        self.redirects: dict[Ref, str] = {}
        self.index = Index(self._lag)
        self._done = 0
        self._ordered: dict[str, list[Item]] = {}
        self._run(now)

    def move(self, now: int) -> None:
        """Set the clock; moving it back makes everything after it not have happened.

        Raises:
            ValueError: The plan is not possible.
        """
        if now < self.now:
            self._start(now)
        else:
            self._run(now)

    def _run(self, now: int) -> None:
        self.now = now
        while self._done < len(self._line) and self._line[self._done].at <= now:
            deed = self._line[self._done]
            self._done += 1
            self._do(deed)
        self.index.advance(now)

    def happen(self, *deeds: Deed) -> None:
        """Let deeds happen now that the plan did not know; from here on they are part of it.

        Raises:
            ValueError: They are not possible, or not of this instant.
        """
        if any(deed.at != self.now for deed in deeds):
            raise ValueError("a deed outside the plan happens now")
        self._line[self._done : self._done] = deeds
        self._run(self.now)

    def happened(self) -> list[Deed]:
        """Give the deeds up to now, in their order."""
        return self._line[: self._done]

    def ordered(self, kind: str) -> list[Item]:
        """Give all objects of a kind by rising id, archived ones too."""
        if kind not in self._ordered:
            self._ordered[kind] = sorted(self.items[kind].values(), key=lambda item: item.number)
        return self._ordered[kind]

    def found(self, kind: str, key: str) -> Item | None:
        """Give an object by its id, archived or not; the id of one that was merged may lead to the other."""
        return self.items[kind].get(self.redirects.get((kind, key), key))

    def _item(self, ref: Ref, deed: Deed) -> Item:
        kind, key = ref
        item = self.items.get(kind, {}).get(key)
        if item is None:
            raise ValueError(f"{type(deed).__name__} at {iso(deed.at)}: there is no {kind}/{key}")
        return item

    def _thread(self, key: str, deed: Deed) -> Thread:
        if key not in self.threads:
            raise ValueError(f"{type(deed).__name__} at {iso(deed.at)}: there is no thread {key}")
        return self.threads[key]

    @singledispatchmethod
    def _do(self, deed: Deed) -> None:
        raise ValueError(f"{deed!r} is no deed")

    @_do.register
    def _create(self, deed: Create) -> None:
        kind, key = deed.ref
        if kind not in KINDS or not key.isdigit() or key in self.items[kind]:
            raise ValueError(f"Create at {iso(deed.at)}: {kind}/{key} is there already, or cannot be")
        plan = self.plan
        depth = plan.contact_history_depth if kind == "contacts" else plan.history_depth
        at = deed.at if deed.dated is None else deed.dated
        item = Item(kind, key, at, depth)
        self.items[kind][key] = item
        self._ordered.pop(kind, None)
        self._write(item, self._computer.started(item, deed.values, deed.by), at, deed)
        item.touch(deed.at)
        self.index.note(item, deed.at)

    @_do.register
    def _set(self, deed: Set) -> None:
        item = self._item(deed.ref, deed)
        values = dict(deed.values)
        if deed.by.user is not None:
            values.setdefault("hs_updated_by_user_id", str(deed.by.user))
        self._write(item, values, deed.at if deed.dated is None else deed.dated, deed)
        if deed.moves_stamp:
            item.touch(deed.at if deed.stamp is None else deed.stamp)
        self.index.note(item, deed.at)

    def _write(self, item: Item, values: dict[str, str | None], at: int, deed: Create | Set) -> None:
        unknown = set(deed.values) - set(self.known[item.kind])
        if unknown:
            raise ValueError(
                f"{type(deed).__name__} at {iso(deed.at)}: {item.kind} have no {', '.join(sorted(unknown))}"
            )
        changed = {
            name
            for name, value in values.items()
            if (value is not None or name in item.history) and item.write(name, value, at, deed.by)
        }
        self._computer.follow(item, changed, at)
        # What a plan says wins over what follows from it.
        for name, value in deed.values.items():
            newest = next(iter(item.history.get(name, ())), None)
            if newest is not None and (newest.author, newest.at) == (CALCULATED, at):
                item.write(name, value, at, deed.by)

    @_do.register
    def _archive(self, deed: Archive) -> None:
        item = self._item(deed.ref, deed)
        item.archived_at = deed.at
        self.index.note(item, deed.at)

    @_do.register
    def _restore(self, deed: Restore) -> None:
        item = self._item(deed.ref, deed)
        item.archived_at = None
        item.touch(deed.at)
        self.index.note(item, deed.at)

    @_do.register
    def _erase(self, deed: Erase) -> None:
        item = self._item(deed.ref, deed)
        self._remove(item, deed.at)
        for thread in self.threads.values():
            if item.kind == "tickets" and thread.ticket == item.id:
                thread.ticket = None

    def _remove(self, item: Item, at: int) -> None:
        for kind, others in item.links.items():
            for key in others:
                self.items[kind][key].links[item.kind].pop(item.id, None)
        del self.items[item.kind][item.id]
        self._ordered.pop(item.kind, None)
        self.index.note(item, at, gone=True)

    @_do.register
    def _merge(self, deed: Merge) -> None:
        winner, loser = self._item(deed.winner, deed), self._item(deed.loser, deed)
        if winner.kind != loser.kind or winner is loser:
            raise ValueError(f"Merge at {iso(deed.at)}: {deed.winner} and {deed.loser} are not two of a kind")
        for kind, others in loser.links.items():
            for key, links in others.items():
                other = self.items[kind][key]
                if other is not winner:
                    self._connect(winner, other, links, other.links[loser.kind][loser.id])
        self._remove(loser, deed.at)
        for thread in self.threads.values():
            if winner.kind == "tickets" and thread.ticket == loser.id:
                thread.ticket = winner.id
        had = [winner.values.get("hs_merged_object_ids"), loser.id, loser.values.get("hs_merged_object_ids")]
        winner.write("hs_merged_object_ids", ";".join(filter(None, had)), deed.at, deed.by)
        if deed.redirects:
            self.redirects[winner.kind, loser.id] = winner.id
        if deed.moves_stamp:
            winner.touch(deed.at)
        self.index.note(winner, deed.at)

    @_do.register
    def _associate(self, deed: Associate) -> None:
        first, second = self._item(deed.first, deed), self._item(deed.second, deed)
        there: list[Link] = []
        back: list[Link] = []
        if (first.kind, second.kind) in TYPE_IDS:
            there.append(Link("HUBSPOT_DEFINED", TYPE_IDS[first.kind, second.kind], None))
            back.append(Link("HUBSPOT_DEFINED", TYPE_IDS[second.kind, first.kind], None))
        label = deed.label
        if label is not None:
            there.append(Link(label.category, label.id, label.text))
            back.append(Link(label.category, label.back_id or label.id, label.back_text or label.text))
        if not there:
            raise ValueError(f"Associate at {iso(deed.at)}: {first.kind} and {second.kind} need a label")
        self._connect(first, second, tuple(there), tuple(back))
        if label == PRIMARY["contacts"] and first.kind == "contacts":
            self._primary(first, second.id, deed.at)

    def _primary(self, contact: Item, company: str | None, at: int) -> None:
        """Write the primary company of a contact, which moves no stamp."""
        contact.write("associatedcompanyid", company, at, CALCULATED)
        self.index.note(contact, at)

    @staticmethod
    def _connect(first: Item, second: Item, there: tuple[Link, ...], back: tuple[Link, ...]) -> None:
        for item, other, links in ((first, second, there), (second, first, back)):
            ends = item.links.setdefault(other.kind, {})
            ends[other.id] = tuple(dict.fromkeys((*ends.get(other.id, ()), *links)))

    @_do.register
    def _disassociate(self, deed: Disassociate) -> None:
        first, second = self._item(deed.first, deed), self._item(deed.second, deed)
        first.links.get(second.kind, {}).pop(second.id, None)
        second.links.get(first.kind, {}).pop(first.id, None)
        for contact, company in ((first, second), (second, first)):
            if contact.values.get("associatedcompanyid") == company.id and company.kind == "companies":
                self._primary(contact, None, deed.at)

    @_do.register
    def _open_thread(self, deed: OpenThread) -> None:
        if deed.thread in self.threads:
            raise ValueError(f"OpenThread at {iso(deed.at)}: thread {deed.thread} is there already")
        thread = self.threads[deed.thread] = Thread(deed)
        if deed.ticket is not None:
            self._link_ticket(thread, deed.ticket, deed)

    @_do.register
    def _link_thread(self, deed: LinkThread) -> None:
        thread = self._thread(deed.thread, deed)
        self._link_ticket(thread, deed.ticket, deed)

    def _link_ticket(self, thread: Thread, ticket: str, deed: OpenThread | LinkThread) -> None:
        item = self._item(("tickets", ticket), deed)
        thread.ticket = ticket
        count = sum(other.ticket == ticket for other in self.threads.values())
        item.write("hs_num_associated_conversations", str(count), deed.at, CALCULATED)
        name = "hs_conversations_originating_thread_id"
        if item.values.get(name) is None and deed.at - item.created_at <= _ORIGINATING:
            item.write(name, thread.id, deed.at, CALCULATED)
        self._touched(item, deed.at)

    @_do.register
    def _say(self, deed: Say) -> None:
        thread = self._thread(deed.thread, deed)
        incoming = thread.say(deed)
        item = self.items["tickets"].get(thread.ticket or "")
        if item is None or deed.type != "MESSAGE":
            return
        agent = deed.actor.startswith("A-") and not incoming
        if self._computer.replied(item, deed.at, agent=agent, visitor=incoming):
            self._touched(item, deed.at)

    def _touched(self, item: Item, at: int) -> None:
        item.touch(max(at, item.updated_at))
        self.index.note(item, at)

    @_do.register
    def _assign(self, deed: Assign) -> None:
        self._thread(deed.thread, deed).assign(deed)

    @_do.register
    def _set_status(self, deed: SetStatus) -> None:
        self._thread(deed.thread, deed).set_status(deed)

    @_do.register
    def _move_inbox(self, deed: MoveInbox) -> None:
        self._thread(deed.thread, deed).move(deed)

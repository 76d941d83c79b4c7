"""The account at a virtual instant: exactly what the plan says up to then has happened."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from tallystick_zendesk.simulator.deeds import Deed, Ratings, opened
from tallystick_zendesk.simulator.draft import STEP, Draft, Obj
from tallystick_zendesk.simulator.people import Person
from tallystick_zendesk.simulator.plan import Act, Plan, User
from tallystick_zendesk.simulator.tickets import Event, Ticket

__all__ = ["World"]

_EVENTS_FROM = 14_000_000_000_000
_ACCOUNT = 10_000_000_000
_TOUCHED_EVERY = 5
_TOUCHED_AFTER = 1_800


class _Entry(NamedTuple):
    """Something that happens at one second; of one second people come first, then acts, then the account itself."""

    at: int
    rank: int
    order: int
    kind: str
    event: int
    what: User | Act | Person | int | tuple[int, dict[str, object]]


class World:
    """One account, served as of `now` (Unix seconds); `lag` are seconds that users and ratings are shown late.

    Args:
        plan: All that will ever happen.
        now: Virtual instant.

    Raises:
        ValueError: The plan is not possible, for example an act on a ticket that is not there.
    """

    def __init__(self, plan: Plan, now: int) -> None:
        self.plan = plan
        self.lag = 0
        self._line = _line(plan)
        self._events_from = _EVENTS_FROM + plan.account * _ACCOUNT
        self._planned = len(plan.acts) + sum(act.merge_into is not None for act in plan.acts)
        self.custom_fields = _custom_fields(plan.acts)
        self.groups = _groups(plan.acts)
        self._start(now)

    def _start(self, now: int) -> None:
        self.people: dict[int, Person] = {}
        self.tickets: dict[int, Ticket] = {}
        self.events: list[Event] = []
        self.event_times: list[int] = []
        self.ratings = Ratings(self.plan.account * _ACCOUNT)
        self._done = 0
        self._written = self._planned
        self._run(now)

    def move(self, now: int) -> None:
        """Set the clock; moving it back makes everything after it not have happened."""
        if now < self.now:
            self._start(now)
        else:
            self._run(now)

    def _run(self, now: int) -> None:
        self.now = now
        line, done = self._line, self._done
        while done < len(line) and line[done].at <= now:
            self._happen(line[done])
            done += 1
        self._done = done
        self._sort()

    def happen(self, act: Act) -> int:
        """Let an act happen that the plan does not know, now, and give the id of its event.

        Moving the clock back makes it not have happened.

        Raises:
            ValueError: It is not possible, or not an act of this instant.
        """
        if act.at != self.now:
            raise ValueError("an act outside the plan happens now")
        event = self._next_event()
        self._act(act, event)
        if act.merge_into is not None:
            self._absorb(act, self._next_event())
        self._sort()
        return event

    def meet(self, user: User) -> None:
        """Let there be a user whom the plan does not know; moving the clock back takes the user away again."""
        self.people[user.id] = Person.made(user)
        self._sort()

    def alter(self, user: int, values: dict[str, object]) -> None:
        """Change fields of a user, now; moving the clock back undoes it."""
        self.people[user].change(self.now, values)
        self._sort()

    def _next_event(self) -> int:
        self._written += 1
        return self._events_from + self._written * STEP

    def _sort(self) -> None:
        # Sorted by the clocks of the exports: tickets by what last touched them, users by their last change.
        self.ticket_order = sorted((ticket.generated, ticket.id) for ticket in self.tickets.values())
        self.user_order = sorted((person.updated_at, person.id) for person in self.people.values())

    def _happen(self, entry: _Entry) -> None:
        what = entry.what
        if entry.kind == "act" and isinstance(what, Act):
            self._act(what, entry.event)
        elif entry.kind == "absorb" and isinstance(what, Act):
            self._absorb(what, entry.event)
        elif entry.kind == "user" and isinstance(what, User):
            self.people[what.id] = Person.made(what)
        elif entry.kind == "change" and isinstance(what, tuple):
            self.people[what[0]].change(entry.at, what[1])
        elif isinstance(what, int):
            self.tickets[what].touch(entry.at)

    def _act(self, act: Act, event_id: int) -> None:
        if act.opening is not None:
            if act.ticket in self.tickets:
                raise ValueError(f"ticket {act.ticket} is opened twice")
            self.tickets[act.ticket] = opened(act, act.opening)
            parent = act.opening.follow_up_of
            if parent is not None and parent in self.tickets:
                self.tickets[parent].followups.append(act.ticket)
                self.tickets[parent].touch(act.at)
        ticket = self._ticket(act.ticket, act.at)
        draft = Draft(event_id, act)
        Deed(draft, ticket, self.people, self.ratings).run()
        self._write(draft, ticket)

    def _absorb(self, act: Act, event_id: int) -> None:
        """Write the event of the ticket that the act merged another into."""
        into = 0 if act.merge_into is None else act.merge_into
        ticket = self._ticket(into, act.at)
        draft = Draft(event_id, replace(act, ticket=into, via="merge"))
        Deed(draft, ticket, self.people, self.ratings).absorb(act.ticket)
        self._write(draft, ticket)

    def _write(self, draft: Draft, ticket: Ticket) -> None:
        act = draft.act
        event = Event(draft.event_id, ticket.id, act.at, act.author, act.via, draft.children)
        ticket.events.append(event)
        if act.author == ticket.assignee:
            ticket.metrics.assignee_acted_at = act.at
        ticket.act(act.at)
        self.events.append(event)
        self.event_times.append(act.at)

    def _ticket(self, key: int, at: int) -> Ticket:
        if key not in self.tickets:
            raise ValueError(f"something happens to ticket {key} at {at}, before it is opened")
        return self.tickets[key]

    def metric_events(self) -> list[Obj]:
        """Give the metric events in the order of their time."""
        rows = [row for ticket in self.tickets.values() for row in ticket.metrics.events]
        return sorted(rows, key=lambda row: (row["at"], row["id"]))


def _line(plan: Plan) -> list[_Entry]:
    """Put all that happens in one order, and give each event its id by it."""
    entries: list[_Entry] = []
    first = _EVENTS_FROM + plan.account * _ACCOUNT
    for order, user in enumerate(plan.users):
        entries.append(_Entry(user.created_at, 0, order, "user", 0, user))
        for at, values in user.changes:
            entries.append(_Entry(max(at, user.created_at), 1, order, "change", 0, (user.id, values)))
    last: dict[int, int] = {}
    event = 0
    for act in sorted(plan.acts, key=lambda act: act.at):
        event += 1
        entries.append(_Entry(act.at, 2, event, "act", first + event * STEP, act))
        last[act.ticket] = act.at
        if act.merge_into is not None:
            event += 1
            entries.append(_Entry(act.at, 2, event, "absorb", first + event * STEP, act))
            last[act.merge_into] = act.at
    # The account itself touches some tickets later, as recounting their metrics does: no event, `updated_at` stays.
    entries += [
        _Entry(at + _TOUCHED_AFTER, 3, ticket, "touch", 0, ticket)
        for ticket, at in last.items()
        if ticket % _TOUCHED_EVERY == 0
    ]
    return sorted(entries, key=lambda entry: entry[:3])


def _custom_fields(acts: tuple[Act, ...]) -> tuple[int, ...]:
    found = {int(name) for act in acts for name, _ in act.fields if name.isdigit()}
    found |= {key for act in acts if act.opening for key, _ in act.opening.fields}
    return tuple(sorted(found))


def _groups(acts: tuple[Act, ...]) -> tuple[int, ...]:
    found = {act.group for act in acts} | {act.opening.group for act in acts if act.opening}
    found |= {effect.group for act in acts for effect in act.effects}
    return tuple(sorted(group for group in found if group is not None))

"""The incremental exports: https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/.

A cursor export goes by (clock, id) and says where it stands; a time-based one goes by seconds, never splits one, and
gives the last second of a page again with the next. Both stop at `end_of_stream`, not at a short or an empty page.
The newest minute of tickets and their events is withheld.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import msgspec

from tallystick_zendesk.simulator.draft import Obj
from tallystick_zendesk.simulator.errors import WireError
from tallystick_zendesk.simulator.people import group_row
from tallystick_zendesk.simulator.query import Call, export_cursor, export_place
from tallystick_zendesk.simulator.tickets import Ticket
from tallystick_zendesk.simulator.world import World

__all__ = ["MOST", "WITHHELD", "Exports"]

MOST = 1_000
"""Rows of a page, unless a second does not fit."""
WITHHELD = 60
"""Seconds of the youngest past that tickets and events do not show."""

_SAMPLE = 50
_METRIC_PAGE = 100
_FORMS = {"tickets", "tickets/cursor", "tickets/sample", "ticket_events", "users", "users/cursor", "users/sample"}
_SCOPES = ("agent", "ai_agent", "all")

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Page:
    """Rows of one page as (clock, id), where the next begins, and whether the export ends here."""

    rows: Sequence[Place]
    last: Place | None
    end: bool


class Exports:
    """The exports of one account.

    `alter`, given the name of the export and a row of it, gives the bytes to deliver instead.

    Args:
        world: The account.
        short: Whether every second page is shorter than asked for, though more follows.
    """

    def __init__(self, world: World, *, short: bool = False) -> None:
        self._world = world
        self._short = short
        self._served = 0
        self.alter: Callable[[str, bytes], bytes] | None = None

    def answer(self, call: Call, *, short: bool = False) -> list[bytes]:
        """Give the body of one page, in pieces; `short` makes this page a short one.

        Raises:
            WireError: The call is refused.
        """
        self._served += 1
        cut = short or (self._short and self._served % 2 == 1)
        name = call.path.removeprefix("/incremental/")
        kind, _, form = name.partition("/")
        if name == "ticket_metric_events":
            return self._metric_events(call)
        if name not in _FORMS:
            raise WireError.no_route()
        if form == "sample":
            return self._sample(call, kind)
        sources = {"tickets": self._tickets, "ticket_events": self._events}
        rows = sources[kind](call) if kind in sources else self._users()
        return (self._by_cursor if form else self._by_time)(call, kind, rows, cut=cut)

    def _sample(self, call: Call, kind: str) -> list[bytes]:
        rows = self._tickets(call) if kind == "tickets" else self._world.user_order
        start = self._start(call)
        first = bisect_left(rows, (start, 0))
        page = _Page(rows[first : first + _SAMPLE], None, end=True)
        return self._wrap(call, kind, page, {"count": len(page.rows), "end_of_stream": True, "next_page": None})

    def _start(self, call: Call) -> int:
        start = call.whole("start_time")
        if start is None or start < 0:
            raise WireError.bad("InvalidValue", "start_time is missing or not an instant", parameter="start_time")
        if start > self._world.now - WITHHELD:
            raise WireError.bad("StartTimeTooRecent", "Too recent start_time. Use a start_time older than 1 minute")
        return start

    def _scope(self, call: Call) -> Callable[[Ticket], bool]:
        scope = call.query.get("support_type_scope", "agent")
        if scope not in _SCOPES:
            raise WireError.bad("InvalidValue", "support_type_scope must be agent, ai_agent or all")
        if scope == "all":
            return lambda _ticket: True
        return lambda ticket: ticket.ai_agent == (scope == "ai_agent")

    def _tickets(self, call: Call) -> Sequence[Place]:
        inside = self._scope(call)
        world = self._world
        order = world.ticket_order
        seen = order[: bisect_right(order, (world.now - WITHHELD, 2**62))]
        if call.query.get("exclude_deleted") == "true":
            seen = [place for place in seen if world.tickets[place[1]].status != "deleted"]
        if call.query.get("support_type_scope") == "all":
            return seen
        return [place for place in seen if inside(world.tickets[place[1]])]

    def _users(self) -> Sequence[Place]:
        order = self._world.user_order
        return order[: bisect_right(order, (self._world.now - self._world.lag, 2**62))] if self._world.lag else order

    def _events(self, call: Call) -> Sequence[Place]:
        """Give (second, place among the events), from the start on."""
        inside = self._scope(call)
        world, times = self._world, self._world.event_times
        first = bisect_left(times, self._start(call))
        end = bisect_right(times, world.now - WITHHELD)
        if call.query.get("support_type_scope") != "all":
            return [(times[n], n) for n in range(first, end) if inside(world.tickets[world.events[n].ticket])]
        # What one page cannot reach is left out; one more row tells that there is more.
        stop = min(end, first + MOST)
        while first < stop < end and times[stop] == times[stop - 1]:
            stop += 1
        return [(times[n], n) for n in range(first, min(end, stop + 1))]

    def _by_cursor(self, call: Call, kind: str, rows: Sequence[Place], *, cut: bool) -> list[bytes]:
        cursor = call.query.get("cursor")
        if cursor:
            after = export_place(cursor)
            first = bisect_right(rows, after)
        else:
            start = self._start(call)
            after = (start, 0)
            first = bisect_left(rows, after)
        asked = call.size("per_page", MOST, MOST)
        size = _cut(asked) if cut else asked
        found = rows[first : first + size]
        last = found[-1] if found else after
        text = export_cursor(*last)
        page = _Page(found, last, end=first + size >= len(rows))
        ends = {
            "after_url": call.link(drop=("start_time", "cursor"), cursor=text),
            "before_url": None,
            "after_cursor": text,
            "before_cursor": None,
            "end_of_stream": page.end,
        }
        return self._wrap(call, kind, page, ends)

    def _by_time(self, call: Call, kind: str, rows: Sequence[Place], *, cut: bool) -> list[bytes]:
        asked = call.size("per_page", MOST, MOST)
        page = _whole_seconds(rows, self._start(call), _cut(asked) if cut else asked)
        end = page.last[0] if page.last else None
        ends = {
            "next_page": call.link(start_time=end) if end is not None else None,
            "count": len(page.rows),
            "end_of_stream": page.end,
            "end_time": end,
        }
        return self._wrap(call, kind, page, ends)

    def _wrap(self, call: Call, kind: str, page: _Page, ends: Obj) -> list[bytes]:
        """Give the envelope: the rows, what was asked to come with them, and where the page ends."""
        world = self._world
        includes = call.includes()
        lists: dict[str, Iterable[bytes]] = {}
        if kind == "ticket_events":
            comments = "comment_events" in includes
            lists[kind] = [world.events[place].render(comments=comments) for _, place in page.rows]
        elif kind == "users":
            lists[kind] = [world.people[key].render() for _, key in page.rows]
        else:
            tickets = [world.tickets[key] for _, key in page.rows]
            lists[kind] = [ticket.render(world.custom_fields) for ticket in tickets]
            lists |= self._sideloads(tickets, includes)
        if self.alter is not None:
            lists[kind] = [self.alter(kind, row) for row in lists[kind]]
        pieces = [b"{"]
        for name, rows in lists.items():
            pieces += [b'"%s":[' % name.encode(), b",".join(rows), b"],"]
        pieces.append(msgspec.json.encode(ends)[1:])
        return pieces

    def _sideloads(self, tickets: list[Ticket], includes: frozenset[str]) -> dict[str, Iterable[bytes]]:
        world = self._world
        lists: dict[str, Iterable[bytes]] = {}
        if "users" in includes:
            keys = {key for ticket in tickets for key in (ticket.opening.requester, ticket.assignee)}
            lists["users"] = [world.people[key].render() for key in sorted(filter(None, keys)) if key in world.people]
        if "groups" in includes:
            groups = sorted({ticket.group for ticket in tickets if ticket.group is not None})
            lists["groups"] = [msgspec.json.encode(group_row(group)) for group in groups]
        if "metric_sets" in includes:
            lists["metric_sets"] = [ticket.metric_set() for ticket in tickets]
        return lists

    def _metric_events(self, call: Call) -> list[bytes]:
        """Give metric events: by time, or, when `page[size]` is given, by cursor with 100 rows at most."""
        rows = [row for row in self._world.metric_events() if row["at"] <= self._world.now - WITHHELD]
        start = self._start(call)
        places = [(row["at"], place) for place, row in enumerate(rows)]
        ends: Obj
        if "page[size]" in call.query:
            size = call.size("page[size]", _METRIC_PAGE, _METRIC_PAGE)
            after = call.query.get("page[after]")
            place = bisect_right(places, export_place(after)) if after else bisect_left(places, (start, 0))
            found, more = places[place : place + size], place + size < len(places)
            text = export_cursor(*found[-1]) if found else after
            links = {"prev": None, "next": call.page_link(after=text) if more else None}
            ends = {"meta": {"has_more": more, "after_cursor": text, "before_cursor": None}, "links": links}
        else:
            page = _whole_seconds(places, start, call.size("per_page", MOST, MOST))
            found, end = list(page.rows), page.last[0] if page.last else None
            link = call.link(start_time=end) if end is not None else None
            ends = {"next_page": link, "count": len(found), "end_time": end, "end_of_stream": page.end}
        shown = [{name: value for name, value in rows[place].items() if name != "at"} for _, place in found]
        return [msgspec.json.encode({"ticket_metric_events": shown, **ends})]


def _whole_seconds(rows: Sequence[Place], start: int, size: int) -> _Page:
    """Cut a page that holds all rows of its last second, however many they are."""
    first = bisect_left(rows, (start, 0))
    if first >= len(rows):
        return _Page([], None, end=True)
    last = min(first + size, len(rows)) - 1
    stop = bisect_right(rows, (rows[last][0], 2**62))
    return _Page(rows[first:stop], rows[stop - 1], end=stop >= len(rows))


def _cut(size: int) -> int:
    return max(1, size * 2 // 3)

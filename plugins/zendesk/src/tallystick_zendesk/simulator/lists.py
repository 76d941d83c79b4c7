"""What is not an export: single tickets and users, their comments, audits and metrics, and the lists.

Lists page by offset (`page`, `per_page`: at most 100 pages) or by cursor (`page[size]`, at most 100 rows).
https://developer.zendesk.com/api-reference/introduction/pagination/.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import msgspec

from tallystick.testing.instants import instant, iso
from tallystick_zendesk.simulator.draft import Obj
from tallystick_zendesk.simulator.errors import WireError
from tallystick_zendesk.simulator.people import group_row
from tallystick_zendesk.simulator.query import Call, list_cursor, list_place
from tallystick_zendesk.simulator.tickets import Event, Ticket, system
from tallystick_zendesk.simulator.vias import via
from tallystick_zendesk.simulator.world import World

__all__ = ["Lists"]

_PAGE = 100
_PAGES = 100
_MOST_IDS = 100
_FIXED = ("id", "via", "via_reference_id", "previous_value", "event_type", "added_tags", "removed_tags")

Row = tuple[tuple[int, int], Obj]


class Lists:
    """The lists and single objects of one account.

    Args:
        world: The account.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def answer(self, call: Call, me: int) -> Obj:
        """Give the body of an answer; `me` is the user who asks.

        Raises:
            WireError: The call is refused.
        """
        parts = call.path.strip("/").split("/")
        if parts[0] == "users":
            return self._people(call, parts[1:], me)
        if parts[0] == "tickets":
            return self._about_tickets(call, parts[1:])
        if parts[0] == "groups":
            return self._groups(call, parts[1:])
        if parts == ["satisfaction_ratings"]:
            return _page(call, "satisfaction_ratings", self._ratings(call))
        raise WireError.no_route()

    def _people(self, call: Call, rest: list[str], me: int) -> Obj:
        match rest:
            case []:
                return self._users(call)
            case ["me"]:
                return {"user": self._world.people[me].row}
            case ["show_many"]:
                return self._many(call)
            case [key]:
                return {"user": self._person(key)}
            case _:
                raise WireError.no_route()

    def _groups(self, call: Call, rest: list[str]) -> Obj:
        if not rest:
            return _page(call, "groups", [((0, key), group_row(key)) for key in self._world.groups])
        if rest[0] not in map(str, self._world.groups):
            raise WireError.missing()
        return {"group": group_row(int(rest[0]))}

    def _about_tickets(self, call: Call, rest: list[str]) -> Obj:
        match rest:
            case []:
                return self._tickets(call)
            case [key]:
                return {"ticket": self._ticket(key).row(self._world.custom_fields)}
            case [key, "comments"]:
                return self._comments(call, self._ticket(key))
            case [key, "metrics"]:
                return {"ticket_metric": msgspec.json.decode(self._ticket(key).metric_set())}
            case [key, "audits"]:
                return self._audits(call, self._ticket(key))
            case _:
                raise WireError.no_route()

    def _person(self, key: str) -> Obj:
        person = self._world.people.get(int(key)) if key.isdigit() else None
        if person is None:
            raise WireError.missing()
        return person.row

    def _many(self, call: Call) -> Obj:
        keys = [key for key in call.query.get("ids", "").split(",") if key.isdigit()]
        if len(keys) > _MOST_IDS:
            raise WireError.bad("TooManyValues", "Parameter has too many values", max_count=_MOST_IDS)
        people = self._world.people
        found = [people[int(key)].row for key in keys if int(key) in people]
        return {"users": found, "count": len(found), "next_page": None, "previous_page": None}

    def _users(self, call: Call) -> Obj:
        role = call.query.get("role")
        kept = [p for p in self._world.people.values() if p.row["active"] and role in {None, p.row["role"]}]
        return _page(call, "users", [((0, person.id), person.row) for person in sorted(kept, key=lambda p: p.id)])

    def _ticket(self, key: str) -> Ticket:
        found = self._world.tickets.get(int(key)) if key.isdigit() else None
        if found is None or found.status == "deleted":
            raise WireError.missing()
        return found

    def _archived(self, ticket: Ticket) -> bool:
        return ticket.archived(self._world.now, self._world.plan.archived_after)

    def _tickets(self, call: Call) -> Obj:
        world = self._world
        kept = [
            ticket
            for _, ticket in sorted(world.tickets.items())
            if ticket.status != "deleted" and not ticket.ai_agent and not self._archived(ticket)
        ]
        return _page(call, "tickets", [((0, ticket.id), ticket.row(world.custom_fields)) for ticket in kept])

    def _ratings(self, call: Call) -> list[Row]:
        start, end = call.whole("start_time"), call.whole("end_time")
        if self._world.lag:
            end = min(end or self._world.now, self._world.now - self._world.lag + 1)
        rows = [((instant(row["updated_at"]), row["id"]), row) for row in self._world.ratings.rows]
        rows = [row for row in sorted(rows, key=lambda row: row[0]) if (start or 0) <= row[0][0] < (end or 2**62)]
        score = call.query.get("score")
        if score:
            rows = [row for row in rows if _scored(row[1], score)]
        return rows[::-1] if call.query.get("sort_order") == "desc" else rows

    def _comments(self, call: Call, ticket: Ticket) -> Obj:
        rows = [((0, child["id"]), _comment(child)) for child in ticket.comments]
        return _page(call, "comments", rows[::-1] if call.query.get("sort_order") == "desc" else rows)

    def _audits(self, call: Call, ticket: Ticket) -> Obj:
        rows = [((0, event.id), _audit(event)) for event in ticket.events]
        if not self._archived(ticket):
            return _page(call, "audits", rows)
        # For an archived ticket there is a first page and no way to a second one.
        found = [row for _, row in rows[: call.size("page[size]", _PAGE, _PAGE)]]
        if "page[size]" in call.query:
            links = {"prev": None, "next": None}
            return {"audits": found, "meta": {"has_more": False, "after_cursor": None}, "links": links}
        return {"audits": found, "next_page": None, "previous_page": None, "count": len(found)}


def _page(call: Call, name: str, rows: Sequence[Row]) -> Obj:
    if "page[size]" in call.query or "page[after]" in call.query:
        return _by_cursor(call, name, rows)
    number, size = call.size("page", 10**9, 1), call.size("per_page", _PAGE, _PAGE)
    if number > _PAGES:
        raise WireError.bad("InvalidPaginationDepth", f"Use cursor pagination to go beyond {_PAGES} pages")
    first = (number - 1) * size
    return {
        name: [row for _, row in rows[first : first + size]],
        "next_page": call.link(page=number + 1) if first + size < len(rows) else None,
        "previous_page": call.link(page=number - 1) if number > 1 else None,
        "count": len(rows),
    }


def _by_cursor(call: Call, name: str, rows: Sequence[Row]) -> Obj:
    size = call.size("page[size]", _PAGE, _PAGE)
    after = call.query.get("page[after]")
    keys = [key for key, _ in rows]
    first = 0
    if after:
        # Descending lists are found by looking, ascending ones by halving.
        place = list_place(after)
        first = keys.index(place) + 1 if place in keys else bisect_right(keys, place)
    found = rows[first : first + size]
    more = first + size < len(rows)
    ends = (list_cursor(*found[0][0]), list_cursor(*found[-1][0])) if found else (None, None)
    return {
        name: [row for _, row in found],
        "meta": {"has_more": more, "after_cursor": ends[1], "before_cursor": ends[0]},
        "links": {"prev": None, "next": call.page_link(after=ends[1]) if more else None},
    }


def _scored(row: Obj, score: str) -> bool:
    wanted, _, rest = score.partition("_")
    if rest and (row["comment"] is not None) != (rest == "with_comment"):
        return False
    return row["score"] == wanted or (wanted == "received" and row["score"] in {"good", "bad"})


def _comment(child: Obj) -> Obj:
    names = ("id", "type", "author_id", "body", "html_body", "plain_body", "public", "attachments", "audit_id", "via")
    shown = {name: child[name] for name in (*names, "created_at")}
    if not isinstance(shown["via"], dict):
        shown["via"] = via("web")
    return {**shown, "metadata": {"system": {}, "custom": {}}}


def _audit(event: Event) -> Obj:
    """Give an event as an audit: what the export names by key stands under `field_name`, and ids are text."""
    return {
        "id": event.id,
        "ticket_id": event.ticket,
        "created_at": iso(event.at),
        "author_id": event.author,
        "metadata": {"system": system(event.author), "custom": {}},
        "events": [_audit_event(child) for child in event.children],
        "via": via(event.channel),
    }


def _audit_event(child: Obj) -> Obj:
    kind = child.get("event_type")
    rule = child.get("via_reference_id")
    if kind not in {"Create", "Change"}:
        shown = {name: value for name, value in child.items() if name not in {"event_type", "via_reference_id"}}
        if not isinstance(shown.get("via"), dict):
            shown.pop("via", None)
        return {**shown, "type": child.get("type", kind)}
    name, value = next((name, value) for name, value in child.items() if name not in _FIXED)
    if name == "custom_ticket_fields":
        name, value = next(iter(value.items()))
    shown = {"id": child.get("id"), "type": kind, "value": _text(value), "field_name": name}
    if kind == "Change":
        shown["previous_value"] = _text(child.get("previous_value"))
    if rule is not None:
        shown["via"] = (
            child["via"] if isinstance(child["via"], dict) else via("rule", source={"id": rule}, rel="trigger")
        )
    return shown


def _text(value: object) -> object:
    """Write a number as the text that audits have for it; lists and texts stay."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

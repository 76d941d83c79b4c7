"""What Freshdesk answers: routes, pages and errors, https://developers.freshdesk.com/api/."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from urllib.parse import urlencode

from tallystick.testing.instants import instant
from tallystick_rest.simulators.desk import Answer, Call
from tallystick_rest.simulators.freshdesk.people import requester_row
from tallystick_rest.simulators.freshdesk.query import Invalid, Paging, choice, includes, since
from tallystick_rest.simulators.freshdesk.world import Account, Ticket
from tallystick_rest.simulators.timeline import Obj, Timeline
from tallystick_rest.simulators.wire import Wire

__all__ = ["PREFIX", "Api", "refusal"]

PREFIX = "/api/v2/"
"""Where the API is."""

_RECENT = 30 * 86_400
_EMBEDDED = 10
_LISTED = ("description", "requester", "stats")
_SINGLE = ("company", "conversations", "requester", "sla_policy", "stats")
_ORDERS = ("created_at", "due_by", "status", "updated_at")
_FILTERS = ("", "deleted", "spam")
_REFUSALS: dict[str, tuple[int, Obj | None]] = {
    "401": (401, {"code": "invalid_credentials", "message": "You have to be logged in to perform this action."}),
    "403": (403, {"code": "access_denied", "message": "You are not authorized to perform this action."}),
    "404": (404, None),
    "429": (429, {"message": "You have exceeded the limit of requests per minute"}),
    "429_bare": (429, {"message": "You have exceeded the limit of requests per minute"}),
    "500": (500, {"code": "internal_error", "message": "We're sorry, but something went wrong."}),
    "503": (503, {"code": "service_unavailable", "message": "The service is temporarily unavailable."}),
}


def refusal(kind: str, seconds: int) -> Answer:
    """Give the answer to a call that is refused; a 404 has no body."""
    status, content = _REFUSALS[kind]
    return Answer(content, status, {"Retry-After": str(seconds)} if kind == "429" else None)


class Api:
    """The routes.

    Args:
        timeline: The account.
        wire: Changes to what goes out.
    """

    def __init__(self, timeline: Timeline[Account], wire: Wire) -> None:
        self._timeline = timeline
        self._wire = wire
        self._lists: dict[str, Callable[[Call], Answer]] = {
            "tickets": self._tickets,
            "contacts": self._contacts,
            "agents": self._agents,
            "groups": self._groups,
            "surveys/satisfaction_ratings": self._ratings,
        }

    def answer(self, call: Call) -> Answer:
        """Answer a call; who calls is known."""
        path = call.path.removeprefix(PREFIX)
        if path == call.path:
            return refusal("404", 0)
        try:
            found = self._found(path, call)
        except Invalid as error:
            return Answer({"description": "Validation failed", "errors": [error.row]}, 400)
        if found is not None and call.method != "GET":
            allowed = f"{call.method} method is not allowed. It should be one of these method(s): GET"
            return Answer({"message": allowed}, 405, {"Allow": "GET"})
        return found or refusal("404", 0)

    def _found(self, path: str, call: Call) -> Answer | None:
        if path in self._lists:
            return self._lists[path](call)
        people = self._timeline.live.people
        if path == "agents/me":
            return self._sent("agent", people.agent(next(iter(people.agents))))
        plural, _, rest = path.partition("/")
        key, _, part = rest.partition("/")
        if not key.isdigit() or part not in {"", "conversations"}:
            return None
        ticket = self._timeline.live.tickets.get(int(key)) if plural == "tickets" else None
        if ticket is not None:
            return self._conversations(call, ticket) if part else self._ticket(call, ticket)
        return None if part else self._person(plural, int(key))

    def _person(self, plural: str, key: int) -> Answer | None:
        people, contacts = self._timeline.live.people, self._timeline.live.contacts
        if plural == "contacts" and key in contacts:
            return self._sent("contact", contacts[key])
        if plural == "agents" and key in people.agent_ids():
            return self._sent("agent", people.agent(key))
        return self._sent("group", people.group(key)) if plural == "groups" and key in people.groups else None

    def _ticket(self, call: Call, ticket: Ticket) -> Answer:
        wanted = includes(call.query, _SINGLE)
        return self._sent("ticket", self._row(ticket, wanted | {"description"}))

    def _conversations(self, call: Call, ticket: Ticket) -> Answer:
        return self._page(call, "conversation", ticket.conversations, Paging(call.query, None))

    def _tickets(self, call: Call) -> Answer:
        query = call.query
        wanted, paging = includes(query, _LISTED), Paging(query)
        which = choice(query, "filter", _FILTERS, "")
        by = choice(query, "order_by", _ORDERS, "created_at")
        down = choice(query, "order_type", ("asc", "desc"), "desc") == "desc"
        after = since(query, "updated_since")
        fields = [name for name in ("requester_id", "company_id") if name in query]
        index, live = self._timeline.index.tickets.values(), self._timeline.live.tickets
        rows = [ticket.row for ticket in index if _meant(ticket.row, which, after, self._timeline.now)]
        rows = [row for row in rows if all(str(row[name]) == query[name] for name in fields)]
        rows.sort(key=lambda row: (row[by], row["id"]), reverse=down)
        shown, more = paging.cut(rows)
        # The index says which; the rows are read fresh, and some may be gone.
        fresh = [self._row(live[row["id"]], wanted) for row in shown if row["id"] in live]
        return self._listed(call, "ticket", fresh, paging, more=more)

    def _row(self, ticket: Ticket, wanted: set[str]) -> Obj:
        row = copy.deepcopy(ticket.row)
        if not row["deleted"]:
            del row["deleted"]
        if "description" in wanted:
            row |= {"description": f"<div>{ticket.description}</div>", "description_text": ticket.description}
        if "requester" in wanted:
            row["requester"] = requester_row(self._timeline.live.contacts[row["requester_id"]])
        if "stats" in wanted:
            row["stats"] = dict(ticket.stats)
        if "conversations" in wanted:
            row["conversations"] = copy.deepcopy(ticket.conversations[:_EMBEDDED])
        return row

    def _contacts(self, call: Call) -> Answer:
        after = since(call.query, "_updated_since")
        gone = call.query.get("state") == "deleted"
        rows = [row for row in self._timeline.index.contacts.values() if row["deleted"] == gone]
        rows = [row for row in rows if after is None or instant(row["updated_at"]) >= after]
        rows.sort(key=lambda row: (row["name"], row["id"]))
        return self._page(call, "contact", rows, Paging(call.query, None))

    def _agents(self, call: Call) -> Answer:
        people = self._timeline.live.people
        return self._page(call, "agent", [people.agent(key) for key in people.agent_ids()], Paging(call.query, None))

    def _groups(self, call: Call) -> Answer:
        people = self._timeline.live.people
        return self._page(call, "group", [people.group(key) for key in people.groups], Paging(call.query, None))

    def _ratings(self, call: Call) -> Answer:
        after = since(call.query, "created_since")
        rows = [row for row in self._timeline.index.ratings if after is None or instant(row["created_at"]) >= after]
        rows.sort(key=lambda row: (row["created_at"], row["id"]), reverse=True)
        return self._page(call, "satisfaction_rating", rows, Paging(call.query, None))

    def _page(self, call: Call, kind: str, rows: list[Obj], paging: Paging) -> Answer:
        shown, more = paging.cut(rows)
        return self._listed(call, kind, shown, paging, more=more)

    def _listed(self, call: Call, kind: str, rows: Iterable[Obj], paging: Paging, *, more: bool) -> Answer:
        number = paging.number if call.fault == "loop" else paging.number + 1
        query = urlencode({**call.query, "page": number})
        link = {"Link": f'<{call.origin}{call.path}?{query}>; rel="next"'} if more or call.fault == "loop" else {}
        sent = [self._wire.sent(kind, row) for row in rows]
        return Answer(sent * 2 if call.fault == "repeat" else sent, headers=link)

    def _sent(self, kind: str, row: Obj) -> Answer:
        return Answer(self._wire.sent(kind, row))


def _meant(row: Obj, which: str, after: int | None, now: int) -> bool:
    if row["deleted"] != (which == "deleted") or (row["spam"] and which != "deleted") != (which == "spam"):
        return False
    if after is None:
        return instant(row["created_at"]) >= now - _RECENT
    return instant(row["updated_at"]) >= after

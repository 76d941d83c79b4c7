"""What Intercom answers: routes, pages and errors.

Written for versions 2.11 to 2.15 of the API, https://developers.intercom.com/docs/references/rest-api/api.intercom.io.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from tallystick_rest.simulators.desk import Answer, Call
from tallystick_rest.simulators.intercom.query import QueryError, matches, page, validate
from tallystick_rest.simulators.intercom.rendering import conversation, whole_conversation
from tallystick_rest.simulators.intercom.world import Workspace
from tallystick_rest.simulators.timeline import Obj, Timeline
from tallystick_rest.simulators.wire import Wire

__all__ = ["Api", "error", "refusal"]

_VERSIONS = {"2.11", "2.12", "2.13", "2.14", "2.15", "Unstable"}
_MOST = 150
_TEXTS = (
    "id state priority admin_assignee_id team_assignee_id source.type source.id source.delivered_as source.subject "
    "source.author.id source.author.type source.author.name source.author.email ai_agent.resolution_state "
    "ai_agent.last_answer_type ai_agent.source_type ai_agent.source_title ai_agent.rating_remark"
)
_NUMBERS = (
    "created_at updated_at waiting_since snoozed_until ai_agent.rating "
    "statistics.last_close_at statistics.count_reopens"
)
_CONVERSATION_FIELDS: Mapping[str, type] = {
    **dict.fromkeys(_TEXTS.split(), str),
    **dict.fromkeys(_NUMBERS.split(), int),
    **dict.fromkeys(("open", "read", "ai_agent_participated"), bool),
}
_CONTACT_FIELDS: Mapping[str, type] = {
    **dict.fromkeys(("id", "role", "name", "email", "external_id", "phone"), str),
    **dict.fromkeys(("created_at", "updated_at", "signed_up_at", "last_seen_at"), int),
}
_REFUSALS = {
    "401": (401, "unauthorized", "Access Token Invalid"),
    "403": (403, "api_plan_restricted", "Active subscription needed."),
    "404": (404, "not_found", "Resource Not Found"),
    "429": (429, "rate_limit_exceeded", "Exceeded rate limit"),
    "429_bare": (429, "rate_limit_exceeded", "Exceeded rate limit"),
    "500": (500, "server_error", "Server error"),
    "503": (503, "service_unavailable", "Sorry, the API service is temporarily unavailable"),
}


def error(status: int, code: str, message: str, request_id: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Give an error as the API writes it."""
    content = {"type": "error.list", "request_id": request_id, "errors": [{"code": code, "message": message}]}
    return Answer(content, status, headers)


def refusal(kind: str, request_id: str, seconds: int) -> Answer:
    """Give the answer to a call that is refused."""
    return error(*_REFUSALS[kind], request_id, {"Retry-After": str(seconds)} if kind == "429" else None)


class Api:
    """The routes.

    Args:
        timeline: The workspace.
        wire: Changes to what goes out.
        inclusive: Whether `>` and `<` of the search of conversations mean `>=` and `<=`.
    """

    def __init__(self, timeline: Timeline[Workspace], wire: Wire, *, inclusive: bool) -> None:
        self._timeline = timeline
        self._wire = wire
        self._inclusive = inclusive

    def answer(self, call: Call, request_id: str) -> Answer:
        """Answer a call; who calls is known."""
        version = call.headers.get("intercom-version", "2.14")
        if version not in _VERSIONS:
            return error(400, "intercom_version_invalid", f"The requested version {version} is invalid", request_id)
        try:
            found = self._found(call)
        except QueryError as refused:
            return error(400, refused.code, str(refused), request_id)
        if found is None:
            return refusal("404", request_id, 0)
        return Answer(found, headers={"Intercom-Version": version})

    def _found(self, call: Call) -> Obj | None:
        method, plural, *rest = (call.method, *call.path.strip("/").split("/"))
        if (method, rest) == ("GET", []):
            return self._listed(plural, call)
        if (method, rest) == ("POST", ["search"]) and plural in {"conversations", "contacts"}:
            return self._search(call, _CONVERSATION_FIELDS if plural == "conversations" else _CONTACT_FIELDS)
        row = self._one(plural, rest[0], call) if method == "GET" and len(rest) == 1 else None
        return None if row is None else self._wire.sent(row["type"], row)

    def _listed(self, plural: str, call: Call) -> Obj | None:
        people = self._timeline.live.people
        if plural == "me":
            row = people.admin(next(iter(people.admins)))
            return self._wire.sent("admin", {**row, "email_verified": True, "app": people.app})
        if plural == "admins":
            return {"type": "admin.list", "admins": self._sent(map(people.admin, people.admins))}
        if plural == "teams":
            return {"type": "team.list", "teams": self._sent(map(people.team, people.teams))}
        if plural == "conversations":
            return self._conversations(call, None, call.query, "updated_at", down=True)
        return self._contacts(call, None, call.query, "created_at", down=True) if plural == "contacts" else None

    def _one(self, plural: str, key: str, call: Call) -> Obj | None:
        live = self._timeline.live
        if plural == "conversations" and key in live.conversations:
            return whole_conversation(live.conversations[key], plain=call.query.get("display_as") == "plaintext")
        if plural == "contacts" and key in live.contacts:
            return live.contacts[key]
        if plural == "admins" and key in live.people.admins:
            return live.people.admin(key)
        return live.people.team(key) if plural == "teams" and key in live.people.teams else None

    def _search(self, call: Call, fields: Mapping[str, type]) -> Obj:
        try:
            asked = json.loads(call.body)
            sort, paging = asked.get("sort") or {}, asked.get("pagination") or {}
            by, order = sort.get("field", "created_at"), sort.get("order", "descending")
            query = asked.get("query")
        except (ValueError, AttributeError) as cause:
            raise QueryError("parameter_invalid", "the body is not a JSON object") from cause
        validate(query, fields)
        if fields.get(by) is not int or "." in by or order not in {"ascending", "descending"}:
            raise QueryError("parameter_invalid", "sort is not a field to sort by, with ascending or descending")
        listing = self._conversations if fields is _CONVERSATION_FIELDS else self._contacts
        return listing(call, query, paging, by, down=order == "descending")

    def _conversations(
        self, call: Call, query: Obj | None, paging: Mapping[str, object], by: str, *, down: bool
    ) -> Obj:
        index, live = self._timeline.index.conversations, self._timeline.live.conversations
        known = (conversation(said) for said in index.values())
        rows = [row for row in known if query is None or matches(query, row, by_day=False, inclusive=self._inclusive)]
        shown, pages = self._page(call, rows, paging, by, 20, down=down)
        # The index says which; the rows are read from the database, where some may be gone.
        fresh = [conversation(live[row["id"]]) for row in shown if row["id"] in live]
        told = {"type": "conversation.list", "pages": pages, "total_count": len(rows)}
        return {**told, "conversations": self._sent(fresh)}

    def _contacts(self, call: Call, query: Obj | None, paging: Mapping[str, object], by: str, *, down: bool) -> Obj:
        known = self._timeline.index.contacts.values()
        rows = [row for row in known if query is None or matches(query, row, by_day=True, inclusive=False)]
        shown, pages = self._page(call, rows, paging, by, 50, down=down)
        return {"type": "list", "data": self._sent(shown), "total_count": len(rows), "pages": pages}

    def _page(
        self, call: Call, rows: list[Obj], paging: Mapping[str, object], by: str, usual: int, *, down: bool
    ) -> tuple[list[Obj], Obj]:
        after, size = paging.get("starting_after"), str(paging.get("per_page", usual))
        if not size.isdigit() or not 1 <= int(size) <= _MOST:
            raise QueryError("parameter_invalid", f"per_page must be between 1 and {_MOST}")
        shown, pages = page(rows, by, None if after is None else str(after), int(size), down=down)
        if call.fault == "loop" and after is not None:
            pages["next"] = {"page": pages["page"], "starting_after": after}
        return (shown * 2 if call.fault == "repeat" else shown), pages

    def _sent(self, rows: Iterable[Obj]) -> list[Obj]:
        return [self._wire.sent(row["type"], row) for row in rows]

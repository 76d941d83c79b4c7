"""Conversations: threads of a ticket, and their messages."""

from __future__ import annotations

from tallystick_hubspot.simulator.errors import WireError
from tallystick_hubspot.simulator.items import Obj
from tallystick_hubspot.simulator.query import Call, after_number, after_text
from tallystick_hubspot.simulator.threads import Thread
from tallystick_hubspot.simulator.world import World

__all__ = ["Conversations"]

_USUAL, _MOST = 100, 500


class Conversations:
    """Answers for the conversations of one account.

    Args:
        world: The account.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def answer(self, call: Call, *, all_tickets: bool = False) -> Obj:
        """Give the content of an answer.

        Args:
            call: The call.
            all_tickets: Whether the list of threads takes no notice of the ticket that is asked for.

        Raises:
            WireError: The call is refused.
        """
        match (call.method, call.place[1:]):
            case ("GET", ("threads",)):
                return self._threads(call, None if all_tickets else call.query.get("associatedTicketId"))
            case ("GET", ("threads", key)):
                return self._thread(key).row(associations=_associations(call))
            case ("GET", ("threads", key, "messages")):
                return self._messages(call, self._thread(key))
            case ("GET", ("threads", key, "messages", entry)):
                found = next((one for one in self._thread(key).entries if one["id"] == entry), None)
                if found is None:
                    raise WireError.missing(f"message {entry}")
                return found
        raise WireError.no_route()

    def _thread(self, key: str) -> Thread:
        if key not in self._world.threads:
            raise WireError.missing(f"thread {key}")
        return self._world.threads[key]

    def _threads(self, call: Call, ticket: str | None) -> Obj:
        limit, after = call.size(_USUAL, _MOST), after_number(call.query.get("after"))
        status, contact = call.query.get("threadStatus"), call.query.get("associatedContactId")
        if contact is not None and (status is None or "inboxId" in call.query):
            raise WireError.bad("associatedContactId needs threadStatus, and cannot stand beside inboxId")
        rows = [
            thread
            for thread in sorted(self._world.threads.values(), key=lambda thread: thread.number)
            if thread.number > after
            and ticket in {None, thread.ticket}
            and call.query.get("inboxId") in {None, thread.inbox}
            and status in {None, thread.status}
            and contact in {None, thread.opened.contact}
        ]
        answer: Obj = {"results": [thread.row(associations=_associations(call)) for thread in rows[:limit]]}
        if len(rows) > limit:
            answer["paging"] = call.next_page(after_text(rows[limit - 1].number))
        return answer

    @staticmethod
    def _messages(call: Call, thread: Thread) -> Obj:
        limit, after = call.size(_USUAL, _MOST), after_number(call.query.get("after"))
        entries = thread.entries if call.query.get("sort") == "createdAt" else thread.entries[::-1]
        answer: Obj = {"results": entries[after : after + limit]}
        if after + limit < len(entries):
            answer["paging"] = call.next_page(after_text(after + limit))
        return answer


def _associations(call: Call) -> bool:
    """Tell whether the ticket of a thread is asked for; without being asked, HubSpot does not tell it."""
    return "TICKET" in call.names("association")

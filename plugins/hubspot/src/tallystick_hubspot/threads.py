"""Conversations of a ticket: its threads and what was said and done in them. There is no batch: two calls a ticket."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from tallystick.connectors import Params, Response
from tallystick.errors import SchemaChanged
from tallystick_hubspot.client import HubSpotApi
from tallystick_hubspot.objects import ArchivedPage, Id, identifier

__all__ = ["Said", "Thread", "ThreadEntry", "conversations"]

_PAGE = 100
_MOST_PAGES = 1_000
_DECODE = msgspec.json.Decoder(ArchivedPage).decode


class _Associated(msgspec.Struct, gc=False, rename="camel"):
    associated_ticket_id: Any = None


class Thread(msgspec.Struct, gc=False, rename="camel"):
    """A thread: where it came in, and which ticket it belongs to, if that is told."""

    id: Id
    original_channel_id: Any = None
    thread_associations: _Associated | None = None

    def is_of(self, ticket: str) -> bool:
        """Tell whether it belongs to a ticket, or does not say to which."""
        told = self.thread_associations.associated_ticket_id if self.thread_associations is not None else None
        return told is None or identifier(told) == ticket


class _Client(msgspec.Struct, gc=False, rename="camel"):
    client_type: Any = None
    integration_app_id: Any = None


class _Sender(msgspec.Struct, gc=False, rename="camel"):
    actor_id: Any = None


class ThreadEntry(msgspec.Struct, rename="camel"):
    """Something that was said or done in a thread."""

    id: Id
    type: Any = None
    created_at: Any = None
    created_by: msgspec.Raw = msgspec.Raw(b"null")
    client: _Client | None = None
    senders: list[_Sender] | None = None
    direction: Any = None
    channel_id: Any = None
    text: Any = None
    rich_text: Any = None
    attachments: Any = None
    truncation_status: Any = None
    assigned_from: Any = None
    assigned_to: Any = None


class Said(NamedTuple):
    """An entry, the thread it stands in, and its JSON exactly as delivered."""

    thread: Thread
    entry: ThreadEntry
    raw: bytes


_THREAD = msgspec.json.Decoder(Thread).decode
_ENTRY = msgspec.json.Decoder(ThreadEntry).decode


def conversations(api: HubSpotApi, ticket: str) -> list[Said]:
    """Give all that was said and done in the threads of a ticket, in the order in which HubSpot lists it.

    Raises:
        SchemaChanged: A list goes on without moving on.
        Error: A call was refused or could not be made.
    """
    found: list[Said] = []
    for raw in _all(api, api.paths.threads, {"associatedTicketId": ticket, "association": "TICKET"}):
        thread = _THREAD(raw)
        if not thread.is_of(ticket):
            continue
        found += [Said(thread, _ENTRY(one), one) for one in _all(api, api.paths.messages(str(thread.id)), {})]
    return found


def _all(api: HubSpotApi, path: str, params: Params) -> list[bytes]:
    """Give all rows of a list; each is seen to have the shape of its kind while it can still be asked for again."""
    shape = _THREAD if path == api.paths.threads else _ENTRY
    rows: list[bytes] = []
    after: str | None = None

    def convert(response: Response) -> tuple[list[bytes], str | None]:
        page = _DECODE(response.body)
        for raw in page.results:
            shape(raw)
        return [bytes(raw) for raw in page.results], None if page.paging is None else page.paging.after

    for _ in range(_MOST_PAGES):
        place = {"after": after} if after is not None else {}
        more, then = api.get(path, {**params, "limit": _PAGE, **place}, convert)
        rows += more
        if then is None:
            return rows
        if then == after:
            break
        after = then
    raise SchemaChanged("a list of conversations never ends", hint="Report it to the plugin's author.")

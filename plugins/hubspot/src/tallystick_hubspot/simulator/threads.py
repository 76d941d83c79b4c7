"""Conversations: threads and their entries, and the actors in them."""

from __future__ import annotations

import hashlib

from tallystick_hubspot.simulator.deeds import Assign, MoveInbox, OpenThread, Say, SetStatus
from tallystick_hubspot.simulator.instants import iso
from tallystick_hubspot.simulator.items import Obj

__all__ = ["ACTORS", "Thread"]

ACTORS = "ABLIESV"
"""First letters of actors: agent, chatflow bot, LLM agent, integration, mail address, system, visitor."""


class Thread:
    """One conversation.

    Args:
        deed: How it began.
    """

    def __init__(self, deed: OpenThread) -> None:
        self.id = deed.thread
        self.number = int(deed.thread)
        self.opened = deed
        self.ticket = deed.ticket
        self.inbox = deed.inbox
        self.status = "OPEN"
        self.closed_at: int | None = None
        self.assigned: str | None = None
        self.latest: dict[str, int] = {}
        self.entries: list[Obj] = []

    def row(self, *, associations: bool) -> Obj:
        """Give the thread as it is delivered; its ticket is told only with `associations`."""
        found: Obj = {"id": self.id, "createdAt": iso(self.opened.at)}
        if self.closed_at is not None:
            found["closedAt"] = iso(self.closed_at)
        found |= {
            "status": self.status,
            "originalChannelId": self.opened.channel,
            "originalChannelAccountId": self.opened.account,
            **{name: iso(at) for name, at in self.latest.items()},
            "spam": False,
            "inboxId": self.inbox,
            "archived": False,
        }
        if self.assigned is not None:
            found["assignedTo"] = self.assigned
        if self.opened.contact is not None:
            found["associatedContactId"] = self.opened.contact
        if associations and self.ticket is not None:
            found["threadAssociations"] = {"associatedTicketId": self.ticket}
        return found

    def say(self, deed: Say) -> bool:
        """Add what somebody writes, and tell whether it comes from outside."""
        outside = deed.actor[0] in "VE"
        direction = deed.direction or ("INCOMING" if outside else "OUTGOING")
        client: Obj = {"clientType": deed.client or ("HUBSPOT" if deed.app_id is None else "INTEGRATION")}
        if deed.app_id is not None:
            client["integrationAppId"] = deed.app_id
        sender: Obj = {"actorId": deed.actor}
        if deed.actor.startswith("E-"):
            sender["deliveryIdentifier"] = {"type": "HS_EMAIL_ADDRESS", "value": deed.actor[2:]}
        entry = self._entry(deed.at, deed.type, deed.actor)
        entry |= {
            "client": client,
            "senders": [sender],
            "recipients": [_recipient(text) for text in deed.recipients],
            "text": deed.text,
            "richText": f"<p>{deed.text}</p>",
            "attachments": [],
        }
        if deed.type != "COMMENT":
            entry |= {
                "truncationStatus": "NOT_TRUNCATED",
                "direction": direction,
                "channelId": self.opened.channel,
                "channelAccountId": self.opened.account,
                "status": {"statusType": "RECEIVED" if direction == "INCOMING" else "SENT"},
            }
            way = "Received" if direction == "INCOMING" else "Sent"
            self.latest |= {"latestMessageTimestamp": deed.at, f"latestMessage{way}Timestamp": deed.at}
        return direction == "INCOMING"

    def assign(self, deed: Assign) -> None:
        """Add an assignment; who had it before is told where somebody had."""
        entry = self._entry(deed.at, "ASSIGNMENT", deed.by)
        if self.assigned is not None:
            entry["assignedFrom"] = self.assigned
        if deed.to is not None:
            entry["assignedTo"] = deed.to
        self.assigned = deed.to

    def set_status(self, deed: SetStatus) -> None:
        """Close the thread or open it again."""
        self._entry(deed.at, "THREAD_STATUS_CHANGE", deed.by)["newStatus"] = deed.status
        self.status = deed.status
        self.closed_at = deed.at if deed.status == "CLOSED" else None

    def move(self, deed: MoveInbox) -> None:
        """Put the thread into another inbox."""
        self._entry(deed.at, "THREAD_INBOX_CHANGE", deed.by).update(fromInboxId=self.inbox, toInboxId=deed.inbox)
        self.inbox = deed.inbox

    def _entry(self, at: int, kind: str, by: str) -> Obj:
        if by[:1] not in ACTORS or by[1:2] != "-":
            raise ValueError(f"{by!r} is no actor; write for example A-9001")
        digest = hashlib.sha256(f"{self.id}/{len(self.entries)}".encode()).hexdigest()
        system = by.startswith("S-")
        entry: Obj = {
            "type": kind,
            "id": digest[:32],
            "conversationsThreadId": self.id,
            "createdAt": iso(at),
            "createdBy": by,
            "client": {"clientType": "SYSTEM" if system else "HUBSPOT"},
            "senders": [],
            "recipients": [],
            "archived": False,
        }
        self.entries.append(entry)
        return entry


def _recipient(text: str) -> Obj:
    if text[1:2] == "-":
        return {"actorId": text}
    return {"deliveryIdentifier": {"type": "HS_EMAIL_ADDRESS", "value": text}}

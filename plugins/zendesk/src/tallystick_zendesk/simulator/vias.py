"""How a change came in, in the three forms the wire has for it.

On a ticket and on a comment it is an object with a channel; on an event of the export and on its children it is a text
for people, like `Web form`; on what a rule did it is either, with the number of the rule beside it or inside.
Documented at https://developer.zendesk.com/documentation/ticketing/reference-guides/via-object-reference/.
"""

from __future__ import annotations

from typing import Any

__all__ = ["MESSAGING", "display", "rule_via", "via"]

MESSAGING = frozenset({"native_messaging", "whatsapp", "line", "telegram", "sunshine_conversations_api"})
"""Channels of messaging tickets."""

_DISPLAY = {
    "api": "Web service",
    "chat": "Chat",
    "closed_ticket": "Closed ticket",
    "email": "Mail",
    "helpcenter": "Help Center",
    "mail": "Mail",
    "merge": "Ticket merge",
    "mobile_sdk": "Mobile SDK",
    "native_messaging": "Messaging",
    "phone_call_inbound": "Phone call (incoming)",
    "phone_call_outbound": "Phone call (outgoing)",
    "rule": "Rule",
    "side_conversation": "Side conversation",
    "voicemail": "Voicemail",
    "web": "Web form",
    "web_service": "Web service",
    "whatsapp": "WhatsApp",
}


def display(channel: str) -> str:
    """Give the text an export event shows for a channel."""
    return _DISPLAY.get(channel, channel.replace("_", " ").capitalize())


def via(
    channel: str, *, source: dict[str, Any] | None = None, to: dict[str, Any] | None = None, rel: str | None = None
) -> dict[str, Any]:
    """Give the object of a ticket or a comment."""
    return {"channel": channel, "source": {"from": source or {}, "to": to or {}, "rel": rel}}


def rule_via(rule: int, rel: str) -> object:
    """Give what stands on a child that a trigger or an automation made: an object for even numbers, else a text."""
    if rule % 2:
        return "Rule"
    return via("rule", source={"id": rule, "title": f"{rel.capitalize()} {rule}", "deleted": False}, rel=rel)

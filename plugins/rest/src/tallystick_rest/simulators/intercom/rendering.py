"""Conversations as the API writes them, and the statistics that follow from their parts."""

from __future__ import annotations

import copy
import re

from tallystick_rest.simulators.intercom.world import Conversation
from tallystick_rest.simulators.timeline import Obj

__all__ = ["MOST_PARTS", "conversation", "whole_conversation"]

MOST_PARTS = 500
"""How many parts are given; of a longer conversation the newest ones."""


def conversation(said: Conversation) -> Obj:
    """Give a conversation as lists and searches show it: without its parts."""
    admins = {part["author"]["id"] for part in said.parts if part["author"]["type"] == "admin"}
    return {
        **copy.deepcopy(said.row),
        "contacts": {
            "type": "contact.list",
            "contacts": [{"type": "contact", "id": said.contact, "external_id": None}],
        },
        "teammates": {"type": "admin.list", "admins": [{"type": "admin", "id": key} for key in sorted(admins)]},
        "first_contact_reply": _first_reply(said),
        "statistics": _statistics(said),
        "linked_objects": {"type": "list", "total_count": 0, "has_more": False, "data": []},
    }


def whole_conversation(said: Conversation, *, plain: bool) -> Obj:
    """Give a conversation with its parts, as `GET /conversations/{id}` does; `plain` takes the HTML from the texts."""
    row = conversation(said)
    parts = copy.deepcopy(said.parts[-MOST_PARTS:])
    if plain:
        for text in (row["source"], *parts):
            text["body"] = None if text["body"] is None else re.sub(r"<[^>]+>", "", text["body"])
    row["conversation_parts"] = {
        "type": "conversation_part.list",
        "conversation_parts": parts,
        "total_count": len(said.parts),
    }
    return row


def _by_contact(said: Conversation) -> list[int]:
    own = said.row["source"]["author"]["type"] in {"user", "lead"}
    opened = [said.row["created_at"]] if own else []
    return opened + [part["created_at"] for part in said.parts if part["author"]["type"] in {"user", "lead"}]


def _first_reply(said: Conversation) -> Obj | None:
    times = _by_contact(said)
    return {"created_at": times[0], "type": said.row["source"]["type"], "url": None} if times else None


def _statistics(said: Conversation) -> Obj:
    opened, parts = said.row["created_at"], said.parts
    contact = _by_contact(said)
    spoken = [p for p in parts if p["author"]["type"] == "admin" and p["body"] is not None and p["part_type"] != "note"]
    admin = [part["created_at"] for part in spoken]
    assigned = [part["created_at"] for part in parts if part["part_type"] == "assignment"]
    closes = [part for part in parts if part["part_type"] == "close"]
    closed = [part["created_at"] for part in closes]
    return {
        "type": "conversation_statistics",
        "time_to_assignment": assigned[0] - opened if assigned else None,
        "time_to_admin_reply": admin[0] - opened if admin else None,
        "time_to_first_close": closed[0] - opened if closed else None,
        "time_to_last_close": closed[-1] - opened if closed else None,
        "median_time_to_reply": None,
        "first_contact_reply_at": contact[0] if contact else None,
        "first_assignment_at": assigned[0] if assigned else None,
        "first_admin_reply_at": admin[0] if admin else None,
        "first_close_at": closed[0] if closed else None,
        "last_assignment_at": assigned[-1] if assigned else None,
        "last_assignment_admin_reply_at": next((at for at in admin if assigned and at >= assigned[-1]), None),
        "last_contact_reply_at": contact[-1] if contact else None,
        "last_admin_reply_at": admin[-1] if admin else None,
        "last_close_at": closed[-1] if closed else None,
        "last_closed_by_id": closes[-1]["author"]["id"] if closes else None,
        "count_reopens": sum(part["part_type"] == "open" for part in parts),
        "count_assignments": len(assigned),
        "count_conversation_parts": len(parts) + 1,
    }

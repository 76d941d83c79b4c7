"""The people of an account: agents, groups and contacts."""

from __future__ import annotations

from tallystick.testing.instants import iso
from tallystick_rest.simulators.timeline import Obj

__all__ = ["AI", "People", "contact_row", "requester_row"]

AI = "ai"
"""The name by which deeds call the AI agent of an account."""

_AGENTS = ("Ada Berg", "Ben Costa", "Cleo Dahl")
_GROUPS = ("Support", "Billing")
_SINCE = "2024-01-01T00:00:00Z"


class People:
    """Those of the company: three agents, of whom the first owns the key, the AI agent, and two groups.

    Args:
        seed: Same seed, same ids; no id is of two seeds.
    """

    def __init__(self, seed: int) -> None:
        self.agents = {80_000_000_000 + 100 * seed + number: name for number, name in enumerate(_AGENTS)}
        self.ai = 80_000_000_099 + 100 * seed
        self.groups = {81_000_000_000 + 10 * seed + number: name for number, name in enumerate(_GROUPS)}

    def agent_ids(self) -> list[int]:
        """Give the ids of all agents, the AI agent last."""
        return [*self.agents, self.ai]

    def agent(self, key: int) -> Obj:
        """Give an agent as the API does; the AI agent is one too."""
        name = self.agents.get(key, "Freddy AI Agent")
        return {
            "available": True,
            "occasional": False,
            "id": key,
            "ticket_scope": 1,
            "signature": None,
            "group_ids": list(self.groups),
            "role_ids": [1],
            "skill_ids": [],
            "created_at": _SINCE,
            "updated_at": _SINCE,
            "available_since": None,
            "type": "support_agent",
            "contact": {
                "active": True,
                "email": f"{name.split()[0].lower()}@nordwind.example",
                "job_title": None,
                "language": "en",
                "last_login_at": None,
                "mobile": None,
                "name": name,
                "phone": None,
                "time_zone": "Berlin",
                "created_at": _SINCE,
                "updated_at": _SINCE,
            },
        }

    def group(self, key: int) -> Obj:
        """Give a group as the API does."""
        return {
            "id": key,
            "name": self.groups[key],
            "description": None,
            "escalate_to": None,
            "unassigned_for": None,
            "agent_ids": list(self.agents),
            "created_at": _SINCE,
            "updated_at": _SINCE,
        }


def contact_row(deed: Obj) -> Obj:
    """Give a new contact as the API does."""
    key, at = deed["contact"], iso(deed["at"])
    return {
        "active": False,
        "address": None,
        "company_id": None,
        "deleted": False,
        "description": None,
        "email": deed.get("email", f"c{key}@customer.example"),
        "id": key,
        "job_title": None,
        "language": "en",
        "mobile": None,
        "name": deed.get("name", f"Customer {key % 10_000}"),
        "phone": None,
        "time_zone": "Berlin",
        "twitter_id": None,
        "custom_fields": {},
        "tags": [],
        "other_emails": [],
        "unique_external_id": None,
        "created_at": at,
        "updated_at": at,
    }


def requester_row(contact: Obj) -> Obj:
    """Give a contact as a ticket embeds it."""
    return {name: contact[name] for name in ("id", "name", "email", "mobile", "phone")}

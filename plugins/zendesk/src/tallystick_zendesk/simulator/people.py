"""Users: their row, and what changes in it; there is no field that says that one is a bot.

https://developer.zendesk.com/api-reference/ticketing/users/users/.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from tallystick.testing.instants import iso
from tallystick_zendesk.simulator.draft import Obj
from tallystick_zendesk.simulator.plan import User

__all__ = ["Person", "group_row"]


@dataclass(slots=True)
class Person:
    """One user as it is at the virtual instant; `updated_at` in Unix seconds."""

    id: int
    row: Obj
    updated_at: int
    _bytes: bytes | None = None

    @classmethod
    def made(cls, user: User) -> Person:
        """Give a user who has just been created."""
        return cls(user.id, _row(user), user.created_at)

    @property
    def staff(self) -> bool:
        """Whether this is an agent or an admin."""
        return self.row["role"] in {"agent", "admin"}

    def change(self, at: int, values: dict[str, object]) -> None:
        """Change fields of the row."""
        self.row |= values
        self.updated_at = at
        self.row["updated_at"] = iso(at)
        self._bytes = None

    def render(self) -> bytes:
        """Give the row as JSON."""
        if self._bytes is None:
            self._bytes = msgspec.json.encode(self.row)
        return self._bytes


def _row(user: User) -> Obj:
    role_type = 4 if user.role_type is None and user.role == "admin" else user.role_type
    staff = user.role != "end-user"
    return {
        "id": user.id,
        "url": f"https://nordwind.zendesk.com/api/v2/users/{user.id}.json",
        "name": user.name,
        "email": user.email,
        "created_at": iso(user.created_at),
        "updated_at": iso(user.created_at),
        "time_zone": "Berlin",
        "iana_time_zone": "Europe/Berlin",
        "phone": None,
        "shared_phone_number": None,
        "photo": None,
        "locale_id": 8,
        "locale": "de",
        "organization_id": None,
        "role": user.role,
        "role_type": role_type,
        "custom_role_id": None,
        "verified": True,
        "external_id": None,
        "tags": [],
        "alias": "",
        "active": True,
        "shared": False,
        "shared_agent": False,
        "last_login_at": iso(user.created_at) if staff else None,
        "two_factor_auth_enabled": None,
        "signature": None,
        "details": "",
        "notes": "",
        "moderator": user.role == "admin",
        "ticket_restriction": None if staff else "requested",
        "only_private_comments": role_type == 1,
        "restricted_agent": user.role != "admin",
        "suspended": False,
        "default_group_id": None,
        "report_csv": False,
        "user_fields": {},
    }


def group_row(group: int) -> Obj:
    """Give a group."""
    return {
        "url": f"https://nordwind.zendesk.com/api/v2/groups/{group}.json",
        "id": group,
        "is_public": True,
        "name": f"Group {group}",
        "description": "",
        "default": False,
        "deleted": False,
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "2020-01-01T00:00:00Z",
    }

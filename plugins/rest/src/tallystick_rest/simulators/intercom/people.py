"""The people of a workspace: admins, teams and contacts, and how an author of a part is written."""

from __future__ import annotations

from tallystick_rest.simulators.timeline import Obj

__all__ = ["FIN", "OPERATOR", "People", "contact_row"]

FIN, OPERATOR = "fin", "operator"
"""Authors beside admins and contacts: the AI agent, and the bot of workflows. Both are of type `bot` on the wire."""

_NAMES = ("Ada Berg", "Ben Costa", "Cleo Dahl")
_TEAMS = ("Support", "Billing")


class People:
    """Those of the company: three admins, of whom the first owns the token, and two teams.

    Args:
        seed: Same seed, same ids; no id is of two seeds.
    """

    def __init__(self, seed: int) -> None:
        self.app: Obj = {
            "type": "app",
            "id_code": f"nordwind{seed}",
            "name": "Nordwind",
            "created_at": 1_704_067_200,
            "secure": False,
            "identity_verification": False,
            "timezone": "Europe/Berlin",
            "region": "EU",
        }
        self.teams = {str(5_000_000 + 10 * seed + number): name for number, name in enumerate(_TEAMS)}
        support, billing = self.teams
        self.admins = {str(800_000 + 10 * seed + number): name for number, name in enumerate(_NAMES)}
        self._team_of = dict(zip(self.admins, (support, support, billing), strict=True))
        self._bot = {"type": "bot", "id": str(700_000 + seed), "email": f"operator+nordwind{seed}@intercom.io"}

    def admin(self, key: str) -> Obj:
        """Give an admin as the API does."""
        return {
            "type": "admin",
            "id": key,
            "name": self.admins[key],
            "email": self._address(key),
            "job_title": None,
            "away_mode_enabled": False,
            "away_mode_reassign": False,
            "away_status_reason_id": None,
            "has_inbox_seat": True,
            "team_ids": [int(self._team_of[key])],
        }

    def team(self, key: str) -> Obj:
        """Give a team as the API does."""
        members = [int(admin) for admin, team in self._team_of.items() if team == key]
        return {
            "type": "team",
            "id": key,
            "name": self.teams[key],
            "admin_ids": members,
            "distribution_method": "manual",
        }

    def author(self, who: str, contacts: dict[str, Obj]) -> Obj:
        """Give the author of a part: the id of an admin or a contact, `fin` or `operator`.

        Raises:
            KeyError: Nobody known.
        """
        ai = who == FIN
        if who in {FIN, OPERATOR}:
            shown = {**self._bot, "name": "Fin" if ai else "Operator"}
        elif who in self.admins:
            shown = {"type": "admin", "id": who, "name": self.admins[who], "email": self._address(who)}
        else:
            found = contacts[who]
            shown = {"type": found["role"], "id": found["id"], "name": found["name"], "email": found["email"]}
        return {**shown, "from_ai_agent": ai, "is_ai_answer": ai}

    def _address(self, key: str) -> str:
        return f"{self.admins[key].split()[0].lower()}@nordwind.example"


def contact_row(deed: Obj) -> Obj:
    """Give a new contact as the API does."""
    at, key = deed["at"], deed["contact"]
    return {
        "type": "contact",
        "id": key,
        "workspace_id": deed.get("workspace"),
        "external_id": deed.get("external_id"),
        "role": deed.get("role", "user"),
        "email": deed.get("email", f"{key}@customer.example"),
        "name": deed.get("name", f"Customer {key[-4:]}"),
        "phone": None,
        "owner_id": None,
        "has_hard_bounced": False,
        "marked_email_as_spam": False,
        "unsubscribed_from_emails": False,
        "created_at": at,
        "updated_at": at,
        "signed_up_at": None,
        "last_seen_at": None,
        "last_replied_at": None,
        "custom_attributes": {},
    }

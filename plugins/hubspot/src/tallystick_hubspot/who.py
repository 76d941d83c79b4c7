"""Who did something: what HubSpot tells of a writer or of a party of a conversation; pure.

Ids of those who act are, in all records: the user id of a person, `app:<id>` for an application, `owner:<id>` for an
owner that is no user, and HubSpot's own spelling for the others in a conversation: `V-` a visitor, `E-` an e-mail
address, `B-` a chatflow, `L-` an AI agent.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from tallystick_hubspot.objects import Entry, Properties, identifier

__all__ = ["MERGE", "NOBODY", "Party", "Who", "app", "created_through", "party", "role_of", "writer"]

_RULES = frozenset({"AUTOMATION_PLATFORM", "WORKFLOWS", "WORKFLOW_CONTACT_DELETE_ACTION"})
_COMPUTED = frozenset({"CALCULATED", "MIGRATION", "BACKFILL", "INTERNAL_PROCESSING"})
MERGE = "MERGE_OBJECTS"
"""Source of what came over from an object that was merged into another one."""

_APPS = frozenset({"INTEGRATION", "API"})
_USER = "userId:"


class Who(NamedTuple):
    """Who did something: `by` is user, rule or system; the user, the application and the rule, where they are told."""

    by: str
    user: str | None = None
    app: str | None = None
    rule: str | None = None

    @property
    def actor(self) -> str | None:
        """The one to name: the application where one wrote, for whoever holds its key wrote through it."""
        return self.app or self.user


NOBODY = Who("system")
"""The system did it, or nobody."""


def writer(entry: Entry) -> Who:
    """Give who wrote a value. Somebody of whom nothing is told is a user without an id, and never the system.

    A user may be named where he only gave occasion to a calculation, or where an application of which no id is told
    wrote in his name: neither is his act.
    """
    source, key = (entry.source_type or "").upper(), identifier(entry.source_id)
    if source in _RULES:
        return Who("rule", rule=key)
    if source in _COMPUTED:
        return NOBODY
    through = app(key) if source in _APPS else None
    if source in _APPS and through is None:
        return Who("user")
    user = identifier(entry.updated_by_user_id)
    if user is None and key is not None and key.startswith(_USER):
        user = key.removeprefix(_USER) or None
    if user is None and source == MERGE:
        return NOBODY
    return Who("user", user, through)


def app(key: object) -> str | None:
    """Give the id by which our records name an application; None for what is no id of one."""
    text = identifier(key)
    return f"app:{text}" if text is not None and text.isascii() and text.isdigit() else None


def created_through(properties: Properties) -> str | None:
    """Give the application that created an object; None where none did or it is not told."""
    return _through(properties.hs_object_source, properties.hs_object_source_id)


@lru_cache(maxsize=1_024)
def _through(source: str | None, key: str | None) -> str | None:
    return app(key) if (source or "").upper() in _APPS else None


class Party(NamedTuple):
    """One of those who take part in a conversation, by the id our records use; None for somebody who is not known."""

    by: str
    id: str | None


def party(actor: object, emails: Mapping[str, str]) -> Party:
    """Give who an actor of a conversation is.

    Args:
        actor: HubSpot's id with its prefix.
        emails: Users by e-mail address: one of the desk who answers by mail is one of the desk.
    """
    text = identifier(actor)
    prefix, _, key = (text or "").partition("-")
    if text is None or not key:
        return Party("user", None)
    found = {
        "A": key,
        "I": app(key) or text,
        "E": emails.get(key.lower()) or f"E-{key.lower()}",
        **dict.fromkeys("BLV", text),
    }
    return Party("system" if prefix == "S" else "user", found.get(prefix))


def role_of(actor: str) -> str | None:
    """Give the role of one of whom only a conversation tells; None for an application: anybody may stand behind it."""
    prefix = actor.partition("-")[0]
    return {"V": "end-user", "E": "end-user", "B": "bot", "L": "bot"}.get(prefix)

"""The workspace as an account that deeds are done to.

Every deed but the last four names its `conversation`. `by` is the id of an admin or a contact, `fin` or
`operator`; what stands in brackets may be left out.

    open        contact, body, [by], [delivered_as], [source_type], [subject]
    comment     by, body; a contact who writes opens what was closed or snoozed
    note        by, body
    assign      by, to: an admin, a team, or None for nobody; [body]
    close       by, [body]
    reopen      by, [body]
    snooze      by, [until], [body]
    resolution  state, [answer], [source]
    rate        rating, [remark]; rate_fin the same
    attribute   by: an admin, name, value
    tag         name
    redact      part, from 1
    set         values: fields of the conversation
    delete      nothing
    contact     contact, [role], [email], [name], [external_id]
    know        contact, values: fields of the contact
    forget      contact, which is deleted
    merge       contact, into
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tallystick_rest.simulators.intercom.people import FIN, OPERATOR, People, contact_row
from tallystick_rest.simulators.timeline import Obj

__all__ = ["Conversation", "Workspace"]


@dataclass
class Conversation:
    """One conversation; `row` has what the API shows beside what follows from the parts."""

    row: Obj
    contact: str
    parts: list[Obj] = field(default_factory=list)


class Workspace:
    """One workspace.

    Args:
        people: Those of the company.
    """

    def __init__(self, people: People) -> None:
        self.people = people
        self.contacts: dict[str, Obj] = {}
        self.merged: dict[str, str] = {}
        self.conversations: dict[str, Conversation] = {}
        self._do: dict[str, Callable[[Conversation, Obj], None]] = {
            "comment": lambda said, deed: self._part(said, deed, "comment"),
            "note": lambda said, deed: self._part(said, deed, "note"),
            "assign": self._assign,
            "close": lambda said, deed: self._turn(said, deed, "close", "closed"),
            "reopen": lambda said, deed: self._turn(said, deed, "open", "open"),
            "snooze": lambda said, deed: self._turn(said, deed, "snoozed", "snoozed"),
            "resolution": self._resolution,
            "attribute": self._attribute,
            "rate": self._rate,
            "rate_fin": self._rate_fin,
            "tag": self._tag,
            "redact": self._redact,
            "set": lambda said, deed: said.row.update(deed["values"]),
        }

    def do(self, deed: Obj) -> None:
        """Do one deed.

        Raises:
            KeyError: The deed, or what it is done to, is unknown.
            ValueError: Something is opened twice.
        """
        kind = deed["do"]
        if kind == "contact":
            self.contacts[deed["contact"]] = contact_row({**deed, "workspace": self.people.app["id_code"]})
        elif kind == "know":
            self.contacts[deed["contact"]].update(deed["values"], updated_at=deed["at"])
        elif kind == "forget":
            del self.contacts[deed["contact"]]
        elif kind == "merge":
            self._merge(deed)
        elif kind == "open":
            self._open(deed)
        elif kind == "delete":
            del self.conversations[deed["conversation"]]
        else:
            done = self._do[kind]
            said = self.conversations[deed["conversation"]]
            done(said, deed)
            said.row["updated_at"] = deed["at"]

    def _open(self, deed: Obj) -> None:
        key, at = deed["conversation"], deed["at"]
        if key in self.conversations:
            raise ValueError(f"conversation {key} is opened twice")
        source = {
            "type": deed.get("source_type", "conversation"),
            "id": str(deed["serial"] + 269_000_000),
            "delivered_as": deed.get("delivered_as", "customer_initiated"),
            "subject": deed.get("subject", ""),
            "body": f"<p>{deed.get('body', 'Hello')}</p>",
            "author": self.people.author(str(deed.get("by", deed["contact"])), self.contacts),
            "attachments": [],
            "url": None,
            "redacted": False,
        }
        row: Obj = {
            "type": "conversation",
            "id": key,
            "title": None,
            "created_at": at,
            "updated_at": at,
            "waiting_since": at,
            "snoozed_until": None,
            "open": True,
            "state": "open",
            "read": False,
            "priority": "not_priority",
            "admin_assignee_id": None,
            "team_assignee_id": None,
            "company_id": None,
            "tags": {"type": "tag.list", "tags": []},
            "conversation_rating": None,
            "source": source,
            "custom_attributes": {},
            "sla_applied": None,
            "ai_agent_participated": False,
            "ai_agent": None,
        }
        self.conversations[key] = Conversation(row, deed["contact"])

    def _part(self, said: Conversation, deed: Obj, kind: str, *, assigned_to: Obj | None = None) -> None:
        body, who, at = deed.get("body"), deed["by"], deed["at"]
        writer = self.people.author(who, self.contacts)
        part = {
            "type": "conversation_part",
            "id": str(deed["serial"] + 14_000_000_000),
            "part_type": kind,
            "body": None if body is None else f"<p>{body}</p>",
            "created_at": at,
            "updated_at": at,
            "notified_at": at,
            "assigned_to": assigned_to,
            "author": writer,
            "attachments": [],
            "external_id": None,
            "redacted": False,
            "state": said.row["state"],
            "tags": [],
            "app_package_code": None,
        }
        said.parts.append(part)
        if kind == "note" or body is None:
            return
        if who in self.people.admins or who in {FIN, OPERATOR}:
            said.row["waiting_since"] = None
        else:
            said.row["waiting_since"] = said.row["waiting_since"] or at
            # A contact who writes opens what was closed or snoozed; the part says so, as it is of type `open` then.
            if said.row["state"] != "open":
                self._state(said, "open")
                part |= {"part_type": "open", "state": "open"}
        if who == FIN:
            said.row["ai_agent_participated"] = True
            self._fin(said, at)

    def _assign(self, said: Conversation, deed: Obj) -> None:
        to = deed.get("to")
        if to in self.people.teams:
            said.row["team_assignee_id"], kind = to, "team"
        elif to is None or to in self.people.admins:
            said.row["admin_assignee_id"], kind = (None if to is None else int(to)), "admin"
        else:
            raise KeyError(to)
        self._part(said, deed, "assignment", assigned_to={"type": "nobody_admin" if to is None else kind, "id": to})

    def _turn(self, said: Conversation, deed: Obj, kind: str, state: str) -> None:
        self._state(said, state)
        said.row["snoozed_until"] = deed.get("until")
        self._part(said, deed, kind)

    def _state(self, said: Conversation, state: str) -> None:
        said.row |= {"state": state, "open": state == "open"}

    def _fin(self, said: Conversation, at: int) -> Obj:
        if said.row["ai_agent"] is None:
            said.row["ai_agent"] = {
                "source_type": "workflow",
                "source_title": "Fin answers first",
                "last_answer_type": "ai_answer",
                "resolution_state": None,
                "rating": None,
                "rating_remark": None,
                "created_at": at,
                "content_sources": {"type": "content_source.list", "total_count": 0, "content_sources": []},
            }
        found: Obj = said.row["ai_agent"]
        found["updated_at"] = at
        return found

    def _resolution(self, said: Conversation, deed: Obj) -> None:
        fin = self._fin(said, deed["at"])
        fin["resolution_state"] = deed["state"]
        fin["last_answer_type"] = deed.get("answer", fin["last_answer_type"])
        fin["source_type"] = deed.get("source", fin["source_type"])

    def _attribute(self, said: Conversation, deed: Obj) -> None:
        name, value = deed["name"], deed["value"]
        self._part(said, deed, "conversation_attribute_updated_by_admin")
        said.parts[-1]["event_details"] = {"attribute": {"name": name}, "value": {"name": value}}
        said.row["custom_attributes"][name] = value

    def _rate(self, said: Conversation, deed: Obj) -> None:
        admin = said.row["admin_assignee_id"]
        said.row["conversation_rating"] = {
            "rating": deed["rating"],
            "remark": deed.get("remark"),
            "created_at": deed["at"],
            "updated_at": deed["at"],
            "contact": {"type": "contact", "id": said.contact, "external_id": None},
            "teammate": None if admin is None else {"type": "admin", "id": str(admin)},
        }

    def _rate_fin(self, said: Conversation, deed: Obj) -> None:
        self._fin(said, deed["at"]).update(rating=deed["rating"], rating_remark=deed.get("remark"))

    def _tag(self, said: Conversation, deed: Obj) -> None:
        said.row["tags"]["tags"].append({"type": "tag", "id": str(deed["serial"]), "name": deed["name"]})

    def _redact(self, said: Conversation, deed: Obj) -> None:
        said.parts[deed["part"] - 1].update(redacted=True, body="<p><i>This message was deleted</i></p>")

    def _merge(self, deed: Obj) -> None:
        gone, into = deed["contact"], deed["into"]
        self.contacts[into]["updated_at"] = deed["at"]
        del self.contacts[gone]
        self.merged[gone] = into
        for said in self.conversations.values():
            if said.contact == gone:
                said.contact = into
                said.row["updated_at"] = deed["at"]

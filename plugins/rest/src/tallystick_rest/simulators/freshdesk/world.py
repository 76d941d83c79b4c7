"""The account as one that deeds are done to.

Every deed but the last four names its `ticket`. `by` is the id of an agent, or `ai` for the AI agent; what stands in
brackets may be left out.

    open      requester, [subject], [description], [source], [group], [responder]
    reply     by, body: to the customer
    answer    body: by the requester; opens what was resolved or closed
    note      by, body, [public]
    assign    [responder], [group]
    status    to: 2 open, 3 pending, 4 resolved, 5 closed, or one of the account's own
    rate      rating: 103 to -103, [feedback]
    set       values: fields of the ticket
    spam      is: whether it is spam
    delete    nothing; restore undoes it, destroy leaves nothing
    merge     into: the ticket that gets the conversations; [by]
    contact   contact, [email], [name]
    know      contact, values: fields of the contact
    forget    contact, which is deleted
    marry     contact, into: the contact that gets the tickets
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tallystick.testing.instants import iso
from tallystick_rest.simulators.freshdesk.people import AI, People, contact_row
from tallystick_rest.simulators.timeline import Obj

__all__ = ["Account", "Ticket"]

_OPEN, _PENDING, _RESOLVED, _CLOSED = 2, 3, 4, 5
_REPLY, _NOTE = 0, 2
_DONE = (_RESOLVED, _CLOSED)


@dataclass
class Ticket:
    """One ticket; `row` is what the API shows without what can be included."""

    row: Obj
    stats: Obj
    description: str
    conversations: list[Obj] = field(default_factory=list)


class Account:
    """One account.

    Args:
        people: Those of the company.
    """

    def __init__(self, people: People) -> None:
        self.people = people
        self.contacts: dict[int, Obj] = {}
        self.tickets: dict[int, Ticket] = {}
        self.ratings: list[Obj] = []
        self._do: dict[str, Callable[[Ticket, Obj], None]] = {
            "reply": self._reply,
            "answer": self._answer,
            "note": self._note,
            "assign": self._assign,
            "status": lambda ticket, deed: self._status(ticket, deed["to"], deed["at"]),
            "rate": self._rate,
            "set": lambda ticket, deed: ticket.row.update(deed["values"]),
            "spam": lambda ticket, deed: ticket.row.update(spam=deed["is"]),
            "delete": lambda ticket, _: ticket.row.update(deleted=True),
            "restore": lambda ticket, _: ticket.row.update(deleted=False),
            "merge": self._merge,
        }
        self._of_contacts: dict[str, Callable[[Obj], None]] = {
            "contact": self._contact,
            "know": self._know,
            "forget": self._forget,
            "marry": self._marry,
        }

    def do(self, deed: Obj) -> None:
        """Do one deed.

        Raises:
            KeyError: The deed, or what it is done to, is unknown.
            ValueError: Something is opened twice.
        """
        kind = deed["do"]
        if kind in self._of_contacts:
            self._of_contacts[kind](deed)
        elif kind == "open":
            self._open(deed)
        elif kind == "destroy":
            del self.tickets[deed["ticket"]]
        else:
            done, ticket = self._do[kind], self.tickets[deed["ticket"]]
            done(ticket, deed)
            ticket.row["updated_at"] = iso(deed["at"])

    def _open(self, deed: Obj) -> None:
        key, at = deed["ticket"], iso(deed["at"])
        if key in self.tickets:
            raise ValueError(f"ticket {key} is opened twice")
        row: Obj = {
            "cc_emails": [],
            "fwd_emails": [],
            "reply_cc_emails": [],
            "ticket_cc_emails": [],
            "fr_escalated": False,
            "spam": False,
            "email_config_id": None,
            "group_id": self._group(deed.get("group")),
            "priority": 1,
            "requester_id": self.contacts[deed["requester"]]["id"],
            "responder_id": self._agent(deed.get("responder")),
            "source": deed.get("source", 1),
            "company_id": None,
            "status": _OPEN,
            "subject": deed.get("subject", "I cannot sign in"),
            "association_type": None,
            "support_email": None,
            "to_emails": None,
            "product_id": None,
            "id": key,
            "type": None,
            "due_by": iso(deed["at"] + 3 * 86_400),
            "fr_due_by": iso(deed["at"] + 86_400),
            "is_escalated": False,
            "custom_fields": {"cf_ai_outcome": None},
            "created_at": at,
            "updated_at": at,
            "associated_tickets_count": None,
            "tags": [],
            "deleted": False,
        }
        names = "agent_responded_at requester_responded_at first_responded_at status_updated_at reopened_at"
        stats = dict.fromkeys((*names.split(), "resolved_at", "closed_at", "pending_since"))
        stats["status_updated_at"] = at
        self.tickets[key] = Ticket(row, stats, deed.get("description", "Please help."))

    def _agent(self, who: int | str | None) -> int | None:
        if who is None:
            return None
        key = self.people.ai if who == AI else int(who)
        if key not in self.people.agent_ids():
            raise KeyError(who)
        return key

    def _group(self, key: int | None) -> int | None:
        if key is not None and key not in self.people.groups:
            raise KeyError(key)
        return key

    def _say(self, ticket: Ticket, deed: Obj, user: int | None, *, incoming: bool, private: bool, source: int) -> None:
        at = iso(deed["at"])
        said = {
            "body": f"<div>{deed['body']}</div>",
            "body_text": deed["body"],
            "id": 82_000_000_000 + deed["serial"],
            "incoming": incoming,
            "private": private,
            "user_id": user,
            "support_email": None,
            "source": source,
            "category": None,
            "to_emails": [],
            "from_email": None,
            "cc_emails": [],
            "bcc_emails": [],
            "email_failure_count": None,
            "ticket_id": ticket.row["id"],
            "created_at": at,
            "updated_at": at,
            "attachments": [],
        }
        ticket.conversations.append(said)

    def _reply(self, ticket: Ticket, deed: Obj) -> None:
        self._say(ticket, deed, self._agent(deed["by"]), incoming=False, private=False, source=_REPLY)
        at = iso(deed["at"])
        ticket.stats["agent_responded_at"] = at
        ticket.stats["first_responded_at"] = ticket.stats["first_responded_at"] or at

    def _answer(self, ticket: Ticket, deed: Obj) -> None:
        self._say(ticket, deed, ticket.row["requester_id"], incoming=True, private=False, source=_REPLY)
        ticket.stats["requester_responded_at"] = iso(deed["at"])
        if ticket.row["status"] in _DONE:
            self._status(ticket, _OPEN, deed["at"])

    def _note(self, ticket: Ticket, deed: Obj) -> None:
        private = not deed.get("public", False)
        self._say(ticket, deed, self._agent(deed["by"]), incoming=False, private=private, source=_NOTE)

    def _assign(self, ticket: Ticket, deed: Obj) -> None:
        if "responder" in deed:
            ticket.row["responder_id"] = self._agent(deed["responder"])
        if "group" in deed:
            ticket.row["group_id"] = self._group(deed["group"])

    def _status(self, ticket: Ticket, to: int, when: int) -> None:
        at, before, stats = iso(when), ticket.row["status"], ticket.stats
        ticket.row["status"] = to
        stats["status_updated_at"] = at
        stats["pending_since"] = at if to == _PENDING else None
        if to in _DONE:
            stats["resolved_at"] = stats["resolved_at"] or at
        elif before in _DONE:
            stats.update(reopened_at=at, resolved_at=None)
        stats["closed_at"] = at if to == _CLOSED else None

    def _rate(self, ticket: Ticket, deed: Obj) -> None:
        row, at = ticket.row, iso(deed["at"])
        rating = {
            "id": 83_000_000_000 + deed["serial"],
            "survey_id": 84_000_000_001,
            "user_id": row["requester_id"],
            "agent_id": row["responder_id"],
            "feedback": deed.get("feedback"),
            "group_id": row["group_id"],
            "ticket_id": row["id"],
            "created_at": at,
            "updated_at": at,
            "ratings": {"default_question": deed["rating"]},
        }
        self.ratings.append(rating)

    def _merge(self, ticket: Ticket, deed: Obj) -> None:
        into = self.tickets[deed["into"]]
        for said in ticket.conversations:
            said["ticket_id"] = into.row["id"]
        into.conversations = sorted(into.conversations + ticket.conversations, key=lambda said: said["created_at"])
        ticket.conversations = []
        body = f"This ticket is closed and merged into ticket {into.row['id']}"
        self._say(
            ticket, {**deed, "body": body}, self._agent(deed.get("by")), incoming=False, private=True, source=_NOTE
        )
        self._status(ticket, _CLOSED, deed["at"])
        into.row["updated_at"] = iso(deed["at"])

    def _contact(self, deed: Obj) -> None:
        self.contacts[deed["contact"]] = contact_row(deed)

    def _know(self, deed: Obj) -> None:
        self.contacts[deed["contact"]].update(deed["values"], updated_at=iso(deed["at"]))

    def _forget(self, deed: Obj) -> None:
        self.contacts[deed["contact"]].update(deleted=True, updated_at=iso(deed["at"]))

    def _marry(self, deed: Obj) -> None:
        gone, into, at = deed["contact"], deed["into"], iso(deed["at"])
        kept = self.contacts[into]
        kept["other_emails"] = [*kept["other_emails"], self.contacts[gone]["email"]]
        kept["updated_at"] = at
        self.contacts[gone].update(deleted=True, updated_at=at)
        for ticket in self.tickets.values():
            if ticket.row["requester_id"] == gone:
                ticket.row.update(requester_id=into, updated_at=at)

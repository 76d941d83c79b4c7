"""A small account in which each thing that Zendesk can do happens once: for tests.

Everything lies in March 2025, ten minutes apart within a ticket.
"""

from __future__ import annotations

from typing import Any

from tallystick.testing.instants import instant
from tallystick_zendesk.simulator.plan import SYSTEM, Act, Effect, Opening, Plan, User

__all__ = ["ADMIN", "AGENT", "BOT", "CUSTOMER", "END", "OTHER", "START", "sample_plan"]

START = instant("2025-03-03T09:00:00Z")
"""When the first ticket of the sample is made."""
END = instant("2025-03-15T09:00:00Z")
"""When all of it has happened, and tickets 105 and 114 are archived, but not yet 101."""

ADMIN, BOT, AGENT, OTHER, CUSTOMER = 9_001, 9_002, 9_003, 9_004, 9_101

_DAY = 86_400
_BOT_GROUP, _PEOPLE_GROUP = 360_001, 360_002


def sample_plan() -> Plan:
    """Give the account; the reader is its admin `ada@nordwind.example`."""
    acts = (*_email(), *_messaging(), *_merged(), *_gone(), *_voice(), *_history(), *_opinions(), *_archived())
    return Plan(_people(), acts, ADMIN, archived_after=10 * _DAY)


def _people() -> tuple[User, ...]:
    early = START - 30 * _DAY
    return (
        User(ADMIN, "Ada Admin", "ada@nordwind.example", "admin", early),
        User(BOT, "Helpbot", "bot@nordwind.example", "agent", early),
        User(AGENT, "Bea Berg", "bea@nordwind.example", "agent", early, role_type=0),
        User(
            OTHER, "Olaf Ost", "olaf@nordwind.example", "agent", early, changes=((START + _DAY, {"role": "end-user"}),)
        ),
        User(CUSTOMER, "Carl Clay", "carl@customer.example", "end-user", early),
        User(CUSTOMER + 1, "Dora Dahl", "dora@customer.example", "end-user", START - 1),
        User(
            CUSTOMER + 2, "Emil Eck", "emil@customer.example", "end-user", early, changes=((START + 9, {"name": "E."}),)
        ),
        User(CUSTOMER + 3, "Fay Fox", "fay@customer.example", "end-user", early, changes=((START, {"active": False}),)),
    )


def _at(step: int, day: int = 0) -> int:
    return START + day * _DAY + step * 600


def _email() -> tuple[Act, ...]:
    """Solved by the bot, reopened, handed to a person, solved, rated, closed by an automation, and followed up."""
    opening = Opening(
        CUSTOMER, group=_BOT_GROUP, tags=("billing", "vip"), fields=((4_711, "basic"),), cc=(CUSTOMER + 1,)
    )
    return (
        Act(_at(0), 101, CUSTOMER, via="email", opening=opening, comment="My invoice is <wrong>."),
        Act(_at(1), 101, BOT, via="api", comment="Here is a new one.", status="solved", assignee=BOT, add_tags=("ai",)),
        Act(_at(2), 101, CUSTOMER, via="email", comment="Still wrong.", status="open"),
        Act(_at(3), 101, AGENT, comment="I take over.", assignee=AGENT, group=_PEOPLE_GROUP, status="pending"),
        Act(_at(4), 101, AGENT, comment="Corrected by hand.", status="solved", remove_tags=("ai",)),
        Act(
            _at(5), 101, SYSTEM, via="rule", rating="offered", effects=(Effect(502, "automation", add_tags=("csat",)),)
        ),
        Act(_at(6), 101, CUSTOMER, via="email", rating="good"),
        Act(_at(4, 4), 101, SYSTEM, via="rule", effects=(Effect(501, "automation", status="closed"),)),
        Act(
            _at(0, 5),
            102,
            CUSTOMER,
            opening=Opening(CUSTOMER, "web", subject="Re: Help", follow_up_of=101),
            comment="It is wrong again.",
        ),
    )


def _messaging() -> tuple[Act, ...]:
    """One conversation that the AI agent hands over, and one that it ends alone."""
    ai: dict[str, Any] = {"via": "native_messaging"}
    hand = Effect(601, assignee=AGENT, group=_PEOPLE_GROUP)
    first = Opening(CUSTOMER, "native_messaging", group=_BOT_GROUP, ai_agent=True)
    return (
        Act(_at(0), 103, CUSTOMER, **ai, opening=first, comment="Hello"),
        Act(_at(1), 103, BOT, **ai, comment="How can I help?"),
        Act(_at(0, 1), 103, CUSTOMER, **ai, escalate=True, comment="A person, please", effects=(hand,)),
        Act(_at(1, 1), 103, AGENT, **ai, comment="Here I am", status="solved"),
        Act(_at(1), 104, CUSTOMER, **ai, opening=first, comment="Where is my parcel?"),
        Act(_at(2), 104, BOT, **ai, comment="It arrives today."),
        Act(_at(3), 104, CUSTOMER, **ai, comment="Thanks!"),
        Act(_at(4), 104, BOT, **ai, status="solved", assignee=BOT),
    )


def _merged() -> tuple[Act, ...]:
    """Two requests about one thing."""
    return (
        Act(_at(0), 105, CUSTOMER + 1, via="email", opening=Opening(CUSTOMER + 1, subject="Twice"), comment="Help"),
        Act(_at(1), 106, CUSTOMER + 1, via="email", opening=Opening(CUSTOMER + 1, subject="Once"), comment="Help!"),
        Act(_at(2), 105, AGENT, merge_into=106),
    )


def _gone() -> tuple[Act, ...]:
    """Spam, a ticket deleted and brought back, and one deleted for good."""
    return (
        Act(_at(0), 107, CUSTOMER + 2, via="email", opening=Opening(CUSTOMER + 2, subject="Cheap"), comment="Buy"),
        Act(_at(1), 107, AGENT, spam=True),
        Act(_at(0), 108, CUSTOMER, opening=Opening(CUSTOMER, "web", subject="Back"), comment="Secret", status="open"),
        Act(_at(1), 108, AGENT, delete=True),
        Act(_at(2), 108, ADMIN, undelete=True),
        Act(_at(0), 109, CUSTOMER, opening=Opening(CUSTOMER, "web", external_id="X9"), comment="Secret"),
        Act(_at(1), 109, AGENT, delete=True),
    )


def _voice() -> tuple[Act, ...]:
    """A call with a note, a macro and a side conversation, and a chat."""
    call = Opening(CUSTOMER, "phone_call_inbound", subject="Call", submitter=AGENT)
    return (
        Act(_at(0), 110, AGENT, via="phone_call_inbound", opening=call, comment="Call with Carl", voice=True),
        Act(_at(1), 110, AGENT, comment="Was angry.", public=False, macro=77, side_conversation=True),
        Act(_at(0), 111, CUSTOMER, via="chat", opening=Opening(CUSTOMER, "chat"), comment="Hi"),
        Act(_at(1), 111, AGENT, via="chat", chat_ended=True, comment="Bye"),
    )


def _history() -> tuple[Act, ...]:
    """Comments that are changed afterwards, fields, and things that the reference does not know."""
    odd = ({"id": 1, "event_type": "KnowledgeCaptured", "article": 5},)
    return (
        Act(_at(0), 112, CUSTOMER, via="api", opening=Opening(CUSTOMER, "api"), comment="My card is 4111", odd=odd),
        Act(_at(1), 112, AGENT, comment="Careless note", comment_via="Web form"),
        Act(_at(2), 112, ADMIN, redacts=_at(0)),
        Act(_at(3), 112, ADMIN, privacy=_at(1)),
        Act(_at(4), 112, AGENT, fields=(("priority", "high"), ("4711", "pro"), ("subject", "Card"))),
    )


def _opinions() -> tuple[Act, ...]:
    """A bad rating with words, and an answered survey."""
    return (
        Act(_at(0), 113, CUSTOMER, opening=Opening(CUSTOMER, "web", assignee=AGENT, status="open"), comment="Hi"),
        Act(_at(1), 113, AGENT, unassign=True, status="solved"),
        Act(_at(2), 113, CUSTOMER, rating="bad", comment="Nobody answered"),
        Act(_at(3), 113, CUSTOMER, survey=4),
    )


def _archived() -> tuple[Act, ...]:
    """Closed on the day it was made, with three audits."""
    return (
        Act(_at(0), 114, CUSTOMER, opening=Opening(CUSTOMER, "web"), comment="Old"),
        Act(_at(1), 114, AGENT, comment="Done", status="solved"),
        Act(_at(2), 114, AGENT, status="closed"),
    )

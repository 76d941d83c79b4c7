"""Zendesk in the conformance kit: one simulated account, steered, and what the connector is held to."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar

import msgspec

from tallystick.testing.kit import UNKNOWN_WORD, Capability, ConnectorKit, Lack, SteeredSystem, Tape
from tallystick_zendesk.connector import ZendeskConnector
from tallystick_zendesk.simulator import Plan, Simulator, create_app
from tallystick_zendesk.simulator.plan import Act, Opening, User

__all__ = ["ZendeskKit"]

_PAGE = 4
_START = 1_788_242_400
"""2026-09-01T06:00:00Z."""
_DAY = 86_400
_ACCOUNT = 1_000_000
_FAST = 60_000
_FAULTS: Mapping[Capability, Mapping[str, Any]] = {
    Capability.TOKEN_EXPIRY: {"kind": "401_all"},
    Capability.THROTTLING: {"kind": "429", "retry_after": None},
    Capability.RETRY_AFTER: {"kind": "429"},
    Capability.SERVER_ERROR: {"kind": "500"},
    Capability.MAINTENANCE_PAGE: {"kind": "200_html"},
    Capability.TRUNCATION: {"kind": "truncated"},
    Capability.RESET: {"kind": "reset"},
    Capability.CLOCK_SKEW: {"kind": "clock_skew"},
}
_EXPORTS = {"ticket": "tickets", "actor": "users", "ticket_event": "ticket_events"}
_COLUMNS = {"ticket": "status", "actor": "role", "ticket_event": "public"}


class _Account(SteeredSystem[Simulator]):
    """One account: an admin who reads, an agent, a customer, and what the checks let happen."""

    def __init__(self, number: int, app: Simulator, tape: Tape, origin: str) -> None:
        variable, secret = f"ZENDESK_SECRET_{number}", f"zendesk-kit-{number}-Qm7Zr2Vx9Tb4"
        config = {
            "base_url": origin,
            "client_id": f"reader-{number}",
            "client_secret": f"env:{variable}",
            "start": "2026-08-01",
            "page_size": _PAGE,
            "requests_per_minute": _FAST,
            "export_requests_per_minute": _FAST,
            "user_export_requests_per_minute": _FAST,
        }
        super().__init__(app, tape, config, page_size=_PAGE, environment={variable: secret})
        self._ids = itertools.count(number * _ACCOUNT + 1_000)
        self._acts = itertools.cycle((self._say, self._rate, self._answer_alone))
        _, self._agent, self._customer = _people(number)
        self._ticket = self._open()

    def create(self, record_type: str) -> str:
        """Make a ticket, a user, or an act in one of the ways in which acts are told."""
        if record_type == "ticket":
            return str(self._open())
        if record_type == "actor":
            return self._meet()
        return self._say() if self.app.exports.alter else next(self._acts)()

    def edit(self, record_type: str, record_id: str) -> str | None:
        """Give a ticket another subject, or a user another name; who did that is told of tickets only."""
        text = f"Number {next(self._ids)}"
        if record_type == "actor":
            self.app.world.alter(int(record_id), {"name": text})
            return None
        self._happen(int(record_id), self._agent, fields=(("subject", text),))
        return str(self._agent)

    def delete(self, record_type: str, record_id: str) -> None:  # noqa: ARG002 - only tickets are
        """Delete a ticket."""
        self._happen(int(record_id), self._agent, delete=True)

    def merge(self, record_type: str, kept: str, gone: str) -> None:  # noqa: ARG002 - only tickets are
        """Merge a ticket into another one."""
        self._happen(int(gone), self._agent, merge_into=int(kept))

    def set_fault(self, fault: Capability, *, after: int = 0, times: int | None = 1, seconds: int = 0) -> None:
        """Let calls go wrong."""
        if fault is Capability.LAG:
            self.app.world.lag = seconds
        elif fault is Capability.SIGN_IN:
            self.app.faults.load([{"kind": "401", "after": after, "times": times}])
        else:
            line = {"path": "/api/v2/*", "after": after, "times": times, "seconds": seconds, **_FAULTS[fault]}
            told = {"retry_after": str(seconds)} if fault is Capability.RETRY_AFTER else {}
            self.app.faults.load([line | told])

    def change_wire(self, change: Capability, record_type: str) -> str:
        """Let an export deliver its rows otherwise."""
        self.app.exports.alter = partial(_altered, change, _EXPORTS[record_type])
        if change is Capability.UNKNOWN_WORD and record_type == "ticket_event":
            return "channel"
        return "" if change is Capability.GAINED_FIELD else _COLUMNS[record_type]

    def clear(self) -> None:
        """Let all go well again."""
        super().clear()
        self.app.exports.alter = None
        self.app.world.lag = 0

    def secrets(self) -> Collection[str]:
        """Give the secret of the client, and the tokens that were given for it."""
        return {*super().secrets(), *self.app.access.tokens}

    def _happen(self, ticket: int, author: int, **what: Any) -> int:
        return self.app.world.happen(Act(self.app.now, ticket, author, **what))

    def _open(self, **more: Any) -> int:
        ticket = next(self._ids)
        opening = Opening(self._customer, subject=f"Question {ticket}", **more)
        self._happen(ticket, self._customer, via="email", opening=opening, comment="Where is it?")
        return ticket

    def _meet(self) -> str:
        user = next(self._ids)
        self.app.world.meet(User(user, f"User {user}", f"u{user}@customer.example", "end-user", self.app.now))
        return str(user)

    def _say(self) -> str:
        """Let the customer say something on the first ticket, which the export of events tells."""
        return f"{self._happen(self._ticket, self._customer, via='email', comment='Any news?')}.00"

    def _rate(self) -> str:
        """Let a customer rate a ticket, which the list of ratings tells."""
        ticket = self._open()
        self._happen(ticket, self._customer, rating="good")
        return f"rating.{self.app.world.ratings.rows[-1]['id']}"

    def _answer_alone(self) -> str:
        """Let an AI agent have a ticket to itself, which the export of such tickets tells."""
        return f"ai.{self._open(channel='native_messaging', ai_agent=True)}.{self.app.now}"


def _altered(change: Capability, export: str, kind: str, row: bytes) -> bytes:
    """Give a row of an export as it is delivered after a change on the wire."""
    if kind != export:
        return row
    item = msgspec.json.decode(row)
    if change is Capability.GAINED_FIELD:
        return msgspec.json.encode({**item, "field_of_the_future": {"shares": [0.5, None]}})
    places, field = [item], {"tickets": "status", "users": "role", "ticket_events": "public"}[kind]
    if kind == "ticket_events":
        places = [child for child in item["child_events"] if field in child]
    for place in places:
        if change is Capability.LOST_FIELD:
            del place[field]
        elif change is Capability.RETYPED_FIELD:
            place[field] = {"value": place[field]}
        elif kind == "ticket_events":
            place["via"] = {"channel": UNKNOWN_WORD, "source": {}}
        else:
            place[field] = UNKNOWN_WORD
    return msgspec.json.encode(item)


def _people(number: int) -> tuple[int, int, int]:
    """Give the ids of the admin, the agent and the customer of an account."""
    first = number * _ACCOUNT
    return first + 1, first + 2, first + 3


class ZendeskKit(ConnectorKit):
    """The Zendesk connector: exports by cursor and by time, and a list of ratings."""

    connector = ZendeskConnector
    creates = ("ticket", "actor", "ticket_event")
    lacks: ClassVar[Mapping[Lack, str]] = {
        (Capability.DELETIONS, "actor"): "a deleted user stays in the export, as one who is not active",
        (Capability.MERGES, "actor"): "of two merged users Zendesk tells only that one is not active any more",
        (Capability.PROVENANCE, "actor"): "Zendesk exports no history of users",
        (Capability.LOOKUP, "actor"): "no claim is about a user",
        (Capability.EDITS, "ticket_event"): "an act is over once it is told",
        (Capability.DELETIONS, "ticket_event"): "an act is over once it is told",
        (Capability.MERGES, "ticket_event"): "an act is over once it is told",
        (Capability.PROVENANCE, "ticket_event"): "an act is itself the history of its ticket",
        (Capability.LOOKUP, "ticket_event"): "no claim is about a single act",
    }
    calls_idle = 7
    # A page of acts is more than that: most of them open a ticket, which has events of its own.
    calls_per_page = 2.5
    lag_seconds = 60

    @contextmanager
    def open(self, number: int) -> Iterator[_Account]:
        """Serve an account."""
        admin, agent, customer = _people(number)
        users = (
            User(admin, "Ada Admin", f"ada{number}@nordwind.example", "admin", _START - _DAY),
            User(agent, "Bea Berg", f"bea{number}@nordwind.example", "agent", _START - _DAY),
            User(customer, "Carl Clay", f"carl{number}@customer.example", "end-user", _START - _DAY),
        )
        app = create_app(number, plan=Plan(users, (), admin, account=number), now="2026-09-01T06:00:00Z")
        tape = Tape(app)
        with tape.running() as origin:
            yield _Account(number, app, tape, origin)

"""HubSpot in the conformance kit: one simulated account, steered, and what the connector is held to."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar

from tallystick.testing.kit import UNKNOWN_WORD, Capability, ConnectorKit, Lack, SteeredSystem, Tape
from tallystick_hubspot.connector import HubSpotConnector
from tallystick_hubspot.simulator import Plan, Simulator, create_app
from tallystick_hubspot.simulator.deeds import (
    Archive,
    Associate,
    Create,
    Deed,
    Merge,
    OpenThread,
    Ref,
    Say,
    Set,
    person,
)
from tallystick_hubspot.simulator.plan import Account, Owner, Pipeline, Stage

__all__ = ["HubSpotKit"]

_PAGE = 4
_START = "2026-09-01T06:00:00Z"
_EARLY = 1_780_000_000_000
_ACCOUNT = 10_000_000
_FAST = 60_000
_KINDS = {"ticket": "tickets", "meeting": "meetings", "contact": "contacts"}
_EDITED = {"tickets": "subject", "meetings": "hs_meeting_title", "contacts": "jobtitle"}
_WORDS = {"tickets": "source_type", "meetings": "hs_meeting_outcome", "contacts": "lifecyclestage"}
_FAULTS: Mapping[Capability, Mapping[str, Any]] = {
    Capability.TOKEN_EXPIRY: {"kind": "expired_all"},
    Capability.THROTTLING: {"kind": "429", "retry_after": None},
    Capability.RETRY_AFTER: {"kind": "429"},
    Capability.SERVER_ERROR: {"kind": "500"},
    Capability.MAINTENANCE_PAGE: {"kind": "502_html"},
    Capability.TRUNCATION: {"kind": "truncated"},
    Capability.RESET: {"kind": "reset"},
    Capability.CLOCK_SKEW: {"kind": "clock_skew"},
}


class _Portal(SteeredSystem[Simulator]):
    """One account, with one object of each kind and a conversation."""

    def __init__(self, number: int, app: Simulator, tape: Tape, origin: str) -> None:
        secret, refresh = f"HUBSPOT_SECRET_{number}", f"HUBSPOT_REFRESH_{number}"
        config = {
            "base_url": origin,
            "client_id": f"client-{number}",
            "client_secret": f"env:{secret}",
            "refresh_token": f"env:{refresh}",
            "start": "2026-08-01",
            "page_size": _PAGE,
            "history": {kind: [name] for kind, name in _EDITED.items()},
            "searches_per_second": _FAST,
            "requests_per_second": _FAST,
        }
        secrets = {secret: f"hs-kit-{number}-Qm7Zr2Vx9Tb4", refresh: f"hs-refresh-{number}-Lw3Kp8Yd5Nc6"}
        super().__init__(app, tape, config, page_size=_PAGE, environment=secrets)
        self._ids = itertools.count(number * _ACCOUNT + 1_000)
        self._user = number * _ACCOUNT + 1
        self._begin()

    def create(self, record_type: str) -> str:
        """Make a ticket with a conversation, a meeting with a contact, or a contact."""
        kind, key = _KINDS[record_type], str(next(self._ids))
        ref, at, by = (kind, key), self.app.world.now, person(self._user)
        if kind == "tickets":
            thread = str(next(self._ids))
            opened = Create(at, ref, {"subject": f"Question {key}", "hs_pipeline": "0", "source_type": "CHAT"}, by)
            self._happen(opened, OpenThread(at, thread, ticket=key), Say(at, thread, "V-42", "Where is my parcel?"))
        elif kind == "meetings":
            made = Create(at, ref, {"hs_meeting_title": f"Demo {key}", "hs_meeting_outcome": "SCHEDULED"}, by)
            self._happen(made, Associate(at, ref, self._contact))
        else:
            self._happen(Create(at, ref, {"email": f"p{key}@customer.example", "lifecyclestage": "lead"}, by))
        return key

    def edit(self, record_type: str, record_id: str) -> str:
        """Give a property whose history is read another value."""
        kind = _KINDS[record_type]
        text = f"Number {next(self._ids)}"
        self._happen(Set(self.app.world.now, (kind, record_id), {_EDITED[kind]: text}, person(self._user)))
        return str(self._user)

    def delete(self, record_type: str, record_id: str) -> None:
        """Delete an object."""
        self._happen(Archive(self.app.world.now, (_KINDS[record_type], record_id)))

    def merge(self, record_type: str, kept: str, gone: str) -> None:
        """Merge an object into another one."""
        kind = _KINDS[record_type]
        self._happen(Merge(self.app.world.now, (kind, kept), (kind, gone), person(self._user)))

    def set_fault(self, fault: Capability, *, after: int = 0, times: int | None = 1, seconds: int = 0) -> None:
        """Let calls go wrong, or searches lag."""
        if fault is Capability.LAG:
            self.app.world.index.lag = seconds * 1_000
        elif fault is Capability.SIGN_IN:
            self.app.faults.load([{"kind": "401", "after": after, "times": times}])
        else:
            line = {"path": "/crm/*", "after": after, "times": times, "seconds": seconds, **_FAULTS[fault]}
            told = {"retry_after": str(seconds)} if fault is Capability.RETRY_AFTER else {}
            self.app.faults.load([line | told])

    def change_wire(self, change: Capability, record_type: str) -> str:
        """Let a property of a kind be delivered otherwise."""
        self.app.alter = partial(_altered, change, _KINDS[record_type])
        # The status of a ticket stands in two properties; that of the others in one.
        column = "channel" if record_type == "ticket" else "status"
        return "" if change is Capability.GAINED_FIELD else column

    def clear(self) -> None:
        """Let all go well again."""
        super().clear()
        self.app.alter = None
        self.app.world.index.lag = 0

    def secrets(self) -> Collection[str]:
        """Give the secrets of the client, and the tokens that were given for them."""
        return {*super().secrets(), *self.app.access.tokens}

    def _happen(self, *deeds: Deed) -> None:
        self.app.world.happen(*deeds)

    def _begin(self) -> None:
        """Let there be one of everything that is read."""
        at, by = self.app.world.now, person(self._user)
        self._contact: Ref = ("contacts", self.create("contact"))
        company, deal, call = ((kind, str(next(self._ids))) for kind in ("companies", "deals", "calls"))
        self._happen(
            Create(at, company, {"name": "Clay GmbH"}, by),
            Create(at, deal, {"dealname": "Clay", "amount": "100.50"}, by),
            Create(at, call, {"hs_call_duration": "60000", "hs_call_status": "COMPLETED"}, by),
            Associate(at, call, self._contact),
            Associate(at, self._contact, company),
        )
        self.create("ticket")
        self.create("meeting")


def _altered(change: Capability, kind: str, place: tuple[str, ...], answer: dict[str, Any]) -> dict[str, Any]:
    """Give an answer for objects of a kind as it is after a change on the wire."""
    if place[:2] != ("objects", kind) or "results" not in answer:
        return answer
    return {**answer, "results": [_row(change, _WORDS[kind], row) for row in answer["results"]]}


def _row(change: Capability, name: str, row: dict[str, Any]) -> dict[str, Any]:
    if change is Capability.GAINED_FIELD:
        return {**row, "fieldOfTheFuture": {"shares": [0.5, None]}}
    properties = dict(row["properties"])
    if name not in properties:
        return row
    if change is Capability.LOST_FIELD:
        del properties[name]
    else:
        properties[name] = {"value": properties[name]} if change is Capability.RETYPED_FIELD else UNKNOWN_WORD
    return {**row, "properties": properties}


def _plan(number: int) -> Plan:
    """Give an account of its own: an owner, and stages of tickets and deals."""
    first = number * _ACCOUNT
    open_, closed = Stage("1", "New"), Stage("4", "Closed", closed=True)
    won = Stage("closedwon", "Won", closed=True, probability="1.0")
    return Plan(
        owners=(Owner(str(first + 2), first + 1, f"ada{number}@nordwind.example", "Ada", "East", created_at=_EARLY),),
        pipelines=(
            Pipeline("tickets", "0", "Support", (open_, closed)),
            Pipeline("deals", "default", "Sales", (Stage("appointmentscheduled", "Appointment"), won)),
        ),
        account=Account(portal=4_400_000 + number),
    )


class HubSpotKit(ConnectorKit):
    """The HubSpot connector: searches by the stamp, lists of what was deleted, histories, conversations."""

    connector = HubSpotConnector
    creates = ("ticket", "meeting", "contact")
    lacks: ClassVar[Mapping[Lack, str]] = {
        (Capability.MERGES, "meeting"): "HubSpot merges no meetings",
    }
    calls_idle = 60
    calls_per_page = 10
    lag_seconds = 3_600

    @contextmanager
    def open(self, number: int) -> Iterator[_Portal]:
        """Serve an account."""
        app = create_app(number, plan=_plan(number), now=_START)
        tape = Tape(app)
        with tape.running() as origin:
            yield _Portal(number, app, tape, origin)

"""The smallest system of record that can do all that the conformance kit asks of one: people, and their history.

`GET /v1/people` and `GET /v1/changes` list `[since, until)` by time and id: a page after `after_at` and `after_id`, or
from `offset` on. `GET /v1/people/<id>` gives one, `GET /token` a token for the key; any other call without the newest
token is refused.
"""

import itertools
import json
from contextlib import contextmanager

from starlette.responses import Response
from tests.tiny_connector import TinyConnector

from tallystick.testing.faultplan import Fault, FaultPlan
from tallystick.testing.kit import UNKNOWN_WORD, Capability, ConnectorKit, SteeredSystem, Tape
from tallystick.testing.steering import SteeredApp

START = 1_790_000_000
PAGE = 4
NOTES = "As large as objects are. " * 40
COMMON = {
    Capability.MAINTENANCE_PAGE: "200_html",
    Capability.SERVER_ERROR: "500",
    Capability.TRUNCATION: "truncated",
    Capability.RESET: "reset",
    Capability.CLOCK_SKEW: "clock_skew",
    Capability.THROTTLING: "429",
    Capability.RETRY_AFTER: "429_retry_after",
    Capability.TOKEN_EXPIRY: "expire",
}
KINDS = {"429": "", "429_retry_after": "", "500": "", "401": "", "expire": ""}


class TinyApp(SteeredApp[Fault]):
    """The simulator: `people` by id, `changes` in order; `hidden` is until when an object is not shown."""

    def __init__(self, number):
        self._now = START
        self.number = number
        self.people, self.changes, self.hidden = {}, [], {}
        self.key = f"key-of-account-{number}-very-secret"
        self.serial = itertools.count()
        self.token = self.mint()
        self.wire = {}
        super().__init__(FaultPlan(KINDS, Fault), start=START)

    @property
    def now(self):
        """Virtual now."""
        return self._now

    def move(self, now):
        """Set the clock."""
        self._now = now

    def mint(self):
        """Give a new token; the one before is no longer good."""
        self.token = f"token-{self.number}-{next(self.serial)}-very-secret"
        return self.token

    def create(self, person_id, late):
        """Make a person who is shown `late` seconds later."""
        person = {"id": person_id, "created": self.now, "changed": self.now, "name": f"Person {person_id}"}
        self.people[person_id] = {**person, "status": "lead", "merged_into": None, "deleted": False, "notes": NOTES}
        self.hidden[person_id] = self.now + late

    def change(self, person_id, **values):
        """Change fields of a person, and write it into the history."""
        person = self.people[person_id]
        for field, value in values.items():
            change = {"id": f"{person_id}-{len(self.changes)}", "at": self.now, "person": person_id, "field": field}
            self.changes.append({**change, "old": person[field], "new": value, "by": f"u{self.number}"})
        person.update(values, changed=self.now)

    def respond(self, request, body, fault):
        """Answer a call."""
        path, asked = request.url.path, request.query_params
        if (refused := self.refusal(fault, request)) is not None:
            return refused
        if path == "/token":
            return _json({"token": self.mint()})
        if path == "/v1/changes":
            return _json(_page(self.changes, "at", asked))
        shown = [self.shown(person) for person in self.people.values() if self.hidden[person["id"]] <= self.now]
        if path == "/v1/people":
            return _json(_page(shown, "changed", asked))
        return _json(next(person for person in shown if person["id"] == path.rpartition("/")[2]))

    def refusal(self, fault, request):
        """Give what a fault answers in place of data, or a call that is not signed in."""
        kind = fault.kind if fault else ""
        if kind.startswith("429"):
            return Response(b"", 429, {"Retry-After": str(int(fault.seconds))} if kind == "429_retry_after" else {})
        if kind == "500":
            return Response(b"", 500)
        if kind == "expire":
            self.mint()
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        good = given == (self.key if request.url.path == "/token" else self.token)
        return None if good and kind != "401" else Response(b'{"error":"not signed in"}', 401)

    def shown(self, person):
        """Give a person as the wire has it."""
        change = self.wire.get("change")
        if change is Capability.GAINED_FIELD:
            return {**person, "gained": [1.5, None]}
        if change is Capability.LOST_FIELD:
            return {name: value for name, value in person.items() if name != "status"}
        if change is Capability.RETYPED_FIELD:
            return {**person, "status": {"label": person["status"]}}
        return {**person, "status": UNKNOWN_WORD} if change is Capability.UNKNOWN_WORD else person


def _json(body):
    return Response(json.dumps(body), media_type="application/json")


def _page(rows, time, asked):
    """Give the rows of a window behind a place, in order of time and id."""
    place = (int(asked.get("after_at", 0)), asked.get("after_id", ""))
    inside = [row for row in rows if int(asked["since"]) <= row[time] < int(asked["until"])]
    behind = sorted((row for row in inside if (row[time], row["id"]) > place), key=lambda row: (row[time], row["id"]))
    behind = behind[int(asked.get("offset", 0)) :]
    return {"items": behind[:PAGE], "more": len(behind) > PAGE}


class TinySystem(SteeredSystem):
    """One account of the tiny system."""

    def __init__(self, app, tape, origin):
        key = f"TINY_KEY_{app.number}"
        config = {"base_url": origin, "key": f"env:{key}", "start": "2026-01-01"}
        super().__init__(app, tape, config, page_size=PAGE, environment={key: app.key})
        self._made = itertools.count()
        self._late = 0

    def create(self, record_type):
        """Make a person."""
        person_id = f"p{self.app.number}-{next(self._made):05d}"
        self.app.create(person_id, self._late)
        return person_id

    def edit(self, record_type, record_id):
        """Give a person a new name."""
        self.app.change(record_id, name=f"Name {next(self._made)}")
        return f"u{self.app.number}"

    def delete(self, record_type, record_id):
        """Delete a person."""
        self.app.change(record_id, deleted=True)

    def merge(self, record_type, kept, gone):
        """Merge two people."""
        self.app.change(gone, merged_into=kept)

    def set_fault(self, fault, *, after=0, times=1, seconds=0):
        """Let calls go wrong."""
        if fault is Capability.LAG:
            self._late = seconds
        elif fault is Capability.SIGN_IN:
            lines = [{"path": path, "kind": "401", "times": times} for path in ("/v1/*", "/token")]
            self.app.faults.load(lines)
        else:
            line = {"path": "/v1/*", "kind": COMMON[fault], "after": after, "times": times, "seconds": seconds}
            self.app.faults.load([line])

    def change_wire(self, change, record_type):
        """Let people be delivered otherwise."""
        self.app.wire = {"change": change}
        return "" if change is Capability.GAINED_FIELD else "status"

    def clear(self):
        """Undo all of it."""
        super().clear()
        self.app.wire = {}
        self._late = 0

    def secrets(self):
        """Give the key, and the token of now."""
        return {self.app.key, self.app.token}


class TinyKit(ConnectorKit):
    """The kit of the tiny connector."""

    connector = TinyConnector
    creates = ("contact",)
    calls_idle = 3
    calls_per_page = 1
    lag_seconds = 120

    @contextmanager
    def open(self, number):
        """Serve an account."""
        app = TinyApp(number)
        tape = Tape(app)
        with tape.running() as origin:
            system = TinySystem(app, tape, origin)
            system.edit("contact", system.create("contact"))
            yield system

"""The simulator of Freshdesk as an ASGI application: the API, and `/_simulator` for tests to steer it."""

from __future__ import annotations

import base64
import binascii
import random

from tallystick.testing.instants import instant
from tallystick_rest.simulators.desk import Answer, Call, Desk
from tallystick_rest.simulators.freshdesk.api import PREFIX, Api, refusal
from tallystick_rest.simulators.freshdesk.cases import FIRST, cases, contact_key, ticket_key
from tallystick_rest.simulators.freshdesk.people import AI, People
from tallystick_rest.simulators.freshdesk.world import Account
from tallystick_rest.simulators.gate import Window
from tallystick_rest.simulators.timeline import Obj, Timeline

__all__ = ["NOW", "Freshdesk", "create_app"]

NOW = "2026-09-01T00:00:00Z"
"""Where the virtual clock begins unless told: after all that is scripted."""

_LIMIT, _WINDOW = 700, 60
_SAMPLED, _STEERED = 1_000, 100_000
_PER_LIST, _PER_OBJECT = 2, 1
"""What each thing embedded costs of the limit, beside the call."""


class Freshdesk(Desk[Account]):
    """A simulated account; see `create_app`."""

    thing = "ticket"

    def __init__(self, seed: int, timeline: Timeline[Account], window: Window, *, latency_ms: float) -> None:
        super().__init__(seed, timeline, window, latency_ms)
        self._api = Api(timeline, self.wire)
        self._cost = 1

    def answer(self, call: Call, request_id: str) -> Answer:  # noqa: ARG002 - errors do not have their number in them
        """Answer a call that may be answered."""
        return self._api.answer(call)

    def refused(self, kind: str, request_id: str, seconds: int) -> Answer:  # noqa: ARG002
        """Give an error as Freshdesk writes it."""
        return refusal(kind, seconds)

    def key(self, call: Call) -> str:
        """Give the key: the user of basic authentication, whatever the password."""
        scheme, _, text = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return ""
        try:
            return base64.b64decode(text, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""

    def cost(self, call: Call) -> int:
        """Count what is embedded too."""
        embedded = len([part for part in call.query.get("include", "").split(",") if part])
        self._cost = 1 + embedded * (_PER_LIST if call.path == f"{PREFIX}tickets" else _PER_OBJECT)
        return self._cost

    def rates(self) -> dict[str, str]:
        """Tell of the limit, and the version of the API."""
        shown = {"Total": self.window.limit, "Remaining": self.window.left, "Used-CurrentRequest": self._cost}
        rates = {f"X-RateLimit-{name}": str(value) for name, value in shown.items()}
        return {**rates, "X-Freshdesk-API-Version": "latest=v2; requested=v2"}

    def opened(self, at: int, number: int) -> tuple[Obj, Obj]:
        """Give the deeds by which a contact comes, and opens a ticket."""
        contact, key = contact_key(self._seed, _STEERED + number), ticket_key(self._seed, _STEERED + number)
        return (
            {"do": "contact", "at": at, "contact": contact},
            {"do": "open", "at": at, "ticket": key, "requester": contact, "subject": "Steered"},
        )

    def deeds(self, name: str, asked: Obj) -> tuple[list[Obj], object]:
        """Give the deeds of what is steered; `kind` is `ticket`, which is usual, or `contact`.

        Raises:
            KeyError: Something is not told.
        """
        contact = asked.get("kind") == "contact"
        if name == "merge":
            one, into = int(asked["from"]), int(asked["into"])
            married = {"do": "marry", "contact": one, "into": into}
            return [married if contact else {"do": "merge", "ticket": one, "into": into}], {}
        key = int(asked["id"])
        if contact:
            values = asked.get("values", {"name": f"Edit {self.number()}"})
            edited = {"do": "know", "contact": key, "values": values}
            return [{"do": "forget", "contact": key} if name == "delete" else edited], {}
        if name == "delete":
            return [{"do": "destroy" if asked.get("for_good") else "delete", "ticket": key}], {}
        if "values" in asked:
            return [{"do": "set", "ticket": key, "values": asked["values"]}], {}
        by = next(iter(self.timeline.live.people.agents))
        text = f"Edit {self.number()}"
        subject = {"do": "set", "ticket": key, "values": {"subject": text}}
        return [subject, {"do": "note", "ticket": key, "by": by, "body": text}], {"by": by}


def create_app(
    seed: int = 1,
    *,
    now: str | None = None,
    tickets: int = 30,
    labelled: bool = True,
    latency_ms: float = 0,
    limit: int | None = None,
) -> Freshdesk:
    """Build a simulator of one account: the labelled cases, and tickets by chance beside them.

    Args:
        seed: Same seed, same bytes.
        now: Virtual instant it starts at, ISO 8601 with an offset; by default `NOW`.
        tickets: How many there are beside the labelled ones.
        labelled: Whether the labelled cases are there.
        latency_ms: Time that every call takes, in real milliseconds.
        limit: Calls in a minute of the virtual clock; by default the limit is told and not enforced.

    Raises:
        ValueError: `now` is no instant.
    """
    people = People(seed)
    deeds = [deed for case in cases(seed) for deed in case.deeds] if labelled else []
    deeds += _sample(seed, people, tickets)
    timeline = Timeline(lambda: Account(people), deeds, instant(now or NOW))
    window = Window(limit or _LIMIT, _WINDOW, enforced=limit is not None)
    return Freshdesk(seed, timeline, window, latency_ms=latency_ms)


def _sample(seed: int, people: People, count: int) -> list[Obj]:
    """Give tickets by chance, some of them changed at the same second."""
    chance = random.Random(f"{seed}/sample")  # noqa: S311 - same seed, same bytes
    deeds: list[Obj] = []
    for number in range(1, count + 1):
        contact, key = contact_key(seed, _SAMPLED + number), ticket_key(seed, _SAMPLED + number)
        at = FIRST + chance.randrange(0, 20 * 24) * 3_600
        said = {"ticket": key}
        by: int | str = AI if chance.random() < 0.6 else chance.choice(tuple(people.agents))
        deeds += [
            {"do": "contact", "at": at, "contact": contact},
            {"do": "open", "at": at, **said, "requester": contact, "source": chance.choice((1, 2, 7))},
            {"do": "assign", "at": at + 10, **said, "responder": by},
            {"do": "reply", "at": at + 30, **said, "by": by, "body": "Please see the page on orders."},
        ]
        if chance.random() < 0.7:
            deeds.append({"do": "status", "at": at + 3_600, **said, "to": chance.choice((4, 5))})
        if number == 1 or chance.random() < 0.2:
            deeds.append({"do": "rate", "at": at + 7_200, **said, "rating": chance.choice((103, 100, -103))})
    return deeds

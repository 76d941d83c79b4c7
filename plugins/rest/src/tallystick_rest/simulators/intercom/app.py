"""The simulator of Intercom as an ASGI application: the API, and `/_simulator` for tests to steer it."""

from __future__ import annotations

import random

from tallystick.testing.instants import instant
from tallystick_rest.simulators.desk import Answer, Call, Desk
from tallystick_rest.simulators.gate import Window
from tallystick_rest.simulators.intercom.api import Api, refusal
from tallystick_rest.simulators.intercom.cases import FIRST, cases, contact_key, conversation_key
from tallystick_rest.simulators.intercom.people import FIN, OPERATOR, People
from tallystick_rest.simulators.intercom.world import Workspace
from tallystick_rest.simulators.timeline import Obj, Timeline

__all__ = ["NOW", "Intercom", "create_app"]

NOW = "2026-09-01T00:00:00Z"
"""Where the virtual clock begins unless told: after all that is scripted."""

_LIMIT, _WINDOW = 1_667, 10
"""10,000 calls a minute, spread over windows of ten seconds."""

_SAMPLED, _STEERED = 10_000, 1_000_000


class Intercom(Desk[Workspace]):
    """A simulated workspace; see `create_app`."""

    thing = "conversation"

    def __init__(
        self, seed: int, timeline: Timeline[Workspace], window: Window, *, latency_ms: float, inclusive: bool
    ) -> None:
        super().__init__(seed, timeline, window, latency_ms)
        self._api = Api(timeline, self.wire, inclusive=inclusive)

    def answer(self, call: Call, request_id: str) -> Answer:
        """Answer a call that may be answered."""
        return self._api.answer(call, request_id)

    def refused(self, kind: str, request_id: str, seconds: int) -> Answer:
        """Give an error as Intercom writes it."""
        return refusal(kind, request_id, seconds)

    def key(self, call: Call) -> str:
        """Give the bearer token."""
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        return token if scheme.lower() == "bearer" else ""

    def rates(self) -> dict[str, str]:
        """Tell of the limit."""
        window = self.window
        shown = {"Limit": window.limit, "Remaining": window.left, "Reset": window.ends}
        return {f"X-RateLimit-{name}": str(value) for name, value in shown.items()}

    def opened(self, at: int, number: int) -> tuple[Obj, Obj]:
        """Give the deeds by which a contact comes, and opens a conversation."""
        contact, key = contact_key(self._seed, _STEERED + number), conversation_key(self._seed, _STEERED + number)
        return (
            {"do": "contact", "at": at, "contact": contact},
            {"do": "open", "at": at, "conversation": key, "contact": contact, "body": "Steered."},
        )

    def deeds(self, name: str, asked: Obj) -> tuple[list[Obj], object]:
        """Give the deeds of what is steered; `kind` is `conversation`, which is usual, or `contact`.

        Raises:
            KeyError: Something is not told.
        """
        if name == "merge":
            return [{"do": "merge", "contact": asked["from"], "into": asked["into"]}], {}
        if asked.get("kind") == "contact":
            one = {"contact": asked["id"]}
            values = asked.get("values", {"name": f"Edit {self.number()}"})
            return [{"do": "forget", **one} if name == "delete" else {"do": "know", **one, "values": values}], {}
        one = {"conversation": asked["id"]}
        if name == "delete":
            return [{"do": "delete", **one}], {}
        if "values" in asked:
            return [{"do": "set", **one, "values": asked["values"]}], {}
        by = next(iter(self.timeline.live.people.admins))
        text = f"Edit {self.number()}"
        titled = {"do": "set", **one, "values": {"title": text}}
        return [titled, {"do": "attribute", **one, "by": by, "name": "Edited", "value": text}], {"by": by}


def create_app(
    seed: int = 1,
    *,
    now: str | None = None,
    conversations: int = 30,
    labelled: bool = True,
    latency_ms: float = 0,
    limit: int | None = None,
    inclusive: bool = False,
) -> Intercom:
    """Build a simulator of one workspace: the labelled cases, and conversations by chance beside them.

    Args:
        seed: Same seed, same bytes.
        now: Virtual instant it starts at, ISO 8601 with an offset; by default `NOW`.
        conversations: How many there are beside the labelled ones.
        labelled: Whether the labelled cases are there.
        latency_ms: Time that every call takes, in real milliseconds.
        limit: Calls in ten seconds of the virtual clock; by default the limit is told and not enforced.
        inclusive: Whether `>` and `<` of the search of conversations mean `>=` and `<=`; documented both ways.

    Raises:
        ValueError: `now` is no instant.
    """
    people = People(seed)
    deeds = [deed for case in cases(seed) for deed in case.deeds] if labelled else []
    deeds += _sample(seed, people, conversations)
    timeline = Timeline(lambda: Workspace(people), deeds, instant(now or NOW))
    window = Window(limit or _LIMIT, _WINDOW, enforced=limit is not None)
    return Intercom(seed, timeline, window, latency_ms=latency_ms, inclusive=inclusive)


def _sample(seed: int, people: People, count: int) -> list[Obj]:
    """Give conversations by chance, some of them changed at the same second."""
    chance = random.Random(f"{seed}/sample")  # noqa: S311 - same seed, same bytes
    deeds: list[Obj] = []
    for number in range(1, count + 1):
        contact, key = contact_key(seed, _SAMPLED + number), conversation_key(seed, _SAMPLED + number)
        at = FIRST + chance.randrange(0, 20 * 24) * 3_600
        said = {"conversation": key}
        deeds += [
            {"do": "contact", "at": at, "contact": contact, "role": chance.choice(("user", "lead"))},
            {"do": "open", "at": at, **said, "contact": contact, "body": chance.choice(("Hi", "Where is my order?"))},
        ]
        fin = chance.random() < 0.6
        by = FIN if fin else chance.choice(tuple(people.admins))
        deeds.append({"do": "comment", "at": at + 30, **said, "by": by, "body": "Please see the page on orders."})
        if chance.random() < 0.7:
            if fin:
                deeds.append({"do": "resolution", "at": at + 3_600, **said, "state": "assumed_resolution"})
            deeds.append({"do": "close", "at": at + 3_600, **said, "by": OPERATOR if fin else by})
        if number == 1 or chance.random() < 0.2:
            deeds.append({"do": "rate", "at": at + 7_200, **said, "rating": chance.randrange(1, 6)})
    return deeds

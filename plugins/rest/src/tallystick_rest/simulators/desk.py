"""What the simulators of helpdesks share beside the shell: what is steered, and in which order a call is judged."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, ClassVar, Generic, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tallystick.testing.faultplan import Fault, FaultPlan
from tallystick.testing.steering import SteeredApp
from tallystick_rest.simulators.gate import Keys, Window
from tallystick_rest.simulators.timeline import Obj, Timeline, World
from tallystick_rest.simulators.wire import Wire

__all__ = ["KINDS", "Answer", "Call", "Desk"]

KINDS = {
    "401": "the key is refused, this once",
    "403": "the plan or the role does not allow the call",
    "404": "nothing is there, though there is",
    "429": "too many calls, with Retry-After of <seconds>",
    "429_bare": "too many calls, and no word of when to try again",
    "500": "server error in the words of the API",
    "503": "unavailable in the words of the API",
    "loop": "a page whose next page is itself",
    "repeat": "a page whose rows all come twice",
}
"""What can go wrong beside the common kinds, and what each means."""

W = TypeVar("W", bound=World)


@dataclass(frozen=True, slots=True)
class Call:
    """One call: method, path, query and body, `origin` as the caller wrote it, and the kind of fault that struck."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    origin: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: a JSON value, or None for no body, its status and further headers."""

    content: object
    status: int = 200
    headers: Mapping[str, str] | None = None


class Desk(SteeredApp[Fault], Generic[W]):
    """A simulated helpdesk as an ASGI application.

    A subclass has the answers (`answer`, `refused`), the headers of the limit (`rates`), who calls (`key`), what it
    calls its requests (`thing`) and how one comes (`opened`), and how to edit, delete and merge one object (`deeds`).

    Args:
        seed: Same seed, same bytes.
        timeline: What happens.
        window: The limit on calls.
        latency_ms: Time that every call takes, in real milliseconds.
    """

    thing: ClassVar[str]

    def __init__(self, seed: int, timeline: Timeline[W], window: Window, latency_ms: float = 0) -> None:
        self.timeline = timeline
        self.wire = Wire()
        self.keys = Keys()
        self.window = window
        self._numbers = count(1)
        self._seed = seed
        super().__init__(FaultPlan(KINDS, Fault), start=timeline.now, latency_ms=latency_ms)

    @abstractmethod
    def answer(self, call: Call, request_id: str) -> Answer:
        """Answer a call that may be answered."""

    @abstractmethod
    def refused(self, kind: str, request_id: str, seconds: int) -> Answer:
        """Give the answer to a call that is refused for one of `KINDS`."""

    @abstractmethod
    def key(self, call: Call) -> str:
        """Give the key a call shows, or nothing."""

    @abstractmethod
    def rates(self) -> dict[str, str]:
        """Give the headers that tell of the limit."""

    @abstractmethod
    def opened(self, at: int, number: int) -> tuple[Obj, Obj]:
        """Give the two deeds by which a contact comes and opens a `thing`; their ids follow from `number`."""

    @abstractmethod
    def deeds(self, name: str, asked: Obj) -> tuple[list[Obj], object]:
        """Give the deeds of one of `edit`, `delete` and `merge`, and what is answered.

        Args:
            name: Which of them.
            asked: What was asked; its `kind` is the `thing`, which is usual, or `contact`.

        Raises:
            KeyError: Something is not told, or the name is unknown here.
        """

    def cost(self, call: Call) -> int:  # noqa: ARG002 - for a subclass whose calls cost more than one
        """Give how many calls of the limit a call costs."""
        return 1

    @property
    def now(self) -> int:
        """Virtual now, Unix seconds."""
        return self.timeline.now

    def move(self, now: int) -> None:
        """Set the virtual clock, in Unix seconds."""
        self.timeline.move(now)

    def reset(self) -> None:
        """Forget what was steered too."""
        super().reset()
        self.timeline.reset(self.now)
        self.wire.load([])
        self.keys.reset()
        self.window.reset()
        self._numbers = count(1)

    def number(self) -> int:
        """Give the next number, for what is steered: the same again after a reset."""
        return next(self._numbers)

    def headers(self, request: Request) -> dict[str, str]:
        """Give the number of the answer."""
        return {"X-Request-Id": self._request_id(request)}

    def steering(self) -> dict[str, Callable[[Any], object]]:
        """Add what is steered; the README of this distribution tells each."""
        names = ("create", "edit", "delete", "merge")
        return {
            **{name: partial(self._change, name) for name in names},
            "do": self._do,
            "wire": self._rewire,
            "lag": lambda asked: self.timeline.delay(int(asked["seconds"])),
            "expire": lambda asked: self.keys.expire(int(asked.get("after", 0))),
            "spend": lambda asked: self.window.spend(int(asked["calls"]), self.now),
        }

    def steer(self, name: str, asked: Any) -> Any:
        """Do in this process what `POST /_simulator/{name}` does.

        Raises:
            KeyError: The name, or something that is asked for, is unknown.
            ValueError: It is not possible.
        """
        return self.steering()[name](asked)

    def respond(self, request: Request, body: bytes, fault: Fault | None) -> Response:
        """Answer a call of the API: first the fault, then who calls, then how often, then what."""
        kind, number = fault.kind if fault else "", self._request_id(request)
        names = {name.lower(): value for name, value in request.headers.items()}
        origin = f"{request.url.scheme}://{names.get('host', '')}"
        call = Call(request.method, request.url.path, dict(request.query_params), names, body, origin, kind)
        if not self.keys.good(self.key(call)):
            return _sent(self.refused("401", number, 0), {})
        within = self.window.spend(self.cost(call), self.now)
        if fault and kind[0].isdigit():
            found = self.refused(kind, number, int(fault.seconds))
        elif within:
            found = self.answer(call, number)
        else:
            found = self.refused("429", number, self.window.ends - self.now)
        return _sent(found, self.rates())

    def _request_id(self, request: Request) -> str:
        digest = hashlib.sha256(f"{self._seed}/{request.state.serial}".encode()).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:32]}"

    def _change(self, name: str, asked: Any) -> object:
        deeds, told = self._created(asked) if name == "create" else self.deeds(name, asked)
        self.timeline.add(deeds)
        return told

    def _created(self, asked: Obj) -> tuple[list[Obj], object]:
        """Give the deeds by which contacts come, alone or each with a `thing`, and the ids of what is created."""
        apart = 0 if asked.get("same_second", True) else 1
        wanted = "contact" if asked.get("kind") == "contact" else self.thing
        deeds: list[Obj] = []
        ids = []
        for back in reversed(range(int(asked.get("count", 1)))):
            contact, opening = self.opened(self.now - back * apart, self.number())
            last = contact if wanted == "contact" else opening
            deeds += [contact] if last is contact else [contact, opening]
            ids.append(last[wanted])
        return deeds, {"ids": ids}

    def _do(self, asked: Any) -> object:
        self.timeline.add(asked)
        return {"done": len(asked)}

    def _rewire(self, asked: Any) -> object:
        self.wire.load(asked)
        return self.wire.changes


def _sent(answer: Answer, rates: Mapping[str, str]) -> Response:
    content = b"" if answer.content is None else msgspec.json.encode(answer.content)
    headers = {**rates, **(answer.headers or {})}
    return Response(content, answer.status, headers, "application/json; charset=utf-8")

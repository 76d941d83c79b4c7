"""The simulator as an ASGI application: the API as HubSpot serves it, and `/_simulator` for tests to steer it."""

from __future__ import annotations

import gzip
import hashlib
import json
import time
from collections.abc import Callable, Collection
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tallystick.testing.faultplan import FOREIGN, FaultPlan
from tallystick.testing.steering import SteeredApp
from tallystick_hubspot.simulator.access import Access, permit
from tallystick_hubspot.simulator.associations import Associations
from tallystick_hubspot.simulator.conversations import Conversations
from tallystick_hubspot.simulator.errors import WireError
from tallystick_hubspot.simulator.faults import CURSOR, KINDS, HubspotFault, distort, refusal
from tallystick_hubspot.simulator.instants import instant, iso
from tallystick_hubspot.simulator.items import Obj
from tallystick_hubspot.simulator.journal import Journal
from tallystick_hubspot.simulator.limits import Limits, Meter
from tallystick_hubspot.simulator.objects import Objects
from tallystick_hubspot.simulator.plan import Plan
from tallystick_hubspot.simulator.query import Call
from tallystick_hubspot.simulator.sample import sample_plan
from tallystick_hubspot.simulator.settings import Settings, midnight
from tallystick_hubspot.simulator.world import World

__all__ = ["EXPIRES_IN", "Simulator", "create_app"]

EXPIRES_IN = 1_800
"""Virtual seconds a token lives, unless said otherwise."""

_JSON = "application/json;charset=utf-8"
_ADDRESS = 16_000
_ASSOCIATIONS = 500


def create_app(
    seed: int = 1,
    *,
    now: str | None = None,
    latency_ms: float = 0,
    plan: Plan | None = None,
    expires_in: int = EXPIRES_IN,
    token_calls: int | None = None,
    index_lag: float = 0,
    association_page: int = _ASSOCIATIONS,
    limits: Limits | None = None,
) -> Simulator:
    """Build a simulator.

    Args:
        seed: Same seed, same bytes.
        now: Virtual instant it starts at, ISO 8601; by default an hour after all of the plan.
        latency_ms: Time that every call takes, in real milliseconds.
        plan: What happens in the account; by default the sample.
        expires_in: Virtual seconds an OAuth token lives.
        token_calls: Calls an OAuth token lives; None for any number.
        index_lag: Virtual seconds after which search certainly knows of a change.
        association_page: Associations of one input that a page of a batch has at most.
        limits: How many calls are allowed; by default no limit is ever reached.

    Raises:
        ValueError: `now` is no instant, or the plan is not possible.
    """
    chosen = sample_plan(seed) if plan is None else plan
    first = max((deed.at for deed in chosen.deeds), default=0) // 1_000 * 1_000 + 3_600_000
    world = World(chosen, instant(now) if now else first, lag=int(index_lag * 1_000))
    access = Access(seed, expires_in=expires_in, token_calls=token_calls)
    made = Simulator(world, access, seed=seed, latency_ms=latency_ms, association_page=association_page)
    made.limit(limits or Limits())
    return made


class Simulator(SteeredApp[HubspotFault]):
    """An ASGI application; `world` is the account, `access` its tokens, `faults` what goes wrong.

    `alter`, given the parts of a path and the answer, gives what is answered instead.
    """

    def __init__(self, world: World, access: Access, *, seed: int, latency_ms: float, association_page: int) -> None:
        self.world = world
        self.access = access
        self.alter: Callable[[tuple[str, ...], Obj], Obj] | None = None
        self._seed = seed
        self._objects = Objects(world)
        self._associations = Associations(world, association_page)
        self._conversations = Conversations(world)
        self._journal = Journal(world, seed)
        self._settings = Settings(world)
        self.limit(Limits())
        super().__init__(FaultPlan(KINDS, HubspotFault), start=world.now // 1_000, latency_ms=latency_ms)

    @property
    def now(self) -> int:
        """Virtual now, Unix seconds."""
        return self.world.now // 1_000

    def move(self, now: int) -> None:
        """Set the virtual clock, in Unix seconds.

        Raises:
            ValueError: The plan is not possible.
        """
        self.world.move(now * 1_000)

    def limit(self, limits: Limits) -> None:
        """Put new limits in force, with nothing spent."""
        clock = (lambda: self.world.now / 1_000) if limits.virtual else time.monotonic
        zone = self.world.plan.account.timezone
        self._meter = Meter(limits, clock, lambda: midnight(self.world.now, zone))

    def headers(self, request: Request) -> dict[str, str]:
        """Give the id of the answer."""
        return {"X-HubSpot-Correlation-Id": self._correlation(request)}

    def traits(self, request: Request, body: bytes) -> Collection[str]:
        """Tell whether the call asks for a further page."""
        if "after" in request.query_params:
            return (CURSOR,)
        try:
            asked = json.loads(body or b"{}")
        except ValueError:
            return ()
        return (CURSOR,) if isinstance(asked, dict) and asked.get("after") else ()

    def steering(self) -> dict[str, Callable[[Any], object]]:
        """Add the spending of limits, `{"policy": NAME, "calls": N}`, and scopes, `{"token": T, "scopes": [...]}`."""
        return {"spend": self._spend, "scopes": self._grant}

    def stats(self) -> dict[str, Any]:
        """Count tokens too."""
        return {**super().stats(), "tokens": self.access.minted}

    def reset(self) -> None:
        """Forget tokens and their scopes too."""
        super().reset()
        self.access.forget()

    def respond(self, request: Request, body: bytes, fault: HubspotFault | None) -> Response:
        """Answer a call as HubSpot does."""
        kind = fault.kind if fault else ""
        origin = FOREIGN if kind == "foreign_host" else f"{request.url.scheme}://{request.headers['host']}"
        names = {name.lower(): value for name, value in request.headers.items()}
        call = Call.read(
            request.method, request.url.path, request.url.query, headers=names, origin=origin, content=body
        )
        headers: dict[str, str] = {}
        media = _JSON
        try:
            if kind == "expired_all":
                self.access.expire()
            if fault and (error := refusal(fault)):
                raise error
            answer, status = self._serve(call, headers, kind)
            if answer is not None and self.alter is not None:
                answer = self.alter(call.place, answer)
            content = b"" if answer is None else msgspec.json.encode(distort(kind, answer))
        except WireError as error:
            (content, media), status = error.content(self._correlation(request)), error.status
            headers |= error.headers
        if content and "gzip" in names.get("accept-encoding", ""):
            content, headers["Content-Encoding"] = gzip.compress(content, 1, mtime=0), "gzip"
        return Response(content, status, headers, media)

    def _serve(self, call: Call, headers: dict[str, str], fault: str) -> tuple[Obj | None, int]:
        if call.length > _ADDRESS:
            raise WireError.too_long()
        match (call.method, call.place):
            case (_, ()):
                raise WireError.no_route()
            case ("POST", ("oauth", "token")):
                return self.access.mint(call, self.world.now), 200
            case ("GET", ("file", _)):
                return self._journal.file(call), 200
        reader = self.access.reader(call, self.world.now)
        headers |= self._meter.charge(call.place, oauth=reader.oauth)
        permit(reader, call.place)
        return self._read(call, fault)

    def _read(self, call: Call, fault: str) -> tuple[Obj | None, int]:
        match call.place:
            case ("objects", _, *_):
                return self._objects.answer(call)
            case ("associations" | "linked", *_):
                return self._associations.answer(call)
            case ("conversations", *_):
                return self._conversations.answer(call, all_tickets=fault == "all_threads"), 200
            case ("journal", *_):
                entry = self._journal.answer(call)
                return entry, 200 if entry else 204
        return self._settings.answer(call, self._meter.used), 200

    def _correlation(self, request: Request) -> str:
        digest = hashlib.sha256(f"{self._seed}/{request.state.serial}".encode()).hexdigest()
        return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))

    def _spend(self, asked: Any) -> object:
        self._meter.spend(asked["policy"], int(asked["calls"]))
        return {}

    def _grant(self, asked: Any) -> object:
        self.access.grant(asked["token"], asked["scopes"])
        return {"now": iso(self.world.now)}

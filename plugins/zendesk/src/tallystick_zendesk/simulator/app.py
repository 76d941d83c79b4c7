"""The simulator as an ASGI application: the API as Zendesk serves it, and `/_simulator` for tests to steer it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tallystick.testing.faultplan import FOREIGN, FaultPlan
from tallystick.testing.instants import instant, iso
from tallystick.testing.steering import SteeredApp
from tallystick_zendesk.simulator.access import Access
from tallystick_zendesk.simulator.errors import WireError
from tallystick_zendesk.simulator.exports import Exports
from tallystick_zendesk.simulator.faults import CURSOR, KINDS, ZendeskFault, refusal
from tallystick_zendesk.simulator.limits import Limits, Meter
from tallystick_zendesk.simulator.lists import Lists
from tallystick_zendesk.simulator.plan import Plan
from tallystick_zendesk.simulator.query import Call
from tallystick_zendesk.simulator.world import World

__all__ = ["EXPIRES_IN", "Simulator", "create_app"]

EXPIRES_IN = 7_200
"""Virtual seconds a token lives, unless said otherwise."""

_JSON = "application/json; charset=utf-8"


def create_app(
    seed: int = 1,
    *,
    tickets: int = 10_000,
    now: str | None = None,
    latency_ms: float = 0,
    plan: Plan | None = None,
    expires_in: int = EXPIRES_IN,
    token_calls: int | None = None,
    headers: str = "endpoint",
    short_pages: bool = False,
    limits: Limits | None = None,
) -> Simulator:
    """Build a simulator.

    Args:
        seed: Same seed, same bytes.
        tickets: How many tickets the account of the story has.
        now: Virtual instant it starts at, ISO 8601; by default the first stage of the story, or an hour after all of
            the plan.
        latency_ms: Time that every call takes, in real milliseconds.
        plan: What happens in the account, instead of the story.
        expires_in: Virtual seconds a token lives.
        token_calls: Calls a token lives; None for any number.
        headers: Which generation of rate headers: old, new or endpoint.
        short_pages: Whether every second export page is shorter than asked for.
        limits: Sizes of the shared buckets; by default they are never empty.

    Raises:
        ValueError: `now` is no instant, an option is unknown, or the plan is not possible.
    """
    if plan is None:
        # Only here: a plan of one's own needs nothing of the story.
        from tallystick_zendesk.simulator.story import STAGES, story_plan

        plan, first = story_plan(seed, tickets), STAGES[0]
    else:
        first = iso(max((act.at for act in plan.acts), default=0) + 3_600)
    world = World(plan, instant(now or first))
    access = Access(seed, expires_in=expires_in, token_calls=token_calls)
    made = Simulator(world, access, seed=seed, latency_ms=latency_ms, short_pages=short_pages)
    made.limit(limits or Limits(), headers)
    return made


class Simulator(SteeredApp[ZendeskFault]):
    """An ASGI application; `world` is the account, `access` its tokens, `faults` what goes wrong.

    `exports` is how the account is exported.
    """

    def __init__(self, world: World, access: Access, *, seed: int, latency_ms: float, short_pages: bool) -> None:
        self.world = world
        self.access = access
        self._seed = seed
        self.exports = Exports(world, short=short_pages)
        self._lists = Lists(world)
        self.limit(Limits(), "endpoint")
        super().__init__(FaultPlan(KINDS, ZendeskFault), start=world.now, latency_ms=latency_ms)

    @property
    def now(self) -> int:
        """Virtual now, Unix seconds."""
        return self.world.now

    def move(self, now: int) -> None:
        """Set the virtual clock, in Unix seconds."""
        self.world.move(now)

    def limit(self, limits: Limits, spelling: str) -> None:
        """Put new buckets in force, full.

        Raises:
            ValueError: Unknown spelling.
        """
        clock = (lambda: float(self.world.now)) if limits.virtual else time.monotonic
        self._meter = Meter(limits, spelling, clock)

    def headers(self, request: Request) -> dict[str, str]:
        """Give the number of the answer."""
        digest = hashlib.sha256(f"{self._seed}/{request.state.serial}".encode()).hexdigest()
        return {"X-Request-Id": digest[:32]}

    def traits(self, request: Request, body: bytes) -> Collection[str]:  # noqa: ARG002 - cursors stand in the address
        """Tell whether the call has a cursor."""
        return (CURSOR,) if "cursor" in request.query_params else ()

    def steering(self) -> dict[str, Callable[[Any], object]]:
        """Add the spending of limits: `{"family": NAME, "calls": N}`."""
        return {"spend": self._spend}

    def stats(self) -> dict[str, Any]:
        """Count tokens too."""
        return {**super().stats(), "tokens": self.access.minted}

    def reset(self) -> None:
        """Forget tokens too."""
        super().reset()
        self.access.forget()

    def respond(self, request: Request, body: bytes, fault: ZendeskFault | None) -> Response:
        """Answer a call as Zendesk does."""
        kind = fault.kind if fault else ""
        origin = FOREIGN if kind == "foreign_host" else f"{request.url.scheme}://{request.headers['host']}"
        names = {name.lower(): value for name, value in request.headers.items()}
        call = Call.read(request.method, request.url.path, request.url.query, names, origin)
        headers: dict[str, str] = {}
        media = _JSON
        try:
            if kind == "401_all":
                self.access.expire()
            if fault and (error := refusal(fault)):
                raise error
            content, status = self._serve(call, body, headers, short=kind == "short_pages"), 200
        except WireError as error:
            (content, media), status = error.content(), error.status
            headers |= error.headers
        return Response(content, status, headers, media)

    def _serve(self, call: Call, body: bytes, headers: dict[str, str], *, short: bool) -> bytes:
        if call.address == "/oauth/tokens":
            if call.method != "POST":
                raise WireError.no_route()
            return msgspec.json.encode(self.access.mint(self.world, body))
        if not call.address.startswith("/api/v2/"):
            raise WireError.no_route()
        headers |= self._meter.charge(call.path)
        reader = self.access.reader(call, self.world)
        self.access.permit(reader, call, self.world)
        if call.method != "GET":
            raise WireError.no_route()
        if call.path == "/oauth/tokens/current":
            if reader.scopes is None:
                raise WireError.missing()
            return msgspec.json.encode(reader.row())
        if call.path.startswith("/incremental/"):
            return b"".join(self.exports.answer(call, short=short))
        return msgspec.json.encode(self._lists.answer(call, reader.user))

    def _spend(self, asked: Any) -> object:
        self._meter.spend(asked["family"], int(asked["calls"]))
        return {}

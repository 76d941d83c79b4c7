"""The simulator as an ASGI application: the API as Zendesk serves it, and `/_simulator` for tests to steer it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import struct
import time
from collections import Counter
from email.utils import formatdate

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tallystick_zendesk.simulator.access import Access
from tallystick_zendesk.simulator.errors import WireError
from tallystick_zendesk.simulator.exports import Exports
from tallystick_zendesk.simulator.faults import FOREIGN, HTML, Fault, Faults, refusal
from tallystick_zendesk.simulator.instants import instant, iso
from tallystick_zendesk.simulator.limits import Limits, Meter
from tallystick_zendesk.simulator.lists import Lists
from tallystick_zendesk.simulator.plan import Plan
from tallystick_zendesk.simulator.query import Call
from tallystick_zendesk.simulator.wire import CONNECTIONS
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


class Simulator:
    """An ASGI application; `world` is the account, `access` its tokens, `faults` what goes wrong."""

    def __init__(self, world: World, access: Access, *, seed: int, latency_ms: float, short_pages: bool) -> None:
        self.world = world
        self.access = access
        self.faults = Faults()
        self.calls: Counter[str] = Counter()
        self._start = world.now
        self._seed = seed
        self._latency = latency_ms / 1000
        self._exports = Exports(world, short=short_pages)
        self._lists = Lists(world)
        self._served = 0
        self.limit(Limits(), "endpoint")
        steering = [
            ("faults", self._set_faults, ["GET", "POST"]),
            ("clock", self._set_clock, ["GET", "POST"]),
            ("stats", self._stats, ["GET"]),
            ("spend", self._spend, ["POST"]),
            ("reset", self._reset, ["POST"]),
        ]
        self._app = Starlette(
            routes=[
                *(Route(f"/_simulator/{name}", answer, methods=methods) for name, answer, methods in steering),
                Route("/{path:path}", self._call, methods=["GET", "POST", "DELETE", "PUT", "PATCH"]),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._app(scope, receive, send)

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

    async def _call(self, request: Request) -> Response:
        path = request.url.path
        self.calls[path] += 1
        self._served += 1
        body = await request.body()
        if self._latency:
            await asyncio.sleep(self._latency)
        fault = self.faults.strike(path, cursor="cursor" in request.query_params)
        if fault is None:
            return self._answer(request, body, None)
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        if fault.kind == "reset":
            return _Reset()
        response = self._answer(request, body, fault)
        return _Truncated(response) if fault.kind == "truncated" else response

    def _answer(self, request: Request, body: bytes, fault: Fault | None) -> Response:
        kind = fault.kind if fault else ""
        skew = int(fault.seconds) if fault and kind == "clock_skew" else 0
        digest = hashlib.sha256(f"{self._seed}/{self._served}".encode()).hexdigest()
        headers = {"Date": formatdate(self.now + skew, usegmt=True), "X-Request-Id": digest[:32]}
        if kind == "redirect":
            return Response(status_code=302, headers={**headers, "Location": f"{FOREIGN}/api/v2/elsewhere"})
        if kind.endswith("_html"):
            return Response(HTML, int(kind[:3]), headers, "text/html; charset=utf-8")
        origin = FOREIGN if kind == "foreign_host" else f"{request.url.scheme}://{request.headers['host']}"
        names = {name.lower(): value for name, value in request.headers.items()}
        call = Call.read(request.method, request.url.path, request.url.query, names, origin)
        media = _JSON
        try:
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
            return b"".join(self._exports.answer(call, short=short))
        return msgspec.json.encode(self._lists.answer(call, reader.user))

    async def _set_faults(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                self.faults.load(await request.json())
            except (TypeError, ValueError) as error:
                return JSONResponse({"error": str(error)}, 400)
        return JSONResponse([vars(fault) for fault in self.faults.plan])

    async def _set_clock(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                asked = await request.json()
                self.move(instant(asked["to"]) if "to" in asked else self.now + int(asked["advance_seconds"]))
            except (KeyError, TypeError, ValueError) as error:
                return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"now": iso(self.now)})

    async def _stats(self, _request: Request) -> Response:
        by_path = dict(sorted(self.calls.items()))
        return JSONResponse({"calls": sum(self.calls.values()), "by_path": by_path, "tokens": self.access.minted})

    async def _spend(self, request: Request) -> Response:
        try:
            asked = await request.json()
            self._meter.spend(asked["family"], int(asked["calls"]))
        except (KeyError, TypeError, ValueError, json.JSONDecodeError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({})

    async def _reset(self, _request: Request) -> Response:
        self.faults.load([])
        self.calls.clear()
        self.access.forget()
        self.move(self._start)
        return JSONResponse({"now": iso(self.now)})


class _Reset(Response):
    """No answer: the connection is reset, not closed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Drop the connection so that the peer sees a reset."""
        transport = CONNECTIONS[tuple(scope["client"])]
        # A linger time of zero makes closing a socket send RST instead of FIN.
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


class _Truncated(Response):
    """The head of a whole answer, half of its body, and then nothing."""

    def __init__(self, whole: Response) -> None:
        super().__init__(b"", whole.status_code, None, _JSON)
        self.raw_headers = whole.raw_headers
        self.body = bytes(whole.body)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send half and close."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = self.body[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        CONNECTIONS[tuple(scope["client"])].close()

"""The simulator as an ASGI application: `/v1` as Stripe serves it, and `/_simulator` for tests to steer it."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections import Counter
from email.utils import formatdate

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tallystick_stripe.simulator.api import answer
from tallystick_stripe.simulator.errors import WireError
from tallystick_stripe.simulator.faults import Fault, Faults, distort, refusal
from tallystick_stripe.simulator.ids import Ids
from tallystick_stripe.simulator.objects_account import API_VERSION
from tallystick_stripe.simulator.state import Plan, World, instant, iso
from tallystick_stripe.simulator.story import STAGES, story_plan
from tallystick_stripe.simulator.wire import CONNECTIONS

__all__ = ["Simulator", "create_app"]

_HTML = b"<html><head><title>Temporarily unavailable</title></head><body><h1>We will be back</h1></body></html>"


def create_app(
    seed: int = 1,
    *,
    invoices: int = 2000,
    now: str | None = None,
    livemode: bool = True,
    latency_ms: float = 0,
    plan: Plan | None = None,
) -> Simulator:
    """Build a simulator.

    Args:
        seed: Same seed, same bytes.
        invoices: How many invoices the account has (at least 200).
        now: Virtual instant it starts at, ISO 8601; by default the first stage of the story.
        livemode: Which mode holds the data; a key of the other mode sees an empty account.
        latency_ms: Time that every call takes, in real milliseconds.
        plan: What happens in the account, instead of the story.

    Raises:
        ValueError: `now` is no instant, or there are too few invoices for the story.
    """
    start = instant(now or STAGES[0])
    return Simulator(plan or story_plan(seed, invoices), start, livemode=livemode, latency_ms=latency_ms)


class Simulator:
    """An ASGI application; `worlds[True]` is the live account, `worlds[False]` the test one."""

    def __init__(self, plan: Plan, start: int, *, livemode: bool, latency_ms: float) -> None:
        self._start = start
        self._latency = latency_ms / 1000
        self._ids = Ids(plan.seed)
        self.worlds = {
            livemode: World(plan, start, livemode=livemode),
            not livemode: World(Plan(plan.seed), start, livemode=not livemode),
        }
        self.faults = Faults()
        self.calls: Counter[str] = Counter()
        self._served = 0
        self._app = Starlette(
            routes=[
                Route("/_simulator/faults", self._set_faults, methods=["GET", "POST"]),
                Route("/_simulator/clock", self._set_clock, methods=["GET", "POST"]),
                Route("/_simulator/stats", self._stats, methods=["GET"]),
                Route("/_simulator/reset", self._reset, methods=["POST"]),
                Route("/{path:path}", self._call, methods=["GET", "POST", "DELETE", "PUT", "PATCH"]),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._app(scope, receive, send)

    @property
    def now(self) -> int:
        """Virtual now, Unix seconds."""
        return self.worlds[True].now

    def move(self, now: int) -> None:
        """Set the virtual clock of both modes."""
        for world in self.worlds.values():
            world.move(now)

    async def _call(self, request: Request) -> Response:
        path = request.url.path
        self.calls[path] += 1
        self._served += 1
        if self._latency:
            await asyncio.sleep(self._latency)
        fault = self.faults.strike(path)
        request_id = self._ids.make("req", self._served)[:18]
        if fault is None:
            return self._answer(request, request_id, None)
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        if fault.kind == "reset":
            return _Reset()
        response = self._answer(request, request_id, fault)
        return _Truncated(response) if fault.kind == "truncated" else response

    def _answer(self, request: Request, request_id: str, fault: Fault | None) -> Response:
        skew = int(fault.seconds) if fault and fault.kind == "clock_skew" else 0
        headers = {
            "Date": formatdate(self.now + skew, usegmt=True),
            "Request-Id": request_id,
            "Stripe-Version": API_VERSION,
        }
        if fault and fault.kind == "redirect":
            return Response(status_code=302, headers={**headers, "Location": "http://127.0.0.2:9/v1/elsewhere"})
        if fault and fault.kind.endswith("_html"):
            return Response(_HTML, int(fault.kind[:3]), headers, "text/html")
        try:
            if fault and (error := refusal(fault)):
                raise error
            lag = int(fault.seconds) if fault and fault.kind == "lag" else 0
            known = {name.lower(): value for name, value in request.headers.items()}
            body = answer(self.worlds, request.method, request.url.path, request.url.query, known, lag=lag)
            if fault:
                body = distort(fault, body)
            status = 200
        except WireError as error:
            status, body = error.status, error.body(request_id)
            headers |= error.headers
        # Stripe sends its JSON indented by two.
        text = msgspec.json.format(msgspec.json.encode(body), indent=2)
        return Response(text, status, headers, "application/json")

    async def _set_faults(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                self.faults.load(await request.json())
            except (TypeError, ValueError) as error:
                return JSONResponse({"error": str(error)}, 400)
        return JSONResponse([{**vars(fault)} for fault in self.faults.plan])

    async def _set_clock(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                asked = await request.json()
                to = instant(asked["to"]) if "to" in asked else self.now + int(asked["advance_seconds"])
            except (KeyError, TypeError, ValueError, json.JSONDecodeError) as error:
                return JSONResponse({"error": str(error)}, 400)
            self.move(to)
        return JSONResponse({"now": iso(self.now)})

    async def _stats(self, _request: Request) -> Response:
        return JSONResponse({"calls": sum(self.calls.values()), "by_path": dict(sorted(self.calls.items()))})

    async def _reset(self, _request: Request) -> Response:
        self.faults.load([])
        self.calls.clear()
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
        super().__init__(b"", whole.status_code, None, "application/json")
        self.raw_headers = whole.raw_headers
        self.body = bytes(whole.body)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send half and close."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = self.body[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        CONNECTIONS[tuple(scope["client"])].close()

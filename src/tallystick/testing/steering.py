"""The shell of a simulator: an ASGI application with a virtual clock and a fault plan, steered under `/_simulator`.

`POST /_simulator/clock` takes `{"to": INSTANT}` or `{"advance_seconds": N}`, `POST /_simulator/faults` a fault plan,
`POST /_simulator/reset` nothing; `GET /_simulator/stats` counts the calls since the start or the last reset.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from email.utils import formatdate
from typing import Any, Generic

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tallystick.testing.faultplan import COMMON_KINDS, FOREIGN, F, FaultPlan
from tallystick.testing.instants import instant, iso
from tallystick.testing.serving import CONNECTIONS

__all__ = ["SteeredApp"]

_HTML = b"<html><head><title>Maintenance</title></head><body><h1>We will be back shortly</h1></body></html>"


class SteeredApp(ABC, Generic[F]):
    """A simulator as an ASGI application: `faults` is what goes wrong, `calls` counts the calls by path.

    A subclass has the clock (`now`, `move`) and the answers (`respond`); `headers`, `traits`, `steering`, `stats` and
    `reset` it may add to.

    Args:
        faults: The plan, with the kinds of the subclass. The common kinds are done here.
        start: Virtual instant that a reset goes back to, Unix seconds.
        latency_ms: Time that every call takes, in real milliseconds.
    """

    def __init__(self, faults: FaultPlan[F], *, start: int, latency_ms: float = 0) -> None:
        self.faults = faults
        self.calls: Counter[str] = Counter()
        self._start = start
        self._latency = latency_ms / 1000
        self._served = 0
        routes = [
            Route("/_simulator/faults", self._show_faults, methods=["GET"]),
            Route("/_simulator/clock", self._show_clock, methods=["GET"]),
            Route("/_simulator/stats", self._show_stats, methods=["GET"]),
            Route("/_simulator/reset", self._take_reset, methods=["POST"]),
        ]
        own = {"faults": self._set_faults, "clock": self._set_clock, **self.steering()}
        routes += [Route(f"/_simulator/{name}", _steered(do), methods=["POST"]) for name, do in own.items()]
        methods = ["GET", "POST", "DELETE", "PUT", "PATCH"]
        self._app = Starlette(routes=[*routes, Route("/{path:path}", self._call, methods=methods)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._app(scope, receive, send)

    @property
    @abstractmethod
    def now(self) -> int:
        """Virtual now, Unix seconds."""

    @abstractmethod
    def move(self, now: int) -> None:
        """Set the virtual clock, in Unix seconds; everything due by then happens."""

    @abstractmethod
    def respond(self, request: Request, body: bytes, fault: F | None) -> Response:
        """Answer a call of the API.

        Args:
            request: The call; `request.state.serial` is its number, from 1, since the simulator was built.
            body: Its body, read to the end.
            fault: The fault of the simulator's own kinds that struck, if any. The common kinds are done here.
        """

    def headers(self, request: Request) -> Mapping[str, str]:  # noqa: ARG002 - for a subclass that numbers its answers
        """Give the headers of every answer beside `Date`; where an answer has one of the same name, that one stands."""
        return {}

    def traits(self, request: Request, body: bytes) -> Collection[str]:  # noqa: ARG002 - for a subclass with traits
        """Tell, of the request and its body, the words that faults with `only` may strike this call by."""
        return ()

    def steering(self) -> Mapping[str, Callable[[Any], object]]:
        """Give further steering: `{"spend": f}` answers `POST /_simulator/spend` with what `f` makes of its JSON.

        Called once, while the simulator is built. KeyError, TypeError and ValueError of `f` are answered with 400.
        """
        return {}

    def stats(self) -> dict[str, Any]:
        """Give what `/_simulator/stats` tells."""
        return {"calls": sum(self.calls.values()), "by_path": dict(sorted(self.calls.items()))}

    def reset(self) -> None:
        """Forget faults and calls, and go back to the instant of the start."""
        self.faults.load([])
        self.calls.clear()
        self.move(self._start)

    async def _call(self, request: Request) -> Response:
        path = request.url.path
        self.calls[path] += 1
        self._served += 1
        request.state.serial = self._served
        body = await request.body()
        if self._latency:
            await asyncio.sleep(self._latency)
        fault = self.faults.strike(path, self.traits(request, body))
        kind = fault.kind if fault else ""
        if fault and kind == "slow":
            await asyncio.sleep(fault.seconds)
        if kind == "reset":
            return _Reset()
        skew = int(fault.seconds) if fault and kind == "clock_skew" else 0
        headers = {"Date": formatdate(self.now + skew, usegmt=True), **self.headers(request)}
        own = None if kind in COMMON_KINDS else fault
        response = _foreign(kind, path) or self.respond(request, body, own)
        lines = [(name, text) for name, text in headers.items() if name not in response.headers]
        response.raw_headers[:0] = [(name.lower().encode("latin-1"), text.encode("latin-1")) for name, text in lines]
        return _Truncated(response) if kind == "truncated" else response

    async def _show_faults(self, _request: Request) -> Response:
        return JSONResponse([vars(fault) for fault in self.faults.plan])

    def _set_faults(self, lines: Any) -> object:
        self.faults.load(lines)
        return [vars(fault) for fault in self.faults.plan]

    async def _show_clock(self, _request: Request) -> Response:
        return JSONResponse({"now": iso(self.now)})

    def _set_clock(self, asked: Any) -> object:
        self.move(instant(asked["to"]) if "to" in asked else self.now + int(asked["advance_seconds"]))
        return {"now": iso(self.now)}

    async def _show_stats(self, _request: Request) -> Response:
        return JSONResponse(self.stats())

    async def _take_reset(self, _request: Request) -> Response:
        self.reset()
        return JSONResponse({"now": iso(self.now)})


def _steered(do: Callable[[Any], object]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(do(await request.json()))
        except (KeyError, TypeError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 400)

    return answer


def _foreign(kind: str, path: str) -> Response | None:
    """Give the answer of a common fault that the API itself never writes."""
    if kind == "redirect":
        return Response(status_code=302, headers={"Location": f"{FOREIGN}{path}"})
    if kind.endswith("_html"):
        return Response(_HTML, int(kind[:3]), media_type="text/html")
    return None


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
        super().__init__(b"", whole.status_code)
        self.raw_headers = whole.raw_headers
        self.body = bytes(whole.body)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send half and close."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = self.body[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        CONNECTIONS[tuple(scope["client"])].close()

"""The simulator as an ASGI application: `/v1` as Stripe serves it, and `/_simulator` for tests to steer it."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tallystick.testing.faultplan import Fault, FaultPlan
from tallystick.testing.instants import instant
from tallystick.testing.steering import SteeredApp
from tallystick_stripe.simulator.api import answer
from tallystick_stripe.simulator.errors import WireError
from tallystick_stripe.simulator.faults import KINDS, distort, refusal
from tallystick_stripe.simulator.ids import Ids
from tallystick_stripe.simulator.keys import read_key
from tallystick_stripe.simulator.meters import Meters
from tallystick_stripe.simulator.objects_account import API_VERSION
from tallystick_stripe.simulator.state import Plan, World
from tallystick_stripe.simulator.story import STAGES, story_plan

__all__ = ["Simulator", "create_app"]


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


class Simulator(SteeredApp[Fault]):
    """An ASGI application; `worlds[True]` is the live account, `worlds[False]` the test one, and so with `meters`."""

    def __init__(self, plan: Plan, start: int, *, livemode: bool, latency_ms: float) -> None:
        self._ids = Ids(plan.seed)
        self.worlds = {
            livemode: World(plan, start, livemode=livemode),
            not livemode: World(Plan(plan.seed), start, livemode=not livemode),
        }
        self.meters = {True: Meters(), False: Meters()}
        super().__init__(FaultPlan(KINDS, Fault), start=start, latency_ms=latency_ms)

    @property
    def now(self) -> int:
        """Virtual now, Unix seconds."""
        return self.worlds[True].now

    def move(self, now: int) -> None:
        """Set the virtual clock of both modes."""
        for world in self.worlds.values():
            world.move(now)

    def reset(self) -> None:
        """Forget the usage that was reported, too."""
        super().reset()
        self.meters = {True: Meters(), False: Meters()}

    def headers(self, request: Request) -> dict[str, str]:
        """Give the number of the answer and the version it is written in."""
        return {"Request-Id": self._request_id(request), "Stripe-Version": API_VERSION}

    def respond(self, request: Request, body: bytes, fault: Fault | None) -> Response:
        """Answer a call as Stripe does."""
        headers: dict[str, str] = {}
        try:
            if fault and (error := refusal(fault)):
                raise error
            lag = int(fault.seconds) if fault and fault.kind == "lag" else 0
            known = {name.lower(): value for name, value in request.headers.items()}
            path = request.url.path
            if request.method == "POST" and path.startswith("/v1/billing/"):
                key = read_key(known)
                found = self.meters[key.livemode].answer(key, path, body, self.now)
            else:
                found = answer(self.worlds, request.method, path, request.url.query, known, lag=lag)
            status, content = 200, distort(fault, found) if fault else found
        except WireError as error:
            status, content, headers = error.status, error.body(self._request_id(request)), error.headers
        # Stripe sends its JSON indented by two.
        text = msgspec.json.format(msgspec.json.encode(content), indent=2)
        return Response(text, status, headers, "application/json")

    def _request_id(self, request: Request) -> str:
        return self._ids.make("req", request.state.serial)[:18]

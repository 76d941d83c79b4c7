"""The simulator as an ASGI application: the API as Salesforce serves it, and `/_simulator` for tests to steer it.

Beside what every simulator has, `POST /_simulator/fields` takes `{"lose": ["Case.Priority"], "gain": {"Case.New__c":
"string"}}`, and `POST /_simulator/spend` `{"calls": N}`: calls that others make out of the daily allowance.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tallystick.testing.faultplan import FOREIGN, FaultPlan
from tallystick.testing.instants import instant, iso
from tallystick.testing.steering import SteeredApp
from tallystick_salesforce.simulator.access import Access
from tallystick_salesforce.simulator.api import JSON, Answer, Api, Paging, versions
from tallystick_salesforce.simulator.call import Call
from tallystick_salesforce.simulator.errors import TokenError, WireError
from tallystick_salesforce.simulator.faults import KINDS, SalesforceFault, refusal
from tallystick_salesforce.simulator.plan import Plan
from tallystick_salesforce.simulator.schema import Schema
from tallystick_salesforce.simulator.usage import DAILY, Usage
from tallystick_salesforce.simulator.world import World

__all__ = ["EXPIRES_IN", "Simulator", "create_app"]

EXPIRES_IN = 7_200
"""Virtual seconds a token lives, unless said otherwise."""

_TOKEN = "/services/oauth2/token"  # noqa: S105 - an address
_DATA = "/services/data"
_HTML = b"<html><head><title>Login</title></head><body><p>Your session has ended.</p></body></html>"


def create_app(
    seed: int = 1,
    *,
    plan: Plan | None = None,
    now: str | None = None,
    latency_ms: float = 0,
    expires_in: int = EXPIRES_IN,
    public_key: str | None = None,
    daily_limit: int = DAILY,
    app_limit: int | None = None,
    tick: int = 0,
    paging: Paging | None = None,
) -> Simulator:
    """Build a simulator.

    Args:
        seed: Same seed, same tokens.
        plan: What happens in the org; by default the small sample.
        now: Virtual instant it starts at, ISO 8601; by default an hour after all of the plan.
        latency_ms: Time that every call takes, in real milliseconds.
        expires_in: Virtual seconds a token lives.
        public_key: The key, in PEM, that signed assertions are checked with; without it they are refused.
        daily_limit: Calls of 24 virtual hours.
        app_limit: Calls of the reader's own application in 24 virtual hours; None for no limit of its own.
        tick: Virtual seconds that pass with every call of the API, before it is answered.
        paging: Sizes of pages and delays of jobs.

    Raises:
        ValueError: `now` is no instant, or the plan is not possible.
    """
    if plan is None:
        # Only here: a plan of one's own needs nothing of the sample.
        from tallystick_salesforce.simulator.sample import sample_plan

        plan = sample_plan()
    last = max((deed.at + deed.late for deed in plan.deeds), default=0)
    world = World(plan, instant(now or iso(last + 3_600)))
    access = Access(world, seed=seed, expires_in=expires_in, public_key=public_key)
    usage = Usage(daily_limit, app_limit)
    return Simulator(world, access, usage, latency_ms=latency_ms, tick=tick, paging=paging or Paging())


class Simulator(SteeredApp[SalesforceFault]):
    """An ASGI application; `world` is the org, `access` its tokens, `usage` its allowance, `faults` what goes wrong."""

    def __init__(
        self, world: World, access: Access, usage: Usage, *, latency_ms: float, tick: int, paging: Paging
    ) -> None:
        self.world = world
        self.access = access
        self.usage = usage
        self._tick = tick
        self._paging = paging
        self._api = Api(world, usage, paging)
        super().__init__(FaultPlan(KINDS, SalesforceFault), start=world.now, latency_ms=latency_ms)

    @property
    def now(self) -> int:
        """Virtual now, Unix seconds."""
        return self.world.now

    @property
    def schema(self) -> Schema:
        """What the reader may see."""
        return self._api.schema

    def move(self, now: int) -> None:
        """Set the virtual clock, in Unix seconds; moving it back forgets cursors, jobs and lost fields too."""
        back = now < self.world.now
        self.world.move(now)
        if back:
            self._api = Api(self.world, self.usage, self._paging)

    def headers(self, request: Request) -> dict[str, str]:
        """Count a call of the API, and tell how many are used."""
        if not request.url.path.startswith(f"{_DATA}/"):
            return {}
        if self._tick:
            self.move(self.now + self._tick)
        self.usage.count(self.now)
        return {"Sforce-Limit-Info": self.usage.header()}

    def traits(self, request: Request, body: bytes) -> Collection[str]:  # noqa: ARG002 - the address tells
        """Tell whether the call asks for a further page (`locator`), or for the state of a Bulk job (`job`)."""
        path = request.url.path
        if "/query/0r8" in path:
            return ("locator",)
        return ("job",) if "/jobs/query/750" in path and path.count("/") == 6 else ()

    def steering(self) -> dict[str, Callable[[Any], object]]:
        """Add the losing and gaining of fields, and the spending of the allowance."""
        return {"fields": self._fields, "spend": lambda asked: {"used": self.usage.spend(int(asked["calls"]))}}

    def stats(self) -> dict[str, Any]:
        """Count tokens too."""
        return {**super().stats(), "tokens": self.access.minted, "used": self.usage.used}

    def reset(self) -> None:
        """Forget tokens, cursors, jobs, lost fields and the used allowance too."""
        super().reset()
        self.access.forget()
        self.usage.forget()
        self._api = Api(self.world, self.usage, self._paging)

    def respond(self, request: Request, body: bytes, fault: SalesforceFault | None) -> Response:
        """Answer a call as Salesforce does."""
        kind = fault.kind if fault else ""
        if kind == "401_html":
            return Response(_HTML, 401, media_type="text/html;charset=UTF-8")
        if kind == "401_object":
            return Response(b'{"error":"invalid_session"}', 401, media_type=JSON)
        if kind == "420":
            return Response(b"", 420)
        origin = f"{request.url.scheme}://{request.headers['host']}"
        names = {name.lower(): value for name, value in request.headers.items()}
        call = Call.read(request.method, request.url.path, request.url.query, names, body=body, origin=origin)
        try:
            if fault is not None:
                self._strike(fault, call)
            answer = self._answer(call, kind)
        except (WireError, TokenError) as error:
            answer = Answer(error.content(), status=error.status)
        content = answer.content
        if answer.media == JSON and names.get("x-prettyprint") == "1":
            content = msgspec.json.format(content, indent=2)
        return Response(content, answer.status, answer.headers, answer.media)

    def _strike(self, fault: SalesforceFault, call: Call) -> None:
        error = refusal(fault.kind)
        # A fault of locators or jobs that struck another call, as a plan without `only` does, passes over it.
        if error is not None and not (fault.kind == "expired_locator" and "/query/0r8" not in call.path):
            raise error
        if fault.kind == "lost_field":
            self._api.schema.lose(fault.field)
        if fault.kind == "new_field":
            self._api.schema.gain(fault.field)

    def _answer(self, call: Call, kind: str) -> Answer:
        if call.path == _TOKEN and call.method == "POST":
            told = self.access.mint(call)
            if kind == "foreign_instance":
                told["instance_url"] = FOREIGN
            return Answer(msgspec.json.encode(told))
        if call.path == "/services/oauth2/userinfo":
            return Answer(msgspec.json.encode(self.access.info(call)))
        if call.path.rstrip("/") == _DATA:
            return Answer(msgspec.json.encode(versions()))
        if not call.path.startswith(f"{_DATA}/"):
            raise WireError.missing()
        user = self.access.user(call)
        if self.usage.spent:
            raise WireError.spent()
        return self._api.answer(call, user, kind)

    def _fields(self, asked: Any) -> object:
        for name in asked.get("lose", []):
            self._api.schema.lose(name)
        for name, kind in asked.get("gain", {}).items():
            self._api.schema.gain(name, kind)
        return {}

"""A simulator of HubSpot: stateful, seeded, with a virtual clock, served on a loopback socket.

Written from the vendor's public description, never from the connector it stands against. What it does not simulate is
listed in the README of this distribution. What happens in its account is a `Plan`; how to write one is told in `plan`
and `deeds`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tallystick.testing.serving import running
from tallystick_hubspot.simulator.app import EXPIRES_IN, Simulator, create_app
from tallystick_hubspot.simulator.limits import Limits
from tallystick_hubspot.simulator.plan import Plan
from tallystick_hubspot.simulator.story import SIZE, story

__all__ = ["SIZE", "Limits", "Plan", "Simulator", "create_app", "serve", "story"]


@contextmanager
def serve(
    seed: int = 1,
    *,
    now: str | None = None,
    latency_ms: float = 0,
    port: int = 0,
    plan: Plan | None = None,
    expires_in: int = EXPIRES_IN,
    token_calls: int | None = None,
    index_lag: float = 0,
    association_page: int = 500,
    limits: Limits | None = None,
    app: Simulator | None = None,
) -> Iterator[str]:
    """Serve a simulator from a thread while the block runs, and give its origin, like `http://127.0.0.1:41234`.

    Args:
        seed: Same seed, same bytes.
        now: Virtual instant it starts at, ISO 8601; by default an hour after all of the plan.
        latency_ms: Time that every call takes, in real milliseconds.
        port: Port; 0 takes a free one.
        plan: What happens in the account; by default the sample.
        expires_in: Virtual seconds an OAuth token lives.
        token_calls: Calls an OAuth token lives; None for any number.
        index_lag: Virtual seconds after which search certainly knows of a change.
        association_page: Associations of one input that a page of a batch has at most.
        limits: How many calls are allowed; by default no limit is ever reached.
        app: A simulator built by `create_app`, instead of all the above but `port`.

    Raises:
        ValueError: `now` is no instant, or the plan is not possible.
    """
    built = app or create_app(
        seed,
        now=now,
        latency_ms=latency_ms,
        plan=plan,
        expires_in=expires_in,
        token_calls=token_calls,
        index_lag=index_lag,
        association_page=association_page,
        limits=limits,
    )
    with running(built, port) as origin:
        yield origin

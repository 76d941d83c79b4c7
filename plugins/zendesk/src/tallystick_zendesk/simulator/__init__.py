"""A simulator of Zendesk: stateful, seeded, with a virtual clock, served on a loopback socket.

Written from the vendor's public description, never from the connector it stands against. What it does not simulate is
listed in the README of this distribution.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tallystick.testing.serving import running
from tallystick_zendesk.simulator.app import EXPIRES_IN, Simulator, create_app
from tallystick_zendesk.simulator.limits import Limits
from tallystick_zendesk.simulator.plan import Plan
from tallystick_zendesk.simulator.story import SIZE, story

__all__ = ["SIZE", "Limits", "Plan", "Simulator", "create_app", "serve", "story"]


@contextmanager
def serve(
    seed: int = 1,
    *,
    tickets: int = 10_000,
    now: str | None = None,
    latency_ms: float = 0,
    port: int = 0,
    plan: Plan | None = None,
    expires_in: int = EXPIRES_IN,
    token_calls: int | None = None,
    headers: str = "endpoint",
    short_pages: bool = False,
    limits: Limits | None = None,
    app: Simulator | None = None,
) -> Iterator[str]:
    """Serve a simulator from a thread while the block runs, and give its origin, like `http://127.0.0.1:41234`.

    Args:
        seed: Same seed, same bytes.
        tickets: How many tickets the account of the story has.
        now: Virtual instant it starts at, ISO 8601; by default the first stage of the story, or an hour after all of
            the plan.
        latency_ms: Time that every call takes, in real milliseconds.
        port: Port; 0 takes a free one.
        plan: What happens in the account, instead of the story.
        expires_in: Virtual seconds a token lives.
        token_calls: Calls a token lives; None for any number.
        headers: Which generation of rate headers: old, new or endpoint.
        short_pages: Whether every second export page is shorter than asked for.
        limits: Sizes of the shared buckets; by default they are never empty.
        app: A simulator built by `create_app`, instead of all the above but `port`.

    Raises:
        ValueError: `now` is no instant, an option is unknown, or the plan is not possible.
    """
    built = app or create_app(
        seed,
        tickets=tickets,
        now=now,
        latency_ms=latency_ms,
        plan=plan,
        expires_in=expires_in,
        token_calls=token_calls,
        headers=headers,
        short_pages=short_pages,
        limits=limits,
    )
    with running(built, port) as origin:
        yield origin

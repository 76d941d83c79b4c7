"""A simulator of Stripe: stateful, seeded, with a virtual clock, served on a loopback socket.

Written from the vendor's public description at one API version, never from the connector it stands against. What it
does not simulate is listed in the README of this distribution.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tallystick.testing.serving import running
from tallystick_stripe.simulator.app import Simulator, create_app
from tallystick_stripe.simulator.objects_account import API_VERSION
from tallystick_stripe.simulator.state import Plan
from tallystick_stripe.simulator.story import SIZE, story

__all__ = ["API_VERSION", "SIZE", "Plan", "Simulator", "create_app", "serve", "story"]


@contextmanager
def serve(
    seed: int = 1,
    *,
    invoices: int = 2000,
    now: str | None = None,
    livemode: bool = True,
    latency_ms: float = 0,
    port: int = 0,
    plan: Plan | None = None,
    app: Simulator | None = None,
) -> Iterator[str]:
    """Serve a simulator from a thread while the block runs, and give its origin, like `http://127.0.0.1:41234`.

    Args:
        seed: Same seed, same bytes.
        invoices: How many invoices the account has.
        now: Virtual instant it starts at, ISO 8601; by default the first stage of the story.
        livemode: Which mode holds the data.
        latency_ms: Time that every call takes, in real milliseconds.
        port: Port; 0 takes a free one.
        plan: What happens in the account, instead of the story.
        app: A simulator built by `create_app`, instead of all the above but `port`.
    """
    built = app or create_app(seed, invoices=invoices, now=now, livemode=livemode, latency_ms=latency_ms, plan=plan)
    with running(built, port) as origin:
        yield origin

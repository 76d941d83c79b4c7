"""A simulator of Freshdesk: stateful, seeded, with a virtual clock, served on a loopback socket.

Written from the vendor's public description, never from the connector it stands against. What it does not simulate is
listed in the README of this distribution.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tallystick.testing.serving import running
from tallystick_rest.simulators.freshdesk.app import NOW, Freshdesk, create_app
from tallystick_rest.simulators.freshdesk.cases import cases
from tallystick_rest.simulators.labelled import Case

__all__ = ["NOW", "Case", "Freshdesk", "cases", "create_app", "serve"]


@contextmanager
def serve(
    seed: int = 1,
    *,
    now: str | None = None,
    tickets: int = 30,
    labelled: bool = True,
    latency_ms: float = 0,
    limit: int | None = None,
    port: int = 0,
) -> Iterator[str]:
    """Serve a simulator from a thread while the block runs, and give its origin, like `http://127.0.0.1:41234`.

    Args:
        seed: As in `create_app`, and so the others.
        now: Virtual instant it starts at.
        tickets: How many there are beside the labelled ones.
        labelled: Whether those are there.
        latency_ms: Time that every call takes.
        limit: Calls in a minute of the virtual clock.
        port: Port; 0 takes a free one.

    Raises:
        ValueError: `now` is no instant.
    """
    app = create_app(
        seed,
        now=now,
        tickets=tickets,
        labelled=labelled,
        latency_ms=latency_ms,
        limit=limit,
    )
    with running(app, port) as origin:
        yield origin

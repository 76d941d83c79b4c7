"""A simulator of Salesforce: stateful, with a virtual clock, served on a loopback socket.

Written from the vendor's public description, never from the connector it stands against.

Not simulated: writing over the API; SOAP, Bulk 1, Apex, tooling and metadata; the password, refresh and browser flows
of OAuth; SOQL's aggregates beside `COUNT()`, further pages of child rows, `TYPEOF`, `FIELDS()`, semi-joins, `HAVING`,
date functions and relative dates; `composite` and `composite/batch` with several parts; change events; gzip; pages cut
short because their rows are wide; formula fields and roll-ups; validation rules and required fields; deletion of an
account with all that is under it; the restriction of big objects to filters in the order of their index; the ageing of
field history; series of events, which are rows like all others.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tallystick.testing.serving import running
from tallystick_salesforce.simulator.api import Paging
from tallystick_salesforce.simulator.app import Simulator, create_app
from tallystick_salesforce.simulator.plan import Deed, Plan, Stage
from tallystick_salesforce.simulator.sample import sample_plan
from tallystick_salesforce.simulator.shapes import Custom, CustomObject
from tallystick_salesforce.simulator.story import SIZE, story

__all__ = [
    "SIZE",
    "Custom",
    "CustomObject",
    "Deed",
    "Paging",
    "Plan",
    "Simulator",
    "Stage",
    "create_app",
    "sample_plan",
    "serve",
    "story",
]


@contextmanager
def serve(seed: int = 1, *, port: int = 0, app: Simulator | None = None, **options: Any) -> Iterator[str]:
    """Serve a simulator from a thread while the block runs, and give its origin, like `http://127.0.0.1:41234`.

    Args:
        seed: Same seed, same tokens.
        port: Port; 0 takes a free one.
        app: A simulator built by `create_app`, instead of the other options.
        options: Those of `create_app`.

    Raises:
        ValueError: An option is not possible, or the plan is not.
    """
    with running(app or create_app(seed, **options), port) as origin:
        yield origin

"""`python -m tallystick_hubspot.simulator`: the simulator as a process of its own."""

from __future__ import annotations

from typing import Any

from tallystick.testing.serving import option_parser, run
from tallystick_hubspot.simulator.app import EXPIRES_IN, Simulator, create_app
from tallystick_hubspot.simulator.limits import Limits
from tallystick_hubspot.simulator.prerendered import Pages
from tallystick_hubspot.simulator.story import story_plan

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted; one line says where, once connections are accepted."""
    ample = Limits()
    parser = option_parser("tallystick_hubspot.simulator")
    parser.add_argument("--expires-in", type=int, default=EXPIRES_IN, help="virtual seconds an OAuth token lives")
    parser.add_argument("--token-calls", type=int, help="calls an OAuth token lives")
    parser.add_argument("--index-lag", type=float, default=0, help="virtual seconds until search knows of a change")
    parser.add_argument("--burst-limit", type=int, default=ample.burst, help="calls in any ten seconds")
    parser.add_argument("--search-limit", type=int, default=ample.search, help="searches in any second")
    parser.add_argument("--daily-limit", type=int, default=ample.daily, help="calls of a day")
    parser.add_argument("--virtual-limits", action="store_true", help="seconds of limits pass with the virtual clock")
    parser.add_argument("--retry-after", action="store_true", help="refused calls are told how long to wait")
    parser.add_argument("--meetings", type=int, help="meetings of the company of the demo, instead of the sample")
    parser.add_argument("--whole", action="store_true", help="the whole company, not HubSpot's part of it")
    parser.add_argument("--prerendered", type=int, metavar="TICKETS", help="serve only so many ready-made tickets")
    run(_create, parser, arguments)


def _create(
    *,
    seed: int,
    now: str | None,
    meetings: int | None,
    whole: bool,
    prerendered: int | None,
    burst_limit: int,
    search_limit: int,
    daily_limit: int,
    virtual_limits: bool,
    retry_after: bool,
    **options: Any,
) -> Simulator | Pages:
    if prerendered:
        return Pages(prerendered, now)
    plan = story_plan(seed, meetings, whole=whole) if meetings else None
    limits = Limits(burst_limit, search_limit, daily_limit, virtual_limits, retry_after)
    return create_app(seed, now=now, plan=plan, limits=limits, **options)


if __name__ == "__main__":
    main()

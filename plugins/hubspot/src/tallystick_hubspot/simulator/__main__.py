"""`python -m tallystick_hubspot.simulator`: the simulator as a process of its own."""

from __future__ import annotations

import argparse

from tallystick.testing.serving import announce, listening, option_parser, serve
from tallystick_hubspot.simulator.app import EXPIRES_IN, Simulator, create_app
from tallystick_hubspot.simulator.limits import Limits
from tallystick_hubspot.simulator.prerendered import Pages, serve_pages
from tallystick_hubspot.simulator.story import story_plan

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted; one line says where, once connections are accepted."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    with listening(asked.port) as sock:
        try:
            app = Pages(asked.prerendered, asked.now) if asked.prerendered else _app(asked)
        except ValueError as error:
            parser.error(str(error))
        if isinstance(app, Pages):
            announce(sock.getsockname()[1])
            serve_pages(sock, app, latency_ms=asked.latency_ms)
        else:
            serve(app, sock)


def _app(asked: argparse.Namespace) -> Simulator:
    plan = story_plan(asked.seed, asked.meetings, whole=asked.whole) if asked.meetings else None
    return create_app(
        asked.seed,
        plan=plan,
        now=asked.now,
        latency_ms=asked.latency_ms,
        expires_in=asked.expires_in,
        token_calls=asked.token_calls,
        index_lag=asked.index_lag,
        limits=Limits(
            burst=asked.burst_limit,
            search=asked.search_limit,
            daily=asked.daily_limit,
            virtual=asked.virtual_limits,
            retry_after=asked.retry_after,
        ),
    )


def _parser() -> argparse.ArgumentParser:
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
    return parser


if __name__ == "__main__":
    main()

"""`python -m tallystick_zendesk.simulator`: the simulator as a process of its own."""

from __future__ import annotations

import argparse

from tallystick.testing.instants import instant
from tallystick.testing.serving import announce, listening, option_parser, serve
from tallystick_zendesk.simulator.app import EXPIRES_IN, Simulator, create_app
from tallystick_zendesk.simulator.limits import SPELLINGS, Limits
from tallystick_zendesk.simulator.prerendered import Pages, serve_pages

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
    if asked.now:
        instant(asked.now)  # a bad one is told before the story is written
    return create_app(
        asked.seed,
        tickets=asked.tickets,
        now=asked.now,
        latency_ms=asked.latency_ms,
        expires_in=asked.expires_in,
        token_calls=asked.token_calls,
        headers=asked.headers,
        short_pages=asked.short_pages,
        limits=Limits(plan=asked.plan_limit, export=asked.export_limit),
    )


def _parser() -> argparse.ArgumentParser:
    ample = Limits()
    parser = option_parser("tallystick_zendesk.simulator")
    parser.add_argument("--tickets", type=int, default=10_000, help="size of the account of the story")
    parser.add_argument("--expires-in", type=int, default=EXPIRES_IN, help="virtual seconds a token lives")
    parser.add_argument("--token-calls", type=int, help="calls a token lives")
    parser.add_argument("--headers", choices=SPELLINGS, default="endpoint", help="generation of the rate headers")
    parser.add_argument("--short-pages", action="store_true", help="every second export page is a short one")
    parser.add_argument("--plan-limit", type=int, default=ample.plan, help="calls per minute of the account")
    parser.add_argument("--export-limit", type=int, default=ample.export, help="export calls per minute")
    parser.add_argument("--prerendered", type=int, metavar="TICKETS", help="serve only so many ready-made tickets")
    return parser


if __name__ == "__main__":
    main()

"""`python -m tallystick_zendesk.simulator`: the simulator as a process of its own."""

from __future__ import annotations

import argparse
import sys

from tallystick_zendesk.simulator.app import EXPIRES_IN, Simulator, create_app
from tallystick_zendesk.simulator.instants import instant
from tallystick_zendesk.simulator.limits import SPELLINGS, Limits
from tallystick_zendesk.simulator.prerendered import Pages, serve_pages
from tallystick_zendesk.simulator.wire import bind, server

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted; one line says where, once connections are accepted."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    sock = bind(asked.port)
    try:
        try:
            app = Pages(asked.prerendered, asked.now) if asked.prerendered else _app(asked)
        except ValueError as error:
            parser.error(str(error))
        _announce(sock.getsockname()[1])
        if isinstance(app, Pages):
            serve_pages(sock, app, latency_ms=asked.latency_ms)
        else:
            server(app).run([sock])
    except KeyboardInterrupt:
        pass
    finally:
        sock.close()


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
    parser = argparse.ArgumentParser(prog="python -m tallystick_zendesk.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same bytes")
    parser.add_argument("--tickets", type=int, default=10_000, help="size of the account of the story")
    parser.add_argument("--now", help="virtual instant to start at, ISO 8601 with an offset")
    parser.add_argument("--latency-ms", type=float, default=0, help="time every call takes")
    parser.add_argument("--expires-in", type=int, default=EXPIRES_IN, help="virtual seconds a token lives")
    parser.add_argument("--token-calls", type=int, help="calls a token lives")
    parser.add_argument("--headers", choices=SPELLINGS, default="endpoint", help="generation of the rate headers")
    parser.add_argument("--short-pages", action="store_true", help="every second export page is a short one")
    parser.add_argument("--plan-limit", type=int, default=ample.plan, help="calls per minute of the account")
    parser.add_argument("--export-limit", type=int, default=ample.export, help="export calls per minute")
    parser.add_argument("--prerendered", type=int, metavar="TICKETS", help="serve only so many ready-made tickets")
    return parser


def _announce(port: int) -> None:
    sys.stdout.write(f"listening on http://127.0.0.1:{port}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

"""`python -m tallystick_salesforce.simulator`: the simulator as a process of its own."""

from __future__ import annotations

import argparse
from pathlib import Path

from tallystick.testing.serving import announce, listening, option_parser, serve
from tallystick_salesforce.simulator.api import Paging
from tallystick_salesforce.simulator.app import EXPIRES_IN, Simulator, create_app
from tallystick_salesforce.simulator.fast import serve_pages
from tallystick_salesforce.simulator.prerendered import Pages
from tallystick_salesforce.simulator.story import story_plan
from tallystick_salesforce.simulator.usage import DAILY

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted; one line says where, once connections are accepted."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    with listening(asked.port) as sock:
        try:
            app = Pages(asked.prerendered, asked.now) if asked.prerendered else _app(asked)
        except (OSError, ValueError) as error:
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
        public_key=asked.public_key and Path(asked.public_key).read_text("ascii"),
        daily_limit=asked.daily_limit,
        app_limit=asked.app_limit,
        tick=asked.tick,
        paging=Paging(asked.page, asked.short_pages, asked.result, asked.job_polls, asked.job_seconds),
    )


def _parser() -> argparse.ArgumentParser:
    usual = Paging()
    parser = option_parser("tallystick_salesforce.simulator")
    parser.add_argument("--expires-in", type=int, default=EXPIRES_IN, help="virtual seconds a token lives")
    parser.add_argument("--public-key", metavar="FILE", help="PEM of the key that assertions are checked with")
    parser.add_argument("--daily-limit", type=int, default=DAILY, help="calls of 24 virtual hours")
    parser.add_argument("--app-limit", type=int, help="calls of the reader's application in 24 virtual hours")
    parser.add_argument("--tick", type=int, default=0, help="virtual seconds that pass with every call")
    parser.add_argument("--page", type=int, default=usual.page, help="rows of a page of a query at most")
    parser.add_argument("--short-pages", action="store_true", help="every page is shorter than asked for")
    parser.add_argument("--result", type=int, default=usual.result, help="rows of a result of a Bulk job at most")
    parser.add_argument("--job-polls", type=int, default=usual.polls, help="polls until a Bulk job is done")
    parser.add_argument("--job-seconds", type=int, default=usual.job_seconds, help="virtual seconds a job needs")
    parser.add_argument("--meetings", type=int, help="meetings of the company of the demo, instead of the sample")
    parser.add_argument("--whole", action="store_true", help="the whole company, not Salesforce's part of it")
    parser.add_argument("--prerendered", type=int, metavar="CASES", help="serve only so many ready-made cases")
    return parser


if __name__ == "__main__":
    main()

"""`python -m tallystick_salesforce.simulator`: the simulator as a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tallystick.testing.serving import option_parser, run
from tallystick_salesforce.simulator.api import Paging
from tallystick_salesforce.simulator.app import EXPIRES_IN, Simulator, create_app
from tallystick_salesforce.simulator.prerendered import Pages
from tallystick_salesforce.simulator.story import story_plan
from tallystick_salesforce.simulator.usage import DAILY

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted; one line says where, once connections are accepted."""
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
    run(_create, parser, arguments)


def _create(
    *,
    seed: int,
    now: str | None,
    public_key: str | None,
    page: int,
    short_pages: bool,
    result: int,
    job_polls: int,
    job_seconds: int,
    meetings: int | None,
    whole: bool,
    prerendered: int | None,
    **options: Any,
) -> Simulator | Pages:
    if prerendered:
        return Pages(prerendered, now)
    plan = story_plan(seed, meetings, whole=whole) if meetings else None
    pem = public_key and Path(public_key).read_text("ascii")
    paging = Paging(page, short_pages, result, job_polls, job_seconds)
    return create_app(seed, now=now, plan=plan, public_key=pem, paging=paging, **options)


if __name__ == "__main__":
    main()

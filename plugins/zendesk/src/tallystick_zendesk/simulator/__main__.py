"""`python -m tallystick_zendesk.simulator`: the simulator as a process of its own."""

from __future__ import annotations

from typing import Any

from tallystick.testing.instants import instant
from tallystick.testing.serving import option_parser, run
from tallystick_zendesk.simulator.app import EXPIRES_IN, Simulator, create_app
from tallystick_zendesk.simulator.limits import SPELLINGS, Limits
from tallystick_zendesk.simulator.prerendered import Pages

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted; one line says where, once connections are accepted."""
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
    run(_create, parser, arguments)


def _create(
    *, now: str | None, prerendered: int | None, plan_limit: int, export_limit: int, **options: Any
) -> Simulator | Pages:
    if prerendered:
        return Pages(prerendered, now)
    if now:
        instant(now)  # a bad one is told before the story is written
    return create_app(now=now, limits=Limits(plan=plan_limit, export=export_limit), **options)


if __name__ == "__main__":
    main()

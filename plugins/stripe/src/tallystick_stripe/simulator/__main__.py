"""`python -m tallystick_stripe.simulator`: the simulator as a process of its own."""

from __future__ import annotations

from typing import Any

from tallystick.testing.instants import instant
from tallystick.testing.serving import option_parser, run
from tallystick_stripe.simulator.app import Simulator, create_app
from tallystick_stripe.simulator.prerendered import Pages
from tallystick_stripe.simulator.story import STAGES

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted; one line says where, once connections are accepted."""
    parser = option_parser("tallystick_stripe.simulator")
    parser.add_argument("--invoices", type=int, default=2000, help="size of the account, at least 200")
    parser.add_argument("--livemode", choices=("true", "false"), default="true", help="mode that holds the data")
    parser.add_argument("--prerendered", type=int, metavar="CHARGES", help="serve only so many ready-made charges")
    run(_create, parser, arguments)


def _create(*, now: str | None, livemode: str, prerendered: int | None, **options: Any) -> Simulator | Pages:
    if prerendered:
        return Pages(prerendered, instant(now or STAGES[-1]))
    return create_app(now=now, livemode=livemode == "true", **options)


if __name__ == "__main__":
    main()

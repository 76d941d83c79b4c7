"""`python -m tallystick_rest.simulators.freshdesk`: the simulator as a process of its own."""

from __future__ import annotations

from tallystick.testing.serving import option_parser, run
from tallystick_rest.simulators.freshdesk.app import create_app

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted; one line says where, once connections are accepted."""
    parser = option_parser("tallystick_rest.simulators.freshdesk")
    parser.add_argument("--tickets", type=int, default=30, help="how many there are beside the labelled ones")
    parser.add_argument("--limit", type=int, help="calls in a virtual minute; by default told and not enforced")
    run(create_app, parser, arguments)


if __name__ == "__main__":
    main()

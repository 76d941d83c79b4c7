"""`python -m tallystick_rest.simulators.intercom`: the simulator as a process of its own."""

from __future__ import annotations

from tallystick.testing.serving import option_parser, run
from tallystick_rest.simulators.intercom.app import create_app

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted; one line says where, once connections are accepted."""
    parser = option_parser("tallystick_rest.simulators.intercom")
    parser.add_argument("--conversations", type=int, default=30, help="how many there are beside the labelled ones")
    parser.add_argument("--limit", type=int, help="calls in ten virtual seconds; by default told and not enforced")
    parser.add_argument("--inclusive", action="store_true", help="the search's > and < mean >= and <=")
    run(create_app, parser, arguments)


if __name__ == "__main__":
    main()

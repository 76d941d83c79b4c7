"""`python -m tallystick_rest.simulators.intercom`: the simulator as a process of its own."""

from __future__ import annotations

from tallystick.testing.serving import listening, option_parser, serve
from tallystick_rest.simulators.intercom.app import create_app

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted; one line says where, once connections are accepted."""
    parser = option_parser("tallystick_rest.simulators.intercom")
    parser.add_argument("--conversations", type=int, default=30, help="how many there are beside the labelled ones")
    parser.add_argument("--limit", type=int, help="calls in ten virtual seconds; by default told and not enforced")
    parser.add_argument("--inclusive", action="store_true", help="the search's > and < mean >= and <=")
    asked = parser.parse_args(arguments)
    with listening(asked.port) as sock:
        try:
            app = create_app(
                asked.seed,
                now=asked.now,
                conversations=asked.conversations,
                latency_ms=asked.latency_ms,
                limit=asked.limit,
                inclusive=asked.inclusive,
            )
        except ValueError as error:
            parser.error(str(error))
        serve(app, sock)


if __name__ == "__main__":
    main()

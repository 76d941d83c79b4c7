"""`python -m tallystick_stripe.simulator`: the simulator as a process of its own."""

from __future__ import annotations

from tallystick.testing.serving import announce, listening, option_parser, serve
from tallystick_stripe.simulator.app import create_app
from tallystick_stripe.simulator.prerendered import serve_pages

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted; one line says where, once connections are accepted."""
    parser = option_parser("tallystick_stripe.simulator")
    parser.add_argument("--invoices", type=int, default=2000, help="size of the account, at least 200")
    parser.add_argument("--livemode", choices=("true", "false"), default="true", help="mode that holds the data")
    parser.add_argument("--prerendered", type=int, metavar="CHARGES", help="serve only so many ready-made charges")
    asked = parser.parse_args(arguments)
    with listening(asked.port) as sock:
        if asked.prerendered:
            announce(sock.getsockname()[1])
            serve_pages(sock, asked.prerendered, now=asked.now, latency_ms=asked.latency_ms)
            return
        try:
            app = create_app(
                asked.seed,
                invoices=asked.invoices,
                now=asked.now,
                livemode=asked.livemode == "true",
                latency_ms=asked.latency_ms,
            )
        except ValueError as error:
            parser.error(str(error))
        serve(app, sock)


if __name__ == "__main__":
    main()

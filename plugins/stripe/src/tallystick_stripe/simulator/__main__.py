"""`python -m tallystick_stripe.simulator`: the simulator as a process of its own."""

from __future__ import annotations

import argparse
import sys

from tallystick_stripe.simulator.app import create_app
from tallystick_stripe.simulator.prerendered import serve_pages
from tallystick_stripe.simulator.wire import bind, server

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted; one line says where, once connections are accepted."""
    parser = argparse.ArgumentParser(prog="python -m tallystick_stripe.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same bytes")
    parser.add_argument("--invoices", type=int, default=2000, help="size of the account, at least 200")
    parser.add_argument("--now", help="virtual instant to start at, ISO 8601 with an offset")
    parser.add_argument("--latency-ms", type=float, default=0, help="time every call takes")
    parser.add_argument("--livemode", choices=("true", "false"), default="true", help="mode that holds the data")
    parser.add_argument("--prerendered", type=int, metavar="CHARGES", help="serve only so many ready-made charges")
    asked = parser.parse_args(arguments)
    sock = bind(asked.port)
    try:
        if asked.prerendered:
            _announce(sock.getsockname()[1])
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
        _announce(sock.getsockname()[1])
        server(app).run([sock])
    except KeyboardInterrupt:
        pass
    finally:
        sock.close()


def _announce(port: int) -> None:
    sys.stdout.write(f"listening on http://127.0.0.1:{port}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

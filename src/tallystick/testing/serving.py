"""The server of a simulator: the application on a loopback socket, in this process or as a process of its own.

A simulator's `serve` and its `__main__` are its `create_app`, and this:

    serve = threaded(create_app)

    def main(arguments: list[str] | None = None) -> None:
        parser = option_parser("tallystick_helpdesk.simulator")
        parser.add_argument("--tickets", type=int, default=100, help="size of the account")
        run(create_app, parser, arguments)
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from typing import Any, ParamSpec
from weakref import WeakValueDictionary

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from tallystick.testing.prerendered import Prerendered

__all__ = ["CONNECTIONS", "bind", "option_parser", "run", "running", "server", "threaded"]

P = ParamSpec("P")

CONNECTIONS: WeakValueDictionary[tuple[str, int], asyncio.Transport] = WeakValueDictionary()
"""Open connections by the address of the peer, so that a fault can cut one."""


class _Protocol(H11Protocol):
    """HTTP/1.1 that lets its connection be found."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        CONNECTIONS[transport.get_extra_info("peername")[:2]] = transport


def bind(port: int) -> socket.socket:
    """Listen on loopback only; port 0 takes a free one."""
    # asyncio sends small pieces at once only where the protocol is named; without it every answer waits 40 ms.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    sock.listen(128)
    return sock


def server(app: Any) -> uvicorn.Server:
    """Build a server that adds no header of its own: `Date` follows the virtual clock."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=_Protocol,
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",  # cut connections are the point, and no news
            access_log=False,
            date_header=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
    )


@contextmanager
def running(app: Any, port: int = 0) -> Iterator[str]:
    """Serve `app` from a thread while the block runs, and give its origin; port 0 takes a free one."""
    sock = bind(port)
    serving = server(app)
    thread = threading.Thread(target=serving.run, args=([sock],), name="simulator", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        serving.should_exit = True
        thread.join()
        sock.close()


def threaded(create: Callable[P, Any]) -> Callable[P, AbstractContextManager[str]]:
    """Give a function that serves what `create` builds from a thread while the block runs, and gives its origin.

    It takes and raises what `create` does; the origin is like `http://127.0.0.1:41234`.
    """

    @contextmanager
    def served(*args: P.args, **options: P.kwargs) -> Iterator[str]:
        with running(create(*args, **options)) as origin:
            yield origin

    return served


def option_parser(module: str) -> argparse.ArgumentParser:
    """Give a parser of the options that every simulator has: `port`, `seed`, `now` and `latency_ms`."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description="Serve a simulator until interrupted.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same bytes")
    parser.add_argument("--now", help="virtual instant to start at, ISO 8601 with an offset")
    parser.add_argument("--latency-ms", type=float, default=0, help="time every call takes")
    return parser


def run(create: Callable[..., Any], parser: argparse.ArgumentParser, arguments: list[str] | None = None) -> None:
    """Serve what `create` builds until interrupted; one line says where, once connections are accepted.

    Args:
        create: Takes all options of the parser but `port`, by their names, and gives an ASGI application or
            `Prerendered` answers. Its ValueError or OSError ends the process with a word on the options.
        parser: Made by `option_parser`, with the simulator's own options added.
        arguments: What was written; by default those of the process.
    """
    options = vars(parser.parse_args(arguments))
    # The port is taken first: a busy one is told before a large account is built.
    with closing(bind(options.pop("port"))) as sock, suppress(KeyboardInterrupt):
        try:
            app = create(**options)
        except (OSError, ValueError) as error:
            parser.error(str(error))
        sys.stdout.write(f"listening on http://127.0.0.1:{sock.getsockname()[1]}\n")
        sys.stdout.flush()
        if isinstance(app, Prerendered):
            app.serve(sock, latency_ms=options["latency_ms"])
        else:
            server(app).run([sock])

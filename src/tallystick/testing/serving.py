"""The server of a simulator: the application on a loopback socket, in this process or as a process of its own.

A simulator's `__main__` is its options, and this:

    with listening(asked.port) as sock:
        serve(build(asked), sock)
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakValueDictionary

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["CONNECTIONS", "announce", "bind", "listening", "option_parser", "running", "serve", "server"]

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


def option_parser(module: str) -> argparse.ArgumentParser:
    """Give a parser of the options that every simulator has: `port`, `seed`, `now` and `latency_ms`."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description="Serve a simulator until interrupted.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same bytes")
    parser.add_argument("--now", help="virtual instant to start at, ISO 8601 with an offset")
    parser.add_argument("--latency-ms", type=float, default=0, help="time every call takes")
    return parser


@contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """Listen on loopback while the block runs; an interrupt ends the block without a word."""
    sock = bind(port)
    try:
        yield sock
    except KeyboardInterrupt:
        pass
    finally:
        sock.close()


def announce(port: int) -> None:
    """Say on standard output where the simulator listens: the line that the harness waits for."""
    sys.stdout.write(f"listening on http://127.0.0.1:{port}\n")
    sys.stdout.flush()


def serve(app: Any, sock: socket.socket) -> None:
    """Announce `app`, and serve it on the listening socket `sock` until interrupted."""
    announce(sock.getsockname()[1])
    server(app).run([sock])

"""A simulator on a socket, and what it delivers, written down for the check of raw bytes."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tallystick.testing.serving import running

__all__ = ["Tape"]


class Tape:
    """A simulator of this process, served; it can write down the bodies that it sends, uncompressed.

    Args:
        app: The simulator, an ASGI application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._bodies: list[bytes] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the simulator does."""
        parts: list[bytes] = []
        packed = False

        async def noted(message: Message) -> None:
            nonlocal packed
            if message["type"] == "http.response.start":
                packed = (b"content-encoding", b"gzip") in message.get("headers", ())
            if message["type"] == "http.response.body":
                parts.append(message.get("body", b""))
                # Before it is sent: whoever waits for the answer looks at the tape right after it.
                if self._bodies is not None and not message.get("more_body", False):
                    whole = b"".join(parts)
                    self._bodies.append(gzip.decompress(whole) if packed else whole)
            await send(message)

        await self._app(scope, receive, noted)

    @contextmanager
    def running(self) -> Iterator[str]:
        """Serve it from a thread on a free loopback port while the block runs, and give its origin."""
        with running(self) as origin:
            yield origin

    @contextmanager
    def recording(self) -> Iterator[list[bytes]]:
        """Write down the bodies of all answers while the block runs, and give them: one per answer."""
        self._bodies = bodies = list[bytes]()
        try:
            yield bodies
        finally:
            self._bodies = None

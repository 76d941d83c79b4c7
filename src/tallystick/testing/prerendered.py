"""Ready-made answers on a socket, as fast as it takes them: for benchmarks only, without a framework between."""

from __future__ import annotations

import re
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress

__all__ = ["Body", "Prerendered"]

Body = list[bytes]
"""The parts of a body, to be sent one after the other."""

_SEND_BUFFER = 4_000_000


class Prerendered(ABC):
    """What a simulator serves instead of its account when a benchmark asks for it: answers that lie ready."""

    @abstractmethod
    def reply(self, head: bytes, content: bytes, number: int) -> tuple[bytes, Body]:
        """Answer a call; calls of several connections come at the same time.

        Args:
            head: Request line and headers, as they came, without the empty line behind them.
            content: Body of the request.
            number: Which call of its connection it is, from 1.

        Returns:
            Status line and headers without `Content-Length`, each with its line end; and the body.
        """

    def serve(self, listening: socket.socket, *, latency_ms: float = 0) -> None:
        """Serve on a listening socket until it is closed, HTTP/1.1 with keep-alive.

        Args:
            listening: The socket.
            latency_ms: Time that every call takes, in real milliseconds.
        """
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        while True:
            try:
                sock, _peer = listening.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._converse, args=(sock, latency_ms / 1000), daemon=True).start()

    def _converse(self, sock: socket.socket, latency: float) -> None:
        with sock, suppress(ConnectionError):
            for number, (head, content) in enumerate(_requests(sock), 1):
                if latency:
                    time.sleep(latency)
                _send(sock, *self.reply(head, content, number))


def _requests(sock: socket.socket) -> Iterator[tuple[bytes, bytes]]:
    """Give head and body of each request until the peer leaves."""
    buffer = b""
    while True:
        while (end := buffer.find(b"\r\n\r\n")) < 0 or len(buffer) < end + 4 + _length(buffer[:end]):
            data = sock.recv(65_536)
            if not data:
                return
            buffer += data
        head, behind = buffer[:end], end + 4 + _length(buffer[:end])
        content, buffer = buffer[end + 4 : behind], buffer[behind:]
        yield head, content


def _length(head: bytes) -> int:
    found = re.search(rb"\r\n[Cc]ontent-[Ll]ength: *(\d+)", head)
    return int(found[1]) if found else 0


def _send(sock: socket.socket, head: bytes, body: Body) -> None:
    length = sum(map(len, body))
    head += b"Content-Length: %d\r\n\r\n" % length
    # Gathered by the kernel: the page is never put together here.
    sent = sock.sendmsg([head, *body])
    if sent < len(head) + length:  # a signal came between
        sock.sendall(memoryview(b"".join([head, *body]))[sent:])

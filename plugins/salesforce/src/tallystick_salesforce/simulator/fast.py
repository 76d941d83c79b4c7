"""A server for ready-made pages: sockets and threads, without a framework between."""

from __future__ import annotations

import re
import socket
import threading
import time
from contextlib import suppress
from email.utils import formatdate

from tallystick_salesforce.simulator.api import JSON, Answer
from tallystick_salesforce.simulator.call import Call
from tallystick_salesforce.simulator.errors import TokenError, WireError
from tallystick_salesforce.simulator.prerendered import Body, Pages

__all__ = ["serve_pages"]

_SEND_BUFFER = 4_000_000


class _Connection:
    """One connection: HTTP/1.1 with keep-alive."""

    def __init__(self, sock: socket.socket, pages: Pages, latency: float) -> None:
        self._sock = sock
        self._pages = pages
        self._latency = latency
        self._date = formatdate(pages.now, usegmt=True)

    def run(self) -> None:
        """Answer requests in turn until the peer leaves."""
        buffer = b""
        with self._sock, suppress(ConnectionError):
            while True:
                while (end := buffer.find(b"\r\n\r\n")) < 0 or len(buffer) < end + 4 + _length(buffer[:end]):
                    data = self._sock.recv(65_536)
                    if not data:
                        return
                    buffer += data
                behind = end + 4 + _length(buffer[:end])
                call, buffer = _call(buffer[:end].decode("latin-1"), buffer[end + 4 : behind]), buffer[behind:]
                if self._latency:
                    time.sleep(self._latency)
                try:
                    self._send(*self._pages.answer(call))
                except (WireError, TokenError) as error:
                    self._send([error.content()], Answer(b"", JSON, status=error.status))

    def _send(self, body: Body, answer: Answer) -> None:
        lines = [f"HTTP/1.1 {answer.status} Answered", f"Content-Type: {answer.media}", f"Date: {self._date}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        length = sum(map(len, body))
        lines += [f"Sforce-Limit-Info: {self._pages.usage.header()}", f"Content-Length: {length}", "", ""]
        head = "\r\n".join(lines).encode()
        # Gathered by the kernel: the page is never put together here.
        sent = self._sock.sendmsg([head, *body])
        if sent < len(head) + length:
            self._sock.sendall(memoryview(b"".join([head, *body]))[sent:])


def _call(head: str, body: bytes) -> Call:
    first, _, rest = head.partition("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in rest.split("\r\n"))
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    path, _, query = target.partition("?")
    origin = f"http://{headers.get('host', '127.0.0.1')}"
    return Call.read(method, path, query, headers, body=body, origin=origin)


def _length(head: bytes) -> int:
    found = re.search(rb"\r\n[Cc]ontent-[Ll]ength: *(\d+)", head)
    return int(found[1]) if found else 0


def serve_pages(listening: socket.socket, pages: Pages, *, latency_ms: float = 0) -> None:
    """Serve pages on a listening socket until it is closed."""
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    while True:
        try:
            sock, _peer = listening.accept()
        except OSError:
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = _Connection(sock, pages, latency_ms / 1000)
        threading.Thread(target=connection.run, daemon=True).start()

"""Ready-made answers: how calls are told apart on a connection, and that large answers arrive whole."""

import socket
import threading

import httpx
import pytest

from tallystick.testing.prerendered import Prerendered
from tallystick.testing.serving import bind

_LARGE = b"x" * 20_000_000


class _Echo(Prerendered):
    """Tells what it was asked; `/large` is answered with more than a socket takes at once."""

    def reply(self, head, content, number):
        path = head.split(b" ", 2)[1]
        body = [_LARGE, b"end"] if path == b"/large" else [b"%d " % number, path, b" " + content]
        return b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n", body


@pytest.fixture(params=[0, 1])
def address(request):
    """Where it listens, without and with a latency."""
    listening = bind(0)
    serving = threading.Thread(target=_Echo().serve, args=(listening,), kwargs={"latency_ms": request.param})
    serving.start()
    yield listening.getsockname()
    # A thread that waits for a connection wakes when the socket is shut down, not when it is closed.
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    serving.join(timeout=10)
    assert not serving.is_alive()


def test_each_call_of_a_connection_is_answered_in_turn(address):
    """Calls with and without a body, sent at once and cut anywhere, are counted and told apart."""
    asked = b"POST /a HTTP/1.1\r\ncontent-length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\nHost: h\r\n\r\n"
    for cut in (1, 20, 39, 43, 50, len(asked)):
        with socket.create_connection(address) as sock:
            sock.sendall(asked[:cut])
            sock.sendall(asked[cut:])
            sock.shutdown(socket.SHUT_WR)
            told = b"".join(iter(lambda: sock.recv(65_536), b""))
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
        assert told == head % 10 + b"1 /a hello" + head % 5 + b"2 /b "


def test_an_answer_larger_than_the_buffer_arrives_whole(address):
    """A large answer comes whole, and the next call of the connection is answered behind it."""
    with httpx.Client(base_url=f"http://127.0.0.1:{address[1]}", trust_env=False) as client:
        assert client.get("/large").content == _LARGE + b"end"
        assert client.get("/c").content == b"2 /c "

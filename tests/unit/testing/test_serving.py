"""The server of simulators: what it does with small pieces of an answer."""

import socket

import httpx

from tallystick.testing.serving import CONNECTIONS, running


async def _hello(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})


def test_small_pieces_are_sent_at_once():
    """A connection does not hold back the body of an answer until its head is acknowledged."""
    with running(_hello) as origin, httpx.Client(trust_env=False) as client:
        assert client.get(origin).content == b"{}"
        [connection] = [found for found in CONNECTIONS.values() if not found.is_closing()]
        sock = connection.get_extra_info("socket")

        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

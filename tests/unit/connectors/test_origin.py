"""Where a call may go: links elsewhere and private addresses are refused; what was checked is connected to."""

import http.server
import threading

import httpx
import pytest

from tallystick.connectors import HttpClient, Retry, TokenBucket
from tallystick.connectors.origin import PinnedTransport, is_private, same_origin
from tallystick.errors import PermanentError, RetryableError

BASE = "https://api.example.com/v2"


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "172.16.3.4",
        "192.168.1.1",
        "127.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - an address to refuse
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "::10.0.0.1",
        "::ffff:0:10.0.0.1",
        "64:ff9b:1::a00:1",
        "fec0::1",
    ],
)
def test_addresses_that_are_not_public(address):
    """Private, loopback, link-local, shared, multicast and reserved addresses are private, also written as IPv6."""
    assert is_private(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_addresses_that_are_public(address):
    """Addresses of the public Internet are not private."""
    assert not is_private(address)


@pytest.mark.parametrize(
    ("link", "found"),
    [
        ("https://api.example.com/v2/tickets?page=2", "https://api.example.com/v2/tickets?page=2"),
        ("https://API.example.com:443/v2/x", "https://API.example.com:443/v2/x"),
        ("/v2/tickets?page=2", "https://api.example.com/v2/tickets?page=2"),
        ("?page=2", "https://api.example.com/v2?page=2"),
    ],
)
def test_a_link_of_the_own_origin(link, found):
    """A next page of the configured origin is asked for, however its address is written."""
    assert same_origin(BASE, link, "Example") == found


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example.net/v2/tickets?page=2",
        "http://api.example.com/v2/tickets",
        "https://api.example.com:8443/v2",
        "https://api.example.com@evil.example.net/",
        "https://user:secret@api.example.com/v2",
        "//evil.example.net/x",
        "https://api.example.com.evil.net/",
        "https://[::1",
        "file:///etc/passwd",
        "/v2/x\r\nHost: evil",
    ],
)
def test_a_link_of_another_origin(link):
    """Another scheme, host or port, a user in the address, or none at all: it is refused and not repeated."""
    with pytest.raises(PermanentError, match="not at its own origin") as error:
        same_origin(BASE, link, "Example")

    assert "evil" not in str(error.value)
    assert "secret" not in error.value.diagnostics()


class _Inner(httpx.BaseTransport):
    """Answers, and keeps what it was asked; addresses in `down` cannot be connected to."""

    def __init__(self, down=()):
        self.asked = []
        self.down = down

    def handle_request(self, request):
        self.asked.append(request)
        if request.url.host in self.down:
            raise httpx.ConnectError("down")
        return httpx.Response(200, json={})


def _sent(resolve, *, url=BASE, inner=None, **options):
    inner = inner or _Inner()
    transport = PinnedTransport("Example", resolve=resolve, inner=inner, **options)
    with httpx.Client(transport=transport) as client:
        client.get(url)
    return inner.asked


def test_what_was_checked_is_connected_to():
    """The request goes to the address that was looked up, under the host's name in its header and in the handshake."""
    (asked,) = _sent(lambda host, port: ["93.184.216.34"])

    assert asked.url.host == "93.184.216.34"
    assert asked.headers["host"] == "api.example.com"
    assert asked.extensions["sni_hostname"] == "api.example.com"


def test_a_name_that_leads_to_another_address_the_second_time():
    """A name that first leads to a public address and then into the network is refused at the second call."""
    answers = iter([["93.184.216.34"], ["169.254.169.254"]])
    inner = _Inner()
    with httpx.Client(transport=PinnedTransport("Example", resolve=lambda *_: next(answers), inner=inner)) as client:
        client.get(BASE)
        with pytest.raises(PermanentError, match="private network"):
            client.get(BASE)

    assert len(inner.asked) == 1


def test_one_private_address_among_others():
    """A name is refused if any of its addresses is private."""
    with pytest.raises(PermanentError, match="private network"):
        _sent(lambda *_: ["93.184.216.34", "10.0.0.1"])


def test_the_next_address_is_tried():
    """Where an address cannot be connected to, the next one of the same name is tried."""
    inner = _Inner(down={"93.184.216.34"})

    asked = _sent(lambda *_: ["93.184.216.34", "1.1.1.1"], inner=inner)

    assert [request.url.host for request in asked] == ["93.184.216.34", "1.1.1.1"]


def test_a_private_address_that_is_allowed():
    """With `allow_private`, a name may lead into the network."""
    (asked,) = _sent(lambda *_: ["10.0.0.1"], allow_private=True)

    assert asked.url.host == "10.0.0.1"


def test_a_private_address_written_out():
    """A private address in `base_url` itself is refused too, unless it is this machine."""
    with pytest.raises(PermanentError, match="private network"):
        _sent(None, url="https://10.0.0.1/x")

    assert len(_sent(None, url="http://127.0.0.1/x")) == 1


def test_this_machine_by_name():
    """`localhost` is this machine, whatever a resolver would say of it."""
    (asked,) = _sent(None, url="http://localhost/x")

    assert asked.url.host == "127.0.0.1"


def test_a_name_that_leads_nowhere(timer):
    """A name that cannot be looked up is a failure of the network, to be tried again later."""

    def resolve(host, port):
        raise OSError("no such host")

    client = HttpClient(
        BASE,
        name="Example",
        bucket=TokenBucket(100, timer),
        retry=Retry(timer, attempts=2),
        timer=timer,
        classify=lambda _: None,
        headers=dict,
        transport=PinnedTransport("Example", resolve=resolve, inner=_Inner()),
    )

    with pytest.raises(RetryableError, match="the connection to Example failed"):
        client.get("/x")


def test_over_a_real_socket(timer):
    """A name pinned to this machine is really connected to, with its own `Host` header."""
    hosts = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            hosts.append(self.headers["host"])
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    transport = PinnedTransport("Example", allow_private=True, resolve=lambda *_: ["127.0.0.1"])
    with httpx.Client(transport=transport) as client:
        assert client.get(f"http://pinned.example.com:{server.server_port}/x").json() == {}
    server.shutdown()
    server.server_close()

    assert hosts == [f"pinned.example.com:{server.server_port}"]

"""The server of simulators: from a thread of this process, and as the whole of a process."""

import socket

import httpx
import pytest

from tallystick.testing.prerendered import Prerendered
from tallystick.testing.serving import CONNECTIONS, option_parser, run, running, threaded


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


def test_a_threaded_simulator_is_built_by_what_is_asked_for():
    """It takes what its builder takes, serves while the block runs, and passes on a refusal."""
    built = []

    def create(seed=1, *, size=2):
        if size < 0:
            raise ValueError("too small")
        built.append((seed, size))
        return _hello

    serve = threaded(create)
    with serve(3, size=4) as origin:
        assert httpx.get(origin, trust_env=False).content == b"{}"
    assert built == [(3, 4)]
    with pytest.raises(httpx.ConnectError):
        httpx.get(origin, trust_env=False)
    with pytest.raises(ValueError, match="too small"), serve(size=-1):
        pass


def test_the_options_that_every_simulator_has():
    """Port, seed, instant and latency have the defaults that the harness counts on."""
    asked = option_parser("office").parse_args([])

    assert vars(asked) == {"port": 0, "seed": 1, "now": None, "latency_ms": 0}


class _Interrupted(Prerendered):
    """Notes how it is served, and is interrupted at once."""

    def reply(self, head, content, number):
        raise AssertionError

    def serve(self, listening, *, latency_ms=0):
        self.port, self.latency_ms = listening.getsockname()[1], latency_ms
        socket.create_connection(("127.0.0.1", self.port)).close()
        raise KeyboardInterrupt


def test_a_process_announces_its_port_and_gives_it_back(capsys):
    """The builder gets all options but the port, the line names it, and an interrupt ends all quietly."""
    parser, made, options = option_parser("office"), _Interrupted(), {}
    parser.add_argument("--rooms", type=int)

    run(lambda **asked: options.update(asked) or made, parser, ["--seed", "2", "--latency-ms", "5", "--rooms", "7"])

    assert options == {"seed": 2, "now": None, "latency_ms": 5, "rooms": 7}
    assert made.latency_ms == 5
    told = capsys.readouterr()
    assert (told.out, told.err) == (f"listening on http://127.0.0.1:{made.port}\n", "")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", made.port))


@pytest.mark.parametrize("error", [ValueError("no such day"), FileNotFoundError(2, "no such day")])
def test_a_builder_that_refuses_ends_the_process_with_a_word(error, capsys):
    """What the builder raises about an option is told beside the usage, nothing is announced, and the code is 2."""

    def create(**_):
        raise error

    with pytest.raises(SystemExit) as caught:
        run(create, option_parser("office"), [])

    assert caught.value.code == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "usage: python -m office" in told.err
    assert "no such day" in told.err

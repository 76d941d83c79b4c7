"""The shell of simulators over a real socket: clock, faults, counts, and what a subclass adds."""

from email.utils import parsedate_to_datetime

import httpx
import pytest
from starlette.responses import JSONResponse

from tallystick.testing.faultplan import FOREIGN, Fault, FaultPlan
from tallystick.testing.instants import instant, iso
from tallystick.testing.serving import running
from tallystick.testing.steering import SteeredApp

START = instant("2026-10-12T06:00:00Z")


class Office(SteeredApp):
    """A simulator of nothing: it says who called, and keeps a till."""

    def __init__(self, **options):
        self._now = START
        self.till = 0
        super().__init__(FaultPlan({"broke": "the till is empty"}, Fault), start=START, **options)

    @property
    def now(self):
        """Virtual now."""
        return self._now

    def move(self, now):
        """Set it; it never runs before its start."""
        if now < START:
            raise ValueError("too early")
        self._now = now

    def headers(self, request):
        """Number the answers."""
        return {"X-Number": str(request.state.serial), "X-Mood": "good"}

    def traits(self, request, body):
        """Say the word in the body."""
        return {body.decode()}

    def steering(self):
        """Let the till be filled."""
        return {"fill": self._fill}

    def stats(self):
        """Tell the till too."""
        return {**super().stats(), "till": self.till}

    def reset(self):
        """Empty the till too."""
        super().reset()
        self.till = 0

    def respond(self, request, body, fault):
        """Say what was called, and what struck of its own kinds."""
        said = {"path": request.url.path, "body": body.decode(), "kind": fault and fault.kind}
        return JSONResponse(said, headers={"X-Mood": "bad"} if fault else None)

    def _fill(self, asked):
        self.till += int(asked["coins"])
        return {"till": self.till}


@pytest.fixture
def client():
    """A client of a served office."""
    with running(Office()) as origin, httpx.Client(base_url=origin, trust_env=False) as made:
        yield made


def _set(client, *lines):
    client.post("/_simulator/faults", json=lines).raise_for_status()


def test_an_answer_is_dated_by_the_virtual_clock_and_numbered(client):
    """Each answer has the virtual instant as its date, and the headers of the subclass by the number of the call."""
    client.post("/_simulator/clock", json={"advance_seconds": 60}).raise_for_status()

    found = [client.post("/a", content=b"x") for _ in range(2)]

    assert [answer.headers["X-Number"] for answer in found] == ["1", "2"]
    assert {parsedate_to_datetime(answer.headers["Date"]).timestamp() for answer in found} == {START + 60}
    assert found[0].json() == {"path": "/a", "body": "x", "kind": None}


def test_a_header_of_the_answer_itself_stands(client):
    """Where an answer has a header that every answer has, the answer's own is sent, once."""
    _set(client, {"kind": "broke"})

    assert [client.get("/a").headers.get_list("X-Mood") for _ in range(2)] == [["bad"], ["good"]]


@pytest.mark.parametrize(
    "asked", [{"to": "soon"}, {"to": "2026-10-12T06:00:00"}, {}, {"advance_seconds": -1}, [], {"to": 5}]
)
def test_a_clock_cannot_be_set_to_nonsense(client, asked):
    """What is no instant with an offset, or one the subclass refuses, is answered with 400 and moves nothing."""
    assert client.post("/_simulator/clock", json=asked).status_code == 400
    assert client.get("/_simulator/clock").json() == {"now": iso(START)}


def test_steering_is_not_counted(client):
    """Calls are counted by path, without those that steer."""
    for path in ("/b", "/a", "/b", "/_simulator/clock"):
        client.get(path)

    assert client.get("/_simulator/stats").json() == {"calls": 3, "by_path": {"/a": 1, "/b": 2}, "till": 0}


def test_a_subclass_steers_and_counts_more(client):
    """Steering of the subclass is served, refused with 400 if it cannot be read, and undone by its reset."""
    assert client.post("/_simulator/fill", json={"coins": 3}).json() == {"till": 3}
    assert client.post("/_simulator/fill", json={"notes": 3}).status_code == 400
    assert client.post("/_simulator/fill", content=b"{").status_code == 400
    assert client.get("/_simulator/stats").json()["till"] == 3

    client.post("/_simulator/reset")

    assert client.get("/_simulator/stats").json()["till"] == 0


def test_a_reset_forgets_faults_calls_and_time(client):
    """After a reset no fault is set, no call counted, and the clock stands at the start."""
    _set(client, {"kind": "500_html", "times": None})
    client.get("/a")
    client.post("/_simulator/clock", json={"to": "2027-01-01T00:00:00Z"})

    assert client.post("/_simulator/reset").json() == {"now": iso(START)}
    assert client.get("/_simulator/faults").json() == []
    assert client.get("/_simulator/stats").json()["calls"] == 0
    assert client.get("/a").status_code == 200


def test_the_plan_is_told_with_what_was_seen(client):
    """The plan is given back line by line with its defaults, and counts the calls that it means."""
    _set(client, {"kind": "broke", "path": "/a", "after": 5})
    client.get("/a")
    client.get("/b")

    told = client.get("/_simulator/faults").json()

    assert told == [
        {"kind": "broke", "path": "/a", "after": 5, "times": 1, "seconds": 1.0, "only": None, "seen": 1},
    ]


def test_a_plan_of_unknown_kinds_is_refused(client):
    """A line of an unknown kind is answered with 400 and the kinds there are."""
    refused = client.post("/_simulator/faults", json=[{"kind": "gremlins"}])

    assert refused.status_code == 400
    assert "broke" in refused.json()["error"]
    assert "truncated" in refused.json()["error"]


def test_only_its_own_kinds_reach_the_subclass(client):
    """A fault of the subclass is given to it; a common one is done without it."""
    _set(client, {"kind": "broke"}, {"kind": "slow", "after": 1, "seconds": 0})

    assert [client.get("/a").json()["kind"] for _ in range(2)] == ["broke", None]


def test_a_word_of_the_body_chooses_the_calls(client):
    """A line with `only` strikes the calls of which the subclass says that word."""
    _set(client, {"kind": "broke", "only": "tea", "times": None})

    assert [client.post("/a", content=word).json()["kind"] for word in (b"tea", b"milk")] == ["broke", None]


@pytest.mark.parametrize("status", [200, 500, 502, 503])
def test_pages_of_html(client, status):
    """A page of HTML has its status, the headers of every answer, and no JSON."""
    _set(client, {"kind": f"{status}_html"})

    page = client.get("/a")

    assert (page.status_code, page.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert page.headers["X-Number"] == "1"
    assert page.text.startswith("<html>")


def test_a_redirect_leads_to_another_origin(client):
    """A redirect names the same path where nobody is."""
    _set(client, {"kind": "redirect"})

    found = client.get("/a")

    assert (found.status_code, found.headers["Location"]) == (302, f"{FOREIGN}/a")


def test_a_wrong_date_is_wrong_by_the_seconds_asked_for(client):
    """A skewed clock shows in the date alone."""
    _set(client, {"kind": "clock_skew", "seconds": -7200})

    found = client.get("/a")

    assert parsedate_to_datetime(found.headers["Date"]).timestamp() == START - 7200
    assert found.json()["path"] == "/a"


def test_a_reset_connection_and_a_cut_answer_are_errors_of_the_peer(client):
    """A reset is seen as a failed read before any answer; a cut answer promises more bytes than come."""
    _set(client, {"kind": "reset"}, {"kind": "truncated", "after": 1})

    with pytest.raises(httpx.ReadError):
        client.get("/a")
    with pytest.raises(httpx.RemoteProtocolError, match="body"):
        client.get("/a")
    assert client.get("/a").status_code == 200
    assert client.get("/_simulator/stats").json()["calls"] == 3

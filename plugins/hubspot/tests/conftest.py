"""A HubSpot without HubSpot: configurations, a timer of its own, and answers to calls."""

import json

import httpx
import pytest
import respx

from tallystick.testing.serving import running
from tallystick.testing.timing import FakeTimer
from tallystick_hubspot.connector import HubSpotConfig, HubSpotConnector
from tallystick_hubspot.simulator import Plan, create_app
from tallystick_hubspot.simulator.deeds import Create, person
from tallystick_hubspot.simulator.instants import instant
from tallystick_hubspot.simulator.plan import Owner, Pipeline, Stage

ORIGIN = "https://api.hubspot.test"
SECRET = "VerySecretOfTheClient"
REFRESH = "VerySecretRefreshToken"
KEY = "pat-na1-VerySecretKey"
TOKEN = "VerySecretBearer"
DATE = "Tue, 01 Sep 2026 00:00:00 GMT"


@pytest.fixture
def timer():
    """A timer that waits no real time."""
    return FakeTimer()


@pytest.fixture
def configure(monkeypatch):
    """Make configurations with a service key; `oauth` has a refresh token instead."""

    def make(*, oauth=False, **settings):
        for name, value in (("KEY", KEY), ("CLIENT", SECRET), ("REFRESH", REFRESH)):
            monkeypatch.setenv(f"TALLYSTICK_TEST_{name}", value)
        sign_in = {"token": "env:TALLYSTICK_TEST_KEY"}
        if oauth:
            sign_in = {
                "client_id": "us",
                "client_secret": "env:TALLYSTICK_TEST_CLIENT",
                "refresh_token": "env:TALLYSTICK_TEST_REFRESH",
            }
        fast = {"searches_per_second": 1_000, "requests_per_second": 1_000}
        return HubSpotConfig(**{"base_url": ORIGIN, "start": "2026-04-01", **sign_in, **fast, **settings})

    return make


@pytest.fixture
def connect(configure, timer):
    """Make connectors; all are closed afterwards."""
    opened = []

    def make(**settings):
        opened.append(HubSpotConnector(configure(**settings), timer=timer))
        return opened[-1]

    yield make
    for connector in opened:
        connector.close()


def answer(body=None, status=200, date=DATE, **headers):
    """Give an answer as HubSpot writes it."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    found = {"content-type": "application/json;charset=utf-8", "x-hubspot-correlation-id": "req-test", **headers}
    return httpx.Response(status, content=content, headers={**found, "date": date} if date else found)


@pytest.fixture(name="answer")
def _answer():
    """Makes answers."""
    return answer


@pytest.fixture
def web():
    """What api.hubspot.test answers over httpx; a bearer is minted on demand."""
    with respx.mock(assert_all_called=False) as router:
        minted = []

        def mint(request):
            minted.append(dict(httpx.QueryParams(request.content.decode())))
            return answer({"access_token": f"{TOKEN}{len(minted)}", "token_type": "bearer", "expires_in": 1800})

        router.post(f"{ORIGIN}/oauth/2026-09/token", name="mint").mock(side_effect=mint)
        router.minted = minted
        yield router


T0 = instant("2026-09-01T08:00:00Z")
HOUR = 3_600_000
OWNERS = (
    Owner("31", 9_001, "ada@nordwind.example", "Ada", "East"),
    Owner("32", 9_002, "bea@nordwind.example", "Bea", "West"),
    Owner("33", 9_003, "old@nordwind.example", "Old", "Hand", archived_at=T0),
)
SALES = (Stage("first", "First"), Stage("won", "Won", closed=True, probability="1.0"))
PIPELINES = (
    Pipeline("tickets", "0", "Support", (Stage("1", "New"), Stage("2", "Waiting"), Stage("4", "Closed", closed=True))),
    Pipeline("deals", "default", "Sales", SALES),
)


@pytest.fixture
def plan():
    """Make plans of an account with three owners and two pipelines."""

    def make(*deeds, **more):
        return Plan(**{"owners": OWNERS, "pipelines": PIPELINES, "deeds": deeds, **more})

    return make


@pytest.fixture
def tickets():
    """Make deeds that create tickets, numbered from 1001."""

    def make(count, at=T0, first=1001):
        values = {"hs_pipeline": "0", "hs_pipeline_stage": "1", "subject": "x"}
        return [Create(at, ("tickets", str(first + n)), values, person(9_001)) for n in range(count)]

    return make


@pytest.fixture
def simulate(connect):
    """Serve a plan at an instant; give the application and a function that makes connectors for it."""
    opened = []

    def make(plan, now=T0 + 2 * HOUR, **options):
        simulator = create_app(1, plan=plan, **options)
        simulator.move(now // 1000)
        opened.append(running(simulator))
        origin = opened[-1].__enter__()
        return simulator, lambda **settings: connect(base_url=origin, **settings)

    yield make
    for served in opened:
        served.__exit__(None, None, None)


@pytest.fixture
def streams():
    """Give the streams of a connector by name."""
    return lambda connector: {stream.name: stream for stream in connector.streams()}


@pytest.fixture
def read():
    """Read a stream; give its pages and their records."""

    def run(stream, watermark=None, until=T0 + 2 * HOUR):
        pages = [page for part in stream.plan(watermark, until * 1000) for page in stream.read(part)]
        return pages, [record for page in pages for record in page.records]

    return run

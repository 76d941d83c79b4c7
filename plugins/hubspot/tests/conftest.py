"""A HubSpot without HubSpot: configurations, a timer of its own, and answers to calls."""

import json

import httpx
import pytest
import respx

from tallystick.testing.timing import FakeTimer
from tallystick_hubspot.connector import HubSpotConfig, HubSpotConnector

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

"""A Zendesk without Zendesk: configurations, a timer of its own, and answers to calls."""

import json

import httpx
import pytest
import respx

from tallystick.connectors import Timer
from tallystick_zendesk.connector import ZendeskConfig, ZendeskConnector

ORIGIN = "https://acme.zendesk.test"
SECRET = "VerySecretOfTheClient"
TOKEN = "VerySecretBearer"
DATE = "Tue, 01 Sep 2026 00:00:00 GMT"


class FakeTimer(Timer):
    """Moves its own time by waiting, so that nothing is waited for."""

    def __init__(self):
        super().__init__()
        self.time = 1000.0
        self.waits = []

    def now(self):
        """Give its own time."""
        return self.time

    def wait(self, seconds):
        """Wait no real time."""
        super().wait(0)
        self.waits.append(seconds)
        self.time += max(seconds, 0)


@pytest.fixture
def timer():
    """A timer that waits no real time."""
    return FakeTimer()


@pytest.fixture
def configure(monkeypatch):
    """Make configurations with an OAuth client; `legacy` has an API token instead."""

    def make(*, legacy=False, **settings):
        monkeypatch.setenv("TALLYSTICK_TEST_ZENDESK", SECRET)
        ref = "env:TALLYSTICK_TEST_ZENDESK"
        sign_in = {"email": "ada@acme.test", "api_token": ref} if legacy else {"client_id": "us", "client_secret": ref}
        fast = {
            "requests_per_minute": 60_000,
            "export_requests_per_minute": 60_000,
            "user_export_requests_per_minute": 60_000,
        }
        return ZendeskConfig(**{"base_url": ORIGIN, "start": "2026-04-01", **sign_in, **fast, **settings})

    return make


@pytest.fixture
def connect(configure, timer):
    """Make connectors; all are closed afterwards."""
    opened = []

    def make(**settings):
        opened.append(ZendeskConnector(configure(**settings), timer=timer))
        return opened[-1]

    yield make
    for connector in opened:
        connector.close()


def answer(body=None, status=200, date=DATE, **headers):
    """Give an answer as Zendesk writes it."""
    content = body if isinstance(body, bytes) else json.dumps(body, indent=1).encode()
    found = {"content-type": "application/json; charset=utf-8", "x-request-id": "req_test", **headers}
    return httpx.Response(status, content=content, headers={**found, "date": date} if date else found)


@pytest.fixture(name="answer")
def _answer():
    """Makes answers."""
    return answer


@pytest.fixture
def web():
    """What acme.zendesk.test answers over httpx; a bearer is minted on demand."""
    with respx.mock(assert_all_called=False) as router:
        minted = []

        def mint(request):
            minted.append(json.loads(request.content))
            return answer({"access_token": f"{TOKEN}{len(minted)}", "token_type": "bearer", "expires_in": 7200})

        router.post(f"{ORIGIN}/oauth/tokens", name="mint").mock(side_effect=mint)
        router.minted = minted
        yield router

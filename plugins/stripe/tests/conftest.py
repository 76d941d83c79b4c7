"""A Stripe without Stripe: configurations, a timer of its own, and answers to calls."""

import json

import httpx
import pytest
import respx

from tallystick.testing.timing import FakeTimer
from tallystick_stripe.connector import StripeConfig, StripeConnector

ORIGIN = "https://api.stripe.test"
KEY = "rk_live_51HxVerySecret"
DATE = "Tue, 01 Sep 2026 00:00:00 GMT"


@pytest.fixture
def timer():
    """A timer that waits no real time."""
    return FakeTimer()


@pytest.fixture
def connect(monkeypatch, timer):
    """Make connectors; all are closed afterwards."""
    opened = []

    def make(key=KEY, **settings):
        monkeypatch.setenv("TALLYSTICK_TEST_STRIPE", key)
        config = {"base_url": ORIGIN, "key": "env:TALLYSTICK_TEST_STRIPE", "start": "2026-04-01", **settings}
        opened.append(StripeConnector(StripeConfig(**config), timer=timer))
        return opened[-1]

    yield make
    for connector in opened:
        connector.close()


@pytest.fixture
def web():
    """What api.stripe.test answers over httpx."""
    with respx.mock(assert_all_called=False) as router:
        yield router


def answer(body=None, status=200, date=DATE, **headers):
    """Give an answer as Stripe writes it."""
    content = body if isinstance(body, bytes) else json.dumps(body, indent=2).encode()
    found = {"content-type": "application/json", "request-id": "req_test", **headers}
    return httpx.Response(status, content=content, headers={**found, "date": date} if date else found)


def page(*rows, more=False):
    """Give a page of a list."""
    return {"object": "list", "data": list(rows), "has_more": more, "url": "/v1/things"}


def refused(code=None, message="no", kind="invalid_request_error"):
    """Give the body of an error."""
    return {"error": {"type": kind, "code": code, "message": message}}


@pytest.fixture(name="answer")
def _answer():
    """Makes answers."""
    return answer


@pytest.fixture(name="page")
def _page():
    """Makes pages."""
    return page


@pytest.fixture(name="refused")
def _refused():
    """Makes bodies of errors."""
    return refused

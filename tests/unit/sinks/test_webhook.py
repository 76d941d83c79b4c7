"""Webhooks are signed as Standard Webhooks says, carry CloudEvents, and take each answer for what it means."""

import base64
import hashlib
import hmac
import json
from decimal import Decimal

import pytest
from pydantic import ValidationError
from tests.receiver import receiving
from tests.sinking import LOCKED, event

from tallystick.errors import AuthorizationError, ConfigurationError, PermanentError, RateLimited, RetryableError
from tallystick.sinks import Attempt, Previous, UndeliverableError
from tallystick.sinks.webhook import WebhookConfig, WebhookSink, sign
from tallystick.testing.timing import FakeTimer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD = "whsec_" + base64.b64encode(bytes(range(32))).decode()
NOW = LOCKED + 123_456_789


@pytest.fixture
def receiver():
    """A receiver on this machine."""
    with receiving() as found:
        yield found


@pytest.fixture
def timer():
    """A timer that waits no real time."""
    return FakeTimer()


@pytest.fixture
def webhook(receiver, monkeypatch, timer, tmp_path):
    """Make webhooks to the receiver; all are closed afterwards."""
    monkeypatch.setenv("HOOK", SECRET)
    monkeypatch.setenv("HOOK_OLD", OLD)
    opened = []

    def make(clock=lambda: NOW, **settings):
        config = WebhookConfig(**{"url": f"{receiver.origin}/hooks/tally", "secret": "env:HOOK", **settings})
        opened.append(WebhookSink(config, root=tmp_path, clock=clock, timer=timer))
        return opened[-1]

    yield make
    for sink in opened:
        sink.close()


def test_the_signature_of_the_specification():
    """The published example of a signature comes out to the letter."""
    secret = base64.b64decode(SECRET.removeprefix("whsec_"))
    signed = sign([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')

    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_is_posted(webhook, receiver):
    """One POST to the address: the event as a CloudEvent, its key, the second of sending, and the signature of both."""
    webhook().deliver(event(), Attempt(NOW))
    [(path, headers, body)] = receiver.got

    assert path == "/hooks/tally"
    assert headers["content-type"] == "application/cloudevents+json"
    assert headers["webhook-id"] == event().key
    assert headers["webhook-timestamp"] == str(NOW // 1_000_000)
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    secret = base64.b64decode(SECRET.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_the_cloud_event(webhook, receiver):
    """The body is a CloudEvent with the claim, what it counts, its dates, and where contract and ledger have it."""
    back = event(
        event="reversed", status="reversed", quantity=Decimal(0), clause="unrefunded", claim="A\u00e9",
        previous=Previous(5, "verified", Decimal("100.00"), "EUR"),
    )  # fmt: skip
    webhook().deliver(back, Attempt(NOW))
    [(_, _, body)] = receiver.got

    assert json.loads(body) == {
        "specversion": "1.0",
        "id": back.key,
        "source": "/tallystick/test/acme",
        "type": "com.tallystick.outcome.reversed.v1",
        "subject": "claim:A\u00e9",
        "time": "2026-09-06T12:00:00Z",
        "datacontenttype": "application/json",
        "data": {
            "claim": "A\u00e9",
            "outcome": "paid",
            "status": "reversed",
            "quantity": "0",
            "unit": "EUR",
            "clause": "unrefunded",
            "month": "2026-09",
            "locks_at": "2026-09-06T12:00:00Z",
            "disputable_until": "2026-09-16T12:00:00Z",
            "clawback_until": "2026-11-05T12:00:00Z",
            "previous": {"entry": 5, "status": "verified", "quantity": "100.00", "unit": "EUR"},
            "contract": {"name": "acme", "version": 1, "sha256": "cd" * 32},
            "ledger": {"origin": "tallystick/test", "entry": 7, "size": 9, "root": "ab" * 32},
        },
    }


def test_two_secrets_while_receivers_change_over(webhook, receiver):
    """With a previous secret the header carries a signature of each, the new one first."""
    webhook(previous_secret="env:HOOK_OLD").deliver(event(), Attempt(NOW))
    [(_, headers, body)] = receiver.got
    secrets = [base64.b64decode(text.removeprefix("whsec_")) for text in (SECRET, OLD)]

    assert headers["webhook-signature"] == sign(secrets, event().key, NOW // 1_000_000, body)
    assert len(headers["webhook-signature"].split()) == 2


def test_a_repetition_is_signed_anew(webhook, receiver):
    """A call that is repeated carries the same body and key, and the second at which it is repeated."""
    clock = iter([LOCKED, LOCKED + 7_000_000]).__next__
    receiver.answers.append((500, {}))
    webhook(clock).deliver(event(), Attempt(NOW))
    [(_, first, body), (_, second, again)] = receiver.got

    assert (body, first["webhook-id"]) == (again, second["webhook-id"])
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 7
    assert first["webhook-signature"] != second["webhook-signature"]


@pytest.mark.parametrize(
    ("status", "error", "calls"),
    [
        (400, PermanentError, 1),
        (401, AuthorizationError, 1),
        (403, AuthorizationError, 1),
        (404, PermanentError, 1),
        (408, RetryableError, 3),
        (410, UndeliverableError, 1),
        (425, RetryableError, 3),
        (429, RateLimited, 3),
        (500, RetryableError, 3),
        (503, RetryableError, 3),
        (302, PermanentError, 1),
        (None, RetryableError, 3),
    ],
)
def test_answers(webhook, receiver, status, error, calls):
    """Each answer is the error that says what becomes of the event; a redirect is not followed."""
    receiver.on_request = lambda *_: (status, {"Location": f"{receiver.origin}/elsewhere"})
    with pytest.raises(error) as caught:
        webhook().deliver(event(), Attempt(NOW))

    assert type(caught.value) is error
    assert [path for path, _, _ in receiver.got] == ["/hooks/tally"] * calls


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_taken(webhook, receiver, status):
    """Any 2xx says that the event was taken."""
    receiver.answers.append((status, {}))
    webhook().deliver(event(), Attempt(NOW))

    assert len(receiver.got) == 1


def test_told_to_wait(webhook, receiver, timer):
    """A short `Retry-After` is waited out at once; a long one is handed on, with 503 as with 429."""
    receiver.answers.extend([(429, {"Retry-After": "2"}), (200, {}), (503, {"Retry-After": "120"})])
    webhook().deliver(event(), Attempt(NOW))
    assert 2 in timer.waits

    with pytest.raises(RateLimited) as caught:
        webhook().deliver(event(), Attempt(NOW))
    assert caught.value.retry_after == 120


def test_nobody_there(webhook, receiver):
    """An address where nobody listens may be tried again."""
    with pytest.raises(RetryableError, match="the connection to the webhook's receiver failed"):
        webhook(url="http://127.0.0.1:9/").deliver(event(), Attempt(NOW))


def test_a_private_address(webhook):
    """An address inside a private network is not connected to unless it is allowed."""
    with pytest.raises(PermanentError, match="private network"):
        webhook(url="https://10.1.2.3/hook").deliver(event(), Attempt(NOW))


@pytest.mark.parametrize("url", ["http://hooks.example.com/x", "https://u:p@example.com/", "https://h.test/?k=1", "no"])
def test_addresses_that_are_refused(url):
    """Plain http over a network, and an address with a password or a query, are refused without being repeated."""
    with pytest.raises(ValidationError) as caught:
        WebhookConfig(url=url, secret="env:HOOK")

    assert "p@example" not in str(caught.value)


@pytest.mark.parametrize(
    "secret", ["hook_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_!!!", "whsec_" + "A" * 200]
)
def test_secrets_that_are_none(webhook, receiver, monkeypatch, secret):
    """A secret without its prefix, too short, too long or no base64 stops the sink, and no message repeats it."""
    monkeypatch.setenv("HOOK", secret)
    with pytest.raises(ConfigurationError) as caught:
        webhook().deliver(event(), Attempt(NOW))

    assert secret not in caught.value.diagnostics()
    assert receiver.got == []


def test_no_secret_is_shown(webhook, receiver):
    """Neither a sink's text nor an error shows the secret."""
    receiver.answers.append((400, {}))
    sink = webhook()
    with pytest.raises(PermanentError) as caught:
        sink.deliver(event(), Attempt(NOW))

    assert SECRET not in f"{sink!r} {sink._config!r} {caught.value.diagnostics()}"

"""Webhooks: what is let in, and what the SDK's own check would let in and we do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import AuthorizationError, SchemaChanged
from tallystick_hubspot.simulator.sample import sample_plan
from tallystick_hubspot.simulator.webhooks import deliveries, sign
from tallystick_hubspot.webhooks import SIGNATURE, TIMESTAMP, Hint, verify

SECRET = "an-app-secret"
ADDRESS = "https://hooks.acme.test/hubspot"
NOW = 1_788_220_800_000
EVENT = b'[{"eventId":1,"subscriptionType":"ticket.propertyChange","objectId":1001}]'


def _post(body=EVENT, at=NOW, address=ADDRESS, secret=SECRET):
    return {"X-HubSpot-Signature-v3": sign(secret, address, str(at), body), "X-HubSpot-Request-Timestamp": str(at)}


def _verify(body=EVENT, headers=None, now=NOW, address=ADDRESS, secret=SECRET, **more):
    return verify(body, _post() if headers is None else headers, secret, now * 1000, address=address, **more)


def test_a_signed_webhook_is_a_hint():
    """What was signed says which object to read again."""
    assert _verify() == [Hint("1", "ticket.propertyChange", "ticket/1001")]


@pytest.mark.parametrize(
    ("event", "ref"),
    [
        ('"subscriptionType":"company.creation","objectId":5', "account/5"),
        ('"subscriptionType":"object.creation","objectId":5,"objectTypeId":"0-47"', "meeting/5"),
        ('"subscriptionType":"object.deletion","objectId":"5","objectTypeId":"0-48"', "call/5"),
        ('"subscriptionType":"object.creation","objectId":5,"objectTypeId":"2-99"', None),
        ('"subscriptionType":"conversation.newMessage"', None),
    ],
)
def test_what_a_hint_is_about(event, ref):
    """Each kind that we read is told by its word or the number of its type; of anything else there is no reference."""
    body = f"[{{{event}}}]".encode()

    assert [hint.ref for hint in _verify(body, _post(body))] == [ref]


def test_all_of_a_simulated_account_is_let_in():
    """Every webhook of the simulated account is accepted at its time, also the ones that come twice."""
    posts = deliveries(sample_plan(), secret=SECRET, uri=ADDRESS)
    found = [
        hint
        for post in posts
        for hint in _verify(post.body, post.headers, int(post.headers["X-HubSpot-Request-Timestamp"]))
    ]

    assert len(posts) > 10
    assert len({hint.event_id for hint in found}) < len(found)
    assert all(hint.ref for hint in found)


@pytest.mark.parametrize("off", [-301_000, 301_000, 3_600_000, -86_400_000])
def test_the_time_is_bounded_both_ways(off):
    """A webhook signed long ago is refused, and one signed in the future too, which the SDK would take."""
    with pytest.raises(AuthorizationError, match="five minutes"):
        _verify(headers=_post(at=NOW + off))


def test_our_clock_is_the_one_that_is_passed_in():
    """A webhook of any year is judged by the time passed in, and never by the machine's clock."""
    for years in (-20, 0, 20):
        now = NOW + years * 31_536_000_000
        assert _verify(headers=_post(at=now - 299_000), now=now)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-HubSpot-Signature": "abc", "X-HubSpot-Signature-Version": "v2"},
        {**_post(), "X-HubSpot-Signature-v3": ""},
        {**_post(), "X-HubSpot-Signature-v3": "ä"},
        {**_post(), "X-HubSpot-Signature-v3": "a, b"},
        {**_post(), "X-HubSpot-Request-Timestamp": "soon"},
        {**_post(), "X-HubSpot-Signature-v3": "x" * 201},
        _post(secret="another"),
        _post(body=b"[]"),
        _post(address="https://evil.test/hubspot"),
        [*_post().items(), *_post().items()],
    ],
)
def test_what_is_not_signed_is_refused(headers):
    """Missing, doubled, older, foreign and unreadable signatures are refused without another exception."""
    with pytest.raises(AuthorizationError):
        _verify(headers=headers)


@pytest.mark.parametrize("secret", ["", "gehéim"])
def test_a_secret_that_is_none_lets_nothing_in(secret):
    """Without a secret nothing is signed."""
    with pytest.raises(AuthorizationError, match="secret"):
        _verify(secret=secret)


def test_a_body_that_is_no_text_is_refused():
    """Bytes that are no UTF-8 are refused before the SDK sees them."""
    with pytest.raises(AuthorizationError, match="text"):
        _verify(b"\xff", _post(b"\xff"))


def test_percent_sequences_are_decoded_as_hubspot_does():
    """An address with encoded signs is signed as if they were not; the fragment is no part of it."""
    headers = _post(address="https://hooks.acme.test/hubspot?a=:/,&b=%20")

    assert _verify(headers=headers, address="https://hooks.acme.test/hubspot?a=%3A%2f%2C&b=%20#top")


def test_another_method_is_another_signature():
    """The method is part of what is signed."""
    with pytest.raises(AuthorizationError):
        _verify(method="PUT")


@pytest.mark.parametrize("body", [b"{}", b"[1]", b"nothing", b'[{"subscriptionType":5}]'])
def test_a_signed_body_that_is_no_event_is_told(body):
    """What is signed and no list of events is an error of its own."""
    with pytest.raises(SchemaChanged):
        _verify(body, _post(body))


@given(body=st.binary(max_size=40), signature=st.text(max_size=60), timestamp=st.text(max_size=20))
def test_nothing_forged_gets_in(body, signature, timestamp):
    """Whatever comes without the secret is refused, and with no other exception."""
    headers = {SIGNATURE: signature, TIMESTAMP: timestamp}

    with pytest.raises(AuthorizationError):
        verify(body, headers, SECRET, NOW * 1000, address=ADDRESS)

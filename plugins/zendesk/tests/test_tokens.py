"""The sign-in: minted once, renewed in time, never shown."""

import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tallystick.connectors import SecretRef
from tallystick.errors import (
    AuthorizationError,
    ConfigurationError,
    PermanentError,
    RateLimited,
    RetryableError,
    SchemaChanged,
)
from tallystick_zendesk.tokens import ApiToken, NoSignIn, TokenProvider

ORIGIN = "https://acme.zendesk.test"
SECRET = "VerySecretOfTheClient"
MINT = f"{ORIGIN}/oauth/tokens"


@pytest.fixture
def provider(monkeypatch, timer):
    """A provider for acme.zendesk.test."""
    monkeypatch.setenv("TALLYSTICK_TEST_ZENDESK", SECRET)
    made = TokenProvider(ORIGIN, "us", SecretRef("env:TALLYSTICK_TEST_ZENDESK"), timer)
    yield made
    made.close()


def test_a_bearer_is_minted_once(web, provider):
    """The client's credentials and the scope read are sent as JSON, and the bearer serves every call after."""
    headers = {provider.authorization() for _ in range(5)}

    assert headers == {"Bearer VerySecretBearer1"}
    assert web.minted == [
        {"grant_type": "client_credentials", "client_id": "us", "client_secret": SECRET, "scope": "read"}
    ]
    assert provider.calls == 1


def test_it_is_renewed_before_it_expires(web, provider, timer):
    """A minute before its two hours are over, by the timer's elapsed time, the next one is minted."""
    provider.authorization()
    timer.time += 7200 - 61
    assert provider.authorization() == "Bearer VerySecretBearer1"
    timer.time += 2
    assert provider.authorization() == "Bearer VerySecretBearer2"


def test_a_short_life_is_used_for_most_of_it(web, provider, timer, answer):
    """A bearer that lives ten seconds is used for nine."""
    web.post(MINT).mock(return_value=answer({"access_token": "x", "expires_in": 10}))
    provider.authorization()
    timer.time += 8.9
    provider.authorization()
    assert provider.calls == 1
    timer.time += 0.2
    provider.authorization()
    assert provider.calls == 2


def test_without_a_life_it_is_used_until_it_is_refused(web, provider, timer, answer):
    """A bearer of which nobody says how long it lives stays until a call is refused."""
    web.post(MINT).mock(return_value=answer({"access_token": "x", "expires_in": None}))
    provider.authorization()
    timer.time += 10**9
    assert provider.authorization() == "Bearer x"
    assert provider.calls == 1


def test_a_refused_bearer_is_dropped_once(web, provider):
    """When several threads report one refused bearer, only one new bearer is minted."""
    old = provider.authorization()
    assert all([provider.refused(old), provider.refused(old)])
    new = provider.authorization()
    assert provider.refused(old)

    assert provider.authorization() == new == "Bearer VerySecretBearer2"


@pytest.fixture
def slow(web, answer):
    """Minting takes long enough for other threads to come in between."""
    minted = []

    def mint(_):
        minted.append(1)
        count = len(minted)
        time.sleep(0.05)
        return answer({"access_token": f"VerySecretBearer{count}"})

    web.post(MINT).mock(side_effect=mint)
    return web


def test_threads_mint_one_bearer_together(slow, provider):
    """Twenty threads that need a bearer at once make one call, and all get what it gave."""
    start = threading.Barrier(20)

    def ask(_):
        start.wait()
        return provider.authorization()

    with ThreadPoolExecutor(20) as pool:
        headers = set(pool.map(ask, range(20)))

    assert headers == {"Bearer VerySecretBearer1"}
    assert provider.calls == 1


def test_threads_whose_bearer_expired_mint_one_together(slow, provider):
    """Twenty threads refused with the same bearer renew it with one call."""
    old = provider.authorization()
    start = threading.Barrier(20)

    def renew(_):
        start.wait()
        provider.refused(old)
        return provider.authorization()

    with ThreadPoolExecutor(20) as pool:
        headers = set(pool.map(renew, range(20)))

    assert headers == {"Bearer VerySecretBearer2"}
    assert provider.calls == 2


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, AuthorizationError),
        (401, AuthorizationError),
        (403, AuthorizationError),
        (404, PermanentError),
        (302, PermanentError),
        (429, RateLimited),
        (500, RetryableError),
        (503, RateLimited),
    ],
)
def test_each_refusal_of_the_sign_in_is_mapped(web, provider, answer, status, kind):
    """A refused client stops, a limit or trouble waits; an answer that repeats the secret is not repeated."""
    echo = {"error": "invalid_client", "error_description": f"client_secret {SECRET} is wrong"}
    web.post(MINT).mock(return_value=answer(echo, status, **{"retry-after": "7", "location": "https://evil.test/"}))

    with pytest.raises(kind) as caught:
        provider.authorization()
    assert type(caught.value) is kind
    assert SECRET not in caught.value.diagnostics()
    assert status != 429 or caught.value.retry_after == 7


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>", RetryableError),
        (b'{"access_token": "VerySecret', RetryableError),
        (b'{"access_token": ["VerySecret"]}', SchemaChanged),
        (b'{"access_token": ""}', SchemaChanged),
        (b'{"access_token": "Very\\nSecret"}', SchemaChanged),
        (b'{"token": "VerySecret"}', SchemaChanged),
        (b'{"access_token": "VerySecret", "expires_in": "soon"}', SchemaChanged),
    ],
)
def test_an_answer_that_is_no_token_is_told(web, provider, answer, body, kind):
    """Half a JSON document is tried again, another shape is not, and neither shows what came."""
    web.post(MINT).mock(return_value=answer(body))

    with pytest.raises(kind) as caught:
        provider.authorization()
    assert "Secret" not in caught.value.diagnostics()


@pytest.mark.parametrize(
    "cause", [httpx.ConnectError("no"), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("cut")]
)
def test_a_broken_connection_is_tried_again(web, provider, cause):
    """Whatever breaks on the way to the sign-in is an error that may pass."""
    web.post(MINT).mock(side_effect=cause)

    with pytest.raises(RetryableError) as caught:
        provider.authorization()
    assert caught.value.__cause__ is None


def test_a_sign_in_that_drips_for_ever_is_given_up(web, provider, timer):
    """An answer to the sign-in that never comes to its end holds the reader for a bounded time."""

    class Drip(httpx.SyncByteStream):
        def __iter__(self):
            while True:
                timer.time += 29.0
                yield b" "

    web.post(MINT).mock(side_effect=lambda _: httpx.Response(200, stream=Drip()))

    with pytest.raises(RetryableError, match="did not answer in time"):
        provider.authorization()


def test_nothing_shows_the_secret(web, provider):
    """Neither the provider nor its parts show the secret or the bearer when printed."""
    provider.authorization()

    assert repr(provider) == "TokenProvider(env:TALLYSTICK_TEST_ZENDESK)"
    assert b"VerySecret" not in pickle.dumps(repr(provider))
    assert repr(ApiToken("a@b.test", SecretRef("env:X"))) == "ApiToken(env:X)"


def test_after_closing_nothing_is_minted(web, provider, timer):
    """A provider whose connector was closed makes no call any more."""
    timer.stop()

    with pytest.raises(RetryableError, match="closed"):
        provider.authorization()
    assert provider.calls == 0


def test_a_missing_secret_is_told_without_a_call(timer):
    """That the secret is not there is seen before any call."""
    provider = TokenProvider(ORIGIN, "us", SecretRef("env:TALLYSTICK_NOT_THERE"), timer)

    with pytest.raises(ConfigurationError, match="TALLYSTICK_NOT_THERE"):
        provider.ready()
    provider.close()


def test_an_api_token_is_sent_as_basic(monkeypatch):
    """The legacy sign-in is Basic with /token behind the address, and there is no second one to try."""
    monkeypatch.setenv("TALLYSTICK_TEST_ZENDESK", "abc")
    token = ApiToken("a@b.test", SecretRef("env:TALLYSTICK_TEST_ZENDESK"))
    token.ready()

    assert token.authorization() == "Basic YUBiLnRlc3QvdG9rZW46YWJj"
    assert not token.refused(token.authorization())
    assert token.calls == 0
    token.close()


def test_without_a_sign_in_every_use_says_so():
    """A source without a sign-in says what to set."""
    nobody = NoSignIn()

    for use in (nobody.ready, nobody.authorization):
        with pytest.raises(ConfigurationError, match="no sign-in") as caught:
            use()
        assert "client_id" in caught.value.hint
    assert not nobody.refused("")
    nobody.close()


def test_an_address_that_is_none_is_told(timer):
    """A base URL that httpx cannot use is an error of the configuration."""
    with pytest.raises(ConfigurationError):
        TokenProvider("https://a:b", "us", SecretRef("env:X"), timer)

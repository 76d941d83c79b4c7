"""A bearer is minted once for all threads, renewed in time, and given back by whoever is the last to use it."""

import threading

import httpx
import pytest
import respx

from tallystick.connectors import Bearer, Token, TokenEndpoint
from tallystick.errors import ConfigurationError, RetryableError, SchemaChanged
from tallystick.testing.timing import FakeTimer

ORIGIN = "https://api.example.test"
SECRET = "VerySecretOfTheClient"


@pytest.fixture
def timer():
    """A timer that waits no real time."""
    return FakeTimer()


def _numbered(lives=None):
    """Give what mints token-1, token-2, ... and the list of those that were minted."""
    minted = []

    def mint():
        minted.append(f"token-{len(minted) + 1}")
        return Token(minted[-1], lives)

    return mint, minted


def test_threads_share_one_bearer(timer):
    """Eight threads that ask at once get the same bearer, minted once."""
    mint, minted = _numbered()
    bearer, found, all_there = Bearer(mint, timer), [], threading.Barrier(8)

    def ask():
        all_there.wait()
        found.append(bearer.get())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (set(found), minted) == ({"token-1"}, ["token-1"])


@pytest.mark.parametrize(("lives", "still", "over"), [(100, 89, 91), (7_200, 7_139, 7_141)])
def test_a_bearer_is_renewed_before_it_expires(timer, lives, still, over):
    """A tenth of its life before its end, and a minute at most, a bearer counts as expired."""
    bearer = Bearer(_numbered(lives)[0], timer)
    assert bearer.get() == "token-1"
    timer.wait(still)
    assert bearer.get() == "token-1"
    timer.wait(over - still)
    assert bearer.get() == "token-2"


def test_only_the_refused_bearer_is_dropped(timer):
    """A bearer that was refused is minted anew once, whoever says so late."""
    bearer = Bearer(_numbered()[0], timer)
    bearer.get()
    bearer.refused("token-1")
    assert bearer.get() == "token-2"
    bearer.refused("token-1")
    assert bearer.get() == "token-2"


def test_nothing_is_minted_once_the_timer_was_stopped(timer):
    """After the end a bearer is not minted, and what minting uses is given back."""
    released = []
    mint, minted = _numbered()
    bearer = Bearer(mint, timer, release=lambda: released.append(True))
    timer.stop()
    with pytest.raises(RetryableError, match="closed"):
        bearer.get()
    assert (minted, released) == ([], [True])


def test_closing_while_a_thread_mints_leaves_it_to_that_thread(timer):
    """What a thread is minting with is not taken away from it; the thread gives it back itself."""
    begun, go_on, released = threading.Event(), threading.Event(), []

    def mint():
        begun.set()
        go_on.wait(10)
        released.append("minted")
        return Token("token")

    bearer = Bearer(mint, timer, release=lambda: released.append("released"))
    thread = threading.Thread(target=bearer.get)
    thread.start()
    begun.wait(10)
    timer.stop()
    bearer.close()
    assert released == []
    go_on.set()
    thread.join()
    assert released == ["minted", "released"]


def _ask(timer, answer):
    endpoint = TokenEndpoint(ORIGIN, "/token", name="Acme", update="Update it.", timer=timer)
    with respx.mock() as router:
        router.post(f"{ORIGIN}/token").mock(return_value=answer)
        return endpoint.ask(lambda _: None, [SECRET], data={"client_secret": SECRET})


def test_a_token_is_shown_nowhere(timer):
    """What was minted is used and not printed."""
    token = _ask(timer, httpx.Response(200, json={"access_token": "abc", "expires_in": 60, "more": 1}))
    assert (token.access_token, token.expires_in) == ("abc", 60)
    assert "abc" not in repr(token)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"token": "abc"}', SchemaChanged),
        (b'{"access_token": 5}', SchemaChanged),
        (b'{"access_token": "a b"}', SchemaChanged),
        (b'{"access_token": ""}', SchemaChanged),
        ('{"access_token": "ä"}'.encode(), SchemaChanged),
        (b"<html>", RetryableError),
        (b'{"access_token": "ab', RetryableError),
    ],
)
def test_an_answer_without_a_bearer_is_one_of_our_errors(timer, body, kind):
    """An answer in another shape, cut short, or with what cannot be sent is told, and shows no secret in its id."""
    answer = httpx.Response(200, content=body, headers={"x-request-id": f"id {SECRET}"})
    with pytest.raises(kind) as caught:
        _ask(timer, answer)
    assert SECRET not in caught.value.diagnostics()
    assert caught.value.__cause__ is None


def test_an_address_that_is_none_is_refused(timer):
    """An address that cannot be used is told before any call."""
    with pytest.raises(ConfigurationError, match="address of Acme"):
        TokenEndpoint("https://api.example.test:port", "/token", name="Acme", update="Update it.", timer=timer)

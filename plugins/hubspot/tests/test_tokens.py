"""The sign-in: what is sent for a bearer, when a new one is minted, and that no secret is ever shown."""

import httpx
import pytest

from tallystick.connectors import SecretRef
from tallystick.errors import (
    AuthorizationError,
    ConfigurationError,
    ConnectorError,
    PermanentError,
    RateLimited,
    RetryableError,
    SchemaChanged,
)
from tallystick_hubspot.tokens import NoSignIn, OAuthRefresh, StaticToken

ORIGIN = "https://api.hubspot.test"
MINT = f"{ORIGIN}/oauth/2026-09/token"
SECRET, REFRESH, TOKEN = "VerySecretOfTheClient", "VerySecretRefreshToken", "VerySecretBearer"


@pytest.fixture
def provider(monkeypatch, timer):
    """A provider of bearers at the dated path."""
    monkeypatch.setenv("TALLYSTICK_TEST_CLIENT", SECRET)
    monkeypatch.setenv("TALLYSTICK_TEST_REFRESH", REFRESH)
    made = OAuthRefresh(
        (ORIGIN, "/oauth/2026-09/token"),
        "us",
        SecretRef("env:TALLYSTICK_TEST_CLIENT"),
        SecretRef("env:TALLYSTICK_TEST_REFRESH"),
        timer,
    )
    yield made
    made.close()


def test_a_bearer_is_minted_once(web, provider):
    """The refresh token goes as a form, and the bearer serves every call until it is nearly over."""
    assert [provider.bearer() for _ in range(3)] == [f"{TOKEN}1"] * 3
    assert web.minted == [
        {"grant_type": "refresh_token", "client_id": "us", "client_secret": SECRET, "refresh_token": REFRESH}
    ]
    assert provider.calls == 1


def test_a_bearer_is_renewed_before_it_expires(web, provider, timer):
    """Half an hour less a minute after it was minted a new one is, and not before."""
    provider.bearer()
    timer.time += 1739
    assert provider.bearer() == f"{TOKEN}1"
    timer.time += 2
    assert provider.bearer() == f"{TOKEN}2"


def test_a_refused_bearer_is_dropped_once(web, provider):
    """The refusal of an old bearer does not throw away the new one."""
    old = provider.bearer()

    assert provider.refused(old)
    assert provider.bearer() == f"{TOKEN}2"
    assert provider.refused(old)
    assert provider.bearer() == f"{TOKEN}2"


@pytest.mark.parametrize(
    ("answered", "kind"),
    [
        ((400, {"status": "BAD_REFRESH_TOKEN", "message": f"{REFRESH} is not valid"}), AuthorizationError),
        ((401, {"message": SECRET}), AuthorizationError),
        ((302, {}), PermanentError),
        ((429, {"message": f"{SECRET}"}), RateLimited),
        ((503, {}), RetryableError),
        ((418, {}), PermanentError),
        ((200, {"access_token": 5}), SchemaChanged),
        ((200, {"access_token": "two words\n"}), SchemaChanged),
        ((200, b"<html>"), RetryableError),
    ],
)
def test_what_each_refusal_means(web, answer, provider, answered, kind):
    """Each answer to a sign-in has its error, and none of them shows a secret."""
    status, body = answered
    web.post(MINT).mock(return_value=answer(body, status, **{"x-hubspot-correlation-id": f"req-{REFRESH}"}))

    with pytest.raises(ConnectorError) as caught:
        provider.bearer()
    assert type(caught.value) is kind
    assert SECRET not in caught.value.diagnostics()
    assert REFRESH not in caught.value.diagnostics() + str(caught.value.request_id)


def test_a_connection_that_breaks_is_told(web, provider):
    """A sign-in that cannot be made is an error of ours."""
    web.post(MINT).mock(side_effect=httpx.ConnectError("refused"))

    with pytest.raises(RetryableError, match="sign-in"):
        provider.bearer()


def test_a_closed_connector_signs_in_no_more(web, provider, timer):
    """Once it was stopped no bearer is minted."""
    timer.stop()

    with pytest.raises(RetryableError, match="closed"):
        provider.bearer()
    assert not web.minted


def test_no_secret_is_shown(provider):
    """A sign-in shows where its secrets are kept, and nothing else."""
    assert repr(provider) == "OAuthRefresh(env:TALLYSTICK_TEST_CLIENT, env:TALLYSTICK_TEST_REFRESH)"
    assert repr(StaticToken(SecretRef("env:X"))) == "StaticToken(env:X)"


def test_what_is_missing_is_told_before_any_call(monkeypatch):
    """A secret that is not there, and a sign-in that is none, are told by `ready`."""
    monkeypatch.delenv("TALLYSTICK_TEST_NONE", raising=False)
    for sign_in in (StaticToken(SecretRef("env:TALLYSTICK_TEST_NONE")), NoSignIn()):
        with pytest.raises(ConfigurationError):
            sign_in.ready()
        with pytest.raises(ConfigurationError):
            sign_in.bearer()
        assert not sign_in.refused("x")
        sign_in.close()


def test_an_address_that_is_none_is_refused(timer):
    """A base URL that cannot be read is a configuration error."""
    with pytest.raises(ConfigurationError, match="address"):
        OAuthRefresh(("https://[::1", "/x"), "us", SecretRef("env:A"), SecretRef("env:B"), timer)

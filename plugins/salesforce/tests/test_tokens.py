"""The sign-in: what is sent, what comes back, and what is never shown."""

import base64
import json
import threading
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tallystick.connectors import SecretRef
from tallystick.errors import (
    AuthorizationError,
    ConfigurationError,
    PermanentError,
    RateLimited,
    RetryableError,
    SchemaChanged,
)
from tallystick_salesforce.tokens import ClientCredentials, JwtBearer, NoSignIn, TokenProvider

ORIGIN = "https://acme.my.salesforce.test"
SECRET = "VerySecretOfTheApp"


@pytest.fixture
def provider(monkeypatch, timer):
    """Make providers of tokens for the org."""

    def make(credentials=None):
        monkeypatch.setenv("TALLYSTICK_TEST_SALESFORCE", SECRET)
        credentials = credentials or ClientCredentials("key", SecretRef("env:TALLYSTICK_TEST_SALESFORCE"))
        return TokenProvider(credentials, login_url=ORIGIN, base_url=ORIGIN, timer=timer)

    return make


@pytest.fixture(scope="module")
def key():
    """A private key, and its PEM."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    return made, made.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def test_client_credentials_go_as_basic(org, provider):
    """Key and secret are sent as Basic, to the token endpoint of the org, with our name on it."""
    assert provider().token() == "00DVerySecret!Token1"
    [(_, (body, headers))] = org.calls

    assert parse_qs(body) == {"grant_type": ["client_credentials"]}
    assert base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode() == f"key:{SECRET}"
    assert headers["user-agent"].startswith("tallystick/")


@pytest.fixture
def kept(key, tmp_path, monkeypatch):
    """The public key, and references to the private one: as a file, and as base64 on one line."""
    path = tmp_path / "key.pem"
    path.write_bytes(key[1])
    monkeypatch.setenv("TALLYSTICK_TEST_KEY", base64.b64encode(key[1]).decode())
    return key[0].public_key(), {"file": SecretRef(f"file:{path}"), "env": SecretRef("env:TALLYSTICK_TEST_KEY")}


@pytest.mark.parametrize(("where", "audience"), [("file", "login"), ("env", "test")])
def test_a_signed_assertion_names_app_user_and_audience(org, provider, kept, where, audience):
    """The key signs for the user, whether it is kept as a file or as base64 on one line."""
    public, refs = kept
    provider(JwtBearer("key", "ada@acme.test", refs[where], audience)).token()
    [(_, (body, _))] = org.calls
    form = parse_qs(body)
    told = jwt.decode(
        form["assertion"][0],
        public,
        algorithms=["RS256"],
        audience=f"https://{audience}.salesforce.com",
        options={"verify_exp": False},
    )

    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    assert (told["iss"], told["sub"]) == ("key", "ada@acme.test")


@pytest.mark.parametrize(
    "text", ["no key", "-----BEGIN PRIVATE KEY-----\nVerySecretNonsense\n-----END PRIVATE KEY-----"]
)
def test_what_is_no_key_is_told_without_being_shown(org, provider, tmp_path, text):
    """A file without a key, or with a broken one, is the operator's to correct; its text is not repeated."""
    path = tmp_path / "key.pem"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        provider(JwtBearer("key", "ada@acme.test", SecretRef(f"file:{path}"))).token()

    assert "VerySecret" not in caught.value.diagnostics()
    assert org.calls == []


def test_a_key_that_cannot_be_read_is_told(provider, tmp_path):
    """A file that is not there is named, and one that holds no base64 is too."""
    with pytest.raises(ConfigurationError, match="cannot be read"):
        provider(JwtBearer("key", "a@b.test", SecretRef(f"file:{tmp_path}/none.pem"))).ready()
    with pytest.raises(ConfigurationError, match="no private key"):
        provider(JwtBearer("key", "a@b.test", SecretRef("env:TALLYSTICK_TEST_SALESFORCE"))).ready()


def test_a_token_is_kept_until_it_is_refused(org, provider):
    """One is minted, used again, and minted anew only after the very one that is in use was refused."""
    tokens = provider()
    first = tokens.token()
    tokens.refused("another one")
    assert (tokens.token(), org.tokens) == (first, 1)
    tokens.refused(first)
    tokens.refused(first)

    assert tokens.token() != first
    assert (org.tokens, tokens.calls) == (2, 2)


def test_sixteen_threads_that_meet_an_expired_token_mint_one(org, provider):
    """Whoever comes second finds the token that the first one minted."""
    tokens = provider()
    old, found, start = tokens.token(), [], threading.Barrier(16)

    def meet():
        start.wait()
        tokens.refused(old)
        found.append(tokens.token())

    threads = [threading.Thread(target=meet) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert org.tokens == 2
    assert set(found) == {org.valid}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (
            400,
            {"error": "invalid_grant", "error_description": "user hasn't approved this consumer"},
            AuthorizationError,
        ),
        (400, {"error": "invalid_client", "error_description": SECRET}, AuthorizationError),
        (401, b"<html>", AuthorizationError),
        (302, {}, PermanentError),
        (404, {}, PermanentError),
        (429, {}, RateLimited),
        (403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "ConcurrentRequests Limit exceeded."}], RateLimited),
        (503, [{"errorCode": "SERVER_UNAVAILABLE", "message": SECRET}], RetryableError),
        (500, b"<html>", RetryableError),
        (200, b"<html>", RetryableError),
        (200, {"access_token": "VerySecretToken"}, SchemaChanged),
        (200, {"access_token": 7, "instance_url": ORIGIN}, SchemaChanged),
        (200, {"access_token": "", "instance_url": ORIGIN}, SchemaChanged),
        (200, {"access_token": "two words", "instance_url": ORIGIN}, SchemaChanged),
        (200, {"access_token": "VerySecretToken", "instance_url": None}, SchemaChanged),
        (200, {"access_token": "VerySecretToken", "instance_url": "https://evil.test"}, ConfigurationError),
        (200, {"access_token": "VerySecretToken", "instance_url": "nowhere"}, ConfigurationError),
        (200, [], SchemaChanged),
    ],
)
def test_a_sign_in_that_fails_says_what_to_do(org, provider, status, body, expected):
    """Each answer becomes one of our errors, and none repeats a secret or warns by the SDK's own way."""
    org.refuse = lambda *_: (status, body)
    with pytest.raises(expected) as caught:
        provider().token()

    assert type(caught.value) is expected
    assert "VerySecret" not in caught.value.diagnostics()


def test_a_sign_in_that_repeats_what_it_was_signed_with_is_not_shown(org, provider):
    """Key and secret travel together as one word, which is as good as the secret."""
    word = base64.b64encode(f"key:{SECRET}".encode()).decode()
    org.refuse = lambda *_: (400, {"error": "invalid_client", "error_description": f"not known: {word}"})
    with pytest.raises(AuthorizationError) as caught:
        provider().token()

    assert word not in caught.value.diagnostics()


def test_nothing_is_minted_after_the_end(provider, timer):
    """A connector that was closed signs in no more."""
    timer.stop()
    with pytest.raises(RetryableError, match="closed"):
        provider().token()


def test_without_a_sign_in_the_use_is_refused():
    """What is missing is named."""
    with pytest.raises(ConfigurationError, match="no sign-in"):
        NoSignIn().token()
    NoSignIn().refused("x")


def test_nothing_secret_is_in_a_repr(provider):
    """Neither the provider nor the credentials show secret or token."""
    tokens = provider()
    assert SECRET not in repr(tokens) + repr(tokens._credentials)
    assert "VerySecret" not in json.dumps(repr(tokens))

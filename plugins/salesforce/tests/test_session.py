"""The session handed to simple-salesforce: where it may call, and what it raises."""

import pytest
import requests

from tallystick.errors import ConfigurationError, PermanentError, RetryableError
from tallystick_salesforce.session import GuardedSession, origin, sdk_origin

ORIGIN = "https://acme.my.salesforce.test"


@pytest.fixture
def session():
    """A session that calls the org under another name, and reads only."""
    made = GuardedSession(
        {"https://sdk.test": ORIGIN}, before=lambda headers: None, judge=lambda seen: None, methods=frozenset({"GET"})
    )
    yield made
    made.close()


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "https://evil.test/services/data/"),
        ("GET", "http://sdk.test/services/data/"),
        ("GET", "https://sdk.test:8443/services/data/"),
        ("GET", "https://user@evil.test/"),
        ("GET", ORIGIN + "/services/data/"),
        ("POST", "https://sdk.test/services/data/"),
        ("DELETE", "https://sdk.test/services/data/"),
    ],
)
def test_another_origin_or_a_write_is_refused(org, session, method, url):
    """Whatever the SDK makes of an address, nothing goes anywhere else."""
    with pytest.raises(ConfigurationError, match="another origin"):
        session.request(method, url)
    assert org.calls == []


def test_a_known_origin_is_led_to_the_configured_one(org, session):
    """Path and query stay; the answer is kept as it came, and no answer is printed prettily."""
    seen = []
    org.refuse = lambda method, path, params, body: seen.append((path, params)) or (200, {"a": 1})
    session.get("https://sdk.test/services/data/v68.0/query/", params={"q": "x y"})

    assert seen == [("/services/data/v68.0/query/", {"q": "x y"})]
    assert [(kept.status, kept.body) for kept in session.kept] == [(200, b'{"a": 1}')]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((302, {}, {"location": "https://evil.test/"}), PermanentError),
        ((200, b"<html>", {"content-type": "text/html"}), RetryableError),
        ((200, b'{"a":'), RetryableError),
        ((200, b'{"a":"\xff"}'), RetryableError),
    ],
)
def test_what_is_no_good_answer_is_raised_before_the_sdk_sees_it(org, session, answer, expected):
    """A redirect is not followed, and a gateway's page is tried again."""
    org.refuse = lambda *_: answer
    with pytest.raises(expected):
        session.get("https://sdk.test/services/data/")


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (requests.exceptions.SSLError("VerySecret"), PermanentError),
        (requests.exceptions.ConnectTimeout("VerySecret"), RetryableError),
        (requests.exceptions.ReadTimeout("VerySecret"), RetryableError),
        (requests.exceptions.ConnectionError("VerySecret"), RetryableError),
        (requests.exceptions.ChunkedEncodingError("VerySecret"), RetryableError),
        (requests.exceptions.ContentDecodingError("VerySecret"), RetryableError),
        (requests.exceptions.InvalidURL("VerySecret"), PermanentError),
    ],
)
def test_every_failure_of_requests_is_one_of_ours(session, monkeypatch, cause, expected):
    """Its own text is left out, because it may hold what a message must not."""

    def fail(*_, **__):
        raise cause

    monkeypatch.setattr(requests.Session, "send", fail)
    with pytest.raises(expected) as caught:
        session.get("https://sdk.test/services/data/")

    assert "VerySecret" not in str(caught.value)


def test_every_failure_of_requests_is_mapped(session, monkeypatch):
    """No class of the library's errors leaves unmapped, now or after an update."""
    kinds = [kind for kind in vars(requests.exceptions).values() if isinstance(kind, type)]
    for kind in kinds:
        if not issubclass(kind, requests.exceptions.RequestException) or "JSON" in kind.__name__:
            continue

        def fail(*_, cause=kind, **__):
            raise cause("x")

        monkeypatch.setattr(requests.Session, "send", fail)
        with pytest.raises((PermanentError, RetryableError)):
            session.get("https://sdk.test/services/data/")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.test", "https://a.test"),
        ("https://a.test:443/x", "https://a.test"),
        ("http://a.test:80", "http://a.test"),
        ("http://127.0.0.1:8080/x?y", "http://127.0.0.1:8080"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("https://a.test:99999", None),
        ("ftp://a.test", None),
        ("nowhere", None),
    ],
)
def test_an_origin_is_scheme_host_and_port(url, expected):
    """The usual port is left out; what has no origin has none."""
    assert origin(url) == expected


def test_the_sdk_calls_https_whatever_it_is_told():
    """Host and port stay, the scheme is forced."""
    assert sdk_origin("http://127.0.0.1:8080") == "https://127.0.0.1:8080"
